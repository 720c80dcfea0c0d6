"""A pair of models in the form of the paper's tables 1, 4 and 5.

Sorensen and others, "A roadmap to pluralistic alignment" (2024), section 5.2, appendices A and B:
distances to people, entropies, and distances with the models' options shuffled.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from annotations.domain.measured import Measured
from models_runner.domain.benchmark_report.markdown import markdown_table
from models_runner.domain.benchmark_report.numbers import shown_value

Row = tuple[str | float | int | None, ...]


@dataclass(frozen=True, slots=True)
class PairOnGroup:
    """A pair on the questions that one group answered; means over them.

    Distances are Jensen-Shannon distances to base 2, entropies in nats. ``after`` less ``before``
    stands in the differences, paired by question.
    """

    group: str
    questions: int
    before_distance: Measured
    after_distance: Measured
    distance_difference: Measured
    human_entropy: Measured
    before_entropy: Measured
    after_entropy: Measured
    entropy_difference: Measured
    before_shuffled: Measured
    after_shuffled: Measured
    shuffled_difference: Measured


@dataclass(frozen=True, slots=True)
class PaperTable:
    """One of the paper's tables: ``name`` of its files, headings, rows of measured cells."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[Measured, ...]], ...]

    def markdown(self) -> str:
        """With intervals."""
        lines = markdown_table(
            ("people", "questions", *self.columns),
            [
                (group, str(questions), *(_shown(cell) for cell in cells))
                for group, questions, cells in self.rows
            ],
        )
        return "\n".join([f"**{self.title}**", "", *lines]) + "\n"

    def csv(self) -> str:
        """Each cell with the ends of its interval."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(
            [
                "people",
                "questions",
                *(f"{c}{e}" for c in self.columns for e in ("", " low", " high")),
            ]
        )
        for group, questions, cells in self.rows:
            ends = [x for cell in cells for x in (cell.value, cell.low, cell.high)]
            writer.writerow([group, questions, *("" if x is None else f"{x:.12g}" for x in ends)])
        return out.getvalue()


def paper_tables(
    pairs: Sequence[PairOnGroup], *, before: str, after: str
) -> tuple[PaperTable, PaperTable, PaperTable]:
    """Tables 1, 4 and 5 for the pair."""
    change = "after less before"

    def table(name: str, title: str, columns: tuple[str, ...], cells: Sequence[str]) -> PaperTable:
        return PaperTable(
            name=name,
            title=title,
            columns=columns,
            rows=tuple(
                (pair.group, pair.questions, tuple(getattr(pair, cell) for cell in cells))
                for pair in pairs
            ),
        )

    both = (f"before: {before}", f"after: {after}")
    return (
        table(
            "table1",
            "Jensen-Shannon distance (base 2) between people and model; smaller is nearer",
            (*both, change),
            ("before_distance", "after_distance", "distance_difference"),
        ),
        table(
            "table4",
            "Entropy (nats) of people's and models' distributions",
            ("people", *both, change),
            ("human_entropy", "before_entropy", "after_entropy", "entropy_difference"),
        ),
        table(
            "table5",
            "The distances of table 1 with the model's options shuffled: what variety alone gives",
            (*both, change),
            ("before_shuffled", "after_shuffled", "shuffled_difference"),
        ),
    )


def _shown(found: Measured) -> str:
    return "–" if found.value is None else shown_value(found.value, found.low, found.high)
