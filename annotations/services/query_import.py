"""Queries and responses from a table, into a study: all of them or none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction

from annotations.domain.tables import (
    QUERY_FIELDS,
    ColumnMissing,
    OutsideOption,
    OutsideTable,
    QueryMaterial,
    RowProblem,
    read_queries,
)
from annotations.models import Query, QueryOption, Response, Source, Study
from annotations.selectors.checks import problem_of_expected
from annotations.selectors.shown import why_query_is_paired
from annotations.services.study_content import copy_material
from juries.models import User
from juries.services.audit import record_act

ROWS_AT_A_TIME = 2_000

Row = TypeVar("Row")


class MappingRefused(ValueError):
    """The mapping of columns can't be used; the message says which field or column."""


@dataclass(frozen=True)
class QueryImportReport:
    """What came of a table.

    Attributes:
        rows: rows read.
        queries: queries added.
        responses: responses added.
        sources: sources that the study did not have.
        known_queries: queries that the study had already, to which responses were added.
        problems: what is wrong, by row; where there is anything, nothing was added.
        problems_total: how many problems there are, also those not listed.
    """

    rows: int
    queries: int = 0
    responses: int = 0
    sources: int = 0
    known_queries: int = 0
    problems: tuple[RowProblem, ...] = ()
    problems_total: int = 0

    @property
    def is_done(self) -> bool:
        """Everything was added."""
        return not self.problems_total


def guessed_mapping(columns: Sequence[str]) -> dict[str, str]:
    """Fields whose name is also a heading, whatever its case and separators."""
    by_name = {column.lower().replace(" ", "_").replace("-", "_"): column for column in columns}
    return {field: by_name[field] for field in QUERY_FIELDS if field in by_name}


@transaction.atomic
def import_queries(
    *, study: Study, table: OutsideTable, mapping: Mapping[str, str], actor: User | None
) -> QueryImportReport:
    """Add the queries and responses of a table to a study.

    A query that the study has already, by its id, gets the responses that are new; its text must be
    the same. Queries come after those that are there, in the order of the table.

    Args:
        study: where they go.
        table: as `annotations.domain.tables.read_table` gives it.
        mapping: field -> column; the fields are `annotations.domain.tables.QUERY_FIELDS`.
        actor: who imports.

    Raises:
        MappingRefused: a needed field has no column, or a column is not there.
    """
    try:
        material = read_queries(table, mapping=mapping)
    except (ColumnMissing, ValueError) as problem:
        raise MappingRefused(str(problem)) from problem
    locked = Study.objects.select_for_update().get(pk=study.pk)
    known = {query.external_id: query for query in locked.queries.all()}
    _check_against_study(material, known, locked, mapping)
    problems = material.problems
    if problems.total:
        return QueryImportReport(
            rows=len(table.rows), problems=tuple(problems.found), problems_total=problems.total
        )
    added = _add_queries(locked, material, known)
    sources, new_sources = _sources(locked, material)
    for part in _portions(
        [
            Response(
                query=known[one.query_id],
                source=sources[one.source, one.revision],
                external_id=one.id,
                text=one.text,
            )
            for one in material.responses
        ]
    ):
        Response.objects.bulk_create(part)
    for query in material.queries:
        if query.repeats and known[query.id].ordinal >= locked.query_count:
            copy_material(query=known[query.id])
    Study.objects.filter(pk=locked.pk).update(query_count=locked.queries.count())
    report = QueryImportReport(
        rows=len(table.rows),
        queries=added,
        responses=len(material.responses),
        sources=new_sources,
        known_queries=len(material.queries) - added,
    )
    record_act(
        actor=actor,
        verb="imported queries into",
        subject=locked,
        details={"rows": report.rows, "queries": report.queries, "responses": report.responses},
    )
    return report


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield rows[start : start + ROWS_AT_A_TIME]


def _check_against_study(
    material: QueryMaterial,
    known: Mapping[str, Query],
    study: Study,
    mapping: Mapping[str, str],
) -> None:
    """Note where the table contradicts what the study has."""
    problems = material.problems
    answered = set(
        Response.objects.filter(query__study=study).values_list("query_id", "external_id")
    )
    options = _options_of(study)
    _check_checks(material, known, study, mapping)
    for query in material.queries:
        here = known.get(query.id)
        if here is None:
            continue
        if "response" not in mapping:
            problems.add(query.row, mapping["query_id"], f"the study has {query.id!r} already.")
        if query.expected and here.expected != query.expected:
            problems.add(
                query.row, mapping["expected"], f"the study has {query.id!r} asking otherwise."
            )
        if query.text and here.text != query.text:
            problems.add(
                query.row, mapping["query"], f"the study has {query.id!r} with another text."
            )
        if query.options and options.get(here.pk) != _comparable(query.options):
            problems.add(
                query.row,
                mapping["options"],
                f"the study has {query.id!r} with other options, or none.",
            )
    paired = {
        one.query_id: why_query_is_paired(known[one.query_id])
        for one in {one.query_id: one for one in material.responses}.values()
        if one.query_id in known
    }
    for response in material.responses:
        here = known.get(response.query_id)
        if paired.get(response.query_id):
            problems.add(response.row, mapping["query_id"], paired[response.query_id])
        if here is not None and (here.pk, response.id) in answered:
            problems.add(
                response.row,
                mapping.get("response_id") or mapping["source"],
                f"the study has the response {response.id!r} to {response.query_id!r} already.",
            )


def _check_checks(
    material: QueryMaterial, known: Mapping[str, Query], study: Study, mapping: Mapping[str, str]
) -> None:
    """Note where a check asks for what can't be given, or puts again what can't be."""
    problems = material.problems
    plain = {query.id: query for query in material.queries}
    again: dict[str, str] = {}
    for query in material.queries:
        if problem := problem_of_expected(study=study, expected=query.expected):
            problems.add(query.row, mapping["expected"], problem)
        if not query.repeats:
            continue
        here, there = known.get(query.repeats), plain.get(query.repeats)
        is_check = bool(here and here.check_kind) or bool(
            there and (there.repeats or there.expected)
        )
        text = here.text if here is not None else there.text if there is not None else None
        if text is None:
            words = f"there is no query {query.repeats!r} in the table or the study."
        elif is_check:
            words = f"{query.repeats!r} is a check itself; a check is not put again."
        elif query.repeats in again or (here is not None and here.repetitions.exists()):
            words = f"{query.repeats!r} is put again already."
        elif query.text and query.text != text:
            words = f"{query.repeats!r} has another text; leave the copy's text blank."
        elif query.id in known:
            words = f"the study has {query.id!r} already; give the copy another id."
        else:
            again[query.repeats] = query.id
            continue
        problems.add(query.row, mapping["repeats"], words)


def _comparable(options: Sequence[OutsideOption]) -> tuple[tuple[str, str, float | None], ...]:
    return tuple((option.key, option.text, option.code) for option in options)


def _options_of(study: Study) -> dict[int, tuple[tuple[str, str, float | None], ...]]:
    found: dict[int, list[tuple[str, str, float | None]]] = {}
    rows = QueryOption.objects.filter(query__study=study).order_by("query_id", "position", "id")
    for query_id, key, text, code in rows.values_list("query_id", "key", "text", "code"):
        found.setdefault(query_id, []).append((key, text, code))
    return {query_id: tuple(options) for query_id, options in found.items()}


def _add_queries(study: Study, material: QueryMaterial, known: dict[str, Query]) -> int:
    """Add the queries that are new, with their options, also to `known`; returns how many."""
    new = [query for query in material.queries if query.id not in known]
    first = study.query_count
    kinds = Query.Check
    originals = [
        Query(
            study=study,
            external_id=query.id,
            ordinal=first + place,
            text=query.text,
            expected=dict(query.expected),
            check_kind=kinds.INSTRUCTED if query.expected else kinds.NONE,
        )
        for place, query in enumerate(new)
        if not query.repeats
    ]
    for part in _portions(originals):
        known.update({query.external_id: query for query in Query.objects.bulk_create(part)})
    copies = [
        Query(
            study=study,
            external_id=query.id,
            ordinal=first + place,
            text=known[query.repeats].text,
            check_kind=kinds.REPEATED,
            repeats=known[query.repeats],
        )
        for place, query in enumerate(new)
        if query.repeats
    ]
    for part in _portions(copies):
        known.update({query.external_id: query for query in Query.objects.bulk_create(part)})
    options = [
        QueryOption(
            query=known[query.id],
            key=option.key,
            text=option.text,
            position=position,
            code=option.code,
        )
        for query in new
        for position, option in enumerate(query.options)
    ]
    for portion in _portions(options):
        QueryOption.objects.bulk_create(portion)
    return len(new)


def _sources(study: Study, material: QueryMaterial) -> tuple[dict[tuple[str, str], Source], int]:
    """The sources of the table by name and revision, and how many of them are new."""
    sources = {(source.name, source.revision): source for source in study.sources.all()}
    before = len(sources)
    for response in material.responses:
        key = (response.source, response.revision)
        if key not in sources:
            sources[key] = Source.objects.create(study=study, name=key[0], revision=key[1])
    return sources, len(sources) - before


def problem_lines(problems: Sequence[RowProblem], total: int) -> list[str]:
    """Problems as lines of a report, with a last one for those that are not listed."""
    lines = [str(problem) for problem in problems]
    if total > len(problems):
        lines.append(f"... and {total - len(problems)} more")
    return lines
