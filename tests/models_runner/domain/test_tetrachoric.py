"""The correlation of paired binary answers: published numbers, an oracle, edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_runner.domain.distributional.tetrachoric import (
    InvalidPairs,
    PairedCounts,
    paired_counts,
    tetrachoric_correlation,
)

cells = st.integers(1, 400)


def correlation(*counts: float) -> float:
    value = tetrachoric_correlation(PairedCounts(*counts)).value
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((40, 10, 20, 30), 0.6071), ((50, 50, 50, 50), 0.0), ((44, 268, 14, 4), -0.7364)],
)
def test_published_numbers(counts: tuple[int, int, int, int], expected: float) -> None:
    assert correlation(*counts) == pytest.approx(expected, abs=5e-5)


def test_half_and_half_has_a_closed_form() -> None:
    # With both margins at one half, both-yes is 1/4 + asin(rho) / (2 pi).
    assert correlation(30, 20, 20, 30) == pytest.approx(np.sin(2 * np.pi * 0.05))


@pytest.mark.parametrize("counts", [(0, 10, 20, 30), (10, 0, 20, 30), (3, 4, 0, 2), (1, 2, 3, 0)])
def test_an_empty_cell_has_a_reason(counts: tuple[int, int, int, int]) -> None:
    found = tetrachoric_correlation(PairedCounts(*counts))
    assert found.value is None
    assert "No pair in the cell" in found.reason
    assert found.count == sum(counts)


@pytest.mark.parametrize("counts", [(-1, 1, 1, 1), (float("nan"), 1, 1, 1)])
def test_what_is_no_count_is_refused(counts: tuple[float, ...]) -> None:
    with pytest.raises(InvalidPairs, match="counts"):
        tetrachoric_correlation(PairedCounts(*counts))
    with pytest.raises(InvalidPairs, match="confidence"):
        tetrachoric_correlation(PairedCounts(1, 1, 1, 1), confidence=1)


@given(cells, cells, cells, cells)
@settings(max_examples=30, deadline=None)
def test_laws(a: int, b: int, c: int, d: int) -> None:
    rho = correlation(a, b, c, d)
    assert -1 < rho < 1
    assert np.sign(round(rho, 9)) == np.sign(a * d - b * c)
    assert correlation(a, c, b, d) == pytest.approx(rho, abs=1e-8)  # sides swapped
    assert correlation(d, c, b, a) == pytest.approx(rho, abs=1e-8)  # yes and no swapped
    assert correlation(b, a, d, c) == pytest.approx(-rho, abs=1e-8)  # one side turned round


def test_the_interval_holds_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    true = 0.5
    held = 0
    for _ in range(200):
        pairs = rng.multivariate_normal([0, 0], [[1, true], [true, 1]], size=300)
        answers = (pairs < [0.3, -0.2]).astype(float)
        found = tetrachoric_correlation(paired_counts(answers[:, 0], answers[:, 1]))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true <= found.high
    assert 180 <= held <= 199


class TestPairs:
    def test_pairs_with_a_silent_side_fall_out(self) -> None:
        nan = float("nan")
        assert paired_counts([1, 1, 0, 0, nan, 1], [1, 0, 1, 0, 1, nan]) == PairedCounts(1, 1, 1, 1)

    def test_other_numbers_are_refused(self) -> None:
        with pytest.raises(InvalidPairs, match="0, 1 or NaN"):
            paired_counts([2], [1])
        with pytest.raises(InvalidPairs, match="shapes"):
            paired_counts([1, 0], [1])


def test_ordinalcorr_agrees() -> None:
    oracle = pytest.importorskip("ordinalcorr", reason="the oracle ordinalcorr is not installed")
    rng = np.random.default_rng(1)
    for _ in range(200):
        a, b, c, d = (int(n) for n in rng.integers(1, 200, size=4))
        first = np.repeat([1, 1, 0, 0], [a, b, c, d])
        second = np.repeat([1, 0, 1, 0], [a, b, c, d])
        assert correlation(a, b, c, d) == pytest.approx(oracle.tetrachoric(first, second), abs=1e-5)
