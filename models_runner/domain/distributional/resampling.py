"""How far a mean over questions would move with other respondents and other questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from annotations.domain.measured import Measured
from models_runner.domain.distributional.probabilities import FloatArray, InvalidDistribution

BOOTSTRAPS = 1000
_CELLS_AT_ONCE = 200_000

Measure = Callable[[FloatArray, FloatArray], FloatArray]
"""(..., questions, options) of people and of the model to (measures, ..., questions)."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """A mean over questions with two intervals.

    ``over_both``: respondents and questions resampled, for claims about questions like these;
    ``over_respondents``: the questions as they are. Both are percentile intervals moved by the bias
    of resampling respondents, so that they lie around the mean: a resampled group is noisier than
    the group, and a distance to it larger. ``bias`` is that bias, and about what sampling adds to
    the mean.
    """

    over_both: Measured
    over_respondents: Measured
    bias: float | None


def resampled_shares(
    *, shares: FloatArray, respondents: FloatArray, rng: np.random.Generator, copies: int
) -> FloatArray:
    """Answers of as many people, drawn with replacement: (copies, questions, options).

    `shares` (questions, options) are distributions; `respondents` (questions,) is rounded to whole
    people, NaN leaves the question's distribution as it is.
    """
    known = ~np.isnan(respondents)
    drawn = np.broadcast_to(shares, (copies, *shares.shape)).copy()
    if known.any():
        people = np.maximum(np.rint(respondents[known]), 1).astype(np.int64)
        # multinomial wants sums of at most 1 to the last bit.
        exact = shares[known] / np.maximum(shares[known].sum(axis=-1, keepdims=True), 1.0)
        counts = rng.multinomial(people, exact, size=(copies, len(people)))
        drawn[:, known] = counts / people[:, None]
    return drawn


@dataclass(frozen=True, slots=True, eq=False)
class ResampledMeans:
    """Means over questions in each resample, (measures, bootstraps).

    ``fixed``: respondents resampled, every question once. ``both``: questions drawn with
    replacement too; NaN in a resample without any question that has the measure.
    """

    fixed: FloatArray
    both: FloatArray


def resampled_means(
    *,
    human: FloatArray,
    model: FloatArray,
    human_respondents: FloatArray,
    model_respondents: FloatArray,
    measure: Measure,
    rng: np.random.Generator,
    bootstraps: int,
) -> ResampledMeans:
    """`measure` on resampled respondents of both sides, and on resampled questions.

    A question counts for a measure where the observed answers have it; where a resample has not
    (all of the drawn people refused), the observed value stands in. Memory does not grow with
    `bootstraps`. Raises InvalidDistribution for fewer than 1 bootstrap.
    """
    if bootstraps < 1:
        raise InvalidDistribution(f"The number of bootstraps is {bootstraps}; at least 1.")
    observed = measure(human, model)
    defined = ~np.isnan(observed)
    filled = np.where(defined, observed, 0.0)
    counts = defined.sum(axis=1)
    step = max(1, _CELLS_AT_ONCE // human.size)
    fixed, both = [], []
    for start in range(0, bootstraps, step):
        copies = min(step, bootstraps - start)
        sides = (
            resampled_shares(shares=shares, respondents=people, rng=rng, copies=copies)
            for shares, people in ((human, human_respondents), (model, model_respondents))
        )
        values = measure(*sides)
        values = np.where(np.isnan(values) | ~defined[:, None], filled[:, None], values)
        weights = _question_weights(rng, copies=copies, questions=human.shape[0])
        with np.errstate(invalid="ignore", divide="ignore"):
            fixed.append(values.sum(axis=2) / counts[:, None])
            both.append(np.einsum("mbq,bq->mb", values, weights) / (defined @ weights.T))
    return ResampledMeans(np.concatenate(fixed, axis=1), np.concatenate(both, axis=1))


def respondents_and_questions(
    *,
    observed: FloatArray,
    fixed: FloatArray,
    both: FloatArray,
    bounds: tuple[float, float],
    confidence: float = 0.95,
) -> Resampled:
    """Intervals of the mean of `observed` (questions,), NaN = not defined, from its resamples.

    `fixed` and `both` (bootstraps,) as in ResampledMeans; `bounds` of the measure, where intervals
    end. Raises InvalidDistribution for a confidence outside (0, 1).
    """
    values = _defined(observed, confidence)
    if not len(values):
        return _nothing()
    mean = float(values.mean())
    bias = float(fixed.mean()) - mean
    people = _around(mean, fixed - bias, len(values), bounds, confidence)
    if len(values) == 1:
        return Resampled(over_both=_one_question(mean), over_respondents=people, bias=bias)
    drawn = both[~np.isnan(both)]
    return Resampled(
        over_both=_around(mean, drawn - bias, len(values), bounds, confidence),
        over_respondents=people,
        bias=bias,
    )


def questions_alone(
    *,
    observed: FloatArray,
    rng: np.random.Generator,
    bootstraps: int,
    reason: str,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    confidence: float = 0.95,
) -> Resampled:
    """Intervals of the mean of `observed` (questions,), NaN = not defined, over questions alone.

    `reason` says why respondents are not resampled. Raises InvalidDistribution for a confidence
    outside (0, 1) or fewer than 1 bootstrap.
    """
    if bootstraps < 1:
        raise InvalidDistribution(f"The number of bootstraps is {bootstraps}; at least 1.")
    values = _defined(observed, confidence)
    if not len(values):
        return _nothing()
    mean = float(values.mean())
    people = Measured(value=mean, reason=reason, count=len(values))
    if len(values) == 1:
        return Resampled(over_both=_one_question(mean), over_respondents=people, bias=None)
    step = max(1, _CELLS_AT_ONCE // len(values))
    means = [
        _question_weights(rng, copies=min(step, bootstraps - start), questions=len(values)) @ values
        for start in range(0, bootstraps, step)
    ]
    draws = np.concatenate(means) / len(values)
    return Resampled(
        over_both=_around(mean, draws, len(values), bounds, confidence),
        over_respondents=people,
        bias=None,
    )


def _question_weights(rng: np.random.Generator, *, copies: int, questions: int) -> FloatArray:
    """How often each question is drawn, (copies, questions); rows add up to `questions`."""
    drawn = rng.multinomial(questions, np.full(questions, 1 / questions), size=copies)
    return drawn.astype(np.float64)


def _defined(observed: FloatArray, confidence: float) -> FloatArray:
    if not 0 < confidence < 1:
        raise InvalidDistribution(f"The confidence is {confidence:g}; it must lie in 0 to 1.")
    return np.asarray(observed[~np.isnan(observed)])


def _around(
    mean: float, draws: FloatArray, count: int, bounds: tuple[float, float], confidence: float
) -> Measured:
    tail = (1 - confidence) / 2
    low, high = (float(x) for x in np.clip(np.quantile(draws, [tail, 1 - tail]), *bounds))
    return Measured(value=mean, low=min(low, mean), high=max(high, mean), count=count)


def _one_question(mean: float) -> Measured:
    return Measured(
        value=mean, reason="One question alone gives no interval over questions.", count=1
    )


def _nothing() -> Resampled:
    none = Measured.missing("No question has a value.")
    return Resampled(over_both=none, over_respondents=none, bias=None)
