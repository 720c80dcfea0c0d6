"""One juror's sheet through the API: what the page shows, and never who she is."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from annotations.models import Highlight, Opinion, Participation, Rating, Reason
from juries.models import CandidateContact, Juror, Jury

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"


def at_work(world: "World", done: int) -> Juror:
    """The first juror has finished so many queries of a minute and a half, with a view on each."""
    juror, now = world.jurors()[0], timezone.now()
    way, _ = Participation.objects.update_or_create(
        study=world.study,
        juror=juror,
        defaults={
            "state": "working",
            "completed_count": done,
            "consented_at": now,
            "consent_version": "v1",
        },
        create_defaults={"ordinal": 90},
    )
    criterion = world.study.criteria.get(key="helpful")
    for query in world.study.queries.order_by("ordinal")[:done]:
        way.assignments.get_or_create(
            query=query,
            defaults={
                "position": query.ordinal,
                "state": "completed",
                "active_ms": 90_000,
                "idle_ms": 1_500,
                "claimed_at": now,
                "completed_at": now,
                "lease_expires_at": now,
            },
        )
        response = query.responses.order_by("id")[0]
        said: dict[str, Any] = {"juror": juror, "is_current": True, "defaults": {"created_at": now}}
        Opinion.objects.get_or_create(query=query, text=f"View {query.ordinal}.", **said)
        Reason.objects.get_or_create(query=query, text="Because.", **said)
        Highlight.objects.get_or_create(response=response, kind="for", start=0, end=4, **said)
        Rating.objects.get_or_create(response=response, criterion=criterion, value=4, **said)
    return juror


def test_a_sheet_tells_what_the_page_shows(world: "World", client: Client) -> None:
    juror = at_work(world, 2)
    way = juror.participations.get(study=world.study)
    question = world.study.profile_questions.create(key="town", text="Which town?", kind="text")
    way.profile_replies.create(question=question, value="Rye", is_current=False)
    way.profile_replies.create(question=question, value="Hove")
    way.submissions.create(
        client_id=uuid4(),
        assignment=way.assignments.get(position=0),
        step="rating",
        payload={},
        is_late=True,
    )
    told = world.by_viewer.get(world.url("api-juror", juror.public_id))
    assert told.status_code == 200, told.content
    sheet = told.json()
    [report] = [
        row
        for row in world.by_viewer.get(world.url("api-juror-reports")).json()["results"]
        if row["juror"] == str(juror.public_id)
    ]
    assert {name: sheet[name] for name in report} == report
    assert (sheet["completed_count"], sheet["active_minutes"], sheet["late_count"]) == (2, 3.0, 1)
    assert sheet["signs"]["median_seconds"]["value"] == 90.0
    assert (sheet["consent_version"], sheet["finished_at"]) == ("v1", None)
    assert sheet["opened_at"]
    assert sheet["last_seen_at"]
    assert sheet["replies"] == [{"question": "Which town?", "value": "Hove"}]
    item = {"question": "So?", "tries": 1, "is_right": False}
    assert sheet["quiz"] == [{**item, "last": None}]
    by_owner = world.by_owner.get(world.url("api-juror", juror.public_id)).json()
    assert by_owner["quiz"] == [{**item, "last": "no"}]
    assert sheet["is_simulated"] is False
    client.force_login(world.owner)
    page = client.get(
        reverse("study-juror", args=[world.study.public_id, juror.public_id])
    ).content.decode()
    for shown in ("Which town?", "Hove", "Late answers</dt><dd>1", "version v1", "at try 1"):
        assert shown in page


def test_queries_stand_in_her_order_with_her_words(world: "World") -> None:
    juror = at_work(world, 2)
    way = juror.participations.get(study=world.study)
    third = world.study.queries.get(ordinal=2)
    past = timezone.now() - timedelta(minutes=1)
    way.assignments.create(query=third, position=2, claimed_at=past, lease_expires_at=past)
    client, url = world.by_viewer, world.url("api-juror-queries", juror.public_id)
    first, second, last = client.get(url).json()["results"]
    assert [row["place"] for row in (first, second, last)] == [1, 2, 3]
    assert (first["state"], first["active_seconds"], first["idle_seconds"]) == (
        "completed",
        90.0,
        1.5,
    )
    assert (first["opinion"], first["reason"]) == ("View 0.", "Because.")
    response = world.study.queries.get(ordinal=0).responses.order_by("id")[0]
    assert first["marks"] == [
        {"source": response.source.name, "kind": "spoke for it", "words": response.text[:4]}
    ]
    assert (first["is_out_of_time"], last["is_out_of_time"]) == (False, True)
    assert (last["active_seconds"], last["completed_at"], last["opinion"]) == (None, None, "")
    page = client.get(url, {"page_size": "2"}).json()
    assert page["results"] == [first, second]
    assert client.get(page["next"]).json()["results"] == [last]


def test_nobody_is_named_whoever_asks(world: "World") -> None:
    juror = at_work(world, 1)
    CandidateContact.objects.create(
        candidate=juror.candidate, pool=world.jury.pool, name="Ada Byron", email="ada@example.org"
    )
    for name in ("api-juror", "api-juror-queries"):
        text = world.by_manager.get(world.url(name, juror.public_id)).content.decode()
        assert str(juror.candidate.public_id) not in text
        assert f'"{juror.candidate.external_id}"' not in text
        assert "Ada" not in text
        assert "example.org" not in text


def test_who_has_not_begun_has_an_empty_sheet(world: "World") -> None:
    juror = world.jurors()[3]
    sheet = world.by_owner.get(world.url("api-juror", juror.public_id)).json()
    assert (sheet["stage"], sheet["opened_at"], sheet["last_seen_at"]) == (
        "not started",
        None,
        None,
    )
    assert (sheet["replies"], sheet["quiz"], sheet["signs"]) == ([], [], None)
    assert sheet["traits"]["gender"]
    queries = world.by_owner.get(world.url("api-juror-queries", juror.public_id))
    assert queries.json()["results"] == []


def test_a_sheet_is_for_the_people_of_the_study(world: "World") -> None:
    juror = at_work(world, 1)
    other_jury = Jury.objects.create(pool=world.jury.pool, name="Other", size=1)
    elsewhere = other_jury.jurors.create(candidate=juror.candidate)
    for name in ("api-juror", "api-juror-queries"):
        url = world.url(name, juror.public_id)
        assert world.by_viewer.post(url, {}).status_code == 403
        for client, address, status in (
            (world.by_other, url, 404),
            (APIClient(), url, 401),
            (world.by_owner, world.url(name, elsewhere.public_id), 404),
            (world.by_owner, world.url(name, uuid4()), 404),
        ):
            refused = client.get(address)
            assert (refused.status_code, refused["Content-Type"]) == (status, PROBLEM)


def test_her_queries_take_as_many_reads_for_three_as_for_one(world: "World") -> None:
    client, counts = world.by_owner, []
    for done in (1, 3):
        juror = at_work(world, done)
        for name in ("api-juror", "api-juror-queries"):
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(world.url(name, juror.public_id))
            assert answer.status_code == 200
            counts.append(len(captured))
        assert len(answer.json()["results"]) == done
    assert counts[:2] == counts[2:]
