"""What a juror's browser sends: kept once, stored, superseding what it changes."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.http import QueryDict

from annotations.models import Assignment, Participation, Query, Study, Submission
from annotations.ports import StepProblem, juror_steps
from annotations.selectors.work import Page, pages_of, required_page_left
from annotations.services.claims import current_assignment, lease_end, take_place

# Fields of the page itself, not of the step.
ENVELOPE = frozenset({"csrfmiddlewaretoken", "client_id", "active_ms", "idle_ms"})
MAX_PAYLOAD_CHARACTERS = 200_000


class UnknownPage(Exception):
    """The step or the item is not one of this assignment's."""


class WorkClosed(Exception):
    """Nothing can be sent any more; the message says why."""


@dataclass(frozen=True)
class Receipt:
    """What became of a submission.

    Attributes:
        submission: the row that stands for it.
        is_repeat: the same was sent before; nothing was added.
        is_completed: the assignment has all that it requires.
        next_required: a required page without an answer, if any; after the last page of the query
            the first of them.
    """

    submission: Submission
    is_repeat: bool
    is_completed: bool
    next_required: Page | None


def one_commit() -> AbstractContextManager[object]:
    """Several services as one transaction, where the database has one writer at a time (SQLite).

    An answer and the claim of the next query then reach the disk together, at half the price. Where
    rows are locked instead, each service keeps its own transaction: see `claims` for the order.
    """
    return nullcontext() if connection.features.has_select_for_update else transaction.atomic()


def payload_of(data: QueryDict) -> dict[str, list[str]]:
    """What was sent, as lists of text by field, without the page's own fields."""
    return {key: data.getlist(key) for key in sorted(data) if key not in ENVELOPE}


def is_blank(payload: Mapping[str, list[str]]) -> bool:
    """Nothing was filled in."""
    return not any(value.strip() for values in payload.values() for value in values)


@transaction.atomic
def submit(
    *,
    assignment: Assignment,
    page: Page,
    data: QueryDict,
    client_id: UUID,
    active_ms: int = 0,
    idle_ms: int = 0,
    now: datetime,
) -> Receipt:
    """Keep one submission and store what it says.

    The same id with the same content is the same submission, however often it comes. The same id
    with other content (a page from the browser's history, changed and sent again) is a new one.
    One that comes after its lease ran out, or after the study closed, is kept and marked as late.

    Args:
        assignment: the juror's own, loaded with its query, participation, juror and study; its
            state and lease are brought up to date.
        page: which of its pages.
        data: what the browser sent.
        client_id: made by the browser (or with the page, without JavaScript).
        active_ms: how long she was at it; 0 where unknown.
        idle_ms: how long the page stood open unused.
        now: when it came.

    Raises:
        UnknownPage: the assignment has no such page.
        StepProblem: a value is missing or not allowed; nothing is kept.
        WorkClosed: she has withdrawn.
    """
    _lock(assignment)
    pages = pages_of(assignment=assignment)
    if page not in pages:
        raise UnknownPage(f"{page.kind} {page.item}")
    payload = payload_of(data)
    other_id = _other_id(assignment=assignment, page=page, payload=payload, client_id=client_id)
    step = juror_steps()[page.kind]
    row = Submission(
        participation=assignment.participation,
        assignment=assignment,
        step=page.kind,
        item=page.item,
        payload=payload,
        is_late=_is_late(assignment, now=now),
        active_ms=active_ms,
        idle_ms=idle_ms,
    )
    try:
        cleaned = step.clean(assignment=assignment, item=page.item, data=data)
    except StepProblem:
        # What was right when it came first is not wrong when it comes again.
        known = _same(row, (client_id, other_id))
        if known is None:
            raise
        return _repeat(known, assignment=assignment, pages=pages)
    submission = _keep(row, (client_id, other_id))
    if submission is not row:
        return _repeat(submission, assignment=assignment, pages=pages)
    step.store(submission=submission, cleaned=cleaned)
    is_last = page == pages[-1]
    # After the last page the first missing one is wanted; before it, any will do, and those that
    # are still to come are the likely ones. What was just said need not be looked up.
    others = [other for other in pages if other != page or is_blank(payload)]
    left = required_page_left(assignment=assignment, pages=others if is_last else others[::-1])
    is_completed = left is None and (page.is_required or is_last)
    _move_on(assignment, completes=is_completed, active_ms=active_ms, idle_ms=idle_ms, now=now)
    return Receipt(
        submission,
        is_repeat=False,
        is_completed=is_completed or assignment.state == Assignment.State.COMPLETED,
        next_required=left,
    )


@transaction.atomic
def pass_over(*, assignment: Assignment, page: Page, now: datetime) -> Page | None:
    """Leave an optional page without an answer; returns the first required page that is left.

    Raises:
        UnknownPage: the assignment has no such page.
        StepProblem: the page is required.
    """
    _lock(assignment)
    pages = pages_of(assignment=assignment)
    if page not in pages:
        raise UnknownPage(f"{page.kind} {page.item}")
    if page.is_required:
        raise StepProblem({"": "Please answer this question; it can't be left out."})
    left = required_page_left(assignment=assignment, pages=pages)
    if page == pages[-1]:
        complete_if_done(assignment=assignment, left=left, now=now)
    return left


def work_at_hand(*, participation: Participation, now: datetime) -> Assignment | None:
    """What she has in hand or is given next. None: nothing is left, and she has finished.

    A query to which no step applies (without responses, say) counts as done and is passed over.
    """
    while (assignment := current_assignment(participation=participation, now=now)) is not None:
        if pages_of(assignment=assignment):
            return assignment
        complete_if_done(assignment=assignment, left=None, now=now)
    return None


@transaction.atomic
def complete_if_done(*, assignment: Assignment, left: Page | None, now: datetime) -> None:
    """Mark an assignment as complete when no required page is left."""
    if left is None:
        _lock(assignment)
        _move_on(assignment, completes=True, active_ms=0, idle_ms=0, now=now)


def _other_id(
    *, assignment: Assignment, page: Page, payload: Mapping[str, list[str]], client_id: UUID
) -> UUID:
    """The id under which content is kept that comes with the id of other content."""
    content = json.dumps([assignment.pk, page.kind, page.item, payload], sort_keys=True)
    if len(content) > MAX_PAYLOAD_CHARACTERS:
        raise StepProblem({"": "This is too long to be kept. Please shorten it."})
    return uuid5(client_id, content)


def _keep(row: Submission, client_ids: tuple[UUID, UUID]) -> Submission:
    """Write the row under the first id that is free; or the row that says the same already."""
    for client_id in client_ids:
        row.client_id = client_id
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            known = _same(row, client_ids)
            if known is not None:
                return known
        else:
            return row
    raise UnknownPage("The ids of this submission belong to others.")


def _same(row: Submission, client_ids: tuple[UUID, UUID]) -> Submission | None:
    """A submission under one of these ids that says the same at the same place."""
    place = (row.assignment_id, row.step, row.item, row.payload)
    for known in Submission.objects.filter(
        participation_id=row.participation_id, client_id__in=client_ids
    ).order_by("id"):
        if (known.assignment_id, known.step, known.item, known.payload) == place:
            return known
    return None


def _repeat(known: Submission, *, assignment: Assignment, pages: tuple[Page, ...]) -> Receipt:
    left = required_page_left(assignment=assignment, pages=pages)
    return Receipt(known, is_repeat=True, is_completed=left is None, next_required=left)


def _lock(assignment: Assignment) -> None:
    """Lock the assignment and its participation: two tabs, or two retries, queue here.

    Raises:
        WorkClosed: she has withdrawn.
    """
    assignment.state, assignment.lease_expires_at, state = (
        Assignment.objects.select_for_update()
        .order_by()
        .values_list("state", "lease_expires_at", "participation__state")
        .get(pk=assignment.pk)
    )
    if state == Participation.State.WITHDRAWN:
        raise WorkClosed("You have left this study. Nothing more is kept.")


def _is_late(assignment: Assignment, *, now: datetime) -> bool:
    if assignment.participation.study.state != Study.State.OPEN:
        return True
    return assignment.state != Assignment.State.COMPLETED and assignment.lease_expires_at < now


def _move_on(
    assignment: Assignment, *, completes: bool, active_ms: int, idle_ms: int, now: datetime
) -> None:
    """Times, lease, completion, and the counts that follow from them. The rows are locked."""
    study = assignment.participation.study
    changes: dict[str, object] = {}
    if active_ms or idle_ms:
        changes = {"active_ms": F("active_ms") + active_ms, "idle_ms": F("idle_ms") + idle_ms}
    states = Assignment.State
    counted: dict[str, object] = {"last_seen_at": now}
    if completes and assignment.state != states.COMPLETED:
        changes |= {"state": states.COMPLETED, "completed_at": now}
        counted["completed_count"] = F("completed_count") + 1
        places: dict[str, object] = {"completed_count": F("completed_count") + 1}
        if assignment.state == states.RELEASED:
            # It came late and its place may be taken: it counts all the same.
            places["claimed_count"] = F("claimed_count") + 1
        Query.objects.filter(pk=assignment.query_id).update(**places)
    elif assignment.state == states.CLAIMED or (
        assignment.state == states.RELEASED
        and take_place(study=study, query_id=assignment.query_id)
    ):
        changes |= {"state": states.CLAIMED, "lease_expires_at": lease_end(study=study, now=now)}
    if changes:
        Assignment.objects.filter(pk=assignment.pk).update(**changes)
    Participation.objects.filter(pk=assignment.participation_id).update(**counted)
