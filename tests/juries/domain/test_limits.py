"""What limits a chance: counted by hand, and never false."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.candidates import CandidateProfile
from juries.domain.limits import ChanceLimit, Direction, MissingChance, limits_of_chances
from juries.domain.lottery import find_lottery
from juries.domain.members import Side
from juries.domain.quotas import Quota
from juries.domain.relaxation import InfeasibleQuotas

FEMALE, MALE = ("gender", "female"), ("gender", "male")
YOUNG, OLD = ("age", "18-64"), ("age", "65+")


def people(count: int, *traits: tuple[str, str], prefix: str) -> list[CandidateProfile]:
    return [CandidateProfile(f"{prefix}{number:02d}", traits) for number in range(count)]


def limits(
    candidates: list[CandidateProfile], quotas: list[Quota], size: int, **rules: object
) -> dict[str, ChanceLimit]:
    lottery = find_lottery(candidates=candidates, quotas=quotas, size=size, **rules)  # type: ignore[arg-type]  # passed on
    chances = dict(zip(lottery.candidate_ids, lottery.chances.tolist(), strict=True))
    return dict(
        limits_of_chances(
            candidates=candidates,
            quotas=quotas,
            size=size,
            chances=chances,
            **rules,  # type: ignore[arg-type]  # passed on
        )
    )


def test_a_maximum_lowers_and_raises() -> None:
    pool = people(30, OLD, prefix="o") + people(10, YOUNG, prefix="y")
    told = limits(pool, [Quota((OLD,), 0, 6)], 10)
    old, young = told["o00"], told["y00"]
    assert old.direction is Direction.LOWERED
    assert old.is_whole
    assert old.in_words == (
        "What limits it: at most 6 of 10 seats go to age: 65+, and 30 in the pool have it (on"
        " average at most 20.0 % for each of them)."
    )
    (quota,) = old.quotas
    assert (quota.side, quota.bound, quota.holders, quota.counts_her) == (Side.MAXIMUM, 6, 30, True)
    assert quota.in_words == "at most 6 with age: 65+ (30 in the pool)"
    assert young.direction is Direction.RAISED
    assert young.in_words == (
        "What raises it: at most 6 of 10 seats go to age: 65+, so at least 4 are left for the 10"
        " others (on average at least 40.0 % for each of them)."
    )
    assert old.average == young.average == pytest.approx(0.25)


def test_a_minimum_of_others_lowers() -> None:
    pool = people(30, OLD, prefix="o") + people(10, YOUNG, prefix="y")
    told = limits(pool, [Quota((YOUNG,), 5, 10)], 10)
    assert told["o00"].in_words == (
        "What limits it: at least 5 of 10 seats go to age: 18-64, so at most 5 are left for the 30"
        " others (on average at most 16.7 % for each of them)."
    )
    assert told["y00"].in_words == (
        "What raises it: at least 5 of 10 seats go to age: 18-64, and 10 in the pool have it (on"
        " average at least 50.0 % for each of them)."
    )


def test_average_is_nobodys_fault() -> None:
    pool = people(8, OLD, prefix="o")
    limit = limits(pool, [Quota((OLD,), 0, 4)], 4)["o00"]
    assert limit.direction is Direction.EVEN
    assert limit.in_words == "Nothing: it is the pool's average."
    assert limit.quotas == ()


def test_no_chance_names_what_excludes() -> None:
    pool = [
        *people(6, FEMALE, YOUNG, prefix="a"),
        *people(6, MALE, OLD, prefix="b"),
        *people(1, MALE, YOUNG, prefix="c"),
    ]
    quotas = [Quota((FEMALE,), 3, 3), Quota((OLD,), 3, 3)]
    told = limits(pool, quotas, 6)["c00"]
    assert told.direction is Direction.EXCLUDED
    assert told.chance == 0
    assert told.in_words == (
        "No panel has room for somebody with these traits, because of: at least 3 with gender:"
        " female (6 in the pool); at least 3 with age: 65+ (6 in the pool)."
    )
    none = limits(pool, [Quota((FEMALE,), 0, 0)], 6)["a00"]
    assert none.in_words == (
        "No panel has room for somebody with these traits, because of: at most 0 with gender:"
        " female (6 in the pool)."
    )


def test_a_lottery_that_left_somebody_out_is_not_the_quotas_fault() -> None:
    pool = people(3, OLD, prefix="o")
    told = limits_of_chances(
        candidates=pool, quotas=[], size=1, chances={"o00": 1.0, "o01": 0.0, "o02": 0.0}
    )
    assert told["o01"].in_words == (
        "A panel with such a person exists, but the lottery that was found has none."
    )
    assert told["o00"].in_words == "No single quota accounts for its being higher."


def test_certain_and_barred() -> None:
    pool = people(6, OLD, prefix="o")
    told = limits(pool, [], 3, must_sit=["o00"], must_not_sit=["o01"])
    assert told["o00"].direction is Direction.CERTAIN
    assert told["o01"].direction is Direction.BARRED
    assert told["o02"].direction is Direction.EVEN
    assert told["o02"].average == pytest.approx(0.5)


def test_quotas_that_act_together() -> None:
    """No maximum alone holds the old women under 4/16, but the crossed ones do."""
    pool = [
        *people(20, FEMALE, OLD, prefix="a"),
        *people(2, FEMALE, YOUNG, prefix="b"),
        *people(2, MALE, OLD, prefix="c"),
        *people(6, MALE, YOUNG, prefix="d"),
    ]
    quotas = [Quota((FEMALE,), 5, 5), Quota((OLD,), 5, 5)]
    told = limits(pool, quotas, 10)
    old_women = told["a00"]
    assert old_women.direction is Direction.LOWERED
    assert old_women.quotas
    assert old_women.in_words.startswith("What limits it:")


def test_the_order_of_candidates_changes_nothing() -> None:
    pool = people(30, OLD, prefix="o") + people(10, YOUNG, prefix="y")
    quotas = [Quota((OLD,), 0, 6)]
    assert limits(pool, quotas, 10) == limits(pool[::-1], quotas, 10)


def test_every_candidate_needs_a_chance() -> None:
    with pytest.raises(MissingChance, match="o01"):
        limits_of_chances(
            candidates=people(2, OLD, prefix="o"), quotas=[], size=1, chances={"o00": 0.5}
        )


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(lambda c: 3 <= sum(c) <= 8),
    bounds=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=3, max_size=3),
)
def test_what_is_said_is_true(counts: list[int], bounds: list[tuple[int, int]]) -> None:
    kinds = [(FEMALE, YOUNG), (FEMALE, OLD), (MALE, YOUNG), (MALE, OLD)]
    pool = [
        member
        for number, (count, kind) in enumerate(zip(counts, kinds, strict=True))
        for member in people(count, *kind, prefix="abcd"[number])
    ]
    quotas = [
        Quota((trait,), low, max(low, high))
        for trait, (low, high) in zip((FEMALE, MALE, OLD), bounds, strict=True)
    ]
    panels = [
        panel
        for panel in itertools.combinations(pool, 3)
        if all(q.minimum <= sum(map(q.admits, panel)) <= q.maximum for q in quotas)
    ]
    try:
        told = limits(pool, quotas, 3)
    except InfeasibleQuotas:
        assert not panels
        return
    for candidate in pool:
        limit = told[candidate.id]
        possible = any(candidate in panel for panel in panels)
        assert (limit.direction is Direction.EXCLUDED) == (not possible)
        if limit.direction is Direction.EXCLUDED:
            # The quotas blamed do exclude her: no panel meets them with her on it.
            named = {(quota.label, quota.side) for quota in limit.quotas}
            assert not any(
                candidate in panel and obeyed(panel, quotas, named)
                for panel in itertools.combinations(pool, 3)
            )
        for blamed in limit.quotas:
            (quota,) = [q for q in quotas if q.label == blamed.label]
            assert blamed.holders == sum(map(quota.admits, pool))
            assert blamed.counts_her == quota.admits(candidate)


def obeyed(
    panel: tuple[CandidateProfile, ...], quotas: list[Quota], named: set[tuple[str, Side]]
) -> bool:
    for quota in quotas:
        count = sum(map(quota.admits, panel))
        if (quota.label, Side.MINIMUM) in named and count < quota.minimum:
            return False
        if (quota.label, Side.MAXIMUM) in named and count > quota.maximum:
            return False
    return True
