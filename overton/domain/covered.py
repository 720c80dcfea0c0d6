"""Coverage of windows: of one response, and of a source over all queries that it answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured
from overton.domain.coverage import (
    Coverage,
    compute_coverage,
    mean_over_queries,
    summarise_source,
    union_of,
)
from overton.domain.windows import Window

FloatArray = npt.NDArray[np.float64]


def against_window(*, expressed: npt.ArrayLike, words: int, window: Window) -> Coverage:
    """Measures of one (answers,) row of readings (1, 0, NaN) against a window."""
    verdicts = window.answers
    names = [group.name for group in verdicts[0].groups] if verdicts else []
    held = {
        name: np.array(
            [
                np.nan if (value := answer.groups[place].support.value) is None else value
                for answer in verdicts
            ],
            dtype=np.float64,
        )
        for place, name in enumerate(names)
    }
    return compute_coverage(
        expressed=expressed,
        reasonable=window.reasonable,
        unreasonable=window.unreasonable,
        support=window.support,
        held_by_group=held,
        words=words,
    )


@dataclass(frozen=True, slots=True)
class SourceMeasures:
    """A source over its queries.

    Attributes:
        per_query: its responses to each query taken together.
        measures: mean of each of `overton.domain.coverage.MEASURES` with its interval.
        by_group: mean of each group's coverage.
        words: mean length of what it says to a query.
    """

    per_query: tuple[Coverage, ...]
    measures: dict[str, Measured]
    by_group: dict[str, Measured]
    words: float


def source_measures(
    *,
    marks: Sequence[Sequence[tuple[FloatArray, int]]],
    windows: Sequence[Window],
    seed: int,
    resamples: int,
) -> SourceMeasures:
    """Join a source's responses.

    Args:
        marks: for each query, (answers,) readings and words of each of its responses.
        windows: of the queries.
        seed: of the bootstrap over queries.
        resamples: of the bootstrap.
    """
    per_query = tuple(
        against_window(
            expressed=union_of(expressed=[row for row, _ in rows]),
            words=sum(words for _, words in rows),
            window=window,
        )
        for rows, window in zip(marks, windows, strict=True)
    )
    return SourceMeasures(
        per_query=per_query,
        measures=summarise_source(per_query=per_query, seed=seed, resamples=resamples),
        by_group={
            name: mean_over_queries(
                values=[dict(one.by_group)[name] for one in per_query],
                rng=np.random.default_rng(seed),
                resamples=resamples,
            )
            for name, _ in per_query[0].by_group
        },
        words=float(np.mean([one.words or 0 for one in per_query])),
    )
