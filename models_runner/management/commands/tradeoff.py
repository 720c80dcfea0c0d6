"""`manage.py tradeoff`: whether a model follows the functions it is steered to, from a file."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from models_runner.domain.benchmark_files.declared import (
    InvalidDeclaration,
    declared_number,
    declared_objectives,
    named_values,
)
from models_runner.domain.benchmark_files.matrices import MatrixFile, parse_matrix
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.benchmark_files.results import tradeoff_result
from models_runner.domain.tradeoff.hypervolume import (
    Hypervolume,
    InvalidHypervolume,
    hypervolume,
)
from models_runner.domain.tradeoff.matrix import InvalidTradeoff, Tradeoff, tradeoff
from models_runner.management.benchmark_output import (
    read_input,
    refusal,
    result_file,
    shown,
    tell_problems,
    text_table,
    write_result,
)


class Command(BaseCommand):
    help = "Read T[f, f'] = f(model steered to f'): is each steered model the best by its function?"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "matrix",
            type=Path,
            help="CSV or JSON: `function`, and a column for the model steered to each function",
        )
        parser.add_argument(
            "--static",
            action="append",
            default=[],
            metavar="COLUMN",
            help="a column of a model that is not steered; may stand several times",
        )
        parser.add_argument(
            "--points", type=Path, help="objectives of the steered models, for the hypervolume"
        )
        parser.add_argument(
            "--reference", nargs="+", default=[], metavar="NAME=VALUE", help="of the hypervolume"
        )
        parser.add_argument(
            "--directions", nargs="+", default=[], metavar="NAME=WAY", help="higher or lower"
        )
        parser.add_argument("--out", type=Path, help="write everything as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        inputs = {"matrix": read_input(options["matrix"])}
        if options["points"]:
            inputs["points"] = read_input(options["points"])
        elif options["reference"] or options["directions"]:
            raise refusal("--reference and --directions belong to --points; name that file too.")
        try:
            matrix = parse_matrix(inputs["matrix"], file=options["matrix"].name, key="function")
            found = _tradeoff(matrix, options["static"])
            volume = self._volume(inputs["points"], options) if options["points"] else None
        except InvalidBenchmarkFile as problem:
            raise tell_problems(problem, self.stderr) from problem
        except (InvalidDeclaration, InvalidTradeoff, InvalidHypervolume) as problem:
            raise refusal(str(problem)) from problem
        self._show(found, volume)
        if options["out"]:
            text = result_file(
                kind="tradeoff",
                inputs=inputs,
                parameters={
                    "static": options["static"],
                    "reference": sorted(options["reference"]),
                    "directions": sorted(options["directions"]),
                },
                result=tradeoff_result(found=found, volume=volume),
            )
            write_result(options["out"], text)
            self.stdout.write(f"Written to {options['out']}.")

    def _volume(self, content: bytes, options: Mapping[str, Any]) -> Hypervolume:
        points = parse_matrix(content, file=options["points"].name, key="model")
        given = named_values(options["reference"], option="--reference", known=points.columns)
        lacking = [name for name in points.columns if name not in given]
        if lacking:
            raise InvalidDeclaration(
                f"The hypervolume needs a declared reference: --reference lacks {lacking[0]!r}."
            )
        objectives = declared_objectives(
            points.columns, directions=options["directions"], ranges=()
        )
        return hypervolume(
            points=points.values,
            reference=[
                declared_number(given[name], where=f"The reference of {name!r}")
                for name in points.columns
            ],
            directions=[objective.direction for objective in objectives],
        )

    def _show(self, found: Tradeoff, volume: Hypervolume | None) -> None:
        rows = [
            [
                name,
                *(shown(value) for value in found.matrix[place]),
                "yes" if found.satisfied[place] else "no",
                shown(found.regrets[place]),
            ]
            for place, name in enumerate(found.functions)
        ]
        headings = ["function", *found.functions, "satisfied", "regret"]
        self.stdout.write(text_table(headings, rows))
        self.stdout.write(
            f"Steerable: {'yes' if found.steerable else 'no'}"
            f" ({found.satisfied_share:.0%} of rows satisfied, regret {found.regret:.4f})."
        )
        self.stdout.write(
            f"Score {found.score:.4f}; {found.gain_over_fixed:+.4f} over the model steered to"
            f" {found.best_fixed} for everything ({found.fixed_score:.4f})."
        )
        if found.gain_over_static is not None:
            self.stdout.write(
                f"{found.gain_over_static:+.4f} over the static model {found.best_static}"
                f" ({shown(found.static_score)})."
            )
        if volume is not None:
            beyond = int((~volume.counts).sum())
            note = (
                f"; {beyond} point(s) not better than the reference add nothing" if beyond else ""
            )
            self.stdout.write(f"Hypervolume {volume.value:.6g}{note}.")


def _tradeoff(matrix: MatrixFile, static: list[str]) -> Tradeoff:
    unknown = [name for name in static if name not in matrix.columns]
    if unknown:
        raise InvalidTradeoff(
            f"--static {unknown[0]!r} is no column; there are: {', '.join(matrix.columns)}."
        )
    clash = [name for name in static if name in matrix.rows]
    if clash:
        raise InvalidTradeoff(f"--static {clash[0]!r} is a function's own column; rename one.")
    steered = [name for name in matrix.columns if name not in static]
    if set(steered) != set(matrix.rows):
        lacking = [name for name in matrix.rows if name not in steered]
        beyond = [name for name in steered if name not in matrix.rows]
        raise InvalidTradeoff(
            f"Each function needs a column of its name. Functions without one:"
            f" {', '.join(lacking) or 'none'}. Columns without a function:"
            f" {', '.join(beyond) or 'none'}; declare models that are not steered with --static."
        )
    at = {name: place for place, name in enumerate(matrix.columns)}
    return tradeoff(
        functions=matrix.rows,
        matrix=matrix.values[:, [at[name] for name in matrix.rows]],
        static_models=static,
        static=matrix.values[:, [at[name] for name in static]] if static else None,
    )
