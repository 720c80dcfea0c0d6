"""Judge a table of pairs of texts, without a database."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.domain.tables import ENCODINGS, ColumnMissing, TableUnreadable
from overton.ports import EntailmentUnavailable, load_entailment_backend
from overton.services.pair_files import PairsRefused, check_pair_file, judge_pair_file

BAD_INPUT = 2
EVERY_SECONDS = 5


class Command(BaseCommand):
    help = (
        "Adds to a CSV file of pairs of texts how likely the premise entails the hypothesis, is "
        "neutral to it, or contradicts it. Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", type=Path, help="CSV file with headings")
        parser.add_argument("--premise", required=True, metavar="COLUMN", help="what is said")
        parser.add_argument(
            "--hypothesis", required=True, metavar="COLUMN", help="what may follow from it"
        )
        parser.add_argument(
            "--backend",
            default="",
            help="judge, such as embedded or transformers:FOLDER; else that of the settings",
        )
        parser.add_argument("--prefix", default="", help="before the names of the new columns")
        parser.add_argument("--encoding", default="", choices=("", *ENCODINGS))
        parser.add_argument("--out", type=Path, required=True, help="CSV file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        if out.is_dir() or not out.resolve().parent.is_dir():
            raise CommandError(
                f"{out} can't be written: it is a folder, or its folder is not there.",
                returncode=BAD_INPUT,
            )
        started = time.monotonic()
        try:
            table = check_pair_file(
                path=options["table"],
                premise=options["premise"],
                hypothesis=options["hypothesis"],
                encoding=options["encoding"],
                prefix=options["prefix"],
            )
            backend = load_entailment_backend(options["backend"] or None)
            found = judge_pair_file(
                table=table,
                backend=backend,
                out=out,
                prefix=options["prefix"],
                say=self._progress(),
            )
        except PairsRefused as refusal:
            for problem in refusal.problems.found:
                self.stderr.write(str(problem))
            if refusal.problems.total > len(refusal.problems.found):
                self.stderr.write(
                    f"... and {refusal.problems.total - len(refusal.problems.found)} more"
                )
            raise CommandError(str(refusal), returncode=BAD_INPUT) from refusal
        except (TableUnreadable, ColumnMissing) as problem:
            raise CommandError(str(problem), returncode=BAD_INPUT) from problem
        except OSError as problem:
            raise CommandError(
                f"{problem.filename}: {problem.strerror}.", returncode=BAD_INPUT
            ) from problem
        except EntailmentUnavailable as problem:
            raise CommandError(str(problem)) from problem
        seconds = time.monotonic() - started
        name = f"{backend.name}@{backend.revision}" if backend.revision else backend.name
        self.stdout.write(
            self.style.SUCCESS(
                f"{found.rows:,} rows in {out}: {found.distinct:,} different pairs, judged by "
                f"{name} in {seconds:.1f} s"
            )
        )

    def _progress(self) -> Any:
        told = time.monotonic()

        def say(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told >= EVERY_SECONDS:
                told = time.monotonic()
                self.stderr.write(f"{done:,} of {total:,} rows")

        return say
