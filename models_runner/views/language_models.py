"""A study's language models: who can answer, at what price, and the Runs that asked."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from annotations.models import Study
from annotations.permissions import can_edit_study
from annotations.views.guards import editable_study, signed_in, viewable_study
from juries.services.runs import worker_answers
from juries.tasks import enqueue_run
from models_runner.forms import GenerationForm
from models_runner.permissions import can_manage_models
from models_runner.selectors.generation import (
    Estimate,
    askable_queries,
    estimate,
    generation_runs,
)
from models_runner.selectors.language_models import offered_models
from models_runner.services.generation import GenerationRefused, request_generation


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def generation(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The models on offer and what they were asked; a POST shows the cost, or asks."""
    if request.method != "POST":
        return _page(request, viewable_study(request, public_id), GenerationForm())
    study = editable_study(request, public_id)
    form = GenerationForm(request.POST)
    if not form.is_valid():
        return _page(request, study, form, status=422)
    if request.POST.get("do") == "estimate":
        return _page(request, study, form, estimated=_estimate(study, form))
    try:
        run = request_generation(
            study=study,
            model=form.cleaned_data["model"],
            settings=form.settings,
            source_name=form.cleaned_data["source_name"],
            requested_by=signed_in(request),
        )
    except GenerationRefused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return _page(request, study, form, status=422)
    enqueue_run(run=run)
    messages.success(request, "The model is being asked; each response is kept as it arrives.")
    return redirect("run", public_id=run.public_id)


def _estimate(study: Study, form: GenerationForm) -> Estimate:
    return estimate(
        study=study,
        model=form.cleaned_data["model"],
        system_prompt=form.settings.system_prompt,
        samples=form.settings.samples,
        max_tokens=form.settings.max_tokens,
    )


def _page(
    request: HttpRequest,
    study: Study,
    form: GenerationForm,
    *,
    estimated: Estimate | None = None,
    status: int = 200,
) -> HttpResponse:
    queries, left_out = askable_queries(study=study)
    user = signed_in(request)
    return render(
        request,
        "models_runner/generation/page.html",
        {
            "study": study,
            "tab": "study-generation",
            "models": list(offered_models()),
            "form": form,
            "estimated": estimated,
            "chosen": form.cleaned_data.get("model") if estimated else None,
            "rows": generation_runs(study=study),
            "queries": len(queries),
            "left_out": left_out,
            "can_edit": can_edit_study(user, study),
            "can_manage": can_manage_models(user),
            "worker_answers": worker_answers(now=timezone.now()),
        },
        status=status,
    )
