"""Statistics of chances by hand, and methods side by side."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.domain import comparison
from juries.domain.candidates import CandidateProfile
from juries.domain.comparison import chance_statistics, compare_objectives, summarise
from juries.domain.lottery import SELECTION_METHODS, Lottery, UnknownMethod, find_lottery
from juries.domain.quotas import Quota
from juries.domain.relaxation import InfeasibleQuotas
from juries.domain.search import Cancelled, LotteryProgress, OutOfTime

PEOPLE = [CandidateProfile(f"p{i}", (("g", "fm"[i % 3 == 0]),)) for i in range(9)]
QUOTAS = [Quota((("g", "f"),), 2, 2)]


def test_statistics_by_hand() -> None:
    found = chance_statistics(chances=[0.4, 0.1], half_level=0.2)
    # Gini of two numbers: their difference over twice their sum.
    assert found.gini == pytest.approx(0.3 / (2 * 0.5))
    assert found.geometric_mean == pytest.approx(0.2)
    assert (found.people, found.smallest, found.largest) == (2, 0.1, 0.4)
    assert found.mean == pytest.approx(0.25)
    assert found.below_half == 1


def test_one_zero_makes_the_geometric_mean_zero() -> None:
    found = chance_statistics(chances=[0.0, 0.5, 1.0], half_level=0.25)
    assert found.geometric_mean == 0.0
    assert found.below_half == 1
    # Sum of |a - b| over ordered pairs / (2 n^2 mean) = 2 (0.5 + 1 + 0.5) / (2 * 9 * 0.5).
    assert found.gini == pytest.approx(4 / 9)


def test_all_zero_is_even() -> None:
    assert chance_statistics(chances=[0.0, 0.0], half_level=0.1).gini == 0.0


def test_a_chance_at_the_level_is_not_below_it() -> None:
    assert chance_statistics(chances=[0.1], half_level=0.1).below_half == 0


@pytest.mark.parametrize("chances", [[], [-0.1], [1.1]])
def test_no_or_impossible_chances_are_refused(chances: list[float]) -> None:
    with pytest.raises(ValueError, match=r"chances|Chances"):
        chance_statistics(chances=chances, half_level=0.1)


@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=30))
def test_laws_of_the_statistics(chances: list[float]) -> None:
    found = chance_statistics(chances=chances, half_level=0.0)
    assert 0 <= found.gini < 1
    assert found.smallest - 1e-12 <= found.geometric_mean <= found.mean + 1e-12
    assert chance_statistics(chances=chances[::-1], half_level=0.0) == found
    halved = chance_statistics(chances=[c / 2 for c in chances], half_level=0.0)
    assert halved.gini == pytest.approx(found.gini, abs=1e-9)


def test_summary_with_and_without_those_who_cannot_sit() -> None:
    lottery = find_lottery(
        candidates=PEOPLE, quotas=QUOTAS, size=3, must_not_sit=["p0"], method="maximin"
    )
    summary = summarise(lottery)
    assert summary.cannot_sit == 1
    assert summary.everyone.geometric_mean == 0.0
    assert summary.able is not None
    assert summary.able.geometric_mean > 0
    assert summary.able.people == 8
    assert summary.everyone.half_level == summary.able.half_level == pytest.approx(3 / 9 / 2)
    assert summary.everyone.below_half == summary.able.below_half + 1
    assert list(summary.sorted_chances) == sorted(lottery.chances)


def test_every_method_is_compared() -> None:
    seen: list[tuple[str, LotteryProgress]] = []
    outcomes = compare_objectives(
        candidates=PEOPLE,
        quotas=QUOTAS,
        size=3,
        on_progress=lambda name, progress: seen.append((name, progress)),
    )
    assert list(outcomes) == list(SELECTION_METHODS)
    for name, outcome in outcomes.items():
        assert outcome.label
        assert outcome.sentence.endswith(".")
        assert outcome.reason == ""
        assert outcome.lottery is not None
        assert outcome.lottery.method == name
        assert outcome.summary is not None
    assert {name for name, _ in seen} == set(SELECTION_METHODS)


def test_a_failure_is_kept_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails_at_first(**arguments: object) -> Lottery:
        if arguments["method"] == "second":
            raise OutOfTime("Too short.")
        return find_lottery(**{**arguments, "method": "maximin"})  # type: ignore[arg-type]  # passed on

    methods: Mapping[str, object] = MappingProxyType(
        dict.fromkeys(("first", "second", "third"), SELECTION_METHODS["maximin"])
    )
    monkeypatch.setattr(comparison, "find_lottery", fails_at_first)
    monkeypatch.setattr(comparison, "SELECTION_METHODS", methods)
    outcomes = compare_objectives(candidates=PEOPLE, quotas=QUOTAS, size=3)
    assert [outcome.reason for outcome in outcomes.values()] == ["", "Too short.", ""]
    assert outcomes["second"].lottery is None
    assert outcomes["second"].summary is None
    assert outcomes["third"].lottery is not None


def test_what_no_method_could_mend_is_raised() -> None:
    with pytest.raises(UnknownMethod, match="maximin"):
        compare_objectives(candidates=PEOPLE, quotas=QUOTAS, size=3, methods=["nothing"])
    with pytest.raises(InfeasibleQuotas):
        compare_objectives(candidates=PEOPLE, quotas=[Quota((("g", "f"),), 4, 5)], size=3)
    with pytest.raises(Cancelled):
        compare_objectives(candidates=PEOPLE, quotas=QUOTAS, size=3, should_stop=lambda: True)
