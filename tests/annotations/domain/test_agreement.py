"""Krippendorff's alpha against published numbers, and against its own definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.domain.agreement import (
    InvalidAgreementInput,
    Level,
    alpha_by_group,
    item_disagreement,
    krippendorff_alpha,
)

# K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: 4 observers,
# 12 units; nominal .743, ordinal .815, interval .849 are published there.
N = np.nan
EXAMPLE = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
)


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_as_published(level: str, published: float) -> None:
    found = krippendorff_alpha(ratings=EXAMPLE, level=Level(level))
    assert found.alpha.value == pytest.approx(published, abs=5e-4)
    assert (found.units, found.values) == (11, 40)


def test_two_observers_with_two_values_as_published() -> None:
    """Example A of the same text: ten units, alpha .095."""
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    found = krippendorff_alpha(ratings=[first, second], level=Level.NOMINAL)
    assert found.alpha.value == pytest.approx(0.095, abs=5e-4)


def by_definition(ratings: np.ndarray, level: Level) -> float:
    """Alpha by looping over all pairs."""
    units = [column[~np.isnan(column)] for column in ratings.T]
    units = [unit for unit in units if len(unit) >= 2]
    pool = np.concatenate(units)

    def difference(a: float, b: float) -> float:
        if level is Level.NOMINAL:
            return float(a != b)
        if level is Level.INTERVAL:
            return (a - b) ** 2
        low, high = min(a, b), max(a, b)
        between = ((pool >= low) & (pool <= high)).sum()
        return float(between - ((pool == low).sum() + (pool == high).sum()) / 2) ** 2

    observed = sum(
        difference(a, b) / (len(unit) - 1)
        for unit in units
        for i, a in enumerate(unit)
        for j, b in enumerate(unit)
        if i != j
    ) / len(pool)
    expected = sum(
        difference(a, b) for i, a in enumerate(pool) for j, b in enumerate(pool) if i != j
    ) / (len(pool) * (len(pool) - 1))
    return 1 - observed / expected


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), level=st.sampled_from(list(Level)))
def test_alpha_is_its_definition(seed: int, level: Level) -> None:
    rng = np.random.default_rng(seed)
    ratings = rng.integers(1, 5, size=(4, 6)).astype(float)
    ratings[rng.random(ratings.shape) < 0.3] = N
    found = krippendorff_alpha(ratings=ratings, level=level).alpha
    if found.value is None:
        assert found.reason
    else:
        assert found.value == pytest.approx(by_definition(ratings, level), abs=1e-9)


def test_full_agreement_is_one_and_the_order_of_jurors_does_not_matter() -> None:
    same = np.tile([1.0, 2.0, 5.0], (4, 1))
    for level in Level:
        assert krippendorff_alpha(ratings=same, level=level).alpha.value == pytest.approx(1)
        there = krippendorff_alpha(ratings=EXAMPLE, level=level).alpha.value
        assert krippendorff_alpha(ratings=EXAMPLE[::-1], level=level).alpha.value == there


def test_what_cannot_be_computed_says_why() -> None:
    constant = krippendorff_alpha(ratings=np.full((3, 4), 2.0), level=Level.ORDINAL).alpha
    assert constant.value is None
    assert "All 12 ratings are 2" in constant.reason
    alone = krippendorff_alpha(ratings=np.array([[1, 2], [N, N]]), level=Level.NOMINAL).alpha
    assert alone.value is None
    assert "two jurors" in alone.reason
    single = krippendorff_alpha(
        ratings=[[1], [2]], level=Level.NOMINAL, rng=np.random.default_rng(0)
    ).alpha
    assert single.value is not None
    assert single.low is None
    assert "One item" in single.reason


def test_the_bootstrap_is_repeatable_and_holds_the_value() -> None:
    one, two = (
        krippendorff_alpha(
            ratings=EXAMPLE, level=Level.ORDINAL, rng=np.random.default_rng(4), resamples=400
        ).alpha
        for _ in range(2)
    )
    assert one == two
    assert one.value is not None
    assert one.low is not None
    assert one.high is not None
    assert one.low < one.value < one.high <= 1


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidAgreementInput, match="1 dimensions"):
        krippendorff_alpha(ratings=[1, 2], level=Level.NOMINAL)
    with pytest.raises(InvalidAgreementInput, match="infinite"):
        krippendorff_alpha(ratings=[[1, np.inf]], level=Level.NOMINAL)
    with pytest.raises(InvalidAgreementInput, match="Group 'a'"):
        alpha_by_group(ratings=EXAMPLE, groups={"a": [True]}, level=Level.NOMINAL)


def test_groups_are_measured_on_their_own() -> None:
    found = alpha_by_group(
        ratings=EXAMPLE,
        groups={"first": [True, True, False, False], "one": [True, False, False, False]},
        level=Level.NOMINAL,
        seed=1,
        resamples=50,
    )
    direct = krippendorff_alpha(ratings=EXAMPLE[:2], level=Level.NOMINAL).alpha.value
    assert found["first"].alpha.value == direct
    assert found["one"].alpha.value is None


def test_an_item_is_split_along_the_trait_that_explains_it() -> None:
    ratings = np.array([[1, 3, N], [1, 3, N], [5, 3, N], [5, 3, 2]], dtype=float)
    traits = {"age": [0, 0, 1, 1], "town": [0, 1, 0, 1]}
    split, same, single = item_disagreement(ratings=ratings, traits=traits)
    assert split.variance.value == 4
    assert split.entropy.value == pytest.approx(np.log(2))
    assert dict(split.between)["age"].value == pytest.approx(1)
    assert dict(split.between)["town"].value == pytest.approx(0)
    assert split.splitting_trait == "age"
    assert same.variance.value == 0
    assert same.splitting_trait is None
    assert "the same" in dict(same.between)["age"].reason
    assert single.variance.value is None
