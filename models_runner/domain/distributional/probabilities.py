"""What counts as a distribution over options."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SUM_WITHIN = 1e-6
"""How far from 1 the probabilities of one question may add up, unless the caller declares more."""


class InvalidDistribution(ValueError):
    """Numbers that are no distributions, or don't fit together; the message has the numbers."""


def as_distributions(
    values: npt.ArrayLike, *, name: str, sum_within: float = SUM_WITHIN
) -> FloatArray:
    """Distributions along the last axis, divided by their sums.

    Args:
        values: shape (..., options), each at least 0; along the last axis they add up to 1.
        name: how the error calls them.
        sum_within: how far from 1 a sum may be.

    Raises:
        InvalidDistribution: no options, a value that is negative, infinite or NaN, a sum off 1.
    """
    array = _at_least_zero(values, name)
    if not 0 <= sum_within < 1:
        raise InvalidDistribution(f"sum_within is {sum_within:g}; it must lie in 0 to 1.")
    sums = array.sum(axis=-1)
    off = np.abs(sums - 1) > sum_within
    if off.any():
        raise InvalidDistribution(
            f"{name}: the probabilities{_first(off)} add up to"
            f" {float(np.asarray(sums)[off].flat[0]):.6g}, not 1"
            f" (within {sum_within:g}); pass counts through `from_counts`, or allow for rounding"
            " with `sum_within`."
        )
    return np.asarray(array / sums[..., None])


def from_counts(counts: npt.ArrayLike, *, name: str) -> FloatArray:
    """Counts or survey weights along the last axis as distributions.

    Raises InvalidDistribution for a value that is negative, infinite or NaN, or a row of zeros.
    """
    array = _at_least_zero(counts, name)
    sums = array.sum(axis=-1)
    empty = sums <= 0
    if np.any(empty):
        raise InvalidDistribution(
            f"{name}: nobody answered{_first(empty)} (all counts are 0); leave it out."
        )
    return np.asarray(array / sums[..., None])


def as_pair(
    p: npt.ArrayLike, q: npt.ArrayLike, *, sum_within: float = SUM_WITHIN
) -> tuple[FloatArray, FloatArray]:
    """Two arrays of distributions with as many options; other axes broadcast.

    Raises InvalidDistribution.
    """
    first = as_distributions(p, name="p", sum_within=sum_within)
    second = as_distributions(q, name="q", sum_within=sum_within)
    if first.shape[-1] != second.shape[-1]:
        raise InvalidDistribution(
            f"p has {first.shape[-1]} options and q has {second.shape[-1]}; both need the same"
            " options in the same order."
        )
    try:
        np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        raise InvalidDistribution(
            f"p has the shape {first.shape} and q {second.shape}, which don't fit together."
        ) from None
    return first, second


def _at_least_zero(values: npt.ArrayLike, name: str) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise InvalidDistribution(f"{name}: there are no options; the shape is {array.shape}.")
    bad = ~np.isfinite(array) | (array < 0)
    if bad.any():
        raise InvalidDistribution(
            f"{name}: the value{_first(bad)} is {array[bad].flat[0]}; each must be a number of"
            " at least 0."
        )
    return array


def _first(mask: npt.ArrayLike) -> str:
    marks = np.asarray(mask)
    place = tuple(int(i) for i in np.argwhere(marks)[0]) if marks.ndim else ()
    return f" at position {place}" if place else ""
