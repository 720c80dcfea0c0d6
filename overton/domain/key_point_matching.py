"""Measures of matching arguments to key points, as the KPA 2021 shared task defines them.

Friedman, Dankin, Hou and others, "Overview of the 2021 key point analysis shared task" (2021): each
argument is matched to the key point of its topic and stance that scores highest; of a topic's and
stance's arguments the surer half is kept; over these, ranked by score, average precision is taken,
and its mean over topics and stances. A match without a label counts as wrong (strict) or as right
(relaxed).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve

FloatArray = NDArray[np.float64]


class InvalidMatches(ValueError):
    """Rows that do not fit together; the message names the numbers."""


@dataclass(frozen=True)
class MeanAveragePrecision:
    """Both readings of what has no label, in [0, 1], and how many groups they are means over."""

    strict: float
    relaxed: float
    groups: int


def mean_average_precision(
    groups: Sequence[str],
    arguments: Sequence[str],
    scores: FloatArray,
    labels: FloatArray,
    *,
    share: float = 0.5,
) -> MeanAveragePrecision:
    """Mean average precision of the best match of each argument.

    Args:
        groups: by row, topic and stance of argument and key point.
        arguments: by row, which argument is scored against some key point.
        scores: by row, how well they match; of equal ones the first row wins.
        labels: by row, 1 match, 0 none, NaN not labelled.
        share: of a group's arguments kept, rounded down.

    Raises:
        InvalidMatches: no row, rows of different number, a label that is none of these, a share
            outside (0, 1], or a group with no argument left.
    """
    if not len(groups) == len(arguments) == len(scores) == len(labels) or not len(groups):
        raise InvalidMatches(
            f"{len(groups)} groups, {len(arguments)} arguments, {len(scores)} scores and "
            f"{len(labels)} labels; as many of each are needed, and at least one."
        )
    if not (np.isnan(labels) | np.isin(labels, (0.0, 1.0))).all():
        raise InvalidMatches("Labels are 1, 0 or NaN.")
    if not 0 < share <= 1:
        raise InvalidMatches(f"The share kept lies above 0 and up to 1, not {share}.")
    best: dict[tuple[str, str], int] = {}
    for row, key in enumerate(zip(groups, arguments, strict=True)):
        if key not in best or scores[row] > scores[best[key]]:
            best[key] = row
    strict: list[float] = []
    relaxed: list[float] = []
    for group in sorted({group for group, _ in best}):
        rows = np.asarray([row for (of, _), row in best.items() if of == group])
        kept = rows[np.argsort(-scores[rows], kind="stable")][: int(len(rows) * share)]
        if not kept.size:
            raise InvalidMatches(
                f"Of the {len(rows)} arguments of {group!r} no one is left at a share of {share}."
            )
        for found, unlabelled in ((strict, 0.0), (relaxed, 1.0)):
            truth = np.where(np.isnan(labels[kept]), unlabelled, labels[kept])
            found.append(average_precision(truth == 1, scores[kept]))
    return MeanAveragePrecision(float(np.mean(strict)), float(np.mean(relaxed)), len(strict))


def average_precision(positive: NDArray[np.bool_], scores: FloatArray) -> float:
    """Average precision, 0 where nothing is positive, as the shared task has it."""
    if not positive.any():
        return 0.0
    return float(average_precision_score(positive, scores))


@dataclass(frozen=True)
class ThresholdScore:
    """F1 at one half, the best F1 of any threshold, and that threshold."""

    f1_at_half: float
    best_f1: float
    best_threshold: float


def threshold_scores(positive: NDArray[np.bool_], scores: FloatArray) -> ThresholdScore:
    """F1 of "at least this score" for matches.

    Raises:
        InvalidMatches: none is positive.
    """
    if not positive.any():
        raise InvalidMatches("F1 needs at least one match.")
    precision, recall, thresholds = precision_recall_curve(positive, scores)
    total = precision[:-1] + recall[:-1]
    f1 = np.divide(
        2 * precision[:-1] * recall[:-1], total, out=np.zeros_like(total), where=total > 0
    )
    best = int(np.argmax(f1))
    return ThresholdScore(
        float(f1_score(positive, scores >= 0.5, zero_division=0)),
        float(f1[best]),
        float(thresholds[best]),
    )
