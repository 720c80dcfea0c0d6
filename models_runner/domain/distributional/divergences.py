"""Entropy, divergences and distances between distributions over unordered options.

Distributions lie along the last axis, (..., options); results have the shape of the other axes.
0 log 0 is 0 everywhere. Padding both sides with options of probability 0 changes no result, except
where KL is smoothed. All raise InvalidDistribution.
"""

from __future__ import annotations

from enum import Enum
from math import e, log

import numpy as np
import numpy.typing as npt
from scipy.special import entr, kl_div, rel_entr

from models_runner.domain.distributional.probabilities import (
    FloatArray,
    InvalidDistribution,
    as_distributions,
    as_pair,
)


class Base(Enum):
    """The logarithm's base, and so the unit."""

    BITS = 2.0
    NATS = e


def entropy(p: npt.ArrayLike) -> FloatArray:
    """H(p) = -sum p log p in nats, in [0, log options]."""
    return np.asarray(entr(as_distributions(p, name="p")).sum(axis=-1))


def js_divergence(p: npt.ArrayLike, q: npt.ArrayLike, *, base: Base) -> FloatArray:
    """Jensen-Shannon divergence: the mean of KL(p || m) and KL(q || m), m = (p + q) / 2.

    In [0, 1] bits or [0, log 2] nats; symmetric; 0 only for equal distributions. J. Lin, IEEE
    Transactions on Information Theory 37 (1991).
    """
    return _js_divergence(*as_pair(p, q), base=base)


def js_distance(p: npt.ArrayLike, q: npt.ArrayLike, *, base: Base) -> FloatArray:
    """The square root of the Jensen-Shannon divergence, which is a metric (Endres and Schindelin,
    2003). In [0, 1] for base 2, in [0, .832555] for base e.
    """
    return np.asarray(np.sqrt(js_divergence(p, q, base=base)))


def js_distance_unchecked(p: FloatArray, q: FloatArray, *, base: Base) -> FloatArray:
    """`js_distance` of arrays that are known to be distributions, for loops over many of them."""
    return np.asarray(np.sqrt(_js_divergence(p, q, base=base)))


def kl_divergence(p: npt.ArrayLike, q: npt.ArrayLike, *, smoothing: float = 0.0) -> FloatArray:
    """KL(p || q) = sum p log(p / q) in nats, in [0, inf].

    Infinite where p has an option that q gives no probability: that is the measure's answer, not an
    error. With `smoothing` s >= 0 both become (x + s) / (1 + options s) first, which keeps it
    finite and makes it depend on s; say which s was used.
    """
    first, second = as_pair(p, q)
    if not (np.isfinite(smoothing) and smoothing >= 0):
        raise InvalidDistribution(f"The smoothing is {smoothing}; it must be at least 0.")
    whole = 1 + first.shape[-1] * smoothing
    first, second = (first + smoothing) / whole, (second + smoothing) / whole
    return np.asarray(np.maximum(rel_entr(first, second).sum(axis=-1), 0.0))


def total_variation(p: npt.ArrayLike, q: npt.ArrayLike) -> FloatArray:
    """Half the sum of |p - q|, in [0, 1]: the largest difference of any event's probability."""
    first, second = as_pair(p, q)
    return np.asarray(np.minimum(np.abs(first - second).sum(axis=-1) / 2, 1.0))


def unnormalised_total_variation(p: npt.ArrayLike, mass: npt.ArrayLike) -> FloatArray:
    """Half the sum of |p - mass| where `mass` may add up to less than 1, in [0, 1].

    What a model put on no option is counted neither as an answer nor against it: a model that puts
    nothing on any option is at .5. Published leaderboards use it; `total_variation` of normalised
    distributions is the sound number. `mass` is (..., options), each in [0, 1].
    """
    first = as_distributions(p, name="p")
    second = np.asarray(mass, dtype=np.float64)
    if second.ndim == 0 or second.shape[-1] != first.shape[-1]:
        raise InvalidDistribution(
            f"p has the shape {first.shape}, the masses {second.shape}; the options must agree."
        )
    sums = second.sum(axis=-1)
    if not np.isfinite(second).all() or (second < 0).any() or (sums > 1 + 1e-6).any():
        raise InvalidDistribution(
            "Masses must be at least 0 and add up to 1 at most; the smallest is"
            f" {second.min()}, the largest sum {sums.max()}."
        )
    return np.asarray(np.abs(first - second).sum(axis=-1) / 2)


def _js_divergence(p: FloatArray, q: FloatArray, *, base: Base) -> FloatArray:
    middle = (p + q) / 2
    # kl_div adds y - x to each term, which keeps terms at 0 or more and adds up to nothing.
    nats = (kl_div(p, middle) + kl_div(q, middle)).sum(axis=-1) / 2
    return np.asarray(np.clip(nats, 0.0, log(2)) / log(base.value))
