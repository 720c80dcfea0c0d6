"""Make a study of a conversation that was held with Pol.is."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.domain.tables import ENCODINGS, ColumnMissing, TableUnreadable, read_table
from annotations.services.raters import RatersRefused
from juries.models import User
from overton.domain.answer_tables import read_conversation
from overton.models import Judgement
from overton.services.answer_import import (
    ImportRefused,
    VoteMeaning,
    VoteReading,
    conversation_to_study,
)

HOLDS = {"yes": True, "no": False, "": None}


class Command(BaseCommand):
    help = (
        "Makes a study of a Pol.is conversation: its statements become answers to one query, its "
        "voters a pool and a jury, their votes judgements by a declared reading."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("comments", type=Path, help="comments.csv of the export")
        parser.add_argument("votes", type=Path, help="votes.csv of the export")
        parser.add_argument("--study-title", required=True, help="title of the new study")
        parser.add_argument("--query", required=True, help="the question that statements answer")
        parser.add_argument("--slug", default="", help="its short name; made of the title")
        default = VoteReading()
        for name, meaning in (
            ("agree", default.agree),
            ("disagree", default.disagree),
            ("pass", default.skip),
        ):
            word = {True: "yes", False: "no", None: ""}[meaning.holds]
            parser.add_argument(
                f"--{name}",
                default=",".join(part for part in (meaning.verdict, word) if part),
                metavar="VERDICT,HOLDS",
                help=f"what it says to {name}: a verdict, and yes or no for holding the view",
            )
        parser.add_argument(
            "--groups",
            type=Path,
            help="participants-votes.csv of the export, for the voters' opinion groups",
        )
        parser.add_argument("--licence", default="", help="licence of the data, such as cc-by-4.0")
        parser.add_argument("--description", default="", help="where the data comes from")
        parser.add_argument("--encoding", default="", choices=("", *ENCODINGS))
        parser.add_argument("--owner", default="", help="user who will own the study")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = None
        if options["owner"]:
            owner = User.objects.filter(username=options["owner"]).first()
            if owner is None:
                raise CommandError(f"There is no user {options['owner']!r}.")
        reading = VoteReading(
            agree=_meaning("agree", options["agree"]),
            disagree=_meaning("disagree", options["disagree"]),
            skip=_meaning("pass", options["pass"]),
        )
        try:
            tables = [
                read_table(path.read_bytes(), name=path.name, encoding=options["encoding"])
                for path in (options["comments"], options["votes"])
            ]
            groups = None
            if options["groups"] is not None:
                groups = _groups(options["groups"], options["encoding"])
            made = conversation_to_study(
                conversation=read_conversation(*tables),
                title=options["study_title"],
                query_text=options["query"],
                reading=reading,
                groups=groups,
                slug=options["slug"],
                licence=options["licence"],
                description=options["description"],
                actor=owner,
            )
        except (OSError, TableUnreadable, ColumnMissing, ImportRefused, RatersRefused) as problem:
            raise CommandError(str(problem)) from problem
        if reading.is_one_sided:
            self.stderr.write(
                self.style.WARNING(
                    "By this reading every verdict is of one kind, so that shares of verdicts say "
                    "nothing; read who holds a view."
                )
            )
        self.stdout.write(reading.in_words())
        self.stdout.write(
            self.style.SUCCESS(
                f"study {made.study.slug!r}: {made.answers} answers, {made.hidden} of them taken "
                f"out by moderators; {made.judgements} judgements by {made.jurors} jurors, and "
                f"{made.superseded} that they changed; left out: {made.blank} statements without "
                f"words, {made.stray} votes on statements that are not there"
            )
        )


def _meaning(name: str, text: str) -> VoteMeaning:
    verdict, _, held = text.partition(",")
    if verdict not in Judgement.Verdict.values or held not in HOLDS:
        raise CommandError(
            f"--{name} is {text!r}; give VERDICT, or VERDICT,yes, or VERDICT,no with one of "
            f"{', '.join(Judgement.Verdict.values)}."
        )
    return VoteMeaning(verdict, HOLDS[held])


def _groups(path: Path, encoding: str) -> dict[str, str]:
    table = read_table(path.read_bytes(), name=path.name, encoding=encoding)
    voter, group = table.place("participant"), table.place("group-id")
    return {
        cells[voter].strip(): f"group {cells[group].strip()}"
        for _, cells in table.rows
        if cells[group].strip()
    }
