"""What a juror says of an answer."""

from datetime import datetime

from django.db import transaction

from annotations.models import Submission
from juries.models import Juror
from overton.models import Answer, Judgement


class JudgementRefused(ValueError):
    """The verdict is none that an answer can get."""


@transaction.atomic
def record_judgement(
    *,
    juror: Juror,
    answer: Answer,
    verdict: str,
    holds: bool | None,
    now: datetime,
    submission: Submission | None = None,
) -> Judgement:
    """Append a juror's verdict on an answer; her earlier one stays, no longer current.

    The same verdict again, sent with the same submission, gives the row that is there.

    Args:
        juror: who says it.
        answer: of which answer. That it is hers to judge is the caller's to check.
        verdict: a value of `Judgement.Verdict`.
        holds: whether she holds the view herself; None where she was not asked.
        now: when she said it.
        submission: what her browser sent; None for what is imported.

    Raises:
        JudgementRefused: `verdict` is none of the legal values.
    """
    if verdict not in Judgement.Verdict.values:
        raise JudgementRefused(
            f"“{verdict}” is no verdict; it must be one of {', '.join(Judgement.Verdict.values)}."
        )
    current = (
        Judgement.objects.select_for_update()
        .filter(juror=juror, answer=answer, is_current=True)
        .first()
    )
    if (
        current is not None
        and submission is not None
        and current.submission_id == submission.pk
        and (current.verdict, current.holds) == (verdict, holds)
    ):
        return current
    Judgement.objects.filter(juror=juror, answer=answer, is_current=True).update(is_current=False)
    return Judgement.objects.create(
        juror=juror,
        answer=answer,
        submission=submission,
        verdict=verdict,
        holds=holds,
        created_at=now,
    )
