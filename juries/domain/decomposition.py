"""Expected seats written as a lottery over real panels.

The panel lottery nearest to given expected seats q is found by Wolfe's algorithm for the point of
smallest norm in a polytope (Wolfe, Mathematical Programming 11, 1976): the residual v = Xw - q asks
for the panel with the least v @ x; the weights of the panels held are then corrected all together,
and panels whose weight would be negative leave. It ends at v = 0, or with a proof that no lottery
has these expected seats: v @ x >= v @ v for every panel x shifted by q.

Only element-wise arithmetic is used, no BLAS, so that the bytes don't depend on its kernels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from math import sqrt

import numpy as np

from juries.domain.panel_solver import Ending, PanelSolver
from juries.domain.panel_space import FloatArray, IntArray

REACHED = 1e-9
"""Expected seats nearer than this to the target are there."""

GOOD_ENOUGH = 1e-6
"""A deviation that is accepted where no panel brings the seats nearer; a target that came out of a
linear programme is itself no better.
"""

_LEAST_GAIN = 1e-4
_LEAST_NORM = 1e-20
_INDEPENDENT = 1e-11
_NO_WEIGHT = 1e-12


class Outcome(Enum):
    """How a decomposition ended."""

    REACHED = "reached"
    APART = "no lottery has these expected seats"
    OUT_OF_TIME = "out of time"


@dataclass(frozen=True, slots=True)
class Mixture:
    """A lottery: `panels` (P, T), `weights` (P,) adding up to 1, `seats` (T,) expected.

    `deviation` is the largest distance from the target, in seats.
    """

    panels: IntArray
    weights: FloatArray
    seats: FloatArray
    deviation: float
    outcome: Outcome


Pricer = Callable[[FloatArray], IntArray | None]
"""A panel with a high value for an objective (T,), or None where it finds none."""


def pricers_of(solvers: Sequence[PanelSolver]) -> list[Pricer]:
    """Quick ones first; the last one proves."""

    def near(solver: PanelSolver) -> Pricer:
        return lambda objective: solver.near(objective).counts

    return [near(solver) for solver in solvers]


def decompose(
    *,
    target: FloatArray,
    start: IntArray,
    quick: Sequence[Pricer],
    solver: PanelSolver,
    keep_on: Callable[[int, FloatArray], bool],
) -> Mixture:
    """Find the panel lottery nearest to `target` (T,) expected seats.

    `start` (T,) is a panel. Panels are asked of the `quick` pricers in turn, moving on where one
    has no help left, and at last of `solver` with proof. `keep_on` is told the number of panels and
    the expected seats, and says whether time remains.
    """
    corral = _Corral(target=target, first=start)
    level = 0
    while True:
        gap = corral.residual
        deviation = float(np.abs(gap).max())
        if deviation <= REACHED:
            return corral.mixture(Outcome.REACHED)
        if not keep_on(corral.size, corral.seats):
            return corral.mixture(Outcome.OUT_OF_TIME)
        norm = float((gap * gap).sum())
        # Scaled, since a solver takes very small objectives for none.
        wish = -gap / deviation
        helped = False
        while level < len(quick) and not helped:
            counts = quick[level](wish)
            helped = counts is not None and corral.offer(counts, norm)
            if not helped:
                level += 1
        if helped:
            continue
        if deviation <= GOOD_ENOUGH:
            return corral.mixture(Outcome.REACHED)
        priced = solver.best(wish)
        if priced.ending is Ending.OUT_OF_TIME:
            return corral.mixture(Outcome.OUT_OF_TIME)
        if priced.counts is None or not corral.offer(priced.counts, norm):
            return corral.mixture(Outcome.APART)


class _Corral:
    """The panels held, affinely independent, and the weights of the point nearest to the target.

    With y_p = x_p - q, the weights solve (1 1^T + Y Y^T) u = 1 up to scale. `_root` is the upper
    Cholesky factor of that matrix, `_ones` the solution of root^T l = 1; both grow by a panel and
    shrink by Givens rotations.
    """

    def __init__(self, *, target: FloatArray, first: IntArray) -> None:
        self._target = target
        self._panels: list[IntArray] = [first]
        room = 64
        self._shifted = np.zeros((room, len(target)))
        self._root = np.zeros((room, room))
        self._ones = np.zeros(room)
        self.size = 1
        shifted = first - target
        self._shifted[0] = shifted
        self._root[0, 0] = sqrt(1.0 + float((shifted * shifted).sum()))
        self._ones[0] = 1.0 / self._root[0, 0]
        self._weights = np.ones(1)
        self.residual = shifted.astype(np.float64)

    @property
    def seats(self) -> FloatArray:
        """Expected seats (T,)."""
        return self._target + self.residual

    def mixture(self, outcome: Outcome) -> Mixture:
        """What is held, as a lottery."""
        return Mixture(
            panels=np.stack(self._panels),
            weights=self._weights.copy(),
            seats=self.seats,
            deviation=float(np.abs(self.residual).max()),
            outcome=outcome,
        )

    def offer(self, counts: IntArray, norm: float) -> bool:
        """Take a panel in if it brings the seats nearer; say whether it did."""
        shifted = counts - self._target
        gain = norm - float((shifted * self.residual).sum())
        if gain <= _LEAST_GAIN * norm + _LEAST_NORM or not self._append(counts, shifted):
            return False
        before = (list(self._panels[:-1]), self._weights.copy())
        self._weights = np.append(self._weights, 0.0)
        while True:
            ideal = self._ideal_weights()
            if bool((ideal > _NO_WEIGHT).all()):
                self._weights = ideal
                break
            low = np.flatnonzero(ideal <= _NO_WEIGHT)
            drop = self._weights[low] - ideal[low]
            steps = np.where(drop > 0, self._weights[low] / np.where(drop > 0, drop, 1.0), 0.0)
            share = float(min(1.0, steps.min()))
            self._weights = share * ideal + (1.0 - share) * self._weights
            leaving = np.flatnonzero(self._weights <= _NO_WEIGHT)
            if len(leaving) == 0:
                leaving = low[[int(np.argmin(steps))]]
            if len(leaving) >= self.size:
                leaving = leaving[:-1]
            for place in leaving[::-1]:
                self._remove(int(place))
            self._weights = np.maximum(self._weights, 0.0)
            self._weights /= self._weights.sum()
        self.residual = self._residual_of(self._weights)
        if float((self.residual * self.residual).sum()) < norm:
            return True
        self._restore(*before)
        return False

    def _restore(self, panels: list[IntArray], weights: FloatArray) -> None:
        self.size = 0
        self._panels = []
        for counts in panels:
            self._append(counts, counts - self._target)
        self._weights = weights
        self.residual = self._residual_of(weights)

    def _residual_of(self, weights: FloatArray) -> FloatArray:
        held = self._shifted[: self.size]
        result: FloatArray = (weights[:, None] * held).sum(axis=0)
        return result

    def _append(self, counts: IntArray, shifted: FloatArray) -> bool:
        size = self.size
        self._make_room()
        products = 1.0 + (self._shifted[:size] * shifted).sum(axis=1)
        length = 1.0 + float((shifted * shifted).sum())
        column = self._forward(products)
        rest = length - float((column * column).sum())
        if rest <= _INDEPENDENT * length:
            return False
        self._shifted[size] = shifted
        self._root[:size, size] = column
        self._root[size, size] = sqrt(rest)
        known = float((column * self._ones[:size]).sum())
        self._ones[size] = (1.0 - known) / self._root[size, size]
        self._panels.append(counts)
        self.size += 1
        return True

    def _make_room(self) -> None:
        room = len(self._ones)
        if self.size < room:
            return
        wider = 2 * room
        shifted = np.zeros((wider, len(self._target)))
        shifted[:room] = self._shifted
        root = np.zeros((wider, wider))
        root[:room, :room] = self._root
        self._shifted, self._root = shifted, root
        self._ones = np.concatenate([self._ones, np.zeros(wider - room)])

    def _remove(self, place: int) -> None:
        size = self.size
        root, ones = self._root, self._ones
        root[:size, place : size - 1] = root[:size, place + 1 : size].copy()
        for row in range(place, size - 1):
            high, low = float(root[row, row]), float(root[row + 1, row])
            length = sqrt(high * high + low * low)
            cosine, sine = high / length, low / length
            upper, lower = root[row, row : size - 1].copy(), root[row + 1, row : size - 1].copy()
            root[row, row : size - 1] = cosine * upper + sine * lower
            root[row + 1, row : size - 1] = cosine * lower - sine * upper
            root[row + 1, row] = 0.0
            first, second = float(ones[row]), float(ones[row + 1])
            ones[row], ones[row + 1] = (
                cosine * first + sine * second,
                cosine * second - sine * first,
            )
        root[:size, size - 1] = 0.0
        root[size - 1, :size] = 0.0
        ones[size - 1] = 0.0
        self._shifted[place : size - 1] = self._shifted[place + 1 : size].copy()
        del self._panels[place]
        self._weights = np.delete(self._weights, place)
        self.size -= 1

    def _ideal_weights(self) -> FloatArray:
        """Weights, perhaps negative, of the nearest point of the affine hull; refined once."""
        raw = self._backward(self._ones[: self.size])
        total = float(raw.sum())
        weights: FloatArray = raw / total
        held = self._shifted[: self.size]
        slopes = (held * self._residual_of(weights)).sum(axis=1)
        change = self._backward(self._forward(slopes - slopes.mean()))
        weights -= change - float(change.sum()) * raw / total
        return weights

    def _forward(self, right: FloatArray) -> FloatArray:
        found = right.copy()
        for row in range(len(found)):
            found[row] /= self._root[row, row]
            found[row + 1 :] -= self._root[row, row + 1 : len(found)] * found[row]
        return found

    def _backward(self, right: FloatArray) -> FloatArray:
        size = len(right)
        found = np.zeros(size)
        for row in range(size - 1, -1, -1):
            known = float((self._root[row, row + 1 : size] * found[row + 1 :]).sum())
            found[row] = (float(right[row]) - known) / self._root[row, row]
        return found
