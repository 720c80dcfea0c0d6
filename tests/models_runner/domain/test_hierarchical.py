"""The default method on data from its own model, at its limits, and against plain loops."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_runner.domain.evaluation import HeldOutTable, Situation, evaluate_methods, judge_usable
from models_runner.domain.reward import (
    BASELINES,
    PLAIN,
    Artefact,
    InvalidArtefact,
    InvalidRatings,
    RatingTable,
    fit_reward_model,
    reward_model_from_artefact,
)
from models_runner.domain.reward.coding import RatingCode
from models_runner.domain.reward.factors import item_factors
from models_runner.domain.reward.items import distinct_items, item_keys, known_items
from models_runner.domain.reward.link import Link

ROOT = Path(__file__).resolve().parents[3]


def people(
    *,
    jurors: int = 80,
    items: int = 60,
    taste: float = 0.5,
    offset: float = 0.6,
    points: int = 5,
    group: float = 0.0,
    seed: int = 0,
) -> RatingTable:
    """Jurors of the method's own model on a scale of points: offset, agreement, low-rank taste."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(items, 12))
    shared = features @ rng.normal(size=12) * 0.25
    groups = rng.integers(0, 2, size=(jurors, 1))
    own = rng.normal(size=jurors) * offset + group * (2 * groups[:, 0] - 1)
    slope = 1 + 0.3 * rng.normal(size=jurors)
    directions = features @ rng.normal(size=(12, 2)) / 12**0.5
    mean = own[:, None] + slope[:, None] * shared
    mean += taste * rng.normal(size=(jurors, 2)) @ directions.T
    noisy = mean + 0.5 * rng.normal(size=mean.shape)
    middle = (points - 1) / 2
    ratings = np.clip(np.round(middle + noisy * points / 4), 0, points - 1)
    rows = rng.random(ratings.shape) < 0.5
    who, what = np.nonzero(rows)
    return RatingTable(
        features=features,
        items=what,
        jurors=who,
        ratings=ratings[rows],
        juror_count=jurors,
        low=0,
        high=points - 1,
        groups=groups,
    )


PEOPLE = people()


def measured(table: HeldOutTable, method: str, own: int | None, name: str = "mae") -> float:
    situation = Situation.SEEN_JUROR if own is None else Situation.NEW_JUROR
    row = table.row(method=method, situation=situation, own_ratings=own)
    assert row is not None
    value = getattr(row, name).value
    assert value is not None
    return float(value)


@pytest.fixture(scope="module")
def held_out() -> HeldOutTable:
    return evaluate_methods(table=PEOPLE, counts=(0, 5, 20), seeds=(0, 1))


@pytest.mark.parametrize("own", [5, 20, None])
@pytest.mark.parametrize("rival", BASELINES)
def test_it_beats_every_baseline_on_its_own_model(
    held_out: HeldOutTable, rival: str, own: int | None
) -> None:
    for measure in ("mae", "rmse"):
        assert measured(held_out, "hierarchical", own, measure) < measured(
            held_out, rival, own, measure
        )


def test_what_it_knows_of_a_juror_helps(held_out: HeldOutTable) -> None:
    errors = [measured(held_out, "hierarchical", own) for own in (0, 5, 20)]
    assert errors[0] > errors[1] > errors[2]


def test_intervals_hold_for_jurors_and_items_never_seen() -> None:
    table = people(jurors=200, items=80, seed=3)
    old, new = table.jurors < 120, table.jurors >= 120
    known = table.items < 60
    model = fit_reward_model(table=table.take(rows=old & known))
    adapted = model.adapt(table=table.take(rows=new & known))
    rows = new & ~known
    guess = adapted.predict(features=table.features[table.items[rows]], jurors=table.jurors[rows])
    truth = table.ratings[rows]
    assert 0.86 <= ((guess.low <= truth) & (truth <= guess.high)).mean() <= 0.96


def test_jurors_who_are_all_alike_get_the_population() -> None:
    table = people(jurors=50, taste=0, offset=0, seed=2)
    result = evaluate_methods(table=table, counts=(20,), seeds=(0, 1), baselines=PLAIN)
    assert measured(result, "hierarchical", 20, "rmse") < 1.03 * measured(
        result, "population_ridge", 20, "rmse"
    )


def test_jurors_who_share_nothing_and_rate_much_are_learnt_alone() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(150, 3))
    mean = 4 + rng.normal(size=(30, 3)) @ features.T
    ratings = np.clip(mean + 0.3 * rng.normal(size=mean.shape), -20, 20)
    who, what = np.indices(ratings.shape)
    table = RatingTable(features, what.ravel(), who.ravel(), ratings.ravel(), 30, -20, 20)
    rows = table.items < 120
    errors = {}
    for method in ("independent", "hierarchical"):
        model = fit_reward_model(method=method, table=table.take(rows=rows))
        guess = model.predict(
            features=table.features[table.items[~rows]], jurors=table.jurors[~rows]
        )
        errors[method] = float(np.sqrt(((guess.mean - table.ratings[~rows]) ** 2).mean()))
    assert errors["hierarchical"] < 1.25 * errors["independent"] < 0.6


# --- All at once, later, again ------------------------------------------------------------------


def test_all_jurors_at_once_equal_a_loop_over_jurors() -> None:
    model = fit_reward_model(table=PEOPLE)
    everyone = model.predict(features=PEOPLE.features[PEOPLE.items], jurors=PEOPLE.jurors)
    for juror in (0, 33, 79):
        rows = PEOPLE.jurors == juror
        alone = RatingTable(
            features=PEOPLE.features,
            items=PEOPLE.items[rows],
            jurors=np.zeros(int(rows.sum()), dtype=np.int64),
            ratings=PEOPLE.ratings[rows],
            juror_count=1,
            low=PEOPLE.low,
            high=PEOPLE.high,
            groups=PEOPLE.groups[[juror]] if PEOPLE.groups is not None else None,
        )
        one = model.adapt(table=alone).predict(
            features=PEOPLE.features[alone.items], jurors=alone.jurors
        )
        np.testing.assert_allclose(one.mean, everyone.mean[rows], rtol=1e-6)
        np.testing.assert_allclose(one.sd, everyone.sd[rows], rtol=1e-4)


def test_adapting_to_the_same_ratings_changes_nothing() -> None:
    model = fit_reward_model(table=PEOPLE)
    again = model.adapt(table=PEOPLE)
    assert again.to_artefact().to_bytes() == model.to_artefact().to_bytes()


def test_a_posterior_is_the_textbook_one() -> None:
    model = fit_reward_model(table=replace(PEOPLE, groups=None))
    prior, posterior = model._prior.arrays, model._posterior
    x = model.axes.coordinates(features=PEOPLE.features)
    rows = PEOPLE.jurors == 7
    items = PEOPLE.items[rows]
    base = prior["item_means"]
    design = np.hstack(
        [
            np.ones((len(x), 1)),
            base - prior["slope_centre"],
            x @ prior["directions"],
            prior["factors"],
        ]
    )[items]
    code = RatingCode.fit(ratings=PEOPLE.ratings, low=PEOPLE.low)
    z = code.components(ratings=PEOPLE.ratings[rows])
    for c, noise in enumerate(prior["noise"]):
        precision = design.T @ design / noise + np.diag(1 / prior["variances"][c])
        expected = np.linalg.solve(precision, design.T @ (z[:, c] - base[items, c]) / noise)
        np.testing.assert_allclose(posterior.weights[7, c], expected, atol=1e-8)


def test_same_bytes_under_any_hash_seed() -> None:
    script = (
        "import hashlib, sys; sys.path[:0] = ['.', 'tests/models_runner/domain'];"
        "import test_hierarchical as t;"
        "m = t.fit_reward_model(table=t.people(jurors=30, items=30));"
        "print(hashlib.sha256(m.to_artefact().to_bytes()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    mine = fit_reward_model(table=people(jurors=30, items=30)).to_artefact().to_bytes()
    assert digests == {hashlib.sha256(mine).hexdigest() + "\n"}


def test_old_artefacts_are_read_and_strange_ones_refused() -> None:
    model = fit_reward_model(method="independent", table=PEOPLE)
    stored = model.to_artefact()
    manifest = {
        name: value for name, value in stored.manifest.items() if name not in ("link", "item_count")
    }
    arrays = {n: a for n, a in stored.arrays.items() if not n.startswith("items.")}
    old = Artefact(arrays=arrays, manifest={**manifest, "format": "venire-reward-1"})
    again = reward_model_from_artefact(artefact=old)
    jurors = np.array([0, 5, -1])
    np.testing.assert_array_equal(
        again.predict(features=PEOPLE.features[:3], jurors=jurors).mean,
        model.predict(features=PEOPLE.features[:3], jurors=jurors).mean,
    )
    with pytest.raises(InvalidArtefact, match="Train the model again"):
        reward_model_from_artefact(
            artefact=Artefact(arrays=arrays, manifest={**manifest, "format": "venire-reward-0"})
        )


# --- Scales -------------------------------------------------------------------------------------


def test_two_values_give_chances_that_beat_the_baselines() -> None:
    table = people(points=2, seed=4)
    result = evaluate_methods(table=table, counts=(20,), seeds=(0, 1))
    for rival in BASELINES:
        assert measured(result, "hierarchical", 20, "log_loss") < measured(
            result, rival, 20, "log_loss"
        )
    assert measured(result, "hierarchical", 20, "accuracy") > measured(
        result, "juror_mean", 20, "accuracy"
    )
    assert 0 < measured(result, "hierarchical", 20, "macro_f1") <= 1


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_chances_are_in_order_and_medians_on_the_scale(link: str) -> None:
    model = fit_reward_model(table=PEOPLE, link=link)
    guess = model.predict(features=PEOPLE.features, jurors=np.full(60, 3))
    assert guess.chances is not None
    assert model.cuts is not None
    assert guess.chances.shape == (60, len(model.cuts)) == (60, 4)
    assert (np.diff(guess.chances, axis=1) <= 1e-12).all()
    assert set(guess.median) <= {0, 1, 2, 3, 4}


def test_an_unknown_link_is_refused() -> None:
    with pytest.raises(InvalidRatings, match="Known: logit, probit"):
        fit_reward_model(table=PEOPLE, link="cauchit")


@given(st.lists(st.integers(1, 5), min_size=2, max_size=30))
def test_expected_ratings_come_back_from_their_components(values: list[int]) -> None:
    ratings = np.array(values, dtype=np.float64)
    code = RatingCode.fit(ratings=ratings, low=1)
    z = code.components(ratings=ratings)
    if z.shape[1] == len(code.cuts):
        np.testing.assert_allclose(code.means(components=z), ratings, atol=1e-9)
        reached = code.reached(components=z)
        np.testing.assert_array_equal(code.medians(reached=reached, high=5), ratings)


def test_medians_of_a_slider_lie_between_its_cuts() -> None:
    ratings = np.linspace(0, 100, 400)
    code = RatingCode.fit(ratings=ratings, low=0)
    assert not code.discrete
    sure = np.tile((code.cuts <= 42).astype(float), (1, 1))
    assert 30 <= code.medians(reached=sure, high=100)[0] <= 50
    assert code.medians(reached=np.zeros((1, len(code.cuts))), high=100)[0] <= code.cuts[0]
    assert code.medians(reached=np.ones((1, len(code.cuts))), high=100)[0] >= code.cuts[-1]


@given(
    st.floats(-2, 2),
    st.floats(0.1, 3),
    st.lists(st.floats(0, 1), min_size=1, max_size=9),
    st.sampled_from(["logit", "probit"]),
)
def test_a_link_keeps_the_order(shift: float, slope: float, values: list[float], kind: str) -> None:
    chances = np.sort(np.array(values))
    linked = Link(kind=kind, shift=shift, slope=slope)(chances)
    assert (np.diff(linked) >= 0).all()
    assert ((linked >= 0) & (linked <= 1)).all()


def test_a_link_finds_what_was_too_sure() -> None:
    rng = np.random.default_rng(0)
    truth_of = rng.uniform(0.2, 0.8, size=20000)
    truth = (rng.random(20000) < truth_of).astype(float)
    too_sure = Link(shift=0.0, slope=2.0)(truth_of)
    found = Link.fit(chances=too_sure, truth=truth)
    assert found.slope == pytest.approx(0.5, rel=0.15)
    assert Link.fit(chances=too_sure[:10], truth=truth[:10]) == Link()


# --- Groups, items ------------------------------------------------------------------------------


def test_a_newcomer_is_met_as_one_of_her_group() -> None:
    table = people(jurors=120, offset=0.3, group=0.8, seed=5)
    assert table.groups is not None
    model = fit_reward_model(table=table.take(rows=table.jurors < 90))
    rows = table.jurors >= 90
    features, jurors = table.features[table.items[rows]], table.jurors[rows]
    known = model.adapt(table=table.take(rows=np.zeros(len(table.ratings), dtype=bool)))
    with_group = np.abs(known.predict(features=features, jurors=jurors).mean - table.ratings[rows])
    without = np.abs(
        model.predict(features=features, jurors=np.full(len(jurors), -1)).mean - table.ratings[rows]
    )
    assert with_group.mean() < 0.9 * without.mean()


def test_traits_that_are_not_told_or_new_do_no_harm() -> None:
    groups = np.random.default_rng(0).integers(-1, 3, size=(80, 2))
    model = fit_reward_model(table=replace(PEOPLE, groups=groups))
    strange = model.adapt(table=replace(PEOPLE, groups=np.full((80, 2), 99)))
    untold = model.adapt(table=replace(PEOPLE, groups=np.full((80, 2), -1)))
    jurors = np.arange(60)
    np.testing.assert_array_equal(
        strange.predict(features=PEOPLE.features, jurors=jurors).mean,
        untold.predict(features=PEOPLE.features, jurors=jurors).mean,
    )


def test_an_item_that_was_rated_is_known_again() -> None:
    rng = np.random.default_rng(0)
    quality = rng.normal(size=40)
    ratings = np.clip(np.round(3 + quality + 0.4 * rng.normal(size=(30, 40))), 1, 5)
    who, what = np.indices(ratings.shape)
    features = rng.normal(size=(40, 6))  # they tell nothing
    table = RatingTable(features, what.ravel(), who.ravel(), ratings.ravel(), 30, 1, 5)
    model = fit_reward_model(table=table)
    jurors = np.full(40, -1)
    known = model.predict(features=features, jurors=jurors)
    assert np.corrcoef(known.mean, quality)[0, 1] > 0.95
    by_code = model.predict(features=features, jurors=jurors, items=np.arange(40))
    np.testing.assert_array_equal(known.mean, by_code.mean)
    fresh = model.predict(features=features, jurors=jurors, items=np.full(40, -1))
    assert np.ptp(fresh.mean) < np.ptp(known.mean)
    assert (fresh.sd >= known.sd).all()
    with pytest.raises(InvalidRatings, match=r"codes in \[-1, 40\)"):
        model.predict(features=features, jurors=jurors, items=np.arange(1, 41))


def test_items_that_share_features_are_not_told_apart_by_them() -> None:
    features = np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0], [3.0, 3.0]])
    keys, numbers = distinct_items(features=features, rated=np.array([0, 1, 2]))
    assert known_items(features=features, keys=keys, numbers=numbers).tolist() == [-1, -1, 2, -1]
    assert len(np.unique(item_keys(features))) == 3
    nothing = known_items(features=features, keys=keys[:0], numbers=numbers[:0])
    assert nothing.tolist() == [-1] * 4


def test_hidden_factors_are_found_where_there_are_any_and_only_there() -> None:
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(60, 1)), rng.normal(size=(50, 1))
    who, what = (array.ravel() for array in np.indices((60, 50)))
    noise = rng.normal(size=3000)
    for residuals, width in (((u @ v.T).ravel() + 0.5 * noise, 4), (noise, 0)):
        factors, penalty = item_factors(
            jurors=who, items=what, residuals=residuals, juror_count=60, item_count=50
        )
        assert factors.shape == (50, width)
        assert (penalty > 0) == (width > 0)
        if width:
            assert abs(np.corrcoef(factors[:, 0], v[:, 0])[0, 1]) > 0.95


def test_an_empty_world_is_no_reason_to_crash() -> None:
    for ratings in ([3.0], [3.0, 3.0], [1.0, 5.0]):
        table = RatingTable(
            features=np.zeros((2, 3)),
            items=np.arange(len(ratings)),
            jurors=np.zeros(len(ratings), dtype=np.int64),
            ratings=np.array(ratings),
            juror_count=2,
            low=1,
            high=5,
        )
        guess = fit_reward_model(table=table).predict(
            features=np.zeros((2, 3)), jurors=np.array([0, -1])
        )
        assert np.isfinite(guess.mean).all()
        assert (guess.sd > 0).all()


def test_the_gate_opens_for_it(held_out: HeldOutTable) -> None:
    gate = judge_usable(table=held_out, method="hierarchical", bounds=(0.8, 0.99))
    assert gate.usable, gate.reasons
