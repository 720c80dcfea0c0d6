"""Which query a juror's next minutes are best spent on: what it is expected to teach about her.

A juror's function is what all share plus her own linear part, w ~ N(0, diag(v)), a rating of an
item with design row l being l'w + noise. Then the variance that is left after a query does not
depend on what she will say, and so can be compared beforehand: the expected gain is the fall of the
mean predictive variance over all items (D. A. Cohn, Z. Ghahramani and M. I. Jordan, "Active
learning with statistical models", JAIR 4, 1996), here per expected minute of her time.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models_runner.domain.reward.pooling import juror_sums, learn_pooling

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DIRECTIONS = 16
LEARNING_JURORS = 300
_ROUNDS = 15
_LENGTH_BINS = 4
_LEAST_IN_BIN = 5
_WORDS_PER_MINUTE = 200
_LETTERS_PER_WORD = 6
_SECONDS_TO_ANSWER = 20


@dataclass(frozen=True, slots=True, eq=False)
class ItemPlan:
    """What the worth of a query follows from.

    query_ids : (Q,), ascending
    rows : (Q, m, q) design rows of each query's responses, rows of zeros where it has fewer
    aim : (q, q) mean of l l' over all items: where her function is wanted
    variances : (q,) of jurors' coefficients, in squared rating units
    noise : variance of a rating around her function
    minutes : (Q,) expected minutes of work on each query
    """

    query_ids: IntArray
    rows: FloatArray
    aim: FloatArray
    variances: FloatArray
    noise: float
    minutes: FloatArray

    def gains(self, *, had: Sequence[int], candidates: Sequence[int]) -> FloatArray:
        """Expected fall of her mean predictive variance per minute, for each candidate, (n,).

        had, candidates : ids of queries; those that the plan does not know teach nothing, and are
            worth 0 as candidates
        """
        places, known = self._places(candidates)
        seen, is_seen = self._places(had)
        told = self.rows[seen[is_seen]].reshape(-1, len(self.variances))
        covariance = np.linalg.inv(np.diag(1 / self.variances) + told.T @ told / self.noise)
        rows = self.rows[places]
        spread = rows @ covariance
        inner = spread @ rows.transpose(0, 2, 1) + self.noise * np.eye(rows.shape[1])
        outer = (spread @ self.aim) @ spread.transpose(0, 2, 1)
        fall = np.trace(np.linalg.solve(inner, outer), axis1=1, axis2=2)
        return np.where(known, np.maximum(fall, 0.0) / self.minutes[places], 0.0)

    def _places(self, ids: Sequence[int]) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        asked = np.asarray(ids, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.query_ids, asked), len(self.query_ids) - 1)
        return places, self.query_ids[places] == asked

    def to_bytes(self) -> bytes:
        """As an npz without pickle; `from_bytes` reads it."""
        file = io.BytesIO()
        np.savez(
            file,
            query_ids=self.query_ids,
            rows=self.rows,
            aim=self.aim,
            variances=self.variances,
            noise=np.array(self.noise),
            minutes=self.minutes,
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> ItemPlan:
        """What `to_bytes` wrote."""
        with np.load(io.BytesIO(data), allow_pickle=False) as told:
            return cls(
                query_ids=told["query_ids"],
                rows=told["rows"],
                aim=told["aim"],
                variances=told["variances"],
                noise=float(told["noise"]),
                minutes=told["minutes"],
            )


def make_plan(
    *,
    coordinates: FloatArray,
    query_ids: IntArray,
    items: IntArray,
    jurors: IntArray,
    residuals: FloatArray,
    juror_count: int,
    minutes: FloatArray,
) -> ItemPlan:
    """Learn how much jurors differ, and along what.

    coordinates : (M, k) of the items, their principal components
    query_ids : (M,) the query of each item
    items, jurors, residuals : (N,) of each rating: what of, by whom, how far from what all share
    minutes : (Q,) for each query, ids ascending

    Raises ValueError where there are no ratings or minutes that are not above 0.
    """
    if not len(residuals) or not len(query_ids) or not (minutes > 0).all():
        raise ValueError(
            f"{len(residuals)} ratings of {len(query_ids)} items, minutes from"
            f" {minutes.min(initial=np.inf)}: there must be ratings, and minutes above 0."
        )
    design = np.hstack([np.ones((len(coordinates), 1)), coordinates[:, :DIRECTIONS]])
    some = jurors < LEARNING_JURORS
    rows, left = design[items[some]], residuals[some]
    count = min(juror_count, LEARNING_JURORS)
    grams, moments = juror_sums(rows, left[:, None], jurors[some], count)
    pooled = learn_pooling(
        grams=grams,
        moments=moments[:, :, 0],
        squares=float((left**2).sum()),
        count=len(left),
        blocks=np.repeat(np.arange(2), (1, design.shape[1] - 1)),
        levels=np.full((count, 0), -1),
        level_count=0,
        rounds=_ROUNDS,
    )
    distinct, place_of = np.unique(query_ids, return_inverse=True)
    most = int(np.bincount(place_of).max())
    by_query = np.zeros((len(distinct), most, design.shape[1]))
    filled = np.zeros(len(distinct), dtype=np.int64)
    for item, place in enumerate(place_of):
        by_query[place, filled[place]] = design[item]
        filled[place] += 1
    return ItemPlan(
        query_ids=distinct.astype(np.int64),
        rows=by_query,
        aim=design.T @ design / len(design),
        variances=pooled.variances,
        noise=pooled.noise,
        minutes=np.asarray(minutes, dtype=np.float64),
    )


def expected_minutes(*, lengths: IntArray, done: IntArray, spent: FloatArray) -> FloatArray:
    """Minutes of work on each query, (Q,): the median of what jurors spent on those as long.

    lengths : (Q,) letters to read
    done, spent : (n,) a query's place and the minutes that somebody worked on it

    Queries fall into four bins of length. A bin with fewer than 5 times takes the median of all;
    where there are fewer than 5 in all, reading at 200 words a minute and 20 s to answer count.
    """
    reading = lengths / _LETTERS_PER_WORD / _WORDS_PER_MINUTE + _SECONDS_TO_ANSWER / 60
    kept = spent > 0
    done, spent = done[kept], spent[kept]
    if len(spent) < _LEAST_IN_BIN:
        return np.asarray(reading, dtype=np.float64)
    edges = np.quantile(lengths, np.arange(1, _LENGTH_BINS) / _LENGTH_BINS)
    bins = np.searchsorted(edges, lengths, side="right")
    minutes = np.full(len(lengths), float(np.median(spent)))
    for one in range(_LENGTH_BINS):
        mine = bins[done] == one
        if mine.sum() >= _LEAST_IN_BIN:
            minutes[bins == one] = float(np.median(spent[mine]))
    return minutes
