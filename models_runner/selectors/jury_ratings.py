"""What a study's jurors said on a criterion, and what models guess of the rest, as one matrix."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db.models import QuerySet, TextChoices
from numpy.typing import NDArray

from annotations.domain.scales import DEFAULT_EPSILON, to_utility
from annotations.models import Criterion, Study
from annotations.selectors.ratings import RatedResponse, juror_traits
from juries.domain.resampling import PredictedCells
from juries.models import Run
from models_runner.domain.reward.preference import LOW_RANK
from models_runner.models import PredictedRating, RewardTraining
from models_runner.selectors.serving import NOT_OF_TEXTS
from models_runner.selectors.training import training_data


class Share(TextChoices):
    """What counts: what jurors said, or that and what models guess of the rest."""

    SAID = "said", "said only"
    BOTH = "both", "said and predicted"


class NothingPredicted(Exception):
    """No usable model can fill the gaps; the message says why."""


@dataclass(frozen=True, eq=False)
class JuryUtilities:
    """Utilities of a study's jurors; axis 0 jurors, axis 1 responses that have a value.

    Attributes:
        juror_ids: primary keys, one a row; those who have at least one value.
        responses: one a column, by query and source.
        ratings: raw numbers on the criterion's scale, NaN where not known.
        utilities: the same in [0.01, 1] by the declared bounds.
        predicted: which cells are a model's guess, with its deviation; None: none is.
        traits: for each feature of the pool, each juror's value.
        training: whose guesses they are, if any.
    """

    juror_ids: tuple[int, ...]
    responses: tuple[RatedResponse, ...]
    ratings: NDArray[np.float64]
    utilities: NDArray[np.float64]
    predicted: PredictedCells | None
    traits: dict[str, tuple[str, ...]]
    training: RewardTraining | None

    def columns(self, places: Sequence[int]) -> "JuryUtilities":
        """Some of the responses."""
        kept = list(places)
        return replace(
            self,
            responses=tuple(self.responses[column] for column in kept),
            ratings=self.ratings[:, kept],
            utilities=self.utilities[:, kept],
            predicted=None
            if self.predicted is None
            else replace(self.predicted, deviations=self.predicted.deviations[:, kept]),
        )

    @property
    def guessed(self) -> NDArray[np.bool_]:
        """Which cells are a model's guess, (jurors, responses)."""
        if self.predicted is None:
            return np.zeros(self.ratings.shape, dtype=np.bool_)
        return np.asarray(~np.isnan(self.predicted.deviations))


def usable_training(*, criterion: Criterion, of_texts: bool = False) -> RewardTraining:
    """The newest training of a criterion that passed its gate and learnt from nothing withdrawn.

    Args:
        criterion: what was learnt.
        of_texts: only one whose model is here and can be asked of any text.

    Raises:
        NothingPredicted: there is none; the message says what stands against the newest.
    """
    trainings = _trainings(study=criterion.study)
    if of_texts:
        trainings = trainings.exclude(method__in=NOT_OF_TEXTS).exclude(artefact_name="")
    return _usable(list(trainings), criterion)


def utilities_said_and_predicted(*, criterion: Criterion, share: str) -> JuryUtilities:
    """A criterion's utilities; with `Share.BOTH` every gap of a seated juror is filled by a guess.

    Raises:
        NothingPredicted: guesses were asked for, and no usable model can give them.
    """
    data = training_data(criterion=criterion)
    matrix = data.matrix
    training = usable_training(criterion=criterion) if share == Share.BOTH else None
    juror_ids = matrix.juror_ids if training is None else data.juror_ids
    means = np.full((len(juror_ids), len(matrix.responses)), np.nan)
    means[: len(matrix.juror_ids)] = matrix.values
    deviations = np.full(means.shape, np.nan)
    if training is not None:
        _fill(means, deviations, training, juror_ids, matrix.responses)
    rows = np.flatnonzero(~np.isnan(means).all(axis=1))
    columns = np.flatnonzero(~np.isnan(means).all(axis=0))
    ratings = means[np.ix_(rows, columns)]
    step = (1 - DEFAULT_EPSILON) / (criterion.high - criterion.low)
    kept = tuple(juror_ids[row] for row in rows)
    return JuryUtilities(
        juror_ids=kept,
        responses=tuple(matrix.responses[column] for column in columns),
        ratings=ratings,
        utilities=to_utility(values=ratings, low=criterion.low, high=criterion.high),
        predicted=None
        if training is None
        else PredictedCells(deviations[np.ix_(rows, columns)] * step, lowest=DEFAULT_EPSILON),
        traits=juror_traits(juror_ids=kept),
        training=training,
    )


def held_out_error(*, training: RewardTraining) -> float | None:
    """Mean absolute error on responses that were held out of known jurors' ratings; None unknown.

    On the criterion's rating scale.
    """
    for row in training.evaluation.get("rows", ()):
        if row["method"] == training.method and row["situation"] == "seen_juror_new_item":
            value = row["mae"]["value"]
            return None if value is None else float(value)
    return None


def _trainings(*, study: Study) -> QuerySet[RewardTraining]:
    """Those that guess ratings: what learns preferences fills no gap."""
    return (
        RewardTraining.objects.filter(study=study, run__state=Run.State.SUCCEEDED)
        .exclude(method=LOW_RANK)
        .select_related("run")
        .order_by("-created_at", "-id")
    )


def _usable(trainings: Sequence[RewardTraining], criterion: Criterion) -> RewardTraining:
    own = [training for training in trainings if training.criterion_id == criterion.pk]
    for training in own:
        if training.is_usable and training.stale_since is None:
            return training
    if not own:
        raise NothingPredicted(
            f"No reward model has learnt {criterion.name.lower()} yet. Train one under Reward "
            "models."
        )
    newest = own[0]
    if newest.stale_since is not None:
        raise NothingPredicted(
            f"The newest reward model of {criterion.name.lower()} ({newest.method}) learnt from "
            "answers that a juror has withdrawn. Train it again."
        )
    reasons = " ".join(newest.evaluation.get("gate", {}).get("reasons", ()))
    raise NothingPredicted(
        f"The newest reward model of {criterion.name.lower()} ({newest.method}) did not pass its "
        f"gate, so its guesses stand in no figure. {reasons}".strip()
    )


def _fill(
    means: NDArray[np.float64],
    deviations: NDArray[np.float64],
    training: RewardTraining,
    juror_ids: Sequence[int],
    responses: Sequence[RatedResponse],
) -> None:
    """Put guesses into the gaps of `means`; what was said stays as it was said."""
    rows = {identifier: row for row, identifier in enumerate(juror_ids)}
    columns = {response.id: column for column, response in enumerate(responses)}
    guesses = PredictedRating.objects.filter(training=training).values_list(
        "juror_id", "response_id", "mean", "standard_deviation"
    )
    for juror_id, response_id, mean, deviation in guesses.iterator():
        row, column = rows.get(juror_id), columns.get(response_id)
        if row is not None and column is not None and np.isnan(means[row, column]):
            means[row, column] = mean
            deviations[row, column] = deviation
