"""A jury's utilities joined into one number, and how unequal they are.

The power family is that of Moulin, "Fair Division and Collective Welfare" (2003, section 3.3) and
Atkinson, "On the measurement of inequality" (1970). Arrays have jurors along axis 0 and items, if
any, along axis 1. NaN means "not said".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

FloatArray = NDArray[np.float64]

GEOMETRIC_WITHIN = 1e-8
"""At alpha closer to 1 than this, the geometric mean is meant."""


class InvalidUtilities(ValueError):
    """Utilities, weights or alpha that no welfare is defined for; the message has the numbers."""


class MissingUtilities(InvalidUtilities):
    """Some jurors said nothing, and the caller did not say that they may be skipped."""


class RatingOutsideScale(InvalidUtilities):
    """A rating lies outside the declared bounds of its scale."""


class UnknownWelfare(ValueError):
    """No welfare function has this name; the message lists those that exist."""


def alpha_of(text: str) -> float:
    """An alpha as people, addresses and JSON write it: a number of 0 or more, "inf" or "∞".

    JSON has no infinity, which is why it is written in letters. Raises ValueError for anything
    else.
    """
    alpha = inf if text.strip() in ("inf", "∞") else float(text)
    if not alpha >= 0:
        raise ValueError(f"{text!r} is no alpha; write a number of 0 or more, or inf.")
    return alpha


def utility(
    ratings: ArrayLike, *, lowest: float, highest: float, epsilon: float = 0.01
) -> FloatArray:
    """Map ratings of any shape to [epsilon, 1] by the *declared* bounds of their scale.

    u = epsilon + (1 - epsilon) (r - lowest) / (highest - lowest); NaN stays NaN. Never pass
    observed bounds: a utility would then depend on who else was rated. Raises RatingOutsideScale,
    or InvalidUtilities for bounds out of order or an epsilon outside [0, 1).
    """
    if not (np.isfinite(lowest) and np.isfinite(highest) and lowest < highest):
        raise InvalidUtilities(f"The scale runs from {lowest} to {highest}; it must run upwards.")
    if not 0 <= epsilon < 1:
        raise InvalidUtilities(f"Epsilon is {epsilon}; it must lie in 0 (included) to 1.")
    values = np.asarray(ratings, dtype=float)
    outside = (values < lowest) | (values > highest)
    if outside.any():
        raise RatingOutsideScale(
            f"{int(outside.sum())} rating(s) lie outside {lowest} to {highest}, first"
            f" {values[outside].flat[0]}; correct them or declare the scale's true bounds."
        )
    return np.asarray(epsilon + (1 - epsilon) * (values - lowest) / (highest - lowest))


def logistic_utility(logits: ArrayLike, *, epsilon: float = 0.01) -> FloatArray:
    """Map a reward model's logits of any shape to (epsilon, 1); NaN stays NaN.

    u = epsilon + (1 - epsilon) / (1 + exp(-logit)). A shift would not do: it changes the order of
    w_alpha. Raises InvalidUtilities for an epsilon outside [0, 1).
    """
    if not 0 <= epsilon < 1:
        raise InvalidUtilities(f"Epsilon is {epsilon}; it must lie in 0 (included) to 1.")
    return np.asarray(epsilon + (1 - epsilon) * expit(np.asarray(logits, dtype=float)))


def power_welfare(
    utilities: ArrayLike,
    *,
    alpha: float,
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> FloatArray:
    """w_alpha = (sum_i p_i u_i^(1-alpha))^(1/(1-alpha)) along axis 0; p are normalised weights.

    `utilities` (jurors,) gives a 0-d array, (jurors, items) one value an item. Alpha 0 is the mean,
    1 the geometric mean, inf the minimum over those with a weight above 0. A utility of 0 gives 0
    for alpha >= 1. With `skip_missing` each item is judged by those who have a value for it, and is
    NaN where nobody has; without it NaN raises MissingUtilities. Raises InvalidUtilities for
    negative or infinite utilities, a negative alpha, or unusable weights.
    """
    values, shares = _checked(utilities, weights, skip_missing=skip_missing)
    if not alpha >= 0:
        raise InvalidUtilities(f"Alpha is {alpha}; it must be 0 or more.")
    counted = shares > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(counted, np.log(np.where(counted, values, 1.0)), 0.0)
        if alpha == inf:
            result = np.min(np.where(counted, values, inf), axis=0)
        elif abs(alpha - 1) < GEOMETRIC_WITHIN:
            result = np.exp(np.sum(np.where(counted, shares * logs, 0.0), axis=0))
        else:
            result = _power_mean(logs=logs, shares=shares, exponent=1 - alpha)
    return np.asarray(np.where(counted.any(axis=0), result, np.nan))


def _power_mean(*, logs: FloatArray, shares: FloatArray, exponent: float) -> FloatArray:
    counted = shares > 0
    positive = counted & ~np.isneginf(logs)
    scaled = np.where(positive, exponent * logs, -inf)
    top = np.max(scaled, axis=0)
    summed = np.sum(shares * np.exp(scaled - np.where(np.isfinite(top), top, 0.0)), axis=0)
    result = np.asarray(np.exp((top + np.log(summed)) / exponent))
    zeros = np.any(counted & ~positive, axis=0)
    all_zero = ~np.any(positive, axis=0)
    result = np.where(all_zero | (zeros & (exponent < 0)), 0.0, result)
    # Close to alpha = 1 the sum is nearly 1 and its logarithm loses digits; centring restores them.
    middle = np.sum(np.where(counted, shares * logs, 0.0), axis=0)
    spread = np.where(counted, exponent * (logs - middle), 0.0)
    close = ~zeros & (np.max(np.abs(np.where(zeros, 0.0, spread)), axis=0) < 0.5)
    gains = np.expm1(np.where(close, spread, 0.0))
    centred = middle + np.log1p(np.sum(shares * gains, axis=0)) / exponent
    return np.asarray(np.where(close, np.exp(centred), result))


def compare_leximin(one: ArrayLike, other: ArrayLike) -> int:
    """1 if `one` (jurors,) is better in the leximin order, -1 if worse, 0 if equal.

    Both are sorted upwards and compared from the worst-off juror on. Raises InvalidUtilities for
    missing or negative values or different lengths.
    """
    first, second = (np.sort(_checked(u, None, skip_missing=False)[0]) for u in (one, other))
    if first.ndim != 1 or first.shape != second.shape:
        raise InvalidUtilities(
            f"Leximin compares as many jurors with as many: {first.shape} and {second.shape}."
        )
    different = np.flatnonzero(first != second)
    if len(different) == 0:
        return 0
    return 1 if first[different[0]] > second[different[0]] else -1


def leximin_ranks(utilities: ArrayLike) -> NDArray[np.int64]:
    """Ranks of items (items,), best 0, from utilities (jurors, items); equal items share a rank."""
    values, _ = _checked(utilities, None, skip_missing=False)
    if values.ndim != 2:
        raise InvalidUtilities(f"Utilities must be jurors x items; their shape is {values.shape}.")
    rows = np.sort(values, axis=0)
    order = np.lexsort(rows[::-1])[::-1]
    ranks = np.zeros(values.shape[1], dtype=np.int64)
    for place, item in enumerate(order):
        above = order[place - 1]
        tied = place > 0 and bool(np.array_equal(rows[:, item], rows[:, above]))
        ranks[item] = ranks[above] if tied else place
    return ranks


def atkinson(
    utilities: ArrayLike,
    *,
    alpha: float,
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> FloatArray:
    """Atkinson's index 1 - w_alpha / mean in [0, 1], along axis 0; 0 where everyone has 0."""
    reached = power_welfare(utilities, alpha=alpha, weights=weights, skip_missing=skip_missing)
    mean = power_welfare(utilities, alpha=0, weights=weights, skip_missing=skip_missing)
    ratio = np.divide(reached, mean, out=np.ones_like(mean), where=mean > 0)
    return np.asarray(np.where(np.isnan(mean), np.nan, np.clip(1 - ratio, 0.0, 1.0)))


def gini(
    utilities: ArrayLike, *, weights: ArrayLike | None = None, skip_missing: bool = False
) -> FloatArray:
    """Gini index, half the mean absolute difference over the mean, along axis 0; 0 where all have
    0.
    """
    values, shares = _checked(utilities, weights, skip_missing=skip_missing)
    filled = np.where(shares > 0, values, 0.0)
    order = np.argsort(filled, axis=0, kind="stable")
    ordered = np.take_along_axis(filled, order, axis=0)
    mass = np.take_along_axis(shares, order, axis=0)
    mean = np.sum(ordered * mass, axis=0)
    twice = np.sum(mass * ordered * (2 * np.cumsum(mass, axis=0) - mass), axis=0)
    ratio = np.divide(twice, mean, out=np.ones_like(mean), where=mean > 0)
    return np.asarray(np.where((shares > 0).any(axis=0), np.maximum(0.0, ratio - 1), np.nan))


def share_below(
    utilities: ArrayLike,
    *,
    floor: float,
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> FloatArray:
    """Share of the jury (by weight) strictly below `floor`, along axis 0, in [0, 1]."""
    values, shares = _checked(utilities, weights, skip_missing=skip_missing)
    below = np.where(shares > 0, values, inf) < floor
    result = np.sum(shares * below, axis=0)
    return np.asarray(np.where((shares > 0).any(axis=0), result, np.nan))


def share_above(
    utilities: ArrayLike,
    *,
    threshold: float,
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> FloatArray:
    """Share of the jury (by weight) strictly above `threshold`, along axis 0, in [0, 1] (MAX-SAT).

    A utility of exactly the threshold does not satisfy: 1 - share_below would count it.
    """
    values, shares = _checked(utilities, weights, skip_missing=skip_missing)
    above = np.where(shares > 0, values, -inf) > threshold
    result = np.sum(shares * above, axis=0)
    return np.asarray(np.where((shares > 0).any(axis=0), result, np.nan))


def own_range(utilities: ArrayLike, *, epsilon: float = 0.0) -> FloatArray:
    """Utilities (jurors, items) stretched so that each juror's run from `epsilon` to 1.

    For comparison only: it depends on which items were asked about, and a juror who likes all
    alike has no range: her row is NaN. Raises InvalidUtilities for another shape.
    """
    values = np.asarray(utilities, dtype=float)
    if values.ndim != 2 or 0 in values.shape:
        raise InvalidUtilities(f"Utilities must be jurors x items; their shape is {values.shape}.")
    said = ~np.isnan(values)
    low = np.min(np.where(said, values, inf), axis=1, keepdims=True)
    high = np.max(np.where(said, values, -inf), axis=1, keepdims=True)
    varied = high > low
    span = np.where(varied, high - low, 1.0)
    stretched = epsilon + (1 - epsilon) * (values - np.where(varied, low, 0.0)) / span
    return np.asarray(np.where(varied, stretched, np.nan))


@dataclass(frozen=True, slots=True, eq=False)
class GroupMeans:
    """Mean utility of each group: `means` (groups, items), NaN where a group said nothing."""

    groups: tuple[str, ...]
    means: FloatArray


def group_means(
    utilities: ArrayLike,
    *,
    groups: Sequence[str],
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> GroupMeans:
    """The mean of each group by item; `groups` names each juror's group."""
    values, shares = _checked(utilities, weights, skip_missing=skip_missing)
    if len(groups) != values.shape[0]:
        raise InvalidUtilities(f"{len(groups)} groups were given for {values.shape[0]} jurors.")
    names = sorted(set(groups))
    labels = np.asarray(groups, dtype=object)
    columns = values.reshape(values.shape[0], -1)
    parts = shares.reshape(values.shape[0], -1)
    means = np.full((len(names), columns.shape[1]), np.nan)
    for place, name in enumerate(names):
        mass = parts * (labels == name)[:, None]
        total = mass.sum(axis=0)
        said = np.sum(np.where(mass > 0, columns, 0.0) * mass, axis=0)
        np.divide(said, total, out=means[place], where=total > 0)
    return GroupMeans(groups=tuple(names), means=means)


@dataclass(frozen=True, slots=True, eq=False)
class WorstGroup:
    """The group with the lowest mean, by item: `groups` (names), `means` (items,) in [0, inf)."""

    groups: tuple[str, ...]
    means: FloatArray


def worst_group(
    utilities: ArrayLike,
    *,
    groups: Sequence[str],
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> WorstGroup:
    """The mean of the group that is worst off, item by item; the first name wins a tie.

    `groups` names each juror's group. With `skip_missing` a group that said nothing about an item
    is left out there, and an item that nobody judged has the mean NaN and the group "".
    """
    return worst_of(
        group_means(utilities, groups=groups, weights=weights, skip_missing=skip_missing)
    )


def worst_of(found: GroupMeans) -> WorstGroup:
    """The group with the lowest of the means, item by item, as `worst_group` says."""
    worst = np.argmin(np.where(np.isnan(found.means), inf, found.means), axis=0)
    lowest = found.means[worst, np.arange(found.means.shape[1])]
    return WorstGroup(
        groups=tuple(
            "" if np.isnan(mean) else found.groups[place]
            for place, mean in zip(worst, lowest, strict=True)
        ),
        means=lowest,
    )


class WelfareFunction(Protocol):
    """Joins a jury's utilities (jurors, items) into one number an item (items,), higher is better.

    Must refuse NaN unless `skip_missing`, and then judge each item by those who have a value for
    it.
    """

    @property
    def label(self) -> str:
        """How pages call it."""
        ...

    def __call__(
        self, utilities: ArrayLike, *, weights: ArrayLike | None, skip_missing: bool
    ) -> FloatArray:
        """Welfare by item."""
        ...


@dataclass(frozen=True, slots=True)
class PowerWelfare:
    """w_alpha as a WelfareFunction."""

    alpha: float
    label: str = ""

    def __call__(
        self, utilities: ArrayLike, *, weights: ArrayLike | None = None, skip_missing: bool = False
    ) -> FloatArray:
        """`power_welfare` at this alpha."""
        return power_welfare(
            utilities, alpha=self.alpha, weights=weights, skip_missing=skip_missing
        )


WELFARE_FUNCTIONS: Mapping[str, WelfareFunction] = MappingProxyType(
    {
        "utilitarian": PowerWelfare(0.0, "utilitarian (mean, alpha 0)"),
        "nash": PowerWelfare(1.0, "Nash (geometric mean, alpha 1)"),
        "rawls": PowerWelfare(inf, "Rawls (minimum, alpha infinite)"),
    }
)


def welfare_function(name: str) -> WelfareFunction:
    """The welfare function of this name; raises UnknownWelfare listing the legal ones."""
    try:
        return WELFARE_FUNCTIONS[name]
    except KeyError:
        raise UnknownWelfare(
            f"There is no welfare function {name!r}; there are: {', '.join(WELFARE_FUNCTIONS)}."
        ) from None


def _checked(
    utilities: ArrayLike, weights: ArrayLike | None, *, skip_missing: bool
) -> tuple[FloatArray, FloatArray]:
    """Utilities, and weights of the same shape that add up to 1 along axis 0 (0 where missing)."""
    values = np.asarray(utilities, dtype=float)
    if values.ndim not in (1, 2) or values.shape[0] == 0:
        raise InvalidUtilities(
            "Utilities must be jurors or jurors x items, with at least one juror;"
            f" their shape is {values.shape}."
        )
    missing = np.isnan(values)
    if missing.any() and not skip_missing:
        raise MissingUtilities(
            f"{int(missing.sum())} of {values.size} utilities are missing;"
            " pass skip_missing=True to judge each item by those who have a value for it."
        )
    bad = (values < 0) | np.isinf(values)
    if bad.any():
        raise InvalidUtilities(
            f"{int(bad.sum())} utilities are negative or infinite, the lowest {np.nanmin(values)};"
            " map ratings by their scale's declared bounds first, since a shift changes the order."
        )
    given = np.ones(values.shape[0]) if weights is None else np.asarray(weights, dtype=float)
    if given.shape != (values.shape[0],):
        raise InvalidUtilities(
            f"The weights have the shape {given.shape} and there are {values.shape[0]} jurors."
        )
    if not np.isfinite(given).all() or (given < 0).any() or not given.sum() > 0:
        raise InvalidUtilities(
            f"Weights must be finite, not negative and not all 0; they run from"
            f" {given.min()} to {given.max()}."
        )
    spread = given if values.ndim == 1 else np.repeat(given[:, None], values.shape[1], axis=1)
    mass = np.where(missing, 0.0, spread)
    total = mass.sum(axis=0)
    shares = np.divide(mass, total, out=np.zeros_like(mass), where=total > 0)
    return values, shares
