from collections.abc import Callable

import pytest
from django.utils import timezone

from annotations.models import Study
from juries.models import AuditEntry, Juror, User
from juries.services.invitations import withdraw_juror
from overton.models import Answer, Exclusion, ExpressionLabel, Judgement, WindowSnapshot
from overton.services.answers import (
    AnswerRefused,
    accept_answer,
    add_answer,
    exclude_answer,
    merge_answer,
    propose_answer,
    readmit_answer,
    reject_answer,
)
from overton.services.judgements import JudgementRefused, record_judgement
from overton.services.labels import LabelRefused, label_expression, label_expressions
from overton.services.withdrawal import erase_said

Make = Callable[..., list[Answer]]


@pytest.fixture
def answers(study: Study, make_answers: Make) -> list[Answer]:
    return make_answers(study.queries.get(ordinal=0))


def judge(
    juror: Juror, answer: Answer, verdict: str = "reasonable", *, holds: bool = False
) -> Judgement:
    return record_judgement(
        juror=juror, answer=answer, verdict=verdict, holds=holds, now=timezone.now()
    )


# --- Judgements and labels ------------------------------------------------------------------------


def test_a_changed_verdict_supersedes_and_keeps_the_first(
    answers: list[Answer], jurors: list[Juror]
) -> None:
    first = judge(jurors[0], answers[0], "unreasonable")
    second = judge(jurors[0], answers[0], "correct", holds=True)
    first.refresh_from_db()
    assert (first.is_current, first.verdict) == (False, "unreasonable")
    assert (second.is_current, second.holds) == (True, True)
    assert Judgement.objects.filter(is_current=True).count() == 1


def test_an_unknown_verdict_is_refused_with_the_legal_ones(
    answers: list[Answer], jurors: list[Juror]
) -> None:
    with pytest.raises(JudgementRefused, match="correct, reasonable, unreasonable, cant_say"):
        judge(jurors[0], answers[0], "fine")
    assert not Judgement.objects.exists()


def test_labels_supersede_by_person(
    study: Study, answers: list[Answer], jurors: list[Juror], researcher: User
) -> None:
    response = answers[0].query.responses.all()[0]
    for label in ("expresses", "expresses", "contradicts"):
        label_expression(
            response=response,
            answer=answers[0],
            label=label,
            now=timezone.now(),
            researcher=researcher,
        )
    label_expression(
        response=response, answer=answers[0], label="does_not", now=timezone.now(), juror=jurors[0]
    )
    assert list(ExpressionLabel.objects.values_list("label", "is_current")) == [
        ("expresses", False),  # saying the same twice is one row
        ("contradicts", True),
        ("does_not", True),
    ]


def test_labels_of_another_querys_answer_are_refused_whole(
    study: Study,
    answers: list[Answer],
    make_answers: Callable[..., list[Answer]],
    jurors: list[Juror],
) -> None:
    other = make_answers(study.queries.get(ordinal=1), 1)[0]
    response = answers[0].query.responses.all()[0]
    with pytest.raises(LabelRefused, match="another query"):
        label_expressions(
            response=response,
            labels={answers[0]: "expresses", other: "expresses"},
            now=timezone.now(),
            juror=jurors[0],
        )
    with pytest.raises(LabelRefused, match="one reader"):
        label_expression(
            response=response, answer=answers[0], label="expresses", now=timezone.now()
        )
    with pytest.raises(LabelRefused, match="no label"):
        label_expression(
            response=response,
            answer=answers[0],
            label="maybe",
            now=timezone.now(),
            juror=jurors[0],
        )
    assert not ExpressionLabel.objects.exists()


# --- Answers --------------------------------------------------------------------------------------


def test_new_words_supersede_a_waiting_proposal(study: Study, jurors: list[Juror]) -> None:
    query = study.queries.get(ordinal=0)
    first = propose_answer(juror=jurors[0], query=query, text="Ask the children. ")
    again = propose_answer(juror=jurors[0], query=query, text="Ask the children.")
    second = propose_answer(juror=jurors[0], query=query, text="Ask the pupils.")
    assert first is not None
    assert first == again
    first.refresh_from_db()
    assert (first.state, first.merged_into) == (Answer.State.MERGED, second)
    assert propose_answer(juror=jurors[0], query=query, text=" ") is None
    assert second is not None
    second.refresh_from_db()
    assert second.state == Answer.State.REJECTED
    assert Answer.objects.filter(query=query).count() == 2


def test_the_same_words_after_a_decision_are_no_new_proposal(
    study: Study, jurors: list[Juror], researcher: User
) -> None:
    query = study.queries.get(ordinal=0)
    first = propose_answer(juror=jurors[0], query=query, text="Ask the children.")
    assert first is not None
    reject_answer(answer=first, reason="a procedure, no position", actor=researcher)
    assert propose_answer(juror=jurors[0], query=query, text="Ask the children.") == first
    other = propose_answer(juror=jurors[0], query=query, text="Let children vote.")
    assert other is not None
    assert other != first
    assert other.state == Answer.State.PROPOSED


def test_merge_keeps_what_was_said_and_can_be_undone(
    answers: list[Answer], jurors: list[Juror], researcher: User
) -> None:
    judge(jurors[0], answers[1])
    merged = merge_answer(
        answer=answers[1], into=answers[0], reason="says the same", actor=researcher
    )
    assert merged.merged_into == answers[0]
    assert merged.decision_reason == "says the same"
    assert answers[1].judgements.count() == 1
    split = accept_answer(answer=answers[1], actor=researcher, reason="it does differ")
    assert (split.state, split.merged_into) == (Answer.State.ACCEPTED, None)
    assert list(
        AuditEntry.objects.order_by("id").values_list("verb", "details__reason", "actor")
    ) == [
        ("merged", "says the same", researcher.pk),
        ("accepted", "it does differ", researcher.pk),
    ]


def test_merges_that_make_no_sense_are_refused(
    study: Study, answers: list[Answer], make_answers: Callable[..., list[Answer]], researcher: User
) -> None:
    other = make_answers(study.queries.get(ordinal=1), 1)[0]
    one, two, three = answers
    merge_answer(answer=two, into=one, reason="same", actor=researcher)
    for answer, into, reason, message in (
        (one, one, "same", "into itself"),
        (one, other, "same", "another query"),
        (three, two, "same", "merged into another"),  # two is no longer put to the jury
        (three, one, " ", "Give the reason"),
        (three, one, "x" * 301, "301 characters"),
    ):
        with pytest.raises(AnswerRefused, match=message):
            merge_answer(answer=answer, into=into, reason=reason, actor=researcher)
    with pytest.raises(AnswerRefused, match="1 answer was merged into"):
        reject_answer(answer=one, reason="no", actor=researcher)


def test_exclusion_and_back(answers: list[Answer], researcher: User) -> None:
    exclude_answer(answer=answers[0], reason="calls for violence", actor=researcher)
    exclude_answer(answer=answers[0], reason="safety", actor=researcher)
    assert Exclusion.objects.get(answer=answers[0]).reason == "safety"
    readmit_answer(answer=answers[0], actor=researcher)
    readmit_answer(answer=answers[0], actor=researcher)
    assert not Exclusion.objects.exists()
    assert AuditEntry.objects.filter(verb="readmitted").count() == 1


def test_added_answers_have_words_and_an_id_of_their_own(study: Study, researcher: User) -> None:
    query = study.queries.get(ordinal=0)
    add_answer(query=query, text=" Yes. ", external_id="yes", actor=researcher)
    assert query.answers.get().text == "Yes."
    with pytest.raises(AnswerRefused, match="already has an answer with the id yes"):
        add_answer(query=query, text="Yes!", external_id="yes")
    with pytest.raises(AnswerRefused, match="needs words"):
        add_answer(query=query, text="  ")


# --- Withdrawal -----------------------------------------------------------------------------------


def test_withdrawal_erases_what_she_said_and_no_one_elses(
    study: Study, answers: list[Answer], jurors: list[Juror], researcher: User
) -> None:
    query = answers[0].query
    response = query.responses.all()[0]
    snapshot = WindowSnapshot.objects.create(study=study, input_digest="0" * 64)
    for juror in jurors[:2]:
        judge(juror, answers[0])
        label_expression(
            response=response,
            answer=answers[0],
            label="expresses",
            now=timezone.now(),
            juror=juror,
        )
    propose_answer(juror=jurors[0], query=query, text="First words")
    accepted = propose_answer(juror=jurors[0], query=query, text="Accepted words")
    assert accepted is not None
    accept_answer(answer=accepted, actor=researcher)
    waiting = propose_answer(juror=jurors[0], query=query, text="Waiting words")
    assert waiting is not None

    erase_said(juror=jurors[0], erase_said=False)
    snapshot.refresh_from_db()
    assert snapshot.stale_since is None
    assert Judgement.objects.count() == 2

    erase_said(juror=jurors[0], erase_said=True)
    assert list(Judgement.objects.values_list("juror", flat=True)) == [jurors[1].pk]
    assert list(ExpressionLabel.objects.values_list("juror", flat=True)) == [jurors[1].pk]
    accepted.refresh_from_db()
    assert (accepted.text, accepted.proposed_by) == ("Accepted words", None)
    assert not Answer.objects.filter(pk=waiting.pk).exists()
    assert not Answer.objects.filter(text="First words").exists()
    snapshot.refresh_from_db()
    assert snapshot.stale_since is not None


def test_leaving_a_jury_erases_what_was_said_here_too(
    answers: list[Answer], jurors: list[Juror]
) -> None:
    judge(jurors[0], answers[0])
    judge(jurors[1], answers[0])
    withdraw_juror(juror=jurors[0], erase_said=True)
    assert list(Judgement.objects.values_list("juror", flat=True)) == [jurors[1].pk]
