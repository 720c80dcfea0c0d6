"""Objectives side by side, for researchers."""

import csv
import io
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from juries.figures import sorted_chances
from juries.models import ObjectiveComparison
from juries.permissions import can_manage_juries
from juries.selectors.comparisons import (
    MethodRow,
    chances_table,
    method_rows,
    percent,
    summary_table,
)
from juries.selectors.draws import draw_inputs
from juries.views.access import open_to


@open_to(can_manage_juries)
@require_safe
def comparison_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What each objective would give this pool."""
    comparison = _load(public_id)
    rows = method_rows(comparison=comparison)
    return render(
        request,
        "juries/comparison.html",
        {
            "comparison": comparison,
            "jury": comparison.jury,
            "rows": rows,
            "average_in_words": percent(
                comparison.content["size"] / comparison.content["candidates"]
            ),
            "cannot_sit": max((row.cannot_sit for row in rows), default=0),
            "figure": _figure(comparison, rows),
            "is_old": draw_inputs(jury=comparison.jury).digest != comparison.input_digest,
        },
    )


@open_to(can_manage_juries)
@require_safe
def comparison_summary(_: HttpRequest, public_id: UUID) -> HttpResponse:
    """The statistics as CSV."""
    comparison = _load(public_id)
    return _csv(
        f"objectives-{public_id}.csv", summary_table(rows=method_rows(comparison=comparison))
    )


@open_to(can_manage_juries)
@require_safe
def comparison_chances(_: HttpRequest, public_id: UUID) -> HttpResponse:
    """Everybody's chance in order, as CSV; nobody is named."""
    rows = method_rows(comparison=_load(public_id))
    return _csv(f"chances-{public_id}.csv", chances_table(rows=rows))


def _load(public_id: UUID) -> ObjectiveComparison:
    return get_object_or_404(
        ObjectiveComparison.objects.select_related("jury__pool", "run"), public_id=public_id
    )


def _csv(name: str, rows: Sequence[Sequence[object]]) -> HttpResponse:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return HttpResponse(
        text.getvalue(),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


def _figure(comparison: ObjectiveComparison, rows: Sequence[MethodRow]) -> dict[str, Any] | None:
    if not any(row.chances for row in rows):
        return None
    content = comparison.content
    table = chances_table(rows=rows)
    tenths = sorted({round(tenth * (len(table) - 2) / 10) for tenth in range(11)})
    return {
        "id": "sorted-chances",
        "title": "How would the chances be spread?",
        "svg": sorted_chances(rows, average=content["size"] / content["candidates"]),
        "bare": True,
        "n": f"{content['candidates']} candidates for {content['size']} seats",
        "note": "A flat line is an even draw. The dashed line is the average, seats over "
        "candidates. The table shows every tenth part of the candidates; the file has all.",
        "simulated": comparison.jury.pool.is_simulated,
        "table": {
            "columns": ("Place", *(row.label for row in rows if row.chances)),
            "rows": [
                (table[place + 1][0], *(f"{chance:.3%}" for chance in table[place + 1][1:]))
                for place in tenths
            ],
        },
    }
