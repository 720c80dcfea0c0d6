"""Ways into a study through the API: made, changed, opened, closed, counted, removed."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from annotations.models import Study, StudyRole, WayIn
from annotations.selectors.ways_in import way_by_token
from annotations.services import places
from juries.models import AuditEntry, Jury, Pool

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"
WOMEN = {"name": "women", "places": 2, "answers": {"gender": ["woman"]}}
OTHERS = {"name": "others", "places": 3, "answers": {"gender": ["man", "other"]}}
LINK = {"name": "List", "places": 5}


@pytest.fixture
def open_study(world: "World", make_study: Callable[..., Study]) -> Study:
    """A study of the owner before a jury for which nobody is drawn; it asks for the gender."""
    jury = Jury.objects.create(
        pool=Pool.objects.create(name="Whoever comes", slug="whoever"), name="Open jury", size=10
    )
    study = make_study(jury=jury, queries=1)
    study.profile_questions.create(
        key="gender", text="Your gender?", options=["woman", "man", "other"]
    )
    study.profile_questions.create(key="town", text="Your town?", kind="text", is_required=False)
    for user, role in ((world.owner, "owner"), (world.viewer, "viewer")):
        StudyRole.objects.create(study=study, user=user, role=role)
    return study


def list_url(study: Study) -> str:
    return reverse("api-ways-in", args=[study.public_id])


def one_url(study: Study, way: dict[str, Any] | WayIn, name: str = "api-way-in") -> str:
    key = way["id"] if isinstance(way, dict) else way.public_id
    return reverse(name, args=[study.public_id, key])


def add(world: "World", study: Study, **fields: Any) -> dict[str, Any]:
    made = world.by_owner.post(list_url(study), {**LINK, **fields})
    assert made.status_code == 201, made.content
    row: dict[str, Any] = made.json()
    assert made["Location"] == one_url(study, row)
    return row


def come(study: Study, gender: str) -> places.Admission:
    """Somebody comes by the study's only way, agrees and says her gender."""
    way = way_by_token(token=study.ways_in.get().token)
    assert way is not None
    now = timezone.now()
    arrival = places.arrive(way=way, brought=uuid4().hex, version="1", now=now)
    return places.admit(arrival=arrival, replies={"gender": gender, "town": ""}, now=now)


def verbs() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))


def test_an_open_link_is_made_opened_filled_and_closed(world: "World", open_study: Study) -> None:
    client = world.by_owner
    way = add(world, open_study, groups=[WOMEN, OTHERS])
    assert (way["kind"], way["is_open"], way["places"], way["problems"]) == ("open", False, 5, [])
    assert way["address"].endswith(reverse("way-in", args=[WayIn.objects.get().token]))
    opened = client.post(one_url(open_study, way, "api-way-in-open"))
    assert (opened.status_code, opened.json()["is_open"]) == (200, True)
    for gender in ("woman", "woman", "woman", "man"):
        come(open_study, gender)
    shown = client.get(one_url(open_study, way)).json()
    assert shown == client.get(list_url(open_study)).json()["results"][0]
    assert (shown["at_work_count"], shown["completed_count"], shown["free_count"]) == (3, 0, 2)
    assert shown["full_count"] == 1
    assert shown["groups"] == [
        {**WOMEN, "completed_count": 0, "at_work_count": 2, "free_count": 0},
        {**OTHERS, "completed_count": 0, "at_work_count": 1, "free_count": 2},
    ]
    arrivals = WayIn.objects.get().arrivals.filter(state="seated")
    arrivals.update(lease_expires_at=timezone.now() - timedelta(minutes=1))
    way_of = open_study.participations.order_by("id")[0]
    way_of.state = "finished"
    way_of.save()
    WayIn.objects.update(declined_count=7)
    shown = client.get(one_url(open_study, way)).json()
    assert (shown["at_work_count"], shown["completed_count"], shown["free_count"]) == (0, 1, 4)
    assert (shown["silent_count"], shown["declined_count"]) == (2, 7)
    closed = client.post(one_url(open_study, way, "api-way-in-close"))
    assert closed.json()["is_open"] is False
    reopened = client.post(one_url(open_study, way, "api-way-in-open"))
    assert reopened.json()["is_open"] is True
    assert [verb for verb in verbs() if verb.endswith("way into")] == [
        "added a way into",
        *["added a group to a way into"] * 2,
        "opened a way into",
        "closed a way into",
        "opened a way into",
    ]


def test_prolific_and_a_panel_with_their_codes(world: "World", open_study: Study) -> None:
    prolific = add(world, open_study, kind="prolific", name="Wave")
    assert "PROLIFIC_PID={{%PROLIFIC_PID%}}" in prolific["address"]
    refused = world.by_owner.post(one_url(open_study, prolific, "api-way-in-open"))
    assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
    assert "code for who has finished" in refused.json()["detail"]
    assert prolific["problems"] == [refused.json()["detail"]]
    codes = {"complete": "C1", "screened_out": "S1", "quota_full": "Q1", "no_consent": "N1"}
    changed = world.by_owner.patch(one_url(open_study, prolific), codes)
    assert changed.status_code == 200, changed.content
    assert {name: changed.json()[name] for name in codes} == codes
    assert (changed.json()["name"], changed.json()["problems"]) == ("Wave", [])
    end = "https://panel.example.org/end?id={id}&status={status}"
    panel = add(world, open_study, kind="panel", id_parameter="pid", completion_url=end)
    assert panel["address"].endswith("?pid=")
    assert panel["completion_url"] == end
    rows = world.by_owner.get(list_url(open_study), {"kind": "panel"}).json()["results"]
    assert [row["id"] for row in rows] == [panel["id"]]
    assert not world.by_owner.get(list_url(open_study), {"is_open": "true"}).json()["results"]


def test_groups_are_changed_whole_by_name(world: "World", open_study: Study) -> None:
    way = add(world, open_study, groups=[WOMEN, OTHERS])
    url = one_url(open_study, way)
    kept = WayIn.objects.get().groups.get(name="others").pk
    body = {"groups": [{**OTHERS, "places": 4}, {**WOMEN, "name": "Frauen"}]}
    changed = world.by_owner.patch(url, body)
    assert changed.status_code == 200, changed.content
    assert {row["name"]: row["places"] for row in changed.json()["groups"]} == {
        "others": 4,
        "Frauen": 2,
    }
    assert WayIn.objects.get().groups.get(name="others").pk == kept
    acts = verbs()
    assert world.by_owner.patch(url, body).status_code == 200
    assert verbs() == acts
    world.by_owner.patch(url, {"name": "Renamed"})
    assert WayIn.objects.get().groups.count() == 2
    assert world.by_owner.patch(url, {"groups": []}).json()["groups"] == []


@pytest.mark.parametrize(
    ("wrong", "where", "legal"),
    [
        ({"name": ""}, "name", []),
        ({"kind": "mail"}, "kind", []),
        ({"places": 0}, "places", []),
        ({"id_parameter": "pid"}, "id_parameter", []),
        ({"kind": "panel"}, "id_parameter", []),
        ({"kind": "prolific", "complete": "https://example.org/"}, "complete", []),
        ({"completion_url": "http://example.org/"}, "completion_url", []),
        ({"completion_url": "https://example.org/{id}"}, "completion_url", []),
        ({"is_open": True}, "is_open", []),
        ({"groups": [WOMEN, WOMEN]}, "groups/1/name", []),
        ({"groups": [{**WOMEN, "places": -1}]}, "groups/0/places", []),
        ({"groups": [{**WOMEN, "answers": {}}]}, "groups/0/answers", []),
        ({"groups": [{**WOMEN, "answers": {"gender": []}}]}, "groups/0/answers/gender", []),
        (
            {"groups": [WOMEN, {**OTHERS, "answers": {"gender": ["man", "men"]}}]},
            "groups/1/answers/gender/1",
            ["woman", "man", "other"],
        ),
        (
            {"groups": [{**WOMEN, "answers": {"town": ["Ulm"]}}]},
            "groups/0/answers/town",
            ["gender"],
        ),
    ],
)
def test_a_wrong_way_is_refused_at_its_place(
    world: "World", open_study: Study, wrong: dict[str, Any], where: str, legal: list[str]
) -> None:
    refused = world.by_owner.post(list_url(open_study), {**LINK, **wrong})
    assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
    [error] = refused.json()["errors"]
    assert error["pointer"] == f"#/{where}"
    assert error.get("legal", []) == legal
    assert not WayIn.objects.exists()


def test_a_group_is_sent_whole_in_a_change_too(world: "World", open_study: Study) -> None:
    way = add(world, open_study, groups=[WOMEN])
    refused = world.by_owner.patch(
        one_url(open_study, way), {"name": "Anew", "groups": [{"name": "women"}]}
    )
    assert refused.status_code == 400
    assert {error["pointer"] for error in refused.json()["errors"]} == {
        "#/groups/0/places",
        "#/groups/0/answers",
    }
    assert WayIn.objects.get().name == "List"


def test_what_people_came_by_stays(world: "World", open_study: Study) -> None:
    client = world.by_owner
    way = add(world, open_study, groups=[WOMEN, OTHERS])
    client.post(one_url(open_study, way, "api-way-in-open"))
    come(open_study, "woman")
    url = one_url(open_study, way)
    refusals: tuple[tuple[dict[str, Any], int, str], ...] = (
        ({"kind": "prolific", "complete": "C"}, 400, "#/kind"),
        (
            {"groups": [{**WOMEN, "answers": {"gender": ["other"]}}, OTHERS]},
            400,
            "#/groups/0/answers",
        ),
        ({"groups": [WOMEN, OTHERS, {**WOMEN, "name": "more"}]}, 400, "#/groups/2"),
    )
    for body, status, where in refusals:
        refused = client.patch(url, {"name": "Anew", **body})
        assert refused.status_code == status
        assert refused.json()["errors"][0]["pointer"] == where
        assert "Close it and make" in refused.json()["detail"]
    refused = client.patch(url, {"name": "Anew", "groups": [WOMEN]})
    assert refused.status_code == 409
    assert "“others” stays" in refused.json()["detail"]
    refused = client.delete(url)
    assert refused.status_code == 409
    assert "close it instead" in refused.json()["detail"]
    assert WayIn.objects.get().name == "List"
    changed = client.patch(url, {"groups": [{**WOMEN, "places": 9}, OTHERS], "places": 8})
    assert changed.status_code == 200, changed.content
    assert changed.json()["places"] == 8


def test_a_way_by_which_nobody_came_is_removed(world: "World", open_study: Study) -> None:
    way = add(world, open_study)
    assert world.by_owner.delete(one_url(open_study, way)).status_code == 204
    assert world.by_owner.get(one_url(open_study, way)).status_code == 404
    assert verbs()[-1] == "removed a way into"


def test_a_jury_that_sits_has_no_ways_in(world: "World") -> None:
    refused = world.by_owner.post(list_url(world.study), LINK)
    assert (refused.status_code, refused["Content-Type"]) == (409, PROBLEM)
    assert "make another jury" in refused.json()["detail"]
    assert not WayIn.objects.exists()


def test_roles_decide(world: "World", open_study: Study) -> None:
    way = add(world, open_study)
    url = one_url(open_study, way)
    writes: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("post", list_url(open_study), LINK),
        ("patch", url, {"name": "Mine"}),
        ("delete", url, {}),
        ("post", one_url(open_study, way, "api-way-in-open"), {}),
        ("post", one_url(open_study, way, "api-way-in-close"), {}),
    )
    for client, reads, status in (
        (world.by_viewer, 200, 403),
        (world.by_other, 404, 404),
        (APIClient(), 401, 401),
    ):
        for address in (list_url(open_study), url):
            answer = client.get(address)
            assert answer.status_code == reads
            if reads != 200:
                assert WayIn.objects.get().token not in answer.content.decode()
        for method, address, body in writes:
            refused = getattr(client, method)(address, body)
            assert (refused.status_code, refused["Content-Type"]) == (status, PROBLEM)
    assert WayIn.objects.get().name == "List"
    StudyRole.objects.filter(user=world.viewer, study=open_study).update(role="editor")
    assert world.by_viewer.patch(url, {"name": "Ours"}).json()["name"] == "Ours"
    # Below another study of the same owner, the way does not exist.
    assert world.by_owner.get(one_url(world.study, way)).status_code == 404


def test_the_list_asks_as_often_for_three_ways_as_for_one(
    world: "World", open_study: Study
) -> None:
    client = world.by_owner
    way = add(world, open_study, groups=[WOMEN])
    client.post(one_url(open_study, way, "api-way-in-open"))
    come(open_study, "woman")
    counts = []
    for expected in (1, 3):
        while open_study.ways_in.count() < expected:
            add(world, open_study, groups=[WOMEN, OTHERS])
        with CaptureQueriesContext(connection) as captured:
            rows = client.get(list_url(open_study)).json()["results"]
        assert len(rows) == expected
        assert [row["at_work_count"] for row in rows] == [1, 0, 0][:expected]
        counts.append(len(captured))
    assert counts[0] == counts[1]
