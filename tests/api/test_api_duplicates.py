"""Pairs of answers that a model read, and jurors' own views put forward, through the API."""

from typing import TYPE_CHECKING
from uuid import uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from annotations.models import Opinion
from juries.models import Run
from overton.models import Answer, DuplicateScore

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"


def pair(world: "World", number: int) -> DuplicateScore:
    query = world.study.queries.get(ordinal=0)
    one, two = (
        Answer.objects.create(query=query, external_id=f"d{number}{side}", text=f"View {side}.")
        for side in "ab"
    )
    return DuplicateScore.objects.create(
        first=one, second=two, forward=0.9, backward=0.8, judge="judge@1"
    )


def test_pairs_are_asked_for_and_listed(world: "World") -> None:
    client, url = world.by_owner, world.url("api-answer-duplicates")
    made = client.post(url)
    assert made.status_code == 202, made.content
    run = Run.objects.get(kind="overton.duplicates")
    assert made["Location"] == reverse("api-run", args=[run.public_id])
    assert run.requested_by == world.owner
    score = pair(world, 0)
    [row] = world.by_viewer.get(url).json()["results"]
    assert (row["first"], row["second"]) == (
        str(score.first.public_id),
        str(score.second.public_id),
    )
    assert (row["forward"], row["backward"], row["judge"]) == (0.9, 0.8, "judge@1")
    other = world.study.queries.get(ordinal=1).public_id
    assert client.get(url, {"query": str(other)}).json()["results"] == []
    for refused, status in (
        (world.by_viewer.post(url), 403),
        (world.by_other.get(url), 404),
        (APIClient().post(url), 401),
    ):
        assert (refused.status_code, refused["Content-Type"]) == (status, PROBLEM)


def test_the_list_asks_as_often_for_three_pairs_as_for_one(world: "World") -> None:
    client, counts = world.by_owner, []
    for number in (1, 2):
        for _ in range(number):
            pair(world, DuplicateScore.objects.count())
        with CaptureQueriesContext(connection) as captured:
            rows = client.get(world.url("api-answer-duplicates")).json()["results"]
        counts.append((len(rows), len(captured)))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1]


def test_a_jurors_own_view_is_put_forward_once(world: "World") -> None:
    client, url = world.by_owner, world.url("api-answers-put-forward")
    Opinion.objects.update(is_current=True)
    opinion = Opinion.objects.get()
    body = {"query": str(opinion.query.public_id), "juror": str(opinion.juror.public_id)}
    for wrong, where in (({"query": str(uuid4())}, "query"), ({"juror": str(uuid4())}, "juror")):
        refused = client.post(url, {**body, **wrong})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == f"#/{where}"
    for refused, status in (
        (world.by_viewer.post(url, body), 403),
        (world.by_other.post(url, body), 404),
        (APIClient().post(url, body), 401),
    ):
        assert (refused.status_code, refused["Content-Type"]) == (status, PROBLEM)
    made = client.post(url, body)
    assert made.status_code == 201, made.content
    assert (made.json()["text"], made.json()["state"]) == (opinion.text, "proposed")
    assert made.json()["origin"] == "opinion"
    assert str(opinion.juror.public_id) not in made.content.decode()
    again = client.post(url, {**body, "text": "Shorter."})
    assert (again.status_code, again["Content-Type"]) == (409, PROBLEM)
    assert "already" in again.json()["detail"]
