"""Write a study as a data set into a folder."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.models import Study
from annotations.ports import ExportOptions
from annotations.services.bundles import write_zip
from annotations.services.exports import ExportRefused, write_bundle
from annotations.services.table_files import FORMATS
from juries.services.audit import record_act


class Command(BaseCommand):
    help = "Writes a study as a data set: JSON Lines, CSV and Parquet, a card and a manifest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study's short name")
        parser.add_argument("--out", required=True, type=Path, help="new or empty folder")
        parser.add_argument(
            "--format",
            default="all",
            help=f"all, or some of {', '.join(FORMATS)} separated by commas",
        )
        parser.add_argument(
            "--suppress-below",
            type=int,
            default=0,
            metavar="K",
            help="blank traits until every combination is shared by K jurors",
        )
        parser.add_argument(
            "--current-only", action="store_true", help="leave out what jurors have changed since"
        )
        parser.add_argument(
            "--no-predicted", action="store_true", help="leave out what models predict"
        )
        parser.add_argument("--language", default="", help="ISO 639 code of the texts, such as en")
        parser.add_argument("--zip", action="store_true", help="also write FOLDER.zip")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["slug"]).first()
        if study is None:
            known = ", ".join(Study.objects.order_by("slug").values_list("slug", flat=True)[:20])
            raise CommandError(
                f"There is no study {options['slug']!r}. Studies here: {known or 'none'}."
            )
        formats = FORMATS if options["format"] == "all" else tuple(options["format"].split(","))
        folder: Path = options["out"]
        archive = folder.with_name(folder.name + ".zip")
        if options["zip"] and archive.exists():
            raise CommandError(f"{archive} is already there; name another folder.")
        try:
            manifest = write_bundle(
                study=study,
                folder=folder,
                options=ExportOptions(
                    suppress_below=options["suppress_below"],
                    include_predicted=not options["no_predicted"],
                    include_history=not options["current_only"],
                    language=options["language"],
                ),
                formats=formats,
            )
        except ExportRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["zip"]:
            write_zip(folder=folder, path=archive)
        record_act(
            actor=None,
            verb="exported from the command line",
            subject=study,
            details={"content_sha256": manifest["content_sha256"]},
        )
        if manifest["is_simulated"]:
            self.stderr.write(self.style.WARNING("SIMULATED: this study has invented jurors."))
        for table in manifest["tables"]:
            self.stdout.write(f"{table['name']:<20} {table['rows']:>10,} rows")
        self.stdout.write(f"content SHA-256 {manifest['content_sha256']}")
        self.stdout.write(self.style.SUCCESS(f"written to {folder}"))
