"""Which models nobody can replace without giving something up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured
from models_runner.domain.objectives.table import FloatArray, InvalidObjectives, ObjectiveTable
from overton.domain.windows import wilson_interval

BoolArray = npt.NDArray[np.bool_]
_CELLS_AT_ONCE = 5_000_000


@dataclass(frozen=True, slots=True, eq=False)
class ParetoFront:
    """``improvements[i, j]``: model i is a Pareto improvement on j. ``on_front``: nothing improves
    on the model; equal models are both on it or both off.
    """

    models: tuple[str, ...]
    improvements: BoolArray
    on_front: BoolArray

    @property
    def front(self) -> tuple[str, ...]:
        """Names of the models on the front, in the table's order."""
        return tuple(m for m, on in zip(self.models, self.on_front, strict=True) if on)

    def improving_on(self, model: str) -> tuple[str, ...]:
        """The models that are a Pareto improvement on this one."""
        column = self.improvements[:, self.models.index(model)]
        return tuple(m for m, better in zip(self.models, column, strict=True) if better)


def pareto_improvements(oriented: npt.ArrayLike) -> BoolArray:
    """(..., models, models): i at least as good as j everywhere and better somewhere.

    `oriented` is (..., models, objectives), higher better, finite. Raises InvalidObjectives.
    """
    values = _finite(oriented)
    one, other = values[..., :, None, :], values[..., None, :, :]
    return np.asarray((one >= other).all(axis=-1) & (one > other).any(axis=-1))


def on_front(oriented: npt.ArrayLike) -> BoolArray:
    """(..., models): whether no model is a Pareto improvement. Raises InvalidObjectives."""
    return np.asarray(~pareto_improvements(oriented).any(axis=-2))


def pareto_front(table: ObjectiveTable) -> ParetoFront:
    """Improvements and the front of a table; ranges are not needed."""
    improvements = pareto_improvements(table.oriented)
    return ParetoFront(
        models=table.models, improvements=improvements, on_front=on_front(table.oriented)
    )


def front_probabilities(
    *, table: ObjectiveTable, replicates: npt.ArrayLike, confidence: float = 0.95
) -> tuple[Measured, ...]:
    """How often each model is on the front when what was measured is resampled.

    Args:
        table: for directions and names.
        replicates: (bootstraps, models, objectives), values as measured. Resample what the
            objectives share (questions, jurors) once for all models, so that they stay paired.
        confidence: of the interval, which says how sure the share is with so many replicates.

    Raises:
        InvalidObjectives: another shape, no replicate, values that are not finite.
    """
    values = np.asarray(replicates, dtype=np.float64)
    if values.ndim != 3 or not len(values) or values.shape[1:] != table.values.shape:
        raise InvalidObjectives(
            f"Replicates must be (bootstraps, {table.values.shape[0]} models,"
            f" {table.values.shape[1]} objectives); their shape is {values.shape}."
        )
    step = max(1, _CELLS_AT_ONCE // (len(table.models) ** 2 * len(table.objectives)))
    counts = np.zeros(len(table.models), dtype=np.int64)
    for start in range(0, len(values), step):
        counts += on_front(values[start : start + step] * table.signs).sum(axis=0)
    found = []
    for count in counts:
        low, high = wilson_interval(successes=int(count), trials=len(values), confidence=confidence)
        found.append(
            Measured(value=int(count) / len(values), low=low, high=high, count=len(values))
        )
    return tuple(found)


def _finite(oriented: npt.ArrayLike) -> FloatArray:
    values = np.asarray(oriented, dtype=np.float64)
    if values.ndim < 2 or values.shape[-1] == 0:
        raise InvalidObjectives(
            f"Values must be (models, objectives); their shape is {values.shape}."
        )
    if not np.isfinite(values).all():
        raise InvalidObjectives("A value is missing or infinite; it can't be compared.")
    return values
