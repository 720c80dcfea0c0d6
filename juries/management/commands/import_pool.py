"""Import a pool from CSV files."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from juries.models import Pool
from juries.services.pool_imports import (
    ImportReport,
    PoolImportRefused,
    create_pool,
    import_pool,
    plan_import,
)
from juries.services.uploads import PoolFiles


class Command(BaseCommand):
    help = (
        "Import categories.csv and respondents.csv into a pool: a new one, or one that is named "
        "by its slug. People are added, or updated by their id; nobody is removed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", help="name of the pool; needed for a new one")
        parser.add_argument("--slug", default="", help="slug of the pool to add to, or to make")
        parser.add_argument("--categories", type=Path, required=True, help="categories.csv")
        parser.add_argument("--respondents", type=Path, required=True, help="respondents.csv")
        parser.add_argument("--population", type=Path, help="population.csv: feature,value,share")
        parser.add_argument("--simulated", action="store_true", help="the people are invented")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        files = PoolFiles(
            categories=_read(options["categories"]),
            respondents=_read(options["respondents"]),
            population=_read(options["population"]) if options["population"] else None,
        )
        pool = Pool.objects.filter(slug=options["slug"]).first() if options["slug"] else None
        if pool is None and not options["name"]:
            raise CommandError("There is no such pool yet; give the new one a --name.")
        try:
            if options["dry_run"]:
                self._say(plan_import(pool=pool, files=files), "would be ")
                return
            with transaction.atomic():
                pool = pool or create_pool(
                    name=options["name"], slug=options["slug"], simulated=options["simulated"]
                )
                report = import_pool(pool=pool, files=files)
        except PoolImportRefused as refusal:
            for error in refusal.errors:
                self.stderr.write(f"{error.file}, row {error.row}: {error.message}")
            total = len(refusal.errors) + refusal.omitted
            raise CommandError(f"{total} error(s); nothing was imported.") from refusal
        self._say(report, "")
        self.stdout.write(f"The pool's slug is {pool.slug}.")

    def _say(self, report: ImportReport, would: str) -> None:
        if report.id_is_first_column:
            self.stdout.write(f"Ids were taken from the first column, {report.id_column!r}.")
        if report.ignored_columns:
            self.stdout.write(f"Columns not used: {', '.join(report.ignored_columns)}.")
        self.stdout.write(
            f"{report.added} {would}added, {report.updated} {would}updated, {report.kept} in the "
            f"pool and not in the file, {report.shares} population shares."
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise CommandError(f"{path} can't be read: {problem.strerror}.") from problem
