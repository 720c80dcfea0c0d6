"""Reads of alternates: who was drawn as one, who stands ready, and how past seats ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from juries.domain.dropout import EstimatedRates, estimate_rates
from juries.models import Candidate, Draw, DrawChance, Jury, Pool, Seat, SeatingRule


@dataclass(frozen=True)
class Alternate:
    """Somebody who was drawn in advance; `state` is ready, seated, barred (by a rule) or gone."""

    candidate: Candidate
    state: str


@dataclass(frozen=True)
class Alternates:
    """The alternates that count: those of the newest draw of alternates since the jury was drawn.

    `coverage` is what the draw's simulation said, as it stands in its record.
    """

    draw: Draw
    people: tuple[Alternate, ...]
    coverage: dict[str, Any]

    @property
    def ready(self) -> int:
        """How many can still be asked."""
        return sum(1 for person in self.people if person.state == "ready")


def _current_draw(*, jury: Jury) -> Draw | None:
    newest = jury.draws.filter(purpose__in=(Draw.Purpose.JURY, Draw.Purpose.ALTERNATES)).order_by(
        "-finished_at", "-id"
    )
    draw = newest.first()
    return draw if draw is not None and draw.purpose == Draw.Purpose.ALTERNATES else None


def alternates_of(*, jury: Jury) -> Alternates | None:
    """The jury's alternates with what became of them; None where none were drawn. Four queries."""
    draw = _current_draw(jury=jury)
    if draw is None:
        return None
    drawn = (
        DrawChance.objects.filter(draw=draw, is_drawn=True)
        .select_related("candidate__contact")
        .order_by("candidate__public_id")
    )
    asked = set(jury.jurors.values_list("candidate_id", flat=True))
    barred = set(
        jury.seating_rules.filter(rule=SeatingRule.Rule.MUST_NOT_SIT).values_list(
            "candidate_id", flat=True
        )
    )
    people = tuple(
        Alternate(candidate=row.candidate, state=_state(row.candidate, asked, barred))
        for row in drawn
    )
    return Alternates(draw=draw, people=people, coverage=draw.record.get("coverage", {}))


def _state(candidate: Candidate, asked: set[int], barred: set[int]) -> str:
    if candidate.state != Candidate.State.ACTIVE:
        return "gone"
    if candidate.pk in asked:
        return "seated"
    return "barred" if candidate.pk in barred else "ready"


def ready_alternates(*, jury: Jury) -> tuple[str, ...]:
    """Public ids, in order, of alternates who can still take a seat."""
    found = alternates_of(jury=jury)
    if found is None:
        return ()
    return tuple(
        sorted(str(row.candidate.public_id) for row in found.people if row.state == "ready")
    )


def estimated_rates(*, pool: Pool) -> EstimatedRates | None:
    """Dropout rates from all seats of the pool's juries that were accepted or given up.

    None where there are none. Those who erased their traits count towards the overall rate alone.
    """
    seats: Sequence[Seat] = list(
        Seat.objects.filter(jury__pool=pool)
        .exclude(state__in=(Seat.State.DRAWN, Seat.State.INVITED))
        .select_related("juror")
        .prefetch_related("juror__candidate__traits__feature_value__feature")
        .order_by("id")
    )
    return estimate_rates(
        past=[
            (
                [
                    (trait.feature_value.feature.name, trait.feature_value.value)
                    for trait in seat.juror.candidate.traits.all()
                ],
                seat.state != Seat.State.ACCEPTED,
            )
            for seat in seats
        ]
    )
