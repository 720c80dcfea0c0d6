"""Celery tasks of the annotations app: a Run's id in, one service call."""

from celery import shared_task

from annotations.services import exports, query_uploads, results, study_import
from juries.services.runs import perform_run


@shared_task(name=results.RESULTS_KIND)
def compute_results(run_id: int) -> None:
    """Compute a study's results page."""
    perform_run(run_id=run_id, work=results.perform_results)


@shared_task(name=exports.EXPORT_KIND)
def write_export(run_id: int) -> None:
    """Write a study as a data set."""
    perform_run(run_id=run_id, work=exports.perform_export)


@shared_task(name=study_import.IMPORT_KIND)
def read_bundle(run_id: int) -> None:
    """Make the study of an uploaded bundle."""
    perform_run(run_id=run_id, work=study_import.perform_import)


@shared_task(name=query_uploads.QUERY_IMPORT_KIND)
def bring_in_queries(run_id: int) -> None:
    """Add an uploaded table of queries and responses to a study."""
    perform_run(run_id=run_id, work=query_uploads.perform_query_import)
