"""The sweep along alpha: bands against plain resampling, winners, crossings, tails."""

from math import inf, nan

import numpy as np
import pytest

from juries.domain.alpha_sweep import alpha_sweep
from juries.domain.crossings import ALPHAS, find_crossings
from juries.domain.resampling import PredictedCells, resample_counts
from juries.domain.welfare import InvalidUtilities, MissingUtilities, power_welfare

UNEQUAL = [1.0, 2.0, 4.0, 7.0]
EQUAL = [3.0, 3.0, 3.0, 3.0]
PAIR = np.array([UNEQUAL, EQUAL]).T
NAMES = ["unequal", "equal"]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_winner_flips_between_a_half_and_one() -> None:
    (crossing,) = find_crossings(PAIR, item_sources=NAMES)
    assert 0.5 < crossing.alpha < 1
    assert (crossing.before, crossing.after) == ("unequal", "equal")
    there = power_welfare(UNEQUAL, alpha=crossing.alpha)
    assert float(there) == pytest.approx(3, abs=1e-5)


def test_equal_sources_never_cross() -> None:
    assert find_crossings(np.ones((3, 2)), item_sources=["a", "b"]) == ()


def test_welfare_is_the_mean_over_items() -> None:
    table = rng().uniform(0.01, 1, (6, 4))
    found = alpha_sweep(table, item_sources=["a", "b", "a", "b"], rng=rng(), bootstraps=20)
    assert found.sources == ("a", "b")
    assert found.items == (2, 2)
    for row, alpha in enumerate(ALPHAS):
        items = power_welfare(table, alpha=alpha)
        assert found.welfare[row] == pytest.approx([items[[0, 2]].mean(), items[[1, 3]].mean()])


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0, 16.0, 900.0])
@pytest.mark.parametrize("zeros", [False, True])
def test_products_agree_with_plain_resampling(alpha: float, zeros: bool) -> None:
    table = rng(1).uniform(0.01, 1, (7, 6))
    table[0, 1] = table[3, 2] = nan
    if zeros:
        table[2, 3] = 0.0
    strata = ["x", "x", "y", "y", "y", "x", "z"]
    weights = np.array([1.0, 2, 1, 1, 3, 1, 1])
    sources = ["a", "b", "a", "b", "a", "b"]
    found = alpha_sweep(
        table,
        item_sources=sources,
        rng=rng(2),
        alphas=[alpha],
        strata=strata,
        weights=weights,
        bootstraps=200,
        skip_missing=True,
    )
    counts = resample_counts(strata=strata, bootstraps=200, rng=rng(2))
    by_hand = np.empty((200, 2))
    for place, count in enumerate(counts.astype(int)):
        drawn = np.repeat(np.arange(7), count)
        items = power_welfare(table[drawn], alpha=alpha, weights=weights[drawn], skip_missing=True)
        by_hand[place] = np.nanmean(items[::2]), np.nanmean(items[1::2])
    assert found.lower[0] == pytest.approx(np.quantile(by_hand, 0.025, axis=0), rel=1e-9)
    assert found.upper[0] == pytest.approx(np.quantile(by_hand, 0.975, axis=0), rel=1e-9)
    assert found.bias[0] == pytest.approx(by_hand.mean(axis=0) - found.welfare[0], abs=1e-12)
    assert found.wins[0, 0] == pytest.approx((by_hand[:, 0] > by_hand[:, 1]).mean())
    assert found.single_juror_strata == 1


def test_resamples_keep_the_sizes_of_strata() -> None:
    counts = resample_counts(strata=list("aabbb"), bootstraps=300, rng=rng())
    assert (counts[:, :2].sum(axis=1) == 2).all()
    assert (counts[:, 2:].sum(axis=1) == 3).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(5), abs=0.2)


def test_no_band_at_infinity_but_a_tail() -> None:
    found = alpha_sweep(PAIR, item_sources=NAMES, rng=rng(), bootstraps=100)
    equal, unequal = 0, 1
    assert found.alphas[-1] == inf
    assert found.welfare[-1].tolist() == [3.0, 1.0]
    for empty in (found.lower, found.upper, found.wins, found.bias):
        assert np.isnan(empty[-1]).all()
        assert not np.isnan(empty[:-1]).any()
    assert found.tail.percentile.tolist() == [3.0, 1.0]
    assert found.tail.worst_mean == pytest.approx([3.0, 1.0])
    assert found.tail.worst_mean_lower[unequal] == pytest.approx(1.0)
    assert found.tail.worst_mean_upper[unequal] > 1.0
    assert found.tail.percentile_lower[equal] == found.tail.percentile_upper[equal] == 3.0
    assert found.wins.sum(axis=1)[:-1] == pytest.approx(np.ones(len(ALPHAS) - 1))


def test_tail_of_a_hundred_jurors() -> None:
    table = np.arange(1.0, 101.0)[:, None]
    found = alpha_sweep(table, item_sources=["a"], rng=rng(), bootstraps=50)
    assert found.tail.percentile.tolist() == [5.0]
    assert found.tail.worst_mean == pytest.approx([3.0])
    assert found.tail.worst_mean_lower[0] <= 3.0 <= found.tail.worst_mean_upper[0]


def test_same_seed_same_bytes() -> None:
    one, other = (
        alpha_sweep(PAIR, item_sources=NAMES, rng=rng(5), bootstraps=50) for _ in range(2)
    )
    assert one.lower.tobytes() == other.lower.tobytes()
    assert one.tail.worst_mean_upper.tobytes() == other.tail.worst_mean_upper.tobytes()


def test_item_that_nobody_judged_leaves_its_source_empty() -> None:
    table = np.array([[0.5, nan], [0.4, nan]])
    found = alpha_sweep(table, item_sources=["a", "b"], rng=rng(), bootstraps=10, skip_missing=True)
    assert np.isnan(found.welfare[:, 1]).all()
    assert np.isnan(found.lower[:, 1]).all()
    assert found.wins[0].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("table", "options", "error"),
    [
        ([[0.5, nan]], {}, MissingUtilities),
        ([[0.5, -1]], {}, InvalidUtilities),
        ([0.5, 1], {}, InvalidUtilities),
        ([[0.5, 1]], {"item_sources": ["a"]}, InvalidUtilities),
        ([[0.5, 1]], {"strata": ["a", "b"]}, InvalidUtilities),
        ([[0.5, 1]], {"alphas": [-1]}, InvalidUtilities),
        ([[0.5, 1]], {"alphas": []}, InvalidUtilities),
        ([[0.5, 1]], {"bootstraps": 0}, InvalidUtilities),
        ([[0.5, 1]], {"level": 1.0}, InvalidUtilities),
    ],
)
def test_refusals(table: object, options: dict[str, object], error: type[InvalidUtilities]) -> None:
    arguments = {"item_sources": ["a", "b"], "rng": rng(), **options}
    with pytest.raises(error):
        alpha_sweep(table, **arguments)  # type: ignore[arg-type]  # bad input is the point


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 4.0, 900.0])
def test_guesses_without_doubt_are_like_what_was_said(alpha: float) -> None:
    table = rng(1).uniform(0.01, 1, (7, 6))
    table[0, 1] = nan
    deviations = np.full(table.shape, nan)
    deviations[2:5, 1:4] = 0.0
    options = {"alphas": [alpha, inf], "bootstraps": 60, "skip_missing": True}
    one, other = (
        alpha_sweep(table, item_sources=list("ababab"), rng=rng(3), predicted=guess, **options)  # type: ignore[arg-type]  # one dict for both
        for guess in (None, PredictedCells(deviations))
    )
    for field in ("welfare", "lower", "upper", "bias", "wins", "lead_lower"):
        assert getattr(one, field) == pytest.approx(getattr(other, field), abs=1e-9, nan_ok=True)
    assert one.tail.worst_mean_upper == pytest.approx(other.tail.worst_mean_upper)
    assert one.tail.percentile_lower == pytest.approx(other.tail.percentile_lower)
    assert one.predicted.tolist() == [0, 0]
    assert other.predicted == pytest.approx([3 / 21, 6 / 20])


def test_guesses_are_drawn_anew_in_each_resample() -> None:
    """One juror, so that resampling varies nothing: the band is that of the guess itself."""
    guess = PredictedCells(np.array([[0.1, nan, 0.3]]), lowest=0.0)
    found = alpha_sweep(
        [[0.5, 0.5, 0.9]],
        item_sources=["a", "b", "c"],
        rng=rng(),
        alphas=[0.0, 4.0],
        predicted=guess,
        bootstraps=4000,
    )
    for row in (0, 1):
        assert found.lower[row] == pytest.approx([0.304, 0.5, 0.312], abs=0.02)
        assert found.upper[row] == pytest.approx([0.696, 0.5, 1.0], abs=0.02)
    assert found.tail.percentile_lower == pytest.approx([0.304, 0.5, 0.312], abs=0.02)
    assert found.bias[0, 2] == pytest.approx(-0.0742, abs=0.01)
    assert found.predicted.tolist() == [1, 0, 1]


def test_guesses_agree_with_plain_resampling() -> None:
    """The same draws, joined juror by juror."""
    table = rng(1).uniform(0.2, 0.8, (5, 3))
    deviations = np.where(rng(2).uniform(size=table.shape) < 0.5, 0.1, nan)
    found = alpha_sweep(
        table,
        item_sources=["a", "a", "b"],
        rng=rng(5),
        alphas=[2.0],
        weights=[1, 2, 1, 1, 1],
        predicted=PredictedCells(deviations),
        bootstraps=50,
    )
    again = rng(5)
    counts = resample_counts(strata=[""] * 5, bootstraps=50, rng=again) * [1, 2, 1, 1, 1]
    items, jurors = np.nonzero(~np.isnan(deviations.T))
    noise = again.standard_normal((50, len(items)))
    by_hand = np.empty((50, 2))
    for place in range(50):
        drawn = table.copy()
        drawn[jurors, items] = np.clip(drawn[jurors, items] + 0.1 * noise[place], 0.01, 1)
        reached = power_welfare(drawn, alpha=2, weights=counts[place])
        by_hand[place] = reached[:2].mean(), reached[2]
    assert found.lower[0] == pytest.approx(np.quantile(by_hand, 0.025, axis=0))
    assert found.upper[0] == pytest.approx(np.quantile(by_hand, 0.975, axis=0))
    lead = by_hand[:, 0] - by_hand[:, 1]
    assert found.lead_lower[0, 0] == pytest.approx(np.quantile(lead, 0.025))
    assert found.lead_upper[0, 1] == pytest.approx(np.quantile(-lead, 0.975))


@pytest.mark.parametrize(
    ("deviations", "options", "words"),
    [
        ([[0.1]], {}, "shape"),
        ([[0.1, -0.1]], {}, "juror 1, item 2"),
        ([[0.1, np.inf]], {}, "1 predicted cells"),
        ([[0.1, nan]], {"lowest": 0.6}, "mean 0.5"),
        ([[0.1, nan]], {"lowest": 1.0}, "run upwards"),
    ],
)
def test_refused_guesses(deviations: object, options: dict[str, float], words: str) -> None:
    with pytest.raises(InvalidUtilities, match=words):
        alpha_sweep(
            [[0.5, 0.5]],
            item_sources=["a", "b"],
            rng=rng(),
            predicted=PredictedCells(np.array(deviations), **options),
        )


def test_lead_over_the_best_other() -> None:
    table = np.array([[0.1, 0.4, 0.9]])
    found = alpha_sweep(table, item_sources=["a", "b", "c"], rng=rng(), bootstraps=5)
    assert found.lead[0] == pytest.approx([-0.8, -0.5, 0.5])
    assert found.lead_lower[0] == pytest.approx([-0.8, -0.5, 0.5])
    alone = alpha_sweep(table[:, :1], item_sources=["a"], rng=rng(), bootstraps=5)
    assert np.isnan(alone.lead).all()
    assert np.isnan(alone.lead_upper).all()
