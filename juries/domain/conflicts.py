"""Why no panel exists: a smallest contradiction among the bounds, in words.

A conflict is a set of members (see `members`) that no panel meets together and that a panel meets
as soon as any one of them is dropped: an irreducible infeasible subset, over whole people. It is
found by a deletion filter (Chinneck & Dravnieks, ORSA Journal on Computing 3, 1991): first over the
fractional relaxation, which is quick, then over the integer programme, which decides.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf

import highspy
import numpy as np

from juries.domain.counting import counting_argument
from juries.domain.members import Member, Side, in_reading_order, listed, members_of
from juries.domain.panel_solver import SolverFailed, new_highs, pass_programme
from juries.domain.panel_space import FloatArray, PanelSpace


class Answer(StrEnum):
    """Whether a panel exists."""

    YES = "yes"
    NO = "no"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Members that no panel meets together.

    `argument` is a count that anybody can check, empty where no such count was found.
    `is_minimal` says whether a panel was shown to exist without each one of the members; it is
    False where time ran out.
    """

    members: tuple[Member, ...]
    argument: str
    is_minimal: bool

    @property
    def in_words(self) -> str:
        """Who contradicts whom, and why."""
        demands = listed([member.in_words for member in self.members])
        if len(self.members) == 1:
            text = f"This can't be met: {demands}."
        else:
            both = "both" if len(self.members) == 2 else "all"
            text = f"These can't {both} hold: {demands}."
        if self.argument:
            text = f"{text} {self.argument}"
        elif len(self.members) > 1 and self.is_minimal:
            text = f"{text} It takes all of them: without any one of them a panel exists."
        if not self.is_minimal:
            text = f"{text} Time ran out before it was shown that all of them take part."
        return text


class Programme:
    """Panels under some of a space's members; asks HiGHS whether there is one.

    `seated` names a kind of which at least one has to sit, whatever else is dropped. `time_left`
    gives seconds.
    """

    def __init__(
        self, *, space: PanelSpace, time_left: Callable[[], float], seated: int | None = None
    ) -> None:
        self.space = space
        self.members = members_of(space)
        self._time_left = time_left
        self._seated = seated

    def ask(self, kept: Collection[Member], *, integer: bool) -> Answer:
        """Whether a (fractional, unless `integer`) panel meets the members `kept`.

        `UNDECIDED` where time ran out. Raises SolverFailed where HiGHS gives up for another reason.
        """
        row_lower, row_upper, lower, upper = self._bounds(kept)
        if (row_lower > row_upper).any() or (lower > upper).any():
            return Answer.NO
        if not self.space.kinds:  # HiGHS calls a programme without columns solved
            nothing = (row_lower <= 0).all() and (row_upper >= 0).all()
            return Answer.YES if nothing else Answer.NO
        left = self._time_left()
        if left <= 0:
            return Answer.UNDECIDED
        highs = new_highs(time_limit=left)
        pass_programme(
            highs,
            matrix=self.space.rows,
            cost=np.zeros(len(self.space.kinds)),
            lower=lower,
            upper=upper,
            row_lower=row_lower,
            row_upper=row_upper,
            integer=integer,
        )
        highs.run()
        status = highs.getModelStatus()
        if status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
            return Answer.YES
        if status in (
            highspy.HighsModelStatus.kInfeasible,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        ):
            return Answer.NO
        if status == highspy.HighsModelStatus.kTimeLimit:
            return Answer.UNDECIDED
        raise SolverFailed(f"HiGHS ended a search for one panel with {status}.")

    def _bounds(
        self, kept: Collection[Member]
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        space = self.space
        sides = {member.side for member in kept}
        row_lower = np.full(len(space.row_lower), -inf)
        row_upper = np.full(len(space.row_upper), inf)
        if Side.SIZE in sides:
            row_lower[0] = row_upper[0] = space.size
        for member in kept:
            if member.side is Side.MINIMUM:
                row_lower[member.row] = member.bound
            elif member.side is Side.MAXIMUM:
                row_upper[member.row] = member.bound
        if Side.HOUSEHOLD in sides:
            homes = slice(1 + len(space.quotas), None)
            row_upper[homes] = space.row_upper[homes]
        lower = np.zeros(len(space.kinds))
        if Side.MUST_SIT in sides:
            lower = np.where(space.certain, space.sizes, 0).astype(float)
        if self._seated is not None:
            lower[self._seated] = max(1.0, lower[self._seated])
        return row_lower, row_upper, lower, space.sizes.astype(float)


def panel_exists(*, space: PanelSpace, time_left: Callable[[], float] = lambda: inf) -> Answer:
    """Whether any panel meets everything; `UNDECIDED` where time ran out."""
    if space.size < 1:  # nobody at all is no panel
        return Answer.NO
    programme = Programme(space=space, time_left=time_left)
    relaxed = programme.ask(programme.members, integer=False)
    return relaxed if relaxed is not Answer.YES else programme.ask(programme.members, integer=True)


def find_conflict(
    *,
    space: PanelSpace,
    time_left: Callable[[], float] = lambda: inf,
    seated: int | None = None,
    among: Sequence[Member] | None = None,
) -> Conflict | None:
    """A minimal set of members that no panel meets; None where a panel exists or time ran out.

    With `seated` (a kind's number) only panels with somebody of that kind count; with `among` only
    these members are asked of them. Two orders of deletion are tried and the smaller set is kept,
    the first of two equal ones. It depends on the order of the quotas, not on that of the
    candidates.
    """
    programme = Programme(space=space, time_left=time_left, seated=seated)
    members = programme.members if among is None else tuple(among)
    relaxed = programme.ask(members, integer=False)
    if relaxed is Answer.UNDECIDED:
        return None
    if relaxed is Answer.YES and programme.ask(members, integer=True) is not Answer.NO:
        return None
    alone = _impossible_alone(space, members)
    if alone is not None:
        return Conflict((alone,), counting_argument(space=space, members=(alone,)), True)
    best: tuple[tuple[Member, ...], bool] | None = None
    for order in (members, members[::-1]):
        kept: tuple[Member, ...] = order
        if relaxed is Answer.NO:
            kept, _ = _filter(programme, kept, integer=False)
        kept, is_minimal = _filter(programme, kept, integer=True)
        if best is None or (is_minimal, -len(kept)) > (best[1], -len(best[0])):
            best = (kept, is_minimal)
        if len(kept) <= 2:
            break
    if best is None:
        return None
    chosen = tuple(member for member in in_reading_order(members) if member in best[0])
    argument = counting_argument(space=space, members=chosen) if seated is None else ""
    return Conflict(chosen, argument, best[1])


def _impossible_alone(space: PanelSpace, members: Sequence[Member]) -> Member | None:
    """A minimum or a size above the number of people there are."""
    there = space.rows @ space.sizes
    for member in in_reading_order(members):
        if member.side in (Side.MINIMUM, Side.SIZE) and member.bound > there[member.row]:
            return member
    return None


def _filter(
    programme: Programme, members: tuple[Member, ...], *, integer: bool
) -> tuple[tuple[Member, ...], bool]:
    """Drop each member without which the others are still in conflict."""
    kept = list(members)
    proven = True
    for member in members:
        others = [other for other in kept if other is not member]
        answer = programme.ask(others, integer=integer)
        if answer is Answer.NO:
            kept = others
        elif answer is Answer.UNDECIDED:
            proven = False
    return tuple(kept), proven
