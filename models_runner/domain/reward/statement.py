"""What a juror has written herself, as a reward: how far a response entails her own opinion.

M. Bakker and others, "Fine-tuning language models to find agreement among humans with diverse
preferences", NeurIPS 2022, let a juror's opinion stand for her. Here a score in [0, 1], the
probability that the response entails her written opinion on its query, becomes a rating by a
calibration that all jurors share and that never falls: isotonic regression, or from fewer than 50
ratings a line. A juror's own ratings move it up or down, shrunken by how much jurors differ.
"""

# A method takes what its Protocol hands it, whether it looks at it or not.
# ruff: noqa: ARG002

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import isotonic_regression

from models_runner.domain.reward.methods import Cells, Outlook, Posterior, Prior, own_rating_counts
from models_runner.domain.reward.table import FloatArray, IntArray, RatingTable, rating_counts

_LEAST_FOR_ISOTONIC = 50
_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True)
class Statement:
    """Learns from one score for each rating: an item's only coordinate; see the module."""

    name: str = "statement"
    max_dimensions: int = 1

    def prior(self, *, x: FloatArray, table: RatingTable, like: Prior | None = None) -> Prior:
        """The calibration, the variance of a rating around it, and of jurors' offsets."""
        scores = _scores(x)[table.items]
        knots, values = _calibration(scores, table.ratings)
        residuals = table.ratings - np.interp(scores, knots, values)
        counts = rating_counts(table)
        told = counts > 0
        sums = np.bincount(table.jurors, residuals, minlength=table.juror_count)
        means = sums[told] / counts[told]
        free = max(len(residuals) - int(told.sum()), 1)
        total = float((residuals**2).sum())
        within = max((total - float((counts[told] * means**2).sum())) / free, _SMALLEST)
        between = float((counts[told] * means**2).sum()) / counts.sum()
        between = max(between - within * told.sum() / counts.sum(), 0.0)
        return Prior(
            arrays={
                "knots": knots,
                "values": values,
                "within": np.array(within),
                "between": np.array(between),
            }
        )

    def adapt(
        self, *, prior: Prior, x: FloatArray, table: RatingTable, known: IntArray
    ) -> Posterior:
        """Every juror's offset, shrunken."""
        arrays = prior.arrays
        within, between = float(arrays["within"]), float(arrays["between"])
        counts = rating_counts(table)
        residuals = table.ratings - _curve(prior, x)[table.items]
        sums = np.bincount(table.jurors, residuals, minlength=table.juror_count)
        trust = between / (between * counts + within)
        return Posterior(
            weights=(sums * trust)[:, None],
            covariance=(within * trust)[:, None, None].astype(np.float32),
            counts=counts,
        )

    def moments(self, *, prior: Prior, posterior: Posterior, cells: Cells) -> Outlook:
        """The calibrated score and the juror's offset."""
        mean = _curve(prior, cells.x)[cells.items]
        variance = np.full(len(cells.jurors), float(prior.arrays["between"]))
        told = own_rating_counts(posterior, cells.jurors) > 0
        mean[told] += posterior.weights[cells.jurors[told], 0]
        variance[told] = posterior.covariance[cells.jurors[told], 0, 0]
        return Outlook(mean=mean, sd=np.sqrt(variance + float(prior.arrays["within"])))


def _scores(x: FloatArray) -> FloatArray:
    """The only coordinate (n,); 0 where all scores are alike."""
    return x[:, 0] if x.shape[1] else np.zeros(len(x))


def _curve(prior: Prior, x: FloatArray) -> FloatArray:
    values = np.interp(_scores(x), prior.arrays["knots"], prior.arrays["values"])
    return np.asarray(values, dtype=np.float64)


def _calibration(scores: FloatArray, ratings: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Knots and values of a curve that never falls; level outside the knots."""
    if len(ratings) >= _LEAST_FOR_ISOTONIC:
        knots, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
        means = np.bincount(place, ratings) / counts
        return knots, np.asarray(isotonic_regression(means, weights=counts).x, dtype=np.float64)
    centred = scores - scores.mean()
    length = float((centred**2).sum())
    slope = float((centred * (ratings - ratings.mean())).sum()) / length if length > 1e-12 else 0.0
    knots = np.array([scores.min(), scores.max() + _SMALLEST])
    return knots, ratings.mean() + max(slope, 0.0) * (knots - scores.mean())


def score_table(*, table: RatingTable, scores: FloatArray) -> RatingTable:
    """The same ratings, each on an item of its own whose only feature is its score.

    scores : (jurors, items); finite where the table has a rating
    Raises ``InvalidRatings`` where it is not.
    """
    told = scores[table.jurors, table.items]
    return replace(table, features=told[:, None], items=np.arange(len(told)), blocks=())


def uncalibrated(*, scores: FloatArray, low: float, high: float) -> FloatArray:
    """Scores in [0, 1] spread over a scale, where no rating says what they mean on it."""
    return np.asarray(low + (high - low) * scores, dtype=np.float64)
