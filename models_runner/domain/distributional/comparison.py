"""A model's answers beside a group's, question by question and on the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import log, sqrt

import numpy as np
import numpy.typing as npt

from models_runner.domain.distributional.controls import (
    DRAWS,
    noise_floor_nats,
    shuffled_distance,
)
from models_runner.domain.distributional.divergences import (
    Base,
    entropy,
    js_divergence,
    kl_divergence,
    total_variation,
)
from models_runner.domain.distributional.modes import TieRule, mode_accuracy
from models_runner.domain.distributional.ordinal import wasserstein_1
from models_runner.domain.distributional.probabilities import FloatArray, InvalidDistribution
from models_runner.domain.distributional.resampling import (
    BOOTSTRAPS,
    Measure,
    Resampled,
    questions_alone,
    resampled_means,
    respondents_and_questions,
)
from models_runner.domain.distributional.table import MatchedTables


class MeasureName(StrEnum):
    """What is measured of each question; docs/measures.md says how."""

    JS_DISTANCE_BITS = "js_distance_bits"
    JS_DISTANCE_NATS = "js_distance_nats"
    JS_DIVERGENCE_BITS = "js_divergence_bits"
    JS_DIVERGENCE_NATS = "js_divergence_nats"
    KL_HUMAN_MODEL = "kl_human_model_nats"
    KL_MODEL_HUMAN = "kl_model_human_nats"
    TOTAL_VARIATION = "total_variation"
    WASSERSTEIN = "wasserstein_1"
    WASSERSTEIN_NORMALISED = "wasserstein_1_normalised"
    REPRESENTATIVENESS = "representativeness"
    REFUSED_HUMAN = "refused_human"
    REFUSED_MODEL = "refused_model"
    MODE_ACCURACY = "mode_accuracy"
    ENTROPY_HUMAN = "entropy_human_nats"
    ENTROPY_MODEL = "entropy_model_nats"
    SHUFFLED = "shuffled_js_distance_bits"
    NOISE_FLOOR = "noise_floor_nats"


RESAMPLED = (
    MeasureName.JS_DISTANCE_BITS,
    MeasureName.JS_DISTANCE_NATS,
    MeasureName.JS_DIVERGENCE_BITS,
    MeasureName.JS_DIVERGENCE_NATS,
    MeasureName.TOTAL_VARIATION,
    MeasureName.ENTROPY_HUMAN,
    MeasureName.ENTROPY_MODEL,
    MeasureName.MODE_ACCURACY,
)
"""With those of ORDINAL, the measures whose respondents are resampled; the intervals of the others
resample questions alone.
"""

MOST = {
    MeasureName.JS_DISTANCE_BITS: 1.0,
    MeasureName.JS_DISTANCE_NATS: sqrt(log(2)),
    MeasureName.JS_DIVERGENCE_BITS: 1.0,
    MeasureName.JS_DIVERGENCE_NATS: log(2),
    MeasureName.TOTAL_VARIATION: 1.0,
    MeasureName.WASSERSTEIN_NORMALISED: 1.0,
    MeasureName.REPRESENTATIVENESS: 1.0,
    MeasureName.REFUSED_HUMAN: 1.0,
    MeasureName.REFUSED_MODEL: 1.0,
    MeasureName.MODE_ACCURACY: 1.0,
    MeasureName.SHUFFLED: 1.0,
}
"""The largest value of a measure, where all questions share one; the least is 0."""

ORDINAL = (
    MeasureName.WASSERSTEIN,
    MeasureName.WASSERSTEIN_NORMALISED,
    MeasureName.REPRESENTATIVENESS,
    MeasureName.REFUSED_HUMAN,
    MeasureName.REFUSED_MODEL,
)
"""Measures of questions whose options have codes."""


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """How to compare.

    ``smoothing`` of KL (0 = none); ``ties`` for the mode; ``seed`` and ``draws`` of the shuffled
    control; ``bootstraps`` (0 = no intervals), ``confidence`` of intervals.
    """

    smoothing: float = 0.0
    ties: TieRule = TieRule.SHARE
    seed: int = 0
    draws: int = DRAWS
    bootstraps: int = BOOTSTRAPS
    confidence: float = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class MeasureValues:
    """One measure: by question, and its mean over the questions that have it.

    ``values`` (questions,) may be inf (KL alone) and is NaN where ``reasons`` says why. ``mean`` is
    inf where any value is; ``infinite`` counts those. ``intervals`` are None without bootstrap.
    """

    name: MeasureName
    values: FloatArray
    reasons: tuple[str, ...]
    mean: float | None
    reason: str
    infinite: int
    intervals: Resampled | None


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All measures of a model against one group."""

    questions: tuple[str, ...]
    measures: tuple[MeasureValues, ...]
    plan: ComparisonPlan
    only_human: tuple[str, ...]
    only_model: tuple[str, ...]

    def measure(self, name: MeasureName) -> MeasureValues:
        """The measure of this name."""
        return next(found for found in self.measures if found.name == name)


def compare_tables(
    *, tables: MatchedTables, plan: ComparisonPlan, codes: npt.ArrayLike | None = None
) -> Comparison:
    """Every measure of the model's table against the people's.

    Args:
        tables: the same questions and options on both sides.
        plan: what to declare.
        codes: (questions, most options), NaN for refusals and padding; None where no question has
            an order. A question without codes (all NaN) has no ordinal measure.

    Raises:
        InvalidDistribution: codes of another shape, or a plan out of range.
    """
    places = _codes(tables, codes)
    found, why = _values(tables, places, plan)
    drawn = _resampled(tables, places, plan) if plan.bootstraps and _sampled(tables) else {}
    reason = (
        "There is nobody to resample for this measure."
        if _sampled(tables)
        else "How many people answered is not known, so they can't be resampled."
    )
    return Comparison(
        questions=tables.human.questions,
        measures=tuple(
            _summary(name, found[name], why.get(name), drawn.get(name), plan, reason)
            for name in MeasureName
        ),
        plan=plan,
        only_human=tables.only_human,
        only_model=tables.only_model,
    )


def _resampled(
    tables: MatchedTables, places: FloatArray, plan: ComparisonPlan
) -> dict[MeasureName, tuple[FloatArray, FloatArray]]:
    """Means of the measures that hang on someone who was sampled, in each resample."""
    means = resampled_means(
        human=tables.human.probabilities,
        model=tables.model.probabilities,
        human_respondents=tables.human.respondents,
        model_respondents=tables.model.respondents,
        measure=_resampled_measure(places, plan),
        rng=np.random.default_rng(plan.seed),
        bootstraps=plan.bootstraps,
    )
    names = [*RESAMPLED, *(ORDINAL if _ordered(places).any() else ())]
    drawn = dict(zip(names, zip(means.fixed, means.both, strict=True), strict=True))
    if np.isnan(tables.human.respondents).all():
        drawn.pop(MeasureName.ENTROPY_HUMAN)
        drawn.pop(MeasureName.REFUSED_HUMAN, None)
    if np.isnan(tables.model.respondents).all():
        drawn.pop(MeasureName.ENTROPY_MODEL)
        drawn.pop(MeasureName.REFUSED_MODEL, None)
    return drawn


def _sampled(tables: MatchedTables) -> bool:
    return bool(
        (~np.isnan(tables.human.respondents)).any() or (~np.isnan(tables.model.respondents)).any()
    )


def _codes(tables: MatchedTables, codes: npt.ArrayLike | None) -> FloatArray:
    shape = tables.human.probabilities.shape
    places = np.full(shape, np.nan) if codes is None else np.asarray(codes, dtype=np.float64)
    if places.shape != shape:
        raise InvalidDistribution(f"The codes have the shape {places.shape}, but must be {shape}.")
    beyond = np.arange(shape[1]) >= tables.human.sizes[:, None]
    if (~np.isnan(places) & beyond).any():
        raise InvalidDistribution("An option that a question does not have has a code.")
    return places


def _ordered(places: FloatArray) -> npt.NDArray[np.bool_]:
    return np.asarray((~np.isnan(places)).any(axis=1))


def _values(
    tables: MatchedTables, places: FloatArray, plan: ComparisonPlan
) -> tuple[dict[MeasureName, FloatArray], dict[MeasureName, tuple[str, ...]]]:
    p, q = tables.human.probabilities, tables.model.probabilities
    sizes = tables.human.sizes
    found = dict(zip(RESAMPLED, _unordered(p, q, plan.ties), strict=True))
    found.update(zip(ORDINAL, _ordinal(p, q, places), strict=True))

    def by_size(measure: Callable[[FloatArray, FloatArray], FloatArray]) -> FloatArray:
        values = np.empty(len(p))
        for size in np.unique(sizes):
            here = sizes == size
            values[here] = measure(p[here, :size], q[here, :size])
        return values

    found[MeasureName.KL_HUMAN_MODEL] = by_size(
        lambda a, b: kl_divergence(a, b, smoothing=plan.smoothing)
    )
    found[MeasureName.KL_MODEL_HUMAN] = by_size(
        lambda a, b: kl_divergence(b, a, smoothing=plan.smoothing)
    )
    found[MeasureName.SHUFFLED] = by_size(
        lambda a, b: shuffled_distance(a, b, seed=plan.seed, draws=plan.draws)
    )
    people = tables.human.respondents
    guesses = np.where(np.isnan(tables.model.respondents), np.inf, tables.model.respondents)
    known = ~np.isnan(people)
    floor = noise_floor_nats(options=sizes, n1=np.where(known, people, 1.0), n2=guesses)
    found[MeasureName.NOISE_FLOOR] = np.where(known, floor, np.nan)
    why: dict[MeasureName, tuple[str, ...]] = dict.fromkeys(
        ORDINAL,
        tuple(
            "Everyone refused on one side, people or model."
            if ordered
            else "The options have no order."
            for ordered in _ordered(places)
        ),
    )
    why[MeasureName.NOISE_FLOOR] = ("How many people answered is not known.",) * len(p)
    return found, why


def _unordered(p: FloatArray, q: FloatArray, ties: TieRule) -> FloatArray:
    """The measures of RESAMPLED: (measures, ..., questions)."""
    nats = js_divergence(p, q, base=Base.NATS)
    bits = nats / log(2)
    return np.stack(
        np.broadcast_arrays(
            np.sqrt(bits),
            np.sqrt(nats),
            bits,
            nats,
            total_variation(p, q),
            entropy(p),
            entropy(q),
            mode_accuracy(p, q, ties=ties),
        )
    )


def _ordinal(p: FloatArray, q: FloatArray, places: FloatArray) -> FloatArray:
    """The measures of ORDINAL: (measures, ..., questions), NaN where not defined."""
    values = np.full((len(ORDINAL), *p.shape[:-1]), np.nan)
    here = _ordered(places)
    if here.any():
        found = wasserstein_1(p[..., here, :], q[..., here, :], codes=places[here])
        values[..., here] = np.stack(
            [
                found.distance,
                found.normalised,
                found.representativeness,
                found.refused_p,
                found.refused_q,
            ]
        )
    return values


def _resampled_measure(places: FloatArray, plan: ComparisonPlan) -> Measure:
    def measure(p: FloatArray, q: FloatArray) -> FloatArray:
        parts = [_unordered(p, q, plan.ties)]
        if _ordered(places).any():
            parts.append(_ordinal(p, q, places))
        return np.concatenate(parts)

    return measure


def _summary(
    name: MeasureName,
    values: FloatArray,
    why: tuple[str, ...] | None,
    drawn: tuple[FloatArray, FloatArray] | None,
    plan: ComparisonPlan,
    reason: str,
) -> MeasureValues:
    defined = ~np.isnan(values)
    infinite = int(np.isinf(values).sum())
    intervals = None
    if plan.bootstraps and defined.any() and not infinite:
        bounds = (0.0, MOST.get(name, np.inf))
        if drawn is not None:
            intervals = respondents_and_questions(
                observed=values,
                fixed=drawn[0],
                both=drawn[1],
                bounds=bounds,
                confidence=plan.confidence,
            )
        else:
            intervals = questions_alone(
                observed=values,
                # A stream of its own, so that one measure's draws don't hang on another's.
                rng=np.random.default_rng([plan.seed, list(MeasureName).index(name)]),
                bootstraps=plan.bootstraps,
                reason=reason,
                bounds=bounds,
                confidence=plan.confidence,
            )
    told = why or ("",) * len(values)
    reasons = tuple("" if good else text for good, text in zip(defined, told, strict=True))
    return MeasureValues(
        name=name,
        values=values,
        reasons=reasons,
        mean=float(values[defined].mean()) if defined.any() else None,
        reason="" if defined.any() else " ".join(dict.fromkeys(reasons)),
        infinite=infinite,
        intervals=intervals,
    )
