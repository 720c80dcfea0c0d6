"""Objectives over a study's sources from what was rated, predicted and labelled, with resamples.

Jurors are drawn once for all objectives of a resample, and so are queries, so that a resample is
one other jury and one other set of queries for every source and objective alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from annotations.domain.scales import to_utility
from annotations.models import Criterion, Study
from annotations.selectors.ratings import rated_responses, rating_matrix
from juries.domain.welfare import power_welfare
from juries.models import Juror
from models_runner.domain.benchmark_definition import DeclaredObjective, InvalidDefinition
from models_runner.domain.benchmark_files.matrices import MatrixFile
from models_runner.selectors.jury_ratings import (
    NothingPredicted,
    Share,
    utilities_said_and_predicted,
)
from overton.domain.coverage import MEASURES
from overton.selectors.coverage import StudyCoverage, study_coverage
from overton.selectors.readings import card_of, current_reading

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ObjectiveValues:
    """What is known of each model by each objective.

    Attributes:
        models: sources, and rows of the file, in alphabetical order.
        values: (models, objectives), NaN where there is none.
        replicates: (bootstraps, models, objectives); an objective that can't be resampled stands
            in each as observed.
        reasons: (objective -> why some of its values are missing).
        is_predicted: some of it is a model's guess.
        fixed: names of objectives that can't be resampled.
        notes: what a reader must know of where values come from.
    """

    models: tuple[str, ...]
    values: FloatArray
    replicates: FloatArray
    reasons: Mapping[str, str]
    is_predicted: bool
    fixed: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Column:
    """One objective: source -> value, source -> (bootstraps,) values or None."""

    values: dict[str, float]
    replicates: dict[str, FloatArray] | None
    reason: str = ""
    is_predicted: bool = False


def objective_values(
    *,
    study: Study,
    objectives: Sequence[DeclaredObjective],
    file: MatrixFile | None,
    file_replicates: FloatArray | None,
    bootstraps: int,
    seed: int,
) -> ObjectiveValues:
    """Every objective of every source.

    `file_replicates` (replicates, rows, columns) of the file's values, taken one after the other.

    Raises:
        InvalidDefinition: a criterion, measure or column that there is not.
    """
    jurors = _Draws(_jurors(study), stream=[seed, 0], bootstraps=bootstraps)
    queries = _Draws(
        study.queries.order_by("ordinal").values_list("pk", flat=True),
        stream=[seed, 1],
        bootstraps=bootstraps,
    )
    coverage: StudyCoverage | None = None
    columns = []
    for objective in objectives:
        if objective.source == "file":
            columns.append(_from_file(objective, file, file_replicates, bootstraps))
            continue
        if objective.source == "coverage":
            if coverage is None:
                coverage = study_coverage(study=study, reading=current_reading(study=study))
            columns.append(_coverage(objective, coverage, queries))
            continue
        columns.append(_rated(study, objective, jurors))
    valued = {model for column in columns for model in column.values}
    models = sorted(valued | _sources(study, objectives))
    shape = (len(models), len(objectives))
    values = np.full(shape, np.nan)
    replicates = np.full((bootstraps, *shape), np.nan)
    for place, column in enumerate(columns):
        for row, model in enumerate(models):
            values[row, place] = column.values.get(model, np.nan)
            drawn = None if column.replicates is None else column.replicates.get(model)
            replicates[:, row, place] = values[row, place] if drawn is None else drawn
    return ObjectiveValues(
        models=tuple(models),
        values=values,
        replicates=replicates,
        reasons={
            objective.name: column.reason or "There is no value of this source."
            for objective, column in zip(objectives, columns, strict=True)
        },
        is_predicted=any(column.is_predicted for column in columns),
        fixed=tuple(
            objective.name
            for objective, column in zip(objectives, columns, strict=True)
            if column.replicates is None
        ),
        notes=() if coverage is None else _read_notes(coverage),
    )


def _read_notes(coverage: StudyCoverage) -> tuple[str, ...]:
    """Whose reading coverage rests on where people are silent, and how far it is checked."""
    if coverage.read is None or not coverage.by_judge:
        return ()
    reading = coverage.read.reading
    checked = (
        f"its agreement with people is κ = {agreement.value:.2f}"
        if reading.is_validated
        and (agreement := card_of(reading=reading).metrics["kappa"]).value is not None
        else "it is not validated on this study's labels"
    )
    pairs = coverage.by_judge + coverage.by_people
    told = (
        f"Coverage: {coverage.by_judge:,} of {pairs:,} pairs of a response and an answer are read"
        f" by a model, {reading.backend}, where nobody labelled them; {checked}."
    )
    return (told,)


def _sources(study: Study, objectives: Sequence[DeclaredObjective]) -> set[str]:
    """The study's sources, so that one without a value is told; none for a file alone."""
    if all(objective.source == "file" for objective in objectives):
        return set()
    return {response.source for response in rated_responses(study_id=study.pk)}


class _Draws:
    """Weights of jurors, or of queries, in each resample: the same for every objective.

    Exponential weights (Rubin, "The Bayesian bootstrap", 1981): like drawing with replacement, but
    nobody ever falls out altogether, so that every source keeps a value.
    """

    def __init__(self, keys: Iterable[int], *, stream: list[int], bootstraps: int) -> None:
        self._place = {key: place for place, key in enumerate(keys)}
        rng = np.random.default_rng(stream)
        self._weights = rng.exponential(size=(bootstraps, len(self._place)))

    def of(self, keys: Sequence[int]) -> FloatArray:
        """(bootstraps, keys)."""
        return np.asarray(self._weights[:, [self._place[key] for key in keys]])


def _jurors(study: Study) -> list[int]:
    """Everybody who took part or sits, in the order in which they came."""
    theirs = Q(participations__study=study) | Q(jury=study.jury_id)
    return list(Juror.objects.filter(theirs).order_by("pk").distinct().values_list("pk", flat=True))


def _rated(study: Study, objective: DeclaredObjective, draws: _Draws) -> _Column:
    criterion = Criterion.objects.filter(study=study, key=objective.criterion).first()
    if criterion is None:
        keys = ", ".join(study.criteria.values_list("key", flat=True)) or "none"
        raise InvalidDefinition(
            f"Objective {objective.name!r}: there is no criterion {objective.criterion!r}; there"
            f" are: {keys}."
        )
    if objective.source == "predicted":
        try:
            data = utilities_said_and_predicted(criterion=criterion, share=Share.BOTH)
        except NothingPredicted as problem:
            raise InvalidDefinition(f"Objective {objective.name!r}: {problem}") from problem
        juror_ids, responses, numbers = data.juror_ids, data.responses, data.ratings
        guessed = bool(data.guessed.any())
    else:
        matrix = rating_matrix(criterion=criterion)
        juror_ids, responses, numbers, guessed = (
            matrix.juror_ids, matrix.responses, matrix.values, False,
        )  # fmt: skip
    if not len(juror_ids) or np.isnan(numbers).all():
        return _Column({}, {}, f"Nobody has rated {criterion.name.lower()}.")
    alpha = 0.0
    if objective.source == "welfare":
        alpha = objective.alpha
        numbers = to_utility(values=numbers, low=criterion.low, high=criterion.high)
    shift = 0.0 if objective.source == "welfare" else criterion.low

    def by_response(own: FloatArray | None) -> FloatArray:
        # Ratings may be 0 or less; a mean moves with its scale, so it is taken from its low end.
        found = power_welfare(numbers - shift, alpha=alpha, weights=own, skip_missing=True)
        return np.asarray(found + shift)

    observed = by_response(None)
    each = None
    # The worst-off juror is whoever she is: a minimum has no honest interval.
    if alpha != inf:
        each = np.array([by_response(row) for row in draws.of(juror_ids)])
    names = np.array([response.source for response in responses])
    values, replicates = {}, {}
    for name in dict.fromkeys(names.tolist()):
        own = (names == name) & ~np.isnan(observed)
        if own.any():
            values[name] = float(observed[own].mean())
            if each is not None and len(each):
                replicates[name] = each[:, own].mean(axis=1)
    return _Column(values, replicates or None, "No response of this source was rated.", guessed)


def _coverage(
    objective: DeclaredObjective,
    coverage: StudyCoverage,
    draws: _Draws,
) -> _Column:
    if objective.measure not in MEASURES:
        raise InvalidDefinition(
            f"Objective {objective.name!r}: there is no measure {objective.measure!r}; there are:"
            f" {', '.join(MEASURES)}."
        )
    values, replicates = {}, {}
    for source in coverage.sources:
        found = source.measures[objective.measure]
        if found.value is None:
            continue
        own = np.array(
            [
                np.nan if (value := getattr(one, objective.measure).value) is None else value
                for one in source.per_query
            ],
            dtype=np.float64,
        )
        drawn = draws.of([window.query.pk for window in source.windows])
        known = ~np.isnan(own)
        values[source.source] = found.value
        replicates[source.source] = (drawn[:, known] @ own[known]) / drawn[:, known].sum(axis=1)
    return _Column(
        values,
        replicates,
        "The study has no window, or neither labels nor a reading, for this source.",
        is_predicted=coverage.by_judge > 0,
    )


def _from_file(
    objective: DeclaredObjective,
    file: MatrixFile | None,
    file_replicates: FloatArray | None,
    bootstraps: int,
) -> _Column:
    if file is None:
        raise InvalidDefinition(
            f"Objective {objective.name!r} comes from a file of values, but there is none."
        )
    if objective.name not in file.columns:
        raise InvalidDefinition(
            f"The file of values has no column {objective.name!r}; it has:"
            f" {', '.join(file.columns)}."
        )
    column = file.columns.index(objective.name)
    values = {row: float(file.values[place, column]) for place, row in enumerate(file.rows)}
    if file_replicates is None:
        return _Column(values, None)
    turn = np.arange(bootstraps) % len(file_replicates)
    return _Column(
        values,
        {row: file_replicates[turn, place, column] for place, row in enumerate(file.rows)},
    )
