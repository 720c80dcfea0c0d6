"""The leaderboard through the API: asked for once at a time, with bands, guesses marked."""

from math import inf
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from annotations.models import Rating, Response
from juries.models import Run
from juries.services.runs import perform_run
from models_runner.domain.leaderboard import board
from models_runner.services.leaderboard import perform_leaderboard

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"


@pytest.fixture(autouse=True)
def quick(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 3600
    monkeypatch.setattr(board, "GRID", (0.0, 1.0, inf))
    monkeypatch.setattr(board, "BOOTSTRAPS", 50)
    monkeypatch.setattr(board, "RULE_RESAMPLES", 2)


def rate(world: "World") -> None:
    criterion = world.study.criteria.get(key="helpful")
    for place, juror in enumerate(world.jurors()):
        for response in Response.objects.filter(query__study=world.study).select_related("source"):
            Rating.objects.create(
                juror=juror,
                response=response,
                criterion=criterion,
                value=5 if response.source.name == "alpha" else 1 + place,
                created_at=timezone.now(),
            )


def test_it_is_computed_and_read(world: "World") -> None:
    rate(world)
    client, url = world.by_owner, world.url("api-leaderboard")
    nothing = world.by_viewer.get(url)
    assert (nothing.status_code, nothing["Content-Type"]) == (404, PROBLEM)
    assert "POST" in nothing.json()["detail"]
    made = client.post(url)
    assert made.status_code == 202, made.content
    run = Run.objects.get(kind="models_runner.leaderboard")
    assert made["Location"] == reverse("api-run", args=[run.public_id])
    assert client.post(url).json()["id"] == str(run.public_id)
    perform_run(run_id=run.pk, work=perform_leaderboard)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error

    shown = world.by_viewer.get(url)
    assert shown.status_code == 200, shown.content
    body = shown.json()
    assert (body["run"], body["pending_run"]) == (str(run.public_id), None)
    assert (body["is_outdated"], body["is_simulated"]) == (False, False)
    boards = {(row["criterion"], row["share"]): row for row in body["boards"]}
    assert set(boards) == {
        (key, share) for key in ("helpful", "fair") for share in ("said", "both")
    }
    said = boards["helpful", "said"]
    assert (said["predicted"], said["reason"], said["jurors"]) == (False, "", 4)
    assert (said["bootstraps"], said["training_run"], said["held_out_error"]) == (50, None, None)
    places = {(row["alpha"], row["source"].partition("@")[0]): row for row in said["places"]}
    assert {alpha for alpha, _ in places} == {"0", "1", "inf"}
    first = places["0", "alpha"]
    assert first["welfare"] == pytest.approx(1)
    assert first["low"] <= first["welfare"] <= first["high"]
    assert first["predicted_share"] == 0
    # At the worst-off juror there is no band.
    assert (places["inf", "beta"]["low"], places["inf", "beta"]["high"]) == (None, None)
    assert places["inf", "beta"]["welfare"] == pytest.approx(0.01)
    assert boards["fair", "said"]["places"] == []
    assert "nobody has rated" in boards["fair", "said"]["reason"]
    training = world.study.reward_trainings.get()
    guessed = boards["helpful", "both"]
    assert (guessed["predicted"], guessed["held_out_error"]) == (True, 0.75)
    assert guessed["training_run"] == str(training.run.public_id)
    # Nothing is left to guess: every juror has rated every response.
    assert {row["predicted_share"] for row in guessed["places"]} == {0}
    assert boards["fair", "both"]["places"] == []
    assert boards["fair", "both"]["reason"]
    rate_more(world)
    assert client.get(url).json()["is_outdated"] is True


def rate_more(world: "World") -> None:
    """A juror changes her mind."""
    rating = Rating.objects.filter(is_current=True).order_by("id")[0]
    Rating.objects.filter(pk=rating.pk).update(is_current=False)
    rating.pk, rating.value = None, 2
    rating.save()


def test_roles_decide(world: "World") -> None:
    url = world.url("api-leaderboard")
    for client, status in ((world.by_viewer, 403), (world.by_other, 404), (APIClient(), 401)):
        refused = client.post(url)
        assert (refused.status_code, refused["Content-Type"]) == (status, PROBLEM)
    assert world.by_other.get(url).status_code == 404
    assert not Run.objects.filter(kind="models_runner.leaderboard").exists()
