"""How sure a rule's choice is, given who happened to sit on the jury."""

from dataclasses import replace
from math import inf

import numpy as np

from juries.domain.voting.ballots import Ballots, FloatArray
from juries.domain.voting.cardinal import PowerRule
from juries.domain.voting.outcomes import VotingRule


def chances_to_win(rule: VotingRule, ballots: Ballots, *, counts: FloatArray) -> FloatArray:
    """The part of resampled juries in which each response wins, ties shared, (responses,).

    `counts` (resamples, jurors) says how often each juror stands in each (`resample_counts`). A
    jury that chooses nobody counts for nobody, so the sum may be below 1; a response that nobody
    in a jury judged has no part in it. NaN for the minimum, which has no honest bootstrap.
    """
    if isinstance(rule, PowerRule) and rule.alpha == inf:
        return np.full(len(ballots.responses), np.nan)
    chances = np.zeros(len(ballots.responses))
    for count in counts:
        # Products of decimals are brought back to decimals, so that ties stay ties.
        weights = np.round(count * ballots.weights, 12)
        heard = ~np.isnan(ballots.values[weights > 0]).all(axis=0)
        if not heard.any():
            continue
        part = replace(
            ballots,
            responses=tuple(np.array(ballots.responses, dtype=object)[heard]),
            values=ballots.values[:, heard],
            weights=weights,
        )
        for winner in (found := rule(part).winners):
            chances[ballots.responses.index(winner)] += 1 / len(found)
    return chances / len(counts)
