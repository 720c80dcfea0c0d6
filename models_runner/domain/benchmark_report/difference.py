"""Two reports side by side: numbers, differences, and what else differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from models_runner.domain.benchmark_files.results import Plain, plain_number
from models_runner.domain.benchmark_report.numbers import FORMAT, Number, Report, Section


class DifferentKinds(ValueError):
    """Reports of different kinds of benchmark; there is nothing to set side by side."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same number in both reports; one of them may lack it. ``difference`` is other - one,
    None where it can't be said.

    ``apart``: whether the two intervals don't touch; None without both. It is no test of the
    difference: two runs on the same questions are paired, and their difference can be surer than
    either number.
    """

    section: str
    row: str
    label: str
    one: Number | None
    other: Number | None

    @property
    def difference(self) -> float | None:
        """Other - one."""
        if self.one is None or self.other is None:
            return None
        if self.one.value is None or self.other.value is None:
            return None
        gap = self.other.value - self.one.value
        return gap if isfinite(gap) else None

    @property
    def apart(self) -> bool | None:
        """Whether the intervals don't touch."""
        if self.one is None or self.other is None:
            return None
        ends = (self.one.low, self.one.high, self.other.low, self.other.high)
        if any(end is None for end in ends):
            return None
        low, high, other_low, other_high = (float(end or 0.0) for end in ends)
        return low > other_high or other_low > high


@dataclass(frozen=True, slots=True)
class Change:
    """A parameter or an input that differs; None where a run has none of the name."""

    name: str
    one: str | None
    other: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Two runs. ``same_numbers``: every number is the same to 12 digits."""

    sections: tuple[Section, ...]
    pairs: tuple[Pair, ...]
    parameters: tuple[Change, ...]
    inputs: tuple[Change, ...]
    same_numbers: bool

    def to_plain(self) -> Plain:
        """As JSON holds it."""
        return {
            "format": "venire.benchmark_comparison/1",
            "same_numbers": self.same_numbers,
            "parameters": [_change(one) for one in self.parameters],
            "inputs": [_change(one) for one in self.inputs],
            "numbers": [
                {
                    "section": pair.section,
                    "row": pair.row,
                    "label": pair.label,
                    "one": _number(pair.one),
                    "other": _number(pair.other),
                    "difference": plain_number(pair.difference),
                    "intervals_apart": pair.apart,
                }
                for pair in self.pairs
            ],
        }


def compare_reports(one: Report, other: Report) -> Difference:
    """Set two reports of one kind side by side.

    Numbers are paired by section, row and labels. A label of which each report has a single value
    (the one model of each, say) does not keep them apart. Raises DifferentKinds.
    """
    if one.kind != other.kind:
        raise DifferentKinds(
            f"One is a {one.kind} benchmark and the other a {other.kind} one; compare two of a"
            " kind."
        )
    dropped = _single(one) & _single(other)
    first, second = _by_key(one, dropped), _by_key(other, dropped)
    pairs = tuple(
        Pair(
            section=key[0],
            row=key[1],
            label=_label(first.get(key) or second[key], dropped),
            one=first.get(key),
            other=second.get(key),
        )
        for key in dict.fromkeys((*first, *second))
    )
    sections = {section.key: section for section in (*one.sections, *other.sections)}
    return Difference(
        sections=tuple(sections.values()),
        pairs=pairs,
        parameters=_changes(flattened(one.parameters), flattened(other.parameters)),
        inputs=_changes(dict(one.inputs), dict(other.inputs)),
        same_numbers=all(_number(pair.one) == _number(pair.other) for pair in pairs),
    )


def flattened(value: Any, name: str = "") -> dict[str, str]:
    """Nested parameters as one level: `people.by.0`."""
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)  # type: ignore[assignment]  # indexes name the entries of a list
    else:
        return {name: "" if value is None else str(value)}
    found: dict[str, str] = {}
    for key, part in parts:
        found |= flattened(part, f"{name}.{key}" if name else str(key))
    return found


def _single(report: Report) -> frozenset[str]:
    values: dict[str, set[str]] = {}
    for number in report.numbers:
        for name, text in number.labels.items():
            values.setdefault(name, set()).add(text)
    return frozenset(name for name, texts in values.items() if len(texts) == 1)


_Key = tuple[str, str, frozenset[tuple[str, str]]]


def _by_key(report: Report, dropped: frozenset[str]) -> dict[_Key, Number]:
    """Labels in any order: a database or a data set may give them back in another."""
    return {
        (
            number.section,
            number.row,
            frozenset((n, t) for n, t in number.labels.items() if t and n not in dropped),
        ): number
        for number in report.numbers
    }


def _label(number: Number, dropped: frozenset[str]) -> str:
    return " · ".join(t for n, t in number.labels.items() if t and n not in dropped)


def _changes(one: Mapping[str, str], other: Mapping[str, str]) -> tuple[Change, ...]:
    return tuple(
        Change(name=name, one=one.get(name), other=other.get(name))
        for name in dict.fromkeys((*one, *other))
        if one.get(name) != other.get(name)
    )


def _change(one: Change) -> Plain:
    return {"name": one.name, "one": one.one, "other": one.other}


def _number(number: Number | None) -> Plain | None:
    if number is None:
        return None
    return {
        "value": plain_number(number.value),
        "low": plain_number(number.low),
        "high": plain_number(number.high),
        "reason": number.reason,
        "count": number.count,
    }


__all__ = ["FORMAT", "Change", "Difference", "DifferentKinds", "Pair", "compare_reports"]
