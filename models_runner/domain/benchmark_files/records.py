"""CSV and JSON files to rows of cells.

A file is JSON if it begins with `{` or `[`, else CSV with commas, semicolons or tabs. Both are
UTF-8, with or without a byte order mark.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from math import inf, isfinite
from typing import Any

from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile, Problems

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Record:
    """One row: where it stands, and column -> cell; JSON numbers stay numbers."""

    place: str
    cells: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Records:
    """``columns`` as the file writes them, in its order."""

    columns: tuple[str, ...]
    rows: tuple[Record, ...]

    def column(self, name: str) -> str | None:
        """The column of this name, whatever its case."""
        return next((c for c in self.columns if c.casefold() == name.casefold()), None)


def decode(content: bytes, problems: Problems) -> str:
    """The file's text. Raises InvalidBenchmarkFile for another encoding."""
    advice = "save the file as UTF-8 (in a spreadsheet: Save as, CSV UTF-8)."
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise problems.refuse("", f"The file is UTF-16, not UTF-8; {advice}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise problems.refuse(
            f"line {row}", f"Byte 0x{content[error.start]:02x} is not UTF-8; {advice}"
        ) from error
    if not text.strip():
        raise problems.refuse("", "The file is empty.")
    return text


def is_json(text: str) -> bool:
    """Whether the file begins like JSON."""
    return text.lstrip()[:1] in ("{", "[")


def parse_json(text: str, problems: Problems) -> Any:
    """JSON without NaN, Infinity and repeated keys. Raises InvalidBenchmarkFile."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                beside = ", ".join(repr(k) for k, _ in pairs[:5] if k != key) or "nothing"
                problems.add("", f"The key {key!r} stands twice in one object, beside {beside}.")
            found[key] = value
        return found

    def refuse(constant: str) -> float:
        problems.add("", f"{constant} is no number; leave the entry out.")
        return 0.0

    try:
        read = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise problems.refuse(
            f"line {error.lineno}", f"The JSON is broken: {error.msg}."
        ) from error
    except ValueError as error:
        # Python refuses whole numbers of thousands of digits.
        raise problems.refuse("", f"The JSON can't be read: {error}.") from error
    except RecursionError as error:
        raise problems.refuse("", "The JSON is nested too deeply.") from error
    problems.raise_if_any()
    return read


def csv_records(text: str, problems: Problems, *, first_column: str = "") -> Records:
    """Rows of a CSV file; blank rows are skipped. `first_column` names the first column where the
    file does not. Raises InvalidBenchmarkFile.
    """
    first = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(",;\t", key=lambda mark: (first.count(mark), mark == ","))
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    header: list[str] = []
    rows = []
    line = 0
    try:
        for line, raw in enumerate(reader, 1):
            cells = [cell.strip() for cell in raw]
            if not any(cells):
                continue
            if not header:
                header = _header([cells[0] or first_column, *cells[1:]], f"row {line}", problems)
                continue
            place = f"row {line}"
            if any(cells[len(header) :]) or len(cells) < len(header):
                problems.add(
                    place,
                    f"The row has {len(cells)} cells and the header {len(header)}; put a cell that"
                    " holds a separator in quotation marks.",
                )
                continue
            rows.append(Record(place, dict(zip(header, cells, strict=False))))
    except csv.Error as error:
        problems.add(f"row {line + 1}", f"The row can't be read: {error}.")
    problems.raise_if_any()
    if not rows:
        raise problems.refuse("", "There is a header but no row below it.")
    return Records(tuple(header), tuple(rows))


def json_records(entries: Sequence[Any], problems: Problems) -> Records:
    """A list of objects as rows; entries are counted from 1. Raises InvalidBenchmarkFile."""
    columns: dict[str, None] = {}
    rows = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            problems.add(f"entry {number}", "Each entry of the list must be an object.")
            continue
        columns.update(dict.fromkeys(entry))
        rows.append(Record(f"entry {number}", entry))
    problems.raise_if_any()
    if not rows:
        raise problems.refuse("", "The list is empty.")
    return Records(tuple(columns), tuple(rows))


def is_number(text: str) -> bool:
    """Whether the text is written like a number."""
    return _NUMBER.fullmatch(text.strip()) is not None


def number(cell: Any, *, place: str, what: str, problems: Problems) -> float | None:
    """A finite number, or None with the problem noted."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return _finite(cell, place, what, problems)
    text = cell.strip() if isinstance(cell, str) else cell
    if text is None or text == "":
        problems.add(place, f"{what} is blank.")
        return None
    if isinstance(text, str) and _NUMBER.fullmatch(text):
        return _finite(text, place, what, problems)
    hint = ""
    if isinstance(text, str) and text.endswith("%"):
        hint = "; write 25% as 0.25"
    elif isinstance(text, str) and "," in text:
        hint = "; write a point, not a comma, before the decimals"
    problems.add(place, f"{what} is {text!r}, no number{hint}.")
    return None


def _finite(cell: float | str, place: str, what: str, problems: Problems) -> float | None:
    try:
        value = float(cell)
    except OverflowError:
        value = inf
    if isfinite(value):
        return value
    problems.add(place, f"{what} is {str(cell)[:40]!r}, too large a number.")
    return None


def _header(cells: list[str], row: str, problems: Problems) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    folded = [cell.casefold() for cell in cells]
    for place, name in enumerate(cells):
        if not name:
            problems.add(row, f"Column {place + 1} has no name.")
        elif folded[place] in folded[:place]:
            problems.add(row, f"The column {name!r} stands more than once.")
    problems.raise_if_any()
    return cells


__all__ = [
    "InvalidBenchmarkFile",
    "Record",
    "Records",
    "csv_records",
    "decode",
    "is_json",
    "is_number",
    "json_records",
    "number",
    "parse_json",
]
