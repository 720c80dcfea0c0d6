"""Alternates tried out: a seeded simulation of who drops out, and whether the quotas still work."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from juries.domain.alternates import AlternatePlan
from juries.domain.candidates import CandidateProfile
from juries.domain.conflicts import Answer, panel_exists
from juries.domain.dropout import DropoutRates, wilson
from juries.domain.panel_solver import PanelSolver
from juries.domain.panel_space import build_panel_space
from juries.domain.quotas import Quota


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often the quotas could be met from the alternates, in a simulation.

    `met` of `trials`; `low` and `high` are the 95 % Wilson interval of the share.
    """

    met: int
    trials: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """In [0, 1]."""
        return self.met / self.trials if self.trials else 0.0


def try_out(
    *,
    seated: Sequence[CandidateProfile],
    alternates: Sequence[CandidateProfile],
    quotas: Sequence[Quota],
    size: int,
    household_limit: int | None,
    rates: DropoutRates,
    seed: str,
    trials: int = 500,
) -> Coverage:
    """Let jurors and alternates drop out at random, and ask each time whether the quotas can still
    be met by those who stay and the alternates who are left.

    The same arguments give the same answer on any machine.
    """
    stream = random.Random(f"alternates\x1f{seed}")  # noqa: S311 - a simulation, no secret
    people = [*sorted(seated, key=lambda p: p.id), *sorted(alternates, key=lambda p: p.id)]
    known: dict[tuple[int, ...], bool] = {}
    met = 0
    for _ in range(trials):
        there = tuple(
            place for place, person in enumerate(people) if stream.random() >= rates.of(person)
        )
        if there not in known:
            staying = [people[place].id for place in there if place < len(seated)]
            known[there] = _can_be_met(
                people=[people[place] for place in there],
                staying=staying,
                quotas=quotas,
                size=size,
                household_limit=household_limit,
            )
        met += known[there]
    low, high = wilson(successes=met, trials=trials)
    return Coverage(met, trials, low, high)


def enough_alternates(
    *,
    plan: AlternatePlan,
    seated: Sequence[CandidateProfile],
    left: Sequence[CandidateProfile],
    quotas: Sequence[Quota],
    size: int,
    household_limit: int | None,
    rates: DropoutRates,
    seed: str,
    trials: int = 200,
    checkpoint: Callable[[int], None] = lambda _: None,
) -> int:
    """The fewest alternates, from the plan's number upwards, that are enough in a simulation.

    For each number one set that meets the plan is picked by the seed and tried out; the first whose
    share of met cases reaches the plan's level is taken. Where none does up to twice the plan's
    number and five more, or the pool's end, that last number is. `checkpoint` is called with each
    number before it is tried, and may raise to stop.
    """
    most = min(len(left), 2 * plan.number + 5)
    for number in range(max(1, plan.number), most + 1):
        checkpoint(number)
        chosen = _some_set(
            left=left,
            quotas=plan.quotas(number=number),
            number=number,
            household_limit=household_limit,
            seed=seed,
        )
        if chosen is None:
            continue
        tried = try_out(
            seated=seated,
            alternates=chosen,
            quotas=quotas,
            size=size,
            household_limit=household_limit,
            rates=rates,
            seed=seed,
            trials=trials,
        )
        if tried.share >= plan.level:
            return number
    return most


def _some_set(
    *,
    left: Sequence[CandidateProfile],
    quotas: Sequence[Quota],
    number: int,
    household_limit: int | None,
    seed: str,
) -> list[CandidateProfile] | None:
    """One set that meets the quotas, picked by the seed; None where there is none."""
    space = build_panel_space(
        candidates=left, quotas=quotas, size=number, household_limit=household_limit
    )
    stream = random.Random(f"some set\x1f{number}\x1f{seed}")  # noqa: S311 - a trial, no draw
    liking = np.array([stream.random() for _ in space.kinds])
    counts = PanelSolver(space=space, time_left=lambda: inf).best(liking).counts
    if counts is None:
        return None
    return [
        space.candidates[person]
        for people, count in zip(space.kinds, counts, strict=True)
        for person in stream.sample(people, int(count))
    ]


def _can_be_met(
    *,
    people: Sequence[CandidateProfile],
    staying: Sequence[str],
    quotas: Sequence[Quota],
    size: int,
    household_limit: int | None,
) -> bool:
    if len(people) < size or len(staying) > size:
        return False
    space = build_panel_space(
        candidates=people,
        quotas=quotas,
        size=size,
        household_limit=household_limit,
        must_sit=staying,
    )
    return panel_exists(space=space) is Answer.YES
