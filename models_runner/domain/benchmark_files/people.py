"""People's answers by group, from files as surveys and published benchmarks write them.

Read are, besides every shape of `answers` (one group, called "people"):

- GlobalOpinionQA as its authors publish it (Durmus and others, arXiv 2306.16388): rows with
  `question`, `selections` (group -> probabilities) and `options`, as CSV or JSON; lists may be
  written as Python writes them;
- the same as entries of one group each: `question`, `options`, `attribute`, `gold_distribution`;
- the distributional alignment benchmark (Meister and others, arXiv 2411.05403): question ->
  `MC_options`, perhaps `question_text`, and for each group counts by option or a list of shares.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from models_runner.domain.benchmark_files.answers import parse_answers
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile, Problems
from models_runner.domain.benchmark_files.records import csv_records, decode, is_json, parse_json
from models_runner.domain.distributional.probabilities import SUM_WITHIN

ONE_GROUP = "people"
ROUNDED_WITHIN = 0.02
"""How far from 1 published shares may add up, which are rounded; they are divided by their sum."""

_ABOUT = re.compile(r"^\s*Question:\s*", re.IGNORECASE)
_OPTIONS_FOLLOW = re.compile(r"\n\s*Options:.*\Z", re.IGNORECASE | re.DOTALL)
_DEFAULT_DICT = re.compile(r"^defaultdict\(<class '\w+'>,\s*(?P<dict>\{.*\})\)$", re.DOTALL)
_ENTRY_KEYS = frozenset({"question", "options"})


@dataclass(frozen=True, slots=True)
class PeopleQuestion:
    """``groups`` maps a group to its numbers in the order of ``options``; ``counts`` are the groups
    whose numbers are counts, the others' add up to 1. ``codes`` (None for a refusal) are empty
    where the file has none.
    """

    key: str
    text: str
    options: tuple[str, ...]
    groups: Mapping[str, tuple[float, ...]]
    counts: frozenset[str]
    codes: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """``questions`` in the file's order; ``left_out`` says which could not be used, and why."""

    questions: tuple[PeopleQuestion, ...]
    left_out: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups, those with most questions first."""
        seen: dict[str, int] = {}
        for question in self.questions:
            for group in question.groups:
                seen[group] = seen.get(group, 0) + 1
        return tuple(sorted(seen, key=lambda name: (-seen[name], name)))


@dataclass(slots=True)
class _Reading:
    problems: Problems
    sum_within: float
    found: dict[tuple[str, tuple[str, ...]], dict[str, tuple[float, ...]]] = field(
        default_factory=dict
    )
    texts: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    counted: dict[tuple[str, tuple[str, ...]], set[str]] = field(default_factory=dict)

    def add(self, place: str, key: str, text: str, options: Any, group: Any, numbers: Any) -> None:
        """Take one group's numbers on one question."""
        names = _options(options)
        if names is None:
            self.problems.add(place, f"The options are {_short(options)}; they must be a list.")
            return
        if len(names) < 2 or len(set(names)) < len(names) or "" in names:
            self.problems.add(
                place, f"The options are {list(names)}; give two or more, all different."
            )
            return
        if not isinstance(group, str) or not group.strip():
            self.problems.add(place, f"The group is {group!r}; it needs a name.")
            return
        values, counted = self._numbers(place, names, group, numbers)
        if values is None:
            return
        entry = (key, names)
        groups = self.found.setdefault(entry, {})
        self.texts.setdefault(entry, text)
        if group in groups and groups[group] != values:
            self.problems.add(
                place, f"The group {group!r} answers the question {_short(key)} twice, differently."
            )
            return
        groups[group] = values
        if counted:
            self.counted.setdefault(entry, set()).add(group)

    def _numbers(
        self, place: str, names: tuple[str, ...], group: str, numbers: Any
    ) -> tuple[tuple[float, ...] | None, bool]:
        counted = isinstance(numbers, dict)
        if isinstance(numbers, dict):
            strangers = [name for name in numbers if name not in names]
            if strangers:
                self.problems.add(
                    place,
                    f"Group {group!r} chose {strangers[0]!r}, which is none of the options"
                    f" {list(names)}.",
                )
                return None, counted
            # An option that nobody of the group chose is left out by those who count.
            numbers = [numbers.get(name, 0) for name in names]
        if not isinstance(numbers, list) or len(numbers) != len(names):
            length = len(numbers) if isinstance(numbers, list) else "no list of"
            self.problems.add(
                place, f"Group {group!r} has {length} numbers for {len(names)} options."
            )
            return None, counted
        if any(
            isinstance(x, bool) or not isinstance(x, int | float) or not isfinite(x) or x < 0
            for x in numbers
        ):
            self.problems.add(
                place, f"Group {group!r} has {_short(numbers)}; each must be a number, 0 or more."
            )
            return None, counted
        total = float(sum(numbers))
        if counted and total <= 0:
            self.problems.add(place, f"Nobody of group {group!r} answered; leave it out.")
            return None, counted
        if not counted and abs(total - 1) > self.sum_within:
            self.problems.add(
                place,
                f"The probabilities of group {group!r} add up to {total:.6g}, not 1 (within"
                f" {self.sum_within:g}).",
            )
            return None, counted
        return tuple(float(x) if counted else float(x) / total for x in numbers), counted


def parse_people(
    content: bytes,
    *,
    file: str,
    counts: bool = False,
    sum_within: float = ROUNDED_WITHIN,
    leave_out: bool = False,
) -> PeopleFile:
    """Read a file of people's answers, whichever of the shapes above it has.

    `counts`: whether the numbers of a file of the plain shapes are counts; the others say so
    themselves. `sum_within`: how far from 1 probabilities may add up. `leave_out`: leave out, and
    name, the entries of published benchmarks that can't be used, unless that is all of them.
    Raises InvalidBenchmarkFile with every problem and its place.
    """
    reading = _Reading(Problems(file), sum_within)
    text = decode(content, reading.problems)
    if is_json(text):
        read = parse_json(text, reading.problems)
        taken = _from_json(read, reading)
    else:
        taken = _from_csv(text, reading)
    if not taken:
        return _plain(content, file=file, counts=counts, sum_within=max(sum_within, SUM_WITHIN))
    left_out: tuple[str, ...] = ()
    try:
        reading.problems.raise_if_any()
    except InvalidBenchmarkFile as problem:
        if not leave_out or not reading.found:
            raise
        more = (f"and {problem.omitted} more",) if problem.omitted else ()
        left_out = (*(str(one) for one in problem.problems), *more)
    return PeopleFile(
        left_out=left_out,
        questions=tuple(
            PeopleQuestion(
                key=key if _unique(key, reading) else f"{key} [{' | '.join(options)}]",
                text=reading.texts[(key, options)],
                options=options,
                groups=groups,
                counts=frozenset(reading.counted.get((key, options), ())),
            )
            for (key, options), groups in reading.found.items()
        ),
    )


def _unique(key: str, reading: _Reading) -> bool:
    return sum(other == key for other, _ in reading.found) == 1


def _plain(content: bytes, *, file: str, counts: bool, sum_within: float) -> PeopleFile:
    read = parse_answers(content, file=file, counts=counts, sum_within=sum_within)
    return PeopleFile(
        tuple(
            PeopleQuestion(
                key=question,
                text=question,
                options=tuple(options),
                groups={ONE_GROUP: _shares(tuple(options.values()), counts=counts)},
                counts=frozenset({ONE_GROUP} if counts else ()),
                codes=tuple(read.codes[question][name] for name in options)
                if question in read.codes
                else (),
            )
            for question, options in read.answers.items()
        )
    )


def _shares(values: tuple[float, ...], *, counts: bool) -> tuple[float, ...]:
    return values if counts else tuple(value / sum(values) for value in values)


def _from_json(read: Any, reading: _Reading) -> bool:
    """Whether the file had one of the shapes of published benchmarks."""
    if isinstance(read, dict) and all(
        isinstance(entry, dict) and "MC_options" in entry for entry in read.values()
    ):
        for question, entry in read.items():
            _alignment_entry(question, entry, reading)
        return bool(read)
    if not isinstance(read, list) or not all(isinstance(entry, dict) for entry in read):
        return False
    if not any("gold_distribution" in entry or "selections" in entry for entry in read):
        return False
    for number, entry in enumerate(read, 1):
        _survey_entry(f"entry {number}", entry, reading)
    return True


def _from_csv(text: str, reading: _Reading) -> bool:
    header = text.lstrip("\ufeff").split("\n", 1)[0].casefold()
    if "selections" not in header:
        return False
    records = csv_records(text, reading.problems)
    columns = {name: records.column(name) for name in ("question", "selections", "options")}
    missing = [name for name, column in columns.items() if column is None]
    if missing:
        raise reading.problems.refuse("row 1", f"The column {missing[0]!r} is missing.")
    for row in records.rows:
        cells = {name: row.cells.get(column or "") for name, column in columns.items()}
        _survey_entry(row.place, cells, reading)
    return True


def _survey_entry(place: str, entry: Mapping[str, Any], reading: _Reading) -> None:
    missing = sorted(_ENTRY_KEYS - set(entry))
    question = entry.get("question")
    if missing or not isinstance(question, str) or not question.strip():
        reading.problems.add(place, f"The entry needs {missing[0] if missing else 'a question'}.")
        return
    text = _OPTIONS_FOLLOW.sub("", _ABOUT.sub("", question)).strip()
    if "selections" not in entry:
        reading.add(
            place,
            text,
            text,
            entry["options"],
            entry.get("attribute"),
            entry.get("gold_distribution"),
        )
        return
    selections = _written(entry["selections"])
    if not isinstance(selections, dict) or not selections:
        reading.problems.add(
            place, f"The selections are {_short(entry['selections'])}; they must map group to list."
        )
        return
    for group, numbers in selections.items():
        reading.add(place, text, text, entry["options"], group, numbers)


def _alignment_entry(question: str, entry: Mapping[str, Any], reading: _Reading) -> None:
    place = f"question {question!r}"
    text = entry.get("question_text", question)
    if not isinstance(text, str) or not text.strip():
        reading.problems.add(place, "The question has no text.")
        return
    groups = {
        name: numbers
        for name, numbers in entry.items()
        if name not in ("MC_options", "question_text", "countries")
    }
    if not groups:
        reading.problems.add(place, "No group answered.")
    for group, numbers in groups.items():
        if isinstance(numbers, dict) and not any(numbers.values()):
            # A group that was not asked stands there without answers.
            continue
        reading.add(place, question.strip(), text.strip(), entry["MC_options"], group, numbers)


def _options(written: Any) -> tuple[str, ...] | None:
    read = _written(written)
    if not isinstance(read, list):
        return None
    return tuple(" ".join(str(option).split()) for option in read)


def _written(value: Any) -> Any:
    """A list or dict that may be written as text, as JSON or as Python writes it."""
    if not isinstance(value, str):
        return value
    wrapped = _DEFAULT_DICT.match(value.strip())
    text = wrapped["dict"] if wrapped else value.strip()
    for reader in (json.loads, ast.literal_eval):
        try:
            return reader(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
