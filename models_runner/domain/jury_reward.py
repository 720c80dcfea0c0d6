"""A jury's welfare of responses that nobody has rated, from what is guessed of each juror.

Meant as a number to optimise (best of n, reinforcement learning): higher is better, in [0, 1], with
how sure it is. Utilities, the alpha family and MAX-SAT are those of `juries.domain.welfare`; juries
of seats are drawn as in `juries.domain.verdicts` (Gordon and others, "Jury Learning", CHI 2022).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from juries.domain.verdicts import JURIES, JurySpecification, draw_juries
from juries.domain.welfare import (
    FloatArray,
    InvalidUtilities,
    group_means,
    power_welfare,
    share_above,
)

DRAWS = 200
"""Draws from the guesses behind an interval."""

_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class JuryRule:
    """How a jury's utilities become one number.

    `alpha` in [0, inf] names one of the family w_alpha; None: MAX-SAT, the share of the jury whose
    utility is strictly above `threshold`.
    """

    alpha: float | None = 0.0
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.alpha is not None and not self.alpha >= 0:
            raise InvalidUtilities(f"Alpha is {self.alpha}; it must be 0 or more.")
        if not 0 <= self.threshold <= 1:
            raise InvalidUtilities(
                f"The threshold is {self.threshold}; utilities lie in 0 to 1, so must it."
            )

    @property
    def label(self) -> str:
        """In words."""
        if self.alpha is None:
            return f"share of the jury above {self.threshold:g}"
        return f"welfare at alpha {self.alpha:g}"

    def __call__(self, utilities: FloatArray) -> FloatArray:
        """Utilities (jurors, ...) to one number each, (...)."""
        flat = utilities.reshape(len(utilities), -1)
        if self.alpha is None:
            joined = share_above(flat, threshold=self.threshold)
        else:
            joined = power_welfare(flat, alpha=self.alpha)
        return joined.reshape(utilities.shape[1:])


@dataclass(frozen=True, slots=True)
class GroupsMean:
    """Mean utility of the jurors with one value of a feature, `means` (items,) in [0, 1]."""

    feature: str
    group: str
    jurors: int
    means: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class JuryReward:
    """Welfare of each item, (items,) all.

    `welfare` counts guesses at their means; with seats it is the median over `juries` drawn juries.
    `expected` is the mean over draws from the guesses (and juries): below `welfare` where the rule
    punishes what is unsure. `lower` and `upper` are the 5th and 95th percentile of those draws.
    """

    welfare: FloatArray
    expected: FloatArray
    lower: FloatArray
    upper: FloatArray
    groups: tuple[GroupsMean, ...]
    jurors: int
    juries: int


def jury_reward(
    utilities: FloatArray,
    deviations: FloatArray,
    *,
    traits: Mapping[str, Sequence[str]],
    rule: JuryRule,
    seats: JurySpecification | None = None,
    seed: int = 0,
    lowest: float = 0.01,
) -> JuryReward:
    """The welfare of items from guesses.

    Args:
        utilities: (jurors, items), means of the guesses in [lowest, 1].
        deviations: (jurors, items), their standard deviations, 0 or more.
        traits: for each feature, each juror's value.
        rule: how they are joined.
        seats: juries to draw; None: all jurors are the jury.
        seed: of juries and draws. Draws of one item don't depend on the others in the call.
        lowest: a draw is normal and then cut to [lowest, 1].

    Raises:
        InvalidUtilities: shapes that don't fit, no juror, values out of range.
        InvalidJury: seats that can't be filled; the message names the seat.
    """
    _check(utilities, deviations, lowest)
    jurors, items = utilities.shape
    people = [{name: values[row] for name, values in traits.items()} for row in range(jurors)]
    seated = None if seats is None else draw_juries(traits=people, specification=seats, seed=seed)
    draws = DRAWS if seated is None else len(seated)
    noise = np.random.default_rng([seed, 1]).standard_normal((jurors, draws))
    welfare = np.empty(items)
    figures = np.empty((3, items))
    for first in range(0, items, max(1, _CELLS // (jurors * draws))):
        part = slice(first, first + max(1, _CELLS // (jurors * draws)))
        drawn = np.clip(
            utilities[:, part, None] + deviations[:, part, None] * noise[:, None, :], lowest, 1.0
        )
        if seated is None:
            welfare[part] = rule(utilities[:, part])
            outcomes = rule(drawn)
        else:
            # Jury d hears the d-th draw of its own jurors: (seats, items, juries).
            welfare[part] = np.median(rule(utilities[:, part][seated.T]), axis=0)
            outcomes = rule(_seated(drawn, seated))
        low, high = np.quantile(outcomes, [0.05, 0.95], axis=-1)
        figures[:, part] = outcomes.mean(axis=-1), low, high
    return JuryReward(
        welfare=welfare,
        expected=figures[0],
        lower=figures[1],
        upper=figures[2],
        groups=tuple(
            GroupsMean(feature, group, list(labels).count(group), means)
            for feature, labels in traits.items()
            for group, means in _means(utilities, labels)
        ),
        jurors=jurors,
        juries=JURIES if seats is not None else 1,
    )


def _seated(drawn: FloatArray, seated: NDArray[np.int64]) -> FloatArray:
    """The draws (jurors, items, juries) that each jury's members hear, (seats, items, juries)."""
    take = partial(np.take_along_axis, drawn, axis=0)
    return np.asarray(
        take(np.broadcast_to(seated.T[:, None, :], (seated.shape[1], *drawn.shape[1:])))
    )


def _means(utilities: FloatArray, labels: Sequence[str]) -> list[tuple[str, FloatArray]]:
    found = group_means(utilities, groups=list(labels))
    return list(zip(found.groups, found.means, strict=True))


def _check(utilities: FloatArray, deviations: FloatArray, lowest: float) -> None:
    if utilities.ndim != 2 or not len(utilities) or utilities.shape != deviations.shape:
        raise InvalidUtilities(
            f"Utilities and deviations must be jurors x items, with at least one juror; their"
            f" shapes are {utilities.shape} and {deviations.shape}."
        )
    bad = ~((utilities >= lowest) & (utilities <= 1) & (deviations >= 0) & np.isfinite(deviations))
    if bad.any():
        juror, item = np.argwhere(bad)[0]
        raise InvalidUtilities(
            f"{int(bad.sum())} guesses have no mean in {lowest} to 1 or no deviation of 0 or more,"
            f" first juror {juror + 1}, item {item + 1}: mean {utilities[juror, item]}, deviation"
            f" {deviations[juror, item]}."
        )
