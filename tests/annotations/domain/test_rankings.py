"""Places and Borda shares: hand examples, edges, laws. And values asked for, as text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.domain.checks import parse_expected
from annotations.domain.rankings import InvalidRanking, borda_shares, competition_places

numbers = st.lists(st.integers(1, 6), min_size=2, max_size=8)


@pytest.mark.parametrize(
    ("written", "places"),
    [((1, 2, 3), (1, 2, 3)), ((1, 1, 2), (1, 1, 3)), ((5, 2, 2, 9), (3, 1, 1, 4)), ((), ())],
)
def test_places_leave_out_those_that_are_shared(
    written: tuple[int, ...], places: tuple[int, ...]
) -> None:
    assert competition_places(numbers=written) == places


def test_places_begin_at_one() -> None:
    with pytest.raises(InvalidRanking, match=r"\[0, 2\]"):
        competition_places(numbers=(0, 2))


def test_shares_by_hand() -> None:
    assert borda_shares(places=[1, 2, 3]).tolist() == [1.0, 0.5, 0.0]
    # Best alone beats two; the two level ones beat none and share one half of one comparison.
    assert borda_shares(places=[2, 1, 2]).tolist() == [0.25, 1.0, 0.25]
    assert borda_shares(places=[4, 4]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("places", [[1], [[1, 2]], [1.0, np.nan]])
def test_what_is_no_order_is_refused(places: object) -> None:
    with pytest.raises(InvalidRanking, match="at least 2"):
        borda_shares(places=places)  # type: ignore[arg-type] # that is the point


@given(numbers)
def test_shares_have_the_mean_one_half_and_follow_the_order(written: list[int]) -> None:
    shares = borda_shares(places=written)
    assert shares.mean() == pytest.approx(0.5)
    assert shares.min() >= 0
    assert shares.max() <= 1
    for a, share_a in zip(written, shares, strict=True):
        for b, share_b in zip(written, shares, strict=True):
            assert (a < b) == (share_a > share_b)


@given(numbers)
def test_places_change_nothing_in_the_shares(written: list[int]) -> None:
    places = competition_places(numbers=written)
    assert borda_shares(places=places) == pytest.approx(borda_shares(places=written))
    assert competition_places(numbers=places) == places


@given(numbers)
def test_the_reversed_order_has_the_complement(written: list[int]) -> None:
    turned = [7 - number for number in written]
    assert borda_shares(places=turned) == pytest.approx(1 - borda_shares(places=written))


def test_expected_values_as_text() -> None:
    assert parse_expected("helpful = 2; fair=1.5\n\nopen =-1 ") == {
        "helpful": 2.0, "fair": 1.5, "open": -1.0,
    }  # fmt: skip
    assert parse_expected("  ") == {}


@pytest.mark.parametrize("text", ["helpful", "helpful = two", "= 2", "helpful = nan", "a=1;a=2"])
def test_expected_values_that_make_no_sense(text: str) -> None:
    with pytest.raises(ValueError, match=r"criterion with a value|stands twice"):
        parse_expected(text)
