"""Verdicts of sampled juries, after M. Gordon and others, "Jury Learning: Integrating dissenting
voices into machine learning models" (CHI 2022).

A jury is specified by its seats and the traits that each requires. Many juries are drawn from a
pool of jurors; the verdict is the median of what they say. Ratings are (jurors, items) on any
scale, said or predicted; NaN is neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

JURIES = 100
"""Juries that are drawn for a verdict."""


class InvalidJury(ValueError):
    """The specification, ratings or traits don't fit each other; the message says where."""


class SeatUnfilled(InvalidJury):
    """No juror of the pool can take a seat; the message names it."""


@dataclass(frozen=True, slots=True)
class SeatKind:
    """The traits that a seat requires, as (feature, value) pairs in order; none: anyone."""

    traits: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """How pages call it."""
        return ", ".join(f"{feature}: {value}" for feature, value in self.traits) or "anyone"

    def takes(self, traits: Mapping[str, str]) -> bool:
        """Whether a juror of these traits may sit here."""
        return all(traits.get(feature) == value for feature, value in self.traits)


def seat_kind(required: Mapping[str, str]) -> SeatKind:
    """A kind from a mapping of feature to value, whatever its order."""
    return SeatKind(tuple(sorted(required.items())))


@dataclass(frozen=True, slots=True)
class JurySpecification:
    """How many seats of each kind a jury has."""

    seats: tuple[tuple[SeatKind, int], ...]

    def __post_init__(self) -> None:
        kinds = [kind for kind, _ in self.seats]
        if len(set(kinds)) != len(kinds):
            raise InvalidJury("A kind of seat stands twice; add up its seats.")
        bad = [(kind.label, number) for kind, number in self.seats if number < 0]
        if bad or self.size == 0:
            raise InvalidJury(
                f"A jury has one seat or more, and no kind fewer than 0; here are {bad or 'none'}."
            )

    @property
    def size(self) -> int:
        """All seats."""
        return sum(number for _, number in self.seats)

    @property
    def each(self) -> tuple[SeatKind, ...]:
        """The kind of each seat, one by one."""
        return tuple(kind for kind, number in self.seats for _ in range(number))


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What sampled juries say of each item.

    `outcomes` (juries, items) is each jury's mean rating; `median`, `lower` and `upper` (items,)
    their median, 5th and 95th percentile; `chance` (items,) the part of the juries at `threshold`
    or above, NaN without one; `predicted` (items,) the part of the ratings used that a model
    predicted. The range is that of drawing juries, not of what is unknown about the jurors.
    """

    outcomes: FloatArray
    median: FloatArray
    lower: FloatArray
    upper: FloatArray
    chance: FloatArray
    predicted: FloatArray
    threshold: float | None


def verdicts(
    ratings: ArrayLike,
    *,
    traits: Sequence[Mapping[str, str]],
    specification: JurySpecification,
    seed: int,
    predicted: ArrayLike | None = None,
    threshold: float | None = None,
    juries: int = JURIES,
) -> Verdicts:
    """Draw `juries` juries and take their median, item by item.

    `traits` are each juror's, feature to value; `predicted` (jurors, items) is true where a rating
    is a model's guess. A juror without a rating of an item can't sit for it. The same seed gives
    the same juries; another specification shares the draws, so that the two differ by their seats
    and not by luck. Raises InvalidJury, and SeatUnfilled naming the seat.
    """
    values, guessed = _checked(ratings, traits, predicted, juries)
    fits = _fits(specification.each, traits)
    keys = np.random.default_rng(seed).random((juries, len(values)))
    outcomes = np.empty((juries, values.shape[1]))
    share = np.empty(values.shape[1])
    known = ~np.isnan(values)
    patterns, pattern_of = np.unique(known, axis=1, return_inverse=True)
    for number, can_sit in enumerate(patterns.T):
        items = np.flatnonzero(pattern_of.reshape(-1) == number)
        seated = _draw(specification.each, fits & can_sit, keys, where=f"item {items[0] + 1}")
        chosen = seated.T[..., None], items
        outcomes[:, items] = values[chosen].mean(axis=0)
        share[items] = guessed[chosen].mean(axis=(0, 1))
    lower, median, upper = np.quantile(outcomes, [0.05, 0.5, 0.95], axis=0)
    chance = (
        np.full(values.shape[1], np.nan)
        if threshold is None
        else is_reached(outcomes, threshold).mean(axis=0)
    )
    return Verdicts(outcomes, median, lower, upper, chance, share, threshold)


def draw_juries(
    *,
    traits: Sequence[Mapping[str, str]],
    specification: JurySpecification,
    seed: int,
    juries: int = JURIES,
) -> NDArray[np.int64]:
    """The jurors of `juries` juries, (juries, seats) rows of `traits`, nobody twice in a jury.

    They are those of `verdicts` for items that everybody has a rating of. Raises InvalidJury, and
    SeatUnfilled naming the seat.
    """
    if juries < 1 or not traits:
        raise InvalidJury(
            f"{juries} juries can't be drawn from {len(traits)} juror(s); both must be 1 or more."
        )
    keys = np.random.default_rng(seed).random((juries, len(traits)))
    fits = _fits(specification.each, traits)
    return _draw(specification.each, fits, keys, where="this jury")


def is_reached(outcome: ArrayLike, threshold: float) -> BoolArray:
    """Whether means are at the threshold or above, up to what sums of floats lose."""
    return np.asarray(np.asarray(outcome) >= threshold - 1e-9 * max(1.0, abs(threshold)))


def _checked(
    ratings: ArrayLike,
    traits: Sequence[Mapping[str, str]],
    predicted: ArrayLike | None,
    juries: int,
) -> tuple[FloatArray, BoolArray]:
    values = np.asarray(ratings, dtype=float)
    if values.ndim != 2 or 0 in values.shape:
        raise InvalidJury(f"Ratings must be jurors x items; their shape is {values.shape}.")
    if np.isinf(values).any():
        raise InvalidJury("Ratings must be finite; leave out (NaN) what is not known.")
    if len(traits) != len(values):
        raise InvalidJury(f"{len(traits)} juror(s) have traits and {len(values)} have ratings.")
    guessed = np.zeros(values.shape, bool) if predicted is None else np.asarray(predicted, bool)
    if guessed.shape != values.shape:
        raise InvalidJury(
            f"The predicted cells have the shape {guessed.shape}, the ratings {values.shape}."
        )
    if juries < 1:
        raise InvalidJury(f"{juries} juries can't be drawn; draw one or more.")
    return values, guessed


def _fits(seats: Sequence[SeatKind], traits: Sequence[Mapping[str, str]]) -> BoolArray:
    """Who may take which seat, (seats, jurors)."""
    by_kind = {kind: [kind.takes(own) for own in traits] for kind in set(seats)}
    return np.array([by_kind[kind] for kind in seats], dtype=bool)


def _draw(
    seats: Sequence[SeatKind], fits: BoolArray, keys: FloatArray, *, where: str
) -> NDArray[np.int64]:
    """Jurors by jury and seat, (juries, seats), nobody twice in a jury.

    Each jury takes the jurors of the smallest random keys that fill all its seats: within seats of
    one kind that is a draw without replacement, and kinds that overlap never block each other.
    """
    _check_fillable(seats, fits, where=where)
    seated = np.empty((len(keys), len(seats)), dtype=np.int64)
    for jury, key in enumerate(keys):
        # A forbidden seat costs more than any way to fill all of them.
        cost = np.where(fits, key, len(seats) + 1.0)
        seated[jury] = linear_sum_assignment(cost)[1]
    return seated


def _check_fillable(seats: Sequence[SeatKind], fits: BoolArray, *, where: str) -> None:
    for kind, row in zip(seats, fits, strict=True):
        if not row.any():
            raise SeatUnfilled(
                f"No juror of the pool can take the seat {kind.label!r} for {where}; change what it"
                " requires, or widen the pool."
            )
    unfilled = _unfilled(fits)
    if len(unfilled):
        kind = seats[unfilled[0]]
        raise SeatUnfilled(
            f"{len(unfilled)} seat(s) stay empty for {where}, first {kind.label!r}: it asks for"
            f" {seats.count(kind)} juror(s), {int(fits[unfilled[0]].sum())} match, and other seats"
            " need some of them, too."
        )


def _unfilled(fits: BoolArray) -> NDArray[np.int64]:
    """Seats that stay empty however the jurors are seated."""
    return np.flatnonzero(maximum_bipartite_matching(csr_matrix(fits), perm_type="column") < 0)
