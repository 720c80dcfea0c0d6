"""What every search for a lottery needs: panels found, who can sit, progress, and an end."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from juries.domain.panel_solver import Ending, PanelSolver
from juries.domain.panel_space import FloatArray, IntArray, PanelSpace

TOLERANCE = 1e-7
"""Objectives closer than this to their bound count as proven optimal."""

_COUNTING = 1e-6


class NoPanel(ValueError):
    """No panel satisfies the rows of the space; carries nothing but the fact."""


class OutOfTime(RuntimeError):
    """The time limit passed before a single panel was found."""


class Cancelled(RuntimeError):
    """The caller asked the search to stop."""


@dataclass(frozen=True, slots=True)
class LotteryProgress:
    """Where the search stands, whatever its objective. Chances in [0, 1]: `lower` is the smallest
    chance of the lottery so far (0 while somebody is on no panel yet), `upper` what no lottery's
    smallest chance can exceed.
    """

    stage: str
    panels: int
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class SearchControl:
    """How the caller watches and stops a search; `time_left` in seconds."""

    time_left: Callable[[], float] = lambda: inf
    should_stop: Callable[[], bool] = lambda: False
    on_progress: Callable[[LotteryProgress], None] = lambda _: None

    def checkpoint(self) -> bool:
        """Raise Cancelled when asked to stop; return whether time remains."""
        if self.should_stop():
            raise Cancelled("The draw was cancelled before it ended; nothing was kept.")
        return self.time_left() > 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """How a lottery was simulated: `runs` panels from `seed`; `restarts` dead ends begun anew."""

    runs: int
    seed: int
    restarts: int


@dataclass(frozen=True, slots=True)
class KindLottery:
    """A lottery over panels of kinds: `counts` (P, T), `weights` (P,) adding up to 1.

    `can_sit` (T,) are the kinds that some panel
    seats. `bound` is what no lottery can beat in the
    method's objective. `certified` (T,) are the chances that the objective asks for, where those
    are known. `is_tight` says that the relaxation alone proves the bound. `complete` is False where
    time ran out, and then `can_sit` holds every kind that was not shown to be unable. `estimate`
    is set where panels were simulated.
    """

    counts: IntArray
    weights: FloatArray
    can_sit: NDArray[np.bool_]
    bound: float
    certified: FloatArray | None
    is_tight: bool
    complete: bool
    estimate: Estimate | None = None


class PanelSearch:
    """The panels of one search, and the questions that every objective asks of them."""

    def __init__(self, *, space: PanelSpace, control: SearchControl) -> None:
        self.space = space
        self.control = control
        self.solver = PanelSolver(space=space, time_left=control.time_left)
        self._panels: dict[bytes, IntArray] = {}

    @property
    def panels(self) -> IntArray:
        """All panels so far, (P, T), in the order in which they were found."""
        return np.stack(list(self._panels.values()))

    def keep(self, counts: IntArray) -> bool:
        """Remember a panel; False where it was known."""
        key = counts.tobytes()
        if key in self._panels:
            return False
        self._panels[key] = counts
        return True

    def possible_by_relaxation(self) -> NDArray[np.bool_]:
        """Kinds (T,) that some fractional panel seats. Raises NoPanel where there is none."""
        possible = self.space.lower > 0
        while True:
            relaxed = self.solver.relax((~possible).astype(float))
            if relaxed is None:
                raise NoPanel("Not even fractional panels exist.")
            point, _, _ = relaxed
            fresh = (point > _COUNTING) & ~possible
            if not fresh.any():
                return possible
            possible |= fresh

    def first_panel(self) -> IntArray:
        """Any panel. Raises NoPanel, OutOfTime or Cancelled."""
        if not self.control.checkpoint():
            raise OutOfTime("The time limit left no time to look for a panel.")
        priced = self.solver.best(np.zeros(len(self.space.kinds)))
        if priced.counts is None:
            if priced.ending is Ending.OUT_OF_TIME:
                raise OutOfTime("The time limit passed before a first panel was found.")
            raise NoPanel("No panel exists.")
        self.keep(priced.counts)
        return priced.counts

    def cover(self, possible: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], bool]:
        """Who can sit: shown by a panel, or refuted by the one that seats the most missing.

        False where time ran out before either.
        """
        covered = np.any(self.panels > 0, axis=0)
        while True:
            missing = possible & ~covered
            if not missing.any():
                return covered, True
            if not self.control.checkpoint():
                return covered, False
            priced = self.solver.best(missing.astype(float))
            if priced.ending is Ending.OUT_OF_TIME or priced.counts is None:
                return covered, False
            if not np.any(priced.counts[missing] > 0):
                return covered, True
            self.keep(priced.counts)
            covered |= priced.counts > 0
            self.report("finding who can sit", lower=0.0, upper=1.0)

    def report(self, stage: str, *, lower: float, upper: float) -> None:
        """Tell the caller where the search stands."""
        upper = min(1.0, max(0.0, upper))
        self.control.on_progress(
            LotteryProgress(
                stage=stage,
                panels=len(self._panels),
                lower=min(max(0.0, lower), upper),
                upper=upper,
            )
        )
