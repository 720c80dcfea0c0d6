"""Orders are permutations, balanced, and the same everywhere."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.domain.ordering import (
    KeyedPermutation,
    OrderingOutOfRange,
    derived_seed,
    item_at,
    items_from,
    position_of,
    shuffled,
    side_swap,
)

RECORDED_ORDER = [7, 5, 4, 3, 1, 6, 0, 2]
RECORDED_SHUFFLE = ("d", "b", "e", "f", "c", "a")

seeds = st.integers(min_value=0, max_value=2**32)


def order(seed: int, juror: int, count: int) -> list[int]:
    return [
        item_at(seed=seed, juror_ordinal=juror, position=place, count=count)
        for place in range(count)
    ]


@settings(max_examples=40, deadline=None)
@given(seed=seeds, juror=st.integers(0, 500), count=st.integers(1, 60))
def test_an_order_is_a_permutation_with_an_inverse(seed: int, juror: int, count: int) -> None:
    items = order(seed, juror, count)
    assert sorted(items) == list(range(count))
    for place, item in enumerate(items):
        assert position_of(seed=seed, juror_ordinal=juror, item=item, count=count) == place


@settings(max_examples=25, deadline=None)
@given(seed=seeds, count=st.integers(1, 17), block=st.integers(0, 3))
def test_a_block_of_jurors_puts_each_item_once_at_each_position(
    seed: int, count: int, block: int
) -> None:
    rows = [order(seed, block * count + j, count) for j in range(count)]
    for place in range(count):
        assert sorted(row[place] for row in rows) == list(range(count))


@settings(max_examples=20, deadline=None)
@given(seed=seeds, half=st.integers(1, 8), block=st.integers(0, 2))
def test_carry_over_is_balanced_in_a_block_for_even_counts(
    seed: int, half: int, block: int
) -> None:
    count = 2 * half
    pairs = Counter(
        pair for j in range(count) for pair in pairwise(order(seed, block * count + j, count))
    )
    assert len(pairs) == count * (count - 1)
    assert set(pairs.values()) == {1}


@settings(max_examples=20, deadline=None)
@given(seed=seeds, half=st.integers(1, 7), block=st.integers(0, 1))
def test_carry_over_is_balanced_over_two_blocks_for_odd_counts(
    seed: int, half: int, block: int
) -> None:
    count = 2 * half + 1
    pairs = Counter(
        pair
        for j in range(2 * count)
        for pair in pairwise(order(seed, 2 * block * count + j, count))
    )
    assert len(pairs) == count * (count - 1)
    assert set(pairs.values()) == {2}


@settings(max_examples=60, deadline=None)
@given(key=st.binary(min_size=1, max_size=32), count=st.integers(1, 400))
def test_a_keyed_permutation_is_a_bijection(key: bytes, count: int) -> None:
    permutation = KeyedPermutation(count=count, key=key)
    images = [permutation.apply(value) for value in range(count)]
    assert sorted(images) == list(range(count))
    assert [permutation.invert(image) for image in images] == list(range(count))


def test_keys_reach_every_permutation_of_three_about_equally_often() -> None:
    seen = Counter(
        tuple(
            KeyedPermutation(count=3, key=number.to_bytes(4, "big")).apply(value)
            for value in range(3)
        )
        for number in range(1800)
    )
    assert len(seen) == 6
    assert all(230 < times < 370 for times in seen.values())


def test_a_million_items_cost_no_more_memory_or_hashes_than_a_few() -> None:
    count = 1_000_000
    some = [7, 999_999, 123_456]
    for place in some:
        item = item_at(seed="s", juror_ordinal=41, position=place, count=count)
        assert position_of(seed="s", juror_ordinal=41, item=item, count=count) == place
    first = {
        item_at(seed="s", juror_ordinal=juror, position=0, count=count) for juror in range(300)
    }
    assert len(first) == 300
    assert max(first) - min(first) > count // 2


def test_the_same_seed_gives_the_recorded_order_on_any_machine() -> None:
    assert order(20240501, 3, 8) == RECORDED_ORDER
    assert shuffled(items="abcdef", seed=20240501) == RECORDED_SHUFFLE
    assert order(20240501, 3, 8) == [
        item_at(seed="20240501", juror_ordinal=3, position=place, count=8) for place in range(8)
    ]


def test_items_from_goes_on_where_the_juror_stopped() -> None:
    whole = order(5, 2, 11)
    assert list(items_from(seed=5, juror_ordinal=2, count=11, start=4)) == whole[4:]
    assert list(items_from(seed=5, juror_ordinal=2, count=11, start=11)) == []


@pytest.mark.parametrize(
    ("juror", "position", "count", "name"),
    [
        (0, 8, 8, "position"),
        (0, -1, 8, "position"),
        (-1, 0, 8, "juror_ordinal"),
        (0, 0, 0, "count"),
    ],
)
def test_out_of_range_names_the_argument(juror: int, position: int, count: int, name: str) -> None:
    with pytest.raises(OrderingOutOfRange, match=name):
        item_at(seed=1, juror_ordinal=juror, position=position, count=count)


def test_items_from_refuses_a_start_behind_the_end_at_once() -> None:
    with pytest.raises(OrderingOutOfRange, match="start is 12, but must be from 0 to 11"):
        items_from(seed=5, juror_ordinal=2, count=11, start=12)


@settings(max_examples=40, deadline=None)
@given(names=st.lists(st.text(max_size=4), unique=True, max_size=12), seed=seeds)
def test_shuffled_by_name_ignores_the_order_it_is_given(names: list[str], seed: int) -> None:
    there = shuffled(items=names, seed=seed, key=str)
    back = shuffled(items=names[::-1], seed=seed, key=str)
    assert there == back
    assert sorted(there) == sorted(names)


def test_adding_an_item_moves_no_other_pair() -> None:
    names = [f"r{number}" for number in range(9)]
    fewer = shuffled(items=names[:-1], seed=3, key=str)
    more = shuffled(items=names, seed=3, key=str)
    assert tuple(name for name in more if name != "r8") == fewer


def test_seeds_of_different_shape_do_not_meet() -> None:
    assert derived_seed(seed="1", purpose="a", parts=["bc"]) != derived_seed(
        seed="1", purpose="ab", parts=["c"]
    )
    assert derived_seed(seed=1, purpose="a") == derived_seed(seed="1", purpose="a")


def test_sides_are_exchanged_for_exactly_one_of_two_neighbouring_jurors() -> None:
    for item in range(20):
        swaps = [side_swap(seed=9, juror_ordinal=juror, item=item) for juror in range(40)]
        assert all(a != b for a, b in zip(swaps[::2], swaps[1::2], strict=True))
    within = [side_swap(seed=9, juror_ordinal=0, item=item) for item in range(400)]
    assert 150 < sum(within) < 250
