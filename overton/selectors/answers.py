"""The answers that a juror meets, and what she has said of them."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from annotations.domain.ordering import derived_seed, shuffled
from annotations.models import Assignment, Response, Submission
from overton.models import Answer, ExpressionLabel, Judgement

Row = TypeVar("Row", Answer, Response)


def answers_put(*, assignment: Assignment) -> Sequence[Answer]:
    """The accepted answers to the assignment's query, in this juror's own order.

    The order is drawn from the study's seed, her number and the query; an answer that is accepted
    while she works moves no other pair.
    """
    rows = Answer.objects.filter(query_id=assignment.query_id, state=Answer.State.ACCEPTED)
    return _in_own_order(rows, assignment=assignment, purpose="answers")


def responses_put(*, assignment: Assignment) -> Sequence[Response]:
    """The responses to the assignment's query, in this juror's own order; sources are not read."""
    rows = Response.objects.filter(query_id=assignment.query_id)
    return _in_own_order(rows, assignment=assignment, purpose="labelled responses")


def _in_own_order(rows: Iterable[Row], *, assignment: Assignment, purpose: str) -> tuple[Row, ...]:
    participation = assignment.participation
    seed = derived_seed(
        seed=participation.study.order_seed,
        purpose=purpose,
        parts=(participation.ordinal, assignment.query.public_id.hex),
    )
    return shuffled(items=list(rows), seed=seed, key=lambda row: row.public_id.hex)


def judged_answers(*, assignment: Assignment) -> frozenset[str]:
    """Public ids (hex) of the query's answers that the juror has judged."""
    judgements = Judgement.objects.filter(
        juror_id=assignment.participation.juror_id,
        answer__query_id=assignment.query_id,
        is_current=True,
    )
    return frozenset(
        public_id.hex for public_id in judgements.values_list("answer__public_id", flat=True)
    )


def judgement_of(*, assignment: Assignment, answer: Answer) -> Judgement | None:
    """What the juror says of the answer as things stand."""
    return Judgement.objects.filter(
        juror_id=assignment.participation.juror_id, answer=answer, is_current=True
    ).first()


def proposal_of(*, assignment: Assignment) -> Answer | None:
    """The newest view that the juror proposed for the query and did not take back."""
    return (
        Answer.objects.filter(
            query_id=assignment.query_id,
            proposed_by_id=assignment.participation.juror_id,
            origin=Answer.Origin.JUROR,
        )
        .exclude(state__in=(Answer.State.REJECTED, Answer.State.MERGED))
        .order_by("-id")
        .first()
    )


def has_answered_step(*, assignment: Assignment, step: str) -> bool:
    """The juror has sent this step of the assignment at least once."""
    return Submission.objects.filter(assignment=assignment, step=step).exists()


def labelled_responses(*, assignment: Assignment) -> frozenset[str]:
    """Public ids (hex) of the query's responses of which the juror has labelled something."""
    labels = ExpressionLabel.objects.filter(
        juror_id=assignment.participation.juror_id,
        response__query_id=assignment.query_id,
        is_current=True,
    )
    return frozenset(
        public_id.hex
        for public_id in labels.values_list("response__public_id", flat=True).distinct()
    )


def labels_of(*, assignment: Assignment, response: Response) -> dict[str, str]:
    """The juror's current labels of a response, by the answer's public id (hex)."""
    labels = ExpressionLabel.objects.filter(
        juror_id=assignment.participation.juror_id, response=response, is_current=True
    ).values_list("answer__public_id", "label")
    return {public_id.hex: label for public_id, label in labels}
