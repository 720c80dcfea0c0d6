"""What all jurors together think of each item: a Gaussian process on the items' features.

The mean rating of an item is a smooth function of its features (linear, or linear and a radial
kernel on landmarks), what the features do not tell, and the noise of its few ratings. Which kernel
and how much of the variance it explains are chosen by leaving out one item at a time, in closed
form (C. E. Rasmussen and C. K. I. Williams, *Gaussian Processes for Machine Learning*, 2006,
section 5.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from models_runner.domain.reward.table import FloatArray, IntArray

LANDMARKS = 500
_BANDWIDTH = 0.5
_SHARES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.95)
_SMALLEST = 1e-6
_JITTER = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """Explicit features of an item's coordinates.

    landmarks : (m, k) coordinates, m = 0 for the linear kernel
    whitening : (m, r) such that radial kernel values times whitening are the radial features
    """

    landmarks: FloatArray
    whitening: FloatArray

    @classmethod
    def linear(cls, *, width: int) -> Kernel:
        """Only the coordinates themselves."""
        return cls(landmarks=np.zeros((0, width)), whitening=np.zeros((0, 0)))

    @classmethod
    def radial(cls, *, x: FloatArray) -> Kernel:
        """Coordinates and a radial kernel on at most 500 of the items (n, k), spread evenly."""
        chosen = np.linspace(0, len(x) - 1, min(len(x), LANDMARKS)).astype(np.int64)
        landmarks = np.unique(x[chosen], axis=0)
        gram = _radial(landmarks, landmarks) + _JITTER * np.eye(len(landmarks))
        lower = np.linalg.cholesky(gram)
        whitening = solve_triangular(lower, np.eye(len(lower)), lower=True, check_finite=False).T
        return cls(landmarks=landmarks, whitening=np.ascontiguousarray(whitening))

    def features(self, *, x: FloatArray) -> FloatArray:
        """(n, k) coordinates as (n, 1 + k + r) features; the first is 1."""
        parts = [np.ones((len(x), 1)), x]
        if len(self.landmarks):
            parts.append(_radial(x, self.landmarks) @ self.whitening)
        return np.hstack(parts)


def _radial(x: FloatArray, landmarks: FloatArray) -> FloatArray:
    squares = (x**2).sum(axis=1)[:, None] + (landmarks**2).sum(axis=1) - 2 * x @ landmarks.T
    return np.asarray(np.exp(-_BANDWIDTH * np.maximum(squares, 0.0)), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class ItemMeans:
    """Items' mean components by their features.

    weights : (features, C) of the kernel's features
    unseen : (n, C) prediction of each rated item without its own ratings
    unexplained : (C,) variance of an item's mean around that prediction
    noise : (C,) variance of one rating around its item's mean
    shares : (C,) of the items' variance, what the features were taken to explain
    errors : (C,) mean squared error of `unseen`, each item counted by its ratings
    """

    weights: FloatArray
    unseen: FloatArray
    unexplained: FloatArray
    noise: FloatArray
    shares: FloatArray
    errors: FloatArray


def within_variance(values: FloatArray, items: IntArray, item_count: int) -> float:
    """Variance of one rating around its item's mean; of all ratings where no item has two."""
    counts = np.bincount(items, minlength=item_count)
    means = np.bincount(items, values, minlength=item_count) / np.maximum(counts, 1)
    free = len(values) - int((counts > 0).sum())
    if free < 1:
        return max(float(values.var()) * 0.8, _SMALLEST)
    return max(float(((values - means[items]) ** 2).sum()) / free, _SMALLEST)


@dataclass(frozen=True, slots=True, eq=False)
class ItemRegression:
    """Ridge on items' features (n, f), turned so that every penalty costs the same little.

    An item of n ratings weighs 1 / (ratio + 1 / n).
    """

    centre: FloatArray
    turned: FloatArray
    axes: FloatArray
    values: FloatArray
    item_weights: FloatArray
    counts: FloatArray

    @classmethod
    def prepare(cls, *, features: FloatArray, counts: FloatArray, ratio: float) -> ItemRegression:
        """One decomposition for all components and penalties; the first feature is 1."""
        item_weights = 1 / (ratio + 1 / counts)
        rest = features[:, 1:]
        centre = item_weights @ rest / item_weights.sum()
        centred = rest - centre
        gram = (centred * item_weights[:, None]).T @ centred
        values, axes = np.linalg.eigh(gram) if gram.size else (np.zeros(0), np.zeros((0, 0)))
        return cls(
            centre=centre,
            turned=centred @ axes,
            axes=axes,
            values=np.maximum(values, 0.0),
            item_weights=item_weights,
            counts=counts,
        )

    def fit(
        self, *, means: FloatArray, noise: FloatArray, shares: FloatArray | None = None
    ) -> ItemMeans:
        """Items' mean components (n, C) on features; `noise` (C,) of one rating.

        `shares` (C,) fixes how much of the items' variance the features are taken to explain;
        without it the best of six is found by leaving out each item in turn.
        """
        weights = self.item_weights
        average = weights @ means / weights.sum()
        per_item = noise * len(means) / self.counts.sum()
        total = np.average((means - average) ** 2, weights=self.counts, axis=0)
        between = np.maximum(np.maximum(total - per_item, 0.05 * noise), _SMALLEST)
        length = max(float((self.turned**2).sum(axis=1).mean()), 1e-12)
        right = self.turned.T @ (weights[:, None] * (means - average))
        squares = self.turned**2
        found: list[tuple[float, float, FloatArray, FloatArray]] = []
        for c in range(means.shape[1]):
            tried = []
            for share in _SHARES if shares is None else (float(shares[c]),):
                shrink = 1 / (self.values + noise[c] * length / (between[c] * share))
                solved = right[:, c] * shrink
                leverage = weights * (1 / weights.sum() + squares @ shrink)
                residual = means[:, c] - average[c] - self.turned @ solved
                left_out = residual / (1 - np.minimum(leverage, 1 - 1e-6))
                error = float(np.average(left_out**2, weights=self.counts))
                tried.append((error, share, solved, left_out))
            found.append(min(tried, key=lambda one: one[0]))
        slopes = self.axes @ np.column_stack([solved for _, _, solved, _ in found])
        errors = np.array([error for error, _, _, _ in found])
        return ItemMeans(
            weights=np.vstack([average - self.centre @ slopes, slopes]),
            unseen=means - np.column_stack([left_out for _, _, _, left_out in found]),
            unexplained=np.maximum(np.maximum(errors - per_item, 0.02 * noise), _SMALLEST),
            noise=noise,
            shares=np.array([share for _, share, _, _ in found]),
            errors=errors,
        )
