"""Benchmarks that were run in a study: what was declared, what was read, what was found."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet

from annotations.models import Study
from annotations.parts.base import BundleRow, TablePart, cell, set_times
from annotations.ports import ExportOptions
from models_runner.domain.benchmark_definition import (
    InvalidDefinition,
    definition_from_plain,
    named_models,
    with_models,
)
from models_runner.domain.benchmark_report.numbers import (
    InvalidReport,
    report_from_plain,
    section_tables,
)
from models_runner.figures.benchmarks.report import report_drawings
from models_runner.models import Benchmark, BenchmarkRun, LanguageModel
from models_runner.parts.imported import imported_run
from models_runner.parts.language_models import MODELS
from models_runner.selectors.benchmarks.inputs import joint_digest
from models_runner.selectors.benchmarks.runs import published_runs

# Of what a forged report may raise where something in it is missing or of another type.
_MISSHAPEN = (KeyError, TypeError, ValueError, AttributeError, IndexError)


class BenchmarkRunsPart(TablePart[BenchmarkRun]):
    """Every run of a benchmark that has a report.

    Files that were handed in are not in it, only their digests among the inputs: they belong to
    others.
    """

    name = "benchmark_runs"
    meaning = (
        "Reports of benchmarks: what was declared, digests of what was read, all numbers with their"
        " intervals and methods. Where `is_predicted` is true, some of it is a model's guess of"
        " what jurors would say."
    )
    model = BenchmarkRun
    batch_rows: ClassVar[int] = 4  # a report has every distribution, which may be megabytes
    dated: ClassVar[Mapping[str, str]] = {"created_at": "created_at"}
    cells = (
        cell("benchmark_run", "string", "random id of the run", path="public_id", is_uuid=True),
        cell(
            "benchmark",
            "string",
            "random id of the benchmark; runs of the same declaration share it",
            path="benchmark__public_id",
            is_uuid=True,
        ),
        cell("name", "string", "the benchmark's name", path="benchmark__name"),
        cell(
            "kind",
            "string",
            "distributional, steerable, objectives or tradeoff",
            path="benchmark__kind",
        ),
        cell(
            "definition",
            "json",
            "what was declared: models by their ids, parameters, seed",
            path="benchmark__definition",
        ),
        cell("declared_at", "timestamp", "when it was declared", path="benchmark__created_at"),
        cell("inputs", "json", "each thing that was read, and its SHA-256"),
        cell("input_digest", "string", "SHA-256 over all inputs"),
        cell(
            "software_version",
            "string",
            "what computed it",
            path="report",
            convert=lambda report: report["version"],
        ),
        cell(
            "is_predicted",
            "boolean",
            "some numbers rest on a model's guesses of what jurors would say",
            path="report",
            convert=lambda report: report["is_predicted"],
        ),
        cell("report", "json", "the result: numbers, sections, models as loaded, notes, details"),
        cell("created_at", "timestamp", "when the run was asked for"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[BenchmarkRun]:
        """Runs with a report, as :func:`published_runs` chooses them."""
        return published_runs(study=study, options=options, using=using)

    def builder(self, *, study: Study) -> Callable[[BundleRow], BenchmarkRun]:
        """Runs of one benchmark share its row, made at the first of them."""
        declared: dict[str, tuple[Benchmark, tuple[Any, ...]]] = {}

        def build(row: BundleRow) -> BenchmarkRun:
            name = str(row.uuid("benchmark"))
            told = tuple(row.given(one) for one in ("name", "kind", "definition", "declared_at"))
            if name not in declared:
                declared[name] = (_benchmark(row, study), told)
            benchmark, before = declared[name]
            if told != before:
                raise row.problem(f"benchmark {name!r} was declared otherwise in a row above.")
            made = self.build(row=row, study=study)
            made.benchmark = benchmark
            return made

        return build

    def build(self, *, row: BundleRow, study: Study) -> BenchmarkRun:
        """One run, as yet without its benchmark, under a Run that stands for the one elsewhere."""
        inputs, digest = row.given("inputs"), row.given("input_digest")
        if not isinstance(inputs, dict) or joint_digest(inputs) != digest:
            raise row.problem("input_digest is not that of inputs.")
        return BenchmarkRun(
            public_id=row.public_id("benchmark_run"),
            run=imported_run(study=study, what="Benchmark", input_digest=digest),
            inputs=inputs,
            input_digest=digest,
            report=_report(row),
        )


def _benchmark(row: BundleRow, study: Study) -> Benchmark:
    kind, definition = row.one_of("kind", Benchmark.Kind), row.given("definition")
    try:
        definition_from_plain(kind, definition)
        named = [str(UUID(name)) for name in named_models(definition)]
    except (InvalidDefinition, *_MISSHAPEN) as problem:
        raise row.problem(f"definition can't be read: {problem}") from problem
    made = Benchmark(
        public_id=row.public_id("benchmark"),
        study=study,
        name=row.given("name"),
        kind=kind,
        definition=with_models(definition, _ids_here(row, named)),
    )
    longest = Benchmark._meta.get_field("name").max_length or 0
    if len(made.name) > longest:
        raise row.problem(f"name has {len(made.name)} characters; {longest} are allowed.")
    made.save()
    set_times(model=Benchmark, field="created_at", times=[(made.pk, row.given("declared_at"))])
    return made


def _ids_here(row: BundleRow, named: list[str]) -> dict[str, str]:
    """Public ids here of the models that a definition names.

    A model that was no longer in the registry when the data set was written stays unknown. One that
    is here, but not in the bundle, would be asked under an id that nobody gave it.
    """
    found: dict[str, str] = {}
    for name in named:
        key = row.known(name, MODELS)
        here = LanguageModel.objects.filter(**({"public_id": name} if key is None else {"pk": key}))
        public_id = here.values_list("public_id", flat=True).first()
        if key is None and public_id is not None:
            raise row.problem(f"definition names the model {name}, which is not in {MODELS}.")
        found[name] = str(public_id or name)
    return found


def _report(row: BundleRow) -> dict[str, Any]:
    """The report, if pages can show it and it says what the row says."""
    plain: dict[str, Any] = row.given("report")
    try:
        report = report_from_plain(plain)
        section_tables(report)
        report_drawings(report)
        whole = report.to_plain()
    except (InvalidReport, *_MISSHAPEN) as problem:
        raise row.problem(f"report can't be read: {problem!r}") from problem
    if whole != plain:
        raise row.problem("report holds what is no part of a report.")
    for name, said in (
        ("kind", report.kind),
        ("software_version", report.version),
        ("is_predicted", report.is_predicted),
    ):
        if row[name] != said:
            raise row.problem(f"{name} is {row[name]!r}, but {said!r} in the report.")
    return plain
