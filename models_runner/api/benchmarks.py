"""A study's benchmarks: declared, run, run again, read and compared."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import InStudy, StudyList, StudyView
from juries.api.bodies import Body, NoBody, OneOf, Row, checked
from juries.api.problems import REFUSED, Conflict, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import signed_in
from juries.api.runs import RunRow
from juries.tasks import enqueue_run
from models_runner.domain.benchmark_definition import InvalidDefinition
from models_runner.domain.benchmark_report.difference import DifferentKinds, compare_reports
from models_runner.domain.benchmark_report.numbers import report_from_plain
from models_runner.domain.benchmark_shape import UnfitDefinition
from models_runner.forms.benchmarks.stated import FILES, file_field, stated_benchmark
from models_runner.models import Benchmark, BenchmarkRun
from models_runner.selectors.benchmarks.runs import benchmarks_of, input_state, runs_of
from models_runner.services.benchmarks.declaring import declare_benchmark, request_benchmark_run

# What can't be read of a benchmark that is stored already; the request itself is well formed.
refuse_as(REFUSED, InvalidDefinition)

SIDES = ("one", "other")


class BenchmarkFileRow(Row):
    """A file that a benchmark reads."""

    slot = serializers.CharField(help_text="What it is for: people, values, replicates, stances.")
    name = serializers.CharField(help_text="As it was called when it was handed in.")
    sha256 = serializers.CharField(help_text="SHA-256 of its bytes.")


class BenchmarkRunRow(Row):
    """One run of a benchmark."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the benchmark's run.")
    run = RunRow(help_text="The Run that does the work.")
    input_digest = serializers.CharField(help_text="SHA-256 over all that it reads.")
    stale_since = serializers.DateTimeField(
        allow_null=True, help_text="When a juror withdrew what may be in it; null: nobody did."
    )
    created_at = serializers.DateTimeField(help_text="When it was asked for.")
    report = serializers.SerializerMethodField(
        help_text="Address of its report as JSON; null: it has none yet."
    )
    page = serializers.SerializerMethodField(help_text="Address of its page, for people.")

    def get_report(self, mine: BenchmarkRun) -> str | None:
        """Where the report is. The selector has noted on the row whether there is one."""
        if not getattr(mine, "has_report", False):
            return None
        return self._address("api-benchmark-report", mine)

    def get_page(self, mine: BenchmarkRun) -> str:
        """Where people read it."""
        return self._address("benchmark-run", mine)

    def _address(self, name: str, mine: BenchmarkRun) -> str:
        path = reverse(name, args=[self.context["study"].public_id, mine.public_id])
        return str(self.context["request"].build_absolute_uri(path))


class BenchmarkRow(Row):
    """A declared benchmark with its runs. It never changes; another is another benchmark."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the benchmark.")
    name = serializers.CharField(help_text="As people read it.")
    kind = OneOf(Benchmark.Kind.choices, help_text="What is measured.")
    definition = serializers.DictField(
        help_text="What was declared; another benchmark can be declared from it."
    )
    files = BenchmarkFileRow(many=True, help_text="Files that it reads.")
    runs = BenchmarkRunRow(many=True, help_text="Its runs, newest first.")
    created_at = serializers.DateTimeField(help_text="When it was declared.")


class BenchmarkRunDetail(BenchmarkRunRow):
    """One run, and what has changed since."""

    benchmark = serializers.UUIDField(
        source="benchmark.public_id", help_text="Id of the benchmark that is run."
    )
    name = serializers.CharField(source="benchmark.name", help_text="Name of the benchmark.")
    kind = OneOf(Benchmark.Kind.choices, source="benchmark.kind", help_text="What is measured.")
    inputs = serializers.DictField(
        child=serializers.CharField(), help_text="Name of each thing that it reads, to its SHA-256."
    )
    changed_inputs = serializers.SerializerMethodField(
        help_text="Names of those that have changed since; running it again reads them as they "
        "now stand."
    )

    def get_changed_inputs(self, mine: BenchmarkRun) -> list[str]:
        """What is no longer as it was."""
        return input_state(mine=mine)


class BenchmarkBody(Body):
    """A benchmark that is to be declared and run."""

    name = serializers.CharField(max_length=120, help_text="As people shall read it.")
    kind = OneOf(Benchmark.Kind.choices, help_text="What is measured.")
    definition = serializers.JSONField(
        help_text="An object with the fields of its kind, as `definition` of a listed benchmark "
        "has them; in a form, the same as text."
    )
    people_file = serializers.FileField(
        required=False, help_text="People's answers, where `people.source` is file. In a form only."
    )
    values_file = serializers.FileField(
        required=False, help_text="Values by model, where an objective's `source` is file."
    )
    replicates_file = serializers.FileField(
        required=False, help_text="Resamples of the values, for chances and intervals."
    )
    stances_file = serializers.FileField(
        required=False, help_text="Stances, where `judged_by` is stances."
    )


class _Shown(InStudy):
    """Rows are shown with addresses below their study."""

    def get_serializer_context(self) -> dict[str, Any]:
        """The request and the study."""
        return {"request": self.request, "view": self, "study": getattr(self, "study", None)}


class BenchmarkList(_Shown, StudyList[Benchmark]):
    """Benchmarks."""

    serializer_class = BenchmarkRow
    queryset = Benchmark.objects.all()
    parser_classes = (JSONParser, MultiPartParser)
    newest_first = True

    def rows(self) -> QuerySet[Benchmark, Any]:
        """The study's benchmarks with their runs."""
        return benchmarks_of(study=self.study)

    @extend_schema(summary="List benchmarks")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The study's benchmarks, newest first, each with its definition and its runs."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Declare a benchmark and run it",
        request={"application/json": BenchmarkBody, "multipart/form-data": BenchmarkBody},
        responses={202: BenchmarkRunDetail},
    )
    def post(self, request: Request, study_id: UUID) -> Response:
        """Keep the definition and start it. Watch `run`; the report is there once it succeeded."""
        given = checked(BenchmarkBody, request)
        user = signed_in(request)
        files = {slot: given[file_field(slot)] for slot in FILES if file_field(slot) in given}
        try:
            declared = stated_benchmark(
                study=self.study,
                name=given["name"],
                kind=given["kind"],
                plain=given["definition"],
                files=files,
            )
        except UnfitDefinition as problem:
            raise InvalidInput(
                *(
                    InputError(one.text, pointer=pointer(*one.place), legal=one.legal)
                    for one in problem.misfits
                )
            ) from problem
        benchmark = declare_benchmark(
            study=self.study,
            name=declared.name,
            definition=declared.definition,
            files=declared.files,
            created_by=user,
        )
        return _start(self, benchmark)


class OneBenchmarkRun(_Shown, StudyView[BenchmarkRun]):
    """One run of a benchmark."""

    serializer_class = BenchmarkRunDetail
    queryset = BenchmarkRun.objects.all()

    @extend_schema(summary="Read a benchmark's run")
    def get(self, request: Request, study_id: UUID, run_id: UUID) -> Response:
        """How far it is, what it reads, and what of that has changed since."""
        return Response(self.get_serializer(_load(self, run_id)).data)


class BenchmarkReport(StudyView[BenchmarkRun]):
    """The report of a run."""

    queryset = BenchmarkRun.objects.all()

    @extend_schema(
        summary="Read a benchmark's report",
        operation_id="benchmark_report_read",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, study_id: UUID, run_id: UUID) -> Response:
        """Every number with its interval, its method, or the reason why there is none; the same
        JSON as the page gives.
        """
        mine = _load(self, run_id)
        if not mine.report:
            raise Http404("This run has no report yet. Its Run tells how far it is.")
        return Response(mine.report)


class BenchmarkRerun(_Shown, StudyView[BenchmarkRun]):
    """Running a benchmark once more."""

    serializer_class = BenchmarkRunDetail
    queryset = BenchmarkRun.objects.all()

    @extend_schema(
        summary="Run a benchmark again",
        operation_id="benchmark_rerun",
        request=NoBody,
        responses={202: BenchmarkRunDetail},
    )
    def post(self, request: Request, study_id: UUID, run_id: UUID) -> Response:
        """Run it on what it reads as that now stands. The old run and its report stay."""
        checked(NoBody, request)
        return _start(self, _load(self, run_id).benchmark)


class BenchmarkComparison(StudyView[BenchmarkRun]):
    """Two runs side by side."""

    queryset = BenchmarkRun.objects.all()

    @extend_schema(
        summary="Compare two runs of benchmarks",
        operation_id="benchmark_comparison_read",
        parameters=[
            OpenApiParameter(
                name, UUID, required=True, description=f"Id of the {which} run, with a report."
            )
            for name, which in zip(SIDES, ("first", "second"), strict=True)
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, study_id: UUID) -> Response:
        """Their numbers, the differences (second less first), and which parameters and inputs
        differ; the same JSON as the page gives.
        """
        sides = _asked_sides(self, request)
        try:
            found = compare_reports(*(report_from_plain(side.report) for side in sides))
        except DifferentKinds as problem:
            raise InvalidInput(InputError(str(problem), parameter=SIDES[1])) from problem
        ids = {name: str(side.public_id) for name, side in zip(SIDES, sides, strict=True)}
        return Response({**ids, **found.to_plain()})


def _start(view: BenchmarkList | BenchmarkRerun, benchmark: Benchmark) -> Response:
    made = request_benchmark_run(benchmark=benchmark, requested_by=signed_in(view.request))
    enqueue_run(run=made.run)
    row = BenchmarkRunDetail(made, context=view.get_serializer_context())
    path = reverse("api-benchmark-run", args=[view.study.public_id, made.public_id])
    return Response(row.data, status=202, headers={"Location": path})


def _load(view: InStudy, run_id: UUID) -> BenchmarkRun:
    found: BenchmarkRun | None = runs_of(study=view.study).filter(public_id=run_id).first()
    if found is None:
        raise Http404("The study has no such run of a benchmark.")
    return found


def _asked_sides(view: InStudy, request: Request) -> list[BenchmarkRun]:
    """The runs that the parameters name. Raises InvalidInput, Conflict."""
    errors = [
        InputError(f"There is no parameter {name!r} here.", parameter=name, legal=SIDES)
        for name in request.query_params
        if name not in SIDES
    ]
    sides: list[BenchmarkRun] = []
    for name in SIDES:
        try:
            run_id = UUID(request.query_params.get(name, ""))
            sides.append(runs_of(study=view.study).get(public_id=run_id))
        except (ValueError, BenchmarkRun.DoesNotExist):
            text = "Name a run of one of the study's benchmarks by its id."
            errors.append(InputError(text, parameter=name))
    if errors:
        raise InvalidInput(*errors)
    for side in sides:
        if not side.report:
            raise Conflict(f"The run {side.public_id} has no report yet; wait until it has ended.")
    return sides
