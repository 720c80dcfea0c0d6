"""The smallest change of a jury that turns its verdict (Gordon and others, CHI 2022, section 4.3).

What a jury is expected to say is the mean, over its seats, of the mean rating of those who may take
the seat; so the search is exact, and needs no luck. That expectation is the true one where kinds of
seats don't overlap. Each answer is then put to sampled juries that share the draws of the first.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike

from juries.domain.verdicts import (
    JURIES,
    InvalidJury,
    JurySpecification,
    SeatKind,
    SeatUnfilled,
    is_reached,
    seat_kind,
    verdicts,
)

Seats = Counter[SeatKind]

_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Alternative:
    """A jury that says otherwise, by as few changes as any.

    `gained` and `lost` say how many seats each kind gains and loses. `expected` is what it is
    expected to say, `median` what sampled juries of it say.
    """

    specification: JurySpecification
    gained: tuple[tuple[SeatKind, int], ...]
    lost: tuple[tuple[SeatKind, int], ...]
    expected: float
    median: float


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Whether, and by how few seats, a verdict on one item turns.

    `changes` is the smallest number of seats, None if nothing within `most_changes` turns it:
    a fair answer. `alternatives` are all juries at that distance, the clearest first, unless
    `are_all` is false: then there are more than 200, and these are 200 of them. `expected` and
    `median` are what the jury as specified says; where they lie on different sides of `threshold`,
    its verdict is within the luck of the draw already, and the search starts from `expected`.
    """

    expected: float
    median: float
    threshold: float
    most_changes: int
    changes: int | None
    alternatives: tuple[Alternative, ...]
    are_all: bool


def kinds_alike(
    specification: JurySpecification, traits: Sequence[Mapping[str, str]]
) -> tuple[SeatKind, ...]:
    """The specification's kinds, and the pool's other values of the features that they name."""
    kinds = {kind for kind, _ in specification.seats}
    for features in {tuple(feature for feature, _ in kind.traits) for kind in kinds}:
        for own in traits:
            if all(feature in own for feature in features):
                kinds.add(seat_kind({feature: own[feature] for feature in features}))
    return tuple(sorted(kinds, key=lambda kind: kind.traits))


def counterfactual(
    ratings: ArrayLike,
    *,
    traits: Sequence[Mapping[str, str]],
    specification: JurySpecification,
    threshold: float,
    seed: int,
    kinds: Sequence[SeatKind] | None = None,
    most_changes: int = 5,
    juries: int = JURIES,
) -> Counterfactual:
    """Search the juries of the same size that say otherwise about one item.

    `ratings` (jurors,) of that item, NaN for those who can't sit; a verdict is at `threshold` or
    above, or below. `kinds` are the kinds of seats that may be gained (`kinds_alike` by default).
    Raises InvalidJury, and SeatUnfilled if the jury itself can't be seated.
    """
    values = np.asarray(ratings, dtype=float)
    if values.ndim != 1:
        raise InvalidJury(f"Give the ratings of one item, (jurors,); the shape is {values.shape}.")
    if most_changes < 0:
        raise InvalidJury(f"At most {most_changes} changes were allowed; allow 0 or more.")

    def median(jury: JurySpecification) -> float:
        found = verdicts(
            values[:, None], traits=traits, specification=jury, seed=seed, juries=juries
        )
        return float(found.median[0])

    middle = median(specification)
    may = tuple(kinds) if kinds is not None else kinds_alike(specification, traits)
    known = ~np.isnan(values)
    pools = {
        kind: values[[kind.takes(own) for own in traits] & known]
        for kind in dict.fromkeys((*(kind for kind, _ in specification.seats), *may))
    }
    now = Counter({kind: number for kind, number in specification.seats if number})
    search = _Search(
        now=now,
        means={kind: float(pool.mean()) for kind, pool in pools.items() if len(pool)},
        room={kind: len(pool) for kind, pool in pools.items()},
        gainable=frozenset(may),
        threshold=threshold,
    )

    expected = search.expected(now)
    for changes in range(1, min(most_changes, specification.size) + 1):
        juries_there = _seated(search, search.turned(changes), median)
        found = list(islice(juries_there, _MOST_SHOWN))
        if found:
            are_all = len(found) < _MOST_SHOWN or next(juries_there, None) is None
            found.sort(key=lambda jury: (-abs(jury.expected - threshold), _order(jury.gained)))
            return Counterfactual(
                expected, middle, threshold, most_changes, changes, tuple(found), are_all
            )
    return Counterfactual(expected, middle, threshold, most_changes, None, (), are_all=True)


def _seated(
    search: "_Search", found: Iterable[Seats], median: Callable[[JurySpecification], float]
) -> Iterator[Alternative]:
    """Those of the juries that the pool can fill, with their sampled median."""
    for after in found:
        jury = JurySpecification(_pairs(after))
        try:
            sampled = median(jury)
        except SeatUnfilled:
            # Kinds that overlap can ask for the same few people.
            continue
        yield Alternative(
            specification=jury,
            gained=_pairs(after - search.now),
            lost=_pairs(search.now - after),
            expected=search.expected(after),
            median=sampled,
        )


def _pairs(seats: Seats) -> tuple[tuple[SeatKind, int], ...]:
    return tuple(sorted(seats.items(), key=lambda pair: pair[0].traits))


def _order(
    seats: tuple[tuple[SeatKind, int], ...],
) -> list[tuple[tuple[tuple[str, str], ...], int]]:
    return [(kind.traits, number) for kind, number in seats]


@dataclass(frozen=True, slots=True)
class _Search:
    """Juries at a distance from `now` whose expectation lies on the other side of `threshold`.

    `means` and `room` are the mean rating and the number of those who may take each kind of seat.
    """

    now: Seats
    means: Mapping[SeatKind, float]
    room: Mapping[SeatKind, int]
    gainable: frozenset[SeatKind]
    threshold: float

    def expected(self, seats: Seats) -> float:
        """Mean over the seats."""
        total = sum(self.means[kind] * number for kind, number in _pairs(seats))
        return total / seats.total()

    def turned(self, changes: int) -> Iterator[Seats]:
        """All of them at `changes` seats, by depth first with bounds."""
        rises = not is_reached(self.expected(self.now), self.threshold)
        sign = 1 if rises else -1
        size = self.now.total()
        gains = sorted(
            (kind for kind in self.means if kind in self.gainable),
            key=lambda kind: (-sign * self.means[kind], kind.traits),
        )
        losses = sorted(self.now, key=lambda kind: (sign * self.means[kind], kind.traits))

        def turns(total: float) -> bool:
            return bool(is_reached(total / size, self.threshold)) == rises

        start = self.expected(self.now) * size
        for kept, total in _lose(losses, self.means, self.now, changes, start):
            yield from self._gain(gains, kept, changes, total, turns)

    def _gain(
        self,
        gains: Sequence[SeatKind],
        kept: Seats,
        left: int,
        total: float,
        turns: Callable[[float], bool],
    ) -> Iterator[Seats]:
        """Fill `left` seats from `gains`, the most helpful kind first."""
        if left == 0:
            if turns(total):
                yield kept
            return
        # Not even the best kind that is left would turn it.
        if not gains or not turns(total + left * self.means[gains[0]]):
            return
        kind, *rest = gains
        # A kind that lost seats gains none: that would be fewer changes.
        is_lost = kept[kind] < self.now[kind]
        most = 0 if is_lost else min(left, self.room[kind] - kept[kind])
        for number in range(most, -1, -1):
            after = kept + Counter({kind: number})
            yield from self._gain(
                rest, after, left - number, total + number * self.means[kind], turns
            )


def _lose(
    kinds: Sequence[SeatKind],
    means: Mapping[SeatKind, float],
    kept: Seats,
    left: int,
    total: float,
) -> Iterator[tuple[Seats, float]]:
    """All ways to give up `left` seats."""
    if left == 0:
        yield kept, total
        return
    if not kinds:
        return
    kind, *rest = kinds
    for number in range(min(left, kept[kind]), -1, -1):
        fewer = kept - Counter({kind: number})
        yield from _lose(rest, means, fewer, left - number, total - number * means[kind])
