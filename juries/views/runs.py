"""Background work: all of it, one piece, its progress, cancelling and starting again."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from juries.models import Run, User
from juries.permissions import can_see_runs, can_steer_run
from juries.selectors.runs import any_stale, is_waiting_in_vain, runs_for_list
from juries.services import runs
from juries.tasks import enqueue_run
from juries.views.access import open_to

RUNS_PER_PAGE = 50


@open_to(can_see_runs)
@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """All Runs, newest first."""
    _tell_stale()
    state = request.GET.get("state", "")
    page = Paginator(runs_for_list(state=state), RUNS_PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "juries/run_list.html",
        {"page": page, "states": Run.State.choices, "state": state},
    )


@open_to(can_see_runs)
@require_safe
def run_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One Run with all that stands on it."""
    _tell_stale()
    run = get_object_or_404(Run.objects.select_related("requested_by"), public_id=public_id)
    return render(request, "juries/run.html", _panel_context(request, run))


@open_to(can_see_runs)
@require_safe
def run_panel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The part of the page that shows progress, asked for again while the work goes on."""
    _tell_stale()
    run = get_object_or_404(Run.objects.select_related("requested_by"), public_id=public_id)
    template = "juries/_run_whole.html" if "whole" in request.GET else "juries/_run_panel.html"
    return render(request, template, _panel_context(request, run))


@open_to(can_see_runs)
@require_POST
def run_cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Ask a Run to stop."""
    run = _load_to_steer(request, public_id)
    runs.request_cancel(run=run, actor=_user(request))
    messages.info(request, "Cancelling was asked for; work in progress stops at its next step.")
    return redirect("run", public_id=public_id)


@open_to(can_see_runs)
@require_POST
def run_restart(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Queue a Run that failed or was cancelled again."""
    run = _load_to_steer(request, public_id)
    try:
        enqueue_run(run=runs.restart_run(run=run, actor=_user(request)))
    except runs.RunNotRestartable as refusal:
        messages.error(request, str(refusal))
    return redirect("run", public_id=public_id)


def _tell_stale() -> None:
    """Mark Runs as failed whose worker went silent, even while no worker is there to do it."""
    now = timezone.now()
    if any_stale(now=now):
        runs.fail_stale_runs(now=now)


def _load_to_steer(request: HttpRequest, public_id: UUID) -> Run:
    run = get_object_or_404(Run, public_id=public_id)
    if not can_steer_run(request.user, run):
        raise PermissionDenied("Only who asked for this run may cancel it or start it again.")
    return run


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _panel_context(request: HttpRequest, run: Run) -> dict[str, object]:
    return {
        "run": run,
        "can_steer": can_steer_run(request.user, run),
        "worker_silent": is_waiting_in_vain(run=run, now=timezone.now()),
    }
