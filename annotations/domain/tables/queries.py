"""Queries, with their options, checks and responses, read from a table."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from annotations.domain.checks import parse_expected
from annotations.domain.tables.outside import LONGEST_ID, UNSTORABLE, OutsideTable, Problems

LONGEST_OPTION_KEY = 60
LONGEST_OPTION = 400

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
        if UNSTORABLE.search(option.key + option.text):
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
