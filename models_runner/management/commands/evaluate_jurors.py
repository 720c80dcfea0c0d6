"""Measure jurors' functions on a table of ratings."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from annotations.domain.tables import ENCODINGS, ColumnMissing, TableUnreadable
from models_runner.domain.opinions import OpinionColumns, OpinionsRefused, read_opinions
from models_runner.domain.reward import (
    LINKS,
    PAIR_METHODS,
    STATEMENT,
    TRAINED_METHODS,
    UnknownMethod,
)
from models_runner.ports import EncoderUnavailable, load_feature_encoder
from models_runner.services.juror_evaluation import (
    EvaluationRefused,
    evaluate_opinions,
    read_rating_file,
)
from overton.ports import EntailmentUnavailable, load_entailment_backend

BAD_INPUT = 2


class Command(BaseCommand):
    help = (
        "Learns jurors' functions from a table of ratings and measures them on ratings held out. "
        "Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", type=Path, help="CSV, TSV, JSON Lines or Parquet")
        for name in ("juror", "item", "text", "rating"):
            parser.add_argument(f"--{name}", required=True, help=f"column of the {name}")
        parser.add_argument("--query", default="", help="column of what the text answers")
        parser.add_argument("--traits", default="", help="columns of jurors' traits, by commas")
        parser.add_argument(
            "--method", action="append", default=[], help="one method alone; may stand repeatedly"
        )
        parser.add_argument(
            "--opinion", default="", help="column of what the juror wrote herself, for statement"
        )
        parser.add_argument(
            "--judge", default="", help="judge of entailment, for statement; else the settings'"
        )
        parser.add_argument(
            "--link", default="logit", choices=LINKS, help="probit: an ordered probit for chances"
        )
        parser.add_argument(
            "--frozen",
            action="store_true",
            help="jury_learning: learn only what stands on the encoder",
        )
        parser.add_argument("--scale", default="", help="declared bounds, LOW,HIGH")
        parser.add_argument(
            "--values", default="", help="words for numbers, such as Yes=1,No=0,Unsure="
        )
        parser.add_argument("--counts", default="0,5,10,20", help="own ratings of a new juror")
        parser.add_argument("--seeds", type=int, default=5, help="how many splits")
        parser.add_argument("--confidence", type=float, default=0.9, help="level of the intervals")
        parser.add_argument("--cache", type=Path, help="folder of computed vectors")
        parser.add_argument("--encoding", default="", choices=("", *ENCODINGS))
        parser.add_argument("--out", type=Path, required=True, help="JSON file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        if not out.resolve().parent.is_dir():
            raise CommandError(f"There is no folder {out.resolve().parent} for {out.name}.")
        if options["seeds"] < 1:
            raise CommandError(f"--seeds is {options['seeds']}, but must be at least 1.")
        if not 0 < options["confidence"] < 1:
            raise CommandError(f"--confidence is {options['confidence']}; give one in (0, 1).")
        unknown = [name for name in options["method"] if name not in TRAINED_METHODS]
        if unknown:
            raise CommandError(str(UnknownMethod(name=unknown[0], known=TRAINED_METHODS)))
        counts = _counts(options["counts"])
        try:
            opinions = read_opinions(
                read_rating_file(options["table"], encoding=options["encoding"]),
                columns=OpinionColumns(
                    juror=options["juror"],
                    item=options["item"],
                    text=options["text"],
                    rating=options["rating"],
                    query=options["query"],
                    traits=tuple(
                        name.strip() for name in options["traits"].split(",") if name.strip()
                    ),
                    opinion=options["opinion"],
                ),
                scale=_scale(options["scale"]),
                values=_values(options["values"]),
            )
            for note in opinions.notes:
                self.stderr.write(note)
            result = evaluate_opinions(
                opinions=opinions,
                encoder=load_feature_encoder(),
                cache=options["cache"] or settings.VAR_DIR / "vectors",
                methods=tuple(dict.fromkeys(options["method"])),
                counts=counts,
                seeds=options["seeds"],
                confidence=options["confidence"],
                link=options["link"],
                tuned=False if options["frozen"] else None,
                judge=(
                    load_entailment_backend(options["judge"] or None)
                    if STATEMENT in options["method"] and options["opinion"]
                    else None
                ),
                say=self.stderr.write,
            )
        except OpinionsRefused as refusal:
            for problem in refusal.problems:
                self.stderr.write(str(problem))
            if refusal.total > len(refusal.problems):
                self.stderr.write(f"... and {refusal.total - len(refusal.problems)} more")
            raise CommandError(str(refusal), returncode=BAD_INPUT) from refusal
        except (OSError, TableUnreadable, ColumnMissing) as problem:
            raise CommandError(str(problem), returncode=BAD_INPUT) from problem
        except EvaluationRefused as problem:
            raise CommandError(str(problem), returncode=BAD_INPUT) from problem
        except (EncoderUnavailable, EntailmentUnavailable) as problem:
            raise CommandError(str(problem)) from problem
        out.write_text(
            json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
            encoding="utf-8",
        )
        self._print(result)
        self.stdout.write(self.style.SUCCESS(f"{len(result['rows'])} rows in {out}"))

    def _print(self, result: dict[str, Any]) -> None:
        """The mean absolute errors, of comparisons the accuracies, for people."""
        for row in result["rows"]:
            if row["metric"] == "accuracy" and row["method"] in PAIR_METHODS:
                if row["value"] is None:
                    continue
                own = "" if row["n"] is None else f" after {row['n']} comparisons"
                self.stdout.write(
                    f"{row['method']}: {row['jurors']} jurors{own}, {row['items']} items: right in "
                    f"{row['value']:.1%} of comparisons [{row['low']:.1%}, {row['high']:.1%}]"
                )
            if row["metric"] == "mae" and row["value"] is not None:
                own = "" if row["n"] is None else f" after {row['n']} ratings"
                self.stdout.write(
                    f"{row['method']}: {row['jurors']} jurors{own}, {row['items']} items: mean "
                    f"absolute error {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
                )
        for method, gate in result["gates"].items():
            verdict = "usable" if gate["usable"] else "not usable: " + " ".join(gate["reasons"])
            self.stdout.write(f"{method} is {verdict}")


def _scale(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as problem:
        raise CommandError(f"--scale is {text!r}; give two numbers, such as 1,5.") from problem
    if not low < high:
        raise CommandError(f"--scale is {text!r}; the first number must be the smaller.")
    return low, high


def _values(text: str) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for part in filter(None, text.split(",")):
        word, sign, number = part.rpartition("=")
        try:
            values[word] = float(number) if number.strip() else None
        except ValueError:
            sign = ""
        if not sign or not word.strip():
            raise CommandError(f"--values holds {part!r}; write WORD=NUMBER, or WORD= for none.")
    return values


def _counts(text: str) -> tuple[int, ...]:
    try:
        counts = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as problem:
        raise CommandError(f"--counts is {text!r}; give numbers, such as 0,5,10,20.") from problem
    if counts[0] < 0:
        raise CommandError(f"--counts holds {counts[0]}; a juror can't have fewer than 0 ratings.")
    return counts
