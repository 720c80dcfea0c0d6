"""How well a model reads which answers the responses express, and having one read them."""

import uuid

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from annotations.models import Study
from annotations.permissions import can_edit_study
from annotations.views.guards import signed_in, viewable_study
from juries.services.runs import worker_answers
from juries.tasks import enqueue_run
from overton.figures.reliability import (
    METRIC_MEANS,
    METRIC_NAMES,
    metrics_table,
    reliability_figure,
)
from overton.forms import ReadingForm
from overton.models import EntailmentReading
from overton.ports import declared_choice
from overton.selectors.people_judge import PEOPLE
from overton.selectors.reading_pages import CurrentReading, readings_page
from overton.services.entailment import READING_KIND, ReadingRefused, request_reading
from overton.views.files import downloads, drawn_file, shown_drawn, table_file

# Of each part of the labelled pairs these are shown; the file has all.
SHORT = ("f1", "kappa", "auc")
OF_TRAPS = ("accuracy", "f1", "auc")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def readings(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Report cards and history; a POST asks a model to read the responses."""
    study = viewable_study(request, public_id)
    can_edit = can_edit_study(signed_in(request), study)
    if request.method == "POST" and not can_edit:
        raise Http404("Only the study's owner and editors may have its responses read.")
    form = _form(request)
    if request.method == "POST" and form.is_valid():
        if readings_page(study=study, kind=READING_KIND).pending is not None:
            messages.info(request, "The responses are being read already.")
            return redirect("study-readings", public_id=study.public_id)
        try:
            run = request_reading(
                study=study,
                requested_by=signed_in(request),
                mode=form.cleaned_data["mode"],
                backend=form.backend(),
            )
        except ReadingRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            enqueue_run(run=run)
            messages.success(request, "The responses are being read; this page will show it.")
            return redirect("study-readings", public_id=study.public_id)
    page = readings_page(study=study, kind=READING_KIND)
    return render(
        request,
        "overton/readings.html",
        {
            "study": study,
            "tab": "study-coverage",
            "page": page,
            "cards": [_card(study, own) for own in page.current],
            "form": form,
            "can_edit": can_edit,
            "worker_answers": worker_answers(now=timezone.now()),
        },
        status=400 if form.errors else 200,
    )


@login_required
@require_safe
def download(
    request: HttpRequest, public_id: uuid.UUID, mode: str, figure: str, form: str
) -> HttpResponse:
    """The reliability plot, or the whole report card as CSV or JSON."""
    study = viewable_study(request, public_id)
    own = next(
        (
            own
            for own in readings_page(study=study, kind=READING_KIND).current
            if own.reading.mode == mode
        ),
        None,
    )
    if own is None or figure not in ("reliability", "card") or not own.card.pairs:
        raise Http404("This study has no such reading, or nobody has labelled pairs of it.")
    run = "" if own.reading.run is None else str(own.reading.run.public_id)
    name = f"{study.slug}-{mode}-{figure}"
    if figure == "card":
        return table_file(
            study=study, table=metrics_table(own.card), name=name, form=form, run_id=run
        )
    return drawn_file(
        study=study, drawn=reliability_figure(own.card), name=name, form=form, run_id=run
    )


def _form(request: HttpRequest) -> ReadingForm:
    choice = declared_choice()
    usual = f"{choice.backend}, {choice.model}" if choice.model else choice.backend
    return ReadingForm(
        request.POST if request.method == "POST" else None,
        usual=usual,
        # People's labels come first in any reading; they read no passages.
        backends=[
            name for name in settings.ENTAILMENT_BACKENDS if name not in (choice.backend, PEOPLE)
        ],
        initial={"mode": EntailmentReading.Mode.ENTAILMENT},
    )


def _card(study: Study, own: CurrentReading) -> dict[str, object]:
    """A report card as the template takes it."""
    reading, card = own.reading, own.card
    address = ("study-readings-download", (study.public_id, reading.mode))
    run = "" if reading.run is None else str(reading.run.public_id)
    shown: dict[str, object] = {"own": own, "reading": reading, "card": card}
    if card.by_trap:
        shown["of_traps"] = [METRIC_NAMES[key] for key in OF_TRAPS]
        shown["traps"] = [
            (name, [found[key] for key in OF_TRAPS]) for name, found in card.by_trap.items()
        ]
    if not card.pairs:
        return shown
    figure = shown_drawn(study=study, drawn=reliability_figure(card), address=address, run_id=run)
    return shown | {
        "metrics": [
            (METRIC_NAMES[name], card.metrics[name], METRIC_MEANS[name]) for name in METRIC_NAMES
        ],
        "lengths": [
            (name, [found[key] for key in SHORT]) for name, found in card.by_length.items()
        ],
        "short": [METRIC_NAMES[key] for key in SHORT],
        "figure": figure | {"id": f"reliability-{reading.mode}"},
        "files": downloads(address=address, key="card", query="", forms=("csv", "json")),
    }
