"""A commensurating function in words, so that a prompt can steer to it."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from models_runner.domain.objectives.commensuration import (
    CommensuratingFunction,
    Linear,
    Power,
    Single,
    Weights,
)


def weighting_instruction(
    function: CommensuratingFunction, *, wordings: Mapping[str, str] | None = None
) -> str:
    """What tells a model how to trade its aims off.

    `wordings` words objectives by their names, the names themselves where it has none.
    """
    words = dict(wordings or {})
    if isinstance(function, Single):
        return (
            f"When you answer, aim for one thing alone: {words.get(function.name, function.name)}."
        )
    if isinstance(function, Linear):
        return f"When you answer, weigh your aims like this: {_shares(function.weights, words)}."
    assert isinstance(function, Power)
    if function.alpha == inf:
        return (
            "When you answer, see to it that the aim which comes off worst comes off as well as it"
            f" can: {_shares(function.weights, words)}."
        )
    return (
        "When you answer, keep a balance, and let no aim come off badly for the sake of another:"
        f" {_shares(function.weights, words)}."
    )


def _shares(weights: Weights, words: Mapping[str, str]) -> str:
    return "; ".join(
        f"{words.get(name, name)}, {share:.0%}"
        for name, share in zip(weights.names, weights.shares, strict=True)
        if share > 0
    )
