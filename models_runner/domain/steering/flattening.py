"""Whether a model steered to a group shows less variety than the group has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.bootstrap import mean_interval
from annotations.domain.measured import Measured
from models_runner.domain.distributional.divergences import entropy
from models_runner.domain.distributional.probabilities import FloatArray, InvalidDistribution


@dataclass(frozen=True, slots=True, eq=False)
class Flattening:
    """Entropies in nats, (questions,), of the group's answers and of the steered model's.

    ``difference``: mean of steered - group, below 0 where the model flattens, with an interval over
    questions. ``ratio``: mean steered entropy over mean group entropy. ``flatter_share``: share of
    questions where the model's entropy is the lower one.
    """

    group_entropies: FloatArray
    steered_entropies: FloatArray
    difference: Measured
    ratio: Measured
    flatter_share: Measured


def measure_flattening(
    *,
    steered: npt.ArrayLike,
    group: npt.ArrayLike,
    seed: int,
    bootstraps: int = 2000,
    confidence: float = 0.95,
) -> Flattening:
    """Compare the variety of answers, question by question.

    `steered` and `group` are (questions, options) distributions, 0 beyond a question's options; a
    steered distribution is that of many responses, or of letters' probabilities. Entropies of small
    samples are too low, on either side. Raises InvalidDistribution.
    """
    ours, theirs = entropy(steered), entropy(group)
    if ours.ndim != 1 or ours.shape != theirs.shape:
        raise InvalidDistribution(
            f"Steered and group answers give entropies of shapes {ours.shape} and {theirs.shape};"
            " both must be (questions, options)."
        )
    rng = np.random.default_rng(seed)
    difference = mean_interval(
        values=ours - theirs, rng=rng, bootstraps=bootstraps, confidence=confidence
    )
    lower = mean_interval(
        values=(ours < theirs - 1e-12).astype(np.float64),
        rng=np.random.default_rng(seed),
        bootstraps=bootstraps,
        confidence=confidence,
    )
    whole = float(theirs.mean())
    ratio = (
        Measured(value=float(ours.mean()) / whole, count=len(ours))
        if whole > 0
        else Measured.missing("The group is of one mind in every question.", count=len(ours))
    )
    return Flattening(
        group_entropies=theirs,
        steered_entropies=ours,
        difference=difference,
        ratio=ratio,
        flatter_share=lower,
    )
