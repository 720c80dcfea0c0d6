"""The rule of the window, by hand numbers and by what must hold for any jury."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overton.domain.windows import (
    Group,
    InvalidWindowInput,
    Verdict,
    Window,
    WindowRule,
    compute_window,
    wilson_interval,
)


def window_of(*columns: list[tuple[int, float, int]], **rest: object) -> Window:
    """Each column is a list of (verdict code, holds, how many jurors)."""
    codes = [[code for code, _, times in column for _ in range(times)] for column in columns]
    holds = [[held for _, held, times in column for _ in range(times)] for column in columns]
    return compute_window(
        judgements=np.array(codes).T,
        holds=np.array(holds, dtype=float).T,
        **rest,  # type: ignore[arg-type]  # passed through by name
    )


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # R. G. Newcombe, Statistics in Medicine 1998, table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_as_published(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson_interval(successes=successes, trials=trials)
    assert found == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_refuses_no_trials() -> None:
    with pytest.raises(InvalidWindowInput, match="0 of 0"):
        wilson_interval(successes=0, trials=0)


def test_the_four_verdicts_of_one_jury() -> None:
    window = window_of(
        [(2, 1, 18), (1, 1, 18), (0, 0, 4)],
        [(1, 0, 30), (0, 0, 10)],
        [(1, 0, 2), (0, 0, 38)],
        [(1, 1, 12), (0, 0, 28)],
    )
    assert [answer.verdict for answer in window.answers] == [
        Verdict.CORRECT,
        Verdict.REASONABLE,
        Verdict.UNREASONABLE,
        Verdict.UNDECIDED,
    ]
    assert window.reasonable.tolist() == [True, True, False, False]
    assert window.correct.tolist() == [True, False, False, False]
    np.testing.assert_allclose(window.support, [0.9, 0, 0, 0.3])
    assert "18.1% to 45.4%" in window.answers[3].reason


def test_reasonable_without_holding_it_does_not_make_it_correct() -> None:
    window = window_of([(2, 1, 35), (1, 0, 5)], [(2, 1, 35), (1, 1, 5)])
    assert [a.verdict for a in window.answers] == [Verdict.REASONABLE, Verdict.CORRECT]


def test_correct_needs_every_group_and_reasonable_only_one() -> None:
    split = [Group("north", np.arange(40) < 20), Group("south", np.arange(40) >= 20)]
    window = window_of([(2, 1, 20), (2, 1, 17), (0, 0, 3)], [(1, 0, 20), (0, 0, 20)], groups=split)
    assert [a.verdict for a in window.answers] == [Verdict.REASONABLE, Verdict.REASONABLE]
    assert "of north" in window.answers[1].reason


def test_small_groups_have_no_say_and_none_large_enough_means_undecided() -> None:
    split = [Group("few", np.arange(40) < 5), Group("rest", np.arange(40) >= 5)]
    window = window_of([(1, 0, 5), (0, 0, 35)], groups=split)
    assert window.answers[0].verdict is Verdict.UNREASONABLE
    assert [group.has_say for group in window.answers[0].groups] == [False, True]
    tiny = window_of([(1, 0, 5)])
    assert tiny.answers[0].verdict is Verdict.UNDECIDED
    assert "the largest has 5" in tiny.answers[0].reason


def test_cant_say_stands_in_no_denominator() -> None:
    window = window_of([(2, 1, 10), (3, np.nan, 20), (-1, np.nan, 10)])
    everyone = window.answers[0].everyone
    assert window.answers[0].verdict is Verdict.CORRECT
    assert (everyone.judged, everyone.cant_say) == (10, 20)
    assert everyone.acceptability.value == 1
    assert everyone.support.count == 10


def test_an_exclusion_wins_and_carries_its_reason() -> None:
    window = window_of([(2, 1, 20)], exclusions={0: "safety"})
    assert window.answers[0].verdict is Verdict.EXCLUDED
    assert "safety" in window.answers[0].reason
    assert not window.reasonable.any()


def test_an_empty_jury_is_undecided_with_reasons() -> None:
    window = compute_window(judgements=np.full((3, 1), np.nan), holds=np.full((3, 1), np.nan))
    everyone = window.answers[0].everyone
    assert window.answers[0].verdict is Verdict.UNDECIDED
    assert everyone.acceptability.value is None
    assert "Nobody" in everyone.support.reason


def test_bad_input_is_named() -> None:
    good = np.ones((3, 2))
    with pytest.raises(InvalidWindowInput, match=r"judgements\[0, 0\] is 7"):
        compute_window(judgements=good * 7, holds=good)
    with pytest.raises(InvalidWindowInput, match=r"holds\[0, 0\] is 2"):
        compute_window(judgements=good, holds=good * 2)
    with pytest.raises(InvalidWindowInput, match="shape"):
        compute_window(judgements=good, holds=good[:, :1])
    with pytest.raises(InvalidWindowInput, match="Answer 5 is excluded, but there are 2"):
        compute_window(judgements=good, holds=good, exclusions={5: "safety"})
    with pytest.raises(InvalidWindowInput, match="correct_share is 1"):
        WindowRule(correct_share=1.5)


@settings(max_examples=40, deadline=None)
@given(
    codes=st.lists(st.integers(-1, 3), min_size=1, max_size=60),
    q=st.floats(0.05, 0.9),
    minimum=st.integers(1, 10),
)
def test_copies_of_a_jury_only_settle_what_was_open(
    codes: list[int], q: float, minimum: int
) -> None:
    rule = WindowRule(reasonable_share=q, minimum_group_size=minimum)
    column = np.array(codes)[:, None]
    none = np.zeros(column.shape)
    small = compute_window(judgements=column, holds=none, rule=rule).answers[0]
    large = compute_window(
        judgements=np.tile(column, (5, 1)), holds=np.tile(none, (5, 1)), rule=rule
    ).answers[0]
    if small.verdict is not Verdict.UNDECIDED:
        assert large.verdict is small.verdict
    assert large.everyone.acceptability.value == small.everyone.acceptability.value
