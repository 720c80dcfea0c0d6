"""A jury's welfare of guesses: by hand, by axiom, and what is refused."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.domain.verdicts import InvalidJury, JurySpecification, draw_juries, seat_kind, verdicts
from juries.domain.welfare import InvalidUtilities
from models_runner.domain.jury_reward import DRAWS, JuryRule, jury_reward

TRAITS = {"side": ("left", "left", "right", "right")}
MEANS = np.array([[0.2, 0.5], [0.4, 0.5], [0.8, 0.5], [1.0, 0.5]])
SURE = np.zeros_like(MEANS)


def test_sure_guesses_give_the_plain_welfare() -> None:
    found = jury_reward(MEANS, SURE, traits=TRAITS, rule=JuryRule(0.0))
    np.testing.assert_allclose(found.welfare, [0.6, 0.5])
    for drawn in (found.expected, found.lower, found.upper):
        np.testing.assert_allclose(drawn, found.welfare)
    assert [(own.group, own.jurors, own.means.tolist()) for own in found.groups] == [
        ("left", 2, pytest.approx([0.3, 0.5])),
        ("right", 2, pytest.approx([0.9, 0.5])),
    ]
    worst = jury_reward(MEANS, SURE, traits=TRAITS, rule=JuryRule(inf))
    np.testing.assert_allclose(worst.welfare, [0.2, 0.5])
    above = jury_reward(MEANS, SURE, traits=TRAITS, rule=JuryRule(None, 0.5))
    np.testing.assert_allclose(above.welfare, [0.5, 0.0])  # strictly above


def test_doubt_widens_and_costs_where_the_worst_off_count() -> None:
    unsure = np.full_like(MEANS, 0.1)
    mean = jury_reward(MEANS, unsure, traits=TRAITS, rule=JuryRule(0.0))
    assert (mean.lower < mean.welfare).all()
    assert (mean.upper > mean.welfare).all()
    # Four independent guesses: the mean's deviation is 0.05, its central 90 % about 0.165 wide.
    assert mean.upper[1] - mean.lower[1] == pytest.approx(2 * 1.645 * 0.05, rel=0.2)
    worst = jury_reward(MEANS, unsure, traits=TRAITS, rule=JuryRule(inf))
    assert worst.expected[1] < worst.welfare[1] - 0.05


def test_juries_of_seats_hear_those_who_sit() -> None:
    left = JurySpecification(((seat_kind({"side": "left"}), 2),))
    found = jury_reward(MEANS, SURE, traits=TRAITS, rule=JuryRule(0.0), seats=left)
    np.testing.assert_allclose(found.welfare, [0.3, 0.5])
    assert (found.lower == found.upper).all(), "there is one such jury only"
    both = JurySpecification(((seat_kind({"side": "left"}), 1), (seat_kind({"side": "right"}), 1)))
    found = jury_reward(MEANS, SURE, traits=TRAITS, rule=JuryRule(0.0), seats=both, seed=3)
    people = [{"side": side} for side in TRAITS["side"]]
    told = verdicts(MEANS, traits=people, specification=both, seed=3)
    np.testing.assert_allclose(found.welfare, told.median)
    np.testing.assert_allclose([found.lower, found.upper], [told.lower, told.upper])
    up = JurySpecification(((seat_kind({"side": "up"}), 1),))
    with pytest.raises(InvalidJury, match="side: up"):
        jury_reward(MEANS, SURE, traits=TRAITS, rule=JuryRule(0.0), seats=up)


def test_each_jury_hears_its_own_members_draws() -> None:
    # One sure juror a side: whoever is unsure and not seated must leave no trace.
    deviations = np.array([[0.0], [0.3], [0.0], [0.3]])
    means = MEANS[:, :1]
    traits = {"side": ("a", "b", "a", "b")}
    seats = JurySpecification(((seat_kind({"side": "a"}), 2),))
    found = jury_reward(means, deviations, traits=traits, rule=JuryRule(0.0), seats=seats)
    assert found.lower[0] == found.upper[0] == pytest.approx(0.5)


def test_one_item_is_scored_as_among_others() -> None:
    rng = np.random.default_rng(0)
    means, deviations = rng.uniform(0.1, 0.9, (4, 30)), rng.uniform(0, 0.2, (4, 30))
    for seats in (None, JurySpecification(((seat_kind({}), 2),))):
        whole = jury_reward(means, deviations, traits=TRAITS, rule=JuryRule(1.0), seats=seats)
        for item in (0, 17):
            part = np.s_[:, item : item + 1]
            alone = jury_reward(
                means[part], deviations[part], traits=TRAITS, rule=JuryRule(1.0), seats=seats
            )
            np.testing.assert_allclose(alone.lower[0], whole.lower[item])
            np.testing.assert_allclose(alone.welfare[0], whole.welfare[item])


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=8), st.floats(0, 40))
def test_welfare_lies_within_the_jury(values: list[float], alpha: float) -> None:
    means = np.array(values)[:, None]
    traits = {"t": tuple(str(place % 2) for place in range(len(values)))}
    found = jury_reward(means, means * 0.1, traits=traits, rule=JuryRule(alpha))
    assert min(values) - 1e-9 <= found.welfare[0] <= max(values) + 1e-9
    assert 0.01 - 1e-9 <= found.lower[0] <= found.expected[0] + 1e-9
    assert found.expected[0] <= found.upper[0] + 1 / DRAWS + 0.2
    assert found.upper[0] <= 1 + 1e-9


def test_draws_are_those_of_verdicts() -> None:
    people = [{"side": side} for side in TRAITS["side"]]
    anyone = JurySpecification(((seat_kind({}), 3),))
    seated = draw_juries(traits=people, specification=anyone, seed=5, juries=20)
    assert seated.shape == (20, 3)
    assert all(len(set(row)) == 3 for row in seated.tolist())
    told = verdicts(MEANS, traits=people, specification=anyone, seed=5, juries=20)
    np.testing.assert_allclose(MEANS[seated].mean(axis=1), told.outcomes)


@pytest.mark.parametrize(
    ("means", "deviations", "words"),
    [
        (MEANS, SURE[:2], "shapes"),
        (MEANS[:0], SURE[:0], "at least one juror"),
        (MEANS - 0.5, SURE, "juror 1, item 1"),
        (MEANS, SURE - 1, "deviation -1"),
        (MEANS * np.nan, SURE, "mean nan"),
    ],
)
def test_bad_guesses_are_refused(means: np.ndarray, deviations: np.ndarray, words: str) -> None:
    with pytest.raises(InvalidUtilities, match=words):
        jury_reward(means, deviations, traits=TRAITS, rule=JuryRule(0.0))


def test_bad_rules_are_refused() -> None:
    for alpha in (-1.0, float("nan")):
        with pytest.raises(InvalidUtilities, match="Alpha"):
            JuryRule(alpha)
    with pytest.raises(InvalidUtilities, match="threshold"):
        JuryRule(None, 2)
