"""Real workers: a Run goes from the request through a broker to its result, or says why not."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

if TYPE_CHECKING:
    from tests.venire.conftest import House

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("workers")]

ASK_FOR_A_DRAW = """
from django.utils import timezone
from juries.models import Candidate, Feature, FeatureValue, Jury, Pool
from juries.services import draws, quotas
from juries.tasks import enqueue_run

pool = Pool.objects.create(name="Town", slug="town")
feature = Feature.objects.create(pool=pool, name="gender", position=0)
values = [
    FeatureValue.objects.create(feature=feature, value=value, position=rank, population_share=0.5)
    for rank, value in enumerate(("woman", "man"))
]
for number in range(12):
    candidate = Candidate.objects.create(
        pool=pool, external_id=f"p{number}", consented_at=timezone.now()
    )
    candidate.traits.create(feature=feature, feature_value=values[number % 2])
jury = Jury.objects.create(pool=pool, name="Town jury", size=4)
quotas.set_quotas(
    jury=jury, quotas=[quotas.WantedQuota((value.pk,), 2, 2) for value in values]
)
run = draws.request_draw(jury=jury, seed="a seed")
enqueue_run(run=run)
print(run.public_id)
"""
LOOK = """
import json, sys
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone
from juries.models import Run, Seat, User
from juries.services.runs import worker_answers
user, _ = User.objects.get_or_create(username="r", is_staff=True, is_superuser=True)
client = Client(headers={"host": "localhost"})
client.force_login(user)
run = Run.objects.get(public_id=sys.argv[1])
page = client.get(f"/runs/{run.public_id}/").content.decode()
run.refresh_from_db()
print(json.dumps({
    "state": run.state, "error": run.error, "seats": Seat.objects.count(),
    "answers": worker_answers(now=timezone.now()),
    "page_says_no_worker": "No worker has answered" in page,
    "page_says_start_again": "Start again" in page,
}))
"""
Until = Callable[..., str]


def look(house: "House", run: str) -> dict[str, Any]:
    return dict(json.loads(house.ask(LOOK, run)))


def watch(
    house: "House", until: Until, run: str, wanted: Callable[[dict[str, Any]], bool], seconds: float
) -> dict[str, Any]:
    seen = json.loads(
        until(lambda: house.ask(LOOK, run), lambda text: wanted(json.loads(text)), seconds)
    )
    assert wanted(seen), f"{seen}\n{house.logs()}"
    return dict(seen)


@pytest.fixture
def migrated(house: "House", put_migrated: Callable[[Path], None]) -> "House":
    put_migrated(house.folder / "var" / "venire.sqlite3")
    return house


def draw_once(house: "House", until: Until) -> None:
    run = house.ask(ASK_FOR_A_DRAW)
    before = look(house, run)
    assert before["state"] == "queued"
    assert before["answers"] is False
    assert before["page_says_no_worker"]
    house.start_worker()
    after = watch(house, until, run, lambda seen: seen["state"] not in ("queued", "running"), 90)
    assert after["state"] == "succeeded", after["error"]
    assert after["seats"] == 4
    assert after["answers"] is True
    assert not after["page_says_no_worker"]


def test_a_draw_through_a_folder(migrated: "House", until: Until) -> None:
    draw_once(migrated, until)


@pytest.mark.redis
def test_a_draw_through_redis(migrated: "House", until: Until) -> None:
    url = os.environ.get("VENIRE_TEST_REDIS", "redis://127.0.0.1:6379/9")
    server = redis.Redis.from_url(url)
    try:
        server.ping()
    except redis.ConnectionError as problem:
        if os.environ.get("VENIRE_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(f"no Redis: {problem}")
    server.delete("celery")
    migrated.variables["VENIRE_BROKER_URL"] = url
    draw_once(migrated, until)


def test_a_broker_that_is_away_fails_the_run_with_the_reason(migrated: "House") -> None:
    house = migrated
    house.variables["VENIRE_BROKER_URL"] = "redis://127.0.0.1:1/0"
    seen = look(house, house.ask(ASK_FOR_A_DRAW))
    assert seen["state"] == "failed"
    assert "could not be reached" in seen["error"]
    assert "VENIRE_BROKER_URL" in seen["error"]
    assert seen["page_says_start_again"]
