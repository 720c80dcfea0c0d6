"""Reward bases: what each juror prefers is a mixture of a few shared directions.

The utility of item y for juror i is (b + V a_i)'x(y), x the principal components of its features:
b is what all share, V (k, K) holds K shared directions, a_i ~ N(0, diag(t)) is the juror's mixture.
She prefers y to y' with the chance s(u_i(y) - u_i(y')), s the logistic function (R. A. Bradley and
M. E. Terry, *Biometrika* 39, 1952). A. Bose and others, "LoRe: Personalizing LLMs via low-rank
reward modeling", 2025, take mixtures on the simplex; ours may be negative, so that two jurors can
want the opposite.

b, V and a are fitted together by L-BFGS under |V|^2 penalty / 2 + |a|^2 / 2, which leaves useless
directions at 0; the penalty is the one that foresees held-out queries best. Then V is turned to
orthogonal directions, the largest first, and t is learnt by expectation and maximisation with
Laplace's approximation. A new juror needs no training: her mixture is fitted to her comparisons,
and is 0 with variance t before the first. A tie counts as half a win for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from models_runner.domain.reward.mixtures import JurorRows, fit_logistic, pair_loss
from models_runner.domain.reward.pairs import PairTable
from models_runner.domain.reward.table import FloatArray, IntArray

_PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0)
_ROUNDS = 15
_TUNING_JURORS, _LEARNING_JURORS, _MANY = 300, 2000, 5000
_LEAST_GAIN = 1e-4
_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Joint:
    """b (k,), V (k, K) and mixtures (J, K), fitted together."""

    shared: FloatArray
    directions: FloatArray
    weights: FloatArray

    def logits(self, steps: FloatArray, owners: IntArray) -> FloatArray:
        own = ((steps @ self.directions) * self.weights[owners]).sum(axis=1)
        return np.asarray(steps @ self.shared + own, dtype=np.float64)


def _fit_joint(
    steps: FloatArray,
    wins: FloatArray,
    owners: IntArray,
    start: _Joint,
    ridge: float,
    penalty: float,
) -> _Joint:
    k, rank = start.directions.shape
    jurors = len(start.weights)
    edges = k, k + k * rank

    def parts(values: FloatArray) -> _Joint:
        return _Joint(
            shared=values[: edges[0]],
            directions=values[edges[0] : edges[1]].reshape(k, rank),
            weights=values[edges[1] :].reshape(jurors, rank),
        )

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        now = parts(values)
        z = steps @ now.directions
        mine = now.weights[owners]
        logits = steps @ now.shared + (z * mine).sum(axis=1)
        error = expit(logits) - wins
        own = np.column_stack(
            [np.bincount(owners, z[:, c] * error, minlength=jurors) for c in range(rank)]
        )
        gradient = np.concatenate(
            [
                steps.T @ error + ridge * now.shared,
                (steps.T @ (mine * error[:, None]) + penalty * now.directions).ravel(),
                (own + now.weights).ravel(),
            ]
        )
        size = ridge * (now.shared**2).sum() + penalty * (now.directions**2).sum()
        return pair_loss(logits, wins) + 0.5 * float(size + (now.weights**2).sum()), gradient

    values = np.concatenate([start.shared, start.directions.ravel(), start.weights.ravel()])
    found = minimize(
        loss, values, jac=True, method="L-BFGS-B", options={"maxiter": 100, "ftol": 1e-6}
    )
    return parts(np.asarray(found.x, dtype=np.float64))


def _start(
    steps: FloatArray,
    wins: FloatArray,
    owners: IntArray,
    jurors: int,
    shared: FloatArray,
    rank: int,
) -> _Joint:
    """Where jurors pull away from what all share: the largest directions of their gradients."""
    pull = steps * (wins - expit(steps @ shared))[:, None]
    counts = np.maximum(np.bincount(owners, minlength=jurors), 1)
    sums = np.column_stack(
        [np.bincount(owners, pull[:, c], minlength=jurors) for c in range(steps.shape[1])]
    )
    left, values, right = np.linalg.svd(sums / np.sqrt(counts)[:, None], full_matrices=False)
    largest = np.abs(right).argmax(axis=1)
    signs = np.where(right[np.arange(len(right)), largest] < 0, -1.0, 1.0)
    scale = 0.3 / max(float(values[0]) if len(values) else 1.0, 1e-9)
    return _Joint(
        shared=shared,
        directions=(right[:rank] * signs[:rank, None]).T * 0.3,
        weights=left[:, :rank] * signs[:rank] * values[:rank] * scale,
    )


def learn_low_rank(
    steps: FloatArray,
    table: PairTable,
    fold: IntArray,
    shared: FloatArray,
    rank: int,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """b, V and t; without V where no direction foresees held-out comparisons better than b.

    The penalty is chosen on 300 of the jurors, V learnt from 2,000 of them, spread evenly.
    """
    none = {"shared": shared}
    told = np.unique(table.jurors)
    most = min(rank, steps.shape[1], len(told))
    if most < 1 or len(told) < 2:
        return none
    ridge = float(settings["ridge"])
    rows, owners = _of_some(table.jurors, told, _TUNING_JURORS)
    gain, penalty = _choose_penalty(steps[rows], table.wins[rows], owners, fold[rows], ridge, most)
    settings["held_out_gain"] = gain
    if gain < _LEAST_GAIN:
        return none
    settings["penalty"] = penalty
    rows, owners = _of_some(table.jurors, told, _LEARNING_JURORS)
    steps, wins = steps[rows], table.wins[rows]
    start = _start(steps, wins, owners, int(owners.max()) + 1, shared, most)
    joint = _fit_joint(steps, wins, owners, start, ridge, penalty)
    directions = _principal(joint)
    if not directions.shape[1]:
        return none
    z, base = steps @ directions, steps @ joint.shared
    variances = _learn_variances(z, base, wins, owners, joint, directions)
    return {"shared": joint.shared, "directions": directions, "variances": variances}


def _of_some(jurors: IntArray, told: IntArray, most: int) -> tuple[IntArray, IntArray]:
    """Rows of at most so many jurors, and each row's juror as a place among them."""
    chosen = told[np.linspace(0, len(told) - 1, min(len(told), most)).astype(np.int64)]
    rows = np.flatnonzero(np.isin(jurors, chosen))
    return rows, np.searchsorted(chosen, jurors[rows])


def _choose_penalty(
    steps: FloatArray,
    wins: FloatArray,
    owners: IntArray,
    fold: IntArray,
    ridge: float,
    rank: int,
) -> tuple[float, float]:
    """How much loss a comparison saves over b alone when held out, and at which penalty.

    On two folds, where there are more than 5,000 comparisons: each is large enough.
    """
    errors = np.zeros(len(_PENALTIES))
    plain, tested = 0.0, 0
    folds = np.unique(fold)
    for number in folds[:2] if len(wins) > _MANY else folds:
        out = fold == number
        if out.all():
            continue
        common = fit_logistic(steps[~out], wins[~out], ridge)
        plain += pair_loss(steps[out] @ common, wins[out])
        tested += int(out.sum())
        now = _start(steps[~out], wins[~out], owners[~out], int(owners.max()) + 1, common, rank)
        for place, penalty in enumerate(_PENALTIES):
            now = _fit_joint(steps[~out], wins[~out], owners[~out], now, ridge, penalty)
            errors[place] += pair_loss(now.logits(steps[out], owners[out]), wins[out])
    best = int(errors.argmin())
    return float((plain - errors[best]) / max(tested, 1)), _PENALTIES[best]


def _principal(joint: _Joint) -> FloatArray:
    """Orthonormal directions (k, K) of the jurors' own parts, largest first, signs fixed."""
    own = joint.weights @ joint.directions.T
    _, values, right = np.linalg.svd(own, full_matrices=False)
    kept = [
        place
        for place in range(min(len(values), joint.directions.shape[1]))
        if values[place] > 1e-3 * np.sqrt(len(own))
    ]
    turned = right[kept].T
    if not kept:
        return np.zeros((len(joint.shared), 0))
    largest = np.abs(turned).argmax(axis=0)
    signs = np.where(turned[largest, np.arange(len(kept))] < 0, -1.0, 1.0)
    return np.ascontiguousarray(turned * signs)


def _learn_variances(
    z: FloatArray,
    base: FloatArray,
    wins: FloatArray,
    owners: IntArray,
    joint: _Joint,
    directions: FloatArray,
) -> FloatArray:
    """The variances t (K,), by expectation and maximisation."""
    rows = JurorRows.sort(z, base, wins, owners)
    weights = joint.weights @ joint.directions.T @ directions
    variances = np.maximum((weights**2).mean(axis=0), 1e-3)
    for _ in range(_ROUNDS):
        weights, covariance = rows.modes(start=weights, variances=variances, steps=2)
        diagonal = np.einsum("jaa->ja", covariance)
        variances = np.maximum((weights**2 + diagonal).mean(axis=0), _SMALLEST)
    return np.asarray(variances, dtype=np.float64)
