"""What there is to say when no panel exists: why, what would have to give, whom to recruit."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from juries.domain.conflicts import Answer, Conflict, find_conflict, panel_exists
from juries.domain.panel_space import PanelSpace, problems_by_sums
from juries.domain.quotas import QuotaProblem
from juries.domain.recruiting import Recruiting, whom_to_recruit
from juries.domain.relaxation import InfeasibleQuotas, Relaxation, smallest_relaxations

EXPLAIN_SECONDS = 10.0
"""Time that an explanation may take unless something else is asked for."""

WITHIN_FLEX = "within the bounds you allowed"
"""What is said of a relaxation that moves bounds no further than the quotas let them."""

BEYOND_FLEX = f"No change {WITHIN_FLEX} is enough."
"""What is said where every relaxation moves some bound further than that."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a panel exists and, where none does, why and how to mend it.

    `conflict` is None where a panel exists or time ran out. `relaxations` come smallest first,
    those within the flexible bounds before the others; `within_flex` says whether there is one
    within, None where no quota states any (or a panel exists). `barred` counts candidates who may
    not sit. `unfinished` names what time ran out for.
    """

    answer: Answer
    size: int
    conflict: Conflict | None
    relaxations: tuple[Relaxation, ...]
    recruiting: Recruiting
    barred: int
    unfinished: tuple[str, ...]
    within_flex: Answer | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """The explanation, one thought at a time; empty where a panel exists."""
        if self.answer is Answer.YES:
            return ()
        why: list[str] = []
        if self.answer is Answer.UNDECIDED:
            why.append("It wasn't decided in time whether a panel exists.")
        if self.conflict is not None:
            why.append(self.conflict.in_words)
        return (*why, *self.ways_out)

    @property
    def ways_out(self) -> tuple[str, ...]:
        """What would have to change, without saying why."""
        said: list[str] = []
        ways = [
            f"{way.in_words} ({WITHIN_FLEX})" if way.is_within_flex else way.in_words
            for way in self.relaxations
        ]
        is_late = "relaxations" in self.unfinished
        if self.within_flex is Answer.NO and (ways or is_late):
            said.append(BEYOND_FLEX)
        if len(ways) == 1:
            said.append(f"It would be enough to change: {ways[0]}.")
        elif ways:
            numbered = " ".join(f"({number}) {way}." for number, way in enumerate(ways, start=1))
            said.append(f"Any one of these changes would be enough: {numbered}")
        elif self.answer is Answer.NO and not is_late:
            said.append(
                "Moving quotas alone doesn't help: look at the panel's size, at the household"
                " limit and at those who must or must not sit."
            )
        if self.recruiting.recruits:
            said.append(f"Or {self.recruiting.in_words}.")
        if self.barred and self.answer is Answer.NO:
            said.append(f"Not counted are {self.barred} of the pool who may not sit.")
        if self.unfinished:
            said.append(f"Time ran out for: {', '.join(self.unfinished)}.")
        return tuple(said)

    @property
    def in_words(self) -> str:
        """All of it."""
        return " ".join(self.sentences)


def explain(
    *,
    space: PanelSpace,
    time_limit: float = EXPLAIN_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Explanation:
    """Prove that a panel exists, or say why none does and how to mend it, within `time_limit`.

    The same space gives the same explanation unless time (seconds, by `clock`) runs out, which
    `unfinished` says. Sums are not needed: what they show is found by the search as well.
    """
    ends = clock() + time_limit

    def time_left() -> float:
        return ends - clock()

    answer = panel_exists(space=space, time_left=time_left)
    seated = sum(len(people) for people in space.kinds)
    barred = len(space.candidates) - seated
    if answer is not Answer.NO or space.size < 1:
        nothing = Recruiting((), is_complete=True)
        return Explanation(answer, space.size, None, (), nothing, barred, ())
    ways = smallest_relaxations(space=space, time_left=time_left)
    conflict = find_conflict(space=space, time_left=time_left)
    recruiting = whom_to_recruit(space=space, time_left=time_left)
    unfinished = tuple(
        name
        for name, missing in (
            ("relaxations", not ways.is_complete),
            ("the conflict", conflict is None),
            ("whom to recruit", not recruiting.is_complete),
        )
        if missing
    )
    return Explanation(
        answer,
        space.size,
        conflict,
        ways.found,
        recruiting,
        barred,
        unfinished,
        within_flex=ways.within_flex,
    )


def infeasible_quotas(
    *,
    space: PanelSpace,
    problems: Sequence[QuotaProblem] | None = None,
    time_limit: float = EXPLAIN_SECONDS,
) -> InfeasibleQuotas:
    """The error to raise where `space` has no panel, with the whole explanation in its text.

    `problems` are those by sums; looked for where they aren't given.
    """
    found = problems_by_sums(space) if problems is None else tuple(problems)
    explanation = explain(space=space, time_limit=time_limit)
    ways = explanation.relaxations
    return InfeasibleQuotas(
        problems=found,
        changes=ways[0].changes if ways else (),
        size=space.size,
        explanation=explanation,
    )
