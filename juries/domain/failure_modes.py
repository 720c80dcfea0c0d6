"""How a joint verdict can fail people: a majority that leaves a group behind, a single juror who
tips it.

Utilities are (jurors, responses), NaN for not said; weights (jurors,). What compares jurors'
utilities at all rests on their meaning the same; `own_range` beside it, and the ordinal rules of
`voting`, do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from juries.domain.replicates import block
from juries.domain.voting.outcomes import highest
from juries.domain.welfare import (
    FloatArray,
    GroupMeans,
    InvalidUtilities,
    WorstGroup,
    group_means,
    own_range,
    power_welfare,
    worst_of,
)


@dataclass(frozen=True, slots=True)
class LeftBelow:
    """A group whose mean under `winner` is below the threshold, and what would not leave it there.

    `others` are the responses, with that group's means, that are at the threshold or above.
    """

    group: str
    winner: str
    mean: float
    others: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Tipping:
    """Without juror number `juror` (from 0) the winners would be `winners`."""

    juror: int
    winners: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """What each juror's leaving changes.

    `changes` (jurors, responses) is welfare without her less welfare with her, NaN where she said
    nothing or is the only one. `largest` (responses,) is the change that is largest in size, and
    `jurors` (responses,) whose leaving makes it (-1 where there is none). `tipping` lists the
    jurors without whom others would win; ties are kept, without leximin.
    """

    changes: FloatArray
    largest: FloatArray
    jurors: tuple[int, ...]
    winners: tuple[str, ...]
    tipping: tuple[Tipping, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FailureModes:
    """The three failures of a verdict at `alpha`, and what they are seen by.

    `left_below` names groups that a winner leaves below `threshold` though another response does
    not. `in_own_range` is the influence with each juror's utilities stretched to her own range:
    one who only uses the ends of the scale then weighs no more than one who stays in its middle.
    Without groups, `groups`, `worst` and `left_below` are empty.
    """

    responses: tuple[str, ...]
    alpha: float
    threshold: float
    winners: tuple[str, ...]
    groups: GroupMeans | None
    worst: WorstGroup | None
    left_below: tuple[LeftBelow, ...]
    influence: Influence
    in_own_range: Influence


def failure_modes(
    utilities: ArrayLike,
    *,
    responses: Sequence[str],
    alpha: float,
    threshold: float,
    groups: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
    epsilon: float = 0.01,
) -> FailureModes:
    """Look for each failure of the verdict at `alpha`; `threshold` is in utilities.

    `groups` names each juror's group; `epsilon` is the lowest utility in a juror's own range.
    Raises InvalidUtilities (MissingUtilities for NaN that may not be skipped).
    """
    values = np.asarray(utilities, dtype=float)
    names = tuple(responses)
    found = influence(
        values, responses=names, alpha=alpha, weights=weights, skip_missing=skip_missing
    )
    means = (
        None
        if groups is None
        else group_means(values, groups=groups, weights=weights, skip_missing=skip_missing)
    )
    return FailureModes(
        responses=names,
        alpha=float(alpha),
        threshold=threshold,
        winners=found.winners,
        groups=means,
        worst=None if means is None else worst_of(means),
        left_below=()
        if means is None
        else left_below(means, responses=names, winners=found.winners, threshold=threshold),
        influence=found,
        in_own_range=influence(
            own_range(values, epsilon=epsilon),
            responses=names,
            alpha=alpha,
            weights=weights,
            skip_missing=True,
        ),
    )


def left_below(
    means: GroupMeans, *, responses: Sequence[str], winners: Sequence[str], threshold: float
) -> tuple[LeftBelow, ...]:
    """Groups that a winner leaves below `threshold` though another response does not."""
    places = {name: place for place, name in enumerate(responses)}
    found = []
    for winner in winners:
        for group, row in zip(means.groups, means.means, strict=True):
            mean = float(row[places[winner]])
            others = tuple(
                (name, float(row[place]))
                for name, place in places.items()
                if row[place] >= threshold
            )
            if mean < threshold and others:
                found.append(LeftBelow(group, winner, mean, others))
    return tuple(found)


def influence(
    utilities: ArrayLike,
    *,
    responses: Sequence[str],
    alpha: float,
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> Influence:
    """Leave each juror out in turn, for all responses at once.

    Raises InvalidUtilities for names that don't fit, and what `power_welfare` raises.
    """
    values = np.asarray(utilities, dtype=float)
    if values.ndim != 2 or values.shape[1] != len(responses):
        raise InvalidUtilities(
            f"{len(responses)} names were given for utilities of the shape {values.shape}."
        )
    whole = power_welfare(values, alpha=alpha, weights=weights, skip_missing=skip_missing)
    mass = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    without = _without_each(values, mass, alpha)
    has_say = ~np.isnan(values) & (mass > 0)[:, None]
    changes = np.where(has_say, without - whole, np.nan)
    sizes = np.where(np.isnan(changes), -1.0, np.abs(changes))
    most = sizes.argmax(axis=0)
    some = sizes.max(axis=0) >= 0
    names = tuple(responses)
    winners = highest(whole, responses=names)
    tipping = []
    for juror in np.flatnonzero(has_say.any(axis=1)):
        then = highest(without[juror], responses=names)
        if then and then != winners:
            tipping.append(Tipping(int(juror), then))
    return Influence(
        changes=changes,
        largest=np.where(some, changes[most, np.arange(len(names))], np.nan),
        jurors=tuple(int(juror) if known else -1 for juror, known in zip(most, some, strict=True)),
        winners=winners,
        tipping=tuple(tipping),
    )


def _without_each(values: FloatArray, mass: FloatArray, alpha: float) -> FloatArray:
    """Welfare when each juror is left out, (jurors, responses), NaN where nobody is left."""
    if alpha < inf:
        left = np.where(np.eye(len(values), dtype=bool), 0.0, mass)
        return block(values, left).welfare(alpha)
    counted = np.where(np.isnan(values) | (mass <= 0)[:, None], inf, values)
    two = np.sort(np.vstack([counted, np.full((1, values.shape[1]), inf)]), axis=0)[:2]
    alone_lowest = counted == two[0]
    without = np.where(alone_lowest, two[1], two[0])
    return np.asarray(np.where(np.isinf(without), np.nan, without))
