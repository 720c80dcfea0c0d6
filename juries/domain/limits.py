"""What limits a candidate's chance, in words with numbers.

Two kinds of argument are used, both of which hold for every lottery over panels that meet the
quotas. *Counting*: if at most u seats go to the m people with a trait, their chances average at
most u/m; and if at least l seats go to them, at most k - l are left for all others. *Duality*: the
largest expected number of seats that her kind can have, over fractional panels, while nobody whose
chance is no higher than hers loses any, is a linear programme; the quotas with a dual in its
optimum are those that hold her where she is (the leximin condition of Flanigan et al., Nature 596,
2021, told for one kind). Where neither argument holds, no quota is blamed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import highspy
import numpy as np

from juries.domain.candidates import CandidateProfile
from juries.domain.conflicts import Conflict, find_conflict
from juries.domain.members import Side
from juries.domain.panel_solver import new_highs, pass_programme
from juries.domain.panel_space import FloatArray, PanelSpace, build_panel_space
from juries.domain.quotas import Quota

EVEN = 1e-3
"""Chances closer than this share of the average to it count as average."""

CLOSE = 1e-2
"""A bound this close (as a share of it) to a chance explains the chance by itself."""

_DUAL = 1e-7
_SLACK = 1e-6
_MOST_PROGRAMMES = 2000
_MOST_NAMED = 3


class MissingChance(ValueError):
    """A candidate of the pool has no chance, or one outside 0 to 1; the message names the id."""


class Direction(StrEnum):
    """Where a chance stands."""

    BARRED = "barred"
    CERTAIN = "certain"
    EXCLUDED = "excluded"
    LOWERED = "lowered"
    EVEN = "even"
    RAISED = "raised"


@dataclass(frozen=True, slots=True)
class LimitingQuota:
    """One bound that holds a chance. `holders` are people in the pool who count towards it.

    `counts_her` says whether she is one of them; `side` is Side.MINIMUM or Side.MAXIMUM.
    """

    label: str
    side: Side
    bound: int
    holders: int
    counts_her: bool

    @property
    def in_words(self) -> str:
        """`at most 12 with age: 65+ (240 in the pool)`."""
        way = "least" if self.side is Side.MINIMUM else "most"
        return f"at {way} {self.bound} with {self.label} ({self.holders} in the pool)"


@dataclass(frozen=True, slots=True)
class ChanceLimit:
    """Why a chance isn't the average one.

    `average` is the chance if all who may sit and need not had the same. `quotas` are those to
    blame or to thank, the strongest first; empty where none is. `is_whole` says whether they
    explain the chance by themselves. `in_words` is a sentence.
    """

    direction: Direction
    chance: float
    average: float
    quotas: tuple[LimitingQuota, ...]
    is_whole: bool
    in_words: str


def limits_of_chances(
    *,
    candidates: Sequence[CandidateProfile],
    quotas: Sequence[Quota],
    size: int,
    household_limit: int | None = None,
    must_sit: Collection[str] = (),
    must_not_sit: Collection[str] = (),
    chances: Mapping[str, float],
) -> Mapping[str, ChanceLimit]:
    """What limits (or raises) the chance of every candidate, by id.

    `chances` are those of a lottery over panels that meet the quotas, in [0, 1], one for each
    candidate. Candidates of one kind with the same chance share one answer. Raises MissingChance
    for a candidate without a chance, and what `build_panel_space` raises.
    """
    space = build_panel_space(
        candidates=candidates,
        quotas=quotas,
        size=size,
        household_limit=household_limit,
        must_sit=must_sit,
        must_not_sit=must_not_sit,
    )
    for candidate in space.candidates:
        if not 0 <= chances.get(candidate.id, -1.0) <= 1 + _SLACK:
            raise MissingChance(
                f"Candidate {candidate.id!r} has the chance {chances.get(candidate.id)!r}; every"
                " candidate needs one in 0 to 1."
            )
    told = _Told(space=space, household_limit=household_limit, chances=chances)
    barred = ChanceLimit(
        Direction.BARRED, 0.0, told.average, (), True, "On the list of those who can't sit."
    )
    limits = dict.fromkeys((candidate.id for candidate in space.candidates), barred)
    for kind, people in enumerate(space.kinds):
        answers: dict[float, ChanceLimit] = {}
        for person in people:
            who = space.candidates[person].id
            level = round(float(chances[who]), 9)
            if level not in answers:
                answers[level] = told.of(kind, level)
            limits[who] = answers[level]
    return limits


@dataclass(frozen=True, slots=True)
class _Bound:
    """A quota as it bears on one kind: the average chance of a group of `people` that she is in is
    at most (or at least) `level`.
    """

    quota: LimitingQuota
    level: float
    people: int


class _Told:
    """The arguments for one space and one set of chances."""

    def __init__(
        self, *, space: PanelSpace, household_limit: int | None, chances: Mapping[str, float]
    ) -> None:
        self._space = space
        self._household_limit = household_limit
        self._given = np.array(
            [
                sum(chances[space.candidates[person].id] for person in people)
                for people in space.kinds
            ]
        )
        self._free = np.where(space.certain, 0, space.sizes)
        self._seats = space.size - int(space.sizes[space.certain].sum())
        self._people = int(self._free.sum())
        self.average = self._seats / self._people if self._people else 0.0
        self._counts = space.rows[1 : 1 + len(space.quotas)].toarray() > 0
        self._conflicts: list[Conflict] = []
        self._programmes = 0
        self._highs: highspy.Highs | None = None

    def of(self, kind: int, chance: float) -> ChanceLimit:
        """The answer for members of `kind` whose chance is `chance`."""
        if self._space.certain[kind]:
            return self._say(
                Direction.CERTAIN, chance, (), True, "On the list of those who must sit."
            )
        if chance <= _SLACK:
            return self._excluded(kind)
        if abs(chance - self.average) <= EVEN * self.average:
            return self._say(Direction.EVEN, chance, (), True, "Nothing: it is the pool's average.")
        if chance < self.average:
            return self._lowered(kind, chance)
        return self._raised(kind, chance)

    def _say(
        self,
        direction: Direction,
        chance: float,
        quotas: Sequence[LimitingQuota],
        is_whole: bool,
        words: str,
    ) -> ChanceLimit:
        return ChanceLimit(direction, chance, self.average, tuple(quotas), is_whole, words)

    def _excluded(self, kind: int) -> ChanceLimit:
        conflict = self._why_excluded(kind)
        if conflict is None:
            words = "A panel with such a person exists, but the lottery that was found has none."
            return self._say(Direction.EXCLUDED, 0.0, (), False, words)
        blamed = [
            self._quota(member.row - 1, member.side, kind)
            for member in conflict.members
            if member.quota is not None
        ]
        rules = [m for m in conflict.members if m.quota is None and m.side is not Side.SIZE]
        reasons = [quota.in_words for quota in blamed] + [rule.in_words for rule in rules]
        listed = "; ".join(reasons) or f"a panel of {self._space.size}"
        words = f"No panel has room for somebody with these traits, because of: {listed}."
        return self._say(Direction.EXCLUDED, 0.0, blamed, True, words)

    def _why_excluded(self, kind: int) -> Conflict | None:
        """What excludes her; what excluded others is tried first, since it often does again."""
        for known in self._conflicts:
            again = find_conflict(space=self._space, seated=kind, among=known.members)
            if again is not None:
                return again
        found = find_conflict(space=self._space, seated=kind)
        if found is not None:
            self._conflicts.append(found)
        return found

    def _quota(self, number: int, side: Side, kind: int) -> LimitingQuota:
        quota = self._space.quotas[number]
        return LimitingQuota(
            label=quota.label,
            side=side,
            bound=quota.minimum if side is Side.MINIMUM else quota.maximum,
            holders=int(self._space.sizes[self._counts[number]].sum()),
            counts_her=bool(self._counts[number, kind]),
        )

    def _bounds(self, kind: int, *, upper: bool) -> list[_Bound]:
        """Every quota's bound on the average chance of a group that she is in."""
        found: list[_Bound] = []
        fixed = self._space.rows @ np.where(self._space.certain, self._space.sizes, 0)
        for number, quota in enumerate(self._space.quotas):
            holders = int(self._free[self._counts[number]].sum())
            hers = bool(self._counts[number, kind])
            already = int(fixed[1 + number])
            # A maximum on her own trait holds her down; so does a minimum on a trait of others.
            side = Side.MAXIMUM if upper == hers else Side.MINIMUM
            bound = quota.maximum if side is Side.MAXIMUM else quota.minimum
            bound = max(0, bound - already)
            seats = bound if hers else self._seats - bound
            people = holders if hers else self._people - holders
            if people:
                found.append(_Bound(self._quota(number, side, kind), seats / people, people))
        return sorted(found, key=lambda bound: bound.level if upper else -bound.level)

    def _lowered(self, kind: int, chance: float) -> ChanceLimit:
        bounds = [b for b in self._bounds(kind, upper=True) if b.level < self.average * (1 - EVEN)]
        first = bounds[0] if bounds else None
        whole = first is not None and chance >= first.level * (1 - CLOSE)
        if first is not None and whole:
            words = f"What limits it: {self._group(first, upper=True)}."
            return self._say(Direction.LOWERED, chance, [first.quota], True, words)
        part = "" if first is None else f"Part of what limits it: {self._group(first, upper=True)}."
        held, at_home = self._held_by(kind, chance)
        if held:
            words = self._together(held, at_home=at_home, part=part)
            return self._say(Direction.LOWERED, chance, held, True, words)
        if first is not None:
            words = f"{part} No single quota explains the rest."
            return self._say(Direction.LOWERED, chance, [first.quota], False, words)
        words = "No single quota is to blame for it."
        return self._say(Direction.LOWERED, chance, (), False, words)

    def _together(self, held: Sequence[LimitingQuota], *, at_home: bool, part: str) -> str:
        """Quotas that hold a kind together; the first few by name."""
        reasons = [quota.in_words for quota in held[:_MOST_NAMED]]
        if at_home:
            reasons.append(f"at most {self._household_limit} from one household")
        number = len(held) + at_home
        listed = "; ".join(reasons)
        if number == 1:
            lead, under = f"What limits it: {listed}.", "Under this quota"
        elif number <= len(reasons):
            lead, under = f"What limits it: {listed}.", "Under these together"
        else:
            begin = "In all" if part else "What limits it:"
            lead = f"{begin} {number} quotas act together, among them {listed}."
            under = "Under all of them"
        rest = (
            f"{under} it can't rise by more than {_percent(CLOSE, 0)} of itself unless somebody"
            " whose chance is no higher loses."
        )
        return " ".join(filter(None, (part, lead, rest)))

    def _raised(self, kind: int, chance: float) -> ChanceLimit:
        bounds = [b for b in self._bounds(kind, upper=False) if b.level > self.average * (1 + EVEN)]
        if not bounds:
            words = "No single quota accounts for its being higher."
            return self._say(Direction.RAISED, chance, (), False, words)
        first = bounds[0]
        whole = abs(chance - first.level) <= CLOSE * first.level
        rest = "" if whole else " No single quota explains the rest."
        lead = "What raises it" if whole else "Part of what raises it"
        words = f"{lead}: {self._group(first, upper=False)}.{rest}"
        return self._say(Direction.RAISED, chance, [first.quota], whole, words)

    def _group(self, bound: _Bound, *, upper: bool) -> str:
        quota = bound.quota
        way = "least" if quota.side is Side.MINIMUM else "most"
        beside = " beside those who must sit" if self._space.certain.any() else ""
        seats = f"at {way} {quota.bound} of {self._space.size} seats go to {quota.label}"
        edge = "at most" if upper else "at least"
        average = f"on average {edge} {_percent(bound.level)} for each of them{beside}"
        if quota.counts_her:
            return f"{seats}, and {quota.holders} in the pool have it ({average})"
        others = f"{round(bound.level * bound.people)} are left for the {bound.people} others"
        return f"{seats}, so {edge} {others} ({average})"

    def _held_by(self, kind: int, chance: float) -> tuple[tuple[LimitingQuota, ...], bool]:
        """Quotas whose duals show that her kind can't gain without a loss to someone no better
        off, and whether a household's row has one too; none where the programme shows nothing.
        """
        nothing: tuple[tuple[LimitingQuota, ...], bool] = ((), False)
        given = self._given / np.maximum(1, self._space.sizes)
        if self._programmes >= _MOST_PROGRAMMES or abs(given[kind] - chance) > CLOSE * chance:
            return nothing
        self._programmes += 1
        floors = np.where(given <= given[kind] + _SLACK, self._given - _SLACK, 0.0)
        floors = np.clip(floors, self._space.lower, self._space.upper)
        best, duals = self._most_seats(kind, floors)
        if best is None or best > self._given[kind] * (1 + CLOSE):
            return nothing
        quotas = len(self._space.quotas)
        strength = np.abs(duals[1 : 1 + quotas])
        held = tuple(
            self._quota(int(number), Side.MAXIMUM if duals[1 + number] > 0 else Side.MINIMUM, kind)
            for number in np.argsort(-strength, kind="stable")
            if strength[number] > _DUAL
        )
        return held, bool((np.abs(duals[1 + quotas :]) > _DUAL).any())

    def _most_seats(self, kind: int, floors: FloatArray) -> tuple[float | None, FloatArray]:
        kinds = len(self._space.kinds)
        cost = np.zeros(kinds)
        cost[kind] = 1.0
        upper = self._space.upper.astype(float)
        if self._highs is None:
            self._highs = new_highs()
            pass_programme(
                self._highs,
                matrix=self._space.rows,
                cost=cost,
                lower=floors,
                upper=upper,
                row_lower=self._space.row_lower,
                row_upper=self._space.row_upper,
            )
        else:
            places = np.arange(kinds, dtype=np.int32)
            self._highs.changeColsCost(kinds, places, cost)
            self._highs.changeColsBounds(kinds, places, floors, upper)
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None, np.zeros(len(self._space.row_lower))
        solution = self._highs.getSolution()
        return float(np.asarray(solution.col_value)[kind]), np.asarray(solution.row_dual)


def _percent(share: float, digits: int = 1) -> str:
    return f"{share * 100:.{digits}f} %"
