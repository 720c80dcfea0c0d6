"""Tables from outside: CSV and JSON Lines as rows with numbers, and what can be read from them.

Rows are numbered as a spreadsheet numbers them: the heading is row 1, the first row of data row 2.
In JSON Lines, which have no heading, the first line is row 1. Nothing is mended silently: what is
wrong is listed by row, and the caller imports all or nothing.
"""

import csv
import io
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotations.domain.checks import parse_expected

MOST_PROBLEMS = 100
"""Problems that are kept with their text; the rest are counted."""

ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1")
LONGEST_ID = 120
LONGEST_OPTION_KEY = 60
LONGEST_OPTION = 400
_DELIMITERS = (",", ";", "\t", "|")
# Zero characters, and halves of characters as JSON can write them: no database keeps these.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
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
            found = _UNSTORABLE.search(cell)
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


# --- Queries and responses ------------------------------------------------------------------------

QUERY_FIELDS = (
    "query_id",
    "query",
    "source",
    "revision",
    "response_id",
    "response",
    "options",
    "expected",
    "repeats",
)


@dataclass(frozen=True, slots=True)
class OutsideOption:
    """An option of a query: ``code`` is its place on an ordinal scale, if it has one."""

    key: str
    text: str
    code: float | None = None


@dataclass(slots=True)
class OutsideQuery:
    """A query with its options, as the rows say together; ``row`` is the first of them.

    A check asks for the values in ``expected`` (by the criterion's key), or ``repeats`` another
    query by its id; the text of such a copy may be blank.
    """

    row: int
    id: str
    text: str
    options: tuple[OutsideOption, ...] = ()
    expected: Mapping[str, float] = field(default_factory=dict)
    repeats: str = ""


@dataclass(frozen=True, slots=True)
class OutsideResponse:
    """A response of a source to a query."""

    row: int
    query_id: str
    id: str
    source: str
    revision: str
    text: str


@dataclass(frozen=True, slots=True)
class QueryMaterial:
    """Queries in the order of the table, and their responses."""

    queries: tuple[OutsideQuery, ...]
    responses: tuple[OutsideResponse, ...]
    problems: Problems


def read_queries(table: OutsideTable, *, mapping: Mapping[str, str]) -> QueryMaterial:
    """Queries and responses of a long table: one row a response, or one row a query.

    Args:
        table: as read.
        mapping: field (of QUERY_FIELDS) -> column. ``query_id`` and ``query`` are needed;
            ``response`` needs ``source``; a row without either is a query alone. ``options`` hold
            "a|b|c", or JSON: a list of texts or of objects with ``key``, ``text`` and ``code``.
            ``expected`` holds "helpful = 2; fair = 1"; ``repeats`` the id of another query.

    Raises:
        ColumnMissing: the mapping names a column that is not there.
        ValueError: the mapping lacks a field that is needed, or has an unknown one.
    """
    places = _places(table, mapping)
    problems = Problems()
    queries: dict[str, OutsideQuery] = {}
    responses: dict[tuple[str, str], OutsideResponse] = {}
    for number, cells in table.rows:
        value = {name: cells[place].strip() for name, place in places.items()}
        seen = value["query_id"] in queries
        query = _query_of(number, value, queries, mapping, problems)
        if query is None:
            continue
        if not any(value.get(name) for name in ("source", "response", "response_id")):
            if seen:
                problems.add(
                    number,
                    mapping["query_id"],
                    f"{query.id!r} stands in row {query.row} already; ids are given once.",
                )
            continue
        response = _response_of(number, value, query, mapping, problems)
        if response is None:
            continue
        if (query.id, response.id) in responses:
            problems.add(
                number,
                mapping.get("response_id", mapping["source"]),
                f"the response {response.id!r} to {query.id!r} stands in row "
                f"{responses[query.id, response.id].row} already.",
            )
            continue
        responses[query.id, response.id] = response
    return QueryMaterial(tuple(queries.values()), tuple(responses.values()), problems)


def _places(table: OutsideTable, mapping: Mapping[str, str]) -> dict[str, int]:
    unknown = sorted(set(mapping) - set(QUERY_FIELDS))
    if unknown:
        raise ValueError(f"Unknown field {unknown[0]!r}; known: {', '.join(QUERY_FIELDS)}.")
    needed = ["query_id", "query", *(["source"] * ("response" in mapping))]
    for name in needed:
        if not mapping.get(name):
            raise ValueError(f"Say which column holds {name!r}.")
    return {name: table.place(column) for name, column in mapping.items() if column}


def _query_of(
    number: int,
    value: Mapping[str, str],
    queries: dict[str, OutsideQuery],
    mapping: Mapping[str, str],
    problems: Problems,
) -> OutsideQuery | None:
    key = value["query_id"]
    if not key:
        problems.add(number, mapping["query_id"], "blank; every row needs the id of its query.")
        return None
    if len(key) > LONGEST_ID:
        problems.add(
            number,
            mapping["query_id"],
            f"{len(key)} characters; {LONGEST_ID} are allowed.",
        )
        return None
    options: tuple[OutsideOption, ...] = ()
    if value.get("options"):
        try:
            options = parse_options(value["options"])
        except ValueError as problem:
            problems.add(number, mapping["options"], str(problem))
    expected = _expected_of(number, value, mapping, problems)
    repeats = value.get("repeats", "")
    known = queries.get(key)
    if known is None:
        if not value["query"] and not repeats:
            problems.add(number, mapping["query"], f"blank, but {key!r} needs a text.")
            return None
        queries[key] = OutsideQuery(number, key, value["query"], options, expected, repeats)
        return queries[key]
    if expected and expected != known.expected:
        problems.add(
            number, mapping["expected"], f"{key!r} asks for something else in row {known.row}."
        )
    if repeats and repeats != known.repeats:
        problems.add(
            number, mapping["repeats"], f"{key!r} puts another query again in row {known.row}."
        )
    if value["query"] and value["query"] != known.text:
        problems.add(
            number,
            mapping["query"],
            f"{key!r} has another text in row {known.row}; one id means one query.",
        )
    if options and known.options and options != known.options:
        problems.add(number, mapping["options"], f"{key!r} has other options in row {known.row}.")
    known.options = known.options or options
    return known


def _expected_of(
    number: int, value: Mapping[str, str], mapping: Mapping[str, str], problems: Problems
) -> dict[str, float]:
    expected: dict[str, float] = {}
    if value.get("expected"):
        try:
            expected = parse_expected(value["expected"])
        except ValueError as problem:
            problems.add(number, mapping["expected"], str(problem))
        if value.get("repeats"):
            problems.add(
                number,
                mapping["expected"],
                "a query that is put again can't ask for a value; fill in one of the two.",
            )
    if value.get("repeats") and any(value.get(name) for name in ("response", "options")):
        problems.add(
            number,
            mapping["repeats"],
            "options and responses of a query that is put again are copied; leave them blank.",
        )
    return expected


def _response_of(
    number: int,
    value: Mapping[str, str],
    query: OutsideQuery,
    mapping: Mapping[str, str],
    problems: Problems,
) -> OutsideResponse | None:
    source, revision = value["source"], value.get("revision", "")
    text, key = value["response"], value.get("response_id", "")
    before = problems.total
    if not source:
        problems.add(number, mapping["source"], "blank; say who or what answered.")
    if not text:
        problems.add(number, mapping["response"], "blank; a row holds one response.")
    if "response_id" in mapping and not key:
        problems.add(number, mapping["response_id"], "blank, though a column gives ids.")
    key = key or (f"{source}@{revision}" if revision else source)
    for name, written in (("source", source), ("revision", revision), ("response_id", key)):
        if len(written) > LONGEST_ID:
            problems.add(
                number,
                mapping.get(name, mapping["source"]),
                f"{len(written)} characters; {LONGEST_ID} are allowed.",
            )
    if problems.total > before:
        return None
    return OutsideResponse(number, query.id, key, source, revision, text)


def parse_options(text: str) -> tuple[OutsideOption, ...]:
    """Options as "a|b|c", or as JSON: a list of texts or of objects {key, text, code}.

    Raises:
        ValueError: no list, one option only, blank or repeated or too long; says which.
    """
    options = _json_options(text) if text.lstrip().startswith("[") else _bar_options(text)
    if len(options) < 2:
        raise ValueError("a choice needs at least two options; separate them by |.")
    keys = [option.key for option in options]
    for option in options:
        if not option.key or not option.text:
            raise ValueError("one of the options is blank.")
        if _UNSTORABLE.search(option.key + option.text):
            raise ValueError(f"the option {option.text!r} holds what can't be kept.")
        if keys.count(option.key) > 1:
            raise ValueError(f"the option {option.key!r} stands twice.")
        if len(option.key) > LONGEST_OPTION_KEY or len(option.text) > LONGEST_OPTION:
            raise ValueError(
                f"the option {option.text[:30]!r} is too long: {LONGEST_OPTION_KEY} characters are "
                f"allowed for a key, {LONGEST_OPTION} for a text."
            )
    return options


def _bar_options(text: str) -> tuple[OutsideOption, ...]:
    return tuple(
        _text_option(number, part.strip()) for number, part in enumerate(text.split("|"), start=1)
    )


def _text_option(number: int, text: str) -> OutsideOption:
    """A text that is too long to be its own key has its number for one."""
    return OutsideOption(text if len(text) <= LONGEST_OPTION_KEY else str(number), text)


def _is_code(code: Any) -> bool:
    if isinstance(code, bool) or not isinstance(code, int | float):
        return False
    # Python's JSON reads NaN and Infinity, and whole numbers that no float holds.
    return -sys.float_info.max <= code <= sys.float_info.max


def _json_options(text: str) -> tuple[OutsideOption, ...]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"no JSON list: {problem}") from problem
    options = []
    for number, entry in enumerate(parsed, start=1):
        if isinstance(entry, str):
            options.append(_text_option(number, entry.strip()))
        elif isinstance(entry, dict) and isinstance(entry.get("text"), str):
            code = entry.get("code")
            if code is not None and not _is_code(code):
                raise ValueError(f"the code {str(code)[:30]} is no number to reckon with.")
            options.append(
                OutsideOption(
                    str(entry.get("key") or entry["text"]),
                    entry["text"],
                    None if code is None else float(code),
                )
            )
        else:
            raise ValueError(f"option {number} is neither a text nor an object with a text.")
    return tuple(options)


# --- Ratings --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OutsideItem:
    """A text that was rated: the query's text may be empty where only texts were shown."""

    row: int
    id: str
    query: str
    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class OutsideRating:
    """A number, or None for "can't say"."""

    row: int
    rater: str
    item: str
    value: float | None


@dataclass(frozen=True, slots=True)
class OutsideRatings:
    """Raters with their traits, what they rated, and how.

    Attributes:
        traits: names of the traits, in the order asked for.
        raters: id -> traits; a trait that is not known of a rater is left out.
        items: id -> item, in the order of the table.
        ratings: one for each rater and item.
        problems: what is wrong; import nothing where there are any.
    """

    traits: tuple[str, ...]
    raters: Mapping[str, Mapping[str, str]]
    items: Mapping[str, OutsideItem]
    ratings: tuple[OutsideRating, ...]
    problems: Problems


@dataclass(frozen=True, slots=True)
class DeclaredScale:
    """The scale of ratings from outside: bounds that the researchers declare, never observed.

    Attributes:
        low: lowest value.
        high: highest value, above low.
        step: distance of two values; None: any number between.
        values: words in place of numbers, such as {"Yes": 1, "No": 0}; None means "can't say".
    """

    low: float
    high: float
    step: float | None = 1.0
    values: Mapping[str, float | None] = field(default_factory=dict)

    def number(self, written: str) -> float | None:
        """The number that a cell means, None for "can't say".

        Raises:
            ValueError: no number, or not on the scale; says what is legal.
        """
        if written in self.values:
            return self.values[written]
        try:
            value = float(written)
        except ValueError:
            words = "".join(f", {word!r}" for word in self.values)
            raise ValueError(
                f"{written!r} is no rating; legal are numbers from {self.low:g} to "
                f"{self.high:g}{words}."
            ) from None
        if not (math.isfinite(value) and self.low <= value <= self.high):
            raise ValueError(f"{written} is outside the scale from {self.low:g} to {self.high:g}.")
        if self.step:
            steps = (value - self.low) / self.step
            if abs(steps - round(steps)) > 1e-9 * max(1.0, abs(steps)):
                raise ValueError(
                    f"{written} is not on the scale from {self.low:g} to {self.high:g} in steps of "
                    f"{self.step:g}; declare another step if it is right."
                )
        return value


@dataclass(frozen=True, slots=True)
class RatingColumns:
    """Which column of a long table holds what; an empty name: there is none.

    Attributes:
        juror: id of the rater.
        item: id of what was rated.
        text: what was rated.
        rating: how.
        query: what the text answers.
        source: who or what wrote the text.
        traits: columns with traits of the rater.
    """

    juror: str
    item: str
    text: str
    rating: str
    query: str = ""
    source: str = ""
    traits: tuple[str, ...] = ()


def read_ratings(
    table: OutsideTable, *, columns: RatingColumns, scale: DeclaredScale
) -> OutsideRatings:
    """Ratings of a long table: one row for each rater and item.

    Raises:
        ColumnMissing: a column is not there.
    """
    rater_at, item_at = table.place(columns.juror), table.place(columns.item)
    text_at, rating_at = table.place(columns.text), table.place(columns.rating)
    query_at = table.place(columns.query) if columns.query else None
    source_at = table.place(columns.source) if columns.source else None
    traits_at = [table.place(name) for name in columns.traits]
    problems = Problems()
    raters: dict[str, dict[str, str]] = {}
    first_rows: dict[str, int] = {}
    items: dict[str, OutsideItem] = {}
    ratings: dict[tuple[str, str], OutsideRating] = {}
    for number, cells in table.rows:
        rater, item = cells[rater_at].strip(), cells[item_at].strip()
        if not _ids_are_good(number, rater, item, columns, problems):
            continue
        traits = {
            name: cells[place].strip()
            for name, place in zip(columns.traits, traits_at, strict=True)
            if cells[place].strip()
        }
        _join_rater(number, rater, traits, raters, first_rows, problems)
        found = OutsideItem(
            row=number,
            id=item,
            query="" if query_at is None else cells[query_at].strip(),
            text=cells[text_at].strip(),
            source="" if source_at is None else cells[source_at].strip(),
        )
        if not found.text:
            problems.add(number, columns.text, f"blank, but {item!r} needs a text.")
            continue
        known = items.setdefault(item, found)
        if (known.query, known.text, known.source) != (found.query, found.text, found.source):
            problems.add(
                number, columns.text, f"{item!r} has another text or source in row {known.row}."
            )
        try:
            value = scale.number(cells[rating_at].strip())
        except ValueError as problem:
            problems.add(number, columns.rating, str(problem))
            continue
        before = ratings.setdefault((rater, item), OutsideRating(number, rater, item, value))
        if before.row != number:
            problems.add(
                number,
                columns.rating,
                f"{rater!r} has rated {item!r} in row {before.row} already.",
            )
    return OutsideRatings(columns.traits, raters, items, tuple(ratings.values()), problems)


def _ids_are_good(
    number: int, rater: str, item: str, columns: RatingColumns, problems: Problems
) -> bool:
    before = problems.total
    for column, written in ((columns.juror, rater), (columns.item, item)):
        if not written:
            problems.add(number, column, "blank; every rating needs a rater and an item.")
        elif len(written) > LONGEST_ID:
            problems.add(number, column, f"{len(written)} characters; {LONGEST_ID} are allowed.")
    return problems.total == before


def _join_rater(
    number: int,
    rater: str,
    traits: dict[str, str],
    raters: dict[str, dict[str, str]],
    first_rows: dict[str, int],
    problems: Problems,
) -> None:
    known = raters.get(rater)
    if known is None:
        raters[rater] = traits
        first_rows[rater] = number
        return
    for name, value in traits.items():
        if known.setdefault(name, value) != value:
            problems.add(
                number,
                name,
                f"{rater!r} has {value!r} here, but {known[name]!r} in row {first_rows[rater]}; "
                "a person has one value of each trait.",
            )


def read_rater_matrix(document: Any, *, scale: DeclaredScale, metric: str = "") -> OutsideRatings:
    """Ratings of a DICES-style document: for each instance a list, position k is the same rater k.

    Args:
        document: parsed JSON, ``{"instances": [{"id", "instance": {...}, "annotations": {metric:
            {"individual_human_scores": [...]}}}]}``. Of an instance, ``response`` is what was
            rated and the other texts are what it answers; a single text is what was rated. A null
            in the list: this rater did not rate.
        scale: with the words that stand in the lists.
        metric: which of the annotations; empty: the only one.

    Rows of problems count the instances from 1. Raises ``TableUnreadable`` where the document has
    another shape, or lists of different lengths.
    """
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list) or not instances:
        raise TableUnreadable('The document has no list "instances".')
    problems = Problems()
    raters: dict[str, dict[str, str]] = {}
    items: dict[str, OutsideItem] = {}
    ratings: list[OutsideRating] = []
    width = -1
    for number, instance in enumerate(instances, start=1):
        scores = _scores(number, instance, metric)
        if width < 0:
            width = len(scores)
            digits = len(str(width))
            raters = {f"rater-{place:0{digits}}": {} for place in range(1, width + 1)}
        if len(scores) != width:
            raise TableUnreadable(
                f"Instance {number} has {len(scores)} ratings and the first {width}; position k "
                "must be the same rater in all lists."
            )
        item = _matrix_item(number, instance)
        if item.id in items:
            problems.add(number, "id", f"{item.id!r} is the id of instance {items[item.id].row}.")
            continue
        items[item.id] = item
        for rater, score in zip(raters, scores, strict=True):
            if score is None:
                continue
            try:
                value = scale.number(str(score).strip())
            except ValueError as problem:
                problems.add(number, rater, str(problem))
                continue
            ratings.append(OutsideRating(number, rater, item.id, value))
    return OutsideRatings((), raters, items, tuple(ratings), problems)


def _scores(number: int, instance: Any, metric: str) -> list[Any]:
    annotations = instance.get("annotations") if isinstance(instance, dict) else None
    if not isinstance(annotations, dict) or not annotations:
        raise TableUnreadable(f"Instance {number} has no annotations.")
    if not metric and len(annotations) > 1:
        raise TableUnreadable(f"Name one of the annotations: {', '.join(annotations)}.")
    chosen = annotations.get(metric) if metric else next(iter(annotations.values()))
    scores = chosen.get("individual_human_scores") if isinstance(chosen, dict) else None
    if not isinstance(scores, list):
        raise TableUnreadable(
            f"Instance {number} has no list individual_human_scores"
            + (f" under {metric!r}." if metric else ".")
        )
    return scores


def _matrix_item(number: int, instance: Mapping[str, Any]) -> OutsideItem:
    shown = instance.get("instance")
    texts = (
        {"text": shown}
        if isinstance(shown, str)
        else {
            str(name): value
            for name, value in (shown.items() if isinstance(shown, dict) else ())
            if isinstance(value, str)
        }
    )
    if not texts:
        raise TableUnreadable(f"Instance {number} has no text.")
    rated = "response" if "response" in texts else list(texts)[-1]
    return OutsideItem(
        row=number,
        id=str(instance.get("id", number)),
        query="\n\n".join(text for name, text in texts.items() if name != rated),
        text=texts[rated],
    )
