"""Drawing alternates in advance: how many, which lottery, and how far they reach."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.urls import reverse

from juries.domain.alternate_trials import enough_alternates, try_out
from juries.domain.alternates import AlternatePlan, NobodyToReplace, plan_alternates
from juries.domain.candidates import CandidateProfile
from juries.domain.dropout import DropoutRates
from juries.domain.lottery import draw_panel
from juries.models import Draw, Jury, Run, User
from juries.selectors.draws import DrawInputs
from juries.selectors.vacancies import Vacancies, vacancies_of
from juries.services.audit import record_act
from juries.services.draws import KIND as DRAW_KIND
from juries.services.lotteries import PROGRESS_STEPS, find_for_run, make_record
from juries.services.replacements import KIND as REPLACE_KIND
from juries.services.runs import RunContext, RunRefused, request_run
from juries.services.seating import keep_draw

KIND = "juries.alternates"


class AlternatesRefused(Exception):
    """Alternates can't be drawn; the message says why and what to do."""


@dataclass(frozen=True)
class Wanted:
    """What is expected of jurors, and how sure one wants to be (`level`, in (0, 1))."""

    rates: DropoutRates
    level: float


def plan_for(*, jury: Jury, wanted: Wanted) -> AlternatePlan:
    """How many alternates it takes; nothing is written.

    Raises:
        AlternatesRefused: nobody sits on the jury.
    """
    vacancies = vacancies_of(jury=jury)
    try:
        return _plan(vacancies, wanted)
    except NobodyToReplace as problem:
        raise AlternatesRefused(str(problem)) from problem


def _plan(vacancies: Vacancies, wanted: Wanted) -> AlternatePlan:
    return plan_alternates(
        seated=vacancies.profiles_of(vacancies.staying),
        left=_left(vacancies),
        quotas=vacancies.inputs.quotas,
        size=vacancies.inputs.size,
        rates=wanted.rates,
        level=wanted.level,
    )


def _left(vacancies: Vacancies) -> list[CandidateProfile]:
    """Those who could be alternates: not on the jury, not asked before, neither resting nor barred
    by a seating rule, and not from a household that has all its seats.
    """
    out = {*vacancies.staying, *vacancies.gone}
    full: dict[str, int] = {}
    for profile in vacancies.profiles_of(vacancies.staying):
        full[profile.household] = full.get(profile.household, 0) + 1
    limit = vacancies.inputs.household_limit
    return [
        profile
        for profile in vacancies.inputs.profiles
        if profile.id not in out
        and not (profile.household and limit and full.get(profile.household, 0) >= limit)
    ]


@transaction.atomic
def request_alternates(
    *,
    jury: Jury,
    wanted: Wanted,
    number: int | None = None,
    seed: str = "",
    time_limit: float | None = 600.0,
    actor: User | None = None,
) -> Run:
    """Ask for a draw of `number` alternates; the caller sends the Run off.

    None: as many as a simulation finds to be enough.

    Alternates that were drawn before are replaced by the new ones; those who took a seat keep it.

    Raises:
        AlternatesRefused: nobody sits, there aren't so many candidates, or a draw is going on.
    """
    Jury.objects.select_for_update().get(pk=jury.pk)
    vacancies = vacancies_of(jury=jury)
    if not vacancies.staying:
        raise AlternatesRefused("Nobody sits on the jury yet; draw it before its alternates.")
    left = len(_left(vacancies))
    if not left or (number is not None and not 1 <= number <= left):
        raise AlternatesRefused(
            f"{number} alternates were asked for; {left} candidates could be one, so ask for"
            f" 1 to {left}."
            if left
            else "No candidate is left who could be an alternate."
        )
    going = Run.objects.filter(
        kind__in=(KIND, DRAW_KIND, REPLACE_KIND),
        state__in=(Run.State.QUEUED, Run.State.RUNNING),
        parameters__jury=jury.pk,
    )
    if going.exists():
        raise AlternatesRefused("A draw of this jury is still going on; wait for it or cancel it.")
    public_id = uuid.uuid4()
    return request_run(
        kind=KIND,
        title=f"Alternates for {jury.name}",
        parameters={
            "jury": jury.pk,
            "draw": str(public_id),
            "method": "maximin",
            "time_limit": time_limit,
            "number": number,
            "level": wanted.level,
            "overall": wanted.rates.overall,
            "by_value": [
                [feature, value, rate]
                for (feature, value), rate in sorted(wanted.rates.by_value.items())
            ],
        },
        input_digest=vacancies.digest,
        seed=seed.strip() or secrets.token_hex(16),
        requested_by=actor,
        page_path=reverse("draw", args=[public_id]),
    )


def perform_alternates(context: RunContext) -> Mapping[str, Any]:
    """Draw alternates by lottery, and try out how often they would be enough.

    Raises:
        RunRefused: no set of alternates meets what was planned, or things have changed since.
    """
    run = context.run
    jury = Jury.objects.select_related("pool").get(pk=run.parameters["jury"])
    vacancies = _unchanged(jury=jury, run=run)
    wanted = Wanted(
        rates=DropoutRates(
            run.parameters["overall"],
            {(feature, value): rate for feature, value, rate in run.parameters["by_value"]},
        ),
        level=run.parameters["level"],
    )
    left = _left(vacancies)
    plan = _plan(vacancies, wanted)
    number = run.parameters["number"] or _enough(context, vacancies, wanted, plan)
    inputs = DrawInputs(
        profiles=tuple(left),
        quotas=plan.quotas(number=number),
        size=number,
        household_limit=vacancies.inputs.household_limit,
    )
    lottery = find_for_run(context=context, inputs=inputs)
    panel = draw_panel(lottery=lottery, seed=run.seed)
    record = make_record(jury=jury, inputs=inputs, lottery=lottery, panel=panel, seed=run.seed)
    chosen = set(panel.candidate_ids)
    context.stop_if_cancelled()
    context.log("trying out how often these alternates would be enough")
    tried = try_out(
        seated=vacancies.profiles_of(vacancies.staying),
        alternates=[profile for profile in left if profile.id in chosen],
        quotas=vacancies.inputs.quotas,
        size=vacancies.inputs.size,
        household_limit=vacancies.inputs.household_limit,
        rates=wanted.rates,
        seed=run.seed,
    )
    record["coverage"] = {
        "level": wanted.level,
        "met": tried.met,
        "trials": tried.trials,
        "low": round(tried.low, 6),
        "high": round(tried.high, 6),
    }
    chances = dict(zip(lottery.candidate_ids, map(float, lottery.chances), strict=True))
    context.stop_if_cancelled()
    draw = _store(jury=jury, run=run, record=record, chances=chances, chosen=chosen)
    return {
        "draw": str(draw.public_id),
        "record_digest": draw.record_digest,
        "alternates": number,
        "coverage": record["coverage"],
    }


def _enough(context: RunContext, vacancies: Vacancies, wanted: Wanted, plan: AlternatePlan) -> int:
    def checkpoint(number: int) -> None:
        context.stop_if_cancelled()
        context.progress(0, PROGRESS_STEPS, f"trying out {number} alternates")

    number = enough_alternates(
        plan=plan,
        seated=vacancies.profiles_of(vacancies.staying),
        left=_left(vacancies),
        quotas=vacancies.inputs.quotas,
        size=vacancies.inputs.size,
        household_limit=vacancies.inputs.household_limit,
        rates=wanted.rates,
        seed=context.run.seed,
        checkpoint=checkpoint,
    )
    context.log(f"{plan.number} alternates by counting, {number} by trying sets out")
    return number


def _unchanged(*, jury: Jury, run: Run) -> Vacancies:
    vacancies = vacancies_of(jury=jury)
    if vacancies.digest != run.input_digest:
        raise RunRefused(
            "The pool, the quotas, the seating rules or the seats have changed since these"
            " alternates were asked for. Look at the seats and ask again."
        )
    return vacancies


@transaction.atomic
def _store(
    *,
    jury: Jury,
    run: Run,
    record: dict[str, Any],
    chances: Mapping[str, float],
    chosen: set[str],
) -> Draw:
    Jury.objects.select_for_update().get(pk=jury.pk)
    _unchanged(jury=jury, run=run)
    draw = keep_draw(
        run=run,
        jury=jury,
        purpose=Draw.Purpose.ALTERNATES,
        record=record,
        chances=chances,
        chosen=chosen,
    )
    record_act(
        actor=run.requested_by,
        verb="drew alternates",
        subject=jury,
        details={
            "draw": str(draw.public_id),
            "alternates": len(chosen),
            "record_digest": draw.record_digest,
        },
    )
    return draw
