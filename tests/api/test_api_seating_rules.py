"""Seating rules through the API: added and taken off whole, by whom, and told apart by place."""

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from juries.models import AuditEntry, Candidate, CandidateContact, SeatingRule, User
from juries.services.contacts import email_key
from tests.api.conftest import token_client

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"


def rules_url(world: "World") -> str:
    return reverse("api-seating-rules", args=[world.jury.public_id])


def take_off_url(world: "World") -> str:
    return reverse("api-seating-rules-take-off", args=[world.jury.public_id])


def code(name: str) -> str:
    return str(Candidate.objects.get(external_id=name).public_id)


@pytest.fixture
def coordinator(world: "World") -> APIClient:
    """Staff who manage juries and may not see who the candidates are."""
    user = User.objects.create(username="coordinator", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="change_jury"))
    return token_client(user)


def test_rules_are_added_listed_and_taken_off(world: "World", coordinator: APIClient) -> None:
    world.jury.seats.all().delete()
    people = [code("p0"), code("p1").upper(), code("p0")]
    made = coordinator.post(
        rules_url(world), {"people": people, "rule": "must_sit", "reason": " Chairs "}
    )
    assert made.status_code == 201, made.content
    assert made.json() == {
        "added": 2,
        "standing": 0,
        "is_seated": False,
        "waiting_record": None,
    }
    again = coordinator.post(rules_url(world), {"people": people[:1], "rule": "must_sit"})
    assert (again.json()["added"], again.json()["standing"]) == (0, 1)
    barred = coordinator.post(rules_url(world), {"people": [code("p5")], "rule": "must_not_sit"})
    assert barred.status_code == 201
    rows = coordinator.get(rules_url(world)).json()["results"]
    assert rows == [
        {"candidate_id": code("p0"), "rule": "must_sit", "reason": "Chairs"},
        {"candidate_id": code("p1"), "rule": "must_sit", "reason": "Chairs"},
        {"candidate_id": code("p5"), "rule": "must_not_sit", "reason": ""},
    ]
    [row] = coordinator.get(rules_url(world), {"rule": "must_not_sit"}).json()["results"]
    assert row["candidate_id"] == code("p5")
    gone = coordinator.post(take_off_url(world), {"people": [code("p0"), code("p5"), code("p0")]})
    assert gone.json() == {"taken_off": 2, "is_seated": False, "waiting_record": None}
    assert world.jury.seating_rules.get().candidate.external_id == "p1"
    verbs = list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))
    assert verbs == ["added seating rules"] * 2 + ["took seating rules off"] * 2
    assert {entry.actor.username for entry in AuditEntry.objects.all() if entry.actor} == {
        "coordinator"
    }


def test_all_or_none_and_each_problem_at_its_place(world: "World", coordinator: APIClient) -> None:
    Candidate.objects.filter(external_id="p4").update(state="withdrawn")
    unknown = str(uuid4())
    coordinator.post(rules_url(world), {"people": [code("p6")], "rule": "must_not_sit"})
    people = [code("p0"), code("p4"), unknown, code("p6")]
    refused = coordinator.post(rules_url(world), {"people": people, "rule": "must_sit"})
    assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
    errors = refused.json()["errors"]
    assert [error["pointer"] for error in errors] == [f"#/people/{place}" for place in (1, 2, 3)]
    for error, person, words in zip(
        errors,
        people[1:],
        ("has withdrawn", "Nobody in the pool", "take it off first"),
        strict=True,
    ):
        assert person in error["detail"]
        assert words in error["detail"]
    assert world.jury.seating_rules.count() == 1
    refused = coordinator.post(take_off_url(world), {"people": [code("p6"), code("p0")]})
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert error["pointer"] == "#/people/1"
    assert code("p0") in error["detail"]
    assert "leave that code out" in error["detail"]
    assert world.jury.seating_rules.count() == 1


def test_a_long_list_of_problems_is_cut_and_counted(world: "World", coordinator: APIClient) -> None:
    people = [str(uuid4()) for _ in range(23)]
    for url, body in (
        (rules_url(world), {"people": people, "rule": "must_sit"}),
        (take_off_url(world), {"people": people}),
    ):
        errors = coordinator.post(url, body).json()["errors"]
        assert len(errors) == 21
        assert errors[-1] == {"detail": "And 3 more can't be taken.", "pointer": "#/people"}


def test_ids_and_addresses_are_for_those_who_may_see_identities(
    world: "World", coordinator: APIClient
) -> None:
    person = Candidate.objects.get(external_id="p2")
    CandidateContact.objects.create(
        candidate=person,
        pool=person.pool,
        name="Ada",
        email="ada@example.org",
        email_key=email_key("ada@example.org"),
    )
    body = {"people": ["p0", "ada@example.org"], "rule": "must_sit"}
    refused = coordinator.post(rules_url(world), body)
    assert refused.status_code == 400
    assert "named by their codes" in refused.json()["errors"][0]["detail"]
    assert not SeatingRule.objects.exists()
    made = world.by_manager.post(rules_url(world), body)
    assert made.json()["added"] == 2
    assert made.json()["is_seated"] is True
    listed = world.by_manager.get(rules_url(world)).content.decode()
    assert "ada@example.org" not in listed
    assert code("p2") in listed


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"rule": "must_sit"}, "#/people"),
        ({"people": [], "rule": "must_sit"}, "#/people"),
        ({"people": ["x"], "rule": "may_sit"}, "#/rule"),
        ({"people": ["x"], "rule": "must_sit", "why": "?"}, "#/why"),
        ({"people": ["x"], "rule": "must_sit", "reason": "x" * 501}, "#/reason"),
    ],
)
def test_a_wrong_body_is_refused_at_its_field(
    world: "World", coordinator: APIClient, body: dict[str, object], where: str
) -> None:
    refused = coordinator.post(rules_url(world), body)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == where


def test_rules_are_for_those_who_manage_juries(world: "World") -> None:
    body = {"people": [code("p0")]}
    for client, status in ((world.by_owner, 403), (world.by_viewer, 403), (APIClient(), 401)):
        for answer in (
            client.get(rules_url(world)),
            client.post(rules_url(world), {**body, "rule": "must_sit"}),
            client.post(take_off_url(world), body),
        ):
            assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)
    nowhere = reverse("api-seating-rules", args=[uuid4()])
    assert world.by_manager.get(nowhere).status_code == 404
    assert not SeatingRule.objects.exists()


def test_the_list_asks_as_often_for_three_rules_as_for_one(world: "World") -> None:
    counts = []
    client = world.by_manager
    for names in (["p0"], ["p1", "p2"]):
        client.post(rules_url(world), {"people": [code(n) for n in names], "rule": "must_sit"})
        with CaptureQueriesContext(connection) as captured:
            rows = client.get(rules_url(world)).json()["results"]
        counts.append((len(rows), len(captured)))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1]
