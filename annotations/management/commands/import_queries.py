"""Add queries and responses from a table to a study."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.domain.tables import ENCODINGS, QUERY_FIELDS, TableUnreadable, read_table
from annotations.models import Study
from annotations.services.query_import import (
    MappingRefused,
    guessed_mapping,
    import_queries,
    problem_lines,
)


class Command(BaseCommand):
    help = "Adds queries and responses from CSV or JSON Lines to a study: all of them, or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study's short name")
        parser.add_argument("file", type=Path, help="CSV or JSON Lines")
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help=(
                f"which column holds which field ({', '.join(QUERY_FIELDS)}); "
                "columns of these names are found by themselves"
            ),
        )
        parser.add_argument(
            "--encoding", default="", choices=("", *ENCODINGS), help="UTF-8 unless given"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["slug"]).first()
        if study is None:
            raise CommandError(f"There is no study {options['slug']!r}.")
        path: Path = options["file"]
        try:
            table = read_table(path.read_bytes(), name=path.name, encoding=options["encoding"])
            mapping = guessed_mapping(table.columns)
            for pair in options["column"]:
                field, sign, column = pair.partition("=")
                if not sign:
                    raise CommandError(f"{pair!r} is not of the form FIELD=COLUMN.")
                mapping[field] = column
            report = import_queries(study=study, table=table, mapping=mapping, actor=None)
        except (OSError, TableUnreadable, MappingRefused) as problem:
            raise CommandError(str(problem)) from problem
        if not report.is_done:
            for line in problem_lines(report.problems, report.problems_total):
                self.stderr.write(line)
            raise CommandError(
                f"{report.problems_total} problems in {path.name}; nothing was imported."
            )
        self.stdout.write(
            self.style.SUCCESS(
                f"{report.rows} rows: {report.queries} queries and {report.responses} responses of "
                f"{report.sources} new sources added; {report.known_queries} queries were here."
            )
        )
