"""Labels that people give: blind first, disagreement kept, decided on with a reason."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotations.models import Response, Study, StudyRole
from juries.models import Juror, User
from overton.domain.labels import ExpressionLabel as Reading
from overton.domain.labels import nearest_first, pool_labels
from overton.models import (
    Answer,
    EntailmentReading,
    ExpressionLabel,
    LabelResolution,
    PairReading,
)
from overton.selectors.labelling import Show, labelling_page
from overton.selectors.labels import label_table, labels_fingerprint
from overton.selectors.said import asked_queries
from overton.services.answers import merge_answer
from overton.services.labels import LabelRefused, label_expression, resolve_labels


@pytest.fixture
def answers(study: Study, make_answers: Callable[..., list[Answer]]) -> list[Answer]:
    return make_answers(study.queries.get(ordinal=0))


@pytest.fixture
def response(answers: list[Answer]) -> Response:
    return answers[0].query.responses.order_by("pk")[0]


@pytest.fixture
def editor(study: Study) -> User:
    user = User.objects.create_user("editor", password="a-long-password")
    study.roles.create(user=user, role=StudyRole.Role.EDITOR)
    return user


def label(response: Response, answer: Answer, reading: str, **who: Any) -> ExpressionLabel:
    return label_expression(
        response=response, answer=answer, label=reading, now=timezone.now(), **who
    )


def resolve(
    response: Response, answer: Answer, reading: str, who: User, reason: str = "read closely"
) -> LabelResolution:
    return resolve_labels(
        response=response,
        answer=answer,
        label=reading,
        reason=reason,
        researcher=who,
        now=timezone.now(),
    )


@pytest.fixture
def read_by_a_model(study: Study, response: Response, answers: list[Answer]) -> EntailmentReading:
    """The model has read one response: sure of the first answer, in doubt about the third."""
    reading = EntailmentReading.objects.create(
        study=study,
        backend="judge-of-tests",
        threshold=0.5,
        threshold_origin="declared",
        weights_digest="0" * 64,
        input_digest="0" * 64,
    )
    for answer, score in zip(answers, (0.98, 0.2, 0.45), strict=True):
        PairReading.objects.create(
            reading=reading, response=response, answer=answer, score=score, expressed=score >= 0.5
        )
    return reading


# --- Decisions ------------------------------------------------------------------------------------


def test_a_decision_stands_before_all_readings_and_they_stay(
    study: Study, response: Response, answers: list[Answer], jurors: list[Juror], editor: User,
    researcher: User,
) -> None:  # fmt: skip
    for juror in jurors[:3]:
        label(response, answers[0], "contradicts", juror=juror)
    label(response, answers[0], "does_not", researcher=researcher)
    label(response, answers[0], "expresses", researcher=editor)
    before = labels_fingerprint(study=study)
    pair, pooled = pooled_pair(study)
    assert pooled.label == "contradicts"  # the researchers differ, the jurors do not
    first = resolve(response, answers[0], "does_not", editor)
    assert pooled_pair(study)[1].label == "does_not"
    assert labels_fingerprint(study=study) != before
    resolve(response, answers[0], "expresses", editor, "on second thoughts")
    pooled = pooled_pair(study)[1]
    assert (pooled.label, pooled.settled_by_researcher) == ("expresses", True)
    assert dict(pooled.counts)[Reading.CONTRADICTS] == 3
    assert ExpressionLabel.objects.filter(is_current=True).count() == 5
    first.refresh_from_db()
    assert (first.is_current, LabelResolution.objects.count()) == (False, 2)
    assert pair == pooled_pair(study)[0]


def pooled_pair(study: Study) -> tuple[tuple[int, int], Any]:
    [found] = label_table(study=study, queries=asked_queries(study=study)).pooled.items()
    return found


def test_a_decision_follows_its_answer_into_another(
    study: Study, response: Response, answers: list[Answer], jurors: list[Juror], editor: User
) -> None:
    label(response, answers[1], "does_not", juror=jurors[0])
    label(response, answers[1], "expresses", researcher=editor)
    resolve(response, answers[1], "does_not", editor)
    merge_answer(answer=answers[1], into=answers[0], reason="same", actor=editor)
    table = label_table(study=study, queries=asked_queries(study=study))
    assert table.pooled[0, 0].label == "does_not"


def test_decisions_are_refused_where_there_is_nothing_to_decide(
    study: Study, response: Response, answers: list[Answer], jurors: list[Juror], editor: User
) -> None:
    one = answers[0]
    elsewhere = study.queries.get(ordinal=1).responses.all()[0]
    label(response, one, "expresses", juror=jurors[0])
    with pytest.raises(LabelRefused, match="Label the pair yourself first"):
        resolve(response, one, "expresses", editor)
    label(response, one, "expresses", researcher=editor)
    for where, reading, reason, message in (
        (response, "expresses", "because", "reads it the same way"),
        (response, "perhaps", "because", "“perhaps” is no label"),
        (response, "expresses", "  ", "Give the reason, in up to 300 characters; it has 0"),
        (response, "expresses", "x" * 301, "it has 301"),
        (elsewhere, "expresses", "because", "belongs to another query"),
    ):
        with pytest.raises(LabelRefused, match=message):
            resolve(where, one, reading, editor, reason)
    assert not LabelResolution.objects.exists()


def test_pooling_takes_a_decision_before_everything() -> None:
    jurors = [Reading.EXPRESSES] * 5
    pooled = pool_labels(jurors=jurors, researchers=[Reading.EXPRESSES], decided=Reading.DOES_NOT)
    assert (pooled.label, pooled.expressed, pooled.agreement) == (Reading.DOES_NOT, 0.0, 0.0)


# --- Which pairs, and what is told of them --------------------------------------------------------


def test_nearest_to_the_threshold_first() -> None:
    scores = {(0, 0): 1.0, (0, 1): 0.5, (1, 0): 0.25, (1, 1): 0.75}
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 0)]
    assert nearest_first(pairs=pairs, scores=scores, threshold=0.5) == [
        (0, 1), (1, 1), (1, 0), (0, 0),
    ]  # fmt: skip


def test_a_researcher_goes_through_the_pairs_that_she_chooses(
    study: Study, response: Response, answers: list[Answer], jurors: list[Juror], editor: User,
    read_by_a_model: EntailmentReading,
) -> None:  # fmt: skip
    one, two, three = answers
    label(response, one, "expresses", juror=jurors[0])
    label(response, one, "contradicts", juror=jurors[1])
    label(response, two, "does_not", researcher=editor)

    def chosen(show: Show) -> tuple[Any, int, int]:
        page = labelling_page(study=study, researcher=editor, show=show)
        pair = page.pair
        return (pair and (pair.response, pair.answer)), page.shown, page.place

    assert chosen(Show.DIFFERING) == ((response, one), 1, 1)
    # Of those that she has not labelled: in doubt about the third, sure of the first.
    assert chosen(Show.UNSURE) == ((response, three), 2, 1)
    page = labelling_page(study=study, researcher=editor, show=Show.UNSURE)
    assert page.following == f"{response.public_id}.{one.public_id}"
    assert (page.anyone, page.differing, page.undecided, page.unsure) == (2, 1, 1, 3)
    assert page.enough == 200
    _, shown, _ = chosen(Show.UNLABELLED)
    assert shown == 4  # of 2 responses times 3 answers
    label(response, one, "expresses", researcher=editor)
    resolve(response, one, "expresses", editor)
    assert chosen(Show.DIFFERING) == (None, 0, 0)
    EntailmentReading.objects.update(stale_since=timezone.now())
    assert chosen(Show.UNSURE) == (None, 0, 0)


@pytest.mark.usefixtures("read_by_a_model")
def test_nobody_elses_reading_and_no_models_is_told_before_ones_own(
    client: Client, study: Study, response: Response, answers: list[Answer], jurors: list[Juror],
    editor: User,
) -> None:  # fmt: skip
    for juror in jurors[:2]:
        label(response, answers[0], "contradicts", juror=juror)
    label(response, answers[0], "does_not", juror=jurors[2])
    client.force_login(editor)
    address = f"/studies/{study.public_id}/labels/"
    pair = f"{response.public_id}.{answers[0].public_id}"
    for query in (f"pair={pair}", f"after={pair}", "show=differing", "show=unsure", ""):
        page = client.get(f"{address}?{query}")
        html = page.content.decode()
        for shown in (page.context["page"].pair, page.context["page"].previous):
            if shown is not None:
                assert (shown.others, shown.model, shown.decision) == ((), None, None), query
                assert not shown.disputed
        for word in ("2 jurors", "judge-of-tests", "0.98", "Decide what stands"):
            assert word not in html, (query, word)
    sent = {"response": response.public_id, "answer": answers[0].public_id, "label": "expresses"}
    page = client.post(address, {**sent, "show": "differing"}, follow=True)
    html = page.content.decode()
    # Who reads it how is told by number; nobody's name or id is.
    assert "2 jurors: contradicts it" in html
    assert "1 juror: doesn" in html
    assert "judge-of-tests: expresses it (score 0.98)" in html
    assert "Decide what stands" in html
    for juror in jurors:
        assert str(juror.public_id) not in html


def test_a_decision_is_made_on_the_page_with_a_reason(
    client: Client, study: Study, response: Response, answers: list[Answer], jurors: list[Juror],
    editor: User,
) -> None:  # fmt: skip
    label(response, answers[0], "contradicts", juror=jurors[0])
    label(response, answers[0], "expresses", researcher=editor)
    client.force_login(editor)
    address = f"/studies/{study.public_id}/labels/"
    sent = {
        "response": str(response.public_id), "answer": str(answers[0].public_id),
        "label": "contradicts", "decide": "yes", "show": "differing",
    }  # fmt: skip
    refused = client.post(address, sent)
    assert refused.status_code == 400
    assert "Reason" in refused.content.decode()
    assert refused.context["page"].pair.answer == answers[0]
    assert not LabelResolution.objects.exists()
    done = client.post(address, {**sent, "reason": "It refutes it."}, follow=True)
    assert "It stands as you decided" in done.content.decode()
    assert "There are no such pairs" in done.content.decode()
    kept = LabelResolution.objects.get()
    assert (kept.label, kept.reason, kept.researcher) == ("contradicts", "It refutes it.", editor)
    again = client.get(f"{address}?pair={response.public_id}.{answers[0].public_id}")
    assert "Decided: contradicts it. It refutes it." in again.content.decode()
