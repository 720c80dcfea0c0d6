"""Tables of pairs of texts, read row by row, so that a file may be larger than the memory."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from annotations.domain.tables import ColumnMissing, Problems, TableUnreadable

SCORES = ("entailment", "neutral", "contradiction")
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class PairColumns:
    """Where a table's pairs stand, and how it is written.

    Attributes:
        columns: all headings.
        premise, hypothesis: places of the two columns.
        delimiter: what stands between cells.
    """

    columns: tuple[str, ...]
    premise: int
    hypothesis: int
    delimiter: str


@dataclass(frozen=True, slots=True)
class PairRow:
    """A row as it was read: its number as in a spreadsheet, and a cell for each heading."""

    number: int
    cells: tuple[str, ...]


def find_columns(heading: str, *, premise: str, hypothesis: str, prefix: str = "") -> PairColumns:
    """Read the first line. `prefix` stands before the names of the columns to be added.

    Raises:
        TableUnreadable: no heading, a blank or repeated one, or one like those to be added.
        ColumnMissing: the premise or the hypothesis has no column of that name.
    """
    if not heading.strip():
        raise TableUnreadable("Row 1 is empty; it must hold the headings.")
    delimiter = max(_DELIMITERS, key=lambda sign: (heading.count(sign), sign == ","))
    try:
        names = tuple(
            cell.strip() for cell in next(csv.reader([heading], delimiter=delimiter, strict=True))
        )
    except csv.Error as problem:
        raise TableUnreadable(f"Row 1 can't be read: {problem}.") from problem
    if "" in names:
        raise TableUnreadable(f"Row 1: the heading of column {names.index('') + 1} is blank.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableUnreadable(f"Row 1: the heading {repeated[0]!r} stands more than once.")
    for column in (premise, hypothesis):
        if column not in names:
            raise ColumnMissing(column=column, columns=names)
    taken = [f"{prefix}{name}" for name in SCORES if f"{prefix}{name}" in names]
    if taken:
        raise TableUnreadable(
            f"There is a column {taken[0]!r} already, and one of that name is to be added. Rename "
            "it, or give the new ones a --prefix."
        )
    return PairColumns(names, names.index(premise), names.index(hypothesis), delimiter)


def read_rows(
    lines: Iterable[str], *, columns: PairColumns, problems: Problems
) -> Iterator[PairRow]:
    """The rows below the headings, one at a time; blank lines are passed over.

    A row that can't be used goes to `problems` and is not given: one with more cells than headings,
    or without a premise or a hypothesis.

    Raises:
        TableUnreadable: a quote that is never closed, or stray signs behind one.
    """
    width = len(columns.columns)
    number = 1
    reader = csv.reader(lines, delimiter=columns.delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, start=2):
            if not any(cells):
                continue
            if len(cells) > width:
                problems.add(number, "all", f"{len(cells)} cells, but there are {width} headings.")
                continue
            row = (*cells, *[""] * (width - len(cells)))
            empty = [
                place for place in (columns.premise, columns.hypothesis) if not row[place].strip()
            ]
            for place in empty:
                problems.add(
                    number, columns.columns[place], "blank; a pair needs a text on both sides."
                )
            if not empty:
                yield PairRow(number, row)
    except csv.Error as problem:
        raise TableUnreadable(f"After row {number}: {problem}.") from problem


def added_cells(probabilities: Sequence[float]) -> tuple[str, ...]:
    """Three probabilities as they are written: six digits behind the point."""
    return tuple(f"{value:.6f}" for value in probabilities)
