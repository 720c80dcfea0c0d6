"""Tables with a name before each row and numbers in all other columns.

CSV: a column for the rows' names and one for each set of numbers. JSON: a list of such rows, or row
-> column -> number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models_runner.domain.benchmark_files.problems import Problems
from models_runner.domain.benchmark_files.records import (
    Record,
    Records,
    csv_records,
    decode,
    is_json,
    is_number,
    json_records,
    number,
    parse_json,
)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MatrixFile:
    """``values`` (rows, columns), finite; names are all different."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ReplicatesFile:
    """``values`` (replicates, rows, columns) for the rows and columns that were asked for."""

    values: FloatArray


def parse_matrix(content: bytes, *, file: str, key: str) -> MatrixFile:
    """Read a table whose rows are named in the column `key`, or else in the first column.

    A first column of numbers names nothing. Raises InvalidBenchmarkFile with every problem by row:
    no column of names, no other, a name that is blank or stands twice, a cell that is blank or no
    number.
    """
    problems = Problems(file)
    records = _with_names(_records(decode(content, problems), key, problems), key)
    key_column, columns = _columns(records, (key,), problems)
    seen: dict[str, str] = {}
    values = []
    for row in records.rows:
        name = _name(row, key_column[0], key, problems)
        if name is None:
            continue
        if name in seen:
            problems.add(row.place, f"The {key} {name!r} already stands in {seen[name]}.")
            continue
        seen[name] = row.place
        values.append(_numbers(row, name, columns, problems))
    problems.raise_if_any()
    return MatrixFile(rows=tuple(seen), columns=columns, values=np.array(values, dtype=np.float64))


def parse_replicates(content: bytes, *, file: str, matrix: MatrixFile, key: str) -> ReplicatesFile:
    """Read resampled copies of a matrix: columns `replicate`, `key`, and those of the matrix.

    Raises InvalidBenchmarkFile: another column, a row that the matrix lacks, a replicate in which a
    row is missing or stands twice, a cell that is blank or no number.
    """
    problems = Problems(file)
    records = _records(decode(content, problems), key, problems)
    (replicate, row_name), columns = _columns(records, ("replicate", key), problems)
    if set(columns) != set(matrix.columns):
        raise problems.refuse(
            "", f"The columns are {', '.join(columns)}, but must be {', '.join(matrix.columns)}."
        )
    at = {name: place for place, name in enumerate(matrix.rows)}
    found: dict[str, dict[int, list[float]]] = {}
    for row in records.rows:
        name = _name(row, row_name, key, problems)
        draw = str(row.cells.get(replicate, "")).strip()
        if name is None:
            continue
        if name not in at or not draw:
            problems.add(
                row.place,
                "The replicate is blank."
                if name in at
                else f"The {key} {name!r} is none of: {', '.join(matrix.rows)}.",
            )
            continue
        rows = found.setdefault(draw, {})
        if at[name] in rows:
            problems.add(row.place, f"The {key} {name!r} stands twice in replicate {draw!r}.")
            continue
        rows[at[name]] = _numbers(row, name, matrix.columns, problems)
    for draw, rows in found.items():
        lacking = [name for name in matrix.rows if at[name] not in rows]
        if lacking:
            problems.add("", f"Replicate {draw!r} lacks the {key} {lacking[0]!r}.")
    problems.raise_if_any()
    return ReplicatesFile(
        np.array(
            [[rows[place] for place in range(len(matrix.rows))] for rows in found.values()],
            dtype=np.float64,
        )
    )


def _records(text: str, key: str, problems: Problems) -> Records:
    if not is_json(text):
        return csv_records(text, problems, first_column=key)
    read = parse_json(text, problems)
    if isinstance(read, dict):
        entries: list[Any] = []
        for name, cells in read.items():
            if not isinstance(cells, dict):
                problems.add(f"{name!r}", f"Each {key} needs an object of numbers.")
            elif any(column.casefold() == key for column in cells):
                problems.add(f"{name!r}", f"No column may be called {key!r} here.")
            else:
                entries.append({key: name, **cells})
        problems.raise_if_any()
        read = entries
    if not isinstance(read, list):
        raise problems.refuse("", "The file must hold an object or a list.")
    return json_records(read, problems)


def _with_names(records: Records, key: str) -> Records:
    """The records with their first column called `key`, where none is and it holds names."""
    first = records.columns[0]
    cells = [row.cells.get(first) for row in records.rows]
    if records.column(key) or not all(isinstance(c, str) and not is_number(c) for c in cells):
        return records
    return Records(
        (key, *records.columns[1:]),
        tuple(
            Record(row.place, {key if c == first else c: cell for c, cell in row.cells.items()})
            for row in records.rows
        ),
    )


def _columns(
    records: Records, keys: tuple[str, ...], problems: Problems
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = []
    for key in keys:
        column = records.column(key)
        if column is None:
            problems.add(
                "", f"The column {key!r} is missing; there are: {', '.join(records.columns)}."
            )
        else:
            found.append(column)
    problems.raise_if_any()
    columns = tuple(column for column in records.columns if column not in found)
    if not columns:
        raise problems.refuse("", f"There is no column beside {', '.join(keys)}.")
    return tuple(found), columns


def _name(row: Record, column: str, key: str, problems: Problems) -> str | None:
    cell = row.cells.get(column)
    if not isinstance(cell, str) or not cell.strip():
        problems.add(row.place, f"The {key} is blank.")
        return None
    return cell.strip()


def _numbers(row: Record, name: str, columns: tuple[str, ...], problems: Problems) -> list[float]:
    found = []
    for column in columns:
        what = f"{column!r} of {name!r}"
        value = number(row.cells.get(column), place=row.place, what=what, problems=problems)
        found.append(0.0 if value is None else value)
    return found
