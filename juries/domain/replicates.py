"""Welfare of many items under many weightings of the jurors at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from juries.domain.resampling import PredictedCells
from juries.domain.tails import first_reach, tail_in_order, tail_of_item
from juries.domain.welfare import GEOMETRIC_WITHIN, FloatArray, power_welfare

_SAFE_LOG_RANGE = 500.0
_CELLS = 1_000_000
_CACHED_CELLS = 40_000
_TAIL_ITEMS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Items under `counts` (resamples, jurors); make it by `block` or `blocks`.

    `said` (jurors, items) is NaN where nothing was said, with `logs` of its values above 0;
    `drawn` (resamples, cells) stands at `jurors` and `columns` (cells,), which are ordered by
    column, with `drawn_logs`, their `drawn_range` (lowest and highest, (2, cells)) and the
    `drawn_counts` of their jurors; `some_drawn_zero` says whether any draw is 0. `totals`
    (resamples, items) is the weight of those who judged.
    """

    counts: FloatArray
    said: FloatArray
    logs: FloatArray
    jurors: NDArray[np.int64]
    columns: NDArray[np.int64]
    drawn: FloatArray
    drawn_logs: FloatArray
    drawn_range: FloatArray
    drawn_counts: FloatArray
    some_drawn_zero: bool
    totals: FloatArray

    def welfare(self, alpha: float) -> FloatArray:
        """w_alpha (finite) of each item in each resample, (resamples, items), NaN where nobody
        judged it.
        """
        zero = self.said == 0
        some = self.totals > 0
        safe = np.divide(1.0, self.totals, out=np.full_like(self.totals, np.nan), where=some)
        if abs(alpha - 1) < GEOMETRIC_WITHIN:
            result = np.exp(
                (self.counts @ self.logs + self._drawn_sum(self.drawn_logs.copy())) * safe
            )
        else:
            result = self._power_mean(1 - alpha, self.said > 0, safe)
        if alpha >= 1 - GEOMETRIC_WITHIN and (zero.any() or self.some_drawn_zero):
            zeros = self.counts @ zero.astype(float)
            zeros += self._drawn_sum((self.drawn == 0).astype(float))
            result = np.where(zeros > 0, 0.0, result)
        return np.asarray(np.where(some, result, np.nan))

    def tails(self) -> tuple[FloatArray, FloatArray]:
        """5th percentile and mean of the worst 5 %, both (resamples, items)."""
        found = np.empty((2, len(self.counts), self.said.shape[1]))
        if not self.drawn.size:
            for item, column in enumerate(self.said.T):
                found[:, :, item] = tail_of_item(column, self.counts)
            return found[0], found[1]
        least = self.drawn.min(axis=0)
        for start in range(0, self.said.shape[1], _TAIL_ITEMS):
            self._tails_of(start, min(start + _TAIL_ITEMS, self.said.shape[1]), least, found)
        return found[0], found[1]

    def _tails_of(self, start: int, stop: int, least: FloatArray, found: FloatArray) -> None:
        """Fill in the tails of some neighbouring items, all resamples at once.

        The worst-off of a resample are among the lowest of what was said, which are the same in
        all of them, and among the draws that fall below those: only these are put in order.
        `least` (cells,) are the lowest draws.
        """
        resamples = len(self.counts)
        said = self.said[:, start:stop]
        reach = first_reach(len(said))
        lowest = np.argsort(said, axis=0)[:reach].T
        edges = np.searchsorted(self.columns, np.arange(start, stop + 1))
        highest = np.take_along_axis(said.T, lowest[:, -1:], axis=1)[:, 0]
        cells = [
            np.arange(*edges[item : item + 2])[~(least[slice(*edges[item : item + 2])] > bound)]
            for item, bound in enumerate(highest)
        ]
        sizes = np.array([len(own) for own in cells])
        values = np.full((resamples, stop - start, reach + int(sizes.max())), np.nan)
        mass = np.zeros_like(values)
        values[:, :, :reach] = np.take_along_axis(said.T, lowest, axis=1)
        mass[:, :, :reach] = self.counts[:, lowest]
        for item, own in enumerate(cells):
            values[:, item, reach : reach + len(own)] = self.drawn[:, own]
            mass[:, item, reach : reach + len(own)] = self.drawn_counts[:, own]
        order = np.argsort(values, axis=-1)[..., :reach]
        order += np.arange(0, values.size, values.shape[-1]).reshape(*values.shape[:2], 1)
        tails, is_whole = tail_in_order(
            values.reshape(-1)[order], mass.reshape(-1)[order], self.totals[:, start:stop]
        )
        found[:, :, start:stop] = tails
        for item in np.flatnonzero(~is_whole.all(axis=0)).tolist():
            drawn = slice(edges[item], edges[item + 1])
            whole = np.repeat(said[None, :, item], resamples, axis=0)
            whole[:, self.jurors[drawn]] = self.drawn[:, drawn]
            found[:, :, start + item] = tail_of_item(whole, self.counts)

    def _power_mean(
        self, exponent: float, usable: NDArray[np.bool_], safe: FloatArray
    ) -> FloatArray:
        low = np.min(np.where(usable, self.logs, inf), axis=0)
        high = np.max(np.where(usable, self.logs, -inf), axis=0)
        if self.drawn.size:
            np.minimum.at(low, self.columns, self.drawn_range[0])
            np.maximum.at(high, self.columns, self.drawn_range[1])
        known = low <= high
        pivot = np.where(known, low if exponent < 0 else high, 0.0)
        if abs(exponent) * float(np.max(np.where(known, high - low, 0.0))) > _SAFE_LOG_RANGE:
            return self._one_by_one(1 - exponent)
        powers = np.exp(exponent * np.where(usable, self.logs - pivot, 0.0))
        summed = self.counts @ np.where(usable, powers, 0.0)
        if self.drawn.size:
            summed += self._drawn_powers(exponent, pivot[self.columns])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.exp(pivot + np.log(summed * safe) / exponent))

    def _drawn_powers(self, exponent: float, pivot: FloatArray) -> FloatArray:
        """Sums of powers of the drawn cells by multiplicity, (resamples, items).

        A few resamples at a time, in place: these are by far the largest arrays of a sweep, and
        what stays in the processor's cache costs a fraction.
        """
        sums = np.empty((len(self.counts), self.said.shape[1]))
        rows = max(1, _CACHED_CELLS // len(pivot))
        for start in range(0, len(sums), rows):
            part = slice(start, start + rows)
            powers = self.drawn_logs[part] - pivot
            powers *= exponent
            np.exp(powers, out=powers)
            if self.some_drawn_zero:
                powers[self.drawn[part] == 0] = 0.0
            powers *= self.drawn_counts[part]
            sums[part] = _column_sums(powers, self.columns, sums.shape[1])
        return sums

    def _drawn_sum(self, cells: FloatArray) -> FloatArray:
        """Sums over the drawn cells of each item by multiplicity, (resamples, items).

        `cells` (resamples, cells) are overwritten.
        """
        cells *= self.drawn_counts
        return _column_sums(cells, self.columns, self.said.shape[1])

    def _one_by_one(self, alpha: float) -> FloatArray:
        """One resample at a time, where powers would leave the range of floats."""
        whole = self.said.copy()
        result = np.full((len(self.counts), whole.shape[1]), np.nan)
        for place, count in enumerate(self.counts):
            if self.drawn.size:
                whole[self.jurors, self.columns] = self.drawn[place]
            if count.any():
                result[place] = power_welfare(whole, alpha=alpha, weights=count, skip_missing=True)
        return result


def block(said: FloatArray, counts: FloatArray) -> Block:
    """Items that were said, (jurors, items) with NaN for gaps, under `counts`."""
    nobody = np.empty(0, dtype=np.int64)
    nothing = np.empty((len(counts), 0))
    totals = counts @ (~np.isnan(said)).astype(float)
    return Block(
        counts=counts,
        said=said,
        logs=_logs(said),
        jurors=nobody,
        columns=nobody,
        drawn=nothing,
        drawn_logs=nothing,
        drawn_range=np.empty((2, 0)),
        drawn_counts=nothing,
        some_drawn_zero=False,
        totals=totals,
    )


def blocks(
    values: FloatArray,
    items: slice,
    counts: FloatArray,
    predicted: PredictedCells | None,
    rng: np.random.Generator,
) -> Iterator[tuple[slice, Block]]:
    """Some `items` under some resamples at a time, so that drawn cells never fill the memory."""
    part = values[:, items]
    if predicted is None or np.isnan(predicted.deviations[:, items]).all():
        yield slice(0, len(counts)), block(part, counts)
        return
    deviations = predicted.deviations[:, items]
    # Column by column, so that the cells of an item are neighbours.
    columns, jurors = np.nonzero(~np.isnan(deviations.T))
    means, spread = part[jurors, columns], deviations[jurors, columns]
    said = part.copy()
    said[jurors, columns] = np.nan
    logs, spoken = _logs(said), (~np.isnan(said)).astype(float)
    size = max(1, _CELLS // len(jurors))
    for start in range(0, len(counts), size):
        chunk = slice(start, min(start + size, len(counts)))
        drawn = rng.standard_normal((chunk.stop - start, len(jurors)))
        drawn *= spread
        drawn += means
        np.clip(drawn, predicted.lowest, predicted.highest, out=drawn)
        mass = counts[chunk][:, jurors]
        totals = counts[chunk] @ spoken + _column_sums(mass, columns, said.shape[1])
        drawn_logs = _logs(drawn)
        yield (
            chunk,
            Block(
                counts=counts[chunk],
                said=said,
                logs=logs,
                jurors=jurors,
                columns=columns,
                drawn=drawn,
                drawn_logs=drawn_logs,
                drawn_range=np.stack([drawn_logs.min(axis=0), drawn_logs.max(axis=0)]),
                drawn_counts=mass,
                some_drawn_zero=predicted.lowest == 0 and bool((drawn == 0).any()),
                totals=totals,
            ),
        )


def _column_sums(cells: FloatArray, columns: NDArray[np.int64], number: int) -> FloatArray:
    """Sums of cells (resamples, cells) by their column, which are in order."""
    sums = np.zeros((len(cells), number))
    if cells.size:
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        sums[:, columns[starts]] = np.add.reduceat(cells, starts, axis=1)
    return sums


def _logs(values: FloatArray) -> FloatArray:
    """Logarithms of the values above 0, and 0 for the rest."""
    return np.asarray(np.log(np.where(values > 0, values, 1.0)))
