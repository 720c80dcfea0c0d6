"""Which juries take people who come by themselves, and which have done so."""

from juries.models import Candidate, Jury, Run

# Kinds of Runs that seat people by lot.
DRAWS = ("juries.draw", "juries.replace")


def came_by_themselves(*, jury: Jury) -> bool:
    """Whether seats of this jury went to people who came by a way in."""
    return jury.seats.filter(juror__candidate__origin=Candidate.Origin.WAY_IN).exists()


def why_by_lot_only(*, jury: Jury) -> str:
    """Why nobody may sit on this jury without being drawn; empty where whoever comes may."""
    if jury.draws.exists() or jury.seats.filter(draw__isnull=False).exists():
        return (
            f"{jury.name} is drawn by lot. Whoever comes by herself can't sit among those who were "
            "drawn: make another jury for her, and another study for that jury."
        )
    going = Run.objects.filter(
        kind__in=DRAWS,
        state__in=(Run.State.QUEUED, Run.State.RUNNING),
        parameters__jury=jury.pk,
    )
    if going.exists():
        return f"{jury.name} is being drawn by lot. Cancel the draw, or make another jury."
    if jury.pool.is_simulated:
        return (
            f"The pool of {jury.name} holds invented people; real ones can't come into it. Make a "
            "pool and a jury for them."
        )
    return ""
