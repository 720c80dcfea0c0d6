"""Why no panel exists: conflicts, relaxations and recruits, against brute force on small pools."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from juries.domain.candidates import CandidateProfile
from juries.domain.conflicts import Answer, Conflict, find_conflict, panel_exists
from juries.domain.explanation import explain, infeasible_quotas
from juries.domain.members import Member, Side
from juries.domain.panel_space import PanelSpace, build_panel_space
from juries.domain.quotas import Quota
from juries.domain.recruiting import whom_to_recruit
from juries.domain.relaxation import (
    InfeasibleQuotas,
    QuotaChange,
    smallest_change,
    smallest_relaxations,
)

FEMALE, MALE = ("gender", "female"), ("gender", "male")
YOUNG, OLD = ("age", "18-29"), ("age", "30+")


def person(name: str, *traits: tuple[str, str], home: str = "") -> CandidateProfile:
    return CandidateProfile(name, traits, home)


def people(count: int, *traits: tuple[str, str], prefix: str) -> list[CandidateProfile]:
    return [person(f"{prefix}{number:02d}", *traits) for number in range(count)]


def young_women_only() -> PanelSpace:
    """Twelve young women, two older ones, twenty older men."""
    candidates = [
        *people(12, FEMALE, YOUNG, prefix="a"),
        *people(2, FEMALE, OLD, prefix="b"),
        *people(20, MALE, OLD, prefix="c"),
    ]
    quotas = [Quota((FEMALE,), 11, 12), Quota((YOUNG,), 0, 3), Quota((MALE,), 3, 20)]
    return build_panel_space(candidates=candidates, quotas=quotas, size=20)


def panels(
    candidates: Sequence[CandidateProfile], size: int, *, seated: Sequence[str] = ()
) -> Iterator[tuple[CandidateProfile, ...]]:
    for panel in itertools.combinations(candidates, size):
        if set(seated) <= {member.id for member in panel}:
            yield panel


def homes_fit(panel: Sequence[CandidateProfile], limit: int | None) -> bool:
    homes = [member.household for member in panel if member.household.strip()]
    return limit is None or all(homes.count(home) <= limit for home in homes)


def meets(panel: Sequence[CandidateProfile], quotas: Sequence[Quota]) -> bool:
    return all(q.minimum <= sum(map(q.admits, panel)) <= q.maximum for q in quotas)


def any_panel(space: PanelSpace, quotas: Sequence[Quota], limit: int | None = None) -> bool:
    return any(
        meets(panel, quotas) and homes_fit(panel, limit)
        for panel in panels(space.candidates, space.size)
    )


def test_women_against_the_young_in_words() -> None:
    conflict = find_conflict(space=young_women_only())
    assert conflict is not None
    assert conflict.is_minimal
    assert [member.in_words for member in conflict.members] == [
        "gender: female at least 11",
        "age: 18-29 at most 3",
    ]
    assert conflict.in_words == (
        "These can't both hold: gender: female at least 11 and age: 18-29 at most 3. At least 8"
        " people would have to have “gender: female” without “age: 18-29”, and the pool can seat"
        " only 2 of that kind."
    )


def test_three_relaxations_smallest_first() -> None:
    space = young_women_only()
    ways = smallest_relaxations(space=space)
    assert ways.is_complete
    assert [way.seats for way in ways.found] == [6, 6, 6]
    assert [len(way.changes) for way in ways.found][:2] == [1, 1]
    assert {way.in_words for way in ways.found[:2]} == {
        "gender: female minimum 11 -> 5",
        "age: 18-29 maximum 3 -> 9",
    }
    assert smallest_change(space=space) == ways.found[0].changes


def test_recruit_six_older_women() -> None:
    recruiting = whom_to_recruit(space=young_women_only())
    assert recruiting.is_complete
    assert recruiting.in_words == "recruit 6 more of gender: female and age: 30+"


def test_the_whole_explanation_and_its_error() -> None:
    space = young_women_only()
    explanation = explain(space=space)
    assert explanation.answer is Answer.NO
    assert "can't both hold" in explanation.sentences[0]
    assert explanation.sentences[1].startswith("Any one of these changes would be enough: (1) ")
    assert explanation.sentences[2] == "Or recruit 6 more of gender: female and age: 30+."
    error = infeasible_quotas(space=space)
    assert isinstance(error, InfeasibleQuotas)
    assert explanation.in_words in str(error)
    assert error.changes == explanation.relaxations[0].changes
    assert explain(space=space) == explanation


def test_the_order_of_candidates_changes_nothing() -> None:
    space = young_women_only()
    turned = build_panel_space(
        candidates=space.candidates[::-1], quotas=space.quotas, size=space.size
    )
    assert explain(space=turned) == explain(space=space)


def test_a_panel_that_exists_needs_no_words() -> None:
    space = build_panel_space(candidates=people(4, FEMALE, prefix="p"), quotas=[], size=2)
    explanation = explain(space=space)
    assert explanation.answer is Answer.YES
    assert explanation.in_words == ""
    assert find_conflict(space=space) is None


@pytest.mark.parametrize(
    ("quotas", "size", "members", "argument"),
    [
        (
            [Quota((FEMALE,), 3, 4), Quota((MALE,), 2, 4)],
            4,
            {"gender: female at least 3", "gender: male at least 2", "a panel of 4"},
            "The minima ask for 3 + 2 = 5 seats of 4, and nobody counts for two.",
        ),
        (
            [Quota((FEMALE,), 0, 1), Quota((MALE,), 0, 2)],
            4,
            {"gender: female at most 1", "gender: male at most 2", "a panel of 4"},
            (
                "The maxima leave room for 1 + 2 = 3 of 4 seats, so 1 would have to go to people"
                " under none of them, and the pool can seat nobody of those."
            ),
        ),
        (
            [Quota((FEMALE,), 6, 6)],
            7,
            {"gender: female at least 6"},
            "The pool can seat only 5 with gender: female.",
        ),
        ([Quota((FEMALE,), 3, 1)], 4, None, "The minimum is above the maximum."),
        ([], 11, {"a panel of 11"}, "The pool can seat only 10 for 11 seats."),
    ],
)
def test_counts_that_prove_it(
    quotas: list[Quota], size: int, members: set[str] | None, argument: str
) -> None:
    pool = [*people(5, FEMALE, YOUNG, prefix="f"), *people(5, MALE, OLD, prefix="m")]
    conflict = find_conflict(space=build_panel_space(candidates=pool, quotas=quotas, size=size))
    assert conflict is not None
    assert conflict.argument == argument
    if members is not None:
        assert {member.in_words for member in conflict.members} == members


def test_overlapping_minima_need_people_who_count_twice() -> None:
    pool = [
        *people(5, FEMALE, OLD, prefix="f"),
        person("both", FEMALE, YOUNG),
        *people(5, MALE, YOUNG, prefix="m"),
    ]
    space = build_panel_space(
        candidates=pool, quotas=[Quota((FEMALE,), 3, 4), Quota((YOUNG,), 3, 4)], size=4
    )
    conflict = find_conflict(space=space)
    assert conflict is not None
    assert "so 2 would have to go to people who count twice" in conflict.argument
    assert "only 1 of those" in conflict.argument


def test_household_rule_takes_part_and_blank_keys_do_not() -> None:
    together = [person(f"h{number}", FEMALE, home="h") for number in range(3)]
    space = build_panel_space(candidates=together, quotas=[], size=2, household_limit=1)
    explanation = explain(space=space)
    assert explanation.conflict is not None
    assert {member.side for member in explanation.conflict.members} == {Side.HOUSEHOLD, Side.SIZE}
    assert "at most 1 from one household" in explanation.in_words
    assert explanation.relaxations == ()
    assert explanation.sentences[-1] == "Or recruit 1 more person."
    apart = [person(f"h{number}", FEMALE, home=" ") for number in range(3)]
    blank = build_panel_space(candidates=apart, quotas=[], size=2, household_limit=1)
    assert panel_exists(space=blank) is Answer.YES


def test_those_who_must_sit_take_part() -> None:
    pool = people(5, FEMALE, prefix="f") + people(5, MALE, prefix="m")
    space = build_panel_space(
        candidates=pool, quotas=[Quota((FEMALE,), 0, 1)], size=4, must_sit=["f00", "f01"]
    )
    conflict = find_conflict(space=space)
    assert conflict is not None
    assert conflict.in_words == (
        "These can't both hold: gender: female at most 1 and 2 who must sit. 2 of those who must"
        " sit have “gender: female”."
    )
    crowded = build_panel_space(candidates=pool, quotas=[], size=1, must_sit=["f00", "f01"])
    conflict = find_conflict(space=crowded)
    assert conflict is not None
    assert conflict.in_words == (
        "These can't both hold: 2 who must sit and a panel of 1. There is 1 seat."
    )


def test_whole_people_are_needed() -> None:
    """Half of everybody would do: each pair of three traits at most one seat, two seats."""
    pool = [
        person("a", ("x", "1"), ("y", "1"), ("z", "0")),
        person("b", ("x", "1"), ("y", "0"), ("z", "1")),
        person("c", ("x", "0"), ("y", "1"), ("z", "1")),
    ]
    quotas = [Quota(((name, "1"),), 1, 1) for name in "xyz"]
    space = build_panel_space(
        candidates=[*pool, person("d", ("x", "0"), ("y", "0"), ("z", "0"))], quotas=quotas, size=2
    )
    assert panel_exists(space=space) is Answer.NO
    conflict = find_conflict(space=space)
    assert conflict is not None
    assert conflict.is_minimal
    assert conflict.in_words


def test_two_kinds_are_recruited_where_one_is_no_help() -> None:
    pool = people(4, FEMALE, YOUNG, prefix="p")
    quotas = [
        Quota((FEMALE, OLD), 1, 1),
        Quota((MALE, YOUNG), 1, 1),
        Quota((MALE, OLD), 0, 0),
    ]
    recruiting = whom_to_recruit(space=build_panel_space(candidates=pool, quotas=quotas, size=4))
    assert recruiting.in_words == (
        "recruit 1 more of gender: female and age: 30+ together with 1 more of gender: male and"
        " age: 18-29"
    )


def test_nobody_helps_against_minima_above_the_size() -> None:
    pool = people(4, FEMALE, prefix="f") + people(4, MALE, prefix="m")
    quotas = [Quota((FEMALE,), 3, 4), Quota((MALE,), 3, 4)]
    space = build_panel_space(candidates=pool, quotas=quotas, size=4)
    recruiting = whom_to_recruit(space=space)
    assert recruiting.recruits == ()
    assert recruiting.is_complete


def test_an_empty_pool_has_no_panel() -> None:
    space = build_panel_space(candidates=[], quotas=[Quota((FEMALE,), 1, 2)], size=2)
    explanation = explain(space=space)
    assert explanation.answer is Answer.NO
    assert explanation.conflict is not None
    assert explanation.conflict.argument == "The pool can seat nobody with gender: female."
    assert explanation.recruiting.in_words == "recruit 2 more of gender: female"
    assert explanation.relaxations == ()
    assert explain(space=space).in_words in str(infeasible_quotas(space=space, problems=()))


def test_a_panel_of_nobody_is_none() -> None:
    space = build_panel_space(candidates=people(2, FEMALE, prefix="f"), quotas=[], size=0)
    assert panel_exists(space=space) is Answer.NO
    error = infeasible_quotas(space=space)
    assert "size is 0" in str(error)
    assert "Time ran out" not in str(error)


def test_out_of_time_is_said() -> None:
    explanation = explain(space=young_women_only(), time_limit=0.0)
    assert explanation.answer is Answer.UNDECIDED
    assert "wasn't decided in time" in explanation.in_words
    ticks = itertools.count()
    late = explain(space=young_women_only(), time_limit=3.5, clock=lambda: float(next(ticks)))
    assert late.answer is Answer.NO
    assert late.unfinished
    assert "Time ran out for:" in late.in_words


def older_women_are_capped_twice(north: int | None, low: int | None) -> PanelSpace:
    """Three young women, four older men, and two older women who are from the north and of low
    education, of which nobody may sit: letting one of them sit takes two seats of moving.
    """
    capped = (("region", "north"), ("education", "low"))
    free = (("region", "south"), ("education", "high"))
    candidates = [
        *people(3, FEMALE, YOUNG, *free, prefix="a"),
        *people(4, MALE, OLD, *free, prefix="b"),
        *people(2, FEMALE, OLD, *capped, prefix="c"),
    ]
    quotas = [
        Quota((FEMALE,), 2, 4),
        Quota((OLD,), 3, 4),
        Quota((capped[0],), 0, 0, flexible_maximum=north),
        Quota((capped[1],), 0, 0, flexible_maximum=low),
    ]
    return build_panel_space(candidates=candidates, quotas=quotas, size=4)


BOTH_CAPS = "region: north maximum 0 -> 1; education: low maximum 0 -> 1"
ONE_SEAT = ["gender: female minimum 2 -> 1", "age: 30+ minimum 3 -> 2"]


def test_a_larger_relaxation_within_the_flexible_bounds_stands_before_smaller_ones() -> None:
    space = older_women_are_capped_twice(north=1, low=2)
    ways = smallest_relaxations(space=space)
    assert ways.is_complete
    assert ways.within_flex is Answer.YES
    assert [way.in_words for way in ways.found] == [BOTH_CAPS, *ONE_SEAT]
    assert [way.seats for way in ways.found] == [2, 1, 1]
    assert [way.is_within_flex for way in ways.found] == [True, False, False]
    assert smallest_change(space=space) == ways.found[0].changes
    assert explain(space=space).ways_out[0] == (
        f"Any one of these changes would be enough: (1) {BOTH_CAPS} (within the bounds you"
        f" allowed). (2) {ONE_SEAT[0]}. (3) {ONE_SEAT[1]}."
    )


@pytest.mark.parametrize(("north", "low"), [(1, None), (4, 0), (0, 0)])
def test_where_the_flexible_bounds_are_not_enough_it_says_so_and_shows_the_others(
    north: int, low: int | None
) -> None:
    """A bound of which nothing is said stays, once something is said of another."""
    space = older_women_are_capped_twice(north=north, low=low)
    ways = smallest_relaxations(space=space)
    assert ways.within_flex is Answer.NO
    assert [way.in_words for way in ways.found] == [*ONE_SEAT, BOTH_CAPS]
    assert not any(way.is_within_flex for way in ways.found)
    said = explain(space=space).ways_out
    assert said[0] == "No change within the bounds you allowed is enough."
    assert said[1].startswith(f"Any one of these changes would be enough: (1) {ONE_SEAT[0]}. (2)")


def test_without_flexible_bounds_nothing_is_said_of_them() -> None:
    space = older_women_are_capped_twice(north=None, low=None)
    ways = smallest_relaxations(space=space)
    assert ways.within_flex is None
    assert [way.in_words for way in ways.found] == [*ONE_SEAT, BOTH_CAPS]
    assert "allowed" not in explain(space=space).in_words


def test_two_bounds_give_way_as_far_as_each_may() -> None:
    space = young_women_only()
    women, young, men = space.quotas
    quotas = [replace(women, flexible_minimum=8), replace(young, flexible_maximum=6), men]
    ways = smallest_relaxations(
        space=build_panel_space(candidates=space.candidates, quotas=quotas, size=20)
    )
    assert ways.found[0].in_words == "gender: female minimum 11 -> 8; age: 18-29 maximum 3 -> 6"
    assert {way.in_words for way in ways.found[1:]} == {
        "gender: female minimum 11 -> 5",
        "age: 18-29 maximum 3 -> 9",
    }
    assert [way.is_within_flex for way in ways.found] == [True, False, False]


def test_a_combination_gives_way_like_any_other_quota() -> None:
    pool = [*people(4, FEMALE, YOUNG, prefix="f"), *people(4, MALE, OLD, prefix="m")]
    quotas = [Quota((FEMALE, OLD), 2, 4, flexible_minimum=0), Quota((MALE,), 0, 4)]
    ways = smallest_relaxations(space=build_panel_space(candidates=pool, quotas=quotas, size=4))
    assert [way.in_words for way in ways.found] == [
        "gender: female and age: 30+ minimum 2 -> 0",
    ]
    assert ways.found[0].is_within_flex


def test_flexible_bounds_do_not_touch_the_conflict_nor_whom_to_recruit() -> None:
    flexible = explain(space=older_women_are_capped_twice(north=1, low=1))
    plain = explain(space=older_women_are_capped_twice(north=None, low=None))
    assert flexible.conflict is not None
    assert plain.conflict is not None
    assert flexible.conflict.in_words == plain.conflict.in_words
    assert flexible.recruiting == plain.recruiting


def test_out_of_time_within_the_flexible_bounds_is_not_taken_for_a_no() -> None:
    space = older_women_are_capped_twice(north=1, low=1)
    ways = smallest_relaxations(space=space, time_left=lambda: 0.0)
    assert (ways.found, ways.is_complete, ways.within_flex) == ((), False, Answer.UNDECIDED)
    left = iter((100.0, 100.0, 0.0))  # the one within, the proof that there is no other
    late = smallest_relaxations(space=space, time_left=lambda: next(left))
    assert [way.in_words for way in late.found] == [BOTH_CAPS]
    assert (late.is_complete, late.within_flex) == (False, Answer.YES)


@st.composite
def small_pools(draw: st.DrawFn, *, flexible: bool = False) -> tuple[PanelSpace, int | None]:
    values = {"x": ("1", "2"), "y": ("1", "2", "3")}
    candidates = [
        person(
            f"p{number}",
            *((feature, draw(st.sampled_from(options))) for feature, options in values.items()),
            home=draw(st.sampled_from(("", "", "h", "i"))),
        )
        for number in range(draw(st.integers(3, 7)))
    ]
    size = draw(st.integers(1, 4))
    quotas = []
    for feature, options in values.items():
        for value in options:
            low = draw(st.integers(0, 3))
            high = draw(st.integers(low, 4))
            flex: tuple[int | None, int | None] = (None, None)
            if flexible:
                flex = (
                    draw(st.none() | st.integers(0, low)),
                    draw(st.none() | st.integers(high, 5)),
                )
            quotas.append(Quota(((feature, value),), low, high, *flex))
    limit = draw(st.sampled_from((None, 1)))
    space = build_panel_space(
        candidates=candidates, quotas=quotas, size=size, household_limit=limit
    )
    return space, limit


def holds_without(space: PanelSpace, conflict: Conflict, dropped: Member | None) -> bool:
    """Brute force: some set of people meets the conflict's members but for the dropped one."""
    kept = [member for member in conflict.members if member is not dropped]
    for size in range(len(space.candidates) + 1):
        for panel in itertools.combinations(space.candidates, size):
            if all(obeys(panel, member) for member in kept):
                return True
    return False


def obeys(panel: Sequence[CandidateProfile], member: Member) -> bool:
    if member.side is Side.SIZE:
        return len(panel) == member.bound
    if member.side is Side.HOUSEHOLD:
        return homes_fit(panel, member.bound)
    assert member.quota is not None
    count = sum(map(member.quota.admits, panel))
    return count >= member.bound if member.side is Side.MINIMUM else count <= member.bound


@settings(max_examples=60, deadline=None)
@given(case=small_pools())
def test_conflicts_are_minimal(case: tuple[PanelSpace, int | None]) -> None:
    space, limit = case
    conflict = find_conflict(space=space)
    assert (conflict is None) == any_panel(space, space.quotas, limit)
    if conflict is not None:
        assert conflict.is_minimal
        assert not holds_without(space, conflict, None)
        for member in conflict.members:
            assert holds_without(space, conflict, member)


@settings(max_examples=40, deadline=None)
@given(case=small_pools())
def test_relaxations_are_minimal_and_the_smallest(case: tuple[PanelSpace, int | None]) -> None:
    space, limit = case
    assume(not any_panel(space, space.quotas, limit))
    possible = minimal_moves(space, limit)
    ways = smallest_relaxations(space=space)
    assert ways.is_complete
    moved = [moves_of(space, way.changes) for way in ways.found]
    assert len(set(moved)) == len(moved) == min(3, len(possible))
    assert set(moved) <= set(possible)
    cost = sorted((sum(move), touched(move)) for move in possible)
    assert [(sum(move), touched(move)) for move in moved] == cost[: len(moved)]


@settings(max_examples=80, deadline=None)
@given(case=small_pools(flexible=True))
def test_relaxations_within_the_flexible_bounds_are_the_smallest_of_these(
    case: tuple[PanelSpace, int | None],
) -> None:
    space, limit = case
    assume(any(quota.states_flex for quota in space.quotas))
    assume(not any_panel(space, space.quotas, limit))
    possible = minimal_moves(space, limit)
    within = [move for move in possible if is_allowed(space, move)]
    ways = smallest_relaxations(space=space)
    assert ways.is_complete
    assert ways.within_flex is (Answer.YES if within else Answer.NO)
    moved = [moves_of(space, way.changes) for way in ways.found]
    assert set(moved) <= set(possible)
    assert len(set(moved)) == len(moved) == min(3, len(possible))
    inside = moved[: len(within)]
    assert [way.is_within_flex for way in ways.found] == [is_allowed(space, m) for m in moved]
    assert set(inside) <= set(within)
    assert costs(inside) == sorted(costs(within))[:3]
    beyond = [move for move in possible if move not in within]
    assert costs(moved[len(inside) :]) == sorted(costs(beyond))[: 3 - len(inside)]


def costs(moves: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
    return [(sum(move), touched(move)) for move in moves]


def is_allowed(space: PanelSpace, move: tuple[int, ...]) -> bool:
    """Only bounds that may give are moved, and no further than they may."""
    half = len(move) // 2
    for quota, low, high in zip(space.quotas, move[:half], move[half:], strict=True):
        least, most = quota.flexible_minimum, quota.flexible_maximum
        if low and (least is None or quota.minimum - low < least):
            return False
        if high and (most is None or quota.maximum + high > most):
            return False
    return True


def touched(move: tuple[int, ...]) -> int:
    half = len(move) // 2
    return sum(1 for low, high in zip(move[:half], move[half:], strict=True) if low or high)


def moves_of(space: PanelSpace, changes: Sequence[QuotaChange]) -> tuple[int, ...]:
    new = {change.quota: change for change in changes}
    low = [q.minimum - new[q].minimum if q in new else 0 for q in space.quotas]
    high = [new[q].maximum - q.maximum if q in new else 0 for q in space.quotas]
    return (*low, *high)


def minimal_moves(space: PanelSpace, limit: int | None) -> list[tuple[int, ...]]:
    """By brute force: the moves that each panel would need, but for those that others undercut."""
    needed: set[tuple[int, ...]] = set()
    for panel in panels(space.candidates, space.size):
        if homes_fit(panel, limit):
            counts = [sum(map(quota.admits, panel)) for quota in space.quotas]
            pairs = list(zip(counts, space.quotas, strict=True))
            needed.add(
                (
                    *(max(0, quota.minimum - count) for count, quota in pairs),
                    *(max(0, count - quota.maximum) for count, quota in pairs),
                )
            )
    return [
        move
        for move in needed
        if not any(other != move and all(np.array(other) <= np.array(move)) for other in needed)
    ]


@settings(max_examples=40, deadline=None)
@given(case=small_pools())
def test_recruits_make_it_possible(case: tuple[PanelSpace, int | None]) -> None:
    space, limit = case
    assume(not any_panel(space, space.quotas, limit))
    recruiting = whom_to_recruit(space=space)
    assert recruiting.is_complete
    kinds = [(("x", x), ("y", y)) for x in ("1", "2") for y in ("1", "2", "3")]
    alone = [
        number
        for number in range(1, space.size + 1)
        for kind in kinds
        if any_panel_with(space, [(number, kind)], limit)
    ]
    if len(recruiting.recruits) == 1:
        assert recruiting.recruits[0].number == min(alone)
    else:
        assert not alone
    if recruiting.recruits:
        added = [(kind.number, kind.traits) for kind in recruiting.recruits]
        assert any_panel_with(space, added, limit)


def any_panel_with(
    space: PanelSpace,
    added: Sequence[tuple[int, tuple[tuple[str, str], ...]]],
    limit: int | None,
) -> bool:
    new = [
        person(f"new{place}-{number}", *traits)
        for place, (count, traits) in enumerate(added)
        for number in range(count)
    ]
    return any(
        meets(panel, space.quotas) and homes_fit(panel, limit)
        for panel in panels([*space.candidates, *new], space.size)
    )
