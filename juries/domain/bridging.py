"""What is liked across camps: the bridging score of Community Notes.

Ratings are explained by how generous a juror is, how good an item is, and how well the two fit
along one line of opinion. What is left to the item once the fit is paid for is its score, so
approval from one camp alone earns little (S. Wojcik and others, "Birdwatch: Crowd wisdom and
bridging algorithms can inform understanding and reduce the spread of misinformation", 2022;
constants as in the project's page "Note ranking algorithm"). Left out: the project's pseudo-raters,
tags, filters for contributors and models for regions.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.domain.welfare import FloatArray, InvalidUtilities

PENALTY_OF_INTERCEPTS = 0.15
PENALTY_OF_FACTORS = 0.03
HELPFUL_FROM = 0.40
HELPFUL_FACTOR_BELOW = 0.50
NOT_HELPFUL_BELOW = -0.05
NOT_HELPFUL_SLOPE = 0.8
FEWEST_RATERS = 5
FEWEST_RATINGS = 10

_STARTS = 8
_TRIAL_ROUNDS = 40
_ROUNDS = 20_000
_CHECK_EVERY = 10
_STILL = 1e-13


class TooFewRatings(InvalidUtilities):
    """No item is left once those with too few raters, and jurors with too few ratings, are out."""


class BridgingStatus(StrEnum):
    """What the score says of an item."""

    HELPFUL = "helpful"
    NOT_HELPFUL = "not helpful"
    BETWEEN = "between"
    TOO_FEW_RATERS = "too few raters"


@dataclass(frozen=True, slots=True, eq=False)
class Bridging:
    """The fitted model. Items (items,), jurors (jurors,); NaN for those that were left out.

    `scores` are the items' intercepts, with `lower` and `upper` (NaN without bootstraps);
    `factors` their places on the line of opinion and `juror_factors` the jurors'. The line's
    direction means nothing; the first juror farthest from its middle is put on the positive side.
    `loss` is the penalised mean squared error, `rounds` how many it took.
    """

    scores: FloatArray
    lower: FloatArray
    upper: FloatArray
    factors: FloatArray
    juror_intercepts: FloatArray
    juror_factors: FloatArray
    middle: float
    loss: float
    rounds: int
    statuses: tuple[BridgingStatus, ...]


def bridging(
    ratings: ArrayLike,
    *,
    rng: np.random.Generator,
    fewest_raters: int = FEWEST_RATERS,
    fewest_ratings: int = FEWEST_RATINGS,
    bootstraps: int = 0,
    level: float = 0.95,
) -> Bridging:
    """Fit r = middle + juror + item + juror's factor x item's factor to ratings in [0, 1].

    `ratings` (jurors, items), NaN where not said; 1 is best. Items with fewer than `fewest_raters`
    raters and jurors with fewer than `fewest_ratings` ratings are left out, again and again until
    nobody more is. The best of several starts drawn from `rng` is followed to the end. With
    `bootstraps` the scores carry a band from resampled jurors. Raises InvalidUtilities, and
    TooFewRatings.
    """
    values = np.asarray(ratings, dtype=float)
    if values.ndim != 2 or 0 in values.shape:
        raise InvalidUtilities(f"Ratings must be jurors x items; their shape is {values.shape}.")
    outside = (values < 0) | (values > 1)
    if outside.any():
        raise InvalidUtilities(
            f"{int(outside.sum())} ratings lie outside 0 to 1, first {values[outside].flat[0]};"
            " map them by the declared bounds of their scale."
        )
    jurors, items = _kept(values, fewest_raters=fewest_raters, fewest_ratings=fewest_ratings)
    here = values[np.ix_(jurors, items)]
    once = np.ones(len(here))
    trials = [_fit(here, once, _start(here, rng), most=_TRIAL_ROUNDS) for _ in range(_STARTS)]
    best = _fit(here, once, min(trials, key=lambda fit: fit.loss))
    lower, upper = _band(here, best, rng=rng, bootstraps=bootstraps, level=level)
    sign = _sign(best.juror_factors)

    def spread(part: FloatArray, kept: NDArray[np.bool_]) -> FloatArray:
        whole = np.full(len(kept), np.nan)
        whole[kept] = part
        return whole

    scores, factors = spread(best.items, items), spread(sign * best.factors, items)
    return Bridging(
        scores=scores,
        lower=spread(lower, items),
        upper=spread(upper, items),
        factors=factors,
        juror_intercepts=spread(best.jurors, jurors),
        juror_factors=spread(sign * best.juror_factors, jurors),
        middle=best.middle,
        loss=best.loss,
        rounds=best.rounds,
        statuses=tuple(
            status_of(score, factor) for score, factor in zip(scores, factors, strict=True)
        ),
    )


class _Fit(NamedTuple):
    middle: float
    jurors: FloatArray
    juror_factors: FloatArray
    items: FloatArray
    factors: FloatArray
    loss: float = np.inf
    rounds: int = 0


def status_of(score: float, factor: float) -> BridgingStatus:
    """What an item's score and factor say together, by the published thresholds."""
    if np.isnan(score):
        return BridgingStatus.TOO_FEW_RATERS
    if score >= HELPFUL_FROM and abs(factor) < HELPFUL_FACTOR_BELOW:
        return BridgingStatus.HELPFUL
    if score < NOT_HELPFUL_BELOW - NOT_HELPFUL_SLOPE * abs(factor):
        return BridgingStatus.NOT_HELPFUL
    return BridgingStatus.BETWEEN


def _kept(
    values: FloatArray, *, fewest_raters: int, fewest_ratings: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    said = ~np.isnan(values)
    jurors, items = np.ones(len(values), dtype=bool), np.ones(values.shape[1], dtype=bool)
    while True:
        counted = said & jurors[:, None] & items
        fewer_items = items & (counted.sum(axis=0) >= max(fewest_raters, 1))
        counted &= fewer_items
        fewer_jurors = jurors & (counted.sum(axis=1) >= max(fewest_ratings, 1))
        if not fewer_items.any() or not fewer_jurors.any():
            raise TooFewRatings(
                f"No item has {fewest_raters} raters who gave {fewest_ratings} ratings each;"
                f" there are {int(said.sum())} ratings by {len(values)} jurors of"
                f" {values.shape[1]} items. Collect more, or lower these bounds and say so."
            )
        if (fewer_items == items).all() and (fewer_jurors == jurors).all():
            return jurors, items
        jurors, items = fewer_jurors, fewer_items


def _start(values: FloatArray, rng: np.random.Generator) -> _Fit:
    jurors, items = values.shape
    return _Fit(
        middle=float(np.nanmean(values)),
        jurors=np.zeros(jurors),
        juror_factors=rng.standard_normal((jurors,)),
        items=np.zeros(items),
        factors=rng.standard_normal((items,)),
    )


def _fit(values: FloatArray, counts: FloatArray, start: _Fit, *, most: int = _ROUNDS) -> _Fit:
    """Alternate least squares: each side's intercepts and factors in turn, then the middle.

    Each rating carries the penalty of its own five parameters, so that an item's penalty grows
    with its ratings. Every step is the exact minimum of its part, hence the loss never rises.
    """
    said = (~np.isnan(values)).astype(float)
    filled = np.nan_to_num(values)
    mass = said * counts[:, None]
    weighed = filled * counts[:, None]
    by_juror, by_item, total = mass.sum(axis=1), mass.sum(axis=0), float(mass.sum())
    middle, jurors, juror_factors, items, factors, loss, _ = start
    before = loss
    for done in range(1, most + 1):
        jurors, juror_factors = _side(filled, said, middle, items, factors)
        items, factors = _side(weighed.T, mass.T, middle, jurors, juror_factors)
        explained = by_juror @ jurors + by_item @ items + juror_factors @ mass @ factors
        middle = float((weighed.sum() - explained) / (total * (1 + PENALTY_OF_INTERCEPTS)))
        if done % _CHECK_EVERY == 0:
            fitted = middle + jurors[:, None] + items + np.outer(juror_factors, factors)
            own = PENALTY_OF_INTERCEPTS * jurors**2 + PENALTY_OF_FACTORS * juror_factors**2
            their = PENALTY_OF_INTERCEPTS * items**2 + PENALTY_OF_FACTORS * factors**2
            errors = float((mass * (filled - fitted) ** 2).sum() + by_juror @ own + by_item @ their)
            loss = errors / total + PENALTY_OF_INTERCEPTS * middle**2
            if before - loss < _STILL:
                break
            before = loss
    return _Fit(middle, jurors, juror_factors, items, factors, loss, start.rounds + done)


def _side(
    known: FloatArray, mass: FloatArray, middle: float, others: FloatArray, factors: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Best intercepts and factors of the rows, given the columns' intercepts and factors.

    `known` (rows, columns) is the ratings times their `mass`, 0 where not said.
    """
    parts = (
        mass @ np.stack([np.ones_like(factors), factors, factors**2, others, others * factors]).T
    )
    number, first = np.maximum(parts[:, 0], 1e-12), parts[:, 1]
    level = (1 + PENALTY_OF_INTERCEPTS) * number
    second = parts[:, 2] + PENALTY_OF_FACTORS * number
    sums = known.sum(axis=1) - middle * parts[:, 0] - parts[:, 3]
    slopes = known @ factors - middle * first - parts[:, 4]
    determinant = level * second - first**2
    intercepts = (second * sums - first * slopes) / determinant
    return intercepts, (level * slopes - first * sums) / determinant


def _band(
    values: FloatArray, best: _Fit, *, rng: np.random.Generator, bootstraps: int, level: float
) -> tuple[FloatArray, FloatArray]:
    empty = np.full(values.shape[1], np.nan)
    if not bootstraps:
        return empty, empty
    jurors = len(values)
    scores = np.empty((bootstraps, values.shape[1]))
    for place in range(bootstraps):
        counts = np.bincount(rng.integers(jurors, size=jurors), minlength=jurors).astype(float)
        scores[place] = _fit(values, counts, best._replace(loss=np.inf)).items
        scores[place, (~np.isnan(values) * counts[:, None]).sum(axis=0) == 0] = np.nan
    edges = np.nanquantile(scores, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return edges[0], edges[1]


def _sign(factors: FloatArray) -> float:
    far = np.abs(factors)
    first = int(np.flatnonzero(far >= far.max() * (1 - 1e-6))[0])
    return -1.0 if factors[first] < 0 else 1.0
