"""A pool's settings, features and population through the API; each error at its place."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from juries.models import AuditEntry, Candidate, CandidateTrait, Pool, User
from juries.services.quotas import WantedQuota, set_quotas
from tests.api.conftest import token_client

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"
AS_IT_IS: list[dict[str, Any]] = [
    {"name": "gender", "values": [{"value": "woman"}, {"value": "man"}]},
    {"name": "age", "values": [{"value": "under 40"}, {"value": "40 and over"}]},
]
HALVES = [
    {"feature": feature, "value": value, "share": 0.5}
    for feature, value in (
        ("gender", "woman"), ("gender", "man"), ("age", "under 40"), ("age", "40 and over"),
    )
]  # fmt: skip


def pool_url(pool: Pool, name: str = "api-features") -> str:
    return reverse(name, args=[pool.public_id])


def acts() -> list[tuple[str, str]]:
    """What was done by whom, in order."""
    entries = AuditEntry.objects.order_by("id").select_related("actor")
    return [(entry.verb, entry.actor.username if entry.actor else "") for entry in entries]


def traits_of(pool: Pool) -> list[tuple[str, str]]:
    """What the first candidate is."""
    first = pool.candidates.order_by("id")[0]
    return list(
        first.traits.order_by("feature__position").values_list(
            "feature__name", "feature_value__value"
        )
    )


@pytest.fixture
def town(world: "World") -> Pool:
    return world.jury.pool


def with_rights(*codenames: str) -> APIClient:
    user = User.objects.create(username="limited", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    assert user.user_permissions.count() == len(codenames)
    return token_client(user)


# --- Settings ---------------------------------------------------------------------------------


def test_a_pool_is_begun_with_its_settings(world: "World") -> None:
    body = {
        "name": "Village",
        "slug": "the-village",
        "description": "Come in.",
        "consent_text": "I agree.",
        "consent_version": "2026-1",
        "registration_open": True,
        "registration_closes_at": "2031-05-01T12:00:00Z",
    }
    made = world.by_manager.post(reverse("api-pools"), body)
    assert made.status_code == 201, made.content
    told = made.json()
    assert {name: told[name] for name in body} == body
    assert told["registration_address"].endswith("/pools/the-village/register/")
    assert world.by_manager.get(made["Location"]).json() == told
    assert APIClient().get(reverse("pool-register", args=["the-village"])).status_code == 200
    refused = world.by_manager.post(reverse("api-pools"), body)
    assert refused.json()["errors"][0]["pointer"] == "#/slug"
    second = world.by_manager.post(reverse("api-pools"), {"name": "The village"})
    assert (second.json()["slug"], second.json()["consent_version"]) == ("the-village-2", "1")


def test_settings_are_changed(world: "World", town: Pool) -> None:
    client, one = world.by_manager, pool_url(town, "api-pool")
    body = {"name": "City", "slug": "city", "registration_open": True, "description": "Ours."}
    changed = client.patch(one, body)
    assert changed.status_code == 200, changed.content
    assert {name: changed.json()[name] for name in body} == body
    assert changed.json() == client.get(one).json()
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.verb, entry.actor) == ("changed the pool", world.manager)
    assert entry.details["before"] == {
        "name": "Town", "slug": "town", "description": "", "registration_open": False,
    }  # fmt: skip
    assert client.patch(one, body).status_code == 200
    assert AuditEntry.objects.order_by("-id")[0] == entry
    town.refresh_from_db()
    assert town.consent_text == "I agree to be drawn."


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"name": ""}, "name"),
        ({"slug": "two words"}, "slug"),
        ({"slug": "other"}, "slug"),
        ({"registration_closes_at": "soon"}, "registration_closes_at"),
        ({"is_simulated": True}, "is_simulated"),
        ({"consent": "x"}, "consent"),
    ],
)
def test_settings_that_can_t_be_taken(
    world: "World", town: Pool, body: dict[str, Any], where: str
) -> None:
    Pool.objects.create(name="Other", slug="other")
    refused = world.by_manager.patch(pool_url(town, "api-pool"), {"description": "New", **body})
    assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
    assert [error["pointer"] for error in refused.json()["errors"]] == [f"#/{where}"]
    town.refresh_from_db()
    assert town.description == ""


def test_what_volunteers_agreed_to_keeps_its_version(world: "World", town: Pool) -> None:
    client, one = world.by_manager, pool_url(town, "api-pool")
    assert client.patch(one, {"consent_text": "I agree to this."}).status_code == 200
    town.candidates.create(
        external_id="r-1",
        origin=Candidate.Origin.REGISTRATION,
        consented_at=timezone.now(),
        consent_version="1",
    )
    refused = client.patch(one, {"consent_text": "I agree to all."})
    assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
    assert refused.json()["errors"][0]["pointer"] == "#/consent_version"
    assert "1 volunteer has agreed to version 1" in refused.json()["detail"]
    assert client.patch(one, {"consent_text": "All.", "consent_version": "2"}).status_code == 200


# --- Features ---------------------------------------------------------------------------------


def test_features_are_renamed_added_ordered_and_removed(world: "World", town: Pool) -> None:
    client, url = world.by_manager, pool_url(town)
    assert [row["name"] for row in client.get(url).json()["features"]] == ["gender", "age"]
    wanted: list[dict[str, Any]] = [
        {
            "name": "age band",
            "was": "age",
            "question": "How old are you?",
            "values": [
                {"value": "under 18"},
                {"value": "18 to 39", "was": "under 40"},
                {"value": "40 and over"},
            ],
        },
        {"name": "gender", "values": [{"value": "man"}, {"value": "woman"}]},
        {"name": "region", "values": []},
    ]
    made = client.put(url, {"features": wanted})
    assert made.status_code == 200, made.content
    assert made.json() == client.get(url).json()
    told = made.json()["features"]
    assert told == client.get(pool_url(town, "api-pool")).json()["features"]
    assert [(row["name"], [v["value"] for v in row["values"]]) for row in told] == [
        ("age band", ["under 18", "18 to 39", "40 and over"]),
        ("gender", ["man", "woman"]),
        ("region", []),
    ]
    assert told[0]["question"] == "How old are you?"
    assert [value["population_share"] for value in told[0]["values"]] == [None, 0.5, 0.5]
    assert traits_of(town) == [("age band", "18 to 39"), ("gender", "woman")]
    assert ("changed a feature", "manager") in acts()
    assert ("added a feature value", "manager") in acts()
    before = len(acts())
    assert client.put(url, {"features": wanted}).json() == made.json()
    assert len(acts()) == before
    renamed = AuditEntry.objects.filter(verb="changed a feature").order_by("id")[0]
    assert renamed.details["before"]["name"] == "age"
    wanted[0]["values"].pop(0)
    done = client.put(url, {"features": wanted[:2]})
    assert [len(row["values"]) for row in done.json()["features"]] == [2, 2]
    verbs = [verb for verb, _ in acts()[before:]]
    assert verbs[:2] == ["removed a feature", "removed a feature value"]


def test_what_people_have_and_quotas_count_stays(world: "World", town: Pool) -> None:
    client, url = world.by_manager, pool_url(town)
    for wanted, why in (
        (AS_IT_IS[:1], "The feature 'age' stays: 8 people have it"),
        (
            [{"name": "gender", "values": [{"value": "woman"}]}, AS_IT_IS[1]],
            "The feature value 'gender: man' stays: 4 people have it",
        ),
    ):
        refused = client.put(url, {"features": [*wanted, {"name": "new", "values": []}]})
        assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
        assert why in refused.json()["detail"]
    men = town.features.get(name="gender").values.get(value="man")
    set_quotas(jury=world.jury, quotas=[WantedQuota((men.pk,), 1, 2)])
    CandidateTrait.objects.filter(feature_value=men).delete()
    refused = client.put(url, {"features": wanted})
    assert refused.status_code == 409
    assert "quotas of 'Town jury' count it" in refused.json()["detail"]
    world.jury.quotas.all().delete()
    assert client.put(url, {"features": wanted}).status_code == 200
    assert town.features.count() == 2


def values(*names: str) -> list[dict[str, str]]:
    return [{"value": name} for name in names]


@pytest.mark.parametrize(
    ("features", "where"),
    [
        ([{"name": "age"}], "0/values"),
        ([{"name": "", "values": []}], "0/name"),
        ([{"name": "age", "values": [], "share": 1}], "0/share"),
        ([*AS_IT_IS, {"name": "age", "values": []}], "2"),
        ([{"name": "gender", "was": "age", "values": []}], "0/was"),
        ([*AS_IT_IS, {"name": "town", "was": "place", "values": []}], "2/was"),
        ([*AS_IT_IS, {"name": "years", "was": "age", "values": []}], "2"),
        ([{"name": "age", "values": values("x", "x")}], "0/values/1"),
        ([{"name": "age", "values": [{"value": "x", "was": "y"}]}], "0/values/0/was"),
        (
            [{"name": "age", "values": [{"value": "40 and over", "was": "under 40"}]}],
            "0/values/0/was",
        ),
    ],
)
def test_lists_of_features_that_can_t_be_taken(
    world: "World", town: Pool, features: list[dict[str, Any]], where: str
) -> None:
    client, url = world.by_manager, pool_url(town)
    before = client.get(url).json()
    refused = client.put(url, {"features": features})
    assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
    assert refused.json()["errors"][0]["pointer"] == f"#/features/{where}"
    assert client.get(url).json() == before
    assert ("changed a feature", "manager") not in acts()


# --- The population ---------------------------------------------------------------------------


def test_the_population_is_read_and_replaced(world: "World", town: Pool) -> None:
    client, url = world.by_manager, pool_url(town, "api-population")
    told = client.get(url)
    assert told.status_code == 200, told.content
    assert told.json()["features"][0] == {
        "feature": "gender",
        "values": [
            {"value": "woman", "candidates": 4, "pool_share": 0.5, "population_share": 0.5},
            {"value": "man", "candidates": 4, "pool_share": 0.5, "population_share": 0.5},
        ],
    }
    shares = [
        {"feature": "gender", "value": "woman", "share": 0.514},
        {"feature": "gender", "value": "man", "share": 0.486},
    ]
    done = client.put(url, {"shares": shares})
    assert done.status_code == 200, done.content
    assert done.json() == client.get(url).json()
    assert [
        value["population_share"] for row in done.json()["features"] for value in row["values"]
    ] == [0.514, 0.486, None, None]  # fmt: skip
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.verb, entry.actor) == ("set the population's shares", world.manager)
    assert entry.details["before"]["gender: woman"] == 0.5
    assert client.put(url, {"shares": shares}).status_code == 200
    assert AuditEntry.objects.order_by("-id")[0] == entry


@pytest.mark.parametrize(
    ("place", "row", "where", "says"),
    [
        (0, {"share": 0.6}, "shares", "The shares of gender add up to 1.1000 instead of 1."),
        (0, {"share": 0.494}, "shares", "The shares of gender add up to 0.9940 instead of 1."),
        (1, {"share": 1.5}, "shares/1/share", ""),
        (1, {"share": "nan"}, "shares/1/share", ""),
        (2, {"value": "old"}, "shares/2", "The pool has no age: old."),
        (3, {"value": "under 40"}, "shares/3", "stands more than once"),
        (3, {"part": 1}, "shares/3/part", "There is no field 'part'"),
    ],
)
def test_shares_that_can_t_be_taken(
    world: "World", town: Pool, place: int, row: dict[str, Any], where: str, says: str
) -> None:
    shares = [{**share, **(row if at == place else {})} for at, share in enumerate(HALVES)]
    client, url = world.by_manager, pool_url(town, "api-population")
    before = client.get(url).json()
    refused = client.put(url, {"shares": shares})
    assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
    error = refused.json()["errors"][0]
    assert error["pointer"] == f"#/{where}"
    assert says in error["detail"]
    if where == "shares/2":
        assert "age: under 40" in error["legal"]
    assert client.get(url).json() == before
    within = [{**share, "share": 0.498} for share in HALVES]
    assert client.put(url, {"shares": within}).status_code == 200


# --- Who may ----------------------------------------------------------------------------------


def test_pools_are_changed_by_those_who_may_in_the_admin(world: "World", town: Pool) -> None:
    calls = (
        ("patch", "api-pool", {"name": "Mine"}, ("change_pool",)),
        (
            "put",
            "api-features",
            {"features": AS_IT_IS},
            ("add_feature", "change_feature", "delete_feature", "add_featurevalue",
             "change_featurevalue", "delete_featurevalue"),
        ),
        ("put", "api-population", {"shares": HALVES}, ("change_featurevalue",)),
    )  # fmt: skip
    for method, name, body, rights in calls:
        url = pool_url(town, name)
        for client, status in ((world.by_owner, 403), (APIClient(), 401)):
            for answer in (client.get(url), getattr(client, method)(url, body)):
                assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)
        client = with_rights("change_jury", *rights[1:])
        assert client.get(url).status_code == 200
        refused = getattr(client, method)(url, body)
        assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
        assert "Ask an administrator" in refused.json()["detail"]
        User.objects.get(username="limited").delete()
        done = getattr(with_rights("change_jury", *rights), method)(url, body)
        assert done.status_code == 200, done.content
        User.objects.get(username="limited").delete()
        nowhere = reverse(name, args=[uuid4()])
        assert world.by_manager.get(nowhere).status_code == 404
        assert getattr(world.by_manager, method)(nowhere, body).status_code == 404


def test_reads_take_as_many_queries_for_more_features(world: "World", town: Pool) -> None:
    client, counts = world.by_manager, []
    for more in ((), ("b", "c")):
        for name in more:
            feature = town.features.create(name=name, position=5)
            feature.values.create(value="x")
        for name in ("api-features", "api-population"):
            with CaptureQueriesContext(connection) as captured:
                assert client.get(pool_url(town, name)).status_code == 200
            counts.append(len(captured))
    assert counts[:2] == counts[2:]
