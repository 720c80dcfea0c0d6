"""A draw, for researchers and, once it is published, for everybody."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from juries.domain.lottery import SELECTION_METHODS
from juries.figures import chance_strip
from juries.models import Draw, User
from juries.permissions import can_manage_juries
from juries.selectors.draws import (
    Chances,
    canonical_json,
    chances_of,
    composition,
    seated_by,
    settled_by,
)
from juries.selectors.records import records_of
from juries.selectors.seats import bench_of_draw
from juries.services import draws
from juries.views.access import open_to
from juries.views.ceremony import ceremony_context

VERIFIERS = {
    Draw.Mode.RECORD: settings.BASE_DIR / "docs" / "verify_draw.py",
    Draw.Mode.SEED: settings.BASE_DIR / "docs" / "verify_seeded_draw.py",
}


@require_safe
def draw_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What was drawn, from whom, with which chances; nobody is named."""
    draw = _load(request, public_id)
    records = list(records_of(jury=draw.jury))
    rows = composition(
        jury=draw.jury, candidate_ids=seated_by(draw=draw), quotas=draw.record.get("quotas", [])
    )
    return render(
        request,
        "juries/draw.html",
        {
            "draw": draw,
            "pool": draw.jury.pool,
            "is_researcher": can_manage_juries(request.user),
            "is_public_draw": draw.mode == Draw.Mode.RECORD,
            "method": SELECTION_METHODS.get(draw.method),
            "panels": len(draw.numbered.get("panels", [])),
            "records": records,
            **ceremony_context(draw=draw, records=records),
            "composition": rows,
            "scale": max([1, *(max(row.count, row.maximum) for row in rows)]),
            "bench": bench_of_draw(draw=draw),
            "figure": _figure(draw, chances_of(draw=draw)),
        },
    )


@require_safe
def draw_record(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The record, in the bytes that its digest was taken of."""
    draw = _load(request, public_id)
    return HttpResponse(
        canonical_json(draw.record),
        headers={
            "Content-Type": "application/json",
            "Content-Disposition": f'attachment; filename="draw-{draw.public_id}.json"',
        },
    )


@require_safe
def verifier(_: HttpRequest, mode: str) -> FileResponse:
    """The short script that checks a record with nothing but the standard library."""
    script = VERIFIERS[Draw.Mode(mode)]
    return FileResponse(
        script.open("rb"),
        as_attachment=True,
        filename=script.name,
        content_type="text/x-python",
    )


@open_to(can_manage_juries)
@require_POST
def draw_publish(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show a draw to the public."""
    draw = get_object_or_404(Draw, public_id=public_id)
    actor = request.user if isinstance(request.user, User) else None
    try:
        draws.publish_draw(draw=draw, actor=actor)
    except draws.DrawRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The draw is public now, at the address of this page.")
    return redirect("draw", public_id=public_id)


def _load(request: HttpRequest, public_id: UUID) -> Draw:
    draw = get_object_or_404(Draw.objects.select_related("jury__pool", "run"), public_id=public_id)
    if draw.published_at is None and not can_manage_juries(request.user):
        raise Http404
    return draw


def _finding(draw: Draw, chances: Chances) -> str:
    """How equal the chances are; those whose part was settled beforehand are told apart."""
    had = "had" if draw.finished_at else "has"
    settled = settled_by(draw=draw)
    parts = []
    if settled.must_sit:
        sit = "is" if settled.must_sit == 1 else "are"
        parts.append(
            f"{settled.must_sit} of {chances.candidates} candidates {sit} on every panel, which "
            "was settled beforehand."
        )
    if settled.must_not_sit:
        parts.append(
            f"{settled.must_not_sit} of {chances.candidates} candidates had to sit out, which was "
            "settled beforehand."
        )
    unfit = chances.without - settled.must_not_sit
    if unfit > 0:
        parts.append(
            f"{unfit} of {chances.candidates} candidates fit into no panel under these quotas and "
            "have no chance."
        )
    drawn = chances.possible_beside(settled.must_sit)
    if drawn:
        low, high = drawn[0].probability, drawn[-1].probability
        parts.append(
            f"Everybody {'else ' if parts else ''}{had} a chance between {low:.1%} and {high:.1%}; "
            f"the average is {chances.average:.1%}."
        )
    return " ".join(parts)


def _figure(draw: Draw, chances: Chances | None) -> dict[str, Any] | None:
    if chances is None:
        return None
    svg, people_a_dot = chance_strip(chances)
    one_dot = (
        "One dot is one candidate."
        if people_a_dot == 1
        else (f"One dot is up to {people_a_dot} candidates.")
    )
    were = "were" if draw.finished_at else "are"
    return {
        "id": "chances",
        "title": f"How equal {were} the chances?",
        "finding": _finding(draw, chances),
        "svg": svg,
        "bare": True,
        "n": f"{chances.candidates} candidates",
        "note": f"{one_dot} The upright line is the average, size over candidates.",
        "simulated": draw.jury.pool.is_simulated,
        "table": {
            "columns": ("Chance", "Candidates", "Of them drawn"),
            "rows": [
                (f"{step.probability:.4%}", step.candidates, step.drawn) for step in chances.steps
            ],
        },
    }
