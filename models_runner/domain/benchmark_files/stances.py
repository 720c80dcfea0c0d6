"""Which stance an attribute takes in a situation, from a file.

CSV or JSON rows with the columns `situation`, `attribute` (several joined by &) and `stance`:
support, oppose or either.
"""

from __future__ import annotations

from dataclasses import dataclass

from models_runner.domain.benchmark_files.problems import Problems
from models_runner.domain.benchmark_files.records import (
    csv_records,
    decode,
    is_json,
    json_records,
    parse_json,
)
from models_runner.domain.steering.attributes import Attribute, InvalidAttribute
from models_runner.domain.steering.stances import Stance


@dataclass(frozen=True, slots=True)
class KnownStance:
    """``attribute`` is a label as `Attribute.label` writes it."""

    situation: str
    attribute: str
    stance: Stance


def parse_stances(content: bytes, *, file: str) -> tuple[KnownStance, ...]:
    """The file's rows. Raises InvalidBenchmarkFile with every problem by row."""
    problems = Problems(file)
    text = decode(content, problems)
    if is_json(text):
        read = parse_json(text, problems)
        if not isinstance(read, list):
            raise problems.refuse("", "The file must hold a list of rows.")
        records = json_records(read, problems)
    else:
        records = csv_records(text, problems)
    columns = {name: records.column(name) for name in ("situation", "attribute", "stance")}
    for name, column in columns.items():
        if column is None:
            there = ", ".join(records.columns)
            problems.add("", f"The column {name!r} is missing; there are: {there}.")
    problems.raise_if_any()
    found = []
    for row in records.rows:
        situation, attribute, stance = (
            str(row.cells.get(column or "") or "").strip() for column in columns.values()
        )
        if not situation:
            problems.add(row.place, "The situation is blank.")
        if stance.casefold() not in list(Stance):
            problems.add(row.place, f"The stance is {stance!r}; write {', '.join(Stance)}.")
        try:
            label = Attribute.of(*attribute.split("&")).label
        except InvalidAttribute:
            problems.add(row.place, f"The attribute is {attribute!r}; it needs a name.")
            continue
        if situation and stance.casefold() in list(Stance):
            found.append(KnownStance(situation, label, Stance(stance.casefold())))
    problems.raise_if_any()
    return tuple(found)
