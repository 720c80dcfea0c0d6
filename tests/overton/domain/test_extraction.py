"""Views of a response and what they match; groups of jurors and who is represented."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from overton.domain.extraction import (
    InvalidExtraction,
    candidate_views,
    match_views,
    merge_views,
    strict_precision,
    two_way,
)
from overton.domain.opinion_groups import InvalidVotes, opinion_groups, represented_groups
from overton.domain.sentences import Span, split_sentences

RESPONSE = """Here are some views on the market hall.

## For it
- Many want the hall to be rebuilt. They miss it.
- Should it be sold? Others would rather sell the land.
1. Some think that a park is needed:
Rebuilding the hall is what many want."""


def test_what_presents_no_view_is_left_out() -> None:
    found = [span.of(RESPONSE) for span in candidate_views(RESPONSE, split_sentences(RESPONSE))]
    assert found == [
        "- Many want the hall to be rebuilt.",
        "Others would rather sell the land.",
        "Rebuilding the hall is what many want.",
    ]
    wide = "市場は再建されるべきだ。そう？"
    assert len(candidate_views(wide, split_sentences(wide))) == 1


def test_what_is_said_twice_is_one_view() -> None:
    spans = (Span(0, 1), Span(1, 2), Span(2, 3))
    entailment = np.array([[1, 0.1, 0.9], [0.8, 1, 0.2], [0.7, 0.1, 1]])
    views = merge_views(spans, entailment)
    assert [(view.span, view.repeats) for view in views] == [
        (Span(0, 1), (Span(2, 3),)),
        (Span(1, 2), ()),
    ]
    assert len(merge_views(spans, entailment, threshold=0.95)) == 3
    with pytest.raises(InvalidExtraction, match=r"\(3, 2\)"):
        merge_views(spans, entailment[:, :2])


def test_a_match_needs_both_directions_by_hand() -> None:
    forward, reverse = [[0.9, 0.9], [0.9, 0.2]], [[0.9, 0.1], [0.1, 0.2]]
    first, second = match_views(forward, reverse, threshold=0.5)
    assert (first.answer, first.matched) == (0, True)
    assert (second.answer, second.matched) == (0, False)
    assert [first.score, second.score] == pytest.approx([0.9, 0.3])
    assert match_views(np.zeros((1, 0)), np.zeros((1, 0)), threshold=0.5)[0].answer is None
    with pytest.raises(InvalidExtraction):
        match_views([[1.0]], [[1.0, 0.0]], threshold=0.5)


@given(
    forward=arrays(np.float64, 5, elements=st.floats(0, 1)),
    reverse=arrays(np.float64, 5, elements=st.floats(0, 1)),
)
def test_both_ways_lies_between_the_two(forward: np.ndarray, reverse: np.ndarray) -> None:
    found = two_way(forward, reverse)
    assert (found <= np.maximum(forward, reverse) + 1e-12).all()
    assert (found >= np.minimum(forward, reverse) - 1e-12).all()
    np.testing.assert_array_equal(found, two_way(reverse, forward))


def test_unmatched_views_count_against_strict_precision() -> None:
    w, u = [True, True, False, False], [False, False, True, False]
    found = strict_precision(expressed=[1, 0, 1, 1], reasonable=w, unreasonable=u, unmatched=2)
    assert (found.value, found.count) == (0.25, 4)
    silent = strict_precision(expressed=[0] * 4, reasonable=w, unreasonable=u, unmatched=0)
    assert silent.value is None
    assert silent.reason
    with pytest.raises(InvalidExtraction, match="-1"):
        strict_precision(expressed=[0] * 4, reasonable=w, unreasonable=u, unmatched=-1)


# --- Groups ---------------------------------------------------------------------------------------


def camps(sizes: tuple[int, ...], statements: int = 12, seed: int = 3) -> np.ndarray:
    """Votes of camps with opinions of their own, a tenth of the votes turned, a fifth missing."""
    rng = np.random.default_rng(seed)
    views = np.where(rng.random((len(sizes), statements)) < 0.5, 1.0, -1.0)
    votes = np.repeat(views, sizes, axis=0)
    votes[rng.random(votes.shape) < 0.05] *= -1
    votes[rng.random(votes.shape) < 0.2] = np.nan
    return votes


@pytest.mark.parametrize("sizes", [(30, 20), (25, 20, 15)])
def test_planted_camps_are_found_again(sizes: tuple[int, ...]) -> None:
    votes = camps(sizes, statements=24)
    found = opinion_groups(votes=votes, seed=1)
    assert found.count == len(sizes)
    planted = np.repeat(np.arange(len(sizes)), sizes)
    assert (found.members == planted).mean() > 0.95, "the largest group is the first"
    assert max(found.silhouettes, key=lambda k: found.silhouettes[k]) == len(sizes)
    again = opinion_groups(votes=votes, seed=1)
    np.testing.assert_array_equal(found.members, again.members)


def test_who_did_not_vote_is_in_no_group() -> None:
    votes = camps((20, 20))
    votes[3] = np.nan
    found = opinion_groups(votes=votes)
    assert found.members[3] == -1
    assert (np.delete(found.members, 3) >= 0).all()
    few = opinion_groups(votes=votes, fewest_votes=13)
    assert (few.count, set(few.members)) == (0, {-1})
    assert few.reason


def test_where_votes_part_nobody_there_is_one_group_and_a_reason() -> None:
    assert opinion_groups(votes=np.ones((9, 4))).reason == "Everybody voted alike."
    found = opinion_groups(votes=[[1, -1], [1, 1], [-1, 1]])
    assert found.count == 1
    assert "3 jurors are too few" in found.reason
    with pytest.raises(InvalidVotes, match="2 or more"):
        opinion_groups(votes=np.ones((9, 4)), most_groups=1)
    with pytest.raises(InvalidVotes, match="finite"):
        opinion_groups(votes=[[np.inf, 1.0]])


def test_a_group_is_represented_from_a_mean_of_four_by_hand() -> None:
    found = represented_groups(
        ratings=[5, 3, 4, 1, np.nan, np.nan],
        members=[0, 0, 1, 1, 2, -1],
        names=("north", "south", "east"),
    )
    assert (found.share.value, found.share.count) == (0.5, 2)
    assert "1 of 3 groups" in found.share.reason
    assert [(g.name, g.mean.value, g.represented) for g in found.groups] == [
        ("north", 4.0, True),
        ("south", 2.5, False),
        ("east", None, None),
    ]
    nobody = represented_groups(ratings=[np.nan], members=[0])
    assert nobody.share.value is None
    with pytest.raises(InvalidVotes, match="gave 6"):
        represented_groups(ratings=[6], members=[0])
    with pytest.raises(InvalidVotes, match="2 groups, but 1 names"):
        represented_groups(ratings=[1, 2], members=[0, 1], names=("a",))
