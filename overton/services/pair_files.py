"""Judging the pairs of a file; no database is needed."""

import csv
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from annotations.domain.tables import ENCODINGS, Problems, TableUnreadable
from overton.domain.pair_files import (
    SCORES,
    PairColumns,
    PairRow,
    added_cells,
    find_columns,
    read_rows,
)
from overton.domain.pairs import InvalidPairs, checked_probabilities
from overton.ports import EntailmentBackend, EntailmentUnavailable

ROWS_AT_ONCE = 4096
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class PairsRefused(ValueError):
    """Rows that can't be judged; carries the problems."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        super().__init__(
            f"{problems.total} error{'s' if problems.total != 1 else ''} in the table; nothing was "
            "judged."
        )


@dataclass(frozen=True)
class JudgedFile:
    """What was done: rows written, distinct pairs judged."""

    rows: int
    distinct: int


@dataclass(frozen=True)
class PairFile:
    """A table of pairs that was checked from its first row to its last."""

    path: Path
    encoding: str
    columns: PairColumns
    rows: int

    def read(self) -> Iterator[PairRow]:
        """The rows, once more."""
        with self.path.open(encoding=self.encoding, newline="") as file:
            next(file)
            yield from read_rows(file, columns=self.columns, problems=Problems())


def check_pair_file(
    *, path: Path, premise: str, hypothesis: str, encoding: str = "", prefix: str = ""
) -> PairFile:
    """Read a table through before anything is judged.

    Args:
        path: a CSV file with headings.
        premise: name of the column of premises.
        hypothesis: name of the column of hypotheses.
        encoding: one of `annotations.domain.tables.ENCODINGS`; empty: by the byte-order mark, else
            UTF-8.
        prefix: of the columns that will be added.

    Raises:
        PairsRefused: rows without a text, or with too many cells.
        TableUnreadable, ColumnMissing: it is no table, or lacks a column.
        OSError: it can't be opened.
    """
    if encoding and encoding not in ENCODINGS:
        raise TableUnreadable(f"Unknown encoding {encoding!r}; known: {', '.join(ENCODINGS)}.")
    with path.open("rb") as raw:
        start = raw.read(4)
    used = encoding or next((codec for mark, codec in _BOMS if start.startswith(mark)), "utf-8")
    if used == "utf-8":
        used = "utf-8-sig"
    problems = Problems()
    rows = 0
    try:
        with path.open(encoding=used, newline="") as file:
            columns = find_columns(
                next(file, ""), premise=premise, hypothesis=hypothesis, prefix=prefix
            )
            for _ in read_rows(file, columns=columns, problems=problems):
                rows += 1
    except UnicodeError as problem:
        line = _bad_line(path, used)
        raise TableUnreadable(
            f"{path.name} is not in {used.removesuffix('-sig')}: line {line} can't be read. Save "
            f"it as UTF-8, or name its encoding ({', '.join(ENCODINGS)})."
        ) from problem
    if problems.total:
        raise PairsRefused(problems)
    if not rows:
        raise TableUnreadable(f"{path.name} has headings, but no row below them.")
    return PairFile(path=path, encoding=used, columns=columns, rows=rows)


def _bad_line(path: Path, encoding: str) -> int:
    """1-based number of the first line that is not in an encoding."""
    number = 0
    with path.open("rb") as raw:
        for number, line in enumerate(raw, start=1):
            try:
                line.decode(encoding)
            except UnicodeError:
                return number
    return number


def judge_pair_file(
    *,
    table: PairFile,
    backend: EntailmentBackend,
    out: Path,
    prefix: str = "",
    say: Callable[[int, int], None] | None = None,
) -> JudgedFile:
    """Write the table with three columns more: entailment, neutral, contradiction.

    Rows keep their order; each distinct pair is judged once; some thousand rows are in memory at a
    time. The file appears under its name when all of it is there, or not at all.

    Args:
        table: as checked.
        backend: who judges.
        out: the file to write, UTF-8; it may be the table itself.
        prefix: of the three columns' names.
        say: called now and then with rows done and all rows.

    Raises:
        EntailmentUnavailable: the judge fails.
        OSError: the file can't be written.
    """
    handle, name = tempfile.mkstemp(dir=out.resolve().parent, prefix=f".{out.name}.")
    temporary = Path(name)
    known: dict[bytes, tuple[str, ...]] = {}
    done = 0
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=table.columns.delimiter, lineterminator="\n")
            writer.writerow([*table.columns.columns, *(f"{prefix}{name}" for name in SCORES)])
            rows = table.read()
            while part := list(islice(rows, ROWS_AT_ONCE)):
                keys = _judge(part, table.columns, backend, known)
                writer.writerows(
                    [*row.cells, *known[key]] for row, key in zip(part, keys, strict=True)
                )
                done += len(part)
                if say is not None:
                    say(done, table.rows)
        # As a file that a program opens for writing would be, not private to this user.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(out)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return JudgedFile(rows=done, distinct=len(known))


def _judge(
    part: Sequence[PairRow],
    columns: PairColumns,
    backend: EntailmentBackend,
    known: dict[bytes, tuple[str, ...]],
) -> list[bytes]:
    """Judge what is not known yet; returns the rows' keys in `known`."""
    texts = [(row.cells[columns.premise], row.cells[columns.hypothesis]) for row in part]
    keys = [
        hashlib.blake2b(f"{len(one)}:{one}{two}".encode(), digest_size=16).digest()
        for one, two in texts
    ]
    missing = {key: pair for key, pair in zip(keys, texts, strict=True) if key not in known}
    if missing:
        try:
            rows = checked_probabilities(
                backend.entails(
                    [premise for premise, _ in missing.values()],
                    [hypothesis for _, hypothesis in missing.values()],
                ),
                pairs=len(missing),
                judge=f"The judge {backend.name}",
            )
        except InvalidPairs as problem:
            raise EntailmentUnavailable(str(problem)) from problem
        known.update(zip(missing, (added_cells(row) for row in rows.tolist()), strict=True))
    return keys
