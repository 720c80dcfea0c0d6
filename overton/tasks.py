"""Celery tasks of the overton app: a Run's id in, one service call."""

from celery import shared_task

from juries.services.runs import perform_run
from overton.services import entailment, merging, windows


@shared_task(name=windows.SNAPSHOT_KIND)
def take_snapshot(run_id: int) -> None:
    """Keep the windows of a large study as they are."""
    perform_run(run_id=run_id, work=windows.perform_snapshot)


@shared_task(name=merging.DUPLICATES_KIND)
def find_duplicates(run_id: int) -> None:
    """Read which answers of a study may be the same."""
    perform_run(run_id=run_id, work=merging.perform_duplicates)


@shared_task(name=entailment.READING_KIND)
def read_responses(run_id: int) -> None:
    """Let a judge of entailment read which answers a study's responses express."""
    perform_run(run_id=run_id, work=entailment.perform_reading)
