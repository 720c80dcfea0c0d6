"""Where expected seats may lie, from outside and from inside, and linear programmes over it.

Expected seats of lotteries are the convex hull of the panels. Seen from *outside* it is contained
in the polytope that the quotas describe: what is best there can't be beaten. Seen from *inside* it
contains the hull of the panels found so far: what is best there can be done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, identity, vstack

from juries.domain.panel_solver import SolverFailed, new_highs, pass_programme
from juries.domain.panel_space import FloatArray, IntArray, PanelSpace

FEASIBILITY = 1e-9
"""How far HiGHS may miss a row, in seats."""


@dataclass(frozen=True, slots=True)
class Region:
    """Points of lower <= z <= upper and row_lower <= matrix @ z <= row_upper.

    Shapes: `matrix` (R, C), bounds (C,), (R,). The first `kinds` columns are expected seats by
    kind; the others (inside only) are weights of panels.
    """

    matrix: csr_matrix
    lower: FloatArray
    upper: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray
    kinds: int


@dataclass(frozen=True, slots=True)
class Point:
    """An optimum: `seats` (T,), `weights` (P,; none outside), `variables` (V,), `value`,
    and `duals` of all rows.

    Inside, a panel x can raise the value only if `prices` @ x exceeds `threshold`, and by no more
    than the excess.
    """

    seats: FloatArray
    weights: FloatArray
    variables: FloatArray
    value: float
    duals: FloatArray
    prices: FloatArray
    threshold: float


def outside(*, space: PanelSpace, counted: NDArray[np.bool_]) -> Region:
    """The quotas' polytope; kinds neither `counted` (T,) nor certain get no seats."""
    return Region(
        matrix=csr_matrix(space.rows),
        lower=space.lower.astype(float),
        upper=np.where(counted | space.certain, space.upper, 0).astype(float),
        row_lower=space.row_lower,
        row_upper=space.row_upper,
        kinds=len(space.kinds),
    )


def inside(panels: IntArray) -> Region:
    """The hull of `panels` (P, T)."""
    count, kinds = panels.shape
    seats = hstack([identity(kinds, format="csr"), csr_matrix(-panels.T.astype(float))])
    total = csr_matrix(np.concatenate([np.zeros(kinds), np.ones(count)])[None])
    fixed = np.append(np.zeros(kinds), 1.0)
    return Region(
        matrix=vstack([seats, total], format="csr"),
        lower=np.zeros(kinds + count),
        upper=np.full(kinds + count, inf),
        row_lower=fixed,
        row_upper=fixed,
        kinds=kinds,
    )


class Programme:
    """Maximise over a region and `variables` beside it, each (cost, lower, upper); kept warm."""

    def __init__(self, region: Region, *, variables: Sequence[tuple[float, float, float]]) -> None:
        self.region = region
        self._first_variable = region.matrix.shape[1]
        self._variables = len(variables)
        self._rows = region.matrix.shape[0]
        self._added = 0
        self._highs = new_highs()
        self._highs.setOptionValue("primal_feasibility_tolerance", FEASIBILITY)
        self._highs.setOptionValue("dual_feasibility_tolerance", FEASIBILITY)
        costs, lowers, uppers = zip(*variables, strict=True)
        pass_programme(
            self._highs,
            matrix=hstack([region.matrix, csr_matrix((self._rows, len(variables)))], format="csr"),
            cost=np.concatenate([np.zeros(self._first_variable), costs]),
            lower=np.concatenate([region.lower, lowers]),
            upper=np.concatenate([region.upper, uppers]),
            row_lower=region.row_lower,
            row_upper=region.row_upper,
        )

    def variable(self, number: int) -> int:
        """The column of a variable beside the region."""
        return self._first_variable + number

    def add_row(
        self, *, lower: float, upper: float, columns: Sequence[int], values: Sequence[float]
    ) -> int:
        """Add a row and return its number."""
        self._highs.addRow(
            lower,
            upper,
            len(columns),
            np.asarray(columns, dtype=np.int32),
            np.asarray(values, dtype=np.float64),
        )
        self._rows += 1
        return self._rows - 1

    def change_row(self, row: int, *, lower: float, upper: float) -> None:
        """Move a row's bounds."""
        self._highs.changeRowBounds(row, lower, upper)

    def change_coefficient(self, row: int, column: int, value: float) -> None:
        """Change one entry of the matrix."""
        self._highs.changeCoeff(row, column, value)

    def limit_seats(self, upper: FloatArray) -> None:
        """Lower the upper bounds of seats to `upper` (T,) where that is less."""
        for kind in range(self.region.kinds):
            low = float(self.region.lower[kind])
            high = max(low, min(float(self.region.upper[kind]), float(upper[kind])))
            self._highs.changeColBounds(kind, low, high)

    def add_panel(self, counts: IntArray) -> None:
        """Inside only: offer one more panel."""
        touched = np.flatnonzero(counts)
        self._highs.addCol(
            0.0,
            0.0,
            highspy.kHighsInf,
            len(touched) + 1,
            np.append(touched, self.region.kinds).astype(np.int32),
            np.append(-counts[touched], 1.0).astype(np.float64),
        )
        self._added += 1

    def solve(self) -> Point | None:
        """The optimum; None where HiGHS finds no feasible point. Raises SolverFailed."""
        self._highs.run()
        status = self._highs.getModelStatus()
        if status in (
            highspy.HighsModelStatus.kInfeasible,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        ):
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverFailed(f"HiGHS ended a linear programme with {status}.")
        solution = self._highs.getSolution()
        values = np.asarray(solution.col_value, dtype=np.float64)
        duals = np.asarray(solution.row_dual, dtype=np.float64)
        kinds = self.region.kinds
        ends = self._first_variable + self._variables
        return Point(
            seats=values[:kinds],
            weights=np.concatenate([values[kinds : self._first_variable], values[ends:]]),
            variables=values[self._first_variable : ends],
            value=float(self._highs.getInfo().objective_function_value),
            duals=duals,
            prices=duals[:kinds],
            threshold=float(duals[kinds]) if self.region.matrix.shape[0] > kinds else 0.0,
        )
