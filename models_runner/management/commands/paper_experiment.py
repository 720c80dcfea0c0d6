"""`manage.py paper_experiment`: section 5.2 of the paper for any pair of models."""

import hashlib
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

import venire
from models_runner.domain.benchmark_definition import (
    Asking,
    DistributionalDefinition,
    InvalidDefinition,
    Measuring,
    People,
    definition_to_plain,
)
from models_runner.domain.benchmark_files.people import PeopleFile, parse_people
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.benchmark_files.results import to_json
from models_runner.domain.benchmark_report.numbers import Report
from models_runner.domain.benchmark_report.paper import paper_tables
from models_runner.domain.distributional.probabilities import InvalidDistribution
from models_runner.domain.elicitation import ElicitationMode
from models_runner.domain.elicitation.orders import InvalidOrders
from models_runner.domain.elicitation.prompts import PROMPTS, InvalidPrompt
from models_runner.figures.benchmarks.distributions import distribution_drawings
from models_runner.management.benchmark_output import (
    read_input,
    refusal,
    tell_problems,
    write_result,
)
from models_runner.ports import (
    LanguageModel,
    LanguageModelProblem,
    ModelSpecification,
    TemplateKind,
    load_language_model,
)
from models_runner.services.benchmarks.asking import AnswersMissing, Asker, AskingStopped
from models_runner.services.benchmarks.distributional import (
    SECTIONS,
    Participant,
    chosen_people,
    to_ask,
)
from models_runner.services.benchmarks.eliciting import requests_of
from models_runner.services.benchmarks.paper import PaperExperiment, run_paper_experiment
from models_runner.services.benchmarks.stores import FileStore

PAPER_GROUPS = ("Japan", "United States")
MODES = {"text": ElicitationMode.LETTERS_TEXT, "paper_code": ElicitationMode.LETTERS_PAPER_CODE}
KEPT = "elicitations.jsonl"
KINDS = ("transformers", "embedded", "openai", "file")


class Command(BaseCommand):
    help = (
        "Compare a model before and after aligning with people's answers: tables 1, 4 and 5 and "
        "figure 3 of the paper."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pre", required=True, metavar="ID", help="the model before aligning")
        parser.add_argument("--post", required=True, metavar="ID", help="the one after")
        parser.add_argument(
            "--questions", required=True, type=Path, help="people's answers, CSV or JSON"
        )
        parser.add_argument(
            "--out", type=Path, default=Path("paper_experiment"), help="folder for all results"
        )
        parser.add_argument(
            "--group",
            action="append",
            default=[],
            help="whose answers; may stand several times; Japan and United States unless given",
        )
        parser.add_argument(
            "--common", action="store_true", help="only questions that all groups answered"
        )
        parser.add_argument("--most", type=int, default=0, help="at most so many questions")
        parser.add_argument("--mode", choices=list(MODES), default="text", help="how letters join")
        parser.add_argument("--prompts", type=int, default=PROMPTS, help="prompts a question")
        parser.add_argument("--orders", type=int, default=1, help="orders of the options")
        parser.add_argument("--seed", type=int, default=0, help="of prompts and resamples")
        parser.add_argument("--bootstraps", type=int, default=1000, help="resamples of questions")
        for side in ("pre", "post"):
            parser.add_argument(f"--{side}-name", default="", help="its name in the tables")
            parser.add_argument(f"--{side}-revision", default="", help="revision of a hub id")
            parser.add_argument(
                f"--{side}-template",
                choices=list(TemplateKind),
                default=TemplateKind.PLAIN.value,
                help="how prompts become its text; plain unless given",
            )
        parser.add_argument("--key-variable", default="", help="variable with an endpoint's key")
        parser.add_argument("--dtype", default="auto", help="number type of local models")
        parser.add_argument("--device", default="auto", help="device of local models")

    def handle(self, *args: Any, **options: Any) -> None:
        content = read_input(options["questions"])
        try:
            people, definition = _declared(options, content)
        except InvalidBenchmarkFile as problem:
            raise tell_problems(problem, self.stderr) from problem
        except InvalidDefinition as problem:
            raise refusal(str(problem)) from problem
        out: Path = options["out"]
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise refusal(f"{out} can't be made: {problem.strerror}.") from problem
        names = _names(options)
        each = requests_of(ElicitationMode(definition.modes[0]), to_ask(people), definition.asking)
        counter = _Counter(2 * each, quiet=options["verbosity"] < 1)
        try:
            models = [_loaded(options, side) for side in ("pre", "post")]
            store = FileStore(out / KEPT)
            found = run_paper_experiment(
                people=people,
                definition=definition,
                participants=[
                    Participant(name, Asker(model=model, store=store, advance=counter.advance))
                    for name, model in zip(names, models, strict=True)
                ],
            )
        except (
            LanguageModelProblem, AskingStopped, AnswersMissing, InvalidDefinition,
            InvalidDistribution, InvalidPrompt, InvalidOrders,
        ) as problem:  # fmt: skip
            raise refusal(
                f"{problem} (Kept so far: {out / KEPT}; the same command goes on.)"
            ) from (problem)
        self._write(out, found, names, models, definition, content)

    def _write(
        self,
        out: Path,
        found: PaperExperiment,
        names: list[str],
        models: list[LanguageModel],
        definition: DistributionalDefinition,
        content: bytes,
    ) -> None:
        report = Report(
            kind="distributional",
            title=f"{names[0]} and {names[1]} against people",
            version=f"venire {venire.__version__}",
            parameters=definition_to_plain(definition),
            inputs={"questions": hashlib.sha256(content).hexdigest()},
            sections=SECTIONS,
            numbers=found.result.numbers,
            models=tuple(
                {
                    "name": name,
                    "asked_for": model.name,
                    "revision": model.revision,
                    "weights_digest": model.weights_digest,
                    "identity": model.identity,
                }
                for name, model in zip(names, models, strict=True)
            ),
            notes=found.result.notes,
            details=found.result.details,
        )
        tables = paper_tables(found.pairs, before=names[0], after=names[1])
        for table in tables:
            write_result(out / f"{table.name}.md", table.markdown())
            write_result(out / f"{table.name}.csv", table.csv())
            self.stdout.write(table.markdown())
        figure = next(one for one in distribution_drawings(report) if one.key == "entropy")
        write_result(out / "figure3.svg", figure.svg())
        (out / "figure3.png").write_bytes(figure.png())
        write_result(out / "report.json", to_json(report.to_plain()))
        for note in report.notes:
            self.stdout.write(note)
        self.stdout.write(f"Written to {out}.")


class _Counter:
    """How far it is, on the error stream, so that tables can be piped."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        self.done, self.total, self.quiet = 0, total, quiet

    def advance(self, count: int, note: str) -> None:
        self.done += count
        if not self.quiet and sys.stderr.isatty():
            sys.stderr.write(f"\r{self.done} of {self.total} prompts ({note})   ")


def _declared(
    options: dict[str, Any], content: bytes
) -> tuple[PeopleFile, DistributionalDefinition]:
    read = parse_people(content, file=options["questions"].name, leave_out=True)
    groups = tuple(options["group"])
    if not groups:
        groups = tuple(group for group in PAPER_GROUPS if group in read.groups)
        if not groups:
            there = ", ".join(read.groups[:12])
            raise InvalidDefinition(
                f"The file has neither {' nor '.join(PAPER_GROUPS)}; name a group with --group."
                f" There are: {there}."
            )
    if options["common"]:
        read = PeopleFile(
            tuple(q for q in read.questions if set(groups) <= set(q.groups)), read.left_out
        )
    definition = DistributionalDefinition(
        models=("pre", "post"),
        modes=(MODES[options["mode"]].value,),
        people=People(source="file", groups=groups),
        asking=Asking(prompts=options["prompts"], orders=options["orders"], seed=options["seed"]),
        measuring=Measuring(bootstraps=options["bootstraps"]),
        most=options["most"],
    )
    return chosen_people(read, definition.people, most=definition.most), definition


def _names(options: dict[str, Any]) -> list[str]:
    names = [options["pre_name"] or options["pre"], options["post_name"] or options["post"]]
    if names[0] == names[1]:
        templates = options["pre_template"], options["post_template"]
        if templates[0] == templates[1]:
            raise refusal("--pre and --post are the same model, asked in the same way.")
        names = [f"{name} ({how})" for name, how in zip(names, templates, strict=True)]
    return names


def _loaded(options: dict[str, Any], side: str) -> LanguageModel:
    """The model of one side. `ID` is a hub id or folder; `embedded:PACKAGE`; `openai:URL#MODEL`."""
    text: str = options[side]
    kind, colon, location = text.partition(":")
    if not colon or kind not in KINDS:
        kind, location = "transformers", text
    model_id = ""
    if kind == "openai":
        location, _, model_id = location.partition("#")
        if not model_id:
            raise refusal(f"--{side} {text!r} must be written openai:URL#MODEL.")
    return load_language_model(
        ModelSpecification(
            name=text,
            kind=kind,
            location=location,
            model_id=model_id,
            revision=options[f"{side}_revision"],
            dtype=options["dtype"],
            device=options["device"],
            template=TemplateKind(options[f"{side}_template"]),
            key_variable=options["key_variable"],
        )
    )
