"""The page on which researchers label which answers a response expresses."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from annotations.permissions import can_edit_study
from annotations.views.guards import signed_in, viewable_study
from overton.forms import LabelForm, ResolutionForm
from overton.models import ExpressionLabel
from overton.selectors.labelling import Show, labelling_page
from overton.services.labels import LabelRefused, label_expression, resolve_labels

KEYS = {
    ExpressionLabel.Label.EXPRESSES: "e",
    ExpressionLabel.Label.DOES_NOT: "d",
    ExpressionLabel.Label.CONTRADICTS: "x",
}

FILTERS = {
    Show.WAITING: "not labelled by me",
    Show.UNLABELLED: "labelled by nobody",
    Show.DIFFERING: "readers differ",
    Show.UNSURE: "the model is unsure",
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def labels(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """One pair after the other; what others said of a pair is shown after one's own word."""
    study = viewable_study(request, public_id)
    researcher = signed_in(request)
    can_label = can_edit_study(researcher, study)
    if request.method == "POST" and not can_label:
        raise Http404("Only the study's owner and editors may label.")
    show = _show(request.POST.get("show", "") or request.GET.get("show", ""))
    asked = _ids(request.GET.get("pair", ""))
    resolution = ResolutionForm(study=study)
    if request.method == "POST":
        here = reverse("study-labels", args=[study.public_id])
        try:
            if "decide" in request.POST:
                resolution = ResolutionForm(request.POST, study=study)
                asked = _ids(f"{request.POST.get('response')}.{request.POST.get('answer')}")
                if resolution.is_valid():
                    resolve_labels(
                        **resolution.cleaned_data, researcher=researcher, now=timezone.now()
                    )
                    messages.success(request, "It stands as you decided; every reading is kept.")
                    return redirect(f"{here}?show={show}#pair")
            else:
                form = LabelForm(request.POST, study=study)
                if form.is_valid():
                    label_expression(**form.cleaned_data, researcher=researcher, now=timezone.now())
                    return redirect(f"{here}?{_next(show, form)}#pair")
                for errors in form.errors.values():
                    messages.error(request, " ".join(str(error) for error in errors))
        except LabelRefused as refusal:
            messages.error(request, str(refusal))
    page = labelling_page(
        study=study,
        researcher=researcher,
        show=show,
        asked=asked,
        previous=_ids(request.GET.get("after", "")),
    )
    return render(
        request,
        "overton/labels.html",
        {
            "study": study,
            "can_label": can_label,
            "tab": "study-labels",
            "page": page,
            "resolution": resolution,
            "filters": [(one.value, words) for one, words in FILTERS.items()],
            "labels": [(label.value, label.label, KEYS[label]) for label in KEYS],
        },
        status=400 if request.method == "POST" else 200,
    )


def _show(text: str) -> Show:
    """Which pairs are gone through; those that wait for the reader if nothing else is asked."""
    return Show(text) if text in list(Show) else Show.WAITING


def _next(show: Show, form: LabelForm) -> str:
    """Where to go after a label: to the next pair, or where people differ to the same once more."""
    pair = f"{form.cleaned_data['response'].public_id}.{form.cleaned_data['answer'].public_id}"
    return f"show={show}&{'pair' if show == Show.DIFFERING else 'after'}={pair}"


def _ids(text: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Public ids of a response and an answer from "RESPONSE.ANSWER"; None for anything else."""
    response, _, answer = text.partition(".")
    try:
        return uuid.UUID(response), uuid.UUID(answer)
    except ValueError:
        return None
