"""Background work as rows: asked for, claimed once, watched, ended, started again.

A service that takes more than a second is written as a function of a :class:`RunContext` and
performed by :func:`perform_run` inside a Celery task named like the Run's kind.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import django
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone

import venire
from juries.models import Run, User, WorkerHeartbeat
from juries.services.audit import record_act

logger = logging.getLogger(__name__)

PROGRESS_EVERY_SECONDS = 0.4
WORKER_SILENT_AFTER = timedelta(seconds=30)


class RunCancelled(Exception):
    """Raised inside the work once somebody asked to cancel it."""


class RunRefused(Exception):
    """The work can't be done as asked; the message says why and what to do."""


class RunNotRestartable(Exception):
    """Only a Run that has failed or was cancelled can be started again."""


class RunContext:
    """What the work may use: its Run, progress, cancellation, a log.

    Attributes:
        run: the row as it was when the work began; `run.parameters` says what to do.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._last_write = 0.0

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Write how far the work is, at most every 0.4 s, and stop if a cancel was asked for.

        Raises:
            RunCancelled: somebody asked to cancel this Run.
        """
        now = time.monotonic()
        if now - self._last_write < PROGRESS_EVERY_SECONDS and done < total:
            return
        self._last_write = now
        Run.objects.filter(pk=self.run.pk).update(
            progress_done=done,
            progress_total=total,
            progress_note=note[:300],
            heartbeat_at=timezone.now(),
        )
        self.stop_if_cancelled()

    def is_cancelled(self) -> bool:
        """Somebody asked to cancel this Run."""
        return Run.objects.filter(pk=self.run.pk, cancel_requested=True).exists()

    def stop_if_cancelled(self) -> None:
        """Stop the work if a cancel was asked for.

        Raises:
            RunCancelled: it was.
        """
        if self.is_cancelled():
            raise RunCancelled

    def log(self, line: str) -> None:
        """Append a line, with the time, to the Run's log."""
        _append_log(run_id=self.run.pk, line=line)


def _append_log(*, run_id: int, line: str) -> None:
    stamp = timezone.now().strftime("%H:%M:%S")
    Run.objects.filter(pk=run_id).update(log=Concat(F("log"), Value(f"{stamp} {line}\n")))


@transaction.atomic
def request_run(
    *,
    kind: str,
    title: str,
    parameters: Mapping[str, Any],
    input_digest: str = "",
    seed: str = "",
    requested_by: User | None = None,
    page_path: str = "",
) -> Run:
    """Write down that work is wanted. The caller then enqueues it (`juries.tasks.enqueue_run`).

    Args:
        kind: name of the Celery task that performs it, such as "juries.draw".
        title: a line for people.
        parameters: JSON-ready; all that the task needs.
        input_digest: SHA-256 of the data that it will read, where known beforehand.
        seed: the seed of its randomness.
        requested_by: who asked.
        page_path: path of the page that shows the result.
    """
    return Run.objects.create(
        kind=kind,
        title=title[:200],
        parameters=dict(parameters),
        input_digest=input_digest,
        seed=seed,
        software_version=f"venire {venire.__version__}, django {django.__version__}",
        requested_by=requested_by,
        page_path=page_path,
    )


def perform_run(*, run_id: int, work: Callable[[RunContext], Mapping[str, Any]]) -> None:
    """Claim a queued Run, do its work, and write down what became of it.

    A Run that is no longer queued (delivered twice, cancelled while waiting) is left alone.
    """
    now = timezone.now()
    claimed = Run.objects.filter(pk=run_id, state=Run.State.QUEUED, cancel_requested=False).update(
        state=Run.State.RUNNING, started_at=now, heartbeat_at=now
    )
    if not claimed:
        logger.info("run not queued any more", extra={"run": run_id})
        return
    run = Run.objects.get(pk=run_id)
    stop = threading.Event()
    beat = threading.Thread(target=_keep_beating, args=(run_id, stop), daemon=True)
    beat.start()
    try:
        result = work(RunContext(run))
    except RunCancelled:
        _finish(run_id=run_id, state=Run.State.CANCELLED, error="Cancelled on request.")
    except RunRefused as refusal:
        _finish(run_id=run_id, state=Run.State.FAILED, error=str(refusal))
    except Exception as problem:
        # The border between work and record: whatever broke must stand on the Run.
        logger.exception("run failed", extra={"run": str(run.public_id), "kind": run.kind})
        _append_log(run_id=run_id, line=traceback.format_exc())
        message = str(problem) or "no message"
        _finish(
            run_id=run_id,
            state=Run.State.FAILED,
            error=f"{type(problem).__name__}: {message} (the log below has the place)",
        )
    else:
        _finish(run_id=run_id, state=Run.State.SUCCEEDED, result=result)
    finally:
        stop.set()
        beat.join()


def _keep_beating(run_id: int, stop: threading.Event) -> None:
    """A sign of life while the work is inside a long computation."""
    try:
        while not stop.wait(settings.RUN_HEARTBEAT_SECONDS):
            try:
                Run.objects.filter(pk=run_id).update(heartbeat_at=timezone.now())
            except DatabaseError:
                # Locked or away for a moment; the next beat tries again.
                logger.warning("no heartbeat written", extra={"run": run_id}, exc_info=True)
                connection.close()
    finally:
        connection.close()


def _finish(
    *, run_id: int, state: str, result: Mapping[str, Any] | None = None, error: str = ""
) -> None:
    Run.objects.filter(pk=run_id, state=Run.State.RUNNING).update(
        state=state, result=dict(result or {}), error=error, finished_at=timezone.now()
    )


@transaction.atomic
def request_cancel(*, run: Run, actor: User | None = None) -> None:
    """Ask a Run to stop. One that still waits is cancelled at once.

    Args:
        run: asking once more, or after its end, changes nothing.
        actor: who asks; None: the system itself.
    """
    if Run.objects.filter(
        pk=run.pk, cancel_requested=False, state__in=(Run.State.QUEUED, Run.State.RUNNING)
    ).update(cancel_requested=True):
        _record_steering(run=run, verb="asked to cancel the run", actor=actor)
    Run.objects.filter(pk=run.pk, state=Run.State.QUEUED).update(
        state=Run.State.CANCELLED,
        error="Cancelled on request before it started.",
        finished_at=timezone.now(),
    )


@transaction.atomic
def restart_run(*, run: Run, actor: User | None = None) -> Run:
    """Queue a failed or cancelled Run again with the same parameters; the log is kept.

    Args:
        run: what is started.
        actor: who asks; None: the system itself.

    Raises:
        RunNotRestartable: it is waiting, running or has succeeded.
    """
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if locked.state not in (Run.State.FAILED, Run.State.CANCELLED):
        raise RunNotRestartable(
            f"This run is {locked.get_state_display().lower()}; only one that failed or was "
            "cancelled can be started again."
        )
    locked.log += f"--- attempt {locked.attempt} ended: {locked.error}\n"
    locked.attempt += 1
    locked.state = Run.State.QUEUED
    locked.cancel_requested = False
    locked.error = ""
    locked.result = {}
    locked.progress_done = 0
    locked.progress_total = 0
    locked.progress_note = ""
    locked.started_at = None
    locked.heartbeat_at = None
    locked.finished_at = None
    locked.save()
    _record_steering(run=locked, verb="started the run again", actor=actor)
    return locked


def _record_steering(*, run: Run, verb: str, actor: User | None) -> None:
    record_act(
        actor=actor, verb=verb, subject=run, details={"kind": run.kind, "attempt": run.attempt}
    )


@transaction.atomic
def fail_unsent_run(*, run_id: int, reason: str) -> None:
    """Write on a Run that its broker could not be reached."""
    Run.objects.filter(pk=run_id, state=Run.State.QUEUED).update(
        state=Run.State.FAILED, error=reason, finished_at=timezone.now()
    )


@transaction.atomic
def fail_stale_runs(*, now: datetime) -> int:
    """Mark Runs whose worker went silent as failed; returns how many."""
    limit = now - timedelta(seconds=settings.RUN_STALE_AFTER_SECONDS)
    return (
        Run.objects.filter(state=Run.State.RUNNING)
        .filter(Q(heartbeat_at__lt=limit) | Q(heartbeat_at__isnull=True))
        .update(
            state=Run.State.FAILED,
            error=(
                "The worker stopped answering while it worked on this: it was ended or ran out "
                "of memory. Start it again; if it fails again, look at the worker's log."
            ),
            finished_at=now,
        )
    )


@transaction.atomic
def record_worker_heartbeat(*, hostname: str, pid: int, now: datetime) -> None:
    """Write a worker's sign of life, and forget workers that have been silent for a day."""
    WorkerHeartbeat.objects.update_or_create(
        hostname=hostname,
        defaults={"pid": pid, "seen_at": now, "software_version": venire.__version__},
    )
    WorkerHeartbeat.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()


def worker_answers(*, now: datetime) -> bool:
    """A worker gave a sign of life within the last 30 seconds."""
    return WorkerHeartbeat.objects.filter(seen_at__gte=now - WORKER_SILENT_AFTER).exists()
