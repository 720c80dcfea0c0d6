"""Merges with their history, answers and judgements from elsewhere, decisions on labels."""

from typing import TYPE_CHECKING

from juries.models import Juror
from overton.models import Answer, AnswerMerge, ExpressionLabel, Judgement
from overton.services.answers import add_answer

if TYPE_CHECKING:
    from tests.api.conftest import World


def test_a_merge_is_undone_and_listed(world: "World") -> None:
    client = world.by_owner
    query = world.study.queries.get(ordinal=0)
    older = query.answers.get()
    answer = add_answer(query=query, text="The same.", external_id="same")
    client.post(
        world.url("api-answer-merge", answer.public_id),
        {"into": str(older.public_id), "reason": "The same."},
    )
    split = world.url("api-answer-split", answer.public_id)
    assert client.post(split, {}).status_code == 400
    undone = client.post(split, {"reason": "Not quite."})
    assert (undone.status_code, undone.json()["state"]) == (200, "accepted")
    assert undone.json()["merged_into"] is None
    refused = client.post(split, {"reason": "Again."})
    assert refused.status_code == 409
    assert "no merge to undo" in refused.json()["detail"]
    apart = world.url("api-answer-apart", answer.public_id)
    made = client.post(apart, {"other": str(older.public_id), "reason": "They differ."})
    assert made.status_code == 201
    foreign = client.post(apart, {"other": str(query.public_id), "reason": "They differ."})
    assert foreign.json()["errors"][0]["pointer"] == "#/other"
    rows = client.get(world.url("api-answer-merges")).json()["results"]
    assert [(row["act"], row["reason"], row["by"]) for row in rows] == [
        ("merged", "The same.", world.owner.username),
        ("split", "Not quite.", world.owner.username),
        ("apart", "They differ.", world.owner.username),
    ]
    assert rows[0]["into"] == str(older.public_id)
    assert len(client.get(world.url("api-answer-merges"), {"act": "apart"}).json()["results"]) == 1
    assert AnswerMerge.objects.count() == 3


def test_answers_come_from_elsewhere_whole_or_not_at_all(world: "World") -> None:
    client, url = world.by_owner, world.url("api-answers-import")
    query = world.study.queries.get(ordinal=0).external_id
    rows = [{"query": query, "external_id": key, "text": f"{key}."} for key in ("yes", "no")]
    before = Answer.objects.count()
    broken = client.post(url, {"answers": [*rows, {**rows[0], "query": "q99"}]})
    assert broken.status_code == 400
    [error] = broken.json()["errors"]
    assert error["pointer"] == "#/answers/2/query"
    assert "no query with the id 'q99'" in error["detail"]
    assert Answer.objects.count() == before
    assert client.post(url, {"answers": rows}).json() == {"added": 2, "changed": 0, "known": 0}
    assert client.post(url, {"answers": rows}).json() == {"added": 0, "changed": 0, "known": 2}
    assert Answer.objects.get(external_id="no").origin == "import"


def test_judgements_come_from_elsewhere(world: "World") -> None:
    client, url = world.by_owner, world.url("api-judgements-import")
    query = world.study.queries.get(ordinal=0)
    answer = add_answer(query=query, text="New.", external_id="new")
    juror = Juror.objects.filter(jury=world.study.jury).order_by("pk")[0]
    row = {
        "juror": str(juror.public_id), "query": query.external_id, "answer": "new",
        "verdict": "reasonable", "holds": True,
    }  # fmt: skip
    broken = client.post(url, {"judgements": [row, {**row, "juror": "nobody"}]})
    [error] = broken.json()["errors"]
    assert error["pointer"] == "#/judgements/1/juror"
    assert client.post(url, {"judgements": [row]}).json()["added"] == 1
    changed = client.post(url, {"judgements": [{**row, "holds": None}]})
    assert changed.json() == {"added": 1, "changed": 1, "known": 0}
    said = Judgement.objects.filter(answer=answer).values_list("holds", "is_current")
    assert list(said) == [(True, False), (None, True)]


def test_a_researcher_decides_where_readers_differ(world: "World") -> None:
    client, url = world.by_owner, world.url("api-label-resolutions")
    ExpressionLabel.objects.update(is_current=True)
    label = ExpressionLabel.objects.filter(answer__query__study=world.study)[0]
    body = {
        "response": str(label.response.public_id),
        "answer": str(label.answer.public_id),
        "label": "contradicts",
        "reason": "It refutes it.",
    }
    early = client.post(url, body)
    assert early.status_code == 400
    assert "Label the pair yourself first" in early.json()["detail"]
    mine = {"response": body["response"], "labels": [
        {"answer": body["answer"], "label": "contradicts"}
    ]}  # fmt: skip
    assert client.post(world.url("api-expression-labels"), mine).status_code == 201
    made = client.post(url, body)
    assert (made.status_code, made.json()["label"]) == (201, "contradicts")
    assert client.post(url, {**body, "label": "does_not"}).status_code == 201
    assert len(client.get(url).json()["results"]) == 1
    assert len(client.get(url, {"history": "true"}).json()["results"]) == 2
    wrong = client.post(url, {**body, "answer": body["response"]})
    assert wrong.json()["errors"][0]["pointer"] == "#/answer"
