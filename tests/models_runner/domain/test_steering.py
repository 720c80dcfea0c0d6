"""Steering: what may be steered to, how faithfully, stances, and flattening."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import balanced_accuracy_score, f1_score

from models_runner.domain.distributional.probabilities import InvalidDistribution
from models_runner.domain.steering.attributes import (
    Attribute,
    DeniedAttribute,
    InvalidAttribute,
    refuse_denied,
)
from models_runner.domain.steering.faithfulness import (
    Faithfulness,
    InvalidFaithfulness,
    measure_faithfulness,
)
from models_runner.domain.steering.flattening import measure_flattening
from models_runner.domain.steering.stances import (
    InvalidStances,
    Stance,
    refusal_rate,
    score_stances,
)

NAN = float("nan")
QUICK = settings(max_examples=40, deadline=None)


def faithfulness(steered: object, unsteered: object, names: str = "ab") -> Faithfulness:
    return measure_faithfulness(
        attributes=tuple(names),
        steered=np.asarray(steered, dtype=float),
        unsteered=np.asarray(unsteered, dtype=float),
        seed=0,
        bootstraps=100,
    )


class TestAttributes:
    def test_a_denied_attribute_is_refused_in_every_intersection(self) -> None:
        denied = {Attribute.of("Cruelty"): "it is a harm"}
        refuse_denied([Attribute.of("kindness")], denied=denied)
        with pytest.raises(DeniedAttribute, match="cruelty & youth: it is a harm") as caught:
            refuse_denied(
                [Attribute.of("kindness"), Attribute.of("Youth", "  CRUELTY ")], denied=denied
            )
        assert caught.value.denied == ((Attribute.of("youth", "cruelty"), "it is a harm"),)
        with pytest.raises(DeniedAttribute):
            refuse_denied([Attribute.of("Youth & cruelty")], denied=denied)

    def test_a_denied_intersection_leaves_its_parts_alone(self) -> None:
        denied = {Attribute.of("a", "b"): "too narrow"}
        refuse_denied([Attribute.of("a"), Attribute.of("b", "c")], denied=denied)
        with pytest.raises(DeniedAttribute):
            refuse_denied([Attribute.of("c", "b", "a")], denied=denied)

    def test_names_are_compared_plainly(self) -> None:
        assert Attribute.of("Ｏld  Age") == Attribute.of("old age")
        for names in ((), (" ",)):
            with pytest.raises(InvalidAttribute, match="needs a name"):
                Attribute.of(*names)


class TestFaithfulness:
    def test_by_hand(self) -> None:
        found = faithfulness(
            steered=[[[5, 4], [1, 4]], [[2, 1], [3, 3]]], unsteered=[[2, 2], [2, 4]]
        )
        a, b = found.by_attribute
        assert (a.faithfulness.value, a.gain.value, a.specificity.value) == (4.5, 2.5, 2)
        assert (b.faithfulness.value, b.gain.value, b.specificity.value) == (3, 0, 1.5)
        assert found.mean_gain.value == 1.25
        assert found.mean_specificity.value == 1.75
        assert found.confusion.tolist() == [[0.75, 0.25], [0, 1]]  # a tie is shared out
        assert found.argmax_accuracy.value == 0.875
        assert found.argmax_accuracy.low == 0.75  # item 2 alone
        assert found.argmax_accuracy.high == 1
        assert found.argmax_accuracy.count == 4
        assert found.judged.tolist() == [2, 2]

    def test_what_nobody_judged_is_left_out_or_has_its_reason(self) -> None:
        found = faithfulness(
            steered=[[[5, NAN], [1, 1]], [[NAN, NAN], [NAN, NAN]]], unsteered=[[2, 2], [2, 2]]
        )
        assert found.judged.tolist() == [1, 0]
        assert found.confusion[0].tolist() == [1, 0]
        assert np.isnan(found.confusion[1]).all()
        assert found.by_attribute[0].gain.value == 3
        assert found.by_attribute[1].gain.value is None
        assert "No response" in found.by_attribute[1].gain.reason
        assert found.mean_gain.value is None

    def test_one_attribute_has_no_specificity(self) -> None:
        found = faithfulness([[[1, 2]]], [[0, 0]], names="a")
        assert found.by_attribute[0].gain.value == 1.5
        assert "One attribute" in found.mean_specificity.reason
        assert found.argmax_accuracy.value is None

    @pytest.mark.parametrize(
        ("steered", "unsteered", "names", "words"),
        [
            (np.zeros((2, 2)), np.zeros((2, 1)), "ab", "Steered scores"),
            (np.zeros((2, 2, 3)), np.zeros((2, 2)), "ab", "Unsteered scores"),
            (np.zeros((2, 2, 3)), np.zeros((2, 3)), "aa", "name each once"),
            (np.full((1, 1, 1), np.inf), np.zeros((1, 1)), "a", "infinite"),
            (np.zeros((1, 1, 0)), np.zeros((1, 0)), "a", "at least one item"),
        ],
    )
    def test_what_does_not_fit_is_refused(
        self, steered: np.ndarray, unsteered: np.ndarray, names: str, words: str
    ) -> None:
        with pytest.raises(InvalidFaithfulness, match=words):
            faithfulness(steered, unsteered, names)

    @given(arrays(np.float64, (3, 3, 4), elements=st.sampled_from([0.0, 0.5, 1.0])))
    @QUICK
    def test_laws(self, scores: np.ndarray) -> None:
        found = faithfulness(scores, np.zeros((3, 4)), "abc")
        assert found.confusion.sum(axis=1) == pytest.approx(np.ones(3))
        assert found.argmax_accuracy.value == pytest.approx(np.trace(found.confusion) / 3)
        moved = faithfulness(scores + 7, np.full((3, 4), 7.0), "abc")
        assert moved.mean_gain.value == pytest.approx(found.mean_gain.value)
        assert moved.mean_specificity.value == pytest.approx(found.mean_specificity.value)


FOR, NOT, ANY = Stance.SUPPORT, Stance.OPPOSE, Stance.EITHER
stance_lists = st.lists(
    st.tuples(st.sampled_from([FOR, NOT, ANY]), st.sampled_from([FOR, NOT, ANY])),
    min_size=1,
    max_size=20,
)


class TestStances:
    def test_unparsed_is_wrong_and_no_class(self) -> None:
        found = score_stances(true=[FOR, FOR, NOT, NOT, ANY], given=[FOR, None, NOT, FOR, ANY])
        assert found.accuracy.value == pytest.approx(3 / 5)
        assert found.balanced_accuracy.value == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
        # F1: support 2/(2+2), oppose 2/(2+1), either 1
        assert found.macro_f1.value == pytest.approx((0.5 + 2 / 3 + 1) / 3)
        assert found.unparsed.value == 0.2
        assert dict(found.counts)[FOR] == ((FOR, 1), (NOT, 0), (ANY, 0), (None, 1))

    def test_a_class_that_is_never_true(self) -> None:
        found = score_stances(true=[FOR, FOR], given=[FOR, NOT])
        assert dict(found.recalls)[NOT].value is None
        assert found.balanced_accuracy.value == 0.5
        assert dict(found.f1)[NOT].value == 0
        assert dict(found.f1)[ANY].value is None

    def test_nothing_to_score(self) -> None:
        assert score_stances(true=[], given=[]).macro_f1.value is None
        with pytest.raises(InvalidStances, match="1 true stances and 0"):
            score_stances(true=[FOR], given=[])

    @given(stance_lists)
    @QUICK
    def test_scikit_learn_agrees_where_all_is_parsed(
        self, pairs: list[tuple[Stance, Stance]]
    ) -> None:
        true, given_ones = zip(*pairs, strict=True)
        found = score_stances(true=true, given=given_ones)
        known = [(t, g) for t, g in pairs if g in true]
        # scikit-learn warns of classes that are never true, and of a single class
        if len(known) == len(pairs) and len(set(true)) > 1:
            assert found.balanced_accuracy.value == pytest.approx(
                balanced_accuracy_score([t.value for t in true], [g.value for g in given_ones])
            )
        assert found.macro_f1.value == pytest.approx(
            f1_score([t.value for t in true], [g.value for g in given_ones], average="macro")
        )

    def test_refusals(self) -> None:
        found = refusal_rate([True, False, False, False])
        assert found.value == 0.25
        assert found.low is not None
        assert found.high is not None
        assert 0 < found.low < 0.25 < found.high < 1
        assert refusal_rate([]).value is None


class TestFlattening:
    def test_a_model_of_one_mind_flattens_a_divided_group(self) -> None:
        found = measure_flattening(
            steered=[[1.0, 0.0], [0.5, 0.5], [0.9, 0.1]],
            group=[[0.5, 0.5], [0.5, 0.5], [0.6, 0.4]],
            seed=0,
        )
        assert found.steered_entropies[0] == 0
        assert found.group_entropies[0] == pytest.approx(np.log(2))
        assert found.difference.value is not None
        assert found.difference.value < -0.3
        assert found.flatter_share.value == pytest.approx(2 / 3)
        assert found.ratio.value is not None
        assert 0 < found.ratio.value < 1

    def test_a_group_of_one_mind_has_no_ratio(self) -> None:
        found = measure_flattening(steered=[[0.5, 0.5]], group=[[1.0, 0.0]], seed=0)
        assert found.ratio.value is None
        assert "one mind" in found.ratio.reason
        assert found.difference.value == pytest.approx(np.log(2))

    def test_other_shapes_are_refused(self) -> None:
        with pytest.raises(InvalidDistribution, match="questions, options"):
            measure_flattening(steered=[0.5, 0.5], group=[0.5, 0.5], seed=0)
