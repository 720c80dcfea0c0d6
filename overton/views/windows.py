"""A study's windows, query by query, and their snapshots."""

import json
import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from annotations.models import Query
from annotations.permissions import can_edit_study
from annotations.views.figure_files import shown_table
from annotations.views.guards import editable_study, signed_in, viewable_study
from juries.tasks import enqueue_run
from overton.figures.drawn import Drawn
from overton.forms import GroupsForm
from overton.models import WindowSnapshot
from overton.sections.windows import (
    bench_figure,
    features_with_groups,
    group_table,
    places_figure,
    rule_in_words,
    window_figure,
)
from overton.selectors.windows import (
    QueryWindow,
    StudyWindows,
    declared_rule,
    is_quick,
    newest_snapshots,
    study_windows,
    window_list,
)
from overton.services.windows import request_snapshot, take_snapshot
from overton.views.files import drawn_file, shown_drawn

FIGURES = ("places", "answers", "bench")


@login_required
@require_safe
def windows(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Every query with its answers' verdicts counted, and the snapshots."""
    study = viewable_study(request, public_id)
    rule = declared_rule(study=study)
    return render(
        request,
        "overton/windows.html",
        {
            "study": study,
            "tab": "study-windows",
            "rows": window_list(study=study),
            "rule": rule_in_words(rule),
            "is_default": rule.is_default,
            "snapshots": newest_snapshots(study=study),
            "can_edit": can_edit_study(request.user, study),
        },
    )


@login_required
@require_safe
def window(request: HttpRequest, public_id: uuid.UUID, query_id: uuid.UUID) -> HttpResponse:
    """One query's window in depth."""
    study = viewable_study(request, public_id)
    query = get_object_or_404(Query.objects.asked(), study=study, public_id=query_id)
    found = study_windows(study=study, query=query)
    item = found.windows[0] if found.windows else None
    form = GroupsForm(request.GET or None, features=features_with_groups(found))
    feature = form.cleaned_data["by"] if form.is_valid() else ""
    figures, answers = [], []
    if item is not None and found.judged:
        figures = [
            shown_drawn(
                study=study,
                drawn=_drawn(found, item, feature, key),
                address=("study-window-download", (study.public_id, query.public_id)),
                query=urlencode({"by": feature}) if feature and key == "places" else "",
            )
            for key in FIGURES
        ]
        answers = [
            (number, answer, verdict, shown_table(group_table(verdict=verdict)))
            for number, (answer, verdict) in enumerate(item.ranked(), start=1)
        ]
    return render(
        request,
        "overton/window.html",
        {
            "study": study,
            "tab": "study-windows",
            "query": query,
            "item": item,
            "form": form,
            "figures": figures,
            "answers": answers,
            "excluded": [answer for answer in item.answers if answer.exclusion] if item else [],
            "responses": query.responses.select_related("source").order_by("source__name", "pk"),
            "rule": rule_in_words(found.rule),
            "snapshots": newest_snapshots(study=study),
            "can_edit": can_edit_study(request.user, study),
        },
    )


@login_required
@require_safe
def download(
    request: HttpRequest, public_id: uuid.UUID, query_id: uuid.UUID, figure: str, form: str
) -> HttpResponse:
    """A figure of a query's window as SVG or PNG, or its numbers as CSV or JSON."""
    study = viewable_study(request, public_id)
    query = get_object_or_404(Query.objects.asked(), study=study, public_id=query_id)
    found = study_windows(study=study, query=query)
    asked = GroupsForm(request.GET or None, features=features_with_groups(found))
    if asked.is_bound and not asked.is_valid():
        raise Http404("The rule of this study names no such groups.")
    if figure not in FIGURES or not found.judged:
        raise Http404("Nobody has judged the answers of this query, so there is no such figure.")
    feature = asked.cleaned_data["by"] if asked.is_bound else ""
    return drawn_file(
        study=study,
        drawn=_drawn(found, found.windows[0], feature, figure),
        name=f"{study.slug}-window-{slugify(query.external_id) or query.pk}-{figure}",
        form=form,
    )


def _drawn(found: StudyWindows, item: QueryWindow, feature: str, key: str) -> Drawn:
    if key == "places":
        return places_figure(found=found, item=item, feature=feature)
    if key == "bench":
        return bench_figure(found=found, item=item)
    title = "How acceptable is each answer, and who holds it?"
    return window_figure(found=found, item=item, key="answers", title=title)


@login_required
@require_POST
def snapshot(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Keep the windows as they are now."""
    study = editable_study(request, public_id)
    if not is_quick(study=study):
        run = request_snapshot(study=study, requested_by=signed_in(request))
        enqueue_run(run=run)
        return redirect("run", public_id=run.public_id)
    before = WindowSnapshot.objects.filter(study=study).count()
    taken = take_snapshot(study=study, actor=signed_in(request))
    if WindowSnapshot.objects.filter(study=study).count() > before:
        messages.success(
            request, f"The windows were kept as they are now ({taken.created_at:%H:%M} UTC)."
        )
    else:
        messages.info(request, "Nothing has changed since the last snapshot; it still holds.")
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return redirect(target)
    return redirect("study-windows", public_id=study.public_id)


@login_required
@require_safe
def snapshot_file(
    request: HttpRequest, public_id: uuid.UUID, snapshot_id: uuid.UUID
) -> HttpResponse:
    """A snapshot as JSON: rule, jury, digest, and every answer's verdict."""
    study = viewable_study(request, public_id)
    kept = WindowSnapshot.objects.filter(study=study, public_id=snapshot_id).first()
    if kept is None:
        raise Http404("This study has no such snapshot.")
    body = {
        "snapshot": str(kept.public_id),
        "study": str(study.public_id),
        "taken_at": kept.created_at.isoformat(),
        "stale_since": None if kept.stale_since is None else kept.stale_since.isoformat(),
        "software": f"venire {kept.software_version}",
        "input_digest": kept.input_digest,
        "rule": kept.rule,
        "result": kept.result,
    }
    return HttpResponse(
        json.dumps(body, indent=1, ensure_ascii=False),
        content_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="{study.slug}-windows-{kept.pk}.json"'
        },
    )
