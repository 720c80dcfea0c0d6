"""Steering between trade-offs, and volumes: published numbers, an oracle, laws."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models_runner.domain.objectives.commensuration import commensurating_function
from models_runner.domain.objectives.table import Direction
from models_runner.domain.tradeoff.hypervolume import (
    HypervolumeTooLarge,
    InvalidHypervolume,
    hypervolume,
)
from models_runner.domain.tradeoff.matrix import InvalidTradeoff, tradeoff, tradeoff_matrix

QUICK = settings(max_examples=60, deadline=None)
clouds = st.integers(1, 5).flatmap(
    lambda d: arrays(
        np.float64,
        st.tuples(st.integers(1, 6), st.just(d)),
        elements=st.sampled_from([-0.5, 0.0, 0.1, 0.3, 0.5, 0.8, 1.0]),
    )
)


def volume(points: object, reference: float = 0.0) -> float:
    array = np.asarray(points, dtype=float)
    return hypervolume(points=array, reference=[reference] * array.shape[1]).value


def by_inclusion_and_exclusion(points: np.ndarray) -> float:
    """The union of boxes from 0, summed over all subsets."""
    boxes = np.maximum(points, 0)
    return float(
        sum(
            (-1) ** (size + 1) * np.prod(np.min(boxes[list(chosen)], axis=0))
            for size in range(1, len(boxes) + 1)
            for chosen in combinations(range(len(boxes)), size)
        )
    )


class TestMatrix:
    def test_by_hand(self) -> None:
        found = tradeoff(
            functions=("free", "safe"),
            matrix=[[0.8, 0.9], [0.3, 0.7]],
            static_models=("plain", "mild"),
            static=[[0.5, 0.6], [0.5, 0.5]],
        )
        assert found.satisfied.tolist() == [False, True]
        assert not found.steerable
        assert found.satisfied_share == 0.5
        assert found.score == pytest.approx(1.5)
        assert found.regrets == pytest.approx([0.1, 0])
        assert found.regret == pytest.approx(0.1)
        assert found.best_fixed == "safe"
        assert found.fixed_score == pytest.approx(1.6)
        assert found.gain_over_fixed == pytest.approx(-0.1)
        assert found.best_static == "mild"
        assert found.static_score == pytest.approx(1.1)
        assert found.gain_over_static == pytest.approx(0.4)

    def test_a_model_that_cannot_be_steered_has_no_regret_and_no_gain(self) -> None:
        found = tradeoff(functions=("f", "g"), matrix=[[0.4, 0.4], [0.6, 0.6]])
        assert found.steerable
        assert found.regret == 0
        assert found.gain_over_fixed == 0
        assert found.best_static is None
        assert found.gain_over_static is None

    def test_from_objectives(self) -> None:
        names = ("freedom", "security")
        functions = [
            commensurating_function(text, names=names)
            for text in ("linear:freedom=.2,security=.8", "linear:freedom=.8,security=.2")
        ]
        matrix = tradeoff_matrix(normalised=[[0.2, 0.9], [0.9, 0.2]], functions=functions)
        assert matrix == pytest.approx(np.array([[0.76, 0.34], [0.34, 0.76]]))
        assert tradeoff(functions=[f.label for f in functions], matrix=matrix).steerable

    @pytest.mark.parametrize(
        ("functions", "matrix", "words"),
        [
            ((), np.zeros((0, 0)), "0 functions"),
            (("f",), [[1, 2]], r"\(1, 2\)"),
            (("f", "f"), [[1, 2], [3, 4]], "each once"),
            (("f", "g"), [[1, 2], [float("nan"), 4]], "row 'g', column 1, is nan"),
        ],
    )
    def test_what_is_no_matrix_is_refused(
        self, functions: tuple[str, ...], matrix: object, words: str
    ) -> None:
        with pytest.raises(InvalidTradeoff, match=words):
            tradeoff(functions=functions, matrix=matrix)  # type: ignore[arg-type]

    def test_static_models_need_values_and_names(self) -> None:
        with pytest.raises(InvalidTradeoff, match="static values"):
            tradeoff(functions=("f",), matrix=[[1]], static_models=("m",))
        with pytest.raises(InvalidTradeoff, match="each once"):
            tradeoff(functions=("f",), matrix=[[1]], static_models=("m", "m"), static=[[1, 2]])

    @given(arrays(np.float64, (3, 3), elements=st.floats(0, 1)))
    @QUICK
    def test_laws(self, matrix: np.ndarray) -> None:
        found = tradeoff(functions=("f", "g", "h"), matrix=matrix)
        assert (found.regrets >= 0).all()
        assert found.steerable == (found.satisfied_share == 1)
        assert not found.steerable or found.gain_over_fixed >= -1e-9
        assert found.score + found.regret == pytest.approx(matrix.max(axis=1).sum())


class TestHypervolume:
    def test_published_numbers(self) -> None:
        assert volume([(1, 3), (2, 2), (3, 1)]) == 6
        three = [(0.9, 0.1), (0.6, 0.6), (0.1, 0.9)]
        assert volume(three) == pytest.approx(0.42)
        assert volume([*three, (0.5, 0.5)]) == pytest.approx(0.42)
        assert volume(
            [(0.8, 0.2, 0.5), (0.5, 0.5, 0.5), (0.2, 0.8, 0.5), (0.6, 0.6, 0.1)]
        ) == pytest.approx(0.192)

    def test_directions_and_reference(self) -> None:
        found = hypervolume(
            points=[(1, 3), (3, 1), (9, 9)],
            reference=[4, 0],
            directions=[Direction.LOWER, Direction.HIGHER],
        )
        assert found.value == 9
        assert found.reference == (4, 0)
        assert found.counts.tolist() == [True, True, False]

    def test_nothing_beyond_the_reference_is_nothing(self) -> None:
        assert volume([(0, 1), (1, 0)]) == 0
        assert hypervolume(points=np.zeros((0, 2)), reference=[0, 0]).value == 0

    @given(clouds)
    @QUICK
    def test_inclusion_and_exclusion_agree(self, points: np.ndarray) -> None:
        assert volume(points) == pytest.approx(by_inclusion_and_exclusion(points), abs=1e-12)

    @given(clouds)
    @QUICK
    def test_laws(self, points: np.ndarray) -> None:
        whole = volume(points)
        assert whole >= 0
        assert volume(points[:-1] if len(points) > 1 else points) <= whole + 1e-12
        assert volume(points + 0.1) >= whole  # every point better
        assert volume(points[::-1, ::-1]) == pytest.approx(whole, abs=1e-12)
        assert volume(2 * points) == pytest.approx(2 ** points.shape[1] * whole, abs=1e-9)
        assert volume(np.vstack([points, points.min(axis=0)])) == pytest.approx(whole, abs=1e-12)

    def test_many_points_in_two_and_three_objectives(self) -> None:
        rng = np.random.default_rng(0)
        flat = np.abs(rng.normal(size=(3000, 2)))
        flat /= np.linalg.norm(flat, axis=1, keepdims=True)
        assert volume(flat) == pytest.approx(np.pi / 4, abs=1e-3)  # a quarter of a disc
        round_ones = np.abs(rng.normal(size=(600, 3)))
        round_ones /= np.linalg.norm(round_ones, axis=1, keepdims=True)
        assert volume(round_ones) == pytest.approx(np.pi / 6, abs=0.03)  # an eighth of a ball

    @pytest.mark.parametrize(
        ("points", "reference", "directions", "words"),
        [
            ([[1.0, 2.0]], [0.0], None, "shapes"),
            ([[1.0, float("nan")]], [0.0, 0.0], None, "finite"),
            ([[1.0, 2.0]], [0.0, 0.0], [Direction.LOWER], "1 directions for 2"),
        ],
    )
    def test_what_has_no_volume_is_refused(
        self,
        points: list[list[float]],
        reference: list[float],
        directions: list[Direction] | None,
        words: str,
    ) -> None:
        with pytest.raises(InvalidHypervolume, match=words):
            hypervolume(points=points, reference=reference, directions=directions)

    def test_too_large_is_refused_not_estimated(self) -> None:
        with pytest.raises(HypervolumeTooLarge, match="11 objectives"):
            volume(np.ones((1, 11)))
        rng = np.random.default_rng(0)
        sphere = np.abs(rng.normal(size=(401, 4)))
        with pytest.raises(HypervolumeTooLarge, match="401 points"):
            volume(sphere / np.linalg.norm(sphere, axis=1, keepdims=True))

    def test_moocore_agrees(self) -> None:
        oracle = pytest.importorskip("moocore", reason="the oracle moocore is not installed")
        rng = np.random.default_rng(1)
        for case in range(1000):
            objectives = 2 + case % 4
            points = rng.random((int(rng.integers(1, 25)), objectives))
            higher = rng.random(objectives) < 0.5
            reference = np.where(higher, 0.2, 0.8)
            found = hypervolume(
                points=points,
                reference=reference.tolist(),
                directions=[Direction.HIGHER if up else Direction.LOWER for up in higher],
            )
            assert found.value == pytest.approx(
                oracle.hypervolume(points, ref=reference, maximise=higher), rel=1e-9, abs=1e-12
            )
