"""A table of utilities or ratings in a CSV file: a row for each juror, a column for each response.

Read from bytes. The file is right and comes back whole, or InvalidUtilityFile carries every error
with its row as a spreadsheet numbers it (the header is row 1) and its column. Separators may be
commas, semicolons or tabs; a blank cell is "not said".
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from math import isfinite

import numpy as np
from numpy.typing import NDArray

MOST_ERRORS = 200
"""Errors that are kept with their text; the rest are counted."""

_SEPARATORS = ",;\t"
_UNNAMED = "(first column)"


@dataclass(frozen=True, slots=True)
class CellError:
    """One thing to mend: where it stands, and what to do. The column is blank for a whole row."""

    row: int
    column: str
    message: str


class InvalidUtilityFile(ValueError):
    """The file can't be read: `errors` in order of rows; `omitted` more were only counted."""

    def __init__(self, *, errors: Sequence[CellError], omitted: int = 0) -> None:
        self.errors = tuple(errors)
        self.omitted = omitted
        first = self.errors[0]
        where = f"row {first.row}" + (f", column {first.column!r}" if first.column else "")
        total = len(self.errors) + omitted
        rest = f" (and {total - 1} more)" if total > 1 else ""
        super().__init__(f"{where}: {first.message}{rest}")


@dataclass(frozen=True, slots=True, eq=False)
class UtilityFile:
    """`values` (jurors, responses) as they stand in the file, NaN where blank.

    `jurors` are the ids of `juror_column`, or the rows' numbers where that is blank. `weights`
    (jurors,), `groups` and `strata` are None where no column was named for them.
    """

    juror_column: str
    responses: tuple[str, ...]
    jurors: tuple[str, ...]
    values: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    groups: tuple[str, ...] | None
    strata: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a cell may hold, both included, and how to say so."""

    lowest: float
    highest: float
    words: str


def parse_utilities(
    *,
    content: bytes,
    bounds: Bounds,
    juror_column: str = "",
    weights_column: str = "",
    groups_column: str = "",
    strata_column: str = "",
) -> UtilityFile:
    """Read the table; columns that no argument names are responses.

    Without `juror_column` a first column of words, or one that has no name, holds the jurors' ids.
    A cell outside `bounds` is an error, as are a weight below 0, a blank group or stratum, a juror
    who stands twice, and a response that nobody judged. Raises InvalidUtilityFile.
    """
    errors = _Errors()
    header, rows = _table(content, errors)
    named = {juror_column, weights_column, groups_column, strata_column}
    if not juror_column and header[0] not in named and _holds_ids(header[0], rows):
        juror_column = header[0]
    own = {juror_column, weights_column, groups_column, strata_column} - {""}
    for name in sorted(own - set(header)):
        errors.add(1, name, f"There is no such column; the header has {', '.join(header)}.")
    errors.raise_if_any()
    places = [place for place, name in enumerate(header) if name not in own]
    if not places:
        errors.add(1, "", "No column is left for responses; the header names none but yours.")
    labels = {name: header.index(name) for name in own}

    def texts(name: str) -> tuple[str, ...] | None:
        if not name:
            return None
        for row, cells in rows:
            if not cells[labels[name]]:
                errors.add(row, name, "The cell is blank; every juror needs one.")
        return tuple(cells[labels[name]] for _, cells in rows)

    jurors = texts(juror_column) or tuple(str(row) for row, _ in rows)
    _check_repeated(rows, jurors, juror_column, errors)
    groups, strata = texts(groups_column), texts(strata_column)
    weights = None
    if weights_column:
        allowed = Bounds(0.0, np.inf, "a number of 0 or more")
        column = [(row, cells[labels[weights_column]]) for row, cells in rows]
        weights = np.array(
            [_number(row, weights_column, cell, allowed, errors) for row, cell in column]
        )
        for row, cell in column:
            if not cell:
                errors.add(row, weights_column, "The cell is blank; every juror needs a weight.")
        if (weights == 0).all():
            errors.add(1, weights_column, "All weights are 0, so nobody would be heard.")
    values = np.array(
        [
            [_number(row, header[place], cells[place], bounds, errors) for place in places]
            for row, cells in rows
        ]
    )
    errors.raise_if_any()
    for place, column in zip(places, values.T, strict=True):
        if np.isnan(column).all():
            errors.add(1, header[place], "Nobody judged this response; remove its column.")
    errors.raise_if_any()
    responses = tuple(header[place] for place in places)
    return UtilityFile(juror_column, responses, jurors, values, weights, groups, strata)


class _Errors:
    def __init__(self) -> None:
        self._kept: list[CellError] = []
        self._omitted = 0

    def add(self, row: int, column: str, message: str) -> None:
        if len(self._kept) < MOST_ERRORS:
            self._kept.append(CellError(row, column, message))
        else:
            self._omitted += 1

    def raise_if_any(self) -> None:
        if self._kept:
            in_order = sorted(self._kept, key=lambda error: error.row)
            raise InvalidUtilityFile(errors=in_order, omitted=self._omitted)


def _table(content: bytes, errors: _Errors) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header and the rows with their numbers, cells trimmed."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        row = content.count(b"\n", 0, problem.start) + 1
        errors.add(row, "", "This is not UTF-8; save the file as CSV UTF-8 and try again.")
        errors.raise_if_any()
        raise
    first = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=first.count)
    lines = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    number = 0
    try:
        for number, cells in enumerate(lines, start=1):
            if any(cell.strip() for cell in cells):
                rows.append((number, [cell.strip() for cell in cells]))
    except csv.Error as problem:
        errors.add(number + 1, "", f"This is no CSV: {problem}.")
        errors.raise_if_any()
    if len(rows) < 2:
        errors.add(1, "", "The file needs a header and a row for each juror below it.")
    errors.raise_if_any()
    (_, header), *body = rows
    header[0] = header[0] or _UNNAMED
    for name in sorted({name for name in header if header.count(name) > 1 or not name}):
        errors.add(1, name, "Each column needs a name of its own in the header.")
    for row, cells in body:
        if len(cells) != len(header):
            errors.add(row, "", f"There are {len(cells)} cells under {len(header)} names.")
    errors.raise_if_any()
    return header, body


def _holds_ids(name: str, rows: Sequence[tuple[int, list[str]]]) -> bool:
    """Whether a first column names the rows: it has no name of its own, or no number in it."""
    return name == _UNNAMED or not any(_is_blank_or_number(cells[0]) for _, cells in rows)


def _is_blank_or_number(cell: str) -> bool:
    try:
        float(cell or 0)
    except ValueError:
        return False
    return True


def _check_repeated(
    rows: Sequence[tuple[int, list[str]]], jurors: Sequence[str], column: str, errors: _Errors
) -> None:
    seen: dict[str, int] = {}
    for (row, _), juror in zip(rows, jurors, strict=True):
        if juror in seen:
            errors.add(row, column, f"{juror!r} stands in row {seen[juror]}, too.")
        seen.setdefault(juror, row)


def _number(row: int, column: str, cell: str, bounds: Bounds, errors: _Errors) -> float:
    if not cell:
        return float("nan")
    try:
        value = float(cell)
    except ValueError:
        errors.add(row, column, f"{cell!r} is no number; give {bounds.words}, or leave it blank.")
        return float("nan")
    if not isfinite(value) or not bounds.lowest <= value <= bounds.highest:
        errors.add(row, column, f"{cell} can't stand here; give {bounds.words}.")
        return float("nan")
    return value
