"""Seats for people who come by themselves, on a jury for which nobody is drawn by lot.

A jury is filled by lot or by whoever comes, never by both: a lottery says of everybody how likely
she was to sit, and a self-selected juror among the drawn would make that untrue.
"""

from collections.abc import Collection, Mapping

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from juries.models import (
    Candidate,
    CandidateTrait,
    FeatureValue,
    Juror,
    Jury,
    Pool,
    Seat,
)
from juries.selectors.newcomers import why_by_lot_only
from juries.services.audit import record_act


class NoSeatForNewcomers(Exception):
    """Nobody can be seated on this jury without a draw; the message says why."""


class JuryFull(Exception):
    """Every place of the jury is held."""


@transaction.atomic
def register_newcomer(*, pool: Pool, external_id: str) -> Candidate:
    """The candidate of this id in the pool, made on the first call.

    She has agreed to a study, not to be drawn: she stays out of every draw from the pool.

    Args:
        pool: of the jury that she is to sit on.
        external_id: what she is called elsewhere; stands in no export and goes when she withdraws.
    """
    known = Candidate.objects.filter(pool=pool, external_id=external_id).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return Candidate.objects.create(
                pool=pool,
                external_id=external_id,
                origin=Candidate.Origin.WAY_IN,
                state=Candidate.State.UNDRAWN,
            )
    except IntegrityError:
        # Two of her tabs at once; the other one was quicker.
        return Candidate.objects.get(pool=pool, external_id=external_id)


def lock_jury(*, jury_id: int) -> Jury:
    """The jury, locked: newcomers to it queue here. Inside a transaction."""
    return Jury.objects.select_for_update(of=("self",)).select_related("pool").get(pk=jury_id)


@transaction.atomic
def seat_newcomer(
    *,
    jury: Jury,
    candidate: Candidate,
    giving_way: Collection[int] = (),
    traits: Mapping[str, str] | None = None,
) -> Seat:
    """Give a newcomer a place on the jury, or the one that she had.

    Args:
        jury: for which nobody is drawn.
        candidate: of the jury's pool.
        giving_way: ids of seats whose holders have been away for too long; one of them is given
            up if no place is free otherwise.
        traits: name of a feature of the pool -> one of its values, as far as she has told; what
            the pool does not know is left out.

    Raises:
        NoSeatForNewcomers: the jury is drawn by lot, its people are invented, or she is not of
            its pool.
        JuryFull: all places are held, and none of the holders gives way.
    """
    locked = lock_jury(jury_id=jury.pk)
    if reason := why_by_lot_only(jury=locked):
        raise NoSeatForNewcomers(reason)
    if candidate.pool_id != locked.pool_id:
        raise NoSeatForNewcomers(f"She came to another pool than that of {locked.name}.")
    known = Seat.objects.filter(jury=locked, juror__candidate=candidate).first()
    if known is not None and known.is_sitting:
        return known
    number, left = _free_place(jury=locked, giving_way=giving_way)
    if known is not None:
        known.number = number
        known.state = Seat.State.ACCEPTED
        known.save(update_fields=["number", "state", "changed_at"])
        record_act(actor=None, verb="came back to a place", subject=known)
        return known
    if left is not None:
        left.state = Seat.State.REPLACED
        left.save(update_fields=["state", "changed_at"])
    juror = Juror.objects.create(jury=locked, candidate=candidate)
    seat = Seat.objects.create(
        jury=locked, juror=juror, number=number, state=Seat.State.ACCEPTED, replaces=left
    )
    _write_traits(candidate=candidate, traits=traits or {})
    record_act(actor=None, verb="took a place by a way in", subject=seat)
    return seat


def _free_place(*, jury: Jury, giving_way: Collection[int]) -> tuple[int, Seat | None]:
    """The lowest number that nobody holds, and the seat of who left it, if any."""
    held = set(jury.seats.filter(state__in=Seat.SITTING).values_list("number", flat=True))
    for number in range(1, jury.size + 1):
        if number not in held:
            return number, _locked_first(jury.seats.filter(number=number, state__in=Seat.VACANT))
    away = _locked_first(jury.seats.filter(pk__in=giving_way, state__in=Seat.SITTING))
    if away is None:
        raise JuryFull(f"All {jury.size} places of {jury.name} are held.")
    away.state = Seat.State.REPLACED
    away.save(update_fields=["state", "changed_at"])
    record_act(actor=None, verb="lost a place after a long silence", subject=away)
    return away.number, None


def _locked_first(seats: QuerySet[Seat]) -> Seat | None:
    """The first by number. Its holder may be leaving at this very moment; one of the two waits."""
    return seats.select_for_update(of=("self",)).order_by("number", "id").first()


def _write_traits(*, candidate: Candidate, traits: Mapping[str, str]) -> None:
    values = [
        value
        for value in FeatureValue.objects.filter(
            feature__pool=candidate.pool_id, feature__name__in=traits, value__in=traits.values()
        ).select_related("feature")
        if traits[value.feature.name] == value.value
    ]
    CandidateTrait.objects.bulk_create(
        [
            CandidateTrait(candidate=candidate, feature=value.feature, feature_value=value)
            for value in values
        ],
        update_conflicts=True,
        unique_fields=["candidate", "feature"],
        update_fields=["feature_value"],
    )
