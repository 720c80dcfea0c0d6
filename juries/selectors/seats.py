"""Reads of seats: the bench, and the list of who was invited and what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Prefetch

from juries.models import Draw, Invitation, Jury, Seat


@dataclass(frozen=True)
class BenchMark:
    """One person on the bench, for `components/bench.html`."""

    state: str
    label: str


@dataclass(frozen=True)
class KeyRow:
    """What a mark means, and how many there are."""

    state: str
    label: str
    count: int


@dataclass(frozen=True)
class Bench:
    """The seats in order, the key, and both in words."""

    seats: tuple[BenchMark, ...]
    key: tuple[KeyRow, ...]
    summary: str
    size: str


FEW, MANY = 12, 80


def bench(seats: Iterable[Seat]) -> Bench:
    """The bench of some seats in their order."""
    marks = tuple(
        BenchMark(state=seat.state, label=f"Seat {seat.number}: {seat.get_state_display()}")
        for seat in seats
    )
    counts = {state: sum(1 for mark in marks if mark.state == state) for state in Seat.State.values}
    key = tuple(
        KeyRow(state=state, label=str(label), count=counts[state])
        for state, label in Seat.State.choices
        if counts[state]
    )
    words = ", ".join(f"{row.count} {row.label}" for row in key)
    return Bench(
        seats=marks,
        key=key,
        summary=f"{len(marks)} seats: {words}" if marks else "No seats",
        size="few" if len(marks) <= FEW else "many" if len(marks) > MANY else "",
    )


def bench_of_draw(*, draw: Draw) -> Bench:
    """Those whom a draw seated. Public: states of places, no person."""
    return bench(draw.seats.order_by("number", "id"))


def bench_of_jury(*, jury: Jury) -> Bench:
    """The jury as it sits: places held or vacant, without those that were filled again."""
    return bench(jury.seats.exclude(state=Seat.State.REPLACED).order_by("number", "id"))


def seats_with_invitations(*, jury: Jury) -> Sequence[Seat]:
    """All seats with the newest invitation first in `seat.latest`; three queries."""
    return list(
        jury.seats.select_related("juror__candidate__contact", "draw", "replaces")
        .prefetch_related(
            Prefetch(
                "invitations",
                queryset=Invitation.objects.order_by("-created_at", "-id"),
                to_attr="links",
            )
        )
        .order_by("number", "id")
    )
