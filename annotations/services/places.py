"""Places in a study for people who come by themselves: taken, held, lost and taken again.

Newcomers to a jury queue at the lock of its row (on SQLite at the lock of the database), so that
places are counted and taken in one piece: of 50 who come for K places, K get one. A place is held
by a lease. It is renewed while she is at work, nobody sweeps up leases that ran out: they are
simply not counted any more when the next one comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from annotations.domain.places import belonging, is_full
from annotations.models import Arrival, Participation, ProfileQuestion, Study, WayIn
from annotations.selectors import ways_in
from annotations.selectors.places import rules_of, seats_giving_way, taken
from annotations.services import participation as road
from juries.models import Candidate, Seat
from juries.services.newcomers import (
    JuryFull,
    NoSeatForNewcomers,
    lock_jury,
    register_newcomer,
    seat_newcomer,
)

# A lease is renewed when so much of it has passed; with so little left, its place is counted anew.
RENEW_BELOW = 2 / 3
COUNT_BELOW = 1 / 10


class WayClosed(Exception):
    """Nobody can come in by this way now; the message says why, for those who run the study."""


class PlaceGone(Exception):
    """She was away for too long, and her place has been given to somebody else."""


@dataclass(frozen=True)
class Admission:
    """What became of somebody at the quota check.

    Attributes:
        arrival: its state says what.
        is_new: she got a place by this very call.
    """

    arrival: Arrival
    is_new: bool


def why_closed(*, way: WayIn) -> str:
    """Why nobody new can come in; empty while they can."""
    if not way.is_open:
        return "The way in is closed."
    if way.study.state != Study.State.OPEN:
        return f"The study is {way.study.get_state_display()}."
    return next(iter(ways_in.problems_of(way=way)), "")


@transaction.atomic
def arrive(*, way: WayIn, brought: str, version: str, now: datetime) -> Arrival:
    """Write down that somebody agreed to take part; who came before is found again.

    Args:
        way: loaded with its study, jury and pool.
        brought: her id; for an open link one that her page made up.
        version: of the consent text that she agreed to.
        now: when.

    Raises:
        WayClosed: nobody new can come in.
        ConsentOutdated: the text has a newer version than the one she saw.
    """
    study, jury = way.study, way.study.jury
    known = ways_in.arrival_of_id(way=way, brought=brought)
    if known is not None:
        return known
    if (reason := why_closed(way=way)) or jury is None:
        raise WayClosed(reason)
    if version != study.consent_version:
        raise road.ConsentOutdated("The text has been changed in the meantime. Read it again.")
    candidate = register_newcomer(
        pool=jury.pool, external_id=ways_in.candidate_id(way=way, brought=brought)
    )
    # Two of her tabs queue here.
    Candidate.objects.select_for_update().get(pk=candidate.pk)
    known = ways_in.arrival_at(study=study, candidate=candidate)
    return known or Arrival.objects.create(
        way_in=way, candidate=candidate, consented_at=now, consent_version=version
    )


@transaction.atomic
def decline(*, way: WayIn) -> None:
    """Count somebody who did not agree. Nothing else is kept of her."""
    WayIn.objects.filter(pk=way.pk).update(declined_count=F("declined_count") + 1)


@transaction.atomic
def admit(*, arrival: Arrival, replies: Mapping[str, str], now: datetime) -> Admission:
    """The quota check: a place, or word that there is none for her.

    What she said about herself is kept if she gets a place; otherwise only the outcome is. Called
    again, it says the same again.

    Args:
        arrival: of somebody who has agreed.
        replies: by the question's key; "" for a skipped question.
        now: the lease runs from here.

    Raises:
        WayClosed: the way or the study has closed, or the jury is drawn by lot.
        UnansweredQuestions: a required question is blank.
    """
    _lock(arrival)
    own = ways_in.arrival_by_key(key=arrival.pk)
    assert own is not None
    if own.state != Arrival.State.ASKED:
        return Admission(own, is_new=False)
    way = own.way_in
    if reason := why_closed(way=way):
        raise WayClosed(reason)
    road.refuse_unanswered(questions=_questions(way.study), replies=replies)
    groups = list(way.groups.all())
    where = belonging(replies=replies, rules=rules_of(groups=groups))
    if not where.is_wanted:
        return _turned_away(own, Arrival.State.SCREENED_OUT)
    held = taken(way=way, now=now)
    places = {group.pk: group.places for group in groups}
    if held.total >= way.places or is_full(wanted=where.groups, taken=held.groups, places=places):
        return _turned_away(own, Arrival.State.FULL)
    try:
        seat = _seat(own, replies=replies, now=now)
    except JuryFull:
        return _turned_away(own, Arrival.State.FULL)
    try:
        own.participation = _begin(own, seat=seat, replies=replies)
    except road.StudyNotOpen as refusal:
        raise WayClosed(str(refusal)) from refusal
    own.state = Arrival.State.SEATED
    own.lease_expires_at = _lease_end(way.study, now)
    own.save(update_fields=["participation", "state", "lease_expires_at"])
    own.groups.set(where.groups)
    return Admission(own, is_new=True)


def keep_place(*, participation: Participation, now: datetime) -> None:
    """Let the lease of somebody at work run on; after a long silence, take a place again.

    Does nothing for a juror who did not come by a way in, and for one who has finished, said no
    or left.

    Args:
        participation: loaded with its study and arrival.
        now: the time that counts.

    Raises:
        PlaceGone: her lease ran out, and others have taken the places of her group.
    """
    arrival: Arrival | None = getattr(participation, "arrival", None)
    if arrival is None or participation.state in (
        Participation.State.FINISHED,
        Participation.State.REFUSED,
        Participation.State.WITHDRAWN,
    ):
        return
    hold = _lease_end(participation.study, now) - now
    left = (arrival.lease_expires_at or now) - now
    if left > hold * RENEW_BELOW:
        return
    if left > hold * COUNT_BELOW:
        Arrival.objects.filter(pk=arrival.pk).update(lease_expires_at=now + hold)
        return
    take_again(arrival=arrival, now=now)


@transaction.atomic
def take_again(*, arrival: Arrival, now: datetime) -> Seat:
    """Her place, if it is still hers or still free; what she has said so far stands either way.

    Raises:
        PlaceGone: it is neither, or she gave up her seat.
    """
    _lock(arrival)
    own = ways_in.arrival_by_key(key=arrival.pk)
    assert own is not None
    if own.state != Arrival.State.SEATED or own.participation is None:
        raise PlaceGone("There is no place to come back to.")
    seat = own.participation.juror.seat
    if has_left(participation=own.participation):
        raise PlaceGone("You have left this study.")
    if own.participation.state == Participation.State.FINISHED:
        return seat
    way = own.way_in
    held = taken(way=way, now=now, without=own)
    groups = list(own.groups.all())
    if held.total >= way.places or is_full(
        wanted=[group.pk for group in groups],
        taken=held.groups,
        places={group.pk: group.places for group in groups},
    ):
        raise PlaceGone("Your place has been given to somebody else in the meantime.")
    try:
        seat = _seat(own, replies={}, now=now)
    except (JuryFull, NoSeatForNewcomers, WayClosed) as problem:
        raise PlaceGone("Your place has been given to somebody else in the meantime.") from problem
    Arrival.objects.filter(pk=own.pk).update(lease_expires_at=_lease_end(way.study, now))
    return seat


@transaction.atomic
def let_go(*, participation: Participation, now: datetime) -> None:
    """Give her place back at once; she may come for it again."""
    Arrival.objects.filter(participation=participation, state=Arrival.State.SEATED).update(
        lease_expires_at=now
    )


def refuse_if_given_away(*, seat_id: int) -> None:
    """Tell a seat that was given to somebody else from one that never was.

    Raises:
        PlaceGone: its holder came by a way in, and was silent for too long.
    """
    seat = Seat.objects.filter(pk=seat_id, state=Seat.State.REPLACED, draw=None).first()
    arrival = None if seat is None else ways_in.arrival_of_seat(seat_id=seat_id)
    if arrival is not None and arrival.participation is not None:
        raise PlaceGone("Your place has been given to somebody else in the meantime.")


def has_left(*, participation: Participation) -> bool:
    """She gave up her seat or withdrew, as opposed to having been silent for too long."""
    seat = participation.juror.seat
    return (
        participation.state == Participation.State.WITHDRAWN
        or seat.state in Seat.VACANT
        or (seat.state == Seat.State.REPLACED and hasattr(seat, "replaced_by"))
    )


def _lock(arrival: Arrival) -> None:
    """All who come to the jury queue here."""
    jury_id = Arrival.objects.values_list("way_in__study__jury", flat=True).get(pk=arrival.pk)
    if jury_id is None:
        raise WayClosed("The study has no jury.")
    lock_jury(jury_id=jury_id)


def _turned_away(own: Arrival, state: Arrival.State) -> Admission:
    own.state = state
    own.save(update_fields=["state"])
    return Admission(own, is_new=True)


def _seat(own: Arrival, *, replies: Mapping[str, str], now: datetime) -> Seat:
    jury = own.way_in.study.jury
    assert jury is not None
    try:
        return seat_newcomer(
            jury=jury,
            candidate=own.candidate,
            giving_way=seats_giving_way(jury=jury, now=now),
            traits={key: said for key, said in replies.items() if said},
        )
    except NoSeatForNewcomers as refusal:
        raise WayClosed(str(refusal)) from refusal


def _begin(own: Arrival, *, seat: Seat, replies: Mapping[str, str]) -> Participation:
    """Her way through the study, with what she has said before she had a place."""
    way = own.way_in
    joined = road.join_study(seat=seat, study=way.study)
    Participation.objects.filter(pk=joined.pk).update(came_by=way.kind)
    road.record_profile(participation=joined, replies=replies)
    if own.consent_version != way.study.consent_version:
        # The text has changed while she answered: her next page asks again.
        return joined
    return road.record_consent(
        participation=joined, version=own.consent_version, now=own.consented_at
    )


def _questions(study: Study) -> list[ProfileQuestion]:
    return list(study.profile_questions.all())


def _lease_end(study: Study, now: datetime) -> datetime:
    return now + timedelta(minutes=study.lease_minutes)
