"""Reads of background work."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from juries.models import Run, WorkerHeartbeat

WORKER_SILENT_AFTER = timedelta(seconds=30)


def runs_for_list(*, state: str = "") -> QuerySet[Run]:
    """Runs, newest first, without their logs; of one state if it is named."""
    runs = Run.objects.select_related("requested_by").defer("log", "result", "parameters")
    return runs.filter(state=state) if state in Run.State.values else runs


def any_stale(*, now: datetime) -> bool:
    """A running Run has shown no sign of life for too long. Takes no lock, unlike marking it."""
    limit = now - timedelta(seconds=settings.RUN_STALE_AFTER_SECONDS)
    return (
        Run.objects.filter(state=Run.State.RUNNING)
        .filter(Q(heartbeat_at__lt=limit) | Q(heartbeat_at__isnull=True))
        .exists()
    )


def is_waiting_in_vain(*, run: Run, now: datetime) -> bool:
    """The Run is not over, and no worker gave a sign of life within the last 30 seconds."""
    if run.is_final:
        return False
    return not WorkerHeartbeat.objects.filter(seen_at__gte=now - WORKER_SILENT_AFTER).exists()
