"""A jury put together by seats: which kinds there are, and what sampled juries of them say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.domain.resampling import by_source, membership
from juries.domain.verdicts import (
    JURIES,
    JurySpecification,
    SeatKind,
    SeatUnfilled,
    is_reached,
    seat_kind,
    verdicts,
)
from juries.domain.welfare import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class JuryVerdicts:
    """What sampled juries say of each response.

    `outcomes` (juries, items) is each jury's mean rating; `median`, `lower`, `upper` (items,) their
    median, 5th and 95th percentile; `chance` (items,) the part of the juries at the threshold or
    above; `predicted` (items,) the part of the ratings used that a model predicted. All are NaN
    where the seats can't be filled, and `reasons` (items,) says why; empty elsewhere.
    """

    outcomes: FloatArray
    median: FloatArray
    lower: FloatArray
    upper: FloatArray
    chance: FloatArray
    predicted: FloatArray
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SourceVerdicts:
    """The same for sources: a jury's outcome is its mean over a source's responses.

    `items` (sources,) counts the responses for which the seats could be filled.
    """

    sources: tuple[str, ...]
    outcomes: FloatArray
    median: FloatArray
    lower: FloatArray
    upper: FloatArray
    chance: FloatArray
    predicted: FloatArray
    items: tuple[int, ...]


def kinds_present(
    traits: Sequence[Mapping[str, str]], *, features: Sequence[str]
) -> list[tuple[SeatKind, int]]:
    """Each combination of the features' values that a juror has, with how many have it."""
    counted: dict[SeatKind, int] = {}
    for own in traits:
        kind = seat_kind({feature: own[feature] for feature in features})
        counted[kind] = counted.get(kind, 0) + 1
    return sorted(counted.items(), key=lambda pair: pair[0].traits)


def in_proportion(kinds: Sequence[tuple[SeatKind, int]], *, seats: int) -> dict[SeatKind, int]:
    """`seats` shared out as the jurors are (largest remainders), never more than there are."""
    total = sum(number for _, number in kinds)
    size = min(seats, total)
    exact = {kind: size * number / total for kind, number in kinds}
    shared = {kind: int(part) for kind, part in exact.items()}
    order = sorted(kinds, key=lambda pair: (shared[pair[0]] - exact[pair[0]], pair[0].traits))
    for kind, _ in order[: size - sum(shared.values())]:
        shared[kind] += 1
    return shared


def jury_verdicts(
    ratings: FloatArray,
    *,
    traits: Sequence[Mapping[str, str]],
    specification: JurySpecification,
    seed: int,
    guessed: NDArray[np.bool_],
    threshold: float,
) -> JuryVerdicts:
    """Verdicts on all items (jurors, items); an item whose seats can't be filled keeps its reason.

    Raises SeatUnfilled, naming the seat, where the jury can't be filled even by jurors who rated
    nothing, and InvalidJury for what doesn't fit.
    """
    jurors, items = ratings.shape
    _told(
        np.zeros((jurors, 1)), np.zeros((jurors, 1), bool), traits, specification, seed, threshold
    )
    found = np.full((5, items), np.nan)
    outcomes = np.full((JURIES, items), np.nan)
    reasons = [""] * items
    _, first, pattern_of = np.unique(
        ~np.isnan(ratings), axis=1, return_index=True, return_inverse=True
    )
    for pattern in range(len(first)):
        columns = np.flatnonzero(pattern_of.reshape(-1) == pattern)
        try:
            told, said = _told(
                ratings[:, columns], guessed[:, columns], traits, specification, seed, threshold
            )
        except SeatUnfilled as problem:
            for column in columns:
                reasons[column] = str(problem)
            continue
        found[:, columns], outcomes[:, columns] = told, said
    median, lower, upper, chance, predicted = found
    return JuryVerdicts(outcomes, median, lower, upper, chance, predicted, tuple(reasons))


def _told(
    ratings: FloatArray,
    guessed: NDArray[np.bool_],
    traits: Sequence[Mapping[str, str]],
    specification: JurySpecification,
    seed: int,
    threshold: float,
) -> tuple[FloatArray, FloatArray]:
    """The five numbers (5, items) and the outcomes of items that the same jurors rated."""
    try:
        told = verdicts(
            ratings,
            traits=traits,
            specification=specification,
            seed=seed,
            predicted=guessed,
            threshold=threshold,
        )
    except SeatUnfilled as problem:
        # The number counts the columns of this call, which no reader knows.
        raise SeatUnfilled(str(problem).replace(" for item 1", "")) from problem
    numbers = np.stack([told.median, told.lower, told.upper, told.chance, told.predicted])
    return numbers, told.outcomes


def source_verdicts(
    found: JuryVerdicts, *, item_sources: Sequence[str], threshold: float
) -> SourceVerdicts:
    """Each jury's mean over a source's responses, and what that comes to over juries."""
    sources, belongs = membership(item_sources)
    outcomes = by_source(found.outcomes, belongs)
    filled = ~np.isnan(found.median)
    known = ~np.isnan(outcomes).any(axis=0)
    numbers = np.full((3, len(sources)), np.nan)
    numbers[:, known] = np.quantile(outcomes[:, known], [0.05, 0.5, 0.95], axis=0)
    chance = np.where(known, is_reached(outcomes, threshold).mean(axis=0), np.nan)
    return SourceVerdicts(
        sources=sources,
        outcomes=outcomes,
        median=numbers[1],
        lower=numbers[0],
        upper=numbers[2],
        chance=chance,
        predicted=by_source(found.predicted[None, :], belongs)[0],
        items=tuple(int(number) for number in filled.astype(float) @ belongs),
    )
