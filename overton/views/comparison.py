"""A study's sources beside each other: how much of the windows each expresses, and for whom."""

import uuid
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from annotations.models import Criterion, Study
from annotations.permissions import can_edit_study
from annotations.views.guards import signed_in, viewable_study
from overton.figures.comparison import (
    LESS_IS_BETTER,
    MEASURE_MEANS,
    MEASURE_NAMES,
    differences_figure,
    groups_figure,
    in_order,
    pairs_table,
    represented_figure,
    sources_table,
    strips_figure,
)
from overton.figures.drawn import Drawn
from overton.forms import PEOPLE_ALONE, ComparisonForm
from overton.selectors.comparison import compare_sources, group_leads
from overton.selectors.coverage import StudyCoverage, study_coverage
from overton.selectors.readings import current_reading
from overton.selectors.represented import study_representation
from overton.selectors.sources import study_sources
from overton.selectors.windows import is_quick
from overton.views.files import downloads, drawn_file, shown_drawn, table_file

FIGURES = ("sources", "differences", "groups", "represented")
TABLES = ("table", "pairs")


@dataclass(frozen=True)
class Chosen:
    """What somebody looks at.

    Attributes:
        measure: which the sources are compared by.
        people_alone: whether a model's readings are left out.
        criterion: whose ratings say who is represented; None for none.
    """

    measure: str
    people_alone: bool
    criterion: Criterion | None

    @property
    def query(self) -> dict[str, str]:
        """As an address carries it."""
        query = {"measure": self.measure}
        if self.people_alone:
            query["readers"] = PEOPLE_ALONE
        if self.criterion is not None:
            query["criterion"] = self.criterion.key
        return query


@login_required
@require_safe
def comparison(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Sources by every measure, in the order of one of them."""
    study = viewable_study(request, public_id)
    context = {
        "study": study,
        "tab": "study-coverage",
        "can_edit": can_edit_study(signed_in(request), study),
    }
    if not is_quick(study=study):
        return render(request, "overton/comparison.html", {**context, "is_large": True})
    form = ComparisonForm(request.GET or None, criteria=list(study.criteria.all()))
    chosen = _chosen(study, form)
    found = _coverage(study, chosen)
    why_empty = _why_empty(found)
    if why_empty:
        return render(request, "overton/comparison.html", {**context, "why_empty": why_empty})
    key_of = {own.name: own.pk for own in study_sources(study=study)}
    address = ("study-coverage-download", (study.public_id,))
    query = urlencode(chosen.query)
    leads = group_leads(study=study, found=found)
    context |= {
        "form": form,
        "chosen": chosen,
        "measures": [
            (
                urlencode(chosen.query | {"measure": name}),
                name,
                words,
                MEASURE_MEANS[name],
                name in LESS_IS_BETTER,
            )
            for name, words in MEASURE_NAMES.items()
        ],
        "rows": [
            (
                key_of[own.source],
                own,
                [own.measures[name] for name in MEASURE_NAMES],
            )
            for own in in_order(found, chosen.measure)
        ],
        "pair_files": downloads(address=address, key="pairs", query=query, forms=("csv", "json")),
        "files": downloads(address=address, key="table", query=query, forms=("csv", "json")),
        "figures": [
            shown_drawn(study=study, drawn=drawn, address=address, query=query)
            for key in FIGURES
            if key != "represented" and (drawn := _drawn(study, found, chosen, key)) is not None
        ],
        "represented": [
            shown_drawn(study=study, drawn=drawn, address=address, query=query)
            for drawn in [_drawn(study, found, chosen, "represented")]
            if drawn is not None
        ],
        "leads": leads,
        "found": found,
        "open": len(found.labels.pairs) - found.by_people - found.by_judge,
        "reading": current_reading(study=study),
    }
    return render(request, "overton/comparison.html", context)


@login_required
@require_safe
def download(request: HttpRequest, public_id: uuid.UUID, figure: str, form: str) -> HttpResponse:
    """A figure of the comparison as SVG or PNG, or its numbers as CSV or JSON."""
    study = viewable_study(request, public_id)
    asked = ComparisonForm(request.GET or None, criteria=list(study.criteria.all()))
    if asked.is_bound and not asked.is_valid():
        raise Http404("There is no such measure or criterion.")
    if figure not in (*FIGURES, *TABLES) or not is_quick(study=study):
        raise Http404("There is no such figure.")
    chosen = _chosen(study, asked)
    found = _coverage(study, chosen)
    if _why_empty(found):
        raise Http404("Nothing has been read in the responses of this study yet.")
    name = f"{study.slug}-coverage-{figure}"
    if figure in TABLES:
        table = sources_table(found, chosen.measure) if figure == "table" else pairs_table(found)
        return table_file(study=study, table=table, name=name, form=form)
    drawn = _drawn(study, found, chosen, figure)
    if drawn is None:
        raise Http404("This study has no such figure: there is nothing to compare.")
    return drawn_file(study=study, drawn=drawn, name=name, form=form)


def _chosen(study: Study, form: ComparisonForm) -> Chosen:
    """What the address asks for; what it leaves out, or gets wrong, is as usual."""
    given = form.cleaned_data if form.is_bound and form.is_valid() else {}
    return Chosen(
        measure=given.get("measure") or "coverage",
        people_alone=given.get("readers") == PEOPLE_ALONE,
        criterion=study.criteria.filter(key=given.get("criterion") or None).first(),
    )


def _coverage(study: Study, chosen: Chosen) -> StudyCoverage:
    reading = None if chosen.people_alone else current_reading(study=study)
    return study_coverage(study=study, reading=reading)


def _drawn(study: Study, found: StudyCoverage, chosen: Chosen, key: str) -> Drawn | None:
    """A figure by its key; None where the study has nothing to show in it."""
    if key == "sources":
        return strips_figure(found, chosen.measure)
    if key == "differences":
        compared = compare_sources(study=study, found=found, measure=chosen.measure)
        if not compared.pairs:
            return None
        return differences_figure(compared, is_predicted=found.by_judge > 0)
    if key == "represented":
        if chosen.criterion is None:
            return None
        return represented_figure(
            study_representation(study=study, windows=found.windows, criterion=chosen.criterion)
        )
    if not found.sources[0].by_group:
        return None
    return groups_figure(found, group_leads(study=study, found=found))


def _why_empty(found: StudyCoverage) -> str:
    """What is missing before sources can be compared; "" for nothing."""
    if not found.windows.windows:
        return (
            "No query has answers yet. Write the distinct positions in the admin, or accept what "
            "jurors proposed, and let the jury judge them."
        )
    if not found.labels.responses:
        return "The study has no responses. Import them first."
    if not any(item.window.reasonable.any() for item in found.windows.windows):
        return (
            "No answer is in a window yet: by the rule, the jury's verdicts leave all of them "
            "undecided. More verdicts are needed."
        )
    if not any(
        own.coverage.coverage.is_defined or own.coverage.accuracy.is_defined
        for own in found.responses
    ):
        return (
            "Nobody has read the responses against the answers. Label pairs yourself, put the "
            "labelling step to the jury, or let a model read them."
        )
    return ""
