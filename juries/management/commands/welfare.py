"""Join a table of utilities into verdicts, without a database."""

import hashlib
import json
from argparse import ArgumentTypeError
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser

import venire
from juries.domain.crossings import ALPHAS
from juries.domain.utility_files import (
    Bounds,
    InvalidUtilityFile,
    UtilityFile,
    parse_utilities,
)
from juries.domain.voting.ballots import InvalidBallots
from juries.domain.voting.outcomes import VotingRule
from juries.domain.voting.registry import VOTING_RULES, voting_rule
from juries.domain.welfare import InvalidUtilities, alpha_of, utility
from juries.domain.welfare_document import FORMAT, welfare_document
from juries.domain.welfare_report import WelfareReport, welfare_report
from juries.domain.welfare_text import text_of

BAD_INPUT = 2


def alphas(text: str) -> tuple[float, ...]:
    """Alphas in order from a list such as 0,1,inf."""
    try:
        return tuple(sorted({alpha_of(part) for part in text.split(",")}))
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is no list of numbers of 0 or more, such as 0,0.5,1,inf"
        ) from None


def scale(text: str) -> tuple[float, float]:
    """Declared bounds from LOW,HIGH."""
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low, high = 0.0, 0.0
    if not -inf < low < high < inf:
        raise ArgumentTypeError(f"{text!r} is no pair of bounds that runs upwards, such as 1,5")
    return low, high


def rules(text: str) -> tuple[VotingRule, ...]:
    """Voting rules from their names."""
    try:
        return tuple(voting_rule(name) for name in text.split(","))
    except InvalidBallots as problem:
        raise ArgumentTypeError(str(problem)) from problem


def seed(text: str) -> int:
    """A whole number of 0 or more."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)


def finite(text: str) -> float:
    """A number that is not infinite."""
    try:
        found = float(text)
    except ValueError:
        found = inf
    if not -inf < found < inf:
        raise ArgumentTypeError(f"{text!r} is no number, such as 0.5")
    return found


class Command(BaseCommand):
    help = (
        "Welfare along alpha with intervals, voting rules and failure modes of a CSV file of "
        "utilities or ratings: a row for each juror, a column for each response. Needs no database."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV file")
        parser.add_argument(
            "--scale", type=scale, metavar="LOW,HIGH", help="cells are ratings on this scale"
        )
        parser.add_argument(
            "--epsilon", type=float, default=0.01, help="utility of the scale's lowest rating"
        )
        parser.add_argument("--juror", default="", metavar="COLUMN", help="column of jurors' ids")
        parser.add_argument("--weights", default="", metavar="COLUMN", help="column of weights")
        parser.add_argument("--groups", default="", metavar="COLUMN", help="column of groups")
        parser.add_argument(
            "--strata", default="", metavar="COLUMN", help="column of strata for the bootstrap"
        )
        parser.add_argument(
            "--alpha",
            type=alphas,
            action="extend",
            metavar="LIST",
            help="such as 0,0.5,1,inf; may stand several times",
        )
        parser.add_argument(
            "--rule",
            type=rules,
            action="extend",
            metavar="LIST",
            help=f"may stand several times; some of {', '.join(VOTING_RULES)}",
        )
        parser.add_argument(
            "--threshold", type=finite, default=0.5, help="utility that satisfies, or leaves behind"
        )
        parser.add_argument("--bootstraps", type=int, default=2000, help="number of resamples")
        parser.add_argument("--seed", type=seed, default=0, help="seed of the resamples")
        parser.add_argument("--out", type=Path, help="write everything to this JSON file, too")

    def handle(self, *args: Any, **options: Any) -> None:
        content = _read(options["file"])
        try:
            table = parse_utilities(
                content=content,
                bounds=_bounds(options["scale"]),
                juror_column=options["juror"],
                weights_column=options["weights"],
                groups_column=options["groups"],
                strata_column=options["strata"],
            )
            report = _report(table, options)
        except InvalidUtilityFile as refusal:
            for error in refusal.errors:
                where = f"row {error.row}" + (f", column {error.column}" if error.column else "")
                self.stderr.write(f"{options['file']}, {where}: {error.message}")
            total = len(refusal.errors) + refusal.omitted
            raise CommandError(f"{total} error(s) in the file.", returncode=BAD_INPUT) from refusal
        except (InvalidUtilities, InvalidBallots) as refusal:
            raise CommandError(str(refusal), returncode=BAD_INPUT) from refusal
        for line in text_of(report):
            self.stdout.write(line)
        if options["out"]:
            _write(options["out"], _document(report, content, table.juror_column, options))
            self.stdout.write(f"\nWritten to {options['out']}.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise CommandError(
            f"{path} can't be read: {problem.strerror}.", returncode=BAD_INPUT
        ) from problem


def _write(path: Path, document: dict[str, object]) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        raise CommandError(
            f"{path} can't be written: {problem.strerror}.", returncode=BAD_INPUT
        ) from problem


def _bounds(declared: tuple[float, float] | None) -> Bounds:
    if declared is None:
        return Bounds(0.0, inf, "a utility of 0 or more (for ratings declare --scale LOW,HIGH)")
    low, high = declared
    return Bounds(low, high, f"a rating of {low:g} to {high:g}")


def _report(table: UtilityFile, options: dict[str, Any]) -> WelfareReport:
    values = table.values
    if options["scale"]:
        low, high = options["scale"]
        values = utility(values, lowest=low, highest=high, epsilon=options["epsilon"])
    return welfare_report(
        values,
        responses=table.responses,
        jurors=table.jurors,
        seed=options["seed"],
        alphas=sorted(set(options["alpha"] or ALPHAS)),
        rules=list(dict.fromkeys(options["rule"] or VOTING_RULES.values())),
        weights=table.weights,
        groups=table.groups,
        strata=table.strata,
        threshold=options["threshold"],
        epsilon=options["epsilon"],
        bootstraps=options["bootstraps"],
    )


def _document(
    report: WelfareReport, content: bytes, juror_column: str, options: dict[str, Any]
) -> dict[str, object]:
    return {
        "format": FORMAT,
        "software": f"venire {venire.__version__}, numpy {np.__version__}",
        "input": {
            "file": options["file"].name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "scale": options["scale"],
            "epsilon": options["epsilon"],
            "juror": juror_column or None,
            "weights": options["weights"] or None,
            "groups": options["groups"] or None,
            "strata": options["strata"] or None,
        },
        "seed": options["seed"],
        **welfare_document(report),
    }
