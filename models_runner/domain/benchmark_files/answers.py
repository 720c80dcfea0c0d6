"""Distributions over the options of questions, from a file.

CSV: a row for each option, with the columns `option`, `probability` or `count`, perhaps `question`
(left out for a single one) and `code` (the option's place on an ordinal scale, blank for a
refusal). JSON: a list of such rows; or option -> number; or question -> option -> number; or a list
(or `{"questions": [...]}`) of objects with `question`, `options`, and `probabilities` or `counts`,
perhaps `codes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models_runner.domain.benchmark_files.problems import Problems
from models_runner.domain.benchmark_files.records import (
    Record,
    Records,
    csv_records,
    decode,
    is_json,
    json_records,
    number,
    parse_json,
)
from models_runner.domain.distributional.probabilities import SUM_WITHIN

UNNAMED = "(the only question)"


@dataclass(frozen=True, slots=True)
class AnswersFile:
    """``answers``: question -> option -> count or probability, in the file's order. ``codes``:
    question -> option -> code, None for a refusal; empty if the file has none. ``unused``: columns
    that were not read.
    """

    answers: Mapping[str, Mapping[str, float]]
    codes: Mapping[str, Mapping[str, float | None]]
    unused: tuple[str, ...]


@dataclass(slots=True)
class _Reading:
    problems: Problems
    counts: bool
    answers: dict[str, dict[str, float]] = field(default_factory=dict)
    codes: dict[str, dict[str, float | None]] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def what(self) -> str:
        return "count" if self.counts else "probability"

    def add(self, place: str, question: str, option: Any, value: Any) -> bool:
        """Take one option; False if something is wrong with it."""
        if not isinstance(option, str) or not option.strip():
            self.problems.add(place, "The option is blank.")
            return False
        name = option.strip()
        known = self.places.get((question, name))
        if known is not None:
            self.problems.add(
                place, f"Option {name!r} of question {question!r} already stands in {known}."
            )
            return False
        self.places[(question, name)] = place
        what = f"The {self.what} of option {name!r}, question {question!r},"
        found = number(value, place=place, what=what, problems=self.problems)
        if found is None:
            return False
        if found < 0:
            self.problems.add(place, f"{what} is {found:g}, below 0.")
            return False
        self.answers.setdefault(question, {})[name] = found
        return True

    def add_code(self, place: str, question: str, option: str, cell: Any) -> None:
        code = None
        if cell is not None and cell != "":
            what = f"The code of option {option!r}, question {question!r},"
            code = number(cell, place=place, what=what, problems=self.problems)
        self.codes.setdefault(question, {})[option] = code


def parse_answers(
    content: bytes, *, file: str, counts: bool, sum_within: float = SUM_WITHIN
) -> AnswersFile:
    """Read a file whose numbers are counts, or else probabilities.

    `sum_within`: how far from 1 the probabilities of a question may add up. Raises
    InvalidBenchmarkFile with every problem by row, entry or question.
    """
    reading = _Reading(Problems(file), counts)
    text = decode(content, reading.problems)
    unused: tuple[str, ...] = ()
    if is_json(text):
        unused = _from_json(parse_json(text, reading.problems), reading)
    else:
        unused = _from_rows(csv_records(text, reading.problems), reading)
    reading.problems.raise_if_any()
    if not reading.answers:
        raise reading.problems.refuse("", "There are no options.")
    for question, options in reading.answers.items():
        _check_question(question, options, reading, sum_within)
    reading.problems.raise_if_any()
    return AnswersFile(answers=reading.answers, codes=reading.codes, unused=unused)


def _check_question(
    question: str, options: Mapping[str, float], reading: _Reading, sum_within: float
) -> None:
    place, total = f"question {question!r}", sum(options.values())
    if len(options) < 2:
        reading.problems.add(place, f"There is one option, {next(iter(options))!r}; it needs two.")
    elif reading.counts and total <= 0:
        reading.problems.add(place, "Nobody answered: all counts are 0. Leave the question out.")
    elif reading.counts and total <= 1 + SUM_WITHIN and any(x % 1 for x in options.values()):
        reading.problems.add(
            place,
            f"The counts add up to {total:.6g} and are no whole numbers. Where these are"
            " probabilities, don't declare them as counts; weights must add up to the number of"
            " people.",
        )
    elif not reading.counts and abs(total - 1) > sum_within:
        reading.problems.add(
            place,
            f"The probabilities add up to {total:.6g}, not 1 (within {sum_within:g}). Correct them;"
            " if they were only rounded, allow for it with --sum-within.",
        )


def _from_json(read: Any, reading: _Reading) -> tuple[str, ...]:
    if isinstance(read, dict) and isinstance(read.get("questions"), list):
        read = read["questions"]
    if isinstance(read, list):
        if any(isinstance(entry, dict) and "options" in entry for entry in read):
            for place, entry in enumerate(read, 1):
                _from_lists(entry, f"entry {place}", reading)
            return ()
        return _from_rows(json_records(read, reading.problems), reading)
    if not isinstance(read, dict):
        raise reading.problems.refuse("", "The file must hold an object or a list.")
    if any(isinstance(value, dict) for value in read.values()):
        for question, options in read.items():
            if not isinstance(options, dict) or not question.strip():
                reading.problems.add(
                    f"question {question!r}", "A question needs a name and option -> number."
                )
                continue
            for option, value in options.items():
                reading.add(f"question {question!r}", question.strip(), option, value)
        return ()
    for option, value in read.items():
        reading.add("", UNNAMED, option, value)
    return ()


def _from_lists(entry: Any, place: str, reading: _Reading) -> None:
    values_name = "counts" if reading.counts else "probabilities"
    if not isinstance(entry, dict) or not isinstance(entry.get("options"), list):
        reading.problems.add(place, "Each entry must be an object with a list of options.")
        return
    other = "probabilities" if reading.counts else "counts"
    values = entry.get(values_name)
    if not isinstance(values, list):
        declared = _declared(reading.counts) if other in entry else ""
        reading.problems.add(place, f"The entry needs a list {values_name!r}{declared}.")
        return
    options, codes = entry["options"], entry.get("codes")
    if codes is not None and not isinstance(codes, list):
        reading.problems.add(place, f"The codes are {codes!r}; they must be a list.")
        return
    if len(values) != len(options) or (codes is not None and len(codes) != len(options)):
        reading.problems.add(
            place,
            f"There are {len(options)} options, {len(values)} {values_name}"
            + ("." if codes is None else f" and {len(codes)} codes."),
        )
        return
    question = _question(entry.get("question"), place, reading, required="question" in entry)
    if question is None:
        return
    if question in reading.answers:
        reading.problems.add(place, f"The question {question!r} already stands in another entry.")
        return
    for index, (option, value) in enumerate(zip(options, values, strict=True)):
        if reading.add(place, question, option, value) and codes is not None:
            reading.add_code(place, question, option.strip(), codes[index])


def _from_rows(records: Records, reading: _Reading) -> tuple[str, ...]:
    option, value = records.column("option"), records.column(reading.what)
    question, code = records.column("question"), records.column("code")
    other = records.column("probability" if reading.counts else "count")
    header = "row 1" if records.rows[0].place.startswith("row") else ""
    for name, column in (("option", option), (reading.what, value)):
        if column is None:
            hint = _declared(reading.counts) if name == reading.what and other else ""
            there = ", ".join(records.columns)
            reading.problems.add(
                header, f"The column {name!r} is missing; there are: {there}{hint}."
            )
    reading.problems.raise_if_any()
    for row in records.rows:
        _from_row(row, reading, question=question, option=option, value=value, code=code)
    used = {option, value, question, code}
    return tuple(column for column in records.columns if column not in used)


def _from_row(
    row: Record,
    reading: _Reading,
    *,
    question: str | None,
    option: str | None,
    value: str | None,
    code: str | None,
) -> None:
    name = _question(
        row.cells.get(question) if question else None,
        row.place,
        reading,
        required=question is not None,
    )
    if name is None:
        return
    chosen = row.cells.get(option or "")
    good = reading.add(row.place, name, chosen, row.cells.get(value or ""))
    if good and code is not None and isinstance(chosen, str):
        reading.add_code(row.place, name, chosen.strip(), row.cells.get(code))


def _question(cell: Any, place: str, reading: _Reading, *, required: bool) -> str | None:
    if not required:
        return UNNAMED
    if not isinstance(cell, str) or not cell.strip():
        reading.problems.add(place, "The question is blank.")
        return None
    return cell.strip()


def _declared(counts: bool) -> str:
    if counts:
        return "; these are probabilities, but counts were declared"
    return "; these are counts: declare them with --counts, --human-counts or --model-counts"
