"""What reward models guess, marked as predicted; and all ratings as utilities."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np
from django.db.models import QuerySet

from annotations.domain.scales import to_utility
from annotations.models import Criterion, Rating, Study
from annotations.parts.base import BATCH_ROWS, BundleRow, TablePart, cell
from annotations.parts.said import JUROR, RESPONSE
from annotations.ports import Column, ExportOptions, ImportedIds
from annotations.selectors.exports import criterion_names, juror_names, response_names
from juries.models import Run
from models_runner.domain.reward import LOW_RANK
from models_runner.models import PredictedRating, RewardTraining
from models_runner.parts.imported import imported_run

SAID, PREDICTED = "said", "predicted"


def training_names(study: Study, using: str) -> dict[int, str]:
    """Public ids of the trainings in a data set, by primary key."""
    rows = _trainings(study, using).values_list("pk", "public_id")
    return {key: str(name) for key, name in rows}


def _trainings(study: Study, using: str) -> QuerySet[RewardTraining]:
    """A study's trainings; those that learnt what a juror has withdrawn are left out."""
    return (
        RewardTraining.objects.using(using)
        .filter(study=study, stale_since__isnull=True)
        .order_by("pk")
    )


class RewardTrainingsPart(TablePart[RewardTraining]):
    """How the predictions came about, and how far they are off."""

    name = "reward_trainings"
    meaning = "Models of jurors' ratings: method, and error on held-out ratings."
    predicted: ClassVar[bool] = True
    model = RewardTraining
    id_columns = ("training",)
    dated: ClassVar[Mapping[str, str]] = {"created_at": "created_at"}
    cells = (
        cell("training", "string", "random id of the training", path="public_id", is_uuid=True),
        cell(
            "criterion",
            "string",
            "key of the criterion",
            path="criterion_id",
            lookup=criterion_names,
        ),
        cell("method", "string", "how it learns"),
        cell("manifest", "json", "parameters and digests"),
        cell("evaluation", "json", "error on held-out ratings"),
        cell("is_usable", "boolean", "better than the simple baselines; empty: not validated"),
        cell("created_at", "timestamp", "when it was trained"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[RewardTraining]:
        """The study's trainings."""
        return _trainings(study, using)

    def build(self, *, row: BundleRow, study: Study) -> RewardTraining:
        """One training without its weights, under a Run that stands for the import."""
        return RewardTraining(
            public_id=row.public_id("training"),
            study=study,
            criterion_id=row.ref("criterion", "criteria"),
            run=imported_run(study=study, what="Training"),
            method=row.given("method"),
            manifest=row.given("manifest"),
            evaluation=row.given("evaluation"),
            is_usable=row["is_usable"],
        )


class PredictedRatingsPart(TablePart[PredictedRating]):
    """Guesses of what jurors would say."""

    name = "predicted_ratings"
    meaning = "What models guess that jurors would say; said by nobody."
    predicted: ClassVar[bool] = True
    model = PredictedRating
    cells = (
        cell("training", "string", "id of the training", path="training_id", lookup=training_names),
        JUROR,
        RESPONSE,
        cell(
            "criterion",
            "string",
            "key of the criterion",
            path="training__criterion_id",
            lookup=criterion_names,
        ),
        cell("mean", "float", "predicted rating, on the criterion's scale"),
        cell("standard_deviation", "float", "of the prediction"),
        cell("low", "float", "lower end of the interval"),
        cell("high", "float", "upper end of the interval"),
    )

    def sources(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> Iterator[QuerySet[PredictedRating]]:
        """Predictions training by training."""
        for training in _trainings(study, using):
            yield PredictedRating.objects.using(using).filter(training=training).order_by("pk")

    def build(self, *, row: BundleRow, study: Study) -> PredictedRating:
        """One prediction."""
        return PredictedRating(
            training_id=row.ref("training", "reward_trainings"),
            juror_id=row.ref("juror", "jurors"),
            response_id=row.ref("response", "responses"),
            mean=row.given("mean"),
            standard_deviation=row.given("standard_deviation"),
            low=row.given("low"),
            high=row.given("high"),
        )


class UtilitiesPart:
    """Ratings on a common scale: what was said, and what is predicted where nothing was said."""

    name: ClassVar[str] = "utilities"
    meaning: ClassVar[str] = (
        "Current ratings mapped to utilities in [0.01, 1] by the scale's declared bounds; where a "
        "juror has not rated, the newest usable prediction. `kind` says which. Derived from the "
        "other tables."
    )
    predicted: ClassVar[bool] = False
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("juror", "string", "id of the juror"),
        Column("response", "string", "id of the response"),
        Column("criterion", "string", "key of the criterion"),
        Column("utility", "float", "in [0.01, 1]"),
        Column("kind", "string", "said: by the juror herself; predicted: by a model"),
        Column("training", "string", "id of the training, where predicted"),
    )

    def columns(self, *, study: Study) -> tuple[Column, ...]:
        """The table's columns, in order."""
        return self._columns

    def batches(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Said utilities of each criterion, then predicted ones for what was not said."""
        jurors, responses = juror_names(study, using), response_names(study, using)
        criteria = Criterion.objects.using(using).filter(study=study).order_by("position", "pk")
        for criterion in criteria:
            said = Rating.objects.using(using).filter(
                criterion=criterion,
                is_current=True,
                value__isnull=False,
                response__query__check_kind="",
            )
            found = (
                said.order_by("pk")
                .values_list("juror_id", "response_id", "value")
                .iterator(chunk_size=BATCH_ROWS)
            )
            while batch := list(islice(found, BATCH_ROWS)):
                yield _columns_of(batch, criterion, jurors, responses, SAID, None)
            if options.include_predicted:
                yield from self._predicted(study, criterion, using, jurors, responses)

    def _predicted(
        self,
        study: Study,
        criterion: Criterion,
        using: str,
        jurors: Mapping[int, str],
        responses: Mapping[int, str],
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        # As pages choose it: a method of preferences guesses no rating, and one that is learning
        # anew has not guessed them all.
        trainings = _trainings(study, using).filter(
            criterion=criterion, is_usable=True, run__state=Run.State.SUCCEEDED
        )
        training = trainings.exclude(method=LOW_RANK).last()
        if training is None:
            return
        # Who can't say has given no rating, so that a guess stands there, as on the pages.
        said = set(
            Rating.objects.using(using)
            .filter(criterion=criterion, is_current=True, value__isnull=False)
            .values_list("juror_id", "response_id")
        )
        found = (
            PredictedRating.objects.using(using)
            .filter(training=training)
            .order_by("pk")
            .values_list("juror_id", "response_id", "mean")
            .iterator(chunk_size=BATCH_ROWS)
        )
        while batch := list(islice(found, BATCH_ROWS)):
            open_ones = [row for row in batch if row[:2] not in said]
            if open_ones:
                name = str(training.public_id)
                yield _columns_of(open_ones, criterion, jurors, responses, PREDICTED, name)

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Nothing to make: they follow from ratings and predictions. The rows are read through."""
        return sum(1 for _ in rows)


def _columns_of(
    rows: Sequence[tuple[int, int, float | None]],
    criterion: Criterion,
    jurors: Mapping[int, str],
    responses: Mapping[int, str],
    kind: str,
    training: str | None,
) -> Mapping[str, Sequence[Any]]:
    kept = [row for row in rows if row[0] in jurors and row[1] in responses]
    values = np.clip(
        np.asarray([row[2] for row in kept], dtype=np.float64), criterion.low, criterion.high
    )
    return {
        "juror": [jurors[row[0]] for row in kept],
        "response": [responses[row[1]] for row in kept],
        "criterion": [criterion.key] * len(kept),
        "utility": to_utility(values=values, low=criterion.low, high=criterion.high).tolist(),
        "kind": [kind] * len(kept),
        "training": [training] * len(kept),
    }
