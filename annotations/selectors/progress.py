"""Who sits on a study's jury and how far each is."""

from collections.abc import Sequence
from dataclasses import dataclass

from annotations.models import ItemPick, Participation, Study
from annotations.ports import item_ordering
from annotations.selectors.ratings import juror_traits
from juries.models import Quota, Seat

FINISHED = "finished"
WORKING = "at work"
NOT_STARTED = "not started"
GONE = "declined or withdrew"
STAGES = (FINISHED, WORKING, NOT_STARTED, GONE)


def order_in_words(*, study: Study) -> str:
    """Which order jurors get their queries in, where the study asks for one by gain; else empty."""
    if study.next_item != Study.NextItem.GAIN:
        return ""
    reason = item_ordering().why_not(study=study)
    if reason:
        return f"Queries come in a random order for now. {reason}"
    picks = ItemPick.objects.filter(assignment__participation__study=study)
    return (
        f"Queries come by what they teach about a juror per minute of her time: {picks.count()} "
        f"picked so, {picks.filter(is_explored=True).count()} of them at random. The chance of "
        "each stands in the export."
    )


@dataclass(frozen=True)
class SeatProgress:
    """One place of the jury.

    Attributes:
        number: of the seat.
        seat_state: as in `juries.models.Seat.State`.
        stage: one of `STAGES`.
        completed: queries that she has finished.
        traits: her feature values, by feature.
    """

    number: int
    juror_id: int
    juror_public_id: str
    seat_state: str
    stage: str
    completed: int
    traits: dict[str, str]


@dataclass(frozen=True)
class Stratum:
    """Those of a jury who share a feature value, against its quota.

    Attributes:
        minimum: of the quota, None where there is none; likewise `maximum`.
        seats: of its jurors, in order of their numbers.
    """

    feature: str
    value: str
    minimum: int | None
    maximum: int | None
    seats: tuple[SeatProgress, ...]

    def count(self, stage: str) -> int:
        """How many are at a stage."""
        return sum(seat.stage == stage for seat in self.seats)

    @property
    def sitting(self) -> int:
        """How many hold a seat."""
        return len(self.seats) - self.count(GONE)


def seats_with_progress(*, study: Study) -> tuple[SeatProgress, ...]:
    """Every seat of the study's jury, by number; those who left stand beside who replaced them."""
    seats = list(
        Seat.objects.filter(jury=study.jury).select_related("juror").order_by("number", "id")
    )
    traits = juror_traits(juror_ids=[seat.juror_id for seat in seats])
    participations = {
        participation.juror_id: participation
        for participation in Participation.objects.filter(study=study)
    }
    return tuple(
        SeatProgress(
            number=seat.number,
            juror_id=seat.juror_id,
            juror_public_id=str(seat.juror.public_id),
            seat_state=seat.state,
            stage=_stage(seat, participations.get(seat.juror_id)),
            completed=(
                participations[seat.juror_id].completed_count
                if seat.juror_id in participations
                else 0
            ),
            traits={feature: values[index] for feature, values in traits.items()},
        )
        for index, seat in enumerate(seats)
    )


def _stage(seat: Seat, participation: Participation | None) -> str:
    if seat.state not in Seat.SITTING:
        return GONE
    if participation is None:
        return NOT_STARTED
    if participation.state in (Participation.State.REFUSED, Participation.State.WITHDRAWN):
        return GONE
    if participation.state == Participation.State.FINISHED:
        return FINISHED
    return WORKING if participation.completed_count else NOT_STARTED


def strata(*, study: Study, seats: Sequence[SeatProgress]) -> tuple[Stratum, ...]:
    """The jury by feature value, with the quotas on single values, in the pool's order."""
    if study.jury is None:
        return ()
    quotas = _single_quotas(study.jury_id or 0)
    return tuple(
        Stratum(
            feature=feature.name,
            value=value.value,
            minimum=quotas.get(value.pk, (None, None))[0],
            maximum=quotas.get(value.pk, (None, None))[1],
            seats=tuple(seat for seat in seats if seat.traits.get(feature.name) == value.value),
        )
        for feature in study.jury.pool.features.prefetch_related("values")
        for value in feature.values.all()
    )


def _single_quotas(jury_id: int) -> dict[int, tuple[int | None, int | None]]:
    found: dict[int, tuple[int | None, int | None]] = {}
    for quota in Quota.objects.filter(jury_id=jury_id).prefetch_related("feature_values"):
        values = list(quota.feature_values.all())
        if len(values) == 1:
            found[values[0].pk] = (quota.minimum, quota.maximum)
    return found
