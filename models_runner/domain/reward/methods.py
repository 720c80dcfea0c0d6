"""The plain methods: what all jurors teach together, and what follows for each of them.

A method has two parts. Its *prior* is learnt from all jurors together; each juror's *posterior*
follows from the prior and her own ratings alone, for all jurors at once.
"""

# A method takes what its Protocol hands it, whether it looks at it or not.
# ruff: noqa: ARG002

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from models_runner.domain.reward.table import FloatArray, IntArray, RatingTable, rating_counts

FOLDS = 5
MAX_DIMENSIONS = 60
CHUNK = 1024
_VARIANCE_JURORS = 150
_SMALLEST_VARIANCE = 1e-6


class UnknownMethod(ValueError):
    """No reward model has that name; carries ``name`` and ``known``."""

    def __init__(self, *, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"There is no reward model {name!r}. Known: {', '.join(known)}.")


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What all jurors together teach: named numbers and arrays."""

    arrays: dict[str, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Each juror's own part. weights (J, k), covariance (J, k, k), counts (J,)."""

    weights: FloatArray
    covariance: npt.NDArray[np.float32]
    counts: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Items and jurors whose ratings are asked for.

    x : the coordinates (n, k) of all items at hand
    known : each one's number (n,) in the table that the prior learnt from, -1: new
    items, jurors : (R,) places in `x` and `known`, and jurors; -1: the unknown juror
    """

    x: FloatArray
    known: IntArray
    items: IntArray
    jurors: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What a method expects: mean (R,), sd (R,), and the chance of reaching each cut (R, T).

    ``reached`` is None for methods that have no more than a mean and a standard deviation.
    """

    mean: FloatArray
    sd: FloatArray
    reached: FloatArray | None = None


class Method(Protocol):
    """A way of learning jurors' functions."""

    @property
    def name(self) -> str:
        """Its name in the registry."""
        ...

    @property
    def max_dimensions(self) -> int:
        """How many principal components of the features it uses at most."""
        ...

    def prior(self, *, x: FloatArray, table: RatingTable, like: Prior | None = None) -> Prior:
        """What all ratings of the table teach; `x` holds the items' coordinates, (items, k).

        ``like`` is a prior of nearly the same table: choices that it made by cross-validation may
        be taken over.
        """
        ...

    def adapt(
        self, *, prior: Prior, x: FloatArray, table: RatingTable, known: IntArray
    ) -> Posterior:
        """Each juror's own part, from her ratings in the table.

        ``known`` (items,) is each item's number in the table that the prior learnt from, -1: new.
        """
        ...

    def moments(self, *, prior: Prior, posterior: Posterior, cells: Cells) -> Outlook:
        """What is expected of the cells (R,)."""
        ...


def _no_weights(table: RatingTable, width: int = 0) -> Posterior:
    return Posterior(
        weights=np.zeros((table.juror_count, width)),
        covariance=np.zeros((table.juror_count, width, width), dtype=np.float32),
        counts=rating_counts(table),
    )


def own_rating_counts(posterior: Posterior, jurors: IntArray) -> IntArray:
    """How many own ratings stand behind each; 0 for the unknown juror, -1."""
    if not len(posterior.counts):
        return np.zeros(len(jurors), dtype=np.int64)
    return np.where(jurors >= 0, posterior.counts[np.maximum(jurors, 0)], 0)


def _spread(residuals: FloatArray) -> float:
    """Variance, never zero."""
    return max(float(np.mean(residuals**2)) if len(residuals) else 0.0, _SMALLEST_VARIANCE)


@dataclass(frozen=True, slots=True)
class _GlobalMean:
    name: str = "global_mean"
    max_dimensions: int = MAX_DIMENSIONS

    def prior(self, *, x: FloatArray, table: RatingTable, like: Prior | None = None) -> Prior:
        mean = float(table.ratings.mean())
        return Prior(
            arrays={"mean": np.array(mean), "noise": np.array(_spread(table.ratings - mean))}
        )

    def adapt(
        self, *, prior: Prior, x: FloatArray, table: RatingTable, known: IntArray
    ) -> Posterior:
        return _no_weights(table)

    def moments(self, *, prior: Prior, posterior: Posterior, cells: Cells) -> Outlook:
        n = len(cells.jurors)
        return Outlook(
            mean=np.full(n, float(prior.arrays["mean"])),
            sd=np.full(n, math.sqrt(float(prior.arrays["noise"]))),
        )


@dataclass(frozen=True, slots=True)
class _JurorMean:
    """The plain mean of a juror's ratings; the global mean for a juror without any."""

    name: str = "juror_mean"
    max_dimensions: int = MAX_DIMENSIONS

    def prior(self, *, x: FloatArray, table: RatingTable, like: Prior | None = None) -> Prior:
        mean = float(table.ratings.mean())
        counts = rating_counts(table)
        sums = np.bincount(table.jurors, table.ratings, minlength=table.juror_count)
        own = np.where(counts > 0, sums / np.maximum(counts, 1), mean)
        free = max(len(table.ratings) - int((counts > 0).sum()), 1)
        within = max(
            float(((table.ratings - own[table.jurors]) ** 2).sum()) / free, _SMALLEST_VARIANCE
        )
        return Prior(
            arrays={
                "mean": np.array(mean),
                "noise": np.array(within),
                "total": np.array(_spread(table.ratings - mean)),
            }
        )

    def adapt(
        self, *, prior: Prior, x: FloatArray, table: RatingTable, known: IntArray
    ) -> Posterior:
        counts = rating_counts(table)
        sums = np.bincount(table.jurors, table.ratings, minlength=table.juror_count)
        weights = np.where(counts > 0, sums / np.maximum(counts, 1), float(prior.arrays["mean"]))[
            :, None
        ]
        variance = np.where(
            counts > 0,
            float(prior.arrays["noise"]) / np.maximum(counts, 1),
            float(prior.arrays["total"]) - float(prior.arrays["noise"]),
        )
        covariance = np.maximum(variance, 0.0)[:, None, None].astype(np.float32)
        return Posterior(weights=weights, covariance=covariance, counts=counts)

    def moments(self, *, prior: Prior, posterior: Posterior, cells: Cells) -> Outlook:
        total = max(float(prior.arrays["total"]), float(prior.arrays["noise"]))
        mean = np.full(len(cells.jurors), float(prior.arrays["mean"]))
        variance = np.full(len(cells.jurors), total)
        seated = cells.jurors >= 0
        mean[seated] = posterior.weights[cells.jurors[seated], 0]
        variance[seated] = (
            float(prior.arrays["noise"]) + posterior.covariance[cells.jurors[seated], 0, 0]
        )
        return Outlook(mean=mean, sd=np.sqrt(variance))


def _population_ridge(x: FloatArray, table: RatingTable) -> dict[str, FloatArray]:
    """Ridge on all ratings, the intercept free; the penalty by cross-validation over items.

    Folds are items modulo 5 in a fixed shuffled order, so no text is on both sides. Returns
    intercept, weights (k,), and the cross-validated error variance.
    """
    k = x.shape[1]
    y = table.ratings
    seen = np.unique(table.items)
    place = np.empty(len(x), dtype=np.int64)
    place[seen] = np.random.default_rng(0).permutation(len(seen)) % FOLDS
    fold = place[table.items]
    design = np.column_stack([np.ones(len(y)), x[table.items]])
    grams = np.zeros((FOLDS, k + 1, k + 1))
    moments = np.zeros((FOLDS, k + 1))
    squares = np.bincount(fold, y**2, minlength=FOLDS)
    for number in range(FOLDS):
        part = design[fold == number]
        grams[number] = part.T @ part
        moments[number] = part.T @ y[fold == number]
    gram, moment = grams.sum(axis=0), moments.sum(axis=0)
    eye = np.eye(k + 1)
    eye[0, 0] = 0.0
    n = len(y)
    best = (math.inf, 1.0)
    usable = [f for f in range(FOLDS) if 0 < (fold == f).sum() < n]
    for penalty in (10.0**power for power in np.arange(-4.0, 3.01, 0.5)):
        ridge = eye * penalty * n / max(k, 1)
        error = 0.0
        for number in usable:
            weights = np.linalg.solve(
                gram - grams[number] + ridge + 1e-9 * np.eye(k + 1), moment - moments[number]
            )
            # The sum of squared errors, from the fold's sums alone.
            explained = 2 * moments[number] @ weights - weights @ grams[number] @ weights
            error += max(float(squares[number] - explained), 0.0)
        if usable and error < best[0] * (1 - 1e-9):
            best = (error, penalty)
    weights = np.linalg.solve(gram + eye * best[1] * n / max(k, 1) + 1e-9 * np.eye(k + 1), moment)
    noise = best[0] / n if math.isfinite(best[0]) else _spread(y - design @ weights)
    return {
        "population": weights,
        "population_noise": np.array(max(noise, _SMALLEST_VARIANCE)),
        "penalty": np.array(best[1]),
    }


@dataclass(frozen=True, slots=True)
class _PopulationRidge:
    name: str = "population_ridge"
    max_dimensions: int = MAX_DIMENSIONS

    def prior(self, *, x: FloatArray, table: RatingTable, like: Prior | None = None) -> Prior:
        return Prior(arrays=_population_ridge(x, table))

    def adapt(
        self, *, prior: Prior, x: FloatArray, table: RatingTable, known: IntArray
    ) -> Posterior:
        return _no_weights(table)

    def moments(self, *, prior: Prior, posterior: Posterior, cells: Cells) -> Outlook:
        weights = prior.arrays["population"]
        return Outlook(
            mean=(weights[0] + cells.x @ weights[1:])[cells.items],
            sd=np.full(len(cells.jurors), math.sqrt(float(prior.arrays["population_noise"]))),
        )


def _stacks(
    design: FloatArray, residuals: FloatArray, jurors: IntArray, juror_count: int
) -> tuple[FloatArray, FloatArray]:
    """Every juror's Gram matrix (J, q, q) and moments (J, q); rows may come in any order."""
    q = design.shape[1]
    order = np.argsort(jurors, kind="stable")
    design, residuals = design[order], residuals[order]
    starts = np.searchsorted(jurors[order], np.arange(juror_count + 1))
    grams = np.zeros((juror_count, q, q))
    moments = np.zeros((juror_count, q))
    for juror in range(juror_count):
        part = slice(starts[juror], starts[juror + 1])
        if part.start < part.stop:
            rows = design[part]
            grams[juror] = rows.T @ rows
            moments[juror] = rows.T @ residuals[part]
    return grams, moments


@dataclass(frozen=True, slots=True, eq=False)
class _Likelihood:
    """Marginal likelihood of jurors' residuals under noise I + offset 11' + weight XX'.

    XX' of each juror is decomposed once, so that each try of the three variances costs little:
    values (N,) are all jurors' eigenvalues, ones and turned (N,) the vector of ones and the
    residuals in their bases, starts (J,) where each juror begins.
    """

    values: FloatArray
    ones: FloatArray
    turned: FloatArray
    starts: IntArray

    @classmethod
    def prepare(cls, *, x: FloatArray, residuals: FloatArray, jurors: IntArray) -> _Likelihood:
        """From rows (N, k) and residuals (N,) of jurors (N,), each of whom has at least one."""
        order = np.argsort(jurors, kind="stable")
        starts = np.flatnonzero(np.diff(jurors[order], prepend=-1))
        values, ones, turned = np.zeros(len(order)), np.ones(len(order)), residuals[order].copy()
        for part in np.split(np.arange(len(order)), starts[1:]) if x.shape[1] else ():
            own = x[order[part]]
            found, basis = np.linalg.eigh(own @ own.T)
            values[part] = np.maximum(found, 0.0)
            ones[part], turned[part] = basis.sum(axis=0), turned[part] @ basis
        return cls(values=values, ones=ones, turned=turned, starts=starts)

    def loss(self, *, noise: float, offset: float, weight: float) -> float:
        """Minus the logarithm, but for a constant; the rank-one offset by Woodbury's identity."""
        diagonal = noise + weight * self.values
        within = np.add.reduceat(self.ones**2 / diagonal, self.starts)
        mixed = np.add.reduceat(self.ones * self.turned / diagonal, self.starts)
        squares = float((self.turned**2 / diagonal).sum())
        logs = float(np.log(diagonal).sum()) + float(np.log1p(offset * within).sum())
        return 0.5 * (logs + squares - float((offset * mixed**2 / (1 + offset * within)).sum()))


@dataclass(frozen=True, slots=True)
class _JurorRidge:
    """Gaussian ridge per juror: r = m(x) + b_i + x'w_i + e, b_i ~ N(0, tb), w_i ~ N(0, tw I).

    ``around_population`` False: m is the population's mean rating, and each juror's function is
    learnt from her own ratings (only the three variances are shared, by marginal likelihood); a
    juror without ratings gets the population ridge. True: m is the population ridge, and w_i = 0,
    so that a juror differs by her offset only, shrunken by how much jurors differ.
    All jurors are solved in one batch of (k+1, k+1) systems.
    """

    name: str
    around_population: bool
    max_dimensions: int = MAX_DIMENSIONS

    def _width(self, x: FloatArray) -> int:
        return 1 if self.around_population else x.shape[1] + 1

    def _design(self, x: FloatArray) -> FloatArray:
        ones = np.ones((len(x), 1))
        return ones if self.around_population else np.hstack([ones, x])

    def _centre(self, arrays: Mapping[str, FloatArray], x: FloatArray) -> FloatArray:
        if not self.around_population:
            return np.full(len(x), float(arrays["mean"]))
        weights = arrays["population"]
        return np.asarray(weights[0] + x @ weights[1:], dtype=np.float64)

    def prior(self, *, x: FloatArray, table: RatingTable, like: Prior | None = None) -> Prior:
        arrays = _population_ridge(x, table)
        arrays["mean"] = np.array(float(table.ratings.mean()))
        centre = self._centre(arrays, x[table.items])
        arrays["variances"] = self._variances(x, table, table.ratings - centre)
        return Prior(arrays=arrays)

    def _variances(self, x: FloatArray, table: RatingTable, residuals: FloatArray) -> FloatArray:
        """Noise, offset and weight variance at the largest marginal likelihood (type II)."""
        counts = rating_counts(table)
        rated = np.flatnonzero(counts)
        chosen = rated[
            np.linspace(0, len(rated) - 1, min(len(rated), _VARIANCE_JURORS)).astype(int)
        ]
        label = np.full(table.juror_count, -1, dtype=np.int64)
        label[chosen] = np.arange(len(chosen))
        rows = label[table.jurors] >= 0
        spread = _spread(residuals)
        if rows.sum() < 3 or spread <= _SMALLEST_VARIANCE:
            return np.array([spread, spread * 0.1, spread * 0.1])
        likelihood = _Likelihood.prepare(
            x=x[table.items[rows]][:, : self._width(x) - 1],
            residuals=residuals[rows],
            jurors=label[table.jurors[rows]],
        )

        def loss(logs: FloatArray) -> float:
            noise, offset, weight = np.exp(np.clip(logs, -12.0, 12.0)) * spread
            return likelihood.loss(noise=float(noise), offset=float(offset), weight=float(weight))

        start = np.log(np.array([0.7, 0.3, 0.1]))
        found = minimize(
            loss,
            start,
            method="Nelder-Mead",
            options={"xatol": 0.02, "fatol": 0.02, "maxiter": 60},
        )
        return np.maximum(np.exp(np.clip(found.x, -12.0, 12.0)) * spread, _SMALLEST_VARIANCE)

    def adapt(
        self, *, prior: Prior, x: FloatArray, table: RatingTable, known: IntArray
    ) -> Posterior:
        q = self._width(x)
        noise, offset, weight = (float(value) for value in prior.arrays["variances"])
        precision = np.diag(1 / np.concatenate([[offset], np.full(q - 1, weight)]))
        weights = np.zeros((table.juror_count, q))
        covariance = np.zeros((table.juror_count, q, q), dtype=np.float32)
        order = np.argsort(table.jurors, kind="stable")
        edges = np.searchsorted(table.jurors[order], np.arange(0, table.juror_count + 1))
        for first in range(0, table.juror_count, CHUNK):
            last = min(first + CHUNK, table.juror_count)
            rows = order[edges[first] : edges[last]]
            places = x[table.items[rows]]
            grams, moments = _stacks(
                self._design(places),
                table.ratings[rows] - self._centre(prior.arrays, places),
                table.jurors[rows] - first,
                last - first,
            )
            inverse = np.linalg.inv(precision + grams / noise)
            weights[first:last] = np.einsum("jab,jb->ja", inverse, moments / noise)
            covariance[first:last] = inverse
        return Posterior(weights=weights, covariance=covariance, counts=rating_counts(table))

    def moments(self, *, prior: Prior, posterior: Posterior, cells: Cells) -> Outlook:
        noise, offset, _ = (float(value) for value in prior.arrays["variances"])
        population = prior.arrays["population"]
        mean = (population[0] + cells.x @ population[1:])[cells.items]
        newcomer = noise + offset if self.around_population else 0.0
        variance = np.full(
            len(cells.jurors),
            max(newcomer, float(prior.arrays["population_noise"])),
            dtype=np.float64,
        )
        told = np.flatnonzero(own_rating_counts(posterior, cells.jurors) > 0)
        for first in range(0, len(told), CHUNK * 8):
            rows = told[first : first + CHUNK * 8]
            places = cells.x[cells.items[rows]]
            design = self._design(places)
            own = posterior.weights[cells.jurors[rows]]
            mean[rows] = self._centre(prior.arrays, places) + (design * own).sum(axis=1)
            spread = np.einsum(
                "na,nab,nb->n",
                design,
                posterior.covariance[cells.jurors[rows]],
                design,
                optimize=True,
            )
            variance[rows] = noise + np.maximum(spread, 0.0)
        return Outlook(mean=np.asarray(mean, dtype=np.float64), sd=np.sqrt(variance))


@dataclass(frozen=True, slots=True)
class _Median:
    """The median of all ratings, or of a juror's own; the global one for a juror without any.

    The mean absolute error rewards medians, so that these are the numbers to beat where it counts.
    """

    name: str
    own: bool
    max_dimensions: int = MAX_DIMENSIONS

    def prior(self, *, x: FloatArray, table: RatingTable, like: Prior | None = None) -> Prior:
        middle = float(np.median(table.ratings))
        centre = self._middles(table, middle)[table.jurors]
        return Prior(
            arrays={
                "median": np.array(middle),
                "noise": np.array(_spread(table.ratings - centre)),
                "total": np.array(_spread(table.ratings - middle)),
            }
        )

    def _middles(self, table: RatingTable, middle: float) -> FloatArray:
        middles = np.full(table.juror_count, middle)
        if self.own:
            order = np.lexsort((table.ratings, table.jurors))
            ratings = table.ratings[order]
            starts = np.searchsorted(table.jurors[order], np.arange(table.juror_count + 1))
            counts = np.diff(starts)
            rated = counts > 0
            lower = ratings[(starts[:-1] + (counts - 1) // 2)[rated]]
            upper = ratings[(starts[:-1] + counts // 2)[rated]]
            middles[rated] = (lower + upper) / 2
        return middles

    def adapt(
        self, *, prior: Prior, x: FloatArray, table: RatingTable, known: IntArray
    ) -> Posterior:
        middles = self._middles(table, float(prior.arrays["median"]))
        return Posterior(
            weights=middles[:, None],
            covariance=np.zeros((table.juror_count, 1, 1), dtype=np.float32),
            counts=rating_counts(table),
        )

    def moments(self, *, prior: Prior, posterior: Posterior, cells: Cells) -> Outlook:
        mean = np.full(len(cells.jurors), float(prior.arrays["median"]))
        variance = np.full(len(cells.jurors), float(prior.arrays["total"]))
        told = own_rating_counts(posterior, cells.jurors) > 0
        mean[told] = posterior.weights[cells.jurors[told], 0]
        if self.own:
            variance[told] = float(prior.arrays["noise"]) * (
                1 + 1 / posterior.counts[cells.jurors[told]]
            )
        return Outlook(mean=mean, sd=np.sqrt(variance))


CLASSIC: tuple[Method, ...] = (
    _GlobalMean(),
    _Median(name="global_median", own=False),
    _JurorMean(),
    _Median(name="juror_median", own=True),
    _PopulationRidge(),
    _JurorRidge(name="independent", around_population=False),
    _JurorRidge(name="population_offset", around_population=True),
)
