"""What several ways of joining objectives make of the same models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, rankdata

from annotations.domain.measured import Measured
from models_runner.domain.objectives.commensuration import CommensuratingFunction
from models_runner.domain.objectives.table import FloatArray, InvalidObjectives, ObjectiveTable

EQUAL_WITHIN = 1e-12


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two models that one function ranks one way and another the other way."""

    one: str
    other: str
    prefer_one: tuple[str, ...]
    prefer_other: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rankings:
    """Functions side by side.

    ``scores`` (functions, models) in [0, 1]; ``ranks`` (functions, models), best 1, equal models
    share the better rank. ``agreement[f][g]``: Kendall's tau-b of two functions' rankings in
    [-1, 1], empty where one ranks all models equal.
    """

    models: tuple[str, ...]
    functions: tuple[str, ...]
    scores: FloatArray
    ranks: npt.NDArray[np.int64]
    agreement: tuple[tuple[Measured, ...], ...]
    disagreements: tuple[Disagreement, ...]

    def leaders(self, function: str) -> tuple[str, ...]:
        """The models that this function ranks first."""
        row = self.ranks[self.functions.index(function)]
        return tuple(m for m, rank in zip(self.models, row, strict=True) if rank == 1)


def compare_rankings(
    *, table: ObjectiveTable, functions: Sequence[CommensuratingFunction]
) -> Rankings:
    """Rank the table's models by each function, and say where the rankings disagree.

    Scores closer than 1e-12 are equal. Raises InvalidObjectives without functions or with two of
    one label, and what `normalised` raises.
    """
    labels = tuple(function.label for function in functions)
    if not labels or len(set(labels)) < len(labels):
        raise InvalidObjectives(
            f"The functions are {', '.join(labels) or 'none'}; name at least one, each once."
        )
    normalised = table.normalised()
    scores = np.stack([function(normalised) for function in functions])
    rounded = np.round(scores / EQUAL_WITHIN) * EQUAL_WITHIN
    ranks = np.stack([rankdata(-row, method="min") for row in rounded]).astype(np.int64)
    return Rankings(
        models=table.models,
        functions=labels,
        scores=scores,
        ranks=ranks,
        agreement=tuple(tuple(_agreement(a, b) for b in ranks) for a in ranks),
        disagreements=_disagreements(table.models, labels, ranks),
    )


def _agreement(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> Measured:
    if len(set(one.tolist())) < 2 or len(set(other.tolist())) < 2:
        return Measured.missing("One of the two ranks all models equal.", count=len(one))
    return Measured(value=float(kendalltau(one, other).statistic), count=len(one))


def _disagreements(
    models: Sequence[str], labels: Sequence[str], ranks: npt.NDArray[np.int64]
) -> tuple[Disagreement, ...]:
    found = []
    for one, other in combinations(range(len(models)), 2):
        gap = ranks[:, one] - ranks[:, other]
        if (gap < 0).any() and (gap > 0).any():
            found.append(
                Disagreement(
                    one=models[one],
                    other=models[other],
                    prefer_one=tuple(n for n, g in zip(labels, gap, strict=True) if g < 0),
                    prefer_other=tuple(n for n, g in zip(labels, gap, strict=True) if g > 0),
                )
            )
    return tuple(found)
