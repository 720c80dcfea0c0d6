"""Ratings that models learn from, and the guesses that they give."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class InvalidRatings(ValueError):
    """Ratings and features that do not fit together; the message names array and numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class RatingTable:
    """Ratings in long form.

    features : (M, p) finite, one row per item (a response to its query)
    items : (N,) int in [0, M), the item of each rating
    jurors : (N,) int in [0, juror_count)
    ratings : (N,) finite, in [low, high]
    juror_count : J, jurors without any rating included
    low, high : the declared bounds of the scale
    groups : (J, G) int codes of the jurors' traits, -1 = not told; methods may use them
    blocks : widths of the features' blocks (query, response, layers of an encoder), which are to
        count the same; empty: one block
    Raises ``InvalidRatings``.
    """

    features: FloatArray
    items: IntArray
    jurors: IntArray
    ratings: FloatArray
    juror_count: int
    low: float
    high: float
    groups: IntArray | None = None
    blocks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, kind, dimensions in (
            ("features", np.float64, 2),
            ("items", np.int64, 1),
            ("jurors", np.int64, 1),
            ("ratings", np.float64, 1),
        ):
            array = np.asarray(getattr(self, name), dtype=kind)
            if array.ndim != dimensions:
                raise InvalidRatings(f"{name} has {array.ndim} dimensions, but needs {dimensions}.")
            object.__setattr__(self, name, array)
        object.__setattr__(self, "low", float(self.low))
        object.__setattr__(self, "high", float(self.high))
        n = len(self.ratings)
        if len(self.items) != n or len(self.jurors) != n:
            raise InvalidRatings(
                f"There are {n} ratings, {len(self.items)} items and {len(self.jurors)} jurors; "
                "the three must be equally long."
            )
        if not self.low < self.high:
            raise InvalidRatings(f"The scale's bounds are {self.low:g} and {self.high:g}.")
        for name, codes, bound in (
            ("items", self.items, len(self.features)),
            ("jurors", self.jurors, self.juror_count),
        ):
            wrong = (codes < 0) | (codes >= bound)
            if wrong.any():
                place = int(wrong.argmax())
                raise InvalidRatings(
                    f"{name}[{place}] is {codes[place]}, but must be in [0, {bound})."
                )
        if self.blocks and sum(self.blocks) != self.features.shape[1]:
            raise InvalidRatings(
                f"blocks add up to {sum(self.blocks)}, features has {self.features.shape[1]} "
                "columns."
            )
        if not np.isfinite(self.features).all():
            raise InvalidRatings("features holds numbers that are not finite.")
        wrong = ~((self.ratings >= self.low) & (self.ratings <= self.high))
        if wrong.any():
            place = int(wrong.argmax())
            raise InvalidRatings(
                f"ratings[{place}] is {self.ratings[place]:g}, outside "
                f"[{self.low:g}, {self.high:g}]."
            )
        if self.groups is not None and len(self.groups) != self.juror_count:
            raise InvalidRatings(
                f"groups has {len(self.groups)} rows for {self.juror_count} jurors."
            )

    def take(self, *, rows: npt.NDArray[np.bool_] | IntArray) -> RatingTable:
        """The same items and jurors with some of the ratings."""
        return replace(
            self, items=self.items[rows], jurors=self.jurors[rows], ratings=self.ratings[rows]
        )

    @property
    def digest(self) -> str:
        """SHA-256 of all arrays and bounds."""
        total = hashlib.sha256()
        parts = [self.features, self.items, self.jurors, self.ratings]
        for array in [*parts, *([] if self.groups is None else [self.groups])]:
            total.update(repr((array.shape, array.dtype.str)).encode())
            total.update(np.ascontiguousarray(array).tobytes())
        total.update(
            repr((self.juror_count, float(self.low), float(self.high), self.blocks)).encode()
        )
        return total.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What jurors would say; a guess, to be marked as one. All arrays (R,), in rating units.

    mean, sd : not clipped to the scale
    low, high : the interval at the model's level; -inf and inf where too few jurors calibrate it
    own_ratings : how many of the juror's own ratings stand behind it
    median : the guess that the mean absolute error rewards; the mean where the method has no other
    chances : (R, T) of reaching each cut of the scale (``FittedRewardModel.cuts``); None where the
        method has none
    """

    mean: FloatArray
    sd: FloatArray
    low: FloatArray
    high: FloatArray
    own_ratings: IntArray
    median: FloatArray
    chances: FloatArray | None = None

    def clipped(self, *, low: float, high: float) -> Prediction:
        """For display: mean and interval cut to the scale's declared bounds."""
        return Prediction(
            mean=np.clip(self.mean, low, high),
            sd=self.sd,
            low=np.clip(self.low, low, high),
            high=np.clip(self.high, low, high),
            own_ratings=self.own_ratings,
            median=np.clip(self.median, low, high),
            chances=self.chances,
        )


def rating_counts(table: RatingTable) -> IntArray:
    """How many ratings each juror gave, (juror_count,)."""
    return np.bincount(table.jurors, minlength=table.juror_count).astype(np.int64)


def random_places(
    *,
    jurors: IntArray,
    juror_count: int,
    rng: np.random.Generator,
    first: npt.NDArray[np.bool_] | None = None,
) -> IntArray:
    """For each rating (R,) its place 0, 1, ... in a random order of its juror's ratings.

    first : those (R,) that come before the juror's others
    """
    later = np.zeros(len(jurors), dtype=np.bool_) if first is None else ~first
    order = np.lexsort((rng.random(len(jurors)), later, jurors))
    starts = np.searchsorted(jurors[order], np.arange(juror_count + 1))
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order)) - starts[jurors[order]]
    return places
