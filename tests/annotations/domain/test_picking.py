"""Picks with a known chance: what they promise, and that they keep it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.domain.picking import EXPLORED, pick

WORTH = [0.1, 0.7, 0.3, 0.7]


def test_the_most_worth_is_picked_but_for_the_share_of_chance() -> None:
    picks = [pick(WORTH, seed=str(number)) for number in range(4000)]
    share = sum(own.is_explored for own in picks) / len(picks)
    assert share == pytest.approx(EXPLORED, abs=0.02)
    for place, rank in ((0, 4), (1, 1), (2, 3), (3, 2)):
        mine = [own for own in picks if own.place == place]
        assert {own.rank for own in mine} == {rank}
        [propensity] = {own.propensity for own in mine}
        assert len(mine) / len(picks) == pytest.approx(propensity, abs=0.02)
    # Weighted by the inverse of the chance, the mean of all candidates comes out.
    weighted = sum(WORTH[own.place] / own.propensity for own in picks) / len(picks) / len(WORTH)
    assert weighted == pytest.approx(sum(WORTH) / len(WORTH), rel=0.1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.text(max_size=5), st.floats(0, 1))
def test_propensities_are_chances(worth: list[float], seed: str, explored: float) -> None:
    chosen = pick(worth, seed=seed, explored=explored)
    assert chosen == pick(worth, seed=seed, explored=explored)
    assert 0 < chosen.propensity <= 1
    assert chosen.is_explored or chosen.rank == 1
    count = len(worth)
    rest = (count - 1) * explored / count
    assert rest + (explored / count + 1 - explored) == pytest.approx(1)


@pytest.mark.parametrize(("worth", "explored"), [([], 0.2), ([1.0], -0.1), ([1.0], 1.1)])
def test_what_cannot_be_picked(worth: list[float], explored: float) -> None:
    with pytest.raises(ValueError, match="candidates"):
        pick(worth, seed="", explored=explored)
