"""What is held out for one seed, and the fits that follow, watched from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models_runner.domain.reward.table import IntArray, random_places

BoolArray = npt.NDArray[np.bool_]

_HELD_OUT = 0.2


class EvaluationCancelled(Exception):
    """Somebody asked to stop; nothing was kept."""


def held_out_places(size: int, rng: np.random.Generator) -> BoolArray:
    """A fifth of the places, at least one where there are two."""
    chosen = np.zeros(size, dtype=np.bool_)
    if size >= 2:
        chosen[rng.permutation(size)[: max(round(size * _HELD_OUT), 1)]] = True
    return chosen


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows (R,) of a table for one seed, the same for every method.

    train, seen_juror, new_juror : of jurors and items that are not held out; of seen jurors on
        held-out items; of held-out jurors on held-out items
    given : what held-out jurors said of the other items; `place` numbers each of her given rows
        from 0 in a random order, so that rows below n are n of her own
    cells : random rows, for the second fit
    """

    train: BoolArray
    seen_juror: BoolArray
    new_juror: BoolArray
    given: BoolArray
    place: IntArray
    cells: BoolArray

    @classmethod
    def of(
        cls,
        *,
        jurors: IntArray,
        juror_count: int,
        juror_out: BoolArray,
        item_out: BoolArray,
        rng: np.random.Generator,
    ) -> Split:
        """From rows' jurors (R,), and whether a row's juror and item are held out (R,)."""
        given = juror_out & ~item_out
        place = random_places(jurors=jurors, juror_count=juror_count, rng=rng, first=given)
        return cls(
            train=~juror_out & ~item_out,
            seen_juror=~juror_out & item_out,
            new_juror=juror_out & item_out,
            given=given,
            place=place,
            cells=held_out_places(len(jurors), rng),
        )


@dataclass(frozen=True, slots=True)
class Watched:
    """Fits that tell how far they are and can be stopped in between."""

    seeds: Sequence[int]
    progress: Callable[[float, str], None] | None = None
    cancelled: Callable[[], bool] | None = None

    def each(self, names: Sequence[str], *, split: int) -> Iterator[str]:
        """Methods' names, one fit after the other, of the split with that number.

        Raises ``EvaluationCancelled``.
        """
        for place, name in enumerate(names):
            if self.cancelled is not None and self.cancelled():
                raise EvaluationCancelled(f"Stopped before {name}, seed {self.seeds[split]}.")
            if self.progress is not None:
                done = (split * len(names) + place) / (len(names) * len(self.seeds))
                self.progress(done, f"{name}, split {split + 1} of {len(self.seeds)}")
            yield name

    def finish(self) -> None:
        """All has been told."""
        if self.progress is not None:
            self.progress(1.0, "done")
