"""How well responses steered to an attribute reflect it, and only it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.bootstrap import mean_interval
from annotations.domain.measured import Measured

FloatArray = npt.NDArray[np.float64]

TIED_WITHIN = 1e-12


class InvalidFaithfulness(ValueError):
    """Scores that don't fit together; the message has shapes and numbers."""


@dataclass(frozen=True, slots=True)
class AttributeScores:
    """One attribute. All in the units of the scores, with intervals over items.

    ``faithfulness``: mean s_a of responses steered to a. ``gain``: that less mean s_a of unsteered
    responses, paired by item. ``specificity``: s_a less the mean over a' != a of s_a', of responses
    steered to a.
    """

    attribute: str
    faithfulness: Measured
    gain: Measured
    specificity: Measured


@dataclass(frozen=True, slots=True, eq=False)
class Faithfulness:
    """``confusion[a, b]`` (attributes, attributes): share of responses steered to a that reflect b
    most; rows add up to 1, or are NaN where no response has all scores (``judged`` (attributes,)
    counts those that do). Ties are shared out equally. ``mean_gain``, ``mean_specificity``: over
    attributes, of the items where all of them have a value. ``argmax_accuracy``: the share that
    reflects its own attribute most, over all judged responses.
    """

    attributes: tuple[str, ...]
    by_attribute: tuple[AttributeScores, ...]
    mean_gain: Measured
    mean_specificity: Measured
    confusion: FloatArray
    judged: npt.NDArray[np.int64]
    argmax_accuracy: Measured


def measure_faithfulness(
    *,
    attributes: Sequence[str],
    steered: npt.ArrayLike,
    unsteered: npt.ArrayLike,
    seed: int,
    bootstraps: int = 2000,
    confidence: float = 0.95,
) -> Faithfulness:
    """Gain, specificity and confusion.

    Args:
        attributes: names, each once.
        steered: (attributes, attributes, items): [a, b, i] is s_b of the response to item i that
            was steered to a; NaN where nobody judged it.
        unsteered: (attributes, items): s_b of the unsteered response; NaN likewise.
        seed: of the resamples of items.
        bootstraps: how many.
        confidence: level of the intervals.

    Raises:
        InvalidFaithfulness: shapes that differ, repeated names, infinite scores.
        InvalidResampling: fewer than one bootstrap, a confidence outside (0, 1).
    """
    scores, plain = _checked(attributes, steered, unsteered)

    def interval(values: FloatArray, stream: int) -> Measured:
        rng = np.random.default_rng([seed, stream])
        if np.isnan(values).all():
            return Measured.missing("No response was judged.")
        return mean_interval(values=values, rng=rng, bootstraps=bootstraps, confidence=confidence)

    own = np.stack([scores[a, a] for a in range(len(attributes))])
    gains, specificities = own - plain, own - _others(scores)
    several = len(attributes) > 1
    alone = Measured.missing("One attribute alone can't be told from others.")
    confusion, judged, hits = _confusion(scores)
    accuracy = _accuracy(
        hits, rng=np.random.default_rng([seed, 3]), bootstraps=bootstraps, confidence=confidence
    )
    return Faithfulness(
        attributes=tuple(attributes),
        by_attribute=tuple(
            AttributeScores(
                attribute=name,
                faithfulness=interval(own[a], 0),
                gain=interval(gains[a], 1),
                specificity=interval(specificities[a], 2) if several else alone,
            )
            for a, name in enumerate(attributes)
        ),
        # Items, not cells, are resampled: an item's responses belong together.
        mean_gain=interval(_mean_over_attributes(gains), 1),
        mean_specificity=interval(_mean_over_attributes(specificities), 2) if several else alone,
        confusion=confusion,
        judged=judged,
        argmax_accuracy=accuracy if several else alone,
    )


def _checked(
    attributes: Sequence[str], steered: npt.ArrayLike, unsteered: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    scores = np.asarray(steered, dtype=np.float64)
    plain = np.asarray(unsteered, dtype=np.float64)
    count = len(attributes)
    if not count or scores.ndim != 3 or scores.shape[:2] != (count, count):
        raise InvalidFaithfulness(
            f"Steered scores must be ({count} attributes, {count} attributes, items); their shape"
            f" is {scores.shape}."
        )
    if plain.shape != scores.shape[1:] or not scores.shape[2]:
        raise InvalidFaithfulness(
            f"Unsteered scores must be {scores.shape[1:]}, with at least one item; their shape is"
            f" {plain.shape}."
        )
    if len(set(attributes)) < count:
        raise InvalidFaithfulness(f"The attributes are {list(attributes)}; name each once.")
    if np.isinf(scores).any() or np.isinf(plain).any():
        raise InvalidFaithfulness("A score is infinite; scores must be numbers, or NaN.")
    return scores, plain


def _others(scores: FloatArray) -> FloatArray:
    """Mean over b != a of [a, b, i], (attributes, items), NaN where one is missing."""
    count = len(scores)
    if count == 1:
        return np.full(scores.shape[1:], np.nan)
    rows = [np.delete(scores[a], a, axis=0).mean(axis=0) for a in range(count)]
    return np.stack(rows)


def _mean_over_attributes(values: FloatArray) -> FloatArray:
    """By item, NaN where any attribute's value is missing, so that all items count the same."""
    return np.asarray(values.mean(axis=0))


def _confusion(scores: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray]:
    """The matrix, how many responses it rests on, and (attributes, items) hits, NaN unjudged."""
    whole = np.asarray(~np.isnan(scores).any(axis=1))
    top = np.where(whole, np.where(np.isnan(scores), -np.inf, scores).max(axis=1), np.nan)
    most = scores >= top[:, None, :] - TIED_WITHIN
    shares = most / np.maximum(most.sum(axis=1, keepdims=True), 1)
    summed = np.where(whole[:, None, :], shares, 0.0).sum(axis=2)
    judged = whole.sum(axis=1)
    confusion = np.full(summed.shape, np.nan)
    confusion[judged > 0] = summed[judged > 0] / judged[judged > 0][:, None]
    own = np.stack([shares[a, a] for a in range(len(scores))])
    return confusion, judged.astype(np.int64), np.where(whole, own, np.nan)


def _accuracy(
    hits: FloatArray, *, rng: np.random.Generator, bootstraps: int, confidence: float
) -> Measured:
    """Share of judged responses that hit, with items resampled: their responses belong together."""
    judged = ~np.isnan(hits)
    count = int(judged.sum())
    if not count:
        return Measured.missing("No response has a score for every attribute.")
    by_item = np.where(judged, hits, 0.0).sum(axis=0)
    responses = judged.sum(axis=0)
    value = float(by_item.sum() / count)
    kept = responses > 0
    items = int(kept.sum())
    if items == 1:
        return Measured(value=value, reason="One item alone gives no interval.", count=count)
    weights = rng.multinomial(items, np.full(items, 1 / items), size=bootstraps)
    drawn = (weights @ by_item[kept]) / (weights @ responses[kept])
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Measured(value=value, low=float(low), high=float(high), count=count)
