"""Parts of a study changed and removed through the API; roles; what jurors said of themselves."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from annotations.models import Participation, Study, StudyRole
from juries.models import AuditEntry, Jury, User
from tests.api.conftest import token_client

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"


@pytest.fixture
def fresh(world: "World", make_study: Callable[..., Study]) -> Study:
    """A study of the owner of which no juror has seen anything."""
    study = make_study(jury=world.jury)
    StudyRole.objects.create(study=study, user=world.owner, role="owner")
    StudyRole.objects.create(study=study, user=world.viewer, role="editor")
    return study


def url(study: Study, name: str, *args: object) -> str:
    return reverse(name, args=[study.public_id, *args])


def last_act() -> tuple[str, str]:
    entry = AuditEntry.objects.order_by("-id")[0]
    assert entry.actor is not None
    return entry.verb, entry.actor.username


# --- Steps, criteria, queries, responses ------------------------------------------------------


def test_a_step_is_changed_and_removed(world: "World", fresh: Study) -> None:
    client, one = world.by_owner, url(fresh, "api-step", "rating")
    changed = client.patch(one, {"prompt": "How good?", "is_required": False})
    assert changed.status_code == 200, changed.content
    assert changed.json() == client.get(one).json()
    assert (changed.json()["prompt"], changed.json()["is_required"]) == ("How good?", False)
    assert last_act() == ("changed a protocol step", "owner")
    refused = client.patch(one, {"allows_ties": True})
    assert refused.json()["errors"][0]["pointer"] == "#/allows_ties"
    refused = client.patch(one, {"kind": "opinion"})
    assert refused.json()["errors"][0]["pointer"] == "#/kind"
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404
    assert last_act() == ("removed a protocol step", "owner")


def test_a_criterion_is_removed_while_nobody_rated_on_it(world: "World") -> None:
    client = world.by_owner
    refused = client.delete(world.url("api-criterion", "helpful"))
    assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
    assert "1 rating" in refused.json()["detail"]
    assert client.delete(world.url("api-criterion", "fair")).status_code == 204
    assert list(world.study.criteria.values_list("key", flat=True)) == ["helpful"]


def test_a_query_is_changed_put_again_and_removed(world: "World", fresh: Study) -> None:
    client = world.by_owner
    first, second = fresh.queries.order_by("ordinal")[:2]
    one = url(fresh, "api-query", first.public_id)
    changed = client.patch(one, {"text": "Anew?", "external_id": "new"})
    assert changed.status_code == 200, changed.content
    assert (changed.json()["text"], changed.json()["external_id"]) == ("Anew?", "new")
    assert len(changed.json()["options"]) == 2
    refused = client.patch(one, {"external_id": second.external_id})
    assert refused.json()["errors"][0]["pointer"] == "#/external_id"
    refused = client.patch(one, {"expected": {"nice": 1}})
    assert refused.json()["errors"][0]["pointer"] == "#/expected"
    told = client.patch(url(fresh, "api-query", second.public_id), {"expected": {"helpful": 2}})
    assert told.json()["check"] == "instructed"

    again = client.post(url(fresh, "api-query-repeat", first.public_id))
    assert again.status_code == 201, again.content
    assert (again.json()["repeats"], again.json()["check"]) == (str(first.public_id), "repeated")
    assert client.post(url(fresh, "api-query-repeat", first.public_id)).status_code == 409
    refused = client.patch(one, {"text": "Other?"})
    assert refused.status_code == 400
    assert "Remove that one first" in refused.json()["detail"]
    assert client.delete(url(fresh, "api-query", again.json()["id"])).status_code == 204
    assert client.delete(one).status_code == 204
    fresh.refresh_from_db()
    assert fresh.query_count == 2
    assert list(fresh.queries.values_list("ordinal", flat=True)) == [0, 1]


def test_a_source_is_renamed_also_once_it_gave_responses(world: "World") -> None:
    client = world.by_owner
    rows = client.get(world.url("api-sources")).json()["results"]
    alpha, beta = (next(row for row in rows if row["source"] == name) for name in ("alpha", "beta"))
    one = world.url("api-source", alpha["id"])
    assert world.by_viewer.get(one).json() == alpha
    changed = client.patch(one, {"source": "lab/alpha", "revision": "r2", "kind": "other"})
    assert changed.status_code == 200, changed.content
    assert changed.json() == {**alpha, "source": "lab/alpha", "revision": "r2", "kind": "other"}
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.verb, entry.actor) == ("changed a source", world.owner)
    assert entry.details["before"] == {"name": "alpha", "revision": "1", "kind": "model"}
    sources = {row["source"] for row in client.get(world.url("api-responses")).json()["results"]}
    assert sources == {"lab/alpha", "beta"}
    again = client.patch(one, {"source": "lab/alpha", "revision": "r2"})
    assert again.json() == changed.json()
    assert AuditEntry.objects.order_by("-id")[0] == entry
    for body, where in (
        ({"source": "beta", "revision": "1"}, "source"),
        ({"source": ""}, "source"),
        ({"kind": "robot"}, "kind"),
        ({"name": "x"}, "name"),
    ):
        refused = client.patch(one, body)
        assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
        assert refused.json()["errors"][0]["pointer"] == f"#/{where}"
    client.patch(one, {"source": "beta"})
    refused = client.patch(one, {"revision": "1"})
    assert refused.json()["errors"][0] == {
        "pointer": "#/revision", "detail": "There is a source 'beta@1' already.",
    }  # fmt: skip
    assert client.get(world.url("api-source", beta["id"])).json() == beta


def test_a_source_is_removed_while_it_gave_no_response(world: "World") -> None:
    client = world.by_owner
    gave = world.study.sources.get(name="alpha")
    refused = client.delete(world.url("api-source", gave.public_id))
    assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
    assert "alpha@1 gave 3 responses; remove or move those first" in refused.json()["detail"]
    made = client.post(world.url("api-sources"), {"source": "gamma"}).json()["id"]
    one = world.url("api-source", made)
    assert world.by_viewer.delete(one).status_code == 403
    assert world.by_viewer.patch(one, {"revision": "2"}).status_code == 403
    assert client.delete(one).status_code == 204
    assert last_act() == ("removed a source", "owner")
    elsewhere = StudyRole.objects.get(user=world.other).study
    foreign = elsewhere.sources.order_by("id")[0]
    for refused in (
        client.get(one),
        client.patch(world.url("api-source", foreign.public_id), {"revision": "2"}),
        world.by_other.get(world.url("api-source", gave.public_id)),
    ):
        assert (refused.status_code, refused["Content-Type"]) == (404, PROBLEM)


def test_the_options_of_a_query_are_replaced(world: "World", fresh: Study) -> None:
    client, query = world.by_owner, fresh.queries.get(ordinal=0)
    one = url(fresh, "api-query-options", query.public_id)
    wanted = [{"option": "no", "text": "Never"}, {"option": "maybe", "text": "Maybe", "code": 2}]
    kept = query.options.get(key="no").pk
    made = client.put(one, {"options": wanted})
    assert made.status_code == 200, made.content
    assert made.json()["options"] == [
        {"option": "no", "text": "Never", "code": None},
        {"option": "maybe", "text": "Maybe", "code": 2.0},
    ]
    assert query.options.get(key="no").pk == kept
    for wrong, where in (
        ([*wanted, wanted[0]], "#/options/2/option"),
        ([{"option": "no", "text": ""}], "#/options/0/text"),
    ):
        refused = client.put(one, {"options": wrong})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == where
    assert query.options.count() == 2
    assert client.put(one, {"options": []}).json()["options"] == []
    # What jurors have chosen from stays.
    seen = world.study.queries.get(ordinal=0)
    one = world.url("api-query-options", seen.public_id)
    refused = client.put(one, {"options": [{"option": "yes", "text": "Yea"}]})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "#/options/0/text"
    refused = client.put(one, {"options": []})
    assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
    assert seen.options.count() == 2


def test_a_response_is_changed_and_removed(world: "World", fresh: Study) -> None:
    client = world.by_owner
    alpha, beta = fresh.queries.get(ordinal=0).responses.order_by("id")
    one = url(fresh, "api-response", alpha.public_id)
    changed = client.patch(one, {"text": "Better.", "source": "beta", "source_revision": "1"})
    assert changed.status_code == 200, changed.content
    assert (changed.json()["text"], changed.json()["source"]) == ("Better.", "beta")
    assert changed.json()["external_id"] == alpha.external_id
    for wrong, where in (
        ({"source": "beta"}, "source"),
        ({"source_revision": "2"}, "source_revision"),
        ({"external_id": beta.external_id}, "external_id"),
        ({"text": ""}, "text"),
        ({"query": "x"}, "query"),
    ):
        refused = client.patch(one, wrong)
        assert refused.status_code == 400, wrong
        assert refused.json()["errors"][0]["pointer"] == f"#/{where}"
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


def test_what_jurors_have_seen_stays(world: "World") -> None:
    client = world.by_owner
    query = world.study.queries.get(ordinal=0)
    response = query.responses.order_by("id")[0]
    for name, row in (("api-query", query), ("api-response", response)):
        one = world.url(name, row.public_id)
        refused = client.patch(one, {"text": "Anew."})
        assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
        assert refused.json()["errors"][0]["pointer"] == "#/text"
        refused = client.delete(one)
        assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
        assert "stays" in refused.json()["detail"]
        assert client.get(one).json()["text"] == row.text


def test_a_study_is_removed_by_its_owner_while_nobody_joined(world: "World", fresh: Study) -> None:
    one = url(fresh, "api-study")
    refused = world.by_viewer.delete(one)
    assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
    assert "Only owners" in refused.json()["detail"]
    assert world.by_owner.delete(one).status_code == 204
    assert world.by_owner.get(one).status_code == 404
    refused = world.by_owner.delete(world.url("api-study"))
    assert refused.status_code == 409
    assert "1 juror has joined" in refused.json()["detail"]


def test_only_owners_and_editors_change_parts(world: "World") -> None:
    study = world.study
    query = study.queries.get(ordinal=0)
    writes: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("patch", world.url("api-step", "rating"), {"prompt": "?"}),
        ("delete", world.url("api-step", "rating"), {}),
        ("delete", world.url("api-criterion", "fair"), {}),
        ("patch", world.url("api-query", query.public_id), {"text": "?"}),
        ("delete", world.url("api-query", query.public_id), {}),
        ("post", world.url("api-query-repeat", query.public_id), {}),
        ("put", world.url("api-query-options", query.public_id), {"options": []}),
        ("patch", world.url("api-response", query.responses.all()[0].public_id), {"text": "?"}),
        ("delete", world.url("api-response", query.responses.all()[0].public_id), {}),
        ("put", world.url("api-role", "viewer"), {"role": "owner"}),
        ("delete", world.url("api-role", "viewer"), {}),
        ("delete", world.url("api-study"), {}),
    )
    for client, status in ((world.by_viewer, 403), (world.by_other, 404), (APIClient(), 401)):
        for method, address, body in writes:
            refused = getattr(client, method)(address, body)
            assert (refused.status_code, refused["Content-Type"]) == (status, PROBLEM), address
    assert study.steps.get().prompt == ""
    assert study.queries.count() == 3


def test_a_study_asks_a_jury_of_ones_own(world: "World") -> None:
    elsewhere = Jury.objects.create(pool=world.jury.pool, name="Elsewhere", size=1)
    body = {"title": "New", "jury": str(elsewhere.public_id)}
    refused = world.by_owner.post(reverse("api-studies"), body)
    assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
    assert refused.json()["errors"][0]["pointer"] == "#/jury"
    assert world.by_manager.post(reverse("api-studies"), body).status_code == 201
    elsewhere.created_by = world.owner
    elsewhere.save()
    assert world.by_owner.post(reverse("api-studies"), body).status_code == 201


# --- Roles --------------------------------------------------------------------------------------


def test_an_owner_gives_and_takes_roles(world: "World") -> None:
    client = world.by_owner
    rows = client.get(world.url("api-roles")).json()["results"]
    assert rows == [
        {"username": "owner", "role": "owner"},
        {"username": "viewer", "role": "viewer"},
    ]
    given = client.put(world.url("api-role", "other"), {"role": "editor"})
    assert given.status_code == 200, given.content
    assert given.json() == {"username": "other", "role": "editor"}
    assert last_act() == ("gave a role", "owner")
    assert world.by_other.get(world.url("api-study")).json()["role"] == "editor"
    # An editor changes the study, not who may.
    refused = world.by_other.put(world.url("api-role", "viewer"), {"role": "editor"})
    assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
    assert world.by_other.delete(world.url("api-role", "owner")).status_code == 403
    assert client.delete(world.url("api-role", "other")).status_code == 204
    assert last_act() == ("took a role away", "owner")
    assert world.by_other.get(world.url("api-study")).status_code == 404
    assert client.delete(world.url("api-role", "other")).status_code == 404


def test_a_study_keeps_an_owner_and_roles_are_for_staff(world: "World", stranger: User) -> None:
    client = world.by_owner
    for refused in (
        client.delete(world.url("api-role", "owner")),
        client.put(world.url("api-role", "owner"), {"role": "viewer"}),
    ):
        assert refused.status_code == 409
        assert "only owner" in refused.json()["detail"]
    for name in (stranger.username, "nobody"):
        refused = client.put(world.url("api-role", name), {"role": "viewer"})
        assert (refused.status_code, refused["Content-Type"]) == (404, PROBLEM)
    refused = client.put(world.url("api-role", "viewer"), {"role": "boss"})
    assert refused.json()["errors"][0]["pointer"] == "#/role"
    assert world.study.roles.count() == 2


# --- What jurors said of themselves ---------------------------------------------------------------


def test_replies_about_oneself_are_listed(world: "World") -> None:
    question = world.study.profile_questions.create(key="age", text="Age?", options=["a", "b"])
    way = Participation.objects.get(study=world.study)
    way.profile_replies.create(question=question, value="a", is_current=False)
    way.profile_replies.create(question=question, value="b")
    client, listed = world.by_viewer, world.url("api-profile-replies")
    [row] = client.get(listed).json()["results"]
    assert (row["question"], row["value"], row["is_current"]) == ("age", "b", True)
    assert row["juror"] == str(way.juror.public_id)
    found = client.get(listed, {"history": "true", "question": "age", "juror": row["juror"]})
    assert [row["value"] for row in found.json()["results"]] == ["a", "b"]
    refused = client.get(listed, {"question": "town"})
    assert refused.json()["errors"][0]["legal"] == ["age"]
    assert world.by_other.get(listed).status_code == 404
    assert APIClient().get(listed).status_code == 401


def test_lists_ask_as_often_for_three_rows_as_for_one(
    world: "World", make_study: Callable[..., Study]
) -> None:
    counts: dict[str, list[int]] = {}
    for number in (1, 3):
        jury = Jury.objects.create(pool=world.jury.pool, name=f"J{number}", size=3)
        people = jury.pool.candidates.order_by("id")
        study = make_study(jury=jury)
        for place in range(number):
            user = User.objects.create(username=f"u{number}-{place}", is_staff=True)
            StudyRole.objects.create(study=study, user=user, role="owner")
            question = study.profile_questions.create(key=f"k{place}", text="?", kind="text")
            juror = jury.jurors.create(candidate=people[place])
            way = Participation.objects.create(study=study, juror=juror, ordinal=place)
            way.profile_replies.create(question=question, value="x")
        client = token_client(user)
        for name in ("api-roles", "api-profile-replies"):
            client.get(url(study, name))
            with CaptureQueriesContext(connection) as captured:
                assert len(client.get(url(study, name)).json()["results"]) == number
            counts.setdefault(name, []).append(len(captured))
    for name, (one, three) in counts.items():
        assert one == three, name
