"""How likely jurors are to drop out: declared, or estimated from past seats."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from juries.domain.candidates import CandidateProfile
from juries.domain.panel_space import FloatArray

PRIOR_SEATS = 10
"""An estimated rate of a value counts as if so many more seats had the overall rate."""

Z95 = 1.959963984540054
"""The standard normal's 97.5 % point."""


class InvalidDropout(ValueError):
    """Rates or a level that nothing can be computed from; the message carries the number."""


@dataclass(frozen=True, slots=True)
class DropoutRates:
    """How likely a juror is to drop out, in [0, 1).

    Somebody with several of the values in `by_value` has the highest of their rates; somebody with
    none of them has `overall`. Raises InvalidDropout for rates outside [0, 1).
    """

    overall: float
    by_value: Mapping[tuple[str, str], float]

    def __post_init__(self) -> None:
        named = [("overall", self.overall)]
        named += [(f"{feature}: {value}", rate) for (feature, value), rate in self.by_value.items()]
        for name, rate in named:
            if not 0 <= rate < 1:
                raise InvalidDropout(
                    f"The dropout rate {name} is {rate}; it must be at least 0 and below 1."
                )

    def of(self, candidate: CandidateProfile) -> float:
        """Her rate."""
        known = [self.by_value[trait] for trait in candidate.traits if trait in self.by_value]
        return max(known, default=self.overall)


@dataclass(frozen=True, slots=True)
class EstimatedRates:
    """Rates as seen on past seats. `low` and `high` are a 95 % Wilson interval of the overall one.

    `seats` were decided (accepted or given up), `given_up` of them were given up. The rates of
    single values are shrunk towards the overall one: they count as if PRIOR_SEATS more seats had
    had it.
    """

    rates: DropoutRates
    seats: int
    given_up: int
    low: float
    high: float


def estimate_rates(
    *, past: Sequence[tuple[Collection[tuple[str, str]], bool]]
) -> EstimatedRates | None:
    """Rates from past seats: traits of the juror, and whether she gave her seat up.

    None without any. A rate of 1 is told as 0.99, since somebody must be expected to stay.
    """
    if not past:
        return None
    seats, given_up = len(past), sum(1 for _, gave_up in past if gave_up)
    overall = given_up / seats
    held: dict[tuple[str, str], list[int]] = {}
    for traits, gave_up in past:
        for trait in traits:
            count = held.setdefault(trait, [0, 0])
            count[0] += 1
            count[1] += int(gave_up)
    by_value = {
        trait: min(0.99, (left + PRIOR_SEATS * overall) / (total + PRIOR_SEATS))
        for trait, (total, left) in sorted(held.items())
    }
    low, high = wilson(successes=given_up, trials=seats)
    return EstimatedRates(
        rates=DropoutRates(min(0.99, overall), by_value),
        seats=seats,
        given_up=given_up,
        low=low,
        high=high,
    )


def wilson(*, successes: int, trials: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share; (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, Z95**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = (
        Z95 * sqrt(share * (1 - share) / trials + square / (4 * trials**2)) / (1 + square / trials)
    )
    return max(0.0, centre - half), min(1.0, centre + half)


def poisson_binomial(rates: Sequence[float]) -> FloatArray:
    """Probability of 0, 1, ... n events (n + 1,), each independent with its own rate."""
    chances = np.ones(1)
    for rate in rates:
        chances = np.append(chances * (1 - rate), 0.0) + np.append(0.0, chances * rate)
    return chances
