"""Reads of seating rules: who must sit, who must not, and which rules can't hold."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from juries.models import Candidate, Jury, SeatingRule
from juries.selectors.exposure import sitting_out

MOST_FOUND = 20
"""How many people a search for candidates shows."""


@dataclass(frozen=True)
class RuleProblem:
    """A rule that can't hold: whom it is about (a public id), and why, with a way out."""

    candidate: str
    message: str


@dataclass(frozen=True)
class Seating:
    """Whose part in a draw is settled before it, as public ids in order.

    `must_sit` are those who can; `barred` must not sit by a rule, `resting` sit out after another
    jury. `problems` are rules that stop a draw until they are taken off.
    """

    must_sit: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
    resting: tuple[str, ...] = ()
    problems: tuple[RuleProblem, ...] = ()

    @property
    def must_not_sit(self) -> tuple[str, ...]:
        """Those barred and those resting."""
        return tuple(sorted({*self.barred, *self.resting}))


def seating_of(*, jury: Jury, known: Collection[str]) -> Seating:
    """The rules of a jury and who rests, among the candidates `known` (public ids) to be drawable.

    A rule that somebody must not sit asks nothing of those who can't be drawn anyway; a rule that
    somebody must sit is a problem then, and where she rests. One query, and those of `sitting_out`.
    """
    among = frozenset(known)
    resting = [who for who in sitting_out(jury=jury) if who in among]
    at_rest = frozenset(resting)
    must_sit: list[str] = []
    barred: list[str] = []
    problems: list[RuleProblem] = []
    for row in jury.seating_rules.select_related("candidate").order_by("candidate__public_id"):
        who = str(row.candidate.public_id)
        if row.rule == SeatingRule.Rule.MUST_NOT_SIT:
            if who in among:
                barred.append(who)
        elif who not in among or who in at_rest:
            problems.append(RuleProblem(who, _why_she_cannot(jury, row.candidate)))
        else:
            must_sit.append(who)
    return Seating(tuple(must_sit), tuple(barred), tuple(resting), tuple(problems))


def _why_she_cannot(jury: Jury, candidate: Candidate) -> str:
    """Why a rule that a candidate must sit can't hold."""
    way_out = "take the rule off on the tab “Seating rules”"
    who = f"Candidate {candidate.public_id} must sit"
    if candidate.pool_id != jury.pool_id:
        return f"{who} and is not in the pool of this jury; {way_out}."
    if candidate.state == Candidate.State.WITHDRAWN:
        return f"{who} and has withdrawn; {way_out}."
    if candidate.state != Candidate.State.ACTIVE:
        return f"{who} and can't be drawn ({candidate.get_state_display()}); {way_out}."
    return (
        f"{who} and rests after another jury, under the {jury.rest_months} month(s) that this "
        f"jury asks for; {way_out}, or change the rest on the tab “Details”."
    )


def rules_of(*, jury: Jury) -> QuerySet[SeatingRule]:
    """The rules of a jury with their people, those who must sit first."""
    return jury.seating_rules.select_related("candidate__contact", "created_by").order_by(
        "-rule", "candidate__external_id", "id"
    )


def find_candidates(*, jury: Jury, text: str) -> Sequence[Candidate]:
    """People of the jury's pool whose id, name or address contains a text, or whose code it is.

    For those who may see identities. At most `MOST_FOUND`; nobody who has withdrawn, and nobody for
    an empty text.
    """
    wanted = text.strip()
    if not wanted:
        return []
    match = (
        Q(external_id__icontains=wanted)
        | Q(contact__name__icontains=wanted)
        | Q(contact__email__icontains=wanted)
    )
    code = as_code(wanted)
    if code is not None:
        match |= Q(public_id=code)
    people = jury.pool.candidates.exclude(state=Candidate.State.WITHDRAWN).filter(match)
    return list(people.select_related("contact").order_by("external_id")[:MOST_FOUND])


def ids_of(*, jury: Jury, codes: Sequence[str]) -> list[str]:
    """Ids of the people in the jury's pool who have these codes; texts that are none are ignored.

    For those who may see identities. At most `MOST_FOUND`, as many as a search shows.
    """
    known = [code for text in codes[:MOST_FOUND] if (code := as_code(text)) is not None]
    people = jury.pool.candidates.filter(public_id__in=known).order_by("external_id")
    return list(people.values_list("external_id", flat=True))


def as_code(text: str) -> UUID | None:
    """A candidate's code (public id) as it is written; None where a text is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def in_force(*, jury: Jury) -> dict[str, Any]:
    """What a change of rules would bear on: whether people sit, and whether a record waits."""
    waiting = jury.published_records.filter(voided_at__isnull=True, drawn_at__isnull=True)
    return {
        "is_seated": jury.seats.exists(),
        "waiting_record": waiting.values_list("number", flat=True).first(),
    }
