"""Definitions 11 to 17: models by several objectives, and one model steered between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from annotations.domain.measured import Measured
from annotations.models import Study
from models_runner.domain.benchmark_definition import (
    DeclaredObjective,
    InvalidDefinition,
    ObjectivesDefinition,
    TradeoffDefinition,
)
from models_runner.domain.benchmark_files.matrices import MatrixFile
from models_runner.domain.benchmark_files.results import (
    Plain,
    objectives_result,
    plain_number,
    tradeoff_result,
)
from models_runner.domain.benchmark_report.numbers import Number, Section
from models_runner.domain.objectives.commensuration import (
    CommensuratingFunction,
    commensurating_function,
)
from models_runner.domain.objectives.pareto import ParetoFront, front_probabilities, pareto_front
from models_runner.domain.objectives.ranking import Rankings, compare_rankings
from models_runner.domain.objectives.table import Direction, Objective, ObjectiveTable
from models_runner.domain.tradeoff.hypervolume import Hypervolume, hypervolume
from models_runner.domain.tradeoff.matrix import Tradeoff, tradeoff, tradeoff_matrix
from models_runner.selectors.benchmarks.values import ObjectiveValues, objective_values
from overton.domain.windows import wilson_interval

CONFIDENCE = 0.95
JURY_ALPHAS = (0.0, 1.0, inf)
JURY_COVERAGE = ("coverage", "precision", "accuracy")

FloatArray = NDArray[np.float64]

OBJECTIVE_SECTIONS = (
    Section(
        "values",
        "What does each model reach by each objective?",
        "As measured, in each objective's own unit.",
    ),
    Section(
        "front",
        "Which models can nobody replace without giving something up?",
        "On the front stands a model if no other is at least as good everywhere and better"
        " somewhere. The chance is the share of resamples in which it is on the front.",
    ),
    Section(
        "joined",
        "What do different ways of joining the objectives make of them?",
        "Each function joins the objectives, scaled by their declared worst and best to 0 to 1.",
    ),
    Section("agreement", "Do the ways of joining agree?", "Kendall's tau-b of their rankings."),
)
TRADEOFF_SECTIONS = (
    Section(
        "matrix",
        "What does each function make of each steered model?",
        "T[f, f'] = f(M_f'): the row is the function that judges, the column the one steered to.",
    ),
    Section(
        "tradeoff",
        "Does the model follow where it is steered?",
        "Steerable is a model if it is best by each function when steered to it. A model that"
        " can't be steered has no regret either; the gain over the best fixed model tells them"
        " apart.",
    ),
    Section("values", "What does each model reach by each objective?", "As measured."),
)
JURY_SECTION = Section(
    "jury",
    "How do the study's sources serve its jury, and what do they leave unsaid?",
    "Jury welfare along α (0 the mean, ∞ the worst-off) of utilities in 0 to 1, and how much of"
    " the Overton window is expressed.",
)


@dataclass(frozen=True)
class Found:
    """Numbers of a report with what figures draw and what was left out."""

    numbers: tuple[Number, ...]
    details: Plain
    notes: tuple[str, ...]
    is_predicted: bool


def measure_objectives(
    *,
    study: Study,
    definition: ObjectivesDefinition,
    file: MatrixFile | None,
    replicates: FloatArray | None,
) -> Found:
    """The table, the front with its chances, and functions side by side.

    Raises:
        InvalidDefinition: an objective that can't be had, or no model has all of them.
        InvalidObjectives: a value outside the declared range, an unknown function.
    """
    found = objective_values(
        study=study,
        objectives=definition.objectives,
        file=file,
        file_replicates=replicates,
        bootstraps=definition.bootstraps,
        seed=definition.seed,
    )
    table, drawn, notes = _complete(found, definition.objectives)
    table.check_ranges()
    front = pareto_front(table)
    chances = (
        front_probabilities(table=table, replicates=drawn) if len(_moving(drawn, found)) else None
    )
    names = [objective.name for objective in table.objectives]
    functions = [commensurating_function(text, names=names) for text in definition.functions]
    rankings = compare_rankings(table=table, functions=functions) if functions else None
    numbers = [
        *_value_numbers(table, drawn, found),
        *_front_numbers(table, front, chances, len(drawn)),
    ]
    if rankings is not None:
        numbers += _joined_numbers(table, _moving(drawn, found), functions, rankings, found.fixed)
    jury = _beside(study, definition.bootstraps, definition.seed)
    return Found(
        numbers=(*numbers, *jury.numbers),
        details=objectives_result(
            table=table, front=front, probabilities=chances, rankings=rankings
        ),
        notes=(*notes, *_disputes(rankings), *jury.notes),
        is_predicted=found.is_predicted or jury.is_predicted,
    )


def measure_tradeoff(
    *,
    study: Study,
    definition: TradeoffDefinition,
    file: MatrixFile | None,
    replicates: FloatArray | None,
) -> Found:
    """The matrix T, what it says of the steering, and the hypervolume.

    Raises:
        InvalidDefinition: an objective or a steered model that can't be had.
        InvalidObjectives, InvalidTradeoff, InvalidHypervolume: ranges, functions, reference.
    """
    found = objective_values(
        study=study,
        objectives=definition.objectives,
        file=file,
        file_replicates=replicates,
        bootstraps=definition.bootstraps,
        seed=definition.seed,
    )
    wanted = [*definition.steered.values(), *definition.static]
    missing = [name for name in wanted if name not in found.models]
    if missing:
        raise InvalidDefinition(
            f"There is no model {missing[0]!r} among the sources and the file. There are:"
            f" {', '.join(found.models) or 'none'}."
        )
    steered = [definition.steered[text] for text in definition.functions]
    table, drawn, notes = _complete(found, definition.objectives, only=wanted)
    lost = [name for name in wanted if name not in table.models]
    if lost:
        raise InvalidDefinition(
            f"{lost[0]!r} has no value for an objective, so its column of the matrix can't be"
            f" filled. {' '.join(notes)}"
        )
    names = [objective.name for objective in table.objectives]
    functions = [commensurating_function(text, names=names) for text in definition.functions]
    rows = [table.models.index(name) for name in steered]
    fixed = [table.models.index(name) for name in definition.static]
    result = _tradeoff(table.normalised(), functions, rows, fixed, definition)
    volume = None
    if definition.reference:
        volume = hypervolume(
            points=table.values[rows],
            reference=definition.reference,
            directions=[objective.direction for objective in table.objectives],
        )
    copies = [
        _tradeoff(_normalised(table, values), functions, rows, fixed, definition)
        for values in _moving(drawn, found)
    ]
    jury = _beside(study, definition.bootstraps, definition.seed)
    details = tradeoff_result(found=result, volume=volume)
    details["steered"] = [
        {
            "function": label,
            "model": table.models[row],
            "values": {
                name: plain_number(float(table.values[row, place]))
                for place, name in enumerate(names)
            },
        }
        for label, row in zip(result.functions, rows, strict=True)
    ]
    return Found(
        numbers=(
            *_matrix_numbers(result, copies, found.fixed),
            *_tradeoff_numbers(result, copies, volume, found.fixed),
            *_value_numbers(table, drawn, found),
            *jury.numbers,
        ),
        details=details,
        notes=(*notes, *jury.notes),
        is_predicted=found.is_predicted or jury.is_predicted,
    )


def declared_objective(objective: DeclaredObjective) -> Objective:
    """As the domain takes it. Raises InvalidObjectives."""
    return Objective(
        name=objective.name,
        direction=Direction(objective.direction),
        worst=objective.worst,
        best=objective.best,
    )


def _complete(
    found: ObjectiveValues,
    objectives: Sequence[DeclaredObjective],
    *,
    only: Sequence[str] | None = None,
) -> tuple[ObjectiveTable, FloatArray, list[str]]:
    """The models that have every objective; the others are named in notes."""
    kept, notes = [], []
    for row, model in enumerate(found.models):
        if only is not None and model not in only:
            continue
        lacking = [
            objective.name
            for place, objective in enumerate(objectives)
            if np.isnan(found.values[row, place])
        ]
        if lacking:
            notes.append(
                f"{model} is left out: it has no value for {', '.join(lacking)}."
                f" {found.reasons[lacking[0]]}"
            )
        else:
            kept.append(row)
    if not kept:
        told = " ".join(notes) or "There are no sources."
        raise InvalidDefinition(f"No model has a value for every objective. {told}")
    table = ObjectiveTable(
        models=tuple(found.models[row] for row in kept),
        objectives=tuple(declared_objective(objective) for objective in objectives),
        values=found.values[kept],
    )
    return table, found.replicates[:, kept], notes


def _normalised(table: ObjectiveTable, values: FloatArray) -> FloatArray:
    """A resample's values by the declared ranges; one that passes an end stands at it."""
    worst = np.array([objective.worst for objective in table.objectives], dtype=np.float64)
    best = np.array([objective.best for objective in table.objectives], dtype=np.float64)
    return np.clip((values - worst) / (best - worst), 0.0, 1.0)


def _interval(value: float, draws: FloatArray, count: int) -> Measured:
    """A percentile interval; none where nothing could be resampled."""
    if not len(draws):
        return Measured(value=value, reason="It was not resampled.", count=count)
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(x) for x in np.quantile(draws, [tail, 1 - tail]))
    return Measured(value=value, low=min(low, value), high=max(high, value), count=count)


def _how(copies: int, fixed: Sequence[str] = ()) -> str:
    """`fixed`: objectives that stand in each resample as they were measured."""
    if not copies:
        return "as measured; not resampled"
    told = f"as measured; {CONFIDENCE:.0%} bootstrap over jurors and queries, {copies:,} times"
    return f"{told}, but not of {', '.join(fixed)}" if fixed else told


def _moving(drawn: FloatArray, found: ObjectiveValues) -> FloatArray:
    """The resamples; none where every objective stands in each of them as it was measured."""
    return drawn[:0] if len(found.fixed) == found.values.shape[1] else drawn


def _joined_draws(draws: FloatArray, fixed: Sequence[str]) -> FloatArray:
    """Resamples of what joins objectives; none where only those that are `fixed` decide it."""
    return draws[:0] if fixed and len(draws) and np.ptp(draws) == 0 else draws


def _value_numbers(
    table: ObjectiveTable, drawn: FloatArray, found: ObjectiveValues
) -> list[Number]:
    numbers = []
    for place, objective in enumerate(table.objectives):
        fixed = objective.name in found.fixed
        ends = (
            ""
            if objective.worst is None
            else f"; declared worst {objective.worst:g}, best {objective.best:g}"
        )
        for row, model in enumerate(table.models):
            draws = drawn[:0, row, place] if fixed else drawn[:, row, place]
            numbers.append(
                Number.of(
                    "values",
                    objective.name,
                    {"model": model},
                    _interval(float(table.values[row, place]), draws, len(draws)),
                    f"{_how(len(draws))}; {objective.direction} is better{ends}",
                )
            )
    return numbers


def _front_numbers(
    table: ObjectiveTable,
    front: ParetoFront,
    chances: tuple[Measured, ...] | None,
    copies: int,
) -> list[Number]:
    numbers = []
    for row, model in enumerate(table.models):
        labels = {"model": model}
        numbers.append(
            Number.of(
                "front",
                "on the front (1 yes, 0 no)",
                labels,
                Measured(value=float(front.on_front[row])),
                "no model is a Pareto improvement",
            )
        )
        chance = Measured.missing("The values come without resamples.")
        numbers.append(
            Number.of(
                "front",
                "chance to be on the front",
                labels,
                chance if chances is None else chances[row],
                f"share of {copies:,} resamples; the interval is that of the share",
            )
        )
        numbers.append(
            Number.of(
                "front",
                "models that are a Pareto improvement on it",
                labels,
                Measured(value=float(front.improvements[:, row].sum())),
                f"of {len(table.models) - 1} others",
            )
        )
    return numbers


def _joined_numbers(
    table: ObjectiveTable,
    drawn: FloatArray,
    functions: Sequence[CommensuratingFunction],
    rankings: Rankings,
    fixed: Sequence[str],
) -> list[Number]:
    numbers = []
    scaled = [_normalised(table, values) for values in drawn]
    for place, function in enumerate(functions):
        copies = np.array([function(values) for values in scaled]).reshape(
            len(scaled), len(table.models)
        )
        for row, model in enumerate(table.models):
            draws = _joined_draws(copies[:, row], fixed)
            numbers.append(
                Number.of(
                    "joined",
                    function.label,
                    {"model": model},
                    _interval(float(rankings.scores[place, row]), draws, len(draws)),
                    _how(len(draws), fixed),
                )
            )
            numbers.append(
                Number.of(
                    "joined",
                    f"rank by {function.label}",
                    {"model": model},
                    Measured(value=float(rankings.ranks[place, row])),
                    "1 is the best; equal models share it",
                )
            )
    numbers += [
        Number.of(
            "agreement",
            one,
            {"function": other},
            rankings.agreement[i][j],
            "Kendall's tau-b over models",
        )
        for i, one in enumerate(rankings.functions)
        for j, other in enumerate(rankings.functions)
        if i < j
    ]
    return numbers


def _disputes(rankings: Rankings | None) -> list[str]:
    if rankings is None:
        return []
    return [
        f"{pair.one} or {pair.other}? {', '.join(pair.prefer_one)}: {pair.one};"
        f" {', '.join(pair.prefer_other)}: {pair.other}."
        for pair in rankings.disagreements
    ]


def _tradeoff(
    normalised: FloatArray,
    functions: Sequence[CommensuratingFunction],
    rows: Sequence[int],
    fixed: Sequence[int],
    definition: TradeoffDefinition,
) -> Tradeoff:
    return tradeoff(
        functions=[function.label for function in functions],
        matrix=tradeoff_matrix(normalised=normalised[list(rows)], functions=functions),
        static_models=definition.static,
        static=tradeoff_matrix(normalised=normalised[list(fixed)], functions=functions)
        if fixed
        else None,
    )


def _matrix_numbers(
    found: Tradeoff, copies: Sequence[Tradeoff], fixed: Sequence[str]
) -> list[Number]:
    numbers = []
    for row, function in enumerate(found.functions):
        for column, other in enumerate(found.functions):
            draws = _joined_draws(np.array([copy.matrix[row, column] for copy in copies]), fixed)
            numbers.append(
                Number.of(
                    "matrix",
                    function,
                    {"function": f"steered to {other}"},
                    _interval(float(found.matrix[row, column]), draws, len(draws)),
                    _how(len(draws), fixed),
                )
            )
    return numbers


def _chance(times: int, copies: int) -> Measured:
    """How often something held in so many resamples."""
    if not copies:
        return Measured.missing("The values come without resamples.")
    low, high = wilson_interval(successes=times, trials=copies, confidence=CONFIDENCE)
    return Measured(value=times / copies, low=low, high=high, count=copies)


def _tradeoff_numbers(
    found: Tradeoff,
    copies: Sequence[Tradeoff],
    volume: Hypervolume | None,
    fixed: Sequence[str],
) -> list[Number]:
    def of(name: str, value: float, draws: list[float], method: str = "") -> Number:
        return Number.of(
            "tradeoff",
            name,
            {"of": "the steered model"},
            _interval(value, np.array(draws), len(draws)),
            method or _how(len(draws), fixed),
        )

    numbers = [
        of("steerable (1 yes, 0 no)", float(found.steerable), [], "best by every function"),
        Number.of(
            "tradeoff",
            "chance to be steerable",
            {"of": "the steered model"},
            _chance(sum(bool(c.steerable) for c in copies), len(copies)),
            f"share of {len(copies):,} resamples; the interval is that of the share",
        ),
        of("share of functions satisfied", found.satisfied_share,
           [c.satisfied_share for c in copies]),
        of("score, sum of f(M_f)", found.score, [c.score for c in copies]),
        of("regret", found.regret, [c.regret for c in copies]),
        of(f"gain over the best fixed steering ({found.best_fixed})", found.gain_over_fixed,
           [c.gain_over_fixed for c in copies]),
    ]  # fmt: skip
    if found.gain_over_static is not None:
        numbers.append(
            of(
                f"gain over the best static model ({found.best_static})",
                found.gain_over_static,
                [c.gain_over_static for c in copies if c.gain_over_static is not None],
            )
        )
    if volume is not None:
        corner = ", ".join(f"{x:g}" for x in volume.reference)
        numbers.append(
            of("hypervolume of the steered models", volume.value, [],
               f"exact; reference {corner}, in the objectives' units")
        )  # fmt: skip
    return numbers


@dataclass(frozen=True)
class _Beside:
    """What stands in a report beside its objectives."""

    numbers: tuple[Number, ...]
    notes: tuple[str, ...]
    is_predicted: bool


def _beside(study: Study, bootstraps: int, seed: int) -> _Beside:
    """Jury welfare and Overton coverage of the study's sources, beside whatever else is shown."""
    wanted = [
        DeclaredObjective(
            name=f"welfare by {criterion.name.lower()} at α = {'∞' if a == inf else f'{a:g}'}",
            source="welfare",
            criterion=criterion.key,
            alpha=a,
        )
        for criterion in study.criteria.all()
        for a in JURY_ALPHAS
    ] + [
        DeclaredObjective(name=f"Overton {measure}", source="coverage", measure=measure)
        for measure in JURY_COVERAGE
    ]
    found = objective_values(
        study=study,
        objectives=wanted,
        file=None,
        file_replicates=None,
        bootstraps=bootstraps,
        seed=seed,
    )
    numbers, empty = [], []
    for place, objective in enumerate(wanted):
        if np.isnan(found.values[:, place]).all():
            empty.append(f"No {objective.name}: {found.reasons[objective.name]}")
            continue
        for row, model in enumerate(found.models):
            value = found.values[row, place]
            draws = found.replicates[:, row, place]
            draws = draws[:0] if objective.name in found.fixed else draws
            measured = (
                Measured.missing(found.reasons[objective.name])
                if np.isnan(value)
                else _interval(float(value), draws, len(draws))
            )
            how = _how(len(draws))
            numbers.append(Number.of("jury", objective.name, {"model": model}, measured, how))
    return _Beside(
        numbers=tuple(numbers),
        notes=(*dict.fromkeys(empty), *found.notes),
        is_predicted=found.is_predicted,
    )
