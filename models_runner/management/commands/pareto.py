"""`manage.py pareto`: models by several objectives, from a file."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from annotations.domain.measured import Measured
from models_runner.domain.benchmark_files.declared import InvalidDeclaration, declared_objectives
from models_runner.domain.benchmark_files.matrices import parse_matrix, parse_replicates
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.benchmark_files.results import objectives_result
from models_runner.domain.objectives.commensuration import commensurating_function
from models_runner.domain.objectives.pareto import ParetoFront, front_probabilities, pareto_front
from models_runner.domain.objectives.ranking import Rankings, compare_rankings
from models_runner.domain.objectives.table import InvalidObjectives, ObjectiveTable
from models_runner.management.benchmark_output import (
    read_input,
    refusal,
    result_file,
    shown,
    tell_problems,
    text_table,
    write_result,
)

MOST_DISAGREEMENTS_SHOWN = 20


class Command(BaseCommand):
    help = "Find the models that nothing improves on, and rank models by functions of your choice."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "objectives", type=Path, help="CSV or JSON: `model` and a column for each objective"
        )
        parser.add_argument(
            "--directions",
            nargs="+",
            default=[],
            metavar="NAME=WAY",
            help="higher (unless a range says otherwise) or lower",
        )
        parser.add_argument(
            "--ranges", nargs="+", default=[], metavar="NAME=WORST:BEST", help="declared ranges"
        )
        parser.add_argument(
            "--function",
            action="append",
            default=[],
            help="rank by linear, single:NAME, minimum, geometric or alpha:A; several times",
        )
        parser.add_argument(
            "--replicates", type=Path, help="resampled objectives: columns replicate, model, ..."
        )
        parser.add_argument("--out", type=Path, help="write everything as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        inputs = {"objectives": read_input(options["objectives"])}
        if options["replicates"]:
            inputs["replicates"] = read_input(options["replicates"])
        try:
            table, shares = self._read(inputs, options)
            functions = [
                commensurating_function(text, names=[o.name for o in table.objectives])
                for text in options["function"]
            ]
            rankings = compare_rankings(table=table, functions=functions) if functions else None
        except InvalidBenchmarkFile as problem:
            raise tell_problems(problem, self.stderr) from problem
        except (InvalidDeclaration, InvalidObjectives) as problem:
            raise refusal(str(problem)) from problem
        front = pareto_front(table)
        self._show_front(table, front, shares)
        if rankings is not None:
            self._show_rankings(rankings)
        if options["out"]:
            text = result_file(
                kind="pareto",
                inputs=inputs,
                parameters={"functions": options["function"]},
                result=objectives_result(
                    table=table, front=front, probabilities=shares, rankings=rankings
                ),
            )
            write_result(options["out"], text)
            self.stdout.write(f"Written to {options['out']}.")

    def _read(
        self, inputs: Mapping[str, bytes], options: Mapping[str, Any]
    ) -> tuple[ObjectiveTable, tuple[Measured, ...] | None]:
        file = options["objectives"].name
        matrix = parse_matrix(inputs["objectives"], file=file, key="model")
        table = ObjectiveTable(
            models=matrix.rows,
            objectives=declared_objectives(
                matrix.columns, directions=options["directions"], ranges=options["ranges"]
            ),
            values=matrix.values,
        )
        # Values outside a declared range are refused whether or not a function joins them.
        table.check_ranges()
        if "replicates" not in inputs:
            return table, None
        replicates = parse_replicates(
            inputs["replicates"], file=options["replicates"].name, matrix=matrix, key="model"
        )
        return table, front_probabilities(table=table, replicates=replicates.values)

    def _show_front(
        self, table: ObjectiveTable, front: ParetoFront, shares: tuple[Measured, ...] | None
    ) -> None:
        marks = [f"{o.name} ({'↑' if o.direction == 'higher' else '↓'})" for o in table.objectives]
        headings = ["model", *marks, "front", *(["P(front)"] if shares else []), "improved by"]
        rows = []
        for place, model in enumerate(table.models):
            better = front.improving_on(model)
            chance = [shown(shares[place].value, 3)] if shares else []
            rows.append(
                [
                    model,
                    *(f"{value:g}" for value in table.values[place]),
                    "yes" if front.on_front[place] else "no",
                    *chance,
                    ", ".join(better[:3]) + (" …" if len(better) > 3 else ""),
                ]
            )
        self.stdout.write(text_table(headings, rows))
        self.stdout.write(f"On the front: {', '.join(front.front)}.")

    def _show_rankings(self, rankings: Rankings) -> None:
        rows = [
            [
                model,
                *(
                    f"{rankings.ranks[f, place]} ({rankings.scores[f, place]:.4f})"
                    for f in range(len(rankings.functions))
                ),
            ]
            for place, model in enumerate(rankings.models)
        ]
        self.stdout.write("")
        self.stdout.write(text_table(["rank (score)", *rankings.functions], rows))
        for pair in rankings.disagreements[:MOST_DISAGREEMENTS_SHOWN]:
            self.stdout.write(
                f"{pair.one} before {pair.other} by {'; '.join(pair.prefer_one)}; after it by"
                f" {'; '.join(pair.prefer_other)}."
            )
        more = len(rankings.disagreements) - MOST_DISAGREEMENTS_SHOWN
        if more > 0:
            self.stdout.write(f"{more} more pair(s) are disputed; --out writes them all.")
        if len(rankings.functions) > 1 and not rankings.disagreements:
            self.stdout.write("No two functions disagree about a pair of models.")
