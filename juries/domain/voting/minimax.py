"""The von Neumann winner: the mixture of responses that no response beats.

It is the optimal strategy of the symmetric game whose payoffs are the margins (G. Kreweras, 1965;
P. C. Fishburn, "Probabilistic social choice based on simple voting comparisons", Review of Economic
Studies 51, 1984), also called maximal lottery.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from scipy.optimize import linprog, nnls

from juries.domain.voting.ballots import Ballots, Duels, FloatArray, InvalidBallots, duels
from juries.domain.voting.outcomes import Outcome

_ZERO = 1e-9


class UnsolvedProgram(InvalidBallots):
    """The margins are too close to ties to be solved in floating point; the message says where."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MinimaxOutcome(Outcome):
    """The lottery in `scores`, with its `margins` (responses, responses).

    Where `is_unique` is false many lotteries are optimal: `scores` then holds the most even of
    them (least sum of squares), and `lowest` and `highest` (responses,) the chances that a response
    has among all. `winners` are the responses with a chance above 0 in some optimal lottery.
    """

    margins: FloatArray
    is_unique: bool
    lowest: FloatArray
    highest: FloatArray


@dataclass(frozen=True, slots=True)
class VonNeumann:
    """A lottery that is preferred to each response, or as good, by at least as many as not.

    P(a beats b) is counted over those who judged both, ties counting ½; a pair that nobody judged
    both of has the margin 0.
    """

    name: str = "von_neumann"
    label: str = "von Neumann winner (lottery that nothing beats)"
    needs_utilities: bool = False

    def __call__(self, ballots: Ballots) -> MinimaxOutcome:
        """Optimal chances, in [0, 1], adding up to 1."""
        return minimax(duels(ballots), rule=self.name)


def minimax(found: Duels, *, rule: str = "von_neumann") -> MinimaxOutcome:
    """The optimal lotteries of the game of margins; raises UnsolvedProgram."""
    margins = found.margins()
    stretched = margins / max(float(np.abs(margins).max()), _smallest(found))
    inside = _essential_within(stretched, top_cycle(margins))
    exact = _only_lottery(found, inside)
    if exact is not None:
        lottery = np.array([float(chance) for chance in exact])
        lowest = highest = lottery
    else:
        lottery = _most_even(stretched, inside)
        lowest, highest = _ranges(stretched, inside)
    remarks = [found.remark()]
    if exact is None:
        remarks.insert(0, "Many lotteries are optimal; the most even one is shown.")
    names = tuple(name for name, is_in in zip(found.responses, inside, strict=True) if is_in)
    return MinimaxOutcome(
        rule=rule,
        responses=found.responses,
        winners=names,
        scores=lottery,
        score="chance in the lottery",
        remark=" ".join(filter(None, remarks)),
        margins=margins,
        is_unique=exact is not None,
        lowest=lowest,
        highest=highest,
    )


def top_cycle(margins: FloatArray) -> list[int]:
    """The smallest set of responses each of which beats every other outside it (Smith set).

    A response outside has no chance in any optimal lottery: it loses to all within, so moving its
    chance to any optimal lottery of theirs gains. A winner of all duels stands alone.
    """
    wins = margins > 0
    order = np.argsort(-(wins.sum(axis=1) + 0.5 * (margins == 0).sum(axis=1)), kind="stable")
    for size in range(1, len(margins)):
        inside, outside = order[:size], order[size:]
        if wins[np.ix_(inside, outside)].all():
            return sorted(int(index) for index in inside)
    return list(range(len(margins)))


def _essential_within(margins: FloatArray, top: list[int]) -> list[bool]:
    """`_essential` of all responses, where only those of `top` can be; no programme where its
    answer is known: one response, or two or three without a winner and, of three, without a tie.
    """
    inside = np.zeros(len(margins), dtype=bool)
    part = margins[np.ix_(top, top)]
    ties = int((part == 0).sum()) - len(top)
    if len(top) <= 2 or (len(top) == 3 and not ties):
        inside[top] = True
    else:
        inside[top] = _essential(part)
    return [bool(is_in) for is_in in inside]


def _essential(margins: FloatArray) -> list[bool]:
    """Which responses have a chance in some optimal lottery.

    A symmetric game has an optimal p with p_i > 0 for just these, and p'M > 0 for just the others
    (A. W. Tucker, 1956); the programme looks for the p with the largest least p_i + (p'M)_i.
    """
    number = len(margins)
    against = -np.hstack([margins.T, np.zeros((number, 1))])
    apart = np.hstack([-(np.eye(number) + margins.T), np.ones((number, 1))])
    point = _solve(
        cost=np.append(np.zeros(number), -1.0),
        at_most_zero=np.vstack([against, apart]),
        free_last=True,
    )[:number]
    return [bool(chance > gain) for chance, gain in zip(point, margins.T @ point, strict=True)]


def _only_lottery(found: Duels, inside: list[bool]) -> list[Fraction] | None:
    """The optimal lottery in exact numbers, or None where there are many.

    All optimal lotteries make the duels within the essential responses even. There is a single one
    just where the solutions of those equations form a line.
    """
    chosen = [index for index, is_in in enumerate(inside) if is_in]
    kernel = _kernel([[found.margin(b, a) for b in chosen] for a in chosen])
    if len(kernel) > 1:
        return None
    chances = [Fraction(0)] * len(inside)
    for line in kernel:
        total = sum(line, Fraction(0)) or Fraction(1)
        for index, entry in zip(chosen, line, strict=True):
            chances[index] = entry / total
    outside = [index for index, is_in in enumerate(inside) if not is_in]
    gains = [sum((chances[a] * found.margin(a, b) for a in chosen), Fraction(0)) for b in outside]
    if not all(chances[index] > 0 for index in chosen) or not all(gain > 0 for gain in gains):
        raise UnsolvedProgram(
            "Some margins are so close to a tie that the lottery can't be told from others; the"
            f" smallest that is not 0 is {_smallest(found):.2g}."
        )
    return chances


def _smallest(found: Duels) -> float:
    margins = np.abs(found.margins())
    return float(margins[margins > 0].min(initial=1.0))


def _kernel(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """A basis of the solutions of rows x = 0, by elimination in whole numbers."""
    size = len(rows)
    matrix = [_whole(row) for row in rows]
    pivots: list[int] = []
    for column in range(size):
        top = len(pivots)
        pivot = next((row for row in range(top, size) if matrix[row][column]), None)
        if pivot is None:
            continue
        matrix[top], matrix[pivot] = matrix[pivot], matrix[top]
        lead = matrix[top]
        for row in range(size):
            if row != top and matrix[row][column]:
                here, there = lead[column], matrix[row][column]
                matrix[row] = _shortened(
                    [here * x - there * y for x, y in zip(matrix[row], lead, strict=True)]
                )
        pivots.append(column)
    basis = []
    for free in (column for column in range(size) if column not in pivots):
        line = [Fraction(0)] * size
        line[free] = Fraction(1)
        for row, column in enumerate(pivots):
            line[column] = Fraction(-matrix[row][free], matrix[row][column])
        basis.append(line)
    return basis


def _whole(row: list[Fraction]) -> list[int]:
    """The row times what makes all its entries whole."""
    scale = lcm(*(entry.denominator for entry in row))
    return _shortened([int(entry * scale) for entry in row])


def _shortened(row: list[int]) -> list[int]:
    """The row without what divides all its entries."""
    divisor = gcd(*row) or 1
    return [entry // divisor for entry in row]


def _most_even(margins: FloatArray, inside: list[bool]) -> FloatArray:
    """The optimal lottery with the least sum of squares.

    A least-distance problem, solved by non-negative least squares (C. L. Lawson and R. J. Hanson,
    "Solving least squares problems", 1974, chapter 23).
    """
    chosen = np.flatnonzero(inside)
    part = margins[np.ix_(chosen, chosen)]
    rows = np.vstack([part.T, -part.T, np.eye(len(chosen)), np.ones(len(chosen))])
    rows = np.vstack([rows, margins[np.ix_(chosen, np.flatnonzero(~np.array(inside)))].T])
    bounds = np.zeros(len(rows))
    bounds[3 * len(chosen)] = 1.0
    system = np.vstack([rows.T, bounds])
    target = np.append(np.zeros(len(chosen)), 1.0)
    multipliers, _ = nnls(system, target, maxiter=100 * system.shape[1])
    rest = system @ multipliers - target
    even = np.maximum(-rest[:-1] / rest[-1], 0.0)
    even[even < _ZERO] = 0.0
    lottery = np.zeros(len(margins))
    lottery[chosen] = even / even.sum()
    return lottery


def _ranges(margins: FloatArray, inside: list[bool]) -> tuple[FloatArray, FloatArray]:
    """The least and the largest chance of each response among the optimal lotteries."""
    lowest, highest = np.zeros(len(margins)), np.zeros(len(margins))
    for index in np.flatnonzero(inside):
        cost = np.zeros(len(margins))
        cost[index] = 1.0
        lowest[index] = _solve(cost=cost, at_most_zero=-margins.T)[index]
        highest[index] = _solve(cost=-cost, at_most_zero=-margins.T)[index]
    return np.clip(lowest, 0.0, 1.0), np.clip(highest, 0.0, 1.0)


def _solve(*, cost: FloatArray, at_most_zero: FloatArray, free_last: bool = False) -> FloatArray:
    number = len(cost) - free_last
    answer = linprog(
        cost,
        A_ub=at_most_zero,
        b_ub=np.zeros(len(at_most_zero)),
        A_eq=[[1.0] * number + [0.0] * free_last],
        b_eq=[1.0],
        bounds=[(0, 1)] * number + [(None, None)] * free_last,
        method="highs",
    )
    if answer.status != 0:
        raise UnsolvedProgram(f"HiGHS could not solve the game of margins: {answer.message}")
    return np.asarray(answer.x, dtype=float)
