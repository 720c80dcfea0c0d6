"""Celery tasks of the juries app, the way a Run is sent off, and the worker's sign of life."""

import logging
import os
import threading
from typing import Any

from celery import current_app, shared_task
from celery.signals import worker_ready, worker_shutdown
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from juries.models import Run
from juries.services import (
    alternates,
    comparisons,
    draws,
    mailing,
    pool_imports,
    replacements,
    runs,
)

logger = logging.getLogger(__name__)

WORKER_BEAT_SECONDS = 10.0
_worker_stops = threading.Event()


@shared_task(name=draws.KIND)
def draw(run_id: int) -> None:
    """Draw a jury."""
    runs.perform_run(run_id=run_id, work=draws.perform_draw)


@shared_task(name=comparisons.KIND)
def compare(run_id: int) -> None:
    """Put objectives side by side."""
    runs.perform_run(run_id=run_id, work=comparisons.perform_comparison)


@shared_task(name=replacements.KIND)
def replace(run_id: int) -> None:
    """Draw replacements for vacant seats."""
    runs.perform_run(run_id=run_id, work=replacements.perform_replacement)


@shared_task(name=alternates.KIND)
def draw_alternates(run_id: int) -> None:
    """Draw alternates in advance."""
    runs.perform_run(run_id=run_id, work=alternates.perform_alternates)


@shared_task(name=mailing.KIND)
def mail_invitations(run_id: int) -> None:
    """Mail personal links."""
    runs.perform_run(run_id=run_id, work=mailing.perform_mailing)


@shared_task(name=pool_imports.KIND)
def import_pool(run_id: int) -> None:
    """Import a large pool."""
    runs.perform_run(run_id=run_id, work=pool_imports.perform_import)


def enqueue_run(*, run: Run) -> None:
    """Send a Run to the workers once the surrounding transaction has been committed."""
    transaction.on_commit(lambda: _send(run_id=run.pk, kind=run.kind))


def _send(*, run_id: int, kind: str) -> None:
    try:
        current_app.send_task(kind, args=[run_id])
    except (OperationalError, OSError) as problem:
        logger.exception("broker not reached", extra={"run": run_id})
        runs.fail_unsent_run(
            run_id=run_id,
            reason=(
                f"The broker that hands work to the workers could not be reached ({problem}). "
                "Check VENIRE_BROKER_URL and start this again."
            ),
        )


@worker_ready.connect
def _start_beating(sender: Any = None, **_: Any) -> None:
    hostname = str(getattr(sender, "hostname", "worker"))
    _worker_stops.clear()
    threading.Thread(target=_beat, args=(hostname,), daemon=True).start()


@worker_shutdown.connect
def _stop_beating(**_: Any) -> None:
    _worker_stops.set()


def _beat(hostname: str) -> None:
    """Write a sign of life every ten seconds, and fail the Runs of workers that have none."""
    while True:
        try:
            now = timezone.now()
            runs.record_worker_heartbeat(hostname=hostname, pid=os.getpid(), now=now)
            runs.fail_stale_runs(now=now)
        except DatabaseError:
            # The database is away for a moment; the next beat tries again.
            logger.warning("no heartbeat written", exc_info=True)
            connection.close()
        if _worker_stops.wait(WORKER_BEAT_SECONDS):
            connection.close()
            return
