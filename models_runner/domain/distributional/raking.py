"""Weights that bring a sample's traits to the population's shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models_runner.domain.distributional.probabilities import FloatArray, InvalidDistribution

ROUNDS = 200
WITHIN = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Raked:
    """``weights`` (people,), mean 1. ``effective``: how many equally weighted people would be as
    sure, (sum w)^2 / sum w^2 (Kish, "Survey sampling", 1965).
    """

    weights: FloatArray
    effective: float


def rake(
    *, traits: Mapping[str, Sequence[str]], shares: Mapping[str, Mapping[str, float]]
) -> Raked:
    """Iterative proportional fitting (Deming and Stephan, 1940) of people's weights.

    Args:
        traits: feature -> each person's value.
        shares: feature -> value -> share of the population; shares are divided by their sum.

    Raises:
        InvalidDistribution: nobody, a person's value without a share, a share that nobody has, or
            margins that can't all be met.
    """
    if not traits or not next(iter(traits.values())):
        raise InvalidDistribution("There is nobody to weight.")
    weights = np.ones(len(next(iter(traits.values()))))
    margins = [_margin(name, values, shares.get(name, {})) for name, values in traits.items()]
    for _ in range(ROUNDS):
        worst = 0.0
        for members, wanted in margins:
            now = members @ weights / weights.sum()
            worst = max(worst, float(np.abs(now - wanted).max()))
            weights = weights * ((wanted / now) @ members)
        if worst < WITHIN:
            return Raked(weights / weights.mean(), float(weights.sum() ** 2 / (weights**2).sum()))
    raise InvalidDistribution(
        f"No weights meet the population's shares of {', '.join(traits)} together: after {ROUNDS}"
        f" rounds one is still off by {worst:.3g}. Weight by fewer features."
    )


def _margin(
    name: str, values: Sequence[str], shares: Mapping[str, float]
) -> tuple[FloatArray, FloatArray]:
    """(values, people) members and (values,) wanted shares."""
    known = [value for value, share in shares.items() if share > 0]
    strangers = sorted(set(values) - set(known))
    if strangers:
        raise InvalidDistribution(
            f"Somebody's {name} is {strangers[0]!r}, which has no share of the population. Give it"
            " one, or weight by another feature."
        )
    absent = [value for value in known if value not in values]
    if absent:
        raise InvalidDistribution(
            f"Nobody who answered has {absent[0]!r} for {name}, though"
            f" {shares[absent[0]]:.0%} of the population have; no weight can make up for that."
        )
    members = np.array([[value == one for one in values] for value in known], dtype=np.float64)
    wanted = np.array([shares[value] for value in known], dtype=np.float64)
    return members, wanted / wanted.sum()
