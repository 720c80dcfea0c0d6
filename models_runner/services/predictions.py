"""Jurors' functions as a function: what would these jurors say of these responses?

For whoever needs numbers on the spot: filling a utility matrix, choosing the best of n responses,
a reward for training. It loads an encoder, so it belongs into Runs, commands and trainers, never
into a web process. A process keeps the encoder and the last models that it used, so that calls
after the first cost no more than what is new in them.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from annotations.domain.scales import DEFAULT_EPSILON, to_utility
from annotations.models import Response
from annotations.selectors.ratings import juror_traits
from juries.domain.verdicts import JurySpecification
from models_runner.domain.jury_reward import JuryReward, JuryRule, jury_reward
from models_runner.domain.reward import (
    Artefact,
    FittedRewardModel,
    InvalidArtefact,
    Prediction,
    reward_model_from_artefact,
)
from models_runner.models import RewardTraining
from models_runner.ports import TextEncoder, feature_blocks, load_feature_encoder
from models_runner.selectors.leaderboard import leaderboard_digest
from models_runner.selectors.training import TrainingData, held_out_error, training_data
from models_runner.services.embeddings import embed_texts
from models_runner.services.training import item_features

MODELS_KEPT = 4
"""Models, each with the ratings it was adapted to, that a process keeps in memory."""


class PredictionRefused(ValueError):
    """The training can't predict this; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class PredictedOpinion:
    """What one juror would say of one response: a guess, said by nobody.

    Mean, median and interval lie within the criterion's declared bounds; `own_ratings` is how many
    ratings of hers stand behind it.
    """

    juror_id: int
    response_id: int
    mean: float
    median: float
    standard_deviation: float
    low: float
    high: float
    own_ratings: int
    is_predicted: bool = True


@dataclass(frozen=True, slots=True)
class Predictions:
    """Guesses, jurors one after the other, and how far such guesses are off.

    `held_out_error` is the training's mean absolute error on responses held out; where `is_usable`
    is not true the method did not beat the baselines, and its guesses should not be relied on.
    """

    opinions: tuple[PredictedOpinion, ...]
    is_usable: bool | None
    held_out_error: float | None


def predict_opinions(
    *, training: RewardTraining, juror_ids: Sequence[int], response_ids: Sequence[int]
) -> Predictions:
    """What each of the jurors would say of each of the responses.

    The shared part is as it was learnt; each juror's own part follows from her ratings as they
    stand now, without training. A juror without ratings gets what her groups share. Responses need
    not have been there when it was trained.

    Args:
        training: one that succeeded and that nobody's withdrawal has made stale.
        juror_ids: jurors who rated in the study or sit on its jury.
        response_ids: any responses, of this study or another.

    Raises:
        PredictionRefused: the training has no model, is stale or was made with another encoder;
            a juror or response is not known.
        EncoderUnavailable: the encoder can't be loaded.
    """
    ready = _ready(training)
    rows = _rows(ready, juror_ids)
    responses = Response.objects.select_related("query").in_bulk(list(response_ids))
    unknown = [pk for pk in response_ids if pk not in responses]
    if unknown:
        raise PredictionRefused(f"There are no responses {_listed(unknown)}.")
    shown = ready.guess(
        rows=rows,
        texts=[(responses[pk].query.text, responses[pk].text) for pk in response_ids],
    )
    pairs = [(juror, response) for juror in juror_ids for response in response_ids]
    return Predictions(
        opinions=tuple(
            PredictedOpinion(
                juror_id=juror,
                response_id=response,
                mean=float(shown.mean[place]),
                median=float(shown.median[place]),
                standard_deviation=float(shown.sd[place]),
                low=float(shown.low[place]),
                high=float(shown.high[place]),
                own_ratings=int(shown.own_ratings[place]),
            )
            for place, (juror, response) in enumerate(pairs)
        ),
        is_usable=training.is_usable,
        held_out_error=held_out_error(training),
    )


@dataclass(frozen=True, slots=True, eq=False)
class TextPredictions:
    """Guesses about texts: arrays (jurors, texts), on the criterion's scale and within its bounds.

    `juror_ids` are the rows; `own_ratings` (jurors,) count what stands behind each. `reward` is
    the jury's welfare of the texts, (texts,). Where `is_usable` is not true the method did not beat
    the baselines: don't train on it.
    """

    juror_ids: tuple[int, ...]
    mean: NDArray[np.float64]
    median: NDArray[np.float64]
    standard_deviation: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    own_ratings: NDArray[np.int64]
    reward: JuryReward
    is_usable: bool | None
    held_out_error: float | None
    data_digest: str


def predict_texts(
    *,
    training: RewardTraining,
    texts: Sequence[tuple[str, str]],
    rule: JuryRule = JuryRule(),  # noqa: B008 - frozen
    seats: JurySpecification | None = None,
    seed: int = 0,
) -> TextPredictions:
    """What the study's jurors would say of any texts, and the jury's welfare of each.

    Args:
        training: one that succeeded and that nobody's withdrawal has made stale.
        texts: (query, response) pairs; they need not stand in the study.
        rule: how the jurors' utilities become one number.
        seats: juries to draw, by the traits that each seat requires; None: all jurors.
        seed: of juries and draws; the same one gives the same numbers.

    Raises:
        PredictionRefused: as `predict_opinions`; also where the study has no juror.
        InvalidJury: seats that can't be filled; the message names the seat.
        EncoderUnavailable: the encoder can't be loaded.
    """
    ready = _ready(training)
    data, criterion = ready.data, training.criterion
    if not data.juror_ids:
        raise PredictionRefused("The study has no jurors, so nobody's view can be guessed.")
    guess = ready.guess(rows=list(range(len(data.juror_ids))), texts=texts)
    shape = len(data.juror_ids), len(texts)
    step = (1 - DEFAULT_EPSILON) / (criterion.high - criterion.low)
    mean = guess.mean.reshape(shape)
    return TextPredictions(
        juror_ids=data.juror_ids,
        mean=mean,
        median=guess.median.reshape(shape),
        standard_deviation=guess.sd.reshape(shape),
        low=guess.low.reshape(shape),
        high=guess.high.reshape(shape),
        own_ratings=ready.own_ratings,
        reward=jury_reward(
            to_utility(values=mean, low=criterion.low, high=criterion.high),
            guess.sd.reshape(shape) * step,
            traits=ready.traits,
            rule=rule,
            seats=seats,
            seed=seed,
            lowest=DEFAULT_EPSILON,
        ),
        is_usable=training.is_usable,
        held_out_error=held_out_error(training),
        data_digest=data.digest,
    )


def prepared_model(
    training: RewardTraining,
) -> tuple[FittedRewardModel, TextEncoder, TrainingData]:
    """A training's model with the ratings as they stand, its encoder, and those ratings.

    Raises PredictionRefused and EncoderUnavailable, as `predict_texts`.
    """
    ready = _ready(training)
    return ready.model, ready.encoder, ready.data


# --- What a process keeps -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """A model adapted to the ratings as they stand, with what turns texts into its features."""

    training: RewardTraining
    model: FittedRewardModel
    encoder: TextEncoder
    data: TrainingData
    traits: dict[str, tuple[str, ...]]
    own_ratings: NDArray[np.int64]

    def guess(self, *, rows: Sequence[int], texts: Sequence[tuple[str, str]]) -> Prediction:
        """Guesses for each of the jurors' rows and (query, response), jurors one by one."""
        queries = list(dict.fromkeys(query for query, _ in texts))
        vectors = embed_texts(
            texts=[*(response for _, response in texts), *queries], encoder=self.encoder
        ).astype(np.float64)
        place = {query: len(texts) + number for number, query in enumerate(queries)}
        own = vectors[[place[query] for query, _ in texts]]
        features = np.hstack([vectors[: len(texts)], own])
        criterion = self.training.criterion
        guess = self.model.predict(
            features=np.tile(features, (len(rows), 1)),
            jurors=np.repeat(np.asarray(rows, dtype=np.int64), len(texts)),
        )
        return guess.clipped(low=criterion.low, high=criterion.high)


_models: "OrderedDict[tuple[Any, ...], _Ready]" = OrderedDict()
_lock = threading.Lock()


def _ready(training: RewardTraining) -> _Ready:
    """The training's model, kept as long as its file, the ratings, traits and jurors stay."""
    path = _usable_path(training)
    encoder = _encoder(
        settings.ENCODER_BACKEND,
        settings.ENCODER_MODEL,
        settings.ENCODER_REVISION,
        settings.ENCODER_DTYPE,
    )
    _refuse_other_encoder(training, encoder)
    try:
        kept = path.stat()
    except FileNotFoundError as missing:
        raise _no_file(training) from missing
    jury = training.study.jury
    sitting = [] if jury is None else sorted(jury.seats.values_list("juror_id", "state"))
    key = (
        *(training.pk, path, kept.st_mtime_ns, kept.st_size),
        *(leaderboard_digest(study=training.study), tuple(sitting)),
        *(encoder.name, encoder.weights_digest, encoder.dtype),
    )
    with _lock:
        if key in _models:
            _models.move_to_end(key)
            return _models[key]
    made = _made_ready(training, encoder)
    with _lock:
        _models[key] = made
        while len(_models) > MODELS_KEPT:
            _models.popitem(last=False)
    return made


@lru_cache(maxsize=1)
def _encoder(backend: str, model: str, revision: str, dtype: str) -> TextEncoder:
    """The encoder of these settings, loaded once a process."""
    del backend, model, revision, dtype
    return load_feature_encoder()


def _made_ready(training: RewardTraining, encoder: TextEncoder) -> _Ready:
    model = _load(training)
    data = training_data(criterion=training.criterion)
    table = data.table(
        features=item_features(data=data, encoder=encoder),
        blocks=2 * feature_blocks(encoder),
        low=training.criterion.low,
        high=training.criterion.high,
        with_groups=training.manifest.get("traits") == data.traits_digest,
    )
    return _Ready(
        training=training,
        model=model.adapt(table=table),
        encoder=encoder,
        data=data,
        traits=juror_traits(juror_ids=data.juror_ids),
        own_ratings=np.bincount(table.jurors, minlength=len(data.juror_ids)).astype(np.int64),
    )


def _rows(ready: _Ready, juror_ids: Sequence[int]) -> list[int]:
    row = {juror_id: place for place, juror_id in enumerate(ready.data.juror_ids)}
    strangers = [juror_id for juror_id in juror_ids if juror_id not in row]
    if strangers:
        raise PredictionRefused(
            f"Jurors {_listed(strangers)} have not rated in this study and don't sit on its jury."
        )
    return [row[juror_id] for juror_id in juror_ids]


def _usable_path(training: RewardTraining) -> Path:
    if not training.artefact_name:
        raise PredictionRefused("This training has not succeeded, so it has no model.")
    if training.stale_since is not None:
        raise PredictionRefused(
            "This training learnt from answers that a juror has withdrawn. Train again."
        )
    return Path(settings.ARTEFACTS_DIR) / training.artefact_name


def _no_file(training: RewardTraining) -> PredictionRefused:
    return PredictionRefused(
        f"The model's file {training.artefact_name} is not on this machine. Train again."
    )


def _load(training: RewardTraining) -> FittedRewardModel:
    path = _usable_path(training)
    try:
        return reward_model_from_artefact(artefact=Artefact.from_bytes(data=path.read_bytes()))
    except FileNotFoundError as missing:
        raise _no_file(training) from missing
    except InvalidArtefact as problem:
        raise PredictionRefused(str(problem)) from problem


def _refuse_other_encoder(training: RewardTraining, encoder: TextEncoder) -> None:
    learnt = tuple(
        training.manifest.get(name)
        for name in ("encoder", "encoder_revision", "encoder_weights", "encoder_dtype")
    )
    now = encoder.name, encoder.revision, encoder.weights_digest, encoder.dtype
    if learnt != now:
        raise PredictionRefused(
            f"The model was learnt with the encoder {learnt[0]!r} ({learnt[3]}), but the settings "
            f"name {now[0]!r} ({now[3]}), or its weights have changed. Set the encoder back, or "
            "train again."
        )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (" ..." if len(numbers) > 10 else "")
