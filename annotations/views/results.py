"""A study's results page, and the downloads of its figures."""

import uuid
from math import ceil

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotations.models import ResultsSnapshot, Study
from annotations.permissions import can_edit_study
from annotations.ports import (
    Figure,
    MarkedText,
    SectionContent,
    ShownPassage,
    Table,
    results_sections,
)
from annotations.selectors.results import results_page, section_from_json
from annotations.services.results import request_results
from annotations.views.figure_files import figure_file, shown_figure, shown_table
from annotations.views.guards import editable_study, signed_in, viewable_study
from juries.services.runs import worker_answers
from juries.tasks import enqueue_run

# Strengths of the shading of what jurors marked.
LEVELS = 4


@login_required
@require_safe
def results(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The newest results, section by section; with none yet, the way to compute them."""
    study = viewable_study(request, public_id)
    page = results_page(study=study)
    sections = []
    if page.snapshot is not None:
        for key, section in results_sections().items():
            if key in page.snapshot.content:
                content = section_from_json(page.snapshot.content[key])
                sections.append(_shown(study, page.snapshot, key, section.title, content))
    return render(
        request,
        "annotations/results/page.html",
        {
            "study": study,
            "tab": "study-results",
            "page": page,
            "sections": sections,
            "can_edit": can_edit_study(signed_in(request), study),
            "worker_answers": worker_answers(now=timezone.now()),
        },
    )


@login_required
@require_POST
def compute(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Ask for the results to be computed anew."""
    study = editable_study(request, public_id)
    pending = results_page(study=study).pending
    if pending is None:
        run = request_results(study=study, requested_by=signed_in(request))
        enqueue_run(run=run)
        messages.success(request, "The results are being computed; this page will show them.")
    return redirect("study-results", public_id=study.public_id)


@login_required
@require_safe
def download(
    request: HttpRequest, public_id: uuid.UUID, section: str, figure: str, form: str
) -> HttpResponse:
    """A figure of the newest results as SVG, or its numbers as CSV or JSON."""
    study = viewable_study(request, public_id)
    snapshot = results_page(study=study).snapshot
    if snapshot is None or section not in snapshot.content:
        raise Http404("These results have not been computed.")
    content = section_from_json(snapshot.content[section])
    found = next((item for item in content.figures if item.key == figure), None)
    table = found.table if found else dict(_keyed_tables(content)).get(figure)
    return figure_file(
        study=study,
        run_id=str(snapshot.run.public_id),
        name=f"{study.slug}-{section}-{figure}",
        form=form,
        figure=found,
        table=table,
    )


def _keyed_tables(content: SectionContent) -> list[tuple[str, Table]]:
    return [(f"table-{index}", table) for index, (_, table) in enumerate(content.tables)]


def _shown(
    study: Study, snapshot: ResultsSnapshot, key: str, title: str, content: SectionContent
) -> dict[str, object]:
    """A section as the template and the figure component take it."""
    return {
        "key": key,
        "title": title,
        "summary": content.summary,
        "notices": content.notices,
        "empty_reason": content.empty_reason,
        "texts": [_shown_text(text) for text in content.texts],
        "figures": [_shown_figure(study, snapshot, key, figure) for figure in content.figures],
        "tables": [
            {
                "title": heading,
                "table": shown_table(table),
                "downloads": _downloads(study, key, f"table-{index}", ("csv", "json")),
            }
            for index, (heading, table) in enumerate(content.tables)
        ],
    }


def _shown_text(text: MarkedText) -> dict[str, object]:
    """A text with its marks; how strongly a passage is shaded goes by the share of the jurors."""
    rows = [
        (one.words.strip(), one.spoke_for, one.spoke_against)
        for one in text.passages
        if one.spoke_for or one.spoke_against
    ]
    columns = ("words", "spoke for it", "spoke against it")
    return {
        "text": text,
        "passages": [(one, _lean(one), _level(one, text.jurors)) for one in text.passages],
        "table": shown_table(Table(columns, tuple(rows), numeric=frozenset((1, 2)))),
    }


def _lean(passage: ShownPassage) -> str:
    """Which mark more jurors gave: "for", "against", "both" where as many, or "" for none."""
    if passage.spoke_for == passage.spoke_against:
        return "both" if passage.spoke_for else ""
    return "for" if passage.spoke_for > passage.spoke_against else "against"


def _level(passage: ShownPassage, jurors: int) -> int:
    """From 1 (few of the jurors marked it) to `LEVELS` (all of them did)."""
    return ceil(LEVELS * max(passage.spoke_for, passage.spoke_against) / max(jurors, 1))


def _shown_figure(
    study: Study, snapshot: ResultsSnapshot, section: str, figure: Figure
) -> dict[str, object]:
    return shown_figure(
        study=study,
        figure=figure,
        identifier=f"{section}-{figure.key}",
        run_id=figure.run_id or str(snapshot.run.public_id),
        downloads=_downloads(study, section, figure.key, ("svg", "csv", "json")),
    )


def _downloads(
    study: Study, section: str, figure: str, forms: tuple[str, ...]
) -> list[dict[str, str]]:
    return [
        {
            "url": reverse("study-results-download", args=[study.public_id, section, figure, form]),
            "label": form.upper(),
        }
        for form in forms
    ]
