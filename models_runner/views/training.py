"""A study's reward models: train, and see what they can foresee."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotations.permissions import can_edit_study
from annotations.views.guards import editable_study, signed_in, viewable_study
from juries.services.runs import worker_answers
from juries.tasks import enqueue_run
from models_runner.forms import TrainingForm
from models_runner.models import RewardTraining
from models_runner.services.training import request_training


@login_required
@require_safe
def models(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """All trainings of a study, newest first, and the form for another."""
    study = viewable_study(request, public_id)
    return render(
        request,
        "models_runner/training.html",
        {
            "study": study,
            "tab": "study-models",
            "trainings": RewardTraining.objects.filter(study=study)
            .select_related("criterion", "run")
            .order_by("-created_at", "-id")[:50],
            "form": TrainingForm(study=study),
            "can_edit": can_edit_study(signed_in(request), study),
            "worker_answers": worker_answers(now=timezone.now()),
        },
    )


@login_required
@require_POST
def train(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Ask for one training."""
    study = editable_study(request, public_id)
    form = TrainingForm(request.POST, study=study)
    if not form.is_valid():
        for problems in form.errors.values():
            messages.error(request, " ".join(str(problem) for problem in problems))
        return redirect("study-models", public_id=study.public_id)
    training = request_training(
        criterion=form.cleaned_data["criterion"],
        method=form.cleaned_data["method"],
        requested_by=signed_in(request),
    )
    enqueue_run(run=training.run)
    return redirect("run", public_id=training.run.public_id)
