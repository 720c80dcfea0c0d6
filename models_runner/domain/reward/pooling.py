"""Partial pooling: every juror's coefficients around those of her groups, in closed form.

w_i ~ N(sum over traits of her group's mean, diag(v)); residual = design w_i + noise. Variances are
at the largest marginal likelihood (type II), by expectation and maximisation (N. M. Laird and
J. H. Ware, "Random-effects models for longitudinal data", *Biometrics* 38, 1982).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models_runner.domain.reward.table import FloatArray, IntArray

_SMALLEST = 1e-7


def juror_sums(
    design: FloatArray, residuals: FloatArray, jurors: IntArray, juror_count: int
) -> tuple[FloatArray, FloatArray]:
    """Every juror's Gram matrix (J, q, q) and moments (J, q, C) of residuals (N, C)."""
    q = design.shape[1]
    order = np.argsort(jurors, kind="stable")
    design, residuals = design[order], residuals[order]
    starts = np.searchsorted(jurors[order], np.arange(juror_count + 1))
    grams = np.zeros((juror_count, q, q))
    moments = np.zeros((juror_count, q, residuals.shape[1]))
    for juror in np.flatnonzero(np.diff(starts)):
        rows = slice(starts[juror], starts[juror + 1])
        part = design[rows]
        grams[juror] = part.T @ part
        moments[juror] = part.T @ residuals[rows]
    return grams, moments


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """One component's variances and group means.

    noise : variance of a rating around its juror's function
    variances : (q,) of jurors' coefficients around their groups
    groups : (levels, q) group means, levels of all traits one after the other
    """

    noise: float
    variances: FloatArray
    groups: FloatArray


def group_levels(groups: IntArray | None, sizes: IntArray, juror_count: int) -> IntArray:
    """(J, G) rows of ``Pooled.groups`` for each juror, -1 where a trait is not told or new."""
    if groups is None or not len(sizes):
        return np.full((juror_count, 0), -1, dtype=np.int64)
    groups = np.asarray(groups, dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return np.where((groups >= 0) & (groups < sizes), groups + starts, -1)


def group_means(means: FloatArray, levels: IntArray) -> FloatArray:
    """(J, q) sums of the jurors' group means."""
    padded = np.vstack([means, np.zeros((1, means.shape[1]))])
    return np.asarray(padded[levels].sum(axis=1), dtype=np.float64)


def inverses(stack: FloatArray) -> FloatArray:
    """Inverses of positive definite matrices (J, q, q), all jurors in each step of the algebra.

    By Cholesky's factor, whose inverse is built row by row: for small q about half the work of the
    general inverse.
    """
    lower = np.ascontiguousarray(np.linalg.cholesky(stack).transpose(1, 2, 0))
    inverse = np.zeros_like(lower)
    for row in range(len(lower)):
        inverse[row, row] = 1 / lower[row, row]
        above = np.einsum("aj,abj->bj", lower[row, :row], inverse[:row, :row])
        inverse[row, :row] = -above * inverse[row, row]
    factor = np.ascontiguousarray(inverse.transpose(2, 0, 1))
    return np.asarray(factor.transpose(0, 2, 1) @ factor, dtype=np.float64)


def posteriors(
    *, grams: FloatArray, moments: FloatArray, pooled: Pooled, centre: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Means (J, q) and covariances (J, q, q) of all jurors' coefficients in one batch."""
    precision = np.diag(1 / pooled.variances)
    covariance = inverses(precision + grams / pooled.noise)
    right = moments / pooled.noise + centre / pooled.variances
    means = (covariance @ right[:, :, None])[:, :, 0]
    return np.asarray(means, np.float64), np.asarray(covariance, np.float64)


def learn_pooling(
    *,
    grams: FloatArray,
    moments: FloatArray,
    squares: float,
    count: int,
    blocks: IntArray,
    levels: IntArray,
    level_count: int,
    rounds: int,
    start: Pooled | None = None,
) -> Pooled:
    """Variances and group means from jurors' sums, by expectation and maximisation.

    blocks : (q,) coefficients of one block share a variance
    levels : (J, G), see ``group_levels``
    squares, count : sum of squared residuals, and of how many
    start : where to begin
    """
    q = len(blocks)
    spread = max(squares / max(count, 1), _SMALLEST)
    length = np.maximum(np.einsum("jaa->a", grams) / max(count, 1), 1e-12)
    variances = 0.2 * spread / length
    for block in np.unique(blocks):
        variances[blocks == block] = variances[blocks == block].mean()
    noise, spread_of_groups = 0.7 * spread, 0.1 * variances
    means = np.zeros((level_count, q))
    if start is not None:
        noise, variances, means = start.noise, start.variances, start.groups
    for _ in range(rounds):
        centre = group_means(means, levels)
        pooled = Pooled(noise=noise, variances=variances, groups=means)
        weights, covariance = posteriors(grams=grams, moments=moments, pooled=pooled, centre=centre)
        means, spread_of_groups = _learn_groups(means, spread_of_groups, weights, variances, levels)
        own = weights - group_means(means, levels)
        spread_out = (own**2).mean(axis=0) + np.einsum("jaa->a", covariance) / len(grams)
        variances = np.empty(q)
        for block in np.unique(blocks):
            variances[blocks == block] = max(spread_out[blocks == block].mean(), _SMALLEST)
        explained = 2 * (moments * weights).sum() - np.einsum(
            "ja,jab,jb->", weights, grams, weights, optimize=True
        )
        doubt = np.einsum("jab,jab->", grams, covariance)
        noise = max((squares - float(explained) + float(doubt)) / max(count, 1), 1e-3 * spread)
    return Pooled(noise=noise, variances=variances, groups=means)


def _learn_groups(
    means: FloatArray,
    spread: FloatArray,
    weights: FloatArray,
    variances: FloatArray,
    levels: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """One round over the traits: each level's mean, shrunken by how much levels differ."""
    if not len(means):
        return means, spread
    means = means.copy()
    doubt = np.zeros_like(means)
    for trait in range(levels.shape[1]):
        mine = levels[:, trait]
        told = mine >= 0
        rest = weights - group_means(means, levels)
        sums = np.zeros_like(means)
        np.add.at(sums, mine[told], rest[told] + means[mine[told]])
        counts = np.bincount(mine[told], minlength=len(means))[:, None]
        used = counts[:, 0] > 0
        shrunken = 1 / (counts[used] + variances / spread)
        means[used] = sums[used] * shrunken
        doubt[used] = variances * shrunken
    return means, np.maximum((means**2 + doubt).mean(axis=0), 1e-4 * variances)
