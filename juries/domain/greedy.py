"""The old practice: fill the scarcest quota first, person by person, and begin anew at a dead end.

At each step the quota with the largest share (minimum - seated) / (people still available) is
served by one of those people at random; people leave as soon as a maximum is met. This is LEGACY of
Flanigan et al. (Nature 596, 2021, "Methods"). It doesn't equalise chances, and nobody can compute
them but by simulation.
"""

import numpy as np
from numpy.typing import NDArray

from juries.domain.leximin import LeximinProgramme
from juries.domain.panel_space import IntArray, PanelSpace
from juries.domain.region import outside
from juries.domain.search import (
    Estimate,
    KindLottery,
    OutOfTime,
    PanelSearch,
    SearchControl,
)

GREEDY_RUNS = 4_000
"""Panels that are simulated; a chance p is then known to about sqrt(p (1 - p) / runs)."""

GREEDY_SEED = 20_210_805

_BATCH_CELLS = 400_000
_MOST_TRIES = 25
"""Tries for each panel wanted before the practice is given up."""


class DeadEnds(OutOfTime):
    """The greedy practice came to dead ends so often that no panel was filled."""


def simulate_greedy(*, space: PanelSpace, control: SearchControl) -> KindLottery:
    """Draw GREEDY_RUNS panels by the greedy practice, with the seed GREEDY_SEED.

    The bound is the smallest chance that the relaxation allows anyone. When time runs out, the runs
    so far are used and counted in `estimate`. Raises NoPanel, OutOfTime, Cancelled, or DeadEnds
    where not one panel was filled.
    """
    search = PanelSearch(space=space, control=control)
    possible = search.possible_by_relaxation()
    search.first_panel()
    counted = possible & ~space.certain
    levels = LeximinProgramme(
        outside(space=space, counted=counted), counted=counted, sizes=space.sizes.astype(float)
    ).run(most_levels=1)
    bound = 1.0 if levels is None else levels.smallest
    panels, tries, complete = _collect(space=space, search=search, bound=bound)
    counts, frequency = np.unique(panels, axis=0, return_counts=True)
    can_sit, covered = search.cover(possible)
    return KindLottery(
        counts=counts.astype(np.int64),
        weights=frequency / frequency.sum(),
        can_sit=can_sit | np.any(counts > 0, axis=0),
        bound=bound,
        certified=None,
        is_tight=False,
        complete=complete and covered,
        estimate=Estimate(runs=len(panels), seed=GREEDY_SEED, restarts=tries - len(panels)),
    )


def _collect(*, space: PanelSpace, search: PanelSearch, bound: float) -> tuple[IntArray, int, bool]:
    """Panels (runs, T), how many tries they took, and whether all runs were made."""
    practice = _Practice(space)
    rng = np.random.default_rng(GREEDY_SEED)
    batch = max(1, min(GREEDY_RUNS, _BATCH_CELLS // len(space.kinds)))
    filled: list[IntArray] = []
    done = tries = 0
    while done < GREEDY_RUNS and tries < _MOST_TRIES * GREEDY_RUNS:
        if not search.control.checkpoint():
            break
        wanted = min(batch, GREEDY_RUNS - done)
        found = practice.play(rng=rng, games=wanted)
        tries += wanted
        done += len(found)
        filled.append(found)
        search.report("drawing as the old practice does", lower=bound * done / GREEDY_RUNS, upper=1)
    if done == 0 and tries < _MOST_TRIES * GREEDY_RUNS:
        raise OutOfTime(
            f"The time limit passed before the greedy practice filled a panel ({tries} tries)."
        )
    if done == 0:
        raise DeadEnds(
            f"The greedy practice filled no panel in {tries} tries: it came to a dead end each"
            " time. Choose another method; the quotas can be met."
        )
    return np.concatenate(filled), tries, done >= GREEDY_RUNS


class _Practice:
    """Many panels filled side by side, one row of an array each."""

    def __init__(self, space: PanelSpace) -> None:
        self._space = space
        self._columns = space.rows.T.tocsr()
        quotas = space.quota_rows
        self._quotas = slice(quotas.start, quotas.stop)
        # The last line stands for everyone: it is served where no quota holds anybody available.
        self._members = np.vstack(
            [space.rows[self._quotas].toarray(), np.ones((1, len(space.kinds)))]
        ).astype(np.int64)

    def play(self, *, rng: np.random.Generator, games: int) -> IntArray:
        """Fill `games` panels and return those, (at most games, T), that came to no dead end."""
        space = self._space
        counts = np.tile(space.lower, (games, 1))
        for _ in range(space.size - int(space.lower.sum())):
            used = (space.rows @ counts.T).T
            full = (used >= space.row_upper).astype(float)
            closed = (self._columns @ full.T).T > 0
            left = np.where(closed | (counts >= space.upper), 0, space.sizes - counts)
            served, alive = self._scarcest(used=used, left=left)
            counts, left, served = counts[alive], left[alive], served[alive]
            if len(counts) == 0:
                break
            steps = np.cumsum(left * self._members[served], axis=1)
            chosen = rng.integers(0, steps[:, -1])
            kinds = np.sum(steps <= chosen[:, None], axis=1)
            counts[np.arange(len(counts)), kinds] += 1
        values = (space.rows @ counts.T).T
        good = np.all((values >= space.row_lower) & (values <= space.row_upper), axis=1)
        result: IntArray = counts[good]
        return result

    def _scarcest(
        self, *, used: NDArray[np.float64], left: IntArray
    ) -> tuple[IntArray, NDArray[np.bool_]]:
        """The line of `_members` to serve in each game, and which games are alive."""
        available = left @ self._members.T
        minima = self._space.row_lower[self._quotas]
        owed = minima - used[:, self._quotas]
        quotas = available[:, :-1]
        alive = np.all(owed <= quotas, axis=1) & (available[:, -1] > 0)
        shares = np.where(quotas > 0, owed / np.maximum(quotas, 1), -np.inf)
        everyone = np.full((len(left), 1), -1e300)
        served = np.argmax(np.hstack([shares, everyone]), axis=1)
        return served.astype(np.int64), alive
