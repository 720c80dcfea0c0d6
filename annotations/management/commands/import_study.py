"""Make the study that a bundle holds."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.services.bundles import BundleRefused
from annotations.services.study_import import import_bundle
from juries.models import User


class Command(BaseCommand):
    help = "Makes the study of an exported bundle: all of it, or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bundle", type=Path, help="folder or zip")
        parser.add_argument(
            "--slug",
            default="",
            help="short name of the study; makes a copy under new ids where it is already here",
        )
        parser.add_argument("--owner", default="", help="user who will own the study")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["bundle"]
        if not path.exists():
            raise CommandError(f"There is nothing at {path}.")
        owner = None
        if options["owner"]:
            owner = User.objects.filter(username=options["owner"]).first()
            if owner is None:
                raise CommandError(f"There is no user {options['owner']!r}.")
        try:
            imported = import_bundle(path=path, slug=options["slug"], actor=owner)
        except BundleRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        for name, rows in imported.rows.items():
            self.stdout.write(f"{name:<20} {rows:>10,} rows")
        self.stdout.write(self.style.SUCCESS(f"study {imported.study.slug!r} is here"))
