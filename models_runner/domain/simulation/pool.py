"""A pool of invented volunteers in an invented country.

Volunteers differ from the population as they do in practice: older, better educated, more of them
from the capital. Traits hang together: the young and the capital have more degrees, and outlook
leans on age, region and education.
"""

import csv
import io
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

from models_runner.domain.simulation.streams import pick, stream


@dataclass(frozen=True, slots=True)
class PoolFeature:
    """A trait: its values, their shares of the population, and their weight among volunteers."""

    name: str
    values: tuple[str, ...]
    population: tuple[float, ...]
    volunteers: tuple[float, ...]


DEMO_FEATURES: tuple[PoolFeature, ...] = (
    PoolFeature("gender", ("woman", "man", "another"), (0.505, 0.485, 0.01), (0.54, 0.445, 0.015)),
    PoolFeature(
        "age",
        ("18-29", "30-44", "45-64", "65 or over"),
        (0.19, 0.25, 0.32, 0.24),
        (0.10, 0.19, 0.36, 0.35),
    ),
    PoolFeature(
        "education",
        ("basic", "vocational", "degree"),
        (0.28, 0.42, 0.30),
        (0.13, 0.30, 0.57),
    ),
    PoolFeature(
        "region",
        ("Capital", "Coast", "Plains", "Hills"),
        (0.31, 0.27, 0.24, 0.18),
        (0.40, 0.26, 0.20, 0.14),
    ),
    PoolFeature(
        "outlook",
        ("tradition", "middle", "change"),
        (0.33, 0.38, 0.29),
        (0.25, 0.36, 0.39),
    ),
)

# How a value tilts the weights of a later feature; the order follows that feature's values.
_TILTS: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "education": {
        "18-29": (0.8, 0.9, 1.3),
        "30-44": (0.7, 0.9, 1.3),
        "45-64": (0.9, 1.1, 1.0),
        "65 or over": (1.6, 1.2, 0.7),
    },
    "region": {
        "basic": (0.8, 0.9, 1.2, 1.3),
        "vocational": (0.8, 1.0, 1.2, 1.2),
        "degree": (1.3, 1.0, 0.8, 0.7),
    },
    "outlook": {
        "18-29": (0.6, 0.9, 1.5),
        "65 or over": (1.6, 1.0, 0.7),
        "degree": (0.7, 1.0, 1.3),
        "basic": (1.3, 1.1, 0.7),
        "Capital": (0.8, 1.0, 1.2),
        "Hills": (1.4, 1.0, 0.7),
        "Plains": (1.2, 1.0, 0.9),
    },
}

_SHARES_HOME = 0.09
_NAMES_HOME_ALONE = 0.08


@dataclass(frozen=True, slots=True)
class SimulatedCandidate:
    """One invented volunteer; `household` is blank for most."""

    id: str
    email: str
    traits: Mapping[str, str]
    household: str


@dataclass(frozen=True, slots=True)
class SimulatedQuota:
    """Bounds on the members of a jury who have one value of one feature."""

    feature: str
    value: str
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class SimulatedPool:
    """The pool with the population it is held against and quotas for one jury."""

    seed: int
    jury_size: int
    features: tuple[PoolFeature, ...]
    candidates: tuple[SimulatedCandidate, ...]
    quotas: tuple[SimulatedQuota, ...]

    def respondents_csv(self) -> str:
        """`respondents.csv`: a row a candidate, a column a feature; UTF-8, ends lines with LF."""
        names = [feature.name for feature in self.features]
        rows = [
            [c.id, c.email, *(c.traits[name] for name in names), c.household]
            for c in self.candidates
        ]
        return _csv(["id", "email", *names, "household"], rows)

    def categories_csv(self) -> str:
        """`categories.csv`: the quotas, as other tools of the field read them."""
        rows = [[q.feature, q.value, str(q.minimum), str(q.maximum)] for q in self.quotas]
        return _csv(["category", "name", "min", "max"], rows)

    def population_csv(self) -> str:
        """`population.csv`: the share of each value; the shares of a feature sum to 1."""
        rows = [
            [feature.name, value, f"{share:g}"]
            for feature in self.features
            for value, share in zip(feature.values, feature.population, strict=True)
        ]
        return _csv(["feature", "value", "share"], rows)


def make_pool(*, seed: int, size: int = 400, jury_size: int = 40) -> SimulatedPool:
    """Invent `size` volunteers, and quotas that hold a jury within one person of the population.

    The quotas are the floor and the ceiling of `jury_size` times each population share.

    Raises:
        ValueError: `jury_size` is not between 1 and `size`.
    """
    if not 1 <= jury_size <= size:
        raise ValueError(
            f"A jury of {jury_size} can't be drawn from {size} volunteers; "
            f"choose a size from 1 to {size}."
        )
    width = max(3, len(str(size)))
    candidates: list[SimulatedCandidate] = []
    homes = 0
    for number in range(1, size + 1):
        identifier = f"p{number:0{width}d}"
        rng = stream(seed, "candidate", identifier)
        before = candidates[-1] if candidates else None
        mark = rng.random()
        if (
            before is not None
            and before.household
            and mark < _SHARES_HOME / (_SHARES_HOME + _NAMES_HOME_ALONE)
        ):
            traits = _volunteer(rng, like=before)
            household = before.household
        else:
            traits = _volunteer(rng)
            named = rng.random() < _SHARES_HOME + _NAMES_HOME_ALONE
            homes += named
            household = f"h{homes:03d}" if named else ""
        candidates.append(
            SimulatedCandidate(identifier, f"{identifier}@example.org", traits, household)
        )
    return SimulatedPool(seed, jury_size, DEMO_FEATURES, tuple(candidates), _quotas(jury_size))


def _volunteer(rng: random.Random, *, like: SimulatedCandidate | None = None) -> Mapping[str, str]:
    """Traits drawn one after the other; who shares a home shares its region, often the age."""
    traits: dict[str, str] = {}
    for feature in DEMO_FEATURES:
        weights = list(feature.volunteers)
        for value in traits.values():
            tilt = _TILTS.get(feature.name, {}).get(value)
            if tilt is not None:
                weights = [w * t for w, t in zip(weights, tilt, strict=True)]
        drawn = feature.values[pick(rng, weights)]
        if like is not None and (
            feature.name == "region" or (feature.name == "age" and rng.random() < 0.8)
        ):
            drawn = like.traits[feature.name]
        traits[feature.name] = drawn
    return traits


def _quotas(jury_size: int) -> tuple[SimulatedQuota, ...]:
    return tuple(
        SimulatedQuota(
            feature.name,
            value,
            math.floor(round(jury_size * share, 9)),
            math.ceil(round(jury_size * share, 9)),
        )
        for feature in DEMO_FEATURES
        for value, share in zip(feature.values, feature.population, strict=True)
    )


def _csv(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
