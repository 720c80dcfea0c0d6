"""Signs that a juror may not have been with it; reports only.

Opinions have no right answer. Nothing here excludes, weights or scores anybody: each report gives
the numbers to a person, who decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured

FloatArray = npt.NDArray[np.float64]


class InvalidQualityInput(ValueError):
    """Arrays or settings that do not fit together; the message names them and the numbers."""


@dataclass(frozen=True, slots=True)
class StraightLining:
    """How far a juror gave the same value on and on.

    longest_run : of equal values in a row, in the order in which she gave them
    modal_share : share of her ratings that are her most frequent value
    flagged : whether the run reaches the declared length
    """

    ratings: int
    longest_run: int
    modal_share: Measured
    flagged: bool


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a juror was, by active seconds per item.

    median_seconds : over her items; fast_share : share of items below the declared seconds
    flagged : whether that share reaches the declared one
    """

    items: int
    median_seconds: Measured
    fast_share: Measured
    flagged: bool


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """How a juror answered items that were put to her twice.

    exact : share of pairs with equal values; mean_difference : mean |first - second| in scale
    units; pairs : with both values said
    """

    pairs: int
    exact: Measured
    mean_difference: Measured


@dataclass(frozen=True, slots=True)
class InstructedItems:
    """Items that asked for a given value: how many she answered, and the positions she missed."""

    answered: int
    missed: tuple[int, ...]


def straight_lining(*, values: npt.ArrayLike, flag_run: int = 10) -> StraightLining:
    """One juror's values (n,) in the order given; NaN (can't say) ends a run.

    flag_run : a run of at least so many is flagged, >= 2. Raises ``InvalidQualityInput``.
    """
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1:
        raise InvalidQualityInput(f"values has {given.ndim} dimensions, but must have 1.")
    if flag_run < 2:
        raise InvalidQualityInput(f"flag_run is {flag_run}, but a run has at least 2.")
    longest = run = 0
    before = np.nan
    for value in given:
        run = 0 if np.isnan(value) else run + 1 if value == before else 1
        longest = max(longest, run)
        before = value
    said = given[~np.isnan(given)]
    share = (
        Measured(
            value=float(np.unique(said, return_counts=True)[1].max()) / len(said), count=len(said)
        )
        if len(said)
        else Measured.missing("She has given no rating.")
    )
    return StraightLining(
        ratings=len(said), longest_run=longest, modal_share=share, flagged=longest >= flag_run
    )


def speed(*, seconds: npt.ArrayLike, fast_seconds: float, flag_share: float = 0.5) -> Speed:
    """One juror's active seconds per item (n,), idle time taken out; NaN = not measured.

    fast_seconds : declared for the study (by the length of its texts), > 0
    flag_share : in (0, 1]. Raises ``InvalidQualityInput``, also for negative seconds.
    """
    times = np.asarray(seconds, dtype=np.float64)
    times = times[~np.isnan(times)]
    if not fast_seconds > 0 or not 0 < flag_share <= 1:
        raise InvalidQualityInput(
            f"fast_seconds is {fast_seconds:g} and flag_share {flag_share:g}; they must be above 0 "
            "and in (0, 1]."
        )
    if (times < 0).any():
        raise InvalidQualityInput(f"A time of {times.min():g} seconds is negative.")
    if not len(times):
        none = Measured.missing("No time was measured.")
        return Speed(items=0, median_seconds=none, fast_share=none, flagged=False)
    share = float((times < fast_seconds).mean())
    return Speed(
        items=len(times),
        median_seconds=Measured(value=float(np.median(times)), count=len(times)),
        fast_share=Measured(value=share, count=len(times)),
        flagged=share >= flag_share,
    )


def self_agreement(*, first: npt.ArrayLike, second: npt.ArrayLike) -> SelfAgreement:
    """One juror's values for repeated items, (n,) each in the same order; NaN = not said.

    Raises ``InvalidQualityInput`` for unequal shapes.
    """
    before = np.asarray(first, dtype=np.float64)
    after = np.asarray(second, dtype=np.float64)
    if before.shape != after.shape or before.ndim != 1:
        raise InvalidQualityInput(
            f"first has shape {before.shape} and second {after.shape}; both must be (items,)."
        )
    both = ~np.isnan(before) & ~np.isnan(after)
    pairs = int(both.sum())
    if not pairs:
        none = Measured.missing("No item was answered twice.")
        return SelfAgreement(pairs=0, exact=none, mean_difference=none)
    difference = np.abs(before[both] - after[both])
    return SelfAgreement(
        pairs=pairs,
        exact=Measured(value=float((difference == 0).mean()), count=pairs),
        mean_difference=Measured(value=float(difference.mean()), count=pairs),
    )


def instructed_items(*, values: Sequence[float | None], wanted: Sequence[float]) -> InstructedItems:
    """One juror's values for items that told her what to choose; None = not answered.

    Raises ``InvalidQualityInput`` for unequal lengths.
    """
    if len(values) != len(wanted):
        raise InvalidQualityInput(
            f"There are {len(values)} values for {len(wanted)} instructed items."
        )
    return InstructedItems(
        answered=sum(value is not None for value in values),
        missed=tuple(
            place
            for place, (value, right) in enumerate(zip(values, wanted, strict=True))
            if value is not None and value != right
        ),
    )
