"""The Pareto view: by hand, with gaps, and beside welfare."""

from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.pareto import pareto_view
from juries.domain.welfare import InvalidUtilities, power_welfare


def test_by_hand() -> None:
    found = pareto_view([[0.9, 0.2, 0.2, 0.9], [0.1, 0.8, 0.7, 0.1]], responses="abcd")
    assert found.front == ("a", "b", "d")
    assert found.dominated_by == ((), (), ("b",), ())


def test_gaps_count_for_neither_side() -> None:
    found = pareto_view([[0.9, nan, 0.1], [nan, 0.5, 0.4]], responses="abc")
    assert found.front == ("a", "b")
    assert found.dominated_by[2] == ("a", "b")


def test_refusal() -> None:
    with pytest.raises(InvalidUtilities, match="2 names"):
        pareto_view([[0.1]], responses="ab")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([0.1, 0.4, 0.7, 1.0]), min_size=4, max_size=4),
        min_size=1,
        max_size=5,
    ),
    st.floats(0, 8),
)
def test_some_best_response_by_welfare_is_on_the_front(
    table: list[list[float]], alpha: float
) -> None:
    found = pareto_view(table, responses="abcd")
    welfare = power_welfare(table, alpha=alpha)
    assert found.front
    best = {
        name
        for name, reached in zip("abcd", welfare, strict=True)
        if reached >= np.max(welfare) - 1e-12
    }
    assert best & set(found.front)
