"""One source: its measures, what it leaves out, and each of its queries, as tables."""

from annotations.domain.measured import Measured
from annotations.ports import Table
from overton.domain.coverage import MEASURES, Coverage
from overton.figures.comparison import MEASURE_MEANS, MEASURE_NAMES
from overton.selectors.sources import SourcePage

Cell = str | int | float | None


def measures_table(page: SourcePage) -> Table:
    """Every measure of the source over its queries."""
    rows: list[tuple[Cell, ...]] = [
        (MEASURE_NAMES[name], *_cells(page.coverage.measures[name]), MEASURE_MEANS[name])
        for name in MEASURES
    ]
    rows += [
        (f"coverage of what {name} hold", *_cells(own), "weighted by the group’s support")
        for name, own in page.coverage.by_group.items()
    ]
    return Table(
        columns=("measure", "value", "from", "to", "queries", "not computed", "means"),
        rows=tuple(rows),
        numeric=frozenset({1, 2, 3, 4}),
        caption="The source’s measures; shares between 0 and 1",
    )


def _cells(own: Measured) -> tuple[Cell, ...]:
    return own.value, own.low, own.high, own.count, own.reason


def answers_table(page: SourcePage) -> Table:
    """Reasonable answers left out or not settled, and unreasonable answers expressed."""
    groups = list(page.coverage.by_group)
    rows: list[tuple[Cell, ...]] = [
        (
            named.query.external_id,
            named.answer.text,
            named.verdict.verdict.value,
            what,
            named.support.value,
            named.support.low,
            named.support.high,
            *(own.support.value for own in named.verdict.groups),
        )
        for what, answers in (
            ("left out", page.left_out),
            ("not settled", page.unsettled),
            ("unreasonable, expressed", page.unreasonable),
        )
        for named in answers
    ]
    columns = (
        *("query", "answer", "verdict", "the source", "held by", "from", "to"),
        *(f"held by {name}" for name in groups),
    )
    return Table(
        columns=columns,
        rows=tuple(rows),
        numeric=frozenset(range(4, len(columns))),
        caption="What the source leaves out of the window, and what it says against it",
    )


def queries_table(page: SourcePage) -> Table:
    """Each query's coverage."""
    rows: list[tuple[Cell, ...]] = [
        (
            row.query.external_id,
            row.query.text,
            row.coverage.words,
            row.total,
            row.missing,
            *(_value(row.coverage, name) for name in MEASURES),
            row.coverage.unlabelled,
        )
        for row in page.queries
    ]
    columns = (
        *("query", "text", "words", "reasonable answers", "left out"),
        *(MEASURE_NAMES[name] for name in MEASURES),
        "not settled",
    )
    return Table(
        columns=columns,
        rows=tuple(rows),
        numeric=frozenset(range(2, len(columns))),
        caption="The source on each query; shares between 0 and 1",
    )


def _value(coverage: Coverage, name: str) -> float | None:
    measured: Measured = getattr(coverage, name)
    return measured.value


TABLES = {"measures": measures_table, "answers": answers_table, "queries": queries_table}
