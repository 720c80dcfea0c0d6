"""Giving seats to those who were drawn; for services inside their transactions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils import timezone

from juries.models import Candidate, Draw, DrawChance, Juror, Jury, Run, Seat
from juries.selectors.draws import digest_of
from juries.selectors.newcomers import came_by_themselves

ROWS_AT_A_TIME = 2000


def reason_against_seats(*, jury: Jury) -> str:
    """Why the seats of this jury can't be given anew; empty where they can."""
    moved = jury.seats.exclude(state=Seat.State.DRAWN).order_by("number").first()
    invited = jury.seats.filter(invitations__isnull=False).order_by("number").first()
    taken = moved or invited
    if taken is None:
        return ""
    if came_by_themselves(jury=jury):
        return (
            "The people of this jury came by themselves; nobody was drawn. Those who are drawn "
            "can't sit among them; set up another jury."
        )
    return (
        f"The jury was drawn and seat {taken.number} has been invited. Whoever was told that "
        "she sits would lose her seat in a new draw; draw replacements for vacant seats, or "
        "set up another jury."
    )


def candidate_keys(*, jury: Jury) -> dict[str, int]:
    """Primary keys of those who can be drawn, by public id."""
    rows = jury.pool.candidates.drawable().values_list("pk", "public_id")
    return {str(public_id): pk for pk, public_id in rows}


def keep_draw(
    *,
    run: Run,
    jury: Jury,
    purpose: str,
    record: Mapping[str, Any],
    chances: Mapping[str, float],
    chosen: Collection[str],
) -> Draw:
    """A finished draw with a seed and everybody's chance; for services inside their transaction.

    Args:
        run: which found the lottery; it names the draw's id and the seed.
        jury: whose people are drawn.
        purpose: one of `Draw.Purpose`.
        record: as `lotteries.make_record` gives it.
        chances: by public id; people who can be drawn.
        chosen: public ids of those drawn.
    """
    draw = Draw.objects.create(
        public_id=run.parameters["draw"],
        jury=jury,
        run=run,
        purpose=purpose,
        method=record["method"],
        seed=run.seed,
        size=len(chosen),
        smallest_chance=record["smallest_chance"],
        lower_bound=record["lower_bound"],
        upper_bound=record["upper_bound"],
        gap=record["gap"],
        record=record,
        record_digest=digest_of(record),
        finished_at=timezone.now(),
    )
    keys = candidate_keys(jury=jury)
    DrawChance.objects.bulk_create(
        [
            DrawChance(
                draw=draw,
                candidate_id=keys[candidate_id],
                probability=min(1.0, max(0.0, chance)),
                is_drawn=candidate_id in chosen,
            )
            for candidate_id, chance in chances.items()
        ],
        batch_size=ROWS_AT_A_TIME,
    )
    return draw


def seat_panel(*, draw: Draw, candidate_ids: Sequence[str]) -> None:
    """Give the seats of a jury to those drawn, in order; for services inside their transaction.

    Seats of an earlier draw are taken back; the caller has made sure that nobody was invited.
    """
    jury = draw.jury
    jury.seats.all().delete()
    jury.jurors.all().delete()
    keys = candidate_keys(jury=jury)
    for number, candidate_id in enumerate(candidate_ids, start=1):
        seat_candidate(jury=jury, draw=draw, candidate_id=keys[candidate_id], number=number)
    draw.chances.filter(candidate__public_id__in=candidate_ids).update(is_drawn=True)
    draw.finished_at = timezone.now()
    draw.save(update_fields=["finished_at"])


def seat_candidate(
    *, jury: Jury, draw: Draw, candidate_id: int, number: int, replaces: Seat | None = None
) -> Seat:
    """Make a juror of a candidate and give her a place; for services inside their transaction."""
    candidate = Candidate.objects.select_related("pool").get(pk=candidate_id)
    juror = Juror.objects.create(
        jury=jury, candidate=candidate, is_simulated=candidate.pool.is_simulated
    )
    return Seat.objects.create(jury=jury, juror=juror, draw=draw, number=number, replaces=replaces)
