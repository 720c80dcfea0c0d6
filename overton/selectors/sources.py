"""One source in depth: which views it leaves out, and what it says against the window."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.domain.measured import Measured
from annotations.models import Source, Study
from annotations.selectors.sources import source_labels
from overton.domain.coverage import Coverage, union_of
from overton.domain.windows import AnswerVerdict
from overton.selectors.coverage import SourceCoverage, StudyCoverage
from overton.selectors.labels import LabelledResponse
from overton.selectors.readings import marks_of
from overton.selectors.said import AskedQuery, StandingAnswer
from overton.selectors.windows import QueryWindow


@dataclass(frozen=True)
class StudySource:
    """A source of the study: its key for addresses, and its name as coverage knows it."""

    pk: int
    name: str


@dataclass(frozen=True)
class NamedAnswer:
    """An answer with what the jury makes of it, and the source's responses to its query.

    `strongest` is the group that holds it most, of those large enough to have a say on it.
    """

    query: AskedQuery
    number: int
    answer: StandingAnswer
    verdict: AnswerVerdict
    responses: tuple[LabelledResponse, ...]
    strongest: tuple[str, Measured] | None

    @property
    def support(self) -> Measured:
        """Share of the jury that holds it."""
        return self.verdict.everyone.support


@dataclass(frozen=True)
class QueryRow:
    """The source on one query.

    `total` is how many answers are reasonable by the rule, `missing` how many of them it leaves
    out.
    """

    query: AskedQuery
    responses: tuple[LabelledResponse, ...]
    coverage: Coverage
    total: int
    missing: int


@dataclass(frozen=True)
class SourcePage:
    """What the page of a source shows.

    Attributes:
        coverage: its measures.
        left_out: reasonable answers that it never expresses, the most widely held first.
        unsettled: reasonable answers of which that is not known, in the same order.
        unreasonable: unreasonable answers that it expresses, the least acceptable first.
        queries: each query that it answered, in the study's order.
    """

    coverage: SourceCoverage
    left_out: tuple[NamedAnswer, ...]
    unsettled: tuple[NamedAnswer, ...]
    unreasonable: tuple[NamedAnswer, ...]
    queries: tuple[QueryRow, ...]

    @property
    def pluralistic(self) -> list[QueryRow]:
        """Queries whose window it covers whole without an unreasonable answer."""
        return [row for row in self.queries if row.coverage.overton_pluralistic.value == 1]

    def left_out_of(self, group: str) -> list[tuple[NamedAnswer, Measured]]:
        """What it leaves out with the group's own support, the most widely held there first."""
        held = [
            (named, own.support)
            for named in self.left_out
            for own in named.verdict.groups
            if own.name == group and own.support.value
        ]
        return sorted(held, key=lambda pair: -(pair[1].value or 0.0))


def study_sources(*, study: Study) -> list[StudySource]:
    """The study's sources, by name."""
    called = source_labels(study_id=study.pk)
    return [
        StudySource(pk=row.pk, name=called[row.pk]) for row in Source.objects.filter(study=study)
    ]


def source_page(*, found: StudyCoverage, source: str) -> SourcePage | None:
    """A source's page from the study's coverage; None where it answered no query with answers."""
    coverage = next((own for own in found.sources if own.source == source), None)
    if coverage is None:
        return None
    left_out, unsettled, unreasonable, queries = [], [], [], []
    for item, covered in zip(coverage.windows, coverage.per_query, strict=True):
        responses = tuple(own.response for own in found.responses
                          if own.window is item and own.response.source == source)  # fmt: skip
        marks = _marks(found, item, responses)
        named = _named(item, responses)
        w, u = item.window.reasonable, item.window.unreasonable
        missing = 0
        for place, answer in enumerate(named):
            if w[place] and np.isnan(marks[place]):
                unsettled.append(answer)
            elif w[place] and marks[place] == 0:
                left_out.append(answer)
                missing += 1
            elif u[place] and marks[place] == 1:
                unreasonable.append(answer)
        queries.append(
            QueryRow(
                query=item.query,
                responses=responses,
                coverage=covered,
                total=int(w.sum()),
                missing=missing,
            )
        )
    return SourcePage(
        coverage=coverage,
        left_out=tuple(sorted(left_out, key=_most_held)),
        unsettled=tuple(sorted(unsettled, key=_most_held)),
        unreasonable=tuple(sorted(unreasonable, key=_least_acceptable)),
        queries=tuple(queries),
    )


def _marks(
    found: StudyCoverage, item: QueryWindow, responses: tuple[LabelledResponse, ...]
) -> NDArray[np.float64]:
    """(answers,) what the responses express together: 1, 0, or NaN where that is open."""
    place = {response.pk: number for number, response in enumerate(found.labels.responses)}
    return union_of(
        expressed=[
            marks_of(
                table=found.labels,
                read=found.read,
                response=place[response.pk],
                answers=item.columns,
            ).expressed
            for response in responses
        ]
    )


def _named(item: QueryWindow, responses: tuple[LabelledResponse, ...]) -> list[NamedAnswer]:
    number = {answer.pk: place for place, (answer, _) in enumerate(item.ranked(), start=1)}
    named = []
    for answer, verdict in zip(item.answers, item.window.answers, strict=True):
        known = [
            (own.name, own.support) for own in verdict.groups if own.has_say and own.support.value
        ]
        named.append(
            NamedAnswer(
                query=item.query,
                number=number[answer.pk],
                answer=answer,
                verdict=verdict,
                responses=responses,
                strongest=max(known, key=lambda own: own[1].value or 0.0) if known else None,
            )
        )
    return named


def _most_held(named: NamedAnswer) -> tuple[float, int]:
    value = named.support.value
    return (1.0 if value is None else -value), named.answer.pk


def _least_acceptable(named: NamedAnswer) -> tuple[float, int]:
    return named.verdict.everyone.acceptability.value or 0.0, named.answer.pk
