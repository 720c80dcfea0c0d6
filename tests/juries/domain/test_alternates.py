"""Alternates: exact dropouts, hand-counted needs, and a simulation that repeats itself."""

import itertools
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.alternate_trials import enough_alternates, try_out
from juries.domain.alternates import NobodyToReplace, plan_alternates
from juries.domain.candidates import CandidateProfile
from juries.domain.dropout import (
    DropoutRates,
    InvalidDropout,
    estimate_rates,
    poisson_binomial,
    wilson,
)
from juries.domain.quotas import Quota

FEMALE, MALE = ("gender", "female"), ("gender", "male")


def people(females: int, males: int, prefix: str = "") -> list[CandidateProfile]:
    return [CandidateProfile(f"{prefix}f{i:02d}", (FEMALE,)) for i in range(females)] + [
        CandidateProfile(f"{prefix}m{i:02d}", (MALE,)) for i in range(males)
    ]


@settings(max_examples=40, deadline=None)
@given(rates=st.lists(st.floats(0, 1), max_size=7))
def test_dropouts_against_brute_force(rates: list[float]) -> None:
    by_hand = np.zeros(len(rates) + 1)
    for outcome in itertools.product((0, 1), repeat=len(rates)):
        chance = prod(r if o else 1 - r for r, o in zip(rates, outcome, strict=True))
        by_hand[sum(outcome)] += chance
    assert poisson_binomial(rates) == pytest.approx(by_hand, abs=1e-12)


def test_number_by_hand() -> None:
    """Four seats, each given up half of the time, and alternates who are no steadier."""
    plan = plan_alternates(
        seated=people(4, 0),
        left=people(20, 0, "x"),
        quotas=[],
        size=4,
        rates=DropoutRates(0.5, {}),
        level=0.6,
    )
    chances = [comb(4, d) / 16 for d in range(5)]

    def enough(a: int) -> float:
        tails = [sum(comb(a, j) for j in range(d, a + 1)) / 2**a for d in range(5)]
        return float(sum(c * tail for c, tail in zip(chances, tails, strict=True)))

    wanted = next(a for a in range(40) if enough(a) >= 0.6)
    assert plan.number == wanted
    (demand,) = plan.demands
    assert (demand.label, demand.seated, demand.minimum) == ("all seats", 4, 4)
    assert demand.expected == pytest.approx(2.0)


def test_each_minimum_has_its_demand_and_spare_people_lower_it() -> None:
    plan = plan_alternates(
        seated=people(6, 4),
        left=people(30, 30, "x"),
        quotas=[Quota((FEMALE,), 6, 6), Quota((MALE,), 2, 4)],
        size=10,
        rates=DropoutRates(0.1, {}),
        level=0.9,
    )
    size, women, men = plan.demands
    assert plan.level_each == pytest.approx(1 - 0.1 / 3)
    assert women.wanted > men.wanted  # two men may go before the minimum of 2 is touched
    assert size.wanted >= women.wanted
    assert plan.number == max(size.wanted, women.wanted + men.wanted)
    assert plan.quotas(number=plan.number)[0] == Quota((FEMALE,), women.wanted, plan.number)
    assert plan.short == ()
    double = plan.quotas(number=2 * plan.number)
    assert [quota.minimum for quota in double] == [2 * women.wanted]  # no man is wanted
    half = plan.quotas(number=plan.number // 2)
    assert sum(quota.minimum for quota in half) <= plan.number // 2
    assert half[0].minimum == women.wanted * (plan.number // 2) // plan.number


def test_higher_rate_of_a_value_asks_for_more() -> None:
    def women(rate: float) -> int:
        plan = plan_alternates(
            seated=people(5, 5),
            left=people(40, 40, "x"),
            quotas=[Quota((FEMALE,), 5, 5), Quota((MALE,), 5, 5)],
            size=10,
            rates=DropoutRates(0.1, {FEMALE: rate}),
            level=0.9,
        )
        return plan.demands[1].wanted

    assert women(0.0) == 0
    assert women(0.1) < women(0.3) < women(0.6)


def test_a_pool_that_runs_short_is_named() -> None:
    plan = plan_alternates(
        seated=people(5, 5),
        left=people(1, 9, "x"),
        quotas=[Quota((FEMALE,), 5, 5), Quota((MALE,), 5, 5)],
        size=10,
        rates=DropoutRates(0.4, {}),
        level=0.95,
    )
    assert "gender: female" in [demand.label for demand in plan.short]
    assert plan.number <= 10
    assert plan.quotas(number=plan.number)[0].minimum == 1


def test_a_vacant_seat_is_a_certain_dropout() -> None:
    plan = plan_alternates(
        seated=people(3, 0),
        left=people(9, 0, "x"),
        quotas=[],
        size=4,
        rates=DropoutRates(0.0, {}),
        level=0.9,
    )
    assert plan.number == 1


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InvalidDropout, match=r"gender: female is 1\.0"):
        DropoutRates(0.1, {FEMALE: 1.0})
    with pytest.raises(InvalidDropout, match=r"-0\.1"):
        DropoutRates(-0.1, {})
    common = {"left": people(1, 1), "quotas": [], "size": 2, "rates": DropoutRates(0.1, {})}
    with pytest.raises(InvalidDropout, match="aimed at is 1"):
        plan_alternates(seated=people(1, 1), level=1.0, **common)  # type: ignore[arg-type]  # shared
    with pytest.raises(NobodyToReplace):
        plan_alternates(seated=[], level=0.9, **common)  # type: ignore[arg-type]  # shared


def test_rates_are_estimated_and_shrunk() -> None:
    past = [((FEMALE,), True)] * 2 + [((FEMALE,), False)] * 8 + [((MALE,), False)] * 10
    found = estimate_rates(past=past)
    assert found is not None
    assert (found.seats, found.given_up) == (20, 2)
    assert found.rates.overall == pytest.approx(0.1)
    assert found.rates.by_value[FEMALE] == pytest.approx((2 + 1) / 20)
    assert found.rates.by_value[MALE] == pytest.approx((0 + 1) / 20)
    assert (found.low, found.high) == pytest.approx((0.0279, 0.3010), abs=1e-4)
    assert estimate_rates(past=[]) is None
    everyone = estimate_rates(past=[((MALE,), True)])
    assert everyone is not None
    assert everyone.rates.overall == 0.99


def test_wilson_by_hand() -> None:
    assert wilson(successes=0, trials=0) == (0.0, 1.0)
    assert wilson(successes=10, trials=10)[1] == pytest.approx(1.0)
    assert wilson(successes=10, trials=10)[0] == pytest.approx(0.7225, abs=1e-4)


def test_simulation_against_the_exact_probability() -> None:
    """Two women, one alternate who always stays: enough unless both go, 1 - 0.09."""
    seated = [CandidateProfile("a", (FEMALE,)), CandidateProfile("b", (FEMALE,))]
    spare = [CandidateProfile("c", (MALE,))]
    tried = try_out(
        seated=seated,
        alternates=spare,
        quotas=[],
        size=2,
        household_limit=None,
        rates=DropoutRates(0.3, {MALE: 0.0}),
        seed="s",
        trials=2000,
    )
    assert tried.low <= 0.91 <= tried.high
    again = try_out(
        seated=seated[::-1],
        alternates=spare,
        quotas=[],
        size=2,
        household_limit=None,
        rates=DropoutRates(0.3, {MALE: 0.0}),
        seed="s",
        trials=2000,
    )
    assert again == tried


def test_a_plan_holds_its_promise() -> None:
    """With alternates as planned, the simulation meets the level that was aimed at."""
    seated, left = people(6, 6), people(20, 20, "x")
    quotas = [Quota((FEMALE,), 5, 7), Quota((MALE,), 5, 7)]
    rates = DropoutRates(0.15, {FEMALE: 0.25})
    plan = plan_alternates(seated=seated, left=left, quotas=quotas, size=12, rates=rates, level=0.9)
    women = next(d.wanted for d in plan.demands if d.label == "gender: female")
    chosen = [*people(women, 0, "x"), *people(0, plan.number - women, "x")]
    tried = try_out(
        seated=seated,
        alternates=chosen,
        quotas=quotas,
        size=12,
        household_limit=None,
        rates=rates,
        seed="promise",
        trials=400,
    )
    assert tried.high >= 0.9
    assert tried.share >= 0.88


def test_more_are_taken_where_one_person_has_to_fit_two_quotas() -> None:
    """By traits a woman and a young person would do; only young women fill the gap."""
    young, old = ("age", "18-29"), ("age", "30+")
    seated = [CandidateProfile(f"s{i}", (FEMALE, young)) for i in range(2)]
    left = [CandidateProfile(f"a{i}", (FEMALE, old)) for i in range(9)]
    left += [CandidateProfile(f"b{i}", (MALE, young)) for i in range(9)]
    left += [CandidateProfile(f"c{i}", (FEMALE, young)) for i in range(2)]
    quotas = [Quota((FEMALE,), 2, 2), Quota((young,), 2, 2)]
    rates = DropoutRates(0.3, {})
    common = {"seated": seated, "left": left, "quotas": quotas, "size": 2, "rates": rates}
    plan = plan_alternates(level=0.8, **common)  # type: ignore[arg-type]  # shared
    asked: list[int] = []
    number = enough_alternates(
        plan=plan,
        household_limit=None,
        seed="s",
        checkpoint=asked.append,
        **common,  # type: ignore[arg-type]  # shared
    )
    assert asked == list(range(plan.number, number + 1))
    assert number > plan.number
    again = enough_alternates(plan=plan, household_limit=None, seed="s", **common)  # type: ignore[arg-type]  # shared
    assert again == number
