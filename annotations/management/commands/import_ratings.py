"""Make a study of ratings that were given elsewhere."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from annotations.domain.tables import (
    ENCODINGS,
    ColumnMissing,
    DeclaredScale,
    OutsideRatings,
    RatingColumns,
    TableUnreadable,
    read_rater_matrix,
    read_ratings,
    read_table,
)
from annotations.services.query_import import problem_lines
from annotations.services.raters import RatersRefused, raters_to_pool, seat_raters
from annotations.services.ratings_import import (
    RatedCriterion,
    RatingsImported,
    RatingsRefused,
    ratings_to_study,
    refuse_problems,
)
from juries.models import User

DICES_VALUES = {"Yes": 1.0, "No": 0.0, "Unsure": None}


class Command(BaseCommand):
    help = (
        "Makes a study of ratings from elsewhere: raters become a pool and a jury, what they rated "
        "becomes queries and responses."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a long table, or a rater matrix")
        parser.add_argument("--study-title", required=True, help="title of the new study")
        parser.add_argument("--slug", default="", help="its short name; made of the title")
        parser.add_argument(
            "--format",
            choices=("long", "dices"),
            default="long",
            help="long: a row for each rater and item; dices: JSON, position k is rater k",
        )
        for name in ("juror", "item", "text", "rating"):
            parser.add_argument(f"--{name}", default="", help=f"column of the {name} (long)")
        parser.add_argument("--query", default="", help="column of what the text answers (long)")
        parser.add_argument("--source", default="", help="column of who wrote the text (long)")
        parser.add_argument("--traits", default="", help="columns of traits, by commas (long)")
        parser.add_argument("--metric", default="", help="which of the annotations (dices)")
        parser.add_argument("--scale", default="", help="declared bounds, LOW,HIGH")
        parser.add_argument(
            "--step", type=float, default=1.0, help="distance of two values; 0: any number"
        )
        parser.add_argument(
            "--values",
            default="",
            help="words for numbers, such as Yes=1,No=0,Unsure= (nothing: can't say)",
        )
        parser.add_argument("--criterion", default="rating", help="what was rated")
        parser.add_argument("--question", default="", help="as it was asked")
        parser.add_argument("--query-text", default="", help="above items without a query")
        parser.add_argument("--licence", default="", help="licence of the data, such as cc-by-4.0")
        parser.add_argument("--description", default="", help="where the data comes from")
        parser.add_argument("--raters", type=Path, help="file with ids of the jury, one a line")
        parser.add_argument("--encoding", default="", choices=("", *ENCODINGS))
        parser.add_argument("--owner", default="", help="user who will own the study")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = None
        if options["owner"]:
            owner = User.objects.filter(username=options["owner"]).first()
            if owner is None:
                raise CommandError(f"There is no user {options['owner']!r}.")
        try:
            found = self._read(options)
            made = self._import(found, owner, options)
        except RatingsRefused as refusal:
            for line in problem_lines(refusal.problems, refusal.total):
                self.stderr.write(line)
            raise CommandError(str(refusal)) from refusal
        except (OSError, TableUnreadable, ColumnMissing, RatersRefused) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(
            self.style.SUCCESS(
                f"study {made.study.slug!r}: {made.ratings} ratings of {made.items} items to "
                f"{made.queries} queries by {made.jurors} jurors; {made.left_out} ratings of "
                "others left out"
            )
        )

    def _read(self, options: dict[str, Any]) -> OutsideRatings:
        path: Path = options["file"]
        data = path.read_bytes()
        scale = _scale(options)
        if options["format"] == "dices":
            try:
                document = json.loads(data.decode(options["encoding"] or "utf-8-sig"))
            except (ValueError, RecursionError) as problem:
                raise CommandError(f"{path.name} is no JSON: {problem}") from problem
            return read_rater_matrix(document, scale=scale, metric=options["metric"])
        missing = [name for name in ("juror", "item", "text", "rating") if not options[name]]
        if missing:
            raise CommandError(f"Say which column holds the {missing[0]}: --{missing[0]} COLUMN.")
        return read_ratings(
            read_table(data, name=path.name, encoding=options["encoding"]),
            columns=RatingColumns(
                juror=options["juror"],
                item=options["item"],
                text=options["text"],
                rating=options["rating"],
                query=options["query"],
                source=options["source"],
                traits=tuple(name for name in options["traits"].split(",") if name),
            ),
            scale=scale,
        )

    @staticmethod
    @transaction.atomic
    def _import(
        found: OutsideRatings, owner: User | None, options: dict[str, Any]
    ) -> RatingsImported:
        refuse_problems(found)
        title = options["study_title"]
        pool = raters_to_pool(
            raters=found.raters, traits=found.traits, name=f"Raters of {title}", actor=owner
        )
        chosen = None
        if options["raters"] is not None:
            chosen = options["raters"].read_text(encoding="utf-8-sig").split()
        jury = seat_raters(pool=pool, name=f"Jury of {title}", raters=chosen, actor=owner)
        return ratings_to_study(
            jury=jury,
            ratings=found,
            criterion=RatedCriterion(
                name=options["criterion"], scale=_scale(options), question=options["question"]
            ),
            title=title,
            slug=options["slug"],
            licence=options["licence"],
            description=options["description"],
            query_text=options["query_text"],
            actor=owner,
        )


def _scale(options: dict[str, Any]) -> DeclaredScale:
    dices = options["format"] == "dices"
    bounds = options["scale"] or ("0,1" if dices else "")
    try:
        low, high = (float(part) for part in bounds.split(","))
    except ValueError:
        raise CommandError(
            f"--scale is {bounds!r}; give the bounds as LOW,HIGH, such as 1,5."
        ) from None
    if not low < high:
        raise CommandError(f"--scale is {bounds}; the lower bound must be below the higher.")
    values: dict[str, float | None] = dict(DICES_VALUES) if dices else {}
    if options["values"]:
        values = {}
        for pair in options["values"].split(","):
            word, sign, number = pair.partition("=")
            try:
                values[word] = float(number) if number else None
            except ValueError:
                sign = ""
            if not sign:
                raise CommandError(f"--values: {pair!r} is not of the form WORD=NUMBER.")
            if (said := values[word]) is not None and not low <= said <= high:
                raise CommandError(f"--values: {pair} is outside the scale {bounds}.")
    return DeclaredScale(low=low, high=high, step=options["step"] or None, values=values)
