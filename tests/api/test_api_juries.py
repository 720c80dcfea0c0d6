"""Juries begun and changed through the API, and their quotas replaced."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from juries.models import AuditEntry, Jury, User
from tests.api.conftest import token_client

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"
WOMEN = {"traits": [{"feature": "gender", "value": "woman"}], "minimum": 1, "maximum": 2}
OLD_MEN = {
    "traits": [
        {"feature": "gender", "value": "man"},
        {"feature": "age", "value": "40 and over"},
    ],
    "minimum": 1,
}


@pytest.fixture
def empty(world: "World") -> Jury:
    return Jury.objects.create(pool=world.jury.pool, name="Empty", size=4)


def url(jury: Jury, name: str = "api-quotas") -> str:
    return reverse(name, args=[jury.public_id])


def last_act() -> tuple[str, str]:
    entry = AuditEntry.objects.order_by("-id")[0]
    assert entry.actor is not None
    return entry.verb, entry.actor.username


def test_a_jury_is_begun_and_changed(world: "World") -> None:
    client = world.by_manager
    body = {"name": "Panel", "pool": str(world.jury.pool.public_id), "size": 3, "rest_months": 6}
    made = client.post(reverse("api-juries"), body)
    assert made.status_code == 201, made.content
    jury = Jury.objects.get(name="Panel")
    assert made["Location"] == url(jury, "api-jury")
    assert made.json() == client.get(url(jury, "api-jury")).json()
    assert (made.json()["kind"], made.json()["rest_months"]) == ("representative", 6)
    assert jury.created_by == world.manager
    assert last_act() == ("created the jury", "manager")
    changed = client.patch(url(jury, "api-jury"), {"size": 5, "rest_months": None})
    assert (changed.json()["size"], changed.json()["rest_months"]) == (5, None)
    assert changed.json()["name"] == "Panel"
    assert last_act() == ("changed the jury", "manager")
    entry = AuditEntry.objects.order_by("-id")[0]
    assert entry.details == {"before": {"size": 3, "rest_months": 6}}
    assert client.patch(url(jury, "api-jury"), {"size": 5}).status_code == 200
    assert AuditEntry.objects.order_by("-id")[0] == entry


def test_what_a_draw_went_by_stays_once_somebody_sits(world: "World") -> None:
    client, one = world.by_manager, url(world.jury, "api-jury")
    for field, value in (("size", 9), ("household_limit", 1), ("rest_months", 2)):
        refused = client.patch(one, {"name": "Anew", field: value})
        assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
        assert refused.json()["errors"][0]["pointer"] == f"#/{field}"
        assert "Make another jury" in refused.json()["detail"]
    world.jury.refresh_from_db()
    assert world.jury.name == "Town jury"
    assert client.patch(one, {"name": "Anew", "purpose": "Trees"}).json()["purpose"] == "Trees"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("size", 0),
        ("kind", "loud"),
        ("pool", "5b0c8f2e-0000-4000-8000-000000000000"),
        ("household_limit", 0),
        ("rest_months", 0),
        ("seats", 3),
    ],
)
def test_a_wrong_jury_is_refused_at_its_field(world: "World", field: str, value: object) -> None:
    body = {"name": "Panel", "pool": str(world.jury.pool.public_id), "size": 3, field: value}
    refused = world.by_manager.post(reverse("api-juries"), body)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == f"#/{field}"
    assert Jury.objects.count() == 1


def test_quotas_are_replaced(world: "World", empty: Jury) -> None:
    client = world.by_manager
    made = client.put(url(empty), {"quotas": [WOMEN, OLD_MEN]})
    assert made.status_code == 200, made.content
    unsaid = {"min_flex": None, "max_flex": None}
    assert made.json() == [{**WOMEN, **unsaid}, {**OLD_MEN, "maximum": 4, **unsaid}]
    assert client.get(url(empty)).json()["results"] == made.json()
    assert client.get(url(empty, "api-jury")).json()["quotas"] == made.json()
    assert last_act() == ("set quotas", "manager")
    assert client.put(url(empty), {"quotas": [OLD_MEN]}).json()[0]["traits"] == OLD_MEN["traits"]
    assert client.put(url(empty), {"quotas": []}).json() == []
    assert not empty.quotas.exists()


@pytest.mark.parametrize(
    ("wrong", "where", "legal"),
    [
        ({"minimum": 3}, "", []),
        ({"minimum": -1}, "/minimum", []),
        ({"min_flex": 2}, "", []),
        ({"max_flex": 1}, "", []),
        ({"min_flex": -1}, "/min_flex", []),
        ({"traits": []}, "/traits", []),
        (
            {"traits": [{"feature": "height", "value": "tall"}]},
            "/traits/0/feature",
            ["gender", "age"],
        ),
        (
            {"traits": [{"feature": "gender", "value": "tall"}]},
            "/traits/0/value",
            ["woman", "man"],
        ),
        (
            {
                "traits": [
                    {"feature": "gender", "value": "woman"},
                    {"feature": "gender", "value": "man"},
                ]
            },
            "",
            [],
        ),
    ],
)
def test_a_wrong_quota_is_named_by_its_place_and_nothing_changes(
    world: "World", empty: Jury, wrong: dict[str, Any], where: str, legal: list[str]
) -> None:
    client = world.by_manager
    client.put(url(empty), {"quotas": [WOMEN]})
    other = {**WOMEN, "traits": [{"feature": "gender", "value": "man"}], **wrong}
    refused = client.put(url(empty), {"quotas": [{**WOMEN, "minimum": 0}, other]})
    assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
    error = refused.json()["errors"][0]
    assert error["pointer"] == f"#/quotas/1{where}"
    assert error.get("legal", []) == legal
    assert empty.quotas.get().minimum == 1


def test_how_far_bounds_may_give_way_is_kept_and_told(world: "World", empty: Jury) -> None:
    client = world.by_manager
    flexible = [
        {**WOMEN, "min_flex": 0, "max_flex": None},
        {**OLD_MEN, "maximum": 2, "min_flex": 1, "max_flex": 4},
    ]
    made = client.put(url(empty), {"quotas": flexible})
    assert made.json() == flexible
    assert client.get(url(empty, "api-jury")).json()["quotas"] == flexible
    women, old_men = AuditEntry.objects.order_by("-id")[0].details["quotas"]
    assert (women["min_flex"], old_men["max_flex"]) == (0, 4)
    assert "max_flex" not in women


def test_a_quota_stands_once(world: "World", empty: Jury) -> None:
    refused = world.by_manager.put(url(empty), {"quotas": [WOMEN, OLD_MEN, WOMEN]})
    [error] = refused.json()["errors"]
    assert error["pointer"] == "#/quotas/2"
    assert "two quotas" in error["detail"]


def test_juries_are_for_those_who_manage_them(world: "World", empty: Jury) -> None:
    body = {"name": "Panel", "pool": str(world.jury.pool.public_id), "size": 3}
    for client, status in ((world.by_owner, 403), (APIClient(), 401)):
        for answer in (
            client.get(url(empty)),
            client.put(url(empty), {"quotas": [WOMEN]}),
            client.patch(url(empty, "api-jury"), {"name": "Mine"}),
            client.post(reverse("api-juries"), body),
        ):
            assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)
    changer = User.objects.create(username="changer", is_staff=True)
    changer.user_permissions.add(Permission.objects.get(codename="change_jury"))
    client = token_client(changer)
    assert client.patch(url(empty, "api-jury"), {"name": "Ours"}).status_code == 200
    refused = client.post(reverse("api-juries"), body)
    assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
    changer.user_permissions.add(Permission.objects.get(codename="add_jury"))
    assert token_client(changer).post(reverse("api-juries"), body).status_code == 201
    nowhere = reverse("api-quotas", args=[uuid4()])
    assert world.by_manager.put(nowhere, {"quotas": []}).status_code == 404


def test_the_list_asks_as_often_for_three_quotas_as_for_one(world: "World", empty: Jury) -> None:
    client, counts = world.by_manager, []
    men = {"traits": [{"feature": "gender", "value": "man"}]}
    for quotas in ([WOMEN], [WOMEN, men, OLD_MEN]):
        client.put(url(empty), {"quotas": quotas})
        with CaptureQueriesContext(connection) as captured:
            assert len(client.get(url(empty)).json()["results"]) == len(quotas)
        counts.append(len(captured))
    assert counts[0] == counts[1]
