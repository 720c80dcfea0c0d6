"""Exchanges of members inside panels, so that kinds sit about as often as they should.

Panels stay feasible, and the seats outside their windows only become fewer. Whole numbers
throughout.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from juries.domain.panel_space import FloatArray, IntArray, PanelSpace

_REACH = 400
_STOPS = 20
_SIDEWAYS = 200
_STRIDE = 7919
_KEYS = 20211


def mend_panels(*, space: PanelSpace, chosen: IntArray, low: IntArray, high: IntArray) -> None:
    """Change `chosen` (N, T; seats by kind, each row feasible) in place.

    Afterwards as many seats as the search can manage lie within `low` and `high` (T,; whole seats
    over all N panels). A kind with too many seats gives one up to another, perhaps by way of third
    ones ("in some panel, t can make room for u": a shortest path). Where the quotas leave no slack
    for that, two members of a panel make room for two others who together count towards the same
    rows. Where nothing helps at once, some two-for-two exchanges that make nothing worse are made.
    """
    _Mending(space=space, chosen=chosen, low=low, high=high).run()


class _Mending:
    def __init__(self, *, space: PanelSpace, chosen: IntArray, low: IntArray, high: IntArray):
        self._chosen = chosen
        self._low, self._high = low, high
        self._rows = space.rows.toarray()
        self._row_low, self._row_high = space.row_lower, space.row_upper
        self._lower, self._upper = space.lower, space.upper
        self._values = chosen @ self._rows.T
        self._seats = chosen.sum(axis=0)
        self._pairs = _Pairs(self._rows)

    def run(self) -> None:
        """Mend kind after kind, those furthest out first."""
        stuck: set[int] = set()
        sideways = 0
        while True:
            out = _outside(self._seats, self._low, self._high)
            if not out.any():
                return
            out[list(stuck)] = 0
            kind = int(np.argmax(out))
            if out[kind] == 0:
                if sideways == _SIDEWAYS:
                    return
                stuck.clear()
                sideways += 1
                out = _outside(self._seats, self._low, self._high)
                kind = int(np.flatnonzero(out)[sideways % np.count_nonzero(out)])
                self._by_pair(kind, gives=bool(self._seats[kind] > self._high[kind]), turn=sideways)
                continue
            gives = bool(self._seats[kind] > self._high[kind])
            helped = self._by_pair(kind, gives=gives)
            if helped or (sideways == 0 and self._by_path(kind, gives=gives)):
                stuck.clear()
            else:
                stuck.add(kind)

    def _by_path(self, kind: int, *, gives: bool) -> bool:
        came_from: dict[int, int] = {kind: -1}
        queue = [kind]
        room = self._seats < self._high if gives else self._seats > self._low
        for stop, here in enumerate(queue):
            if stop == _STOPS:
                break
            for there in np.flatnonzero(self._partners(here, gives=gives).any(axis=0)):
                if int(there) in came_from:
                    continue
                came_from[int(there)] = here
                queue.append(int(there))
                if room[there]:
                    path = [int(there)]
                    while path[-1] != kind:
                        path.append(came_from[path[-1]])
                    if self._walk(path[::-1] if gives else path):
                        return True
        return False

    def _walk(self, path: Sequence[int]) -> bool:
        """Each kind of the path gives a seat to the next; all of it or nothing."""
        done: list[tuple[int, int, int]] = []
        for gives, takes in pairwise(path):
            places = np.flatnonzero(self._partners(gives, gives=True)[:, takes])
            if len(places) == 0:
                for panel, had, got in reversed(done):
                    self._swap(panel, (got,), (had,))
                return False
            self._swap(int(places[0]), (gives,), (takes,))
            done.append((int(places[0]), gives, takes))
        return True

    def _partners(self, kind: int, *, gives: bool) -> NDArray[np.bool_]:
        """(N, T): in which panels a member of `kind` can make room for one of another kind; with
        `gives` False, one of another kind for her.
        """
        fewer = self._values - 1 >= self._row_low
        more = self._values + 1 <= self._row_high
        here, there = (fewer, more) if gives else (more, fewer)
        mine = self._rows[:, kind] > 0
        price = np.where(mine, -1.0 * ~here, 1.0 * ~there)
        broken = price @ self._rows + (mine & ~here).sum(axis=1, keepdims=True)
        less, room = self._chosen > self._lower, self._chosen < self._upper
        free = less[:, [kind]] & room if gives else room[:, [kind]] & less
        result: NDArray[np.bool_] = (broken == 0) & free
        result[:, kind] = False
        return result

    def _by_pair(self, kind: int, *, gives: bool, turn: int = 0) -> bool:
        """Exchange two for two; with a `turn`, one that makes nothing worse will do, and which of
        them is tried first depends on it.
        """
        beside, left, right = self._pairs.of_equal_rows(kind)
        now = _outside(self._seats, self._low, self._high)
        fewer = _outside(self._seats - 1, self._low, self._high) - now
        more = _outside(self._seats + 1, self._low, self._high) - now
        here, there = (fewer, more) if gives else (more, fewer)
        change = here[kind] + here[beside] + there[left] + there[right]
        order = np.argsort(change, kind="stable")
        if turn:
            level = np.flatnonzero(change == 0)
            order = np.roll(level, -(turn * _STRIDE) % max(1, len(level)))
        for place in order[:_REACH]:
            if change[place] > 0 or (change[place] == 0 and not turn):
                return False
            mine, others = (kind, int(beside[place])), (int(left[place]), int(right[place]))
            out, into = (mine, others) if gives else (others, mine)
            panels = np.flatnonzero(
                (self._chosen[:, out] > self._lower[list(out)]).all(axis=1)
                & (self._chosen[:, into] < self._upper[list(into)]).all(axis=1)
            )
            if len(panels):
                self._swap(int(panels[0]), out, into)
                return True
        return False

    def _swap(self, panel: int, gives: Sequence[int], takes: Sequence[int]) -> None:
        for kinds, step in ((gives, -1), (takes, 1)):
            for kind in kinds:
                self._chosen[panel, kind] += step
                self._seats[kind] += step
                self._values[panel] += step * self._rows[:, kind]


class _Pairs:
    """Pairs of different kinds, found by the rows that the two count towards together."""

    def __init__(self, rows: FloatArray) -> None:
        self._rows = rows
        keys = np.random.default_rng(_KEYS).integers(0, 2**40, size=rows.shape[0])
        self._key = rows.T.astype(np.int64) @ keys
        left, right = np.triu_indices(rows.shape[1], k=1)
        sums = self._key[left] + self._key[right]
        order = np.argsort(sums, kind="stable")
        self._sums, self._left, self._right = sums[order], left[order], right[order]

    def of_equal_rows(self, kind: int) -> tuple[IntArray, IntArray, IntArray]:
        """All (v, u, w) such that `kind` and v count together exactly as u and w do."""
        others = np.flatnonzero(np.arange(len(self._key)) != kind)
        wanted = self._key[kind] + self._key[others]
        first = np.searchsorted(self._sums, wanted, side="left")
        last = np.searchsorted(self._sums, wanted, side="right")
        beside = np.repeat(others, last - first)
        within = np.arange(len(beside)) - np.repeat(
            np.cumsum(last - first) - (last - first), last - first
        )
        places = np.repeat(first, last - first) + within
        left, right = self._left[places], self._right[places]
        apart = (left != kind) & (right != kind) & (left != beside) & (right != beside)
        beside, left, right = beside[apart], left[apart], right[apart]
        same = (
            self._rows[:, [kind]] + self._rows[:, beside]
            == self._rows[:, left] + self._rows[:, right]
        ).all(axis=0)
        return beside[same], left[same], right[same]


def _outside(seats: IntArray, low: IntArray, high: IntArray) -> IntArray:
    outside: IntArray = np.maximum(np.maximum(low - seats, seats - high), 0)
    return outside
