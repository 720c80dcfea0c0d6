"""Numbers with their intervals and methods, in sections, and what they were computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isinf
from typing import Any

from annotations.domain.measured import Measured
from models_runner.domain.benchmark_files.results import Plain, plain_number

FORMAT = "venire.benchmark/1"


class InvalidReport(ValueError):
    """A document that is no report of a benchmark; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a report.

    ``section`` is the key of a section, ``row`` says what is measured, ``labels`` of whom (such as
    model, mode and group). ``value`` may be inf; it is None with a ``reason``. ``low`` and ``high``
    bound the interval that ``method`` describes; ``count`` is how many observations it rests on.
    """

    section: str
    row: str
    labels: Mapping[str, str]
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    count: int = 0
    method: str = ""

    @classmethod
    def of(
        cls, section: str, row: str, labels: Mapping[str, str], found: Measured, method: str
    ) -> Number:
        """A measured value as a number of a report."""
        return cls(
            section=section,
            row=row,
            labels=dict(labels),
            value=found.value,
            low=found.low,
            high=found.high,
            reason=found.reason,
            count=found.count,
            method=method,
        )

    @property
    def column(self) -> str:
        """Of whom, in one line."""
        return " · ".join(text for text in self.labels.values() if text)

    @property
    def shown(self) -> str:
        """Such as `0.412 (0.380 to 0.441)`, a count or a rank, ∞, or a dash."""
        return "–" if self.value is None else shown_value(self.value, self.low, self.high)


def shown_value(value: float, low: float | None = None, high: float | None = None) -> str:
    """Three decimals, ∞ for infinity; without an interval, whole numbers as such."""
    if low is None or high is None:
        is_whole = value not in (inf, -inf) and value == int(value)
        return str(int(value)) if is_whole else _decimals(value)
    return f"{_decimals(value)} ({_decimals(low)} to {_decimals(high)})"


def _decimals(value: float) -> str:
    if value in (inf, -inf):
        return "∞" if value > 0 else "-∞"
    return f"{value:.3f}".replace("-0.000", "0.000")


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the report: its title, and what a reader must know of its numbers."""

    key: str
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run found.

    ``inputs`` maps what was read (definition, files, jurors' answers, models) to its digest;
    ``models`` describes each model as it was loaded; ``notes`` are sentences on what was left out;
    ``details`` holds what figures and other programs need; ``is_predicted``: some of it is a
    model's guess of what people would say.
    """

    kind: str
    title: str
    version: str
    parameters: Plain
    inputs: Mapping[str, str]
    sections: tuple[Section, ...]
    numbers: tuple[Number, ...]
    models: tuple[Plain, ...] = ()
    notes: tuple[str, ...] = ()
    details: Plain = field(default_factory=dict)
    is_predicted: bool = False

    def to_plain(self) -> Plain:
        """As JSON holds it; numbers with 12 significant digits."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "title": self.title,
            "version": self.version,
            "parameters": self.parameters,
            "inputs": dict(self.inputs),
            "models": list(self.models),
            "notes": list(self.notes),
            "is_predicted": self.is_predicted,
            "sections": [
                {"key": one.key, "title": one.title, "text": one.text} for one in self.sections
            ],
            "numbers": [
                {
                    "section": one.section,
                    "row": one.row,
                    "labels": dict(one.labels),
                    "value": plain_number(one.value),
                    "low": plain_number(one.low),
                    "high": plain_number(one.high),
                    "reason": one.reason,
                    "count": one.count,
                    "method": one.method,
                }
                for one in self.numbers
            ],
            "details": self.details,
        }


def report_from_plain(plain: Mapping[str, Any]) -> Report:
    """The report that `to_plain` wrote. Raises InvalidReport."""
    if plain.get("format") != FORMAT:
        raise InvalidReport(f"The format is {plain.get('format')!r}, not {FORMAT!r}.")
    return Report(
        kind=plain["kind"],
        title=plain["title"],
        version=plain["version"],
        parameters=plain["parameters"],
        inputs=plain["inputs"],
        models=tuple(plain["models"]),
        notes=tuple(plain["notes"]),
        is_predicted=plain["is_predicted"],
        sections=tuple(Section(**one) for one in plain["sections"]),
        numbers=tuple(
            Number(
                **{
                    **one,
                    "value": _number(one["value"]),
                    "low": _number(one["low"]),
                    "high": _number(one["high"]),
                }
            )
            for one in plain["numbers"]
        ),
        details=plain["details"],
    )


def _number(written: float | str | None) -> float | None:
    return None if written is None else float(written)


@dataclass(frozen=True, slots=True)
class SectionTable:
    """A section's numbers as a table: a row for what is measured, a column for whom.

    ``shared`` are the labels that all columns have, which are left out of their headings. A row
    whose cells are all empty is left out, and told in ``reasons``.
    """

    section: Section
    shared: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Number | None, ...]], ...]
    methods: tuple[tuple[str, tuple[str, ...]], ...]
    """Each method with the rows that it found."""
    reasons: tuple[str, ...]
    """Why something is empty or infinite, each said once."""


def section_tables(report: Report) -> tuple[SectionTable, ...]:
    """Every section that has numbers, in the report's order."""
    tables = []
    for section in report.sections:
        numbers = [number for number in report.numbers if number.section == section.key]
        if numbers:
            tables.append(_section_table(section, numbers))
    return tuple(tables)


def _section_table(section: Section, numbers: Sequence[Number]) -> SectionTable:
    shared = _shared_labels(numbers)

    def column(number: Number) -> str:
        own = (text for name, text in number.labels.items() if text and name not in shared)
        return " · ".join(own) or number.column

    columns = tuple(dict.fromkeys(column(number) for number in numbers))
    by_place = {(number.row, column(number)): number for number in numbers}
    methods: dict[str, dict[str, None]] = {}
    for number in numbers:
        if number.value is not None and number.method:
            methods.setdefault(number.method, {})[number.row] = None
    rows = []
    for row in dict.fromkeys(number.row for number in numbers):
        cells = tuple(by_place.get((row, name)) for name in columns)
        if any(cell is not None and cell.value is not None for cell in cells):
            rows.append((row, cells))
    return SectionTable(
        section=section,
        shared=tuple(text for text in shared.values() if text),
        columns=columns,
        rows=tuple(rows),
        methods=tuple((method, tuple(names)) for method, names in methods.items()),
        reasons=tuple(
            dict.fromkeys(
                f"{n.row}: {n.reason}"
                for n in numbers
                if n.reason and (n.value is None or isinf(n.value))
            )
        ),
    )


def _shared_labels(numbers: Sequence[Number]) -> dict[str, str]:
    """Labels with the same text everywhere; none where all labels are."""
    names = dict.fromkeys(name for number in numbers for name in number.labels)
    shared = {
        name: texts.pop()
        for name in names
        if len(texts := {number.labels.get(name, "") for number in numbers}) == 1
    }
    return {} if len(shared) == len(names) else shared
