"""`manage.py compare_distributions`: a model's answers beside people's, from two files."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand

from models_runner.domain.benchmark_files.answers import AnswersFile, parse_answers
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.benchmark_files.results import Plain, comparison_result
from models_runner.domain.distributional.comparison import (
    Comparison,
    ComparisonPlan,
    MeasureName,
    compare_tables,
)
from models_runner.domain.distributional.modes import TieRule
from models_runner.domain.distributional.probabilities import (
    SUM_WITHIN,
    FloatArray,
    InvalidDistribution,
)
from models_runner.domain.distributional.table import (
    AnswerTable,
    MatchedTables,
    answer_table,
    match_tables,
)
from models_runner.management.benchmark_output import (
    read_input,
    refusal,
    result_file,
    shown,
    tell_problems,
    text_table,
    write_result,
)

MOST_QUESTIONS_SHOWN = 20
PER_QUESTION = (
    MeasureName.JS_DISTANCE_BITS,
    MeasureName.TOTAL_VARIATION,
    MeasureName.WASSERSTEIN_NORMALISED,
    MeasureName.ENTROPY_HUMAN,
    MeasureName.ENTROPY_MODEL,
    MeasureName.SHUFFLED,
)


class Command(BaseCommand):
    help = "Compare a model's distribution over options with that of people, question by question."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("human", type=Path, help="people's answers, CSV or JSON")
        parser.add_argument("model", type=Path, help="the model's, over the same options")
        parser.add_argument("--counts", action="store_true", help="both files hold counts")
        parser.add_argument("--human-counts", action="store_true", help="the people's file does")
        parser.add_argument("--model-counts", action="store_true", help="the model's file does")
        parser.add_argument(
            "--respondents", type=float, help="people behind each question, for probabilities"
        )
        parser.add_argument(
            "--samples", type=float, help="completions behind each question, for probabilities"
        )
        parser.add_argument(
            "--sum-within",
            type=float,
            default=SUM_WITHIN,
            help=f"how far from 1 probabilities may add up; {SUM_WITHIN:g} unless given",
        )
        parser.add_argument(
            "--common-questions", action="store_true", help="leave out what one file lacks"
        )
        parser.add_argument(
            "--ordinal", action="store_true", help="options have an order: add Wasserstein-1"
        )
        parser.add_argument(
            "--refusal",
            action="append",
            default=[],
            metavar="OPTION",
            help="an option outside the order; may stand several times",
        )
        parser.add_argument(
            "--smoothing", type=float, default=0.0, help="added to all before KL; 0 unless given"
        )
        parser.add_argument(
            "--ties", choices=list(TieRule), default=TieRule.SHARE, help="how ties of modes count"
        )
        parser.add_argument("--seed", type=int, default=0, help="of draws and resamples")
        parser.add_argument(
            "--bootstraps", type=int, default=1000, help="resamples; 0 for no intervals"
        )
        parser.add_argument("--out", type=Path, help="write everything as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        _check_options(options)
        inputs = {name: read_input(options[name]) for name in ("human", "model")}
        try:
            files = {
                name: parse_answers(
                    content,
                    file=options[name].name,
                    counts=options["counts"] or options[f"{name}_counts"],
                    sum_within=options["sum_within"],
                )
                for name, content in inputs.items()
            }
            tables = self._tables(files, options)
            codes = _codes(files["human"], tables, options)
            plan = ComparisonPlan(
                smoothing=options["smoothing"],
                ties=TieRule(options["ties"]),
                seed=options["seed"],
                bootstraps=options["bootstraps"],
            )
            comparison = compare_tables(tables=tables, plan=plan, codes=codes)
        except InvalidBenchmarkFile as problem:
            raise tell_problems(problem, self.stderr) from problem
        except InvalidDistribution as problem:
            raise refusal(str(problem)) from problem
        self._show(comparison)
        for name, file in files.items():
            if file.unused:
                self.stdout.write(
                    f"Columns of {options[name].name} not used: {', '.join(file.unused)}."
                )
        if options["out"]:
            text = result_file(
                kind="compare_distributions",
                inputs=inputs,
                parameters=_parameters(options, codes),
                result=comparison_result(comparison=comparison, tables=tables),
            )
            write_result(options["out"], text)
            self.stdout.write(f"Written to {options['out']}.")

    def _tables(
        self, files: Mapping[str, AnswersFile], options: Mapping[str, Any]
    ) -> MatchedTables:
        def table(name: str, title: str, behind: float | None) -> AnswerTable:
            return answer_table(
                files[name].answers,
                name=title,
                counts=options["counts"] or options[f"{name}_counts"],
                respondents=behind,
                sum_within=options["sum_within"],
            )

        return match_tables(
            human=table("human", "people", options["respondents"]),
            model=table("model", "the model", options["samples"]),
            common_only=options["common_questions"],
        )

    def _show(self, found: Comparison) -> None:
        rows = []
        for measure in found.measures:
            if measure.mean is None:
                continue
            both = measure.intervals.over_both if measure.intervals else None
            people = measure.intervals.over_respondents if measure.intervals else None
            rows.append(
                [
                    str(measure.name),
                    shown(measure.mean),
                    _interval(both.low, both.high) if both else "–",
                    _interval(people.low, people.high) if people else "–",
                    str(int((~np.isnan(measure.values)).sum())),
                ]
            )
        headings = ["measure (mean over questions)", "mean", "95 %", "respondents", "questions"]
        self.stdout.write(text_table(headings, rows))
        reasons = {measure.reason for measure in found.measures if measure.mean is None}
        for reason in sorted(reasons):
            names = [str(m.name) for m in found.measures if m.mean is None and m.reason == reason]
            self.stdout.write(f"Not computed: {', '.join(names)}. {reason}")
        for measure in found.measures:
            if not measure.infinite:
                continue
            self.stdout.write(
                f"{measure.name} is ∞ in {measure.infinite} question(s): one side gives an option"
                " no probability that the other gives some. --smoothing makes it finite."
            )
        for side, left in (("people", found.only_human), ("the model", found.only_model)):
            if left:
                self.stdout.write(f"Left out, answered by {side} alone: {len(left)} question(s).")
        if 1 < len(found.questions) <= MOST_QUESTIONS_SHOWN:
            self._show_questions(found)

    def _show_questions(self, found: Comparison) -> None:
        columns = [c for name in PER_QUESTION if (c := found.measure(name)).mean is not None]
        rows = [
            [_short(question), *(shown(column.values[place]) for column in columns)]
            for place, question in enumerate(found.questions)
        ]
        self.stdout.write("")
        self.stdout.write(text_table(["question", *(str(c.name) for c in columns)], rows))


def _check_options(options: Mapping[str, Any]) -> None:
    for name in ("bootstraps", "seed"):
        if options[name] < 0:
            raise refusal(f"--{name} is {options[name]}; it must be at least 0.")
    if not 0 <= options["sum_within"] < 1:
        raise refusal(f"--sum-within is {options['sum_within']}; it must lie in 0 to 1.")
    for behind, side in (("respondents", "human"), ("samples", "model")):
        counted = options["counts"] or options[f"{side}_counts"]
        if counted and options[behind] is not None:
            raise refusal(
                f"--{behind} is for probabilities; the {side} file has counts, which add up to it."
            )


def _codes(
    human: AnswersFile, tables: MatchedTables, options: Mapping[str, Any]
) -> FloatArray | None:
    """Codes of the people's file, or 1, 2, 3 in its order of options; none for refusals."""
    if not options["ordinal"]:
        if options["refusal"]:
            raise refusal("--refusal takes an option out of an order; it needs --ordinal.")
        return None
    refusals = {name.strip() for name in options["refusal"]}
    unknown = refusals - {name for names in tables.human.options for name in names}
    if unknown:
        raise refusal(f"--refusal {sorted(unknown)[0]!r}: no question has this option.")
    places = np.full(tables.human.probabilities.shape, np.nan)
    for row, (question, names) in enumerate(
        zip(tables.human.questions, tables.human.options, strict=True)
    ):
        given = human.codes.get(question, {})
        following = 0
        for column, name in enumerate(names):
            if name in refusals:
                continue
            if given:
                code = given[name]
                places[row, column] = np.nan if code is None else code
            else:
                following += 1
                places[row, column] = following
        if len(np.unique(places[row][~np.isnan(places[row])])) < 2:
            raise refusal(
                f"Question {question!r} has fewer than two different codes; --ordinal needs an"
                " order of at least two options that are no refusals."
            )
    return places


def _parameters(options: Mapping[str, Any], codes: FloatArray | None) -> Plain:
    return {
        "human_counts": options["counts"] or options["human_counts"],
        "model_counts": options["counts"] or options["model_counts"],
        "respondents": options["respondents"],
        "samples": options["samples"],
        "sum_within": options["sum_within"],
        "common_questions": options["common_questions"],
        "ordinal": codes is not None,
        "refusals": sorted(options["refusal"]),
        "smoothing": options["smoothing"],
        "ties": str(options["ties"]),
        "seed": options["seed"],
        "bootstraps": options["bootstraps"],
        "confidence": 0.95,
    }


def _interval(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def _short(text: str, most: int = 40) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"
