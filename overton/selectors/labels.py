"""People's readings of which responses express which answers, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db.models import Count, Max
from numpy.typing import NDArray

from annotations.models import Response, Study
from annotations.selectors.sources import source_labels
from overton.domain.labels import ExpressionLabel as Reading
from overton.domain.labels import PooledLabel, pool_all
from overton.models import ExpressionLabel, LabelResolution
from overton.selectors.said import AskedQuery, StandingAnswer, standing_answers

CODES = {reading: float(place) for place, reading in enumerate(Reading)}
Pair = tuple[int, int]


@dataclass(frozen=True)
class LabelledResponse:
    """A response that answers are looked for in."""

    pk: int
    public_id: UUID
    query: int  # place of its query
    source: str
    words: int
    text: str


@dataclass(frozen=True)
class LabelTable:
    """What people read in a study's responses.

    A pair is (place of the response, place of the answer); both belong to one query.

    Attributes:
        responses: by query and source.
        answers: standing answers, by query.
        pooled: what the readers of each labelled pair make of it.
        pairs: every pair there is to label.
        readings: (people, labelled pairs) places in `ExpressionLabel`, NaN where not labelled;
            jurors first, then researchers; columns in the order of `pooled`.
        jurors, researchers: how many of either labelled something.
    """

    responses: tuple[LabelledResponse, ...]
    answers: tuple[StandingAnswer, ...]
    pooled: Mapping[Pair, PooledLabel]
    pairs: tuple[Pair, ...]
    readings: NDArray[np.float64]
    jurors: int
    researchers: int

    def expressed(self, *, response: int, answers: tuple[int, ...]) -> NDArray[np.float64]:
        """(answers,) 1 where the response expresses the answer, 0 where not, NaN where open."""
        return np.array(
            [
                pooled.expressed if (pooled := self.pooled.get((response, answer))) else np.nan
                for answer in answers
            ],
            dtype=np.float64,
        )


def label_table(
    *, study: Study, queries: tuple[AskedQuery, ...], unknowing: bool = False
) -> LabelTable:
    """Every current label of the study, one a person and pair; merged answers are resolved.

    Args:
        study: whose labels.
        queries: those whose answers are meant.
        unknowing: take the last label of each person, and the last decision, that was made before
            a model's reading of the pair was shown: what a model can be checked against.
    """
    counts = {"knew_reading": False} if unknowing else {"is_current": True}
    place = {query.pk: number for number, query in enumerate(queries)}
    answers, direct, merged = standing_answers(study=study, queries=queries)
    called = source_labels(study_id=study.pk)
    responses = tuple(
        LabelledResponse(
            pk=row.pk,
            public_id=row.public_id,
            query=place[row.query_id],
            source=called[row.source_id],
            words=len(row.text.split()),
            text=row.text,
        )
        for row in Response.objects.filter(query__study=study, query__check_kind="").order_by(
            "query__ordinal", "source__name", "source__revision", "pk"
        )
    )
    row_of = {response.pk: number for number, response in enumerate(responses)}
    said = list(
        ExpressionLabel.objects.filter(
            response__query__study=study, response__query__check_kind="", **counts
        )
        .order_by("pk")
        .values_list("response_id", "answer_id", "juror_id", "researcher_id", "label")
    )
    # One reading a person and pair: the standing answer's own comes last and so prevails.
    person_of: dict[tuple[bool, int], dict[Pair, Reading]] = {}
    for column_of in (merged, direct):
        for response, answer, juror, researcher, label in said:
            column = column_of.get(answer)
            if column is not None:
                person = (juror is None, juror or researcher or 0)
                pair = (row_of[response], column)
                person_of.setdefault(person, {})[pair] = Reading(label)
    by_jurors: dict[Pair, list[Reading]] = {}
    by_researchers: dict[Pair, list[Reading]] = {}
    for (is_researcher, _), given in person_of.items():
        target = by_researchers if is_researcher else by_jurors
        for pair, reading in given.items():
            target.setdefault(pair, []).append(reading)
    decisions = list(
        LabelResolution.objects.filter(
            response__query__study=study, response__query__check_kind="", **counts
        )
        .order_by("pk")
        .values_list("response_id", "answer_id", "label")
    )
    decided: dict[Pair, Reading] = {}
    for column_of in (merged, direct):
        for response, answer, label in decisions:
            column = column_of.get(answer)
            if column is not None:
                decided[row_of[response], column] = Reading(label)
    pooled = pool_all(jurors=by_jurors, researchers=by_researchers, decided=decided)
    columns = {pair: number for number, pair in enumerate(pooled)}
    people = sorted(person_of)
    readings = np.full((len(people), len(columns)), np.nan)
    for number, person in enumerate(people):
        for pair, reading in person_of[person].items():
            readings[number, columns[pair]] = CODES[reading]
    of_query: dict[int, list[int]] = {}
    for number, standing in enumerate(answers):
        of_query.setdefault(standing.query, []).append(number)
    return LabelTable(
        responses=responses,
        answers=answers,
        pooled=pooled,
        pairs=tuple(
            (number, column)
            for number, response in enumerate(responses)
            for column in of_query.get(response.query, ())
        ),
        readings=readings,
        jurors=sum(not is_researcher for is_researcher, _ in people),
        researchers=sum(is_researcher for is_researcher, _ in people),
    )


def labels_fingerprint(*, study: Study) -> str:
    """Changes with every label, decision on labels, and response."""
    said = ExpressionLabel.objects.filter(response__query__study=study).aggregate(
        number=Count("id"), newest=Max("id")
    )
    shown = Response.objects.filter(query__study=study).aggregate(
        number=Count("id"), newest=Max("id")
    )
    decided = LabelResolution.objects.filter(response__query__study=study).aggregate(
        number=Count("id"), newest=Max("id")
    )
    return f"{said}{decided}{shown}"
