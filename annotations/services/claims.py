"""Who gets which query, and for how long: claims, leases and their release.

A claim is one short transaction. On SQLite transactions that write queue one behind the other
(BEGIN IMMEDIATE); on PostgreSQL a place is taken by a conditional UPDATE, which re-reads the row
once it has the row's lock. Locks are always taken in the order participation, assignment, query,
and a transaction holds locks on more than one query only in the order of their ids, so that two
jurors never wait for each other in a circle.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q

from annotations.domain.ordering import derived_seed, item_at
from annotations.domain.picking import Pick, pick
from annotations.models import Assignment, ItemPick, Participation, Query, Study
from annotations.ports import ItemWorth, item_ordering
from annotations.selectors.work import query_limit, with_study
from annotations.services.participation import finish
from juries.models import CandidateTrait

logger = logging.getLogger(__name__)

# How many of the least claimed queries are compared by the traits of those who have them.
WINDOW = 16
# Queries that a juror may hold at once, the one before her and those loaded ahead.
MAX_IN_HAND = 3
# In an overlap, a query is put again after so many others, if there are so many.
APART = 5
# Queries that are compared where the order is by gain.
GAIN_WINDOW = 1000
# Expired leases given back at once.
RELEASE_BATCH = 200
_CLAIMED = Assignment.State.CLAIMED
_RELEASED = Assignment.State.RELEASED


def current_assignment(*, participation: Participation, now: datetime) -> Assignment | None:
    """What she has in hand, or a new claim. None: nothing is left, and she has finished."""
    assignment = claim_next(participation=participation, now=now)
    if assignment is None:
        finish(participation=participation, now=now)
    return assignment


def assignment_after(*, assignment: Assignment, now: datetime) -> Assignment | None:
    """The assignment that follows in her order, or what she has in hand, or a new claim.

    None: nothing is left, and she has finished.
    """
    participation = assignment.participation
    if assignment.position + 1 < participation.next_position:
        following = (
            with_study(Assignment.objects.exclude(state=_RELEASED))
            .filter(participation=participation, position__gt=assignment.position)
            .order_by("position")
            .first()
        )
        if following is not None:
            return following
    return current_assignment(participation=participation, now=now)


def claim_next(
    *, participation: Participation, now: datetime, beyond: int = -1
) -> Assignment | None:
    """What she has in hand beyond a position, or else a new claim; None where nothing is left.

    Two tabs that ask at once get the same assignment. Leases that have run out are taken back
    only when no place is free.

    Args:
        participation: of a juror who may work, loaded with its study; its `next_position` is
            brought up to date.
        now: the lease runs from here.
        beyond: a position in her order; what she has in hand up to there does not count.
    """
    assignment = _claim(participation=participation, now=now, beyond=beyond)
    study = participation.study
    if assignment is not None or study.assignment_mode != Study.AssignmentMode.OVERLAP:
        return assignment
    # A transaction of its own: it locks queries, and so does the claim.
    if release_expired_leases(study=study, now=now):
        return _claim(participation=participation, now=now, beyond=beyond)
    return None


def claim_ahead(*, assignment: Assignment, now: datetime) -> Assignment | None:
    """The assignment after this one, claimed before she gets there; None beyond a small number.

    A browser loads it while she still reads, so that she can go on when the network is lost.
    """
    participation = assignment.participation
    if participation.assignments.filter(state=_CLAIMED).count() >= MAX_IN_HAND:
        return (
            participation.assignments.exclude(state=_RELEASED)
            .filter(position__gt=assignment.position)
            .order_by("position")
            .first()
        )
    return claim_next(participation=participation, now=now, beyond=assignment.position)


@transaction.atomic
def renew_lease(*, assignment: Assignment, now: datetime) -> bool:
    """Let her lease run on from now. False: it ran out and others have taken all the places."""
    locked = Assignment.objects.select_for_update().get(pk=assignment.pk)
    if locked.state == Assignment.State.COMPLETED:
        return True
    study = assignment.participation.study
    if locked.state == _RELEASED and not take_place(study=study, query_id=locked.query_id):
        return False
    Assignment.objects.filter(pk=locked.pk).update(
        state=_CLAIMED, lease_expires_at=lease_end(study=study, now=now)
    )
    return True


@transaction.atomic
def release_expired_leases(*, study: Study, now: datetime) -> int:
    """Give back the places of leases that ran out; returns how many.

    Answers that were sent under them stay, and one that still comes is kept and marked as late.
    """
    expired = list(
        Assignment.objects.filter(
            state=_CLAIMED, lease_expires_at__lt=now, participation__study=study
        )
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("query_id", "id")
        .values_list("id", "query_id")[:RELEASE_BATCH]
    )
    Assignment.objects.filter(pk__in=[pk for pk, _ in expired]).update(state=_RELEASED)
    for _, query_id in expired:
        Query.objects.filter(pk=query_id).update(claimed_count=F("claimed_count") - 1)
    return len(expired)


def take_place(*, study: Study, query_id: int) -> bool:
    """Count a claim on a query if it has a place; the database decides. Inside a transaction."""
    queries = Query.objects.filter(pk=query_id)
    if study.assignment_mode == Study.AssignmentMode.OVERLAP:
        queries = queries.filter(claimed_count__lt=study.overlap)
    return bool(queries.update(claimed_count=F("claimed_count") + 1))


def lease_end(*, study: Study, now: datetime) -> datetime:
    """When a lease that begins now runs out."""
    return now + timedelta(minutes=study.lease_minutes)


# --- One claim ------------------------------------------------------------------------------------


@transaction.atomic
def _claim(*, participation: Participation, now: datetime, beyond: int) -> Assignment | None:
    # Narrow reads: this stands between a juror's answer and her next page.
    state, participation.next_position = (
        Participation.objects.select_for_update()
        .values_list("state", "next_position")
        .get(pk=participation.pk)
    )
    in_hand = list(
        Assignment.objects.filter(
            participation_id=participation.pk, state=_CLAIMED, position__gt=beyond
        )
        .order_by("position")
        .values_list("pk", flat=True)[:1]
    )
    if in_hand:
        return with_study(Assignment.objects.all()).get(pk=in_hand[0])
    study = participation.study
    if study.state != Study.State.OPEN or state != Participation.State.WORKING:
        return None
    if _has_enough(participation=participation):
        return None
    if study.assignment_mode == Study.AssignmentMode.OVERLAP:
        if study.next_item == Study.NextItem.GAIN:
            window = _open_to_gain(participation=participation)
            assignment = _assign_by_gain(participation=participation, window=window, now=now)
            if assignment is not None:
                return assignment
        query_id = _claim_a_place(participation=participation)
        if query_id is None:
            return _claim_own_again(participation=participation, now=now)
        return _assign(participation=participation, query_id=query_id, now=now)
    return _assign_in_order(participation=participation, now=now)


def _assign(*, participation: Participation, query_id: int, now: datetime) -> Assignment:
    assignment = Assignment.objects.create(
        participation=participation,
        query_id=query_id,
        position=participation.next_position,
        claimed_at=now,
        lease_expires_at=lease_end(study=participation.study, now=now),
    )
    participation.next_position += 1
    Participation.objects.filter(pk=participation.pk).update(
        next_position=participation.next_position, last_seen_at=now
    )
    return assignment


def _assign_in_order(*, participation: Participation, now: datetime) -> Assignment | None:
    """The query at her next position, by the study's seed, in constant time.

    Queries that were added to an open study change the order of those to come. Then the place may
    hold one that she has had, and she gets the first of those that she has not.

    A query that puts another again changes places with it where it would come first.
    """
    study = participation.study
    if participation.next_position < study.query_count:
        ordinal = item_at(
            seed=study.order_seed,
            juror_ordinal=participation.ordinal,
            position=participation.next_position,
            count=study.query_count,
        )
        found: list[tuple[int, int | None]] = list(
            Query.objects.filter(study_id=study.pk, ordinal=ordinal)
            .order_by()
            .values_list("pk", "repeats_id")
        )
        if study.next_item == Study.NextItem.GAIN and not any(own for _, own in found):
            window = _unseen(participation=participation, instead_of=[pk for pk, _ in found])
            assignment = _assign_by_gain(participation=participation, window=window, now=now)
            if assignment is not None:
                return assignment
        for query_id, original_id in found:
            if original_id is not None and not _has_had(participation, original_id):
                query_id = original_id  # the copy's turn comes in its place
            assignment = _assign_unless_hers(
                participation=participation, query_id=query_id, now=now
            )
            if assignment is not None:
                return assignment
    left = Query.objects.filter(
        _not_hers(participation), _is_due(participation, apart=1), study=study
    )
    query = left.order_by("ordinal").first()
    if query is None:
        return None
    take_place(study=study, query_id=query.pk)
    return _assign(participation=participation, query_id=query.pk, now=now)


def _unseen(*, participation: Participation, instead_of: Sequence[int]) -> list[int]:
    """Queries that she has not had and that no check or copy is, in place of those of her order.

    Empty where the turn is a check's: those keep their places.
    """
    asked = Query.objects.filter(study_id=participation.study_id, check_kind="", repeats=None)
    if instead_of and not asked.filter(pk__in=instead_of).exists():
        return []
    unseen = asked.filter(_not_hers(participation)).order_by("ordinal")
    return list(unseen.values_list("pk", flat=True)[:GAIN_WINDOW])


def _open_to_gain(*, participation: Participation) -> list[int]:
    """The least claimed queries among which gain may choose; none where the turn is a check's.

    Of those that others have, only the ones that people the least like her have, as in the random
    order.
    """
    window = _least_claimed(participation=participation, apart=APART, first=GAIN_WINDOW)
    asked = set(
        Query.objects.filter(pk__in=window, check_kind="", repeats=None).values_list(
            "pk", flat=True
        )
    )
    if not window or window[0] not in asked:
        return []
    window = [query_id for query_id in window if query_id in asked]
    if len(window) > WINDOW:
        return window  # nobody has any of them
    alike = _alike(participation=participation, query_ids=window)
    fewest = min(alike.get(query_id, 0) for query_id in window)
    return [query_id for query_id in window if alike.get(query_id, 0) == fewest]


def _assign_by_gain(
    *, participation: Participation, window: Sequence[int], now: datetime
) -> Assignment | None:
    """Assign what teaches most about her per minute, or with a known chance any of the window.

    None where that can't be said, or others took the place: her random order then holds.
    """
    candidates = list(window)
    if not candidates:
        return None
    had = participation.assignments.values_list("query_id", flat=True)
    worth = item_ordering().worth(study=participation.study, had=list(had), candidates=candidates)
    if worth.model is None:
        return None
    seed = derived_seed(
        seed=participation.study.order_seed,
        purpose="next item",
        parts=[participation.ordinal, participation.next_position],
    )
    chosen = pick(worth.per_minute, seed=seed)
    query_id = candidates[chosen.place]
    if not take_place(study=participation.study, query_id=query_id):
        return None
    assignment = _assign(participation=participation, query_id=query_id, now=now)
    _keep_pick(assignment=assignment, chosen=chosen, worth=worth)
    return assignment


def _keep_pick(*, assignment: Assignment, chosen: Pick, worth: ItemWorth) -> None:
    assert worth.model is not None
    ItemPick.objects.create(
        assignment=assignment,
        model=worth.model,
        candidates=len(worth.per_minute),
        rank=chosen.rank,
        propensity=chosen.propensity,
        is_explored=chosen.is_explored,
        gain_per_minute=worth.per_minute[chosen.place],
    )


def _assign_unless_hers(
    *, participation: Participation, query_id: int, now: datetime
) -> Assignment | None:
    """Assign a query; one that came early in its copy's place gives this turn to the copy."""
    study = participation.study
    try:
        with transaction.atomic():
            take_place(study=study, query_id=query_id)
            return _assign(participation=participation, query_id=query_id, now=now)
    except IntegrityError:
        logger.info("she has had this query", extra={"participation": participation.pk})
    copy = Query.objects.filter(_not_hers(participation), repeats=query_id).first()
    if copy is None:
        return None
    take_place(study=study, query_id=copy.pk)
    return _assign(participation=participation, query_id=copy.pk, now=now)


def _has_enough(*, participation: Participation) -> bool:
    """Whether she has as many queries as one juror is to get; those that lapsed don't count."""
    limit = query_limit(study=participation.study)
    if limit is None or participation.next_position < limit:
        return False
    lapsed = participation.assignments.filter(state=_RELEASED).count()
    return participation.next_position - lapsed >= limit


def _not_hers(participation: Participation) -> Q:
    return ~Q(Exists(Assignment.objects.filter(participation=participation, query=OuterRef("pk"))))


def _has_had(participation: Participation, query_id: int) -> bool:
    return participation.assignments.filter(query_id=query_id).exists()


def _is_due(participation: Participation, *, apart: int) -> Q:
    """No copy, or one whose original she had at least so many queries ago."""
    had = Assignment.objects.filter(
        participation=participation,
        query=OuterRef("repeats"),
        position__lte=participation.next_position - apart,
    )
    return Q(repeats__isnull=True) | Q(Exists(had))


def _claim_a_place(*, participation: Participation) -> int | None:
    """Take a place on one of the least claimed queries that she has not had.

    A lost race costs another look; each means that somebody else got a place, so this ends.
    """
    study = participation.study
    while window := (
        _least_claimed(participation=participation, apart=APART)
        or _least_claimed(participation=participation, apart=1)
    ):
        for query_id in _fewest_alike_first(participation=participation, query_ids=window):
            if take_place(study=study, query_id=query_id):
                return query_id
    return None


def _least_claimed(*, participation: Participation, apart: int, first: int = 1) -> list[int]:
    """A bounded window of queries with the fewest claims, from a place of this juror's own.

    It holds `first` queries where nobody has any of them, so that there is nothing to compare.

    A copy of another query is in it once she has had that one, at least `apart` queries ago.
    """
    study = participation.study
    if not study.query_count:
        return []
    start = item_at(
        seed=study.order_seed,
        juror_ordinal=participation.ordinal,
        position=participation.next_position % study.query_count,
        count=study.query_count,
    )
    for level in range(study.overlap or 0):
        size = WINDOW if level else first
        queries = (
            Query.objects.filter(
                _not_hers(participation),
                _is_due(participation, apart=apart),
                study_id=study.pk,
                claimed_count=level,
            )
            .order_by("ordinal")
            .values_list("pk", flat=True)
        )
        window = list(queries.filter(ordinal__gte=start)[:size])
        if len(window) < size:
            window += queries.filter(ordinal__lt=start)[: size - len(window)]
        if window:
            return window
    return []


def _fewest_alike_first(*, participation: Participation, query_ids: Sequence[int]) -> Sequence[int]:
    """Queries whose claimants share the fewest traits with this juror first: even over strata."""
    if len(query_ids) < 2:
        return query_ids
    alike = _alike(participation=participation, query_ids=query_ids)
    return sorted(query_ids, key=lambda query_id: alike.get(query_id, 0))


def _alike(*, participation: Participation, query_ids: Sequence[int]) -> dict[int, int]:
    """Traits that those who have a query share with this juror, counted; none: left out."""
    path = "candidate__jurors__participations__assignments"
    hers = CandidateTrait.objects.filter(candidate_id=participation.juror.candidate_id)
    return dict(
        CandidateTrait.objects.filter(
            **{
                f"{path}__query__in": query_ids,
                f"{path}__state__in": (_CLAIMED, Assignment.State.COMPLETED),
            },
            feature_value__in=hers.values("feature_value"),
        )
        .values_list(f"{path}__query")
        .annotate(Count("id"))
        .order_by()
    )


def _claim_own_again(*, participation: Participation, now: datetime) -> Assignment | None:
    """A query that she let lapse and whose place is still free."""
    study = participation.study
    lapsed = with_study(
        Assignment.objects.filter(
            participation=participation,
            state=_RELEASED,
            query__claimed_count__lt=study.overlap,
        )
    ).order_by("position")
    for assignment in lapsed[:WINDOW]:
        if renew_lease(assignment=assignment, now=now):
            assignment.state = _CLAIMED
            return assignment
    return None
