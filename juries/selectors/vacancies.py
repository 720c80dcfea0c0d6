"""Reads of vacant seats: who stays, who left, who stands ready, and what is still needed."""

from collections.abc import Sequence
from dataclasses import dataclass

from juries.domain.candidates import CandidateProfile, InvalidCandidates
from juries.domain.explanation import Explanation, explain
from juries.domain.panel_space import build_panel_space
from juries.domain.replacement import NothingToReplace, ResidualQuota, residual_quotas
from juries.models import Jury, Seat
from juries.selectors.alternates import ready_alternates
from juries.selectors.draws import DrawInputs, digest_of, draw_inputs
from juries.selectors.seating_rules import RuleProblem

OUTLOOK_SECONDS = 2.0
"""Time that the seats page takes at the most to say whether vacant seats can be filled."""


@dataclass(frozen=True)
class Vacancies:
    """What a replacement draw depends on: the pool and quotas, who stays, who left, rests or must
    not sit, and the alternates who stand ready. All people are public ids.

    `must_sit` are those who have one of the vacant seats for certain: a rule says that they must
    sit, and they never held one. `problems` are rules of that kind that can't hold.
    """

    inputs: DrawInputs
    staying: tuple[str, ...]
    gone: tuple[str, ...]
    alternates: tuple[str, ...]
    seats: tuple[Seat, ...]
    must_sit: tuple[str, ...] = ()
    problems: tuple[RuleProblem, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        return digest_of(
            {
                "inputs": self.inputs.digest,
                "staying": list(self.staying),
                "gone": list(self.gone),
                "alternates": list(self.alternates),
                "seats": [seat.number for seat in self.seats],
            }
        )

    def profiles_of(self, ids: Sequence[str]) -> list[CandidateProfile]:
        """Some of the candidates, by public id."""
        wanted = set(ids)
        return [profile for profile in self.inputs.profiles if profile.id in wanted]


def vacancies_of(*, jury: Jury) -> Vacancies:
    """The vacant seats, and who could take them."""
    seats = list(jury.seats.select_related("juror__candidate").order_by("number", "id"))
    inputs = draw_inputs(jury=jury)
    known = {profile.id for profile in inputs.profiles}
    staying = {str(seat.juror.candidate.public_id) for seat in seats if seat.is_sitting}
    gone = {str(seat.juror.candidate.public_id) for seat in seats if not seat.is_sitting}
    asked = staying | gone  # a rule has done its part for whoever held a seat
    gone.update(inputs.must_not_sit)
    away = (gone - staying) & known
    return Vacancies(
        inputs=inputs,
        staying=tuple(sorted(staying)),
        gone=tuple(sorted(away)),
        alternates=tuple(
            who for who in ready_alternates(jury=jury) if who in known and who not in away
        ),
        seats=tuple(seat for seat in seats if seat.state in Seat.VACANT),
        must_sit=tuple(who for who in inputs.must_sit if who not in asked),
        problems=tuple(problem for problem in inputs.problems if problem.candidate not in asked),
    )


@dataclass(frozen=True)
class Outlook:
    """What the vacant seats ask for, before anybody is drawn.

    `needed` are the residual quotas that exclude anybody; `explanation` says whether they can be
    met by those who are left. `must_sit` of the places are settled by seating rules. `problem` says
    why neither could be worked out; it is empty else.
    """

    places: int
    alternates: int
    must_sit: int = 0
    needed: tuple[ResidualQuota, ...] = ()
    explanation: Explanation | None = None
    problem: str = ""


def outlook_of(*, vacancies: Vacancies, seconds: float = OUTLOOK_SECONDS) -> Outlook | None:
    """What is still needed, and whether it can be had; None where no seat is vacant."""
    if not vacancies.seats:
        return None
    inputs = vacancies.inputs
    places, alternates = len(vacancies.seats), len(vacancies.alternates)
    must_sit = len(vacancies.must_sit)
    if vacancies.problems:
        said = " ".join(problem.message for problem in vacancies.problems)
        return Outlook(places, alternates, must_sit, problem=said)
    try:
        residuals = residual_quotas(
            staying=vacancies.profiles_of(vacancies.staying), quotas=inputs.quotas, size=inputs.size
        )
        space = build_panel_space(
            candidates=inputs.profiles,
            quotas=inputs.quotas,
            size=inputs.size,
            household_limit=inputs.household_limit,
            must_sit={*vacancies.staying, *vacancies.must_sit},
            must_not_sit=vacancies.gone,
        )
    except (InvalidCandidates, NothingToReplace) as problem:
        return Outlook(places, alternates, must_sit, problem=str(problem))
    return Outlook(
        places,
        alternates,
        must_sit,
        needed=tuple(residual for residual in residuals if residual.is_binding),
        explanation=explain(space=space, time_limit=seconds),
    )
