"""What was put before the jury: criteria, sources, queries, options, responses."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from annotations.domain.scales import InvalidScale, Scale, ScaleKind
from annotations.models import Criterion, Query, QueryOption, Response, Source, Study
from annotations.parts.base import BundleRow, TablePart, cell
from annotations.ports import ExportOptions, ImportedIds
from annotations.selectors.checks import problem_of_expected
from annotations.selectors.exports import query_names
from annotations.services.bundles import BundleRefused


class CriteriaPart(TablePart[Criterion]):
    """What was rated, on which scales."""

    name = "criteria"
    meaning = "What was rated, and on which scale. Bounds are declared, not observed."
    model = Criterion
    id_columns = ("criterion",)
    cells = (
        cell("criterion", "string", "its key", path="key"),
        cell("name", "string", "its name"),
        cell("question", "string", "as asked"),
        cell("scale_kind", "string", "likert, slider or yes_no"),
        cell("low", "float", "lowest value of the scale"),
        cell("high", "float", "highest value of the scale"),
        cell("step", "float", "distance of two values"),
        cell("low_label", "string", "words at the low end"),
        cell("high_label", "string", "words at the high end"),
        cell("labels", "json", "words at points of the scale"),
        cell("allows_cant_say", "boolean", "a juror could say that she can't say"),
        cell("position", "integer", "order of the criteria"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Criterion]:
        """The study's criteria."""
        return Criterion.objects.using(using).filter(study=study).order_by("position", "id")

    def build(self, *, row: BundleRow, study: Study) -> Criterion:
        """One criterion, if its scale makes sense."""
        criterion = Criterion(
            study=study,
            key=row.given("criterion"),
            name=row.given("name"),
            question=row.given("question"),
            scale_kind=row.one_of("scale_kind", Criterion.ScaleKind),
            low=row.given("low"),
            high=row.given("high"),
            step=row.given("step"),
            low_label=row.given("low_label"),
            high_label=row.given("high_label"),
            labels=row.given("labels"),
            allows_cant_say=row.given("allows_cant_say"),
            position=row.count("position"),
        )
        try:
            scale_of(criterion)
        except InvalidScale as problem:
            raise row.problem(str(problem)) from problem
        return criterion


def scale_of(criterion: Criterion) -> Scale:
    """The numbers that may stand in a data set on a criterion: on a slider any between its ends.

    Raises:
        InvalidScale: its declaration contradicts itself.
    """
    kind = ScaleKind(criterion.scale_kind)
    return Scale(
        kind=kind,
        low=criterion.low,
        high=criterion.high,
        step=None if kind is ScaleKind.SLIDER else criterion.step,
        allows_cant_say=criterion.allows_cant_say,
    )


class SourcesPart(TablePart[Source]):
    """Who or what answered."""

    name = "sources"
    meaning = "Who or what answered: models at a revision, or people."
    model = Source
    id_columns = ("source", "revision")
    cells = (
        cell("source", "string", "name", path="name"),
        cell("revision", "string", "revision of a model"),
        cell("kind", "string", "model, person or other"),
        cell("description", "string", "what else is known of it"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Source]:
        """The study's sources."""
        return Source.objects.using(using).filter(study=study).order_by("pk")

    def build(self, *, row: BundleRow, study: Study) -> Source:
        """One source."""
        return Source(
            study=study,
            name=row.given("source"),
            revision=row.given("revision"),
            kind=row.one_of("kind", Source.Kind),
            description=row.given("description"),
        )


class QueriesPart(TablePart[Query]):
    """What was asked."""

    name = "queries"
    meaning = "What was asked."
    model = Query
    id_columns = ("query",)
    cells = (
        cell("query", "string", "random id of the query", path="public_id", is_uuid=True),
        cell("external_id", "string", "the researchers' own id of it"),
        cell("ordinal", "integer", "its number in the study, from 0"),
        cell("text", "string", "as asked (Markdown)"),
        cell(
            "check",
            "string",
            "instructed or repeated: it watches how the work is done and enters no result",
            path="check_kind",
            may_lack=True,
        ),
        cell("expected", "json", "what an instructed one asks for, by criterion", may_lack=True),
        cell(
            "repeats",
            "string",
            "id of the query that a repeated one puts again",
            path="repeats_id",
            lookup=query_names,
            may_lack=True,
        ),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Query]:
        """The study's queries."""
        return Query.objects.using(using).filter(study=study).order_by("ordinal")

    def build(self, *, row: BundleRow, study: Study) -> Query:
        """One query."""
        return Query(
            study=study,
            public_id=row.public_id("query"),
            external_id=row.given("external_id"),
            ordinal=row.count("ordinal"),
            text=row.given("text"),
            check_kind=row.one_of("check", Query.Check) if row["check"] else Query.Check.NONE,
            expected=_expected(row, study),
        )

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Make the queries; then those that put others again can point to them."""
        copies: list[tuple[str, str]] = []

        def noted() -> Iterator[Mapping[str, Any]]:
            for row in rows:
                if row["check"] == Query.Check.REPEATED or row["repeats"] is not None:
                    copies.append((str(row["query"]), str(row["repeats"])))
                yield row

        total = super().load(study=study, rows=noted(), ids=ids)
        known = ids.rows.get(self.name, {})
        for copy, original in copies:
            if original not in known or original == copy:
                raise BundleRefused(f"queries: {copy!r} repeats {original!r}, which is not there.")
            changed = Query.objects.filter(pk=known[copy], check_kind=Query.Check.REPEATED)
            if not changed.update(repeats=known[original]):
                raise BundleRefused(f"queries: {copy!r} repeats another, but is not marked so.")
        return total


def _expected(row: BundleRow, study: Study) -> dict[str, Any]:
    expected = row["expected"] or {}
    if not isinstance(expected, dict) or bool(expected) != (row["check"] == "instructed"):
        raise row.problem("expected and check contradict each other.")
    if not all(type(value) in (int, float) for value in expected.values()):
        raise row.problem(f"expected is {expected!r}, but holds a number for each criterion.")
    if problem := problem_of_expected(study=study, expected=expected):
        raise row.problem(problem)
    return expected


class OptionsPart(TablePart[QueryOption]):
    """What could be chosen on a query."""

    name = "options"
    meaning = "Options that a juror could choose on a query."
    model = QueryOption
    id_columns = ("query", "option")
    cells = (
        cell("query", "string", "id of the query", path="query_id", lookup=query_names),
        cell("option", "string", "key of the option", path="key"),
        cell("text", "string", "as shown"),
        cell("position", "integer", "order of the options"),
        cell("code", "float", "place on an ordinal scale; empty: none"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[QueryOption]:
        """Options of the study's queries."""
        return (
            QueryOption.objects.using(using)
            .filter(query__study=study)
            .order_by("query__ordinal", "position", "pk")
        )

    def build(self, *, row: BundleRow, study: Study) -> QueryOption:
        """One option."""
        return QueryOption(
            query_id=row.ref("query", "queries"),
            key=row.given("option"),
            text=row.given("text"),
            position=row.count("position"),
            code=row["code"],
        )


class ResponsesPart(TablePart[Response]):
    """What was answered."""

    name = "responses"
    meaning = "What the sources answered."
    model = Response
    id_columns = ("response",)
    cells = (
        cell("response", "string", "random id of the response", path="public_id", is_uuid=True),
        cell("query", "string", "id of the query", path="query_id", lookup=query_names),
        cell("source", "string", "who or what answered", path="source__name"),
        cell("source_revision", "string", "revision of a model", path="source__revision"),
        cell("external_id", "string", "the researchers' own id of it"),
        cell("text", "string", "the response (Markdown)"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Response]:
        """Responses to the study's queries."""
        return (
            Response.objects.using(using)
            .filter(query__study=study)
            .order_by("query__ordinal", "pk")
        )

    def build(self, *, row: BundleRow, study: Study) -> Response:
        """One response."""
        return Response(
            public_id=row.public_id("response"),
            query_id=row.ref("query", "queries"),
            source_id=row.ref_pair(("source", "source_revision"), "sources"),
            external_id=row.given("external_id"),
            text=row.given("text"),
        )
