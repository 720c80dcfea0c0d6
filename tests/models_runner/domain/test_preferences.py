"""Shared directions of preference: planted ones found again, hand numbers, invariances, edges."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from models_runner.domain.evaluation import EvaluationCancelled, Situation
from models_runner.domain.pair_evaluation import (
    evaluate_pairs,
    judge_pairs_usable,
    score_pairs,
)
from models_runner.domain.reward import (
    Artefact,
    InvalidArtefact,
    InvalidRatings,
    UnknownMethod,
)
from models_runner.domain.reward.pairs import PairTable, pairs_of_ratings
from models_runner.domain.reward.preference import (
    PAIR_METHODS,
    FittedPreferenceModel,
    fit_preference_model,
    preference_model_from_artefact,
)

WIDTH, RANK, ITEMS = 6, 2, 80


def planted(
    jurors: int = 40, pairs: int = 36, seed: int = 0
) -> tuple[PairTable, np.ndarray, np.ndarray]:
    """Comparisons by jurors who are mixtures of two directions; the directions and the logits."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(ITEMS, WIDTH))
    directions = np.linalg.qr(rng.normal(size=(WIDTH, RANK)))[0]
    mixtures = 2 * rng.normal(size=(jurors, RANK))
    left = rng.integers(0, ITEMS, jurors * pairs)
    right = (left + rng.integers(1, ITEMS, len(left))) % ITEMS
    who = np.repeat(np.arange(jurors), pairs)
    steps = features[left] - features[right]
    logits = steps @ rng.normal(size=WIDTH) * 0.3
    logits = logits + ((steps @ directions) * mixtures[who]).sum(axis=1)
    wins = (rng.random(len(who)) < expit(logits)).astype(float)
    table = PairTable(
        features=features,
        left=left,
        right=right,
        jurors=who,
        wins=wins,
        juror_count=jurors,
        lengths=rng.integers(5, 50, ITEMS).astype(float),
    )
    return table, directions, logits


TABLE, DIRECTIONS, LOGITS = planted()
MODEL = fit_preference_model(table=TABLE)


def tiny(wins: Sequence[float], jurors: Sequence[int] | None = None) -> PairTable:
    """Two items one step of 2 apart, compared again and again."""
    who = [0] * len(wins) if jurors is None else jurors
    return PairTable(
        features=np.array([[1.0], [-1.0]]),
        left=np.zeros(len(wins), dtype=np.int64),
        right=np.ones(len(wins), dtype=np.int64),
        jurors=np.array(who),
        wins=np.array(wins),
        juror_count=max(who) + 1,
        lengths=np.array([3.0, 9.0]),
    )


def test_planted_directions_are_found_again() -> None:
    found = np.linalg.qr(MODEL.axes.axes @ MODEL.directions[:, :RANK])[0]
    cosines = np.linalg.svd(found.T @ DIRECTIONS)[1]
    assert cosines.min() > 0.97
    assert MODEL.variances[RANK - 1] > 5 * MODEL.variances[RANK:].max(initial=0.0)
    guess = MODEL.predict_pairs(table=TABLE)
    assert np.corrcoef(guess.difference, LOGITS)[0, 1] > 0.9


def test_a_planted_world_is_told_from_every_baseline() -> None:
    told: list[str] = []
    table = evaluate_pairs(
        table=TABLE, seeds=(0,), counts=(0, 5, 10), progress=lambda _share, line: told.append(line)
    )
    gate = judge_pairs_usable(table=table)
    assert gate.usable, gate.reasons
    new = {
        (row.method, row.own_ratings): row
        for row in table.rows
        if row.situation is Situation.NEW_JUROR
    }
    losses = [new["low_rank", n].log_loss.value for n in (0, 5, 10)]
    assert all(loss is not None for loss in losses)
    assert losses[2] < losses[0] < math.log(2) + 0.05  # type: ignore[operator]  # told above
    accuracy = new["low_rank", 10].accuracy
    rival = new["population_logistic", 10].accuracy
    assert accuracy.value is not None
    assert rival.value is not None
    assert accuracy.value > rival.value + 0.1
    assert new["low_rank", 5].mae.value is None
    assert new["low_rank", 5].mae.reason.startswith("Comparisons have no error")
    assert told[0] == "low_rank, split 1 of 1"
    assert {own.method for own in table.by_juror} == {"low_rank"}
    assert all(0 <= own.error <= 1 and own.tested > 0 for own in table.by_juror)
    by_hand = judge_pairs_usable(table=replace(table, rows=()))
    assert by_hand.reasons == (
        "No loss for new jurors with 5 or more comparisons: The table has no such rows.",
    )


def test_evaluation_stops_when_asked() -> None:
    with pytest.raises(EvaluationCancelled, match="Stopped before low_rank"):
        evaluate_pairs(table=TABLE, cancelled=lambda: True)


def test_a_mixture_is_at_its_mode_by_hand() -> None:
    # Three wins of four: sum over pairs (win - s(b d + a z)) z = a / t.
    rng = np.random.default_rng(3)
    mine = TABLE.take(rows=TABLE.jurors == 7)
    adapted = MODEL.adapt(table=mine)
    weights = adapted._mixtures.weights[7]
    steps = (mine.features[mine.left] - mine.features[mine.right]) @ MODEL.axes.axes
    z = steps @ MODEL.directions
    slope = (
        z.T @ (mine.wins - expit(steps @ MODEL.shared + z @ weights)) - weights / MODEL.variances
    )
    np.testing.assert_allclose(slope, 0, atol=1e-5)
    # Nobody else's part moves, and who has compared nothing is at the prior.
    assert not adapted._mixtures.weights[np.arange(40) != 7].any()
    np.testing.assert_allclose(adapted._mixtures.covariance[0], np.diag(MODEL.variances))
    # In no direction is the posterior wider than the prior.
    for _ in range(5):
        way = rng.normal(size=len(weights))
        assert way @ adapted._mixtures.covariance[7] @ way <= way @ (MODEL.variances * way)


def test_the_longer_one_by_hand() -> None:
    # The right text is longer; it won 3 of 4, and each side gets one win more: 4 of 6.
    model = fit_preference_model(method="longer", table=tiny([0, 0, 0, 1]))
    assert model.length_logit == pytest.approx(math.log(4 / 2))
    guess = model.predict_pairs(table=tiny([1]))
    assert guess.chance[0] == pytest.approx(2 / 6)
    score = score_pairs(model=model, table=tiny([0, 1, 0.5]))
    assert score is not None
    assert score.accuracy == pytest.approx(1 / 2), "ties are left out"
    low, high = -math.log(1 / 3), -math.log(2 / 3)
    assert score.log_loss == pytest.approx((high + low + (high + low) / 2) / 3)


def test_logistic_weights_by_hand() -> None:
    # One axis on which the items are 2 apart: 8 wins of 10, with a ridge of r, means
    # 2 (8 - 10 s(2 w)) = r w.
    table = tiny([1] * 8 + [0] * 2)
    model = fit_preference_model(method="population_logistic", table=table)
    step = 2 * model.axes.axes[0, 0]
    weight, ridge = model.shared[0], model.settings["ridge"]
    assert step * (8 - 10 * expit(step * weight)) == pytest.approx(ridge * weight, abs=1e-6)


@pytest.mark.parametrize("method", PAIR_METHODS)
def test_swapping_the_sides_swaps_the_chances(method: str) -> None:
    model = fit_preference_model(method=method, table=TABLE)
    swapped = replace(TABLE, left=TABLE.right, right=TABLE.left, wins=1 - TABLE.wins)
    again = fit_preference_model(method=method, table=swapped)
    there = model.predict_pairs(table=TABLE).chance
    np.testing.assert_allclose(there, 1 - model.predict_pairs(table=swapped).chance, atol=1e-9)
    np.testing.assert_allclose(there, 1 - again.predict_pairs(table=swapped).chance, atol=1e-3)


def test_order_and_signs_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    # Single comparisons are dealt into folds by place, so queries fix them here.
    table = replace(TABLE, queries=np.arange(ITEMS) % 10)
    model = fit_preference_model(table=table)
    chance = model.predict_pairs(table=table).chance
    order = rng.permutation(len(TABLE.wins))
    shuffled = fit_preference_model(table=table.take(rows=order))
    np.testing.assert_allclose(
        chance[order], shuffled.predict_pairs(table=table.take(rows=order)).chance, atol=5e-3
    )
    flipped = replace(table, features=-TABLE.features)
    again = fit_preference_model(table=flipped).predict_pairs(table=flipped).chance
    np.testing.assert_allclose(chance, again, atol=5e-3)
    # Jurors under other numbers are the same jurors.
    names = rng.permutation(table.juror_count)
    renamed = replace(table, jurors=names[table.jurors])
    other = fit_preference_model(table=renamed).predict_pairs(table=renamed).chance
    np.testing.assert_allclose(chance, other, atol=5e-3)


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert (
        fit_preference_model(table=TABLE).to_artefact().to_bytes() == MODEL.to_artefact().to_bytes()
    )


@pytest.mark.parametrize("method", PAIR_METHODS)
def test_a_model_survives_its_artefact(method: str) -> None:
    model = fit_preference_model(method=method, table=TABLE)
    body = model.to_artefact().to_bytes()
    again = preference_model_from_artefact(artefact=Artefact.from_bytes(data=body))
    np.testing.assert_array_equal(
        model.predict_pairs(table=TABLE).chance, again.predict_pairs(table=TABLE).chance
    )
    assert again.to_artefact().to_bytes() == body


def test_bad_artefacts_are_refused() -> None:
    artefact = MODEL.to_artefact()
    other = Artefact(arrays=artefact.arrays, manifest={**artefact.manifest, "format": "x"})
    with pytest.raises(InvalidArtefact, match="Train the model again"):
        preference_model_from_artefact(artefact=other)
    with pytest.raises(InvalidArtefact, match="lacks 'shared'"):
        preference_model_from_artefact(
            artefact=Artefact(
                arrays={k: v for k, v in artefact.arrays.items() if k != "shared"},
                manifest=artefact.manifest,
            )
        )


def test_a_newcomer_is_the_unknown_juror() -> None:
    rows = slice(0, 5)
    ask = {
        "left": TABLE.features[TABLE.left[rows]],
        "right": TABLE.features[TABLE.right[rows]],
    }
    nobody = MODEL.predict(jurors=np.full(5, -1), **ask)
    silent = MODEL.adapt(table=TABLE.take(rows=np.zeros(0, dtype=np.int64))).predict(
        jurors=np.full(5, 3), **ask
    )
    np.testing.assert_allclose(nobody.chance, silent.chance)
    known = MODEL.predict(jurors=TABLE.jurors[rows], **ask)
    assert (known.sd < nobody.sd).all()
    assert nobody.own_pairs.tolist() == [0] * 5


EDGES = {
    "one juror": tiny([1, 1, 0, 1]),
    "one comparison": tiny([1]),
    "all ties": tiny([0.5] * 6, [0, 0, 1, 1, 2, 2]),
    "the same again and again": tiny([1] * 30, [0, 1] * 15),
    "jurors who contradict each other": tiny([1, 0] * 10, [0, 1] * 10),
}


@pytest.mark.parametrize("method", PAIR_METHODS)
@pytest.mark.parametrize("name", EDGES)
def test_edges_give_finite_chances(method: str, name: str) -> None:
    table = EDGES[name]
    model = fit_preference_model(method=method, table=table)
    guess = model.predict_pairs(table=table)
    assert np.isfinite(guess.chance).all()
    assert ((guess.chance > 0) & (guess.chance < 1)).all()
    if name == "all ties":
        np.testing.assert_allclose(guess.chance, 0.5, atol=1e-6)
    evaluated = evaluate_pairs(table=table, methods=[method], seeds=(0,), baselines=())
    assert all(
        (row.log_loss.value is None) == (row.log_loss.reason != "") for row in evaluated.rows
    )


def test_items_all_alike_leave_one_half() -> None:
    table = replace(tiny([1, 1, 1, 0]), features=np.ones((2, 1)))
    for method in ("low_rank", "population_logistic", "independent_logistic"):
        guess = fit_preference_model(method=method, table=table).predict_pairs(table=table)
        np.testing.assert_allclose(guess.chance, 0.5)


def test_ratings_become_pairs_within_a_query() -> None:
    left, right, jurors, wins = pairs_of_ratings(
        items=np.array([0, 1, 2, 3, 0, 1]),
        jurors=np.array([0, 0, 0, 0, 1, 1]),
        ratings=np.array([5.0, 3, 3, 1, 2, 4]),
        queries=np.array([0, 0, 0, 9]),
    )
    found = {
        (int(a), int(b), int(j)): float(w)
        for a, b, j, w in zip(left, right, jurors, wins, strict=True)
    }
    assert found == {(0, 1, 0): 1, (0, 2, 0): 1, (1, 2, 0): 0.5, (0, 1, 1): 0}
    empty = pairs_of_ratings(
        items=np.array([0]), jurors=np.array([0]), ratings=np.array([1.0]), queries=np.array([0])
    )
    assert [len(part) for part in empty] == [0, 0, 0, 0]


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**16))
@settings(max_examples=25, deadline=None)
def test_as_many_pairs_as_two_of_each_query(jurors: int, queries: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = np.repeat(np.arange(queries), 3)
    said = rng.random((jurors, len(asked))) < 0.6
    who, what = np.nonzero(said)
    ratings = rng.integers(1, 4, len(who)).astype(float)
    left, right, by, wins = pairs_of_ratings(items=what, jurors=who, ratings=ratings, queries=asked)
    each = [said[j, asked == q].sum() for j in range(jurors) for q in range(queries)]
    assert len(left) == sum(n * (n - 1) // 2 for n in each)
    value = {(int(j), int(i)): r for j, i, r in zip(who, what, ratings, strict=True)}
    for a, b, j, w in zip(left, right, by, wins, strict=True):
        assert a < b
        assert w == (1 + np.sign(value[int(j), int(a)] - value[int(j), int(b)])) / 2


def test_bad_input_names_the_place() -> None:
    with pytest.raises(UnknownMethod, match="Known: low_rank"):
        fit_preference_model(method="magic", table=TABLE)
    with pytest.raises(UnknownMethod, match="magic"):
        evaluate_pairs(table=TABLE, methods=["magic"])
    with pytest.raises(InvalidRatings, match="no comparisons"):
        fit_preference_model(table=tiny([1]).take(rows=np.zeros(0, dtype=np.int64)))
    with pytest.raises(InvalidRatings, match="no comparisons"):
        evaluate_pairs(table=tiny([1]).take(rows=np.zeros(0, dtype=np.int64)))
    with pytest.raises(InvalidRatings, match="rank is 0"):
        fit_preference_model(table=TABLE, rank=0)
    with pytest.raises(InvalidRatings, match=r"wins\[1\] is 0.3"):
        tiny([1, 0.3])
    with pytest.raises(InvalidRatings, match="item 0 with itself"):
        replace(tiny([1]), right=np.array([0]))
    with pytest.raises(InvalidRatings, match=r"left\[0\] is 2"):
        replace(tiny([1]), left=np.array([2]))
    with pytest.raises(InvalidRatings, match="1 lengths for 2 items"):
        replace(tiny([1]), lengths=np.array([1.0]))
    with pytest.raises(InvalidRatings, match="3 query codes"):
        replace(tiny([1]), queries=np.array([1, 2, 3]))
    with pytest.raises(InvalidRatings, match="not finite"):
        replace(tiny([1]), features=np.array([[np.nan], [0]]))
    with pytest.raises(InvalidRatings, match="jurors holds 2"):
        replace(tiny([1]), jurors=np.array([0, 0]))
    with pytest.raises(InvalidRatings, match="2 dimensions"):
        replace(tiny([1]), wins=np.array([[1.0]]))
    model: FittedPreferenceModel = MODEL
    one = np.zeros((1, WIDTH))
    with pytest.raises(InvalidRatings, match="right has shape"):
        model.predict(left=one, right=np.zeros((1, 2)), jurors=np.array([0]))
    with pytest.raises(InvalidRatings, match="codes from 99"):
        model.predict(left=one, right=one, jurors=np.array([99]))
    with pytest.raises(InvalidRatings, match="1 columns"):
        model.adapt(table=tiny([1]))
