"""What queries teach about a juror: prepared in a Run, asked for while she waits.

The web process reads a small file and multiplies matrices; texts and models stay with the worker.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from annotations.models import Assignment, Criterion, Study
from annotations.ports import ItemWorth
from juries.models import Run
from juries.services.runs import RunContext, RunRefused, request_run
from juries.tasks import enqueue_run
from models_runner.domain.next_item import ItemPlan, expected_minutes, make_plan
from models_runner.models import RewardTraining
from models_runner.ports import EncoderUnavailable
from models_runner.selectors.jury_ratings import NothingPredicted, usable_training
from models_runner.selectors.kept_files import PLAN_KIND
from models_runner.services.predictions import PredictionRefused, prepared_model
from models_runner.services.training import item_features

PLANS_KEPT = 8


class GainOrdering:
    """As settings.ITEM_ORDERING: by the study's first criterion that a usable model has learnt."""

    def why_not(self, *, study: Study) -> str:
        """Why nothing can be said now; empty where it can."""
        try:
            training = _training(study)
        except NothingPredicted as problem:
            return str(problem)
        if _plan(training) is not None:
            return ""
        run = Run.objects.filter(kind=PLAN_KIND, parameters__training=training.pk).first()
        if run is not None and run.state in (Run.State.FAILED, Run.State.CANCELLED):
            return f"What queries teach could not be worked out: {run.error}"
        return "What queries teach is worked out as soon as the next juror asks for one."

    def worth(self, *, study: Study, had: Sequence[int], candidates: Sequence[int]) -> ItemWorth:
        """What each candidate is worth; the plan is asked for where there is none yet."""
        try:
            training = _training(study)
        except NothingPredicted as problem:
            return ItemWorth(reason=str(problem))
        plan = _plan(training)
        if plan is None:
            _request_plan_once(training)
            return ItemWorth(reason="What queries teach is being worked out.")
        gains = plan.gains(had=had, candidates=candidates)
        return ItemWorth(model=training.public_id, per_minute=tuple(map(float, gains)))


def _training(study: Study) -> RewardTraining:
    """The usable training of the first criterion that has one. Raises NothingPredicted."""
    problem = NothingPredicted("The study has no criterion.")
    for criterion in Criterion.objects.filter(study=study).select_related("study"):
        try:
            return usable_training(criterion=criterion, of_texts=True)
        except NothingPredicted as found:
            problem = found if str(problem) == "The study has no criterion." else problem
    raise problem


def plan_path(*, training: RewardTraining) -> Path:
    """Where a training's plan lies."""
    return Path(settings.ARTEFACTS_DIR) / f"items-{training.public_id}.npz"


def _plan(training: RewardTraining) -> ItemPlan | None:
    path = plan_path(training=training)
    try:
        return _read_plan(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=PLANS_KEPT)
def _read_plan(path: Path, changed_at: int) -> ItemPlan:
    """A plan, read once a process for each time that it was written."""
    del changed_at
    return ItemPlan.from_bytes(path.read_bytes())


@transaction.atomic
def _request_plan_once(training: RewardTraining) -> None:
    """Ask for a training's plan, unless that was ever asked for."""
    if Run.objects.filter(kind=PLAN_KIND, parameters__training=training.pk).exists():
        return
    run = request_run(
        kind=PLAN_KIND,
        title=f"What queries of {training.study.title} teach about a juror",
        parameters={"training": training.pk, "study": training.study_id},
    )
    enqueue_run(run=run)


def perform_plan(context: RunContext) -> Mapping[str, Any]:
    """Learn how much jurors differ and along what, and how long queries take."""
    training = (
        RewardTraining.objects.select_related("criterion", "study__jury")
        .filter(pk=context.run.parameters["training"])
        .first()
    )
    if training is None:
        raise RunRefused("The reward model has been deleted. Train again.")
    try:
        model, encoder, data = prepared_model(training)
    except (PredictionRefused, EncoderUnavailable) as problem:
        raise RunRefused(str(problem)) from problem
    features = item_features(data=data, encoder=encoder, context=context)
    jurors, items = np.nonzero(~np.isnan(data.matrix.values))
    shared = model.predict(features=features, jurors=np.full(len(features), -1, dtype=np.int64))
    query_ids = np.array([own.query_id for own in data.matrix.responses], dtype=np.int64)
    plan = make_plan(
        coordinates=model.axes.coordinates(features=features),
        query_ids=query_ids,
        items=items.astype(np.int64),
        jurors=jurors.astype(np.int64),
        residuals=data.matrix.values[jurors, items] - shared.mean[items],
        juror_count=len(data.juror_ids),
        minutes=_minutes(training.study, query_ids, [len(text) for text in data.responses]),
    )
    path = plan_path(training=training)
    half = path.with_suffix(".part")
    half.write_bytes(plan.to_bytes())
    half.replace(path)
    Run.objects.filter(pk=context.run.pk).update(input_digest=data.digest)
    context.progress(1, 1, "done")
    return {
        "queries": len(plan.query_ids),
        "training": str(training.public_id),
        "minutes": float(np.median(plan.minutes)),
    }


def _minutes(
    study: Study, query_ids: NDArray[np.int64], lengths: Sequence[int]
) -> NDArray[np.float64]:
    """Expected minutes of each query, ids ascending, from what jurors have spent so far."""
    distinct, places = np.unique(query_ids, return_inverse=True)
    letters = np.bincount(places, weights=lengths).astype(np.int64)
    place = {int(query_id): number for number, query_id in enumerate(distinct)}
    told = [
        (place[query_id], active / 60_000)
        for query_id, active in Assignment.objects.filter(
            participation__study=study, state=Assignment.State.COMPLETED
        )
        .order_by("id")
        .values_list("query_id", "active_ms")
        if query_id in place
    ]
    return expected_minutes(
        lengths=letters,
        done=np.array([one for one, _ in told], dtype=np.int64),
        spent=np.array([spent for _, spent in told], dtype=np.float64),
    )
