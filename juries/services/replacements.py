"""Drawing people for seats that fell vacant, given who stays."""

import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.urls import reverse

from juries.domain.lottery import DEFAULT_METHOD, draw_panel
from juries.domain.replacement import Preference, prefer_alternates
from juries.models import Draw, Jury, Run, Seat, User
from juries.selectors.newcomers import came_by_themselves
from juries.selectors.vacancies import Vacancies, vacancies_of
from juries.services.audit import record_act
from juries.services.lotteries import find_for_run, make_record
from juries.services.runs import RunContext, RunRefused, request_run
from juries.services.seating import candidate_keys, keep_draw, seat_candidate

KIND = "juries.replace"


class ReplacementRefused(Exception):
    """Replacements can't be drawn; the message says why and what to do."""


_PREFERENCE_SECONDS = 60.0
"""Time that it may take to find out how many alternates fit."""


@transaction.atomic
def request_replacement(
    *,
    jury: Jury,
    seed: str = "",
    time_limit: float | None = 600.0,
    actor: User | None = None,
) -> Run:
    """Ask for replacements on all vacant seats; the caller sends the Run off.

    Raises:
        ReplacementRefused: no seat is vacant, a seating rule can't hold, or a draw of this jury is
            still going on.
    """
    Jury.objects.select_for_update().get(pk=jury.pk)
    if came_by_themselves(jury=jury):
        raise ReplacementRefused(
            "The people of this jury came by themselves; nobody was drawn. Let others come in the "
            "same way: those who are drawn can't sit among them."
        )
    vacancies = vacancies_of(jury=jury)
    if not vacancies.seats:
        raise ReplacementRefused(
            "No seat is vacant. A seat is vacant once its juror has declined or withdrawn."
        )
    if vacancies.problems:
        raise ReplacementRefused(" ".join(problem.message for problem in vacancies.problems))
    going = Run.objects.filter(
        kind__in=(KIND, "juries.draw", "juries.alternates"),
        state__in=(Run.State.QUEUED, Run.State.RUNNING),
        parameters__jury=jury.pk,
    )
    if going.exists():
        raise ReplacementRefused("A draw of this jury is still going on; wait for it or cancel it.")
    public_id = uuid.uuid4()
    return request_run(
        kind=KIND,
        title=f"Replacements for {jury.name}",
        parameters={
            "jury": jury.pk,
            "draw": str(public_id),
            "method": DEFAULT_METHOD,
            "time_limit": time_limit,
        },
        input_digest=vacancies.digest,
        seed=seed.strip() or secrets.token_hex(16),
        requested_by=actor,
        page_path=reverse("draw", args=[public_id]),
    )


def perform_replacement(context: RunContext) -> Mapping[str, Any]:
    """Draw panels that keep everyone who stays, and seat those who are new.

    As many seats as possible go to alternates who stand ready; which of them, and who beside them,
    is decided by the lottery.

    Raises:
        RunRefused: no panel with those who stay meets the quotas, or things have changed since.
    """
    run = context.run
    jury = Jury.objects.select_related("pool").get(pk=run.parameters["jury"])
    vacancies = _unchanged(jury=jury, run=run)
    inputs = replace(vacancies.inputs, must_sit=vacancies.must_sit)
    preference = _preference(vacancies)
    if vacancies.alternates:
        context.log(f"alternates can fill {preference.most} of {len(vacancies.seats)} vacant seats")
    lottery = find_for_run(
        context=context,
        inputs=replace(
            inputs,
            profiles=preference.candidates,
            quotas=preference.quotas,
            must_not_sit=(),  # they stand among the `gone`, but for those who sit already
        ),
        staying=vacancies.staying,
        gone=vacancies.gone,
    )
    panel = draw_panel(lottery=lottery, seed=run.seed)
    record = make_record(jury=jury, inputs=inputs, lottery=lottery, panel=panel, seed=run.seed)
    record["staying"] = list(vacancies.staying)
    record["gone"] = list(vacancies.gone)
    if vacancies.alternates:
        record["alternates"] = list(vacancies.alternates)
        record["from_alternates"] = preference.most
    chances = {
        candidate_id: float(chance)
        for candidate_id, chance in zip(lottery.candidate_ids, lottery.chances, strict=True)
        if candidate_id not in vacancies.gone
    }
    new = list(panel.candidate_ids)
    context.stop_if_cancelled()
    draw = _seat_replacements(jury=jury, run=run, record=record, chances=chances, new=new)
    return {"draw": str(draw.public_id), "record_digest": draw.record_digest, "seats": len(new)}


def _preference(vacancies: Vacancies) -> Preference:
    inputs = vacancies.inputs
    ends = time.monotonic() + _PREFERENCE_SECONDS
    return prefer_alternates(
        candidates=inputs.profiles,
        staying=vacancies.staying,
        alternates=vacancies.alternates,
        quotas=inputs.quotas,
        size=inputs.size,
        household_limit=inputs.household_limit,
        must_sit=vacancies.must_sit,
        must_not_sit=vacancies.gone,
        time_left=lambda: ends - time.monotonic(),
    )


def _unchanged(*, jury: Jury, run: Run) -> Vacancies:
    vacancies = vacancies_of(jury=jury)
    if vacancies.digest != run.input_digest or vacancies.problems:
        raise RunRefused(
            "The pool, the quotas, the seating rules or the seats have changed since these "
            "replacements were asked for. Look at the seats and ask again."
        )
    return vacancies


@transaction.atomic
def _seat_replacements(
    *, jury: Jury, run: Run, record: dict[str, Any], chances: Mapping[str, float], new: list[str]
) -> Draw:
    Jury.objects.select_for_update().get(pk=jury.pk)
    vacancies = _unchanged(jury=jury, run=run)
    draw = keep_draw(
        run=run,
        jury=jury,
        purpose=Draw.Purpose.REPLACEMENT,
        record=record,
        chances=chances,
        chosen=new,
    )
    keys = candidate_keys(jury=jury)
    for vacant, candidate_id in zip(vacancies.seats, new, strict=True):
        vacant.state = Seat.State.REPLACED
        vacant.save(update_fields=["state", "changed_at"])
        seat_candidate(
            jury=jury,
            draw=draw,
            candidate_id=keys[candidate_id],
            number=vacant.number,
            replaces=vacant,
        )
    record_act(
        actor=run.requested_by,
        verb="drew replacements",
        subject=jury,
        details={
            "draw": str(draw.public_id),
            "seats": [seat.number for seat in vacancies.seats],
            "record_digest": draw.record_digest,
        },
    )
    return draw
