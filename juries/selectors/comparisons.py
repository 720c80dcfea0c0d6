"""Reads of comparisons: the rows of the page, and of the files that it offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from juries.models import ObjectiveComparison


@dataclass(frozen=True)
class MethodRow:
    """One objective of a comparison.

    Statistics are over those who can sit, None where there is no lottery (`reason` says why).
    `chances` are everybody's, smallest first; where panels were simulated, so many of them, they
    are estimates.
    """

    method: str
    label: str
    sentence: str
    can_be_drawn_by: bool
    reason: str
    smallest: float | None
    largest: float | None
    gini: float | None
    geometric_mean: float | None
    below_half: int | None
    cannot_sit: int
    seconds: float | None
    gap: float | None
    is_proven: bool
    simulated_panels: int | None
    chances: tuple[float, ...]

    @property
    def smallest_in_words(self) -> str:
        """Percent."""
        return percent(self.smallest)

    @property
    def largest_in_words(self) -> str:
        """Percent."""
        return percent(self.largest)

    @property
    def geometric_in_words(self) -> str:
        """Percent."""
        return percent(self.geometric_mean)


def percent(chance: float | None) -> str:
    """A chance as percent with two decimals; empty where there is none."""
    return "" if chance is None else f"{chance:.2%}"


def method_rows(*, comparison: ObjectiveComparison) -> list[MethodRow]:
    """A row for each method that was looked at, in the order in which they are offered."""
    return [_row(told) for told in comparison.content["methods"]]


def _row(told: dict[str, Any]) -> MethodRow:
    able = told.get("able") or {}
    return MethodRow(
        method=told["method"],
        label=told["label"],
        sentence=told["sentence"],
        can_be_drawn_by=told["can_be_drawn_by"],
        reason=told["reason"],
        smallest=able.get("smallest"),
        largest=able.get("largest"),
        gini=able.get("gini"),
        geometric_mean=able.get("geometric_mean"),
        below_half=able.get("below_half"),
        cannot_sit=told.get("cannot_sit", 0),
        seconds=told.get("seconds"),
        gap=told.get("gap"),
        is_proven=told.get("is_proven", False),
        simulated_panels=told.get("simulated_panels"),
        chances=tuple(told.get("chances", ())),
    )


SUMMARY_COLUMNS = (
    "method", "smallest", "largest", "gini", "geometric_mean", "below_half", "cannot_sit",
    "seconds", "gap", "is_proven", "simulated_panels", "reason",
)  # fmt: skip


def summary_table(*, rows: Sequence[MethodRow]) -> list[tuple[object, ...]]:
    """The statistics as a table with a heading; empty cells where there is no lottery."""
    return [
        SUMMARY_COLUMNS,
        *(tuple(_cell(getattr(row, name)) for name in SUMMARY_COLUMNS) for row in rows),
    ]


def chances_table(*, rows: Sequence[MethodRow]) -> list[tuple[object, ...]]:
    """Chances in order, a column for each method that has a lottery."""
    found = [row for row in rows if row.chances]
    longest = max((len(row.chances) for row in found), default=0)
    return [
        ("rank", *(row.method for row in found)),
        *((rank + 1, *(row.chances[rank] for row in found)) for rank in range(longest)),
    ]


def _cell(value: object) -> object:
    return "" if value is None else value
