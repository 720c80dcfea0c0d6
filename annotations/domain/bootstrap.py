"""Intervals of means by resampling people."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured

FloatArray = npt.NDArray[np.float64]


class InvalidResampling(ValueError):
    """The number of resamples or the level of the interval makes no sense."""


def mean_interval(
    *,
    values: FloatArray,
    rng: np.random.Generator,
    bootstraps: int = 2000,
    confidence: float = 0.95,
) -> Measured:
    """The mean of people's values with its percentile interval, people drawn with replacement.

    Args:
        values: shape (people,); NaN = nothing to count, left out.
        rng: source of the resamples.
        bootstraps: number of resamples, at least 1.
        confidence: level of the interval, in (0, 1).

    Raises:
        InvalidResampling: `bootstraps` or `confidence` is out of range.
    """
    if bootstraps < 1 or not 0 < confidence < 1:
        raise InvalidResampling(
            f"bootstraps is {bootstraps} (at least 1), confidence {confidence:g} (in 0 to 1)."
        )
    said = values[~np.isnan(values)]
    count = len(said)
    if not count:
        return Measured.missing("Nobody has said anything to count.")
    mean = float(said.mean())
    if count == 1:
        return Measured(value=mean, reason="One person alone gives no interval.", count=1)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=bootstraps)
    means = weights @ said / count
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Measured(value=mean, low=float(low), high=float(high), count=count)
