"""Questions, their options and who chose them how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models_runner.domain.distributional.probabilities import (
    SUM_WITHIN,
    FloatArray,
    InvalidDistribution,
    as_distributions,
    from_counts,
)

MOST_RESPONDENTS = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class AnswerTable:
    """Distributions over the options of questions.

    ``options[q]`` are those of question q; ``probabilities`` (questions, most options) is 0 beyond
    them. ``respondents`` (questions,) says how many answers a distribution rests on, NaN where that
    is not known or it was not sampled.
    """

    questions: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]
    probabilities: FloatArray
    respondents: FloatArray

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """How many options each question has, (questions,)."""
        return np.array([len(names) for names in self.options], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class MatchedTables:
    """People and model on the same questions, the model's options in the people's order.

    ``only_human``, ``only_model``: questions of one side that were left out.
    """

    human: AnswerTable
    model: AnswerTable
    only_human: tuple[str, ...] = ()
    only_model: tuple[str, ...] = ()


def answer_table(
    answers: Mapping[str, Mapping[str, float]],
    *,
    name: str,
    counts: bool,
    respondents: float | None = None,
    sum_within: float = SUM_WITHIN,
) -> AnswerTable:
    """A table from question -> option -> number.

    Args:
        answers: counts (or weights), or probabilities.
        name: how errors call it.
        counts: which of the two the numbers are. Their sum is then the number of respondents.
        respondents: for probabilities, how many people stand behind each question, where known.
        sum_within: for probabilities, how far from 1 a sum may be.

    Raises:
        InvalidDistribution: no question or option, numbers that are no distribution.
    """
    if not answers:
        raise InvalidDistribution(f"{name}: there are no questions.")
    width = max(len(row) for row in answers.values())
    shares = np.zeros((len(answers), width))
    behind = np.full(len(answers), np.nan if respondents is None else float(respondents))
    if respondents is not None and not 1 <= respondents < MOST_RESPONDENTS:
        raise InvalidDistribution(
            f"{name}: {respondents:g} respondents; there must be 1 to {MOST_RESPONDENTS:g}."
        )
    for place, (question, row) in enumerate(answers.items()):
        numbers = np.array(list(row.values()), dtype=np.float64)
        where = f"{name}, question {question!r}"
        if counts:
            shares[place, : len(row)] = from_counts(numbers, name=where)
            behind[place] = numbers.sum()
            if behind[place] >= MOST_RESPONDENTS:
                raise InvalidDistribution(
                    f"{where}: {behind[place]:g} answers; fewer than {MOST_RESPONDENTS:g} can be"
                    " handled."
                )
        else:
            shares[place, : len(row)] = as_distributions(numbers, name=where, sum_within=sum_within)
    return AnswerTable(
        questions=tuple(answers),
        options=tuple(tuple(row) for row in answers.values()),
        probabilities=shares,
        respondents=behind,
    )


def match_tables(
    *, human: AnswerTable, model: AnswerTable, common_only: bool = False
) -> MatchedTables:
    """Bring the model's questions and options into the people's order.

    With `common_only` questions that one side lacks are left out, and named in the result.

    Raises:
        InvalidDistribution: questions differ (without `common_only`), none is common, or the
            options of a question differ; the message names both sides.
    """
    at = {question: place for place, question in enumerate(model.questions)}
    common = [place for place, question in enumerate(human.questions) if question in at]
    only_human = tuple(question for question in human.questions if question not in at)
    known = set(human.questions)
    only_model = tuple(question for question in model.questions if question not in known)
    if (only_human or only_model) and not common_only:
        raise InvalidDistribution(
            f"The questions differ. Only people answered: {_named(only_human)}. Only the model"
            f" answered: {_named(only_model)}. Correct their names, or compare only those that both"
            " answered."
        )
    if not common:
        raise InvalidDistribution("People and the model have no question in common.")
    places = [at[human.questions[place]] for place in common]
    width = human.probabilities.shape[1]
    shares = np.zeros((len(common), width))
    for row, (mine, its) in enumerate(zip(common, places, strict=True)):
        wanted, present = human.options[mine], model.options[its]
        if set(wanted) != set(present):
            raise InvalidDistribution(
                f"The options of question {human.questions[mine]!r} differ. Only people have:"
                f" {_named([o for o in wanted if o not in present])}. Only the model has:"
                f" {_named([o for o in present if o not in wanted])}. Use the same words for both;"
                " an option that nobody chose needs its row with 0."
            )
        column = {option: place for place, option in enumerate(present)}
        shares[row, : len(wanted)] = model.probabilities[its, [column[o] for o in wanted]]
    kept = _rows(human, common)
    return MatchedTables(
        human=kept,
        model=AnswerTable(
            questions=kept.questions,
            options=kept.options,
            probabilities=shares,
            respondents=model.respondents[places],
        ),
        only_human=only_human,
        only_model=only_model,
    )


def _rows(table: AnswerTable, places: Sequence[int]) -> AnswerTable:
    return AnswerTable(
        questions=tuple(table.questions[place] for place in places),
        options=tuple(table.options[place] for place in places),
        probabilities=table.probabilities[list(places)],
        respondents=table.respondents[list(places)],
    )


def _named(names: Sequence[str]) -> str:
    if not names:
        return "none"
    shown = ", ".join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
