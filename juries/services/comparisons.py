"""Objectives side by side, as a Run, so that one is chosen with open eyes."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.urls import reverse

from juries.domain.candidates import InvalidCandidates
from juries.domain.comparison import ChanceStatistics, ObjectiveOutcome, compare_objectives
from juries.domain.lottery import SELECTION_METHODS
from juries.domain.quotas import InvalidQuota
from juries.domain.relaxation import InfeasibleQuotas
from juries.domain.search import Cancelled, LotteryProgress
from juries.models import Jury, ObjectiveComparison, Run, User
from juries.selectors.draws import draw_inputs, known_problems
from juries.services.draws import DRAWABLE_METHODS
from juries.services.lotteries import PROGRESS_STEPS, engine_version, finite
from juries.services.runs import RunCancelled, RunContext, RunRefused, request_run

KIND = "juries.compare"
DIGITS = 9


class ComparisonRefused(Exception):
    """A comparison can't be asked for; the message says why and what to do."""


@transaction.atomic
def request_comparison(
    *, jury: Jury, time_limit: float | None = 120.0, actor: User | None = None
) -> Run:
    """Ask for the objectives side by side; the caller sends the Run off.

    Args:
        jury: whose pool, size and quotas are looked at.
        time_limit: seconds for each method; None: as long as it takes.
        actor: who asks.

    Raises:
        ComparisonRefused: a seating rule can't hold, sums show that no panel exists, or a
            comparison is going on.
    """
    Jury.objects.select_for_update().get(pk=jury.pk)
    going = Run.objects.filter(
        kind=KIND, state__in=(Run.State.QUEUED, Run.State.RUNNING), parameters__jury=jury.pk
    )
    if going.exists():
        raise ComparisonRefused("A comparison of this jury is going on; wait for it or cancel it.")
    inputs = draw_inputs(jury=jury)
    problems = known_problems(inputs=inputs)
    if problems:
        raise ComparisonRefused(" ".join(problems))
    public_id = uuid.uuid4()
    return request_run(
        kind=KIND,
        title=f"Objectives for {jury.name}",
        parameters={"jury": jury.pk, "comparison": str(public_id), "time_limit": time_limit},
        input_digest=inputs.digest,
        requested_by=actor,
        page_path=reverse("comparison", args=[public_id]),
    )


def perform_comparison(context: RunContext) -> Mapping[str, Any]:
    """Find a lottery by each method and keep what it would mean for everybody.

    Raises:
        RunRefused: no panel meets the quotas.
        RunCancelled: somebody asked to stop.
    """
    run = context.run
    jury = Jury.objects.select_related("pool").get(pk=run.parameters["jury"])
    inputs = draw_inputs(jury=jury)
    if inputs.problems:
        raise RunRefused(" ".join(known_problems(inputs=inputs)))
    names = list(SELECTION_METHODS)

    def show(method: str, progress: LotteryProgress) -> None:
        share = progress.lower / progress.upper if progress.upper > 0 else 0.0
        done = names.index(method) * PROGRESS_STEPS + int(share * PROGRESS_STEPS)
        total = len(names) * PROGRESS_STEPS
        context.progress(
            min(total - 1, done), total, f"{SELECTION_METHODS[method].label}: {progress.stage}"
        )

    try:
        outcomes = compare_objectives(
            **inputs.arguments,
            time_limit=run.parameters["time_limit"],
            on_progress=show,
            should_stop=context.is_cancelled,
        )
    except Cancelled as stopped:
        raise RunCancelled from stopped
    except (InfeasibleQuotas, InvalidCandidates, InvalidQuota) as problem:
        raise RunRefused(str(problem)) from problem
    content = {
        "engine": engine_version(),
        "size": inputs.size,
        "candidates": len(inputs.profiles),
        "methods": [_outcome(outcome) for outcome in outcomes.values()],
    }
    comparison = ObjectiveComparison.objects.create(
        public_id=run.parameters["comparison"],
        jury=jury,
        run=run,
        input_digest=inputs.digest,
        content=content,
    )
    return {"comparison": str(comparison.public_id), "methods": list(outcomes)}


def _outcome(outcome: ObjectiveOutcome) -> dict[str, Any]:
    row: dict[str, Any] = {
        "method": outcome.method,
        "label": outcome.label,
        "sentence": outcome.sentence,
        "can_be_drawn_by": outcome.method in DRAWABLE_METHODS,
        "reason": outcome.reason,
    }
    if outcome.lottery is not None and outcome.summary is not None:
        row |= {
            "seconds": round(outcome.lottery.seconds, 3),
            "gap": finite(outcome.lottery.gap),
            "is_proven": outcome.lottery.is_proven,
            "simulated_panels": (
                outcome.lottery.estimate.runs if outcome.lottery.estimate is not None else None
            ),
            "everyone": _statistics(outcome.summary.everyone),
            "able": _statistics(outcome.summary.able),
            "cannot_sit": outcome.summary.cannot_sit,
            "chances": [round(chance, DIGITS) for chance in outcome.summary.sorted_chances],
        }
    return row


def _statistics(statistics: ChanceStatistics | None) -> dict[str, Any] | None:
    if statistics is None:
        return None
    return {
        name: round(value, DIGITS) if isinstance(value, float) else value
        for name, value in asdict(statistics).items()
    }
