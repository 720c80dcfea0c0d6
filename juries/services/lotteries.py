"""Lotteries inside Runs: found, rounded, explained, written down."""

from collections.abc import Collection, Mapping
from importlib.metadata import version
from math import isfinite
from typing import Any

import venire
from juries.domain.candidates import InvalidCandidates
from juries.domain.expansion import TICKETS
from juries.domain.limits import limits_of_chances
from juries.domain.lottery import Lottery, Panel, UnknownMethod, find_lottery
from juries.domain.panel_solver import SolverFailed
from juries.domain.panel_space import build_panel_space
from juries.domain.quotas import InvalidQuota
from juries.domain.relaxation import InfeasibleQuotas
from juries.domain.replacement import NothingToReplace, find_replacements
from juries.domain.rounding import UniformLottery, round_lottery
from juries.domain.search import Cancelled, LotteryProgress, OutOfTime
from juries.models import Jury
from juries.selectors.draws import DrawInputs, quotas_as_json
from juries.services.runs import RunCancelled, RunContext, RunRefused

RECORD_FORMAT = "venire-draw-1"
LOTTERY_FORMAT = "venire-draw-lottery-1"
PROGRESS_STEPS = 1000


def find_for_run(
    *,
    context: RunContext,
    inputs: DrawInputs,
    staying: Collection[str] | None = None,
    gone: Collection[str] = (),
) -> Lottery:
    """Find a lottery inside a Run: with progress, cancelling, and refusals in words.

    With `staying` (public ids, perhaps none) the lottery is over replacements for the others'
    places, among all but the `gone`.

    Raises:
        RunRefused: no panel meets the quotas, none was found in time, or the solver gave up.
        RunCancelled: somebody asked to stop.
    """
    context.log(f"{len(inputs.profiles)} candidates, {len(inputs.quotas)} quotas")
    context.progress(0, PROGRESS_STEPS, "looking for panels")

    def show(progress: LotteryProgress) -> None:
        share = progress.lower / progress.upper if progress.upper > 0 else 0.0
        context.progress(
            min(PROGRESS_STEPS - 1, int(share * PROGRESS_STEPS)),
            PROGRESS_STEPS,
            f"{progress.stage}: {progress.panels} panels, smallest chance {progress.lower:.4f}, "
            f"at most {progress.upper:.4f} is possible",
        )

    common: dict[str, Any] = {
        **inputs.arguments,
        "method": str(context.run.parameters["method"]),
        "time_limit": context.run.parameters["time_limit"],
        "on_progress": show,
        "should_stop": context.is_cancelled,
    }
    try:
        if staying is None:
            lottery = find_lottery(**common)
        else:
            common["must_not_sit"] = {*inputs.must_not_sit, *gone}
            lottery = find_replacements(staying=staying, **common).lottery
    except Cancelled as stopped:
        raise RunCancelled from stopped
    except (
        InfeasibleQuotas,
        InvalidCandidates,
        InvalidQuota,
        NothingToReplace,
        OutOfTime,
        UnknownMethod,
    ) as problem:
        raise RunRefused(str(problem)) from problem
    except SolverFailed as problem:
        raise RunRefused(
            f"{problem} Start the Run again; if it ends so once more, choose another objective or "
            "widen a quota by a seat."
        ) from problem
    context.log(
        f"{len(lottery.panels)} panels in {lottery.seconds:.1f} s; smallest chance "
        f"{lottery.smallest_chance:.6f}; {lottery.method} between {lottery.lower_bound:.6f} and "
        f"{lottery.upper_bound:.6f}, gap {lottery.gap:.2g}"
    )
    return lottery


def engine_version() -> str:
    """What computed a lottery: it may differ in the last digits between versions."""
    return f"venire {venire.__version__}, highspy {version('highspy')}"


def lottery_record(*, jury: Jury, inputs: DrawInputs, lottery: Lottery) -> dict[str, Any]:
    """The whole lottery without identities or traits.

    Weights are whole numbers of `tickets_total` tickets, panels lists of places in `candidates`.
    `must_sit` stands in it only where somebody must, as in no record before there were rules.
    """
    return {
        "format": LOTTERY_FORMAT,
        "engine": engine_version(),
        "jury": str(jury.public_id),
        "size": lottery.size,
        "household_limit": inputs.household_limit,
        "must_not_sit": list(inputs.must_not_sit),
        "pool_digest": inputs.pool_digest,
        "quotas": quotas_as_json(inputs.quotas),
        "method": lottery.method,
        "candidates": list(lottery.candidate_ids),
        **({"must_sit": list(inputs.must_sit)} if inputs.must_sit else {}),
        "panels": [list(members) for members in lottery.panels],
        "tickets": list(lottery.tickets),
        "tickets_total": TICKETS,
        "smallest_chance": round(lottery.smallest_chance, 12),
        "lower_bound": finite(round(lottery.lower_bound, 12)),
        "upper_bound": finite(round(lottery.upper_bound, 12)),
        "gap": finite(round(lottery.gap, 12)),
        "is_proven": lottery.is_proven,
    }


def finite(value: float) -> float | None:
    """A bound, or None where it is infinite, which JSON can't say."""
    return value if isfinite(value) else None


def make_record(
    *, jury: Jury, inputs: DrawInputs, lottery: Lottery, panel: Panel, seed: str
) -> dict[str, Any]:
    """The lottery and what the seed drew from it; `docs/verify_seeded_draw.py` checks it."""
    return {
        **lottery_record(jury=jury, inputs=inputs, lottery=lottery),
        "format": RECORD_FORMAT,
        "seed": seed,
        "drawn": {
            "ticket": panel.ticket,
            "panel": panel.number,
            "candidates": list(panel.candidate_ids),
        },
    }


def round_for_run(*, context: RunContext, inputs: DrawInputs, lottery: Lottery) -> UniformLottery:
    """Round a lottery to numbered panels inside a Run."""
    context.log("numbering equally likely panels")
    rounded = round_lottery(lottery=lottery, space=build_panel_space(**inputs.arguments))
    context.log(
        f"{len(rounded.panels)} numbered panels; chances moved by {rounded.largest_shift:.6f} at "
        f"most, {len(rounded.exceeding)} of them by more than one panel"
    )
    return rounded


def limit_sentences(*, inputs: DrawInputs, lottery: Lottery) -> Mapping[str, str]:
    """What limits the chance of each candidate, in words, by public id."""
    chances = {
        candidate: float(chance)
        for candidate, chance in zip(lottery.candidate_ids, lottery.chances, strict=True)
    }
    limits = limits_of_chances(**inputs.arguments, chances=chances)
    return {candidate: limit.in_words for candidate, limit in limits.items()}
