"""The registry of language models in the admin, and what was asked of them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from annotations.models import Study
from annotations.permissions import can_edit_study
from juries.models import Run, User
from juries.tasks import enqueue_run
from models_runner.forms import LanguageModelForm
from models_runner.models import Generation, LanguageModel
from models_runner.permissions import can_manage_models
from models_runner.selectors.language_models import warnings_of, why_fixed
from models_runner.services.generation import (
    GenerationRefused,
    GenerationSettings,
    request_generation,
)
from models_runner.services.language_models import request_check, save_model


@admin.register(LanguageModel)
class LanguageModelAdmin(admin.ModelAdmin[LanguageModel]):
    """Which models there are and how they are reached. A row stays; it is offered no more."""

    form = LanguageModelForm
    change_form_template = "admin/models_runner/language_model_change_form.html"
    list_display = ("name", "kind", "revision", "is_offered", "state")
    list_filter = ("kind", "is_offered")
    list_select_related = ("check_run",)
    search_fields = ("name", "location", "model_id")
    actions = ("check_models", "answer_study")
    autocomplete_fields = ("base_model",)
    fieldsets = (
        (None, {"fields": ("name", "kind", "location", "model_id", "revision", "is_offered")}),
        ("How it runs", {"fields": (("dtype", "device", "template"), "parameters")}),
        (
            "An endpoint",
            {
                "fields": (
                    "key_variable",
                    ("requests_per_minute", "tokens_per_minute"),
                    ("parallel_requests", "timeout_seconds"),
                    ("input_price", "output_price", "currency"),
                )
            },
        ),
        ("What it is", {"fields": ("base_model", "description")}),
    )

    @admin.display(description="last check")
    def state(self, model: LanguageModel) -> str:
        """What the last check found, with its Run."""
        run = model.check_run
        if run is None:
            return "never checked"
        if not run.is_final:
            words = "being checked"
        elif model.check_error or run.error:
            words = "failed"
        else:
            words = "answers"
        return format_html('<a href="{}">{}</a>', reverse("run", args=[run.public_id]), words)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The row, with what may go wrong and what the last check found."""
        model = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if model is not None:
            context |= {
                "language_model": model,
                "warnings": warnings_of(model=model),
                "why_fixed": why_fixed(model=model),
            }
        return super().change_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: LanguageModel, form: Any, change: bool) -> None:
        """Write the row through its service; the form has been checked by the same rules."""
        save_model(model=obj, actor=_user(request))

    def response_change(self, request: HttpRequest, obj: LanguageModel) -> HttpResponse:
        """The button beside "save" checks the model, too."""
        if "_check" in request.POST:
            self._check(request, [obj])
            return HttpResponseRedirect(request.path)
        return super().response_change(request, obj)

    @admin.action(description="Check: load it and ask something trivial")
    def check_models(self, request: HttpRequest, queryset: QuerySet[LanguageModel]) -> None:
        """Ask each chosen model something trivial, in a Run each."""
        self._check(request, list(queryset))

    def has_check_permission(self, request: HttpRequest) -> bool:
        """Who may change the registry."""
        return can_manage_models(_user(request))

    check_models.allowed_permissions = ("check",)  # type: ignore[attr-defined]  # Django's way

    @admin.action(description="Answer the queries of a study")
    def answer_study(
        self, request: HttpRequest, queryset: QuerySet[LanguageModel]
    ) -> HttpResponse | None:
        """Ask for the study, then have each chosen model answer its queries, in a Run each."""
        user = _user(request)
        studies = [own for own in Study.objects.visible_to(user) if can_edit_study(user, own)]
        wanted = request.POST.get("study", "")
        study = next((own for own in studies if str(own.pk) == wanted), None)
        if "chosen" not in request.POST or study is None:
            return TemplateResponse(
                request,
                "admin/models_runner/choose_study_to_answer.html",
                {
                    **self.admin_site.each_context(request),
                    "opts": self.opts,
                    "title": "Answer the queries of a study",
                    "models": list(queryset),
                    "studies": studies,
                },
            )
        for model in queryset:
            try:
                run = request_generation(
                    study=study, model=model, settings=GenerationSettings(), requested_by=user
                )
            except GenerationRefused as refusal:
                messages.error(request, f"{model}: {refusal}")
                continue
            enqueue_run(run=run)
            self._tell(request, "{} is being asked", model, run)
        return None

    def _check(self, request: HttpRequest, models: list[LanguageModel]) -> None:
        for model in models:
            run = request_check(model=model, requested_by=_user(request))
            enqueue_run(run=run)
            self._tell(request, "{} is being checked", model, run)

    def _tell(self, request: HttpRequest, words: str, model: LanguageModel, run: Run) -> None:
        url = reverse("run", args=[run.public_id])
        messages.success(
            request, format_html(words + ': <a href="{}">watch the run</a>.', model, url)
        )

    def has_delete_permission(self, request: HttpRequest, obj: LanguageModel | None = None) -> bool:
        """A row explains what was asked; it is offered no more instead."""
        return False


@admin.register(Generation)
class GenerationAdmin(admin.ModelAdmin[Generation]):
    """Every prompt and what came of it: to look at, not to change."""

    list_display = ("model", "query", "sample", "state", "finish_reason", "cost", "done_at")
    list_filter = ("state", "finish_reason", "model")
    list_select_related = ("model", "query")
    search_fields = ("text", "query__external_id", "prompt_digest")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They come from Runs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Generation | None = None) -> bool:
        """What a model has said stays as it is."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Generation | None = None) -> bool:
        """A record of what was asked is kept."""
        return False


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
