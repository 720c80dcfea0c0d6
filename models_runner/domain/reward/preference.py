"""Models of preferences as callers see them: fit, predict, adapt to other jurors, keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit
from threadpoolctl import threadpool_limits

from models_runner.domain.features import PrincipalAxes
from models_runner.domain.reward.artefact import PAIR_FORMAT, Artefact, InvalidArtefact
from models_runner.domain.reward.low_rank import learn_low_rank
from models_runner.domain.reward.methods import UnknownMethod
from models_runner.domain.reward.mixtures import Mixtures, fit_logistic, fit_mixtures, pair_loss
from models_runner.domain.reward.pairs import PairTable
from models_runner.domain.reward.table import FloatArray, IntArray, InvalidRatings

LOW_RANK = "low_rank"
PAIR_BASELINES = ("longer", "population_logistic", "independent_logistic")
PAIR_METHODS = (LOW_RANK, *PAIR_BASELINES)
MAX_DIMENSIONS = 32
RANK = 4
FOLDS = 5
_RIDGES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
_VARIANCES = (0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, slots=True, eq=False)
class PairPrediction:
    """What jurors would prefer; a guess, to be marked as one. All arrays (R,).

    chance : that the left one is preferred, in (0, 1)
    difference : of the two utilities, on the logit scale
    sd : how uncertain the difference is, from the juror's mixture
    own_pairs : how many of the juror's own comparisons stand behind it
    """

    chance: FloatArray
    difference: FloatArray
    sd: FloatArray
    own_pairs: IntArray


def chance_moments(*, difference: FloatArray, sd: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the logistic function of a normal number.

    difference, sd : of the normal number, on the logit scale, the same shape; sd 0 or more
    Gauss-Hermite quadrature with 32 nodes: both are exact to 0.0001 for sd up to 3. The mean is the
    chance of a win where the difference itself is uncertain, in (0, 1).
    """
    nodes, weights = hermegauss(32)
    weights = weights / weights.sum()
    values = expit(np.asarray(difference)[..., None] + np.asarray(sd)[..., None] * nodes)
    mean = values @ weights
    variance = ((values - mean[..., None]) ** 2) @ weights
    return np.asarray(mean), np.asarray(np.sqrt(variance))


@dataclass(frozen=True, slots=True, eq=False)
class FittedPreferenceModel:
    """What jurors prefer, by any of ``PAIR_METHODS``; see ``fit_preference_model``.

    shared : (k,) b of the formula in ``low_rank``
    directions : (k, K) V, orthonormal in the coordinates
    variances : (K,) t
    length_logit : added where the left text is longer, taken off where it is shorter
    alone : a juror with comparisons of her own has nothing of `shared`
    """

    method: str
    axes: PrincipalAxes
    shared: FloatArray
    directions: FloatArray
    variances: FloatArray
    length_logit: float
    alone: bool
    juror_count: int
    data_digest: str
    _mixtures: Mixtures
    settings: Mapping[str, Any] = field(default_factory=dict)

    def predict(
        self,
        *,
        left: FloatArray,
        right: FloatArray,
        jurors: IntArray,
        longer: FloatArray | None = None,
    ) -> PairPrediction:
        """What jurors (R,) would say of pairs with features left and right, (R, p) each.

        jurors : int in [-1, juror_count), -1: a juror without comparisons
        longer : (R,) sign of the left text's length minus the right one's, for `longer`
        Raises ``InvalidRatings``.
        """
        jurors = np.asarray(jurors, dtype=np.int64)
        width = len(self.axes.centre)
        for name, array in (("left", left), ("right", right)):
            if array.shape != (len(jurors), width):
                raise InvalidRatings(
                    f"{name} has shape {array.shape}, but must be ({len(jurors)}, {width})."
                )
        if len(jurors) and not (jurors.min() >= -1 and jurors.max() < self.juror_count):
            raise InvalidRatings(
                f"jurors holds codes from {jurors.min()} to {jurors.max()}, but must be in "
                f"[-1, {self.juror_count})."
            )
        steps = (np.asarray(left) - np.asarray(right)) @ self.axes.axes
        seated = jurors >= 0
        own = np.zeros(len(jurors), dtype=np.int64)
        own[seated] = self._mixtures.counts[jurors[seated]]
        common = steps @ self.shared
        if self.alone:
            common = np.where(own > 0, 0.0, common)
        z = steps @ self.directions
        variance = (z**2) @ self.variances
        difference = common.copy()
        rows, who = z[seated], jurors[seated]
        difference[seated] += (rows * self._mixtures.weights[who]).sum(axis=1)
        variance[seated] = np.einsum("na,nab,nb->n", rows, self._mixtures.covariance[who], rows)
        if self.alone:
            variance = np.where(own > 0, variance, 0.0)
        if self.length_logit and longer is not None:
            difference += self.length_logit * longer
        variance = np.maximum(variance, 0.0)
        # D. J. C. MacKay, "The evidence framework applied to classification networks", 1992.
        chance = expit(difference / np.sqrt(1 + np.pi * variance / 8))
        return PairPrediction(
            chance=np.asarray(chance, dtype=np.float64),
            difference=np.asarray(difference, dtype=np.float64),
            sd=np.sqrt(variance),
            own_pairs=own,
        )

    def predict_pairs(self, *, table: PairTable) -> PairPrediction:
        """As ``predict``, for the comparisons of a table, whatever their verdicts."""
        return self.predict(
            left=table.features[table.left],
            right=table.features[table.right],
            jurors=table.jurors,
            longer=np.sign(table.lengths[table.left] - table.lengths[table.right]),
        )

    def adapt(self, *, table: PairTable) -> FittedPreferenceModel:
        """The mixtures of other jurors, coded as in `table`; nothing shared is trained again."""
        if table.features.shape[1] != len(self.axes.centre):
            raise InvalidRatings(
                f"features has {table.features.shape[1]} columns, "
                f"the model {len(self.axes.centre)}."
            )
        with threadpool_limits(limits=1, user_api="blas"):
            steps = _steps(self.axes, table)
            mixtures = fit_mixtures(
                z=steps @ self.directions,
                base=np.zeros(len(steps)) if self.alone else steps @ self.shared,
                jurors=table.jurors,
                wins=table.wins,
                juror_count=table.juror_count,
                variances=self.variances,
            )
        return replace(self, juror_count=table.juror_count, _mixtures=mixtures)

    def to_artefact(self) -> Artefact:
        """Arrays and manifest; ``preference_model_from_artefact`` reads them back."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "axes.centre": self.axes.centre,
            "axes.axes": self.axes.axes,
            "shared": self.shared,
            "directions": self.directions,
            "variances": self.variances,
            "mixtures.weights": self._mixtures.weights,
            "mixtures.covariance": self._mixtures.covariance,
            "mixtures.counts": self._mixtures.counts,
        }
        manifest = {
            "format": PAIR_FORMAT,
            "method": self.method,
            "length_logit": self.length_logit,
            "alone": self.alone,
            "juror_count": self.juror_count,
            "data_digest": self.data_digest,
            "settings": dict(self.settings),
        }
        return Artefact(arrays=arrays, manifest=manifest)


def preference_model_from_artefact(*, artefact: Artefact) -> FittedPreferenceModel:
    """A fitted model from what ``to_artefact`` gave. Raises ``InvalidArtefact``."""
    manifest, arrays = artefact.manifest, artefact.arrays
    if manifest.get("format") != PAIR_FORMAT:
        raise InvalidArtefact(
            f"The format is {manifest.get('format')!r}, but must be {PAIR_FORMAT!r}. Train the "
            "model again."
        )
    try:
        return FittedPreferenceModel(
            method=str(manifest["method"]),
            axes=PrincipalAxes(centre=arrays["axes.centre"], axes=arrays["axes.axes"]),
            shared=arrays["shared"],
            directions=arrays["directions"],
            variances=arrays["variances"],
            length_logit=float(manifest["length_logit"]),
            alone=bool(manifest["alone"]),
            juror_count=int(manifest["juror_count"]),
            data_digest=str(manifest["data_digest"]),
            settings=manifest["settings"],
            _mixtures=Mixtures(
                weights=arrays["mixtures.weights"],
                covariance=arrays["mixtures.covariance"],
                counts=arrays["mixtures.counts"],
            ),
        )
    except KeyError as missing:
        raise InvalidArtefact(f"The stored model lacks {missing}.") from missing


def fit_preference_model(
    *,
    method: str = LOW_RANK,
    table: PairTable,
    seed: int = 0,
    rank: int = RANK,
    max_dimensions: int = MAX_DIMENSIONS,
    progress: Callable[[float], None] | None = None,
) -> FittedPreferenceModel:
    """Learns what every juror prefers.

    method : one of ``PAIR_METHODS``. `longer`: how often the longer text wins, for all jurors.
        `population_logistic`: b alone. `independent_logistic`: each juror from her own comparisons,
        one variance for all; b for a juror without any. `low_rank`: see ``low_rank``
    seed : deals the folds of the cross-validation; the same seed and table give the same model
    rank : how many directions at most
    progress : called with the share done, in [0, 1]
    Raises ``UnknownMethod``, ``InvalidRatings`` (no comparisons at all, a bad rank).
    """
    if method not in PAIR_METHODS:
        raise UnknownMethod(name=method, known=PAIR_METHODS)
    if not len(table.wins):
        raise InvalidRatings("There are no comparisons to learn from.")
    if rank < 1:
        raise InvalidRatings(f"The rank is {rank}, but must be at least 1.")
    tell = progress or (lambda _share: None)
    with threadpool_limits(limits=1, user_api="blas"):
        compared = np.unique(np.concatenate([table.left, table.right]))
        axes = PrincipalAxes.fit(
            features=table.features[compared], maximum=max_dimensions, blocks=table.blocks
        )
        steps = _steps(axes, table)
        fold = _folds(table, seed)
        k = steps.shape[1]
        learnt: dict[str, Any] = {
            "shared": np.zeros(k),
            "directions": np.zeros((k, 0)),
            "variances": np.zeros(0),
            "length_logit": 0.0,
            "alone": False,
        }
        settings: dict[str, Any] = {"seed": seed, "rank": rank, "max_dimensions": max_dimensions}
        if method == "longer":
            learnt["length_logit"] = _length_logit(table)
        else:
            learnt["shared"], settings["ridge"] = _population(steps, table.wins, fold)
        tell(0.2)
        if method == "independent_logistic":
            learnt["directions"], learnt["alone"] = np.eye(k), True
            base = np.zeros(len(steps))
            learnt["variances"], settings["variance"] = _one_variance(steps, base, table, fold)
        elif method == LOW_RANK:
            learnt.update(learn_low_rank(steps, table, fold, learnt["shared"], rank, settings))
        tell(0.8)
        mixtures = fit_mixtures(
            z=steps @ learnt["directions"],
            base=np.zeros(len(steps)) if learnt["alone"] else steps @ learnt["shared"],
            jurors=table.jurors,
            wins=table.wins,
            juror_count=table.juror_count,
            variances=learnt["variances"],
        )
        tell(1.0)
    return FittedPreferenceModel(
        method=method,
        axes=axes,
        juror_count=table.juror_count,
        data_digest=table.digest,
        settings=settings,
        _mixtures=mixtures,
        **learnt,
    )


def _steps(axes: PrincipalAxes, table: PairTable) -> FloatArray:
    """(N, k) coordinates of the left item minus those of the right one."""
    x = table.features @ axes.axes
    return np.asarray(x[table.left] - x[table.right], dtype=np.float64)


def _folds(table: PairTable, seed: int) -> IntArray:
    """(N,) fold of each comparison: whole queries where there are enough, else single ones."""
    rng = np.random.default_rng(seed)
    if table.queries is not None:
        units, place = np.unique(table.queries[table.left], return_inverse=True)
        if len(units) >= FOLDS:
            return np.asarray((rng.permutation(len(units)) % FOLDS)[place], dtype=np.int64)
    return np.asarray(rng.permutation(len(table.wins)) % FOLDS, dtype=np.int64)


def _length_logit(table: PairTable) -> float:
    """The logit of how often the longer one wins; ties count half, one win of each is added."""
    sign = np.sign(table.lengths[table.left] - table.lengths[table.right])
    told = sign != 0
    wins = np.where(sign > 0, table.wins, 1 - table.wins)[told].sum() + 1
    return float(np.log(wins / (told.sum() + 2 - wins)))


def _population(steps: FloatArray, wins: FloatArray, fold: IntArray) -> tuple[FloatArray, float]:
    """b, and the ridge that foresees held-out comparisons best."""
    if not steps.shape[1]:
        return np.zeros(0), _RIDGES[0]
    errors = []
    for ridge in _RIDGES:
        total = 0.0
        for number in np.unique(fold):
            out = fold == number
            if out.all():
                continue
            total += pair_loss(steps[out] @ fit_logistic(steps[~out], wins[~out], ridge), wins[out])
        errors.append(total)
    best = _RIDGES[int(np.argmin(errors))]
    return fit_logistic(steps, wins, best), best


def _one_variance(
    z: FloatArray, base: FloatArray, table: PairTable, fold: IntArray
) -> tuple[FloatArray, float]:
    """The one variance of jurors' weights that foresees held-out comparisons best."""
    errors = []
    for variance in _VARIANCES:
        total = 0.0
        for number in np.unique(fold):
            out = fold == number
            if out.all():
                continue
            found = fit_mixtures(
                z=z[~out],
                base=base[~out],
                jurors=table.jurors[~out],
                wins=table.wins[~out],
                juror_count=table.juror_count,
                variances=np.full(z.shape[1], variance),
            )
            own = (z[out] * found.weights[table.jurors[out]]).sum(axis=1)
            total += pair_loss(base[out] + own, table.wins[out])
        errors.append(total)
    best = _VARIANCES[int(np.argmin(errors))]
    return np.full(z.shape[1], best), best
