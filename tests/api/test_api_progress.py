"""How far a study is, who did what, and how jurors worked, through the API."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from annotations.models import Participation, Rating
from juries.models import AuditEntry, Seat
from juries.services.audit import record_act

if TYPE_CHECKING:
    from tests.api.conftest import World


def test_progress_by_group_against_the_quota(world: "World") -> None:
    value = world.jury.pool.features.get(name="gender").values.get(value="woman")
    quota = world.jury.quotas.create(key=str(value.pk), minimum=2, maximum=3)
    quota.feature_values.add(value)
    Seat.objects.filter(jury=world.jury, number=4).update(state="declined")
    way = world.study.participations.get()
    way.state = "finished"
    way.completed_count = 3
    way.save()
    told = world.by_viewer.get(world.url("api-progress"))
    assert told.status_code == 200, told.content
    body = told.json()
    assert (body["sitting"], body["finished"], body["working"], body["waiting"]) == (3, 1, 0, 2)
    assert (body["answered"], body["expected"], body["is_open_jury"]) == (3, 9, False)
    women = next(row for row in body["strata"] if row["value"] == "woman")
    assert (women["feature"], women["minimum"], women["maximum"]) == ("gender", 2, 3)
    assert (women["sitting"], women["finished"], women["waiting"]) == (2, 1, 1)
    assert all(row["text"] for row in body["findings"])
    assert [row["is_blocking"] for row in body["findings"]] == sorted(
        (row["is_blocking"] for row in body["findings"]), reverse=True
    )
    assert world.by_other.get(world.url("api-progress")).status_code == 404
    assert APIClient().get(world.url("api-progress")).status_code == 401


def test_the_log_tells_who_did_what(world: "World") -> None:
    record_act(actor=world.owner, verb="changed the study", subject=world.study)
    record_act(actor=None, verb="set quotas", subject=world.jury, details={"quotas": []})
    record_act(actor=world.owner, verb="did something", subject=world.owner)
    client, url = world.by_viewer, world.url("api-log")
    rows = client.get(url).json()["results"]
    assert [(row["username"], row["verb"], row["about"], row["details"]) for row in rows] == [
        (None, "set quotas", "jury", {"quotas": []}),
        ("owner", "changed the study", "study", {}),
    ]
    later = timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    AuditEntry.objects.update(created_at=timezone.now() - timedelta(days=1))
    assert client.get(url, {"since": later}).json()["results"] == []
    assert client.post(url, {}).status_code == 403
    assert world.by_owner.post(url, {}).status_code == 405
    assert world.by_other.get(url).status_code == 404
    assert APIClient().get(url).status_code == 401


def test_the_log_asks_as_often_for_three_acts_as_for_one(world: "World") -> None:
    client, counts = world.by_owner, []
    for number in (1, 2):
        for _ in range(number):
            record_act(actor=world.owner, verb="changed the study", subject=world.study)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(world.url("api-log")).json()["results"]
        counts.append(len(captured))
    assert AuditEntry.objects.count() == 3
    assert counts[0] == counts[1]


# --- Reports on jurors ----------------------------------------------------------------------------


def at_work(world: "World", places: int) -> None:
    """As many jurors have each finished a query in a minute and a half."""
    query = world.study.queries.get(ordinal=0)
    criterion = world.study.criteria.get(key="helpful")
    now = timezone.now()
    for juror in world.jurors()[:places]:
        way, _ = Participation.objects.get_or_create(
            study=world.study, juror=juror, defaults={"ordinal": juror.pk, "state": "working"}
        )
        way.assignments.get_or_create(
            query=query,
            defaults={
                "position": 0,
                "state": "completed",
                "active_ms": 90_000,
                "claimed_at": now,
                "lease_expires_at": now,
            },
        )
        Rating.objects.get_or_create(
            juror=juror,
            response=query.responses.order_by("id")[0],
            criterion=criterion,
            is_current=True,
            defaults={"value": 4, "created_at": now},
        )


def test_reports_on_jurors_under_their_random_ids(world: "World") -> None:
    at_work(world, 1)
    client, url = world.by_viewer, world.url("api-juror-reports")
    rows = client.get(url).json()["results"]
    assert [row["number"] for row in rows] == [1, 2, 3, 4]
    first = rows[0]
    assert first["juror"] == str(world.jurors()[0].public_id)
    assert (first["seat_state"], first["active_minutes"], first["late_count"]) == (
        "accepted",
        1.5,
        0,
    )
    assert first["traits"]["gender"] == "woman"
    assert first["signs"]["median_seconds"] == {"value": 90.0, "reason": "", "count": 1}
    assert first["signs"]["instructed_answered"] is None
    assert first["signs"]["same_answers"][0]["criterion"] == "Helpful"
    assert first["signs"]["is_flagged"] is False
    assert rows[1]["signs"] is None
    page = client.get(url, {"page_size": "1"}).json()
    assert [row["number"] for row in page["results"]] == [1]
    assert client.get(page["next"]).json()["results"][0]["number"] == 2
    assert world.by_other.get(url).status_code == 404
    assert APIClient().get(url).status_code == 401


def test_reports_ask_as_often_for_three_jurors_as_for_one(world: "World") -> None:
    client, counts = world.by_owner, []
    for size in (1, 3):
        at_work(world, size)
        with CaptureQueriesContext(connection) as captured:
            found = client.get(world.url("api-juror-reports"), {"page_size": str(size)})
        assert len(found.json()["results"]) == size
        counts.append(len(captured))
    assert counts[0] == counts[1]
