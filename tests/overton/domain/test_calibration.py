"""Curves, thresholds and the report card: by hand, and what must always hold."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score, roc_auc_score

from overton.domain.calibration import (
    ISOTONIC_FROM,
    Calibration,
    CalibrationRefused,
    InvalidCalibrationInput,
    Objective,
    best_threshold,
    calibrate,
    declared,
    fit_calibration,
)
from overton.domain.report_card import (
    InvalidCardInput,
    area_under_curve,
    card_from_json,
    card_to_json,
    cohen_kappa,
    report_card,
)


def labelled(count: int, *, queries: int = 6, seed: int = 1) -> tuple[np.ndarray, ...]:
    """Scores whose true chance of being expressed is score squared."""
    rng = np.random.default_rng(seed)
    scores = rng.random(count)
    return scores, rng.random(count) < scores**2, np.arange(count) % queries


# --- Thresholds -----------------------------------------------------------------------------------


def test_the_threshold_lies_halfway_by_hand() -> None:
    scores, said = [0.9, 0.8, 0.4, 0.2], [True, True, False, False]
    assert best_threshold(scores, said) == pytest.approx(0.6)
    # F1 of taking 1, 2, 3, 4: 2/3, .5, .8, 2/3; accuracy: .75, .5, .75, .5
    said = [True, False, True, False]
    assert best_threshold(scores, said) == pytest.approx(0.3)
    assert best_threshold(scores, said, objective=Objective.ACCURACY) == pytest.approx(0.85)


def test_pairs_of_one_score_are_taken_together() -> None:
    threshold = best_threshold([0.5, 0.5, 0.5, 0.1], [True, False, False, False])
    assert threshold == pytest.approx(0.3)


@given(
    pairs=st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_no_other_threshold_has_a_higher_f1(pairs: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in pairs])
    said = np.array([expressed for _, expressed in pairs])
    if not 0 < said.sum() < len(said):
        with pytest.raises(CalibrationRefused):
            best_threshold(scores, said)
        return
    threshold = best_threshold(scores, said)
    assert 0 < threshold <= 1
    reached = f1_score(said, scores >= threshold, zero_division=0)
    for other in (1e-3, 0.05, 0.3, 0.6, 0.85, 1.0):
        assert f1_score(said, scores >= other, zero_division=0) <= reached + 1e-12


# --- Curves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [100, ISOTONIC_FROM])
def test_a_curve_recovers_the_true_chances_and_never_falls(count: int) -> None:
    scores, said, _ = labelled(count)
    curve = fit_calibration(scores, said)
    assert curve.method == ("logistic" if count < ISOTONIC_FROM else "isotonic")
    grid = np.linspace(0, 1, 101)
    found = curve.probabilities(grid)
    assert (np.diff(found) >= -1e-12).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert np.abs(found - grid**2).mean() < 0.1
    assert Calibration.from_json(json.loads(json.dumps(curve.as_json()))) == curve


def test_scores_that_run_against_the_labels_teach_nothing() -> None:
    scores, said, _ = labelled(100)
    with pytest.raises(CalibrationRefused, match="Choose another judge"):
        fit_calibration(1 - scores, said)


def test_too_few_labels_leave_the_declared_threshold_and_say_so() -> None:
    scores, said, queries = labelled(20)
    found = calibrate(scores=scores, expressed=said, queries=list(queries), default_threshold=0.6)
    assert not found.decision.learned
    assert found.decision.threshold == 0.6
    assert "20 pairs" in found.decision.note
    assert "declared threshold of 0.6" in found.decision.note
    np.testing.assert_array_equal(found.held_out.probabilities, scores)
    np.testing.assert_array_equal(found.held_out.verdicts, scores >= 0.6)
    assert set(found.held_out.folds) == {-1}


def test_one_query_is_not_enough_to_test_a_threshold() -> None:
    scores, said, _ = labelled(200)
    found = calibrate(scores=scores, expressed=said, queries=["q"] * 200)
    assert "one query" in found.decision.note
    # all that is expressed stands in one query
    found = calibrate(scores=scores, expressed=said, queries=["a" if s else "b" for s in said])
    assert not found.decision.learned
    assert "come from one query" in found.decision.note


def test_each_pair_is_judged_by_a_decision_that_never_saw_its_query() -> None:
    scores, said, queries = labelled(300)
    found = calibrate(scores=scores, expressed=said, queries=list(queries))
    assert found.decision.learned
    fold_of = dict(zip(queries, found.held_out.folds, strict=True))
    assert all(fold_of[q] == f for q, f in zip(queries, found.held_out.folds, strict=True))
    for query in range(6):
        held = queries == query
        turned = said.copy()
        turned[held] = ~said[held]
        other = calibrate(scores=scores, expressed=turned, queries=list(queries)).held_out
        if (other.folds == found.held_out.folds).all():
            np.testing.assert_array_equal(
                other.verdicts[held], found.held_out.verdicts[held], err_msg=f"query {query}"
            )


def test_the_same_labels_in_another_order_give_the_same_decision() -> None:
    scores, said, queries = labelled(200)
    turn = np.random.default_rng(2).permutation(200)
    one = calibrate(scores=scores, expressed=said, queries=list(queries)).decision
    two = calibrate(scores=scores[turn], expressed=said[turn], queries=list(queries[turn])).decision
    assert one.threshold == two.threshold
    assert one.calibration.slope == pytest.approx(two.calibration.slope, rel=1e-4)


def test_bad_numbers_are_named() -> None:
    with pytest.raises(InvalidCalibrationInput, match=r"Score 2 is 1\.5"):
        best_threshold([0.5, 1.5], [True, False])
    with pytest.raises(InvalidCalibrationInput, match="Score 1 is nan"):
        fit_calibration([np.nan, 0.5], [True, False])
    with pytest.raises(InvalidCalibrationInput, match="all must be"):
        calibrate(scores=[0.5], expressed=[True, False], queries=["q"])
    with pytest.raises(InvalidCalibrationInput, match="threshold is 0"):
        declared(threshold=0, note="")


# --- The report card ------------------------------------------------------------------------------


def test_the_card_agrees_with_a_library() -> None:
    scores, said, queries = labelled(300)
    found = calibrate(scores=scores, expressed=said, queries=list(queries))
    card = report_card(
        scores=scores,
        expressed=said,
        queries=list(queries),
        held_out=found.held_out,
        words=np.arange(300) % 90,
        traps=["negated" if place % 3 else "" for place in range(300)],
        resamples=50,
    )
    verdicts = found.held_out.verdicts
    assert card.metrics["f1"].value == pytest.approx(f1_score(said, verdicts))
    assert card.metrics["kappa"].value == pytest.approx(cohen_kappa_score(said, verdicts))
    assert card.metrics["auc"].value == pytest.approx(roc_auc_score(said, scores))
    assert card.metrics["brier"].value == pytest.approx(
        np.mean((found.held_out.probabilities - said) ** 2)
    )
    for measured in card.metrics.values():
        assert measured.low is not None
        assert measured.high is not None
        assert measured.low <= measured.high
    assert card.validated
    assert len(card.by_length) == 3
    assert min(metrics["f1"].count for metrics in card.by_length.values()) >= 90
    assert sum(metrics["f1"].count for metrics in card.by_length.values()) == 300
    assert list(card.by_trap) == ["negated"]
    assert sum(one.count for one in card.reliability) == 300
    assert all(
        one.observed.low <= one.observed.value <= one.observed.high  # type: ignore[operator]
        for one in card.reliability
    )
    assert card_from_json(json.loads(json.dumps(card_to_json(card)))) == card


def test_under_two_hundred_pairs_nothing_is_validated() -> None:
    for count, expected in ((199, False), (200, True)):
        scores, said, queries = labelled(count)
        held_out = calibrate(scores=scores, expressed=said, queries=list(queries)).held_out
        card = report_card(
            scores=scores, expressed=said, queries=list(queries), held_out=held_out, resamples=1
        )
        assert card.validated is expected


def test_without_labels_every_number_has_its_reason() -> None:
    empty = calibrate(scores=[], expressed=[], queries=[])
    card = report_card(scores=[], expressed=[], queries=[], held_out=empty.held_out, words=[])
    assert not card.validated
    assert card.by_length == {}
    assert {measured.reason for measured in card.metrics.values()} == {"No pair is labelled."}


def test_what_has_no_meaning_is_empty() -> None:
    assert cohen_kappa([True, True], [True, True]) is None
    assert area_under_curve([0.1, 0.2], [True, True]) is None
    assert area_under_curve([0.5, 0.5], [True, False]) == 0.5
    found = calibrate(scores=[0.1, 0.2], expressed=[False, False], queries=["a", "b"])
    card = report_card(
        scores=[0.1, 0.2], expressed=[False, False], queries=["a", "b"], held_out=found.held_out
    )
    assert card.metrics["f1"].value is None
    assert "Neither" in card.metrics["f1"].reason
    assert card.metrics["accuracy"].value == 1
    with pytest.raises(InvalidCardInput, match="words is"):
        report_card(
            scores=[0.1],
            expressed=[True],
            queries=["a"],
            held_out=calibrate(scores=[0.1], expressed=[True], queries=["a"]).held_out,
            words=[1, 2],
        )
