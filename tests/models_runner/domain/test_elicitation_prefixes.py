"""Groups of texts that begin alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_runner.domain.elicitation.prefixes import (
    InvalidSequences,
    SharedPrefix,
    shared_prefixes,
)

SEQUENCES = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=9), min_size=1, max_size=12)


def cost(groups: tuple[SharedPrefix, ...], sequences: list[list[int]]) -> int:
    """Tokens that are read."""
    alone = sum(len(sequences[m]) - g.length for g in groups for m in g.members)
    return alone + sum(group.length for group in groups)


def test_two_families_and_a_stranger() -> None:
    one, other = [1] * 10, [2] * 12
    sequences = [[*one, 5], [*other, 5], [*one, 6, 7], [9, 9], [*other, 6], [*one, 5]]
    groups = shared_prefixes(sequences, own=[1] * 6, least=4)
    found = {(group.length, frozenset(group.members)) for group in groups}
    assert found == {
        (10, frozenset({0, 2, 5})),
        (12, frozenset({1, 4})),
        (0, frozenset({3})),
    }


def test_a_branch_that_saves_more_by_itself_stays_apart() -> None:
    """A short beginning that all share, and a long one that two share."""
    start, long = [1, 1, 1, 1], [2] * 20
    sequences = [[*start, 3], [*start, 4], [*start, *long, 5], [*start, *long, 6]]
    groups = shared_prefixes(sequences, own=[1] * 4, least=4)
    found = {(group.length, frozenset(group.members)) for group in groups}
    assert found == {(4, frozenset({0, 1})), (24, frozenset({2, 3}))}


def test_what_must_be_read_alone_is() -> None:
    same = [[1, 2, 3, 4, 5, 6]] * 3
    (group,) = shared_prefixes(same, own=[1, 3, 2], least=1)
    assert (group.length, sorted(group.members)) == (3, [0, 1, 2])


def test_a_chain_as_deep_as_it_is_long() -> None:
    chain = [[1] * (length + 1) for length in range(1500)]
    groups = shared_prefixes(chain, own=[1] * 1500, least=1)
    assert sorted(member for group in groups for member in group.members) == list(range(1500))


@given(SEQUENCES)
def test_each_stands_once_and_nothing_is_lost(sequences: list[list[int]]) -> None:
    groups = shared_prefixes(sequences, own=[1] * len(sequences), least=1)
    members = [member for group in groups for member in group.members]
    assert sorted(members) == list(range(len(sequences)))
    for group in groups:
        starts = {tuple(sequences[member][: group.length]) for member in group.members}
        assert len(starts) == 1
        assert all(group.length < len(sequences[member]) for member in group.members)
    assert cost(groups, sequences) <= sum(map(len, sequences))


@pytest.mark.parametrize(("sequence", "own"), [([], 1), ([1, 2], 0), ([1, 2], 3)])
def test_bad_input_is_refused(sequence: list[int], own: int) -> None:
    with pytest.raises(InvalidSequences, match="Sequence 2"):
        shared_prefixes([[1], sequence], own=[1, own])


def test_no_sequences() -> None:
    assert shared_prefixes([], own=[]) == ()
