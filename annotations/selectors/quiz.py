"""The comprehension quiz: where a juror stands in it, and how the jurors got on."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from annotations.models import Participation, QuizQuestion, QuizReply, Study


@dataclass(frozen=True, slots=True)
class QuizItem:
    """A question of the quiz and what became of it.

    Attributes:
        question: as asked.
        tries: how often she has answered it.
        last: what she answered last; "" before the first try.
        is_right: her last answer is the right one.
        is_open: she is (or will be) asked again.
        tries_left: how often she can still answer it; None where it repeats until it is right.
    """

    question: QuizQuestion
    tries: int
    last: str
    is_right: bool
    is_open: bool
    tries_left: int | None


@dataclass(frozen=True, slots=True)
class QuizOutcome:
    """A juror's quiz in numbers, for a person to weigh.

    Attributes:
        asked: questions that she has answered at least once.
        right_at_once: those that were right at the first try.
        right: those that were right in the end.
        tries: all her tries.
    """

    asked: int
    right_at_once: int
    right: int
    tries: int


def quiz_of(*, participation: Participation) -> tuple[QuizItem, ...]:
    """The quiz as it stands for a juror; empty where the study has none."""
    study = participation.study
    questions = list(study.quiz_questions.all())
    if not questions:
        return ()
    replies: dict[int, list[QuizReply]] = defaultdict(list)
    for reply in QuizReply.objects.filter(participation_id=participation.pk).order_by("attempt"):
        replies[reply.question_id].append(reply)
    return tuple(
        item_of(question=question, study=study, replies=replies[question.pk])
        for question in questions
    )


def item_of(*, question: QuizQuestion, study: Study, replies: list[QuizReply]) -> QuizItem:
    """A question after the tries that there were, in their order."""
    is_right = bool(replies) and replies[-1].is_right
    left = None if study.quiz_must_be_right else max(0, study.quiz_tries - len(replies))
    return QuizItem(
        question=question,
        tries=len(replies),
        last=replies[-1].value if replies else "",
        is_right=is_right,
        is_open=not is_right and left != 0,
        tries_left=left,
    )


def quiz_is_open(*, participation: Participation) -> bool:
    """Whether a question of the quiz still waits for her."""
    return any(item.is_open for item in quiz_of(participation=participation))


def quiz_outcomes(*, study: Study, juror_ids: Collection[int]) -> dict[int, QuizOutcome]:
    """How jurors got on, by their ids; only those who have answered something."""
    tries: dict[int, dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))
    rows = QuizReply.objects.filter(
        participation__study=study, participation__juror_id__in=juror_ids
    ).order_by("attempt", "id")
    for juror_id, question_id, is_right in rows.values_list(
        "participation__juror_id", "question_id", "is_right"
    ):
        tries[juror_id][question_id].append(is_right)
    return {
        juror_id: QuizOutcome(
            asked=len(given),
            right_at_once=sum(one[0] for one in given.values()),
            right=sum(one[-1] for one in given.values()),
            tries=sum(len(one) for one in given.values()),
        )
        for juror_id, given in tries.items()
    }
