"""Answers of large models as the distributional alignment benchmark stores them.

Meister, Guestrin and Hashimoto, "Benchmarking distributional alignment of large language models"
(arXiv 2411.05403). One JSON file holds a model's answers for one group: question ->
`expected_results` (the group: letter -> share) and `avg_actual_results` (the model: letter -> mass,
which may add up to less than 1 where the letters are tokens among others).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models_runner.domain.distributional.probabilities import (
    FloatArray,
    InvalidDistribution,
    as_distributions,
)

GROUP_SUM_WITHIN = 0.02
"""Shares of people in these files are rounded."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredAnswers:
    """People's distributions and the model's masses, on the same letters.

    ``human`` and ``mass`` are (questions, most options), 0 beyond a question's letters; ``human``
    adds up to 1, ``mass`` to at most 1. ``answered`` (questions,): whether the model put any mass
    on a letter.
    """

    questions: tuple[str, ...]
    letters: tuple[tuple[str, ...], ...]
    human: FloatArray
    mass: FloatArray

    @property
    def letter_mass(self) -> FloatArray:
        """What the model put on letters, (questions,), in [0, 1]."""
        return np.asarray(self.mass.sum(axis=-1))

    @property
    def answered(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where there is a distribution over letters at all, (questions,)."""
        return np.asarray(self.letter_mass > 0)

    def distributions(self) -> tuple[FloatArray, FloatArray]:
        """People and the model, normalised over letters, for the questions that have an answer."""
        kept = self.answered
        return self.human[kept], self.mass[kept] / self.letter_mass[kept][:, None]


def parse_stored_answers(content: bytes, *, file: str) -> StoredAnswers:
    """One file's questions in the file's order.

    Raises InvalidDistribution: no JSON object of this shape, different letters on both sides, or
    numbers that are no shares; the message names file and question.
    """
    try:
        read = json.loads(content)
    except ValueError as problem:
        raise InvalidDistribution(f"{file} is no JSON: {problem}.") from problem
    if not isinstance(read, dict) or not read:
        raise InvalidDistribution(f"{file} must hold an object of questions.")
    rows = [_row(file, question, entry) for question, entry in read.items()]
    width = max(len(letters) for letters, _, _ in rows)
    human, mass = np.zeros((len(rows), width)), np.zeros((len(rows), width))
    for place, (letters, people, guesses) in enumerate(rows):
        human[place, : len(letters)] = people
        mass[place, : len(letters)] = guesses
    return StoredAnswers(
        questions=tuple(read),
        letters=tuple(letters for letters, _, _ in rows),
        human=human,
        mass=mass,
    )


def join_stored_answers(parts: Sequence[StoredAnswers]) -> StoredAnswers:
    """Several groups' files as one, one after the other."""
    width = max(part.human.shape[1] for part in parts)

    def widened(values: FloatArray) -> FloatArray:
        return np.pad(values, ((0, 0), (0, width - values.shape[1])))

    return StoredAnswers(
        questions=tuple(question for part in parts for question in part.questions),
        letters=tuple(letters for part in parts for letters in part.letters),
        human=np.concatenate([widened(part.human) for part in parts]),
        mass=np.concatenate([widened(part.mass) for part in parts]),
    )


def _row(file: str, question: str, entry: Any) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    where = f"{file}, question {question!r}"
    try:
        people, guesses = entry["expected_results"], entry["avg_actual_results"]
        letters = tuple(people)
        if set(letters) != set(guesses):
            raise InvalidDistribution(
                f"{where}: people chose among {sorted(people)}, the model among {sorted(guesses)}."
            )
        shares = np.array([people[letter] for letter in letters], dtype=np.float64)
        masses = np.array([guesses[letter] for letter in letters], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as problem:
        if isinstance(problem, InvalidDistribution):
            raise
        raise InvalidDistribution(
            f"{where} needs expected_results and avg_actual_results, each letter -> number."
        ) from problem
    if not np.isfinite(masses).all() or (masses < 0).any() or masses.sum() > 1 + 1e-6:
        raise InvalidDistribution(f"{where}: the model's masses {masses.tolist()} are no shares.")
    return letters, as_distributions(shares, name=where, sum_within=GROUP_SUM_WITHIN), masses
