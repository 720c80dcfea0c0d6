"""Welfare of sources along alpha, with paired bootstrap bands.

A whole sweep is a few products of matrices: powers of the utilities under the multiplicities of
resampled jurors (`resampling`). Predicted cells are drawn anew in each resample.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from juries.domain.crossings import ALPHAS, Crossing, find_crossings
from juries.domain.replicates import blocks
from juries.domain.resampling import (
    PredictedCells,
    band,
    by_source,
    mean_of,
    membership,
    resample_counts,
)
from juries.domain.tails import Tail, tail_of, tail_of_item
from juries.domain.welfare import FloatArray, InvalidUtilities, power_welfare

_BLOCK = 256


@dataclass(frozen=True, slots=True, eq=False)
class AlphaSweep:
    """Welfare by alpha (rows) and source (columns).

    `welfare`, `lower`, `upper`, `bias` and `wins` are (alphas, sources). The band is the central
    `level` of the bootstrap; `bias` is the mean of the resamples less `welfare`; `wins` is the part
    of the resamples that a source leads, ties shared. Above alpha = 1 a resample that misses the
    worst-off jurors is better than the jury: where the bias exceeds the band's width, `welfare` may
    lie below its band, and the jury is too small for that alpha.

    `lead`, `lead_lower` and `lead_upper` (alphas, sources) are a source's welfare less that of the
    best other source, in the same resample; NaN with one source.

    At alpha = inf bands, bias and `wins` are NaN by intent: read `tail`. `single_juror_strata`
    counts strata that no resampling can vary, so that bands are too narrow there. NaN elsewhere:
    nobody judged any item of that source. `predicted` (sources,) is the part of the cells that are
    a model's guess: `welfare` counts them at their means, the bands draw them.
    """

    sources: tuple[str, ...]
    alphas: tuple[float, ...]
    welfare: FloatArray
    lower: FloatArray
    upper: FloatArray
    bias: FloatArray
    wins: FloatArray
    lead: FloatArray
    lead_lower: FloatArray
    lead_upper: FloatArray
    tail: Tail
    crossings: tuple[Crossing, ...]
    bootstraps: int
    level: float
    jurors: int
    items: tuple[int, ...]
    predicted: FloatArray
    single_juror_strata: int


def alpha_sweep(
    utilities: ArrayLike,
    *,
    item_sources: Sequence[str],
    rng: np.random.Generator,
    alphas: Sequence[float] = ALPHAS,
    strata: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    predicted: PredictedCells | None = None,
    bootstraps: int = 2000,
    level: float = 0.95,
    skip_missing: bool = False,
) -> AlphaSweep:
    """Mean welfare of each source over its items, along `alphas`.

    `utilities` (jurors, items) in [0, inf), NaN where not said; `item_sources` names each item's
    source; `strata` names each juror's stratum (all one by default); `weights` (jurors,);
    `predicted` says which cells are a model's guess. Sources are compared fairly only if they
    answered the same queries: that is the caller's to see to. With `skip_missing`, items are judged
    by those who have a value for them, and an item that nobody in a resample judged is left out of
    that resample's mean. Memory grows with alphas x bootstraps x sources, not with items. Raises
    InvalidUtilities (MissingUtilities for NaN that may not be skipped).
    """
    values = np.asarray(utilities, dtype=float)
    _check_shape(values, item_sources, strata, alphas, bootstraps, level)
    # Refuses bad values and weights once and for all.
    power_welfare(values, alpha=0, weights=weights, skip_missing=skip_missing)
    mass = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    labels = list(strata) if strata is not None else [""] * len(values)
    sources, belongs = membership(item_sources)
    guessed = np.zeros(values.shape, dtype=bool) if predicted is None else predicted.checked(values)
    counts = resample_counts(strata=labels, bootstraps=bootstraps, rng=rng) * mass
    finite = [float(alpha) for alpha in alphas if alpha != inf]
    replicated, tails = _resampled(values, counts, finite, belongs, predicted, rng)
    observed = [tail_of_item(column, mass[None, :]) for column in values.T]
    rows = {alpha: _figures(replicated[place], level) for place, alpha in enumerate(finite)}
    empty = np.full((6, len(sources)), np.nan)
    figures = np.stack([rows.get(alpha, empty) for alpha in alphas])
    welfare = np.stack([_by_items(values, alpha, mass, belongs) for alpha in alphas])
    return AlphaSweep(
        sources=sources,
        alphas=tuple(float(alpha) for alpha in alphas),
        welfare=welfare,
        lower=figures[:, 0],
        upper=figures[:, 1],
        bias=figures[:, 2] - welfare,
        wins=figures[:, 3],
        lead=_lead(welfare),
        lead_lower=figures[:, 4],
        lead_upper=figures[:, 5],
        tail=tail_of(
            observed=(
                by_source(np.concatenate([low for low, _ in observed]), belongs),
                by_source(np.concatenate([worst for _, worst in observed]), belongs),
            ),
            replicated=tails,
            level=level,
        ),
        crossings=find_crossings(
            values, item_sources=item_sources, alphas=alphas, weights=mass, skip_missing=True
        ),
        bootstraps=bootstraps,
        level=level,
        jurors=len(values),
        items=tuple(int(number) for number in belongs.sum(axis=0)),
        predicted=mean_of(guessed.sum(axis=0) @ belongs, (~np.isnan(values)).sum(axis=0) @ belongs),
        single_juror_strata=sum(labels.count(label) == 1 for label in set(labels)),
    )


def _check_shape(
    values: FloatArray,
    item_sources: Sequence[str],
    strata: Sequence[str] | None,
    alphas: Sequence[float],
    bootstraps: int,
    level: float,
) -> None:
    if values.ndim != 2 or 0 in values.shape:
        raise InvalidUtilities(f"Utilities must be jurors x items; their shape is {values.shape}.")
    if len(item_sources) != values.shape[1]:
        raise InvalidUtilities(
            f"{len(item_sources)} sources were given for {values.shape[1]} items."
        )
    if strata is not None and len(strata) != values.shape[0]:
        raise InvalidUtilities(f"{len(strata)} strata were given for {values.shape[0]} jurors.")
    if not alphas or not all(alpha >= 0 for alpha in alphas):
        raise InvalidUtilities(f"Alphas must be 0 or more; they are {tuple(alphas)}.")
    if bootstraps < 1 or not 0 < level < 1:
        raise InvalidUtilities(
            f"Bootstraps ({bootstraps}) must be at least 1 and the level ({level}) within 0 to 1."
        )


def _by_items(
    values: FloatArray, alpha: float, mass: FloatArray, belongs: FloatArray
) -> FloatArray:
    return by_source(power_welfare(values, alpha=alpha, weights=mass, skip_missing=True), belongs)


def _figures(replicated: FloatArray, level: float) -> FloatArray:
    """Lower, upper, mean, wins, and the band of the lead, (6, sources)."""
    known = ~np.isnan(replicated)
    mean = mean_of(np.where(known, replicated, 0.0).sum(axis=0), known.sum(axis=0).astype(float))
    return np.stack(
        [
            *band(replicated, level=level),
            mean,
            _wins(replicated),
            *band(_lead(replicated), level=level),
        ]
    )


def _lead(welfare: FloatArray) -> FloatArray:
    """Each source's welfare less the best of the others, (rows, sources); NaN without others."""
    if welfare.shape[1] < 2:
        return np.full(welfare.shape, np.nan)
    filled = np.where(np.isnan(welfare), -inf, welfare)
    second, first = np.sort(np.partition(filled, -2, axis=1)[:, -2:], axis=1).T
    leads = np.argmax(filled, axis=1)
    others = np.repeat(first[:, None], welfare.shape[1], axis=1)
    others[np.arange(len(welfare)), leads] = second
    return np.asarray(np.where(np.isneginf(others), np.nan, welfare - others))


def _wins(replicated: FloatArray) -> FloatArray:
    filled = np.nan_to_num(replicated, nan=-inf)
    best = filled.max(axis=1, keepdims=True)
    leads = (filled >= best - 1e-12 * np.maximum(1.0, np.abs(best))) & np.isfinite(filled)
    number = leads.sum(axis=1, keepdims=True)
    decided = number[:, 0] > 0
    if not decided.any():
        return np.full(replicated.shape[1], np.nan)
    return np.asarray((leads[decided] / number[decided]).mean(axis=0))


def _resampled(
    values: FloatArray,
    counts: FloatArray,
    alphas: Sequence[float],
    belongs: FloatArray,
    predicted: PredictedCells | None,
    rng: np.random.Generator,
) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
    """Mean welfare (alphas, bootstraps, sources) and the two tails (bootstraps, sources)."""
    # The last two rows are the tails.
    sums = np.zeros((len(alphas) + 2, len(counts), belongs.shape[1]))
    numbers = np.zeros_like(sums)
    for start in range(0, values.shape[1], _BLOCK):
        items = slice(start, start + _BLOCK)
        owners = belongs[items]
        for chunk, block in blocks(values, items, counts, predicted, rng):
            found = [*map(block.welfare, alphas), *block.tails()]
            for row, part in enumerate(found):
                known = ~np.isnan(part)
                sums[row, chunk] += np.where(known, part, 0.0) @ owners
                numbers[row, chunk] += known.astype(float) @ owners
    means = mean_of(sums, numbers)
    return means[:-2], (means[-2], means[-1])
