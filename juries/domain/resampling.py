"""Resampled juries: multiplicities of jurors, draws of predicted cells, bands.

Jurors are resampled within strata that keep their sizes (Efron and Tibshirani, "An introduction to
the bootstrap", 1993, chapter 8). A resample is a row of multiplicities, the same for every item, so
differences between items are paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.domain.welfare import FloatArray, InvalidUtilities


def resample_counts(
    *, strata: Sequence[str], bootstraps: int, rng: np.random.Generator
) -> FloatArray:
    """How often each juror stands in each resample, (bootstraps, jurors).

    Strata keep their sizes.
    """
    counts = np.zeros((bootstraps, len(strata)))
    labels = np.asarray(strata, dtype=object)
    for label in sorted(set(strata)):
        members = np.flatnonzero(labels == label)
        shares = np.full(len(members), 1 / len(members))
        counts[:, members] = rng.multinomial(len(members), shares, size=bootstraps)
    return counts


@dataclass(frozen=True, slots=True, eq=False)
class PredictedCells:
    """Which utilities are a model's guess, and how sure it is.

    `deviations` (jurors, items): NaN where the juror said it (or nothing is known), else the
    standard deviation of the guess, 0 or more; the utilities hold its mean. A draw is normal and
    then cut to [`lowest`, `highest`], the range of the utilities.
    """

    deviations: FloatArray
    lowest: float = 0.01
    highest: float = 1.0

    def checked(self, utilities: FloatArray) -> NDArray[np.bool_]:
        """Which cells are predicted, (jurors, items); raises InvalidUtilities for bad ones."""
        deviations = np.asarray(self.deviations, dtype=float)
        if deviations.shape != utilities.shape:
            raise InvalidUtilities(
                f"The deviations have the shape {deviations.shape}, the utilities"
                f" {utilities.shape}."
            )
        if not 0 <= self.lowest < self.highest:
            raise InvalidUtilities(
                f"Predicted utilities are cut to {self.lowest} to {self.highest}; the range must"
                " run upwards from 0 or more."
            )
        predicted = ~np.isnan(deviations)
        bad = predicted & ~(
            np.isfinite(deviations)
            & (deviations >= 0)
            & (utilities >= self.lowest)
            & (utilities <= self.highest)
        )
        if bad.any():
            juror, item = np.argwhere(bad)[0]
            raise InvalidUtilities(
                f"{int(bad.sum())} predicted cells have no mean in {self.lowest} to {self.highest}"
                f" or no deviation of 0 or more, first juror {juror + 1}, item {item + 1}: mean"
                f" {utilities[juror, item]}, deviation {deviations[juror, item]}."
            )
        return np.asarray(predicted)


def membership(item_sources: Sequence[str]) -> tuple[tuple[str, ...], FloatArray]:
    """The sources in order, and which item is whose as 0 and 1, (items, sources)."""
    sources, codes = np.unique(
        np.asarray(item_sources, dtype=object).astype(str), return_inverse=True
    )
    return tuple(str(name) for name in sources), np.eye(len(sources))[codes]


def by_source(items: FloatArray, belongs: FloatArray) -> FloatArray:
    """Mean over each source's items, leaving NaN out: (..., items) to (..., sources)."""
    known = ~np.isnan(items)
    return mean_of(np.where(known, items, 0.0) @ belongs, known.astype(float) @ belongs)


def mean_of(sums: FloatArray, numbers: FloatArray) -> FloatArray:
    """Sums over numbers, NaN where the number is 0."""
    return np.asarray(np.divide(sums, numbers, out=np.full_like(sums, np.nan), where=numbers > 0))


def band(replicated: FloatArray, *, level: float) -> tuple[FloatArray, FloatArray]:
    """The central `level` of resamples (bootstraps, sources), NaN left out: two of (sources,)."""
    edges = [(1 - level) / 2, (1 + level) / 2]
    result = np.full((2, replicated.shape[1]), np.nan)
    for source, column in enumerate(replicated.T):
        known = column[~np.isnan(column)]
        if len(known):
            result[:, source] = np.quantile(known, edges)
    return result[0], result[1]
