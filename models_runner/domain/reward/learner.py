"""What the evaluation needs of anything that learns from ratings: fit, adapt, predict cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from models_runner.domain.reward.fitted import FittedRewardModel, fit_reward_model
from models_runner.domain.reward.statement import score_table
from models_runner.domain.reward.table import FloatArray, IntArray, Prediction, RatingTable


class TableModel(Protocol):
    """Jurors' functions over the items of one table."""

    def adapt(self, *, table: RatingTable) -> TableModel:
        """The functions of the jurors of `table`, from their ratings there, without training."""
        ...

    def predict_cells(
        self, *, features: FloatArray, items: IntArray, jurors: IntArray
    ) -> Prediction:
        """Predictions for jurors (R,) and items (R,), codes of the table; features (M, p)."""
        ...


class Learner(Protocol):
    """A way of learning that may know more of items than their features, such as their texts.

    Tables that it is given hold some of the ratings of one table, with its items and features.
    """

    @property
    def name(self) -> str:
        """What its rows are called."""
        ...

    def fit(self, *, table: RatingTable, confidence: float, seed: int) -> TableModel:
        """Learn from the ratings of a table; intervals at a level in (0, 1)."""
        ...


@dataclass(frozen=True, slots=True)
class FeatureLearner:
    """A registered method, which sees nothing but features.

    link, progress : see ``fit_reward_model``
    """

    name: str
    link: str = "logit"
    progress: Callable[[float], None] | None = None

    def fit(self, *, table: RatingTable, confidence: float, seed: int) -> FittedRewardModel:
        """Raises ``UnknownMethod``, ``InvalidRatings``."""
        return fit_reward_model(
            method=self.name,
            table=table,
            confidence=confidence,
            seed=seed,
            link=self.link,
            progress=self.progress,
        )


@dataclass(frozen=True, slots=True, eq=False)
class StatementLearner:
    """Learns what a score of each juror and item means on the scale; see ``statement``.

    scores : (jurors, items) of the tables that it is given; NaN where there is none
    """

    scores: FloatArray
    name: str = "statement"

    def fit(self, *, table: RatingTable, confidence: float, seed: int) -> StatementModel:
        """Raises ``InvalidRatings``, also where a rating has no score."""
        inner = fit_reward_model(
            method=self.name,
            table=score_table(table=table, scores=self.scores),
            confidence=confidence,
            seed=seed,
        )
        return StatementModel(inner=inner, scores=self.scores)


@dataclass(frozen=True, slots=True, eq=False)
class StatementModel:
    """A fitted ``statement`` over the cells of a table."""

    inner: FittedRewardModel
    scores: FloatArray

    def adapt(self, *, table: RatingTable) -> StatementModel:
        """The offsets of the jurors of `table`."""
        return replace(
            self, inner=self.inner.adapt(table=score_table(table=table, scores=self.scores))
        )

    def predict_cells(
        self, *, features: FloatArray, items: IntArray, jurors: IntArray
    ) -> Prediction:
        """Predictions for cells that have a score; raises ``InvalidRatings`` for others."""
        del features
        return self.inner.predict(
            features=self.scores[jurors, items][:, None],
            jurors=jurors,
            items=np.full(len(items), -1),
        )
