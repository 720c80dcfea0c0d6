"""Distances between distributions: the published numbers, edges, and the laws of a distance."""

from math import inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from models_runner.domain.distributional.divergences import (
    Base,
    entropy,
    js_distance,
    js_divergence,
    kl_divergence,
    total_variation,
    unnormalised_total_variation,
)
from models_runner.domain.distributional.modes import TieRule, mode_accuracy
from models_runner.domain.distributional.ordinal import wasserstein_1
from models_runner.domain.distributional.probabilities import (
    InvalidDistribution,
    as_distributions,
    from_counts,
)

P, Q = [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]
QUICK = settings(max_examples=100, deadline=None)

weights = arrays(np.float64, 4, elements=st.sampled_from([0.0, 0.01, 0.2, 1.0, 3.0]))
answers = weights.filter(lambda w: w.sum() > 0).map(lambda w: w / w.sum())


class TestPublishedNumbers:
    def test_jensen_shannon(self) -> None:
        assert js_distance(P, Q, base=Base.BITS) == pytest.approx(0.467294, abs=5e-7)
        assert js_distance(P, Q, base=Base.NATS) == pytest.approx(0.389048, abs=5e-7)
        assert js_divergence(P, Q, base=Base.BITS) == pytest.approx(0.218364, abs=5e-7)
        assert js_divergence(P, Q, base=Base.NATS) == pytest.approx(0.151358, abs=5e-7)

    def test_the_others(self) -> None:
        assert kl_divergence(P, Q) == pytest.approx(0.675806, abs=5e-7)
        assert total_variation(P, Q) == pytest.approx(0.5)
        assert entropy(P) == pytest.approx(1.029653, abs=5e-7)
        moved = wasserstein_1(P, Q, codes=[1, 2, 3])
        assert moved.distance == pytest.approx(0.9)
        assert moved.normalised == pytest.approx(0.45)
        assert moved.representativeness == pytest.approx(0.55)

    def test_disjoint_answers_are_as_far_as_can_be(self) -> None:
        one, other = [1, 0], [0, 1]
        assert js_distance(one, other, base=Base.BITS) == 1
        assert js_distance(one, other, base=Base.NATS) == pytest.approx(0.832555, abs=5e-7)
        assert kl_divergence(one, other) == inf
        assert total_variation(one, other) == 1


class TestEdges:
    def test_zero_times_log_zero_is_zero(self) -> None:
        assert entropy([1, 0, 0]) == 0
        assert kl_divergence([1, 0, 0], [0.5, 0.5, 0]) == pytest.approx(log(2))

    def test_smoothing_makes_kl_finite(self) -> None:
        smoothed = kl_divergence([1, 0], [0, 1], smoothing=0.5)
        assert smoothed == pytest.approx(0.75 * log(3) + 0.25 * log(1 / 3))
        assert kl_divergence(P, P, smoothing=0.1) == 0

    @pytest.mark.parametrize("smoothing", [-0.1, float("nan"), inf])
    def test_smoothing_out_of_range_is_refused(self, smoothing: float) -> None:
        with pytest.raises(InvalidDistribution, match="smoothing"):
            kl_divergence(P, Q, smoothing=smoothing)

    def test_many_questions_at_once(self) -> None:
        found = js_distance([P, Q], [Q, Q], base=Base.BITS)
        assert found.shape == (2,)
        assert found[1] == 0
        assert js_distance(np.array([P, Q]), P, base=Base.BITS).shape == (2,)

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ([0.5, 0.6], "add up to 1.1"),
            ([[0.5, 0.5], [0.2, 0.2]], r"position \(1,\) add up to 0.4"),
            ([1.5, -0.5], "-0.5"),
            ([float("nan"), 1], "nan"),
            ([inf, 0], "inf"),
            ([], "no options"),
            (1.0, "no options"),
        ],
    )
    def test_what_is_no_distribution_is_refused(self, values: object, words: str) -> None:
        with pytest.raises(InvalidDistribution, match=words):
            as_distributions(values, name="people")  # type: ignore[arg-type]

    def test_rounded_shares_pass_where_that_is_declared(self) -> None:
        assert as_distributions([0.33, 0.66], name="p", sum_within=0.02).sum() == 1

    def test_counts_of_nobody_are_refused(self) -> None:
        with pytest.raises(InvalidDistribution, match=r"nobody answered at position \(1,\)"):
            from_counts([[1, 2], [0, 0]], name="people")
        assert from_counts([1, 3], name="people").tolist() == [0.25, 0.75]

    def test_different_options_are_refused(self) -> None:
        with pytest.raises(InvalidDistribution, match="3 options and q has 2"):
            total_variation(P, [0.5, 0.5])
        with pytest.raises(InvalidDistribution, match="fit together"):
            total_variation([P, P], [P, P, P])


class TestUnnormalised:
    def test_a_silent_model_is_half_way_off(self) -> None:
        assert unnormalised_total_variation(P, [0, 0, 0]) == pytest.approx(0.5)

    def test_it_is_total_variation_where_nothing_is_lost(self) -> None:
        assert unnormalised_total_variation(P, Q) == pytest.approx(0.5)

    @pytest.mark.parametrize("mass", [[0.5, 0.6, 0], [-0.1, 0.5, 0.5], [float("nan"), 0, 0]])
    def test_what_is_no_mass_is_refused(self, mass: list[float]) -> None:
        with pytest.raises(InvalidDistribution, match="Masses"):
            unnormalised_total_variation(P, mass)

    def test_other_options_are_refused(self) -> None:
        with pytest.raises(InvalidDistribution, match="agree"):
            unnormalised_total_variation(P, [0.5, 0.5])


class TestLaws:
    @given(answers, answers)
    @QUICK
    def test_symmetry_bounds_and_identity(self, p: np.ndarray, q: np.ndarray) -> None:
        for base, most in ((Base.BITS, 1.0), (Base.NATS, sqrt(log(2)))):
            distance = js_distance(p, q, base=base)
            assert distance == pytest.approx(js_distance(q, p, base=base), abs=1e-12)
            assert 0 <= distance <= most + 1e-12
            assert js_distance(p, p, base=base) == 0
        assert total_variation(p, q) == total_variation(q, p)
        assert 0 <= entropy(p) <= log(4) + 1e-12
        assert kl_divergence(p, q) >= 0
        assert (js_distance(p, q, base=Base.BITS) == 0) == bool(np.allclose(p, q))

    @given(answers, answers, answers)
    @QUICK
    def test_triangle(self, p: np.ndarray, q: np.ndarray, r: np.ndarray) -> None:
        for through in (
            lambda a, b: js_distance(a, b, base=Base.BITS),
            total_variation,
            lambda a, b: wasserstein_1(a, b, codes=[0, 1, 2, 5]).distance,
        ):
            assert through(p, r) <= through(p, q) + through(q, r) + 1e-9

    @given(answers, answers)
    @QUICK
    def test_scipy_agrees(self, p: np.ndarray, q: np.ndarray) -> None:
        codes = np.array([3.0, -1.0, 0.5, 10.0])
        # scipy subtracts near-equal numbers under the root, which may come out below zero
        with np.errstate(invalid="ignore"):
            expected = np.nan_to_num(jensenshannon(p, q, 2))
        assert js_distance(p, q, base=Base.BITS) == pytest.approx(expected, abs=1e-7)
        assert wasserstein_1(p, q, codes=codes).distance == pytest.approx(
            wasserstein_distance(codes, codes, p, q), abs=1e-9
        )

    @given(answers, answers)
    @QUICK
    def test_order_of_options_and_padding_change_nothing(
        self, p: np.ndarray, q: np.ndarray
    ) -> None:
        order = [2, 0, 3, 1]
        padded = [np.append(x, 0.0) for x in (p, q)]
        for measure in (total_variation, lambda a, b: js_distance(a, b, base=Base.BITS)):
            assert measure(p[order], q[order]) == pytest.approx(measure(p, q), abs=1e-9)
            assert measure(*padded) == pytest.approx(measure(p, q), abs=1e-9)

    @given(answers, answers)
    @QUICK
    def test_pinsker(self, p: np.ndarray, q: np.ndarray) -> None:
        assert kl_divergence(p, q) >= 2 * total_variation(p, q) ** 2 - 1e-12


class TestOrdinal:
    def test_refusals_stand_apart(self) -> None:
        found = wasserstein_1([0.4, 0.4, 0.2], [0.0, 0.5, 0.5], codes=[1, 2, float("nan")])
        assert found.distance == pytest.approx(0.5)
        assert found.refused_p == pytest.approx(0.2)
        assert found.refused_q == pytest.approx(0.5)

    def test_where_everyone_refuses_there_is_no_distance(self) -> None:
        found = wasserstein_1(
            [[0.4, 0.4, 0.2], [0.0, 0.0, 1.0]], [[0.4, 0.4, 0.2]] * 2, codes=[1, 2, float("nan")]
        )
        assert found.defined.tolist() == [True, False]
        assert found.distance[0] == 0
        assert np.isnan(found.distance[1])
        assert np.isnan(found.representativeness[1])

    def test_codes_by_question(self) -> None:
        found = wasserstein_1(
            [[1, 0, 0], [1, 0, 0]], [[0, 1, 0], [0, 0, 1]], codes=[[1, 3, 2], [9, 5, 1]]
        )
        assert found.distance.tolist() == [2, 8]
        assert found.normalised.tolist() == [1, 1]

    @pytest.mark.parametrize(
        ("codes", "words"),
        [
            ([1, 2], "one code"),
            ([1, 2, inf], "finite"),
            ([1, 1, 1], "two different"),
            ([1, float("nan"), float("nan")], "two different"),
        ],
    )
    def test_codes_that_make_no_order_are_refused(self, codes: list[float], words: str) -> None:
        with pytest.raises(InvalidDistribution, match=words):
            wasserstein_1(P, Q, codes=codes)


class TestModes:
    def test_the_most_frequent_answer(self) -> None:
        assert mode_accuracy([P, P], [P, Q], ties=TieRule.STRICT).tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("ties", "expected"), [(TieRule.SHARE, 0.5), (TieRule.STRICT, 0), (TieRule.LENIENT, 1)]
    )
    def test_ties_follow_the_declared_rule(self, ties: TieRule, expected: float) -> None:
        assert mode_accuracy([0.5, 0.3, 0.2], [0.4, 0.4, 0.2], ties=ties) == expected

    def test_any_of_the_peoples_modes_counts(self) -> None:
        assert mode_accuracy([0.4, 0.4, 0.2], [0.9, 0.1, 0], ties=TieRule.SHARE) == 1
