"""Where the leading source changes as the worse-off count for more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from juries.domain.resampling import by_source, membership
from juries.domain.welfare import FloatArray, power_welfare

ALPHAS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, inf)
"""The alphas of the usual plot."""

_CROSSING_STEPS = 8
_CROSSING_TOP = 512.0
_CROSSING_PRECISION = 1e-6


@dataclass(frozen=True, slots=True)
class Crossing:
    """Between two neighbouring alphas the leader changes, at about `alpha`."""

    alpha: float
    before: str
    after: str


def find_crossings(
    utilities: ArrayLike,
    *,
    item_sources: Sequence[str],
    alphas: Sequence[float] = ALPHAS,
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> tuple[Crossing, ...]:
    """Where the leading source changes along alpha, to within 1e-6.

    The finite alphas span the range; each gap is probed at 8 inner points and beyond 16 to 512 when
    inf is among them, so two changes within one step can be missed. Exact ties keep the earlier
    leader.
    """
    values = np.asarray(utilities, dtype=float)
    sources, belongs = membership(item_sources)

    def means(alpha: float) -> FloatArray:
        items = power_welfare(values, alpha=alpha, weights=weights, skip_missing=skip_missing)
        return np.nan_to_num(by_source(items, belongs), nan=-inf)

    def leader(alpha: float, so_far: int | None) -> int:
        reached = means(alpha)
        best = int(np.argmax(reached))
        tolerance = 1e-12 * max(1.0, abs(float(reached[best])))
        if so_far is not None and reached[so_far] >= reached[best] - tolerance:
            return so_far
        return best

    crossings: list[Crossing] = []
    points = list(_probe_points(alphas))
    if not points:
        return ()
    ahead = leader(points[0], None)
    for left, right in pairwise(points):
        follower = leader(right, ahead)
        if follower == ahead:
            continue
        low, high = left, right
        while high - low > _CROSSING_PRECISION:
            middle = (low + high) / 2
            if leader(middle, ahead) == ahead:
                low = middle
            else:
                high = middle
        crossings.append(Crossing((low + high) / 2, sources[ahead], sources[follower]))
        ahead = follower
    return tuple(crossings)


def _probe_points(alphas: Sequence[float]) -> Iterator[float]:
    finite = sorted({float(alpha) for alpha in alphas if alpha != inf})
    if inf in alphas and finite and finite[-1] < _CROSSING_TOP:
        top = finite[-1]
        while top < _CROSSING_TOP:
            top = min(_CROSSING_TOP, max(1.0, 2 * top))
            finite.append(top)
    if not finite:
        return
    yield finite[0]
    for left, right in pairwise(finite):
        for step in range(1, _CROSSING_STEPS + 1):
            yield left + (right - left) * step / _CROSSING_STEPS
