"""Comparisons of two items that models learn from, and what they say of others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models_runner.domain.reward.table import FloatArray, IntArray, InvalidRatings

LEFT, TIE, RIGHT = 1.0, 0.5, 0.0
"""What ``PairTable.wins`` holds: the left one is better, neither, the right one."""


@dataclass(frozen=True, slots=True, eq=False)
class PairTable:
    """Comparisons in long form.

    features : (M, p) finite, one row per item (a response to its query)
    left, right : (N,) int in [0, M), the two items of each comparison, different ones
    jurors : (N,) int in [0, juror_count)
    wins : (N,) 1 where the left one is better, 0 where the right one is, 0.5 for a tie
    juror_count : J, jurors without any comparison included
    lengths : (M,) length of each item's text, in words
    queries : (M,) int, which query an item answers; None: each item stands for itself
    blocks : widths of the features' blocks, as in ``RatingTable``
    A comparison that stands there twice counts twice. Raises ``InvalidRatings``.
    """

    features: FloatArray
    left: IntArray
    right: IntArray
    jurors: IntArray
    wins: FloatArray
    juror_count: int
    lengths: FloatArray
    queries: IntArray | None = None
    blocks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, kind, dimensions in (
            ("features", np.float64, 2),
            ("left", np.int64, 1),
            ("right", np.int64, 1),
            ("jurors", np.int64, 1),
            ("wins", np.float64, 1),
            ("lengths", np.float64, 1),
        ):
            array = np.asarray(getattr(self, name), dtype=kind)
            if array.ndim != dimensions:
                raise InvalidRatings(f"{name} has {array.ndim} dimensions, but needs {dimensions}.")
            object.__setattr__(self, name, array)
        n, m = len(self.wins), len(self.features)
        for name in ("left", "right", "jurors"):
            if len(getattr(self, name)) != n:
                raise InvalidRatings(
                    f"There are {n} verdicts, but {name} holds {len(getattr(self, name))} codes."
                )
        for name, bound in (("left", m), ("right", m), ("jurors", self.juror_count)):
            codes = getattr(self, name)
            wrong = (codes < 0) | (codes >= bound)
            if wrong.any():
                place = int(wrong.argmax())
                raise InvalidRatings(
                    f"{name}[{place}] is {codes[place]}, but must be in [0, {bound})."
                )
        same = self.left == self.right
        if same.any():
            place = int(same.argmax())
            raise InvalidRatings(f"Comparison {place} is of item {self.left[place]} with itself.")
        wrong = ~np.isin(self.wins, (LEFT, TIE, RIGHT))
        if wrong.any():
            place = int(wrong.argmax())
            raise InvalidRatings(f"wins[{place}] is {self.wins[place]:g}, but must be 0, 0.5 or 1.")
        if len(self.lengths) != m:
            raise InvalidRatings(f"There are {len(self.lengths)} lengths for {m} items.")
        if self.queries is not None and len(self.queries) != m:
            raise InvalidRatings(f"There are {len(self.queries)} query codes for {m} items.")
        if not np.isfinite(self.features).all():
            raise InvalidRatings("features holds numbers that are not finite.")

    def take(self, *, rows: npt.NDArray[np.bool_] | IntArray) -> PairTable:
        """The same items and jurors with some of the comparisons."""
        return replace(
            self,
            left=self.left[rows],
            right=self.right[rows],
            jurors=self.jurors[rows],
            wins=self.wins[rows],
        )

    @property
    def digest(self) -> str:
        """SHA-256 of all arrays."""
        total = hashlib.sha256()
        arrays = [self.features, self.left, self.right, self.jurors, self.wins, self.lengths]
        for array in [*arrays, *([] if self.queries is None else [self.queries])]:
            total.update(repr((array.shape, array.dtype.str)).encode())
            total.update(np.ascontiguousarray(array).tobytes())
        total.update(repr((self.juror_count, self.blocks)).encode())
        return total.hexdigest()


def pairs_of_ratings(
    *, items: IntArray, jurors: IntArray, ratings: FloatArray, queries: IntArray
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Left, right, jurors and wins (N,): every two items of one query that a juror has rated.

    items, jurors, ratings : (R,); queries (M,): which query an item answers. The item with the
    smaller code stands on the left. How far two ratings are apart does not count; equal ones are a
    tie.
    """
    order = np.lexsort((items, queries[items], jurors))
    who, what, said = jurors[order], items[order], ratings[order]
    asked = queries[what]
    left: list[IntArray] = []
    right: list[IntArray] = []
    # The k-th neighbour in the sorted rows is of the same juror and query, or there is none.
    for step in range(1, len(order)):
        near = np.flatnonzero((who[:-step] == who[step:]) & (asked[:-step] == asked[step:]))
        if not len(near):
            break
        left.append(near)
        right.append(near + step)
    if not left:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none, np.zeros(0)
    first, second = np.concatenate(left), np.concatenate(right)
    sign = np.sign(said[first] - said[second])
    wins = np.where(sign > 0, LEFT, np.where(sign < 0, RIGHT, TIE))
    return what[first], what[second], who[first], wins
