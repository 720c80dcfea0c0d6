"""The searches by name: leximin level by level, the others by one programme each."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from juries.domain.leximin import Levels, LeximinProgramme
from juries.domain.objectives import Goldilocks, Maximin, Minimax, Nash, Objective, Stakes
from juries.domain.panel_space import FloatArray, PanelSpace
from juries.domain.pursuit import Aim, Found, Pursuit
from juries.domain.region import Point, Programme, inside, outside
from juries.domain.search import KindLottery, NoPanel, SearchControl

_MOST_EXCESS = 1e-6
"""What a panel that HiGHS offers again may seem to be worth above its price."""

_HASTY_LEVELS = 5
"""Levels that are still evened out when time is over."""

_TIE_LEVELS = 40


class LeximinPursuit(Pursuit):
    """Raise the lowest chance, then the next lowest."""

    takes_certificate = True

    def aim(self, counted: NDArray[np.bool_]) -> Aim:
        """See Pursuit."""
        region = outside(space=self.space, counted=counted)
        levels = LeximinProgramme(region, counted=counted, sizes=self.sizes).run()
        if levels is None:
            raise NoPanel("The relaxation has no solution though a panel was found.")
        return Aim(
            seats=levels.point.seats,
            value=levels.smallest,
            bound=levels.smallest,
            smallest=levels.smallest,
            is_exact=levels.complete,
        )

    def generate(self, *, counted: NDArray[np.bool_], aim: Aim) -> Found:
        """See Pursuit."""
        lowest: list[float] = []
        bounds: list[float] = []

        def improve(programme: Programme, point: Point) -> bool | None:
            level = float(point.variables[0])
            lower = lowest[0] if lowest else level
            stage = "raising the next chance" if lowest else "raising the smallest chance"
            self.search.report(stage, lower=lower, upper=min([aim.bound, *bounds[:1]]))
            counts, excess, in_time = self.better_panel(
                prices=point.prices, threshold=point.threshold
            )
            if counts is not None:
                programme.add_panel(counts)
                return True if self.search.control.checkpoint() else None
            lowest.append(level)
            bounds.append(level + excess)
            return False if in_time and excess <= _MOST_EXCESS else None

        levels = self._over_panels(counted, improve=improve)
        bound = min(aim.bound, bounds[0]) if bounds else aim.bound
        if levels.complete:
            return self._found(levels, bound=bound, certified=levels.chances, complete=True)
        levels = self._over_panels(counted, most_levels=levels.levels + _HASTY_LEVELS)
        certified = aim.seats / self.sizes
        return self._found(levels, bound=bound, certified=certified, complete=False)

    def make_do(self, *, counted: NDArray[np.bool_], aim: Aim) -> Found:
        """See Pursuit."""
        levels = self._over_panels(counted, most_levels=_HASTY_LEVELS)
        certified = aim.seats / self.sizes
        return self._found(levels, bound=aim.bound, certified=certified, complete=False)

    def _over_panels(
        self,
        counted: NDArray[np.bool_],
        *,
        improve: Callable[[Programme, Point], bool | None] = lambda _programme, _point: False,
        most_levels: int | None = None,
    ) -> Levels:
        programme = LeximinProgramme(inside(self.search.panels), counted=counted, sizes=self.sizes)
        levels = programme.run(improve=improve, most_levels=most_levels)
        if levels is None:
            raise NoPanel("The panels that were found have no lottery.")
        return levels

    def _found(
        self, levels: Levels, *, bound: float, certified: FloatArray, complete: bool
    ) -> Found:
        weights = _clean(levels.point.weights)
        return Found(
            counts=self.search.panels[: len(weights)],
            weights=weights,
            bound=bound,
            certified=certified,
            complete=complete,
        )


class PricedPursuit(Pursuit):
    """An objective that one programme measures; ties are broken by leximin."""

    def __init__(self, *, space: PanelSpace, control: SearchControl, objective: Objective) -> None:
        super().__init__(space=space, control=control)
        self._objective = objective

    def aim(self, counted: NDArray[np.bool_]) -> Aim:
        """See Pursuit."""
        region = outside(space=self.space, counted=counted)
        measure = self._objective(
            region=region, stakes=Stakes.of(space=self.space, counted=counted)
        )
        point = measure.solve()
        lowest = LeximinProgramme(region, counted=counted, sizes=self.sizes).run(most_levels=1)
        seats = point.seats
        if self._objective is not Nash:
            levels = LeximinProgramme(
                region, counted=counted, sizes=self.sizes, ceiling=measure.ceiling
            ).run()
            seats = point.seats if levels is None else levels.point.seats
        return Aim(
            seats=seats,
            value=point.value,
            bound=measure.natural(point.value),
            smallest=1.0 if lowest is None else lowest.smallest,
            is_exact=True,
        )

    def generate(self, *, counted: NDArray[np.bool_], aim: Aim) -> Found:
        """See Pursuit."""
        measure = self._objective(
            region=inside(self.search.panels),
            stakes=Stakes.of(space=self.space, counted=counted),
        )
        best = aim.value
        while True:
            point = measure.solve()
            chances = point.seats[counted] / self.sizes[counted]
            self.search.report("improving", lower=float(chances.min()), upper=aim.smallest)
            if not self.search.control.checkpoint():
                complete = False
                break
            counts, excess, complete = self.better_panel(
                prices=point.prices, threshold=point.threshold
            )
            best = min(best, point.value + max(0.0, excess))
            if counts is None:
                complete = complete and excess <= _MOST_EXCESS
                break
            measure.programme.add_panel(counts)
        weights = self._break_ties(counted=counted, point=point, ceiling=measure.ceiling)
        return Found(
            counts=self.search.panels[: len(weights)],
            weights=weights,
            bound=measure.natural(best),
            certified=None,
            complete=complete,
        )

    def make_do(self, *, counted: NDArray[np.bool_], aim: Aim) -> Found:
        """See Pursuit."""
        measure = self._objective(
            region=inside(self.search.panels),
            stakes=Stakes.of(space=self.space, counted=counted),
        )
        weights = _clean(measure.solve().weights)
        return Found(
            counts=self.search.panels[: len(weights)],
            weights=weights,
            bound=aim.bound,
            certified=None,
            complete=False,
        )

    def _break_ties(
        self, *, counted: NDArray[np.bool_], point: Point, ceiling: float | None
    ) -> FloatArray:
        if self._objective is Nash:
            return _clean(point.weights)
        levels = LeximinProgramme(
            inside(self.search.panels), counted=counted, sizes=self.sizes, ceiling=ceiling
        ).run(most_levels=_TIE_LEVELS)
        return _clean(point.weights if levels is None else levels.point.weights)


def _clean(weights: FloatArray) -> FloatArray:
    kept: FloatArray = np.maximum(0.0, weights)
    kept /= kept.sum()
    return kept


def find_leximin(*, space: PanelSpace, control: SearchControl) -> KindLottery:
    """Raise the lowest chance, then the next lowest, and so on."""
    return LeximinPursuit(space=space, control=control).run()


def find_maximin(*, space: PanelSpace, control: SearchControl) -> KindLottery:
    """Give the least favoured kind that can sit as much as possible."""
    return PricedPursuit(space=space, control=control, objective=Maximin).run()


def find_nash(*, space: PanelSpace, control: SearchControl) -> KindLottery:
    """Maximise the geometric mean of the chances."""
    return PricedPursuit(space=space, control=control, objective=Nash).run()


def find_minimax(*, space: PanelSpace, control: SearchControl) -> KindLottery:
    """Minimise the largest chance, then raise the lowest under that ceiling."""
    return PricedPursuit(space=space, control=control, objective=Minimax).run()


def find_goldilocks(*, space: PanelSpace, control: SearchControl) -> KindLottery:
    """Keep the largest and the smallest chance near the average."""
    return PricedPursuit(space=space, control=control, objective=Goldilocks).run()
