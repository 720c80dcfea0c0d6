"""What reward models learn from, as arrays; and what is known of each training."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from annotations.models import Criterion, Rating, Study
from annotations.selectors.ratings import UNKNOWN, RatingMatrix, juror_traits, rating_matrix
from juries.models import Run, Seat
from models_runner.domain.reward import LOW_RANK, RatingTable
from models_runner.models import RewardTraining

# What a guess for a sitting juror rests on: other ratings of hers, of responses seen and not seen.
SITUATION = "seen_juror_new_item"


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Ratings on one criterion, and the texts of the items that were rated.

    Attributes:
        matrix: the ratings; its rows are the table's jurors, its columns the items.
        queries: the query's text of each item.
        responses: the response's text of each item.
        juror_ids: rows of the matrix first, then seated jurors who have rated nothing.
        groups: shape (jurors, traits), which value of each trait a juror has, as a number
            without a name; -1 where she has not told. The traits are those of the jury's pool.
        traits_digest: SHA-256 over the traits' names and values; with another one the numbers in
            `groups` mean something else.
    """

    matrix: RatingMatrix
    queries: tuple[str, ...]
    responses: tuple[str, ...]
    juror_ids: tuple[int, ...]
    groups: NDArray[np.int64]
    traits_digest: str

    @property
    def digest(self) -> str:
        """SHA-256 over ratings, texts, jurors and their groups."""
        digest = hashlib.sha256(self.matrix.values.tobytes())
        for text in (*self.queries, *self.responses, *map(str, self.juror_ids)):
            digest.update(text.encode() + b"\x1f")
        digest.update(self.groups.tobytes())
        return digest.hexdigest()

    def table(
        self,
        *,
        features: NDArray[np.float64],
        low: float,
        high: float,
        blocks: tuple[int, ...] = (),
        with_groups: bool = True,
    ) -> RatingTable:
        """The ratings in long form with the items' features, shape (items, dimensions)."""
        jurors, items = np.nonzero(~np.isnan(self.matrix.values))
        return RatingTable(
            features=features,
            items=items.astype(np.int64),
            jurors=jurors.astype(np.int64),
            ratings=self.matrix.values[jurors, items],
            juror_count=len(self.juror_ids),
            low=low,
            high=high,
            groups=self.groups if with_groups else None,
            blocks=blocks,
        )


def training_data(*, criterion: Criterion) -> TrainingData:
    """The ratings on a criterion as they stand now."""
    matrix = rating_matrix(criterion=criterion)
    juror_ids = (*matrix.juror_ids, *_silent(criterion, matrix.juror_ids))
    groups, traits_digest = _groups(juror_ids=juror_ids)
    return TrainingData(
        matrix=matrix,
        queries=tuple(response.query_text for response in matrix.responses),
        responses=tuple(response.text for response in matrix.responses),
        juror_ids=juror_ids,
        groups=groups,
        traits_digest=traits_digest,
    )


def training_jurors(*, criterion: Criterion) -> tuple[int, ...]:
    """The jurors of `training_data` in its order, without reading the ratings."""
    raters = (
        Rating.objects.filter(criterion=criterion, is_current=True, response__query__check_kind="")
        .order_by("juror_id")
        .values_list("juror_id", flat=True)
        .distinct()
    )
    told = tuple(raters)
    return (*told, *_silent(criterion, told))


def _silent(criterion: Criterion, raters: Sequence[int]) -> QuerySet[Seat, int]:
    """Those who sit on the jury and have rated nothing."""
    return (
        Seat.objects.filter(jury=criterion.study.jury, state__in=Seat.SITTING)
        .exclude(juror_id__in=raters)
        .order_by("juror_id")
        .values_list("juror_id", flat=True)
    )


def _groups(*, juror_ids: tuple[int, ...]) -> tuple[NDArray[np.int64], str]:
    """Places of the jurors' trait values in alphabetical order, and a digest of traits and values.

    Both without the jurors' names: who has a value stands in the numbers alone.
    """
    traits = juror_traits(juror_ids=juror_ids) if juror_ids else {}
    known = {name: sorted(set(values) - {UNKNOWN}) for name, values in traits.items()}
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()
    columns = [
        [known[name].index(value) if value != UNKNOWN else -1 for value in values]
        for name, values in traits.items()
    ]
    groups = np.array(columns, dtype=np.int64).reshape(len(columns), len(juror_ids)).T
    return groups, digest


def held_out_error(training: RewardTraining) -> float | None:
    """Mean absolute error on responses that the juror's model had not seen; None: not measured."""
    return _held_out(training, "mae")


def held_out_accuracy(training: RewardTraining) -> float | None:
    """Of a method of preferences: the share of comparisons of responses that the juror's model had
    not seen in which the likelier one won; None: not measured, or a method of ratings.
    """
    return _held_out(training, "accuracy") if training.method == LOW_RANK else None


def _held_out(training: RewardTraining, measure: str) -> float | None:
    for row in training.evaluation.get("rows", ()):
        if row["method"] == training.method and row["situation"] == SITUATION:
            value = row[measure]["value"]
            return None if value is None else float(value)
    return None


def newest_trainings(*, study: Study) -> list[RewardTraining]:
    """For each criterion and method the newest training that succeeded, criteria in their order."""
    trainings = (
        RewardTraining.objects.filter(study=study, run__state=Run.State.SUCCEEDED)
        .select_related("criterion", "run")
        .order_by("criterion__position", "criterion_id", "method", "-created_at", "-id")
    )
    newest: dict[tuple[int, str], RewardTraining] = {}
    for training in trainings:
        newest.setdefault((training.criterion_id, training.method), training)
    return list(newest.values())
