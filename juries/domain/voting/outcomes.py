"""What a voting rule answers, and what a rule is."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from juries.domain.voting.ballots import Ballots, FloatArray

TIE = 1e-9
"""Scores closer than this, relative to the best, are a tie."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Who wins under a rule, and why.

    `scores` (responses,) in the unit that `score` names, NaN where nobody judged the response.
    `winners` keeps ties, in the order of `responses`, and is empty where the rule chooses nobody;
    `remark` says so, and whatever else the reader must know.
    """

    rule: str
    responses: tuple[str, ...]
    winners: tuple[str, ...]
    scores: FloatArray
    score: str
    remark: str = ""


class VotingRule(Protocol):
    """Chooses among responses. Must keep ties, and say in its docstring what it does with gaps."""

    @property
    def name(self) -> str:
        """How commands call it."""
        ...

    @property
    def label(self) -> str:
        """How pages call it."""
        ...

    @property
    def needs_utilities(self) -> bool:
        """Whether orders alone are not enough for it."""
        ...

    def __call__(self, ballots: Ballots) -> Outcome:
        """Count; raises NeedsUtilities where an order is not enough."""
        ...


def highest(scores: FloatArray, *, responses: tuple[str, ...]) -> tuple[str, ...]:
    """The responses with the highest score, ties kept; NaN never wins."""
    if np.isnan(scores).all():
        return ()
    best = float(np.nanmax(scores))
    near = TIE * max(abs(best), 1.0)
    return tuple(
        name for name, score in zip(responses, scores, strict=True) if score >= best - near
    )


def weighted_mean(values: FloatArray, *, weights: FloatArray) -> FloatArray:
    """Mean over axis 0 of `values` (jurors, responses) by `weights` (jurors,), leaving NaN out."""
    mass = np.where(np.isnan(values), 0.0, weights[:, None])
    total = mass.sum(axis=0)
    sums = (mass * np.nan_to_num(values)).sum(axis=0)
    return np.asarray(np.divide(sums, total, out=np.full_like(sums, np.nan), where=total > 0))
