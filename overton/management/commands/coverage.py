"""Windows and coverage from files, without a database."""

import hashlib
import json
import os
import tempfile
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.domain.tables import (
    ENCODINGS,
    ColumnMissing,
    OutsideTable,
    TableUnreadable,
    read_table,
)
from overton.domain.calibration import InvalidCalibrationInput, declared
from overton.domain.coverage_files import (
    TablesRefused,
    read_answers,
    read_judgements,
    read_labels,
    read_represented,
    read_responses,
)
from overton.domain.sentences import InvalidPassages, passages
from overton.domain.windows import InvalidWindowInput, WindowRule
from overton.ports import EntailmentUnavailable, load_entailment_backend
from overton.services.coverage_files import CoverageOptions, coverage_of_files, options_json
from venire import __version__

BAD_INPUT = 2


def sizes(text: str) -> tuple[int, ...]:
    """Sizes of passages from a list such as 1,2,3."""
    try:
        found = tuple(int(part) for part in text.split(","))
        passages((), sizes=found)
    except (ValueError, InvalidPassages):
        raise ArgumentTypeError(
            f"{text!r} is no list of different numbers of sentences, such as 1,2,3"
        ) from None
    return found


def count(text: str) -> int:
    """A whole number of 0 or more."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)


class Command(BaseCommand):
    help = (
        "Windows, and how much of them responses and sources cover, from tables of responses, "
        "answers and jurors' judgements. Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("responses", type=Path, help="query, source, text; response")
        parser.add_argument("answers", type=Path, help="query, answer, text; exclusion")
        parser.add_argument(
            "judgements", type=Path, help="juror, answer, verdict; query, holds, groups"
        )
        parser.add_argument("--labels", type=Path, help="response, answer, label; query, reader")
        parser.add_argument(
            "--represented", type=Path, help="query, response, juror, rating from 1 to 5"
        )
        parser.add_argument(
            "--backend", default="", help="judge of what responses express; see entail"
        )
        parser.add_argument(
            "--threshold", type=float, help="score that counts; else learned, or 0.5"
        )
        parser.add_argument("--sizes", type=sizes, default=(1, 2, 3), help="sentences a passage")
        parser.add_argument(
            "--no-whole", action="store_true", help="the whole response is no passage"
        )
        parser.add_argument("--groups", default="", help="columns of groups, by commas")
        parser.add_argument(
            "--cluster", action="store_true", help="groups are jurors who vote alike on all queries"
        )
        parser.add_argument("--correct-share", type=float, default=0.9)
        parser.add_argument("--reasonable-share", type=float, default=0.25)
        parser.add_argument("--confidence", type=float, default=0.95)
        parser.add_argument("--group-minimum", type=int, default=8)
        parser.add_argument("--bootstraps", type=count, default=2000, help="number of resamples")
        parser.add_argument("--seed", type=count, default=0, help="of resamples and clusters")
        parser.add_argument("--encoding", default="", choices=("", *ENCODINGS))
        parser.add_argument("--out", type=Path, required=True, help="JSON file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        if out.is_dir() or not out.resolve().parent.is_dir():
            raise _refusal(f"{out} can't be written: it is a folder, or its folder is not there.")
        names = [name.strip() for name in options["groups"].split(",") if name.strip()]
        if names and options["cluster"]:
            raise _refusal("Give --groups or --cluster, not both.")
        how = _how(options)
        content = {
            role: _content(options[role])
            for role in ("responses", "answers", "judgements", "labels", "represented")
            if options[role]
        }
        role = ""
        try:
            tables: dict[str, OutsideTable] = {}
            for role in content:
                tables[role] = read_table(
                    content[role], name=options[role].name, encoding=options["encoding"]
                )
            role = "responses"
            responses = read_responses(tables[role])
            role = "answers"
            answers = read_answers(tables[role])
            role = "judgements"
            judgements = read_judgements(tables[role], answers=answers, groups=names)
            role = "labels"
            labels = (
                read_labels(tables[role], responses=responses, answers=answers)
                if role in tables
                else {}
            )
            role = "represented"
            represented = (
                read_represented(tables[role], responses=responses, jurors=judgements.jurors)
                if role in tables
                else None
            )
        except TablesRefused as refusal:
            for problem in refusal.problems.found:
                self.stderr.write(f"{options[role]}, {problem}")
            raise _refusal(str(refusal)) from refusal
        except (TableUnreadable, ColumnMissing) as problem:
            raise _refusal(f"{options[role]}: {problem}") from problem
        try:
            backend = None
            if options["backend"] or not options["labels"]:
                backend = load_entailment_backend(options["backend"] or None)
            found = coverage_of_files(
                responses=responses,
                answers=answers,
                judgements=judgements,
                labels=labels,
                backend=backend,
                represented=represented,
                options=how,
            )
        except EntailmentUnavailable as problem:
            raise CommandError(str(problem)) from problem
        document = {
            "format": "venire.coverage/2",
            "version": __version__,
            "inputs": {
                role: {"sha256": hashlib.sha256(data).hexdigest()} for role, data in content.items()
            },
            "parameters": {**options_json(how), "groups": names},
            **found,
        }
        _write(out, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        self._print(found)
        self.stdout.write(self.style.SUCCESS(f"{len(found['responses'])} responses in {out}"))

    def _print(self, found: dict[str, Any]) -> None:
        """The main numbers, for people."""
        reading = found["reading"]
        self.stdout.write(
            f"{reading['pairs']:,} pairs of a response and an answer: "
            f"{reading['settled_by_people']:,} settled by people, "
            f"{reading['settled_by_judge']:,} by a judge"
        )
        if reading["judge"]:
            self.stdout.write(f"judge: {reading['judge']['name']}. {reading['note']}")
            if not reading["report_card"]["validated"]:
                self.stdout.write(
                    f"not validated: {reading['report_card']['needed']} labelled pairs are needed, "
                    f"{reading['report_card']['pairs']} are there"
                )
        if found["without_answers"]:
            self.stdout.write(
                f"without answers, and left out: {', '.join(found['without_answers'])}"
            )
        for source in found["sources"]:
            parts = [
                f"{name.replace('_', ' ')} {_shown(source['measures'][name])}"
                for name in ("coverage", "precision", "unreasonable_rate")
            ]
            if "represented" in source:
                parts.append(f"groups represented {_shown(source['represented'])}")
            self.stdout.write(
                f"{source['source']}: {', '.join(parts)} ({source['queries']} queries, "
                f"{source['words']:.0f} words each)"
            )


def _shown(measured: dict[str, Any]) -> str:
    if measured["value"] is None:
        return "unknown"
    if measured["low"] is None:
        return f"{measured['value']:.3f}"
    return f"{measured['value']:.3f} [{measured['low']:.3f}, {measured['high']:.3f}]"


def _how(options: dict[str, Any]) -> CoverageOptions:
    try:
        if options["threshold"] is not None:
            declared(threshold=options["threshold"], note="")
        rule = WindowRule(
            correct_share=options["correct_share"],
            reasonable_share=options["reasonable_share"],
            confidence=options["confidence"],
            minimum_group_size=options["group_minimum"],
        )
    except (InvalidWindowInput, InvalidCalibrationInput) as problem:
        raise _refusal(str(problem)) from problem
    if options["bootstraps"] < 1:
        raise _refusal("--bootstraps is 0; give at least 1.")
    return CoverageOptions(
        rule=rule,
        cluster=options["cluster"],
        sizes=options["sizes"],
        whole=not options["no_whole"],
        threshold=options["threshold"],
        seed=options["seed"],
        resamples=options["bootstraps"],
    )


def _refusal(message: str) -> CommandError:
    return CommandError(message, returncode=BAD_INPUT)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise _refusal(f"{path} can't be read: {problem.strerror}.") from problem


def _write(path: Path, text: str) -> None:
    """All of the file, or nothing of it."""
    try:
        handle, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except OSError as problem:
        raise _refusal(f"{path} can't be written: {problem.strerror}.") from problem
