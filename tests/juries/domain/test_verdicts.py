"""Sampled and counterfactual juries: by hand, by brute force, and what is refused."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.counterfactuals import counterfactual, kinds_alike
from juries.domain.verdicts import (
    InvalidJury,
    JurySpecification,
    SeatKind,
    SeatUnfilled,
    seat_kind,
    verdicts,
)

YOUNG, OLD, ANYONE = seat_kind({"age": "young"}), seat_kind({"age": "old"}), SeatKind()
TRAITS: Sequence[Mapping[str, str]] = [{"age": "young"}] * 6 + [{"age": "old"}] * 4


def jury(**seats: int) -> JurySpecification:
    kinds = {"young": YOUNG, "old": OLD, "anyone": ANYONE}
    return JurySpecification(tuple((kinds[name], number) for name, number in seats.items()))


def test_every_seat_is_filled_from_its_kind_and_nobody_sits_twice() -> None:
    """Each juror rates with a power of two, so that a jury's sum tells who sat."""
    ratings = 2.0 ** np.arange(10)[:, None]
    found = verdicts(ratings, traits=TRAITS, specification=jury(young=3, old=2), seed=1)
    sums = (found.outcomes[:, 0] * 5).astype(int)
    assert all((total & 0b111111).bit_count() == 3 for total in sums.tolist())
    assert all((total >> 6).bit_count() == 2 for total in sums.tolist())
    often = np.array([[total >> place & 1 for place in range(10)] for total in sums]).mean(axis=0)
    assert often == pytest.approx([0.5] * 10, abs=0.15)


def test_median_range_and_chance() -> None:
    ratings = np.array([[1.0, 0.0]] * 6 + [[5.0, 10.0]] * 4)
    found = verdicts(
        ratings, traits=TRAITS, specification=jury(young=1, old=1), seed=0, threshold=3.0
    )
    assert found.median.tolist() == [3, 5]
    assert found.lower.tolist() == found.median.tolist() == found.upper.tolist()
    assert found.chance.tolist() == [1, 1]
    mixed = verdicts(
        ratings, traits=TRAITS, specification=jury(anyone=1), seed=0, threshold=3.0, juries=2000
    )
    assert mixed.chance == pytest.approx([0.4, 0.4], abs=0.04)
    assert mixed.lower.tolist() == [1, 0]
    assert mixed.upper.tolist() == [5, 10]
    none = verdicts(ratings, traits=TRAITS, specification=jury(young=1), seed=0)
    assert np.isnan(none.chance).all()


def test_share_of_guesses_and_jurors_who_cannot_sit() -> None:
    ratings = np.array([[1.0, nan], [1.0, 2.0], [3.0, 2.0]])
    predicted = np.array([[True, False], [False, True], [False, False]])
    found = verdicts(
        ratings,
        traits=TRAITS[:3],
        specification=jury(anyone=2),
        seed=2,
        predicted=predicted,
        juries=3000,
    )
    assert found.predicted == pytest.approx([1 / 3, 1 / 2], abs=0.02)
    assert found.outcomes[:, 1].tolist() == [2.0] * 3000


def test_same_seed_same_juries_and_shared_draws() -> None:
    ratings = np.random.default_rng(0).uniform(size=(10, 3))
    one, other = (
        verdicts(ratings, traits=TRAITS, specification=jury(young=2, old=1), seed=5)
        for _ in range(2)
    )
    assert one.outcomes.tobytes() == other.outcomes.tobytes()
    alone = verdicts(ratings[:, :1], traits=TRAITS, specification=jury(young=2, old=1), seed=5)
    assert alone.outcomes[:, 0].tobytes() == np.ascontiguousarray(one.outcomes[:, 0]).tobytes()
    # One more old juror, and the others stay in their seats.
    more = verdicts(ratings, traits=TRAITS, specification=jury(young=2, old=2), seed=5)
    added = more.outcomes * 4 - one.outcomes * 3
    assert all(min(np.abs(ratings[6:, 0] - value)) < 1e-9 for value in added[:, 0])


def test_overlapping_kinds_do_not_block_each_other() -> None:
    """The one old juror must take the old seat, and never that of anyone."""
    traits: Sequence[Mapping[str, str]] = [{"age": "old"}, {"age": "young"}]
    ratings = np.array([[1.0], [3.0]])
    for spec in (jury(anyone=1, old=1), jury(old=1, anyone=1)):
        assert verdicts(ratings, traits=traits, specification=spec, seed=0).median.tolist() == [2]


def test_a_seat_without_a_juror_is_named() -> None:
    ratings = np.ones((10, 2))
    wise = JurySpecification(((YOUNG, 1), (seat_kind({"age": "wise"}), 1)))
    with pytest.raises(SeatUnfilled, match="seat 'age: wise' for item 1"):
        verdicts(ratings, traits=TRAITS, specification=wise, seed=0)
    with pytest.raises(SeatUnfilled, match=r"1 seat.s. stay empty .* 'age: old': it asks for 5"):
        verdicts(ratings, traits=TRAITS, specification=jury(young=1, old=5), seed=0)
    ratings[6:, 1] = nan
    with pytest.raises(SeatUnfilled, match="'age: old' for item 2"):
        verdicts(ratings, traits=TRAITS, specification=jury(old=1), seed=0)


@pytest.mark.parametrize(
    ("ratings", "options", "words"),
    [
        (np.ones(10), {}, "jurors x items"),
        (np.full((10, 1), np.inf), {}, "finite"),
        (np.ones((9, 1)), {}, "10 juror.s. have traits and 9"),
        (np.ones((10, 1)), {"predicted": np.ones((9, 1))}, "predicted cells"),
        (np.ones((10, 1)), {"juries": 0}, "0 juries"),
    ],
)
def test_refusals(ratings: object, options: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidJury, match=words):
        verdicts(ratings, traits=TRAITS, specification=jury(old=1), seed=0, **options)  # type: ignore[arg-type]  # bad input is the point


def test_refused_specifications() -> None:
    with pytest.raises(InvalidJury, match="one seat or more"):
        jury(young=0)
    with pytest.raises(InvalidJury, match="fewer than 0"):
        jury(young=2, old=-1)
    with pytest.raises(InvalidJury, match="stands twice"):
        JurySpecification(((YOUNG, 1), (YOUNG, 2)))
    assert ANYONE.label == "anyone"
    assert seat_kind({"b": "2", "a": "1"}).label == "a: 1, b: 2"


def test_counterfactual_by_hand() -> None:
    """Young jurors say 1, old ones 5: with threshold 3 a jury of five needs three old ones."""
    ratings = np.array([1.0] * 6 + [5.0] * 4)
    options = {"traits": TRAITS, "threshold": 3.0, "seed": 0}
    found = counterfactual(ratings, specification=jury(young=4, old=1), **options)  # type: ignore[arg-type]  # mixed options
    assert found.expected == pytest.approx(1.8)
    assert (found.changes, found.are_all) == (2, True)
    (other,) = found.alternatives
    assert other.gained == ((OLD, 2),)
    assert other.lost == ((YOUNG, 2),)
    assert other.expected == pytest.approx(3.4)
    assert other.median == pytest.approx(3.4)
    back = counterfactual(ratings, specification=jury(young=2, old=3), **options)  # type: ignore[arg-type]  # as above
    assert back.changes == 1
    assert back.alternatives[0].gained == ((YOUNG, 1),)
    none = counterfactual(
        ratings,
        specification=jury(young=4, old=1),
        most_changes=1,
        **options,  # type: ignore[arg-type]  # as above
    )
    assert (none.changes, none.alternatives, none.are_all) == (None, (), True)
    # Five old seats would be needed, and the pool has four old jurors.
    hard = {**options, "threshold": 5.0}
    assert counterfactual(ratings, specification=jury(young=5), **hard).changes is None  # type: ignore[arg-type]  # as above


def test_default_kinds_are_those_of_the_same_features() -> None:
    traits = [{"age": "old", "town": "a"}, {"age": "young", "town": "b"}, {"town": "c"}]
    spec = JurySpecification(((OLD, 1), (ANYONE, 1)))
    assert kinds_alike(spec, traits) == (ANYONE, OLD, YOUNG)


def test_more_alternatives_than_are_shown() -> None:
    """Twenty towns that all say yes: any three of them turn a jury of three that says no."""
    traits = [{"town": f"{place:02d}"} for place in range(24)]
    ratings = np.array([0.0] * 4 + [1.0] * 20)
    spec = JurySpecification(tuple((seat_kind({"town": f"0{place}"}), 1) for place in range(3)))
    found = counterfactual(
        ratings, traits=traits, specification=spec, threshold=0.9, seed=0, juries=1
    )
    assert (found.changes, len(found.alternatives), found.are_all) == (3, 200, False)


@settings(max_examples=60, deadline=None)
@given(
    ratings=st.lists(st.integers(0, 4), min_size=9, max_size=9),
    seats=st.lists(st.integers(0, 2), min_size=3, max_size=3).filter(any),
    threshold=st.sampled_from([1.0, 1.5, 2.0, 2.7, 3.0]),
)
def test_counterfactual_by_brute_force(
    ratings: list[int], seats: list[int], threshold: float
) -> None:
    """All juries of three kinds of three jurors each, with at most three seats of a kind."""
    kinds = [seat_kind({"group": name}) for name in "abc"]
    traits = [{"group": name} for name in "aaabbbccc"]
    means = [sum(ratings[3 * place : 3 * place + 3]) / 3 for place in range(3)]
    size = sum(seats)

    def is_yes(numbers: tuple[int, ...]) -> bool:
        total = sum(n * mean for n, mean in zip(numbers, means, strict=True))
        return total / size >= threshold - 1e-9

    distances: dict[int, set[tuple[int, ...]]] = {}
    for chosen in combinations_with_replacement(range(3), size):
        count = Counter(chosen)
        numbers = (count[0], count[1], count[2])
        if max(numbers) <= 3 and is_yes(numbers) != is_yes(tuple(seats)):
            far = sum(max(0, n - s) for n, s in zip(numbers, seats, strict=True))
            distances.setdefault(far, set()).add(numbers)
    found = counterfactual(
        [float(rating) for rating in ratings],
        traits=traits,
        specification=JurySpecification(tuple(zip(kinds, seats, strict=True))),
        threshold=threshold,
        seed=0,
        most_changes=6,
        juries=1,
    )
    assert found.changes == min(distances, default=None)
    shown = set()
    for other in found.alternatives:
        numbers_of = dict(other.specification.seats)
        shown.add(tuple(numbers_of.get(kind, 0) for kind in kinds))
        assert (other.expected >= threshold - 1e-9) != (found.expected >= threshold - 1e-9)
    assert shown == (distances[min(distances)] if distances else set())
    assert len(shown) == len(found.alternatives)
