"""Scales: which numbers a juror may say, and how they become utilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

DEFAULT_EPSILON = 0.01
_TOLERANCE = 1e-9
_LISTED = 12
MOST_POINTS = 1000


class ScaleKind(StrEnum):
    """How a scale is shown; the values are those that the database stores."""

    LIKERT = "likert"
    SLIDER = "slider"
    YES_NO = "yes_no"


class InvalidScale(ValueError):
    """A scale whose declaration contradicts itself; the message names the field and the numbers."""


class OutsideScale(ValueError):
    """A value that the scale does not have. Carries ``value``, ``low``, ``high`` and ``legal``."""

    def __init__(self, *, value: float | None, low: float, high: float, legal: str) -> None:
        self.value = value
        self.low = low
        self.high = high
        self.legal = legal
        said = "Can't say" if value is None else f"{value:g}"
        super().__init__(f"{said} is not on the scale from {low:g} to {high:g}. Legal: {legal}.")


class InvalidEpsilon(ValueError):
    """The smallest utility must be in [0, 1)."""

    def __init__(self, *, epsilon: float) -> None:
        self.epsilon = epsilon
        super().__init__(f"The smallest utility is {epsilon:g}, but must be in [0, 1).")


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale with declared bounds.

    ``low < high``, both finite; ``step`` > 0 divides ``high - low`` into whole steps, None means
    any number between (sliders only); ``labels`` are (point, text) pairs whose points are on the
    scale; ``allows_cant_say`` admits None. A yes/no scale is 0 = no, 1 = yes. A Likert scale shows
    each of its points and has at most ``MOST_POINTS``.
    Raises ``InvalidScale``.
    """

    kind: ScaleKind
    low: float
    high: float
    step: float | None = 1.0
    labels: tuple[tuple[float, str], ...] = ()
    allows_cant_say: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InvalidScale(
                f"The bounds are {self.low:g} and {self.high:g}; "
                "the lower must be a finite number below the higher."
            )
        if not math.isfinite(self.high - self.low):
            raise InvalidScale(
                f"From {self.low:g} to {self.high:g} is further than can be computed with; "
                "bring the bounds closer together."
            )
        if self.kind is ScaleKind.YES_NO and (self.low, self.high, self.step) != (0, 1, 1):
            raise InvalidScale(
                f"A yes/no scale has low 0, high 1 and step 1, not {self.low:g}, {self.high:g} "
                f"and {self.step}."
            )
        if self.step is None:
            if self.kind is not ScaleKind.SLIDER:
                raise InvalidScale(
                    f"A {self.kind.value} scale needs a step; a slider may have none."
                )
        else:
            self._check_step(self.step)
        for point, text in self.labels:
            if not self._has(point):
                raise InvalidScale(
                    f"The label {text!r} stands at {point:g}, which is not on the scale. "
                    f"Legal: {self.legal_values()}."
                )

    def _check_step(self, step: float) -> None:
        if not (math.isfinite(step) and step > 0):
            raise InvalidScale(f"The step is {step:g}, but must be a finite number above 0.")
        steps = (self.high - self.low) / step
        if not math.isfinite(steps):
            raise InvalidScale(f"The step {step:g} is too small for {self.low:g} to {self.high:g}.")
        if abs(steps - round(steps)) > _TOLERANCE * max(1.0, steps) or round(steps) < 1:
            raise InvalidScale(
                f"Steps of {step:g} do not lead from {self.low:g} to {self.high:g}: "
                f"that would be {steps:g} of them."
            )
        if self.kind is ScaleKind.LIKERT and steps >= MOST_POINTS:
            raise InvalidScale(
                f"Steps of {step:g} from {self.low:g} to {self.high:g} make "
                f"{steps + 1:g} points, each shown by itself; at most {MOST_POINTS} can be. "
                "Take larger steps, or a slider."
            )

    def _has(self, value: float) -> bool:
        if not math.isfinite(value) or not self.low <= value <= self.high:
            return False
        if self.step is None:
            return True
        steps = (value - self.low) / self.step
        return abs(steps - round(steps)) <= _TOLERANCE * max(1.0, abs(steps))

    @property
    def points(self) -> tuple[float, ...]:
        """The legal values from low to high; empty for a scale without steps."""
        if self.step is None:
            return ()
        count = round((self.high - self.low) / self.step)
        return (*(self.low + number * self.step for number in range(count)), self.high)

    def legal_values(self) -> str:
        """The legal values in words, such as ``1, 2, 3, 4, 5 or can't say``."""
        # A fine slider has more points than anybody wants to count.
        if self.step is None:
            text = f"any number from {self.low:g} to {self.high:g}"
        elif (self.high - self.low) / self.step > _LISTED:
            text = f"from {self.low:g} to {self.high:g} in steps of {self.step:g}"
        else:
            names = dict(self.labels)
            text = ", ".join(
                f"{point:g} ({names[point]})" if point in names else f"{point:g}"
                for point in self.points
            )
        return f"{text} or can't say" if self.allows_cant_say else text

    def check_value(self, *, value: float | None) -> float | None:
        """The value itself if a juror may say it; None is "can't say". Raises ``OutsideScale``."""
        legal = self.allows_cant_say if value is None else self._has(value)
        if not legal:
            raise OutsideScale(value=value, low=self.low, high=self.high, legal=self.legal_values())
        return value

    def to_utility(self, *, values: npt.ArrayLike, epsilon: float = DEFAULT_EPSILON) -> FloatArray:
        """Utilities by the declared bounds; see the function ``to_utility``."""
        return to_utility(values=values, low=self.low, high=self.high, epsilon=epsilon)


def to_utility(
    *, values: npt.ArrayLike, low: float, high: float, epsilon: float = DEFAULT_EPSILON
) -> FloatArray:
    """Ratings on declared bounds as utilities: ``eps + (1 - eps) (r - low) / (high - low)``.

    Parameters
    ----------
    values : any shape; NaN = not said, and stays NaN
    low, high : the scale's declared bounds, never those that were observed
    epsilon : the utility of the lowest rating, in [0, 1)

    Returns the same shape, in [epsilon, 1]. Raises ``OutsideScale`` for a value beyond the bounds
    or infinite, ``InvalidEpsilon``, and ``InvalidScale`` for bounds in the wrong order.
    """
    if not 0 <= epsilon < 1:
        raise InvalidEpsilon(epsilon=epsilon)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InvalidScale(f"The bounds are {low:g} and {high:g}; the lower must be below.")
    ratings = np.asarray(values, dtype=np.float64)
    beyond = ~np.isnan(ratings) & ((ratings < low) | (ratings > high))
    if beyond.any():
        raise OutsideScale(
            value=float(ratings[beyond][0]),
            low=low,
            high=high,
            legal=f"any number from {low:g} to {high:g}, NaN for not said",
        )
    return np.asarray(epsilon + (1 - epsilon) * (ratings - low) / (high - low), dtype=np.float64)


def scale_from_labels(
    *, kind: ScaleKind, texts: Sequence[str], allows_cant_say: bool = True
) -> Scale:
    """A scale 1..n with one label per point, n >= 2. Raises ``InvalidScale``."""
    if len(texts) < 2:
        raise InvalidScale(f"A labelled scale needs at least 2 labels, not {len(texts)}.")
    labels = tuple((float(number), text) for number, text in enumerate(texts, start=1))
    return Scale(
        kind=kind,
        low=1.0,
        high=float(len(texts)),
        step=1.0,
        labels=labels,
        allows_cant_say=allows_cant_say,
    )
