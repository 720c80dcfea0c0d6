"""Quotas: sums that can't work out, proposals from shares, and the comparison table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.candidates import CandidateProfile
from juries.domain.quotas import (
    InvalidQuota,
    Quota,
    QuotaProblem,
    QuotaProblemCode,
    check_quotas,
    compare_with_population,
    count_candidates,
    propose_quotas,
)

FEMALE = ("gender", "female")
MALE = ("gender", "male")
OLD = ("age", "65+")


def pool(females: int, males: int) -> list[CandidateProfile]:
    traits = [FEMALE] * females + [MALE] * males
    return [
        CandidateProfile(f"p{i}", (trait, ("age", "65+" if i % 2 else "18-64")))
        for i, trait in enumerate(traits)
    ]


def only_problem(quotas: list[Quota], *, size: int = 4, females: int = 5) -> QuotaProblem:
    (problem,) = check_quotas(candidates=pool(females, 5), quotas=quotas, size=size)
    assert problem.message
    return problem


@pytest.mark.parametrize(
    ("quotas", "code", "needed", "available"),
    [
        ([Quota((FEMALE,), 3, 4), Quota((MALE,), 2, 4)], "minima_above_size", 5, 4),
        ([Quota((FEMALE,), 0, 1), Quota((MALE,), 0, 2)], "maxima_below_size", 4, 3),
        ([Quota((FEMALE,), 3, 2)], "crossed_bounds", 3, 2),
        ([Quota((("gender", "other"),), 1, 2)], "unknown_value", 1, 0),
        ([Quota((("shoe", "40"),), 1, 2)], "unknown_feature", 1, 0),
        ([Quota((FEMALE,), 1, 2), Quota((FEMALE,), 1, 2)], "repeated_quota", 1, 2),
        ([Quota((FEMALE, OLD), 3, 4)], "too_few_candidates", 3, 2),
    ],
)
def test_problems_carry_the_numbers(
    quotas: list[Quota], code: str, needed: int, available: int
) -> None:
    problem = only_problem(quotas)
    assert (problem.code.value, problem.needed, problem.available) == (code, needed, available)
    assert problem.feature in {"gender", "shoe"}


def test_scarce_value_lowers_what_the_maxima_can_reach() -> None:
    problem = only_problem([Quota((FEMALE,), 0, 3), Quota((MALE,), 0, 2)], females=1)
    assert problem.code is QuotaProblemCode.MAXIMA_BELOW_SIZE
    assert "1 + 2 = 3" in problem.message


def test_value_without_quota_leaves_the_maxima_open() -> None:
    assert check_quotas(candidates=pool(5, 5), quotas=[Quota((FEMALE,), 0, 1)], size=4) == ()


def test_people_without_the_feature_count_towards_no_maximum() -> None:
    candidates = [*pool(1, 1), CandidateProfile("q", ()), CandidateProfile("r", ())]
    quotas = [Quota((FEMALE,), 0, 1), Quota((MALE,), 0, 1)]
    assert check_quotas(candidates=candidates, quotas=quotas, size=4) == ()
    assert check_quotas(candidates=candidates[:3], quotas=quotas, size=3) == ()
    (short,) = check_quotas(
        candidates=[*pool(5, 5), CandidateProfile("q", ())], quotas=quotas, size=4
    )
    assert "1 + 1 + 1 = 3" in short.message


@pytest.mark.parametrize("size", [0, 11])
def test_size_against_the_pool(size: int) -> None:
    (problem,) = check_quotas(candidates=pool(5, 5), quotas=[], size=size)
    assert str(size) in problem.message
    assert problem.feature == ""


def test_minimum_above_size_and_pool() -> None:
    codes = {
        problem.code
        for problem in check_quotas(candidates=pool(2, 5), quotas=[Quota((FEMALE,), 6, 6)], size=4)
    }
    assert QuotaProblemCode.MINIMUM_ABOVE_SIZE in codes


@pytest.mark.parametrize(
    ("traits", "minimum", "maximum"),
    [((), 0, 1), ((FEMALE, MALE), 0, 1), ((FEMALE,), -1, 1), ((FEMALE,), 0, -1)],
)
def test_quotas_that_make_no_sense(
    traits: tuple[tuple[str, str], ...], minimum: int, maximum: int
) -> None:
    with pytest.raises(InvalidQuota):
        Quota(traits, minimum, maximum)


@pytest.mark.parametrize(("low", "high"), [(3, None), (-1, None), (None, 3), (3, 3)])
def test_flexible_bounds_that_make_no_sense(low: int | None, high: int | None) -> None:
    with pytest.raises(InvalidQuota, match="can't give way"):
        Quota((FEMALE,), 2, 4, low, high)


def test_flexible_bounds_may_be_stated_for_one_side_or_none() -> None:
    assert not Quota((FEMALE,), 2, 4).states_flex
    for low, high in ((2, None), (None, 4), (0, 9)):
        assert Quota((FEMALE,), 2, 4, low, high).states_flex


def test_counts_by_combination() -> None:
    quotas = [Quota((FEMALE,), 0, 9), Quota((FEMALE, OLD), 0, 9), Quota((("x", "y"),), 0, 9)]
    assert count_candidates(candidates=pool(5, 5), quotas=quotas) == (5, 2, 0)


def test_proposal_is_floor_and_ceiling() -> None:
    quotas = propose_quotas(shares={"gender": {"female": 0.51, "male": 0.49}}, size=40)
    assert [(quota.minimum, quota.maximum) for quota in quotas] == [(20, 21), (19, 20)]
    exact = propose_quotas(shares={"gender": {"female": 0.1, "male": 0.9}}, size=30)
    assert [(quota.minimum, quota.maximum) for quota in exact] == [(3, 3), (27, 27)]
    wide = propose_quotas(shares={"gender": {"female": 0.1, "male": 0.9}}, size=30, tolerance=4)
    assert [(quota.minimum, quota.maximum) for quota in wide] == [(0, 7), (23, 30)]


@pytest.mark.parametrize(
    ("shares", "size"), [({"a": 0.5, "b": 0.4}, 10), ({"a": 1.5}, 10), ({"a": 1.0}, 0)]
)
def test_shares_that_do_not_add_up(shares: dict[str, float], size: int) -> None:
    with pytest.raises(InvalidQuota):
        propose_quotas(shares={"gender": shares}, size=size)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 500), min_size=1, max_size=6).filter(lambda c: sum(c) > 0),
    size=st.integers(1, 200),
)
def test_proposals_always_leave_room_for_the_size(counts: list[int], size: int) -> None:
    shares = {f"v{i}": count / sum(counts) for i, count in enumerate(counts)}
    quotas = propose_quotas(shares={"f": shares}, size=size)
    assert sum(quota.minimum for quota in quotas) <= size
    assert sum(quota.maximum for quota in quotas) >= size
    assert all(0 <= quota.maximum - quota.minimum <= 1 for quota in quotas)


def test_comparison_has_every_known_value_once() -> None:
    rows = compare_with_population(
        candidates=pool(3, 1),
        quotas=[Quota((FEMALE,), 1, 2), Quota((("gender", "other"),), 0, 1)],
        shares={"gender": {"male": 0.5, "female": 0.5}},
        size=2,
    )
    assert [(row.feature, row.value) for row in rows] == [
        ("gender", "male"),
        ("gender", "female"),
        ("gender", "other"),
        ("age", "18-64"),
        ("age", "65+"),
    ]
    male, female, other, young, _ = rows
    assert (female.candidates, female.pool_share, female.expected) == (3, 0.75, 1.0)
    assert (female.minimum, female.maximum) == (1, 2)
    assert (male.minimum, male.pool_share) == (None, 0.25)
    assert (other.candidates, other.population_share, other.expected) == (0, None, None)
    assert young.population_share is None
