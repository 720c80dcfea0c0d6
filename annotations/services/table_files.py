"""One table in three formats: written batch by batch, and read back.

The bytes depend on the values alone: rows come in a fixed order and nothing tells the time.
"""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from annotations.ports import Column, ColumnType

FORMATS = ("parquet", "jsonl", "csv")
READ_ROWS = 8_192
CSV_BLOCK_BYTES = 8 << 20
MAX_CSV_BLOCK_BYTES = 1 << 30

# A spreadsheet takes such a cell for a formula. An apostrophe goes before it, and before cells
# that only differ from such a one by apostrophes, so that reading can take exactly one away.
_LOOKS_LIKE_FORMULA = r"^('*(?:[\t\r\n]|[ \t\n\f\r\x0b\x{00a0}]*[=+\-@＝＋－＠]))"
_NEUTRALISED = re.compile(r"^'(?='*(?:[\t\r\n]|[ \t\n\f\r\x0b\xa0]*[=+\-@＝＋－＠]))")

_ARROW: Mapping[ColumnType, pa.DataType] = {
    "string": pa.string(),
    "float": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "json": pa.string(),
}


class TableFileUnreadable(Exception):
    """A data file can't be read; the message names the file and, where known, the row."""


@dataclass(frozen=True)
class WrittenTable:
    """What became of one table.

    Attributes:
        rows: how many.
        content_sha256: digest of the rows as JSON Lines, the same whichever formats were written.
        files: paths relative to the bundle, in the order of FORMATS.
    """

    name: str
    rows: int
    content_sha256: str
    files: tuple[str, ...]


class TableWriter:
    """Writes batches of one table into `folder`/NAME.FORMAT. Use it as a context manager."""

    def __init__(
        self, *, folder: Path, name: str, columns: Sequence[Column], formats: Sequence[str]
    ) -> None:
        self.name = name
        self._columns = tuple(columns)
        self._formats = tuple(known for known in FORMATS if known in formats)
        self._folder = folder
        self.rows = 0
        self._digest = hashlib.sha256()
        names = (json.dumps(column.name, ensure_ascii=False) for column in self._columns)
        self._line = "{" + ", ".join(f"{_escaped(name)}: %s" for name in names) + "}\n"
        self._stack = ExitStack()
        self._jsonl: BinaryIO | None = None
        self._csv: pa_csv.CSVWriter | None = None
        self._parquet: pq.ParquetWriter | None = None

    def __enter__(self) -> "TableWriter":
        if "parquet" in self._formats:
            self._parquet = self._stack.enter_context(
                pq.ParquetWriter(
                    self._path("parquet"), arrow_schema(self._columns), compression="zstd"
                )
            )
        if "csv" in self._formats:
            self._csv = self._stack.enter_context(
                pa_csv.CSVWriter(
                    self._path("csv"),
                    csv_schema(self._columns),
                    write_options=pa_csv.WriteOptions(quoting_style="needed"),
                )
            )
        if "jsonl" in self._formats:
            self._jsonl = self._stack.enter_context(self._path("jsonl").open("wb"))
        return self

    def __exit__(self, *problem: object) -> None:
        self._stack.close()

    def _path(self, kind: str) -> Path:
        return self._folder / f"{self.name}.{kind}"

    def write(self, batch: Mapping[str, Sequence[Any]]) -> None:
        """Append a batch: a list of values for each column, all of one length.

        Raises:
            ValueError: a column is missing, a number is not finite, lengths differ.
        """
        values = [batch[column.name] for column in self._columns]
        lengths = {len(column) for column in values}
        if len(lengths) != 1:
            raise ValueError(f"{self.name}: columns of different lengths {sorted(lengths)}")
        if lengths == {0}:
            return
        plain = [
            _plain(column.type, cells) for column, cells in zip(self._columns, values, strict=True)
        ]
        encoded = [
            [("null" if cell is None else encode(cell)) for cell in cells]
            for encode, cells in zip(self._encoders, plain, strict=True)
        ]
        line = self._line
        text = "".join([line % row for row in zip(*encoded, strict=True)]).encode()
        self._digest.update(text)
        if self._jsonl is not None:
            self._jsonl.write(text)
        if self._parquet is not None:
            schema = arrow_schema(self._columns)
            arrays = [
                pa.array(
                    cells if field.type == pa.timestamp("us", tz="UTC") else text_cells,
                    type=field.type,
                )
                for field, cells, text_cells in zip(schema, values, plain, strict=True)
            ]
            self._parquet.write_batch(pa.record_batch(arrays, schema=schema))
        if self._csv is not None:
            schema = csv_schema(self._columns)
            self._csv.write_batch(
                pa.record_batch(
                    [
                        _csv_array(column.type, cells)
                        for column, cells in zip(self._columns, plain, strict=True)
                    ],
                    schema=schema,
                )
            )
        self.rows += lengths.pop()

    @property
    def _encoders(self) -> list[Callable[[Any], str]]:
        return [_JSON[column.type] for column in self._columns]

    def written(self) -> WrittenTable:
        """What was written; call it once the files are closed."""
        return WrittenTable(
            name=self.name,
            rows=self.rows,
            content_sha256=self._digest.hexdigest(),
            files=tuple(f"data/{self.name}.{kind}" for kind in self._formats),
        )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _plain(kind: ColumnType, cells: Sequence[Any]) -> Sequence[Any]:
    """Timestamps and JSON as text, everything else as it is."""
    if kind == "timestamp":
        return [None if cell is None else cell.astimezone(UTC).isoformat() for cell in cells]
    if kind == "json":
        return [
            None
            if cell is None
            else json.dumps(cell, ensure_ascii=False, sort_keys=True, allow_nan=False)
            for cell in cells
        ]
    if kind == "float":
        for cell in cells:
            if cell is not None and not isfinite(cell):
                raise ValueError(f"{cell} can't be written: a number in a data set is finite")
        return [None if cell is None else float(cell) for cell in cells]
    return cells


_JSON: Mapping[ColumnType, Callable[[Any], str]] = {
    "string": encode_basestring,
    "float": repr,
    "integer": str,
    "boolean": lambda cell: "true" if cell else "false",
    "timestamp": lambda cell: f'"{cell}"',
    "json": str,
}


def _csv_array(kind: ColumnType, cells: Sequence[Any]) -> "pa.Array[Any]":
    if kind in ("string", "json"):
        return pc.replace_substring_regex(
            pa.array(cells, type=pa.string()), pattern=_LOOKS_LIKE_FORMULA, replacement=r"'\1"
        )
    return pa.array(cells, type=pa.string() if kind == "timestamp" else _ARROW[kind])


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The columns as Parquet has them."""
    return pa.schema([pa.field(column.name, _ARROW[column.type]) for column in columns])


def csv_schema(columns: Sequence[Column]) -> pa.Schema:
    """The columns as CSV has them: timestamps are text."""
    return pa.schema(
        [
            pa.field(
                column.name, pa.string() if column.type == "timestamp" else _ARROW[column.type]
            )
            for column in columns
        ]
    )


def read_rows(
    *, path: Path, columns: Sequence[Column], expected_rows: int
) -> Iterator[dict[str, Any]]:
    """Rows of a data file with the types that the columns declare.

    Raises:
        TableFileUnreadable: a column is missing, a value has another type, the file is damaged,
            or it has another number of rows than the manifest says.
    """
    readers = {".parquet": _parquet_batches, ".jsonl": _jsonl_batches, ".csv": _csv_batches}
    count = 0
    try:
        for batch in readers[path.suffix](path, columns):
            for row in batch:
                count += 1
                yield row
    except (pa.ArrowException, OSError, KeyError, ValueError, UnicodeDecodeError) as problem:
        raise TableFileUnreadable(f"{path.name}, after row {count}: {problem}") from problem
    if count != expected_rows:
        raise TableFileUnreadable(
            f"{path.name} has {count} rows, but the manifest says {expected_rows}."
        )


def _parquet_batches(path: Path, columns: Sequence[Column]) -> Iterator[list[dict[str, Any]]]:
    wanted = arrow_schema(columns)
    with pq.ParquetFile(path) as file:
        _check_columns(path, file.schema_arrow.names, columns)
        for batch in file.iter_batches(batch_size=READ_ROWS, columns=wanted.names):
            table = pa.Table.from_batches([batch]).select(wanted.names).cast(wanted)
            yield _typed(table.to_pydict(), columns)


def _csv_batches(path: Path, columns: Sequence[Column]) -> Iterator[list[dict[str, Any]]]:
    with path.open(encoding="utf-8", newline="") as file:
        _check_columns(path, next(csv.reader(file), []), columns)
    size, block, done = path.stat().st_size, CSV_BLOCK_BYTES, 0
    while True:
        skip = done
        try:
            for batch in _csv_blocks(path, columns, block):
                fresh = batch.slice(min(skip, len(batch)))
                skip -= len(batch) - len(fresh)
                if len(fresh):
                    yield _csv_rows(fresh, columns)
                    done += len(fresh)
        except pa.ArrowInvalid:
            # The reader can't take a row that is longer than its block. Whether that is what is
            # wrong shows with a longer one.
            if block >= min(size, MAX_CSV_BLOCK_BYTES):
                raise
            block = min(8 * block, MAX_CSV_BLOCK_BYTES)
        else:
            return


def _csv_blocks(path: Path, columns: Sequence[Column], block: int) -> Iterator[pa.RecordBatch]:
    schema = csv_schema(columns)
    reader = pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(block_size=block),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=schema,
            include_columns=schema.names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    with reader:
        yield from reader


def _csv_rows(batch: pa.RecordBatch, columns: Sequence[Column]) -> list[dict[str, Any]]:
    cells = batch.to_pydict()
    for column in columns:
        if column.type in ("string", "json"):
            cells[column.name] = [
                None if cell is None else _NEUTRALISED.sub("", cell) for cell in cells[column.name]
            ]
    return _typed(cells, columns)


def _jsonl_batches(path: Path, columns: Sequence[Column]) -> Iterator[list[dict[str, Any]]]:
    names = [column.name for column in columns]
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("a line is no JSON object")
            _check_columns(path, row, columns)
            yield [
                {
                    name: _from_json(column.type, row[name])
                    for name, column in zip(names, columns, strict=True)
                }
            ]


def _from_json(kind: ColumnType, cell: Any) -> Any:
    if cell is None or kind == "json":
        return cell
    if kind == "timestamp":
        return datetime.fromisoformat(cell)
    types: Mapping[ColumnType, tuple[type, ...]] = {
        "string": (str,),
        "float": (float, int),
        "integer": (int,),
        "boolean": (bool,),
    }
    if type(cell) not in types[kind]:
        raise ValueError(f"{cell!r} is not of type {kind}")
    return float(cell) if kind == "float" else cell


def _typed(cells: dict[str, list[Any]], columns: Sequence[Column]) -> list[dict[str, Any]]:
    for column in columns:
        if column.type == "json":
            cells[column.name] = [
                None if cell is None else json.loads(cell) for cell in cells[column.name]
            ]
        elif column.type == "timestamp":
            cells[column.name] = [
                datetime.fromisoformat(cell) if isinstance(cell, str) else cell
                for cell in cells[column.name]
            ]
    names = list(cells)
    return [dict(zip(names, row, strict=True)) for row in zip(*cells.values(), strict=True)]


def _check_columns(
    path: Path, present: Sequence[str] | Mapping[str, Any], columns: Sequence[Column]
) -> None:
    missing = [column.name for column in columns if column.name not in present]
    if missing:
        raise ValueError(f"{path.name} lacks the column {missing[0]!r}")
