"""Which passages count, by hand: refuted mentions, both sides, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overton.domain.pairs import InvalidPairs, checked_probabilities, distinct_pairs
from overton.domain.reading import InvalidReading, read_expressions
from overton.domain.sentences import Passage, passages, split_sentences

YES, NEUTRAL, AGAINST = (0.9, 0.08, 0.02), (0.1, 0.85, 0.05), (0.05, 0.15, 0.8)


def judged(
    sentences: int, labels: dict[tuple[int, int], tuple[float, float, float]]
) -> tuple[tuple[Passage, ...], np.ndarray]:
    """Passages of so many sentences; those that are not named are neutral."""
    found = passages(split_sentences(" ".join(f"Sentence {n}." for n in range(sentences))))
    rows = [labels.get((passage.first, passage.last), NEUTRAL) for passage in found]
    return found, np.array(rows)[:, None, :]


def test_the_score_is_the_largest_entailment_and_the_shortest_passage_that_has_it() -> None:
    found, rows = judged(4, {(1, 1): YES, (1, 2): YES, (0, 3): (0.5, 0.4, 0.1)})
    [expression] = read_expressions(found, rows)
    assert expression.score == 0.9
    assert expression.mentioned is None
    assert (found[expression.passage or 0].first, found[expression.passage or 0].last) == (1, 1)
    assert expression.expressed(threshold=0.9)
    assert not expression.expressed(threshold=0.91)


def test_a_mention_that_the_next_sentence_refutes_does_not_count() -> None:
    # "Some say X. That is false. Cats purr."
    labels = {(0, 0): YES, (0, 1): AGAINST, (0, 2): AGAINST}
    found, rows = judged(3, labels)
    [expression] = read_expressions(found, rows)
    assert expression.score == pytest.approx(0.1)
    assert expression.refuted(threshold=0.5)
    assert not expression.refuted(threshold=0.05), "then another passage expresses it"
    assert found[expression.shown(threshold=0.5) or 0].size == 1
    assert expression.shown(threshold=0.5) == expression.mentioned == 0


def test_a_refutation_may_stand_before_the_mention() -> None:
    # "The following is wrong. X."
    found, rows = judged(2, {(1, 1): YES, (0, 1): AGAINST})
    [expression] = read_expressions(found, rows)
    assert not expression.expressed(threshold=0.5)


def test_a_longer_passage_around_a_refuted_mention_does_not_bring_it_back() -> None:
    # The judge misses the refutation in three sentences and in the whole response.
    found, rows = judged(
        5, {(1, 1): YES, (0, 1): YES, (1, 2): AGAINST, (0, 2): YES, (1, 3): YES, (0, 4): YES}
    )
    [expression] = read_expressions(found, rows)
    assert not expression.expressed(threshold=0.5)


def test_the_opposite_view_beside_it_leaves_the_view_presented() -> None:
    # "Supporters say X. Opponents say the opposite."
    found, rows = judged(2, {(0, 0): YES, (1, 1): AGAINST, (0, 1): AGAINST})
    [expression] = read_expressions(found, rows)
    assert expression.expressed(threshold=0.5)


def test_said_elsewhere_without_refutation_it_counts() -> None:
    found, rows = judged(4, {(0, 0): YES, (0, 1): AGAINST, (3, 3): (0.7, 0.2, 0.1)})
    [expression] = read_expressions(found, rows)
    assert (expression.score, expression.passage) == (0.7, 3)
    assert not expression.refuted(threshold=0.5)


def test_a_whole_response_refutes_nothing() -> None:
    found, rows = judged(4, {(0, 0): YES, (0, 3): AGAINST})
    assert read_expressions(found, rows)[0].expressed(threshold=0.5)


def test_a_judge_that_knows_no_contradiction_refutes_nothing() -> None:
    half = (0.1, 0.45, 0.45)
    found, rows = judged(2, {(0, 0): (0.9, 0.05, 0.05), (0, 1): half, (1, 1): half})
    assert read_expressions(found, rows)[0].expressed(threshold=0.5)


def test_a_response_without_words_expresses_nothing() -> None:
    expressions = read_expressions((), np.zeros((0, 2, 3)))
    assert [(e.score, e.passage, e.expressed(threshold=0.0)) for e in expressions] == [
        (0.0, None, False)
    ] * 2


@given(sentences=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
def test_no_score_exceeds_the_largest_entailment_and_answers_do_not_meddle(
    sentences: int, seed: int
) -> None:
    raw = np.random.default_rng(seed).random((24, 3, 3)) ** 3 + 0.01
    found = passages(split_sentences(" ".join(f"Sentence {n}." for n in range(sentences))))
    rows = raw[: len(found)] / raw[: len(found)].sum(axis=2, keepdims=True)
    together = read_expressions(found, rows)
    for place, expression in enumerate(together):
        assert expression.score <= rows[:, place, 0].max()
        assert read_expressions(found, rows[:, [place]]) == (expression,)
        reached = expression.expressed(threshold=0.3)
        assert not reached or expression.expressed(threshold=0.2)


def test_shapes_and_numbers_are_checked() -> None:
    found, rows = judged(2, {})
    with pytest.raises(InvalidReading, match=r"\(2, 1, 3\).*3 passages"):
        read_expressions(found, rows[:2])
    with pytest.raises(InvalidReading, match=r"\[0, 1\]"):
        read_expressions(found, rows * 2)


# --- Pairs ----------------------------------------------------------------------------------------


def test_pairs_are_judged_once_and_given_back_in_order() -> None:
    found = distinct_pairs(["a", "b", "a", "a"], ["x", "x", "x", "y"])
    assert (found.premises, found.hypotheses) == (("a", "b", "a"), ("x", "x", "y"))
    assert found.places.tolist() == [0, 1, 0, 2]
    with pytest.raises(InvalidPairs, match="1 premises and 0"):
        distinct_pairs(["a"], [])


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([[0.5, 0.5]], r"\(1, 2\)"),
        ([[0.5, 0.6, 0.1]], "add up to 1"),
        ([[np.nan, 0.5, 0.5]], "nan"),
        ([[1.5, -0.5, 0.0]], "1.5, -0.5"),
    ],
)
def test_what_a_judge_gives_must_be_probabilities(rows: list[list[float]], problem: str) -> None:
    with pytest.raises(InvalidPairs, match=problem):
        checked_probabilities(rows, pairs=1, judge="A judge")


def test_small_errors_of_rounding_are_put_right() -> None:
    rows = checked_probabilities([[0.5, 0.3, 0.2004]], pairs=1, judge="A judge")
    assert rows.sum() == pytest.approx(1, abs=1e-12)
