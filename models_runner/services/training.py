"""Learning the jurors' functions in a Run, and keeping what they guess."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from numpy.typing import NDArray

from annotations.models import Criterion
from juries.models import Juror, Run, User
from juries.services.audit import record_act
from juries.services.runs import RunContext, RunRefused, request_run
from models_runner.domain.evaluation import (
    EvaluationCancelled,
    Gate,
    HeldOutTable,
    evaluate_methods,
    judge_usable,
)
from models_runner.domain.pair_evaluation import evaluate_pairs, judge_pairs_usable
from models_runner.domain.reward import (
    DEFAULT_METHOD,
    LOW_RANK,
    STATEMENT,
    TRAINED_METHODS,
    TableModel,
)
from models_runner.domain.reward.preference import fit_preference_model
from models_runner.domain.reward.statement import uncalibrated
from models_runner.models import PredictedRating, RewardTraining
from models_runner.ports import EncoderUnavailable, feature_blocks, load_feature_encoder
from models_runner.selectors.comparisons import comparison_data
from models_runner.selectors.training import TrainingData, training_data
from models_runner.services.learners import (
    EMBEDDED,
    EVALUATED,
    FITTED,
    Prepared,
    item_features,
    model_file,
    prepare,
    text_features,
)

__all__ = [
    "TRAIN_KIND",
    "UnknownRewardMethod",
    "item_features",
    "keep_guesses",
    "keep_training",
    "mark_trainings_stale",
    "perform_training",
    "request_training",
]

TRAIN_KIND = "models_runner.train_reward"
LEAST_RATINGS = 10
LEAST_COMPARISONS = 10
SEEDS = (0, 1, 2, 3, 4)
CONFIDENCE = 0.9
ROWS_AT_ONCE = 1000


class UnknownRewardMethod(ValueError):
    """The method does not exist; the message lists those that do."""


@transaction.atomic
def request_training(
    *, criterion: Criterion, method: str = DEFAULT_METHOD, requested_by: User | None
) -> RewardTraining:
    """Ask for reward models to be learnt from a criterion's ratings.

    Raises:
        UnknownRewardMethod: there is no such method.
    """
    if method not in TRAINED_METHODS:
        raise UnknownRewardMethod(
            f"There is no reward model {method!r}. Known: {', '.join(TRAINED_METHODS)}."
        )
    run = request_run(
        kind=TRAIN_KIND,
        title=f"Reward models of {criterion.study.title}: {criterion.name} ({method})",
        parameters={"criterion": criterion.pk, "method": method, "seeds": list(SEEDS)},
        seed="0",
        requested_by=requested_by,
        page_path=reverse("study-models", args=[criterion.study.public_id]),
    )
    training = RewardTraining.objects.create(
        study=criterion.study, criterion=criterion, run=run, method=method
    )
    record_act(
        actor=requested_by,
        verb="asked to train reward models",
        subject=criterion.study,
        details={"criterion": criterion.key, "method": method, "run": str(run.public_id)},
    )
    return training


def perform_training(context: RunContext) -> Mapping[str, Any]:
    """Embed the texts, measure the method on what is held out, fit it, predict what is missing."""
    training = RewardTraining.objects.select_related("criterion__study").get(run=context.run)
    # From here on, a juror who withdraws makes this training stale.
    RewardTraining.objects.filter(pk=training.pk).update(stale_since=None)
    try:
        if training.method == LOW_RANK:
            return _learn_preferences(training, context)
        return _learn_ratings(training, context)
    except EvaluationCancelled:
        context.stop_if_cancelled()
        raise


def _learn_ratings(training: RewardTraining, context: RunContext) -> Mapping[str, Any]:
    criterion = training.criterion
    data = training_data(criterion=criterion)
    count = int((~np.isnan(data.matrix.values)).sum())
    if count < LEAST_RATINGS and training.method != STATEMENT:
        raise RunRefused(
            f"There are {count} ratings of {criterion.name.lower()}; at least {LEAST_RATINGS} are "
            "needed to learn from. Wait for the jurors, or import ratings."
        )
    context.log(f"{count} ratings, {len(data.juror_ids)} jurors, {len(data.responses)} responses")
    prepared = prepare(method=training.method, data=data, criterion=criterion, context=context)
    learnt_from = len(prepared.table.ratings)
    if learnt_from < LEAST_RATINGS:
        return _keep_uncalibrated(training, data, prepared, context)
    held_out = evaluate_methods(
        table=prepared.table,
        methods=[training.method],
        seeds=context.run.parameters["seeds"],
        learners=[prepared.learner],
        progress=lambda share, note: context.progress(
            EMBEDDED + round(share * (EVALUATED - EMBEDDED)), 1000, f"held-out error: {note}"
        ),
        cancelled=context.is_cancelled,
    )
    gate = judge_usable(table=held_out, method=training.method)
    context.progress(EVALUATED, 1000, "learning from all ratings")
    model = prepared.learner.fit(table=prepared.table, confidence=CONFIDENCE, seed=0)
    artefact = write_artefact(training, *model_file(model), facts=prepared.facts)
    keep_guesses(
        training=training,
        data=data,
        model=model,
        features=prepared.features,
        progress=context.progress,
        cells=prepared.cells,
    )
    predicted = keep_training(
        training=training,
        held_out=held_out,
        gate=gate,
        artefact=artefact,
        juror_ids=data.juror_ids,
    )
    return _finish(context, data.digest, gate, artefact, ratings=learnt_from, predicted=predicted)


def _finish(
    context: RunContext, digest: str, gate: Gate, artefact: str, **counts: int
) -> Mapping[str, Any]:
    Run.objects.filter(pk=context.run.pk).update(input_digest=digest)
    context.log("usable" if gate.usable else "not usable: " + " ".join(gate.reasons))
    context.progress(1000, 1000, "done")
    return {
        **counts,
        "usable": gate.usable,
        "reasons": list(gate.reasons),
        "artefact": artefact,
    }


def _learn_preferences(training: RewardTraining, context: RunContext) -> Mapping[str, Any]:
    """Shared directions of preference; what it foresees are verdicts, so no rating is guessed."""
    data = comparison_data(criterion=training.criterion)
    count = len(data.wins)
    if count < LEAST_COMPARISONS:
        raise RunRefused(
            f"There are {count} comparisons: {data.said} preferences, the others pairs of ratings "
            f"of {training.criterion.name.lower()}. At least {LEAST_COMPARISONS} are needed to "
            "learn from. Wait for the jurors, or choose a criterion that they rate."
        )
    try:
        encoder = load_feature_encoder()
    except EncoderUnavailable as problem:
        raise RunRefused(str(problem)) from problem
    context.log(
        f"{count} comparisons, {data.said} of them said as preferences, by "
        f"{len(data.juror_ids)} jurors"
    )
    table = data.table(
        features=text_features(
            responses=data.responses, queries=data.queries, encoder=encoder, context=context
        ),
        blocks=2 * feature_blocks(encoder),
    )
    held_out = evaluate_pairs(
        table=table,
        seeds=context.run.parameters["seeds"],
        progress=lambda share, note: context.progress(
            EMBEDDED + round(share * (EVALUATED - EMBEDDED)), 1000, f"held-out error: {note}"
        ),
        cancelled=context.is_cancelled,
    )
    gate = judge_pairs_usable(table=held_out)
    model = fit_preference_model(
        table=table,
        progress=lambda share: context.progress(
            EVALUATED + round(share * (FITTED - EVALUATED)), 1000, "learning from all comparisons"
        ),
    )
    body = model.to_artefact()
    facts = {
        "encoder": encoder.name,
        "encoder_revision": encoder.revision,
        "encoder_weights": encoder.weights_digest,
        "encoder_dtype": encoder.dtype,
        "comparisons": count,
        "preferences": data.said,
    }
    artefact = write_artefact(training, body.to_bytes(), ".npz", body.manifest, facts=facts)
    training.predicted_ratings.all().delete()
    keep_training(
        training=training,
        held_out=held_out,
        gate=gate,
        artefact=artefact,
        juror_ids=data.juror_ids,
    )
    return _finish(
        context, data.digest, gate, artefact, comparisons=count, preferences=data.said, predicted=0
    )


def _keep_uncalibrated(
    training: RewardTraining, data: TrainingData, prepared: Prepared, context: RunContext
) -> Mapping[str, Any]:
    """Scores spread over the scale, marked as not calibrated, with the whole scale as interval."""
    assert prepared.scores is not None
    criterion = training.criterion
    few = len(prepared.table.ratings)
    gate = Gate(
        method=training.method,
        usable=False,
        reasons=(_uncalibrated_reason(few),),
    )
    training.manifest = {"method": training.method, "calibrated": False, **prepared.facts}
    training.predicted_ratings.all().delete()
    means = uncalibrated(scores=prepared.scores, low=criterion.low, high=criterion.high)
    rows, columns = np.nonzero(~np.isnan(means))
    said = set(zip(prepared.table.jurors.tolist(), prepared.table.items.tolist(), strict=True))
    guesses = [
        PredictedRating(
            training=training,
            juror_id=data.juror_ids[row],
            response_id=data.matrix.responses[column].id,
            mean=float(means[row, column]),
            # Of a number that may lie anywhere on the scale.
            standard_deviation=(criterion.high - criterion.low) / 12**0.5,
            low=criterion.low,
            high=criterion.high,
        )
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if (row, column) not in said
    ]
    for start in range(0, len(guesses), ROWS_AT_ONCE):
        PredictedRating.objects.bulk_create(guesses[start : start + ROWS_AT_ONCE])
    nothing = HeldOutTable(rows=(), seeds=(), confidence=CONFIDENCE, data_digest=data.digest)
    predicted = keep_training(
        training=training, held_out=nothing, gate=gate, artefact="", juror_ids=data.juror_ids
    )
    return _finish(context, data.digest, gate, "", ratings=few, predicted=predicted)


def _uncalibrated_reason(rated: int) -> str:
    """Why scores were not turned into ratings, in words."""
    return (
        f"Not calibrated: jurors have rated {rated} responses to queries on which they wrote an "
        f"opinion, and {LEAST_RATINGS} are needed to tell what a score means on the scale. Scores "
        "are spread over it as they are."
    )


def write_artefact(
    training: RewardTraining,
    body: bytes,
    ending: str,
    manifest: Mapping[str, Any],
    *,
    facts: Mapping[str, Any],
) -> str:
    """Write the model beside the database; returns the file's name."""
    settings.ARTEFACTS_DIR.mkdir(parents=True, exist_ok=True)
    name = f"reward-{training.public_id}{ending}"
    (settings.ARTEFACTS_DIR / name).write_bytes(body)
    training.manifest = {**manifest, **facts, "sha256": hashlib.sha256(body).hexdigest()}
    return name


def keep_guesses(
    *,
    training: RewardTraining,
    data: TrainingData,
    model: TableModel,
    features: NDArray[np.float64],
    progress: Callable[[int, int, str], None],
    cells: NDArray[np.bool_] | None = None,
) -> None:
    """Store a prediction for every cell that nobody said, in place of those that were there.

    `cells` (jurors, items): those that the model can predict; None: all.

    A transaction for each portion, so that jurors who rate meanwhile need not wait: nobody reads
    them before the Run has succeeded. Intervals without a bound (too few jurors to calibrate them)
    are cut to the declared scale.
    """
    training.predicted_ratings.all().delete()
    values = np.full((len(data.juror_ids), len(data.responses)), np.nan)
    values[: len(data.matrix.juror_ids)] = data.matrix.values
    missing = np.isnan(values) if cells is None else np.isnan(values) & cells
    jurors, items = np.nonzero(missing)
    low, high = training.criterion.low, training.criterion.high
    for start in range(0, len(jurors), ROWS_AT_ONCE):
        done = FITTED + round((1000 - FITTED) * start / len(jurors))
        progress(done, 1000, f"{start} of {len(jurors)} missing ratings predicted")
        who, what = jurors[start : start + ROWS_AT_ONCE], items[start : start + ROWS_AT_ONCE]
        guess = model.predict_cells(features=features, items=what, jurors=who)
        guess = guess.clipped(low=low, high=high)
        PredictedRating.objects.bulk_create(
            PredictedRating(
                training=training,
                juror_id=data.juror_ids[who[index]],
                response_id=data.matrix.responses[what[index]].id,
                mean=float(guess.mean[index]),
                standard_deviation=float(guess.sd[index]),
                low=float(guess.low[index]),
                high=float(guess.high[index]),
            )
            for index in range(len(who))
        )


@transaction.atomic
def keep_training(
    *,
    training: RewardTraining,
    held_out: HeldOutTable,
    gate: Gate,
    artefact: str,
    juror_ids: Sequence[int],
) -> int:
    """Store what became of a training; returns how many predictions it has.

    What is known of jurors who have withdrawn while it ran is dropped.
    """
    training.artefact_name = artefact
    training.is_usable = gate.usable
    training.evaluation = {
        **_plain(held_out),
        "by_juror": _by_juror(held_out, training.method, juror_ids),
        "gate": dataclasses.asdict(gate),
    }
    # Not stale_since: somebody may have withdrawn since it was read.
    training.save(update_fields=("artefact_name", "is_usable", "evaluation", "manifest"))
    training.predicted_ratings.filter(juror__erased_at__isnull=False).delete()
    return training.predicted_ratings.count()


def _plain(table: HeldOutTable) -> dict[str, Any]:
    """The held-out table as JSON."""
    return {
        "rows": [
            {**dataclasses.asdict(row), "situation": row.situation.value} for row in table.rows
        ],
        "seeds": list(table.seeds),
        "confidence": table.confidence,
        "data_digest": table.data_digest,
    }


def _by_juror(
    held_out: HeldOutTable, method: str, juror_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """Each juror's own held-out error under her public id, those who withdrew left out."""
    public = dict(
        Juror.objects.filter(pk__in=juror_ids, erased_at__isnull=True).values_list(
            "pk", "public_id"
        )
    )
    return [
        {
            "juror": str(public[juror_ids[own.juror]]),
            "error": own.error,
            "tested": own.tested,
        }
        for own in held_out.by_juror
        if own.method == method and juror_ids[own.juror] in public
    ]


@transaction.atomic
def mark_trainings_stale(*, juror: Juror) -> None:
    """Mark what learnt from a juror who has withdrawn what she said; what it says of her goes."""
    PredictedRating.objects.filter(juror=juror).delete()
    trainings = RewardTraining.objects.filter(study__participations__juror=juror).distinct()
    own = str(juror.public_id)
    for training in trainings:
        rows = training.evaluation.get("by_juror", [])
        kept = [row for row in rows if row["juror"] != own]
        if len(kept) < len(rows):
            training.evaluation["by_juror"] = kept
            training.save(update_fields=("evaluation",))
    RewardTraining.objects.filter(
        study__participations__juror=juror, stale_since__isnull=True
    ).update(stale_since=timezone.now())
