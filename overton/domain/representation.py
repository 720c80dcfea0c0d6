"""Which groups of like-minded jurors find themselves in what is said to a query.

As in OvertonBench (Poole-Dayan and others, "Benchmarking Overton pluralism in LLMs", 2025), the
groups are found anew for each query, among those who judged its answers: who stands together on one
question may differ on the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured
from overton.domain.coverage import mean_over_queries
from overton.domain.opinion_groups import (
    InvalidVotes,
    OpinionGroups,
    Representation,
    opinion_groups,
)
from overton.domain.windows import JudgementCode

FloatArray = npt.NDArray[np.float64]

# One verdict says too little of where a juror stands.
FEWEST_VOTES = 2


def votes_of(*, verdicts: npt.ArrayLike, holds: npt.ArrayLike) -> FloatArray:
    """Votes on answers, from what jurors judged.

    Args:
        verdicts: (J, A) of :class:`JudgementCode`.
        holds: (J, A) 1 she holds it herself, 0 she doesn't, NaN not known.

    Returns:
        (J, A): 1 where a juror holds the answer, -1 where she calls it unreasonable, 0 where she
        said something else, NaN where she said nothing.

    Raises:
        InvalidVotes: the shapes differ.
    """
    codes = np.asarray(verdicts, dtype=np.int64)
    held = np.asarray(holds, dtype=np.float64)
    if codes.shape != held.shape:
        raise InvalidVotes(
            f"verdicts and holds have shapes {codes.shape} and {held.shape}; both must be "
            "(jurors, answers)."
        )
    votes = np.where(codes == JudgementCode.UNREASONABLE, -1.0, 0.0)
    votes[held == 1] = 1.0
    votes[codes == JudgementCode.NOT_SAID] = np.nan
    return votes


def groups_of_queries(
    *, votes: FloatArray, columns: Iterable[Sequence[int]], seed: int
) -> tuple[OpinionGroups, ...]:
    """Each query's groups of jurors, by their votes on its answers alone.

    Args:
        votes: (J, A) as :func:`votes_of` gives them.
        columns: for each query the places of its answers among A.
        seed: of the search; each query starts from it, so that no query hangs on another.

    Jurors with fewer than ``FEWEST_VOTES`` votes on a query are in none of its groups.
    """
    return tuple(
        opinion_groups(votes=votes[:, list(own)], seed=seed, fewest_votes=FEWEST_VOTES)
        for own in columns
    )


def best_of(found: Sequence[Representation]) -> Representation:
    """Of a source's responses to one query, the first that represents the largest share of groups.

    One that nobody rated counts only where there is no other. `found` must not be empty.
    """
    return max(found, key=lambda own: -1.0 if own.share.value is None else own.share.value)


def source_share(*, per_query: Sequence[Representation], seed: int, resamples: int) -> Measured:
    """A source's mean share of represented groups, with a percentile bootstrap over queries.

    Args:
        per_query: the best of its responses to each query.
        seed: of the bootstrap.
        resamples: of the bootstrap.
    """
    return mean_over_queries(
        values=[own.share for own in per_query],
        rng=np.random.default_rng(seed),
        resamples=resamples,
    )
