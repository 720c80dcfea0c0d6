"""Bridging scores: the loss is minimal, camps earn little, thresholds and refusals."""

from math import nan

import numpy as np
import pytest
from scipy.optimize import minimize

from juries.domain.bridging import BridgingStatus, TooFewRatings, bridging, status_of
from juries.domain.welfare import FloatArray, InvalidUtilities


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def two_camps(left: int, right: int) -> FloatArray:
    """Items 0 to 9 are liked by one camp each, 10 by the left alone, 11 by as many of both."""
    camp = np.array([1] * left + [0] * right)
    items = [camp if place % 2 else 1 - camp for place in range(10)]
    even = np.zeros(left + right)
    part = left / (left + right)
    even[: round(part * left)] = 1
    even[left : left + round(part * right)] = 1
    return np.stack([*items, camp, even]).T.astype(float)


def loss_of(point: FloatArray, ratings: FloatArray) -> float:
    """The published loss, written out rating by rating."""
    jurors, items = ratings.shape
    middle, rest = point[0], point[1:]
    b_u, f_u = rest[:jurors], rest[jurors : 2 * jurors]
    b_n, f_n = rest[2 * jurors : 2 * jurors + items], rest[2 * jurors + items :]
    total, number = 0.0, 0
    for u in range(jurors):
        for n in range(items):
            if not np.isnan(ratings[u, n]):
                error = ratings[u, n] - middle - b_u[u] - b_n[n] - f_u[u] * f_n[n]
                ridge = 0.15 * (b_u[u] ** 2 + b_n[n] ** 2 + middle**2)
                total += error**2 + ridge + 0.03 * (f_u[u] ** 2 + f_n[n] ** 2)
                number += 1
    return total / number


def test_no_smaller_loss_is_found() -> None:
    ratings = rng(3).integers(0, 3, (6, 5)) / 2
    ratings[0, 1] = ratings[2, 3] = nan
    found = bridging(ratings, rng=rng(), fewest_raters=1, fewest_ratings=1)
    parts = [found.juror_intercepts, found.juror_factors, found.scores, found.factors]
    here = np.concatenate([[found.middle], *parts])
    assert loss_of(here, ratings) == pytest.approx(found.loss, abs=1e-12)
    for seed in range(4):
        start = rng(seed).standard_normal(len(here))
        other = minimize(loss_of, start, args=(ratings,), method="L-BFGS-B")
        assert found.loss <= other.fun + 1e-9


@pytest.mark.parametrize(("left", "right"), [(24, 8), (30, 10), (36, 12)])
def test_one_camp_alone_scores_below_both(left: int, right: int) -> None:
    ratings = two_camps(left, right)
    assert ratings[:, 10].mean() == pytest.approx(ratings[:, 11].mean(), abs=1e-12)
    found = bridging(ratings, rng=rng())
    assert found.scores[10] < found.scores[11] - 0.1
    assert abs(found.factors[10]) > abs(found.factors[11]) + 0.2


def test_liked_by_all_is_helpful_and_by_none_not() -> None:
    ratings = np.hstack([two_camps(10, 10), np.ones((20, 1)), np.zeros((20, 1))])
    found = bridging(ratings, rng=rng(), bootstraps=30)
    assert found.statuses[12] == BridgingStatus.HELPFUL
    assert found.statuses[13] == BridgingStatus.NOT_HELPFUL
    assert found.statuses[10] == BridgingStatus.BETWEEN
    assert (found.lower[12:] <= found.scores[12:] + 1e-9).all()
    assert (found.scores[12:] <= found.upper[12:] + 1e-9).all()


@pytest.mark.parametrize(
    ("score", "factor", "status"),
    [
        (0.40, 0.49, "helpful"),
        (0.40, -0.50, "between"),
        (0.39, 0.0, "between"),
        (-0.05, 0.0, "between"),
        (-0.06, 0.0, "not helpful"),
        (-0.44, 0.5, "between"),
        (-0.46, -0.5, "not helpful"),
        (nan, nan, "too few raters"),
    ],
)
def test_published_thresholds(score: float, factor: float, status: str) -> None:
    assert status_of(score, factor) == status


def test_too_few_raters_and_ratings_are_left_out() -> None:
    ratings = two_camps(10, 10)
    ratings = np.vstack([ratings, np.full((1, 12), nan)])
    ratings[20, :9] = 1.0
    ratings = np.hstack([ratings, np.full((21, 1), nan)])
    ratings[:4, 12] = 1.0
    ratings[20, 12] = 1.0
    found = bridging(ratings, rng=rng())
    # Juror 20 has ten ratings only while item 12 has its five raters, of whom she is one.
    assert not np.isnan(found.scores[12])
    ratings[20, 0] = nan
    found = bridging(ratings, rng=rng())
    assert np.isnan(found.scores[12])
    assert np.isnan(found.juror_factors[20])
    assert found.statuses[12] == BridgingStatus.TOO_FEW_RATERS
    assert not np.isnan(found.scores[:12]).any()
    assert np.isnan(found.lower).all()


def test_same_seed_same_bytes_and_one_direction() -> None:
    ratings = two_camps(9, 7)
    one, other = (bridging(ratings, rng=rng(4), bootstraps=5) for _ in range(2))
    assert one.scores.tobytes() == other.scores.tobytes()
    assert one.lower.tobytes() == other.lower.tobytes()
    assert bridging(ratings, rng=rng(5)).scores == pytest.approx(one.scores, abs=1e-4)
    assert bridging(ratings, rng=rng(5)).factors == pytest.approx(one.factors, abs=1e-3)


def test_refusals() -> None:
    with pytest.raises(InvalidUtilities, match="outside 0 to 1"):
        bridging([[0.5, 2.0]], rng=rng())
    with pytest.raises(InvalidUtilities, match="jurors x items"):
        bridging([0.5], rng=rng())
    with pytest.raises(TooFewRatings, match="No item has 5 raters"):
        bridging(np.ones((4, 20)), rng=rng())
