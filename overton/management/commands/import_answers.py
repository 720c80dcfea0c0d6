"""Add answers, or judgements of them, from a table to a study."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotations.domain.tables import ENCODINGS, TableUnreadable, read_table
from annotations.models import Study
from annotations.services.query_import import problem_lines
from juries.models import User
from overton.domain.answer_tables import ANSWER_FIELDS, JUDGEMENT_FIELDS
from overton.services.answer_import import ImportRefused, import_answers, import_judgements


class Command(BaseCommand):
    help = (
        "Adds answers from CSV or JSON Lines to a study's queries, or jurors' judgements of them: "
        "all of a file, or nothing. The same file again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study's short name")
        parser.add_argument("file", type=Path, help="CSV or JSON Lines")
        parser.add_argument(
            "--judgements",
            action="store_true",
            help="the file holds judgements, by members of the study's jury",
        )
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help=(
                f"which column holds which field (answers: {', '.join(ANSWER_FIELDS)}; "
                f"judgements: {', '.join(JUDGEMENT_FIELDS)}); columns of these names are found by "
                "themselves"
            ),
        )
        parser.add_argument(
            "--encoding", default="", choices=("", *ENCODINGS), help="UTF-8 unless given"
        )
        parser.add_argument("--user", default="", help="who imports, for the study's log")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["slug"]).first()
        if study is None:
            raise CommandError(f"There is no study {options['slug']!r}.")
        actor = None
        if options["user"]:
            actor = User.objects.filter(username=options["user"]).first()
            if actor is None:
                raise CommandError(f"There is no user {options['user']!r}.")
        mapping = {}
        for pair in options["column"]:
            field, sign, column = pair.partition("=")
            if not sign:
                raise CommandError(f"{pair!r} is not of the form FIELD=COLUMN.")
            mapping[field] = column
        path: Path = options["file"]
        try:
            table = read_table(path.read_bytes(), name=path.name, encoding=options["encoding"])
            if options["judgements"]:
                report = import_judgements(
                    study=study, table=table, actor=actor, now=timezone.now(), mapping=mapping
                )
            else:
                report = import_answers(study=study, table=table, actor=actor, mapping=mapping)
        except (OSError, TableUnreadable, ImportRefused) as problem:
            raise CommandError(str(problem)) from problem
        if not report.is_done:
            for line in problem_lines(report.problems, report.problems_total):
                self.stderr.write(line)
            raise CommandError(
                f"{report.problems_total} problems in {path.name}; nothing was imported."
            )
        what = "judgements" if options["judgements"] else "answers"
        changed = f", {report.changed} of them in place of earlier ones" if report.changed else ""
        self.stdout.write(
            self.style.SUCCESS(
                f"{report.rows} rows: {report.added} {what} added{changed}; "
                f"{report.known} were here already."
            )
        )
