"""What makes one lottery better than another, as linear programmes over expected seats.

Each objective is maximised over a region seen from outside (a bound) or from inside (what can be
done). Objectives that are not linear are approached by tangents from above, so that the programme's
value stays a bound; tangents are added until the true value is met.

Chances are measured against the average chance of those who count, which scales every programme
alike for small and large pools.
"""

from dataclasses import dataclass
from math import exp, inf, log
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from juries.domain.panel_solver import SolverFailed
from juries.domain.panel_space import FloatArray, PanelSpace
from juries.domain.region import Point, Programme, Region

_INVERSE_GAP = 1e-8
"""How far, relative to it, a tangent may stay below the inverse of the smallest chance."""

_LOG_GAP = 1e-9
"""How far a tangent may stay above a logarithm; HiGHS can't tell much less."""

_MOST_ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Stakes:
    """Who counts: `counted` (T,) kinds, their `sizes` (T,), and the average chance among them."""

    counted: NDArray[np.bool_]
    sizes: FloatArray
    average: float

    @classmethod
    def of(cls, *, space: PanelSpace, counted: NDArray[np.bool_]) -> "Stakes":
        """The average chance is open seats over people, whoever gets them."""
        seats = space.size - int(space.sizes[space.certain].sum())
        people = int(space.sizes[counted].sum())
        return cls(counted=counted, sizes=space.sizes.astype(float), average=seats / people)

    @property
    def kinds(self) -> list[int]:
        """The kinds counted, in order."""
        return [int(kind) for kind in np.flatnonzero(self.counted)]

    @property
    def people(self) -> float:
        """How many people count."""
        return float(self.sizes[self.counted].sum())


class SeatProgramme(Protocol):
    """An objective over one region."""

    programme: Programme
    ceiling: float | None
    """After `solve`: the largest chance that may be given where ties are broken; None: no limit."""

    def solve(self) -> Point:
        """Maximise; `value` is a bound on the objective over the region, met to 1e-8."""
        ...

    def natural(self, value: float) -> float:
        """The programme's value in the objective's own unit."""
        ...


class Objective(Protocol):
    """Makes a programme over a region."""

    def __call__(self, *, region: Region, stakes: Stakes) -> SeatProgramme:
        """The programme, not yet solved."""
        ...


def _solved(programme: Programme) -> Point:
    found = programme.solve()
    if found is None:
        raise SolverFailed("HiGHS finds no seats to give though a panel exists.")
    return found


class Maximin:
    """The smallest chance."""

    def __init__(self, *, region: Region, stakes: Stakes) -> None:
        self.ceiling: float | None = None
        self.programme = Programme(region, variables=[(1.0, 0.0, 1.0)])
        level = self.programme.variable(0)
        for kind in stakes.kinds:
            self.programme.add_row(
                lower=0.0, upper=inf, columns=[kind, level], values=[1.0, -stakes.sizes[kind]]
            )

    def solve(self) -> Point:
        """See SeatProgramme."""
        return _solved(self.programme)

    def natural(self, value: float) -> float:
        """See SeatProgramme."""
        return value


class Minimax:
    """The largest chance, negated."""

    def __init__(self, *, region: Region, stakes: Stakes) -> None:
        self.ceiling: float | None = None
        self.programme = Programme(region, variables=[(-1.0, 0.0, 1.0)])
        level = self.programme.variable(0)
        for kind in stakes.kinds:
            self.programme.add_row(
                lower=-inf, upper=0.0, columns=[kind, level], values=[1.0, -stakes.sizes[kind]]
            )

    def solve(self) -> Point:
        """See SeatProgramme."""
        point = _solved(self.programme)
        self.ceiling = float(point.variables[0])
        return point

    def natural(self, value: float) -> float:
        """See SeatProgramme."""
        return -value


class Goldilocks:
    """Largest chance over the average, plus the average over the smallest chance, negated.

    Goldilocks with gamma = 1 of Baharav and Flanigan, "Fair, Manipulation-Robust, and Transparent
    Sortition" (arXiv 2406.15009): (n / k) max p + gamma / ((n / k) min p). With m = min p over the
    average, 1 / m is approached by tangents.
    """

    def __init__(self, *, region: Region, stakes: Stakes) -> None:
        self.ceiling: float | None = None
        self._average = stakes.average
        top = 1.0 / stakes.average
        self.programme = Programme(
            region, variables=[(0.0, 0.0, top), (-1.0, 0.0, top), (-1.0, 0.0, inf)]
        )
        self._low, high, self._inverse = (self.programme.variable(number) for number in range(3))
        for kind in stakes.kinds:
            size = float(stakes.sizes[kind]) * stakes.average
            self.programme.add_row(
                lower=0.0, upper=inf, columns=[kind, self._low], values=[1.0, -size]
            )
            self.programme.add_row(lower=-inf, upper=0.0, columns=[kind, high], values=[1.0, -size])
        self._lowest = 1.0
        self._touch(1.0)

    def _touch(self, place: float) -> None:
        self._lowest = min(self._lowest, place)
        self.programme.add_row(
            lower=2.0 / place,
            upper=inf,
            columns=[self._inverse, self._low],
            values=[1.0, 1.0 / place**2],
        )

    def solve(self) -> Point:
        """See SeatProgramme."""
        for _ in range(_MOST_ROUNDS):
            point = _solved(self.programme)
            low, inverse = float(point.variables[0]), float(point.variables[2])
            if low * inverse >= 1.0 - _INVERSE_GAP:
                self.ceiling = float(point.variables[1]) * self._average
                return point
            self._touch(max(low, self._lowest / 4))
        raise SolverFailed(f"The Goldilocks objective was not met within {_MOST_ROUNDS} tangents.")

    def natural(self, value: float) -> float:
        """See SeatProgramme."""
        return -value


class Nash:
    """Mean of log(chance / average) over people: the logarithm of the geometric mean."""

    def __init__(self, *, region: Region, stakes: Stakes) -> None:
        self.ceiling: float | None = None
        self._kinds = stakes.kinds
        self._units = stakes.sizes[stakes.counted] * stakes.average
        self._shares = stakes.sizes[stakes.counted] / stakes.people
        self._average = stakes.average
        top = log(1.0 / stakes.average)
        self.programme = Programme(
            region, variables=[(float(share), -inf, top) for share in self._shares]
        )
        self._lowest = np.ones(len(self._kinds))
        for factor in (0.25, 0.5, 1.0, 2.0, 4.0):
            for place in range(len(self._kinds)):
                self._touch(place, factor)

    def _touch(self, place: int, ratio: float) -> None:
        self._lowest[place] = min(float(self._lowest[place]), ratio)
        self.programme.add_row(
            lower=-inf,
            upper=log(ratio) - 1.0,
            columns=[self.programme.variable(place), self._kinds[place]],
            values=[1.0, -1.0 / (ratio * float(self._units[place]))],
        )

    def solve(self) -> Point:
        """See SeatProgramme."""
        for _ in range(_MOST_ROUNDS):
            point = _solved(self.programme)
            ratios = point.seats[self._kinds] / self._units
            missed = 0.0
            for place, ratio in enumerate(ratios.tolist()):
                touch = max(ratio, float(self._lowest[place]) / 4)
                over = float(point.variables[place]) - log(touch)
                missed += over * float(self._shares[place])
                if over > _LOG_GAP:
                    self._touch(place, touch)
            if missed <= 2 * _LOG_GAP:
                return point
        raise SolverFailed(f"The geometric mean was not met within {_MOST_ROUNDS} tangents.")

    def natural(self, value: float) -> float:
        """See SeatProgramme."""
        return exp(value) * self._average
