"""What divides the jurors: hidden directions of items, and of tastes.

`taste_directions` finds along which features jurors differ, `item_factors` what their ratings say
of the items beyond any feature: the residual of juror i on item j is u_i'v_j, alternating ridges
(R. Salakhutdinov and A. Mnih, "Probabilistic matrix factorization", NIPS 2007). The penalty, and
whether there are factors at all, is decided on a tenth of the ratings that the fit has not seen.
"""

from __future__ import annotations

import numpy as np

from models_runner.domain.reward.table import FloatArray, IntArray

MOST_DIRECTIONS = 8
FACTORS = 4
PENALTIES = (6.0, 12.0, 25.0)
_ROUNDS = 12
_LEAST_GAIN = 0.002


def taste_directions(
    *, grams: FloatArray, moments: FloatArray, noise: float, weight: float, rounds: int = 8
) -> FloatArray:
    """The (q, K) directions, K <= 8, along which jurors' weights vary most.

    grams (J, q, q), moments (J, q): each juror's sums. The weights' covariance is learnt by
    expectation and maximisation from `weight` times the identity.
    """
    q = grams.shape[1]
    covariance = np.eye(q) * weight
    for _ in range(rounds):
        inner = np.linalg.inv(np.linalg.inv(covariance) + grams / noise)
        weights = np.einsum("jab,jb->ja", inner, moments / noise)
        covariance = (weights.T @ weights + inner.sum(axis=0)) / len(grams)
        covariance += np.eye(q) * 1e-9 * np.trace(covariance)
    _, vectors = np.linalg.eigh(covariance)
    vectors = vectors[:, ::-1][:, :MOST_DIRECTIONS]
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    return np.ascontiguousarray(vectors * signs)


def _ridges(
    owner: IntArray, owners: int, design: FloatArray, residuals: FloatArray, penalty: float
) -> FloatArray:
    """Ridge weights (owners, K) of each owner's ratings."""
    k = design.shape[1]
    grams = np.empty((owners, k, k))
    moments = np.empty((owners, k))
    for a in range(k):
        moments[:, a] = np.bincount(owner, design[:, a] * residuals, minlength=owners)
        for b in range(a, k):
            sums = np.bincount(owner, design[:, a] * design[:, b], minlength=owners)
            grams[:, a, b] = grams[:, b, a] = sums
    grams += np.eye(k) * penalty
    return np.asarray(np.linalg.solve(grams, moments[:, :, None])[:, :, 0], dtype=np.float64)


def _alternate(
    jurors: IntArray,
    items: IntArray,
    residuals: FloatArray,
    sizes: tuple[int, int],
    penalty: float,
) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(0)
    v = rng.normal(scale=0.3, size=(sizes[1], FACTORS))
    u = np.zeros((sizes[0], FACTORS))
    for _ in range(_ROUNDS):
        u = _ridges(jurors, sizes[0], v[items], residuals, penalty)
        v = _ridges(items, sizes[1], u[jurors], residuals, penalty)
    return u, v


def item_factors(
    *,
    jurors: IntArray,
    items: IntArray,
    residuals: FloatArray,
    juror_count: int,
    item_count: int,
    penalty: float | None = None,
) -> tuple[FloatArray, float]:
    """Factors (item_count, K) of the items and the penalty; K = 0, penalty 0 where none help.

    residuals (N,): what juror and item alone do not explain. With a `penalty` the decision is
    taken as made. Scaled so that the jurors' coefficients have about unit variance.
    """
    none = np.zeros((item_count, 0)), 0.0
    n, sizes = len(residuals), (juror_count, item_count)
    spread = float(np.sqrt((residuals**2).mean())) if n else 0.0
    if penalty == 0.0 or spread <= 1e-9 or n < 10 * FACTORS:
        return none
    residuals = residuals / spread
    if penalty is None:
        test = np.random.default_rng(1).permutation(n) < n // 10
        best = float((residuals[test] ** 2).sum()) * (1 - _LEAST_GAIN)
        for candidate in PENALTIES:
            u, v = _alternate(jurors[~test], items[~test], residuals[~test], sizes, candidate)
            guess = (u[jurors[test]] * v[items[test]]).sum(axis=1)
            error = float(((residuals[test] - guess) ** 2).sum())
            if error < best:
                best, penalty = error, candidate
        if penalty is None:
            return none
    u, v = _alternate(jurors, items, residuals, sizes, penalty)
    # Turned so that factors are uncorrelated over jurors, the most telling first.
    values, vectors = np.linalg.eigh(u.T @ u / max(juror_count, 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    return v @ (vectors * np.sqrt(np.maximum(values, 1e-12))), penalty
