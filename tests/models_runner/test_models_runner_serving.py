"""Predictions asked for by a program: what comes back, what is refused, what is forgotten."""

import hashlib
import json
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.live_server_helper import LiveServer
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from annotations.models import Participation, Preference, Rating, Response, Study
from juries import tasks as juries_tasks
from juries.domain.verdicts import JurySpecification, seat_kind
from juries.models import Candidate, Juror, Jury, Pool, Run, Seat, User
from juries.services.invitations import withdraw_juror
from juries.services.runs import perform_run
from models_runner.domain.evaluation import evaluate_methods
from models_runner.domain.jury_reward import JuryRule
from models_runner.domain.reward.preference import chance_moments
from models_runner.models import RewardTraining
from models_runner.selectors.comparisons import comparing_jurors
from models_runner.selectors.kept_files import PREDICT_KIND, kept_path
from models_runner.selectors.training import training_data, training_jurors
from models_runner.services import kept_files, predictions, serving
from models_runner.services import training as training_service
from models_runner.services.predictions import (
    PredictionRefused,
    predict_opinions,
    predict_preferences,
    predict_texts,
)
from models_runner.services.training import perform_training, request_training

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "best_of_n.py"
JURORS = 8
TEXTS = [
    {"name": "a", "query": "Question 1?", "response": "What alpha says of question 1."},
    {"name": "b", "query": "Question 1?", "response": "What beta says of question 1."},
    {"name": "c", "query": "A new question?", "response": "What gamma says."},
]


def cache_of(work: Callable[..., Any]) -> Callable[..., Any]:
    kept: list[Any] = []

    def once(**arguments: Any) -> Any:
        if not kept:
            kept.append(work(**arguments))
        return kept[0]

    return once


# The held-out table is measured once: what it says is not what is tested here.
measured_once = cache_of(evaluate_methods)


@pytest.fixture(autouse=True)
def words(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_service, "SEEDS", (0,))
    monkeypatch.setattr(training_service, "evaluate_methods", measured_once)
    settings.ENCODER_BACKEND = "fake_encoder.WordEncoder"
    settings.ARTEFACTS_DIR = tmp_path / "artefacts"
    settings.RUN_HEARTBEAT_SECONDS = 3600
    cache.clear()


@pytest.fixture
def jury_of_eight(pool: Pool) -> Jury:
    """The pool's eight people, all seated: four women, four men."""
    jury = Jury.objects.create(pool=pool, name="Eight", size=JURORS)
    for number, candidate in enumerate(Candidate.objects.order_by("id"), start=1):
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number, state=Seat.State.ACCEPTED)
    return jury


@pytest.fixture
def study(make_study: Callable[..., Study], jury_of_eight: Jury) -> Study:
    """Women like alpha, men like beta; the last of the eight has rated nothing."""
    study = make_study(jury=jury_of_eight, queries=6)
    criterion = study.criteria.get(key="helpful")
    rows = []
    for place, juror in enumerate(jury_of_eight.jurors.order_by("id")[: JURORS - 1]):
        Participation.objects.create(study=study, juror=juror, ordinal=place, state="finished")
        for number, response in enumerate(
            Response.objects.filter(query__study=study).select_related("source").order_by("id")
        ):
            likes = response.source.name == ("alpha", "beta")[place % 2]
            rows.append(
                Rating(
                    juror=juror,
                    response=response,
                    criterion=criterion,
                    value=(4 if likes else 1) + (number + place) % 2,
                    created_at=timezone.now(),
                )
            )
    Rating.objects.bulk_create(rows)
    return study


@pytest.fixture
def training(study: Study) -> RewardTraining:
    made = request_training(
        criterion=study.criteria.get(key="helpful"), method="independent", requested_by=None
    )
    perform_run(run_id=made.run_id, work=perform_training)
    # What the gate says of so small a study is not what is tested here.
    RewardTraining.objects.update(is_usable=True)
    return RewardTraining.objects.select_related("run").get()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The worker answers as soon as a Run is sent, without waiting for the test's commit."""
    sent: list[str] = []

    def perform(*, run: Run) -> None:
        sent.append(run.kind)
        perform_run(run_id=run.pk, work=serving.perform_predictions)

    monkeypatch.setattr("models_runner.api.predictions.enqueue_run", perform)
    return sent


@pytest.fixture
def client(researcher: User) -> APIClient:
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=researcher).key}")
    return client


def ask(client: APIClient, study: Study, query: str = "", key: str = "", **fields: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else None
    body = {"criterion": "helpful", "items": TEXTS, **fields}
    path = reverse("api-predictions", args=[study.public_id])
    return client.post(path + query, body, format="json", headers=headers)


# --- The function ---------------------------------------------------------------------------------


def test_texts_are_guessed_as_the_stored_responses_are(training: RewardTraining) -> None:
    responses = list(Response.objects.select_related("query").order_by("id"))
    jurors = training_data(criterion=training.criterion).juror_ids
    known = predict_opinions(
        training=training, juror_ids=jurors, response_ids=[own.pk for own in responses]
    )
    found = predict_texts(
        training=training, texts=[(own.query.text, own.text) for own in responses]
    )
    assert found.juror_ids == jurors == training_jurors(criterion=training.criterion)
    assert found.mean.ravel().tolist() == [own.mean for own in known.opinions]
    assert found.high.ravel().tolist() == [own.high for own in known.opinions]
    assert found.own_ratings.tolist() == [12] * (JURORS - 1) + [0]
    assert found.is_usable is True
    assert found.held_out_error == known.held_out_error


def test_welfare_is_that_of_the_guesses(training: RewardTraining) -> None:
    texts = [(own["query"], own["response"]) for own in TEXTS]
    found = predict_texts(training=training, texts=texts, rule=JuryRule(0.0))
    utilities = 0.01 + 0.99 * (found.mean - 1) / 4
    np.testing.assert_allclose(found.reward.welfare, utilities.mean(axis=0))
    worst = predict_texts(training=training, texts=texts, rule=JuryRule(np.inf))
    np.testing.assert_allclose(worst.reward.welfare, utilities.min(axis=0))
    women = JurySpecification(((seat_kind({"gender": "woman"}), 4),))
    by_women = predict_texts(training=training, texts=texts, seats=women)
    group = next(own for own in found.reward.groups if own.group == "woman")
    np.testing.assert_allclose(by_women.reward.welfare, group.means)
    assert by_women.reward.welfare[0] > by_women.reward.welfare[1], "women like alpha"


def test_the_encoder_and_the_model_are_loaded_once(
    training: RewardTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictions._encoder.cache_clear()
    loads: list[str] = []
    for name in ("load_feature_encoder", "reward_model_from_artefact"):
        real = getattr(predictions, name)

        def counted(*args: Any, _real: Any = real, _name: str = name, **kwargs: Any) -> Any:
            loads.append(_name)
            return _real(*args, **kwargs)

        monkeypatch.setattr(predictions, name, counted)
    texts = [("Why?", "Because."), ("Why?", "No.")]
    first = predict_texts(training=training, texts=texts)
    again = predict_texts(training=training, texts=texts[::-1])
    assert loads == ["load_feature_encoder", "reward_model_from_artefact"]
    assert again.mean[:, ::-1].tolist() == first.mean.tolist()
    assert again.reward.lower[::-1].tolist() == first.reward.lower.tolist(), "by the seed alone"
    Rating.objects.filter(pk=Rating.objects.order_by("id")[0].pk).delete()
    predict_texts(training=training, texts=texts)
    assert len(loads) == 3, "another rating makes another model"


def test_the_reward_of_the_manual_is_the_welfare(training: RewardTraining) -> None:
    page = (EXAMPLE.parents[1] / "engineers.md").read_text(encoding="utf-8")
    [code] = [
        own for own in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "reward(" in own
    ]
    space: dict[str, Any] = {}
    exec(code.replace('public_id="..."', f'public_id="{training.public_id}"'), space)
    prompts, completions = ["Question 1?"] * 2, [own["response"] for own in TEXTS[:2]]
    found = predict_texts(
        training=training, texts=list(zip(prompts, completions, strict=True)), rule=JuryRule(1.0)
    )
    assert space["reward"](prompts, completions) == found.reward.welfare.tolist()
    RewardTraining.objects.update(is_usable=False)
    with pytest.raises(SystemExit, match="gate"):
        exec(code.replace('public_id="..."', f'public_id="{training.public_id}"'), {})


# --- Preferences ----------------------------------------------------------------------------------


@pytest.fixture
def preferring(study: Study) -> RewardTraining:
    """A model of which response a juror prefers; the last of the eight sits, and has said nothing;
    the one before has compared two responses and rated none.
    """
    jurors = list(Juror.objects.order_by("id"))
    Rating.objects.filter(juror=jurors[-2]).delete()
    first, second = study.queries.order_by("id")[0].responses.order_by("id")
    Preference.objects.create(
        juror=jurors[-2],
        query=first.query,
        left=first,
        right=second,
        verdict="left",
        created_at=timezone.now(),
    )
    made = request_training(
        criterion=study.criteria.get(key="helpful"), method="low_rank", requested_by=None
    )
    perform_run(run_id=made.run_id, work=perform_training)
    RewardTraining.objects.filter(pk=made.pk).update(is_usable=True)
    training = RewardTraining.objects.select_related("run").get(pk=made.pk)
    assert training.run.state == "succeeded", training.run.error
    return training


PAIRS = [(own["query"], own["response"]) for own in TEXTS]


def test_the_chance_of_an_uncertain_difference() -> None:
    told = np.array([-2.0, 0.0, 3.0])
    mean, sd = chance_moments(difference=told, sd=np.zeros(3))
    np.testing.assert_allclose(mean, 1 / (1 + np.exp(-told)))
    np.testing.assert_allclose(sd, 0, atol=1e-12)
    mean, sd = chance_moments(difference=told, sd=np.array([1.0, 2.0, 3.0]))
    drawn = np.random.default_rng(0).normal(told, [1.0, 2.0, 3.0], size=(400_000, 3))
    chances = 1 / (1 + np.exp(-drawn))
    np.testing.assert_allclose(mean, chances.mean(axis=0), atol=2e-3)
    np.testing.assert_allclose(sd, chances.std(axis=0), atol=2e-3)
    assert mean[1] == pytest.approx(0.5)


def test_preferences_are_served_as_utilities(preferring: RewardTraining) -> None:
    found = predict_preferences(training=preferring, texts=PAIRS)
    jurors = list(Juror.objects.order_by("id").values_list("pk", flat=True))
    assert sorted(found.juror_ids) == jurors
    assert set(found.juror_ids) == set(comparing_jurors(criterion=preferring.criterion))
    row = {juror_id: place for place, juror_id in enumerate(found.juror_ids)}
    own = {juror_id: int(found.own_ratings[place]) for juror_id, place in row.items()}
    assert [own[juror_id] for juror_id in jurors] == [6] * (JURORS - 2) + [1, 0]
    assert (found.unit, found.held_out_error) == ("logit", None)
    assert found.chance is not None
    woman, man = found.mean[row[jurors[0]]], found.mean[row[jurors[1]]]
    assert woman[0] > woman[1], "women like alpha"
    assert man[0] < man[1]
    # The difference of two utilities is what the model says of the pair.
    ready = predictions._ready_to_compare(preferring)
    features = predictions._features_of(PAIRS[:2], ready.encoder)
    pair = ready.model.predict(
        left=features[:1], right=features[1:], jurors=ready.codes[[row[jurors[0]]]]
    )
    assert woman[0] - woman[1] == pytest.approx(pair.difference[0])
    # Who has compared nothing has what all share, and the widest interval.
    silent = row[jurors[-1]]
    width = found.high - found.low
    assert (width[silent] >= width.max(axis=0) - 1e-9).all()
    np.testing.assert_allclose(found.mean - found.low, 1.6448536 * found.standard_deviation)
    np.testing.assert_allclose(found.reward.welfare, (0.01 + 0.99 * found.chance).mean(axis=0))
    assert (found.reward.lower <= found.reward.upper).all()


def test_a_text_alone_has_the_utility_that_it_has_among_others(preferring: RewardTraining) -> None:
    together = predict_preferences(training=preferring, texts=PAIRS)
    alone = predict_preferences(training=preferring, texts=PAIRS[1:2])
    np.testing.assert_allclose(alone.mean[:, 0], together.mean[:, 1])
    # A query by itself moves nobody: the average response to any has utility 0.
    ready = predictions._ready_to_compare(preferring)
    half = len(ready.model.axes.centre) // 2
    query = predictions._features_of([("Something else entirely?", "x")], ready.encoder)
    average = np.hstack([ready.model.axes.centre[None, :half], query[:, half:]])
    told = ready.model.predict(left=average, right=average, jurors=np.array([0]))
    assert told.difference[0] == 0


def test_another_preference_counts_at_once(preferring: RewardTraining) -> None:
    before = predict_preferences(training=preferring, texts=PAIRS)
    juror = Juror.objects.order_by("id")[0]
    for query in preferring.study.queries.order_by("id"):
        first, second = query.responses.order_by("id")
        Preference.objects.create(
            juror=juror,
            query=query,
            left=first,
            right=second,
            verdict="right",
            created_at=timezone.now(),
        )
    after = predict_preferences(training=preferring, texts=PAIRS)
    place = after.juror_ids.index(juror.pk)
    assert after.data_digest != before.data_digest
    assert (
        after.mean[place, 0] - after.mean[place, 1] < before.mean[place, 0] - before.mean[place, 1]
    )


def test_each_method_is_asked_what_it_foresees(
    training: RewardTraining, preferring: RewardTraining
) -> None:
    with pytest.raises(PredictionRefused, match="which of two responses a juror prefers"):
        predict_texts(training=preferring, texts=PAIRS)
    with pytest.raises(PredictionRefused, match="independent foresees ratings"):
        predict_preferences(training=training, texts=PAIRS)


def test_preferences_over_rest(
    client: APIClient, study: Study, preferring: RewardTraining, at_once: list[str]
) -> None:
    alone = ask(client, study)
    assert alone.status_code == 409
    assert f"send training: {preferring.public_id}" in alone.json()["detail"]
    RewardTraining.objects.update(is_usable=False)
    named = {"training": str(preferring.public_id)}
    assert "did not pass its gate" in ask(client, study, **named).json()["detail"]
    RewardTraining.objects.update(is_usable=True)
    answer = ask(client, study, "?wait=5", **named)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["run"]["state"] == "succeeded", told["run"]["error"]
    assert (told["unit"], told["method"], told["held_out_error"]) == ("logit", "low_rank", None)
    assert 0 <= told["held_out_accuracy"] <= 1
    found = predict_preferences(training=preferring, texts=PAIRS)
    assert found.chance is not None
    for place, row in enumerate(told["results"]):
        assert row["predicted"] is True
        assert row["welfare"] == found.reward.welfare[place]
        assert [own["mean"] for own in row["jurors"]] == found.mean[:, place].tolist()
        assert [own["chance"] for own in row["jurors"]] == found.chance[:, place].tolist()
    seats = [{"traits": {"gender": "woman"}, "seats": 3}]
    by_women = ask(client, study, "?wait=5", seats=seats, **named).json()["results"]
    assert by_women[0]["welfare"] > by_women[1]["welfare"]


def test_the_newest_that_foresees_ratings_is_asked_unless_another_is_named(
    client: APIClient,
    study: Study,
    training: RewardTraining,
    preferring: RewardTraining,
    at_once: list[str],
) -> None:
    told = ask(client, study, "?wait=5").json()
    assert told["training"] == str(training.public_id)
    assert (told["unit"], told["held_out_accuracy"]) == ("rating", None)
    assert {own["chance"] for own in told["results"][0]["jurors"]} == {None}


@pytest.mark.parametrize("method", ["statement", "jury_learning"])
def test_a_method_that_needs_more_than_a_text_is_not_asked_unless_named(
    client: APIClient,
    study: Study,
    training: RewardTraining,
    at_once: list[str],
    method: str,
) -> None:
    RewardTraining.objects.create(
        study=study,
        criterion=training.criterion,
        run=Run.objects.create(kind="t", title="Newer", state="succeeded"),
        method=method,
        is_usable=True,
    )
    told = ask(client, study, "?wait=5").json()
    assert told["training"] == str(training.public_id)
    training.delete()
    refused = ask(client, study)
    assert refused.status_code == 409
    assert f"{method} needs more than a text. Train another" in refused.json()["detail"]


def test_a_training_that_came_without_its_model_says_so(
    client: APIClient, study: Study, training: RewardTraining, at_once: list[str]
) -> None:
    RewardTraining.objects.update(artefact_name="")
    told = ask(client, study, "?wait=5").json()
    assert "it came with a data set" in told["run"]["error"]


# --- Over REST ------------------------------------------------------------------------------------


def test_an_answer_that_is_waited_for(
    client: APIClient, study: Study, training: RewardTraining, at_once: list[str]
) -> None:
    answer = ask(client, study, "?wait=5", alpha=1)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert at_once == [PREDICT_KIND]
    assert told["run"]["state"] == "succeeded", told["run"]["error"]
    assert (told["rule"], told["is_usable"]) == ("welfare at alpha 1", True)
    assert told["training"] == str(training.public_id)
    assert told["held_out_error"] is not None
    assert told["next"] is None
    assert [row["name"] for row in told["results"]] == ["a", "b", "c"]
    found = predict_texts(
        training=training,
        texts=[(own["query"], own["response"]) for own in TEXTS],
        rule=JuryRule(1.0),
    )
    for place, row in enumerate(told["results"]):
        assert row["predicted"] is True
        assert row["welfare"] == found.reward.welfare[place]
        assert row["low"] <= row["expected_welfare"] <= row["high"]
        assert len(row["jurors"]) == JURORS
        for guess, mean in zip(row["jurors"], found.mean[:, place], strict=True):
            assert guess["mean"] == mean
            assert guess["low"] <= guess["median"] <= guess["high"]
        assert {(own["feature"], own["value"]) for own in row["groups"]} == {
            ("gender", "woman"), ("gender", "man"), ("age", "under 40"), ("age", "40 and over"),
        }  # fmt: skip
    assert set(map(str, Juror.objects.values_list("public_id", flat=True))) == {
        guess["juror"] for guess in told["results"][0]["jurors"]
    }


def test_an_answer_that_is_fetched_later_page_by_page(
    client: APIClient, study: Study, training: RewardTraining
) -> None:
    asked = ask(client, study, jurors=False)
    assert asked.status_code == 202, asked.content
    assert asked.json()["results"] is None
    assert asked.json()["run"]["worker_is_silent"] is True
    run = Run.objects.get(kind=PREDICT_KIND)
    assert asked["Location"] == reverse("api-prediction", args=[study.public_id, run.public_id])
    perform_run(run_id=run.pk, work=serving.perform_predictions)
    page = client.get(asked["Location"] + "?page_size=2").json()
    assert [row["name"] for row in page["results"]] == ["a", "b"]
    assert page["results"][0]["jurors"] == []
    page = client.get(page["next"]).json()
    assert [row["name"] for row in page["results"]] == ["c"]
    assert page["next"] is None
    run.refresh_from_db()
    lines = kept_path(run=run).read_bytes()
    assert run.result["result_sha256"] == hashlib.sha256(lines).hexdigest()
    assert run.input_digest == training_data(criterion=training.criterion).digest
    bad = client.get(asked["Location"] + "?cursor=nonsense")
    assert bad.json()["errors"][0]["parameter"] == "cursor"


def test_a_key_makes_a_retry_harmless(
    client: APIClient, study: Study, training: RewardTraining, at_once: list[str]
) -> None:
    first = ask(client, study, key="one")
    again = ask(client, study, key="one")
    assert first.json()["id"] == again.json()["id"]
    assert len(at_once) == 1
    other = ask(client, study, key="one", alpha=2)
    assert other.status_code == 409
    assert "'one' was sent with another request" in other.json()["detail"]
    assert ask(client, study, key="k" * 101).status_code == 400


def test_what_cannot_be_asked_is_refused_with_its_place(
    client: APIClient, study: Study, training: RewardTraining
) -> None:
    def refused(status: int = 400, query: str = "", **fields: Any) -> dict[str, Any]:
        answer = ask(client, study, query, **fields)
        assert answer.status_code == status, answer.content
        told: dict[str, Any] = answer.json()
        return told

    assert refused(criterion="nice")["errors"][0]["legal"] == ["helpful", "fair"]
    assert "no alpha" in refused(alpha="-1")["detail"]
    assert refused(alpha="nan")["errors"][0]["pointer"] == "#/alpha"
    assert "two rules" in refused(alpha=1, share_above=0.5)["detail"]
    assert "1 to 500 items" in refused(items=[])["detail"]
    twice = refused(items=[TEXTS[0], TEXTS[0]])
    assert twice["errors"][0]["pointer"] == "#/items/1/name"
    assert refused(items=[{"query": "q"}])["errors"][0]["pointer"] == "#/items/0/response"
    seat = refused(seats=[{"traits": {"gender": "unicorn"}, "seats": 2}])
    assert "'gender: unicorn'" in seat["detail"]
    many = [{"traits": {}, "seats": 50}, {"traits": {"age": "under 40"}, "seats": 20}]
    assert "60 can be asked" in refused(seats=many)["detail"]
    assert refused(query="?wait=31")["errors"][0]["parameter"] == "wait"
    assert "no finished training" in refused(409, training=str(study.public_id))["detail"]
    assert "No reward model has learnt fair" in refused(409, criterion="fair")["detail"]
    RewardTraining.objects.update(is_usable=False)
    told = refused(409)["detail"]
    assert "did not pass its gate" in told
    assert "accept_unusable: true" in told
    accepted = ask(client, study, accept_unusable=True).json()
    assert accepted["is_usable"] is False
    RewardTraining.objects.update(stale_since=timezone.now())
    assert "has withdrawn" in refused(409, accept_unusable=True)["detail"]


def test_too_many_guesses_at_once_are_refused(
    client: APIClient, study: Study, training: RewardTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MOST_ROWS", 10)
    answer = ask(client, study)
    assert answer.status_code == 400
    assert "jurors: false" in answer.json()["detail"]
    assert ask(client, study, jurors=False).status_code == 202


def test_only_people_of_the_study_may_ask(
    study: Study, training: RewardTraining, stranger: User
) -> None:
    client = APIClient()
    assert ask(client, study).status_code == 401
    client.force_authenticate(stranger)
    assert ask(client, study).status_code == 404
    assert not Run.objects.filter(kind=PREDICT_KIND).exists()


def test_a_run_that_fails_says_why(
    client: APIClient,
    study: Study,
    training: RewardTraining,
    at_once: list[str],
    settings: LazySettings,
) -> None:
    settings.ENCODER_MODEL = "missing"
    told = ask(client, study, "?wait=1").json()
    assert told["run"]["state"] == "failed"
    assert "There is no encoder called missing" in told["run"]["error"]
    assert told["results"] is None


def test_a_withdrawal_forgets_what_was_guessed(
    client: APIClient,
    study: Study,
    training: RewardTraining,
    at_once: list[str],
    researcher: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    location = ask(client, study)["Location"]
    run = Run.objects.get(kind=PREDICT_KIND)
    assert kept_path(run=run).exists()
    juror = Juror.objects.order_by("id")[0]
    with django_capture_on_commit_callbacks(execute=True):
        withdraw_juror(juror=juror, erase_said=True, actor=researcher)
    assert not kept_path(run=run).exists()
    answer = client.get(location)
    assert answer.status_code == 409
    assert "ask anew" in answer.json()["detail"].lower()


def test_old_answers_are_dropped(
    client: APIClient, study: Study, training: RewardTraining, at_once: list[str]
) -> None:
    location = ask(client, study)["Location"]
    run = Run.objects.get(kind=PREDICT_KIND)
    kept_files.drop_old_lines(now=timezone.now())
    assert client.get(location).status_code == 200
    kept_files.drop_old_lines(now=timezone.now() + kept_files.KEPT_FOR)
    assert not kept_path(run=run).exists()
    assert "a week old" in client.get(location).json()["detail"]


# --- The example ----------------------------------------------------------------------------------


@pytest.fixture
def example() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(EXAMPLE)))


@pytest.mark.django_db(transaction=True)
def test_best_of_n_picks_over_http(
    live_server: LiveServer,
    study: Study,
    training: RewardTraining,
    researcher: User,
    example: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def send(*, run_id: int, kind: str) -> None:
        assert kind == PREDICT_KIND
        perform_run(run_id=run_id, work=serving.perform_predictions)

    monkeypatch.setattr(juries_tasks, "_send", send)
    monkeypatch.setenv("API_TOKEN", Token.objects.create(user=researcher).key)
    file = tmp_path / "candidates.jsonl"
    file.write_text("\n".join(json.dumps(own) for own in TEXTS[:2]))
    start = [live_server.url, str(study.public_id), "--criterion", "helpful"]

    def best(*more: str, code: int = 0) -> str:
        assert example.main([*start, *more]) == code
        out, err = capsys.readouterr()
        return out + err

    assert "torch" not in example.__dict__
    women = best("--candidates", str(file), "--seats", "gender=woman:4", "--by", "gender")
    assert "gender: woman" in women
    assert "Best of 2: What alpha says of question 1." in women
    assert "NOT USABLE" not in women
    men = best("--candidates", str(file), "--seats", "gender=man:3", "--alpha", "inf")
    assert "Best of 2: What beta says of question 1." in men
    assert "welfare at alpha inf" in men
    rows = json.loads(best("--candidates", str(file), "--json"))["results"]
    assert [row["welfare"] for row in rows] == sorted((r["welfare"] for r in rows), reverse=True)

    RewardTraining.objects.update(is_usable=False)
    assert "did not pass its gate" in best("--candidates", str(file), code=1)
    assert "NOT USABLE" in best("--candidates", str(file), "--accept-unusable")
    assert "#/alpha: '-1' is no alpha" in best(
        "--candidates", str(file), "--alpha=-1", "--accept-unusable", code=1
    )
    assert "no trait 'shoe'" in best(
        "--candidates", str(file), "--by", "shoe", "--accept-unusable", code=2
    )
    assert "is no seat" in best("--candidates", str(file), "--seats", "woman", code=2)
    file.write_text('{"query": "Only half"}')
    assert "line 1 is no" in best("--candidates", str(file), code=2)


def test_best_of_n_asks_an_endpoint(
    example: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def call(url: str, **fields: Any) -> tuple[dict[str, Any], dict[str, str]]:
        calls.append((url, fields["body"]))
        return {"choices": [{"message": {"content": f"text {len(calls)}"}}]}, {}

    space = example._candidates.__globals__
    monkeypatch.setitem(space, "_call", call)
    options = example._options(
        ["http://x", "id", "--criterion", "helpful", "--endpoint", "http://y/v1/", "--model", "m",
         "--n", "3", "--query", "Why?"]
    )  # fmt: skip
    found = example._candidates(options)
    assert found == [{"query": "Why?", "response": f"text {number}"} for number in (1, 2, 3)]
    assert {url for url, _ in calls} == {"http://y/v1/chat/completions"}
    assert calls[0][1]["messages"] == [{"role": "user", "content": "Why?"}]


def test_best_of_n_needs_the_standard_library_alone() -> None:
    names = {
        line.split()[1].split(".")[0]
        for line in EXAMPLE.read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
    assert names <= set(sys.stdlib_module_names)
