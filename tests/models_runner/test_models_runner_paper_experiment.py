"""The paper's experiment as a command, and a benchmark run again as one."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import fake_benchmark_model
import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotations.models import Study
from juries.models import Jury
from juries.services.runs import perform_run
from models_runner.domain.benchmark_definition import (
    DeclaredObjective,
    DistributionalDefinition,
    ObjectivesDefinition,
    People,
)
from models_runner.models import BenchmarkRun, LanguageModel
from models_runner.services.benchmarks.declaring import declare_benchmark, request_benchmark_run
from models_runner.services.benchmarks.performing import perform_benchmark


class TwoModels(fake_benchmark_model.ScriptedModel):
    """Before aligning, one of two options is as good as the other; after it, the first is taken."""

    def __init__(self, specification: Any) -> None:
        super().__init__(specification)
        self.script = {"lean": 0.5 if "base" in specification.location else 0.95}
        self.script |= {"stops_after": 7} if "stops" in specification.location else {}


def load(specification: Any) -> TwoModels:
    return TwoModels(specification)


@pytest.fixture(autouse=True)
def scripted(settings: Any) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 3600
    settings.LANGUAGE_MODEL_BACKENDS = {
        "file": "fake_benchmark_model.load",
        "transformers": "test_models_runner_paper_experiment.load",
    }
    fake_benchmark_model.ASKED.clear()


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    entries = []
    for number in range(12):
        for group in ("Japan", "United States"):
            share = float(np.round(rng.uniform(0.2, 0.8), 2))
            entries.append(
                {
                    "question": f"Question: Is {number} good?\nOptions: A. Yes B. No\nAnswer:",
                    "options": ["Yes", "No"],
                    "attribute": group,
                    "gold_distribution": [share, 1 - share],
                }
            )
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(entries))
    return path


def experiment(questions: Path, out: Path, pre: str = "org/base", post: str = "org/aligned",
               **options: Any) -> str:  # fmt: skip
    told = StringIO()
    call_command(
        "paper_experiment", pre=pre, post=post, questions=questions, out=out, stdout=told,
        bootstraps=100, **options,
    )  # fmt: skip
    return told.getvalue()


class TestPaperExperiment:
    def test_tables_and_figure_of_a_pair(self, questions: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        told = experiment(questions, out)
        names = {path.name for path in out.iterdir()}
        assert names == {
            "table1.md", "table1.csv", "table4.md", "table4.csv", "table5.md", "table5.csv",
            "figure3.svg", "figure3.png", "report.json", "elicitations.jsonl",
        }  # fmt: skip
        assert "| Japan | 12 |" in told
        header, japan, _ = (out / "table4.csv").read_text().splitlines()
        cells = dict(zip(header.split(","), japan.split(","), strict=True))
        assert float(cells["before: org/base"]) == pytest.approx(np.log(2))
        aligned = -(0.95 * np.log(0.95) + 0.05 * np.log(0.05))
        assert float(cells["after: org/aligned"]) == pytest.approx(aligned)
        assert float(cells["after less before"]) == pytest.approx(aligned - np.log(2))
        distances = (out / "table1.csv").read_text().splitlines()[1].split(",")
        assert float(distances[2]) < float(distances[5])
        assert (out / "figure3.png").read_bytes().startswith(b"\x89PNG")
        report = json.loads((out / "report.json").read_text())
        assert report["models"][0]["asked_for"] == "org/base"

    def test_the_same_bytes_again_without_asking(self, questions: Path, tmp_path: Path) -> None:
        experiment(questions, tmp_path / "one")
        asked = dict(fake_benchmark_model.ASKED)
        assert asked == {"org/base": 60, "org/aligned": 60}
        before = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
        experiment(questions, tmp_path / "one")
        assert asked == fake_benchmark_model.ASKED
        experiment(questions, tmp_path / "two")
        for folder in ("one", "two"):
            after = {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
            assert after == before

    def test_it_goes_on_after_a_line_that_was_cut(self, questions: Path, tmp_path: Path) -> None:
        experiment(questions, tmp_path / "out")
        kept = tmp_path / "out" / "elicitations.jsonl"
        kept.write_text(kept.read_text()[:-20])
        fake_benchmark_model.ASKED.clear()
        experiment(questions, tmp_path / "out")
        assert fake_benchmark_model.ASKED == {"org/aligned": 1}

    def test_a_model_that_stops_leaves_what_it_said(self, questions: Path, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"org/stops stopped answering.*the same command"):
            experiment(questions, tmp_path / "out", post="org/stops")
        lines = (tmp_path / "out" / "elicitations.jsonl").read_text().splitlines()
        assert len(lines) == 60

    def test_bad_input(self, questions: Path, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="no group 'Mars'"):
            experiment(questions, tmp_path / "out", group=["Mars"])
        with pytest.raises(CommandError, match="the same model, asked in the same way"):
            experiment(questions, tmp_path / "out", post="org/base")
        with pytest.raises(CommandError, match="openai:URL#MODEL"):
            experiment(questions, tmp_path / "out", pre="openai:http://127.0.0.1/v1")
        questions.write_text("[]")
        with pytest.raises(CommandError, match=r"error\(s\) in questions.json"):
            experiment(questions, tmp_path / "out")

    def test_real_questions_can_be_read(self, shared_data: Path, tmp_path: Path) -> None:
        folder = shared_data / "globalopinionqa_subset"
        file = next(folder.glob("*.json"))
        told = experiment(file, tmp_path / "out", common=True)
        assert "| Japan | 17 |" in told


class TestRunBenchmark:
    @pytest.fixture
    def mine(self, make_study: Callable[..., Study], jury: Jury) -> BenchmarkRun:
        model = LanguageModel.objects.create(name="m", kind="file", location="m")
        answers = {"Is it?": {"Yes": 0.4, "No": 0.6}, "Was it?": {"Yes": 0.1, "No": 0.9}}
        benchmark = declare_benchmark(
            study=make_study(jury=jury),
            name="Files",
            definition=DistributionalDefinition(
                models=(str(model.public_id),), people=People(source="file")
            ),
            files={"people": ("p.json", json.dumps(answers).encode())},
            created_by=None,
        )
        made = request_benchmark_run(benchmark=benchmark, requested_by=None)
        perform_run(run_id=made.run.pk, work=perform_benchmark)
        return BenchmarkRun.objects.get(pk=made.pk)

    def test_the_same_numbers_and_files(self, mine: BenchmarkRun, tmp_path: Path) -> None:
        told = StringIO()
        call_command("run_benchmark", str(mine.public_id), out=tmp_path / "out", stdout=told)
        assert "Every number is the same as in the run before." in told.getvalue()
        assert f"Digest of the inputs: {mine.input_digest}." in told.getvalue()
        report = (tmp_path / "out" / "report.md").read_text()
        assert "## How far are the models from the people?" in report
        assert "![How far is each model from each group of people?](distance.png)" in report
        kept = json.loads((tmp_path / "out" / "report.json").read_text())
        assert kept["numbers"] == mine.report["numbers"]

    def test_changed_inputs_are_refused(self, mine: BenchmarkRun) -> None:
        LanguageModel.objects.update(revision="2")
        with pytest.raises(CommandError, match="these inputs have changed: model: m"):
            call_command("run_benchmark", str(mine.public_id))
        told = StringIO()
        call_command("run_benchmark", str(mine.public_id), anyway=True, stdout=told)
        assert "Every number is the same" in told.getvalue()

    def test_bad_input(self, mine: BenchmarkRun) -> None:
        with pytest.raises(CommandError, match="There is no run 'x'"):
            call_command("run_benchmark", "x")
        benchmark = declare_benchmark(
            study=mine.benchmark.study,
            name="Nothing",
            definition=ObjectivesDefinition(
                objectives=(DeclaredObjective(name="x", source="criterion", criterion="fair"),)
            ),
            files={},
            created_by=None,
        )
        empty = request_benchmark_run(benchmark=benchmark, requested_by=None)
        with pytest.raises(CommandError, match=r"did not finish\. No model has a value for every"):
            call_command("run_benchmark", str(empty.public_id))
