"""Boards, influence on sources and tallies of rules: by hand, against the loop, and their laws."""

import json
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from juries.domain.resampling import PredictedCells
from juries.domain.voting.ballots import from_utilities
from juries.domain.voting.registry import VOTING_RULES
from juries.domain.welfare import power_welfare
from models_runner.domain.leaderboard import (
    GRID,
    board,
    board_from_json,
    board_to_json,
    compute_board,
    rule_tallies,
    source_influence,
)
from models_runner.figures.choice import Choice
from models_runner.figures.groups import groups_figure
from models_runner.figures.influence import influence_sentences, influence_table, tipping_table
from models_runner.figures.leaderboard import ranking_figure, tail_table
from models_runner.figures.rules import rules_figure

SOURCES = ("a", "b", "a", "b")
QUERIES = (1, 1, 2, 2)
FEW = (0.0, 1.0, 4.0, inf)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "GRID", FEW)
    monkeypatch.setattr(board, "BOOTSTRAPS", 50)
    monkeypatch.setattr(board, "RULE_RESAMPLES", 2)


def table(seed: int = 0, jurors: int = 6) -> np.ndarray[Any, np.dtype[np.float64]]:
    return 0.01 + 0.99 * np.random.default_rng(seed).integers(0, 5, (jurors, 4)) / 4


def test_the_slider_has_the_usual_alphas_and_quarters() -> None:
    assert GRID[:3] == (0.0, 0.25, 0.5)
    assert GRID[-2:] == (16.0, inf)
    assert len(GRID) == 66


@pytest.mark.parametrize("alpha", FEW)
@settings(deadline=None, max_examples=25)
@given(
    values=arrays(float, (5, 4), elements=st.sampled_from([0.01, 0.25, 0.5, 1.0, np.nan])).filter(
        lambda v: bool((~np.isnan(v)).any(axis=0).all())
    )
)
def test_influence_is_that_of_leaving_each_out(alpha: float, values: Any) -> None:
    found = source_influence(values, item_sources=SOURCES, alpha=alpha)

    def of(rows: Any) -> Any:
        items = power_welfare(rows, alpha=alpha, skip_missing=True)
        return np.array(
            [
                np.nan if np.isnan(own).all() else np.nanmean(own)
                for own in (items[[0, 2]], items[[1, 3]])
            ]
        )

    changes = np.array(
        [
            of(np.delete(values, juror, axis=0)) - of(values)
            if (~np.isnan(values[juror])).any()
            else [np.nan] * 2
            for juror in range(5)
        ]
    )
    for place in range(2):
        sizes = np.abs(changes[:, place])
        if np.isnan(sizes).all():
            assert found.jurors[place] == -1
        else:
            assert abs(found.largest[place]) == pytest.approx(np.nanmax(sizes), abs=1e-12)
    for tip in found.tipping:
        assert tip.winners != found.winners


def test_one_juror_tips_it_by_hand() -> None:
    # a: mean .5 with her, .3 without; b: .4 whatever she says.
    values = np.array([[0.3, 0.4], [0.3, 0.4], [0.9, 0.4]])
    found = source_influence(values, item_sources=("a", "b"), alpha=0)
    assert found.winners == ("a",)
    assert found.largest == pytest.approx([-0.2, 0.0], abs=1e-12)
    assert found.jurors[0] == 2
    assert [(own.juror, own.winners) for own in found.tipping] == [(2, ("b",))]


def test_a_source_is_credited_with_the_queries_that_a_rule_gives_it() -> None:
    values = table(3)
    tallies = rule_tallies(
        values, item_sources=SOURCES, item_queries=QUERIES,
        counts=np.ones((2, len(values))), threshold=0.5,
    )  # fmt: skip
    assert [tally.rule for tally in tallies] == list(VOTING_RULES)
    for tally in tallies:
        expected = np.zeros(2)
        for columns in ((0, 1), (2, 3)):
            rule = VOTING_RULES[tally.rule]
            winners = rule(from_utilities(values[:, columns], responses=("a", "b"))).winners
            for winner in winners:
                expected["ab".index(winner)] += 1 / len(winners)
        assert tally.won == pytest.approx(expected), tally.rule
        assert tally.won.sum() + tally.nobody == pytest.approx(2)
        if tally.rule == "rawls":
            assert np.isnan(tally.lower).all()
        else:
            # Every resampled jury is the jury itself.
            assert tally.lower == pytest.approx(tally.won)


def test_a_query_with_one_response_is_no_contest() -> None:
    values = table()[:, :3]
    (tally,) = rule_tallies(
        values, item_sources=("a", "b", "a"), item_queries=(1, 1, 2),
        counts=np.ones((1, 6)), threshold=0.5, rules=[VOTING_RULES["borda"]],
    )  # fmt: skip
    assert tally.queries == 1
    assert tally.won.sum() == pytest.approx(1)


def test_a_response_that_a_resampled_jury_did_not_judge_is_left_out() -> None:
    values = np.array([[1.0, np.nan], [0.5, 0.9]])
    (tally,) = rule_tallies(
        values, item_sources=("a", "b"), item_queries=(1, 1),
        counts=np.array([[2.0, 0.0], [0.0, 2.0]]), threshold=0.5, rules=[VOTING_RULES["plurality"]],
        level=1.0,
    )  # fmt: skip
    assert tally.lower.tolist() == [0.0, 0.0]
    assert tally.upper.tolist() == [1.0, 1.0]


def whole(values: Any, **changed: Any) -> Any:
    told = {
        "item_sources": SOURCES,
        "item_queries": QUERIES,
        "traits": {"age": ["old", "old", "old", "young", "young", "young"]},
        "rng": np.random.default_rng(0),
    }
    return compute_board(values, **{**told, **changed})


def test_a_board_comes_back_as_it_was_stored() -> None:
    values = table()
    values[0, 0] = np.nan
    deviations = np.full(values.shape, np.nan)
    deviations[5] = 0.1
    made = whole(values, predicted=PredictedCells(deviations))
    told = json.loads(json.dumps(board_to_json(made), allow_nan=False))
    again = board_from_json(told)
    assert board_to_json(again) == told
    assert again.sweep.alphas == FEW
    assert np.array_equal(again.sweep.lower, made.sweep.lower, equal_nan=True)
    assert (made.cells, made.guessed) == (23, 4)


def test_the_same_seed_gives_the_same_board() -> None:
    one, other = whole(table()), whole(table())
    assert board_to_json(one) == board_to_json(other)


def test_groups_of_one_have_no_band_and_gaps_of_queries_are_counted() -> None:
    values = table()
    heard: list[str] = []
    made = whole(
        values[:, :3],
        item_sources=SOURCES[:3],
        item_queries=QUERIES[:3],
        traits={"age": ["old"] * 5 + ["young"]},
        progress=lambda share, note: heard.append(f"{share:.1f} {note}"),
    )
    (groups,) = made.groups
    assert groups.jurors == (5, 1)
    assert np.isnan(groups.lower[1]).all()
    assert (groups.lower[0] <= groups.means[0] + 1e-9).all()
    assert (made.queries, made.shared_queries) == ((2, 1), 1)
    assert heard[0] == "0.0 welfare along α"


def test_without_traits_there_are_no_groups() -> None:
    assert whole(table(), traits={}).groups == ()


@pytest.mark.parametrize(
    ("values", "sources", "queries"),
    [
        ([[0.5, 0.5]], ("a", "b"), (1, 1)),
        ([[0.5], [0.25]], ("a",), (1,)),
        ([[0.5, 0.5], [0.5, 0.5]], ("a", "b"), (1, 2)),
        ([[0.5, np.nan], [np.nan, 0.5]], ("a", "b"), (1, 1)),
    ],
)
def test_small_studies_make_figures_without_inventing_numbers(
    values: Any, sources: tuple[str, ...], queries: tuple[int, ...]
) -> None:
    jurors = len(values)
    made = whole(
        np.array(values), item_sources=sources, item_queries=queries,
        traits={"age": ["old"] * jurors},
    )  # fmt: skip
    made = board_from_json(json.loads(json.dumps(board_to_json(made), allow_nan=False)))
    for alpha in FEW:
        choice = Choice(
            board=made, name="x", alpha=alpha, threshold=0.5, groups=made.groups[0],
            jurors=tuple(str(n) for n in range(jurors)), strata="age",
        )  # fmt: skip
        for draw in (ranking_figure, groups_figure, rules_figure):
            told = json.dumps(draw(choice).table.rows, allow_nan=False)
            assert "nan" not in told
            assert "nan" not in draw(choice).finding
        assert all("nan" not in own for own in influence_sentences(choice))
        json.dumps([influence_table(choice).rows, tipping_table(choice).rows], allow_nan=False)
        json.dumps(tail_table(choice).rows, allow_nan=False)
