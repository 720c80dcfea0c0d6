"""Leximin over a region: raise the lowest chance, then the next lowest, and so on.

One linear programme a level. A chance is held where its row has a positive price: then it stands at
the level in every optimum. (The primal of Flanigan et al., Nature 596, 2021, supplementary
information, sections 9 and 11.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from juries.domain.panel_space import FloatArray
from juries.domain.region import Point, Programme, Region

_SLACKS = (0.0, 1e-9, 1e-8, 1e-7, 1e-6)
"""Give, in seats, to levels already held: none, and more only where HiGHS finds less infeasible. A
give is not harmless: it comes back divided by the smallest price of a held level.
"""

_CEILING_SLACK = 1e-9

_TOP = 1e-9

_DRIFT = 1e-6
"""How far chances of the last programme may be from the levels at which they were held."""

_PRICE = 1e-3
"""Prices (they add up to 1) from which a level is held at once; the dearest always is."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Leximin chances: `point` of the last programme, `chances` (T,) of the kinds counted.

    `chances` is 0 for kinds that were not counted. `smallest` is the first level, `levels` how many
    programmes were solved. `complete` is False where `improve` gave up or HiGHS lost its way, so
    that later levels are not proven.
    """

    point: Point
    chances: FloatArray
    smallest: float
    levels: int
    complete: bool


class LeximinProgramme:
    """maximise level subject to seats_t >= level n_t, or >= what a held kind has."""

    def __init__(
        self,
        region: Region,
        *,
        counted: NDArray[np.bool_],
        sizes: FloatArray,
        ceiling: float | None = None,
    ) -> None:
        self._wanted = np.flatnonzero(counted)
        self._sizes = sizes
        self._programme = Programme(region, variables=[(1.0, 0.0, 1.0)])
        level = self._programme.variable(0)
        self._rows = [
            self._programme.add_row(
                lower=0.0, upper=inf, columns=[int(kind), level], values=[1.0, -float(sizes[kind])]
            )
            for kind in self._wanted
        ]
        if ceiling is not None:
            top = np.full(region.kinds, inf)
            top[self._wanted] = ceiling * sizes[self._wanted] + _CEILING_SLACK
            self._programme.limit_seats(top)

    def run(
        self,
        *,
        improve: Callable[[Programme, Point], bool | None] = lambda _programme, _point: False,
        most_levels: int | None = None,
    ) -> Levels | None:
        """All levels, or the first `most_levels`; None where the region is empty.

        `improve` may add panels to the programme and then returns True; False says that none helps
        at this level, None that it gives up.
        """
        held = np.full(len(self._wanted), -1.0)
        chances = np.zeros(self._programme.region.kinds)
        last: Point | None = None
        smallest = 0.0
        done = 0
        complete = True
        while bool((held < 0).any()) and (most_levels is None or done < most_levels):
            found = self._solve_level(held)
            if found is None:
                complete = False
                break
            answer = improve(self._programme, found)
            if answer:
                continue
            last = found
            level = float(found.variables[0])
            smallest = level if done == 0 else smallest
            done += 1
            if answer is None:
                complete = False
                break
            if not self._hold(held=held, point=found, level=level):
                complete = False
                break
        if last is None:
            return None
        reached = last.seats[self._wanted] / self._sizes[self._wanted]
        chances[self._wanted] = np.where(held >= 0, held, reached)
        drift = float(np.abs(chances[self._wanted] - reached).max())
        complete = complete and (most_levels is not None or drift <= _DRIFT)
        return Levels(
            point=last, chances=chances, smallest=smallest, levels=done, complete=complete
        )

    def _solve_level(self, held: FloatArray) -> Point | None:
        found = self._programme.solve()
        for slack in _SLACKS[1:]:
            if found is not None or not bool((held >= 0).any()):
                break
            for place in np.flatnonzero(held >= 0):
                seats = held[place] * self._sizes[self._wanted[place]]
                self._programme.change_row(
                    self._rows[place], lower=max(0.0, float(seats) - slack), upper=inf
                )
            found = self._programme.solve()
        return found

    def _hold(self, *, held: FloatArray, point: Point, level: float) -> bool:
        """Hold the kinds that can't rise above `level`; False where no price tells which."""
        sizes = self._sizes[self._wanted]
        prices = -point.duals[self._rows] * sizes
        prices[held >= 0] = 0.0
        dearest = float(prices.max())
        if level >= 1.0 - _TOP:
            forced = held < 0
        elif dearest <= 0:
            return False
        else:
            forced = prices >= min(_PRICE, dearest)
        column = self._programme.variable(0)
        for place in np.flatnonzero(forced):
            held[place] = level
            self._programme.change_coefficient(self._rows[place], column, 0.0)
            self._programme.change_row(
                self._rows[place], lower=level * float(sizes[place]), upper=inf
            )
        return True
