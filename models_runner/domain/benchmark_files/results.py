"""Measures as plain JSON: numbers, texts, lists and objects.

JSON has no infinity: it is written as the text "Infinity". What could not be computed is null, with
its reason beside it. Numbers are rounded to 12 significant digits, so that machines which add up in
another order write the same bytes.
"""

from __future__ import annotations

import json
from math import inf, isnan
from typing import Any

import numpy as np

from annotations.domain.measured import Measured
from models_runner.domain.distributional.comparison import Comparison, MeasureValues
from models_runner.domain.distributional.table import MatchedTables
from models_runner.domain.objectives.pareto import ParetoFront
from models_runner.domain.objectives.ranking import Rankings
from models_runner.domain.objectives.table import ObjectiveTable
from models_runner.domain.tradeoff.hypervolume import Hypervolume
from models_runner.domain.tradeoff.matrix import Tradeoff

Plain = dict[str, Any]
DIGITS = 12


def to_json(result: Plain) -> str:
    """The same text for the same result. Raises ValueError for NaN or infinity left in it."""
    return json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def plain_number(value: float | None) -> float | str | None:
    """A number as results write it: rounded, "Infinity" or "-Infinity", None for NaN or None."""
    if value is None or isnan(value):
        return None
    if value in (inf, -inf):
        return "Infinity" if value > 0 else "-Infinity"
    return float(f"{float(value):.{DIGITS}g}") + 0.0


def plain_measured(found: Measured) -> Plain:
    """Value, interval, reason and count."""
    return {
        "value": plain_number(found.value),
        "low": plain_number(found.low),
        "high": plain_number(found.high),
        "reason": found.reason,
        "count": found.count,
    }


def comparison_result(*, comparison: Comparison, tables: MatchedTables) -> Plain:
    """Means of all measures, then each question with both distributions."""
    return {
        "questions": len(comparison.questions),
        "left_out": {
            "only_human": list(comparison.only_human),
            "only_model": list(comparison.only_model),
        },
        "measures": [_measure(found) for found in comparison.measures],
        "by_question": [
            _question(comparison, tables, place) for place in range(len(comparison.questions))
        ],
    }


def _measure(found: MeasureValues) -> Plain:
    plain: Plain = {
        "measure": str(found.name),
        "mean": plain_number(found.mean),
        "reason": found.reason,
        "questions": int((~np.isnan(found.values)).sum()),
        "infinite": found.infinite,
    }
    if found.intervals is not None:
        plain["over_respondents_and_questions"] = plain_measured(found.intervals.over_both)
        plain["over_respondents"] = plain_measured(found.intervals.over_respondents)
        plain["resampling_bias"] = plain_number(found.intervals.bias)
    return plain


def _question(comparison: Comparison, tables: MatchedTables, place: int) -> Plain:
    options = tables.human.options[place]
    reasons = {
        str(found.name): found.reasons[place]
        for found in comparison.measures
        if found.reasons[place]
    }
    return {
        "question": comparison.questions[place],
        "options": list(options),
        "human": [plain_number(x) for x in tables.human.probabilities[place, : len(options)]],
        "model": [plain_number(x) for x in tables.model.probabilities[place, : len(options)]],
        "respondents": plain_number(tables.human.respondents[place]),
        "samples": plain_number(tables.model.respondents[place]),
        "measures": {
            str(found.name): plain_number(found.values[place]) for found in comparison.measures
        },
        "reasons": reasons,
    }


def objectives_result(
    *,
    table: ObjectiveTable,
    front: ParetoFront,
    probabilities: tuple[Measured, ...] | None,
    rankings: Rankings | None,
) -> Plain:
    """The whole table, then the front, then what was asked for beyond."""
    plain: Plain = {
        "objectives": [
            {
                "name": objective.name,
                "direction": str(objective.direction),
                "worst": plain_number(objective.worst),
                "best": plain_number(objective.best),
            }
            for objective in table.objectives
        ],
        "models": [
            {
                "model": model,
                "values": {
                    objective.name: plain_number(value)
                    for objective, value in zip(table.objectives, row, strict=True)
                },
                "on_front": bool(front.on_front[place]),
                "improved_by": list(front.improving_on(model)),
            }
            for place, (model, row) in enumerate(zip(table.models, table.values, strict=True))
        ],
        "front": list(front.front),
    }
    if probabilities is not None:
        for entry, share in zip(plain["models"], probabilities, strict=True):
            entry["front_probability"] = plain_measured(share)
    if rankings is not None:
        plain["rankings"] = rankings_result(rankings)
    return plain


def rankings_result(rankings: Rankings) -> Plain:
    """Scores, ranks, agreement of each two functions, and each pair of models they dispute."""
    return {
        "functions": [
            {
                "function": label,
                "scores": dict(zip(rankings.models, map(plain_number, scores), strict=True)),
                "ranks": dict(zip(rankings.models, map(int, ranks), strict=True)),
                "leaders": list(rankings.leaders(label)),
            }
            for label, scores, ranks in zip(
                rankings.functions, rankings.scores, rankings.ranks, strict=True
            )
        ],
        "kendall_tau_b": [
            {"one": one, "other": other, **plain_measured(rankings.agreement[i][j])}
            for i, one in enumerate(rankings.functions)
            for j, other in enumerate(rankings.functions)
            if i < j
        ],
        "disagreements": [
            {
                "one": pair.one,
                "other": pair.other,
                "prefer_one": list(pair.prefer_one),
                "prefer_other": list(pair.prefer_other),
            }
            for pair in rankings.disagreements
        ],
    }


def tradeoff_result(*, found: Tradeoff, volume: Hypervolume | None) -> Plain:
    """The matrix row by row, then the totals."""
    plain: Plain = {
        "functions": [
            {
                "function": name,
                "values": dict(zip(found.functions, map(plain_number, row), strict=True)),
                "satisfied": bool(satisfied),
                "regret": plain_number(regret),
            }
            for name, row, satisfied, regret in zip(
                found.functions, found.matrix, found.satisfied, found.regrets, strict=True
            )
        ],
        "steerable": found.steerable,
        "satisfied_share": plain_number(found.satisfied_share),
        "score": plain_number(found.score),
        "regret": plain_number(found.regret),
        "best_fixed": found.best_fixed,
        "fixed_score": plain_number(found.fixed_score),
        "gain_over_fixed": plain_number(found.gain_over_fixed),
        "best_static": found.best_static,
        "static_score": plain_number(found.static_score),
        "gain_over_static": plain_number(found.gain_over_static),
    }
    if volume is not None:
        plain["hypervolume"] = {
            "value": plain_number(volume.value),
            "reference": [plain_number(x) for x in volume.reference],
            "points_that_count": [bool(x) for x in volume.counts],
        }
    return plain
