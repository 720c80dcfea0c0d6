"""Models by objectives, with the direction and the declared range of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class InvalidObjectives(ValueError):
    """Objectives or values that can't be compared; the message has the place and the number."""


class OutsideRange(InvalidObjectives):
    """A value lies outside the declared range of its objective."""


class Direction(StrEnum):
    """Which way an objective gets better."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Objective:
    """What is measured.

    ``worst`` and ``best`` are the declared range, both or neither; ``best`` lies where the
    direction points. Without a range an objective can be compared but not joined with others.
    """

    name: str
    direction: Direction = Direction.HIGHER
    worst: float | None = None
    best: float | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidObjectives("An objective needs a name.")
        if self.worst is None and self.best is None:
            return
        if self.worst is None or self.best is None:
            raise InvalidObjectives(
                f"{self.name}: declare worst and best, or neither; they are {self.worst} and"
                f" {self.best}."
            )
        upwards = self.worst < self.best
        if not (isfinite(self.worst) and isfinite(self.best)) or self.worst == self.best:
            raise InvalidObjectives(
                f"{self.name}: worst {self.worst:g} and best {self.best:g} make no range."
            )
        if upwards != (self.direction is Direction.HIGHER):
            raise InvalidObjectives(
                f"{self.name}: {self.direction} is better, but worst is {self.worst:g} and best"
                f" {self.best:g}; turn the range round or correct the direction."
            )


@dataclass(frozen=True, slots=True, eq=False)
class ObjectiveTable:
    """``values`` (models, objectives) as measured, finite."""

    models: tuple[str, ...]
    objectives: tuple[Objective, ...]
    values: FloatArray

    def __post_init__(self) -> None:
        shape = (len(self.models), len(self.objectives))
        if 0 in shape or self.values.shape != shape:
            raise InvalidObjectives(
                f"{shape[0]} models and {shape[1]} objectives need values of that shape, with at"
                f" least one of each; they have {self.values.shape}."
            )
        for kind, names in (
            ("Model", self.models),
            ("Objective", tuple(objective.name for objective in self.objectives)),
        ):
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise InvalidObjectives(f"{kind} {repeated[0]!r} stands more than once.")
        bad = np.argwhere(~np.isfinite(self.values))
        if len(bad):
            model, objective = bad[0]
            raise InvalidObjectives(
                f"Model {self.models[model]!r} has {self.values[model, objective]} for"
                f" {self.objectives[objective].name!r}; leave the model or the objective out, a"
                " missing value can't be compared."
            )

    @property
    def signs(self) -> FloatArray:
        """1 where higher is better, -1 where lower is, (objectives,)."""
        return np.array([1.0 if o.direction is Direction.HIGHER else -1.0 for o in self.objectives])

    @property
    def oriented(self) -> FloatArray:
        """Values turned so that higher is better, (models, objectives)."""
        return np.asarray(self.values * self.signs)

    def check_ranges(self) -> None:
        """Raise OutsideRange if a value lies outside the range of its objective, where declared."""
        ranged = [place for place, o in enumerate(self.objectives) if o.worst is not None]
        if ranged:
            normalise(
                models=self.models,
                objectives=[self.objectives[place] for place in ranged],
                values=self.values[:, ranged],
            )

    def normalised(self) -> FloatArray:
        """(value - worst) / (best - worst), (models, objectives), in [0, 1].

        Raises:
            InvalidObjectives: an objective has no declared range.
            OutsideRange: a value is worse than the worst or better than the best.
        """
        return normalise(models=self.models, objectives=self.objectives, values=self.values)


def normalise(
    *, models: Sequence[str], objectives: Sequence[Objective], values: npt.ArrayLike
) -> FloatArray:
    """`values` (models, objectives) by the *declared* range of each, in [0, 1], 1 the best.

    Observed bounds are never used: a model's number would then hang on the others. Raises
    InvalidObjectives or OutsideRange, naming model, objective and value.
    """
    array = np.asarray(values, dtype=np.float64)
    worst, best = [], []
    for objective in objectives:
        if objective.worst is None or objective.best is None:
            raise InvalidObjectives(
                f"{objective.name!r} has no declared range; declare worst and best to join it with"
                " other objectives."
            )
        worst.append(objective.worst)
        best.append(objective.best)
    scaled = (array - np.array(worst)) / (np.array(best) - np.array(worst))
    outside = np.argwhere(~((scaled >= 0) & (scaled <= 1)))
    if len(outside):
        model, place = outside[0]
        raise OutsideRange(
            f"Model {models[model]!r} has {array[model, place]:g} for"
            f" {objectives[place].name!r}, outside the declared worst {worst[place]:g} to best"
            f" {best[place]:g}; correct the value or declare the true range."
        )
    return np.asarray(scaled)
