"""Reward models: asked for, read with their held-out error; and what they guess, marked as such."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.said import JUROR, SaidList
from annotations.api.scope import (
    InStudy,
    StudyList,
    StudyView,
    criteria_of,
    jurors_of,
    queries_of,
    responses_of,
)
from annotations.models import Criterion
from juries.api.bodies import Body, OneOf, Row, checked
from juries.api.filters import flag_filter, id_filter, name_filter
from juries.api.problems import INVALID, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import signed_in
from juries.api.runs import RunRow
from juries.tasks import enqueue_run
from models_runner.domain.reward import DEFAULT_METHOD, TRAINED_METHODS
from models_runner.models import PredictedRating, RewardTraining
from models_runner.selectors.training import held_out_error
from models_runner.services.training import UnknownRewardMethod, request_training

refuse_as(INVALID, UnknownRewardMethod)


class TrainingRow(Row):
    """Reward models of one criterion, one for each juror."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the training.")
    criterion = serializers.CharField(source="criterion.key", help_text="Key of the criterion.")
    method = serializers.CharField(help_text="How it learns.")
    run = RunRow(help_text="The Run that learns.")
    is_usable = serializers.BooleanField(
        allow_null=True,
        help_text="It beat the baselines on ratings held out; null: not measured yet.",
    )
    held_out_error = serializers.SerializerMethodField(
        help_text="Mean absolute error on responses held out, on the criterion's scale; "
        "null: not measured."
    )
    is_simulated = serializers.BooleanField(
        source="study.is_simulated", help_text="It learnt from made-up jurors."
    )
    stale_since = serializers.DateTimeField(
        allow_null=True, help_text="When a juror withdrew what it learnt; null: nobody did."
    )
    created_at = serializers.DateTimeField(help_text="When it was asked for.")

    def get_held_out_error(self, training: RewardTraining) -> float | None:
        """The error on what it had not seen."""
        return held_out_error(training)


class TrainingDetail(TrainingRow):
    """Reward models with all that was measured."""

    evaluation = serializers.DictField(
        help_text="Held-out errors by method and situation, with their range over the seeds."
    )
    manifest = serializers.DictField(help_text="Parameters, encoder and digests.")


class TrainingBody(Body):
    """Reward models that are wanted."""

    criterion = serializers.CharField(help_text="Key of the criterion to learn.")
    method = OneOf(
        [(name, name) for name in TRAINED_METHODS],
        required=False,
        default=DEFAULT_METHOD,
        help_text="How to learn.",
    )


class PredictedRow(Row):
    """A guess of what a juror would say; said by nobody."""

    predicted = serializers.SerializerMethodField(help_text="Always true.")
    training = serializers.SerializerMethodField(help_text="Id of the training.")
    criterion = serializers.SerializerMethodField(help_text="Key of the criterion.")
    juror = serializers.UUIDField(source="juror__public_id", help_text="Random id of the juror.")
    is_simulated = serializers.BooleanField(
        source="juror__is_simulated", help_text="The juror is made up."
    )
    query = serializers.UUIDField(source="response__query__public_id", help_text="Id of the query.")
    response = serializers.UUIDField(source="response__public_id", help_text="Id of the response.")
    mean = serializers.FloatField(help_text="The guess, on the criterion's scale.")
    standard_deviation = serializers.FloatField(help_text="How wide the guess is.")
    low = serializers.FloatField(help_text="Lower end of its interval.")
    high = serializers.FloatField(help_text="Upper end of its interval.")
    held_out_error = serializers.SerializerMethodField(
        help_text="Mean absolute error of the training on responses held out; null: not measured."
    )
    is_usable = serializers.SerializerMethodField(
        help_text="The training beat the baselines; where it did not, don't rely on the guess."
    )

    def get_predicted(self, row: dict[str, Any]) -> bool:
        """A guess is never taken for what was said."""
        return True

    def get_training(self, row: dict[str, Any]) -> UUID:
        """Which training guesses."""
        return self._training.public_id

    def get_criterion(self, row: dict[str, Any]) -> str:
        """On which criterion."""
        return self._training.criterion.key

    def get_held_out_error(self, row: dict[str, Any]) -> float | None:
        """How far off it is on average."""
        return held_out_error(self._training)

    def get_is_usable(self, row: dict[str, Any]) -> bool | None:
        """Whether it passed its gate."""
        return self._training.is_usable

    @property
    def _training(self) -> RewardTraining:
        training: RewardTraining = self.context["training"]
        return training


class TrainingFilters(django_filters.FilterSet):
    """Which trainings."""

    criterion = name_filter(
        "criterion_id", criteria_of, "key", "criterion", "Trainings on the criterion of this key."
    )
    is_usable = flag_filter("is_usable", "Trainings that beat the baselines, or that did not.")


class PredictedFilters(django_filters.FilterSet):
    """Which guesses."""

    juror = id_filter("juror_id", jurors_of, "juror", JUROR)
    query = id_filter("response__query_id", queries_of, "query", "Guesses on this query.")
    response = id_filter("response_id", responses_of, "response", "Guesses for this response.")


def _trainings(view: InStudy) -> QuerySet[RewardTraining]:
    return RewardTraining.objects.filter(study=view.study).select_related(
        "criterion", "run", "study"
    )


def _load(view: InStudy, training_id: UUID) -> RewardTraining:
    found = _trainings(view).filter(public_id=training_id).first()
    if found is None:
        raise Http404("The study has no such training.")
    return found


class TrainingList(StudyList[RewardTraining]):
    """Reward models."""

    serializer_class = TrainingRow
    filterset_class = TrainingFilters
    queryset = RewardTraining.objects.all()
    newest_first = True

    def rows(self) -> QuerySet[RewardTraining]:
        """The study's trainings with their Runs."""
        return _trainings(self).defer("manifest", "run__log", "run__parameters")

    @extend_schema(summary="List reward trainings")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Reward models of the study, newest first, with the error on ratings held out."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Ask for a reward training", request=TrainingBody, responses={202: TrainingDetail}
    )
    def post(self, request: Request, study_id: UUID) -> Response:
        """Learn one function for each juror from a criterion's ratings. Watch its Run."""
        given = checked(TrainingBody, request)
        criterion = Criterion.objects.filter(study=self.study, key=given["criterion"]).first()
        if criterion is None:
            raise InvalidInput(
                InputError(
                    f"The study has no criterion {given['criterion']!r}.",
                    pointer=pointer("criterion"),
                    legal=list(self.study.criteria.values_list("key", flat=True)),
                )
            )
        training = request_training(
            criterion=criterion, method=given["method"], requested_by=signed_in(request)
        )
        enqueue_run(run=training.run)
        return Response(
            TrainingDetail(training).data,
            status=202,
            headers={
                "Location": reverse("api-reward-training", args=[study_id, training.public_id])
            },
        )


class OneTraining(StudyView[RewardTraining]):
    """One training."""

    serializer_class = TrainingDetail
    queryset = RewardTraining.objects.all()

    @extend_schema(summary="Read a reward training")
    def get(self, request: Request, study_id: UUID, training_id: UUID) -> Response:
        """What was learnt, and how far it is off on ratings held out."""
        return Response(TrainingDetail(_load(self, training_id)).data)


class PredictedList(SaidList[PredictedRating]):
    """What models guess."""

    serializer_class = PredictedRow
    filterset_class = PredictedFilters
    queryset = PredictedRating.objects.all()

    def get_serializer_context(self) -> dict[str, Any]:
        """The training, whose error stands with every guess."""
        return {**super().get_serializer_context(), "training": getattr(self, "training", None)}

    def rows(self) -> QuerySet[PredictedRating, Any]:
        """The training's guesses."""
        self.training = _load(self, self.kwargs["training_id"])
        return PredictedRating.objects.filter(training=self.training).values(
            "pk",
            "juror__public_id",
            "juror__is_simulated",
            "response__query__public_id",
            "response__public_id",
            "mean",
            "standard_deviation",
            "low",
            "high",
        )

    @extend_schema(summary="List predicted ratings")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What the jurors' models guess where a juror said nothing; marked as predicted."""
        return self.list(request, *args, **kwargs)
