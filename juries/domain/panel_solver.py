"""Panels that maximise a linear objective, by HiGHS: a warm relaxation and small integer
programmes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import inf

import highspy
import numpy as np
from scipy.sparse import csc_matrix, csr_matrix

from juries.domain.panel_space import FloatArray, IntArray, PanelSpace

INTEGRALITY_SLACK = 1e-6
"""How far a solver's integer may stray from a whole number before it is rounded, in seats."""

_NEIGHBOURHOOD = 24
"""Kinds left free, beside the fractional ones, in the small integer programme."""

_NEAR_GAP = 0.1
"""How far, relative to its value, a panel of the small programme may be from its best: a panel that
helps is wanted quickly.
"""


class SolverFailed(RuntimeError):
    """HiGHS ended in a state that neither proves nor disproves anything."""


class Ending(Enum):
    """How an integer programme ended."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    OUT_OF_TIME = "out of time"


@dataclass(frozen=True, slots=True)
class PricedPanel:
    """The best panel found for an objective.

    `counts` (T,) is None where none was found; `value` is its objective and `bound` what no panel
    can exceed.
    """

    counts: IntArray | None
    value: float
    bound: float
    ending: Ending


def new_highs(*, time_limit: float = inf) -> highspy.Highs:
    """A silent HiGHS with one thread and a fixed seed, so that the same input gives the same
    output.
    """
    highs = highspy.Highs()  # type: ignore[no-untyped-call]  # its constructor has no annotations
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("parallel", "off")
    highs.setOptionValue("random_seed", 0)
    if time_limit < inf:
        highs.setOptionValue("time_limit", max(0.0, time_limit))
    return highs


def pass_programme(
    highs: highspy.Highs,
    *,
    matrix: csr_matrix | csc_matrix,
    cost: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    row_lower: FloatArray,
    row_upper: FloatArray,
    integer: bool = False,
) -> None:
    """Load `maximise cost @ x` subject to bounds on x and on matrix @ x."""
    columns = csc_matrix(matrix)
    programme = highspy.HighsLp()
    programme.num_col_ = columns.shape[1]
    programme.num_row_ = columns.shape[0]
    programme.col_cost_ = np.asarray(cost, dtype=float)
    programme.col_lower_ = np.asarray(lower, dtype=float)
    programme.col_upper_ = np.asarray(upper, dtype=float)
    programme.row_lower_ = np.asarray(row_lower, dtype=float)
    programme.row_upper_ = np.asarray(row_upper, dtype=float)
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_ = columns.indptr
    programme.a_matrix_.index_ = columns.indices
    programme.a_matrix_.value_ = columns.data
    programme.sense_ = highspy.ObjSense.kMaximize
    if integer:
        programme.integrality_ = [highspy.HighsVarType.kInteger] * columns.shape[1]
    highs.passModel(programme)


class PanelSolver:
    """Finds panels of one space that maximise changing objectives."""

    def __init__(self, *, space: PanelSpace, time_left: Callable[[], float]) -> None:
        self._space = space
        self._time_left = time_left
        self._lower = space.lower.astype(float)
        self._upper = space.upper.astype(float)
        self._columns = csc_matrix(space.rows)
        self._relaxation = new_highs()
        pass_programme(
            self._relaxation,
            matrix=space.rows,
            cost=np.zeros(len(space.kinds)),
            lower=self._lower,
            upper=self._upper,
            row_lower=space.row_lower,
            row_upper=space.row_upper,
        )
        self._indices = np.arange(len(space.kinds), dtype=np.int32)

    def relax(self, objective: FloatArray) -> tuple[FloatArray, FloatArray, float] | None:
        """Fractional optimum: x (T,), reduced costs (T,), value; None where none exists."""
        self._relaxation.changeColsCost(len(self._indices), self._indices, objective)
        self._relaxation.run()
        status = self._relaxation.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverFailed(f"HiGHS ended the relaxation with {status}.")
        solution = self._relaxation.getSolution()
        point = np.asarray(solution.col_value)
        return point, np.asarray(solution.col_dual), float(objective @ point)

    def near(
        self, objective: FloatArray, *, box: tuple[FloatArray, FloatArray] | None = None
    ) -> PricedPanel:
        """A good panel quickly: most kinds stay where the relaxation has them.

        With a `box` (lower, upper; each (T,)) only panels inside it are considered. The bound
        returned is the relaxation's, which holds for panels outside the box too.
        """
        relaxed = self.relax(objective)
        if relaxed is None:
            return PricedPanel(None, -inf, -inf, Ending.INFEASIBLE)
        point, reduced, bound = relaxed
        lower, upper = (self._lower, self._upper) if box is None else box
        anchor = np.clip(np.round(point), lower, upper)
        strays = np.abs(point - anchor) > INTEGRALITY_SLACK
        if not strays.any():
            counts = anchor.astype(np.int64)
            if self._space.is_feasible(counts):
                return PricedPanel(counts, float(objective @ counts), bound, Ending.OPTIMAL)
        closeness = np.where(strays | (upper <= lower), inf, np.abs(reduced))
        order = np.argsort(closeness, kind="stable")
        width = _NEIGHBOURHOOD
        while True:
            free = strays.copy()
            free[order[:width]] = True
            found = self._integer(
                objective, lower=lower, upper=upper, free=free, anchor=anchor, gap=_NEAR_GAP
            )
            if found.counts is not None or found.ending is Ending.OUT_OF_TIME:
                return PricedPanel(found.counts, found.value, bound, found.ending)
            if free.all() or width >= len(order):
                return PricedPanel(None, -inf, bound, Ending.INFEASIBLE)
            width *= 4

    def best(self, objective: FloatArray) -> PricedPanel:
        """The best panel of all, with proof."""
        every = np.ones(len(self._indices), dtype=np.bool_)
        return self._integer(
            objective,
            lower=self._lower,
            upper=self._upper,
            free=every,
            anchor=self._lower,
            gap=0.0,
        )

    def _integer(
        self,
        objective: FloatArray,
        *,
        lower: FloatArray,
        upper: FloatArray,
        free: np.typing.NDArray[np.bool_],
        anchor: FloatArray,
        gap: float,
    ) -> PricedPanel:
        chosen = np.flatnonzero(free)
        fixed = np.where(free, 0.0, anchor)
        used = self._space.rows @ fixed
        highs = new_highs(time_limit=self._time_left())
        highs.setOptionValue("mip_rel_gap", gap)
        highs.setOptionValue("mip_abs_gap", 1e-9)
        pass_programme(
            highs,
            matrix=self._columns[:, chosen],
            cost=objective[chosen],
            lower=lower[chosen],
            upper=upper[chosen],
            row_lower=self._space.row_lower - used,
            row_upper=self._space.row_upper - used,
            integer=True,
        )
        highs.run()
        status = highs.getModelStatus()
        if status in (
            highspy.HighsModelStatus.kInfeasible,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        ):
            return PricedPanel(None, -inf, -inf, Ending.INFEASIBLE)
        if status == highspy.HighsModelStatus.kTimeLimit:
            return PricedPanel(None, -inf, inf, Ending.OUT_OF_TIME)
        if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
            raise SolverFailed(f"HiGHS ended an integer programme with {status}.")
        counts = np.round(fixed).astype(np.int64)
        counts[chosen] = np.round(np.asarray(highs.getSolution().col_value)).astype(np.int64)
        if not self._space.is_feasible(counts):
            raise SolverFailed("HiGHS returned a panel that breaks a quota once it is rounded.")
        bound = max(
            float(objective @ counts),
            float(highs.getInfo().mip_dual_bound) + float(objective @ fixed),
        )
        return PricedPanel(counts, float(objective @ counts), bound, Ending.OPTIMAL)
