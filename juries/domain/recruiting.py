"""Whom to recruit so that the quotas can be met.

An integer programme over what is missing: some kinds of new people, each with one value of every
feature that a quota names, join the pool; the fewest of them that make a panel possible are sought.
The new people belong to no household of the pool.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import highspy
import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from juries.domain.panel_solver import new_highs, pass_programme
from juries.domain.panel_space import PanelSpace

MOST_KINDS = 2
"""Kinds of new people that are combined before the search gives up."""


@dataclass(frozen=True, slots=True)
class Recruits:
    """`number` people who have all of `traits`, one value of each feature that quotas name."""

    number: int
    traits: tuple[tuple[str, str], ...]

    @property
    def in_words(self) -> str:
        """`3 more of gender: female and age: 65+`."""
        label = " and ".join(f"{feature}: {value}" for feature, value in self.traits)
        if label:
            return f"{self.number} more of {label}"
        return "1 more person" if self.number == 1 else f"{self.number} more people"


@dataclass(frozen=True, slots=True)
class Recruiting:
    """Whom to recruit: one kind of people where that does, else two; empty where it's no help.

    `is_complete` is False where time ran out.
    """

    recruits: tuple[Recruits, ...]
    is_complete: bool

    @property
    def in_words(self) -> str:
        """`recruit 3 more of gender: female and age: 65+`."""
        return "recruit " + " together with ".join(kind.in_words for kind in self.recruits)


def whom_to_recruit(
    *, space: PanelSpace, time_left: Callable[[], float] = lambda: inf
) -> Recruiting:
    """The fewest further people, all of one kind, with whom a panel exists.

    Where no single kind does, two kinds are combined. Values are those that quotas or candidates
    have. Of several kinds that need equally few people the solver takes one, always the same.
    """
    for kinds in range(1, MOST_KINDS + 1):
        left = time_left()
        if left <= 0:
            return Recruiting((), is_complete=False)
        if kinds == 1 and not _may_help(space=space, time_limit=left):
            break
        found, ended = _search(space=space, kinds=kinds, time_limit=left)
        if found or not ended:
            return Recruiting(found, is_complete=ended)
    return Recruiting((), is_complete=True)


class _Rows:
    """Collects rows of a sparse matrix, one constraint at a time."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, int, float]] = []
        self.lower: list[float] = []
        self.upper: list[float] = []

    def add(self, terms: dict[int, float], *, lower: float = -inf, upper: float = inf) -> None:
        self.entries.extend((len(self.lower), column, value) for column, value in terms.items())
        self.lower.append(lower)
        self.upper.append(upper)

    def matrix(self, width: int) -> csr_matrix:
        rows, columns, values = (np.array(part) for part in zip(*self.entries, strict=True))
        places = (rows.astype(int), columns.astype(int))
        return csr_matrix((values.astype(float), places), shape=(len(self.lower), width))


def _values(space: PanelSpace) -> dict[str, tuple[str, ...]]:
    """For every feature that a quota names: the values of quotas and candidates."""
    named = dict.fromkeys(feature for quota in space.quotas for feature, _ in quota.traits)
    known: dict[str, set[str]] = {feature: set() for feature in named}
    for traits in {candidate.traits for candidate in space.candidates}:
        for feature, value in traits:
            if feature in known:
                known[feature].add(value)
    for quota in space.quotas:
        for feature, value in quota.traits:
            known[feature].add(value)
    return {feature: tuple(sorted(values)) for feature, values in known.items()}


def _may_help(*, space: PanelSpace, time_limit: float) -> bool:
    """False where not even fractions of all sorts of new people would do: a quick programme.

    Columns: seats by kind (T), new people, new people by trait, new people by quota (Q).
    """
    values = _values(space)
    traits = [(feature, value) for feature, options in values.items() for value in options]
    old, quotas = len(space.kinds), len(space.quotas)
    column = {trait: old + 1 + place for place, trait in enumerate(traits)}
    rows = _Rows()
    for feature, options in values.items():
        rows.add(
            {old: -1.0, **{column[feature, value]: 1.0 for value in options}}, lower=0.0, upper=0.0
        )
    for place, quota in enumerate(space.quotas):
        counted = old + 1 + len(traits) + place
        wanted = [column[trait] for trait in quota.traits]
        for place_of_trait in wanted:
            rows.add({counted: 1.0, place_of_trait: -1.0}, upper=0.0)
        rows.add({counted: 1.0, old: len(wanted) - 1.0, **dict.fromkeys(wanted, -1.0)}, lower=0.0)
    block = 1 + len(traits) + quotas
    extra = np.zeros((space.rows.shape[0], block))
    extra[0, 0] = 1.0
    extra[1 : 1 + quotas, 1 + len(traits) :] = np.eye(quotas)
    matrix = hstack([space.rows, csr_matrix(extra)])
    if rows.lower:
        matrix = vstack([matrix, rows.matrix(old + block)])
    row_lower = np.append(space.row_lower, rows.lower)
    row_upper = np.append(space.row_upper, rows.upper)
    if (row_lower > row_upper).any():
        return False
    highs = new_highs(time_limit=time_limit)
    pass_programme(
        highs,
        matrix=csr_matrix(matrix),
        cost=np.zeros(old + block),
        lower=np.append(space.lower.astype(float), np.zeros(block)),
        upper=np.append(space.upper.astype(float), np.full(block, float(space.size))),
        row_lower=row_lower,
        row_upper=row_upper,
    )
    highs.run()
    return bool(highs.getModelStatus() != highspy.HighsModelStatus.kInfeasible)


def _search(
    *, space: PanelSpace, kinds: int, time_limit: float
) -> tuple[tuple[Recruits, ...], bool]:
    """Columns: seats by kind (T); then for each new kind: how many, a switch for each trait, and
    how many of them count towards each quota (Q).
    """
    values = _values(space)
    traits = [(feature, value) for feature, options in values.items() for value in options]
    quotas, old = len(space.quotas), len(space.kinds)
    block = 1 + len(traits) + quotas
    width = old + kinds * block
    most = float(space.size)
    extra = np.zeros((space.rows.shape[0], kinds * block))
    rows = _Rows()
    for kind in range(kinds):
        start = old + kind * block
        _describe(rows, space=space, values=values, traits=traits, start=start, most=most)
        extra[0, kind * block] = 1.0
        for place in range(quotas):
            extra[1 + place, kind * block + 1 + len(traits) + place] = 1.0
    matrix = hstack([space.rows, csr_matrix(extra)])
    if rows.lower:
        matrix = vstack([matrix, rows.matrix(width)])
    cost = np.zeros(width)
    upper = np.concatenate([space.upper.astype(float), np.ones(kinds * block)])
    for kind in range(kinds):
        start = old + kind * block
        cost[start] = -1.0
        upper[start] = most
        upper[start + 1 + len(traits) : start + block] = most
    row_lower = np.append(space.row_lower, rows.lower)
    row_upper = np.append(space.row_upper, rows.upper)
    if (row_lower > row_upper).any():
        return (), True
    highs = new_highs(time_limit=time_limit)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", 0.5)
    pass_programme(
        highs,
        matrix=csr_matrix(matrix),
        cost=cost,
        lower=np.concatenate([space.lower.astype(float), np.zeros(kinds * block)]),
        upper=upper,
        row_lower=row_lower,
        row_upper=row_upper,
        integer=True,
    )
    highs.run()
    status = highs.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        return (), status != highspy.HighsModelStatus.kTimeLimit
    solution = np.round(np.asarray(highs.getSolution().col_value)).astype(int)
    found = []
    for kind in range(kinds):
        start = old + kind * block
        chosen = solution[start + 1 : start + 1 + len(traits)]
        if solution[start]:
            picked = tuple(trait for trait, on in zip(traits, chosen, strict=True) if on)
            found.append(Recruits(int(solution[start]), picked))
    return tuple(sorted(found, key=lambda kind: (-kind.number, kind.traits))), True


def _describe(
    rows: _Rows,
    *,
    space: PanelSpace,
    values: dict[str, tuple[str, ...]],
    traits: list[tuple[str, str]],
    start: int,
    most: float,
) -> None:
    """One value of each feature; a quota counts all of the kind or none of it."""
    switch = {trait: start + 1 + place for place, trait in enumerate(traits)}
    for feature, options in values.items():
        rows.add({switch[feature, value]: 1.0 for value in options}, lower=1.0, upper=1.0)
    for place, quota in enumerate(space.quotas):
        counted = start + 1 + len(traits) + place
        wanted = [switch[trait] for trait in quota.traits]
        rows.add({counted: 1.0, start: -1.0}, upper=0.0)
        for column in wanted:
            rows.add({counted: 1.0, column: -most}, upper=0.0)
        # All switches on: everybody counts.
        rows.add(
            {counted: 1.0, start: -1.0, **dict.fromkeys(wanted, -most)},
            lower=-most * len(wanted),
        )
