"""Answers and judgements from tables made elsewhere, and conversations from Pol.is.

Cells are text; what is wrong is listed by row and column, with what is legal, and the caller takes
all or nothing. Whether a query, an answer or a juror exists is the caller's to check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from annotations.domain.tables import OutsideTable, Problems

ANSWER_FIELDS = ("query_id", "answer_id", "text", "origin")
JUDGEMENT_FIELDS = ("juror_id", "query_id", "answer_id", "verdict", "holds")
LONGEST_ID = 120
LONGEST_TEXT = 4000
LATEST = 253_402_300_799_000
"""The last moment that has a date of four digits, in milliseconds."""

_ALIKE: Mapping[str, Sequence[str]] = {
    "query_id": ("query", "question_id", "qid", "query_external_id"),
    "answer_id": ("answer", "id", "external_id", "comment_id"),
    "text": ("answer_text", "position", "view", "words"),
    "juror_id": ("juror", "rater", "rater_id", "voter_id"),
    "verdict": ("judgement", "judgment"),
    "holds": ("held", "supports", "endorses"),
}
_YES = ("yes", "true", "1", "y")
_NO = ("no", "false", "0", "n")


class ColumnsMissing(ValueError):
    """A table lacks columns that are needed; the message names them and those that are there."""


@dataclass(frozen=True, slots=True)
class OutsideAnswer:
    """An answer as a row tells it; an empty ``origin`` was not told."""

    row: int
    query_id: str
    id: str
    text: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class OutsideJudgement:
    """A verdict as a row tells it; ``holds`` is None where she was not asked."""

    row: int
    juror_id: str
    query_id: str
    answer_id: str
    verdict: str
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class AnswerMaterial:
    """Answers in the order of the table, and what is wrong with it."""

    answers: tuple[OutsideAnswer, ...]
    problems: Problems


@dataclass(frozen=True, slots=True)
class JudgementMaterial:
    """Judgements in the order of the table, and what is wrong with it."""

    judgements: tuple[OutsideJudgement, ...]
    problems: Problems


def guessed_columns(
    columns: Sequence[str], *, fields: Sequence[str], needed: Sequence[str]
) -> dict[str, str]:
    """Field -> column: of the same name whatever its case and separators, or of a kindred one.

    Raises ``ColumnsMissing``.
    """
    by_name = {
        column.strip().lower().replace(" ", "_").replace("-", "_"): column
        for column in reversed(columns)
    }
    found: dict[str, str] = {field: by_name[field] for field in fields if field in by_name}
    for field in fields:
        for name in _ALIKE.get(field, ()):
            if field not in found and name in by_name and by_name[name] not in found.values():
                found[field] = by_name[name]
    missing = [field for field in needed if field not in found]
    if missing:
        raise ColumnsMissing(
            f"There is no column {' and none '.join(missing)}. Needed are {', '.join(needed)}; "
            f"the table has {', '.join(columns)}. Rename its headings, or map them."
        )
    return found


def read_answers(
    table: OutsideTable, *, mapping: Mapping[str, str], origins: Collection[str]
) -> AnswerMaterial:
    """Answers of a table with a row for each.

    table : as ``annotations.domain.tables.read_table`` gives it
    mapping : field (of ``ANSWER_FIELDS``) -> column; all but ``origin`` are needed
    origins : legal values of ``origin``

    A (query, id) that stands twice is a problem. Raises ``ColumnMissing`` for a column of the
    mapping that is not there.
    """
    places = _places(table, mapping, ANSWER_FIELDS)
    problems = Problems()
    answers: list[OutsideAnswer] = []
    first_row: dict[tuple[str, str], int] = {}
    for row, cells in table.rows:
        told = {field: cells[place].strip() for field, place in places.items()}
        fits = _ids_fit(row, told, ("query_id", "answer_id"), mapping, problems)
        text, origin = told["text"], told.get("origin", "").lower()
        if not text:
            problems.add(row, mapping["text"], "it is blank; give the position in a sentence.")
            fits = False
        elif len(text) > LONGEST_TEXT:
            problems.add(
                row,
                mapping["text"],
                f"it has {len(text)} characters ({text[:30]!r} ...); up to {LONGEST_TEXT} are "
                "taken. An answer is a sentence or two.",
            )
            fits = False
        if origin and origin not in origins:
            problems.add(
                row,
                mapping["origin"],
                f"{told['origin']!r} is no origin; legal are {', '.join(origins)}, or leave it "
                "blank for an imported answer.",
            )
            fits = False
        key = (told["query_id"], told["answer_id"])
        if fits and key in first_row:
            problems.add(
                row,
                mapping["answer_id"],
                f"{key[1]!r} of query {key[0]!r} stands in row {first_row[key]} already; give "
                "each answer an id of its own.",
            )
        elif fits:
            first_row[key] = row
            answers.append(
                OutsideAnswer(row=row, query_id=key[0], id=key[1], text=text, origin=origin)
            )
    return AnswerMaterial(answers=tuple(answers), problems=problems)


def read_judgements(
    table: OutsideTable, *, mapping: Mapping[str, str], verdicts: Collection[str]
) -> JudgementMaterial:
    """Judgements of a table with a row for each juror and answer.

    mapping : field (of ``JUDGEMENT_FIELDS``) -> column; all but ``holds`` are needed
    verdicts : legal values of ``verdict``

    ``holds`` takes yes, true, 1, no, false, 0, or a blank for "not asked". A juror and answer that
    stand twice are a problem. Raises ``ColumnMissing``.
    """
    places = _places(table, mapping, JUDGEMENT_FIELDS)
    problems = Problems()
    judgements: list[OutsideJudgement] = []
    first_row: dict[tuple[str, str, str], int] = {}
    for row, cells in table.rows:
        told = {field: cells[place].strip() for field, place in places.items()}
        fits = _ids_fit(row, told, ("juror_id", "query_id", "answer_id"), mapping, problems)
        verdict = told["verdict"].lower().replace("’", "").replace("'", "").replace(" ", "_")
        if verdict not in verdicts:
            problems.add(
                row,
                mapping["verdict"],
                f"{told['verdict']!r} is no verdict; legal are {', '.join(verdicts)}.",
            )
            fits = False
        held = told.get("holds", "").lower()
        if held and held not in (*_YES, *_NO):
            problems.add(
                row,
                mapping["holds"],
                f"{told['holds']!r} is neither yes nor no; leave it blank if she was not asked.",
            )
            fits = False
        key = (told["juror_id"], told["query_id"], told["answer_id"])
        if fits and key in first_row:
            problems.add(
                row,
                mapping["answer_id"],
                f"{key[0]!r} judges {key[2]!r} of {key[1]!r} in row {first_row[key]} already; "
                "keep the row that stands.",
            )
        elif fits:
            first_row[key] = row
            judgements.append(
                OutsideJudgement(
                    row=row,
                    juror_id=key[0],
                    query_id=key[1],
                    answer_id=key[2],
                    verdict=verdict,
                    holds=None if not held else held in _YES,
                )
            )
    return JudgementMaterial(judgements=tuple(judgements), problems=problems)


def _places(
    table: OutsideTable, mapping: Mapping[str, str], fields: Sequence[str]
) -> dict[str, int]:
    unknown = [field for field in mapping if field not in fields]
    if unknown:
        raise ColumnsMissing(f"There is no field {unknown[0]!r}; there are: {', '.join(fields)}.")
    return {field: table.place(column) for field, column in mapping.items()}


def _ids_fit(
    row: int,
    told: Mapping[str, str],
    fields: Sequence[str],
    mapping: Mapping[str, str],
    problems: Problems,
) -> bool:
    fits = True
    for field in fields:
        value = told[field]
        if not value:
            problems.add(row, mapping[field], "it is blank; every row needs it.")
            fits = False
        elif len(value) > LONGEST_ID:
            problems.add(
                row,
                mapping[field],
                f"{value[:30]!r} ... has {len(value)} characters; up to {LONGEST_ID} are taken.",
            )
            fits = False
    return fits


# --- Conversations from Pol.is --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comment:
    """A statement that people voted on. ``hidden``: the moderators took it out."""

    row: int
    id: str
    text: str
    agrees: int | None
    disagrees: int | None
    hidden: bool


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote on a statement: 1 agrees, -1 disagrees, 0 passes; at a moment in milliseconds."""

    row: int
    voter: str
    comment: str
    sign: int
    moment: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """Statements in the order of their table, votes by time.

    stray : votes on statements that are left out or not in the table
    blank : statements without a word, which are left out
    """

    comments: tuple[Comment, ...]
    votes: tuple[Vote, ...]
    comment_problems: Problems
    vote_problems: Problems
    stray: int = 0
    blank: int = 0


def read_conversation(comments: OutsideTable, votes: OutsideTable) -> Conversation:
    """A conversation from Pol.is' own export: ``comments.csv`` and ``votes.csv``.

    A vote counts 1, -1 or 0; that 1 agrees is checked against the counts that stand beside the
    comments, since older exports had it the other way round. Raises ``ColumnMissing``.
    """
    found = _comments(comments)
    known = {comment.id for comment in found.comments}
    problems = Problems()
    place = {name: votes.place(name) for name in ("timestamp", "comment-id", "voter-id", "vote")}
    cast: list[Vote] = []
    stray = 0
    for row, cells in votes.rows:
        told = {name: cells[index].strip() for name, index in place.items()}
        moment, sign = _number(told["timestamp"]), _number(told["vote"])
        if moment is None or not 0 <= moment <= LATEST:
            problems.add(row, "timestamp", f"{told['timestamp']!r} is no number of milliseconds.")
        elif sign not in (-1, 0, 1):
            problems.add(row, "vote", f"{told['vote']!r} is no vote; legal are 1, 0 and -1.")
        elif not told["voter-id"] or len(told["voter-id"]) > LONGEST_ID:
            problems.add(row, "voter-id", f"{told['voter-id'][:30]!r} is no id of a voter.")
        elif told["comment-id"] not in known:
            stray += 1
        else:
            cast.append(Vote(row, told["voter-id"], told["comment-id"], sign, moment))
    cast.sort(key=lambda vote: (vote.moment, vote.row))
    conversation = Conversation(
        found.comments, tuple(cast), found.comment_problems, problems, stray, found.blank
    )
    _check_signs(conversation)
    return conversation


def _comments(table: OutsideTable) -> Conversation:
    place = {name: table.place(name) for name in ("comment-id", "comment-body")}
    more = {name: table.columns.index(name) for name in ("agrees", "disagrees", "moderated")
            if name in table.columns}  # fmt: skip
    problems = Problems()
    comments: list[Comment] = []
    first_row: dict[str, int] = {}
    blank = 0
    for row, cells in table.rows:
        name, text = cells[place["comment-id"]].strip(), cells[place["comment-body"]].strip()
        told = {column: cells[index].strip() for column, index in more.items()}
        if not name or len(name) > LONGEST_ID:
            problems.add(row, "comment-id", f"{name[:30]!r} is no id of a comment.")
        elif name in first_row:
            problems.add(row, "comment-id", f"{name!r} stands in row {first_row[name]} already.")
        elif not text:
            blank += 1
        else:
            first_row[name] = row
            comments.append(
                Comment(
                    row=row,
                    id=name,
                    text=text,
                    agrees=_number(told.get("agrees", "")),
                    disagrees=_number(told.get("disagrees", "")),
                    hidden=told.get("moderated") == "-1",
                )
            )
    return Conversation(tuple(comments), (), problems, Problems(), blank=blank)


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _check_signs(conversation: Conversation) -> None:
    """Note where the counts beside the comments say that the votes' signs are swapped."""
    counts = Counter((vote.comment, vote.sign) for vote in conversation.votes)
    told = [c for c in conversation.comments if c.agrees is not None and c.disagrees is not None]
    as_read = sum(
        abs(counts[c.id, 1] - (c.agrees or 0)) + abs(counts[c.id, -1] - (c.disagrees or 0))
        for c in told
    )
    swapped = sum(
        abs(counts[c.id, -1] - (c.agrees or 0)) + abs(counts[c.id, 1] - (c.disagrees or 0))
        for c in told
    )
    if swapped < as_read:
        conversation.vote_problems.add(
            1,
            "vote",
            f"1 seems to stand for disagreement: beside the comments stand {swapped} votes more or "
            f"fewer if it does, {as_read} if it agrees. Swap the signs in the file.",
        )
