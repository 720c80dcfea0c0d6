"""Whether responses support, oppose or do either, against the stances that are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from annotations.domain.measured import Measured
from overton.domain.windows import wilson_interval


class InvalidStances(ValueError):
    """Stances that don't pair up; the message has the numbers."""


class Stance(StrEnum):
    """The three classes. What can't be read as one of them is None: wrong, but no class."""

    SUPPORT = "support"
    OPPOSE = "oppose"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class StanceScores:
    """All in [0, 1].

    ``accuracy``: share right. ``balanced_accuracy``: mean over the classes that are true somewhere
    of the share of them that was met. ``macro_f1``: mean of F1 over the classes that are true or
    were given somewhere. ``recalls`` and ``f1`` by class, empty where a class never occurs.
    ``counts[true][given]``, with None for unparsed. An unparsed output counts as missed in all of
    them, and its share is ``unparsed``.
    """

    accuracy: Measured
    balanced_accuracy: Measured
    macro_f1: Measured
    recalls: tuple[tuple[Stance, Measured], ...]
    f1: tuple[tuple[Stance, Measured], ...]
    unparsed: Measured
    counts: tuple[tuple[Stance, tuple[tuple[Stance | None, int], ...]], ...]


def score_stances(
    *, true: Sequence[Stance], given: Sequence[Stance | None], confidence: float = 0.95
) -> StanceScores:
    """Compare stances, item by item. Raises InvalidStances for lengths that differ."""
    if len(true) != len(given):
        raise InvalidStances(f"{len(true)} true stances and {len(given)} given ones.")
    pairs = Counter(zip(true, given, strict=True))
    total = len(true)
    right = {stance: pairs[(stance, stance)] for stance in Stance}
    actual = {stance: sum(n for (t, _), n in pairs.items() if t is stance) for stance in Stance}
    said = {stance: sum(n for (_, g), n in pairs.items() if g is stance) for stance in Stance}
    recalls = tuple(
        (stance, _share(right[stance], actual[stance], f"Nothing is truly {stance}.", confidence))
        for stance in Stance
    )
    f1 = tuple(
        (stance, _f1(right[stance], actual[stance], said[stance], stance)) for stance in Stance
    )
    nothing = "There are no items."
    unparsed = sum(n for (_, g), n in pairs.items() if g is None)
    return StanceScores(
        accuracy=_share(sum(right.values()), total, nothing, confidence),
        balanced_accuracy=_mean([found for _, found in recalls], total, nothing),
        macro_f1=_mean([found for _, found in f1], total, nothing),
        recalls=recalls,
        f1=f1,
        unparsed=_share(unparsed, total, nothing, confidence),
        counts=tuple((t, tuple((g, pairs[(t, g)]) for g in (*Stance, None))) for t in Stance),
    )


def refusal_rate(refused: Sequence[bool], *, confidence: float = 0.95) -> Measured:
    """Share of responses that refuse to take the attribute on, with its score interval."""
    return _share(sum(refused), len(refused), "There are no responses.", confidence)


def _share(part: int, whole: int, reason: str, confidence: float) -> Measured:
    if not whole:
        return Measured.missing(reason)
    low, high = wilson_interval(successes=part, trials=whole, confidence=confidence)
    return Measured(value=part / whole, low=low, high=high, count=whole)


def _f1(right: int, actual: int, said: int, stance: Stance) -> Measured:
    if not actual + said:
        return Measured.missing(f"Nothing is or was called {stance}.")
    return Measured(value=2 * right / (actual + said), count=actual)


def _mean(parts: Sequence[Measured], count: int, reason: str) -> Measured:
    values = [part.value for part in parts if part.value is not None]
    if not values:
        return Measured.missing(reason)
    return Measured(value=sum(values) / len(values), count=count)
