"""Random numbers named by what they are for, so that adding a juror or a query moves no other."""

import random
from collections.abc import Sequence
from statistics import NormalDist

_NORMAL = NormalDist()
_STEPS = 2**53


def stream(seed: int, *names: str) -> random.Random:
    """A generator of its own for each combination of seed and names (text, so no hash seed)."""
    return random.Random("\x1f".join((str(seed), *names)))  # noqa: S311 - a simulation, no secret


def normal(rng: random.Random) -> float:
    """One draw from the standard normal distribution, by inversion."""
    return _NORMAL.inv_cdf((rng.getrandbits(53) + 0.5) / _STEPS)


def pick(rng: random.Random, weights: Sequence[float]) -> int:
    """An index with chance proportional to its weight (each >= 0, not all 0)."""
    mark = rng.random() * sum(weights)
    for index, weight in enumerate(weights):
        mark -= weight
        if mark < 0:
            return index
    return max(index for index, weight in enumerate(weights) if weight > 0)
