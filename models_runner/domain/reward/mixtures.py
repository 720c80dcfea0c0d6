"""The logistic likelihood of comparisons: weights for all, and each juror's mixture of directions.

A comparison's logit is base + z'a_i, with z (N, K) the steps between its two items along shared
directions and a_i ~ N(0, diag(t)) the juror's mixture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from models_runner.domain.reward.table import FloatArray, IntArray

_NEWTON_STEPS = 12
_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Mixtures:
    """Each juror's part: weights (J, K), covariance (J, K, K), counts (J,)."""

    weights: FloatArray
    covariance: FloatArray
    counts: IntArray


def pair_loss(logits: FloatArray, wins: FloatArray) -> float:
    """Sum of -wins log s(l) - (1 - wins) log s(-l)."""
    return float((np.logaddexp(0.0, logits) - wins * logits).sum())


def fit_logistic(steps: FloatArray, wins: FloatArray, ridge: float) -> FloatArray:
    """Weights (k,) at the smallest loss + ridge |w|^2 / 2, by Newton's method."""
    k = steps.shape[1]
    weights = np.zeros(k)
    for _ in range(30):
        chance = expit(steps @ weights)
        gradient = steps.T @ (chance - wins) + ridge * weights
        curvature = (steps * np.maximum(chance * (1 - chance), 1e-4)[:, None]).T @ steps
        change = np.linalg.solve(curvature + ridge * np.eye(k), gradient)
        weights = weights - change
        if np.abs(change).max(initial=0.0) < 1e-8:
            break
    return weights


def fit_mixtures(
    *,
    z: FloatArray,
    base: FloatArray,
    jurors: IntArray,
    wins: FloatArray,
    juror_count: int,
    variances: FloatArray,
) -> Mixtures:
    """Every juror's mixture, all in one batch: Newton's method to the mode, then Laplace."""
    count, width = juror_count, z.shape[1]
    counts = np.bincount(jurors, minlength=count).astype(np.int64)
    weights = np.zeros((count, width))
    covariance = np.broadcast_to(np.diag(variances), (count, width, width)).copy()
    told = np.flatnonzero(counts)
    if width and len(told):
        label = np.full(count, -1, dtype=np.int64)
        label[told] = np.arange(len(told))
        rows = JurorRows.sort(z, base, wins, label[jurors])
        found, spread = rows.modes(
            start=np.zeros((len(told), width)), variances=variances, steps=_NEWTON_STEPS
        )
        weights[told], covariance[told] = found, spread
    return Mixtures(weights=weights, covariance=covariance, counts=counts)


@dataclass(frozen=True, slots=True, eq=False)
class JurorRows:
    """Comparisons sorted by juror, each juror with at least one."""

    z: FloatArray
    base: FloatArray
    wins: FloatArray
    owners: IntArray
    starts: IntArray

    @classmethod
    def sort(cls, z: FloatArray, base: FloatArray, wins: FloatArray, owners: IntArray) -> JurorRows:
        """Rows (N, ...) of owners (N,), codes of jurors of whom each has at least one."""
        order = np.argsort(owners, kind="stable")
        owners = owners[order]
        starts = np.searchsorted(owners, np.arange(int(owners.max()) + 1))
        return cls(z=z[order], base=base[order], wins=wins[order], owners=owners, starts=starts)

    def modes(
        self, *, start: FloatArray, variances: FloatArray, steps: int
    ) -> tuple[FloatArray, FloatArray]:
        """Mixtures (J, K) and their covariances after so many steps of Newton's method.

        A step is halved for those jurors whose loss it would raise.
        """
        precision = np.diag(1 / np.maximum(variances, _SMALLEST))
        weights = start
        loss = self._losses(weights, precision)
        curvature = self._curvature(weights, precision)
        for _ in range(steps):
            error = expit(self._logits(weights)) - self.wins
            gradient = np.add.reduceat(self.z * error[:, None], self.starts, axis=0)
            gradient += weights @ precision
            change = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
            size = np.ones((len(weights), 1))
            for _ in range(8):
                tried = self._losses(weights - size * change, precision)
                worse = tried > loss + 1e-12 * np.abs(loss)
                if not worse.any():
                    break
                size[worse] /= 2
            weights = weights - size * change
            loss = self._losses(weights, precision)
            curvature = self._curvature(weights, precision)
            if np.abs(change).max(initial=0.0) < 1e-7:
                break
        return weights, np.asarray(np.linalg.inv(curvature), dtype=np.float64)

    def _logits(self, weights: FloatArray) -> FloatArray:
        own = (self.z * weights[self.owners]).sum(axis=1)
        return np.asarray(self.base + own, dtype=np.float64)

    def _losses(self, weights: FloatArray, precision: FloatArray) -> FloatArray:
        logits = self._logits(weights)
        each = np.add.reduceat(np.logaddexp(0.0, logits) - self.wins * logits, self.starts)
        return np.asarray(each + 0.5 * ((weights @ precision) * weights).sum(axis=1))

    def _curvature(self, weights: FloatArray, precision: FloatArray) -> FloatArray:
        chance = expit(self._logits(weights))
        scaled = self.z * (chance * (1 - chance))[:, None]
        k = self.z.shape[1]
        grams = np.empty((len(self.starts), k, k))
        for a in range(k):
            grams[:, a] = np.add.reduceat(scaled[:, a, None] * self.z, self.starts, axis=0)
        return grams + precision
