"""A table from outside, CSV or JSON Lines, as rows of text with their numbers.

Rows are numbered as a spreadsheet numbers them: the heading is row 1, the first row of data row 2.
In JSON Lines, which have no heading, the first line is row 1. Nothing is mended silently: what is
wrong is listed by row, and the caller imports all or nothing.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_PROBLEMS = 100
"""Problems that are kept with their text; the rest are counted."""

ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1")
LONGEST_ID = 120
_DELIMITERS = (",", ";", "\t", "|")
# Zero characters, and halves of characters as JSON can write them: no database keeps these.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class TableUnreadable(ValueError):
    """The file is no table: wrong encoding, no heading, broken CSV. The message says where."""


class ColumnMissing(ValueError):
    """A column that the mapping names is not in the table. Carries ``column`` and ``columns``."""

    def __init__(self, *, column: str, columns: Sequence[str]) -> None:
        self.column = column
        self.columns = tuple(columns)
        super().__init__(f"There is no column {column!r}; there are: {', '.join(columns)}.")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing to mend: row as in a spreadsheet, column, what is wrong and what is legal."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        """As one line of a report."""
        return f"row {self.row}, {self.column}: {self.message}"


@dataclass(slots=True)
class Problems:
    """Collects problems; past MOST_PROBLEMS they are only counted.

    Attributes:
        found: the first ones, in the order in which they were found.
        total: how many there are in all.
    """

    found: list[RowProblem] = field(default_factory=list)
    total: int = 0

    def add(self, row: int, column: str, message: str) -> None:
        """Note one problem."""
        self.total += 1
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(RowProblem(row, column, message))


@dataclass(frozen=True, slots=True)
class OutsideTable:
    """A table as it was read: every cell is text.

    Attributes:
        columns: headings, all different.
        rows: number of the row and one cell a column; empty cells are "".
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def place(self, column: str) -> int:
        """Index of a column. Raises ``ColumnMissing``."""
        try:
            return self.columns.index(column)
        except ValueError:
            raise ColumnMissing(column=column, columns=self.columns) from None


def read_table(data: bytes, *, name: str = "", encoding: str = "") -> OutsideTable:
    """Read CSV (comma, semicolon, tab or bar) or JSON Lines, told apart by name and first sign.

    Args:
        data: the file's bytes; a byte-order mark is understood.
        name: file name, for its ending and for messages.
        encoding: one of ENCODINGS; empty: by the byte-order mark, else UTF-8.

    Raises:
        TableUnreadable: not in this encoding, no heading, repeated or blank headings, a quote that
            is never closed, a row with more cells than headings, a line that is no JSON object, a
            zero character or half of a character.
    """
    text = _decoded(data, name=name or "the file", encoding=encoding)
    if not text.strip():
        raise TableUnreadable(f"{name or 'The file'} is empty.")
    if name.lower().endswith((".jsonl", ".ndjson", ".json")) or text.lstrip()[0] in "{[":
        return _storable(_read_json(text))
    return _storable(_read_csv(text))


def _storable(table: OutsideTable) -> OutsideTable:
    for number, cells in ((1, table.columns), *table.rows):
        for column, cell in zip(table.columns, cells, strict=True):
            found = UNSTORABLE.search(cell)
            if found:
                raise TableUnreadable(
                    f"Row {number}, {column!r}: character {found.start() + 1} is "
                    f"{found[0]!r}, which can't be kept. Take it out."
                )
    return table


def _decoded(data: bytes, *, name: str, encoding: str) -> str:
    if encoding and encoding not in ENCODINGS:
        raise TableUnreadable(f"Unknown encoding {encoding!r}; known: {', '.join(ENCODINGS)}.")
    by_mark = next((codec for mark, codec in _BOMS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding or by_mark)
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise TableUnreadable(
            f"{name} is not in {encoding or by_mark}: line {line} holds the byte "
            f"0x{data[problem.start]:02x}. Save it as UTF-8, or name its encoding "
            f"({', '.join(ENCODINGS)})."
        ) from problem
    return text.removeprefix("\ufeff")


def _read_csv(text: str) -> OutsideTable:
    first = text.splitlines()[0]
    delimiter = max(_DELIMITERS, key=lambda sign: (first.count(sign), sign == ","))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, tuple[str, ...]]] = []
    number = 1
    try:
        columns = _headings(next(reader))
        width = len(columns)
        for number, cells in enumerate(reader, start=2):
            if not any(cells):
                continue
            if len(cells) > width:
                raise TableUnreadable(
                    f"Row {number} has {len(cells)} cells, but there are {width} headings."
                )
            rows.append((number, (*cells, *[""] * (width - len(cells)))))
    except csv.Error as problem:
        raise TableUnreadable(f"After row {number}: {problem}.") from problem
    return OutsideTable(columns=columns, rows=tuple(rows))


def _headings(cells: Sequence[str]) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in cells)
    if "" in names:
        raise TableUnreadable(f"Row 1: the heading of column {names.index('') + 1} is blank.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableUnreadable(f"Row 1: the heading {repeated[0]!r} stands more than once.")
    return names


def _read_json(text: str) -> OutsideTable:
    records = list(_json_records(text))
    columns = tuple(dict.fromkeys(name for _, record in records for name in record))
    return OutsideTable(
        columns=columns,
        rows=tuple(
            (number, tuple(_as_text(record.get(name)) for name in columns))
            for number, record in records
        ),
    )


def _json_records(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Objects of JSON Lines, or of one JSON list, with their numbers."""
    if text.lstrip().startswith("["):
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise TableUnreadable(f"No JSON: {problem}.") from problem
        numbered: Iterable[tuple[int, Any]] = enumerate(parsed, start=1)
    else:
        numbered = _json_lines(text)
    for number, record in numbered:
        if not isinstance(record, dict):
            raise TableUnreadable(f"Row {number} is no JSON object.")
        yield number, record


def _json_lines(text: str) -> Iterator[tuple[int, Any]]:
    # Not splitlines: JSON strings may hold U+2028.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as problem:
                raise TableUnreadable(f"Row {number} is no JSON: {problem}.") from problem


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
