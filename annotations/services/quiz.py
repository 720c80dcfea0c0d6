"""Taking the comprehension quiz: every try is kept, and nobody is excluded by it."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from annotations.models import Participation, QuizReply, Study
from annotations.selectors.quiz import quiz_of
from annotations.services.participation import StudyNotOpen


class QuizUnanswered(Exception):
    """A question of the quiz has no answer, or one that was not offered. `keys` names them."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(f"Not answered: {', '.join(keys)}.")
        self.keys = keys


@transaction.atomic
def answer_quiz(
    *,
    participation: Participation,
    answers: Mapping[str, str],
    attempts: Mapping[str, int],
    now: datetime,
) -> bool:
    """Keep a try at every question that is still open; whether all that was answered is right.

    A try that came before (the same page sent twice) is not counted again: its first answer stands.

    Args:
        participation: whose quiz it is.
        answers: the option picked, by the question's key.
        attempts: which try at it the page was made for, from 1, by the question's key.
        now: when it came.

    Raises:
        QuizUnanswered: an open question has no answer among its options. Nothing is kept then.
        StudyNotOpen: the study has closed.
    """
    locked = (
        Participation.objects.select_for_update(of=("self",))
        .select_related("study")
        .get(pk=participation.pk)
    )
    if locked.study.state != Study.State.OPEN:
        raise StudyNotOpen("This study has closed.")
    waiting = [
        item
        for item in quiz_of(participation=locked)
        if item.is_open and attempts.get(item.question.key, item.tries + 1) == item.tries + 1
    ]
    missing = [
        item.question.key
        for item in waiting
        if answers.get(item.question.key) not in item.question.options
    ]
    if missing:
        raise QuizUnanswered(missing)
    QuizReply.objects.bulk_create(
        QuizReply(
            participation=locked,
            question=item.question,
            attempt=item.tries + 1,
            value=answers[item.question.key],
            is_right=answers[item.question.key] == item.question.right,
            created_at=now,
        )
        for item in waiting
    )
    return all(
        item.is_right for item in quiz_of(participation=locked) if item.question.key in answers
    )
