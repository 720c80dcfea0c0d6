"""Distances where options have an order, given by codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models_runner.domain.distributional.probabilities import (
    FloatArray,
    InvalidDistribution,
    as_pair,
)


@dataclass(frozen=True, slots=True, eq=False)
class OrdinalDistance:
    """Wasserstein-1 between answers that have a code; refusals stand apart.

    All arrays have the shape (...) of the distributions' other axes. ``distance`` is in units of
    the codes; ``normalised`` = distance / (largest - smallest code), in [0, 1]; both compare the
    answers among those who did not refuse, and are NaN where ``defined`` is false: everyone refused
    on one side. ``refused_p``, ``refused_q`` are the shares that refused.
    """

    distance: FloatArray
    normalised: FloatArray
    defined: npt.NDArray[np.bool_]
    refused_p: FloatArray
    refused_q: FloatArray

    @property
    def representativeness(self) -> FloatArray:
        """1 - normalised distance, in [0, 1] (Santurkar and others, 2023)."""
        return np.asarray(1 - self.normalised)


def wasserstein_1(p: npt.ArrayLike, q: npt.ArrayLike, *, codes: npt.ArrayLike) -> OrdinalDistance:
    """The least mass times way that turns p into q, when options lie at their codes.

    Args:
        p: (..., options), or (..., questions, options).
        q: the same.
        codes: (options,), or (questions, options); NaN for an option that refuses to answer
            ("don't know") and for padding. Any order.

    Raises:
        InvalidDistribution: not one code an option, an infinite code, fewer than two different
            codes.
    """
    first, second = as_pair(p, q)
    places = np.asarray(codes, dtype=np.float64)
    shape = np.broadcast_shapes(first.shape, second.shape)
    if places.ndim not in (1, 2) or places.shape != shape[len(shape) - places.ndim :]:
        raise InvalidDistribution(
            f"The distributions have the shape {shape} and the codes {places.shape}; give one code"
            " an option, NaN for a refusal."
        )
    if np.isinf(places).any():
        raise InvalidDistribution(f"The codes are {places.tolist()}; they must be finite.")
    order = np.argsort(places, axis=-1, kind="stable")
    ordered = np.take_along_axis(places, order, axis=-1)
    steps = np.nan_to_num(np.diff(ordered, axis=-1))
    reach = steps.sum(axis=-1)
    if (reach <= 0).any():
        worst = places if places.ndim == 1 else places[int((reach <= 0).argmax())]
        raise InvalidDistribution(
            f"The codes are {worst.tolist()}; an order needs two different codes or more."
        )
    coded = ~np.isnan(ordered)
    return _between(
        _in_order(first, order, shape) * coded, _in_order(second, order, shape) * coded, steps
    )


def _in_order(
    values: FloatArray, order: npt.NDArray[np.int64], shape: tuple[int, ...]
) -> FloatArray:
    whole = np.broadcast_to(values, shape)
    return np.take_along_axis(whole, np.broadcast_to(order, shape), axis=-1)


def _between(first: FloatArray, second: FloatArray, steps: FloatArray) -> OrdinalDistance:
    answered_p, answered_q = first.sum(axis=-1), second.sum(axis=-1)
    defined = (answered_p > 0) & (answered_q > 0)
    above = np.cumsum(first, axis=-1) / np.where(defined, answered_p, 1.0)[..., None]
    below = np.cumsum(second, axis=-1) / np.where(defined, answered_q, 1.0)[..., None]
    gaps = np.abs(above - below)[..., :-1]
    distance = np.asarray(np.where(defined, (gaps * steps).sum(axis=-1), np.nan))
    return OrdinalDistance(
        distance=distance,
        normalised=np.asarray(np.clip(distance / steps.sum(axis=-1), 0.0, 1.0)),
        defined=np.asarray(defined),
        refused_p=np.asarray(np.clip(1 - answered_p, 0.0, 1.0)),
        refused_q=np.asarray(np.clip(1 - answered_q, 0.0, 1.0)),
    )
