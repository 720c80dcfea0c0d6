"""Jurors' functions as a function: what would these jurors say of these responses?

For whoever needs numbers on the spot: filling a utility matrix, choosing the best of n responses,
a reward for training. It loads an encoder, so it belongs into Runs, commands and trainers, never
into a web process. A process keeps the encoder and the last models that it used, so that calls
after the first cost no more than what is new in them.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from scipy.special import ndtri

from annotations.domain.scales import DEFAULT_EPSILON, to_utility
from annotations.models import Response
from annotations.selectors.ratings import juror_traits
from juries.domain.verdicts import JurySpecification
from models_runner.domain.jury_reward import JuryReward, JuryRule, jury_reward
from models_runner.domain.reward import (
    LOW_RANK,
    Artefact,
    FittedRewardModel,
    InvalidArtefact,
    Prediction,
    reward_model_from_artefact,
)
from models_runner.domain.reward.preference import (
    FittedPreferenceModel,
    PairPrediction,
    chance_moments,
    preference_model_from_artefact,
)
from models_runner.models import RewardTraining
from models_runner.ports import TextEncoder, feature_blocks, load_feature_encoder
from models_runner.selectors.comparisons import comparing_jurors, comparison_data
from models_runner.selectors.leaderboard import leaderboard_digest
from models_runner.selectors.said import preferences_fingerprint
from models_runner.selectors.training import TrainingData, held_out_error, training_data
from models_runner.services.embeddings import embed_texts
from models_runner.services.learners import text_features
from models_runner.services.training import item_features

Unit = Literal["rating", "logit"]
INTERVAL = 0.9
"""Share of what is likely that an interval of a preference's utility holds."""
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
    """Guesses about texts: arrays (jurors, texts), in `unit`.

    `rating`: on the criterion's scale and within its bounds. `logit`: the utility of a text above
    that of the average response to the same query; the logistic function of it is the chance that
    the juror prefers the text to that one, `chance` the same with the doubt about the utility.

    `juror_ids` are the rows; `own_ratings` (jurors,) count what stands behind each, ratings or
    comparisons. `reward` is the jury's welfare of the texts, (texts,). Where `is_usable` is not
    true the method did not beat the baselines: don't train on it.
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
    unit: Unit = "rating"
    chance: NDArray[np.float64] | None = None


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


def predict_preferences(
    *,
    training: RewardTraining,
    texts: Sequence[tuple[str, str]],
    rule: JuryRule = JuryRule(),  # noqa: B008 - frozen
    seats: JurySpecification | None = None,
    seed: int = 0,
) -> TextPredictions:
    """What the study's jurors would prefer, as utilities of any texts, and the jury's welfare.

    Comparisons say nothing of a response by itself, and nothing across queries. So a text is set
    beside the average of the responses that the model learnt from, as if it answered the same
    query; the utilities of two texts may be compared where they answer one query. Intervals are of
    the juror's own mixture (90 %, normal), not of what all jurors share. For welfare, a juror's
    utility is her `chance`, spread over [0.01, 1].

    Args:
        training: one of a method of preferences that succeeded and is not stale.
        texts: (query, response) pairs; they need not stand in the study.
        rule: how the jurors' utilities become one number.
        seats: juries to draw, by the traits that each seat requires; None: all jurors.
        seed: of juries and draws; the same one gives the same numbers.

    Raises:
        PredictionRefused: as `predict_texts`; also where the training's method foresees ratings.
        InvalidJury: seats that can't be filled; the message names the seat.
        EncoderUnavailable: the encoder can't be loaded.
    """
    if training.method != LOW_RANK:
        raise PredictionRefused(
            f"{training.method} foresees ratings, not which of two responses a juror prefers."
        )
    ready = _ready_to_compare(training)
    if not ready.juror_ids:
        raise PredictionRefused("The study has no jurors, so nobody's view can be guessed.")
    found = ready.guess(texts=texts)
    shape = len(ready.juror_ids), len(texts)
    utility, sd = found.difference.reshape(shape), found.sd.reshape(shape)
    chance, chance_sd = chance_moments(difference=utility, sd=sd)
    reach = ndtri((1 + INTERVAL) / 2) * sd
    return TextPredictions(
        juror_ids=ready.juror_ids,
        mean=utility,
        median=utility,
        standard_deviation=sd,
        low=utility - reach,
        high=utility + reach,
        own_ratings=ready.own,
        reward=jury_reward(
            to_utility(values=chance, low=0.0, high=1.0),
            chance_sd * (1 - DEFAULT_EPSILON),
            traits=ready.traits,
            rule=rule,
            seats=seats,
            seed=seed,
            lowest=DEFAULT_EPSILON,
        ),
        is_usable=training.is_usable,
        held_out_error=None,
        data_digest=ready.digest,
        unit="logit",
        chance=chance,
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
        features = _features_of(texts, self.encoder)
        criterion = self.training.criterion
        guess = self.model.predict(
            features=np.tile(features, (len(rows), 1)),
            jurors=np.repeat(np.asarray(rows, dtype=np.int64), len(texts)),
        )
        return guess.clipped(low=criterion.low, high=criterion.high)


@dataclass(frozen=True, slots=True, eq=False)
class _ReadyToCompare:
    """A model of preferences adapted to what is said now; `codes` are its numbers of the jurors, -1
    for those who have compared nothing.
    """

    model: FittedPreferenceModel
    encoder: TextEncoder
    juror_ids: tuple[int, ...]
    codes: NDArray[np.int64]
    own: NDArray[np.int64]
    traits: dict[str, tuple[str, ...]]
    digest: str

    def guess(self, *, texts: Sequence[tuple[str, str]]) -> PairPrediction:
        """Each text against the average response to its query, jurors one by one."""
        features = _features_of(texts, self.encoder)
        average = features.copy()
        half = features.shape[1] // 2
        average[:, :half] = self.model.axes.centre[:half]
        return self.model.predict(
            left=np.tile(features, (len(self.codes), 1)),
            right=np.tile(average, (len(self.codes), 1)),
            jurors=np.repeat(self.codes, len(texts)),
        )


def _features_of(texts: Sequence[tuple[str, str]], encoder: TextEncoder) -> NDArray[np.float64]:
    """(texts, p): the response's vector, then the query's; each query is read once."""
    queries = list(dict.fromkeys(query for query, _ in texts))
    vectors = embed_texts(
        texts=[*(response for _, response in texts), *queries], encoder=encoder
    ).astype(np.float64)
    place = {query: len(texts) + number for number, query in enumerate(queries)}
    return np.hstack([vectors[: len(texts)], vectors[[place[query] for query, _ in texts]]])


Kept = TypeVar("Kept")
_models: "OrderedDict[tuple[Any, ...], Any]" = OrderedDict()
_lock = threading.Lock()


def _ready(training: RewardTraining) -> _Ready:
    """The training's model, kept as long as its file, the ratings, traits and jurors stay."""
    return _kept(training, _made_ready)


def _ready_to_compare(training: RewardTraining) -> _ReadyToCompare:
    """The same of a model of preferences, which rests on what was said as preferences, too."""
    return _kept(training, _made_ready_to_compare, preferences_fingerprint(study=training.study))


def _kept(
    training: RewardTraining,
    make: Callable[[RewardTraining, TextEncoder], Kept],
    fingerprint: str = "",
) -> Kept:
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
        *(leaderboard_digest(study=training.study), fingerprint, tuple(sitting)),
        *(encoder.name, encoder.weights_digest, encoder.dtype),
    )
    with _lock:
        if key in _models:
            _models.move_to_end(key)
            found: Kept = _models[key]
            return found
    made = make(training, encoder)
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


def _made_ready_to_compare(training: RewardTraining, encoder: TextEncoder) -> _ReadyToCompare:
    artefact = _artefact(training)
    try:
        model = preference_model_from_artefact(artefact=artefact)
    except InvalidArtefact as problem:
        raise PredictionRefused(str(problem)) from problem
    data = comparison_data(criterion=training.criterion)
    juror_ids = comparing_jurors(criterion=training.criterion)
    code = {juror_id: number for number, juror_id in enumerate(data.juror_ids)}
    codes = np.array([code.get(juror_id, -1) for juror_id in juror_ids], dtype=np.int64)
    features = text_features(responses=data.responses, queries=data.queries, encoder=encoder)
    told = np.bincount(data.jurors, minlength=len(data.juror_ids) + 1).astype(np.int64)
    return _ReadyToCompare(
        model=model.adapt(table=data.table(features=features, blocks=2 * feature_blocks(encoder))),
        encoder=encoder,
        juror_ids=juror_ids,
        codes=codes,
        # The last count is nobody's, for those without comparisons.
        own=told[codes],
        traits=juror_traits(juror_ids=juror_ids),
        digest=data.digest,
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
        raise PredictionRefused(
            "No model is kept of this training: it came with a data set, or it has not succeeded. "
            "Train again."
        )
    if training.stale_since is not None:
        raise PredictionRefused(
            "This training learnt from answers that a juror has withdrawn. Train again."
        )
    return Path(settings.ARTEFACTS_DIR) / training.artefact_name


def _no_file(training: RewardTraining) -> PredictionRefused:
    return PredictionRefused(
        f"The model's file {training.artefact_name} is not on this machine. Train again."
    )


def _artefact(training: RewardTraining) -> Artefact:
    path = _usable_path(training)
    try:
        return Artefact.from_bytes(data=path.read_bytes())
    except FileNotFoundError as missing:
        raise _no_file(training) from missing
    except InvalidArtefact as problem:
        raise PredictionRefused(str(problem)) from problem


def _load(training: RewardTraining) -> FittedRewardModel:
    artefact = _artefact(training)
    try:
        return reward_model_from_artefact(artefact=artefact)
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
