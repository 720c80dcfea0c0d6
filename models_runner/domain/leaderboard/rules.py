"""Voting rules on sources: each rule chooses among the responses to a query, query by query.

A rule is made to choose among the responses to one question. So a source is credited with the
queries whose choice it is; a tie is shared. Nothing is added up across queries but these credits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from juries.domain.resampling import membership
from juries.domain.voting.ballots import Ballots, from_utilities
from juries.domain.voting.cardinal import MaxSat, PowerRule
from juries.domain.voting.outcomes import VotingRule
from juries.domain.voting.registry import VOTING_RULES
from juries.domain.welfare import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RuleTally:
    """How many queries each source wins under a rule.

    `won` (sources,) with shared ties; `lower` and `upper` (sources,) the central part of resampled
    juries, NaN for a minimum, which has no honest bootstrap; `nobody` counts the queries for which
    the rule chooses nobody. `queries` are those with two responses or more that somebody judged.
    """

    rule: str
    label: str
    won: FloatArray
    lower: FloatArray
    upper: FloatArray
    nobody: int
    queries: int
    resamples: int


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """The ballots of one query, and the source (by place) of each response."""

    ballots: Ballots
    owners: dict[str, int]


def rule_tallies(
    utilities: FloatArray,
    *,
    item_sources: Sequence[str],
    item_queries: Sequence[int],
    counts: FloatArray,
    threshold: float,
    level: float = 0.95,
    rules: Sequence[VotingRule] = tuple(VOTING_RULES.values()),
    progress: Callable[[int, int], None] | None = None,
) -> tuple[RuleTally, ...]:
    """Let each rule choose, query by query, and count by source (alphabetical order).

    `utilities` (jurors, items), NaN where not said, no item without a value; `counts` (resamples,
    jurors) says how often each juror stands in each resampled jury; `threshold` is that of MAX-SAT.
    """
    sources, belongs = membership(item_sources)
    owner = belongs.argmax(axis=1)
    questions = _questions(utilities, owner, item_queries)
    tallies = []
    for place, rule in enumerate(rules):
        chosen = MaxSat(threshold) if rule.name == "max_sat" else rule
        won, nobody = _won(chosen, questions, len(sources))
        low = high = np.full(len(sources), np.nan)
        if questions and not (isinstance(rule, PowerRule) and np.isinf(rule.alpha)):
            drawn = np.empty((len(counts), len(sources)))
            for row, count in enumerate(counts):
                if progress is not None:
                    progress(place * len(counts) + row, len(rules) * len(counts))
                drawn[row] = _won(chosen, _resampled(questions, count), len(sources))[0]
            low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
        tallies.append(
            RuleTally(
                rule=rule.name,
                label=rule.label,
                won=won,
                lower=low,
                upper=high,
                nobody=nobody,
                queries=len(questions),
                resamples=len(counts),
            )
        )
    return tuple(tallies)


def _questions(
    utilities: FloatArray, owner: NDArray[np.int64], queries: Sequence[int]
) -> list[_Question]:
    numbers = np.asarray(queries)
    found = []
    for query in sorted(set(queries)):
        columns = np.flatnonzero(numbers == query)
        if len(columns) < 2:
            continue
        names = tuple(str(column) for column in columns)
        ballots = from_utilities(utilities[:, columns], responses=names, skip_missing=True)
        found.append(_Question(ballots, {str(column): int(owner[column]) for column in columns}))
    return found


def _resampled(questions: Sequence[_Question], count: FloatArray) -> list[_Question]:
    """The same questions put to another jury; a response that nobody there judged is left out."""
    found = []
    for question in questions:
        ballots = question.ballots
        heard = ~np.isnan(ballots.values[count > 0]).all(axis=0)
        if not heard.any():
            continue
        part = replace(
            ballots,
            responses=tuple(np.array(ballots.responses, dtype=object)[heard]),
            values=ballots.values[:, heard],
            weights=count,
        )
        found.append(_Question(part, question.owners))
    return found


def _won(rule: VotingRule, questions: Sequence[_Question], sources: int) -> tuple[FloatArray, int]:
    won = np.zeros(sources)
    nobody = 0
    for question in questions:
        winners = rule(question.ballots).winners
        nobody += not winners
        for winner in winners:
            won[question.owners[winner]] += 1 / len(winners)
    return won, nobody
