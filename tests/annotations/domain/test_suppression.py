"""Small cells."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.domain.suppression import InvalidThreshold, suppress_small_cells

ROWS = [("w", "old"), ("w", "old"), ("w", "young"), ("m", "old"), ("m", "old"), ("m", None)]


def test_by_hand() -> None:
    found = suppress_small_cells(rows=ROWS, below=2)
    # The only young woman loses her age, then her gender, for (w, -) would be hers alone; the man
    # of unknown age loses his gender for the same reason.
    assert found.rows == (
        ("w", "old"),
        ("w", "old"),
        (None, None),
        ("m", "old"),
        ("m", "old"),
        (None, None),
    )
    assert (found.people_changed, found.cells_blanked, found.people_blank) == (2, 3, 2)


def test_nothing_is_blanked_below_two() -> None:
    for below in (0, 1):
        assert suppress_small_cells(rows=ROWS, below=below).rows == tuple(ROWS)


def test_bad_input() -> None:
    with pytest.raises(InvalidThreshold, match="-1"):
        suppress_small_cells(rows=ROWS, below=-1)
    with pytest.raises(ValueError, match="same traits"):
        suppress_small_cells(rows=[("a",), ("a", "b")], below=2)
    assert suppress_small_cells(rows=[], below=3).rows == ()


trait = st.sampled_from(["a", "b", "c", None])


@given(st.lists(st.tuples(trait, trait, trait), max_size=40), st.integers(2, 6))
def test_everyone_stands_in_a_group(rows: list[tuple[str | None, ...]], below: int) -> None:
    found = suppress_small_cells(rows=rows, below=below)
    counts = Counter(found.rows)
    for before, after in zip(rows, found.rows, strict=True):
        assert counts[after] >= below or not any(after)
        assert all(two in (one, None) for one, two in zip(before, after, strict=True))
    assert found.rows == suppress_small_cells(rows=found.rows, below=below).rows
