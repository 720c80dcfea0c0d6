"""A study's benchmarks and their runs, as pages show them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Prefetch, Q, QuerySet

from annotations.models import Study
from annotations.ports import ExportOptions
from models_runner.domain.benchmark_definition import InvalidDefinition
from models_runner.models import Benchmark, BenchmarkFile, BenchmarkRun
from models_runner.selectors.benchmarks.inputs import input_digests

MOST_SHOWN = 50


def benchmark_list(*, study: Study) -> Sequence[Benchmark]:
    """The newest benchmarks with their runs, newest first."""
    runs = BenchmarkRun.objects.select_related("run").defer("report")
    return list(
        Benchmark.objects.filter(study=study).prefetch_related(Prefetch("runs", queryset=runs))[
            :MOST_SHOWN
        ]
    )


def benchmarks_of(*, study: Study) -> QuerySet[Benchmark]:
    """All benchmarks with the slots of their files and their runs, newest run first."""
    files = BenchmarkFile.objects.defer("content")
    return Benchmark.objects.filter(study=study).prefetch_related(
        Prefetch("files", queryset=files), Prefetch("runs", queryset=_without_reports())
    )


def runs_of(*, study: Study) -> QuerySet[BenchmarkRun, Any]:
    """All runs of the study's benchmarks. Reports are large: each row says in `has_report`
    whether it has one, and reads it when it is asked for.
    """
    return _without_reports().filter(benchmark__study=study).select_related("benchmark__study")


def _without_reports() -> QuerySet[BenchmarkRun, Any]:
    return (
        BenchmarkRun.objects.select_related("run")
        .annotate(has_report=ExpressionWrapper(~Q(report={}), BooleanField()))
        .defer("report", "run__log", "run__parameters")
    )


def comparable_runs(*, study: Study) -> Sequence[BenchmarkRun]:
    """Runs that have a report, newest first."""
    return list(
        BenchmarkRun.objects.filter(benchmark__study=study)
        .exclude(report={})
        .select_related("benchmark", "run")
        .defer("report")[:MOST_SHOWN]
    )


def published_runs(*, study: Study, options: ExportOptions, using: str) -> QuerySet[BenchmarkRun]:
    """Runs whose reports go into a data set, in the order in which they were asked for.

    Not stale ones, which may count what a juror has withdrawn; none where small cells are
    suppressed, since reports have shares of groups; without predictions, none that rests on some.
    """
    found = BenchmarkRun.objects.using(using).filter(
        benchmark__study=study, stale_since__isnull=True
    )
    found = found.exclude(report={}).order_by("pk")
    if options.suppress_below > 1:
        return found.none()
    return found if options.include_predicted else found.filter(report__is_predicted=False)


def input_state(*, mine: BenchmarkRun) -> list[str]:
    """Names of inputs that have changed since the run; what can't be read counts as changed."""
    try:
        now = input_digests(benchmark=mine.benchmark)
    except InvalidDefinition:
        return ["definition"]
    names = dict.fromkeys((*mine.inputs, *now))
    return [name for name in names if mine.inputs.get(name) != now.get(name)]
