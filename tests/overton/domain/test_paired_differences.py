"""Sources compared on common queries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.domain.measured import Measured
from overton.domain.comparison import compare_pairs, paired_difference
from overton.domain.coverage import InvalidCoverageInput


def measured(**values: float | None) -> dict[str, Measured]:
    return {
        key: Measured.missing("nothing") if own is None else Measured(value=own)
        for key, own in values.items()
    }


def test_only_common_queries_count() -> None:
    found, only_first, only_second = paired_difference(
        first=measured(a=1.0, b=0.5, c=0.9, d=None),
        second=measured(a=0.5, b=0.0, d=0.3, e=0.1),
        rng=np.random.default_rng(1),
    )
    assert (found.value, found.low, found.high, found.count) == (0.5, 0.5, 0.5, 2)
    assert (only_first, only_second) == (1, 2)


def test_what_makes_a_query_hard_for_both_cancels_out() -> None:
    hard = {f"q{number}": number / 20 for number in range(20)}
    found, _, _ = paired_difference(
        first={key: Measured(value=own + 0.01) for key, own in hard.items()},
        second={key: Measured(value=own) for key, own in hard.items()},
        rng=np.random.default_rng(1),
    )
    assert found.low == pytest.approx(0.01)
    assert found.high == pytest.approx(0.01)


def test_the_interval_is_that_of_a_normal_mean_for_many_queries() -> None:
    rng = np.random.default_rng(3)
    gaps = rng.normal(0.1, 0.2, 400)
    found, _, _ = paired_difference(
        first={f"q{n:03}": Measured(value=float(gap)) for n, gap in enumerate(gaps)},
        second={f"q{n:03}": Measured(value=0.0) for n in range(400)},
        rng=np.random.default_rng(4),
        resamples=4000,
    )
    assert found.low is not None
    assert found.high is not None
    reach = 1.96 * gaps.std(ddof=1) / 20
    assert found.low == pytest.approx(gaps.mean() - reach, abs=0.003)
    assert found.high == pytest.approx(gaps.mean() + reach, abs=0.003)


def test_one_common_query_has_no_interval_and_none_no_value() -> None:
    rng = np.random.default_rng(1)
    one, _, _ = paired_difference(first=measured(a=1.0), second=measured(a=0.25), rng=rng)
    assert (one.value, one.low, one.count) == (0.75, None, 1)
    assert "One query" in one.reason
    none, first, second = paired_difference(first=measured(a=1.0), second=measured(b=1.0), rng=rng)
    assert (none.value, first, second) == (None, 1, 1)
    assert "no query on which both" in none.reason


@pytest.mark.parametrize(("confidence", "resamples"), [(0, 10), (1, 10), (0.9, 0)])
def test_impossible_settings_are_refused(confidence: float, resamples: int) -> None:
    with pytest.raises(InvalidCoverageInput, match=str(resamples)):
        paired_difference(
            first={}, second={}, rng=np.random.default_rng(1), confidence=confidence,
            resamples=resamples,
        )  # fmt: skip


shares = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 100), max_size=6)


@given(shares, shares, st.integers(0, 9))
def test_turning_a_pair_round_turns_its_sign(
    first: dict[str, int], second: dict[str, int], seed: int
) -> None:
    one = {key: Measured(value=own / 100) for key, own in first.items()}
    other = {key: Measured(value=own / 100) for key, own in reversed(list(second.items()))}
    there = compare_pairs(values={"x": one, "y": other}, seed=seed, resamples=50)
    back = compare_pairs(values={"y": other, "x": one}, seed=seed, resamples=50)
    (a,), (b,) = there, back
    if a.difference.value:
        assert a.difference.value > 0
        assert (a.first, a.second, a.difference.value) == (b.first, b.second, b.difference.value)
        assert (a.only_first, a.only_second) == (b.only_first, b.only_second)
    if a.difference.low is not None and a.difference.high is not None:
        assert a.difference.low <= (a.difference.value or 0) + 1e-12
        assert a.difference.high >= (a.difference.value or 0) - 1e-12


def test_every_pair_once_and_the_better_first() -> None:
    pairs = compare_pairs(
        values={
            "low": measured(a=0.1, b=0.2, c=0.1),
            "high": measured(a=0.9, b=0.8, c=0.9),
            "none": measured(a=None, b=None, c=None),
        },
        seed=1,
    )
    assert [(pair.first, pair.second) for pair in pairs] == [
        ("high", "low"), ("low", "none"), ("high", "none"),
    ]  # fmt: skip
    assert [pair.is_settled for pair in pairs] == [True, False, False]
