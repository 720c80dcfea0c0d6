"""Named functions that join several objectives into one number (definition 13).

All work on normalised objectives, (models, objectives) in [0, 1] with 1 the best, and give
(models,) in [0, 1], higher better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from juries.domain.welfare import power_welfare
from models_runner.domain.objectives.table import FloatArray, InvalidObjectives


class UnknownFunction(InvalidObjectives):
    """No commensurating function is written like this; the message lists those that exist."""


class CommensuratingFunction(Protocol):
    """Joins objectives into one number; explicit, so that another choice can be set beside it."""

    @property
    def label(self) -> str:
        """How pages call it, with its weights or its alpha."""
        ...

    def __call__(self, normalised: npt.ArrayLike) -> FloatArray:
        """(models, objectives) in [0, 1] to (models,)."""
        ...


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each objective counts: names in the table's order, shares that add up to 1."""

    names: tuple[str, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, names: Sequence[str], weights: Mapping[str, float] | None = None) -> Weights:
        """Weights divided by their sum; equal without any; 0 for objectives not named.

        Raises InvalidObjectives for no names, an unknown name, a negative weight or a sum of 0.
        """
        if not names:
            raise InvalidObjectives("There are no objectives to join; name at least one.")
        if weights is None:
            return cls(tuple(names), (1 / len(names),) * len(names))
        unknown = [name for name in weights if name not in names]
        if unknown:
            raise InvalidObjectives(
                f"There is no objective {unknown[0]!r}; there are: {', '.join(names)}."
            )
        given = np.array([weights.get(name, 0.0) for name in names], dtype=np.float64)
        if not np.isfinite(given).all() or (given < 0).any() or given.sum() <= 0:
            raise InvalidObjectives(
                f"The weights are {dict(weights)}; each must be at least 0, and one more than 0."
            )
        return cls(tuple(names), tuple(float(share) for share in given / given.sum()))

    @property
    def label(self) -> str:
        """Such as `freedom .2, security .8`; empty where all count the same."""
        if len(set(self.shares)) == 1:
            return ""
        return ", ".join(
            f"{name} {share:.3g}"
            for name, share in zip(self.names, self.shares, strict=True)
            if share > 0
        )


@dataclass(frozen=True, slots=True)
class Linear:
    """The weighted mean."""

    weights: Weights

    @property
    def label(self) -> str:
        """Mean, with the weights."""
        return f"linear ({self.weights.label or 'equal weights'})"

    def __call__(self, normalised: npt.ArrayLike) -> FloatArray:
        """(models,)."""
        return np.asarray(
            _checked(normalised, len(self.weights.names)) @ np.array(self.weights.shares)
        )


@dataclass(frozen=True, slots=True)
class Single:
    """One objective alone."""

    names: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        if self.name not in self.names:
            raise InvalidObjectives(
                f"There is no objective {self.name!r}; there are: {', '.join(self.names)}."
            )

    @property
    def label(self) -> str:
        """The objective's name."""
        return f"{self.name} alone"

    def __call__(self, normalised: npt.ArrayLike) -> FloatArray:
        """(models,)."""
        return _checked(normalised, len(self.names))[..., self.names.index(self.name)]


@dataclass(frozen=True, slots=True)
class Power:
    """The power family that juries' welfare uses: alpha 0 the mean, 1 the geometric mean, inf the
    minimum over objectives with a weight above 0.
    """

    weights: Weights
    alpha: float

    def __post_init__(self) -> None:
        if not self.alpha >= 0:
            raise InvalidObjectives(f"Alpha is {self.alpha}; it must be 0 or more.")

    @property
    def label(self) -> str:
        """By alpha, with the weights."""
        kind = {1.0: "geometric", inf: "minimum"}.get(self.alpha, f"alpha {self.alpha:g}")
        return f"{kind} ({self.weights.label})" if self.weights.label else kind

    def __call__(self, normalised: npt.ArrayLike) -> FloatArray:
        """(models,)."""
        values = _checked(normalised, len(self.weights.names))
        return power_welfare(values.T, alpha=self.alpha, weights=self.weights.shares)


Maker = Callable[[tuple[str, ...], str], CommensuratingFunction]

FUNCTIONS: Mapping[str, tuple[str, Maker]] = MappingProxyType(
    {
        "linear": (
            "linear or linear:freedom=.2,security=.8",
            lambda names, rest: Linear(_weights(names, rest)),
        ),
        "single": ("single:freedom", lambda names, rest: Single(names, rest.strip())),
        "minimum": ("minimum", lambda names, rest: Power(_weights(names, rest), inf)),
        "geometric": (
            "geometric or geometric:freedom=1,security=2",
            lambda names, rest: Power(_weights(names, rest), 1.0),
        ),
        "alpha": (
            "alpha:2 or alpha:2;freedom=1,security=2",
            lambda names, rest: _power(names, rest),
        ),
    }
)
"""Kind -> how it is written, and what makes it from the objectives' names and the rest."""


def commensurating_function(text: str, *, names: Sequence[str]) -> CommensuratingFunction:
    """The function that `text` names, for objectives of these names.

    `linear`, `single:NAME`, `minimum`, `geometric`, `alpha:A`, the weighted ones with
    `:NAME=WEIGHT,...`. Raises UnknownFunction or InvalidObjectives.
    """
    kind, _, rest = text.partition(":")
    known = FUNCTIONS.get(kind.strip())
    if known is None:
        ways = "; ".join(how for how, _ in FUNCTIONS.values())
        raise UnknownFunction(f"There is no commensurating function {text!r}. Write {ways}.")
    return known[1](tuple(names), rest)


def _power(names: tuple[str, ...], rest: str) -> Power:
    alpha, _, weights = rest.partition(";")
    try:
        exponent = float(alpha)
    except ValueError:
        raise UnknownFunction(
            f"The alpha in 'alpha:{rest}' is no number; write {FUNCTIONS['alpha'][0]}."
        ) from None
    return Power(_weights(names, weights), exponent)


def _weights(names: tuple[str, ...], text: str) -> Weights:
    if not text.strip():
        return Weights.of(names)
    given: dict[str, float] = {}
    for part in text.split(","):
        name, sign, number = part.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = None
        if not sign or weight is None:
            raise UnknownFunction(f"The weight {part!r} must be written NAME=NUMBER.")
        if name.strip() in given:
            raise UnknownFunction(f"The weight of {name.strip()!r} stands twice.")
        given[name.strip()] = weight
    return Weights.of(names, given)


def _checked(normalised: npt.ArrayLike, objectives: int) -> FloatArray:
    values = np.asarray(normalised, dtype=np.float64)
    if values.ndim != 2 or values.shape[-1] != objectives:
        raise InvalidObjectives(
            f"Normalised objectives must be (models, {objectives}); their shape is {values.shape}."
        )
    if not ((values >= 0) & (values <= 1)).all():
        raise InvalidObjectives("Normalised objectives must lie in 0 to 1; normalise them first.")
    return values
