"""The tetrachoric correlation of paired binary answers, by maximum likelihood.

Two yes/no answers are taken as two normal variables cut at thresholds; the correlation of those
variables is what is estimated (K. Pearson, 1900). With three parameters and three free cells the
likelihood is largest where all four cells are met exactly, so the thresholds are the margins'
quantiles and the correlation solves one equation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atanh, exp, pi, sqrt, tanh
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import multivariate_normal

from annotations.domain.measured import Measured

_NORMAL = NormalDist()
_NEARLY_ONE = 1 - 1e-9


class InvalidPairs(ValueError):
    """Counts or answers that no correlation is defined for; the message has the numbers."""


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """How often the two said what: both yes, only the first, only the second, both no."""

    both: float
    first_only: float
    second_only: float
    neither: float

    @property
    def total(self) -> float:
        """All pairs."""
        return self.both + self.first_only + self.second_only + self.neither


def paired_counts(first: npt.ArrayLike, second: npt.ArrayLike) -> PairedCounts:
    """Counts of pairs of answers, each (pairs,): 1 yes, 0 no, NaN nothing said (the pair falls
    out). Raises InvalidPairs.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.ndim != 1 or one.shape != two.shape:
        raise InvalidPairs(f"Paired answers have shapes {one.shape} and {two.shape}.")
    said = ~(np.isnan(one) | np.isnan(two))
    one, two = one[said], two[said]
    if not (np.isin(one, [0, 1]).all() and np.isin(two, [0, 1]).all()):
        raise InvalidPairs("Answers must be 0, 1 or NaN.")
    return PairedCounts(
        both=float((one * two).sum()),
        first_only=float((one * (1 - two)).sum()),
        second_only=float(((1 - one) * two).sum()),
        neither=float(((1 - one) * (1 - two)).sum()),
    )


def tetrachoric_correlation(counts: PairedCounts, *, confidence: float = 0.95) -> Measured:
    """The correlation in (-1, 1) with an interval, or the reason why there is none.

    The interval is normal on Fisher's scale, by the delta method; counts are taken as people. An
    empty cell gives no value: the likelihood then has its maximum at the edge, -1 or 1, whatever
    the other cells say.

    Raises:
        InvalidPairs: a count that is negative or not finite, a confidence outside (0, 1).
    """
    cells = (counts.both, counts.first_only, counts.second_only, counts.neither)
    if not all(np.isfinite(cell) and cell >= 0 for cell in cells):
        raise InvalidPairs(f"The counts are {cells}; each must be a number of at least 0.")
    if not 0 < confidence < 1:
        raise InvalidPairs(f"The confidence is {confidence:g}; it must lie in 0 to 1.")
    total = counts.total
    names = ("both yes", "only the first yes", "only the second yes", "both no")
    empty = [name for name, cell in zip(names, cells, strict=True) if cell == 0]
    if empty:
        return Measured.missing(
            f"No pair in the cell(s): {', '.join(empty)}. The correlation can't be estimated"
            " without at least one in each.",
            count=round(total),
        )
    both = counts.both / total
    h = _NORMAL.inv_cdf((counts.both + counts.first_only) / total)
    k = _NORMAL.inv_cdf((counts.both + counts.second_only) / total)

    def excess(rho: float) -> float:
        return float(multivariate_normal.cdf([h, k], cov=[[1, rho], [rho, 1]])) - both

    if excess(-_NEARLY_ONE) >= 0 or excess(_NEARLY_ONE) <= 0:
        return Measured.missing(
            "The cells are too uneven: the correlation is within 1e-9 of -1 or 1.",
            count=round(total),
        )
    rho = float(brentq(excess, -_NEARLY_ONE, _NEARLY_ONE, xtol=1e-12, rtol=1e-12))
    error = _standard_error(counts, h=h, k=k, rho=rho)
    reach = _NORMAL.inv_cdf(0.5 + confidence / 2) * error / (1 - rho * rho)
    return Measured(
        value=rho,
        low=tanh(atanh(rho) - reach),
        high=tanh(atanh(rho) + reach),
        count=round(total),
    )


def _standard_error(counts: PairedCounts, *, h: float, k: float, rho: float) -> float:
    """Delta method: what one pair in each cell adds to the solution of the likelihood equation."""
    rest = 1 - rho * rho
    density = exp(-(h * h - 2 * rho * h * k + k * k) / (2 * rest)) / (2 * pi * sqrt(rest))
    by_first = _NORMAL.cdf((k - rho * h) / sqrt(rest))
    by_second = _NORMAL.cdf((h - rho * k) / sqrt(rest))
    influence = np.array([1 - by_first - by_second, -by_first, -by_second, 0.0])
    shares = np.array([counts.both, counts.first_only, counts.second_only, counts.neither])
    shares = shares / counts.total
    variance = float(shares @ influence**2 - (shares @ influence) ** 2)
    return sqrt(max(variance, 0.0) / counts.total) / density
