"""How far a study is, and who did what, through the API."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

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
