"""Whether the model's most probable answer is the people's most frequent one."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from models_runner.domain.distributional.probabilities import FloatArray, as_pair

TIED_WITHIN = 1e-12


class TieRule(StrEnum):
    """What counts when several options share the largest probability.

    With H the people's most frequent options and M the model's most probable ones: SHARE counts
    |H and M| / |M|, a model that breaks its ties at random and may hit any of H; STRICT counts 1
    only for one option each, the same; LENIENT counts 1 if any option is in both.
    """

    SHARE = "share"
    STRICT = "strict"
    LENIENT = "lenient"


def mode_accuracy(human: npt.ArrayLike, model: npt.ArrayLike, *, ties: TieRule) -> FloatArray:
    """Question by question, in [0, 1], from (..., options); its mean is the accuracy.

    Options within 1e-12 of the largest probability are tied. Raises InvalidDistribution.
    """
    people, guesses = as_pair(human, model)
    most = people >= people.max(axis=-1, keepdims=True) - TIED_WITHIN
    likeliest = guesses >= guesses.max(axis=-1, keepdims=True) - TIED_WITHIN
    shared = (most & likeliest).sum(axis=-1)
    if ties is TieRule.SHARE:
        return np.asarray(shared / likeliest.sum(axis=-1))
    if ties is TieRule.LENIENT:
        return np.asarray((shared > 0).astype(np.float64))
    single = (most.sum(axis=-1) == 1) & (likeliest.sum(axis=-1) == 1)
    return np.asarray((single & (shared == 1)).astype(np.float64))
