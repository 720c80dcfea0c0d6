"""Runs: background work asked for, watched, cancelled, started again."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from juries.api.bodies import NoBody, OneOf, Row, checked
from juries.api.filters import choice_filter, since_filter
from juries.api.problems import REFUSED, refuse_as
from juries.api.rights import signed_in
from juries.models import Run, User
from juries.permissions import can_see_runs, can_steer_run
from juries.selectors.runs import is_waiting_in_vain
from juries.services import runs
from juries.tasks import enqueue_run

refuse_as(REFUSED, runs.RunNotRestartable)


class ProgressRow(Row):
    """How far a Run is."""

    done = serializers.IntegerField(source="progress_done", help_text="Units done.")
    total = serializers.IntegerField(source="progress_total", help_text="Units; 0: not known yet.")
    share = serializers.FloatField(
        source="share_done", allow_null=True, help_text="Share done, 0 to 1; null: not known yet."
    )
    note = serializers.CharField(source="progress_note", help_text="What it is at, in words.")


class RunRow(Row):
    """A Run."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the Run.")
    kind = serializers.CharField(help_text="What is done, such as juries.draw.")
    title = serializers.CharField(help_text="A line for people.")
    state = OneOf(Run.State.choices, help_text="Where it stands.")
    progress = ProgressRow(source="*", help_text="How far it is.")
    seed = serializers.CharField(help_text="Seed of its randomness; empty: none.")
    input_digest = serializers.CharField(help_text="SHA-256 of what it read; empty: not known yet.")
    software_version = serializers.CharField(help_text="What performs it.")
    attempt = serializers.IntegerField(help_text="1, and one more for each new start.")
    result = serializers.JSONField(help_text="What came of it, once it has succeeded.")
    error = serializers.CharField(help_text="Why it failed, and what to do; empty otherwise.")
    cancel_requested = serializers.BooleanField(help_text="Somebody asked it to stop.")
    created_at = serializers.DateTimeField(help_text="When it was asked for.")
    started_at = serializers.DateTimeField(allow_null=True, help_text="When a worker took it.")
    finished_at = serializers.DateTimeField(allow_null=True, help_text="When it ended.")


class RunDetail(RunRow):
    """A Run, and whether anybody is there to perform it."""

    worker_is_silent = serializers.SerializerMethodField(
        help_text="It is not over, and no worker gave a sign of life for 30 seconds."
    )

    def get_worker_is_silent(self, run: Run) -> bool:
        """Nobody is there to perform it."""
        return is_waiting_in_vain(run=run, now=timezone.now())


class RunFilters(django_filters.FilterSet):
    """Which Runs."""

    state = choice_filter("state", Run.State.choices, "Runs in this state.")
    kind = django_filters.CharFilter(help_text="Runs of this kind, such as juries.draw.")
    since = since_filter("created_at", "Runs asked for at this moment or later.")


def runs_seen_by(user: User) -> QuerySet[Run]:
    """Staff see every Run, others those that they asked for."""
    found = Run.objects.defer("log", "parameters")
    return found if can_see_runs(user) else found.filter(requested_by=user)


def run_requested(run: Run) -> Response:
    """The answer to a request for background work: 202, the Run, and where to watch it."""
    return Response(
        RunDetail(run).data,
        status=202,
        headers={"Location": reverse("api-run", args=[run.public_id])},
    )


class RunList(ListAPIView[Run]):
    """Runs."""

    serializer_class = RunRow
    filterset_class = RunFilters
    queryset = Run.objects.all()
    newest_first = True

    def get_queryset(self) -> QuerySet[Run]:
        """Those that the user may see."""
        return runs_seen_by(signed_in(self.request))

    @extend_schema(summary="List Runs")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Background work, newest first: your own, and everybody's where you are staff."""
        runs.fail_stale_runs(now=timezone.now())
        return self.list(request, *args, **kwargs)


class RunView(GenericAPIView[Run]):
    """One Run."""

    serializer_class = RunDetail
    queryset = Run.objects.all()

    @extend_schema(summary="Read a Run")
    def get(self, request: Request, run_id: UUID) -> Response:
        """How far it is, and what came of it. Ask again every few seconds until it has ended."""
        runs.fail_stale_runs(now=timezone.now())
        return Response(RunDetail(_load(request, run_id)).data)


class RunCancel(GenericAPIView[Run]):
    """Stopping a Run."""

    serializer_class = RunDetail
    queryset = Run.objects.all()

    @extend_schema(summary="Cancel a Run", request=NoBody, responses={202: RunDetail})
    def post(self, request: Request, run_id: UUID) -> Response:
        """Ask it to stop. One that waits is cancelled at once, one at work at its next step."""
        checked(NoBody, request)
        run = _load_to_steer(request, run_id)
        runs.request_cancel(run=run, actor=signed_in(request))
        run.refresh_from_db()
        return run_requested(run)


class RunRestart(GenericAPIView[Run]):
    """Starting a Run again."""

    serializer_class = RunDetail
    queryset = Run.objects.all()

    @extend_schema(summary="Start a Run again", request=NoBody, responses={202: RunDetail})
    def post(self, request: Request, run_id: UUID) -> Response:
        """Queue one that failed or was cancelled, with the same parameters."""
        checked(NoBody, request)
        run = runs.restart_run(run=_load_to_steer(request, run_id), actor=signed_in(request))
        enqueue_run(run=run)
        return run_requested(run)


def _load(request: Request, run_id: UUID) -> Run:
    return get_object_or_404(runs_seen_by(signed_in(request)), public_id=run_id)


def _load_to_steer(request: Request, run_id: UUID) -> Run:
    run = _load(request, run_id)
    if not can_steer_run(signed_in(request), run):
        raise PermissionDenied(
            "Staff who asked for a Run, and staff who manage juries, may steer it."
        )
    return run
