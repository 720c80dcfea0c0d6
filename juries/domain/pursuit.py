"""One objective's search: from its relaxation to a lottery over real panels, with a bound.

1. The objective's best over the quotas' polytope (the relaxation) is a bound on every lottery, and
   gives a target: expected seats by kind.
2. The target is written as a lottery over real panels. Where that succeeds, the lottery is optimal.
3. Where it doesn't, the relaxation is not tight, and panels are generated for the objective itself:
   the best lottery over the panels found puts prices on seats; a panel worth more than its price is
   looked for, at last by an integer programme that proves when there is none (column generation,
   Flanigan et al., Nature 596, 2021, supplementary information, section 11).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from juries.domain.decomposition import Mixture, Outcome, decompose, pricers_of
from juries.domain.panel_solver import Ending, PanelSolver
from juries.domain.panel_space import FloatArray, IntArray, PanelSpace
from juries.domain.search import TOLERANCE, KindLottery, PanelSearch, SearchControl

_TIGHT = 1e-6
_REPORT_EVERY = 10


@dataclass(frozen=True, slots=True)
class Aim:
    """What the relaxation asks for: `seats` (T,), the programme's `value`, the `bound` that this
    is in the objective's own unit, `smallest`, what no lottery's smallest chance can exceed, and
    whether the seats are exactly the best.
    """

    seats: FloatArray
    value: float
    bound: float
    smallest: float
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Panels `counts` (P, T) with `weights` (P,), the `bound`, and whether it is proven."""

    counts: IntArray
    weights: FloatArray
    bound: float
    certified: FloatArray | None
    complete: bool


class Pursuit(ABC):
    """One objective's search in one space."""

    takes_certificate = False

    def __init__(self, *, space: PanelSpace, control: SearchControl) -> None:
        self.space = space
        self.search = PanelSearch(space=space, control=control)
        self.sizes = space.sizes.astype(float)

    @abstractmethod
    def aim(self, counted: NDArray[np.bool_]) -> Aim:
        """The relaxation's best."""

    @abstractmethod
    def generate(self, *, counted: NDArray[np.bool_], aim: Aim) -> Found:
        """Panels for the objective itself, where the relaxation is not tight."""

    @abstractmethod
    def make_do(self, *, counted: NDArray[np.bool_], aim: Aim) -> Found:
        """The best over the panels that there are, when time is over; they seat all `counted`."""

    def run(self) -> KindLottery:
        """The lottery. Raises NoPanel, OutOfTime (before a first panel) or Cancelled."""
        possible = self.search.possible_by_relaxation()
        first = self.search.first_panel()
        counted = possible & ~self.space.certain
        if not counted.any():
            return self._only_certain(first, possible)
        aim = self.aim(counted)
        mixture = self._follow(aim=aim, counted=counted, first=first)
        if self._reaches_all(mixture, counted):
            return self._tight(mixture=mixture, aim=aim, can_sit=possible)
        can_sit, complete = self.search.cover(possible)
        able = can_sit & ~self.space.certain
        if complete and not able.any():
            return self._only_certain(first, can_sit)
        if complete and not bool((able == counted).all()):
            counted = able
            aim = self.aim(counted)
            mixture = self._follow(aim=aim, counted=counted, first=first)
        if complete and mixture.outcome is Outcome.REACHED:
            return self._tight(mixture=mixture, aim=aim, can_sit=can_sit)
        if complete and mixture.outcome is not Outcome.OUT_OF_TIME:
            found = self.generate(counted=counted, aim=aim)
        else:
            found = self._so_far(counted=counted, aim=aim)
        return KindLottery(
            counts=found.counts,
            weights=found.weights,
            can_sit=can_sit if complete else possible,
            bound=found.bound,
            certified=found.certified,
            is_tight=False,
            complete=complete and found.complete,
        )

    def _so_far(self, *, counted: NDArray[np.bool_], aim: Aim) -> Found:
        seated = counted & np.any(self.search.panels > 0, axis=0)
        if seated.any():
            return self.make_do(counted=seated, aim=aim)
        return Found(
            counts=self.search.panels[:1],
            weights=np.ones(1),
            bound=aim.bound,
            certified=aim.seats / self.sizes if self.takes_certificate else None,
            complete=False,
        )

    def _only_certain(self, panel: IntArray, can_sit: NDArray[np.bool_]) -> KindLottery:
        return KindLottery(
            counts=panel[None],
            weights=np.ones(1),
            can_sit=can_sit,
            bound=1.0,
            certified=None,
            is_tight=True,
            complete=True,
        )

    def _follow(self, *, aim: Aim, counted: NDArray[np.bool_], first: IntArray) -> Mixture:
        time_left = self.search.control.time_left
        faces = [
            PanelSolver(
                space=face_of(space=self.space, seats=aim.seats, rounded=rounded),
                time_left=time_left,
            )
            for rounded in (True, False)
        ]

        def keep_on(panels: int, seats: FloatArray) -> bool:
            if panels % _REPORT_EVERY == 0:
                chances = seats[counted] / self.sizes[counted]
                self.search.report(
                    "collecting panels", lower=float(chances.min()), upper=aim.smallest
                )
            return self.search.control.checkpoint()

        mixture = decompose(
            target=aim.seats,
            start=first,
            quick=pricers_of([*faces, self.search.solver]),
            solver=self.search.solver,
            keep_on=keep_on,
        )
        for counts in mixture.panels:
            self.search.keep(counts)
        self.search.report(
            "panels collected",
            lower=float((mixture.seats[counted] / self.sizes[counted]).min()),
            upper=aim.smallest,
        )
        return mixture

    @staticmethod
    def _reaches_all(mixture: Mixture, counted: NDArray[np.bool_]) -> bool:
        seated = np.any(mixture.panels[:, counted] > 0, axis=0)
        return mixture.outcome is Outcome.REACHED and bool(seated.all())

    def _tight(self, *, mixture: Mixture, aim: Aim, can_sit: NDArray[np.bool_]) -> KindLottery:
        return KindLottery(
            counts=mixture.panels,
            weights=mixture.weights,
            can_sit=can_sit,
            bound=aim.bound,
            certified=aim.seats / self.sizes if self.takes_certificate else None,
            is_tight=True,
            complete=aim.is_exact,
        )

    def better_panel(
        self, *, prices: FloatArray, threshold: float
    ) -> tuple[IntArray | None, float, bool]:
        """A new panel worth more than `threshold`; else what the best one exceeds it by.

        The last item is False where time ran out before either.
        """
        tolerance = TOLERANCE / 10
        priced = self.search.solver.near(prices)
        if (
            priced.counts is not None
            and priced.value > threshold + tolerance
            and self.search.keep(priced.counts)
        ):
            return priced.counts, priced.bound - threshold, True
        if not self.search.control.checkpoint():
            return None, priced.bound - threshold, False
        best = self.search.solver.best(prices)
        if best.ending is Ending.OUT_OF_TIME or best.counts is None:
            return None, priced.bound - threshold, False
        excess = max(0.0, best.bound - threshold)
        if best.value > threshold + tolerance and self.search.keep(best.counts):
            return best.counts, excess, True
        return None, excess, True


def face_of(*, space: PanelSpace, seats: FloatArray, rounded: bool) -> PanelSpace:
    """The panels of `space` that keep every bound tight that `seats` (T,) keeps tight.

    Only such panels can stand in a lottery with exactly these expected seats. With `rounded`, each
    kind sends the floor or the ceiling of its seats.
    """
    values = space.rows @ seats
    at_low = values <= space.row_lower + _TIGHT
    at_high = values >= space.row_upper - _TIGHT
    lower, upper = space.lower.copy(), space.upper.copy()
    upper[seats <= lower + _TIGHT] = lower[seats <= lower + _TIGHT]
    lower[seats >= space.upper - _TIGHT] = space.upper[seats >= space.upper - _TIGHT]
    if rounded:
        lower = np.maximum(lower, np.floor(seats + _TIGHT).astype(np.int64))
        upper = np.minimum(upper, np.ceil(seats - _TIGHT).astype(np.int64))
        upper = np.maximum(upper, lower)
    return replace(
        space,
        lower=lower,
        upper=upper,
        row_lower=np.where(at_high, space.row_upper, space.row_lower),
        row_upper=np.where(at_low & ~at_high, space.row_lower, space.row_upper),
    )
