"""Voting rules: worked examples, brute force beside each solver, and the laws they should obey."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, pairwise, permutations
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.voting.ballots import (
    Ballots,
    Duels,
    InvalidBallots,
    NeedsUtilities,
    duels,
    from_ranks,
    from_utilities,
)
from juries.domain.voting.cardinal import MaxSat, sweep_threshold
from juries.domain.voting.chances import chances_to_win
from juries.domain.voting.minimax import (
    MinimaxOutcome,
    UnsolvedProgram,
    VonNeumann,
    _essential,
    _essential_within,
    minimax,
    top_cycle,
)
from juries.domain.voting.outcomes import VotingRule
from juries.domain.voting.registry import VOTING_RULES, UnknownRule, voting_rule
from juries.domain.voting.schulze import SchulzeOutcome

NAMES = ("a", "b", "c", "d", "e")
ORDINAL = [rule for rule in VOTING_RULES.values() if not rule.needs_utilities]


def by_orders(*blocs: tuple[int, str]) -> Ballots:
    """Ballots of rankings such as (3, "abc"): three jurors put a first, then b, then c."""
    responses = sorted(blocs[0][1])
    rows = [[order.index(name) + 1 for name in responses] for _, order in blocs]
    return from_ranks(rows, responses=responses, weights=[number for number, _ in blocs])


def duels_of(margins: Sequence[Sequence[int]]) -> Duels:
    """Duels of a jury whose margins, in jurors, are given."""
    size = len(margins)
    total = 2 * max(abs(entry) for row in margins for entry in row) or 1
    wins = tuple(tuple(Fraction(total + entry, 2) for entry in row) for row in margins)
    judged = ((Fraction(total),) * size,) * size
    return Duels(responses=NAMES[:size], wins=wins, judged=judged)


def test_published_von_neumann_winner() -> None:
    found = minimax(duels_of([[0, 1, -5], [-1, 0, 3], [5, -3, 0]]))
    assert found.scores * 9 == pytest.approx([3, 5, 1])
    assert found.is_unique
    assert found.winners == ("a", "b", "c")


def test_schulze_published_example() -> None:
    """The 45 voters of Schulze (2011), whose strongest paths are printed there: e wins."""
    ballots = by_orders(
        (5, "acbed"),
        (5, "adecb"),
        (8, "bedac"),
        (3, "cabed"),
        (7, "caebd"),
        (2, "cbade"),
        (7, "dceba"),
        (8, "ebadc"),
    )
    found = voting_rule("schulze")(ballots)
    assert isinstance(found, SchulzeOutcome)
    assert found.winners == ("e",)
    assert found.scores.tolist() == [3, 1, 2, 0, 4]
    assert [[int(strength) for strength in row] for row in found.paths] == [
        [0, 28, 28, 30, 24],
        [25, 0, 28, 33, 24],
        [25, 29, 0, 29, 24],
        [25, 28, 28, 0, 24],
        [25, 28, 28, 31, 0],
    ]


def test_rules_disagree_on_one_jury() -> None:
    """Tennessee: most first places, the best mean place and the winner of all duels differ."""
    ballots = by_orders((42, "mncx"), (26, "ncxm"), (15, "cxnm"), (17, "xcnm"))
    assert voting_rule("plurality")(ballots).winners == ("m",)
    assert voting_rule("majority")(ballots).winners == ()
    assert "more than half" in voting_rule("majority")(ballots).remark
    for name in ("borda", "copeland", "schulze", "von_neumann"):
        assert voting_rule(name)(ballots).winners == ("n",)
    assert "Condorcet" in voting_rule("copeland")(ballots).remark
    borda = voting_rule("borda")(ballots).scores * 3 * 100
    assert borda == pytest.approx([173, 126, 194, 107])


def test_cardinal_rules_by_hand() -> None:
    table = [[0.9, 0.5, 0.2], [0.2, 0.5, 0.3], [0.9, 0.5, 0.2]]
    ballots = from_utilities(table, responses="abc")
    assert voting_rule("utilitarian")(ballots).winners == ("a",)
    assert voting_rule("nash")(ballots).scores[0] == pytest.approx((0.9 * 0.9 * 0.2) ** (1 / 3))
    assert voting_rule("rawls")(ballots).winners == ("b",)
    assert voting_rule("max_sat")(ballots).winners == ("a",)
    relative = voting_rule("relative_utilitarian")(ballots)
    assert relative.scores == pytest.approx([2 / 3, (3 / 7 + 1 + 3 / 7) / 3, (1 / 3) / 3])


def test_leximin_tells_equal_minima_apart() -> None:
    table = [[0.1, 0.1], [0.5, 0.4], [0.3, 0.9]]
    found = voting_rule("rawls")(from_utilities(table, responses="ab"))
    assert found.winners == ("b",)
    assert "leximin" in found.remark
    gaps = from_utilities([*table, [0.2, nan]], responses="ab", skip_missing=True)
    assert voting_rule("rawls")(gaps).winners == ("a", "b")
    unheard = from_utilities([*table, [0.2, nan]], weights=[1, 1, 1, 0], skip_missing=True)
    assert voting_rule("rawls")(unheard).winners == ("2",)


def test_max_sat_is_strict_and_sweeps() -> None:
    table = [[0.5, 0.7], [0.5, 0.2], [0.9, 0.2]]
    assert MaxSat(0.5)(from_utilities(table)).scores == pytest.approx([1 / 3, 1 / 3])
    sweep = sweep_threshold(table, responses=("a", "b"))
    assert sweep.thresholds.tolist() == [0, 0.2, 0.5, 0.7, 0.9]
    assert sweep.shares[:, 0] == pytest.approx([1, 1, 1 / 3, 1 / 3, 0])
    assert sweep.shares[:, 1] == pytest.approx([1, 1 / 3, 1 / 3, 0, 0])
    assert sweep.winners == (("a", "b"), ("a",), ("a", "b"), ("a",), ("a", "b"))
    with pytest.raises(InvalidBallots, match="1 names"):
        sweep_threshold(table, responses=("a",))


def test_gaps_as_declared() -> None:
    """c is judged by one juror alone; d only by one who judged nothing else."""
    table = [[0.9, 0.1, nan, nan], [0.9, 0.1, nan, nan], [0.2, 0.8, 0.9, nan], [nan, nan, nan, 0.4]]
    ballots = from_utilities(table, responses="abcd", skip_missing=True)
    found = duels(ballots)
    assert found.wins[0][1] == 2
    assert found.judged[0][1] == 3
    assert found.margin(0, 1) == Fraction(1, 3)
    assert found.never_compared() == (("a", "d"), ("b", "d"), ("c", "d"))
    assert "3 pair(s), first a and d" in found.remark()
    borda = voting_rule("borda")(ballots)
    assert borda.scores == pytest.approx([2 / 3, 0.5 / 3, 1, nan], nan_ok=True)
    plurality = voting_rule("plurality")(ballots)
    assert plurality.scores == pytest.approx([0.5, 0, 0.25, 0.25])
    assert voting_rule("copeland")(ballots).scores.tolist() == [1.5, 0.5, 2.5, 1.5]


def test_a_jury_that_likes_all_alike() -> None:
    ballots = from_utilities(np.full((3, 2), 0.5), responses="ab")
    for rule in VOTING_RULES.values():
        expected = () if rule.name in ("majority", "relative_utilitarian") else ("a", "b")
        assert rule(ballots).winners == expected
    lottery = VonNeumann()(ballots)
    assert not lottery.is_unique
    assert lottery.scores.tolist() == [0.5, 0.5]
    assert lottery.lowest.tolist() == [0, 0]
    assert lottery.highest.tolist() == [1, 1]
    assert "Many" in lottery.remark


def test_a_lottery_that_is_unique_within_a_larger_tie() -> None:
    """a and b tie and both beat c: every mixture of a and b is optimal, and c has no part."""
    found = minimax(duels_of([[0, 0, 2], [0, 0, 2], [-2, -2, 0]]))
    assert found.winners == ("a", "b")
    assert found.scores.tolist() == pytest.approx([0.5, 0.5, 0])
    assert (found.is_unique, found.highest[2]) == (False, 0)


def test_margins_too_small_for_floats_are_refused() -> None:
    large = 10**13
    tiny = [[0, large, -1, 1], [-large, 0, 1, -1], [1, -1, 0, -large], [-1, 1, large, 0]]
    with pytest.raises(UnsolvedProgram, match="close to a tie"):
        minimax(duels_of(tiny))


def test_a_cycle_of_three_is_solved_exactly_however_far_apart_its_margins_are() -> None:
    large = 10**13
    found = minimax(duels_of([[0, large, -1], [-large, 0, 1], [1, -1, 0]]))
    assert found.is_unique
    assert found.winners == ("a", "b", "c")
    assert found.scores.tolist() == [1 / (large + 2), 1 / (large + 2), large / (large + 2)]


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        ([[0.1, -1]], {}, "Juror 1 has the utility -1"),
        ([[0.1, np.inf]], {}, "not negative"),
        ([0.1, 1], {}, "jurors x responses"),
        ([[0.1, nan]], {}, "1 of 2 cells"),
        ([[0.1, nan]], {"skip_missing": True}, "Nobody judged 1"),
        ([[0.1, nan], [0.1, 1]], {"skip_missing": True, "weights": [1, 0]}, "Nobody judged 1"),
        ([[0.1, 1]], {"responses": ["a", "a"]}, "1 different name"),
        ([[0.1, 1]], {"weights": [1, 2]}, "1 jurors"),
        ([[0.1, 1]], {"weights": [0]}, "not all 0"),
        ([[0.1, 1]], {"weights": [-1]}, "not negative"),
    ],
)
def test_refusals(values: object, options: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidBallots, match=words):
        from_utilities(values, **options)  # type: ignore[arg-type]  # bad input is the point


def test_orders_are_not_utilities() -> None:
    ballots = from_ranks([[1, 2], [1, 1]])
    for rule in VOTING_RULES.values():
        if rule.needs_utilities:
            with pytest.raises(NeedsUtilities, match=rule.name):
                rule(ballots)
        else:
            assert rule(ballots).scores[0] >= rule(ballots).scores[1]
    with pytest.raises(InvalidBallots, match="finite"):
        from_ranks([[1, np.inf]])


def test_registry() -> None:
    assert all(VOTING_RULES[name].name == name for name in VOTING_RULES)
    with pytest.raises(UnknownRule, match="schulze"):
        voting_rule("kemeny")


# Brute force, written without the code under test.

tables = st.integers(2, 4).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(0, 3), min_size=size, max_size=size), min_size=1, max_size=6
    )
)


@settings(max_examples=120, deadline=None)
@given(tables)
def test_schulze_by_all_paths(table: list[list[int]]) -> None:
    size = len(table[0])
    wins = [[sum(row[a] > row[b] for row in table) for b in range(size)] for a in range(size)]

    def strongest(start: int, end: int) -> int:
        best = 0
        others = [place for place in range(size) if place not in (start, end)]
        for length in range(size - 1):
            for between in permutations(others, length):
                stops = [start, *between, end]
                links = [wins[a][b] if wins[a][b] > wins[b][a] else 0 for a, b in pairwise(stops)]
                best = max(best, min(links))
        return best

    expected = tuple(
        NAMES[a]
        for a in range(size)
        if all(strongest(a, b) >= strongest(b, a) for b in range(size) if b != a)
    )
    assert voting_rule("schulze")(from_utilities(table, responses=NAMES[:size])).winners == expected


def solutions(rows: list[list[Fraction]], right: list[Fraction]) -> list[Fraction] | None:
    """The one solution of a square system, or None."""
    size = len(rows)
    work = [[*row, value] for row, value in zip(rows, right, strict=True)]
    for column in range(size):
        pivot = next((row for row in range(column, size) if work[row][column]), None)
        if pivot is None:
            return None
        work[column], work[pivot] = work[pivot], work[column]
        work[column] = [entry / work[column][column] for entry in work[column]]
        for row in range(size):
            if row != column:
                factor = work[row][column]
                work[row] = [x - factor * y for x, y in zip(work[row], work[column], strict=True)]
    return [row[-1] for row in work]


def corners(margins: list[list[int]]) -> set[tuple[Fraction, ...]]:
    """All corners of the optimal lotteries: solve each choice of tight conditions exactly."""
    size = len(margins)
    span = range(size)
    conditions = [[Fraction(int(i == j)) for j in span] for i in span]
    conditions += [[Fraction(margins[i][j]) for i in span] for j in span]
    found = set()
    for tight in combinations(conditions, size - 1):
        point = solutions(
            [[Fraction(1)] * size, *tight], [Fraction(1)] + [Fraction(0)] * (size - 1)
        )
        if point is not None and all(
            sum(x * y for x, y in zip(row, point, strict=True)) >= 0 for row in conditions
        ):
            found.add(tuple(point))
    return found


@settings(max_examples=120, deadline=None)
@given(tables)
def test_von_neumann_by_all_corners(table: list[list[int]]) -> None:
    size = len(table[0])
    span = range(size)
    margins = [
        [sum((row[a] > row[b]) - (row[a] < row[b]) for row in table) for b in span] for a in span
    ]
    found = VonNeumann()(from_utilities(table, responses=NAMES[:size]))
    expected = corners(margins)
    assert found.is_unique == (len(expected) == 1)
    assert found.lowest == pytest.approx([float(min(c[i] for c in expected)) for i in span])
    assert found.highest == pytest.approx([float(max(c[i] for c in expected)) for i in span])
    assert found.winners == tuple(NAMES[i] for i in span if any(c[i] > 0 for c in expected))
    assert found.scores.sum() == pytest.approx(1)
    assert (found.scores @ np.array(margins) >= -1e-9 * len(table)).all()
    for corner in expected:
        even = np.array([float(chance) for chance in corner])
        assert (found.scores**2).sum() <= (even**2).sum() + 1e-9


@settings(max_examples=40, deadline=None)
@given(table=tables, seed=st.integers(0, 99))
@pytest.mark.parametrize("rule", VOTING_RULES.values(), ids=VOTING_RULES.keys())
def test_neutral_and_anonymous(rule: VotingRule, table: list[list[int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.array(table) / 3
    jurors, order = rng.permutation(len(values)), rng.permutation(values.shape[1])
    names = np.array(NAMES[: values.shape[1]])
    one = rule(from_utilities(values, responses=names.tolist()))
    other = rule(from_utilities(values[jurors][:, order], responses=names[order].tolist()))
    assert set(one.winners) == set(other.winners)
    assert one.scores[order] == pytest.approx(other.scores, abs=1e-7, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(table=tables, weights=st.lists(st.integers(1, 3), min_size=6, max_size=6))
@pytest.mark.parametrize("rule", VOTING_RULES.values(), ids=VOTING_RULES.keys())
def test_a_weight_is_so_many_jurors(
    rule: VotingRule, table: list[list[int]], weights: list[int]
) -> None:
    values, mass = np.array(table) / 3, np.array(weights[: len(table)])
    one = rule(from_utilities(values, weights=mass))
    other = rule(from_utilities(np.repeat(values, mass, axis=0)))
    assert one.scores == pytest.approx(other.scores, abs=1e-7, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(tables)
@pytest.mark.parametrize("rule", ORDINAL, ids=lambda rule: rule.name)
def test_all_agree_on_a_response_above_all(rule: VotingRule, table: list[list[int]]) -> None:
    values = np.hstack([np.array(table), np.full((len(table), 1), 9)])
    found = rule(from_utilities(values))
    assert found.winners == (str(values.shape[1]),)


def test_chances_to_win_share_ties_and_leave_gaps() -> None:
    ballots = from_utilities(
        [[0.9, 0.1, nan], [0.1, 0.9, nan], [nan, nan, 0.5]],
        responses="abc",
        weights=[0.1, 0.1, 0.3],
        skip_missing=True,
    )
    counts = np.array([[3.0, 0, 0], [0, 3, 0], [1, 1, 0], [3, 1, 0]])
    for name in ("copeland", "von_neumann", "borda"):
        chances = chances_to_win(voting_rule(name), ballots, counts=counts)
        assert chances.tolist() == [0.625, 0.375, 0]
    majority = chances_to_win(voting_rule("majority"), ballots, counts=counts)
    assert majority.tolist() == [0.5, 0.25, 0]
    assert np.isnan(chances_to_win(voting_rule("rawls"), ballots, counts=counts)).all()


def test_decimal_weights_add_up_exactly() -> None:
    """0.1 + 0.2 against 0.3 is a tie, whatever binary fractions say."""
    ballots = from_utilities([[1, 0], [1, 0], [0, 1]], weights=[0.1, 0.2, 0.3], responses="ab")
    found = VonNeumann()(ballots)
    assert isinstance(found, MinimaxOutcome)
    assert not found.is_unique
    assert voting_rule("copeland")(ballots).winners == ("a", "b")


# --- The part of a game that a lottery can lie in -----------------------------------------------


@given(
    st.integers(1, 5).flatmap(
        lambda size: st.lists(
            st.integers(-2, 2), min_size=size * (size - 1) // 2, max_size=size * (size - 1) // 2
        ).map(lambda entries: (size, entries))
    )
)
def test_the_top_cycle_is_the_smallest_set_that_beats_the_rest(
    game: tuple[int, list[int]],
) -> None:
    size, entries = game
    margins = np.zeros((size, size))
    margins[np.triu_indices(size, 1)] = entries
    margins -= margins.T
    dominant = [
        set(chosen)
        for number in range(1, size + 1)
        for chosen in combinations(range(size), number)
        if all(margins[a, b] > 0 for a in chosen for b in set(range(size)) - set(chosen))
    ]
    assert set(top_cycle(margins)) == min(dominant, key=len)
    # Leaving the others out of the programme leaves the lotteries as they are.
    scale = max(float(np.abs(margins).max()), 1.0)
    assert _essential_within(margins / scale, top_cycle(margins)) == _essential(margins / scale)
