"""Intervals by split conformal prediction, with whole jurors as the units.

R. Dunn, L. Wasserman and A. Ramdas, "Distribution-free prediction sets for two-layer hierarchical
models", JASA 2023. Jurors and items are dealt into folds; the prior is learnt without a fold's
jurors and items, the fold's jurors are adapted on n of their other ratings, and
|rating - mean| / sd on the fold's items is kept. A juror weighs 1 whatever the number of her
scores; one more juror of weight 1 stands at infinity. Scores are kept apart by n, since an interval
for a newcomer is not one for an old hand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from models_runner.domain.reward.link import Link
from models_runner.domain.reward.methods import FOLDS, Cells, Method, Prior
from models_runner.domain.reward.table import (
    FloatArray,
    IntArray,
    RatingTable,
    random_places,
    rating_counts,
)

CALIBRATION_COUNTS = (0, 1, 2, 5, 10, 20, 40)
_CALIBRATION_JURORS = 600


def conformal_threshold(*, scores: Sequence[FloatArray], confidence: float) -> float:
    """The smallest t with enough of the jurors' scores at or below it.

    ``scores``: one array per juror, any lengths; each juror weighs 1 in all, spread evenly over her
    scores, and one more juror of weight 1 stands at infinity. Returns inf where there are too few
    jurors: fewer than confidence / (1 - confidence), 9 at 90 %.
    """
    scores = [part for part in scores if len(part)]
    if not scores:
        return math.inf
    values = np.concatenate(scores)
    weights = np.concatenate([np.full(len(part), 1 / len(part)) for part in scores])
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) >= confidence * (len(scores) + 1) - 1e-9
    return float(values[order][reached.argmax()]) if reached.any() else math.inf


def _only(table: RatingTable, jurors: IntArray) -> RatingTable:
    """The ratings of some jurors, coded by their place in ``jurors``."""
    label = np.full(table.juror_count, -1, dtype=np.int64)
    label[jurors] = np.arange(len(jurors))
    rows = label[table.jurors] >= 0
    return RatingTable(
        features=table.features,
        items=table.items[rows],
        jurors=label[table.jurors[rows]],
        ratings=table.ratings[rows],
        juror_count=len(jurors),
        low=table.low,
        high=table.high,
        groups=None if table.groups is None else table.groups[jurors],
    )


def calibrate(
    method: Method,
    x: FloatArray,
    table: RatingTable,
    *,
    confidence: float,
    seed: int,
    like: Prior,
    link: str,
) -> tuple[tuple[tuple[int, float], ...], Link]:
    """For growing numbers of own ratings, how many standard deviations an interval must reach.

    Pairs (own ratings, reach), the first at 0 (infinite where too few jurors calibrate it), the
    others only where they are finite; and the link that turns the method's chances into honest
    ones, from the same predictions. `x` holds the items' coordinates, (items, k); `like` is the
    prior of the whole table, whose cross-validated choices (a kernel, a few shares) are kept.
    """
    rng = np.random.default_rng(seed)
    rated = rng.permutation(np.flatnonzero(rating_counts(table)))
    table = _only(table, rated[:_CALIBRATION_JURORS])
    juror_fold = np.arange(table.juror_count) % FOLDS
    item_fold = rng.permutation(len(x)) % FOLDS
    jurors_of, items_of = juror_fold[table.jurors], item_fold[table.items]
    scores: dict[int, list[FloatArray]] = {count: [] for count in CALIBRATION_COUNTS}
    chances, truths = [np.zeros(0)], [np.zeros(0)]
    for fold in range(FOLDS):
        learn = (jurors_of != fold) & (items_of != fold)
        if not learn.any():
            continue
        prior = method.prior(x=x, table=table.take(rows=learn), like=like)
        known = np.full(len(x), -1, dtype=np.int64)
        learnt = np.unique(table.items[learn])
        known[learnt] = learnt
        mine = _only(table, np.flatnonzero(juror_fold == fold))
        new_items = item_fold[mine.items] == fold
        given = mine.take(rows=~new_items)
        place = random_places(jurors=given.jurors, juror_count=given.juror_count, rng=rng)
        available = rating_counts(given)
        for count in CALIBRATION_COUNTS:
            rows = new_items & (available[mine.jurors] >= count)
            if not rows.any():
                continue
            posterior = method.adapt(
                prior=prior, x=x, table=given.take(rows=place < count), known=known
            )
            who, what = mine.jurors[rows], mine.items[rows]
            outlook = method.moments(
                prior=prior,
                posterior=posterior,
                cells=Cells(x=x, known=known, items=what, jurors=who),
            )
            score = np.abs(mine.ratings[rows] - outlook.mean) / outlook.sd
            order = np.argsort(who, kind="stable")
            edges = np.flatnonzero(np.diff(who[order])) + 1
            scores[count].extend(np.split(score[order], edges))
            if outlook.reached is not None and outlook.reached.shape[1]:
                cuts = prior.arrays["code_cuts"]
                chances.append(outlook.reached.ravel())
                truths.append((mine.ratings[rows][:, None] >= cuts).astype(np.float64).ravel())
    pairs = [
        (count, conformal_threshold(scores=parts, confidence=confidence))
        for count, parts in scores.items()
    ]
    fitted = Link.fit(chances=np.concatenate(chances), truth=np.concatenate(truths), kind=link)
    kept = [pair for number, pair in enumerate(pairs) if number == 0 or math.isfinite(pair[1])]
    return tuple(kept), fitted
