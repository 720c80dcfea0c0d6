"""The lottery over panels, its methods by name, and the draw from it."""

import hashlib
import hmac
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from types import MappingProxyType

import numpy as np

from juries.domain.candidates import CandidateProfile
from juries.domain.expansion import TICKETS, chances_of, seat_people, ticket_counts
from juries.domain.explanation import EXPLAIN_SECONDS, infeasible_quotas
from juries.domain.panel_space import FloatArray, PanelSpace, build_panel_space, problems_by_sums
from juries.domain.quotas import Quota
from juries.domain.search import (
    Estimate,
    KindLottery,
    LotteryProgress,
    NoPanel,
    SearchControl,
)
from juries.domain.selection import (
    DEFAULT_METHOD,
    SELECTION_METHODS,
    LotterySearch,
    SelectionMethod,
)

__all__ = [
    "DEFAULT_METHOD",
    "SELECTION_METHODS",
    "BrokenLottery",
    "Lottery",
    "LotterySearch",
    "Panel",
    "SelectionMethod",
    "UnknownMethod",
    "draw_panel",
    "find_lottery",
    "uniform_below",
]

PROVEN_GAP = 1e-6
"""A gap up to this counts as proven optimal."""


class UnknownMethod(ValueError):
    """No selection method has this name; the message lists those that exist."""


class BrokenLottery(ValueError):
    """A lottery whose weights can't be drawn from."""


@dataclass(frozen=True, slots=True, eq=False)
class Lottery:
    """A probability distribution over panels.

    `candidate_ids` are sorted; `panels` are sorted tuples of indices into them, each panel once;
    `weights` (one for each panel) are multiples of 2**-50 and add up to exactly 1; `chances` (n,)
    in [0, 1]. `cannot_sit` are ids that no panel seats, and nobody else: who might sit and was on
    no panel when time ran out has chance 0 and counts. `seconds` is wall-clock time.

    *Those who count* can sit and need not; must-sit candidates have chance 1. `smallest_chance` is
    the smallest of those who count, whatever the method.

    `lower_bound` and `upper_bound` enclose the best value that any lottery has in the method's
    objective, and `gap` is 0 at best; the method's entry in SELECTION_METHODS says in words what
    they measure:

    - leximin, maximin: the smallest chance as reached, and what no lottery can exceed. The gap of
      maximin is their difference. The gap of leximin is the largest distance of any candidate's
      chance from her certified one.
    - nash: the geometric mean as reached, and what no lottery can exceed.
    - minimax: what no lottery's largest chance can undercut, and the largest chance as reached.
    - goldilocks: what no lottery can undercut, and the value as reached (2 where all are equal).
    - greedy: the smallest estimated chance, and what a maximin lottery could at most give; nothing
      is optimised, so the gap is what the practice gives away, and `is_proven` is False.

    `certified` holds, for leximin, what each candidate's chance is in the leximin optimum: of the
    quotas' relaxation where `is_tight` or where time ran out, else of the panels generated. With
    `is_tight` the relaxation alone proves that no lottery is better. `estimate` is set where the
    panels were simulated (greedy): then `chances` are estimates of what the practice gives.
    """

    candidate_ids: tuple[str, ...]
    panels: tuple[tuple[int, ...], ...]
    weights: tuple[float, ...]
    chances: FloatArray
    lower_bound: float
    upper_bound: float
    gap: float
    method: str
    seconds: float
    is_proven: bool
    cannot_sit: tuple[str, ...]
    smallest_chance: float
    is_tight: bool
    certified: Mapping[str, float] | None = None
    estimate: Estimate | None = None

    @property
    def size(self) -> int:
        """Members of a panel."""
        return len(self.panels[0])

    @property
    def tickets(self) -> tuple[int, ...]:
        """The weights as whole numbers that add up to 2**50."""
        return tuple(int(weight * TICKETS) for weight in self.weights)

    def chance_of(self, candidate_id: str) -> float:
        """One candidate's chance; raises KeyError for an id that isn't in the pool."""
        try:
            return float(self.chances[self.candidate_ids.index(candidate_id)])
        except ValueError:
            raise KeyError(candidate_id) from None


@dataclass(frozen=True, slots=True)
class Panel:
    """What was drawn: ids in order, the panel's number in the lottery, and the ticket (0 to 2**50 -
    1).
    """

    candidate_ids: tuple[str, ...]
    number: int
    ticket: int


def find_lottery(
    *,
    candidates: Sequence[CandidateProfile],
    quotas: Sequence[Quota],
    size: int,
    household_limit: int | None = None,
    must_sit: Collection[str] = (),
    must_not_sit: Collection[str] = (),
    method: str = DEFAULT_METHOD,
    time_limit: float | None = None,
    on_progress: Callable[[LotteryProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Lottery:
    """Find a lottery over the panels that satisfy the quotas exactly.

    `method` is a name in SELECTION_METHODS. At most `household_limit` members of one household sit;
    a blank household binds nobody. The result doesn't depend on the order of `candidates` nor on
    PYTHONHASHSEED; when `time_limit` (seconds) cuts the search short, the best lottery so far
    comes back with its gap: it depends on the machine, and `is_proven` is False. Several searches
    may run in threads of one process.

    Raises InfeasibleQuotas (with the numbers, what contradicts what and the ways out; finding them
    gets 10 seconds at least, even when no time is left), InvalidCandidates,
    InvalidQuota, UnknownMethod, Cancelled, or OutOfTime where not even one panel was found in time.
    """
    if method not in SELECTION_METHODS:
        raise UnknownMethod(
            f"There is no selection method {method!r}; there are: {', '.join(SELECTION_METHODS)}."
        )
    started = clock()

    def time_left() -> float:
        return inf if time_limit is None else time_limit - (clock() - started)

    control = SearchControl(
        time_left=time_left,
        should_stop=should_stop or (lambda: False),
        on_progress=on_progress or (lambda _: None),
    )
    space = build_panel_space(
        candidates=candidates,
        quotas=quotas,
        size=size,
        household_limit=household_limit,
        must_sit=must_sit,
        must_not_sit=must_not_sit,
    )
    problems = problems_by_sums(space)
    if problems or not space.kinds:
        raise infeasible_quotas(
            space=space, problems=problems, time_limit=max(EXPLAIN_SECONDS, time_left())
        )
    try:
        found = SELECTION_METHODS[method].search(space=space, control=control)
    except NoPanel as error:
        raise infeasible_quotas(
            space=space, problems=(), time_limit=max(EXPLAIN_SECONDS, time_left())
        ) from error
    return _over_people(space=space, found=found, method=method, seconds=clock() - started)


def _over_people(*, space: PanelSpace, found: KindLottery, method: str, seconds: float) -> Lottery:
    panels, tickets = seat_people(
        counts=found.counts, tickets=ticket_counts(found.weights), kinds=space.kinds
    )
    ids = tuple(candidate.id for candidate in space.candidates)
    chances = chances_of(panels=panels, tickets=tickets, candidates=len(ids))
    counted = [
        person
        for kind, people in enumerate(space.kinds)
        if found.can_sit[kind] and not space.certain[kind]
        for person in people
    ]
    barred = set(range(len(ids))) - {person for people in space.kinds for person in people}
    out = barred | {
        person
        for kind, people in enumerate(space.kinds)
        if not found.can_sit[kind]
        for person in people
    }
    lower, upper = _bracket(SELECTION_METHODS[method], chances[counted], found.bound)
    gap = upper - lower
    certified = _certified(space=space, found=found, ids=ids)
    if certified is not None:
        wanted = np.array([certified[candidate] for candidate in ids])
        gap = max(gap, float(np.abs(chances - wanted).max()))
    return Lottery(
        candidate_ids=ids,
        panels=panels,
        weights=tuple(share / TICKETS for share in tickets),
        chances=chances,
        lower_bound=lower,
        upper_bound=upper,
        gap=gap,
        method=method,
        seconds=seconds,
        is_proven=found.complete and found.estimate is None and gap <= PROVEN_GAP,
        cannot_sit=tuple(ids[person] for person in sorted(out)),
        smallest_chance=float(np.min(chances[counted])) if counted else 1.0,
        is_tight=found.is_tight,
        certified=certified,
        estimate=found.estimate,
    )


def _bracket(method: SelectionMethod, counted: FloatArray, bound: float) -> tuple[float, float]:
    if len(counted) == 0:
        return 1.0, 1.0
    value = method.measure(counted)
    return (value, max(value, bound)) if method.more_is_better else (min(value, bound), value)


def _certified(
    *, space: PanelSpace, found: KindLottery, ids: Sequence[str]
) -> Mapping[str, float] | None:
    if found.certified is None:
        return None
    chances = dict.fromkeys(ids, 0.0)
    for kind, people in enumerate(space.kinds):
        for person in people:
            chances[ids[person]] = (
                1.0 if space.certain[kind] else min(1.0, max(0.0, float(found.certified[kind])))
            )
    return MappingProxyType(chances)


def draw_panel(*, lottery: Lottery, seed: str) -> Panel:
    """Draw one panel; the same lottery and seed give the same panel on any machine.

    Ticket: the first 8 bytes (big-endian) of HMAC-SHA-256 with the seed as key and the attempt
    number (0, 1, ...) as message, rejected and tried again where it would favour some tickets,
    modulo the number of tickets. Panels hold consecutive tickets in the lottery's order. Raises
    BrokenLottery for an empty seed or weights that don't add up to 1.
    """
    if not seed:
        raise BrokenLottery("The seed is empty; name one, so that the draw can be repeated.")
    ends = list(accumulate(lottery.tickets))
    if not ends or ends[-1] != TICKETS or min(lottery.tickets) < 0:
        total = ends[-1] / TICKETS if ends else 0.0
        raise BrokenLottery(f"The lottery's weights add up to {total!r} instead of 1.")
    ticket = uniform_below(limit=TICKETS, seed=seed)
    number = next(place for place, end in enumerate(ends) if ticket < end)
    return Panel(
        candidate_ids=tuple(lottery.candidate_ids[index] for index in lottery.panels[number]),
        number=number,
        ticket=ticket,
    )


def uniform_below(*, limit: int, seed: str) -> int:
    """A whole number in 0 to limit - 1 (limit at most 2**64), from the seed alone, without bias."""
    if not 1 <= limit <= 2**64:
        raise ValueError(f"The limit is {limit}; it must lie in 1 to 2**64.")
    fair = 2**64 - 2**64 % limit
    attempt = 0
    while True:
        digest = hmac.new(seed.encode(), str(attempt).encode(), hashlib.sha256).digest()
        value = int.from_bytes(digest[:8], "big")
        if value < fair:
            return value % limit
        attempt += 1
