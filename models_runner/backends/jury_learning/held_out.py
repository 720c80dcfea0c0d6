"""What training doesn't see: when it stops, and how far intervals reach, is found on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_runner.backends.jury_learning.network import JuryNetwork
from models_runner.domain.reward import RatingTable


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Rows (N,) to learn from; of held-out jurors, those on old items and those to foresee."""

    learn: NDArray[np.bool_]
    given: NDArray[np.bool_]
    tests: NDArray[np.bool_] | None

    @classmethod
    def draw(cls, table: RatingTable, rng: np.random.Generator) -> HeldOut:
        """A fifth of the jurors, at least 12 if that leaves two thirds; a tenth of the items."""
        jurors, items = np.unique(table.jurors), np.unique(table.items)
        number = max(len(jurors) // 5, min(12, len(jurors) // 3))
        out_jurors = rng.permutation(jurors)[:number]
        out_items = rng.permutation(items)[: max(len(items) // 10, 1)]
        hers, new = np.isin(table.jurors, out_jurors), np.isin(table.items, out_items)
        learn, tests = ~hers & ~new, hers & new
        if not learn.any() or not tests.any():
            return cls(learn=np.ones(len(hers), dtype=np.bool_), given=hers & False, tests=None)
        return cls(learn=learn, given=hers & ~new, tests=tests)

    def error(self, network: JuryNetwork, table: RatingTable) -> float:
        """Mean absolute error on the ratings to foresee; inf where none were held out."""
        if self.tests is None:
            return math.inf
        adapted = network.adapt(table=table.take(rows=self.given))
        asked = table.take(rows=self.tests)
        guess = adapted.predict_cells(
            features=table.features, items=asked.items, jurors=asked.jurors
        )
        return float(np.abs(guess.mean - asked.ratings).mean())
