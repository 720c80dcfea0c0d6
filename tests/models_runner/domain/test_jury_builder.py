"""Juries built by seats: kinds, shares, verdicts by response and by source."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.domain.verdicts import JurySpecification, SeatUnfilled, seat_kind, verdicts
from models_runner.domain.jury_builder import (
    in_proportion,
    jury_verdicts,
    kinds_present,
    source_verdicts,
)

WOMAN, MAN = seat_kind({"gender": "woman"}), seat_kind({"gender": "man"})
TRAITS = [{"gender": "woman", "age": "old"}, {"gender": "man", "age": "old"}] * 3
NOTHING = np.zeros((6, 3), dtype=bool)


def test_kinds_are_those_that_somebody_has() -> None:
    assert kinds_present(TRAITS, features=("gender",)) == [(MAN, 3), (WOMAN, 3)]
    (anyone,) = kinds_present(TRAITS, features=())
    assert (anyone[0].label, anyone[1]) == ("anyone", 6)


def test_seats_in_proportion_by_hand() -> None:
    assert in_proportion([(MAN, 2), (WOMAN, 5)], seats=4) == {MAN: 1, WOMAN: 3}
    assert in_proportion([(MAN, 2), (WOMAN, 5)], seats=12) == {MAN: 2, WOMAN: 5}


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 40))
def test_seats_in_proportion_never_ask_for_more_than_there_are(
    sizes: list[int], seats: int
) -> None:
    kinds = [(seat_kind({"k": str(place)}), number) for place, number in enumerate(sizes)]
    shared = in_proportion(kinds, seats=seats)
    assert sum(shared.values()) == min(seats, sum(sizes))
    assert all(0 <= shared[kind] <= number for kind, number in kinds)


def test_verdicts_are_those_of_the_domain_and_gaps_keep_their_reason() -> None:
    ratings = np.array([[1.0, 5, np.nan], [3, 4, 2]] * 3)
    ratings[0, 0] = np.nan
    two = JurySpecification(((WOMAN, 1), (MAN, 2)))
    told = jury_verdicts(
        ratings, traits=TRAITS, specification=two, seed=3, guessed=NOTHING, threshold=3
    )
    direct = verdicts(ratings[:, :2], traits=TRAITS, specification=two, seed=3, threshold=3)
    assert told.median[:2] == pytest.approx(direct.median)
    assert told.outcomes[:, :2] == pytest.approx(direct.outcomes)
    assert told.chance[:2] == pytest.approx(direct.chance)
    assert np.isnan(told.median[2])
    assert told.reasons[:2] == ("", "")
    assert "'gender: woman'" in told.reasons[2]
    assert "item" not in told.reasons[2]
    by = source_verdicts(told, item_sources=("a", "b", "a"), threshold=3)
    assert by.items == (1, 1)
    assert by.median == pytest.approx([told.median[0], told.median[1]])
    assert by.chance == pytest.approx([told.chance[0], 1.0])


def test_a_source_is_the_mean_over_its_responses_jury_by_jury() -> None:
    ratings = np.random.default_rng(0).integers(1, 6, (6, 3)).astype(float)
    one = JurySpecification(((WOMAN, 2),))
    told = jury_verdicts(
        ratings, traits=TRAITS, specification=one, seed=0, guessed=~NOTHING, threshold=3
    )
    by = source_verdicts(told, item_sources=("a", "a", "b"), threshold=3)
    assert by.outcomes[:, 0] == pytest.approx(told.outcomes[:, :2].mean(axis=1))
    assert by.median[0] == pytest.approx(np.median(told.outcomes[:, :2].mean(axis=1)))
    assert by.predicted == pytest.approx([1, 1])


def test_a_seat_that_nobody_can_take_is_named() -> None:
    robots = JurySpecification(((seat_kind({"gender": "robot"}), 1),))
    with pytest.raises(SeatUnfilled, match="gender: robot") as caught:
        jury_verdicts(
            np.ones((6, 3)), traits=TRAITS, specification=robots, seed=0, guessed=NOTHING,
            threshold=3,
        )  # fmt: skip
    assert "item" not in str(caught.value)
