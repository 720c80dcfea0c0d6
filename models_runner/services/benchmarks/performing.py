"""The work of a benchmark's Run: read, ask, measure, keep the report."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

import venire
from juries.models import Run
from juries.services.runs import RunContext, RunRefused
from models_runner.domain.benchmark_definition import (
    Definition,
    DistributionalDefinition,
    InvalidDefinition,
    ObjectivesDefinition,
    SteerableDefinition,
    TradeoffDefinition,
    definition_from_plain,
)
from models_runner.domain.benchmark_files.matrices import (
    MatrixFile,
    parse_matrix,
    parse_replicates,
)
from models_runner.domain.benchmark_files.people import PeopleFile, parse_people
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.benchmark_files.results import Plain
from models_runner.domain.benchmark_files.stances import parse_stances
from models_runner.domain.benchmark_report.numbers import Number, Report, Section
from models_runner.domain.distributional.probabilities import InvalidDistribution
from models_runner.domain.elicitation import ElicitationMode
from models_runner.domain.elicitation.orders import InvalidOrders
from models_runner.domain.elicitation.prompts import InvalidPrompt
from models_runner.domain.objectives.table import InvalidObjectives
from models_runner.domain.steering.attributes import DeniedAttribute, InvalidAttribute
from models_runner.domain.steering.conditioning import InvalidConditioning
from models_runner.domain.tradeoff.hypervolume import InvalidHypervolume
from models_runner.domain.tradeoff.matrix import InvalidTradeoff
from models_runner.models import Benchmark, BenchmarkRun, LanguageModel
from models_runner.ports import EncoderUnavailable, LanguageModelProblem, load_language_model
from models_runner.selectors.benchmarks.inputs import (
    chosen_models,
    input_digests,
    joint_digest,
)
from models_runner.selectors.benchmarks.people import jurors_answers
from models_runner.selectors.jury_ratings import NothingPredicted
from models_runner.selectors.language_models import model_specification
from models_runner.services.benchmarks.asking import AnswersMissing, Asker, AskingStopped
from models_runner.services.benchmarks.distributional import (
    SECTIONS,
    Participant,
    chosen_people,
    measure_distributional,
    to_ask,
)
from models_runner.services.benchmarks.eliciting import requests_of
from models_runner.services.benchmarks.objectives import (
    JURY_SECTION,
    OBJECTIVE_SECTIONS,
    TRADEOFF_SECTIONS,
    Found,
    measure_objectives,
    measure_tradeoff,
)
from models_runner.services.benchmarks.steerable import SECTIONS as STEERING_SECTIONS
from models_runner.services.benchmarks.steerable import (
    checked_attributes,
    measure_by_group,
    measure_sources,
    measure_stances,
    measure_texts,
)
from models_runner.services.benchmarks.stores import DatabaseStore
from models_runner.services.benchmarks.weights import steer_by_prompt
from models_runner.services.predictions import PredictionRefused
from overton.ports import EntailmentUnavailable

PEOPLE_SLOT = "people"
VALUES_SLOT = "values"
REPLICATES_SLOT = "replicates"
STANCES_SLOT = "stances"

REFUSALS = (
    InvalidDefinition,
    InvalidDistribution,
    InvalidBenchmarkFile,
    InvalidPrompt,
    InvalidOrders,
    InvalidObjectives,
    InvalidTradeoff,
    InvalidHypervolume,
    InvalidAttribute,
    DeniedAttribute,
    InvalidConditioning,
    AskingStopped,
    AnswersMissing,
    LanguageModelProblem,
    EncoderUnavailable,
    EntailmentUnavailable,
    NothingPredicted,
    PredictionRefused,
)


class Values(TypedDict):
    """A file of values by model, and its resamples (replicates, models, columns)."""

    file: MatrixFile | None
    replicates: NDArray[np.float64] | None


class Work:
    """One run's context: progress over all requests, the models as loaded."""

    def __init__(self, *, context: RunContext, benchmark: Benchmark) -> None:
        self.context = context
        self.benchmark = benchmark
        self.done = 0
        self.total = 1
        self.note = ""
        self.models: list[Plain] = []

    def advance(self, count: int, note: str) -> None:
        """So many more requests are settled."""
        self.done += count
        self.context.progress(min(self.done, self.total - 1), self.total, f"{self.note}: {note}")

    def asker(self, model: LanguageModel) -> Asker:
        """The model of a row of the registry, loaded, with what it was asked before."""
        self.note = model.name
        self.context.progress(min(self.done, self.total - 1), self.total, f"loading {model.name}")
        loaded = load_language_model(model_specification(model=model))
        self.models.append(
            {
                "name": model.name,
                "asked_for": loaded.name,
                "revision": loaded.revision,
                "weights_digest": loaded.weights_digest,
                "identity": loaded.identity,
            }
        )
        self.context.log(f"{model.name}: loaded, identity {loaded.identity[:12]}")
        return Asker(
            model=loaded,
            store=DatabaseStore(run=self.context.run),
            advance=self.advance,
        )

    def people(self, definition: DistributionalDefinition | SteerableDefinition) -> PeopleFile:
        """The people's answers that a definition names.

        Raises:
            InvalidDefinition, InvalidBenchmarkFile: there are none that can be used.
        """
        wanted = definition.people
        if wanted.source == "jurors":
            read = jurors_answers(study=self.benchmark.study, wanted=wanted)
        else:
            name, content = self.file(PEOPLE_SLOT)
            read = parse_people(
                content, file=name, counts=wanted.counts, leave_out=wanted.leave_out
            )
        return chosen_people(read, wanted, most=definition.most)

    def values(self) -> "Values":
        """The file of values by model, with its resamples, where they were handed in.

        Raises:
            InvalidBenchmarkFile: a file that can't be used.
        """
        matrix = copies = None
        if self.benchmark.files.filter(slot=VALUES_SLOT).exists():
            name, content = self.file(VALUES_SLOT)
            matrix = parse_matrix(content, file=name, key="model")
        if matrix is not None and self.benchmark.files.filter(slot=REPLICATES_SLOT).exists():
            name, content = self.file(REPLICATES_SLOT)
            copies = parse_replicates(content, file=name, matrix=matrix, key="model").values
        return {"file": matrix, "replicates": copies}

    def file(self, slot: str) -> tuple[str, bytes]:
        """Name and content of a file that was handed in.

        Raises:
            InvalidDefinition: there is none.
        """
        file = self.benchmark.files.filter(slot=slot).first()
        if file is None:
            raise InvalidDefinition(f"The benchmark has no file of {slot}. Hand it in again.")
        return file.name, bytes(file.content)


def perform_benchmark(context: RunContext) -> Mapping[str, Any]:
    """Run a benchmark and keep its report.

    What models answered is kept as it comes, so that a Run which failed goes on where it stopped.

    Raises:
        RunRefused: something can't be used or did not answer; the message says what to do.
    """
    mine = BenchmarkRun.objects.select_related("benchmark__study").get(
        public_id=context.run.parameters["benchmark_run"]
    )
    benchmark = mine.benchmark
    try:
        definition = definition_from_plain(benchmark.kind, benchmark.definition)
        inputs = input_digests(benchmark=benchmark)
        report = _report(Work(context=context, benchmark=benchmark), definition, inputs)
    except REFUSALS as problem:
        raise RunRefused(str(problem)) from problem
    keep_report(run=context.run, mine=mine, report=report, inputs=inputs)
    context.progress(1, 1, "done")
    return {
        "benchmark_run": str(mine.public_id),
        "numbers": len(report.numbers),
        "input_digest": joint_digest(inputs),
    }


@transaction.atomic
def keep_report(*, run: Run, mine: BenchmarkRun, report: Report, inputs: Mapping[str, str]) -> None:
    """Store a report with the digests of what it was computed from."""
    digest = joint_digest(dict(inputs))
    BenchmarkRun.objects.filter(pk=mine.pk).update(
        report=report.to_plain(), inputs=dict(inputs), input_digest=digest, stale_since=None
    )
    Run.objects.filter(pk=run.pk).update(input_digest=digest)


def _report(work: Work, definition: Definition, inputs: Mapping[str, str]) -> Report:
    if isinstance(definition, DistributionalDefinition):
        return _distributional(work, definition, inputs)
    if isinstance(definition, SteerableDefinition):
        return _steerable(work, definition, inputs)
    if isinstance(definition, ObjectivesDefinition):
        found = measure_objectives(
            study=work.benchmark.study, definition=definition, **work.values()
        )
        sections: tuple[Section, ...] = (*OBJECTIVE_SECTIONS, JURY_SECTION)
    else:
        found = _tradeoff(work, definition)
        sections = (*TRADEOFF_SECTIONS, JURY_SECTION)
    return make_report(
        work,
        inputs,
        sections=sections,
        numbers=found.numbers,
        notes=found.notes,
        details=found.details,
        is_predicted=found.is_predicted,
    )


def make_report(
    work: Work,
    inputs: Mapping[str, str],
    *,
    sections: tuple[Section, ...],
    numbers: tuple[Number, ...],
    notes: tuple[str, ...],
    details: Plain,
    is_predicted: bool = False,
) -> Report:
    """A report with what every kind of benchmark tells of itself."""
    return Report(
        kind=work.benchmark.kind,
        title=work.benchmark.name,
        version=f"venire {venire.__version__}",
        parameters=work.benchmark.definition,
        inputs=inputs,
        sections=sections,
        numbers=numbers,
        models=tuple(work.models),
        notes=notes,
        details=details,
        is_predicted=is_predicted,
    )


def _tradeoff(work: Work, definition: TradeoffDefinition) -> Found:
    study = work.benchmark.study
    if not definition.model:
        return measure_tradeoff(study=study, definition=definition, **work.values())
    rows = _rows(definition)
    asked = study.queries.filter(check_kind="").count()
    work.total = 1 + (len(definition.functions) + 1) * asked
    steered = steer_by_prompt(
        study=study,
        definition=definition,
        participant=Participant(rows[0].name, work.asker(rows[0])),
    )
    found = measure_tradeoff(
        study=study,
        definition=steered.definition,
        file=steered.values,
        replicates=steered.replicates,
    )
    return replace(found, is_predicted=found.is_predicted or steered.is_predicted)


def _steerable(work: Work, definition: SteerableDefinition, inputs: Mapping[str, str]) -> Report:
    rows = _rows(definition)
    participants = (Participant(row.name, work.asker(row)) for row in rows)
    steered = len(definition.attributes) + 1
    study = work.benchmark.study
    checked_attributes(definition)
    if definition.judged_by == "group":
        people = work.people(definition)
        work.total = 1 + len(rows) * steered * requests_of(
            ElicitationMode.LETTERS_TEXT, to_ask(people), definition.asking
        )
        found = measure_by_group(people=people, definition=definition, participants=participants)
    elif definition.judged_by == "stances":
        name, content = work.file(STANCES_SLOT)
        known = parse_stances(content, file=name)
        work.total = 1 + len(rows) * len(known)
        found = measure_stances(known=known, definition=definition, participants=participants)
    elif rows:
        work.total = 1 + len(rows) * steered * study.queries.filter(check_kind="").count()
        found = measure_texts(study=study, definition=definition, participants=participants)
    else:
        found = measure_sources(study=study, definition=definition)
    return make_report(
        work,
        inputs,
        sections=STEERING_SECTIONS,
        numbers=found.numbers,
        notes=found.notes,
        details=found.details,
        is_predicted=found.is_predicted,
    )


def _rows(
    definition: DistributionalDefinition | SteerableDefinition | TradeoffDefinition,
) -> list[LanguageModel]:
    rows = chosen_models(definition=definition)
    named = 1 if isinstance(definition, TradeoffDefinition) else len(definition.models)
    if len(rows) < named:
        raise InvalidDefinition("A model of this benchmark is no longer in the registry.")
    for row in rows:
        # It may have come with a data set, whose writer chose the address that would be asked.
        if not row.is_offered and row.checked_at is None:
            raise InvalidDefinition(
                f"The model {row.name} is not on offer, and nobody has checked it here. Have it"
                " checked, or offered, in the registry first."
            )
    return rows


def _distributional(
    work: Work, definition: DistributionalDefinition, inputs: Mapping[str, str]
) -> Report:
    people = work.people(definition)
    rows = _rows(definition)
    questions = to_ask(people)
    work.total = 1 + len(rows) * sum(
        requests_of(ElicitationMode(mode), questions, definition.asking)
        for mode in definition.modes
    )
    found = measure_distributional(
        people=people,
        definition=definition,
        participants=(Participant(row.name, work.asker(row)) for row in rows),
        pairs=[
            (base.name, row.name) for row in rows for base in rows if row.base_model_id == base.pk
        ],
    )
    return make_report(
        work,
        inputs,
        sections=SECTIONS,
        numbers=found.numbers,
        notes=found.notes,
        details=found.details,
    )
