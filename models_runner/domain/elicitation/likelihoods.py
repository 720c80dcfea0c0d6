"""How likely a model finds the words of each option, to a distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from models_runner.domain.elicitation import ElicitationMode

FloatArray = npt.NDArray[np.float64]


class InvalidLikelihoods(ValueError):
    """Numbers that give no distribution over options; the message has the numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class LikelihoodDistribution:
    """``probabilities`` (options,) add up to 1, or None with a ``reason``."""

    probabilities: FloatArray | None
    reason: str
    mode: ElicitationMode


def distribution_from_likelihoods(
    *, totals: npt.ArrayLike, tokens: npt.ArrayLike, mode: ElicitationMode
) -> LikelihoodDistribution:
    """Softmax over options' log-likelihoods.

    Args:
        totals: (options,) sum of each option's token log-probabilities, in nats.
        tokens: (options,) how many tokens each has, at least 1.
        mode: LIKELIHOOD takes the totals, which favours short options; LIKELIHOOD_MEAN the
            means, so that a longer option is not less likely for that.

    Raises:
        InvalidLikelihoods: shapes that differ, another mode, NaN, numbers above 0, no tokens.
    """
    sums, counts = np.asarray(totals, dtype=np.float64), np.asarray(tokens, dtype=np.float64)
    if sums.ndim != 1 or len(sums) < 2 or sums.shape != counts.shape:
        raise InvalidLikelihoods(
            f"Totals {sums.shape} and tokens {counts.shape} must both be (options,), two or more."
        )
    if np.isnan(sums).any() or (sums > 1e-6).any() or (counts < 1).any():
        raise InvalidLikelihoods(
            f"The log-likelihoods are {sums.tolist()} over {counts.tolist()} tokens; each must be"
            " at most 0, over at least one token."
        )
    if mode is ElicitationMode.LIKELIHOOD_MEAN:
        sums = sums / counts
    elif mode is not ElicitationMode.LIKELIHOOD:
        raise InvalidLikelihoods(f"{mode} does not read likelihoods of options.")
    if np.isneginf(sums).all():
        return LikelihoodDistribution(None, "No option has any likelihood.", mode)
    return LikelihoodDistribution(softmax(sums), "", mode)
