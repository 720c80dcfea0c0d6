"""`manage.py run_benchmark`: a benchmark once more on the same inputs, its report as files."""

import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from juries.models import Run
from juries.services.runs import perform_run
from models_runner.domain.benchmark_definition import InvalidDefinition
from models_runner.domain.benchmark_files.results import to_json
from models_runner.domain.benchmark_report.difference import compare_reports
from models_runner.domain.benchmark_report.markdown import report_markdown
from models_runner.domain.benchmark_report.numbers import Report, report_from_plain
from models_runner.figures.benchmarks.report import report_drawings
from models_runner.management.benchmark_output import refusal, write_result
from models_runner.models import BenchmarkRun
from models_runner.selectors.benchmarks.runs import input_state
from models_runner.services.benchmarks.declaring import request_benchmark_run
from models_runner.services.benchmarks.performing import perform_benchmark


class Command(BaseCommand):
    help = "Run a benchmark again, on the same inputs, and write its report."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", help="the run's id, as in the address of its page")
        parser.add_argument("--out", type=Path, help="folder for the report and its figures")
        parser.add_argument(
            "--anyway", action="store_true", help="run although the inputs have changed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        before = _run(options["run"])
        changed = input_state(mine=before)
        if changed and not options["anyway"]:
            raise refusal(
                f"Since that run these inputs have changed: {', '.join(changed)}. With --anyway it"
                " is run on what there is now."
            )
        try:
            made = request_benchmark_run(benchmark=before.benchmark, requested_by=None)
        except InvalidDefinition as problem:
            raise refusal(str(problem)) from problem
        perform_run(run_id=made.run.pk, work=perform_benchmark)
        mine = BenchmarkRun.objects.select_related("run").get(pk=made.pk)
        if mine.run.state != Run.State.SUCCEEDED:
            raise refusal(f"The run {mine.public_id} did not finish. {mine.run.error}")
        report = report_from_plain(mine.report)
        self.stdout.write(f"Run {mine.public_id}: {len(report.numbers)} numbers.")
        self.stdout.write(f"Digest of the inputs: {mine.input_digest}.")
        if before.report:
            found = compare_reports(report_from_plain(before.report), report)
            other = sum(pair.one is None or pair.difference != 0 for pair in found.pairs)
            self.stdout.write(
                "Every number is the same as in the run before."
                if found.same_numbers
                else f"{other} of {len(found.pairs)} numbers differ from the run before."
            )
        if options["out"]:
            self._write(options["out"], report)

    def _write(self, out: Path, report: Report) -> None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise refusal(f"{out} can't be made: {problem.strerror}.") from problem
        drawings = report_drawings(report)
        for drawing in drawings:
            write_result(out / f"{drawing.key}.svg", drawing.svg())
            (out / f"{drawing.key}.png").write_bytes(drawing.png())
        write_result(out / "report.json", to_json(report.to_plain()))
        figures = tuple((drawing.title, f"{drawing.key}.png") for drawing in drawings)
        write_result(out / "report.md", report_markdown(report, figures=figures))
        self.stdout.write(f"Written to {out}.")


def _run(text: str) -> BenchmarkRun:
    try:
        found = BenchmarkRun.objects.select_related("benchmark__study").get(
            public_id=uuid.UUID(text)
        )
    except (ValueError, BenchmarkRun.DoesNotExist):
        raise refusal(f"There is no run {text!r}. Its id stands in the address of its page.") from (
            None
        )
    return found
