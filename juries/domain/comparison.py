"""Lotteries side by side, so that an objective is chosen with open eyes."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from juries.domain.candidates import CandidateProfile
from juries.domain.lottery import SELECTION_METHODS, Lottery, UnknownMethod, find_lottery
from juries.domain.panel_solver import SolverFailed
from juries.domain.quotas import Quota
from juries.domain.relaxation import InfeasibleQuotas
from juries.domain.search import LotteryProgress, OutOfTime

LEVEL_TOLERANCE = 1e-9
"""Chances closer than this count as equal where people are counted below a level."""


@dataclass(frozen=True, slots=True)
class ChanceStatistics:
    """How evenly chances are spread over `people` people.

    `smallest`, `largest`, `mean` and `geometric_mean` are chances in [0, 1]; the geometric mean is
    0 as soon as one chance is 0. `gini` in [0, 1): 0 where all chances are equal (or all are 0).
    `below_half` counts the people whose chance is under `half_level`, half of seats over people.
    """

    people: int
    smallest: float
    largest: float
    mean: float
    gini: float
    geometric_mean: float
    half_level: float
    below_half: int


@dataclass(frozen=True, slots=True)
class LotterySummary:
    """One lottery's statistics, with and without the people whom no panel seats.

    `everyone` counts those who can't sit with a chance of 0; `able` leaves them out, and is None
    where nobody is left. Both measure `below_half` against k / n of the whole pool, so that the two
    columns count against one level. `sorted_chances` (n,) run from the smallest to the largest and
    include everyone.
    """

    everyone: ChanceStatistics
    able: ChanceStatistics | None
    cannot_sit: int
    sorted_chances: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ObjectiveOutcome:
    """What one method came to: a lottery with its summary, or `reason` why there is none."""

    method: str
    label: str
    sentence: str
    lottery: Lottery | None
    summary: LotterySummary | None
    reason: str


def chance_statistics(*, chances: Sequence[float], half_level: float) -> ChanceStatistics:
    """Statistics of `chances` (n,), each in [0, 1]; raises ValueError where there are none."""
    values = np.sort(np.asarray(chances, dtype=np.float64))
    if len(values) == 0:
        raise ValueError("There are no chances to describe; give at least one.")
    if not (np.all(values >= 0) and np.all(values <= 1)):
        raise ValueError(
            f"Chances run from {values[0]:.6g} to {values[-1]:.6g}; they must lie in 0 to 1."
        )
    count = len(values)
    total = float(values.sum())
    ranks = np.arange(1, count + 1)
    gini = float(((2 * ranks - count - 1) * values).sum()) / (count * total) if total > 0 else 0.0
    return ChanceStatistics(
        people=count,
        smallest=float(values[0]),
        largest=float(values[-1]),
        mean=total / count,
        gini=max(0.0, gini),
        geometric_mean=exp(sum(map(log, values.tolist())) / count) if values[0] > 0 else 0.0,
        half_level=half_level,
        below_half=int(np.count_nonzero(values < half_level - LEVEL_TOLERANCE)),
    )


def summarise(lottery: Lottery) -> LotterySummary:
    """Statistics of a lottery's chances over everyone, and over those who can sit."""
    out = frozenset(lottery.cannot_sit)
    everyone = [float(chance) for chance in lottery.chances]
    able = [
        chance
        for candidate, chance in zip(lottery.candidate_ids, everyone, strict=True)
        if candidate not in out
    ]
    half = lottery.size / len(everyone) / 2
    return LotterySummary(
        everyone=chance_statistics(chances=everyone, half_level=half),
        able=chance_statistics(chances=able, half_level=half) if able else None,
        cannot_sit=len(out),
        sorted_chances=tuple(sorted(everyone)),
    )


def compare_objectives(
    *,
    candidates: Sequence[CandidateProfile],
    quotas: Sequence[Quota],
    size: int,
    household_limit: int | None = None,
    must_sit: Collection[str] = (),
    must_not_sit: Collection[str] = (),
    methods: Sequence[str] | None = None,
    time_limit: float | None = None,
    on_progress: Callable[[str, LotteryProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Mapping[str, ObjectiveOutcome]:
    """Find a lottery by each of `methods` (all there are, unless given) and describe it.

    `time_limit` (seconds) holds for each method by itself. `on_progress` is told the method's name
    and where its search stands. A method that finds no lottery in time, or whose solver fails,
    keeps its reason and the others go on. Raises UnknownMethod, InfeasibleQuotas, InvalidCandidates
    or InvalidQuota, which no method could do anything about, and Cancelled.
    """
    names = list(dict.fromkeys(SELECTION_METHODS if methods is None else methods))
    unknown = [name for name in names if name not in SELECTION_METHODS]
    if unknown:
        raise UnknownMethod(
            f"There is no selection method {unknown[0]!r}; there are:"
            f" {', '.join(SELECTION_METHODS)}."
        )
    outcomes: dict[str, ObjectiveOutcome] = {}
    for name in names:
        method = SELECTION_METHODS[name]
        lottery: Lottery | None = None
        reason = ""

        def tell(progress: LotteryProgress, name: str = name) -> None:
            if on_progress is not None:
                on_progress(name, progress)

        try:
            lottery = find_lottery(
                candidates=candidates,
                quotas=quotas,
                size=size,
                household_limit=household_limit,
                must_sit=must_sit,
                must_not_sit=must_not_sit,
                method=name,
                time_limit=time_limit,
                on_progress=tell,
                should_stop=should_stop,
                clock=clock,
            )
        except InfeasibleQuotas:
            raise
        except (OutOfTime, SolverFailed) as failure:
            reason = str(failure)
        outcomes[name] = ObjectiveOutcome(
            method=name,
            label=method.label,
            sentence=method.sentence,
            lottery=lottery,
            summary=None if lottery is None else summarise(lottery),
            reason=reason,
        )
    return outcomes
