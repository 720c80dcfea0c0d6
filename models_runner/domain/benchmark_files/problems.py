"""What is wrong with a file: all of it, with the place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_PROBLEMS = 100
"""Problems that are kept with their text; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """``place`` is a row as a spreadsheet numbers it (the header is row 1), an entry of a JSON
    file, a question, or empty for the whole file.
    """

    file: str
    place: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}, {self.place}" if self.place else self.file
        return f"{where}: {self.message}"


class InvalidBenchmarkFile(ValueError):
    """A file can't be used: `problems` in the file's order; `omitted` more were only counted."""

    def __init__(self, *, problems: Sequence[Problem], omitted: int = 0) -> None:
        self.problems = tuple(problems)
        self.omitted = omitted
        total = len(self.problems) + omitted
        rest = f" (and {total - 1} more)" if total > 1 else ""
        super().__init__(f"{self.problems[0]}{rest}")


class Problems:
    """Collects what is wrong with one file, to be told at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._kept: list[Problem] = []
        self._omitted = 0

    def add(self, place: str, message: str) -> None:
        """Note a problem."""
        if len(self._kept) < MOST_PROBLEMS:
            self._kept.append(Problem(self.file, place, message))
        else:
            self._omitted += 1

    def raise_if_any(self) -> None:
        """Raise InvalidBenchmarkFile if anything was noted."""
        if self._kept:
            raise InvalidBenchmarkFile(problems=self._kept, omitted=self._omitted)

    def refuse(self, place: str, message: str) -> InvalidBenchmarkFile:
        """Note a problem that ends the reading; raise what this returns."""
        self.add(place, message)
        return InvalidBenchmarkFile(problems=self._kept, omitted=self._omitted)
