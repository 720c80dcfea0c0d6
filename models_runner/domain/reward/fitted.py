"""What callers see: fit a method, predict, adapt to other jurors, keep and read back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from models_runner.domain.features import PrincipalAxes
from models_runner.domain.reward.artefact import PAIR_FORMAT, Artefact, InvalidArtefact
from models_runner.domain.reward.conformal import calibrate
from models_runner.domain.reward.hierarchical import rating_code
from models_runner.domain.reward.items import Keys, distinct_items, item_keys, known_items
from models_runner.domain.reward.link import LINKS, Link
from models_runner.domain.reward.methods import (
    Cells,
    Method,
    Posterior,
    Prior,
    own_rating_counts,
)
from models_runner.domain.reward.registry import DEFAULT_METHOD, method_named
from models_runner.domain.reward.statement import Statement
from models_runner.domain.reward.table import (
    FloatArray,
    IntArray,
    InvalidRatings,
    Prediction,
    RatingTable,
)

FORMAT = "venire-reward-2"
OLD_FORMAT = "venire-reward-1"


class RewardModel(Protocol):
    """A fitted model: every juror's function."""

    @property
    def method(self) -> str:
        """Its name in the registry."""
        ...

    def predict(
        self, *, features: FloatArray, jurors: IntArray, items: IntArray | None = None
    ) -> Prediction:
        """What jurors (R,) would say of items with features (R, p); juror -1 is a new one."""
        ...

    def adapt(self, *, table: RatingTable) -> RewardModel:
        """The functions of other jurors under the same prior, from their ratings alone."""
        ...

    def to_artefact(self) -> Artefact:
        """Everything that prediction needs, without pickle."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FittedRewardModel:
    """A fitted model of any registered method; see ``fit_reward_model``."""

    method: str
    axes: PrincipalAxes
    confidence: float
    thresholds: tuple[tuple[int, float], ...]
    juror_count: int
    low: float
    high: float
    data_digest: str
    _prior: Prior
    _posterior: Posterior
    item_count: int = 0
    link: Link = field(default_factory=Link)
    _keys: Keys = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    _numbers: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _rated: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_intervals(self) -> bool:
        """Whether enough jurors calibrated the intervals for a newcomer."""
        return bool(self.thresholds) and math.isfinite(self.thresholds[0][1])

    def _checked_items(self, items: IntArray, count: int) -> IntArray:
        items = np.asarray(items, dtype=np.int64)
        if items.shape != (count,) or (
            count and not (items.min() >= -1 and items.max() < self.item_count)
        ):
            raise InvalidRatings(
                f"items must hold {count} codes in [-1, {self.item_count}), the items of the table "
                "that the model learnt from; -1 for others."
            )
        return items

    def _checked(self, features: FloatArray, jurors: IntArray) -> tuple[FloatArray, IntArray]:
        features = np.asarray(features, dtype=np.float64)
        jurors = np.asarray(jurors, dtype=np.int64)
        width = len(self.axes.centre)
        if features.ndim != 2 or features.shape != (len(jurors), width):
            raise InvalidRatings(
                f"features has shape {features.shape}, but must be ({len(jurors)}, {width})."
            )
        if len(jurors) and not (jurors.min() >= -1 and jurors.max() < self.juror_count):
            raise InvalidRatings(
                f"jurors holds codes from {jurors.min()} to {jurors.max()}, but must be in "
                f"[-1, {self.juror_count})."
            )
        if not np.isfinite(features).all():
            raise InvalidRatings("features holds numbers that are not finite.")
        return features, jurors

    def predict(
        self, *, features: FloatArray, jurors: IntArray, items: IntArray | None = None
    ) -> Prediction:
        """Predictions for R pairs of item and juror.

        features (R, p) finite; jurors (R,) int in [-1, juror_count), where -1 is a juror without
        ratings. items (R,): the items' codes in the table that the model learnt from, -1 for
        others; left out, an item that was rated is known again by its features (not if several
        items share them). Raises ``InvalidRatings`` for shapes or codes that do not fit.
        """
        features, jurors = self._checked(features, jurors)
        if items is not None:
            items = self._checked_items(items, len(jurors))
            codes = np.where(items < 0, -1 - np.arange(len(items)), items)
        else:
            codes = item_keys(features)
        _, first, places = np.unique(codes, return_index=True, return_inverse=True)
        return self._expect(
            features=features[first],
            known=None if items is None else items[first],
            places=places,
            jurors=jurors,
        )

    def predict_cells(
        self, *, features: FloatArray, items: IntArray, jurors: IntArray
    ) -> Prediction:
        """As ``predict``, for items (R,) of the table that the model learnt from, with its features
        (M, p): lighter where many jurors meet few items.
        """
        features = np.asarray(features, dtype=np.float64)
        jurors = np.asarray(jurors, dtype=np.int64)
        items = self._checked_items(items, len(jurors))
        distinct, places = np.unique(items, return_inverse=True)
        if features.shape[:1] != (self.item_count,) or (len(distinct) and distinct[0] < 0):
            raise InvalidRatings(
                f"features has shape {features.shape}; it must hold the {self.item_count} items "
                "that the model learnt from, and items no other codes."
            )
        self._checked(features[distinct][:1], jurors[:1])
        return self._expect(
            features=features[distinct], known=distinct, places=places, jurors=jurors
        )

    def _expect(
        self, *, features: FloatArray, known: IntArray | None, places: IntArray, jurors: IntArray
    ) -> Prediction:
        """Predictions for jurors (R,) and items, `places` in `features`; `known` None: by keys."""
        if known is None:
            known = known_items(features=features, keys=self._keys, numbers=self._numbers)
        else:
            known = np.where(np.isin(known, self._rated), known, -1)
        outlook = method_named(self.method).moments(
            prior=self._prior,
            posterior=self._posterior,
            cells=Cells(
                x=self.axes.coordinates(features=features),
                known=known,
                items=places,
                jurors=jurors,
            ),
        )
        own = own_rating_counts(self._posterior, jurors)
        reach = np.full(len(jurors), math.inf)
        for count, threshold in self.thresholds:
            reach[own >= count] = threshold
        median, chances = outlook.mean, None
        if outlook.reached is not None:
            chances = self.link(outlook.reached)
            code = rating_code(self._prior.arrays)
            median = code.medians(reached=chances, high=self.high)
        return Prediction(
            mean=outlook.mean,
            sd=outlook.sd,
            low=outlook.mean - reach * outlook.sd,
            high=outlook.mean + reach * outlook.sd,
            own_ratings=own,
            median=median,
            chances=chances,
        )

    @property
    def cuts(self) -> FloatArray | None:
        """(T,) cuts that ``Prediction.chances`` speak of; None: the method has none."""
        return self._prior.arrays.get("code_cuts")

    def adapt(self, *, table: RatingTable) -> FittedRewardModel:
        """The same prior with other jurors, coded as in ``table``; nothing is trained again.

        Traits in ``table.groups`` must be coded as in the table that the model learnt from.
        """
        if table.features.shape[1] != len(self.axes.centre):
            raise InvalidRatings(
                f"features has {table.features.shape[1]} columns, "
                f"the model {len(self.axes.centre)}."
            )
        known = known_items(features=table.features, keys=self._keys, numbers=self._numbers)
        with threadpool_limits(limits=1, user_api="blas"):
            posterior = method_named(self.method).adapt(
                prior=self._prior,
                x=self.axes.coordinates(features=table.features),
                table=table,
                known=known,
            )
        return replace(self, juror_count=table.juror_count, _posterior=posterior)

    def to_artefact(self) -> Artefact:
        """Arrays and manifest; ``reward_model_from_artefact`` reads them back."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "axes.centre": self.axes.centre,
            "axes.axes": self.axes.axes,
            "posterior.weights": self._posterior.weights,
            "posterior.covariance": self._posterior.covariance,
            "posterior.counts": self._posterior.counts,
            "items.keys": self._keys,
            "items.numbers": self._numbers,
            "items.rated": self._rated,
        }
        arrays.update({f"prior.{name}": value for name, value in self._prior.arrays.items()})
        manifest = {
            "format": FORMAT,
            "method": self.method,
            "confidence": self.confidence,
            "thresholds": [
                [count, value if math.isfinite(value) else None] for count, value in self.thresholds
            ],
            "juror_count": self.juror_count,
            "item_count": self.item_count,
            "link": {
                "kind": self.link.kind,
                "shift": self.link.shift,
                "slope": self.link.slope,
            },
            "low": self.low,
            "high": self.high,
            "data_digest": self.data_digest,
            "settings": dict(self.settings),
        }
        return Artefact(arrays=arrays, manifest=manifest)


def reward_model_from_artefact(*, artefact: Artefact, scored: bool = False) -> FittedRewardModel:
    """A fitted model from what ``to_artefact`` gave, in this format or the one before.

    scored : whether the caller has scores to predict from, as ``statement`` needs them
    Raises ``InvalidArtefact``, ``UnknownMethod``.
    """
    manifest, arrays = artefact.manifest, artefact.arrays
    if manifest.get("format") == PAIR_FORMAT:
        raise InvalidArtefact(
            "This model foresees which of two responses a juror prefers, not her ratings."
        )
    if manifest.get("format") not in (FORMAT, OLD_FORMAT):
        raise InvalidArtefact(
            f"The format is {manifest.get('format')!r}, but must be {FORMAT!r} or "
            f"{OLD_FORMAT!r}. Train the model again."
        )
    if manifest.get("method") == Statement().name and not scored:
        raise InvalidArtefact(
            "This model needs a score for each juror and response, how far it entails what she "
            "wrote. Its guesses are those that its training has stored."
        )
    method_named(str(manifest.get("method")))
    try:
        return FittedRewardModel(
            method=manifest["method"],
            axes=PrincipalAxes(centre=arrays["axes.centre"], axes=arrays["axes.axes"]),
            confidence=float(manifest["confidence"]),
            thresholds=tuple(
                (int(count), math.inf if value is None else float(value))
                for count, value in manifest["thresholds"]
            ),
            juror_count=int(manifest["juror_count"]),
            low=float(manifest["low"]),
            high=float(manifest["high"]),
            data_digest=str(manifest["data_digest"]),
            settings=manifest["settings"],
            item_count=int(manifest.get("item_count", 0)),
            link=Link(**manifest.get("link", {})),
            _keys=arrays.get("items.keys", np.zeros(0, dtype=np.uint64)),
            _numbers=arrays.get("items.numbers", np.zeros(0, dtype=np.int64)),
            _rated=arrays.get("items.rated", np.zeros(0, dtype=np.int64)),
            _prior=Prior(
                arrays={
                    name.removeprefix("prior."): value
                    for name, value in arrays.items()
                    if name.startswith("prior.")
                }
            ),
            _posterior=Posterior(
                weights=arrays["posterior.weights"],
                covariance=arrays["posterior.covariance"],
                counts=arrays["posterior.counts"],
            ),
        )
    except KeyError as missing:
        raise InvalidArtefact(f"The stored model lacks {missing}.") from missing


def fit_reward_model(
    *,
    method: str = DEFAULT_METHOD,
    table: RatingTable,
    confidence: float = 0.9,
    seed: int = 0,
    max_dimensions: int | None = None,
    link: str = "logit",
    progress: Callable[[float], None] | None = None,
) -> FittedRewardModel:
    """Learns every juror's function.

    method : one of ``method_names()``
    table : the ratings; PCA is learnt on the rated items' features
    confidence : level of the conformal intervals, in (0, 1)
    seed : deals the calibration folds; the same seed and table give the same model
    max_dimensions : at most so many principal components; the method's own limit unless given
    link : "logit", or "probit" (an ordered probit) for the chances of methods that have them
    progress : called with the share done, in [0, 1]
    Raises ``UnknownMethod``, ``InvalidRatings`` (no ratings at all, an unknown link).
    """
    chosen = method_named(method)
    if not len(table.ratings):
        raise InvalidRatings("There are no ratings to learn from.")
    if not 0 < confidence < 1:
        raise InvalidRatings(f"The confidence is {confidence:g}, but must be between 0 and 1.")
    if link not in LINKS:
        raise InvalidRatings(f"There is no link {link!r}. Known: {', '.join(LINKS)}.")
    # The matrices are small: threads cost more than they give, and much more on a busy machine.
    with threadpool_limits(limits=1, user_api="blas"):
        return _fit(
            chosen=chosen,
            table=table,
            confidence=confidence,
            seed=seed,
            max_dimensions=max_dimensions,
            link=link,
            tell=progress or (lambda _share: None),
        )


def _fit(
    *,
    chosen: Method,
    table: RatingTable,
    confidence: float,
    seed: int,
    max_dimensions: int | None,
    link: str,
    tell: Callable[[float], None],
) -> FittedRewardModel:
    most = chosen.max_dimensions if max_dimensions is None else max_dimensions
    rated = np.unique(table.items)
    axes = PrincipalAxes.fit(features=table.features[rated], maximum=most, blocks=table.blocks)
    x = axes.coordinates(features=table.features)
    tell(0.1)
    prior = chosen.prior(x=x, table=table)
    tell(0.3)
    posterior = chosen.adapt(
        prior=prior, x=x, table=table, known=_rated_only(rated, len(table.features))
    )
    tell(0.5)
    thresholds, fitted_link = calibrate(
        chosen, x, table, confidence=confidence, seed=seed, like=prior, link=link
    )
    tell(1.0)
    keys, numbers = distinct_items(features=table.features, rated=rated)
    return FittedRewardModel(
        method=chosen.name,
        axes=axes,
        confidence=confidence,
        thresholds=thresholds,
        juror_count=table.juror_count,
        low=table.low,
        high=table.high,
        data_digest=table.digest,
        item_count=len(table.features),
        link=fitted_link,
        _prior=prior,
        _posterior=posterior,
        _keys=keys,
        _numbers=numbers,
        _rated=rated,
        settings={"seed": seed, "max_dimensions": most},
    )


def _rated_only(rated: IntArray, item_count: int) -> IntArray:
    known = np.full(item_count, -1, dtype=np.int64)
    known[rated] = rated
    return known
