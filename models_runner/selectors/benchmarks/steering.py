"""How far responses in a study reflect attributes, by those who rated them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.models import Criterion
from annotations.selectors.ratings import RatedResponse, rating_matrix, utilities
from models_runner.domain.benchmark_definition import InvalidDefinition
from models_runner.selectors.jury_ratings import (
    NothingPredicted,
    Share,
    utilities_said_and_predicted,
)

FloatArray = NDArray[np.float64]
Members = Callable[[Mapping[str, Sequence[str]], int], NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class SourceScores:
    """Scores by source, (attributes, queries), NaN where nobody said anything; the queries are the
    same for all. `texts` by source and query.
    """

    scores: Mapping[str, FloatArray]
    texts: Mapping[str, Mapping[int, str]]
    is_predicted: bool


def jurors_scores(*, criteria: Sequence[Criterion]) -> SourceScores:
    """Mean utility of the ratings on each attribute's criterion.

    Raises:
        InvalidDefinition: nobody has rated on any of them.
    """
    found: list[FloatArray] = []
    responses: tuple[RatedResponse, ...] = ()
    for criterion in criteria:
        matrix = rating_matrix(criterion=criterion)
        responses = matrix.responses
        if not matrix.juror_ids:
            raise InvalidDefinition(f"Nobody has rated {criterion.name.lower()} yet.")
        found.append(_means(utilities(criterion=criterion, matrix=matrix)))
    return _by_source(np.stack(found), responses, is_predicted=False)


def said_by_group(*, criterion: Criterion, members: Sequence[Members]) -> SourceScores:
    """Mean utility on one criterion of the jurors of each attribute's group; what a juror has not
    said is predicted where a usable model is there.

    Raises:
        InvalidDefinition: nobody has rated, or a group has no jurors.
    """
    try:
        data = utilities_said_and_predicted(criterion=criterion, share=Share.BOTH)
    except NothingPredicted:
        data = utilities_said_and_predicted(criterion=criterion, share=Share.SAID)
    if not data.utilities.size:
        raise InvalidDefinition(f"Nobody has rated {criterion.name.lower()} yet.")
    rows = [own(data.traits, len(data.juror_ids)) for own in members]
    return _by_source(
        np.stack([_means(data.utilities[row]) for row in rows]),
        data.responses,
        is_predicted=bool(data.guessed.any()),
    )


def _means(values: FloatArray) -> FloatArray:
    """Over the rows (jurors, or responses) that have a value; NaN where none has."""
    said = ~np.isnan(values)
    count = said.sum(axis=0)
    total = np.where(said, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _by_source(
    scores: FloatArray, responses: Sequence[RatedResponse], *, is_predicted: bool
) -> SourceScores:
    """Several responses of a source to one query count as the mean of those that were rated."""
    queries = list(dict.fromkeys(response.query_id for response in responses))
    found: dict[str, FloatArray] = {}
    texts: dict[str, dict[int, str]] = {}
    for source in dict.fromkeys(response.source for response in responses):
        own = np.full((len(scores), len(queries)), np.nan)
        for place, query in enumerate(queries):
            columns = [
                column
                for column, response in enumerate(responses)
                if response.source == source and response.query_id == query
            ]
            if columns:
                own[:, place] = _means(scores[:, columns].T)
                texts.setdefault(source, {})[query] = responses[columns[0]].text
        found[source] = own
    return SourceScores(scores=found, texts=texts, is_predicted=is_predicted)
