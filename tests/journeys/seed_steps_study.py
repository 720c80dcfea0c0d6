"""Fills an empty database with two studies: quiz, ranking and reason; and words that mattered.

Run as a program with DATABASE_URL set; prints links to its seats, as JSON.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "venire.settings")

TEXTS = (
    "Close it, but **try it for a summer** first, and fix beforehand what would count as failure.",
    "Leave it as it is. Those who trade there carry the risk, and nobody has asked them.",
    "Ask those who live in the street. It is their air, and their noise at night.",
)


MARKED = (
    "Close it, but **try it for a summer** first 👩‍👩‍👧, and say what would count as failure.\n"
    "\n"
    "- *Nobody* asked the traders.\n"
    "- It is `their` air, too.\n"
)


def seed() -> dict[str, object]:
    """Make the study; returns the links to its seats."""
    from django.core.management import call_command
    from django.utils import timezone

    from annotations.models import Study
    from juries.models import Candidate, Juror, Jury, Pool, Seat
    from juries.services.invitations import invite

    call_command("migrate", verbosity=0)
    pool = Pool.objects.create(name="Riverside", slug="riverside")
    jury = Jury.objects.create(pool=pool, name="The Riverside jury", size=5)
    for number in range(1, 6):
        candidate = Candidate.objects.create(pool=pool, external_id=f"p{number}")
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number)
    study = Study.objects.create(
        jury=jury,
        title="A street for a town",
        slug="a-street",
        state=Study.State.OPEN,
        consent_text="We ask you to put answers in order.",
        instructions="Put the answers in order, the best first. You may go back and change it.",
        query_count=2,
        is_simulated=True,
    )
    study.quiz_questions.create(
        key="change",
        text="May you change your mind?",
        options=["Yes, I can go back", "No, an answer stands"],
        right="Yes, I can go back",
        explanation="The instructions say: you may go back and change it.",
    )
    study.steps.create(kind="ranking", position=0)
    study.steps.create(kind="reason", position=1, is_required=False)
    sources = [study.sources.create(name=name) for name in ("careful", "blunt", "near")]
    for ordinal in range(2):
        query = study.queries.create(
            external_id=f"q{ordinal}", ordinal=ordinal, text="Should the high street be closed?"
        )
        for source, text in zip(sources, TEXTS, strict=True):
            query.responses.create(
                source=source, external_id=f"q{ordinal}-{source.name}", text=text
            )
    day = timedelta(days=1)
    issued = invite(seats=list(jury.seats.all()), expires_in=day, now=timezone.now())
    jury = Jury.objects.create(pool=pool, name="Another jury", size=4)
    for number in range(1, 5):
        candidate = Candidate.objects.create(pool=pool, external_id=f"m{number}")
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number)
    study = Study.objects.create(
        jury=jury,
        title="What mattered",
        slug="what-mattered",
        state=Study.State.OPEN,
        consent_text="We ask you which words mattered to you.",
        instructions="Mark what mattered to you. You may go back and change it.",
        query_count=1,
        is_simulated=True,
    )
    study.steps.create(kind="highlight", position=0)
    study.steps.create(kind="reason", position=1, is_required=False)
    query = study.queries.create(
        external_id="q", ordinal=0, text="Should the high street be closed?"
    )
    query.responses.create(
        source=study.sources.create(name="careful"), external_id="q-careful", text=MARKED
    )
    marking = invite(seats=list(jury.seats.all()), expires_in=day, now=timezone.now())
    return {
        "links": [f"/j/{item.token}/" for item in issued],
        "marking": [f"/j/{item.token}/" for item in marking],
    }


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(seed()))
