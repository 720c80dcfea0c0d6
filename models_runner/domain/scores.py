"""How far guesses are from ratings that the model has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from models_runner.domain.reward import Prediction

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MOST_CLASSES = 11
SUREST = 0.01


@dataclass(frozen=True, slots=True)
class Score:
    """One test's numbers; None: the number has no meaning here.

    mae : of the median where the method gives one, else of the mean
    mae_of_mean, rmse : of the mean
    rank_correlation : mean over jurors of Spearman's rho of the mean, in [-1, 1]
    coverage : share of the ratings inside their intervals
    accuracy, macro_f1 : of the likeliest point, on scales of at most 11 points
    log_loss : of the chance of the upper value, where there are two; chances within [.01, .99]
    """

    mae: float
    mae_of_mean: float
    rmse: float
    rank_correlation: float | None
    coverage: float
    accuracy: float | None
    macro_f1: float | None
    log_loss: float | None
    jurors: int
    ratings: int


def score_predictions(
    *, truth: FloatArray, prediction: Prediction, jurors: IntArray, points: FloatArray
) -> Score:
    """The numbers of one test of (R,) ratings, R >= 1.

    points : (P,) ascending, the values that ratings take in all data; more than 11: no classes
    """
    error = truth - prediction.mean
    classes = _classes(prediction, points) if 2 <= len(points) <= MOST_CLASSES else None
    actual = np.searchsorted(points, truth)
    return Score(
        mae=float(np.abs(truth - prediction.median).mean()),
        mae_of_mean=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        rank_correlation=_rank_correlation(truth, prediction.mean, jurors),
        coverage=float(((prediction.low <= truth) & (truth <= prediction.high)).mean()),
        accuracy=None if classes is None else float((classes == actual).mean()),
        macro_f1=None if classes is None else _macro_f1(actual, classes),
        log_loss=_log_loss(actual, prediction, points) if len(points) == 2 else None,
        jurors=len(np.unique(jurors)),
        ratings=len(truth),
    )


def _rank_correlation(truth: FloatArray, guess: FloatArray, jurors: IntArray) -> float | None:
    """Mean over jurors of Spearman's rho; a juror without spread in either has none."""
    order = np.argsort(jurors, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(jurors[order])) + 1)
    found = []
    for part in parts:
        if len(part) < 3 or np.ptp(truth[part]) == 0 or np.ptp(guess[part]) < 1e-12:
            continue
        found.append(float(np.corrcoef(rankdata(truth[part]), rankdata(guess[part]))[0, 1]))
    return float(np.mean(found)) if found else None


def _classes(prediction: Prediction, points: FloatArray) -> IntArray:
    """The likeliest point's place; the one nearest to the mean where there are no chances."""
    chances = prediction.chances
    if chances is not None and chances.shape[1] == len(points) - 1:
        ends = np.ones((len(chances), 1)), np.zeros((len(chances), 1))
        ladder = np.hstack([ends[0], chances, ends[1]])
        return np.asarray((ladder[:, :-1] - ladder[:, 1:]).argmax(axis=1), dtype=np.int64)
    middles = (points[1:] + points[:-1]) / 2
    return np.searchsorted(middles, prediction.median).astype(np.int64)


def _macro_f1(actual: IntArray, guess: IntArray) -> float:
    """Mean F1 over the classes that occur in truth or guess."""
    values = []
    for label in np.unique(np.concatenate([actual, guess])):
        hits = int(((actual == label) & (guess == label)).sum())
        values.append(2 * hits / (int((actual == label).sum()) + int((guess == label).sum())))
    return float(np.mean(values))


def _log_loss(actual: IntArray, prediction: Prediction, points: FloatArray) -> float:
    if prediction.chances is not None and prediction.chances.shape[1] == 1:
        chance = prediction.chances[:, 0]
    else:
        chance = (prediction.mean - points[0]) / (points[1] - points[0])
    chance = np.clip(chance, SUREST, 1 - SUREST)
    return float(-np.log(np.where(actual == 1, chance, 1 - chance)).mean())
