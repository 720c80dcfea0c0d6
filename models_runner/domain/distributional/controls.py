"""What a distance would be if labels meant nothing, or if only sampling set the two apart."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt

from models_runner.domain.distributional.divergences import Base, js_distance_unchecked
from models_runner.domain.distributional.probabilities import (
    FloatArray,
    InvalidDistribution,
    as_pair,
)

EXACT_UP_TO = 6
DRAWS = 200


def label_orders(*, options: int, seed: int, draws: int = DRAWS) -> npt.NDArray[np.int64]:
    """All orders of the options for up to 6, else `draws` random ones from the seed.

    (orders, options); the draws depend on the seed and the number of options alone, so that
    questions may stand in any order.
    """
    if options <= EXACT_UP_TO:
        return np.array(list(permutations(range(options))), dtype=np.int64)
    rng = np.random.default_rng([seed, options])
    return rng.permuted(np.tile(np.arange(options), (draws, 1)), axis=1)


def shuffled_distance(
    human: npt.ArrayLike, model: npt.ArrayLike, *, seed: int, draws: int = DRAWS
) -> FloatArray:
    """Mean JS distance (base 2) over shuffled labels of the model's distribution, which keeps its
    entropy (the paper's appendix B).

    Both are (questions, options) or (options,), all with the same options in number. Exact over all
    orders for up to 6 options, else the mean of `draws`. Raises InvalidDistribution.
    """
    people, guesses = as_pair(human, model)
    if draws < 1:
        raise InvalidDistribution(f"The number of draws is {draws}; at least 1 is needed.")
    orders = label_orders(options=people.shape[-1], seed=seed, draws=draws)
    summed = np.zeros(np.broadcast_shapes(people.shape, guesses.shape)[:-1])
    for order in orders:
        summed = summed + js_distance_unchecked(people, guesses[..., order], base=Base.BITS)
    return np.asarray(summed / len(orders))


def noise_floor_nats(*, options: npt.ArrayLike, n1: npt.ArrayLike, n2: npt.ArrayLike) -> FloatArray:
    """E[JS divergence] in nats, about (k - 1) / 8 (1 / n1 + 1 / n2), of two samples from one
    distribution over k options.

    `options`, `n1`, `n2` broadcast. n2 may be infinite: a distribution that was not sampled, such
    as a model's probabilities. The second-order expansion holds for samples that fill every option.
    Raises InvalidDistribution for fewer than 1 option or person.
    """
    k, first, second = (np.asarray(x, dtype=np.float64) for x in (options, n1, n2))
    if not ((k >= 1).all() and (first > 0).all() and (second > 0).all()):
        raise InvalidDistribution(
            "The noise floor needs at least one option and one person on each side:"
            f" {k.min() if k.size else 'no'} options, {first.min()} and {second.min()} people."
        )
    return np.asarray((k - 1) / 8 * (1 / first + 1 / second))
