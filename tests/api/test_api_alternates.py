"""Alternates through the API: what past seats tell, how many it takes, their draw."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from juries.domain.dropout import DropoutRates
from juries.models import AuditEntry, Candidate, CandidateContact, Draw, Jury, Run, Seat
from juries.services import alternates
from juries.services.alternates import Wanted
from juries.services.runs import perform_run

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"
OVERALL = {"overall": 0.2, "level": 0.8}


def alternates_url(world: "World", name: str = "api-alternates") -> str:
    return reverse(name, args=[world.jury.public_id])


def perform(run: Run) -> Run:
    perform_run(run_id=run.pk, work=alternates.perform_alternates)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    return run


@pytest.fixture(autouse=True)
def _no_draw_since(world: "World") -> None:
    """The world's draw is there to be listed; alternates are drawn after those who sit."""
    Draw.objects.filter(jury=world.jury).delete()


def test_alternates_are_drawn_and_read(world: "World") -> None:
    client, one = world.by_manager, alternates_url(world)
    before = client.get(one)
    assert before.status_code == 200, before.content
    assert before.json()["draw"] is None
    assert (before.json()["people"], before.json()["coverage"]) == ([], None)
    made = client.post(one, {**OVERALL, "number": 3, "seed": "a"})
    assert made.status_code == 202, made.content
    run = Run.objects.get(kind=alternates.KIND)
    assert made["Location"] == reverse("api-run", args=[run.public_id])
    assert (run.requested_by, run.seed, run.parameters["number"]) == (world.manager, "a", 3)
    refused = client.post(one, OVERALL)
    assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
    assert "still going on" in refused.json()["detail"]
    perform(run)
    told = client.get(one).json()
    draw = Draw.objects.get(purpose=Draw.Purpose.ALTERNATES)
    assert (told["draw"], told["ready"]) == (str(draw.public_id), 3)
    assert told["coverage"] == {"level": 0.8, **run.result["coverage"]}
    sitting = {str(one) for one in world.jury.jurors.values_list("candidate__public_id", flat=True)}
    assert {row["state"] for row in told["people"]} == {"ready"}
    assert not sitting & {row["candidate_id"] for row in told["people"]}
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.verb, entry.actor) == ("drew alternates", world.manager)


def test_what_became_of_them_is_told_without_who_they_are(world: "World") -> None:
    client, one = world.by_manager, alternates_url(world)
    client.post(one, {**OVERALL, "number": 3, "seed": "a"})
    perform(Run.objects.get(kind=alternates.KIND))
    ids = [row["candidate_id"] for row in client.get(one).json()["people"]]
    people = [Candidate.objects.get(public_id=public_id) for public_id in ids]
    CandidateContact.objects.create(
        candidate=people[0], pool=world.jury.pool, name="Ada Byron", email="ada@example.org"
    )
    world.jury.jurors.create(candidate=people[0])
    world.jury.seating_rules.create(candidate=people[1], rule="must_not_sit")
    Candidate.objects.filter(pk=people[2].pk).update(state=Candidate.State.WITHDRAWN)
    answer = client.get(one)
    assert [row["state"] for row in answer.json()["people"]] == ["seated", "barred", "gone"]
    assert answer.json()["ready"] == 0
    assert "Ada" not in answer.content.decode()
    assert f'"{people[0].external_id}"' not in answer.content.decode()


def test_the_number_is_that_of_the_page(world: "World", client: Client) -> None:
    api = world.by_manager
    body = {**OVERALL, "by_value": [{"feature": "gender", "value": "woman", "rate": 0.6}]}
    told = api.post(alternates_url(world, "api-alternates-plan"), body)
    assert told.status_code == 200, told.content
    plan = alternates.plan_for(
        jury=world.jury, wanted=Wanted(DropoutRates(0.2, {("gender", "woman"): 0.6}), 0.8)
    )
    assert (told.json()["number"], told.json()["level"]) == (plan.number, 0.8)
    first = told.json()["demands"][0]
    assert (first["traits"], first["seated"], first["minimum"]) == ([], 4, 4)
    assert first["expected"] == pytest.approx(plan.demands[0].expected)
    assert first["is_short"] == (first["available"] < first["wanted"])
    for row in told.json()["demands"][1:]:
        assert set(row["traits"][0]) == {"feature", "value"}
    assert not Run.objects.filter(kind=alternates.KIND).exists()
    client.force_login(world.manager)
    woman = world.jury.pool.features.get(name="gender").values.get(value="woman")
    page = client.post(
        reverse("admin:juries_jury_alternates", args=[world.jury.pk]),
        {"overall": "20", "level": "0.8", f"rate-{woman.pk}": "60", "action": "plan"},
    ).content.decode()
    assert f"{plan.number} alternate" in page


def test_past_seats_tell_what_to_expect(world: "World") -> None:
    client, one = world.by_manager, alternates_url(world)
    Seat.objects.filter(jury=world.jury).update(state=Seat.State.INVITED)
    assert client.get(one).json()["seen"] is None
    Seat.objects.filter(jury=world.jury).update(state=Seat.State.ACCEPTED)
    given_up = world.jury.seats.order_by("id")[0]
    Seat.objects.filter(pk=given_up.pk).update(state=Seat.State.DECLINED)
    seen = client.get(one).json()["seen"]
    assert (seen["seats"], seen["given_up"], seen["overall"]) == (4, 1, 0.25)
    assert seen["low"] < 0.25 < seen["high"]
    assert {row["feature"] for row in seen["by_value"]} == {"gender", "age"}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "overall"),
        ({"overall": 1}, "overall"),
        ({"overall": -0.1}, "overall"),
        ({"overall": "nan"}, "overall"),
        ({"overall": 0.2, "level": 0.5}, "level"),
        ({"overall": 0.2, "people": 3}, "people"),
        ({"by_value": [{"feature": "gender", "value": "woman", "rate": 2}]}, "by_value/0/rate"),
        ({"by_value": [{"feature": "town", "value": "x", "rate": 0.1}]}, "by_value/0/feature"),
        ({"by_value": [{"feature": "gender", "value": "x", "rate": 0.1}]}, "by_value/0/value"),
        ({"by_value": [{"feature": "gender", "value": "man", "rate": 0.1}] * 2}, "by_value/1"),
    ],
)
def test_what_can_t_be_taken_is_named(world: "World", body: dict[str, Any], where: str) -> None:
    sent = {"overall": 0.2, **body} if "by_value" in body else body
    for name in ("api-alternates", "api-alternates-plan"):
        refused = world.by_manager.post(alternates_url(world, name), sent)
        assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
        assert refused.json()["errors"][0]["pointer"] == f"#/{where}"
    assert not Run.objects.filter(kind=alternates.KIND).exists()


def test_refusals_as_things_stand(world: "World") -> None:
    client = world.by_manager
    refused = client.post(alternates_url(world), {**OVERALL, "number": 9})
    assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
    assert "ask for 1 to 4" in refused.json()["detail"]
    for number in (0, 1.5):
        refused = client.post(alternates_url(world), {**OVERALL, "number": number})
        assert refused.json()["errors"][0]["pointer"] == "#/number"
    empty = Jury.objects.create(pool=world.jury.pool, name="Empty", size=2)
    for name in ("api-alternates", "api-alternates-plan"):
        refused = client.post(reverse(name, args=[empty.public_id]), OVERALL)
        assert refused.status_code == 409
        assert "draw it before its alternates" in refused.json()["detail"]


def test_alternates_are_for_those_who_manage_juries(world: "World") -> None:
    plan = alternates_url(world, "api-alternates-plan")
    for client, status in ((world.by_owner, 403), (APIClient(), 401)):
        for answer in (
            client.get(alternates_url(world)),
            client.post(alternates_url(world), OVERALL),
            client.post(plan, OVERALL),
        ):
            assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)
    nowhere = reverse("api-alternates", args=[uuid4()])
    assert world.by_manager.get(nowhere).status_code == 404
