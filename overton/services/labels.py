"""What people read in a response: does it express an answer?"""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from annotations.models import Response, Submission
from juries.models import Juror, User
from juries.services.audit import record_act
from overton.models import Answer, ExpressionLabel, LabelResolution, PairReading


class LabelRefused(ValueError):
    """The label, the pair or the person is not one that can be taken."""


@transaction.atomic
def label_expression(
    *,
    response: Response,
    answer: Answer,
    label: str,
    now: datetime,
    juror: Juror | None = None,
    researcher: User | None = None,
    submission: Submission | None = None,
    beside_reading: bool = False,
) -> ExpressionLabel:
    """Append one person's reading of a (response, answer) pair; an earlier one is superseded.

    Args:
        response: what was read.
        answer: of the same query.
        label: a value of `ExpressionLabel.Label`.
        now: when it was said.
        juror: the reader, or
        researcher: the reader; exactly one of the two.
        submission: what the juror's browser sent, where there is one.
        beside_reading: whether it was said where models' readings stand beside the pair.

    Raises:
        LabelRefused: an unknown label, two readers or none, or a pair from two queries.
    """
    labels = label_expressions(
        response=response,
        labels={answer: label},
        now=now,
        juror=juror,
        researcher=researcher,
        submission=submission,
        beside_reading=beside_reading,
    )
    return labels[0]


@transaction.atomic
def label_expressions(
    *,
    response: Response,
    labels: Mapping[Answer, str],
    now: datetime,
    juror: Juror | None = None,
    researcher: User | None = None,
    submission: Submission | None = None,
    beside_reading: bool = False,
) -> list[ExpressionLabel]:
    """Append one person's readings of a response against several answers, in one go.

    A researcher sees what a model read as soon as she has labelled the pair: what she says after
    that is marked as said with that knowledge.

    Raises:
        LabelRefused: as :func:`label_expression`; then none is written.
    """
    if (juror is None) == (researcher is None):
        raise LabelRefused("A label has one reader: a juror or a researcher.")
    for answer, label in labels.items():
        if label not in ExpressionLabel.Label.values:
            raise LabelRefused(
                f"“{label}” is no label; it must be one of "
                f"{', '.join(ExpressionLabel.Label.values)}."
            )
        if answer.query_id != response.query_id:
            raise LabelRefused(
                f"The answer “{answer}” belongs to another query than the response "
                f"{response.external_id}."
            )
    mine = ExpressionLabel.objects.filter(
        response=response,
        answer__in=labels,
        juror=juror,
        researcher=researcher,
        is_current=True,
    )
    standing = {row.answer_id: row for row in mine.select_for_update()}
    same = {
        answer: standing[answer.pk]
        for answer, label in labels.items()
        if answer.pk in standing and standing[answer.pk].label == label
    }
    mine.exclude(pk__in=[row.pk for row in same.values()]).update(is_current=False)
    seen = [answer for answer in labels if beside_reading or answer.pk in standing]
    read = _read_by_a_model(response=response, answers=seen) if researcher else frozenset()
    made = ExpressionLabel.objects.bulk_create(
        ExpressionLabel(
            response=response,
            answer=answer,
            juror=juror,
            researcher=researcher,
            submission=submission,
            label=label,
            knew_reading=answer.pk in read,
            created_at=now,
        )
        for answer, label in labels.items()
        if answer not in same
    )
    fresh = {row.answer_id: row for row in made}
    return [fresh.get(answer.pk) or same[answer] for answer in labels]


@transaction.atomic
def resolve_labels(
    *,
    response: Response,
    answer: Answer,
    label: str,
    reason: str,
    researcher: User,
    now: datetime,
) -> LabelResolution:
    """Decide what stands for a pair that people read differently; a later decision supersedes.

    Everybody's readings stay as they are. Who decides has read the pair herself first, so that
    hers was made without knowing the others'.

    Raises:
        LabelRefused: an unknown label, no reason, a pair from two queries, one on which the
            readers agree, or one that the researcher has not labelled herself.
    """
    reason = reason.strip()
    if label not in ExpressionLabel.Label.values:
        raise LabelRefused(
            f"“{label}” is no label; it must be one of {', '.join(ExpressionLabel.Label.values)}."
        )
    if not 0 < len(reason) <= 300:
        raise LabelRefused(
            f"Give the reason, in up to 300 characters; it has {len(reason)}. It stands beside the "
            "pair for good."
        )
    if answer.query_id != response.query_id:
        raise LabelRefused(
            f"The answer “{answer}” belongs to another query than the response "
            f"{response.external_id}."
        )
    said = ExpressionLabel.objects.filter(response=response, answer=answer, is_current=True)
    if not said.filter(researcher=researcher).exists():
        raise LabelRefused("Label the pair yourself first; then decide what stands.")
    if said.order_by().values("label").distinct().count() < 2:
        raise LabelRefused("Everybody who labelled this pair reads it the same way.")
    LabelResolution.objects.select_for_update().filter(
        response=response, answer=answer, is_current=True
    ).update(is_current=False)
    made = LabelResolution.objects.create(
        response=response,
        answer=answer,
        label=label,
        reason=reason,
        knew_reading=answer.pk in _read_by_a_model(response=response, answers=[answer]),
        researcher=researcher,
        created_at=now,
    )
    record_act(
        actor=researcher,
        verb="decided on the labels of",
        subject=answer,
        details={"response": str(response.public_id), "label": label, "reason": reason},
    )
    return made


def _read_by_a_model(*, response: Response, answers: Collection[Answer]) -> frozenset[int]:
    """Those answers (primary keys) of which a model has said whether the response expresses them.

    A merged answer's pair is shown with the reading of the one that it was merged into.
    """
    standing = {answer.pk: answer.merged_into_id or answer.pk for answer in answers}
    read = set(
        PairReading.objects.filter(
            response=response, answer__in={*standing, *standing.values()}
        ).values_list("answer_id", flat=True)
    )
    return frozenset(own for own, now in standing.items() if {own, now} & read)
