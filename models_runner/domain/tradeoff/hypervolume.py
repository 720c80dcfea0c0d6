"""The volume that a set of points dominates, exactly.

Guerreiro, Fonseca and Paquete, "The hypervolume indicator: computational problems and algorithms"
(2021). Two and three objectives are swept; more are taken apart point by point with limit sets
(While, Bradstreet and Barone, IEEE Transactions on Evolutionary Computation 16, 2012).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from models_runner.domain.objectives.pareto import on_front
from models_runner.domain.objectives.table import Direction

FloatArray = npt.NDArray[np.float64]

MOST_POINTS: Mapping[int, int] = MappingProxyType(
    {4: 400, 5: 200, 6: 120, 7: 80, 8: 50, 9: 35, 10: 25}
)
"""Points on the front by objectives. Exact volumes beyond three take exponential time at worst."""


class InvalidHypervolume(ValueError):
    """Points, directions or a reference that have no volume; the message has the numbers."""


class HypervolumeTooLarge(InvalidHypervolume):
    """More points or objectives than are computed exactly; no estimate is put in their place."""


@dataclass(frozen=True, slots=True, eq=False)
class Hypervolume:
    """``value`` in the product of the objectives' units, at least 0. ``reference`` as declared.
    ``counts`` (points,): which points are better than the reference in every objective; the others
    add nothing.
    """

    value: float
    reference: tuple[float, ...]
    counts: npt.NDArray[np.bool_]


def hypervolume(
    *,
    points: npt.ArrayLike,
    reference: Sequence[float],
    directions: Sequence[Direction] | None = None,
) -> Hypervolume:
    """The volume between the points and the reference, counted once.

    Args:
        points: (points, objectives), finite.
        reference: (objectives,), declared beforehand; the worst that counts.
        directions: one an objective; all HIGHER unless given.

    Raises:
        InvalidHypervolume: shapes that don't fit, values that are not finite.
        HypervolumeTooLarge: more than 10 objectives, or, from 4 on, more points on the front than
            MOST_POINTS.
    """
    values = np.asarray(points, dtype=np.float64)
    corner = np.asarray(reference, dtype=np.float64)
    if values.ndim != 2 or corner.ndim != 1 or values.shape[1] != len(corner) or not len(corner):
        raise InvalidHypervolume(
            f"Points must be (points, objectives) and the reference (objectives,); the shapes are"
            f" {values.shape} and {corner.shape}."
        )
    if not (np.isfinite(values).all() and np.isfinite(corner).all()):
        raise InvalidHypervolume("Points and reference must be finite numbers.")
    ways = (Direction.HIGHER,) * len(corner) if directions is None else tuple(directions)
    if len(ways) != len(corner):
        raise InvalidHypervolume(f"{len(ways)} directions for {len(corner)} objectives.")
    signs = np.array([1.0 if way is Direction.HIGHER else -1.0 for way in ways])
    gains = (values - corner) * signs
    counts = (gains > 0).all(axis=1)
    front = _front(gains[counts])
    if len(corner) > 3 and len(front) > MOST_POINTS.get(len(corner), 0):
        limits = ", ".join(f"{most} in {objectives}" for objectives, most in MOST_POINTS.items())
        raise HypervolumeTooLarge(
            f"{len(front)} points on the front in {len(corner)} objectives: exact volumes are"
            f" computed for up to {limits} objectives. Use fewer objectives or points."
        )
    return Hypervolume(
        value=_volume(front),
        reference=tuple(float(x) for x in corner),
        counts=np.asarray(counts),
    )


def _front(gains: FloatArray) -> FloatArray:
    unique = np.unique(gains, axis=0)
    if len(unique) < 2:
        return unique
    if unique.shape[1] == 2:
        # Sorted upwards by the first: a point is on the front if its second tops all to its right.
        best_right = np.maximum.accumulate(unique[::-1, 1])[::-1]
        kept = np.append(unique[:-1, 1] > best_right[1:], [True])
        return np.asarray(unique[kept])
    if len(unique) <= 500:
        return unique[on_front(unique)]
    return np.array([row for row in unique if not _is_dominated(row, unique)])


def _is_dominated(row: FloatArray, others: FloatArray) -> bool:
    return bool(((others >= row).all(axis=1) & (others > row).any(axis=1)).any())


def _volume(front: FloatArray) -> float:
    """Of mutually undominated points above 0."""
    if not len(front):
        return 0.0
    objectives = front.shape[1]
    if objectives == 1:
        return float(front.max())
    if objectives == 2:
        return _area(front)
    if objectives == 3:
        return _sweep(front)
    return _by_exclusive_volumes(front)


def _area(front: FloatArray) -> float:
    """Points sorted upwards by the first, and so downwards by the second, coordinate."""
    ordered = front[np.argsort(front[:, 0])]
    widths = np.diff(ordered[:, 0], prepend=0.0)
    return float(widths @ ordered[:, 1])


def _sweep(front: FloatArray) -> float:
    """Down the third coordinate, keeping the staircase of the first two and its area."""
    ordered = front[np.argsort(-front[:, 2], kind="stable")]
    stairs_x: list[float] = []
    stairs_y: list[float] = []
    area = volume = 0.0
    for place, (x, y, z) in enumerate(ordered.tolist()):
        area += _add_stair(stairs_x, stairs_y, x, y)
        below = ordered[place + 1, 2] if place + 1 < len(ordered) else 0.0
        volume += area * (z - float(below))
    return volume


def _add_stair(xs: list[float], ys: list[float], x: float, y: float) -> float:
    """Put (x, y) into the staircase (xs upwards, ys downwards); how much area that adds."""
    end = bisect_left(xs, x)
    right = ys[end] if end < len(ys) else 0.0
    if right >= y:
        return 0.0
    start = end
    while start > 0 and ys[start - 1] <= y:
        start -= 1
    added, edge = 0.0, xs[start - 1] if start else 0.0
    for step in range(start, end):
        added += (xs[step] - edge) * (y - ys[step])
        edge = xs[step]
    added += (x - edge) * (y - right)
    if end < len(xs) and xs[end] == x:
        end += 1
    xs[start:end] = [x]
    ys[start:end] = [y]
    return added


def _by_exclusive_volumes(front: FloatArray) -> float:
    """Each point's box less what later points share of it.

    Upwards in the last objective: later points are no lower in it, so they share the box's whole
    last side, and the shared part is a volume in one objective less.
    """
    ordered = front[np.argsort(front[:, -1], kind="stable")]
    total = 0.0
    for place, point in enumerate(ordered):
        shared = np.minimum(ordered[place + 1 :, :-1], point[:-1])
        total += float(point[-1]) * (float(np.prod(point[:-1])) - _volume(_front(shared)))
    return total
