"""What the worst-off jurors get, which is said beside the minimum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.domain.resampling import band
from juries.domain.welfare import FloatArray

TAIL = 0.05
"""The part of the jury that the companions of the minimum look at."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """What is said beside the minimum, which has no honest bootstrap. All arrays (sources,).

    `percentile` is the 5th percentile of jurors' utilities (the lowest value that at least 5 % of
    the jury don't exceed), `worst_mean` the mean of the worst-off 5 %; both averaged over a
    source's items, each with its band.
    """

    percentile: FloatArray
    percentile_lower: FloatArray
    percentile_upper: FloatArray
    worst_mean: FloatArray
    worst_mean_lower: FloatArray
    worst_mean_upper: FloatArray


def tail_of(
    *,
    observed: tuple[FloatArray, FloatArray],
    replicated: tuple[FloatArray, FloatArray],
    level: float,
) -> Tail:
    """A Tail from percentiles and worst means, observed (sources,), resampled (bootstraps,
    sources).
    """
    bands = [*band(replicated[0], level=level), *band(replicated[1], level=level)]
    return Tail(
        percentile=observed[0],
        percentile_lower=bands[0],
        percentile_upper=bands[1],
        worst_mean=observed[1],
        worst_mean_lower=bands[2],
        worst_mean_upper=bands[3],
    )


def tail_of_item(values: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """5th percentile and mean of the worst 5 % of one item in each resample, (bootstraps,) both.

    `values` is (jurors,), the same in all resamples, or (bootstraps, jurors); NaN is not said.
    `counts` (bootstraps, jurors) are multiplicities times weights. NaN where nobody judged.
    """
    order: NDArray[np.int64] = np.argsort(values, axis=-1)
    total = np.where(np.isnan(values), 0.0, counts).sum(axis=1)
    jurors = values.shape[-1]
    reach = first_reach(jurors)
    while True:
        few = order[..., :reach]
        ordered = np.take_along_axis(values, few, axis=-1)
        mass = counts[:, few] if few.ndim == 1 else np.take_along_axis(counts, few, axis=1)
        found, is_whole = tail_in_order(ordered, mass, total)
        if reach == jurors or is_whole.all():
            return found[0], found[1]
        reach = min(jurors, 2 * reach)


def first_reach(jurors: int) -> int:
    """Among how many of the lowest jurors the worst 5 % nearly always lie."""
    return min(jurors, 6 + int(2.5 * TAIL * jurors))


def tail_in_order(
    ordered: FloatArray, mass: FloatArray, total: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Percentile and worst mean (2, ...) from the lowest values, and whether these were enough.

    `ordered` (..., few) runs upwards, NaN last, and may lack the axes that `mass` (..., few) has;
    `total` (...) is the weight of all who judged. Where the few hold less than 5 % of it, the
    second array (...) is false and the first means nothing.
    """
    said = ~np.isnan(ordered)
    reached = np.cumsum(np.where(said, mass, 0.0), axis=-1)
    needed = TAIL * total
    ordered = np.where(said, ordered, 0.0)
    first = np.argmax(reached >= (needed * (1 - 1e-12))[..., None], axis=-1)
    percentile = (
        ordered[first]
        if ordered.ndim == 1
        else np.take_along_axis(ordered, first[..., None], -1)[..., 0]
    )
    inside = np.minimum(reached, needed[..., None])
    # Summation by parts: sum u_k (m_k - m_{k-1}) without forming the differences.
    steps = np.diff(ordered, axis=-1)
    falls = (inside[..., :-1] * steps).sum(axis=-1)
    sums = inside[..., -1] * ordered[..., -1] - falls
    judged = total > 0
    worst = np.divide(sums, needed, out=np.full_like(sums, np.nan), where=judged)
    return np.stack([np.where(judged, percentile, np.nan), worst]), reached[..., -1] >= needed
