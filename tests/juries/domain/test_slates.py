"""Slates: by hand, by brute force, and the published figure where its raw file is at hand."""

import csv
from itertools import product
from math import nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.slates import balanced, favourites
from juries.domain.welfare import InvalidUtilities

RAW = Path(__file__).resolve().parents[4] / "shared/data/gsc_chatbot"


def test_equal_shares_by_hand() -> None:
    ratings = [[4, 1], [4, 3], [4, 0], [3, 2]]
    best = favourites(ratings, statements="ab")
    assert best.assigned.tolist() == [0, 0, 0, 0]
    assert best.captured(at_least=4) == 3
    shared = balanced(ratings, statements="ab")
    assert shared.assigned.tolist() == [0, 1, 0, 1]
    assert shared.ratings.tolist() == [4, 3, 4, 2]
    assert shared.captured(at_least=3) == 3


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3).flatmap(
        lambda size: st.lists(
            st.lists(st.integers(-2, 4), min_size=size, max_size=size), min_size=1, max_size=6
        )
    )
)
def test_equal_shares_by_brute_force(table: list[list[int]]) -> None:
    jurors, number = len(table), len(table[0])
    found = balanced(np.array(table), statements="abc"[:number])
    sizes = np.bincount(found.assigned, minlength=number)
    assert sizes.max() - sizes.min() <= 1
    sums = []
    for choice in product(range(number), repeat=jurors):
        counts = [choice.count(place) for place in range(number)]
        if max(counts) - min(counts) <= 1:
            sums.append(sum(row[place] for row, place in zip(table, choice, strict=True)))
    assert found.ratings.sum() == pytest.approx(max(sums))


def test_more_statements_than_jurors() -> None:
    assert balanced([[0, 3, 1]], statements="abc").assigned.tolist() == [1]


def test_refusals() -> None:
    with pytest.raises(InvalidUtilities, match="Juror 2 has no rating of 'a'"):
        balanced([[1.0, 2.0], [nan, 2.0]], statements="ab")
    with pytest.raises(InvalidUtilities, match="1 statements"):
        favourites([[1, 2]], statements="a")


def test_published_slate_of_five() -> None:
    """Fish and others: 93 of 100 people feel mostly or perfectly represented."""
    path = RAW / "chatbot_personalization_data.csv"
    if not path.exists():
        pytest.skip("the raw answers of the study are not on this machine")
    given_by: dict[str, dict[str, float]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["sample_type"] == "validation" and row["choice_numeric"]:
                own = given_by.setdefault(row["user_id"], {})
                own[row["question_text"]] = float(row["choice_numeric"])
    ratings = [[own[text] for text in sorted(own)] for own in given_by.values()]
    found = balanced(ratings, statements="abcde")
    assert len(found.ratings) == 100
    assert np.bincount(found.assigned).tolist() == [20] * 5
    assert found.captured(at_least=3) == 93
    assert found.captured(at_least=4) == 75
