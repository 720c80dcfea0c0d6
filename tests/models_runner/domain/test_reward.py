"""Jurors' functions against a loop of plain ridges, hand numbers and known errors."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.feature_extraction.text import TfidfVectorizer

from models_runner.domain.evaluation import (
    EvaluationCancelled,
    Situation,
    evaluate_methods,
    judge_usable,
)
from models_runner.domain.features import PrincipalAxes
from models_runner.domain.reward import (
    PLAIN,
    Artefact,
    InvalidArtefact,
    InvalidRatings,
    RatingTable,
    UnknownMethod,
    conformal_threshold,
    fit_reward_model,
    method_names,
    reward_model_from_artefact,
)
from models_runner.domain.reward.methods import _Likelihood


def world(jurors: int = 40, items: int = 40, seed: int = 0) -> RatingTable:
    """Jurors with an offset and a taste of their own, each rating every item."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(items, 4))
    taste = np.array([0.5, 0, 0, 0]) + rng.normal(scale=0.35, size=(jurors, 4))
    offset = rng.normal(scale=0.5, size=jurors)
    mean = 3 + offset[:, None] + taste @ features.T
    ratings = np.clip(mean + rng.normal(scale=0.3, size=mean.shape), -3, 9)
    who, what = np.indices(ratings.shape)
    return RatingTable(
        features=features,
        items=what.ravel(),
        jurors=who.ravel(),
        ratings=ratings.ravel(),
        juror_count=jurors,
        low=-3,
        high=9,
    )


WORLD = world()


def test_all_jurors_at_once_equal_a_loop_over_jurors() -> None:
    model = fit_reward_model(method="independent", table=WORLD)
    x = model.axes.coordinates(features=WORLD.features)
    noise, offset, weight = model._prior.arrays["variances"]
    design = np.column_stack([np.ones(len(x)), x])
    scale = np.diag(np.concatenate([[1 / offset], np.full(x.shape[1], 1 / weight)]))
    everyone = model.predict(
        features=WORLD.features[WORLD.items], jurors=WORLD.jurors
    ).mean.reshape(40, 40)
    for juror in (0, 17, 39):
        own = WORLD.ratings[WORLD.jurors == juror] - WORLD.ratings.mean()
        weights = np.linalg.solve(design.T @ design / noise + scale, design.T @ own / noise)
        np.testing.assert_allclose(
            everyone[juror], WORLD.ratings.mean() + design @ weights, atol=1e-5
        )


def test_the_marginal_likelihood_is_that_of_the_normal_distribution() -> None:
    rng = np.random.default_rng(2)
    x, y, who = rng.normal(size=(11, 3)), rng.normal(size=11), np.repeat([0, 1, 2], [5, 1, 5])
    shuffled = rng.permutation(11)
    likelihood = _Likelihood.prepare(x=x[shuffled], residuals=y[shuffled], jurors=who[shuffled])
    found = [
        likelihood.loss(noise=noise, offset=offset, weight=weight)
        for noise, offset, weight in ((1.0, 0.5, 0.2), (0.3, 2.0, 0.0))
    ]
    by_hand = []
    for noise, offset, weight in ((1.0, 0.5, 0.2), (0.3, 2.0, 0.0)):
        total = 0.0
        for juror in range(3):
            own = x[who == juror]
            covariance = noise * np.eye(len(own)) + offset + weight * own @ own.T
            total -= multivariate_normal(cov=covariance).logpdf(y[who == juror])
        by_hand.append(total - 11 / 2 * math.log(2 * math.pi))
    np.testing.assert_allclose(found, by_hand, rtol=1e-9)


def test_variances_are_found_near_those_that_made_the_data() -> None:
    model = fit_reward_model(method="independent", table=world(jurors=120))
    noise, offset, _ = model._prior.arrays["variances"]
    assert noise == pytest.approx(0.09, rel=0.25)
    assert offset == pytest.approx(0.25, rel=0.5)


@pytest.mark.parametrize("method", method_names())
def test_a_model_survives_its_artefact_byte_for_byte(method: str) -> None:
    model = fit_reward_model(method=method, table=WORLD)
    data = model.to_artefact().to_bytes()
    again = reward_model_from_artefact(artefact=Artefact.from_bytes(data=data))
    jurors = np.array([0, 5, -1])
    before = model.predict(features=WORLD.features[:3], jurors=jurors)
    after = again.predict(features=WORLD.features[:3], jurors=jurors)
    np.testing.assert_array_equal(before.mean, after.mean)
    np.testing.assert_array_equal(before.high, after.high)
    assert again.to_artefact().to_bytes() == data
    assert fit_reward_model(method=method, table=WORLD).to_artefact().to_bytes() == data


@pytest.mark.parametrize("method", method_names())
def test_a_juror_without_ratings_is_served_as_an_unknown_one(method: str) -> None:
    rows = WORLD.jurors != 3
    model = fit_reward_model(method=method, table=WORLD.take(rows=rows))
    silent = model.predict(features=WORLD.features[:4], jurors=np.full(4, 3))
    unknown = model.predict(features=WORLD.features[:4], jurors=np.full(4, -1))
    np.testing.assert_allclose(silent.mean, unknown.mean)
    np.testing.assert_allclose(silent.sd, unknown.sd, rtol=1e-6)
    assert silent.own_ratings.tolist() == [0, 0, 0, 0]


def test_ratings_of_ones_own_narrow_the_interval_and_need_no_training() -> None:
    model = fit_reward_model(method="independent", table=WORLD.take(rows=WORLD.jurors < 30))
    newcomer = model.adapt(table=WORLD.take(rows=WORLD.jurors >= 30))
    known = newcomer.predict(features=WORLD.features[:5], jurors=np.full(5, 35))
    unknown = newcomer.predict(features=WORLD.features[:5], jurors=np.full(5, -1))
    assert (known.high - known.low < unknown.high - unknown.low).all()
    truth = WORLD.ratings[(WORLD.jurors == 35)][:5]
    assert np.abs(known.mean - truth).mean() < np.abs(unknown.mean - truth).mean()


def test_intervals_are_infinite_and_say_so_with_too_few_jurors() -> None:
    model = fit_reward_model(method="independent", table=world(jurors=6))
    assert not model.has_intervals
    prediction = model.predict(features=WORLD.features[:1], jurors=np.array([-1]))
    assert math.isinf(prediction.high[0])
    assert prediction.clipped(low=1, high=5).high[0] == 5


def test_conformal_threshold_by_hand() -> None:
    nine = [np.array([float(number)]) for number in range(1, 10)]
    assert conformal_threshold(scores=nine, confidence=0.9) == 9
    assert conformal_threshold(scores=nine[:8], confidence=0.9) == math.inf
    assert conformal_threshold(scores=nine, confidence=0.5) == 5
    assert conformal_threshold(scores=[], confidence=0.5) == math.inf
    talkative = [np.array([1.0]), np.array([1.0]), np.full(1000, 7.0)]
    assert conformal_threshold(scores=talkative, confidence=0.5) == 1


def test_axes_come_in_order_with_a_fixed_sign() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(30, 3)) * [1, 5, 2]
    axes = PrincipalAxes.fit(features=features, maximum=2)
    coordinates = axes.coordinates(features=features)
    assert np.abs(axes.axes).argmax(axis=0).tolist() == [1, 2]
    assert (axes.axes.max(axis=0) > 0).all()
    assert (coordinates**2).sum(axis=1).mean() == pytest.approx(1)
    wide = PrincipalAxes.fit(features=features[:2], maximum=2)
    assert wide.axes.shape == (3, 1)
    assert PrincipalAxes.fit(features=np.ones((5, 3)), maximum=2).axes.shape == (3, 0)


def test_bad_input_names_the_place() -> None:
    good = {
        "features": np.zeros((2, 3)),
        "items": np.array([0, 1]),
        "jurors": np.array([0, 0]),
        "ratings": np.array([1.0, 5.0]),
        "juror_count": 1,
        "low": 1.0,
        "high": 5.0,
    }
    for wrong, text in (
        ({"ratings": np.array([1.0, 6.0])}, r"ratings\[1\] is 6, outside \[1, 5\]"),
        ({"ratings": np.array([1.0, np.nan])}, r"ratings\[1\] is nan"),
        ({"items": np.array([0, 2])}, r"items\[1\] is 2, but must be in \[0, 2\)"),
        ({"jurors": np.array([0])}, "equally long"),
        ({"features": np.zeros(3)}, "1 dimensions, but needs 2"),
    ):
        with pytest.raises(InvalidRatings, match=text):
            RatingTable(**{**good, **wrong})  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(UnknownMethod, match=r"Known: global_mean, .*hierarchical"):
        fit_reward_model(method="oracle", table=RatingTable(**good))  # type: ignore[arg-type]  # a mixed dict
    with pytest.raises(InvalidArtefact, match="cannot be read"):
        Artefact.from_bytes(data=b"not a model")


def test_evaluation_gates_a_method_that_knows_the_jurors() -> None:
    table = evaluate_methods(
        table=world(jurors=60), methods=["independent", "population_offset"], seeds=(0, 1)
    )
    assert judge_usable(table=table, method="global_mean").usable is False
    row = table.row(method="independent", situation=Situation.NEW_JUROR, own_ratings=20)
    rival = table.row(method="juror_mean", situation=Situation.NEW_JUROR, own_ratings=20)
    assert row is not None
    assert rival is not None
    assert row.mae.value is not None
    assert rival.mae.value is not None
    assert row.mae.value < 0.8 * rival.mae.value
    assert row.jurors == 12
    assert rival.rank_correlation.value is None
    assert "differ" in rival.rank_correlation.reason


@pytest.mark.parametrize(("jurors", "items"), [(1, 1), (2, 2), (3, 4), (12, 2)])
def test_small_data_gives_reasons_instead_of_crashing(jurors: int, items: int) -> None:
    table = evaluate_methods(table=world(jurors=jurors, items=items), seeds=(0, 1))
    assert not judge_usable(table=table, method="hierarchical").usable
    row = table.row(method="independent", situation=Situation.NEW_JUROR, own_ratings=20)
    assert row is not None
    assert row.mae.value is None
    assert f"{jurors * items} ratings by {jurors} jurors" in row.mae.reason
    gate = judge_usable(table=table, method="independent")
    assert not gate.usable
    assert gate.reasons


def test_evaluation_tells_its_progress_and_stops_when_asked() -> None:
    shares: list[float] = []
    evaluate_methods(
        table=world(jurors=5, items=6), seeds=(0,), progress=lambda share, _: shares.append(share)
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with pytest.raises(EvaluationCancelled):
        evaluate_methods(table=WORLD, cancelled=lambda: True)


def test_popquorn_reproduces_the_known_errors_of_the_baselines(shared_data: Path) -> None:
    path = shared_data / "popquorn" / "raw_data.csv"
    if not path.exists():
        pytest.skip(f"POPQUORN is not here: {path}")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    texts = {line["instance_id"]: line["text"] for line in lines}
    item_of = {name: place for place, name in enumerate(texts)}
    juror_of = {
        name: place for place, name in enumerate(sorted({line["user_id"] for line in lines}))
    }
    words = TfidfVectorizer(min_df=8, sublinear_tf=True, max_features=400)
    table = RatingTable(
        features=words.fit_transform(texts.values()).toarray(),
        items=np.array([item_of[line["instance_id"]] for line in lines]),
        jurors=np.array([juror_of[line["user_id"]] for line in lines]),
        ratings=np.array([float(line["offensiveness"]) for line in lines]),
        juror_count=len(juror_of),
        low=1,
        high=5,
    )
    result = evaluate_methods(table=table, methods=[], counts=(0, 20), baselines=PLAIN)

    def error(method: str, own: int) -> float:
        row = result.row(method=method, situation=Situation.NEW_JUROR, own_ratings=own)
        assert row is not None
        assert row.mae.value is not None
        return row.mae.value

    assert error("global_mean", 0) == pytest.approx(1.009, abs=0.02)
    assert error("population_ridge", 0) < error("global_mean", 0)
    assert error("juror_mean", 20) < error("population_ridge", 20)
