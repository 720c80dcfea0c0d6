"""How far jurors agree, and which items split them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

_MOST_VALUES = 1000


class InvalidAgreementInput(ValueError):
    """Ratings, groups or settings that cannot be used; the message names them and the numbers."""


class Level(StrEnum):
    """What a difference between two values means."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Krippendorff's alpha: 1 full agreement, 0 as by chance, below 0 systematic disagreement.

    alpha : with its bootstrap interval; ``reason`` says why value or interval is missing
    units : items that at least two jurors rated; values : ratings of those items
    """

    level: Level
    alpha: Measured
    units: int
    values: int


def _matrix(ratings: npt.ArrayLike) -> FloatArray:
    matrix = np.asarray(ratings, dtype=np.float64)
    if matrix.ndim != 2:
        raise InvalidAgreementInput(
            f"ratings has {matrix.ndim} dimensions, but must be (jurors, items)."
        )
    if np.isinf(matrix).any():
        raise InvalidAgreementInput("ratings holds an infinite number; not said is NaN.")
    return matrix


def _distances(points: FloatArray, totals: FloatArray, level: Level) -> FloatArray:
    """Squared differences (V, V) between values; ordinal ones depend on how often each occurs."""
    if level is Level.NOMINAL:
        return 1.0 - np.eye(len(points))
    if level is Level.ORDINAL:
        points = np.cumsum(totals) - totals / 2
    return np.asarray((points[:, None] - points[None, :]) ** 2, dtype=np.float64)


def _alpha_from_counts(
    counts: FloatArray, sizes: FloatArray, points: FloatArray, level: Level, times: FloatArray
) -> float | None:
    """Alpha from counts (U, V) of values per unit, each unit standing ``times`` (U,) over."""
    weighted = counts * (times / (sizes - 1))[:, None]
    coincidences = weighted.T @ counts
    coincidences[np.diag_indices_from(coincidences)] -= weighted.sum(axis=0)
    totals = times @ counts
    distance = _distances(points, totals, level)
    expected = float(totals @ distance @ totals)
    if expected <= 0:
        return None
    n = float(totals.sum())
    return 1.0 - (n - 1) * float((coincidences * distance).sum()) / expected


def _alpha_from_moments(
    sizes: FloatArray, sums: FloatArray, squares: FloatArray, times: FloatArray
) -> float | None:
    """Interval alpha from each unit's number, sum and sum of squares; any number of values."""
    n = float(times @ sizes)
    observed = float(times @ ((2 * sizes * squares - 2 * sums**2) / (sizes - 1))) / n
    total, square = float(times @ sums), float(times @ squares)
    expected = (2 * n * square - 2 * total**2) / (n * (n - 1))
    if expected <= 1e-12 * max(square / n, 1e-300):
        return None
    return 1.0 - observed / expected


def krippendorff_alpha(
    *,
    ratings: npt.ArrayLike,
    level: Level,
    rng: np.random.Generator | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> Agreement:
    """Krippendorff's alpha with missing data ("Content Analysis", 4th ed. 2018, chapter 12).

    Parameters
    ----------
    ratings : (jurors, items); NaN = not said or can't say; finite otherwise
    level : nominal, ordinal or interval differences
    rng : gives a percentile bootstrap over items; without it there is no interval
    resamples : of the items, at least 1; the same rng state gives the same interval
    confidence : of the interval, in (0, 1)

    Items with fewer than two ratings drop out. Alpha has no value, but a reason, when no item has
    two ratings or when all ratings are the same. Resamples in which all ratings are the
    same are left out; with fewer than half left, the interval is missing with its reason.
    Raises ``InvalidAgreementInput``; also for over 1000 different values unless on the interval
    level.
    """
    matrix = _matrix(ratings)
    if not 0 < confidence < 1 or resamples < 1:
        raise InvalidAgreementInput(
            f"confidence is {confidence:g} and resamples {resamples}; "
            "they must be in (0, 1) and at least 1."
        )
    said = ~np.isnan(matrix)
    paired = said.sum(axis=0) >= 2
    matrix, said = matrix[:, paired], said[:, paired]
    sizes = said.sum(axis=0).astype(np.float64)
    units, values = len(sizes), int(sizes.sum())
    if not units:
        return Agreement(
            level=level,
            alpha=Measured.missing("No item was rated by two jurors."),
            units=0,
            values=0,
        )
    points, inverse = np.unique(matrix[said], return_inverse=True)
    if len(points) == 1:
        reason = f"All {values} ratings are {points[0]:g}, so chance has no scale to measure by."
        return Agreement(
            level=level, alpha=Measured.missing(reason, count=units), units=units, values=values
        )
    by_moments = level is Level.INTERVAL
    if by_moments:
        centred = np.where(said, matrix - matrix[said].mean(), 0.0)
        sums, squares = centred.sum(axis=0), (centred**2).sum(axis=0)
    else:
        if len(points) > _MOST_VALUES:
            raise InvalidAgreementInput(
                f"There are {len(points)} different values; {level.value} alpha takes at most "
                f"{_MOST_VALUES}. Use the interval level."
            )
        counts = np.zeros((units, len(points)))
        np.add.at(counts, (np.nonzero(said)[1], inverse), 1.0)

    def alpha(times: FloatArray) -> float | None:
        if by_moments:
            return _alpha_from_moments(sizes, sums, squares, times)
        return _alpha_from_counts(counts, sizes, points, level, times)

    value = alpha(np.ones(units))
    low, high, reason = None, None, ""
    if rng is not None and units >= 2:
        drawn = [
            alpha(np.bincount(rng.integers(units, size=units), minlength=units).astype(np.float64))
            for _ in range(resamples)
        ]
        found = [one for one in drawn if one is not None]
        if 2 * len(found) >= resamples:
            tail = (1 - confidence) / 2
            low, high = (float(q) for q in np.quantile(found, [tail, 1 - tail]))
        else:
            reason = f"Only {len(found)} of {resamples} resamples hold two different ratings."
    elif rng is not None:
        reason = "One item gives no interval."
    return Agreement(
        level=level,
        alpha=Measured(value=value, low=low, high=high, reason=reason, count=units),
        units=units,
        values=values,
    )


def alpha_by_group(
    *,
    ratings: npt.ArrayLike,
    groups: Mapping[str, npt.ArrayLike],
    level: Level,
    seed: int | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> dict[str, Agreement]:
    """Alpha among the members of each group; groups: name -> (jurors,) bool.

    Each group draws its resamples from ``seed`` afresh; None gives no intervals.
    Raises ``InvalidAgreementInput``.
    """
    matrix = _matrix(ratings)
    result = {}
    for name, members in groups.items():
        mask = np.asarray(members, dtype=np.bool_)
        if mask.shape != (len(matrix),):
            raise InvalidAgreementInput(
                f"Group {name!r} has shape {mask.shape} for {len(matrix)} jurors."
            )
        result[name] = krippendorff_alpha(
            ratings=matrix[mask],
            level=level,
            rng=None if seed is None else np.random.default_rng(seed),
            resamples=resamples,
            confidence=confidence,
        )
    return result


@dataclass(frozen=True, slots=True)
class ItemDisagreement:
    """How one item splits the jury.

    variance : population variance of its ratings, in squared rating units
    entropy : of the distribution of its values, in nats
    between : trait -> eta squared in [0, 1], the share of the variance that lies between that
        trait's groups; by chance alone it is about (groups - 1) / (ratings - 1)
    splitting_trait : the trait with the largest eta squared beyond chance (epsilon squared), or
        None where no trait exceeds it
    """

    item: int
    count: int
    variance: Measured
    entropy: Measured
    between: tuple[tuple[str, Measured], ...]
    splitting_trait: str | None


def _eta_squared(values: FloatArray, codes: npt.NDArray[np.int64]) -> tuple[Measured, float]:
    """Eta squared, and the bias-adjusted epsilon squared to compare traits by."""
    told = codes >= 0
    values, codes = values[told], codes[told]
    kinds, inverse = np.unique(codes, return_inverse=True)
    n, k = len(values), len(kinds)
    if k < 2 or n <= k:
        return Measured.missing(f"{n} ratings in {k} groups cannot be compared."), -np.inf
    total = float(((values - values.mean()) ** 2).sum())
    if total <= 1e-12:
        return Measured.missing("All ratings of this item are the same."), -np.inf
    numbers = np.bincount(inverse)
    means = np.bincount(inverse, values) / numbers
    eta = min(max(float((numbers * (means - values.mean()) ** 2).sum()) / total, 0.0), 1.0)
    return Measured(value=eta, count=n), 1 - (1 - eta) * (n - 1) / (n - k)


def item_disagreement(
    *, ratings: npt.ArrayLike, traits: Mapping[str, npt.ArrayLike] | None = None
) -> tuple[ItemDisagreement, ...]:
    """Every item's spread, and along which trait it runs.

    ratings : (jurors, items), NaN = not said
    traits : trait -> (jurors,) int codes of its values, -1 = not told
    Raises ``InvalidAgreementInput``.
    """
    matrix = _matrix(ratings)
    codes = {name: np.asarray(given, dtype=np.int64) for name, given in (traits or {}).items()}
    for name, given in codes.items():
        if given.shape != (len(matrix),):
            raise InvalidAgreementInput(
                f"Trait {name!r} has shape {given.shape} for {len(matrix)} jurors."
            )
    result = []
    for item in range(matrix.shape[1]):
        who = np.flatnonzero(~np.isnan(matrix[:, item]))
        values = matrix[who, item]
        n = len(values)
        found = {name: _eta_squared(values, given[who]) for name, given in codes.items()}
        best = max(found, key=lambda name: found[name][1], default=None)
        if n < 2:
            variance = entropy = Measured.missing(f"{n} ratings show no spread.", count=n)
        else:
            shares = np.unique(values, return_counts=True)[1] / n
            variance = Measured(value=float(values.var()), count=n)
            entropy = Measured(value=max(float(-(shares * np.log(shares)).sum()), 0.0), count=n)
        result.append(
            ItemDisagreement(
                item=item,
                count=n,
                variance=variance,
                entropy=entropy,
                between=tuple((name, pair[0]) for name, pair in found.items()),
                splitting_trait=best if best is not None and found[best][1] > 0 else None,
            )
        )
    return tuple(result)
