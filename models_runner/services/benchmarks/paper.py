"""Section 5.2 of the paper for any pair of models: before and after aligning, against people."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotations.domain.measured import Measured
from models_runner.domain.benchmark_definition import DistributionalDefinition
from models_runner.domain.benchmark_files.people import PeopleFile
from models_runner.domain.benchmark_report.paper import PairOnGroup
from models_runner.domain.distributional.alignment import AlignmentTable
from models_runner.domain.distributional.comparison import MeasureName
from models_runner.domain.distributional.resampling import questions_alone
from models_runner.services.benchmarks.distributional import (
    DistributionalResult,
    Participant,
    measure_distributional,
)


@dataclass(frozen=True)
class PaperExperiment:
    """The pair on each group, and everything that was measured on the way."""

    pairs: tuple[PairOnGroup, ...]
    result: DistributionalResult


def run_paper_experiment(
    *,
    people: PeopleFile,
    definition: DistributionalDefinition,
    participants: Sequence[Participant],
) -> PaperExperiment:
    """Ask the two participants, the one before aligning first, and set them beside the people.

    Raises:
        As `measure_distributional`.
    """
    before, after = (participant.name for participant in participants)
    result = measure_distributional(
        people=people,
        definition=definition,
        participants=participants,
        pairs=[(before, after)],
    )
    seed, bootstraps = definition.asking.seed, max(definition.measuring.bootstraps, 1)
    return PaperExperiment(
        pairs=tuple(
            _on_group(group, table, seed=seed, bootstraps=bootstraps)
            for _, _, group, _, table in result.aligned
        ),
        result=result,
    )


def _on_group(group: str, table: AlignmentTable, *, seed: int, bootstraps: int) -> PairOnGroup:
    rows = {row.measure: row for row in table.rows}
    distance = rows[MeasureName.JS_DISTANCE_BITS]
    entropy = rows[MeasureName.ENTROPY_MODEL]
    shuffled = rows[MeasureName.SHUFFLED]
    people: Measured = questions_alone(
        observed=table.human_entropies,
        reason="Respondents are not resampled here.",
        # The stream of the models' entropies: the same questions are drawn.
        rng=np.random.default_rng([seed, 1]),
        bootstraps=bootstraps,
    ).over_both
    return PairOnGroup(
        group=group,
        questions=len(table.human_entropies),
        before_distance=distance.before,
        after_distance=distance.after,
        distance_difference=distance.difference,
        human_entropy=people,
        before_entropy=entropy.before,
        after_entropy=entropy.after,
        entropy_difference=entropy.difference,
        before_shuffled=shuffled.before,
        after_shuffled=shuffled.after,
        shuffled_difference=shuffled.difference,
    )
