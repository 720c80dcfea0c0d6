"""Tables of responses, answers, judgements and labels, read into arrays; all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.tables import ColumnMissing, OutsideTable, Problems
from overton.domain.labels import ExpressionLabel, PooledLabel, pool_all
from overton.domain.windows import JudgementCode

FloatArray = npt.NDArray[np.float64]
Pair = tuple[int, int]

VERDICTS = {code.name.lower(): code for code in JudgementCode if code >= 0}
YES, NO = ("yes", "true", "1"), ("no", "false", "0")


class TablesRefused(ValueError):
    """Rows that can't be used; carries the table's name and its problems."""

    def __init__(self, table: str, problems: Problems) -> None:
        self.table = table
        self.problems = problems
        super().__init__(
            f"{problems.total} error{'s' if problems.total != 1 else ''} in the {table}; nothing "
            "was computed."
        )


@dataclass(frozen=True, slots=True)
class FileResponse:
    """A response: ids as in the file, and its text."""

    query: str
    id: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """An answer; ``exclusion`` is the reason why it is kept out of the window, or empty."""

    query: str
    id: str
    text: str
    exclusion: str


@dataclass(frozen=True, slots=True, eq=False)
class FileJudgements:
    """What jurors said.

    Attributes:
        jurors: ids in order of appearance.
        verdicts: (jurors, answers) of `JudgementCode`.
        holds: (jurors, answers) 1, 0 or NaN.
        groups: column -> (jurors,) the juror's value, "" where none is given.
    """

    jurors: tuple[str, ...]
    verdicts: npt.NDArray[np.int64]
    holds: FloatArray
    groups: Mapping[str, tuple[str, ...]]


def read_responses(table: OutsideTable) -> tuple[FileResponse, ...]:
    """Columns query, source and text; response (an id), if a source answers a query repeatedly.

    Raises:
        ColumnMissing, TablesRefused.
    """
    query, source, text = (table.place(name) for name in ("query", "source", "text"))
    response = _optional(table, "response")
    problems = Problems()
    found: dict[tuple[str, str], tuple[int, FileResponse]] = {}
    for number, cells in table.rows:
        key = cells[query].strip()
        name = cells[source].strip()
        own = (cells[response].strip() if response is not None else "") or name
        if not _filled(number, problems, query=key, source=name, text=cells[text].strip()):
            continue
        if (key, own) in found:
            problems.add(
                number,
                "source" if response is None else "response",
                f"{own!r} to {key!r} stands in row {found[key, own][0]} already. Give repeated "
                "responses different ids in a column “response”.",
            )
            continue
        found[key, own] = number, FileResponse(key, own, name, cells[text])
    _refuse("responses", problems)
    return tuple(row for _, row in found.values())


def read_answers(table: OutsideTable) -> tuple[FileAnswer, ...]:
    """Columns query, answer (an id) and text; exclusion (a reason), if there is one.

    Raises:
        ColumnMissing, TablesRefused.
    """
    query, answer, text = (table.place(name) for name in ("query", "answer", "text"))
    exclusion = _optional(table, "exclusion")
    problems = Problems()
    found: dict[tuple[str, str], tuple[int, FileAnswer]] = {}
    for number, cells in table.rows:
        key, own = cells[query].strip(), cells[answer].strip()
        if not _filled(number, problems, query=key, answer=own, text=cells[text].strip()):
            continue
        if (key, own) in found:
            problems.add(
                number, "answer", f"{own!r} of {key!r} stands in row {found[key, own][0]} already."
            )
            continue
        reason = "" if exclusion is None else cells[exclusion].strip()
        found[key, own] = number, FileAnswer(key, own, cells[text].strip(), reason)
    _refuse("answers", problems)
    return tuple(row for _, row in found.values())


def read_judgements(
    table: OutsideTable, *, answers: Sequence[FileAnswer], groups: Sequence[str] = ()
) -> FileJudgements:
    """Columns juror, answer, verdict, and where they are there query, holds and the groups.

    A verdict is correct, reasonable, unreasonable or cant_say; holds is yes or no, or blank.

    Raises:
        ColumnMissing, TablesRefused.
    """
    juror, answer, verdict = (table.place(name) for name in ("juror", "answer", "verdict"))
    query, holds = _optional(table, "query"), _optional(table, "holds")
    places = {name: table.place(name) for name in groups}
    column_of = _columns(answers)
    problems = Problems()
    said: dict[tuple[str, int], tuple[int, JudgementCode, float]] = {}
    traits: dict[str, dict[str, str]] = {}
    for number, cells in table.rows:
        person = cells[juror].strip()
        asked = "" if query is None else cells[query].strip()
        column = _column(number, asked, cells[answer].strip(), column_of, problems)
        word = cells[verdict].strip().lower().replace(" ", "_").replace("'", "").replace("’", "")
        code = VERDICTS.get(word)
        if code is None:
            problems.add(
                number,
                "verdict",
                f"{cells[verdict]!r} is none; legal are {', '.join(VERDICTS)}.",
            )
        held = np.nan if holds is None else _yes_or_no(number, cells[holds], problems)
        _join(number, person, {n: cells[p].strip() for n, p in places.items()}, traits, problems)
        if not _filled(number, problems, juror=person) or column is None or code is None:
            continue
        if (person, column) in said:
            problems.add(
                number,
                "answer",
                f"{person!r} has judged it in row {said[person, column][0]} already.",
            )
            continue
        said[person, column] = number, code, held
    _refuse("judgements", problems)
    jurors = tuple(dict.fromkeys(person for person, _ in said))
    row_of = {person: place for place, person in enumerate(jurors)}
    verdicts = np.full((len(jurors), len(answers)), JudgementCode.NOT_SAID, dtype=np.int64)
    given = np.full((len(jurors), len(answers)), np.nan)
    for (person, column), (_, code, held) in said.items():
        verdicts[row_of[person], column] = code
        given[row_of[person], column] = held
    return FileJudgements(
        jurors=jurors,
        verdicts=verdicts,
        holds=given,
        groups={name: tuple(traits[one].get(name, "") for one in jurors) for name in groups},
    )


def read_labels(
    table: OutsideTable, *, responses: Sequence[FileResponse], answers: Sequence[FileAnswer]
) -> dict[Pair, PooledLabel]:
    """Columns response, answer and label, and where they are there query and reader.

    A label is expresses, does_not or contradicts. A response is named by its id; its source will
    do where that answered the query once. Several readers of a pair are joined by majority.

    Returns:
        (place of the response, place of the answer) -> what people make of it.

    Raises:
        ColumnMissing, TablesRefused.
    """
    response, answer, label = (table.place(name) for name in ("response", "answer", "label"))
    query, reader = _optional(table, "query"), _optional(table, "reader")
    column_of = _columns(answers)
    row_of: dict[tuple[str, str], int] = {
        (one.query, one.id): place for place, one in enumerate(responses)
    }
    problems = Problems()
    given: dict[Pair, dict[str, ExpressionLabel]] = {}
    for number, cells in table.rows:
        asked = "" if query is None else cells[query].strip()
        column = _column(number, asked, cells[answer].strip(), column_of, problems)
        word = cells[label].strip().lower().replace(" ", "_")
        if word not in list(ExpressionLabel):
            problems.add(
                number,
                "label",
                f"{cells[label]!r} is none; legal are {', '.join(ExpressionLabel)}.",
            )
            continue
        if column is None:
            continue
        row = row_of.get((answers[column].query, cells[response].strip()))
        if row is None:
            problems.add(
                number,
                "response",
                f"there is no response {cells[response]!r} to {answers[column].query!r}.",
            )
            continue
        person = "" if reader is None else cells[reader].strip()
        readers = given.setdefault((row, column), {})
        if person in readers:
            problems.add(
                number,
                "response" if reader is None else "reader",
                "the pair is labelled already"
                + (" by this reader." if person else ". Name readers in a column “reader”."),
            )
            continue
        readers[person] = ExpressionLabel(word)
    _refuse("labels", problems)
    return pool_all(
        jurors={pair: list(readers.values()) for pair, readers in given.items()}, researchers={}
    )


def read_represented(
    table: OutsideTable, *, responses: Sequence[FileResponse], jurors: Sequence[str]
) -> FloatArray:
    """Columns query, response, juror and rating ("is my view represented?", 1 to 5).

    Returns:
        (responses, jurors) ratings, NaN where not given.

    Raises:
        ColumnMissing, TablesRefused.
    """
    query, response, juror, rating = (
        table.place(name) for name in ("query", "response", "juror", "rating")
    )
    row_of = {(one.query, one.id): place for place, one in enumerate(responses)}
    column_of = {person: place for place, person in enumerate(jurors)}
    found = np.full((len(responses), len(jurors)), np.nan)
    problems = Problems()
    for number, cells in table.rows:
        row = row_of.get((cells[query].strip(), cells[response].strip()))
        column = column_of.get(cells[juror].strip())
        if row is None:
            problems.add(number, "response", f"there is no response {cells[response]!r} to it.")
        if column is None:
            problems.add(number, "juror", f"{cells[juror]!r} has judged no answer.")
        try:
            value = float(cells[rating])
        except ValueError:
            value = np.nan
        if not 1 <= value <= 5:
            problems.add(number, "rating", f"{cells[rating]!r} is no number from 1 to 5.")
        elif row is not None and column is not None:
            if not np.isnan(found[row, column]):
                problems.add(number, "rating", "this juror has rated it already.")
            found[row, column] = value
    _refuse("ratings", problems)
    return found


# --- Cells ----------------------------------------------------------------------------------------


def _optional(table: OutsideTable, name: str) -> int | None:
    try:
        return table.place(name)
    except ColumnMissing:
        return None


def _filled(number: int, problems: Problems, **values: str) -> bool:
    blank = [name for name, value in values.items() if not value]
    for name in blank:
        problems.add(number, name, "blank.")
    return not blank


def _columns(answers: Sequence[FileAnswer]) -> dict[tuple[str, str], int | None]:
    """Places of answers by (query, id), and by ("", id) where an id stands once; else None."""
    found: dict[tuple[str, str], int | None] = {}
    for place, one in enumerate(answers):
        found[one.query, one.id] = place
        found["", one.id] = None if ("", one.id) in found else place
    return found


def _column(
    number: int,
    query: str,
    answer: str,
    column_of: Mapping[tuple[str, str], int | None],
    problems: Problems,
) -> int | None:
    if (query, answer) not in column_of:
        of = f" of {query!r}" if query else ""
        problems.add(number, "answer", f"there is no answer {answer!r}{of}.")
        return None
    column = column_of[query, answer]
    if column is None:
        problems.add(
            number, "answer", f"{answer!r} is the id of several answers; add a column “query”."
        )
    return column


def _yes_or_no(number: int, cell: str, problems: Problems) -> float:
    word = cell.strip().lower()
    if word in YES:
        return 1.0
    if word in NO:
        return 0.0
    if word:
        problems.add(number, "holds", f"{cell!r} is neither yes nor no; leave it blank if unknown.")
    return float("nan")


def _join(
    number: int,
    person: str,
    given: Mapping[str, str],
    traits: dict[str, dict[str, str]],
    problems: Problems,
) -> None:
    known = traits.setdefault(person, {})
    for name, value in given.items():
        if value and known.setdefault(name, value) != value:
            problems.add(
                number,
                name,
                f"{person!r} has {value!r} here, but {known[name]!r} before; a juror is in one "
                "group of each column.",
            )


def _refuse(table: str, problems: Problems) -> None:
    if problems.total:
        raise TablesRefused(table, problems)
