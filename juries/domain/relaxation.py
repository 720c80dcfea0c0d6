"""What would have to give when no panel meets the quotas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import highspy
import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from juries.domain.conflicts import Answer
from juries.domain.panel_solver import new_highs, pass_programme
from juries.domain.panel_space import FloatArray, IntArray, PanelSpace
from juries.domain.quotas import Quota, QuotaProblem

if TYPE_CHECKING:
    from juries.domain.explanation import Explanation

MOST_RELAXATIONS = 3
"""How many ways out are looked for."""


@dataclass(frozen=True, slots=True)
class QuotaChange:
    """One bound moved: `quota` as it stands, and the bounds that would do."""

    quota: Quota
    minimum: int
    maximum: int

    @property
    def seats(self) -> int:
        """By how many seats the bounds move."""
        return self.quota.minimum - self.minimum + self.maximum - self.quota.maximum

    @property
    def is_within_flex(self) -> bool:
        """Whether every bound moved was said to give as far as this."""
        low, high = self.quota.flexible_minimum, self.quota.flexible_maximum
        least = self.quota.minimum if low is None else low
        most = self.quota.maximum if high is None else high
        return least <= self.minimum and self.maximum <= most

    @property
    def in_words(self) -> str:
        """`gender: female minimum 11 -> 7`."""
        parts = []
        if self.minimum != self.quota.minimum:
            parts.append(f"minimum {self.quota.minimum} -> {self.minimum}")
        if self.maximum != self.quota.maximum:
            parts.append(f"maximum {self.quota.maximum} -> {self.maximum}")
        return f"{self.quota.label} {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Bounds moved together so that a panel exists.

    Minimal: with any of them moved by one seat less, the others as they are, no panel exists.
    """

    changes: tuple[QuotaChange, ...]

    @property
    def seats(self) -> int:
        """By how many seats bounds move in all."""
        return sum(change.seats for change in self.changes)

    @property
    def is_within_flex(self) -> bool:
        """Whether it moves only bounds of which it is said that they may give, and no further."""
        return all(change.is_within_flex for change in self.changes)

    @property
    def in_words(self) -> str:
        """`gender: female minimum 11 -> 7; age: 65+ maximum 3 -> 4`."""
        return "; ".join(change.in_words for change in self.changes)


@dataclass(frozen=True, slots=True)
class Relaxations:
    """The smallest ways out: those within the flexible bounds before those beyond them, each by
    fewest seats, then by fewest quotas touched.

    `is_complete` is False where time ran out before enough were found or before it was shown that
    there are no more. `within_flex` says whether there is one within the flexible bounds; it is
    None where no quota states any.
    """

    found: tuple[Relaxation, ...]
    is_complete: bool
    within_flex: Answer | None = None


class InfeasibleQuotas(ValueError):
    """No panel meets the quotas.

    `problems` are contradictions that sums show (perhaps none); `changes` is a smallest set of
    moved bounds (by total number of seats; within the flexible bounds if they suffice) under which
    a panel exists, empty where no change of quotas helps. `explanation`, where there is one, says
    it all: what contradicts what, up to three smallest relaxations, and whom to recruit.
    """

    def __init__(
        self,
        *,
        problems: Sequence[QuotaProblem],
        changes: Sequence[QuotaChange],
        size: int,
        explanation: "Explanation | None" = None,
    ) -> None:
        self.problems = tuple(problems)
        self.changes = tuple(changes)
        self.size = size
        self.explanation = explanation
        sentences = [problem.message for problem in self.problems]
        if explanation is not None:
            # Sums say why in their own words; once is enough.
            sentences.extend(explanation.ways_out if self.problems else explanation.sentences)
        elif self.changes:
            sentences.append(f"It would be enough to change: {Relaxation(self.changes).in_words}.")
        else:
            sentences.append(
                "Moving quotas alone doesn't help: look at the panel's size, at the household"
                " limit and at those who must or must not sit."
            )
        super().__init__(f"No panel of {size} meets the quotas. " + " ".join(sentences))


def smallest_change(*, space: PanelSpace, time_limit: float = inf) -> tuple[QuotaChange, ...]:
    """The bounds to move, by the least total number of seats, so that a panel exists; within the
    flexible bounds if they suffice.

    The panel's size, the household limit and those who must sit stay as they are. Empty where
    nothing helps or time ran out.
    """
    found = smallest_relaxations(space=space, most=1, time_left=lambda: time_limit).found
    return found[0].changes if found else ()


def smallest_relaxations(
    *,
    space: PanelSpace,
    most: int = MOST_RELAXATIONS,
    time_left: Callable[[], float] = lambda: inf,
) -> Relaxations:
    """Up to `most` distinct minimal relaxations, smallest first; none where moving quotas is no
    help.

    An elastic programme: every quota may miss its minimum or exceed its maximum, at the price of a
    seat each, and touching a quota costs less than any seat. Once a way out is found, a cut
    excludes it and all that move at least as much everywhere, so that the next is minimal as well.

    Where any quota states a flexible bound, bounds move within those first, and a bound of which
    nothing is said stays. Only where fewer than `most` exist, further ones are looked for with
    every bound free. All are minimal still: what moves less than one within the flexible bounds is
    itself within, and the cuts keep the further ones from moving as much as any of those.
    """
    states_flex = any(quota.states_flex for quota in space.quotas)
    moves: list[IntArray] = []
    within: Answer | None = None
    for held in (True, False) if states_flex else (False,):
        ended = _search(_Elastic(space, held=held), moves=moves, most=most, time_left=time_left)
        if held:
            undecided = Answer.NO if ended else Answer.UNDECIDED
            within = Answer.YES if moves else undecided
        if not ended or len(moves) >= most:
            break
    found = tuple(_relaxation(space=space, moved=moved) for moved in moves)
    return Relaxations(found, is_complete=ended, within_flex=within)


def _search(
    programme: "_Elastic",
    *,
    moves: list[IntArray],
    most: int,
    time_left: Callable[[], float],
) -> bool:
    """Add to `moves` until there are `most` or no more; whether it came to an end in time."""
    for known in moves:
        programme.exclude(known)
    while len(moves) < most:
        left = time_left()
        if left <= 0:
            return False
        moved, ended = programme.solve(time_limit=left)
        if moved is None:
            return ended
        if not moved.any():
            break
        moves.append(moved)
        programme.exclude(moved)
    return True


def _relaxation(*, space: PanelSpace, moved: IntArray) -> Relaxation:
    downs, ups = np.split(moved, 2)
    return Relaxation(
        tuple(
            QuotaChange(quota, quota.minimum - int(down), quota.maximum + int(up))
            for quota, down, up in zip(space.quotas, downs, ups, strict=True)
            if down or up
        )
    )


class _Elastic:
    """Columns: seats by kind (T), seats below each minimum (Q), above each maximum (Q), whether a
    quota is touched (Q), and switches of the cuts. Where `held`, bounds move within the flexible
    bounds alone.
    """

    def __init__(self, space: PanelSpace, *, held: bool) -> None:
        rows, kinds = space.rows.shape
        quotas = len(space.quotas)
        self._kinds, self._quotas = kinds, quotas
        minima = np.array([quota.minimum for quota in space.quotas], dtype=float)
        maxima = np.array([quota.maximum for quota in space.quotas], dtype=float)
        self._most = np.concatenate(
            [minima, np.maximum(0, np.maximum(minima, space.size) - maxima)]
        )
        if held:
            self._most = np.minimum(self._most, _flex(space.quotas))
        counts = space.rows[1 : 1 + quotas]
        eye, none = csr_matrix(np.eye(quotas)), csr_matrix((quotas, quotas))
        blank = csr_matrix((rows - quotas, 3 * quotas))
        fixed_rows = [0, *range(1 + quotas, rows)]
        touch = np.hstack([np.eye(quotas), np.eye(quotas), -np.diag(self._touch_limits())])
        self._matrix = vstack(
            [
                hstack([space.rows[fixed_rows], blank]),
                hstack([counts, eye, none, none]),
                hstack([counts, none, -eye, none]),
                hstack([csr_matrix((quotas, kinds)), csr_matrix(touch)]),
            ],
            format="csr",
        )
        free = np.full(quotas, inf)
        self._row_lower = np.concatenate([space.row_lower[fixed_rows], minima, -free, -free])
        self._row_upper = np.concatenate(
            [space.row_upper[fixed_rows], free, maxima, np.zeros(quotas)]
        )
        self._cost = np.concatenate(
            [np.zeros(kinds), np.full(2 * quotas, -(quotas + 1.0)), np.full(quotas, -1.0)]
        )
        self._lower = np.concatenate([space.lower.astype(float), np.zeros(3 * quotas)])
        self._upper = np.concatenate([space.upper.astype(float), self._most, np.ones(quotas)])

    def _touch_limits(self) -> FloatArray:
        below, above = self._most[: self._quotas], self._most[self._quotas :]
        return np.asarray(np.maximum(1.0, below + above), dtype=float)

    def solve(self, *, time_limit: float) -> tuple[IntArray | None, bool]:
        """Seats moved (2Q,), or None; and whether the solver came to an end."""
        highs = new_highs(time_limit=time_limit)
        highs.setOptionValue("mip_rel_gap", 0.0)
        highs.setOptionValue("mip_abs_gap", 0.5)
        pass_programme(
            highs,
            matrix=self._matrix,
            cost=self._cost,
            lower=self._lower,
            upper=self._upper,
            row_lower=self._row_lower,
            row_upper=self._row_upper,
            integer=True,
        )
        highs.run()
        status = highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            return None, status != highspy.HighsModelStatus.kTimeLimit
        values = np.asarray(highs.getSolution().col_value)
        moved = values[self._kinds : self._kinds + 2 * self._quotas]
        return np.round(moved).astype(np.int64), True

    def exclude(self, moved: IntArray) -> None:
        """From now on at least one of the bounds moved moves less than this."""
        places = np.flatnonzero(moved)
        height, width = self._matrix.shape
        top = hstack([self._matrix, csr_matrix((height, len(places)))])
        switched = np.zeros((len(places) + 1, width + len(places)))
        for number, place in enumerate(places):
            # moved less where the switch is 1: d + (most - less) * switch <= most
            switched[number, self._kinds + place] = 1.0
            switched[number, width + number] = self._most[place] - (moved[place] - 1)
        switched[len(places), width:] = 1.0
        self._matrix = vstack([top, csr_matrix(switched)], format="csr")
        self._row_lower = np.append(self._row_lower, [*([-inf] * len(places)), 1.0])
        self._row_upper = np.append(self._row_upper, [*self._most[places], inf])
        self._cost = np.append(self._cost, np.zeros(len(places)))
        self._lower = np.append(self._lower, np.zeros(len(places)))
        self._upper = np.append(self._upper, np.ones(len(places)))


def _flex(quotas: Sequence[Quota]) -> FloatArray:
    """Seats by which each minimum may be lowered (Q), then each maximum raised (Q), as stated."""
    downs = [
        0 if quota.flexible_minimum is None else quota.minimum - quota.flexible_minimum
        for quota in quotas
    ]
    ups = [
        0 if quota.flexible_maximum is None else quota.flexible_maximum - quota.maximum
        for quota in quotas
    ]
    return np.array([*downs, *ups], dtype=float)
