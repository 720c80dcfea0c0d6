"""Which answers are the same: merging, undoing it, its history, and what a model suggests."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotations.models import Opinion, Study
from juries.models import Juror, Run, User
from juries.services.runs import perform_run
from overton.models import Answer, AnswerMerge, DuplicateScore, Judgement, WindowSnapshot
from overton.selectors.coverage import study_coverage
from overton.selectors.merging import query_answers, scores_of, standing_for
from overton.selectors.said import judgement_table
from overton.selectors.windows import windows_fingerprint
from overton.services.answers import (
    AnswerRefused,
    accept_answer,
    exclude_answer,
    keep_apart,
    merge_answer,
    propose_answer,
    put_forward_opinion,
    reject_answer,
    reword_answer,
    split_answer,
)
from overton.services.judgements import record_judgement
from overton.services.labels import label_expression
from overton.services.merging import perform_duplicates, request_duplicates
from overton.services.withdrawal import erase_said

Make = Callable[..., list[Answer]]


@pytest.fixture
def answers(study: Study, make_answers: Make) -> list[Answer]:
    return make_answers(study.queries.get(ordinal=0), 4)


def judge(juror: Juror, answer: Answer, verdict: str = "reasonable") -> Judgement:
    return record_judgement(
        juror=juror, answer=answer, verdict=verdict, holds=False, now=timezone.now()
    )


def verdicts_of(study: Study, answer: Answer) -> dict[str, int]:
    table = judgement_table(study=study)
    column = [row.pk for row in table.answers].index(answer.pk)
    return {
        str(juror): int(code)
        for juror, code in zip(table.jurors, table.verdicts[:, column], strict=True)
        if code >= 0
    }


# --- What counts ----------------------------------------------------------------------------------


def test_windows_and_coverage_follow_a_merge_and_its_undoing(
    study: Study, answers: list[Answer], jurors: list[Juror], researcher: User
) -> None:
    one, two, three, _ = answers
    judge(jurors[0], one, "reasonable")
    judge(jurors[0], two, "unreasonable")  # her own word on the survivor stands
    judge(jurors[1], two, "unreasonable")
    judge(jurors[1], three, "correct")  # the later of two merged ones
    response = one.query.responses.all()[0]
    label_expression(
        response=response, answer=two, label="expresses", now=timezone.now(), researcher=researcher
    )
    before = verdicts_of(study, one)
    expressed_before = study_coverage(study=study).labels.pooled
    prints = [windows_fingerprint(study=study)]
    merge_answer(answer=two, into=one, reason="the same", actor=researcher)
    merge_answer(answer=three, into=one, reason="the same", actor=researcher)
    prints.append(windows_fingerprint(study=study))
    assert verdicts_of(study, one) == {
        str(jurors[0].public_id): 1,
        str(jurors[1].public_id): 2,
    }
    table = study_coverage(study=study).labels
    place = [row.pk for row in table.answers].index(one.pk)
    assert [pair[1] for pair in table.pooled] == [place]
    split_answer(answer=two, reason="they differ", actor=researcher)
    split_answer(answer=three, reason="they differ", actor=researcher)
    prints.append(windows_fingerprint(study=study))
    assert verdicts_of(study, one) == before
    assert study_coverage(study=study).labels.pooled == expressed_before
    assert prints[0] == prints[2] != prints[1]
    assert Judgement.objects.count() == 4


def test_undoing_gives_back_what_an_answer_was(
    study: Study, answers: list[Answer], jurors: list[Juror], researcher: User
) -> None:
    waiting = propose_answer(juror=jurors[0], query=answers[0].query, text="Ask the children.")
    assert waiting is not None
    reject_answer(answer=answers[2], reason="a question", actor=researcher)
    for answer, state in (
        (waiting, "proposed"),
        (answers[2], "rejected"),
        (answers[1], "accepted"),
    ):
        merge_answer(answer=answer, into=answers[0], reason="same", actor=researcher)
        back = split_answer(answer=answer, reason="it differs", actor=researcher)
        assert (back.state, back.merged_into, back.decision_reason) == (state, None, "it differs")


# --- History --------------------------------------------------------------------------------------


def test_the_history_says_who_did_what_and_why(answers: list[Answer], researcher: User) -> None:
    one, two, three, _ = answers
    DuplicateScore.objects.create(first=one, second=two, forward=0.9, backward=0.7, judge="m@1")
    merge_answer(answer=two, into=one, reason="same", actor=researcher)
    split_answer(answer=two, reason="mistaken", actor=researcher)
    keep_apart(answer=one, other=two, reason="a shade", actor=researcher)
    merge_answer(answer=three, into=one, reason="same too", actor=researcher)
    accept_answer(answer=three, actor=researcher)
    rows = AnswerMerge.objects.values_list("answer", "act", "into", "reason", "state_before")
    assert list(rows) == [
        (two.pk, "merged", one.pk, "same", "accepted"),
        (two.pk, "split", one.pk, "mistaken", "merged"),
        (one.pk, "apart", two.pk, "a shade", "accepted"),
        (three.pk, "merged", one.pk, "same too", "accepted"),
        (three.pk, "split", one.pk, "", "merged"),
    ]
    assert set(AnswerMerge.objects.values_list("actor", flat=True)) == {researcher.pk}
    # As the researcher saw them: how far the merged one entails the other, and back.
    merged, _, apart, *rest = AnswerMerge.objects.all()
    assert (merged.forward, merged.backward, merged.judge) == (0.7, 0.9, "m@1")
    assert (apart.forward, apart.backward) == (0.9, 0.7)
    assert [row.forward for row in rest] == [None, None]


def test_rewording_a_proposal_is_in_the_history_and_is_not_undone_by_researchers(
    study: Study, jurors: list[Juror], researcher: User
) -> None:
    query = study.queries.get(ordinal=0)
    first = propose_answer(juror=jurors[0], query=query, text="First words")
    second = propose_answer(juror=jurors[0], query=query, text="Second words")
    assert first is not None
    row = AnswerMerge.objects.get()
    assert (row.answer, row.into, row.actor) == (first, second, None)
    first.refresh_from_db()
    with pytest.raises(AnswerRefused, match="worded anew by the juror"):
        split_answer(answer=first, reason="no", actor=researcher)


def test_merges_that_make_circles_or_hang_on_merged_ones_are_refused(
    answers: list[Answer], researcher: User
) -> None:
    one, two, three, four = answers
    merge_answer(answer=two, into=one, reason="same", actor=researcher)
    for answer, into, message in (
        (one, two, "merge into an answer that is put to the jury"),  # a circle
        (three, two, "merge into “View 0 on Question 0\\?” instead"),
        (two, three, "merged into “View 0 on Question 0\\?” already; undo that first"),
    ):
        with pytest.raises(AnswerRefused, match=message):
            merge_answer(answer=answer, into=into, reason="same", actor=researcher)
    # A standing answer takes along what was merged into it, and gives it back.
    merge_answer(answer=one, into=four, reason="same", actor=researcher)
    two.refresh_from_db()
    assert standing_for(answer=two) == four
    split_answer(answer=one, reason="mistaken", actor=researcher)
    two = Answer.objects.get(pk=two.pk)
    assert standing_for(answer=two) == one
    for refused, message in ((one, "there is no merge to undo"), (two, "Give the reason")):
        with pytest.raises(AnswerRefused, match=message):
            split_answer(answer=refused, reason="r" if refused == one else " ", actor=researcher)
    assert AnswerMerge.objects.count() == 3
    with pytest.raises(IntegrityError), transaction.atomic():
        Answer.objects.filter(pk=two.pk).update(merged_into=two)


def test_an_excluded_answer_is_not_merged_into_one_that_is_not(
    answers: list[Answer], researcher: User
) -> None:
    exclude_answer(answer=answers[0], reason="safety", actor=researcher)
    with pytest.raises(AnswerRefused, match=r"is excluded \(safety\).*both or neither"):
        merge_answer(answer=answers[0], into=answers[1], reason="same", actor=researcher)
    merge_answer(answer=answers[1], into=answers[0], reason="same", actor=researcher)


# --- Jurors' own views ----------------------------------------------------------------------------


@pytest.fixture
def opinion(study: Study, jurors: list[Juror]) -> Opinion:
    query = study.queries.get(ordinal=0)
    return Opinion.objects.create(
        juror=jurors[0], query=query, text="It depends on the town.", created_at=timezone.now()
    )


def test_a_jurors_own_words_become_a_proposal_once(
    opinion: Opinion, jurors: list[Juror], researcher: User
) -> None:
    page = query_answers(query=opinion.query)
    assert page.opinions == (opinion,)
    made = put_forward_opinion(opinion=opinion, text=" Towns differ. ", actor=researcher)
    assert (made.text, made.state, made.origin) == ("Towns differ.", "proposed", "opinion")
    assert made.proposed_by == jurors[0]
    page = query_answers(query=opinion.query)
    assert (page.opinions, page.taken_up, page.proposed) == ((), 1, (made,))
    with pytest.raises(AnswerRefused, match=r"put forward already, as “Towns differ\."):
        put_forward_opinion(opinion=opinion, text="Again", actor=researcher)
    # What she herself proposes is another thing, and does not supersede it.
    propose_answer(juror=jurors[0], query=opinion.query, text="A missing view")
    made.refresh_from_db()
    assert made.state == "proposed"


def test_words_that_she_has_changed_are_not_put_forward(opinion: Opinion, researcher: User) -> None:
    Opinion.objects.filter(pk=opinion.pk).update(is_current=False)
    with pytest.raises(AnswerRefused, match="since changed her words"):
        put_forward_opinion(opinion=opinion, text="Old", actor=researcher)


@pytest.mark.parametrize("judged", [False, True])
def test_who_leaves_takes_her_own_view_along_unless_others_have_judged_it(
    opinion: Opinion, jurors: list[Juror], researcher: User, judged: bool
) -> None:
    made = put_forward_opinion(opinion=opinion, text="Towns differ.", actor=researcher)
    accept_answer(answer=made, actor=researcher)
    if judged:
        judge(jurors[1], made)
    WindowSnapshot.objects.create(study=made.study, input_digest="0" * 64)
    erase_said(juror=jurors[0], erase_said=True)
    assert WindowSnapshot.objects.get().stale_since is not None
    kept = [(answer.text, answer.proposed_by) for answer in Answer.objects.all()]
    assert kept == ([("Towns differ.", None)] if judged else [])


# --- Likely duplicates ----------------------------------------------------------------------------


@pytest.fixture
def judge_of_words(settings: LazySettings) -> None:
    settings.ENTAILMENT_BACKENDS = {"words": "fake_entailment.WordJudge"}
    settings.ENTAILMENT_BACKEND = "words"
    settings.ENTAILMENT_MODEL = settings.ENTAILMENT_REVISION = ""


def compare(study: Study, researcher: User, backend: str = "") -> Run:
    run = request_duplicates(study=study, requested_by=researcher, backend=backend)
    perform_run(run_id=run.pk, work=perform_duplicates)
    return Run.objects.get(pk=run.pk)


@pytest.mark.usefixtures("judge_of_words")
def test_answers_that_entail_each_other_are_suggested(
    study: Study, researcher: User, jurors: list[Juror]
) -> None:
    query = study.queries.get(ordinal=0)
    base = "Schools teach cooking"
    texts = (base, f"{base} well", "Schools", "teach schools cooking")
    made = [
        Answer.objects.create(query=query, external_id=f"a{place}", text=text)
        for place, text in enumerate(texts)
    ]
    elsewhere = study.queries.get(ordinal=1)
    Answer.objects.create(query=elsewhere, external_id="x", text=base)
    run = compare(study, researcher)
    assert run.state == Run.State.SUCCEEDED, run.error
    # 6 pairs; "Schools" is entailed by all and entails none: one direction is not enough.
    assert (run.result["pairs"], run.result["likely_duplicates"]) == (6, 3)
    assert (run.result["judge"], len(run.result["input_digest"])) == ("words", 64)
    page = query_answers(query=query)
    assert [(s.first, s.second) for s in page.suggestions] == [
        (made[0], made[3]),
        (made[0], made[1]),
        (made[1], made[3]),
    ]
    assert (page.unscored, page.judge) == (0, "words")
    scores = scores_of(answer=made[2], other=made[0])
    assert scores is not None
    assert scores.forward == pytest.approx(0.02 + 0.96 / 3)
    assert scores.backward == pytest.approx(0.98)
    # What is decided is not suggested again; what is new is read, and nothing else.
    keep_apart(answer=made[0], other=made[1], reason="well", actor=researcher)
    merge_answer(answer=made[3], into=made[0], reason="same", actor=researcher)
    assert query_answers(query=query).suggestions == ()
    waiting = propose_answer(juror=jurors[0], query=query, text="schools teach COOKING.")
    assert compare(study, researcher).result["pairs"] == 3
    [suggestion] = [s for s in query_answers(query=query).suggestions if s.first == made[0]]
    assert suggestion.same_words
    assert suggestion.targets == ((waiting, made[0]),)


@pytest.mark.usefixtures("judge_of_words")
def test_new_words_are_read_anew(study: Study, answers: list[Answer], researcher: User) -> None:
    compare(study, researcher)
    assert DuplicateScore.objects.count() == 6
    reword_answer(answer=answers[0], text="Something else", actor=researcher)
    assert DuplicateScore.objects.count() == 3
    assert query_answers(query=answers[0].query).unscored == 3
    compare(study, researcher)
    assert DuplicateScore.objects.count() == 6


@pytest.mark.usefixtures("judge_of_words")
def test_a_model_that_can_not_be_loaded_is_said_in_its_words(
    study: Study, answers: list[Answer], researcher: User
) -> None:
    run = compare(study, researcher, "words:missing")
    assert (run.state, run.error) == (
        Run.State.FAILED,
        "There is no judge called missing. Name another.",
    )
    gone = request_duplicates(study=study, requested_by=researcher)
    Run.objects.filter(pk=gone.pk).update(parameters={"study": 0})
    perform_run(run_id=gone.pk, work=perform_duplicates)
    assert "deleted since" in Run.objects.get(pk=gone.pk).error


def test_the_same_words_are_suggested_without_any_model(answers: list[Answer]) -> None:
    Answer.objects.filter(pk=answers[1].pk).update(text="view 0, on question  0")
    page = query_answers(query=answers[0].query)
    [suggestion] = page.suggestions
    assert (suggestion.first, suggestion.second) == (answers[0], answers[1])
    assert suggestion.scores is None
    assert page.unscored == 6


def test_when_a_merge_was_made_is_kept(answers: list[Answer], researcher: User) -> None:
    before = timezone.now()
    merge_answer(answer=answers[1], into=answers[0], reason="same", actor=researcher)
    made = AnswerMerge.objects.get().created_at
    assert isinstance(made, datetime)
    assert before <= made <= timezone.now()
