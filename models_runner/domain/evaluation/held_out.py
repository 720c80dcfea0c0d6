"""The held-out table: what was tested, on whom, and what came out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from annotations.domain.measured import Measured
from models_runner.domain.reward.table import FloatArray, IntArray

MEASURES = (
    "mae",
    "mae_of_mean",
    "rmse",
    "rank_correlation",
    "coverage",
    "accuracy",
    "macro_f1",
    "log_loss",
)
LARGE_GATE = 5


class Situation(StrEnum):
    """What was known of juror and item."""

    SEEN_JUROR = "seen_juror_new_item"
    NEW_JUROR = "new_juror_new_item"
    RANDOM_CELLS = "random_cells"


def situations(counts: Sequence[int]) -> tuple[tuple[Situation, int | None], ...]:
    """A method's lines: situations, and for new jurors how much of their own is known."""
    return (
        (Situation.SEEN_JUROR, None),
        *((Situation.NEW_JUROR, count) for count in counts),
        (Situation.RANDOM_CELLS, None),
    )


@dataclass(frozen=True, slots=True)
class HeldOutRow:
    """One line of the table; ``scores.Score`` says what each measure is, and its units.

    ``own_ratings`` is n for a new juror, else None. Values are means over seeds; low and high are
    the smallest and largest over seeds; ``count`` in each says how many seeds gave a number.
    ``jurors`` and ``ratings`` are the largest numbers that a seed tested.
    """

    method: str
    situation: Situation
    own_ratings: int | None
    mae: Measured
    mae_of_mean: Measured
    rmse: Measured
    rank_correlation: Measured
    coverage: Measured
    accuracy: Measured
    macro_f1: Measured
    log_loss: Measured
    jurors: int
    ratings: int


@dataclass(frozen=True, slots=True)
class JurorError:
    """How far off a method is for one known juror, on items held out.

    juror : her code in the table
    error : mean over all splits of what the method's rows measure first: the absolute error of
        ratings, the share of pairs put in the wrong order
    tested : how many predictions that rests on
    """

    method: str
    juror: int
    error: float
    tested: int


@dataclass(frozen=True, slots=True)
class HeldOutTable:
    """All rows, and how they came about; the errors of single jurors are those of no baseline."""

    rows: tuple[HeldOutRow, ...]
    seeds: tuple[int, ...]
    confidence: float
    data_digest: str
    by_juror: tuple[JurorError, ...] = ()

    def row(
        self, *, method: str, situation: Situation, own_ratings: int | None = None
    ) -> HeldOutRow | None:
        """The line for these, or None."""
        return next(
            (
                row
                for row in self.rows
                if (row.method, row.situation, row.own_ratings) == (method, situation, own_ratings)
            ),
            None,
        )

    def gate_rows(self, *, method: str) -> list[HeldOutRow]:
        """A method's rows that the gates look at: new jurors with at least 5 of their own."""
        return [
            row
            for row in self.rows
            if row.method == method
            and row.situation is Situation.NEW_JUROR
            and (row.own_ratings or 0) >= LARGE_GATE
        ]


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a method's predictions may be used, and what stands against it."""

    method: str
    usable: bool
    reasons: tuple[str, ...]


def over_seeds(values: Iterable[float | None], reason: str) -> Measured:
    """Mean, smallest and largest of the seeds' numbers; none at all: empty, with the reason."""
    numbers = [value for value in values if value is not None]
    if not numbers:
        return Measured.missing(reason)
    return Measured(
        value=float(np.mean(numbers)), low=min(numbers), high=max(numbers), count=len(numbers)
    )


@dataclass(slots=True)
class JurorErrors:
    """Sums of errors by juror, over splits."""

    juror_count: int
    _sums: dict[str, FloatArray] = field(default_factory=dict)

    def add(self, *, method: str, jurors: IntArray, errors: FloatArray) -> None:
        """Errors (R,) of predictions for jurors (R,)."""
        sums = self._sums.setdefault(method, np.zeros((2, self.juror_count)))
        sums[0] += np.bincount(jurors, errors, minlength=self.juror_count)
        sums[1] += np.bincount(jurors, minlength=self.juror_count)

    def found(self) -> tuple[JurorError, ...]:
        """Those of jurors who were tested at all."""
        return tuple(
            JurorError(
                method=method,
                juror=int(juror),
                error=float(totals[juror] / counts[juror]),
                tested=int(counts[juror]),
            )
            for method, (totals, counts) in self._sums.items()
            for juror in np.flatnonzero(counts)
        )
