"""Every objective against all panels listed one by one, and what holds for all of them."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog, minimize_scalar

from juries.domain.candidates import CandidateProfile
from juries.domain.greedy import GREEDY_RUNS, GREEDY_SEED, DeadEnds
from juries.domain.lottery import DEFAULT_METHOD, SELECTION_METHODS, Lottery, find_lottery
from juries.domain.quotas import Quota
from juries.domain.relaxation import InfeasibleQuotas
from juries.domain.search import Cancelled, LotteryProgress, OutOfTime

ROOT = Path(__file__).resolve().parents[3]
EXACT = [name for name in SELECTION_METHODS if name != "greedy"]


@dataclass(frozen=True)
class SmallPool:
    """A pool of which every panel can be listed."""

    candidates: tuple[CandidateProfile, ...]
    quotas: tuple[Quota, ...]
    size: int
    household_limit: int | None = None
    must_sit: frozenset[str] = frozenset()
    must_not_sit: frozenset[str] = frozenset()

    def find(self, method: str) -> Lottery:
        return find_lottery(
            candidates=self.candidates,
            quotas=self.quotas,
            size=self.size,
            household_limit=self.household_limit,
            must_sit=self.must_sit,
            must_not_sit=self.must_not_sit,
            method=method,
        )

    def allows(self, panel: tuple[CandidateProfile, ...]) -> bool:
        ids = {person.id for person in panel}
        homes = [person.household for person in panel if person.household]
        return (
            all(q.minimum <= sum(map(q.admits, panel)) <= q.maximum for q in self.quotas)
            and self.must_sit <= ids
            and not self.must_not_sit & ids
            and (
                self.household_limit is None
                or all(homes.count(home) <= self.household_limit for home in homes)
            )
        )

    @cached_property
    def members(self) -> NDArray[np.float64]:
        """All panels, (people, panels), one where she sits; people in order of id."""
        rows = [
            [float(person in panel) for person in self.candidates]
            for panel in combinations(self.candidates, self.size)
            if self.allows(panel)
        ]
        return np.array(rows).reshape(len(rows), len(self.candidates)).T

    @cached_property
    def counted(self) -> NDArray[np.int64]:
        """Those who can sit and need not."""
        need = np.array([person.id in self.must_sit for person in self.candidates])
        return np.flatnonzero((self.members.sum(axis=1) > 0) & ~need)


def best_level(
    pool: SmallPool, floors: NDArray[np.float64], raised: NDArray[np.int64], *, sign: float = 1.0
) -> float:
    """The best smallest (sign 1) or least largest (sign -1) chance of `raised` above `floors`."""
    members = pool.members
    rows = np.hstack([np.full((len(raised), 1), sign), -sign * members[raised]])
    kept = np.hstack([np.zeros((len(members), 1)), -members])
    found = linprog(
        np.append(-sign, np.zeros(members.shape[1])),
        A_ub=np.vstack([rows, kept]),
        b_ub=np.concatenate([np.zeros(len(raised)), -floors]),
        A_eq=np.append(0.0, np.ones(members.shape[1]))[None],
        b_eq=[1.0],
    )
    assert found.status == 0
    assert found.x is not None
    return float(found.x[0])


def leximin_by_hand(pool: SmallPool) -> NDArray[np.float64]:
    """Sorted leximin chances: a person is settled when she alone can't rise above the level."""
    floors = np.zeros(len(pool.candidates))
    open_ones = pool.counted
    while len(open_ones):
        level = best_level(pool, floors, open_ones)
        trial = floors.copy()
        trial[open_ones] = max(0.0, level - 1e-9)
        settled = np.array(
            [best_level(pool, trial, np.array([one])) <= level + 1e-7 for one in open_ones]
        )
        assert settled.any()
        floors[open_ones[settled]] = max(0.0, level - 1e-9)
        open_ones = open_ones[~settled]
    return np.sort(floors[pool.counted])


def goldilocks_by_hand(pool: SmallPool) -> float:
    """Over the smallest chance m: the least largest chance when everybody has m."""
    people = pool.counted
    average = (pool.size - len(pool.must_sit)) / len(people)
    floors = np.zeros(len(pool.candidates))
    top = best_level(pool, floors, people)

    def value(smallest: float) -> float:
        floors[people] = smallest
        return best_level(pool, floors, people, sign=-1.0) / average + average / smallest

    found = minimize_scalar(
        value, bounds=(top * 1e-3, top - 1e-9), method="bounded", options={"xatol": 1e-10}
    )
    return min(float(found.fun), value(top - 1e-9))


@st.composite
def small_pools(draw: st.DrawFn, most: int = 8) -> SmallPool:
    n = draw(st.integers(3, most))
    candidates = tuple(
        CandidateProfile(
            f"p{i:02d}",
            (
                ("colour", draw(st.sampled_from(["red", "blue"]))),
                ("age", draw(st.sampled_from(["young", "old", "ancient"]))),
            ),
            household=draw(st.sampled_from(["", "", "h1", "h2"])),
        )
        for i in range(n)
    )
    choices = [
        (("colour", "red"),),
        (("age", "old"),),
        (("age", "young"),),
        (("colour", "blue"), ("age", "young")),
        (("colour", "red"), ("age", "old")),
    ]
    quotas = []
    for traits in draw(st.lists(st.sampled_from(choices), unique=True, max_size=4)):
        low = draw(st.integers(0, 2))
        quotas.append(Quota(traits, low, low + draw(st.integers(0, 2))))
    ids = [candidate.id for candidate in candidates]
    return SmallPool(
        candidates=candidates,
        quotas=tuple(quotas),
        size=draw(st.integers(1, n - 1)),
        household_limit=draw(st.sampled_from([None, 1, 2])),
        must_sit=frozenset(draw(st.sampled_from([[], [], ids[:1]]))),
        must_not_sit=frozenset(draw(st.sampled_from([[], [], ids[1:2]]))),
    )


ODD_CYCLE = SmallPool(
    # Fractional panels allow half of each corner, whole ones don't.
    candidates=tuple(
        CandidateProfile(f"c{i}", tuple(zip("abc", corner, strict=True)))
        for i, corner in enumerate(
            [("yes", "yes", "no"), ("no", "yes", "yes"), ("yes", "no", "yes")] + [("no",) * 3] * 2
        )
    ),
    quotas=tuple(Quota(((feature, "yes"),), 0, 1) for feature in "abc"),
    size=2,
)


def check(pool: SmallPool, method: str) -> None:
    """The lottery found is a lottery over panels of the list, and no other one is better."""
    if pool.members.shape[1] == 0:
        with pytest.raises(InfeasibleQuotas):
            pool.find(method)
        return
    lottery = pool.find(method)
    everyone = {tuple(np.flatnonzero(column).tolist()) for column in pool.members.T}
    assert set(lottery.panels) <= everyone
    assert lottery.is_proven
    assert {lottery.candidate_ids.index(one) for one in lottery.cannot_sit} == set(
        np.flatnonzero(pool.members.sum(axis=1) == 0).tolist()
    )
    chances = lottery.chances[pool.counted]
    if len(chances) == 0:
        assert lottery.lower_bound == lottery.upper_bound == 1.0
        return
    assert lottery.smallest_chance == chances.min()
    nothing = np.zeros(len(pool.candidates))
    if method == "leximin":
        assert np.sort(chances) == pytest.approx(leximin_by_hand(pool), abs=1e-6)
        assert lottery.certified is not None
        for one, chance in zip(lottery.candidate_ids, lottery.chances, strict=True):
            assert lottery.certified[one] == pytest.approx(chance, abs=1e-6)
    if method in {"leximin", "maximin"}:
        reached = lottery.lower_bound
        assert reached == pytest.approx(best_level(pool, nothing, pool.counted), abs=1e-6)
        assert reached == chances.min()
    if method == "minimax":
        best = best_level(pool, nothing, pool.counted, sign=-1.0)
        assert lottery.upper_bound == chances.max() == pytest.approx(best, abs=1e-6)
    if method == "goldilocks":
        assert lottery.upper_bound == pytest.approx(goldilocks_by_hand(pool), rel=1e-5)
    if method == "nash":
        # Karush-Kuhn-Tucker: no panel's sum of 1 / chance exceeds the number of people.
        worth = (pool.members[pool.counted] / chances[:, None]).sum(axis=0)
        assert worth.max() <= len(chances) * (1 + 1e-4)
        assert lottery.lower_bound == pytest.approx(np.exp(np.log(chances).mean()), rel=1e-9)


@pytest.mark.parametrize("method", EXACT)
def test_an_integrality_gap_is_closed(method: str) -> None:
    check(ODD_CYCLE, method)
    if method in {"leximin", "maximin"}:
        # Three corners of 1/2 each would do for fractional panels; 1/3 is what whole ones allow.
        lottery = ODD_CYCLE.find(method)
        assert not lottery.is_tight
        assert lottery.smallest_chance == pytest.approx(1 / 3, abs=1e-7)


@pytest.mark.parametrize("method", EXACT)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pool=small_pools())
def test_no_lottery_over_all_panels_is_better(method: str, pool: SmallPool) -> None:
    check(pool, method)


TOWN = SmallPool(
    candidates=tuple(
        CandidateProfile(
            f"p{i:02d}",
            (("g", "fm"[i * i % 7 % 2]), ("a", "xyz"[i * 5 % 11 % 3]), ("e", "uv"[i % 5 % 2])),
            household=f"h{i // 2}" if i % 3 else "",
        )
        for i in range(60)
    ),
    quotas=(
        Quota((("g", "f"),), 5, 6),
        Quota((("a", "x"),), 3, 4),
        Quota((("e", "u"),), 4, 5),
        Quota((("g", "m"), ("a", "y")), 1, 2),
    ),
    size=11,
    household_limit=1,
    must_sit=frozenset({"p03", "p07"}),
    must_not_sit=frozenset({"p01", "p02"}),
)


def bytes_of(lottery: Lottery) -> str:
    """Everything that may not differ between two runs."""
    return repr(
        (
            lottery.candidate_ids,
            lottery.panels,
            lottery.weights,
            lottery.cannot_sit,
            lottery.lower_bound,
            lottery.upper_bound,
            lottery.gap,
            lottery.certified and dict(lottery.certified),
            lottery.estimate,
        )
    )


@pytest.fixture(scope="module")
def town_lotteries() -> dict[str, Lottery]:
    return {method: TOWN.find(method) for method in SELECTION_METHODS}


@pytest.mark.parametrize("method", list(SELECTION_METHODS))
def test_households_combinations_and_lists_hold(
    method: str, town_lotteries: dict[str, Lottery]
) -> None:
    lottery = town_lotteries[method]
    by_id = {person.id: person for person in TOWN.candidates}
    for panel in lottery.panels:
        assert TOWN.allows(tuple(by_id[lottery.candidate_ids[member]] for member in panel))
    assert lottery.is_proven is (method != "greedy")
    assert lottery.chance_of("p03") == 1.0
    assert lottery.chance_of("p01") == 0.0
    assert {"p01", "p02"} <= set(lottery.cannot_sit)


def test_each_objective_is_best_at_its_own(town_lotteries: dict[str, Lottery]) -> None:
    free = [
        place
        for place, one in enumerate(town_lotteries["leximin"].candidate_ids)
        if one not in town_lotteries["leximin"].cannot_sit and one not in TOWN.must_sit
    ]
    for name in EXACT:
        method = SELECTION_METHODS[name]
        own = method.measure(town_lotteries[name].chances[free])
        for other in EXACT:
            value = method.measure(town_lotteries[other].chances[free])
            assert (value <= own + 1e-6) if method.more_is_better else (value >= own - 1e-6)


def test_leximin_is_the_default() -> None:
    assert DEFAULT_METHOD == "leximin"
    found = find_lottery(candidates=TOWN.candidates, quotas=(), size=30)
    assert found.method == "leximin"
    assert np.ptp(found.chances) < 1e-12


def test_searches_in_threads_find_what_they_find_alone(
    town_lotteries: dict[str, Lottery],
) -> None:
    with ThreadPoolExecutor(max_workers=4) as threads:
        together = list(threads.map(TOWN.find, EXACT * 2))
    for lottery in together:
        assert bytes_of(lottery) == bytes_of(town_lotteries[lottery.method])


def test_neither_hash_seed_nor_order_changes_a_byte(town_lotteries: dict[str, Lottery]) -> None:
    script = f"""
import hashlib, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_lottery_objectives import ODD_CYCLE, SELECTION_METHODS, TOWN, SmallPool, bytes_of
from dataclasses import replace
found = []
for method in SELECTION_METHODS:
    found.append(bytes_of(replace(TOWN, candidates=TOWN.candidates[::-1]).find(method)))
    found.append(bytes_of(ODD_CYCLE.find(method)))
sys.stderr.write(hashlib.sha256(repr(found).encode()).hexdigest())
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stderr
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    turned = SmallPool(
        candidates=TOWN.candidates[::-1],
        quotas=TOWN.quotas,
        size=TOWN.size,
        household_limit=1,
        must_sit=TOWN.must_sit,
        must_not_sit=TOWN.must_not_sit,
    )
    assert bytes_of(turned.find("leximin")) == bytes_of(town_lotteries["leximin"])


@pytest.mark.parametrize("method", list(SELECTION_METHODS))
@pytest.mark.parametrize("calls", [3, 10, 25, 60])
@pytest.mark.parametrize("pool", [TOWN, ODD_CYCLE], ids=["town", "odd cycle"])
def test_when_time_is_over_the_best_so_far_comes_with_its_gap(
    method: str, calls: int, pool: SmallPool
) -> None:
    ticks = iter([0.0] * calls + [100.0] * 1_000_000)
    try:
        lottery = find_lottery(
            candidates=pool.candidates,
            quotas=pool.quotas,
            size=pool.size,
            household_limit=pool.household_limit,
            must_sit=pool.must_sit,
            must_not_sit=pool.must_not_sit,
            method=method,
            time_limit=10,
            clock=lambda: next(ticks),
        )
    except OutOfTime:
        # No panel yet; greedy fills none of its own before its first checkpoint.
        assert method == "greedy" or calls == 3
        return
    best = pool.find(method)
    assert sum(lottery.weights) == 1.0
    assert lottery.gap >= lottery.upper_bound - lottery.lower_bound >= 0
    if method != "greedy":
        # The bounds enclose the best value, whatever time was left.
        value = best.lower_bound if SELECTION_METHODS[method].more_is_better else best.upper_bound
        assert lottery.lower_bound - 1e-6 <= value <= lottery.upper_bound + 1e-6
        if lottery.is_proven:
            assert lottery.gap <= 1e-6


@pytest.mark.parametrize("method", list(SELECTION_METHODS))
def test_progress_and_cancelling(method: str) -> None:
    seen: list[LotteryProgress] = []
    common = {"candidates": TOWN.candidates, "quotas": TOWN.quotas, "size": 11, "method": method}
    find_lottery(**common, on_progress=seen.append)  # type: ignore[arg-type]  # merged keywords
    assert seen
    assert all(0 <= step.lower <= step.upper <= 1 and step.panels >= 1 for step in seen)
    calls = iter([False, False, True])
    with pytest.raises(Cancelled):
        find_lottery(**common, should_stop=lambda: next(calls))  # type: ignore[arg-type]  # as above


def test_greedy_nearly_shuts_out_one_person() -> None:
    """Published for Alternate(200, 20): at most 1.21 % instead of 10 %."""
    groups = [("male", "conservative")] * 100 + [("female", "liberal")] * 99
    groups.append(("female", "conservative"))
    candidates = [
        CandidateProfile(f"a{i:03d}", (("gender", gender), ("party", party)))
        for i, (gender, party) in enumerate(groups)
    ]
    values = [("gender", "male"), ("gender", "female")]
    values += [("party", "liberal"), ("party", "conservative")]
    quotas = [Quota((value,), 9, 20) for value in values]
    lottery = find_lottery(candidates=candidates, quotas=quotas, size=20, method="greedy")
    assert lottery.estimate is not None
    assert (lottery.estimate.runs, lottery.estimate.seed) == (GREEDY_RUNS, GREEDY_SEED)
    error = (0.0121 * (1 - 0.0121) / GREEDY_RUNS) ** 0.5
    assert 0 < lottery.chance_of("a199") <= 0.0121 + 4 * error
    assert lottery.upper_bound == pytest.approx(0.1, abs=1e-9)
    assert lottery.gap == pytest.approx(0.1 - lottery.lower_bound, abs=1e-9)
    assert not lottery.is_proven


def test_greedy_gives_up_at_dead_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # Red comes first by its share, and all but one of the red leave no place for a square.
    monkeypatch.setattr("juries.domain.greedy.GREEDY_RUNS", 1)
    people = [
        CandidateProfile(f"r{i:03d}", (("c", "red"), ("b", "x"), ("s", "round")))
        for i in range(299)
    ]
    people.append(CandidateProfile("way out", (("c", "red"), ("b", "y"), ("s", "round"))))
    people += [
        CandidateProfile(f"s{i:03d}", (("c", "blue"), ("b", "x"), ("s", "square")))
        for i in range(1000)
    ]
    quotas = [
        Quota((("c", "red"),), 1, 1),
        Quota((("b", "x"),), 1, 1),
        Quota((("s", "square"),), 1, 1),
    ]
    common = {"candidates": people, "quotas": quotas, "size": 2}
    exact = find_lottery(**common, method="leximin")  # type: ignore[arg-type]  # merged keywords
    assert exact.chance_of("way out") == 1.0
    with pytest.raises(DeadEnds, match="dead end"):
        find_lottery(**common, method="greedy")  # type: ignore[arg-type]  # as above
