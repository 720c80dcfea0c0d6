"""A benchmark, its files and its runs as rows."""

import hashlib
from collections.abc import Mapping

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from annotations.models import Study
from juries.models import Juror, User
from juries.services.audit import record_act
from juries.services.runs import request_run
from models_runner.domain.benchmark_definition import (
    Definition,
    DistributionalDefinition,
    ObjectivesDefinition,
    SteerableDefinition,
    definition_to_plain,
)
from models_runner.models import Benchmark, BenchmarkFile, BenchmarkRun
from models_runner.selectors.benchmarks.inputs import input_digests, joint_digest

BENCHMARK_KIND = "models_runner.benchmark"


def kind_of(definition: Definition) -> str:
    """The kind of benchmark that a definition declares."""
    if isinstance(definition, DistributionalDefinition):
        return Benchmark.Kind.DISTRIBUTIONAL
    if isinstance(definition, SteerableDefinition):
        return Benchmark.Kind.STEERABLE
    if isinstance(definition, ObjectivesDefinition):
        return Benchmark.Kind.OBJECTIVES
    return Benchmark.Kind.TRADEOFF


@transaction.atomic
def declare_benchmark(
    *,
    study: Study,
    name: str,
    definition: Definition,
    files: Mapping[str, tuple[str, bytes]],
    created_by: User | None,
) -> Benchmark:
    """Store a definition with its files. `files` maps a slot to a name and its bytes.

    It stays as it is; another definition is another benchmark.
    """
    benchmark = Benchmark.objects.create(
        study=study,
        name=name[:120],
        kind=kind_of(definition),
        definition=definition_to_plain(definition),
        created_by=created_by,
    )
    for slot, (file_name, content) in files.items():
        BenchmarkFile.objects.create(
            benchmark=benchmark,
            slot=slot,
            name=file_name[-200:],
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
        )
    record_act(
        actor=created_by,
        verb="declared a benchmark",
        subject=study,
        details={"benchmark": benchmark.name, "kind": benchmark.kind},
    )
    return benchmark


@transaction.atomic
def request_benchmark_run(*, benchmark: Benchmark, requested_by: User | None) -> BenchmarkRun:
    """Ask for a benchmark to be run on what it reads as that now stands.

    Raises:
        InvalidDefinition: the stored definition can't be read.
    """
    inputs = input_digests(benchmark=benchmark)
    is_first = not benchmark.runs.exists()
    digest = joint_digest(inputs)
    seed = benchmark.definition.get("asking", benchmark.definition).get("seed", 0)
    made = BenchmarkRun(benchmark=benchmark, inputs=inputs, input_digest=digest)
    made.run = request_run(
        kind=BENCHMARK_KIND,
        title=f"Benchmark: {benchmark.name}",
        parameters={"benchmark_run": str(made.public_id)},
        input_digest=digest,
        seed=str(seed),
        requested_by=requested_by,
        page_path=reverse("benchmark-run", args=[benchmark.study.public_id, made.public_id]),
    )
    made.save()
    record_act(
        actor=requested_by,
        verb="asked to run a benchmark" if is_first else "asked to run a benchmark again",
        subject=benchmark.study,
        details={"benchmark": benchmark.name, "run": str(made.run.public_id)},
    )
    return made


@transaction.atomic
def erase_said(*, juror: Juror, erase_said: bool) -> None:
    """A withdrawal hook: reports that may hold what a juror has withdrawn are marked as stale."""
    if erase_said:
        BenchmarkRun.objects.filter(
            benchmark__study__participations__juror=juror, stale_since__isnull=True
        ).update(stale_since=timezone.now())
