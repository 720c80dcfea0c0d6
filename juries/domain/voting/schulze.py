"""Schulze's rule (M. Schulze, "A new monotonic, clone-independent, reversal symmetric, and
Condorcet-consistent single-winner election method", Social Choice and Welfare 36, 2011).
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from juries.domain.voting.ballots import Ballots, Matrix, duels
from juries.domain.voting.outcomes import Outcome


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SchulzeOutcome(Outcome):
    """With `paths[a][b]`, the strength of the strongest path from a to b (0 where there is none).

    A path is as strong as its weakest duel; a duel that is won is as strong as the weight of the
    jurors behind the winner ("winning votes").
    """

    paths: Matrix


@dataclass(frozen=True, slots=True)
class Schulze:
    """The responses from which no other has a stronger path than the one back.

    A juror's tie counts for neither side, and a pair of which she judged one is no duel of hers.
    """

    name: str = "schulze"
    label: str = "Schulze (strongest paths)"
    needs_utilities: bool = False

    def __call__(self, ballots: Ballots) -> SchulzeOutcome:
        """Strongest paths; the score is the number of responses that are beaten along them."""
        found = duels(ballots)
        number = len(ballots.responses)
        strengths = [
            [
                found.wins[a][b] if found.wins[a][b] > found.wins[b][a] else Fraction(0)
                for b in range(number)
            ]
            for a in range(number)
        ]
        levels = sorted({Fraction(0), *(strength for row in strengths for strength in row)})
        place = {level: index for index, level in enumerate(levels)}
        widest = _widest(np.array([[place[value] for value in row] for row in strengths]))
        scores = (widest > widest.T).sum(axis=1).astype(float)
        unbeaten = (widest >= widest.T).all(axis=1)
        return SchulzeOutcome(
            rule=self.name,
            responses=ballots.responses,
            winners=tuple(np.array(ballots.responses, dtype=object)[unbeaten]),
            scores=scores,
            score="responses that it beats along the strongest paths",
            remark=found.remark(),
            paths=tuple(tuple(levels[int(value)] for value in row) for row in widest),
        )


def _widest(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Strongest paths by Floyd and Warshall, on whole numbers in the strengths' order."""
    widest = levels.copy()
    for through in range(len(widest)):
        by_it = np.minimum(widest[:, through, None], widest[None, through, :])
        widest = np.maximum(widest, by_it)
    np.fill_diagonal(widest, 0)
    return widest
