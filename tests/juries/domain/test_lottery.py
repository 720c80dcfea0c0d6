"""The lottery: published figures, brute force, determinism, and what can't be met."""

import csv
import hmac
import os
import subprocess
import sys
from fractions import Fraction
from itertools import combinations
from math import fsum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from juries.domain.candidates import CandidateProfile, InvalidCandidates
from juries.domain.lottery import (
    BrokenLottery,
    Lottery,
    UnknownMethod,
    draw_panel,
    find_lottery,
    uniform_below,
)
from juries.domain.quotas import Quota, QuotaProblemCode
from juries.domain.relaxation import InfeasibleQuotas
from juries.domain.search import Cancelled, LotteryProgress, OutOfTime

ROOT = Path(__file__).resolve().parents[3]
POOLS = ROOT.parent / "shared" / "data" / "pools"
needs_pools = pytest.mark.skipif(not POOLS.is_dir(), reason=f"no pools at {POOLS}")


def alternate(n: int, k: int) -> tuple[list[CandidateProfile], list[Quota]]:
    """The pool on which greedy selection nearly shuts out its one (female, conservative)."""
    groups = (
        [("male", "conservative")] * (n // 2)
        + [("female", "liberal")] * (n // 2 - 1)
        + [("female", "conservative")]
    )
    candidates = [
        CandidateProfile(f"a{i:05d}", (("gender", g), ("party", p)))
        for i, (g, p) in enumerate(groups)
    ]
    values = [("gender", "male"), ("gender", "female")]
    values += [("party", "liberal"), ("party", "conservative")]
    return candidates, [Quota((value,), k // 2 - 1, k) for value in values]


def stored_pool(name: str) -> tuple[list[CandidateProfile], list[Quota], int]:
    with (POOLS / name / "categories.csv").open() as file:
        quotas = [
            Quota(((row["category"], row["feature"]),), int(row["min"]), int(row["max"]))
            for row in csv.DictReader(file)
        ]
    with (POOLS / name / "respondents.csv").open() as file:
        candidates = [
            CandidateProfile(row.pop("id"), tuple(row.items())) for row in csv.DictReader(file)
        ]
    return candidates, quotas, int(name.split("_")[2])


def assert_is_lottery(
    lottery: Lottery,
    candidates: list[CandidateProfile],
    quotas: list[Quota],
    size: int,
    household_limit: int | None = None,
) -> None:
    by_id = {candidate.id: candidate for candidate in candidates}
    assert sum(map(Fraction, lottery.weights), Fraction(0)) == 1
    assert fsum(lottery.weights) == 1.0
    assert len(set(lottery.panels)) == len(lottery.panels) == len(lottery.weights)
    assert min(lottery.weights) > 0
    chances = [Fraction(0)] * len(candidates)
    for panel, weight in zip(lottery.panels, lottery.weights, strict=True):
        assert len(set(panel)) == size
        assert list(panel) == sorted(panel)
        people = [by_id[lottery.candidate_ids[index]] for index in panel]
        for quota in quotas:
            assert quota.minimum <= sum(map(quota.admits, people)) <= quota.maximum
        homes = [person.household for person in people if person.household]
        if household_limit is not None:
            assert all(homes.count(home) <= household_limit for home in homes)
        for index in panel:
            chances[index] += Fraction(weight)
    assert np.array_equal(lottery.chances, np.array([float(chance) for chance in chances]))
    assert lottery.gap >= lottery.upper_bound - lottery.lower_bound >= 0


def brute_force_maximin(
    candidates: list[CandidateProfile],
    quotas: list[Quota],
    size: int,
    household_limit: int | None,
    must_sit: frozenset[str],
    must_not_sit: frozenset[str],
) -> tuple[float, frozenset[str]] | None:
    """Every panel is listed; one linear programme over all of them."""
    panels = []
    for panel in combinations(candidates, size):
        ids = {person.id for person in panel}
        homes = [person.household for person in panel if person.household]
        if (
            all(q.minimum <= sum(map(q.admits, panel)) <= q.maximum for q in quotas)
            and must_sit <= ids
            and not must_not_sit & ids
            and (household_limit is None or all(homes.count(h) <= household_limit for h in homes))
        ):
            panels.append(ids)
    if not panels:
        return None
    can_sit = set.union(*panels)
    counted = sorted(can_sit - must_sit)
    if not counted:
        return 1.0, frozenset(can_sit)
    above = np.array([[1.0] + [-float(i in panel) for panel in panels] for i in counted])
    cost = np.array([-1.0] + [0.0] * len(panels))
    result = linprog(
        cost,
        A_ub=above,
        b_ub=np.zeros(len(counted)),
        A_eq=[[0.0] + [1.0] * len(panels)],
        b_eq=[1.0],
    )
    assert result.fun is not None
    return -float(result.fun), frozenset(can_sit)


@pytest.mark.parametrize(("n", "k"), [(200, 20), (2000, 200)])
def test_alternate_gives_everyone_the_same_chance(n: int, k: int) -> None:
    candidates, quotas = alternate(n, k)
    lottery = find_lottery(candidates=candidates, quotas=quotas, size=k)
    assert_is_lottery(lottery, candidates, quotas, k)
    assert np.abs(lottery.chances - k / n).max() < 1e-9
    assert lottery.is_proven
    assert lottery.upper_bound == pytest.approx(k / n, abs=1e-9)


@needs_pools
@pytest.mark.parametrize(
    ("name", "published"),
    [
        pytest.param("synth_200_40", 0.04388, id="200"),
        pytest.param("synth_1000_100", 0.05140, id="1000"),
    ],
)
def test_stored_pools_reach_the_published_minimum(name: str, published: float) -> None:
    candidates, quotas, size = stored_pool(name)
    lottery = find_lottery(candidates=candidates, quotas=quotas, size=size)
    assert_is_lottery(lottery, candidates, quotas, size)
    assert lottery.lower_bound == pytest.approx(published, abs=5e-6)
    assert lottery.is_proven
    assert lottery.gap < 1e-6
    assert lottery.cannot_sit == ()


@needs_pools
def test_tight_pool_names_those_who_cannot_sit() -> None:
    candidates, quotas, size = stored_pool("tight_150_24")
    lottery = find_lottery(candidates=candidates, quotas=quotas, size=size)
    assert_is_lottery(lottery, candidates, quotas, size)
    assert lottery.chances.min() == 0
    barred = {c.id for c in candidates if c.by_feature["ethnicity"] in {"B", "D"}}
    assert barred
    assert barred <= set(lottery.cannot_sit)
    unseated = {lottery.candidate_ids[index] for index in np.flatnonzero(lottery.chances == 0)}
    assert unseated == set(lottery.cannot_sit)
    assert lottery.lower_bound > 0
    assert lottery.is_proven


@st.composite
def small_pools(draw: st.DrawFn) -> dict[str, object]:
    n = draw(st.integers(3, 9))
    candidates = [
        CandidateProfile(
            f"p{i}",
            (
                ("colour", draw(st.sampled_from(["red", "blue"]))),
                ("age", draw(st.sampled_from(["young", "old"]))),
            ),
            household=draw(st.sampled_from(["", "", "h1", "h2"])),
        )
        for i in range(n)
    ]
    size = draw(st.integers(1, n - 1))
    quotas = []
    traits = draw(
        st.lists(
            st.sampled_from(
                [
                    (("colour", "red"),),
                    (("age", "old"),),
                    (("colour", "blue"), ("age", "young")),
                ]
            ),
            unique=True,
        )
    )
    for trait in traits:
        low = draw(st.integers(0, 3))
        quotas.append(Quota(trait, low, low + draw(st.integers(0, 3))))
    people = [candidate.id for candidate in candidates]
    return {
        "candidates": candidates,
        "quotas": quotas,
        "size": size,
        "household_limit": draw(st.sampled_from([None, 1, 2])),
        "must_sit": frozenset(draw(st.sampled_from([[], [], people[:1]]))),
        "must_not_sit": frozenset(draw(st.sampled_from([[], [], people[1:2]]))),
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pool=small_pools())
def test_brute_force_agrees(pool: dict[str, object]) -> None:
    expected = brute_force_maximin(**pool)  # type: ignore[arg-type]  # one dict for both calls
    if expected is None:
        with pytest.raises(InfeasibleQuotas):
            find_lottery(**pool)  # type: ignore[arg-type]  # as above
        return
    lottery = find_lottery(**pool)  # type: ignore[arg-type]  # as above
    assert_is_lottery(
        lottery,
        pool["candidates"],  # type: ignore[arg-type]  # as above
        pool["quotas"],  # type: ignore[arg-type]  # as above
        pool["size"],  # type: ignore[arg-type]  # as above
        pool["household_limit"],  # type: ignore[arg-type]  # as above
    )
    smallest, can_sit = expected
    assert lottery.lower_bound == pytest.approx(smallest, abs=1e-6)
    assert lottery.is_proven
    assert set(lottery.candidate_ids) - set(lottery.cannot_sit) == can_sit
    for person in pool["must_sit"]:  # type: ignore[attr-defined]  # as above
        assert lottery.chance_of(person) == 1.0


def test_integrality_gap_is_closed_by_proof() -> None:
    # Odd cycle: fractional panels allow half of each corner, whole ones don't.
    corners = [("yes", "yes", "no"), ("no", "yes", "yes"), ("yes", "no", "yes")]
    candidates = [
        CandidateProfile(f"c{i}", tuple(zip("abc", corner, strict=True)))
        for i, corner in enumerate(corners)
    ] + [CandidateProfile(f"x{i}", (("a", "no"), ("b", "no"), ("c", "no"))) for i in range(2)]
    quotas = [Quota(((feature, "yes"),), 0, 1) for feature in "abc"]
    lottery = find_lottery(candidates=candidates, quotas=quotas, size=2)
    assert_is_lottery(lottery, candidates, quotas, 2)
    brute = brute_force_maximin(candidates, quotas, 2, None, frozenset(), frozenset())
    assert brute is not None
    assert lottery.lower_bound == pytest.approx(brute[0], abs=1e-7)
    assert lottery.lower_bound == pytest.approx(1 / 3, abs=1e-7)
    assert lottery.is_proven


def test_order_of_candidates_does_not_matter() -> None:
    candidates, quotas = alternate(40, 8)
    one = find_lottery(candidates=candidates, quotas=quotas, size=8)
    other = find_lottery(candidates=candidates[::-1], quotas=quotas, size=8)
    assert one.panels == other.panels
    assert one.weights == other.weights


def test_same_bytes_under_another_hash_seed() -> None:
    script = """
import hashlib, sys
from juries.domain.candidates import CandidateProfile
from juries.domain.lottery import draw_panel, find_lottery
from juries.domain.quotas import Quota
people = [CandidateProfile(f"p{i}", (("g", "fm"[i * i % 7 % 2]), ("a", "xyz"[i * 5 % 11 % 3])),
    household=["", f"h{i // 2}"][i % 3 == 0 or i % 3 == 1]) for i in range(60)]
quotas = [Quota((("g", "f"),), 5, 6), Quota((("a", "x"),), 3, 4)]
quotas.append(Quota((("g", "m"), ("a", "y")), 1, 2))
found = find_lottery(candidates=people, quotas=quotas, size=11, household_limit=1,
    must_sit={"p3", "p7"}, must_not_sit={"p1", "p2"})
drawn = draw_panel(lottery=found, seed="2026-11-23")
text = repr((found.candidate_ids, found.panels, found.weights, found.cannot_sit, drawn))
sys.stdout.write(hashlib.sha256(text.encode()).hexdigest())
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()[-1]
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_infeasible_by_sums_names_feature_and_numbers() -> None:
    candidates, _ = alternate(20, 4)
    quotas = [Quota((("gender", "female"),), 3, 4), Quota((("gender", "male"),), 3, 4)]
    with pytest.raises(InfeasibleQuotas) as caught:
        find_lottery(candidates=candidates, quotas=quotas, size=4)
    problem = caught.value.problems[0]
    assert problem.code is QuotaProblemCode.MINIMA_ABOVE_SIZE
    assert (problem.feature, problem.needed, problem.available) == ("gender", 6, 4)
    assert sum(c.quota.minimum - c.minimum for c in caught.value.changes) == 2
    assert "-> " in str(caught.value)
    assert "gender" in str(caught.value)


def test_infeasible_beyond_sums_says_what_would_do() -> None:
    people = [CandidateProfile(f"w{i}", (("g", "f"), ("a", "old"))) for i in range(9)]
    people += [CandidateProfile(f"m{i}", (("g", "m"), ("a", "young"))) for i in range(9)]
    quotas = [
        Quota((("g", "f"),), 4, 6),
        Quota((("g", "m"),), 0, 6),
        Quota((("a", "young"),), 4, 6),
        Quota((("a", "old"),), 0, 6),
    ]
    with pytest.raises(InfeasibleQuotas) as caught:
        find_lottery(candidates=people, quotas=quotas, size=6)
    assert caught.value.problems == ()
    moved = caught.value.changes
    assert sum(change.quota.minimum - change.minimum for change in moved) == 2
    mended = {change.quota: change for change in moved}
    relaxed = [
        Quota(q.traits, mended[q].minimum, mended[q].maximum) if q in mended else q for q in quotas
    ]
    lottery = find_lottery(candidates=people, quotas=relaxed, size=6)
    assert_is_lottery(lottery, people, relaxed, 6)


def test_household_limit_too_strict_is_not_blamed_on_quotas() -> None:
    people = [CandidateProfile(f"p{i}", (("g", "f"),), household="one") for i in range(5)]
    with pytest.raises(InfeasibleQuotas, match="household") as caught:
        find_lottery(candidates=people, quotas=[], size=2, household_limit=1)
    assert caught.value.changes == ()


def test_blank_household_binds_nobody() -> None:
    people = [CandidateProfile(f"p{i}", (("g", "f"),), household=" ") for i in range(4)]
    lottery = find_lottery(candidates=people, quotas=[], size=2, household_limit=1)
    assert lottery.lower_bound == pytest.approx(0.5, abs=1e-12)


def test_whole_pool_sits() -> None:
    people = [CandidateProfile(f"p{i}", (("g", "f"),)) for i in range(3)]
    lottery = find_lottery(candidates=people, quotas=[], size=3)
    assert lottery.panels == ((0, 1, 2),)
    assert list(lottery.chances) == [1.0, 1.0, 1.0]


def test_must_sit_fills_the_panel() -> None:
    people = [CandidateProfile(f"p{i}", (("g", "f"),)) for i in range(3)]
    lottery = find_lottery(candidates=people, quotas=[], size=1, must_sit=["p1"])
    assert list(lottery.chances) == [0.0, 1.0, 0.0]
    assert lottery.cannot_sit == ("p0", "p2")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"must_sit": ["nobody"]}, InvalidCandidates),
        ({"must_sit": ["p0"], "must_not_sit": ["p0"]}, InvalidCandidates),
        ({"method": "nothing"}, UnknownMethod),
        ({"household_limit": 0}, ValueError),
        ({"size": 0}, InfeasibleQuotas),
        ({"size": 4}, InfeasibleQuotas),
        ({"must_sit": ["p0", "p1"], "size": 1}, InfeasibleQuotas),
        ({"time_limit": 0.0}, OutOfTime),
        ({"should_stop": lambda: True}, Cancelled),
    ],
)
def test_refusals(arguments: dict[str, object], error: type[Exception]) -> None:
    people = [CandidateProfile(f"p{i}", (("g", "f"),)) for i in range(3)]
    with pytest.raises(error):
        find_lottery(**{"candidates": people, "quotas": [], "size": 2, **arguments})  # type: ignore[arg-type]  # merged keyword arguments


def test_empty_pool_is_infeasible() -> None:
    with pytest.raises(InfeasibleQuotas):
        find_lottery(candidates=[], quotas=[], size=1)


@pytest.mark.parametrize("ids", [["a", "a"], ["", "b"]])
def test_bad_ids(ids: list[str]) -> None:
    with pytest.raises(InvalidCandidates):
        find_lottery(candidates=[CandidateProfile(i, ()) for i in ids], quotas=[], size=1)


def test_time_limit_returns_the_best_so_far_with_its_gap() -> None:
    candidates, quotas = alternate(200, 20)
    ticks = iter([0.0] + [0.0] * 40 + [100.0] * 100_000)
    lottery = find_lottery(
        candidates=candidates, quotas=quotas, size=20, time_limit=10, clock=lambda: next(ticks)
    )
    assert_is_lottery(lottery, candidates, quotas, 20)
    assert lottery.lower_bound <= lottery.upper_bound <= 0.1 + 1e-9


def test_progress_is_reported() -> None:
    seen: list[LotteryProgress] = []
    candidates, quotas = alternate(40, 8)
    find_lottery(candidates=candidates, quotas=quotas, size=8, on_progress=seen.append)
    assert seen
    assert all(0 <= p.lower <= p.upper <= 1 and p.panels >= 1 for p in seen)
    assert seen[-1].lower == pytest.approx(0.2, abs=1e-6)


def test_draw_is_reproducible_and_follows_the_weights() -> None:
    people = [CandidateProfile(f"p{i}", (("g", "f"),)) for i in range(4)]
    lottery = find_lottery(candidates=people, quotas=[], size=1)
    assert draw_panel(lottery=lottery, seed="s") == draw_panel(lottery=lottery, seed="s")
    drawn = [draw_panel(lottery=lottery, seed=str(i)).candidate_ids[0] for i in range(2000)]
    for person in people:
        assert 400 < drawn.count(person.id) < 600
    with pytest.raises(BrokenLottery):
        draw_panel(lottery=lottery, seed="")


def test_uniform_below_is_fixed_and_rejects() -> None:
    first = hmac.digest(b"seed", b"0", "sha256")[:8]
    assert uniform_below(limit=2**64, seed="seed") == int.from_bytes(first, "big")
    limit = 2**63 + 1
    values = [uniform_below(limit=limit, seed=str(i)) for i in range(400)]
    assert max(values) < limit
    assert 150 < sum(value < limit // 2 for value in values) < 250
    with pytest.raises(ValueError, match="limit"):
        uniform_below(limit=0, seed="seed")
