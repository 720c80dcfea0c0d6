"""Drawing a jury: asked for, performed as a Run, published.

A draw with a seed seats its panel at once. A draw by a public record ends with the lottery, rounded
to numbered panels; `juries.services.ceremony` takes it from there.
"""

import secrets
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from juries.domain.lottery import (
    DEFAULT_METHOD,
    SELECTION_METHODS,
    Lottery,
    Panel,
    draw_panel,
)
from juries.domain.panel_space import FloatArray
from juries.domain.rounding import UniformLottery
from juries.models import Draw, DrawChance, Jury, Run, User
from juries.selectors.draws import DrawInputs, digest_of, draw_inputs, known_problems
from juries.services.audit import record_act
from juries.services.lotteries import (
    PROGRESS_STEPS,
    find_for_run,
    finite,
    limit_sentences,
    lottery_record,
    make_record,
    round_for_run,
)
from juries.services.runs import RunContext, RunRefused, request_run
from juries.services.seating import ROWS_AT_A_TIME, candidate_keys, reason_against_seats, seat_panel

KIND = "juries.draw"
COMPARISON_ONLY = frozenset({"greedy"})
DRAWABLE_METHODS = MappingProxyType(
    {name: method for name, method in SELECTION_METHODS.items() if name not in COMPARISON_ONLY}
)
"""The domain's methods without those that are there to be compared with only."""


class DrawRefused(Exception):
    """A draw can't be asked for; the message says why and what to do."""


def reason_not_to_draw(*, jury: Jury) -> str:
    """Why this jury can't be drawn now, for people; empty where it can."""
    reason = reason_against_seats(jury=jury)
    if reason:
        return reason
    in_force = jury.published_records.defer("content").filter(voided_at__isnull=True).first()
    if in_force is not None and in_force.drawn_at is not None:
        return (
            f"The jury was drawn by its published record {in_force.number}. Drawing until the "
            "outcome pleases would not be a lottery; set up another jury."
        )
    if in_force is not None:
        return (
            f"Record {in_force.number} of this jury is published and waits for its public value "
            f"({in_force.source}). Enter it, or declare the record void and say why."
        )
    published = jury.draws.filter(purpose=Draw.Purpose.JURY, mode=Draw.Mode.SEED)
    if published.filter(published_at__isnull=False).exists():
        return (
            "The draw of this jury has been published. Drawing until the outcome pleases would "
            "not be a lottery; set up another jury."
        )
    going = Run.objects.filter(
        kind=KIND,
        state__in=(Run.State.QUEUED, Run.State.RUNNING),
        parameters__jury=jury.pk,
    ).first()
    if going is not None:
        return (
            f"A draw of this jury is {going.get_state_display().lower()}; wait for it or cancel it."
        )
    return ""


@transaction.atomic
def request_draw(
    *,
    jury: Jury,
    method: str = DEFAULT_METHOD,
    seed: str = "",
    mode: str = Draw.Mode.SEED,
    time_limit: float | None = 600.0,
    actor: User | None = None,
) -> Run:
    """Ask for a draw; the caller sends it off with `juries.tasks.enqueue_run`.

    Args:
        jury: who is drawn, from which pool, under which quotas.
        method: a name from `DRAWABLE_METHODS`.
        seed: the same inputs and seed draw the same panel; empty: a random one is made.
        mode: a `Draw.Mode`; by a published record there is no seed.
        time_limit: seconds for the search; None: as long as it takes.
        actor: who asks.

    Raises:
        DrawRefused: the method or the mode is unknown, a seed is given where none is used, a
            seating rule can't hold, sums show that no panel exists, or the jury sits.
    """
    Jury.objects.select_for_update().get(pk=jury.pk)
    if method not in DRAWABLE_METHODS:
        raise DrawRefused(
            f"There is no method {method!r} to draw by; there are: {', '.join(DRAWABLE_METHODS)}."
        )
    if mode not in Draw.Mode.values:
        raise DrawRefused(
            f"There is no way to draw {mode!r}; there are: {', '.join(Draw.Mode.values)}."
        )
    if mode == Draw.Mode.RECORD and seed.strip():
        raise DrawRefused(
            "A draw by a published record has no seed: a public value, named in the record, picks "
            "the panel. Leave the seed empty, or draw at once with it."
        )
    reason = reason_not_to_draw(jury=jury)
    if reason:
        raise DrawRefused(reason)
    inputs = draw_inputs(jury=jury)
    problems = known_problems(inputs=inputs)
    if problems:
        raise DrawRefused(" ".join(problems))
    public_id = uuid.uuid4()
    if mode == Draw.Mode.SEED:
        seed = seed.strip() or secrets.token_hex(16)
    run = request_run(
        kind=KIND,
        title=f"Draw of {jury.name}" if mode == Draw.Mode.SEED else f"Lottery for {jury.name}",
        parameters={
            "jury": jury.pk,
            "draw": str(public_id),
            "mode": mode,
            "method": method,
            "time_limit": time_limit,
        },
        input_digest=inputs.digest,
        seed=seed,
        requested_by=actor,
        page_path=reverse("draw", args=[public_id]),
    )
    record_act(
        actor=actor,
        verb="asked for a draw",
        subject=jury,
        details={"method": method, "mode": mode, "seed": seed},
    )
    return run


def perform_draw(context: RunContext) -> Mapping[str, Any]:
    """Find the lottery; then draw a panel with the seed and seat it, or number its panels.

    Raises:
        RunRefused: no panel meets the quotas, time ran out before one was found, or the pool or
            the quotas have changed since the draw was asked for.
    """
    run = context.run
    jury = Jury.objects.select_related("pool").get(pk=run.parameters["jury"])
    inputs = _current_inputs(jury=jury, run=run)
    lottery = find_for_run(context=context, inputs=inputs)
    limits = limit_sentences(inputs=inputs, lottery=lottery)
    if run.parameters.get("mode", Draw.Mode.SEED) == Draw.Mode.RECORD:
        rounded = round_for_run(context=context, inputs=inputs, lottery=lottery)
        context.stop_if_cancelled()
        draw = _keep_lottery(
            jury=jury, run=run, inputs=inputs, lottery=lottery, rounded=rounded, limits=limits
        )
        note, further = "ready to be published", {"largest_shift": rounded.largest_shift}
    else:
        panel = draw_panel(lottery=lottery, seed=run.seed)
        record = make_record(jury=jury, inputs=inputs, lottery=lottery, panel=panel, seed=run.seed)
        context.stop_if_cancelled()
        draw = _seat_panel(
            jury=jury, run=run, lottery=lottery, panel=panel, record=record, limits=limits
        )
        note, further = "seated", {}
    context.progress(PROGRESS_STEPS, PROGRESS_STEPS, note)
    return {
        "draw": str(draw.public_id),
        "record_digest": draw.record_digest,
        "panels": len(lottery.panels),
        "smallest_chance": lottery.smallest_chance,
        "lower_bound": finite(lottery.lower_bound),
        "upper_bound": finite(lottery.upper_bound),
        "gap": finite(lottery.gap),
        "is_proven": lottery.is_proven,
        **further,
    }


def _current_inputs(*, jury: Jury, run: Run) -> DrawInputs:
    inputs = draw_inputs(jury=jury)
    if inputs.digest != run.input_digest or inputs.problems:
        raise RunRefused(
            "The pool, the quotas, the seating rules or the size of the jury have changed since "
            "this draw was asked for. Look at the quotas again and ask for a new draw."
        )
    return inputs


@transaction.atomic
def _seat_panel(
    *,
    jury: Jury,
    run: Run,
    lottery: Lottery,
    panel: Panel,
    record: dict[str, Any],
    limits: Mapping[str, str],
) -> Draw:
    Jury.objects.select_for_update().get(pk=jury.pk)
    _current_inputs(jury=jury, run=run)  # somebody may have withdrawn while panels were sought
    if reason_against_seats(jury=jury):
        raise RunRefused(
            "A seat of the last draw was invited while this one went on; that draw stands."
        )
    draw = _store_draw(
        jury=jury, run=run, lottery=lottery, record=record, chances=lottery.chances, limits=limits
    )
    seat_panel(draw=draw, candidate_ids=panel.candidate_ids)
    record_act(
        actor=run.requested_by,
        verb="drew",
        subject=jury,
        details={"draw": str(draw.public_id), "record_digest": draw.record_digest},
    )
    return draw


@transaction.atomic
def _keep_lottery(
    *,
    jury: Jury,
    run: Run,
    inputs: DrawInputs,
    lottery: Lottery,
    rounded: UniformLottery,
    limits: Mapping[str, str],
) -> Draw:
    """Store a lottery whose panel a public value will pick. Nobody is seated."""
    Jury.objects.select_for_update().get(pk=jury.pk)
    _current_inputs(jury=jury, run=run)
    draw = _store_draw(
        jury=jury,
        run=run,
        lottery=lottery,
        record=lottery_record(jury=jury, inputs=inputs, lottery=lottery),
        chances=rounded.chances,
        limits=limits,
        numbered={
            "panels": [list(members) for members in rounded.panels],
            "largest_shift": rounded.largest_shift,
            "exceeding": list(rounded.exceeding),
        },
    )
    record_act(
        actor=run.requested_by,
        verb="found a lottery",
        subject=jury,
        details={"draw": str(draw.public_id), "record_digest": draw.record_digest},
    )
    return draw


def _store_draw(
    *,
    jury: Jury,
    run: Run,
    lottery: Lottery,
    record: dict[str, Any],
    chances: FloatArray,
    limits: Mapping[str, str],
    numbered: dict[str, Any] | None = None,
) -> Draw:
    """Write the draw and everybody's chance in it."""
    draw = Draw.objects.create(
        public_id=run.parameters["draw"],
        jury=jury,
        run=run,
        mode=Draw.Mode.SEED if numbered is None else Draw.Mode.RECORD,
        method=lottery.method,
        seed=run.seed,
        size=jury.size,
        smallest_chance=lottery.smallest_chance,
        lower_bound=finite(lottery.lower_bound),
        upper_bound=finite(lottery.upper_bound),
        gap=finite(lottery.gap),
        seconds=lottery.seconds,
        record=record,
        record_digest=digest_of(record),
        numbered=numbered or {},
    )
    keys = candidate_keys(jury=jury)
    DrawChance.objects.bulk_create(
        [
            DrawChance(
                draw=draw,
                candidate_id=keys[candidate_id],
                probability=min(1.0, max(0.0, float(chance))),
                limit=limits.get(candidate_id, ""),
            )
            for candidate_id, chance in zip(lottery.candidate_ids, chances, strict=True)
        ],
        batch_size=ROWS_AT_A_TIME,
    )
    return draw


@transaction.atomic
def publish_draw(*, draw: Draw, actor: User | None = None) -> Draw:
    """Show a draw with a seed to the public, for good. Publishing twice is the same as once.

    Raises:
        DrawRefused: it is drawn by a public record, which is published before the draw.
    """
    locked = Draw.objects.select_for_update().get(pk=draw.pk)
    if locked.mode == Draw.Mode.RECORD:
        raise DrawRefused(
            "This draw is made in public: publish its record, with the source of the public value."
        )
    if locked.published_at is None:
        locked.published_at = timezone.now()
        locked.save(update_fields=["published_at"])
        record_act(
            actor=actor,
            verb="published a draw",
            subject=locked.jury,
            details={"draw": str(locked.public_id), "record_digest": locked.record_digest},
        )
    return locked
