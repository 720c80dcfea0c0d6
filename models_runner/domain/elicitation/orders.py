"""The same question with its options in several orders."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class InvalidOrders(ValueError):
    """Orders that are none, or don't fit the distributions; the message has the numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class OrderAverage:
    """``probabilities`` (options,): the mean over orders, in which no option has a better place.

    ``sensitivity``: mean total variation between two orders' distributions, in [0, 1], None with a
    single order; 0 is a model to which order does not matter. ``by_position`` (options,): mean
    probability of what stood first, second and so on; 1 / options each if place does not matter and
    the orders are balanced.
    """

    probabilities: FloatArray
    sensitivity: float | None
    by_position: FloatArray


def option_orders(*, options: int, count: int, seed: int) -> IntArray:
    """`count` different orders, (count, options): order[i, place] is the option that stands there.

    They are turned round in blocks of `options`, so that with a multiple of that each option stands
    at each place equally often. Raises InvalidOrders if there are not so many.
    """
    if options < 1 or not 1 <= count <= factorial(options):
        raise InvalidOrders(
            f"{count} orders of {options} options were asked for; there are"
            f" {factorial(max(options, 0))}."
        )
    rng = np.random.default_rng([seed, options])
    found: dict[tuple[int, ...], None] = {}
    while len(found) < count:
        start = rng.permutation(options)
        if tuple(start.tolist()) in found:
            continue
        for turn in range(options):
            found[tuple(np.roll(start, turn).tolist())] = None
    return np.array(list(found)[:count], dtype=np.int64)


def average_over_orders(by_position: npt.ArrayLike, *, orders: npt.ArrayLike) -> OrderAverage:
    """Put distributions over places back to options, and join them.

    Args:
        by_position: (orders, options), each adding up to 1: the probability of the letter at each
            place.
        orders: (orders, options): the option that stood at each place.

    Raises:
        InvalidOrders: shapes that differ, rows that are no order, or no distribution.
    """
    values = np.asarray(by_position, dtype=np.float64)
    places = np.asarray(orders, dtype=np.int64)
    if values.ndim != 2 or values.shape != places.shape or 0 in values.shape:
        raise InvalidOrders(
            f"Distributions {values.shape} and orders {places.shape} must both be (orders,"
            " options)."
        )
    if (np.sort(places, axis=1) != np.arange(places.shape[1])).any():
        raise InvalidOrders("Each order must name each option once, counted from 0.")
    if not np.isfinite(values).all() or (np.abs(values.sum(axis=1) - 1) > 1e-6).any():
        raise InvalidOrders("Each order needs probabilities that add up to 1.")
    by_option = np.empty_like(values)
    np.put_along_axis(by_option, places, values, axis=1)
    apart = [float(np.abs(one - other).sum() / 2) for one, other in combinations(by_option, 2)]
    return OrderAverage(
        probabilities=by_option.mean(axis=0),
        sensitivity=float(np.mean(apart)) if apart else None,
        by_position=values.mean(axis=0),
    )
