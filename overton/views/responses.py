"""A response with the answers that it expresses, where it does, and a way to say otherwise."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from annotations.models import Response
from annotations.permissions import can_edit_study
from annotations.views.guards import signed_in, viewable_study
from overton.domain.labels import ExpressionLabel as Label
from overton.forms import LabelForm
from overton.models import ExpressionLabel
from overton.selectors.responses import response_page
from overton.services.labels import label_expression

# What counts, as headings, in the order in which they stand.
PARTS = (
    (Label.EXPRESSES, "What it expresses"),
    (None, "Not settled"),
    (Label.CONTRADICTS, "What it contradicts"),
    (Label.DOES_NOT, "What it leaves out"),
)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def response(request: HttpRequest, public_id: uuid.UUID, response_id: uuid.UUID) -> HttpResponse:
    """One response; a researcher's label sent here prevails over what a model read."""
    study = viewable_study(request, public_id)
    researcher = signed_in(request)
    can_label = can_edit_study(researcher, study)
    row = get_object_or_404(
        Response.objects.select_related("query", "source"),
        query__study=study,
        query__check_kind="",
        public_id=response_id,
    )
    if request.method == "POST" and not can_label:
        raise Http404("Only the study's owner and editors may label.")
    if request.method == "POST":
        form = LabelForm({**request.POST.dict(), "response": row.public_id}, study=study)
        if form.is_valid():
            label_expression(
                response=row,
                answer=form.cleaned_data["answer"],
                label=form.cleaned_data["label"],
                now=timezone.now(),
                researcher=researcher,
                beside_reading=True,
            )
            word = ExpressionLabel.Label(form.cleaned_data["label"]).label
            messages.success(
                request,
                f"You say that the response {word}. That counts from now on, whatever a model "
                "reads.",
            )
            return redirect(reverse("study-response", args=[study.public_id, row.public_id]))
        for errors in form.errors.values():
            messages.error(request, " ".join(str(error) for error in errors))
    page = response_page(study=study, response=row, researcher=researcher)
    return render(
        request,
        "overton/response.html",
        {
            "study": study,
            "tab": "study-coverage",
            "page": page,
            "parts": [
                (heading, answers) for label, heading in PARTS if (answers := page.having(label))
            ],
            "labels": ExpressionLabel.Label.choices,
            "can_label": can_label,
        },
        status=400 if request.method == "POST" else 200,
    )
