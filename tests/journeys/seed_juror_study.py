"""Fills an empty database with a small study and prints links to its seats, as JSON.

Run as a program with DATABASE_URL set; journeys and the kill test start it beside their server.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "venire.settings")

QUESTIONS = (
    (
        "Should a town close its centre to cars if most shopkeepers are against it?",
        ("Close it for good", "Try it for one summer", "Leave it as it is"),
        (
            (
                "It depends on whose street it is thought to be. Those who trade there carry the "
                "risk in the first year.\n\n**A trial of one summer** would let both sides see:\n\n"
                "1. Fix beforehand what would count as failure.\n"
                "2. Keep the mornings open for deliveries.\n\n"
                "> A street is also a place to live."
            ),
            (
                "Yes. Where it was done, trade recovered within two years and the air within two "
                "months. Those against it should be helped over the gap, not asked for leave."
            ),
        ),
    ),
    (
        "May a school forbid telephones for the whole day?",
        ("Yes, for everyone", "Only in lessons", "No"),
        (
            (
                "A whole day without them gives back the breaks, and the breaks are where pupils "
                "learn to be with each other. Parents can ring the office."
            ),
            "Lessons, yes. Breaks, no: rules that reach into free time teach how to hide things.",
        ),
    ),
    (
        "Who should pay when a river floods houses that were built too close to it?",
        ("The owners", "All taxpayers", "Whoever allowed the building"),
        (
            "Whoever allowed the building. A permit is a promise that the place is fit to live in.",
            "Everyone, once. After that the owners, who then know.",
        ),
    ),
)


def seed(*, repeat: int = 1) -> dict[str, object]:
    """Make the study; returns the links and the study's public id."""
    from django.core.management import call_command
    from django.utils import timezone

    from annotations.models import Study
    from juries.models import Candidate, Juror, Jury, Pool, Seat
    from juries.services.invitations import invite

    call_command("migrate", verbosity=0)
    pool = Pool.objects.create(name="Riverside", slug="riverside")
    jury = Jury.objects.create(pool=pool, name="The Riverside jury", size=8)
    for number in range(1, 9):
        candidate = Candidate.objects.create(pool=pool, external_id=f"p{number}")
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number)
    study = Study.objects.create(
        jury=jury,
        title="Questions for a town",
        slug="questions-for-a-town",
        description="Three questions that towns argue about, and how two writers answered them.",
        state=Study.State.OPEN,
        consent_text=(
            "We ask you what you think, and how you find answers that others have written.\n\n"
            "- It takes about ten minutes.\n- There are **no right answers**.\n"
            "- What you say is published without your name."
        ),
        instructions=(
            "You read a question, say what you think, and then rate two responses.\n\n"
            "Please judge *as yourself*, not as you believe others would."
        ),
        debrief="We compare how people with different lives see the same answers.",
        completion_code="RIVER-2719",
        contact="jury@riverside.example",
        query_count=len(QUESTIONS) * repeat,
        is_simulated=True,
    )
    study.profile_questions.create(
        key="town", text="Do you live in a town?", options=["Yes", "No", "Both"], position=0
    )
    study.profile_questions.create(
        key="work", text="What do you work as?", kind="text", is_required=False, position=1
    )
    study.criteria.create(
        key="helpful",
        name="Helpful",
        question="How helpful is this response to somebody who asks?",
        low_label="not at all",
        high_label="very",
        position=0,
    )
    study.criteria.create(
        key="live_with",
        name="Could live with it",
        question="Could you live with this answer, even if it isn’t yours?",
        labels={
            "1": "Certainly not",
            "2": "Rather not",
            "3": "Either way",
            "4": "Rather yes",
            "5": "Certainly",
        },
        position=1,
    )
    study.criteria.create(
        key="represented",
        name="Represented",
        question="How well is your own view represented?",
        scale_kind="slider",
        low=0,
        high=100,
        low_label="not at all",
        high_label="entirely",
        position=2,
    )
    study.criteria.create(
        key="polite",
        name="Polite",
        question="Is it polite?",
        scale_kind="yes_no",
        low=0,
        high=1,
        position=3,
    )
    for position, kind in enumerate(("opinion", "choice", "rating", "preference")):
        study.steps.create(kind=kind, position=position, is_required=kind != "opinion")
    sources = [study.sources.create(name=name) for name in ("careful", "blunt")]
    for ordinal in range(len(QUESTIONS) * repeat):
        text, options, responses = QUESTIONS[ordinal % len(QUESTIONS)]
        query = study.queries.create(external_id=f"q{ordinal}", ordinal=ordinal, text=text)
        for position, option in enumerate(options):
            query.options.create(key=f"o{position}", text=option, position=position)
        for source, response in zip(sources, responses, strict=True):
            query.responses.create(
                source=source, external_id=f"q{ordinal}-{source.name}", text=response
            )
    issued = invite(seats=list(jury.seats.all()), expires_in=timedelta(days=1), now=timezone.now())
    return {"study": str(study.public_id), "links": [f"/j/{item.token}/" for item in issued]}


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(seed(repeat=int(sys.argv[1]) if len(sys.argv) > 1 else 1)))
