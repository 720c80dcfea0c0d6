"""Convert the language models that ship inside Python packages, once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from models_runner.backends.language.packaged import (
    PACKAGED,
    PackagedModel,
    convert,
    installed_version,
    is_installed,
    packaged_model,
)
from models_runner.ports import ModelUnavailable


class Command(BaseCommand):
    help = (
        "Converts the language models that ship inside Python packages, so that they load in a "
        "moment. What is converted already is left as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--package", action="append", default=[], help="only this one; may stand several times"
        )
        parser.add_argument(
            "--accept-terms",
            action="store_true",
            help="you have read and accept the terms of a model that has some",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = [packaged_model(name) for name in options["package"]]
            for model in chosen or _by_default():
                if model.terms and not options["accept_terms"]:
                    raise CommandError(
                        f"{model.package} comes under the {model.licence} ({model.terms}). Read "
                        "them, and add --accept-terms if you accept them."
                    )
                convert(model, folder=settings.LANGUAGE_MODELS_DIR, say=self.stdout.write)
        except ModelUnavailable as problem:
            raise CommandError(str(problem)) from problem
        for model in PACKAGED.values():
            if is_installed(model):
                self.stdout.write(
                    f"Register it as: backend embedded, location {model.package}, revision "
                    f"{installed_version(model)}, template {'chat' if model.chat else 'plain'}"
                )


def _by_default() -> list[PackagedModel]:
    """Models without terms of their own."""
    return [model for model in PACKAGED.values() if not model.terms]
