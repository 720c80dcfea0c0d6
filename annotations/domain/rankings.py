"""Orders from best to worst: places with ties, and what a place is worth (Borda 1781).

A response's Borda share is the share of the other responses that a juror puts below it, those that
she puts level with it counting half. It lies in [0, 1] whatever the number of responses: 1 for the
best of any order, 0 for the worst, 1/2 for all where everything is level. Over one whole order the
shares have the mean 1/2.

J.-C. de Borda, "Mémoire sur les élections au scrutin", Histoire de l'Académie royale des sciences
(1781); ties by halves as in D. Black, "Partial justification of the Borda count", Public Choice 28
(1976).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class InvalidRanking(ValueError):
    """Places that are no order; the message names the numbers and the way out."""


def competition_places(*, numbers: Sequence[int]) -> tuple[int, ...]:
    """Places of the same order in which those that share one leave out the next: 1, 1, 3.

    numbers : (responses,) >= 1, lower is better; gaps and repetitions are allowed.
    Raises ``InvalidRanking`` for a number below 1.
    """
    if any(number < 1 for number in numbers):
        raise InvalidRanking(f"The places are {list(numbers)}, but places begin at 1.")
    return tuple(1 + sum(other < number for other in numbers) for number in numbers)


def borda_shares(*, places: npt.ArrayLike) -> FloatArray:
    """Shares in [0, 1] of one order; shape (responses,), as `places`.

    places : (responses,) numbers, lower is better, at least two responses; equal ones are level.
    Raises ``InvalidRanking`` for fewer responses, other shapes and NaN.
    """
    given = np.asarray(places, dtype=np.float64)
    if given.ndim != 1 or given.size < 2 or np.isnan(given).any():
        raise InvalidRanking(
            f"places has the shape {given.shape}"
            + (" and holds NaN" if np.isnan(given).any() else "")
            + "; an order needs a place for each of at least 2 responses."
        )
    below = (given[None, :] > given[:, None]).sum(axis=1)
    level = (given[None, :] == given[:, None]).sum(axis=1) - 1
    shares: FloatArray = (below + level / 2) / (given.size - 1)
    return shares
