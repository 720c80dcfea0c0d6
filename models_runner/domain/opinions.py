"""A table of who rated what, as the reward models read it: no study, no database.

What can be understood in one way is taken so, and told (`OpinionTable.notes`); what can't is listed
by row, and nothing is read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.tables import OutsideTable, Problems, RowProblem
from models_runner.domain.reward import RatingTable

MISSING = frozenset({"", "na", "n/a", "nan", "none", "null"})
LOW_WORDS = frozenset({"no", "false", "disagree", "unsafe", "dislike", "negative", "bad", "down"})
HIGH_WORDS = frozenset({"yes", "true", "agree", "safe", "like", "positive", "good", "up"})


class OpinionsRefused(ValueError):
    """The table can't be read as ratings. Carries ``problems`` (the first ones) and ``total``."""

    def __init__(
        self, message: str, *, problems: Sequence[RowProblem] = (), total: int = 0
    ) -> None:
        self.problems = tuple(problems)
        self.total = total
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class OpinionColumns:
    """Which column holds what; `query` and `opinion` may be empty, `traits` too.

    opinion : what the juror of a row has written herself on what the row's text answers
    """

    juror: str
    item: str
    text: str
    rating: str
    query: str = ""
    traits: tuple[str, ...] = ()
    opinion: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class OpinionTable:
    """Ratings in long form, one a juror and item, in the order in which they first stand.

    texts, queries : (M,) of the items; queries are empty strings where no column was named
    items, jurors, ratings : (N,) codes and numbers
    groups : (J, G) codes of trait values in alphabetical order, -1: not told
    low, high : the scale's bounds
    notes : what was taken for granted, in words
    names : (J,) the jurors' ids, as they stand in the table
    statements : (N,) what the juror of each rating has written herself; empty where nothing
    """

    texts: tuple[str, ...]
    queries: tuple[str, ...]
    items: npt.NDArray[np.int64]
    jurors: npt.NDArray[np.int64]
    ratings: npt.NDArray[np.float64]
    groups: npt.NDArray[np.int64]
    low: float
    high: float
    notes: tuple[str, ...]
    names: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()

    @property
    def juror_count(self) -> int:
        """How many jurors gave a rating."""
        return len(self.groups)

    def table(
        self, *, features: npt.NDArray[np.float64], blocks: tuple[int, ...] = ()
    ) -> RatingTable:
        """With the items' features (M, p)."""
        return RatingTable(
            features=features,
            items=self.items,
            jurors=self.jurors,
            ratings=self.ratings,
            juror_count=self.juror_count,
            low=self.low,
            high=self.high,
            groups=self.groups,
            blocks=blocks,
        )


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    juror: str
    item: str
    text: str
    query: str
    rating: str
    traits: tuple[str, ...]
    opinion: str


def read_opinions(
    table: OutsideTable,
    *,
    columns: OpinionColumns,
    scale: tuple[float, float] | None = None,
    values: Mapping[str, float | None] | None = None,
) -> OpinionTable:
    """Who rated what, from a table of text.

    columns : where what stands
    scale : the declared bounds; None: the smallest and largest rating, which a note tells
    values : numbers of words (any case), None: no rating. Without it, ratings must be numbers, or
        exactly two different words
    A juror's last rating of an item counts. An empty rating, NaN and the like is none.
    Raises ``ColumnMissing``, ``OpinionsRefused``.
    """
    rows = _rows(table, columns)
    notes: list[str] = []
    problems = Problems()
    silent = sum(row.rating.casefold() in MISSING for row in rows)
    if silent:
        notes.append(f"{silent} rows without a rating were left out.")
    rows = [row for row in rows if row.rating.casefold() not in MISSING]
    numbers = _numbers(rows, columns, values, problems, notes)
    spoken = [
        (row, number) for row, number in zip(rows, numbers, strict=True) if number is not None
    ]
    dropped = sum(number is None for number in numbers) - problems.total
    if dropped > 0:
        notes.append(f"{dropped} rows whose word stands for no rating were left out.")
    _check_cells(spoken, columns, scale, problems)
    if problems.total:
        raise OpinionsRefused(
            f"{problems.total} cells can't be read; nothing was computed.",
            problems=problems.found,
            total=problems.total,
        )
    if not spoken:
        raise OpinionsRefused(f"There are no ratings in the column {columns.rating!r}.")
    cells = {(row.juror, row.item): (row, number) for row, number in spoken}
    if len(cells) < len(spoken):
        notes.append(
            f"{len(spoken) - len(cells)} ratings were followed by another of the same juror and "
            "item; the last one counts."
        )
    low, high = _bounds([number for _, number in cells.values()], scale, notes)
    return _coded(list(cells.values()), columns, low, high, notes)


def _rows(table: OutsideTable, columns: OpinionColumns) -> list[_Row]:
    place = {
        name: table.place(name)
        for name in (columns.juror, columns.item, columns.text, columns.rating, *columns.traits)
    }
    query = table.place(columns.query) if columns.query else None
    opinion = table.place(columns.opinion) if columns.opinion else None
    return [
        _Row(
            number=number,
            juror=cells[place[columns.juror]].strip(),
            item=cells[place[columns.item]].strip(),
            text=cells[place[columns.text]].strip(),
            query="" if query is None else cells[query].strip(),
            rating=cells[place[columns.rating]].strip(),
            traits=tuple(cells[place[name]].strip() for name in columns.traits),
            opinion="" if opinion is None else cells[opinion].strip(),
        )
        for number, cells in table.rows
    ]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _numbers(
    rows: Sequence[_Row],
    columns: OpinionColumns,
    values: Mapping[str, float | None] | None,
    problems: Problems,
    notes: list[str],
) -> list[float | None]:
    """A number for each row; None: no rating by `values`, or a problem that was noted."""
    words = {word.strip().casefold(): number for word, number in (values or {}).items()}
    if not words and not any(_number(row.rating) is not None for row in rows):
        words = dict(_two_words([row.rating for row in rows], columns, notes))
    known = ", ".join(words) or "numbers"
    found: list[float | None] = []
    for row in rows:
        if row.rating.casefold() in words:
            found.append(words[row.rating.casefold()])
            continue
        number = _number(row.rating)
        if number is None:
            problems.add(
                row.number,
                columns.rating,
                f"{row.rating[:60]!r} is no rating; there are {known}. Give words their numbers "
                "with --values WORD=NUMBER.",
            )
        found.append(number)
    return found


def _two_words(
    ratings: Sequence[str], columns: OpinionColumns, notes: list[str]
) -> dict[str, float]:
    """Numbers of exactly two words."""
    words = sorted({rating.casefold() for rating in ratings})
    if not words:
        return {}
    if len(words) != 2:
        raise OpinionsRefused(
            f"The column {columns.rating!r} holds {len(words)} different words "
            f"({', '.join(words[:6])}{' ...' if len(words) > 6 else ''}). Exactly two would be "
            "read as 0 and 1; give others their numbers, such as --values Yes=1,No=0,Unsure= "
            "(nothing after the sign: no rating)."
        )
    first, second = words
    if first in HIGH_WORDS or second in LOW_WORDS:
        first, second = second, first
    notes.append(f"Ratings are words: {first!r} is read as 0, {second!r} as 1.")
    return {first: 0.0, second: 1.0}


def _check_cells(
    spoken: Sequence[tuple[_Row, float]],
    columns: OpinionColumns,
    scale: tuple[float, float] | None,
    problems: Problems,
) -> None:
    """Notes empty ids, items without or with two texts, ratings outside the declared scale."""
    first: dict[str, _Row] = {}
    for row, number in spoken:
        for name, cell in ((columns.juror, row.juror), (columns.item, row.item)):
            if not cell:
                problems.add(row.number, name, "is empty")
        if not row.text:
            problems.add(row.number, columns.text, "is empty; every item needs its text")
        known = first.setdefault(row.item, row)
        if (row.text.split(), row.query.split()) != (known.text.split(), known.query.split()):
            problems.add(
                row.number,
                columns.text,
                f"item {row.item[:60]!r} has another text here than in row {known.number}; an "
                "item has one",
            )
        if scale is not None and not scale[0] <= number <= scale[1]:
            problems.add(
                row.number,
                columns.rating,
                f"{number:g} lies outside the scale from {scale[0]:g} to {scale[1]:g}",
            )


def _bounds(
    numbers: Sequence[float], scale: tuple[float, float] | None, notes: list[str]
) -> tuple[float, float]:
    if scale is not None:
        return scale
    low, high = min(numbers), max(numbers)
    if low == high:
        raise OpinionsRefused(
            f"All ratings are {low:g}, which shows no scale. Declare it with --scale LOW,HIGH."
        )
    notes.append(
        f"No scale was declared; the smallest and largest rating, {low:g} and {high:g}, are taken "
        "for its bounds."
    )
    return low, high


def _coded(
    cells: Sequence[tuple[_Row, float]],
    columns: OpinionColumns,
    low: float,
    high: float,
    notes: list[str],
) -> OpinionTable:
    items: dict[str, int] = {}
    jurors: dict[str, int] = {}
    rows: list[_Row] = []
    traits: list[list[str]] = []
    changed = 0
    for row, _ in cells:
        if row.item not in items:
            items[row.item] = len(items)
            rows.append(row)
        if row.juror not in jurors:
            jurors[row.juror] = len(jurors)
            traits.append([""] * len(columns.traits))
        hers = traits[jurors[row.juror]]
        for place, value in enumerate(row.traits):
            if value.casefold() in MISSING:
                continue
            changed += hers[place] not in ("", value)
            hers[place] = hers[place] or value
    if changed:
        notes.append(f"In {changed} rows a juror has another trait than before; the first counts.")
    codes = [
        sorted({hers[place] for hers in traits} - {""}) for place in range(len(columns.traits))
    ]
    groups = np.array(
        [
            [codes[place].index(value) if value else -1 for place, value in enumerate(hers)]
            for hers in traits
        ],
        dtype=np.int64,
    ).reshape(len(traits), len(columns.traits))
    return OpinionTable(
        texts=tuple(row.text for row in rows),
        queries=tuple(row.query for row in rows),
        items=np.array([items[row.item] for row, _ in cells], dtype=np.int64),
        jurors=np.array([jurors[row.juror] for row, _ in cells], dtype=np.int64),
        ratings=np.array([number for _, number in cells], dtype=np.float64),
        groups=groups,
        low=low,
        high=high,
        notes=tuple(notes),
        names=tuple(jurors),
        statements=tuple(row.opinion for row, _ in cells),
    )
