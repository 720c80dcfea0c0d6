"""Failure modes: worked by hand, and leaving jurors out one by one."""

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.failure_modes import failure_modes, influence, left_below
from juries.domain.welfare import (
    GroupMeans,
    InvalidUtilities,
    MissingUtilities,
    own_range,
    power_welfare,
)

# Three of group x love a; both of group y are left behind by it, and not by b.
TABLE = [[1.0, 0.6], [1.0, 0.6], [1.0, 0.6], [0.1, 0.5], [0.2, 0.6]]
GROUPS = ["x", "x", "x", "y", "y"]


def test_tyranny_of_the_majority() -> None:
    found = failure_modes(TABLE, responses="ab", alpha=0, threshold=0.4, groups=GROUPS)
    assert found.winners == ("a",)
    assert found.worst is not None
    assert found.worst.groups == ("y", "y")
    assert found.worst.means == pytest.approx([0.15, 0.55])
    (left,) = found.left_below
    assert (left.group, left.winner) == ("y", "a")
    assert left.mean == pytest.approx(0.15)
    ((name, mean),) = left.others
    assert name == "b"
    assert mean == pytest.approx(0.55)
    fair = failure_modes(TABLE, responses="ab", alpha=4, threshold=0.4, groups=GROUPS)
    assert fair.winners == ("b",)
    assert fair.left_below == ()
    plain = failure_modes(TABLE, responses="ab", alpha=0, threshold=0.4)
    assert (plain.groups, plain.worst, plain.left_below) == (None, None, ())


def test_a_group_that_every_response_leaves_behind_is_not_blamed_on_the_winner() -> None:
    means = GroupMeans(("x", "y"), np.array([[0.9, 0.8], [0.1, 0.2]]))
    assert left_below(means, responses="ab", winners="a", threshold=0.4) == ()
    silent = GroupMeans(("x",), np.array([[nan, 0.8]]))
    assert left_below(silent, responses="ab", winners="a", threshold=0.4) == ()


def test_a_fanatic_tips_the_minimum() -> None:
    table = [[0.9, 0.5], [0.8, 0.5], [0.01, 0.5]]
    found = influence(table, responses="ab", alpha=inf)
    assert found.winners == ("b",)
    assert found.jurors == (2, 0)
    assert found.largest == pytest.approx([0.79, 0])
    (tip,) = found.tipping
    assert (tip.juror, tip.winners) == (2, ("a",))


def test_own_range_weighs_ends_and_middle_alike() -> None:
    """Juror 0 uses the whole scale, the others a corner of it, the other way round."""
    table = [[1.0, 0.01], [0.5, 0.55], [0.5, 0.55]]
    found = failure_modes(table, responses="ab", alpha=0, threshold=0.2)
    assert found.winners == ("a",)
    assert [tip.juror for tip in found.influence.tipping] == [0]
    assert found.in_own_range.winners == ("b",)
    assert found.in_own_range.tipping != found.influence.tipping
    assert own_range(table).tolist() == [[1, 0], [0, 1], [0, 1]]
    level = own_range([[0.3, 0.3, nan], [0.2, nan, 0.4]], epsilon=0.5)
    assert np.isnan(level[0]).all()
    assert level[1].tolist() == pytest.approx([0.5, nan, 1.0], nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(
    table=st.lists(
        st.lists(st.sampled_from([0.0, 0.01, 0.3, 0.5, 1.0, nan]), min_size=2, max_size=2),
        min_size=2,
        max_size=6,
    ),
    alpha=st.sampled_from([0.0, 0.5, 1.0, 4.0, inf]),
    weights=st.lists(st.integers(0, 3), min_size=6, max_size=6),
)
def test_influence_by_leaving_out(
    table: list[list[float]], alpha: float, weights: list[int]
) -> None:
    values, mass = np.array(table), np.array(weights[: len(table)], dtype=float)
    if mass.sum() == 0:
        mass += 1
    options = {"alpha": alpha, "skip_missing": True}
    found = influence(values, responses="ab", weights=mass, **options)  # type: ignore[arg-type]  # mixed options
    whole = power_welfare(values, weights=mass, **options)  # type: ignore[arg-type]  # as above
    for juror in range(len(values)):
        rest = np.delete(mass, juror)
        for response in range(2):
            if np.isnan(values[juror, response]) or mass[juror] == 0 or rest.sum() == 0:
                continue
            others = np.delete(values, juror, axis=0)[:, [response]]
            without = power_welfare(others, weights=rest, **options)  # type: ignore[arg-type]  # as above
            change = found.changes[juror, response]
            assert change == pytest.approx(
                float(without[0] - whole[response]), abs=1e-9, nan_ok=True
            )
    assert (np.nan_to_num(np.abs(found.largest)) >= np.nan_to_num(np.abs(found.changes))).all()


def test_a_single_juror_has_nobody_to_leave() -> None:
    for alpha in (0, inf):
        found = influence([[0.5, 0.6]], responses="ab", alpha=alpha)
        assert np.isnan(found.largest).all()
        assert found.jurors == (-1, -1)
        assert found.tipping == ()


def test_refusals() -> None:
    with pytest.raises(InvalidUtilities, match="3 names"):
        influence(TABLE, responses="abc", alpha=0)
    with pytest.raises(MissingUtilities):
        failure_modes([[0.5, nan]], responses="ab", alpha=0, threshold=0.4)
    with pytest.raises(InvalidUtilities, match="1 groups"):
        failure_modes(TABLE, responses="ab", alpha=0, threshold=0.4, groups=["x"])
