"""Replacements: the whole panel stays within its quotas, and everyone left is treated alike."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.candidates import CandidateProfile, InvalidCandidates
from juries.domain.lottery import draw_panel, find_lottery
from juries.domain.quotas import Quota
from juries.domain.relaxation import InfeasibleQuotas
from juries.domain.replacement import (
    NoReplacement,
    NothingToReplace,
    find_replacements,
    prefer_alternates,
    residual_quotas,
)

FEMALE = (("gender", "female"),)
MALE = (("gender", "male"),)
QUOTAS = [Quota(FEMALE, 2, 2), Quota(MALE, 2, 2)]


def pool(females: int, males: int) -> list[CandidateProfile]:
    return [CandidateProfile(f"f{i}", FEMALE) for i in range(females)] + [
        CandidateProfile(f"m{i}", MALE) for i in range(males)
    ]


def test_the_open_place_goes_to_someone_of_the_same_kind() -> None:
    found = find_replacements(
        candidates=pool(6, 6),
        staying=["f0", "m0", "m1"],
        must_not_sit=["f1"],
        quotas=QUOTAS,
        size=4,
    )
    assert found.places == 1
    assert found.staying == ("f0", "m0", "m1")
    assert set(found.lottery.candidate_ids).isdisjoint(found.staying)
    chances = dict(zip(found.lottery.candidate_ids, found.lottery.chances.tolist(), strict=True))
    for who in ("f2", "f3", "f4", "f5"):
        assert chances[who] == pytest.approx(0.25)
    assert chances["f1"] == chances["m5"] == 0
    assert [(r.minimum, r.maximum) for r in found.residuals] == [(1, 1), (0, 0)]
    assert found.residuals[0].in_words == "gender: female exactly 1"
    drawn = draw_panel(lottery=found.lottery, seed="s").candidate_ids
    assert len(drawn) == 1
    assert drawn[0].startswith("f")


def test_an_open_place_may_be_settled() -> None:
    found = find_replacements(
        candidates=pool(6, 6), staying=["f0", "m0"], must_sit=["f3"], quotas=QUOTAS, size=4
    )
    chances = dict(zip(found.lottery.candidate_ids, found.lottery.chances.tolist(), strict=True))
    assert found.staying == ("f0", "m0")
    assert chances["f3"] == 1
    assert chances["f1"] == 0
    assert chances["m1"] == pytest.approx(0.2)
    with pytest.raises(NoReplacement, match="must sit"):
        find_replacements(
            candidates=pool(6, 6),
            staying=["f0", "m0"],
            must_sit=["f3", "f4"],
            quotas=QUOTAS,
            size=4,
        )


def test_nobody_left_of_a_kind_is_said_with_numbers() -> None:
    with pytest.raises(NoReplacement, match="gender: female exactly 1") as caught:
        find_replacements(
            candidates=pool(2, 6),
            staying=["f0", "m0", "m1"],
            must_not_sit=["f1"],
            quotas=QUOTAS,
            size=4,
        )
    assert isinstance(caught.value, InfeasibleQuotas)
    assert caught.value.staying == 3
    assert "3 stay and 1 place(s) are open" in str(caught.value)
    assert {change.in_words for change in caught.value.changes} == {
        "gender: female minimum 2 -> 1",
        "gender: male maximum 2 -> 3",
    }


def test_too_many_stay_for_a_maximum() -> None:
    with pytest.raises(NoReplacement, match="gender: male 1 too many stay already"):
        find_replacements(candidates=pool(6, 6), staying=["m0", "m1", "m2"], quotas=QUOTAS, size=4)


def test_household_of_one_who_stays_counts() -> None:
    candidates = [
        CandidateProfile("a", FEMALE, "h1"),
        CandidateProfile("b", FEMALE, "h1"),
        CandidateProfile("c", FEMALE, "h2"),
    ]
    found = find_replacements(
        candidates=candidates, staying=["a"], quotas=[], size=2, household_limit=1
    )
    assert found.lottery.chance_of("b") == 0
    assert found.lottery.chance_of("c") == 1


def test_nothing_to_replace_and_strangers() -> None:
    with pytest.raises(NothingToReplace, match="4 stay on a panel of 4"):
        find_replacements(
            candidates=pool(6, 6), staying=["f0", "f1", "m0", "m1"], quotas=QUOTAS, size=4
        )
    with pytest.raises(InvalidCandidates):
        find_replacements(candidates=pool(6, 6), staying=["x"], quotas=QUOTAS, size=4)


@settings(max_examples=25, deadline=None)
@given(leaving=st.sets(st.integers(0, 3), min_size=1, max_size=4), seed=st.text(min_size=1))
def test_whole_panel_always_meets_the_quotas(leaving: set[int], seed: str) -> None:
    candidates = pool(5, 5)
    by_id = {candidate.id: candidate for candidate in candidates}
    first = draw_panel(
        lottery=find_lottery(candidates=candidates, quotas=QUOTAS, size=4), seed=seed
    ).candidate_ids
    gone = [who for place, who in enumerate(first) if place in leaving]
    staying = [who for who in first if who not in gone]
    found = find_replacements(
        candidates=candidates, staying=staying, must_not_sit=gone, quotas=QUOTAS, size=4
    )
    assert found.places == len(gone)
    for panel in found.lottery.panels:
        whole = staying + [found.lottery.candidate_ids[index] for index in panel]
        assert len(set(whole)) == 4
        assert not set(whole) & set(gone)
        for quota in QUOTAS:
            people = [by_id[who] for who in whole]
            assert quota.minimum <= sum(map(quota.admits, people)) <= quota.maximum


def test_residuals_in_words() -> None:
    (residual,) = residual_quotas(staying=[], quotas=[Quota(FEMALE, 1, 3)], size=4)
    assert residual.in_words == "gender: female 1 to 3"
    assert residual.is_binding
    (loose,) = residual_quotas(staying=[], quotas=[Quota(FEMALE, 0, 9)], size=4)
    assert not loose.is_binding


def test_what_would_have_to_give_is_said_in_full() -> None:
    with pytest.raises(NoReplacement) as caught:
        find_replacements(
            candidates=pool(2, 6),
            staying=["f0", "m0", "m1"],
            must_not_sit=["f1"],
            quotas=QUOTAS,
            size=4,
        )
    assert caught.value.explanation is not None
    assert caught.value.explanation.conflict is not None
    assert caught.value.explanation.conflict.argument == (
        "The pool can seat only 1 with gender: female."
    )
    assert "gender: female needs at least 2 and the pool has 1" in str(caught.value)
    assert "Or recruit 1 more of gender: female." in str(caught.value)
    assert "Not counted are 1 of the pool who may not sit." in str(caught.value)


class TestAlternatesFirst:
    def preferred(
        self, alternates: list[str], must_not_sit: tuple[str, ...] = ()
    ) -> tuple[int, set[str]]:
        """How many places they fill, and everybody with a chance."""
        candidates = pool(6, 6)
        found = prefer_alternates(
            candidates=candidates,
            staying=["f0", "m0"],
            alternates=alternates,
            quotas=QUOTAS,
            size=4,
            must_not_sit=must_not_sit,
        )
        lottery = find_replacements(
            candidates=found.candidates,
            staying=["f0", "m0"],
            quotas=found.quotas,
            size=4,
            must_not_sit=must_not_sit,
        ).lottery
        chances = zip(lottery.candidate_ids, lottery.chances.tolist(), strict=True)
        return found.most, {who for who, chance in chances if chance > 0}

    def test_they_fill_all_places_where_they_fit(self) -> None:
        assert self.preferred(["f3", "f4", "m3"]) == (2, {"f3", "f4", "m3"})

    def test_the_pool_fills_what_they_cannot(self) -> None:
        most, possible = self.preferred(["f3", "f4"])
        assert most == 1
        assert possible == {"f3", "f4", "m1", "m2", "m3", "m4", "m5"}

    def test_whoever_must_sit_comes_before_them(self) -> None:
        found = prefer_alternates(
            candidates=pool(6, 6),
            staying=["f0", "m0"],
            alternates=["f3", "m3"],
            must_sit=["f4"],
            quotas=QUOTAS,
            size=4,
        )
        assert found.most == 1

    def test_nobody_of_use_changes_nothing(self) -> None:
        most, possible = self.preferred(["f3"], must_not_sit=("f3",))
        assert most == 0
        assert possible == {"f1", "f2", "f4", "f5", "m1", "m2", "m3", "m4", "m5"}
        assert self.preferred([])[0] == 0

    def test_strangers_are_refused(self) -> None:
        with pytest.raises(InvalidCandidates, match="are alternates"):
            self.preferred(["x"])

    def test_out_of_time_prefers_nobody(self) -> None:
        found = prefer_alternates(
            candidates=pool(6, 6),
            staying=["f0", "m0"],
            alternates=["f3"],
            quotas=QUOTAS,
            size=4,
            time_left=lambda: 0.0,
        )
        assert found.most == 0
