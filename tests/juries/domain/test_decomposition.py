"""Expected seats as lotteries over panels: reached, out of reach, cut short."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from juries.domain.candidates import CandidateProfile
from juries.domain.decomposition import GOOD_ENOUGH, Mixture, Outcome, decompose, pricers_of
from juries.domain.leximin import LeximinProgramme
from juries.domain.panel_solver import PanelSolver
from juries.domain.panel_space import PanelSpace, build_panel_space
from juries.domain.quotas import Quota
from juries.domain.region import inside, outside


def space_of(people: int, size: int) -> PanelSpace:
    """Everybody a kind of her own."""
    candidates = [CandidateProfile(f"p{i}", (("name", f"n{i}"),)) for i in range(people)]
    quotas = [Quota((("name", f"n{i}"),), 0, 1) for i in range(people)]
    return build_panel_space(candidates=candidates, quotas=quotas, size=size)


def nearest(space: PanelSpace, target: list[float] | NDArray[np.float64]) -> Mixture:
    solver = PanelSolver(space=space, time_left=lambda: inf)
    first = solver.best(np.zeros(len(space.kinds))).counts
    assert first is not None
    return decompose(
        target=np.asarray(target, dtype=float),
        start=first,
        quick=pricers_of([solver]),
        solver=solver,
        keep_on=lambda _panels, _seats: True,
    )


def test_even_seats_are_reached() -> None:
    found = nearest(space_of(4, 2), [0.5] * 4)
    assert found.outcome is Outcome.REACHED
    assert found.deviation <= 1e-9
    assert found.weights @ found.panels == pytest.approx([0.5] * 4, abs=1e-9)


def test_the_nearest_lottery_comes_with_the_proof_that_none_is_nearer() -> None:
    # Nobody has two seats: the nearest point gives one of them to the others evenly.
    found = nearest(space_of(4, 2), [2.0, 0.0, 0.0, 0.0])
    assert found.outcome is Outcome.APART
    assert found.seats == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3], abs=1e-6)
    assert found.deviation == pytest.approx(1.0, abs=1e-6)


def test_stopped_early_it_is_still_a_lottery() -> None:
    space = space_of(6, 3)
    solver = PanelSolver(space=space, time_left=lambda: inf)
    first = solver.best(np.zeros(6)).counts
    assert first is not None
    found = decompose(
        target=np.array([0.9, 0.8, 0.6, 0.4, 0.2, 0.1]),
        start=first,
        quick=pricers_of([solver]),
        solver=solver,
        keep_on=lambda panels, _seats: panels < 2,
    )
    assert found.outcome is Outcome.OUT_OF_TIME
    assert found.weights.sum() == pytest.approx(1.0)
    assert found.weights @ found.panels == pytest.approx(found.seats)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_mixture_of_panels_is_found_again(data: st.DataObject) -> None:
    people = data.draw(st.integers(3, 9))
    size = data.draw(st.integers(1, people - 1))
    orders = st.permutations(range(people))
    parts = data.draw(st.lists(st.tuples(orders, st.integers(1, 9)), min_size=1, max_size=12))
    target = np.zeros(people)
    for order, share in parts:
        target[list(order[:size])] += share
    target /= sum(share for _, share in parts)
    found = nearest(space_of(people, size), target)
    assert found.outcome is Outcome.REACHED
    assert found.deviation <= GOOD_ENOUGH
    assert np.abs(found.weights @ found.panels - target).max() <= GOOD_ENOUGH
    assert (found.weights >= 0).all()
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-12)
    # Affinely independent panels are never more than the dimension allows.
    assert len(found.panels) <= people


def test_leximin_levels_by_hand_from_outside_and_inside() -> None:
    # One place for the one who is old, who then always sits; three young share the other.
    candidates = [CandidateProfile("old", (("age", "old"),))]
    candidates += [CandidateProfile(f"y{i}", (("age", "young"),)) for i in range(3)]
    quotas = [Quota((("age", "old"),), 1, 1), Quota((("age", "young"),), 1, 1)]
    space = build_panel_space(candidates=candidates, quotas=quotas, size=2)
    counted = np.ones(2, dtype=np.bool_)
    sizes = space.sizes.astype(float)
    from_outside = LeximinProgramme(
        outside(space=space, counted=counted), counted=counted, sizes=sizes
    ).run()
    assert from_outside is not None
    assert from_outside.chances == pytest.approx([1.0, 1 / 3])
    assert from_outside.smallest == pytest.approx(1 / 3)
    assert from_outside.levels == 2
    assert from_outside.complete
    from_inside = LeximinProgramme(inside(np.array([[1, 1]])), counted=counted, sizes=sizes).run()
    assert from_inside is not None
    assert from_inside.chances == pytest.approx(from_outside.chances)
    assert from_inside.point.weights == pytest.approx([1.0])
