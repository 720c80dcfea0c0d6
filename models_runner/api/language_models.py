"""Language models: the registry, its checks, and the responses that are generated for a study."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.forms import model_to_dict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations.api.scope import StudyList, queries_of
from juries.api.bodies import Body, NoBody, OneOf, Row, checked, require_valid
from juries.api.filters import choice_filter, flag_filter, id_filter
from juries.api.problems import REFUSED, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import signed_in
from juries.api.runs import RunDetail, run_requested
from juries.tasks import enqueue_run
from models_runner.forms import GenerationForm, LanguageModelForm
from models_runner.models import Generation, LanguageModel
from models_runner.permissions import can_manage_models, can_see_models
from models_runner.selectors.generation import generations_of
from models_runner.selectors.language_models import offered_models, warnings_of
from models_runner.services.generation import GenerationRefused, request_generation
from models_runner.services.language_models import ModelRefused, request_check, save_model

refuse_as(REFUSED, GenerationRefused, ModelRefused)


class SeesModels(BasePermission):
    """Staff; what changes the registry is for those who manage it."""

    message = "Only staff see language models; changing them needs a right to do so."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Ask the predicates."""
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return can_see_models(request.user)
        return can_manage_models(request.user)


class LanguageModelRow(Row):
    """A language model of the registry."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the model.")
    name = serializers.CharField(help_text="As people read it.")
    kind = OneOf(LanguageModel.Kind.choices, help_text="Which backend asks it.")
    location = serializers.CharField(help_text="Hub id, folder, address, package or file.")
    model_id = serializers.CharField(help_text="Its name at an endpoint; empty elsewhere.")
    revision = serializers.CharField(help_text="The pinned revision; empty: none.")
    dtype = OneOf(LanguageModel.Dtype.choices, help_text="Number type.")
    device = serializers.CharField(help_text="Where it runs on the worker's machine.")
    template = OneOf(LanguageModel.Template.choices, help_text="How prompts become text.")
    backend_parameters = serializers.DictField(
        source="parameters", help_text="What else the backend takes."
    )
    key_variable = serializers.CharField(
        help_text="Name of the worker's variable that holds the key; the key is stored nowhere."
    )
    input_price = serializers.DecimalField(
        12, 6, allow_null=True, help_text="Price of a million tokens read; null: not known."
    )
    output_price = serializers.DecimalField(
        12, 6, allow_null=True, help_text="Price of a million tokens written; null: not known."
    )
    currency = serializers.CharField(help_text="Of the prices.")
    requests_per_minute = serializers.IntegerField(help_text="At most; 0: no limit.")
    tokens_per_minute = serializers.IntegerField(help_text="At most; 0: no limit.")
    parallel_requests = serializers.IntegerField(help_text="At most so many at once.")
    timeout_seconds = serializers.IntegerField(help_text="For one request.")
    base_model = serializers.UUIDField(
        source="base_model.public_id",
        default=None,
        allow_null=True,
        help_text="Of an aligned model: id of the one before alignment.",
    )
    description = serializers.CharField(help_text="What else is known of it.")
    is_offered = serializers.BooleanField(help_text="It can be chosen for new work.")
    abilities = serializers.ListField(
        child=serializers.CharField(), help_text="What the last check found that it can give."
    )
    weights_digest = serializers.CharField(
        help_text="SHA-256 of its weights; empty: an endpoint, or never loaded."
    )
    checked_at = serializers.DateTimeField(allow_null=True, help_text="When it was last checked.")
    check_error = serializers.CharField(help_text="Why the last check failed; empty: it did not.")
    warnings = serializers.SerializerMethodField(help_text="What may go wrong with it.")

    def get_warnings(self, model: LanguageModel) -> list[str]:
        """Sentences."""
        return warnings_of(model=model)


def _text(limit: int | None, meaning: str) -> serializers.CharField:
    return serializers.CharField(
        max_length=limit, required=False, allow_blank=True, help_text=meaning
    )


def _count(meaning: str, *, least: int = 0, most: int | None = None) -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False, min_value=least, max_value=most, help_text=meaning
    )


class LanguageModelBody(Body):
    """A model as it is to stand in the registry. What is left out stays, or has its usual value."""

    name = serializers.CharField(max_length=120, help_text="As people shall read it.")
    kind = OneOf(LanguageModel.Kind.choices, help_text="Which backend asks it.")
    location = serializers.CharField(
        max_length=500, help_text="Hub id, folder, address, package or file."
    )
    model_id = _text(200, "Its name at an endpoint.")
    revision = _text(120, "The pinned revision.")
    dtype = OneOf(LanguageModel.Dtype.choices, required=False, help_text="Number type.")
    device = _text(20, "auto, cpu, mps, cuda or cuda:0.")
    template = OneOf(
        LanguageModel.Template.choices, required=False, help_text="How prompts become text."
    )
    backend_parameters = serializers.DictField(
        source="parameters", required=False, help_text="What else the backend takes."
    )
    key_variable = _text(80, "Name of the worker's variable that holds the key; never the key.")
    input_price = serializers.DecimalField(
        12, 6, required=False, allow_null=True, min_value=0, help_text="Of a million tokens read."
    )
    output_price = serializers.DecimalField(
        12, 6, required=False, allow_null=True, min_value=0, help_text="Of a million written."
    )
    currency = _text(3, "Of the prices, such as USD.")
    requests_per_minute = _count("At most; 0: no limit.")
    tokens_per_minute = _count("At most; 0: no limit.")
    parallel_requests = _count("At most so many at once.", least=1, most=64)
    timeout_seconds = _count("For one request.", least=1, most=3600)
    base_model = serializers.UUIDField(
        required=False, allow_null=True, help_text="Id of the model before alignment."
    )
    description = _text(None, "What else is known of it.")
    is_offered = serializers.BooleanField(
        required=False, help_text="It can be chosen for new work."
    )


class LanguageModelFilters(django_filters.FilterSet):
    """Which models."""

    kind = choice_filter("kind", LanguageModel.Kind.choices, "Models of this backend.")
    is_offered = flag_filter("is_offered", "Models that can be chosen for new work, or others.")


def _saved(model: LanguageModel, given: dict[str, Any], request: Request) -> LanguageModel:
    """The administrators' own form, filled from what stands and what was sent."""
    if given.get("base_model") is not None:
        base = LanguageModel.objects.filter(public_id=given["base_model"]).first()
        if base is None:
            raise InvalidInput(InputError("There is no such model.", pointer=pointer("base_model")))
        given = {**given, "base_model": base.pk}
    data = {**model_to_dict(model, fields=LanguageModelForm.Meta.fields), **given}
    form = LanguageModelForm(data, instance=model)
    require_valid(form)
    return save_model(model=form.instance, actor=signed_in(request))


class LanguageModelList(ListAPIView[LanguageModel]):
    """The registry."""

    permission_classes = (IsAuthenticated, SeesModels)
    serializer_class = LanguageModelRow
    filterset_class = LanguageModelFilters
    queryset = LanguageModel.objects.select_related("base_model")

    @extend_schema(summary="List language models")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All models of the registry. For staff."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Register a language model",
        request=LanguageModelBody,
        responses={201: LanguageModelRow},
    )
    def post(self, request: Request) -> Response:
        """Write down how a model is reached. Nothing is asked of it yet: see its check."""
        model = _saved(LanguageModel(), checked(LanguageModelBody, request), request)
        return Response(
            LanguageModelRow(model).data,
            status=201,
            headers={"Location": reverse("api-language-model", args=[model.public_id])},
        )


class OneLanguageModel(GenericAPIView[LanguageModel]):
    """One model."""

    permission_classes = (IsAuthenticated, SeesModels)
    serializer_class = LanguageModelRow
    queryset = LanguageModel.objects.select_related("base_model")

    @extend_schema(summary="Read a language model")
    def get(self, request: Request, model_id: UUID) -> Response:
        """How it is reached, what it can give, what may go wrong. For staff."""
        return Response(LanguageModelRow(self._load(model_id)).data)

    @extend_schema(
        summary="Change a language model",
        request=LanguageModelBody(partial=True),
        responses=LanguageModelRow,
    )
    def patch(self, request: Request, model_id: UUID) -> Response:
        """Change the fields that are sent. What decides answers stays once something was asked."""
        given = checked(LanguageModelBody, request, partial=True)
        return Response(LanguageModelRow(_saved(self._load(model_id), given, request)).data)

    def _load(self, model_id: UUID) -> LanguageModel:
        return get_object_or_404(self.queryset, public_id=model_id)


class LanguageModelCheck(GenericAPIView[LanguageModel]):
    """Asking a model something trivial."""

    permission_classes = (IsAuthenticated, SeesModels)
    serializer_class = RunDetail
    queryset = LanguageModel.objects.all()

    @extend_schema(summary="Check a language model", request=NoBody, responses={202: RunDetail})
    def post(self, request: Request, model_id: UUID) -> Response:
        """Load it and ask something trivial by each of its abilities. Answers with the Run."""
        checked(NoBody, request)
        model = get_object_or_404(LanguageModel, public_id=model_id)
        run = request_check(model=model, requested_by=signed_in(request))
        enqueue_run(run=run)
        return run_requested(run)


class GenerationRow(Row):
    """A completion that was wanted, and what came of it."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the completion.")
    model = serializers.UUIDField(source="model.public_id", help_text="Id of the model.")
    run = serializers.UUIDField(source="run.public_id", help_text="Id of the Run that asked first.")
    query = serializers.UUIDField(source="query.public_id", help_text="Id of the query.")
    response = serializers.UUIDField(
        source="response.public_id",
        default=None,
        allow_null=True,
        help_text="Id of the response that it became; null: none.",
    )
    state = OneOf(Generation.State.choices, help_text="Where it stands.")
    sample = serializers.IntegerField(help_text="Which of several, from 0.")
    prompt = serializers.JSONField(help_text="What was asked: messages, or a text.")
    asked_with = serializers.DictField(
        source="parameters", help_text="What was sent beside it, the seed included."
    )
    prompt_digest = serializers.CharField(help_text="SHA-256 over prompt and parameters.")
    model_identity = serializers.CharField(help_text="SHA-256 over what decides answers.")
    text = serializers.CharField(help_text="What the model answered.")
    finish_reason = serializers.CharField(help_text="Why it ends there; empty: not asked yet.")
    prompt_tokens = serializers.IntegerField(allow_null=True, help_text="Read; null: not known.")
    completion_tokens = serializers.IntegerField(
        allow_null=True, help_text="Written; null: not known."
    )
    cost = serializers.DecimalField(
        14, 8, allow_null=True, help_text="In the model's currency; null: not known."
    )
    attempts = serializers.IntegerField(help_text="How often it was asked.")
    error = serializers.CharField(help_text="Why there is no answer; empty: there is one.")
    done_at = serializers.DateTimeField(allow_null=True, help_text="When it came.")


class GenerationBody(Body):
    """Responses that are wanted of a model, one way of asking for all queries."""

    model = serializers.UUIDField(help_text="Id of a model that is offered.")
    source_name = _text(120, "How the responses are signed; empty: the model's name.")
    system_prompt = _text(20_000, "Sent before each query; empty: nothing.")
    samples = serializers.IntegerField(
        required=False, default=1, help_text="Responses to each query."
    )
    max_tokens = serializers.IntegerField(
        required=False, default=512, help_text="The most tokens of a response."
    )
    temperature = serializers.FloatField(
        required=False, default=1.0, help_text="0 takes the likeliest token each time."
    )
    top_p = serializers.FloatField(
        required=False, default=1.0, help_text="Share of probability that is drawn from."
    )
    seed = serializers.CharField(
        max_length=100, required=False, default="0", help_text="Of the draws."
    )


class GenerationFilters(django_filters.FilterSet):
    """Which completions."""

    state = choice_filter("state", Generation.State.choices, "Completions in this state.")
    query = id_filter("query_id", queries_of, "query", "Completions to this query.")
    model = id_filter(
        "model_id", lambda _: LanguageModel.objects.all(), "model", "Completions of this model."
    )


class GenerationList(StudyList[Generation]):
    """What models were asked for a study."""

    serializer_class = GenerationRow
    filterset_class = GenerationFilters
    queryset = Generation.objects.all()

    def rows(self) -> QuerySet[Generation]:
        """The study's completions."""
        return generations_of(study=self.study)

    @extend_schema(summary="List generated completions")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every prompt with its parameters, and what came of it, oldest first."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Ask a language model for responses",
        request=GenerationBody,
        responses={202: RunDetail},
    )
    def post(self, request: Request, study_id: UUID) -> Response:
        """Have a model answer the study's queries. Watch the Run; restart it to go on."""
        given = checked(GenerationBody, request)
        model = offered_models().filter(public_id=given["model"]).first()
        if model is None:
            raise InvalidInput(
                InputError("No model of this id is offered.", pointer=pointer("model"))
            )
        form = GenerationForm({**given, "model": model.pk})
        require_valid(form)
        run = request_generation(
            study=self.study,
            model=model,
            settings=form.settings,
            source_name=form.cleaned_data["source_name"],
            requested_by=signed_in(request),
        )
        enqueue_run(run=run)
        return run_requested(run)
