"""A board as JSON and back: arrays become lists, NaN and infinity become null and "inf"."""

import dataclasses
from collections.abc import Mapping
from math import inf, isinf, isnan
from typing import Any

import numpy as np

from juries.domain.alpha_sweep import AlphaSweep
from juries.domain.crossings import Crossing
from juries.domain.failure_modes import Tipping
from juries.domain.tails import Tail
from juries.domain.welfare import FloatArray
from models_runner.domain.leaderboard.board import Board, Groups
from models_runner.domain.leaderboard.influence import SourceInfluence
from models_runner.domain.leaderboard.rules import RuleTally


def board_to_json(board: Board) -> dict[str, Any]:
    """What `board_from_json` reads; only lists, dictionaries, texts, finite numbers and None."""
    stored = _plain(board)
    assert isinstance(stored, dict)
    return stored


def board_from_json(stored: Mapping[str, Any]) -> Board:
    """The board that `board_to_json` wrote, equal to it in every number."""
    told = stored["sweep"]
    sweep = AlphaSweep(
        sources=tuple(told["sources"]),
        alphas=tuple(inf if alpha == "inf" else float(alpha) for alpha in told["alphas"]),
        **{
            name: _array(told[name])
            for name in (
                "welfare", "lower", "upper", "bias", "wins", "lead", "lead_lower", "lead_upper",
                "predicted",
            )
        },
        tail=Tail(**{name: _array(values) for name, values in told["tail"].items()}),
        crossings=tuple(Crossing(**crossing) for crossing in told["crossings"]),
        bootstraps=told["bootstraps"],
        level=told["level"],
        jurors=told["jurors"],
        items=tuple(told["items"]),
        single_juror_strata=told["single_juror_strata"],
    )  # fmt: skip
    return Board(
        sweep=sweep,
        influence=tuple(_influence(own) for own in stored["influence"]),
        in_own_range=tuple(_influence(own) for own in stored["in_own_range"]),
        groups=tuple(_groups(own) for own in stored["groups"]),
        rules=tuple(_tally(own) for own in stored["rules"]),
        cells=stored["cells"],
        guessed=stored["guessed"],
        queries=tuple(stored["queries"]),
        shared_queries=stored["shared_queries"],
    )


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and isnan(value):
        return None
    if isinstance(value, float) and isinf(value):
        return "inf"
    return value


def _array(stored: object) -> FloatArray:
    return np.asarray(stored, dtype=float)


def _influence(stored: Mapping[str, Any]) -> SourceInfluence:
    return SourceInfluence(
        winners=tuple(stored["winners"]),
        largest=_array(stored["largest"]),
        jurors=tuple(stored["jurors"]),
        tipping=tuple(
            Tipping(juror=own["juror"], winners=tuple(own["winners"])) for own in stored["tipping"]
        ),
    )


def _groups(stored: Mapping[str, Any]) -> Groups:
    return Groups(
        feature=stored["feature"],
        groups=tuple(stored["groups"]),
        jurors=tuple(stored["jurors"]),
        means=_array(stored["means"]),
        lower=_array(stored["lower"]),
        upper=_array(stored["upper"]),
    )


def _tally(stored: Mapping[str, Any]) -> RuleTally:
    arrays = {name: _array(stored[name]) for name in ("won", "lower", "upper")}
    return RuleTally(**{**stored, **arrays})
