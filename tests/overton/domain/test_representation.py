"""Votes, the groups of each query, and the share of them that a source represents."""

import numpy as np
import pytest

from annotations.domain.measured import Measured
from overton.domain.opinion_groups import InvalidVotes, Representation
from overton.domain.representation import best_of, groups_of_queries, source_share, votes_of
from overton.domain.windows import JudgementCode


def shown(value: float | None) -> Representation:
    share = Measured.missing("Nobody rated.") if value is None else Measured(value=value, count=1)
    return Representation(share=share, groups=())


def test_a_vote_says_what_a_juror_holds_and_then_what_she_refuses() -> None:
    code = JudgementCode
    votes = votes_of(
        verdicts=[[code.CORRECT, code.REASONABLE, code.CANT_SAY, code.UNREASONABLE, code.NOT_SAID],
                  [code.CORRECT, code.REASONABLE, code.CANT_SAY, code.UNREASONABLE, code.NOT_SAID]],
        holds=np.array([[1, 0, 1, 1, 1], [0, np.nan, np.nan, 0, np.nan]]),
    )  # fmt: skip
    np.testing.assert_array_equal(votes, [[1, 0, 1, 1, np.nan], [0, 0, 0, -1, np.nan]])
    with pytest.raises(InvalidVotes, match="shapes"):
        votes_of(verdicts=[[1, 2]], holds=[[1.0]])


def test_a_query_has_groups_of_its_own() -> None:
    first = np.repeat([[1.0, -1.0], [-1.0, 1.0]], 4, axis=0)
    second = np.tile([[1.0, -1.0], [-1.0, 1.0]], (4, 1))
    second[7, 1] = np.nan  # one vote is too few
    one, other = groups_of_queries(
        votes=np.hstack([first, second]), columns=[(0, 1), (2, 3)], seed=1
    )
    assert one.members.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert other.members.tolist() == [0, 1, 0, 1, 0, 1, 0, -1]
    (alone,) = groups_of_queries(votes=np.hstack([first, second]), columns=[(2, 3)], seed=1)
    assert alone.members.tolist() == other.members.tolist(), "no query hangs on another"


def test_the_best_response_of_a_source_counts() -> None:
    assert best_of([shown(0.5), shown(1), shown(None)]).share.value == 1
    assert best_of([shown(None), shown(0)]).share.value == 0, "an unrated one hides no rated one"
    assert best_of([shown(None)]).share.value is None


def test_a_source_is_averaged_over_queries_that_were_rated() -> None:
    found = source_share(per_query=[shown(1), shown(0.5), shown(None)], seed=1, resamples=200)
    assert (found.value, found.count) == (0.75, 2)
    assert found.reason == "1 of 3 queries have no value."
    assert (found.low, found.high) == (0.5, 1)
