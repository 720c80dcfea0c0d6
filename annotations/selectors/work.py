"""What a juror has before her: her studies, her place on the way, the pages of a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import ForeignKey, Model, Prefetch, QuerySet

from annotations.domain.ordering import derived_seed, shuffled, side_swap
from annotations.models import (
    Assignment,
    Participation,
    ProfileQuestion,
    ProfileReply,
    ProtocolStep,
    Query,
    Response,
    Study,
)
from annotations.ports import JurorStep, juror_steps
from annotations.selectors.quiz import quiz_is_open
from juries.models import Seat

Row = TypeVar("Row", bound=Model)

# Up to so many responses, a juror compares every pair; beyond it, each response twice.
ALL_PAIRS_UP_TO = 4
# The one step of an instructed query: what it asks for is a value on a criterion.
INSTRUCTED_STEP = "rating"


class Stage(StrEnum):
    """What a juror has to do next in a study."""

    CONSENT = "consent"
    QUESTIONS = "questions"
    INSTRUCTIONS = "instructions"
    QUIZ = "quiz"
    WORK = "work"
    REFUSED = "refused"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the work on a query.

    Attributes:
        kind: the step's kind.
        item: the step's item; "" for a step with one page.
        is_required: the assignment is not complete without it.
    """

    kind: str
    item: str
    is_required: bool


# --- Her seat and her studies ---------------------------------------------------------------------


def sitting_seat(*, seat_id: int) -> Seat | None:
    """The seat, if it is still held."""
    return (
        Seat.objects.select_related("juror", "jury")
        .filter(pk=seat_id, state__in=Seat.SITTING, juror__erased_at=None)
        .first()
    )


def studies_of_seat(*, seat: Seat) -> list[Study]:
    """Open studies of the seat's jury, and closed ones that she took part in; oldest first."""
    studies = (
        Study.objects.filter(jury_id=seat.jury_id)
        .exclude(state=Study.State.DRAFT)
        .prefetch_related(
            Prefetch(
                "participations",
                queryset=Participation.objects.filter(juror_id=seat.juror_id),
                to_attr="own_participations",
            )
        )
        .order_by("opened_at", "id")
    )
    return [
        study
        for study in studies
        if study.state == Study.State.OPEN or getattr(study, "own_participations")  # noqa: B009 - set by Prefetch, unknown to types
    ]


def study_of_seat(*, seat: Seat, public_id: UUID) -> Study | None:
    """One study of the seat's jury that jurors may see."""
    return (
        Study.objects.filter(jury_id=seat.jury_id, public_id=public_id)
        .exclude(state=Study.State.DRAFT)
        .first()
    )


def latest_participation(*, seat: Seat) -> Participation | None:
    """The study of a seat that its juror was last at."""
    return (
        Participation.objects.filter(juror_id=seat.juror_id)
        .exclude(study__state=Study.State.DRAFT)
        .order_by("-last_seen_at", "-id")
        .first()
    )


def own_participation(*, seat_id: int, public_id: UUID) -> Participation | None:
    """The participation, if it is of this seat and of a study that jurors may see."""
    found = (
        Participation.objects.select_related("study", "juror__seat", "arrival")
        .filter(public_id=public_id)
        .order_by()
    )
    return next((row for row in found if _is_hers(row, seat_id=seat_id)), None)


def own_assignment(*, seat_id: int, public_id: UUID, position: int) -> Assignment | None:
    """The assignment at a position of this seat's participation, with all that hangs above it."""
    found = (
        with_study(Assignment.objects.all())
        .select_related("participation__juror__seat")
        .filter(participation__public_id=public_id, position=position)
        .order_by()
    )
    return next((row for row in found if _is_hers(row.participation, seat_id=seat_id)), None)


def _is_hers(participation: Participation, *, seat_id: int) -> bool:
    """The participation is of this seat, which is still held, in a study that jurors may see.

    Asked of what is at hand, not of the database: each page asks, and a join for each condition
    takes longer.
    """
    seat: Seat | None = getattr(participation.juror, "seat", None)
    return (
        seat is not None
        and seat.pk == seat_id
        and seat.state in Seat.SITTING
        and participation.juror.erased_at is None
        and participation.study.state in (Study.State.OPEN, Study.State.CLOSED)
        and participation.state != Participation.State.WITHDRAWN
    )


def with_study(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Assignments with query, participation, juror, study and arrival in the same read."""
    return assignments.select_related(
        "query", "participation__study", "participation__juror", "participation__arrival"
    )


# --- Her place on the way -------------------------------------------------------------------------


def stage_of(*, participation: Participation) -> Stage:
    """What comes next: consent to the current text, questions, instructions, quiz, work, thanks."""
    states = Participation.State
    if participation.state == states.FINISHED:
        return Stage.FINISHED
    if participation.state == states.REFUSED:
        return Stage.REFUSED
    if (
        participation.consented_at is None
        or participation.consent_version != participation.study.consent_version
    ):
        return Stage.CONSENT
    if participation.state == states.WORKING:
        return Stage.WORK
    if open_questions(participation=participation):
        return Stage.QUESTIONS
    if participation.study.instructions.strip() and participation.instructions_read_at is None:
        return Stage.INSTRUCTIONS
    return Stage.QUIZ if quiz_is_open(participation=participation) else Stage.WORK


def open_questions(*, participation: Participation) -> bool:
    """Whether a question about the juror was never put to her. A skipped one has a blank reply."""
    return (
        ProfileQuestion.objects.filter(study_id=participation.study_id)
        .exclude(replies__participation=participation)
        .exists()
    )


def profile_replies(*, participation: Participation) -> dict[int, str]:
    """What she said about herself: the current reply by the question's id."""
    return dict(
        ProfileReply.objects.filter(participation=participation, is_current=True).values_list(
            "question_id", "value"
        )
    )


def query_limit(*, study: Study) -> int | None:
    """How many queries a juror is to answer; None where that depends on the others."""
    if study.queries_per_juror is not None:
        return min(study.queries_per_juror, study.query_count)
    if study.assignment_mode == Study.AssignmentMode.ALL:
        return study.query_count
    return None


# --- The pages of a query -------------------------------------------------------------------------


def protocol(*, study: Study) -> Sequence[tuple[ProtocolStep, JurorStep]]:
    """The study's steps in order, each with its plug-in. Read once for an instance of Study."""
    rows = sorted(rows_on(study, ProtocolStep, by="study"), key=lambda row: (row.position, row.pk))
    return [(row, juror_steps()[row.kind]) for row in rows]


def rows_on(owner: Model, model: type[Row], *, by: str) -> list[Row]:
    """Rows that hang on an instance, in no order, read once in that instance's life.

    A page asks for its few rows many times; `prefetch_related_objects` costs more than the query.
    And composing the same query anew for each request costs the ORM four times what the database
    needs to answer it, so this one is written out.

    Args:
        owner: what they hang on.
        model: whose rows.
        by: its foreign key to the owner.
    """
    kept: dict[type[Row], list[Row]] = owner.__dict__.setdefault("_rows_on", {})
    if model not in kept:
        table = connection.ops.quote_name(model._meta.db_table)
        key = model._meta.get_field(by)
        assert isinstance(key, ForeignKey)
        column = connection.ops.quote_name(key.column)
        kept[model] = list(
            model._base_manager.raw(
                f"SELECT * FROM {table} WHERE {column} = %s",  # noqa: S608 - names of our own models
                [owner.pk],
            )
        )
    return kept[model]


def pages_of(*, assignment: Assignment) -> tuple[Page, ...]:
    """The pages of an assignment in their order. An instructed query says what to rate: no more."""
    only_rated = assignment.query.check_kind == Query.Check.INSTRUCTED
    return tuple(
        Page(kind=row.kind, item=item, is_required=row.is_required)
        for row, step in protocol(study=assignment.participation.study)
        if not only_rated or row.kind == INSTRUCTED_STEP
        for item in step.items(assignment=assignment)
    )


def page_to_resume(*, assignment: Assignment, pages: Sequence[Page]) -> Page:
    """Where she goes on: after the last page that she answered, or before it if one is missing.

    Optional pages before an answered one were passed over and are not shown again by themselves.
    """
    steps = juror_steps()
    done = {
        page.kind: steps[page.kind].done_items(assignment=assignment)
        for page in {page.kind: page for page in pages}.values()
    }
    answered = [page.item in done[page.kind] for page in pages]
    last = max((place for place, is_done in enumerate(answered) if is_done), default=-1)
    for page, is_done in zip(pages[: max(last, 0)], answered, strict=False):
        if page.is_required and not is_done:
            return page
    return pages[min(last + 1, len(pages) - 1)]


def required_page_left(*, assignment: Assignment, pages: Sequence[Page]) -> Page | None:
    """The first required page that has no answer yet."""
    steps = juror_steps()
    done: dict[str, frozenset[str]] = {}
    for page in pages:
        if not page.is_required:
            continue
        if page.kind not in done:
            done[page.kind] = steps[page.kind].done_items(assignment=assignment)
        if page.item not in done[page.kind]:
            return page
    return None


def responses_in_order(*, assignment: Assignment) -> tuple[Response, ...]:
    """The query's responses in this juror's order: from the study's seed, the same every time."""
    query = assignment.query
    return shuffled(
        items=_responses(query),
        seed=_seed(assignment=assignment, purpose="responses"),
        key=lambda response: str(response.public_id),
    )


def pairs_in_order(*, assignment: Assignment) -> dict[str, tuple[Response, Response]]:
    """The pairs of responses that this juror compares, (left, right) by key, in her order.

    Every pair of up to four responses. With more, neighbours on a ring in an order of her own, so
    that each response is compared twice; over the jurors all pairs come up alike.
    Sides follow `side_swap`: of jurors 2k and 2k + 1, one sees a pair the other way round.
    """
    participation = assignment.participation
    study = participation.study
    responses = responses_in_order(assignment=assignment)
    if len(responses) <= ALL_PAIRS_UP_TO:
        pairs = list(combinations(responses, 2))
    else:
        pairs = list(zip(responses, (*responses[1:], responses[0]), strict=True))
    sided = {}
    for pair in pairs:
        first, second = sorted(pair, key=lambda response: response.pk)
        swapped = side_swap(
            seed=derived_seed(seed=study.order_seed, purpose="sides"),
            juror_ordinal=participation.ordinal,
            item=f"{first.public_id} {second.public_id}",
        )
        left, right = (second, first) if swapped else (first, second)
        sided[f"{left.public_id}_{right.public_id}"] = (left, right)
    keys = shuffled(
        items=sorted(sided), seed=_seed(assignment=assignment, purpose="pairs"), key=str
    )
    return {key: sided[key] for key in keys}


def _responses(query: Query) -> Sequence[Response]:
    return sorted(rows_on(query, Response, by="query"), key=lambda response: response.pk)


def _seed(*, assignment: Assignment, purpose: str) -> str:
    participation = assignment.participation
    return derived_seed(
        seed=participation.study.order_seed,
        purpose=purpose,
        parts=[participation.ordinal, assignment.query.ordinal],
    )
