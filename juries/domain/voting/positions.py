"""Rules that read each juror's own order: Borda, plurality, majority."""

from dataclasses import dataclass

import numpy as np

from juries.domain.voting.ballots import Ballots, FloatArray
from juries.domain.voting.outcomes import Outcome, highest, weighted_mean


@dataclass(frozen=True, slots=True)
class Borda:
    """The mean part of the other responses that a juror puts a response above, ties counting ½.

    In [0, 1]: the classical count over (responses - 1). A juror who left some out is read among
    those that she judged, and counts only there; one who judged a single response says nothing
    of the order, and counts nowhere.
    """

    name: str = "borda"
    label: str = "Borda (mean place)"
    needs_utilities: bool = False

    def __call__(self, ballots: Ballots) -> Outcome:
        """Mean place of each response."""
        scores = weighted_mean(_places(ballots), weights=ballots.weights)
        return Outcome(
            rule=self.name,
            responses=ballots.responses,
            winners=highest(scores, responses=ballots.responses),
            scores=scores,
            score="part of the other responses that it stands above",
        )


@dataclass(frozen=True, slots=True)
class Plurality:
    """The part of the jury that puts a response first; a juror's shared first places are split.

    A juror who left some out has her first place among those that she judged.
    """

    name: str = "plurality"
    label: str = "plurality (most first places)"
    needs_utilities: bool = False

    def __call__(self, ballots: Ballots) -> Outcome:
        """Share of first places."""
        scores = _first_places(ballots)
        return Outcome(
            rule=self.name,
            responses=ballots.responses,
            winners=highest(scores, responses=ballots.responses),
            scores=scores,
            score="share of first places",
        )


@dataclass(frozen=True, slots=True)
class Majority:
    """The response that more than half of the jury puts first, if there is one.

    First places are counted as for `Plurality`.
    """

    name: str = "majority"
    label: str = "majority (more than half of the first places)"
    needs_utilities: bool = False

    def __call__(self, ballots: Ballots) -> Outcome:
        """Share of first places, and the winner if it exceeds ½."""
        scores = _first_places(ballots)
        winners = tuple(
            name
            for name, share in zip(ballots.responses, scores, strict=True)
            if share > 0.5 + 1e-12
        )
        return Outcome(
            rule=self.name,
            responses=ballots.responses,
            winners=winners,
            scores=scores,
            score="share of first places",
            remark="" if winners else "No response has more than half of the first places.",
        )


def _places(ballots: Ballots) -> FloatArray:
    places = np.full(ballots.values.shape, np.nan)
    for juror, row in enumerate(ballots.values):
        known = np.flatnonzero(~np.isnan(row))
        if len(known) < 2:
            continue
        mine = row[known]
        below = (mine[:, None] > mine).sum(axis=1)
        level = (mine[:, None] == mine).sum(axis=1) - 1
        places[juror, known] = (below + level / 2) / (len(known) - 1)
    return places


def _first_places(ballots: Ballots) -> FloatArray:
    said = ballots.said
    rows = said.any(axis=1)
    values = np.where(said, ballots.values, -np.inf)[rows]
    first = values == values.max(axis=1, keepdims=True)
    weights = ballots.weights[rows]
    shares = first / first.sum(axis=1, keepdims=True)
    scores = (weights[:, None] * shares).sum(axis=0) / max(float(weights.sum()), 1e-300)
    return np.asarray(np.where(said.any(axis=0), scores, np.nan))
