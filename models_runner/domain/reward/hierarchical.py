"""The default method: what all jurors share, what groups share, and each juror's own way.

In every component of the rating (`coding`), for juror i and item j:

    z_ij = m(x_j) + a_j + L_j'(sum of group means + w_i) + noise,
    L_j = (1, item means of all components, features along K <= 8 directions, hidden item factors)

m is a Gaussian process on features (`population`), a_j what they do not tell of an item that was
rated, w_i Gaussian around the juror's groups with learnt variances (`pooling`): offset, how far
she follows the population, and her own taste (`factors`). A. Gelman and J. Hill, *Data Analysis
Using Regression and Multilevel/Hierarchical Models*, 2007, chapters 12 and 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models_runner.domain.reward.coding import RatingCode
from models_runner.domain.reward.factors import MOST_DIRECTIONS, item_factors, taste_directions
from models_runner.domain.reward.methods import Cells, Outlook, Posterior, Prior
from models_runner.domain.reward.pooling import (
    Pooled,
    group_levels,
    group_means,
    juror_sums,
    learn_pooling,
    posteriors,
)
from models_runner.domain.reward.population import (
    ItemMeans,
    ItemRegression,
    Kernel,
    within_variance,
)
from models_runner.domain.reward.table import FloatArray, IntArray, RatingTable, rating_counts

_LEARNING_JURORS = 300
_FACTOR_JURORS = 2000
_DIRECTION_WIDTH = 32
_CHUNK = 512
_LEAST_FOR_RADIAL = 30
_ROUNDS, _ROUNDS_BEFORE, _ROUNDS_AGAIN = 25, 8, 5


@dataclass(frozen=True, slots=True)
class Hierarchical:
    """See the module; registered as `hierarchical`."""

    name: str = "hierarchical"
    max_dimensions: int = 128

    def prior(self, *, x: FloatArray, table: RatingTable, like: Prior | None = None) -> Prior:
        """Population, item effects, directions, groups and variances."""
        code = RatingCode.fit(ratings=table.ratings, low=table.low)
        z = code.components(ratings=table.ratings)
        arrays = _code_arrays(code)
        population, offsets = _population(x, table, z, like)
        arrays.update(population)
        arrays["slope_centre"] = arrays["item_means"][table.items].mean(axis=0)
        some = _some(np.flatnonzero(rating_counts(table)), _FACTOR_JURORS)
        mine = np.isin(table.jurors, some)
        part, z = table.take(rows=mine), z[mine]
        others = _without_own(arrays, part.items, z - offsets[mine])
        arrays.update(_directions(x, part, z - others, others - arrays["slope_centre"]))
        rows = _design(arrays, (x @ arrays["directions"])[part.items], others)
        arrays.update(_item_factors(arrays, part, z - others, rows, like))
        rows = np.hstack([rows, arrays["factors"][part.items]])
        learnt = len(arrays["directions"]) > MOST_DIRECTIONS
        blocks = _blocks(arrays)
        arrays.update(_pooling(part, rows, z - others, blocks, others_only=learnt, like=like))
        _, doubt = _bases(arrays, x, np.arange(len(x)))
        arrays["mean_doubt"] = doubt[part.items].mean(axis=0)
        return Prior(arrays=arrays)

    def adapt(
        self, *, prior: Prior, x: FloatArray, table: RatingTable, known: IntArray
    ) -> Posterior:
        """Every juror's coefficients in closed form, in one batch."""
        arrays = prior.arrays
        code = rating_code(arrays)
        base, _ = _bases(arrays, x, known)
        items = _full_design(arrays, x, base, known)
        z = code.components(ratings=table.ratings)
        count, q = z.shape[1], len(arrays["blocks"])
        levels = group_levels(
            table.groups, arrays["group_sizes"].astype(np.int64), table.juror_count
        )
        weights = np.zeros((table.juror_count, count, q))
        covariance = np.zeros((table.juror_count, count, q, q), dtype=np.float32)
        order = np.argsort(table.jurors, kind="stable")
        edges = np.searchsorted(table.jurors[order], np.arange(table.juror_count + 1))
        for first in range(0, table.juror_count, _CHUNK):
            last = min(first + _CHUNK, table.juror_count)
            rows = order[edges[first] : edges[last]]
            places = table.items[rows]
            grams, moments = juror_sums(
                items[places], z[rows] - base[places], table.jurors[rows] - first, last - first
            )
            for component in range(count):
                pooled = _pooled(arrays, component)
                weights[first:last, component], covariance[first:last, component] = posteriors(
                    grams=grams,
                    moments=moments[:, :, component],
                    pooled=pooled,
                    centre=group_means(pooled.groups, levels[first:last]),
                )
        return Posterior(weights=weights, covariance=covariance, counts=rating_counts(table))

    def moments(self, *, prior: Prior, posterior: Posterior, cells: Cells) -> Outlook:
        """Mean, standard deviation and the chance of reaching each cut of the scale."""
        arrays = prior.arrays
        code = rating_code(arrays)
        n, noise = len(cells.jurors), arrays["noise"]
        mean, variance = np.empty(n), np.empty(n)
        reached = np.empty((n, len(code.cuts)))
        bases, doubts = _bases(arrays, cells.x, cells.known)
        spreads = np.maximum(noise + doubts - arrays["mean_doubt"], noise / 2)
        designs = _full_design(arrays, cells.x, bases, cells.known)
        for first in range(0, n, _CHUNK * 16):
            part = slice(first, first + _CHUNK * 16)
            guess, spread = bases[cells.items[part]], spreads[cells.items[part]]
            design, who = designs[cells.items[part]], cells.jurors[part]
            seated = who >= 0 if len(posterior.counts) else np.zeros(len(who), dtype=np.bool_)
            rows, own = design[seated], who[seated]
            for c in range(len(noise)):
                inner = posterior.covariance[own, c]
                doubt = ((rows[:, None, :] @ inner)[:, 0] * rows).sum(axis=1)
                guess[seated, c] += (rows * posterior.weights[own, c]).sum(axis=1)
                spread[seated, c] += np.maximum(doubt, 0.0)
                spread[~seated, c] += design[~seated] ** 2 @ arrays["variances"][c]
            mean[part] = code.means(components=guess)
            variance[part] = code.variances(components=spread)
            reached[part] = code.reached(components=guess)
        floor = 1e-3 * (code.scale[0] if np.ptp(code.points) else 1.0)
        return Outlook(mean=mean, sd=np.maximum(np.sqrt(variance), floor), reached=reached)


def _code_arrays(code: RatingCode) -> dict[str, FloatArray]:
    return {
        "code_points": code.points,
        "code_cuts": code.cuts,
        "code_centre": code.centre,
        "code_scale": code.scale,
        "code_turn": code.turn,
        "code_loadings": code.loadings,
        "code_discrete": np.array(float(code.discrete)),
    }


def rating_code(arrays: Mapping[str, FloatArray]) -> RatingCode:
    """The rating code that a prior of this method holds."""
    return RatingCode(
        points=arrays["code_points"],
        cuts=arrays["code_cuts"],
        centre=arrays["code_centre"],
        scale=arrays["code_scale"],
        turn=arrays["code_turn"],
        loadings=arrays["code_loadings"],
        discrete=bool(arrays["code_discrete"]),
    )


def _kernel(arrays: dict[str, FloatArray]) -> Kernel:
    return Kernel(landmarks=arrays["landmarks"], whitening=arrays["whitening"])


def _population(
    x: FloatArray, table: RatingTable, z: FloatArray, like: Prior | None
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Item means from features, and with each item's own ratings.

    Also the jurors' offsets (N, C), which were taken out before.
    """
    rated = np.unique(table.items)
    counts = np.bincount(table.items, minlength=len(x))
    offsets = _offsets(z - z.mean(axis=0), table)
    means, noise = _means(z - offsets, table, rated, counts)
    kernel, regression, fit = _choose_kernel(x[rated], counts[rated], means, noise, like)
    features = kernel.features(x=x)
    item_means = _with_own(fit, features, rated, means, counts)
    offsets = _offsets(z - item_means[table.items], table)
    means, noise = _means(z - offsets, table, rated, counts)
    fit = regression.fit(means=means, noise=noise, shares=fit.shares)
    unseen = features @ fit.weights
    unseen[rated] = fit.unseen
    return {
        "landmarks": kernel.landmarks,
        "whitening": kernel.whitening,
        "item_weights": fit.weights,
        "item_means": _with_own(fit, features, rated, means, counts),
        "item_unseen": unseen,
        "item_counts": counts.astype(np.float64),
        "item_unexplained": fit.unexplained,
        "item_noise": fit.noise,
        "item_shares": fit.shares,
    }, offsets


def _means(
    values: FloatArray, table: RatingTable, rated: IntArray, counts: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Mean components (n, C) of the rated items, and the variance of one rating (C,)."""
    components = range(values.shape[1])
    sums = [np.bincount(table.items, values[:, c], minlength=len(counts)) for c in components]
    noise = [within_variance(values[:, c], table.items, len(counts)) for c in components]
    return np.column_stack(sums)[rated] / counts[rated][:, None], np.array(noise)


def _with_own(
    fit: ItemMeans, features: FloatArray, rated: IntArray, means: FloatArray, counts: IntArray
) -> FloatArray:
    """Means of all items (M, C): by features, and of rated ones by their ratings too."""
    item_means = features @ fit.weights
    count = counts[rated][:, None]
    trust = count / (count + fit.noise / fit.unexplained)
    item_means[rated] = fit.unseen + trust * (means - fit.unseen)
    return np.asarray(item_means, dtype=np.float64)


def _offsets(residuals: FloatArray, table: RatingTable) -> FloatArray:
    """Each rating's juror's mean residual (N, C), shrunken by how much jurors differ."""
    counts = rating_counts(table)
    offsets = np.zeros_like(residuals)
    for c in range(residuals.shape[1]):
        noise = within_variance(residuals[:, c], table.jurors, table.juror_count)
        sums = np.bincount(table.jurors, residuals[:, c], minlength=table.juror_count)
        rated = counts > 0
        between = float((counts[rated] * (sums[rated] / counts[rated]) ** 2).sum())
        between = between / counts.sum() - noise * rated.sum() / counts.sum()
        if between > 0:
            offsets[:, c] = (sums / (counts + noise / between))[table.jurors]
    return offsets


def _choose_kernel(
    x: FloatArray,
    counts: IntArray,
    means: FloatArray,
    noise: FloatArray,
    like: Prior | None,
) -> tuple[Kernel, ItemRegression, ItemMeans]:
    """The kernel that errs least on rated items left out, in the largest component."""
    linear = Kernel.linear(width=x.shape[1])
    shares = None
    if like is not None and len(like.arrays["item_shares"]) == means.shape[1]:
        shares = like.arrays["item_shares"]
    if like is not None and len(like.arrays["landmarks"]):
        kernels = [_kernel(like.arrays)]
    elif like is None and x.shape[1] and len(x) >= _LEAST_FOR_RADIAL:
        kernels = [linear, Kernel.radial(x=x)]
    else:
        kernels = [linear]
    total = float(np.average((means[:, 0] - means[:, 0].mean()) ** 2, weights=counts))
    between = total - float(noise[0]) * len(x) / float(counts.sum())
    ratio = max(0.5 * between / float(noise[0]), 0.01)
    found = []
    for kernel in kernels:
        regression = ItemRegression.prepare(
            features=kernel.features(x=x), counts=counts.astype(np.float64), ratio=ratio
        )
        fit = regression.fit(means=means, noise=noise, shares=shares)
        found.append((kernel, regression, fit))
    return min(found, key=lambda one: float(one[2].errors[0]))


def _without_own(arrays: dict[str, FloatArray], items: IntArray, values: FloatArray) -> FloatArray:
    """For each rating its item's means without that rating (N, C), so that nobody leads herself."""
    counts = arrays["item_counts"][items][:, None]
    ratio = arrays["item_noise"] / arrays["item_unexplained"]
    unseen, full = arrays["item_unseen"][items], arrays["item_means"][items]
    # full - unseen = (sum - n unseen) / (n + ratio)
    surplus = (full - unseen) * (counts + ratio)
    own = values - unseen
    return np.asarray(unseen + (surplus - own) / (counts - 1 + ratio), dtype=np.float64)


def _bases(
    arrays: dict[str, FloatArray], x: FloatArray, known: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Item means (n, C) and their variances: of known items with their ratings, else features."""
    unexplained = arrays["item_unexplained"]
    base = np.empty((len(x), len(unexplained)))
    new = known < 0
    if new.any():
        base[new] = _kernel(arrays).features(x=x[new]) @ arrays["item_weights"]
    doubt = np.broadcast_to(unexplained, base.shape).copy()
    places = known[~new]
    base[~new] = arrays["item_means"][places]
    counts = arrays["item_counts"][places][:, None]
    doubt[~new] = unexplained * (1 - counts / (counts + arrays["item_noise"] / unexplained))
    return base, doubt


def _design(arrays: dict[str, FloatArray], tastes: FloatArray, base: FloatArray) -> FloatArray:
    """L without the factors, (n, 1 + C + K), from coordinates along the directions (n, K)."""
    return np.hstack([np.ones((len(base), 1)), base - arrays["slope_centre"], tastes])


def _full_design(
    arrays: dict[str, FloatArray], x: FloatArray, base: FloatArray, known: IntArray
) -> FloatArray:
    factors = np.zeros((len(x), arrays["factors"].shape[1]))
    factors[known >= 0] = arrays["factors"][known[known >= 0]]
    return np.hstack([_design(arrays, x @ arrays["directions"], base), factors])


def _blocks(arrays: dict[str, FloatArray]) -> IntArray:
    """Which coefficients share a variance: offset, slopes, directions and factors one each."""
    slopes = len(arrays["slope_centre"])
    sizes = (1, slopes, arrays["directions"].shape[1])
    hidden = arrays["factors"].shape[1]
    return np.concatenate([np.repeat(np.arange(3), sizes), np.full(hidden, 3)]).astype(np.int64)


def _some(jurors: IntArray, most: int) -> IntArray:
    return jurors[np.linspace(0, len(jurors) - 1, min(len(jurors), most)).astype(np.int64)]


def _sums(
    table: RatingTable, chosen: IntArray, rows: FloatArray, residuals: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, int]:
    """Jurors' sums over some of them; squares (C,) and count of the residuals that they gave."""
    label = np.full(table.juror_count, -1, dtype=np.int64)
    label[chosen] = np.arange(len(chosen))
    mine = label[table.jurors] >= 0
    grams, moments = juror_sums(rows[mine], residuals[mine], label[table.jurors[mine]], len(chosen))
    return grams, moments, (residuals[mine] ** 2).sum(axis=0), int(mine.sum())


def _directions(
    x: FloatArray,
    table: RatingTable,
    residuals: FloatArray,
    slopes: FloatArray,
) -> dict[str, FloatArray]:
    """Along which features jurors differ, from half of them: the rest learns how much."""
    k = x.shape[1]
    rated = np.flatnonzero(rating_counts(table))
    if k <= MOST_DIRECTIONS:
        return {"directions": np.eye(k)}
    width = min(k, _DIRECTION_WIDTH)
    if len(rated) < 2 * MOST_DIRECTIONS:
        return {"directions": np.eye(k)[:, :MOST_DIRECTIONS]}
    chosen = _some(rated[::2], _LEARNING_JURORS // 2)
    mine = np.isin(table.jurors, chosen)
    table = table.take(rows=mine)
    rows = np.hstack([np.ones((len(table.items), 1)), slopes[mine], x[:, :width][table.items]])
    grams, moments, squares, count = _sums(table, chosen, rows, residuals[mine])
    blocks = np.repeat(np.arange(3), (1, slopes.shape[1], width))
    pooled = learn_pooling(
        grams=grams,
        moments=moments[:, :, 0],
        squares=float(squares[0]),
        count=count,
        blocks=blocks,
        levels=np.full((len(chosen), 0), -1),
        level_count=0,
        rounds=_ROUNDS_BEFORE,
    )
    # Offsets and slopes are taken out as the pooled fit has them; what is left is taste.
    centre = np.zeros((len(chosen), len(blocks)))
    weights, _ = posteriors(grams=grams, moments=moments[:, :, 0], pooled=pooled, centre=centre)
    taste = blocks == 2
    left = moments[:, taste, 0] - np.einsum(
        "jab,jb->ja", grams[:, taste][:, :, ~taste], weights[:, ~taste]
    )
    found = taste_directions(
        grams=grams[:, taste][:, :, taste],
        moments=left,
        noise=pooled.noise,
        weight=float(pooled.variances[taste][0]),
    )
    directions = np.zeros((k, found.shape[1]))
    directions[:width] = found
    return {"directions": directions}


def _item_factors(
    arrays: dict[str, FloatArray],
    table: RatingTable,
    residuals: FloatArray,
    rows: FloatArray,
    like: Prior | None,
) -> dict[str, FloatArray]:
    """Hidden factors of the rated items, from what offsets, slopes and tastes leave."""
    penalty = None if like is None else float(like.arrays["factor_penalty"])
    if penalty == 0.0:
        return {"factors": np.zeros((len(arrays["item_means"]), 0)), "factor_penalty": np.zeros(())}
    chosen = np.flatnonzero(rating_counts(table))
    label = np.full(table.juror_count, -1, dtype=np.int64)
    label[chosen] = np.arange(len(chosen))
    blocks = np.repeat(
        np.arange(3), (1, len(arrays["slope_centre"]), arrays["directions"].shape[1])
    )
    grams, moments, squares, count = _sums(table, chosen, rows, residuals)
    some = _some(np.arange(len(chosen)), _LEARNING_JURORS)
    pooled = learn_pooling(
        grams=grams[some],
        moments=moments[some, :, 0],
        squares=float(squares[0]) * len(some) / len(chosen),
        count=max(count * len(some) // len(chosen), 1),
        blocks=blocks,
        levels=np.full((len(some), 0), -1),
        level_count=0,
        rounds=_ROUNDS_BEFORE,
    )
    weights, _ = posteriors(
        grams=grams,
        moments=moments[:, :, 0],
        pooled=pooled,
        centre=np.zeros((len(chosen), len(blocks))),
    )
    who = label[table.jurors]
    left = residuals[:, 0] - (rows * weights[who]).sum(axis=1)
    factors, penalty = item_factors(
        jurors=who,
        items=table.items,
        residuals=left,
        juror_count=len(chosen),
        item_count=len(arrays["item_means"]),
        penalty=penalty,
    )
    return {"factors": factors, "factor_penalty": np.array(penalty)}


def _pooling(
    table: RatingTable,
    rows: FloatArray,
    residuals: FloatArray,
    blocks: IntArray,
    *,
    others_only: bool,
    like: Prior | None,
) -> dict[str, FloatArray]:
    """Variances and group means of every component.

    `others_only`: from those jurors alone who did not teach the directions.
    """
    rated = np.flatnonzero(rating_counts(table))
    half = rated[1::2] if others_only and len(rated) >= 2 * MOST_DIRECTIONS else rated
    chosen = _some(half, _LEARNING_JURORS)
    groups = table.groups
    sizes = np.zeros(0, dtype=np.int64)
    if groups is not None and groups.shape[1]:
        sizes = np.maximum(groups.max(axis=0, initial=-1) + 1, 0).astype(np.int64)
    levels = group_levels(groups, sizes, table.juror_count)[chosen]
    grams, moments, squares, count = _sums(table, chosen, rows, residuals)
    start = None
    if like is not None and like.arrays["groups"].shape == (
        *(residuals.shape[1], int(sizes.sum())),
        len(blocks),
    ):
        start = like.arrays
    pools = [
        learn_pooling(
            grams=grams,
            moments=moments[:, :, c],
            squares=float(squares[c]),
            count=count,
            blocks=blocks,
            levels=levels,
            level_count=int(sizes.sum()),
            rounds=_ROUNDS if start is None else _ROUNDS_AGAIN,
            start=None if start is None else _pooled(start, c),
        )
        for c in range(residuals.shape[1])
    ]
    return {
        "noise": np.array([pooled.noise for pooled in pools]),
        "variances": np.array([pooled.variances for pooled in pools]),
        "groups": np.array([pooled.groups for pooled in pools]),
        "group_sizes": sizes.astype(np.float64),
        "blocks": blocks.astype(np.float64),
    }


def _pooled(arrays: dict[str, FloatArray], component: int) -> Pooled:
    return Pooled(
        noise=float(arrays["noise"][component]),
        variances=arrays["variances"][component],
        groups=arrays["groups"][component],
    )
