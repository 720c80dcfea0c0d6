"""From a judge's scores to probabilities and verdicts, learned from pairs that people labelled."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import StratifiedGroupKFold

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

DECLARED_THRESHOLD = 0.5
"""What a score must reach as long as there are too few labels to learn it."""
FEWEST_PAIRS = 50
FEWEST_OF_EACH = 10
FEWEST_QUERIES = 2
ISOTONIC_FROM = 1000
"""Labelled pairs from which the shape of the curve is learned too (Niculescu-Mizil and Caruana,
"Predicting good probabilities with supervised learning", ICML 2005, section 5)."""
FOLDS = 5
_EDGE = 1e-6


class Objective(StrEnum):
    """What the threshold is to maximise on the labelled pairs."""

    F1 = "f1"
    ACCURACY = "accuracy"


class InvalidCalibrationInput(ValueError):
    """Scores or labels that can't be used; the message names the place and the number."""


class CalibrationRefused(Exception):
    """There are too few labels to learn from; the message has the numbers and the way out."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A curve that never falls, from scores in [0, 1] to probabilities in [0, 1].

    ``method``: "none" leaves scores as they are; "logistic" is expit(slope * logit(score) +
    intercept) with slope >= 0 (Platt scaling, with his smoothed targets); "isotonic" joins
    ``knots``, pairs of score and probability, by straight lines.
    """

    method: str = "none"
    slope: float = 1.0
    intercept: float = 0.0
    knots: tuple[tuple[float, float], ...] = ()

    def probabilities(self, scores: npt.ArrayLike) -> FloatArray:
        """(N,) from (N,)."""
        values = np.asarray(scores, dtype=np.float64)
        if self.method == "none":
            return values.copy()
        if self.method == "isotonic":
            x, y = np.array(self.knots, dtype=np.float64).T
            return np.asarray(np.interp(values, x, y))
        return np.asarray(
            expit(self.slope * logit(np.clip(values, _EDGE, 1 - _EDGE)) + self.intercept)
        )

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "method": self.method,
            "slope": self.slope,
            "intercept": self.intercept,
            "knots": [list(knot) for knot in self.knots],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Calibration:
        """What :meth:`as_json` gave."""
        return cls(
            method=str(stored["method"]),
            slope=float(stored["slope"]),
            intercept=float(stored["intercept"]),
            knots=tuple((float(x), float(y)) for x, y in stored["knots"]),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """How a score becomes a verdict: the curve, the threshold, and why they are what they are.

    ``threshold`` is one of scores, not of probabilities; a score that reaches it counts.
    ``learned`` is false where it was declared; ``note`` says so in a sentence.
    """

    calibration: Calibration
    threshold: float
    learned: bool
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What each labelled pair got from a decision that was learned without its query.

    ``probabilities`` (N,) in [0, 1]; ``verdicts`` (N,) bool; ``folds`` (N,) int, -1 where nothing
    was learned and the declared decision stands.
    """

    probabilities: FloatArray
    verdicts: BoolArray
    folds: IntArray


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The decision for all pairs, and the held-out view of the labelled ones."""

    decision: Decision
    held_out: HeldOut


def declared(*, threshold: float, note: str) -> Decision:
    """A decision that is not learned: scores as they are, and this threshold."""
    if not 0 < threshold <= 1:
        raise InvalidCalibrationInput(f"The threshold is {threshold:g}, but must be in (0, 1].")
    return Decision(calibration=Calibration(), threshold=threshold, learned=False, note=note)


def calibrate(
    *,
    scores: npt.ArrayLike,
    expressed: npt.ArrayLike,
    queries: Sequence[Hashable],
    objective: Objective = Objective.F1,
    default_threshold: float = DECLARED_THRESHOLD,
) -> Calibrated:
    """Learn the curve and the threshold where the labels allow it; else say why not.

    Args:
        scores: (N,) of labelled pairs, in [0, 1].
        expressed: (N,) bool, what people say.
        queries: (N,) the query of each; what is held out together.
        objective: what the threshold maximises.
        default_threshold: what stands, declared, where there are too few labels.

    Raises:
        InvalidCalibrationInput: shapes or numbers that can't be.
    """
    values, labels = _checked(scores, expressed, queries)
    try:
        folds = _folds(labels, queries)
        probabilities = np.empty(len(values))
        verdicts = np.zeros(len(values), dtype=np.bool_)
        for fold in np.unique(folds):
            held, rest = folds == fold, folds != fold
            curve = fit_calibration(values[rest], labels[rest])
            threshold = best_threshold(values[rest], labels[rest], objective=objective)
            probabilities[held] = curve.probabilities(values[held])
            verdicts[held] = values[held] >= threshold
        curve = fit_calibration(values, labels)
    except CalibrationRefused as refusal:
        decision = declared(
            threshold=default_threshold,
            note=f"{refusal} Until then the declared threshold of {default_threshold:g} stands.",
        )
        return Calibrated(
            decision=decision,
            held_out=HeldOut(
                probabilities=values.copy(),
                verdicts=values >= default_threshold,
                folds=np.full(len(values), -1, dtype=np.int64),
            ),
        )
    threshold = best_threshold(values, labels, objective=objective)
    name = {Objective.F1: "F1", Objective.ACCURACY: "accuracy"}[objective]
    return Calibrated(
        decision=Decision(
            calibration=curve,
            threshold=threshold,
            learned=True,
            note=f"The threshold of {threshold:.3f} has the highest {name} on the {len(values):,} "
            f"labelled pairs of {len(set(queries))} queries; the curve is {curve.method}.",
        ),
        held_out=HeldOut(probabilities=probabilities, verdicts=verdicts, folds=folds),
    )


def fit_calibration(scores: npt.ArrayLike, expressed: npt.ArrayLike) -> Calibration:
    """A curve through labelled pairs: logistic, or isotonic from ``ISOTONIC_FROM`` pairs on.

    Raises:
        CalibrationRefused: a label is missing, or scores run against the labels.
        InvalidCalibrationInput: shapes or numbers that can't be.
    """
    values, labels = _checked(scores, expressed, [0] * len(np.asarray(scores)))
    positives = int(labels.sum())
    if not 0 < positives < len(labels):
        raise CalibrationRefused("A curve needs pairs that are expressed and others that are not.")
    if len(values) >= ISOTONIC_FROM:
        fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(
            values, labels.astype(np.float64)
        )
        return Calibration(
            method="isotonic",
            knots=tuple(
                (float(x), float(y))
                for x, y in zip(fitted.X_thresholds_, fitted.y_thresholds_, strict=True)
            ),
        )
    # Platt, "Probabilistic outputs for support vector machines" (1999), section 2.2.
    target = np.where(labels, (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2))
    x = logit(np.clip(values, _EDGE, 1 - _EDGE))

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        z = parameters[0] * x + parameters[1]
        residual = expit(z) - target
        return (
            float(np.logaddexp(0, z).sum() - (target * z).sum()),
            np.array([(residual * x).sum(), residual.sum()]),
        )

    found = minimize(
        loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)]
    )
    slope, intercept = (float(value) for value in found.x)
    if slope <= 0:
        raise CalibrationRefused(
            "The judge's scores are no higher where people say that the answer is expressed, so "
            "nothing can be learned from them. Choose another judge."
        )
    return Calibration(method="logistic", slope=slope, intercept=intercept)


def best_threshold(
    scores: npt.ArrayLike, expressed: npt.ArrayLike, *, objective: Objective = Objective.F1
) -> float:
    """The threshold in (0, 1] with the highest F1 or accuracy, of those that some score reaches.

    It lies halfway between two neighbouring scores; a score of 0 reaches none. Among equally good
    ones the middle is taken, the upper of two.

    Raises:
        CalibrationRefused: a label is missing.
        InvalidCalibrationInput: shapes or numbers that can't be.
    """
    values, labels = _checked(scores, expressed, [0] * len(np.asarray(scores)))
    if not 0 < labels.sum() < len(labels):
        raise CalibrationRefused(
            "A threshold needs pairs that are expressed and others that are not."
        )
    order = np.argsort(-values, kind="stable")
    ranked = labels[order]
    descending = values[order]
    hits = np.cumsum(ranked)
    taken = np.arange(1, len(ranked) + 1)
    positives = int(labels.sum())
    if objective is Objective.F1:
        quality = 2 * hits / (taken + positives)
    else:
        quality = (hits + (len(labels) - positives) - (taken - hits)) / len(labels)
    # Pairs of one score are taken together or not at all.
    able = np.append(descending[1:] < descending[:-1], True) & (descending > _EDGE)
    quality = np.where(able, quality, -np.inf)
    best = np.flatnonzero(quality >= quality.max() - 1e-12)
    place = int(best[(len(best) - 1) // 2])
    below = descending[place + 1] if place + 1 < len(descending) else 0.0
    return float(max((descending[place] + below) / 2, 2 * _EDGE))


def _folds(labels: BoolArray, queries: Sequence[Hashable]) -> IntArray:
    """(N,) the fold of each pair; a query lies in one fold. Raises ``CalibrationRefused``."""
    count, positives = len(labels), int(labels.sum())
    names = {query: place for place, query in enumerate(dict.fromkeys(queries))}
    if count < FEWEST_PAIRS or min(positives, count - positives) < FEWEST_OF_EACH:
        raise CalibrationRefused(
            f"People have labelled {count} pairs, {positives} of them as expressed. To learn a "
            f"threshold, {FEWEST_PAIRS} are needed, at least {FEWEST_OF_EACH} of each kind."
        )
    if len(names) < FEWEST_QUERIES:
        raise CalibrationRefused(
            "All labelled pairs are of one query. To test a threshold on another query than it "
            f"was learned from, label pairs of at least {FEWEST_QUERIES} queries."
        )
    codes = np.array([names[query] for query in queries])
    each = min(len(np.unique(codes[labels])), len(np.unique(codes[~labels])), FOLDS, len(names))
    if each >= 2:
        folds = np.empty(count, dtype=np.int64)
        splitter = StratifiedGroupKFold(n_splits=each)
        for fold, (_, held) in enumerate(splitter.split(np.zeros(count), labels, groups=codes)):
            folds[held] = fold
        kinds = [np.unique(labels[folds != fold]).size for fold in range(each)]
        if min(kinds) == 2:
            return folds
    raise CalibrationRefused(
        "The pairs that are expressed, or those that are not, come from one query. To test a "
        "threshold on another query than it was learned from, label pairs of more queries."
    )


def _checked(
    scores: npt.ArrayLike, expressed: npt.ArrayLike, queries: Sequence[Hashable]
) -> tuple[FloatArray, BoolArray]:
    values = np.asarray(scores, dtype=np.float64)
    labels = np.asarray(expressed, dtype=np.bool_)
    if values.ndim != 1 or labels.shape != values.shape or len(queries) != len(values):
        raise InvalidCalibrationInput(
            f"scores, expressed and queries have shapes {values.shape}, {labels.shape} and "
            f"({len(queries)},); all must be (pairs,)."
        )
    bad = ~((values >= 0) & (values <= 1))
    if bad.any():
        place = int(bad.argmax())
        raise InvalidCalibrationInput(f"Score {place + 1} is {values[place]:g}, not in [0, 1].")
    return values, labels
