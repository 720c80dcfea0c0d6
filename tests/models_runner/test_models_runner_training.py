"""Training in a Run: what is learnt, measured, kept and shown, and when it is refused."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from fake_encoder import DIMENSIONS, WordEncoder
from pytest_django import DjangoCaptureOnCommitCallbacks

from annotations.models import Participation, Rating, Response, Study, StudyRole
from annotations.services.results import perform_results, request_results
from juries.models import Candidate, Juror, Jury, Pool, Run, Seat, User
from juries.services.invitations import withdraw_juror
from juries.services.runs import perform_run, request_cancel
from models_runner.domain.reward import Artefact, reward_model_from_artefact
from models_runner.models import PredictedRating, RewardTraining
from models_runner.sections import RewardModelSection
from models_runner.selectors.training import held_out_error, newest_trainings, training_data
from models_runner.services import training as training_service
from models_runner.services.predictions import PredictionRefused, predict_opinions
from models_runner.services.training import (
    UnknownRewardMethod,
    item_features,
    perform_training,
    request_training,
)

JURORS, QUERIES = 12, 8
TASTES = ("alpha", "beta")


@pytest.fixture(autouse=True)
def words(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_service, "SEEDS", (0,))
    settings.ENCODER_BACKEND = "fake_encoder.WordEncoder"
    settings.ARTEFACTS_DIR = tmp_path / "artefacts"
    settings.RUN_HEARTBEAT_SECONDS = 3600


@pytest.fixture
def study(make_study: Callable[..., Study], pool: Pool) -> Study:
    """A jury of twelve and eight queries with two responses each; nobody has rated."""
    jury = Jury.objects.create(pool=pool, name="Twelve", size=JURORS)
    for number in range(JURORS):
        candidate = Candidate.objects.create(pool=pool, external_id=f"t{number}")
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number + 1, state=Seat.State.ACCEPTED)
    return make_study(jury=jury, queries=QUERIES)


def rate(study: Study, *, jurors: int = JURORS - 1, every: int = 1, key: str = "helpful") -> None:
    """Half the jurors like alpha, half beta; every so many-th response is left unrated."""
    rows = []
    assert study.jury is not None
    for place, juror in enumerate(study.jury.jurors.order_by("id")[:jurors]):
        for number, response in enumerate(
            Response.objects.filter(query__study=study).select_related("source").order_by("id")
        ):
            if every > 1 and (number + place) % every == 0:
                continue
            likes = response.source.name == TASTES[place % 2]
            rows.append(
                Rating(
                    juror=juror,
                    response=response,
                    criterion=study.criteria.get(key=key),
                    value=(4 if likes else 1) + (number + place) % 2,
                    created_at=timezone.now(),
                )
            )
        Participation.objects.get_or_create(
            study=study, juror=juror, defaults={"ordinal": place, "state": "finished"}
        )
    Rating.objects.bulk_create(rows)


def trained(study: Study, method: str = "hierarchical", key: str = "helpful") -> RewardTraining:
    training = request_training(
        criterion=study.criteria.get(key=key), method=method, requested_by=None
    )
    perform_run(run_id=training.run_id, work=perform_training)
    training.refresh_from_db()
    return training


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


# --- What is learnt ---------------------------------------------------------------------------


def test_the_table_holds_what_was_said_and_who_was_silent(study: Study) -> None:
    rate(study, jurors=3, every=4)
    data = training_data(criterion=study.criteria.get(key="helpful"))
    assert study.jury is not None
    assert data.juror_ids == tuple(study.jury.jurors.order_by("id").values_list("pk", flat=True))
    features = item_features(data=data, encoder=WordEncoder(model="", revision="", dtype="f"))
    assert features.shape == (2 * QUERIES, 2 * DIMENSIONS)
    table = data.table(features=features, low=1, high=5)
    assert table.juror_count == JURORS
    assert table.groups is not None
    assert table.groups.shape == (JURORS, 2)
    assert (table.groups == -1).all(), "nobody has told a trait"
    assert len(table.ratings) == 3 * 12
    for item, juror, value in zip(table.items, table.jurors, table.ratings, strict=True):
        said = Rating.objects.get(
            juror_id=data.juror_ids[juror], response_id=data.matrix.responses[item].id
        )
        assert said.value == value


def test_the_digest_follows_ratings_and_texts(study: Study) -> None:
    rate(study)
    criterion = study.criteria.get(key="helpful")
    seen = {training_data(criterion=criterion).digest, training_data(criterion=criterion).digest}
    Rating.objects.filter(pk=Rating.objects.all()[0].pk).update(value=3)
    seen.add(training_data(criterion=criterion).digest)
    Response.objects.filter(pk=Response.objects.all()[0].pk).update(text="Something else.")
    seen.add(training_data(criterion=criterion).digest)
    assert len(seen) == 3


@pytest.mark.parametrize("method", ["hierarchical", "independent", "population_offset"])
def test_a_training_from_request_to_predictions(
    study: Study, method: str, settings: LazySettings
) -> None:
    rate(study, every=4)
    training = trained(study, method)
    run = Run.objects.get(pk=training.run_id)
    assert run.state == "succeeded", run.error
    said = Rating.objects.count()
    assert run.result["ratings"] == said
    assert run.result["predicted"] == training.predicted_ratings.count()
    assert run.result["predicted"] == JURORS * 2 * QUERIES - said
    assert run.input_digest == training_data(criterion=training.criterion).digest
    assert run.progress_done == run.progress_total
    for guess in training.predicted_ratings.all():
        assert 1 <= guess.low <= guess.mean <= guess.high <= 5
        assert guess.standard_deviation > 0
    json.dumps(training.evaluation, allow_nan=False)
    json.dumps(training.manifest, allow_nan=False)
    body = (settings.ARTEFACTS_DIR / training.artefact_name).read_bytes()
    assert hashlib.sha256(body).hexdigest() == training.manifest["sha256"]
    assert training.manifest["encoder"] == "words"


def test_the_artefact_predicts_what_was_kept(study: Study, settings: LazySettings) -> None:
    rate(study, every=4)
    training = trained(study)
    body = (settings.ARTEFACTS_DIR / training.artefact_name).read_bytes()
    model = reward_model_from_artefact(artefact=Artefact.from_bytes(data=body))
    data = training_data(criterion=training.criterion)
    features = item_features(data=data, encoder=WordEncoder(model="", revision="", dtype="f"))
    column = {response.id: place for place, response in enumerate(data.matrix.responses)}
    for guess in training.predicted_ratings.order_by("id")[:20]:
        again = model.predict(
            features=features[[column[guess.response_id]]],
            jurors=np.array([data.juror_ids.index(guess.juror_id)]),
        ).clipped(low=1, high=5)
        assert guess.mean == pytest.approx(again.mean[0])
        assert guess.high == pytest.approx(again.high[0])


def test_jurors_tastes_are_learnt(study: Study) -> None:
    rate(study, every=3)
    training = trained(study)
    assert study.jury is not None
    for place, juror in enumerate(study.jury.jurors.order_by("id")[: JURORS - 1]):
        own = training.predicted_ratings.filter(juror=juror)
        liked = own.filter(response__source__name=TASTES[place % 2])
        other = own.exclude(response__source__name=TASTES[place % 2])
        assert min(g.mean for g in liked) > max(g.mean for g in other)


def test_training_again_replaces_guesses_and_is_the_newest(study: Study) -> None:
    rate(study, every=4)
    first = trained(study)
    count = first.predicted_ratings.count()
    Run.objects.filter(pk=first.run_id).update(state="queued")
    perform_run(run_id=first.run_id, work=perform_training)
    assert first.predicted_ratings.count() == count
    second = trained(study)
    assert newest_trainings(study=study) == [second]
    assert [(g.mean, g.low) for g in first.predicted_ratings.all()] == [
        (g.mean, g.low) for g in second.predicted_ratings.all()
    ], "the same ratings give the same model"


def test_traits_become_numbers_without_names(study: Study, pool: Pool) -> None:
    rate(study, jurors=3)
    assert study.jury is not None
    gender = pool.features.get(name="gender")
    for number, juror in enumerate(study.jury.jurors.order_by("id")[:5]):
        value = gender.values.order_by("position")[number % 2]
        juror.candidate.traits.create(feature=gender, feature_value=value)
    before = training_data(criterion=study.criteria.get(key="helpful"))
    # Alphabetical: man, woman. The trait of whom nobody tells is -1 throughout.
    assert before.groups[:, 1].tolist() == [-1] * JURORS
    assert before.groups[:, 0].tolist() == [1, 0, 1, 0, 1] + [-1] * (JURORS - 5)
    study.jury.jurors.order_by("id")[0].candidate.traits.all().delete()
    after = training_data(criterion=study.criteria.get(key="helpful"))
    assert after.groups[0, 0] == -1
    assert after.digest != before.digest


# --- When it is refused -----------------------------------------------------------------------


def test_an_unknown_method_is_refused_with_those_that_exist(study: Study) -> None:
    with pytest.raises(UnknownRewardMethod, match="independent"):
        request_training(criterion=study.criteria.all()[0], method="magic", requested_by=None)


def test_too_few_ratings_are_counted_in_the_refusal(study: Study) -> None:
    run = trained(study).run
    assert run.state == "failed"
    assert run.error.startswith("There are 0 ratings of helpful; at least 10")
    assert not PredictedRating.objects.exists()


def test_only_cant_say_is_nothing_to_learn_from(study: Study) -> None:
    rate(study)
    Rating.objects.update(value=None)
    assert trained(study).run.error.startswith("There are 0 ratings")


def test_an_encoder_that_cant_be_loaded_is_named(study: Study, settings: LazySettings) -> None:
    settings.ENCODER_MODEL = "missing"
    rate(study)
    run = trained(study).run
    assert (run.state, run.error) == (
        "failed",
        "There is no encoder called missing. Name another.",
    )


def test_one_juror_gives_guesses_that_are_not_usable(study: Study) -> None:
    rate(study, jurors=1)
    training = trained(study)
    assert training.run.state == "succeeded", training.run.error
    assert training.is_usable is False
    assert any("new jurors" in reason for reason in training.evaluation["gate"]["reasons"])
    json.dumps(training.evaluation, allow_nan=False)
    # Too few jurors to calibrate an interval: it is the whole scale.
    guess = training.predicted_ratings.all()[0]
    assert (guess.low, guess.high) == (1, 5)


def test_ratings_that_are_all_the_same_break_nothing(study: Study) -> None:
    rate(study)
    Rating.objects.update(value=3)
    training = trained(study)
    assert training.run.state == "succeeded", training.run.error
    json.dumps(training.evaluation, allow_nan=False)
    assert training.is_usable is False


def test_a_cancelled_training_keeps_nothing(study: Study) -> None:
    rate(study)
    training = request_training(criterion=study.criteria.get(key="helpful"), requested_by=None)

    def work(context: Any) -> Any:
        request_cancel(run=context.run)
        return perform_training(context)

    perform_run(run_id=training.run_id, work=work)
    training.refresh_from_db()
    assert training.run.state == "cancelled"
    assert not training.artefact_name
    assert not PredictedRating.objects.exists()


# --- Predictions on the spot --------------------------------------------------------------------


def test_predictions_are_those_that_were_kept(study: Study) -> None:
    rate(study, every=4)
    training = trained(study)
    kept = list(training.predicted_ratings.order_by("juror_id", "response_id"))
    jurors = sorted({guess.juror_id for guess in kept})
    responses = sorted(Response.objects.values_list("pk", flat=True))
    found = predict_opinions(training=training, juror_ids=jurors, response_ids=responses)
    assert len(found.opinions) == len(jurors) * len(responses)
    assert found.is_usable == training.is_usable
    assert found.held_out_error == held_out_error(training) is not None
    by_pair = {(guess.juror_id, guess.response_id): guess for guess in found.opinions}
    for guess in kept:
        again = by_pair[guess.juror_id, guess.response_id]
        assert again.is_predicted
        assert again.mean == pytest.approx(guess.mean, abs=1e-6)
        assert (again.low, again.high) == pytest.approx((guess.low, guess.high), abs=1e-5)
        assert 1 <= again.median <= 5


def test_ratings_since_the_training_count(study: Study) -> None:
    rate(study, every=4)
    training = trained(study)
    silent = training_data(criterion=training.criterion).juror_ids[-1]
    response = Response.objects.order_by("id")[0].pk
    before = predict_opinions(training=training, juror_ids=[silent], response_ids=[response])
    Rating.objects.bulk_create(
        Rating(
            juror_id=silent,
            response=other,
            criterion=training.criterion,
            value=5,
            created_at=timezone.now(),
        )
        for other in Response.objects.order_by("id")[1:]
    )
    after = predict_opinions(training=training, juror_ids=[silent], response_ids=[response])
    assert (before.opinions[0].own_ratings, after.opinions[0].own_ratings) == (0, 15)
    assert after.opinions[0].mean > before.opinions[0].mean


def test_predictions_that_cannot_be_made_say_why(study: Study, settings: LazySettings) -> None:
    rate(study, every=4)
    training = trained(study)
    juror = training_data(criterion=training.criterion).juror_ids[0]
    response = Response.objects.order_by("id")[0].pk

    def refused(juror_id: int = juror, response_id: int = response) -> str:
        with pytest.raises(PredictionRefused) as refusal:
            predict_opinions(training=training, juror_ids=[juror_id], response_ids=[response_id])
        return str(refusal.value)

    assert "Jurors 0 have not rated" in refused(juror_id=0)
    assert "no responses 0" in refused(response_id=0)
    encoder = training.manifest["encoder"]
    training.manifest["encoder"] = "other"
    assert "learnt with the encoder 'other'" in refused()
    training.manifest["encoder"] = encoder
    (settings.ARTEFACTS_DIR / training.artefact_name).write_bytes(b"damaged")
    assert "cannot be read" in refused()
    (settings.ARTEFACTS_DIR / training.artefact_name).unlink()
    assert "not on this machine" in refused()
    training.stale_since = timezone.now()
    assert "has withdrawn" in refused()
    training.artefact_name = ""
    assert "it has not succeeded" in refused()


# --- Withdrawal -------------------------------------------------------------------------------


def test_withdrawn_answers_leave_no_guess_and_a_mark(study: Study) -> None:
    rate(study, every=4)
    training = trained(study)
    assert study.jury is not None
    juror = study.jury.jurors.order_by("id")[0]
    withdraw_juror(juror=juror, erase_said=True)
    training.refresh_from_db()
    assert training.stale_since is not None
    assert not PredictedRating.objects.filter(juror=juror).exists()
    notices = RewardModelSection().build(study=study).notices
    assert any("has withdrawn" in notice for notice in notices)
    # Trained again, nothing is known of her and nothing is guessed.
    again = trained(study)
    assert again.stale_since is None
    assert not again.predicted_ratings.filter(juror=juror).exists()


def test_who_withdraws_while_it_trains_is_neither_guessed_nor_forgotten(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate(study, every=4)
    assert study.jury is not None
    juror = study.jury.jurors.order_by("id")[0]
    keep = training_service.keep_guesses

    def keep_and_withdraw(**given: Any) -> None:
        withdraw_juror(juror=juror, erase_said=True)
        keep(**given)

    monkeypatch.setattr(training_service, "keep_guesses", keep_and_withdraw)
    training = trained(study)
    assert training.run.state == "succeeded", training.run.error
    assert training.stale_since is not None
    assert not training.predicted_ratings.filter(juror=juror).exists()
    assert training.run.result["predicted"] == training.predicted_ratings.count() > 0


def test_guesses_are_kept_in_small_portions(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    rate(study, every=4)
    monkeypatch.setattr(training_service, "ROWS_AT_ONCE", 7)
    training = trained(study)
    with CaptureQueriesContext(connection) as captured:
        Run.objects.filter(pk=training.run_id).update(state="queued")
        perform_run(run_id=training.run_id, work=perform_training)
    inserts = [q for q in captured if "INSERT INTO" in q["sql"] and "predictedrating" in q["sql"]]
    assert len(inserts) == -(-training.predicted_ratings.count() // 7)


def test_another_study_stays_as_it_is(
    study: Study, make_study: Callable[..., Study], jury: Jury
) -> None:
    rate(study, every=4)
    training = trained(study)
    other = make_study(jury=jury)
    Participation.objects.create(study=other, juror=jury.jurors.all()[0], ordinal=0)
    withdraw_juror(juror=jury.jurors.all()[0], erase_said=True)
    training.refresh_from_db()
    assert training.stale_since is None


# --- The section ------------------------------------------------------------------------------


def test_the_section_without_a_training_says_how_to_get_one(study: Study) -> None:
    assert "Train them" in RewardModelSection().build(study=study).empty_reason


def test_the_section_shows_every_method_beside_the_baselines(study: Study) -> None:
    rate(study, every=4)
    training = trained(study)
    content = RewardModelSection().build(study=study)
    (figure,) = content.figures
    assert figure.is_predicted
    assert figure.run_id == str(training.run.public_id)
    assert "nan" not in figure.svg.lower()
    assert [row[0] for row in figure.table.rows] == [
        "hierarchical",
        "global mean",
        "global median",
        "juror mean",
        "juror median",
        "population ridge",
        "independent",
    ]
    (_, table), (_, own) = content.tables
    assert table.columns[3:11] == (
        "mean absolute error",
        "mean absolute error of the mean",
        "root mean square",
        "rank correlation within jurors",
        "90 % interval covers",
        "accuracy",
        "macro-F1",
        "logarithmic loss",
    ), "two values were given"
    Rating.objects.filter(pk__in=Rating.objects.values("pk")[:40]).update(value=3)
    trained(study)
    again = RewardModelSection().build(study=study).tables[0][1]
    assert "logarithmic loss" not in again.columns
    assert again.caption.endswith("Left out: logarithmic loss (only for ratings of two values)")
    assert all(len(row) == len(table.columns) for row in table.rows)
    for row in table.rows:
        assert (None in row[3:11]) == (row[-1] != "")
    assert len(own.rows) == len(training.evaluation["by_juror"]) > 0
    stored = {
        (row["method"].replace("_", " "), row["own_ratings"]): row["mae"]["value"]
        for row in training.evaluation["rows"]
        if row["situation"] == "new_juror_new_item"
    }
    for row in figure.table.rows:
        for place, heading in enumerate(figure.table.columns[1:], start=1):
            assert row[place] == stored[row[0], int(heading.split()[0])]


def test_an_unusable_model_is_a_notice_with_reasons(study: Study) -> None:
    rate(study, jurors=1)
    trained(study)
    content = RewardModelSection().build(study=study)
    assert not content.summary
    assert "not usable" in content.notices[0]


def test_results_with_models_are_plain_json_and_follow_new_trainings(study: Study) -> None:
    rate(study, every=4)
    section = RewardModelSection()
    before = section.fingerprint(study=study)
    trained(study)
    assert section.fingerprint(study=study) != before
    run = request_results(study=study, requested_by=None)
    perform_run(run_id=run.pk, work=perform_results)
    run.refresh_from_db()
    assert run.state == "succeeded", run.error
    json.dumps(study.results_snapshots.get().content, allow_nan=False)


# --- The page ---------------------------------------------------------------------------------


def page(study: Study) -> str:
    return reverse("study-models", args=[study.public_id])


def test_training_is_asked_for_on_the_page(
    study: Study,
    researcher: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_of(researcher)
    assert "Nothing has been trained" in client.get(page(study)).content.decode()
    criterion = study.criteria.get(key="fair")
    with django_capture_on_commit_callbacks() as sent:
        answer = client.post(
            reverse("study-models-train", args=[study.public_id]),
            {"criterion": criterion.pk, "method": "population_offset"},
        )
    training = RewardTraining.objects.get()
    assert (training.criterion, training.method) == (criterion, "population_offset")
    assert answer["Location"] == reverse("run", args=[training.run.public_id])
    assert len(sent) == 1
    assert training.run.requested_by == researcher


def test_a_failed_training_tells_why_in_the_list(study: Study, researcher: User) -> None:
    trained(study)
    assert "at least 10 are needed" in client_of(researcher).get(page(study)).content.decode()


@pytest.mark.parametrize("bad", ["method", "criterion"])
def test_bad_requests_are_told_and_train_nothing(
    study: Study, make_study: Callable[..., Study], researcher: User, bad: str
) -> None:
    data = {"criterion": study.criteria.all()[0].pk, "method": "independent"}
    data[bad] = "magic" if bad == "method" else make_study().criteria.all()[0].pk
    client = client_of(researcher)
    answer = client.post(reverse("study-models-train", args=[study.public_id]), data, follow=True)
    assert "Select a valid choice" in answer.content.decode()
    assert not RewardTraining.objects.exists()


def test_three_people(study: Study, stranger: User) -> None:
    train = reverse("study-models-train", args=[study.public_id])
    data = {"criterion": study.criteria.all()[0].pk, "method": "independent"}
    assert Client().get(page(study))["Location"].startswith(reverse("admin:login"))
    assert client_of(stranger).get(page(study)).status_code == 404
    assert client_of(stranger).post(train, data).status_code == 404
    viewer = User.objects.create_user("viewer", password="a-long-password")
    StudyRole.objects.create(study=study, user=viewer, role="viewer")
    assert train not in client_of(viewer).get(page(study)).content.decode()
    assert client_of(viewer).post(train, data).status_code == 404
    assert not RewardTraining.objects.exists()


def test_the_list_takes_as_many_queries_with_1_and_3_rows(study: Study, researcher: User) -> None:
    client = client_of(researcher)
    counts = []
    for wanted in (1, 3):
        while RewardTraining.objects.count() < wanted:
            request_training(criterion=study.criteria.all()[0], requested_by=researcher)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page(study)).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
