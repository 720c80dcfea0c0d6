"""A study's benchmarks: declare, start, read, compare, take away."""

import json
import uuid
from collections.abc import Mapping

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotations.models import Study
from annotations.permissions import can_edit_study
from annotations.ports import Table
from annotations.views.figure_files import figure_file, shown_table
from annotations.views.guards import editable_study, signed_in, viewable_study
from juries.services.runs import worker_answers
from juries.tasks import enqueue_run
from models_runner.domain.benchmark_definition import InvalidDefinition
from models_runner.domain.benchmark_files.results import to_json
from models_runner.domain.benchmark_report.difference import (
    Difference,
    DifferentKinds,
    compare_reports,
)
from models_runner.domain.benchmark_report.markdown import report_markdown
from models_runner.domain.benchmark_report.numbers import (
    SectionTable,
    report_from_plain,
    section_tables,
)
from models_runner.figures.benchmarks.drawn import Drawing
from models_runner.figures.benchmarks.report import report_drawings
from models_runner.forms.benchmarks import (
    BenchmarkForm,
    DistributionalForm,
    ObjectivesForm,
    SteerableForm,
    TradeoffForm,
)
from models_runner.models import Benchmark, BenchmarkRun
from models_runner.selectors.benchmarks.runs import (
    benchmark_list,
    comparable_runs,
    input_state,
)
from models_runner.services.benchmarks.declaring import declare_benchmark, request_benchmark_run

FORMS: Mapping[str, type[BenchmarkForm]] = {
    Benchmark.Kind.DISTRIBUTIONAL: DistributionalForm,
    Benchmark.Kind.STEERABLE: SteerableForm,
    Benchmark.Kind.OBJECTIVES: ObjectivesForm,
    Benchmark.Kind.TRADEOFF: TradeoffForm,
}
PAGE = "study-benchmarks"


@login_required
@require_safe
def benchmarks(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """All benchmarks of a study with their runs, and the ways to another."""
    study = viewable_study(request, public_id)
    return render(
        request,
        "models_runner/benchmarks/list.html",
        {
            "study": study,
            "tab": PAGE,
            "benchmarks": benchmark_list(study=study),
            "comparable": comparable_runs(study=study),
            "kinds": [(kind, Benchmark.Kind(kind).label) for kind in FORMS],
            "can_edit": can_edit_study(signed_in(request), study),
            "worker_answers": worker_answers(now=timezone.now()),
        },
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: HttpRequest, public_id: uuid.UUID, kind: str) -> HttpResponse:
    """The form of one kind of benchmark; sent, it is stored and started."""
    study = editable_study(request, public_id)
    form_class = FORMS.get(kind)
    if form_class is None:
        raise Http404("There is no such kind of benchmark.")
    form = form_class(request.POST or None, request.FILES or None, study=study)
    if request.method == "POST" and form.is_valid():
        declared = form.declared()
        benchmark = declare_benchmark(
            study=study,
            name=declared.name,
            definition=declared.definition,
            files=declared.files,
            created_by=signed_in(request),
        )
        return _start(request, benchmark)
    return render(
        request,
        "models_runner/benchmarks/new.html",
        {
            "study": study,
            "tab": PAGE,
            "form": form,
            "kind": kind,
            "kind_label": Benchmark.Kind(kind).label,
        },
    )


@login_required
@require_POST
def rerun(request: HttpRequest, public_id: uuid.UUID, run_id: uuid.UUID) -> HttpResponse:
    """Run a benchmark once more, on what it reads as that now stands."""
    study = editable_study(request, public_id)
    mine = _run(study, run_id)
    try:
        return _start(request, mine.benchmark)
    except InvalidDefinition as problem:
        messages.error(request, f"{problem} Declare the benchmark anew.")
        return redirect("benchmark-run", public_id=study.public_id, run_id=mine.public_id)


def _start(request: HttpRequest, benchmark: Benchmark) -> HttpResponse:
    made = request_benchmark_run(benchmark=benchmark, requested_by=signed_in(request))
    enqueue_run(run=made.run)
    messages.success(request, "The benchmark has been started; its page shows how far it is.")
    return redirect("benchmark-run", public_id=benchmark.study.public_id, run_id=made.public_id)


@login_required
@require_safe
def page(request: HttpRequest, public_id: uuid.UUID, run_id: uuid.UUID) -> HttpResponse:
    """One run: its report, or how far it is."""
    study = viewable_study(request, public_id)
    mine = _run(study, run_id)
    context: dict[str, object] = {
        "study": study,
        "tab": PAGE,
        "mine": mine,
        "run": mine.run,
        "can_edit": can_edit_study(signed_in(request), study),
        "worker_answers": worker_answers(now=timezone.now()),
        "others": [one for one in comparable_runs(study=study) if one.pk != mine.pk
                   and one.benchmark.kind == mine.benchmark.kind],
    }  # fmt: skip
    if mine.report:
        report = report_from_plain(mine.report)
        context |= {
            "report": report,
            "changed": input_state(mine=mine),
            "tables": [_shown_section(table) for table in section_tables(report)],
            "figures": [_shown_drawing(study, mine, one) for one in report_drawings(report)],
            "inputs": shown_table(
                Table(("input", "SHA-256"), tuple(report.inputs.items()), caption="Inputs")
            ),
            "parameters": json.dumps(report.parameters, indent=1, ensure_ascii=False),
        }
    return render(request, "models_runner/benchmarks/page.html", context)


@login_required
@require_safe
def download(
    request: HttpRequest, public_id: uuid.UUID, run_id: uuid.UUID, name: str, form: str
) -> HttpResponse:
    """The report as JSON or Markdown; a figure as SVG, PNG or CSV."""
    study = viewable_study(request, public_id)
    mine = _run(study, run_id)
    if not mine.report:
        raise Http404("This run has no report yet.")
    report = report_from_plain(mine.report)
    stem = f"{study.slug}-benchmark-{mine.public_id}"
    if name == "report" and form == "json":
        return _file(to_json(mine.report).encode(), "application/json", f"{stem}.json")
    if name == "report" and form == "md":
        return _file(report_markdown(report).encode(), "text/markdown; charset=utf-8", f"{stem}.md")
    drawing = next((one for one in report_drawings(report) if one.key == name), None)
    if drawing is None:
        raise Http404("There is no such figure in this report.")
    if form == "svg":
        return _file(drawing.svg().encode(), "image/svg+xml", f"{stem}-{name}.svg")
    if form == "png":
        return _file(drawing.png(), "image/png", f"{stem}-{name}.png")
    return figure_file(
        study=study,
        run_id=str(mine.run.public_id),
        name=f"{stem}-{name}",
        form=form,
        figure=None,
        table=drawing.table,
    )


@login_required
@require_safe
def compare(request: HttpRequest, public_id: uuid.UUID, form: str = "html") -> HttpResponse:
    """Two runs side by side, as a page or as JSON."""
    study = viewable_study(request, public_id)
    sides = [_asked_run(study, request.GET.get(name, "")) for name in ("one", "other")]
    try:
        found = compare_reports(*(report_from_plain(side.report) for side in sides))
    except DifferentKinds as problem:
        messages.error(request, str(problem))
        return redirect(PAGE, public_id=study.public_id)
    if form == "json":
        body = {
            "one": str(sides[0].public_id),
            "other": str(sides[1].public_id),
            **found.to_plain(),
        }
        return _file(to_json(body).encode(), "application/json", f"{study.slug}-comparison.json")
    return render(
        request,
        "models_runner/benchmarks/compare.html",
        {
            "study": study,
            "tab": PAGE,
            "one": sides[0],
            "other": sides[1],
            "found": found,
            "tables": _difference_tables(found),
            "alone": _alone(found),
            "query": request.GET.urlencode(),
        },
    )


def _asked_run(study: Study, text: str) -> BenchmarkRun:
    try:
        mine = _run(study, uuid.UUID(text))
    except ValueError:
        raise Http404("Choose two runs to compare.") from None
    if not mine.report:
        raise Http404("A run without a report can't be compared.")
    return mine


def _run(study: Study, run_id: uuid.UUID) -> BenchmarkRun:
    return get_object_or_404(
        BenchmarkRun.objects.select_related("benchmark__study", "run"),
        benchmark__study=study,
        public_id=run_id,
    )


def _shown_section(found: SectionTable) -> dict[str, object]:
    return {
        "title": found.section.title,
        "text": found.section.text,
        "shared": found.shared,
        "reasons": found.reasons,
        "methods": found.methods,
        "table": {
            "columns": ("what", *found.columns),
            "rows": [
                [name, *(None if cell is None else cell.shown for cell in cells)]
                for name, cells in found.rows
            ],
            "text_columns": [0],
        },
    }


def _shown_drawing(study: Study, mine: BenchmarkRun, drawing: Drawing) -> dict[str, object]:
    return {
        "id": drawing.key,
        "title": drawing.title,
        "finding": drawing.finding,
        # Made by annotations.figures.svg, which escapes every text and writes no script.
        "svg": mark_safe(drawing.svg()),  # noqa: S308
        "bare": True,
        "n": drawing.n,
        "interval": drawing.interval,
        "note": drawing.caption,
        "predicted": bool(mine.report.get("is_predicted")),
        "simulated": study.is_simulated,
        "run_url": reverse("run", args=[mine.run.public_id]),
        "run_label": "this run",
        "table": shown_table(drawing.table),
        "downloads": [
            {
                "url": reverse(
                    "benchmark-download", args=[study.public_id, mine.public_id, drawing.key, form]
                ),
                "label": form.upper(),
            }
            for form in ("svg", "png", "csv", "json")
        ],
    }


def _difference_tables(found: Difference) -> list[dict[str, object]]:
    """The numbers that both runs have, a table a section."""
    tables: list[dict[str, object]] = []
    for section in found.sections:
        rows = [
            [
                pair.row,
                pair.label or "–",
                pair.one.shown,
                pair.other.shown,
                _gap(pair.difference),
                {None: "–", True: "yes", False: "no"}[pair.apart],
            ]
            for pair in found.pairs
            if pair.section == section.key
            and pair.one is not None
            and pair.other is not None
            and (pair.one.value is not None or pair.other.value is not None)
        ]
        if rows:
            columns = ("what", "of", "first", "second", "second less first", "intervals apart")
            table = {"columns": columns, "rows": rows, "text_columns": [0, 1, 5]}
            tables.append({"title": section.title, "table": table})
    return tables


def _alone(found: Difference) -> dict[str, object] | None:
    """The numbers that one of the runs lacks."""
    rows = [
        [
            pair.row,
            pair.label or "–",
            "not there" if pair.one is None else pair.one.shown,
            "not there" if pair.other is None else pair.other.shown,
        ]
        for pair in found.pairs
        if pair.one is None or pair.other is None
    ]
    if not rows:
        return None
    return {"columns": ("what", "of", "first", "second"), "rows": rows, "text_columns": [0, 1]}


def _gap(difference: float | None) -> str:
    if difference is None:
        return "–"
    return "0" if difference == 0 else f"{difference:+.3f}"


def _file(body: bytes, content_type: str, file_name: str) -> HttpResponse:
    return HttpResponse(
        body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )
