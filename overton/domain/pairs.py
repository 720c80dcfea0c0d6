"""Pairs of texts before they reach a judge: each of them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


class InvalidPairs(ValueError):
    """Premises and hypotheses that don't fit together; the message has the numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class DistinctPairs:
    """Each pair once, in order of first appearance.

    ``premises`` and ``hypotheses`` are of one length (distinct,); ``places`` (pairs,) int says
    where among them each of the given pairs stands, so that ``scores[places]`` gives all back.
    """

    premises: tuple[str, ...]
    hypotheses: tuple[str, ...]
    places: npt.NDArray[np.int64]


def distinct_pairs(premises: Sequence[str], hypotheses: Sequence[str]) -> DistinctPairs:
    """The distinct ones among some pairs. Raises ``InvalidPairs`` for unequal numbers."""
    if len(premises) != len(hypotheses):
        raise InvalidPairs(
            f"There are {len(premises)} premises and {len(hypotheses)} hypotheses; a pair has one "
            "of each."
        )
    known: dict[tuple[str, str], int] = {}
    places = np.array(
        [known.setdefault(pair, len(known)) for pair in zip(premises, hypotheses, strict=True)],
        dtype=np.int64,
    )
    return DistinctPairs(
        premises=tuple(premise for premise, _ in known),
        hypotheses=tuple(hypothesis for _, hypothesis in known),
        places=places,
    )


def checked_probabilities(
    rows: npt.ArrayLike, *, pairs: int, judge: str
) -> npt.NDArray[np.float64]:
    """What a judge gave for some pairs, (pairs, 3), each row in [0, 1] and of sum 1 (within 1e-3).

    Rows are divided by their sum. Raises ``InvalidPairs`` for anything else, with the place.
    """
    values = np.asarray(rows, dtype=np.float64)
    if values.shape != (pairs, 3):
        raise InvalidPairs(
            f"{judge} gave an array of shape {values.shape} for {pairs} pairs; it must be "
            f"({pairs}, 3): entailment, neutral, contradiction."
        )
    if not pairs:
        return values
    with np.errstate(invalid="ignore"):
        sums = values.sum(axis=1, keepdims=True)
        bad = ~((values >= -1e-6) & (values <= 1 + 1e-6) & (np.abs(sums - 1) <= 1e-3)).all(axis=1)
    if bad.any():
        place = int(bad.argmax())
        raise InvalidPairs(
            f"{judge} gave {', '.join(f'{value:.4g}' for value in values[place])} for pair "
            f"{place + 1}; three probabilities that add up to 1 are needed."
        )
    clipped: npt.NDArray[np.float64] = np.clip(values / sums, 0.0, 1.0)
    return clipped
