"""Ratings as numbers that a Gaussian model can learn, and the way back to a scale.

A rating on a scale of a few points says more than its number: who always says 1 or 5 and who
always says 3 may have the same mean. So each rating becomes the answers to "at least this point?",
one for each point. The first component is the rating itself; the others are what these answers
say beyond it, uncorrelated, the largest first. What is predicted for the components gives,
linearly, the expected rating and the probability of reaching each point; the median, which the
mean absolute error rewards, follows from those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_runner.domain.reward.table import FloatArray

MOST_POINTS = 11
MOST_COMPONENTS = 4
_BINS = 10
_LEAST_SHARE = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class RatingCode:
    """How ratings become components.

    points : (T + 1,) the scale's points, ascending, where there are at most 11; else the
        bounds and the edges of ten equal shares of the ratings
    cuts : (T,) a rating "reaches" a cut if it is not below it
    centre, scale : (T + 1,) of the columns [rating, reached cut 1, ..., reached cut T]
    turn : (T + 1, C) standardised columns to components
    loadings : (T + 1, C) and back
    discrete : whether ratings lie on the points and nowhere else
    """

    points: FloatArray
    cuts: FloatArray
    centre: FloatArray
    scale: FloatArray
    turn: FloatArray
    loadings: FloatArray
    discrete: bool

    @classmethod
    def fit(cls, *, ratings: FloatArray, low: float) -> RatingCode:
        """Points and components of ratings (N,), N >= 1, on a scale that begins at `low`."""
        seen = np.unique(ratings)
        discrete = len(seen) <= MOST_POINTS
        if discrete:
            points = seen
            cuts = (seen[1:] + seen[:-1]) / 2
        else:
            cuts = np.unique(np.quantile(ratings, np.arange(1, _BINS) / _BINS))
            cuts = cuts[(cuts > seen[0]) & (cuts <= seen[-1])]
            points = np.concatenate([[low], cuts])
        columns = _columns(ratings, cuts)
        centre = columns.mean(axis=0)
        spread = columns.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        standard = (columns - centre) / scale
        shared = standard.T @ standard[:, 0] / len(ratings)
        shared[0] = 1.0
        rest = standard - np.outer(standard[:, 0], shared)
        values, vectors = np.linalg.eigh(rest.T @ rest / len(ratings))
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        kept = min(int((values > _LEAST_SHARE * len(cuts)).sum()), MOST_COMPONENTS - 1)
        vectors = vectors[:, :kept]
        vectors[0] = 0.0
        largest = np.abs(vectors).argmax(axis=0)
        vectors = vectors * np.where(vectors[largest, np.arange(kept)] < 0, -1.0, 1.0)
        turn = vectors.copy()
        turn[0] = -shared[1:] @ vectors[1:]
        first = np.eye(len(shared))[:, :1]
        return cls(
            points=points,
            cuts=cuts,
            centre=centre,
            scale=scale,
            turn=np.hstack([first, turn]),
            loadings=np.hstack([shared[:, None], vectors]),
            discrete=discrete,
        )

    def components(self, *, ratings: FloatArray) -> FloatArray:
        """(N,) ratings as (N, C) components."""
        standard = (_columns(ratings, self.cuts) - self.centre) / self.scale
        return np.asarray(standard @ self.turn, dtype=np.float64)

    def means(self, *, components: FloatArray) -> FloatArray:
        """(R, C) predicted components as expected ratings (R,)."""
        values = self.centre[0] + self.scale[0] * (components @ self.loadings[0])
        return np.asarray(values, dtype=np.float64)

    def variances(self, *, components: FloatArray) -> FloatArray:
        """(R, C) variances of components, uncorrelated, as variances of the rating (R,)."""
        values = self.scale[0] ** 2 * (components @ self.loadings[0] ** 2)
        return np.asarray(values, dtype=np.float64)

    def reached(self, *, components: FloatArray) -> FloatArray:
        """(R, C) predicted components as the chance of reaching each cut, (R, T), descending."""
        raw = self.centre[1:] + self.scale[1:] * (components @ self.loadings[1:].T)
        return np.minimum.accumulate(np.clip(raw, 0.0, 1.0), axis=1)

    def medians(self, *, reached: FloatArray, high: float) -> FloatArray:
        """(R, T) chances of reaching each cut as medians (R,), on the scale."""
        above = (reached > 0.5).sum(axis=1)
        if self.discrete:
            return np.asarray(self.points[above], dtype=np.float64)
        # Between two cuts the chance falls in a straight line; above the last, down to `high`.
        knots = np.concatenate([self.points, [max(high, float(self.points[-1]))]])
        chances = np.column_stack([np.ones(len(reached)), reached, np.zeros(len(reached))])
        row = np.arange(len(reached))
        upper, lower = chances[row, above], chances[row, above + 1]
        share = (upper - 0.5) / np.maximum(upper - lower, 1e-12)
        return np.asarray(
            knots[above] + np.clip(share, 0, 1) * (knots[above + 1] - knots[above]),
            dtype=np.float64,
        )


def _columns(ratings: FloatArray, cuts: FloatArray) -> FloatArray:
    return np.column_stack([ratings, (ratings[:, None] >= cuts).astype(np.float64)])
