"""Do people find themselves in what a source says? By groups of jurors who vote alike."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.domain.measured import Measured
from annotations.domain.ordering import derived_seed
from annotations.models import Criterion, Study
from annotations.selectors.ratings import RatingMatrix, rating_matrix
from juries.models import Juror
from overton.domain.opinion_groups import (
    REPRESENTED_FROM,
    OpinionGroups,
    Representation,
    represented_groups,
)
from overton.domain.representation import best_of, groups_of_queries, source_share, votes_of
from overton.selectors.coverage import RESAMPLES
from overton.selectors.windows import QueryWindow, StudyWindows

FIVE_POINTS = 4.0


@dataclass(frozen=True)
class SourceRepresentation:
    """A source's mean share of represented groups.

    Attributes:
        source: as the ratings name it.
        share: mean over queries of the share of groups that it represents, with its interval.
        per_query: each query with its groups; the best response of the source where it has several.
    """

    source: str
    share: Measured
    per_query: tuple[tuple[QueryWindow, Representation], ...]


@dataclass(frozen=True)
class StudyRepresentation:
    """Every source by one criterion.

    Attributes:
        criterion: what was asked, such as "is my view represented?".
        at_least: the mean rating from which a group counts as represented.
        groups: queries with how many groups there are, and why there are no more.
        sources: by share, the largest first.
    """

    criterion: Criterion
    at_least: float
    groups: tuple[tuple[QueryWindow, OpinionGroups], ...]
    sources: tuple[SourceRepresentation, ...]


def threshold_of(criterion: Criterion) -> float:
    """Where 4 stands on a scale from 1 to 5, on this criterion's own scale."""
    share = (REPRESENTED_FROM - 1) / FIVE_POINTS
    return criterion.low + share * (criterion.high - criterion.low)


def study_representation(
    *, study: Study, windows: StudyWindows, criterion: Criterion
) -> StudyRepresentation:
    """Groups of each query's jurors by their votes on its answers, and who represents them.

    Randomness comes from the study's own seed.
    """
    seed = int(derived_seed(seed=study.order_seed, purpose="opinion groups")[:8], 16)
    matrix = rating_matrix(criterion=criterion)
    rows = _rows(windows, matrix)
    at_least = threshold_of(criterion)
    parted = groups_of_queries(
        votes=votes_of(verdicts=windows.table.verdicts, holds=windows.table.holds),
        columns=[item.columns for item in windows.windows],
        seed=seed,
    )
    columns_of: dict[int, list[int]] = {}
    for column, response in enumerate(matrix.responses):
        columns_of.setdefault(response.query_id, []).append(column)
    found: dict[str, list[tuple[QueryWindow, Representation]]] = {}
    for item, groups in zip(windows.windows, parted, strict=True):
        by_source: dict[str, list[Representation]] = {}
        for column in columns_of.get(item.query.pk, []):
            ratings = np.full(len(rows), np.nan)
            known = rows >= 0
            ratings[known] = matrix.values[rows[known], column]
            by_source.setdefault(matrix.responses[column].source, []).append(
                represented_groups(
                    ratings=ratings,
                    members=groups.members,
                    at_least=at_least,
                    scale=(criterion.low, criterion.high),
                )
            )
        for source, own in by_source.items():
            found.setdefault(source, []).append((item, best_of(own)))
    sources = [
        SourceRepresentation(
            source=source,
            share=source_share(
                per_query=[own for _, own in per_query], seed=seed, resamples=RESAMPLES
            ),
            per_query=tuple(per_query),
        )
        for source, per_query in found.items()
    ]
    return StudyRepresentation(
        criterion=criterion,
        at_least=at_least,
        groups=tuple(zip(windows.windows, parted, strict=True)),
        sources=tuple(
            sorted(
                sources,
                key=lambda own: (own.share.value is None, -(own.share.value or 0.0), own.source),
            )
        ),
    )


def _rows(windows: StudyWindows, matrix: RatingMatrix) -> NDArray[np.int64]:
    """(jurors,) the row of each juror who judged among those who rated; -1 for none."""
    keys: Mapping[object, int] = dict(
        Juror.objects.filter(public_id__in=windows.table.jurors).values_list("public_id", "pk")
    )
    place = {pk: number for number, pk in enumerate(matrix.juror_ids)}
    return np.array([place.get(keys[juror], -1) for juror in windows.table.jurors], dtype=np.int64)
