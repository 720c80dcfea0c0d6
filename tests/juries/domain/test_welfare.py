"""Welfare: published figures, hand examples, axioms."""

from collections.abc import Sequence
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.welfare import (
    InvalidUtilities,
    MissingUtilities,
    PowerWelfare,
    RatingOutsideScale,
    UnknownWelfare,
    atkinson,
    compare_leximin,
    gini,
    group_means,
    leximin_ranks,
    logistic_utility,
    power_welfare,
    share_above,
    share_below,
    utility,
    welfare_function,
    worst_group,
)

U = [1.0, 2.0, 4.0, 7.0]
ALPHAS = [0.0, 0.25, 0.5, 1 - 1e-6, 1.0, 1 + 1e-6, 2.0, 5.0, 50.0, 500.0, inf]
utilities = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=8)
alphas = st.sampled_from(ALPHAS) | st.floats(0, 40)


def w(values: Sequence[float], alpha: float) -> float:
    return float(power_welfare(values, alpha=alpha))


@pytest.mark.parametrize(
    ("alpha", "published"),
    [
        (0, 3.5),
        (0.5, 3.115194),
        (1, 2.735565),
        (2, 2.113208),
        (5, 1.391528),
        (50, 1.028696),
        (inf, 1),
    ],
)
def test_published_welfare(alpha: float, published: float) -> None:
    assert w(U, alpha) == pytest.approx(published, abs=5e-7)
    assert w([3, 3, 3, 3], alpha) == pytest.approx(3, abs=1e-12)


def test_published_inequality() -> None:
    assert float(atkinson(U, alpha=0.5)) == pytest.approx(0.109945, abs=5e-7)
    assert float(atkinson(U, alpha=1)) == pytest.approx(0.218410, abs=5e-7)
    assert float(gini(U)) == pytest.approx(0.357143, abs=5e-7)


def test_order_is_not_invariant_to_shifts() -> None:
    assert w([1, 9], 1) == pytest.approx(3.00, abs=5e-3)
    assert w([4, 4], 1) == pytest.approx(4.00, abs=5e-3)
    assert w([11, 19], 1) == pytest.approx(14.46, abs=5e-3)
    assert w([14, 14], 1) == pytest.approx(14.00, abs=5e-3)


@settings(max_examples=80, deadline=None)
@given(values=utilities, alpha=alphas, place=st.integers(0, 7), gain=st.floats(0, 1))
def test_monotone_in_each_utility(
    values: list[float], alpha: float, place: int, gain: float
) -> None:
    better = list(values)
    better[place % len(values)] += gain
    assert w(better, alpha) >= w(values, alpha) * (1 - 1e-12)


@settings(max_examples=80, deadline=None)
@given(values=utilities, one=alphas, other=alphas)
def test_non_increasing_in_alpha(values: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert w(values, low) >= w(values, high) * (1 - 1e-10)


@settings(max_examples=80, deadline=None)
@given(values=utilities, alpha=alphas, factor=st.floats(1e-3, 1e3))
def test_homogeneous_anonymous_and_replicable(
    values: list[float], alpha: float, factor: float
) -> None:
    here = w(values, alpha)
    assert w([factor * u for u in values], alpha) == pytest.approx(factor * here, rel=1e-9)
    assert w(values[::-1], alpha) == pytest.approx(here, rel=1e-12)
    assert w(values * 3, alpha) == pytest.approx(here, rel=1e-9)
    weights = [1.0 + i % 2 for i in range(len(values))]
    repeated = [u for u, n in zip(values, weights, strict=True) for _ in range(int(n))]
    assert float(power_welfare(values, alpha=alpha, weights=weights)) == pytest.approx(
        w(repeated, alpha), rel=1e-9
    )


@settings(max_examples=60, deadline=None)
@given(values=utilities)
def test_limits(values: list[float]) -> None:
    for near in (1 - 1e-6, 1 + 1e-6, 1 + 2e-8, 1 - 2e-8):
        assert w(values, near) == pytest.approx(w(values, 1), rel=1e-5)
    lowest = min(values)
    ceiling = lowest * len(values) ** (1 / 499)
    assert lowest * (1 - 1e-12) <= w(values, 500) <= ceiling * (1 + 1e-12)
    assert w(values, inf) == min(values)
    assert w(values, 0) == pytest.approx(float(np.mean(values)))


def test_zero_is_legal() -> None:
    assert w([0, 4], 0.5) == pytest.approx(1.0)
    assert [w([0, 4], alpha) for alpha in (1, 2, inf)] == [0, 0, 0]
    assert [w([0, 0], alpha) for alpha in (0, 0.5, 1, 2, inf)] == [0] * 5
    assert float(power_welfare([0, 4], alpha=2, weights=[0, 1])) == pytest.approx(4)


def test_missing_is_refused_or_skipped_by_item() -> None:
    table = np.array([[1.0, nan, nan], [4.0, 9.0, nan]])
    with pytest.raises(MissingUtilities, match="3 of 6"):
        power_welfare(table, alpha=1)
    found = power_welfare(table, alpha=1, skip_missing=True)
    assert found[:2] == pytest.approx([2, 9])
    assert np.isnan(found[2])
    assert power_welfare(table, alpha=inf, skip_missing=True)[1] == 9
    assert gini(table, skip_missing=True)[1] == pytest.approx(0)
    assert np.isnan(gini(table, skip_missing=True)[2])
    assert np.isnan(atkinson(table, alpha=1, skip_missing=True)[2])
    assert np.isnan(share_below(table, floor=5, skip_missing=True)[2])


@pytest.mark.parametrize(
    ("values", "alpha", "weights", "words"),
    [
        ([-1.0, 2.0], 1, None, "-1.0"),
        ([inf, 2.0], 1, None, "infinite"),
        ([1.0, 2.0], -1, None, "Alpha is -1"),
        ([1.0, 2.0], nan, None, "Alpha"),
        ([1.0, 2.0], 1, [1.0], "2 jurors"),
        ([1.0, 2.0], 1, [0.0, 0.0], "all 0"),
        ([1.0, 2.0], 1, [-1.0, 2.0], "not negative"),
        ([], 1, None, "shape"),
    ],
)
def test_refusals(
    values: list[float], alpha: float, weights: list[float] | None, words: str
) -> None:
    with pytest.raises(InvalidUtilities, match=words):
        power_welfare(values, alpha=alpha, weights=weights)


def test_utility_uses_declared_bounds() -> None:
    assert utility([1, 3, 5, nan], lowest=1, highest=5) == pytest.approx(
        [0.01, 0.505, 1, nan], nan_ok=True
    )
    assert utility([[0]], lowest=0, highest=4, epsilon=0).tolist() == [[0.0]]
    with pytest.raises(RatingOutsideScale, match="1 rating"):
        utility([1, 6], lowest=1, highest=5)
    for bounds in ({"lowest": 5, "highest": 5}, {"lowest": 1, "highest": 5, "epsilon": 1}):
        with pytest.raises(InvalidUtilities):
            utility([1], **bounds)


def test_logits_go_through_the_logistic_function() -> None:
    found = logistic_utility([[-800.0, 0.0], [800.0, nan]], epsilon=0.01)
    assert found == pytest.approx(np.array([[0.01, 0.505], [1.0, nan]]), nan_ok=True)
    assert float(logistic_utility(1.0, epsilon=0)) == pytest.approx(1 / (1 + np.exp(-1)))
    with pytest.raises(InvalidUtilities, match="Epsilon is 1"):
        logistic_utility([0.0], epsilon=1)


@settings(max_examples=40, deadline=None)
@given(level=st.floats(0.0, 1e3), number=st.integers(1, 6), alpha=alphas)
def test_all_alike_is_that_level(level: float, number: int, alpha: float) -> None:
    assert w([level] * number, alpha) == pytest.approx(level, rel=1e-12)


def test_share_above_is_strict_and_weighted() -> None:
    assert float(share_above(U, threshold=2)) == 0.5
    assert float(share_above(U, threshold=2, weights=[3, 1, 1, 1])) == pytest.approx(1 / 3)
    table = np.array([[0.2, nan], [0.9, nan]])
    found = share_above(table, threshold=0.5, skip_missing=True)
    assert found == pytest.approx([0.5, nan], nan_ok=True)


def test_group_means_leave_gaps() -> None:
    table = np.array([[0.2, 0.9], [0.4, 0.8], [0.5, nan]])
    found = group_means(table, groups=["b", "b", "a"], weights=[1, 3, 1], skip_missing=True)
    assert found.groups == ("a", "b")
    assert found.means == pytest.approx(np.array([[0.5, nan], [0.35, 0.825]]), nan_ok=True)


def test_leximin_breaks_ties() -> None:
    assert compare_leximin([1, 5, 3], [9, 1, 2]) == 1
    assert compare_leximin([9, 1, 2], [1, 5, 3]) == -1
    assert compare_leximin([2, 1], [1, 2]) == 0
    with pytest.raises(InvalidUtilities):
        compare_leximin([1, 2], [1])
    table = np.array([[1, 9, 3, 1], [5, 1, 3, 3], [3, 2, 3, 5]], dtype=float)
    assert leximin_ranks(table).tolist() == [1, 3, 0, 1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=6))
def test_ranks_agree_with_comparisons(columns: list[tuple[int, int, int]]) -> None:
    ranks = leximin_ranks(np.array(columns, dtype=float).T)
    for i, one in enumerate(columns):
        assert ranks[i] == sum(compare_leximin(other, one) == 1 for other in columns)


def test_share_below_is_strict_and_weighted() -> None:
    assert float(share_below(U, floor=2)) == 0.25
    assert float(share_below(U, floor=2, weights=[3, 1, 1, 1])) == 0.5


def test_worst_group() -> None:
    table = np.array([[0.2, 0.9], [0.4, 0.8], [0.5, nan]])
    found = worst_group(table, groups=["a", "a", "b"], skip_missing=True)
    assert found.groups == ("a", "a")
    assert found.means == pytest.approx([0.3, 0.85])
    with pytest.raises(InvalidUtilities):
        worst_group([1.0], groups=["a", "b"])


@settings(max_examples=50, deadline=None)
@given(values=utilities, factor=st.floats(0.01, 10))
def test_gini_by_pairs_and_scale(values: list[float], factor: float) -> None:
    u = np.array(values)
    pairs = np.abs(u[:, None] - u[None, :]).mean() / (2 * u.mean())
    assert float(gini(u)) == pytest.approx(pairs, abs=1e-12)
    assert float(gini(factor * u)) == pytest.approx(pairs, abs=1e-9)


def test_registry() -> None:
    assert float(welfare_function("nash")(U, weights=None, skip_missing=False)) == pytest.approx(
        2.735565, abs=1e-6
    )
    assert float(PowerWelfare(2)(U)) == pytest.approx(2.113208, abs=1e-6)
    with pytest.raises(UnknownWelfare, match="rawls"):
        welfare_function("borda")
