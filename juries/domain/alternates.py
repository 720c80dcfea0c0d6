"""How many alternates to draw in advance, and how likely they are to be enough.

That alternates should be sized by how likely people are to drop out, trait by trait, follows the
idea of Assos et al., "Alternates, Assemble! Selecting Optimal Alternates for Citizens' Assemblies"
(2025). The rule here is ours and simpler. People drop out independently, each with her own rate,
the alternates as well. For every quota with a minimum, and for the size, the smallest number of
alternates is taken with which the vacancies can be filled with a probability of
1 - (1 - level) / m, m being the number of those demands; by the union bound all of them are then
met at once with probability `level` or more. The number of dropouts is Poisson-binomial, that of
alternates who are still there binomial, both exact. Counting trait by trait says nothing of maxima,
of people who have to fit several quotas at once, and of households; so sets are tried out in a
seeded simulation (see `alternate_trials`), from that number upwards until one is enough, and so are
the alternates that were drawn in the end, with an interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np
from scipy.stats import binom

from juries.domain.candidates import CandidateProfile
from juries.domain.dropout import DropoutRates, InvalidDropout, poisson_binomial
from juries.domain.quotas import Quota


class NobodyToReplace(ValueError):
    """Alternates were asked for a jury on which nobody sits."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one quota (None: the jury's size) asks of the alternates.

    `seated` jurors count towards it, `minimum` must; `expected` of them drop out. `wanted` is the
    number of alternates to have, `available` how many of the pool could be one.
    """

    quota: Quota | None
    seated: int
    minimum: int
    expected: float
    wanted: int
    available: int

    @property
    def label(self) -> str:
        """Words for the rows of a table."""
        return "all seats" if self.quota is None else self.quota.label

    @property
    def reachable(self) -> int:
        """As many as are wanted, or as there are."""
        return min(self.wanted, self.available)


@dataclass(frozen=True, slots=True)
class AlternatePlan:
    """`number` alternates, with at least `quotas` among them.

    `level` is the probability aimed at for all demands together, `level_each` for each of them.
    `short` are demands that the pool can't meet.
    """

    number: int
    demands: tuple[Demand, ...]
    level: float
    level_each: float

    @property
    def short(self) -> tuple[Demand, ...]:
        """Demands for more people than the pool has left."""
        return tuple(demand for demand in self.demands if demand.available < demand.wanted)

    def quotas(self, *, number: int) -> tuple[Quota, ...]:
        """What `number` alternates have to meet: as many of each trait as are wanted and there.

        With fewer or more alternates than were planned every trait gets its share of them, rounded
        down, as far as there are people.
        """
        share = Fraction(number, max(1, self.number))
        asked = (
            (demand.quota, min(demand.available, floor(demand.reachable * share)))
            for demand in self.demands
            if demand.quota is not None
        )
        return tuple(Quota(quota.traits, least, number) for quota, least in asked if least > 0)


def plan_alternates(
    *,
    seated: Sequence[CandidateProfile],
    left: Sequence[CandidateProfile],
    quotas: Sequence[Quota],
    size: int,
    rates: DropoutRates,
    level: float,
) -> AlternatePlan:
    """How many alternates, and of which traits, so that vacancies can be filled.

    `seated` sit on a jury of `size`, `left` are candidates who could be alternates. Seats that are
    vacant already count as dropouts that are certain. The number is never above that of `left`.
    Raises InvalidDropout for a level outside (0, 1), NobodyToReplace where nobody sits.
    """
    if not 0 < level < 1:
        raise InvalidDropout(f"The probability aimed at is {level}; it must lie between 0 and 1.")
    if not seated:
        raise NobodyToReplace("Nobody sits on the jury yet; draw it before its alternates.")
    asked: list[tuple[Quota | None, int]] = [(None, size)]
    asked += [(quota, quota.minimum) for quota in quotas if quota.minimum > 0]
    level_each = 1 - (1 - level) / len(asked)
    demands: list[Demand] = []
    for quota, minimum in asked:
        hers = [member for member in seated if quota is None or quota.admits(member)]
        others = [person for person in left if quota is None or quota.admits(person)]
        leaving = [rates.of(member) for member in hers]
        # The most fickle of those who could step in stands for all of them: never too few.
        unsteady = max((rates.of(person) for person in others), default=rates.overall)
        demands.append(
            Demand(
                quota=quota,
                seated=len(hers),
                minimum=minimum,
                expected=float(sum(leaving)),
                wanted=_smallest(
                    leaving=leaving,
                    spare=len(hers) - minimum,
                    unsteady=unsteady,
                    level=level_each,
                ),
                available=len(others),
            )
        )
    number = max(demand.reachable for demand in demands)
    by_feature: dict[str, int] = {}
    for demand in demands:
        if demand.quota is not None and len(demand.quota.traits) == 1:
            feature = demand.quota.traits[0][0]
            by_feature[feature] = by_feature.get(feature, 0) + demand.reachable
    number = min(len(left), max([number, *by_feature.values()]))
    return AlternatePlan(number, tuple(demands), level, level_each)


def _smallest(*, leaving: Sequence[float], spare: int, unsteady: float, level: float) -> int:
    """Fewest alternates of whom, with probability `level`, as many stay as are needed."""
    chances = poisson_binomial(leaving)
    needed = np.maximum(0, np.arange(len(chances)) - spare)
    most = int(needed[-1])
    wanted = 0
    # A ceiling that ends the search also for rates near 1.
    ceiling = ceil((most + 10) / (1 - unsteady)) * 4
    while wanted < ceiling:
        enough = binom.sf(needed - 1, wanted, 1 - unsteady)
        if float(chances @ enough) >= level - 1e-12:
            break
        wanted += 1
    return wanted
