"""Several objectives: ranges, the front, named functions and where their rankings disagree."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models_runner.domain.objectives.commensuration import (
    Linear,
    UnknownFunction,
    Weights,
    commensurating_function,
)
from models_runner.domain.objectives.pareto import (
    front_probabilities,
    on_front,
    pareto_front,
    pareto_improvements,
)
from models_runner.domain.objectives.ranking import compare_rankings
from models_runner.domain.objectives.table import (
    Direction,
    InvalidObjectives,
    Objective,
    ObjectiveTable,
    OutsideRange,
)

QUICK = settings(max_examples=60, deadline=None)
FREEDOM = Objective("freedom", Direction.HIGHER, 0, 1)
HARM = Objective("harm", Direction.LOWER, 10, 0)
some_values = arrays(
    np.float64,
    st.tuples(st.integers(1, 7), st.integers(1, 3)),
    elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
)


def table(
    *rows: tuple[float, ...], objectives: tuple[Objective, ...] = (FREEDOM, HARM)
) -> ObjectiveTable:
    return ObjectiveTable(
        models=tuple("ABCDEFGHIJ"[: len(rows)]), objectives=objectives, values=np.array(rows, float)
    )


class TestTable:
    def test_normalised_by_the_declared_range(self) -> None:
        assert table((0.5, 2.5), (1, 10)).normalised().tolist() == [[0.5, 0.75], [1, 0]]

    def test_a_value_outside_names_model_objective_and_value(self) -> None:
        with pytest.raises(
            OutsideRange, match=r"'B' has 11 for 'harm', outside .*worst 10 to best 0"
        ):
            table((0.5, 2.5), (1, 11)).normalised()

    def test_without_a_range_nothing_is_joined(self) -> None:
        bare = table((1.0,), objectives=(Objective("x"),))
        with pytest.raises(InvalidObjectives, match="'x' has no declared range"):
            bare.normalised()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("x", Direction.HIGHER, 1, 0), "turn the range round"),
            (("x", Direction.LOWER, 0, 1), "turn the range round"),
            (("x", Direction.HIGHER, 1, 1), "no range"),
            (("x", Direction.HIGHER, 0, inf), "no range"),
            (("x", Direction.HIGHER, 0, None), "or neither"),
            (("", Direction.HIGHER, 0, 1), "needs a name"),
        ],
    )
    def test_ranges_that_contradict_themselves_are_refused(
        self, arguments: tuple[str, Direction, float, float], words: str
    ) -> None:
        with pytest.raises(InvalidObjectives, match=words):
            Objective(*arguments)

    def test_missing_values_and_repeated_names_are_refused(self) -> None:
        with pytest.raises(InvalidObjectives, match="'A' has nan for 'harm'"):
            table((0.5, float("nan")))
        with pytest.raises(InvalidObjectives, match="Objective 'freedom' stands more than once"):
            table((1, 1), objectives=(FREEDOM, FREEDOM))
        with pytest.raises(InvalidObjectives, match="at least one of each"):
            ObjectiveTable(models=(), objectives=(FREEDOM,), values=np.zeros((0, 1)))


class TestFront:
    def test_by_hand_with_directions(self) -> None:
        found = pareto_front(table((0.9, 5), (0.5, 1), (0.5, 2), (0.9, 5), (0.4, 9)))
        assert found.front == ("A", "B", "D")  # equal vectors are both on it
        assert found.improving_on("C") == ("B",)
        assert found.improving_on("E") == ("A", "B", "C", "D")

    def test_one_model_is_its_own_front(self) -> None:
        assert pareto_front(table((0, 10))).front == ("A",)

    @given(some_values)
    @QUICK
    def test_laws(self, values: np.ndarray) -> None:
        better = pareto_improvements(values)
        assert not np.diag(better).any()
        assert not (better & better.T).any()
        twice = (better.astype(int) @ better.astype(int)) > 0
        assert not (twice & ~better).any()  # what improves on an improvement improves
        front = on_front(values)
        assert front.any()
        # each model off the front is improved on by one on it
        assert better[front][:, ~front].any(axis=0).all()
        by_hand = [not any((w >= v).all() and (w > v).any() for w in values) for v in values]
        assert front.tolist() == by_hand

    @given(some_values)
    @QUICK
    def test_monotone_maps_and_order_change_nothing(self, values: np.ndarray) -> None:
        front = on_front(values)
        assert (on_front(np.exp(3 * values) - 7) == front).all()
        assert (on_front(values[::-1]) == front[::-1]).all()
        assert (on_front(values[:, ::-1]) == front).all()

    def test_missing_values_are_refused(self) -> None:
        with pytest.raises(InvalidObjectives, match="missing"):
            on_front([[1, float("nan")]])
        with pytest.raises(InvalidObjectives, match="shape"):
            on_front([1.0, 2.0])


class TestFrontProbabilities:
    def test_counts_of_replicates(self) -> None:
        base = table((0.5, 5), (0.5, 4))
        replicates = np.array(
            [[(0.5, 5), (0.5, 4)], [(0.6, 5), (0.5, 4)], [(0.5, 3), (0.5, 4)]] * 10
        )
        first, second = front_probabilities(table=base, replicates=replicates)
        assert first.value == pytest.approx(2 / 3)
        assert second.value == pytest.approx(2 / 3)
        assert first.count == 30
        assert first.low is not None
        assert first.high is not None
        assert 0 < first.low < 2 / 3 < first.high < 1

    def test_other_shapes_are_refused(self) -> None:
        for shape in ((0, 2, 2), (3, 2, 1), (2, 2)):
            with pytest.raises(InvalidObjectives, match="Replicates"):
                front_probabilities(table=table((0, 0), (1, 1)), replicates=np.zeros(shape))


NAMES = ("freedom", "security")
VALUES = np.array([[0.9, 0.1], [0.5, 0.6], [0.16, 1.0]])


class TestFunctions:
    @pytest.mark.parametrize(
        ("text", "label", "expected"),
        [
            ("linear", "linear (equal weights)", [0.5, 0.55, 0.58]),
            (
                "linear:freedom=.2,security=.8",
                "linear (freedom 0.2, security 0.8)",
                [0.26, 0.58, 0.832],
            ),
            ("linear:freedom=3", "linear (freedom 1)", [0.9, 0.5, 0.16]),
            ("single:security", "security alone", [0.1, 0.6, 1.0]),
            ("minimum", "minimum", [0.1, 0.5, 0.16]),
            ("geometric", "geometric", [0.3, np.sqrt(0.3), 0.4]),
            ("alpha:0", "alpha 0", [0.5, 0.55, 0.58]),
            ("alpha:2", "alpha 2", [0.18, 2 / (1 / 0.5 + 1 / 0.6), 0.32 / 1.16]),
            ("alpha:inf", "minimum", [0.1, 0.5, 0.16]),
            (
                "alpha:0;freedom=1,security=4",
                "alpha 0 (freedom 0.2, security 0.8)",
                [0.26, 0.58, 0.832],
            ),
            ("minimum:security=1", "minimum (security 1)", [0.1, 0.6, 1.0]),
        ],
    )
    def test_each_by_hand(self, text: str, label: str, expected: list[float]) -> None:
        function = commensurating_function(text, names=NAMES)
        assert function.label == label
        assert function(VALUES) == pytest.approx(np.array(expected))

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("average", "linear or linear:freedom"),
            ("alpha:much", "is no number"),
            ("alpha:-1", "Alpha is -1"),
            ("single:wealth", "no objective 'wealth'; there are: freedom, security"),
            ("linear:wealth=1", "no objective 'wealth'"),
            ("linear:freedom", "NAME=NUMBER"),
            ("linear:freedom=x", "NAME=NUMBER"),
            ("linear:freedom=1,freedom=2", "stands twice"),
            ("linear:freedom=-1,security=2", "at least 0"),
            ("linear:freedom=0", "one more than 0"),
        ],
    )
    def test_what_is_no_function_is_refused(self, text: str, words: str) -> None:
        with pytest.raises(InvalidObjectives, match=words):
            commensurating_function(text, names=NAMES)

    def test_without_objectives_nothing_is_joined(self) -> None:
        with pytest.raises(InvalidObjectives, match="no objectives to join"):
            commensurating_function("linear", names=())

    def test_unknown_kinds_list_the_known(self) -> None:
        with pytest.raises(UnknownFunction, match="geometric"):
            commensurating_function("nonsense", names=NAMES)

    def test_only_normalised_objectives_are_joined(self) -> None:
        linear = Linear(Weights.of(NAMES))
        with pytest.raises(InvalidObjectives, match="0 to 1"):
            linear([[2, 0]])
        with pytest.raises(InvalidObjectives, match="shape"):
            linear([[0.5]])

    @given(some_values)
    @QUICK
    def test_improvements_never_score_less(self, values: np.ndarray) -> None:
        names = tuple("abc"[: values.shape[1]])
        better = pareto_improvements(values)
        for text in ("linear", "minimum", "geometric", "alpha:0.5", "alpha:3"):
            scores = commensurating_function(text, names=names)(values)
            assert ((scores >= 0) & (scores <= 1 + 1e-12)).all()
            one, other = np.nonzero(better)
            assert (scores[one] >= scores[other] - 1e-12).all()


class TestRankings:
    def test_side_by_side(self) -> None:
        found = compare_rankings(
            table=table((0.9, 9), (0.5, 4), (0.2, 0)),
            functions=[
                commensurating_function(text, names=("freedom", "harm"))
                for text in ("linear", "minimum", "single:freedom")
            ],
        )
        assert found.scores.tolist() == pytest.approx(
            np.array([[0.5, 0.55, 0.6], [0.1, 0.5, 0.2], [0.9, 0.5, 0.2]])
        )
        assert found.ranks.tolist() == [[3, 2, 1], [3, 1, 2], [1, 2, 3]]
        assert found.leaders("minimum") == ("B",)
        pairs = {(d.one, d.other): d.prefer_one for d in found.disagreements}
        assert pairs == {
            ("A", "B"): ("freedom alone",),
            ("A", "C"): ("freedom alone",),
            ("B", "C"): ("minimum", "freedom alone"),
        }
        assert found.agreement[0][2].value == -1
        assert found.agreement[0][0].value == 1

    def test_ties_share_a_rank_and_are_no_disagreement(self) -> None:
        found = compare_rankings(
            table=table((0.1 + 0.2, 7), (0.3, 7)),
            functions=[
                commensurating_function(t, names=("freedom", "harm")) for t in ("linear", "minimum")
            ],
        )
        assert found.ranks.tolist() == [[1, 1], [1, 1]]
        assert found.disagreements == ()
        assert "all models equal" in found.agreement[0][1].reason

    def test_no_functions_or_the_same_twice(self) -> None:
        for texts in ([], ["minimum", "alpha:inf"]):
            with pytest.raises(InvalidObjectives, match="at least one, each once"):
                compare_rankings(
                    table=table((0, 0)),
                    functions=[
                        commensurating_function(t, names=("freedom", "harm")) for t in texts
                    ],
                )
