"""Models before and after they were aligned: the paper's tables 1, 4 and 5 and figure 3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from annotations.domain.measured import Measured
from models_runner.domain.distributional.comparison import Comparison, MeasureName
from models_runner.domain.distributional.probabilities import FloatArray, InvalidDistribution
from models_runner.domain.distributional.resampling import questions_alone


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """One measure of a base model and of the model made from it, on the same questions.

    ``difference`` is after - before, paired by question; its interval resamples questions.
    """

    measure: MeasureName
    before: Measured
    after: Measured
    difference: Measured


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentTable:
    """A base model and an aligned one against the same people.

    ``rows``: JS distance (base 2, table 1), the model's entropy in nats (table 4) and the shuffled
    control (table 5). The entropies by question, (questions,), are what figure 3 draws.
    """

    rows: tuple[BeforeAfter, ...]
    human_entropies: FloatArray
    before_entropies: FloatArray
    after_entropies: FloatArray


TABLES = (MeasureName.JS_DISTANCE_BITS, MeasureName.ENTROPY_MODEL, MeasureName.SHUFFLED)


def compare_alignment(
    *,
    before: Comparison,
    after: Comparison,
    seed: int,
    bootstraps: int = 2000,
    confidence: float = 0.95,
) -> AlignmentTable:
    """Set two comparisons with the same people side by side.

    Raises InvalidDistribution if their questions differ, or the people's distributions do.
    """
    people = MeasureName.ENTROPY_HUMAN
    if before.questions != after.questions:
        raise InvalidDistribution(
            f"The base model answered {len(before.questions)} questions and the aligned one"
            f" {len(after.questions)}, or in another order; compare both on the same."
        )
    human = before.measure(people).values
    if not np.allclose(human, after.measure(people).values, rtol=0, atol=1e-9):
        raise InvalidDistribution("The two models were compared with different people.")

    def mean(values: FloatArray, stream: int) -> Measured:
        return questions_alone(
            observed=values,
            reason="Respondents are not resampled here.",
            rng=np.random.default_rng([seed, stream]),
            bootstraps=bootstraps,
            confidence=confidence,
        ).over_both

    rows = []
    for stream, name in enumerate(TABLES):
        first, second = before.measure(name).values, after.measure(name).values
        rows.append(
            BeforeAfter(
                measure=name,
                # One stream a measure: the same questions are drawn for all three numbers.
                before=mean(first, stream),
                after=mean(second, stream),
                difference=mean(second - first, stream),
            )
        )
    return AlignmentTable(
        rows=tuple(rows),
        human_entropies=human,
        before_entropies=before.measure(MeasureName.ENTROPY_MODEL).values,
        after_entropies=after.measure(MeasureName.ENTROPY_MODEL).values,
    )
