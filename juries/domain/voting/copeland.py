"""Copeland's rule: count the duels won."""

from dataclasses import dataclass

import numpy as np

from juries.domain.voting.ballots import Ballots, duels
from juries.domain.voting.outcomes import Outcome, highest


@dataclass(frozen=True, slots=True)
class Copeland:
    """Duels won by more of those who judged both, ties counting ½.

    Two responses that nobody judged both of count as tied.
    """

    name: str = "copeland"
    label: str = "Copeland (duels won)"
    needs_utilities: bool = False

    def __call__(self, ballots: Ballots) -> Outcome:
        """Duels won, from 0 to (responses - 1)."""
        found = duels(ballots)
        span = range(len(ballots.responses))
        scores = np.array(
            [
                sum(
                    1.0 if margin > 0 else 0.5 if margin == 0 else 0.0
                    for margin in (found.margin(a, b) for b in span if b != a)
                )
                for a in span
            ]
        )
        winners = highest(scores, responses=ballots.responses)
        remarks = [found.remark()]
        if len(winners) == 1 and scores.max() == len(span) - 1 > 0:
            remarks.insert(0, f"{winners[0]} beats each other response (Condorcet winner).")
        return Outcome(
            rule=self.name,
            responses=ballots.responses,
            winners=winners,
            scores=scores,
            score="duels won",
            remark=" ".join(filter(None, remarks)),
        )
