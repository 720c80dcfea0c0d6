"""Rules that add up sizes: Nash, utilitarian, relative utilitarian, MAX-SAT."""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.domain.voting.ballots import Ballots, FloatArray, InvalidBallots
from juries.domain.voting.outcomes import Outcome, highest, weighted_mean
from juries.domain.welfare import leximin_ranks, own_range, power_welfare, share_above


@dataclass(frozen=True, slots=True)
class PowerRule:
    """The response with the highest w_alpha; each is judged by those who have a value for it.

    At alpha = inf equal minima are told apart by leximin, where all jurors judged all who tie.
    """

    alpha: float
    name: str
    label: str
    needs_utilities: bool = True

    def __call__(self, ballots: Ballots) -> Outcome:
        """w_alpha of each response."""
        scores = power_welfare(
            ballots.utilities(rule=self.name),
            alpha=self.alpha,
            weights=ballots.weights,
            skip_missing=True,
        )
        winners = highest(scores, responses=ballots.responses)
        remark = ""
        if self.alpha == inf and len(winners) > 1:
            winners, remark = _by_leximin(ballots, winners)
        return Outcome(
            rule=self.name,
            responses=ballots.responses,
            winners=winners,
            scores=scores,
            score=f"welfare at alpha {self.alpha:g}",
            remark=remark,
        )


def _by_leximin(ballots: Ballots, tied: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Those of `tied` that are best in the leximin order, and a sentence on how that went."""
    columns = [ballots.responses.index(name) for name in tied]
    values = ballots.values[ballots.weights > 0][:, columns]
    if np.isnan(values).any():
        return tied, "Equal minima stay tied: leximin needs every juror's value for each of them."
    ranks = leximin_ranks(values)
    best = tuple(name for name, rank in zip(tied, ranks, strict=True) if rank == 0)
    return best, f"Equal minima ({', '.join(tied)}) were compared by leximin."


@dataclass(frozen=True, slots=True)
class RelativeUtilitarian:
    """The highest mean of utilities that are stretched to each juror's own range, 0 to 1.

    Everyone then has the same say, whether she uses the whole scale or a corner of it (Dhillon and
    Mertens, "Relative utilitarianism", Econometrica 67, 1999). The range is that of the responses
    that she judged; a juror who likes all alike is left out.
    """

    name: str = "relative_utilitarian"
    label: str = "relative utilitarian (own range of each juror)"
    needs_utilities: bool = True

    def __call__(self, ballots: Ballots) -> Outcome:
        """Mean of the stretched utilities, in [0, 1]."""
        stretched = own_range(ballots.utilities(rule=self.name))
        scores = weighted_mean(stretched, weights=ballots.weights)
        level = int((np.isnan(stretched).all(axis=1) & ballots.said.any(axis=1)).sum())
        return Outcome(
            rule=self.name,
            responses=ballots.responses,
            winners=highest(scores, responses=ballots.responses),
            scores=scores,
            score="mean utility in each juror's own range",
            remark=f"{level} juror(s) like all that they judged alike, and are left out."
            if level
            else "",
        )


@dataclass(frozen=True, slots=True)
class MaxSat:
    """The largest share of jurors with a utility *above* a threshold, among those who judged."""

    threshold: float = 0.5
    name: str = "max_sat"
    label: str = "MAX-SAT (share above a threshold)"
    needs_utilities: bool = True

    def __call__(self, ballots: Ballots) -> Outcome:
        """Share satisfied, in [0, 1]."""
        scores = share_above(
            ballots.utilities(rule=self.name),
            threshold=self.threshold,
            weights=ballots.weights,
            skip_missing=True,
        )
        return Outcome(
            rule=self.name,
            responses=ballots.responses,
            winners=highest(scores, responses=ballots.responses),
            scores=scores,
            score=f"share above {self.threshold:g}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdSweep:
    """MAX-SAT along the threshold, which only changes at values that somebody gave.

    `shares[k]` (steps, responses) holds for thresholds from `thresholds[k]` (included) to the next
    (excluded), the last one for all above. `winners[k]` keeps ties.
    """

    responses: tuple[str, ...]
    thresholds: FloatArray
    shares: FloatArray
    winners: tuple[tuple[str, ...], ...]


def sweep_threshold(
    utilities: ArrayLike,
    *,
    responses: tuple[str, ...],
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> ThresholdSweep:
    """Share of jurors above each threshold from 0 on, for utilities (jurors, responses).

    Raises InvalidBallots for names that don't fit, and what `share_above` raises.
    """
    values = np.asarray(utilities, dtype=float)
    if values.ndim != 2 or values.shape[1] != len(responses):
        raise InvalidBallots(
            f"{len(responses)} names were given for utilities of the shape {values.shape}."
        )
    steps: NDArray[np.float64] = np.unique(np.append(values[~np.isnan(values)], 0.0))
    shares = np.stack(
        [
            share_above(values, threshold=step, weights=weights, skip_missing=skip_missing)
            for step in steps
        ]
    )
    return ThresholdSweep(
        responses=responses,
        thresholds=steps,
        shares=shares,
        winners=tuple(highest(row, responses=responses) for row in shares),
    )
