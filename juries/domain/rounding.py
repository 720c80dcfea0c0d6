"""From a lottery to equally likely, numbered panels, so that a public number can pick one.

The lottery is rounded over kinds: whole numbers of panels that add up to N, such that every kind's
seats stay so close to N times their expectation that its members, served equally, each sit on the
whole number of panels below or above N times her chance (compare Flanigan, Kehne and Procaccia,
"Fair sortition made transparent", NeurIPS 2021). Whole parts first; then panels one by one where
they bring the sums nearest; then exchanges of panels, and of one member for another inside a
panel, as long as something gets better. All of it is arithmetic on whole numbers (floats hold them
exactly), so the same lottery gives the same panels on any machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from juries.domain.expansion import TICKETS, seat_people
from juries.domain.lottery import Lottery
from juries.domain.panel_exchange import mend_panels
from juries.domain.panel_space import FloatArray, IntArray, PanelSpace

PANELS = 1000
"""How many equally likely panels a lottery is rounded to."""

_PARTS = 256
_WEIGHT = 4096
_PASSES = 40
_EXACT = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class UniformLottery:
    """N panels, each as likely as the others, numbered from 0.

    `candidate_ids` are sorted; `panels` are N sorted tuples of indices into them in lexicographic
    order, one panel as often as it is likely; `chances` (n,) are multiples of 1/N in [0, 1].
    `largest_shift` is the largest distance of one of them from the chance in the lottery that was
    rounded; `exceeding` are the ids of those for whom it is above 1/N.
    """

    candidate_ids: tuple[str, ...]
    panels: tuple[tuple[int, ...], ...]
    chances: FloatArray
    largest_shift: float
    exceeding: tuple[str, ...]

    @property
    def seats(self) -> tuple[int, ...]:
        """On how many of the panels each candidate sits."""
        return tuple(round(float(chance) * len(self.panels)) for chance in self.chances)


def round_lottery(*, lottery: Lottery, space: PanelSpace, panels: int = PANELS) -> UniformLottery:
    """Round `lottery`, found over `space`, to `panels` equally likely panels.

    Every panel satisfies the rows of `space`. Chances stay within 1/panels of the lottery's
    wherever the search finds a way; who doesn't is named. Raises ValueError where `panels` is below
    1 or where the lottery is over other candidates than the space.
    """
    if panels < 1:
        raise ValueError(f"{panels} panels were asked for; there must be at least 1.")
    if lottery.candidate_ids != tuple(candidate.id for candidate in space.candidates):
        raise ValueError(
            f"The lottery is over {len(lottery.candidate_ids)} candidates, the space over"
            f" {len(space.candidates)}, and they are not the same; build the space from the pool"
            " that the lottery was found for."
        )
    counts, tickets = _by_kind(lottery, space)
    rounding = _Rounding(space=space, counts=counts, tickets=tickets, panels=panels)
    rounding.run()
    seated, shares = seat_people(counts=rounding.chosen, tickets=[1] * panels, kinds=space.kinds)
    return _uniform(lottery=lottery, seated=seated, shares=shares, panels=panels)


def _by_kind(lottery: Lottery, space: PanelSpace) -> tuple[IntArray, list[int]]:
    """Distinct panels of kinds (P, T) in the order of their first panel, and their tickets."""
    kind_of = np.full(len(lottery.candidate_ids), -1, dtype=np.int64)
    for kind, people in enumerate(space.kinds):
        kind_of[list(people)] = kind
    shares: dict[tuple[int, ...], int] = {}
    for panel, share in zip(lottery.panels, lottery.tickets, strict=True):
        seats = np.bincount(kind_of[list(panel)], minlength=len(space.kinds))
        key = tuple(int(number) for number in seats)
        shares[key] = shares.get(key, 0) + share
    return np.array(list(shares), dtype=np.int64), list(shares.values())


def _uniform(
    *,
    lottery: Lottery,
    seated: Sequence[tuple[int, ...]],
    shares: Sequence[int],
    panels: int,
) -> UniformLottery:
    ids = lottery.candidate_ids
    numbered = tuple(
        panel for panel, share in zip(seated, shares, strict=True) for _ in range(share)
    )
    sits = np.bincount([person for panel in numbered for person in panel], minlength=len(ids))
    shifts = np.abs(sits / panels - lottery.chances)
    return UniformLottery(
        candidate_ids=ids,
        panels=numbered,
        chances=sits / panels,
        largest_shift=float(shifts.max()),
        exceeding=tuple(
            who for who, shift in zip(ids, shifts, strict=True) if shift * panels > 1 + _EXACT
        ),
    )


class _Rounding:
    """Chooses N panels of kinds: after `run`, `chosen` (N, T) holds their seats by kind."""

    def __init__(
        self, *, space: PanelSpace, counts: IntArray, tickets: Sequence[int], panels: int
    ) -> None:
        self._counts = counts
        self._tickets = tickets
        self._panels = panels
        expected = [
            sum(int(number) * share for number, share in zip(column, tickets, strict=True)) * panels
            for column in counts.T
        ]
        self._target = np.array(
            [(seats * _PARTS + TICKETS // 2) // TICKETS for seats in expected], dtype=np.float64
        )
        sizes = space.sizes.astype(np.float64)
        self._weights = np.maximum(1.0, _WEIGHT // (sizes * sizes))
        windows = [_window(seats, int(size)) for seats, size in zip(expected, sizes, strict=True)]
        self._low = np.array([low for low, _ in windows], dtype=np.int64)
        self._high = np.array([high for _, high in windows], dtype=np.int64)
        self._space = space
        self.chosen = np.zeros((panels, counts.shape[1]), dtype=np.int64)

    def run(self) -> None:
        often = np.array([self._panels * share // TICKETS for share in self._tickets])
        self._fill(often)
        self.chosen = np.repeat(self._counts, often, axis=0)
        mend_panels(space=self._space, chosen=self.chosen, low=self._low, high=self._high)

    def _fill(self, often: IntArray) -> None:
        """Add panels until there are N, then exchange one for another while the sums get nearer.

        Nearer: a smaller weighted sum of squared distances; a seat of a small kind weighs more,
        since fewer people share it.
        """
        counts = self._counts.astype(np.float64)
        weighted = counts * self._weights
        gram = weighted @ counts.T * _PARTS
        size = np.diagonal(gram).copy()
        slope = 2 * (weighted @ (_PARTS * (often @ counts) - self._target))
        for _ in range(self._panels - int(often.sum())):
            best = int(np.argmin(slope + size))
            often[best] += 1
            slope += 2 * gram[best]
        for _ in range(_PASSES):
            changed = False
            for out in np.flatnonzero(often):
                gain = slope - slope[out] + size + size[out] - 2 * gram[out]
                best = int(np.argmin(gain))
                if gain[best] < 0:
                    often[out] -= 1
                    often[best] += 1
                    slope += 2 * (gram[best] - gram[out])
                    changed = True
            if not changed:
                return


def _window(expected: int, size: int) -> tuple[int, int]:
    """The fewest and most seats that keep all `size` members of a kind within one panel."""
    whole, rest = divmod(expected, size * TICKETS)
    if rest < _EXACT * size * TICKETS:
        return size * max(0, whole - 1), size * (whole + 1)
    if rest > (1 - _EXACT) * size * TICKETS:
        return size * whole, size * (whole + 2)
    return size * whole, size * (whole + 1)
