"""An uploaded table of queries: kept for a while, tried out, brought in at once or by a Run."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from annotations.domain.tables import OutsideTable, TableUnreadable, read_queries, read_table
from annotations.models import Study
from annotations.services.query_import import (
    MappingRefused,
    QueryImportReport,
    import_queries,
    problem_lines,
)
from juries.models import Run, User
from juries.services.runs import RunContext, RunRefused, request_run

QUERY_IMPORT_KIND = "annotations.query_import"
# Up to so many rows are brought in while the page is made; more are left to a Run.
DIRECT_ROWS = 2_000
_PREFIX = "queries-"
_KEPT_FOR = timedelta(days=1)


class UploadGone(Exception):
    """The uploaded file is not here any more; the message says what to do."""


def keep_upload(*, content: bytes, name: str, now: datetime) -> str:
    """Keep an uploaded file under a name of our own, and forget those of yesterday.

    Returns the name, by which `table_of` finds it.
    """
    folder = Path(settings.UPLOADS_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    oldest = (now - _KEPT_FOR).timestamp()
    for path in folder.glob(f"{_PREFIX}*"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
    ending = Path(name).suffix.lower()
    kept = f"{_PREFIX}{uuid.uuid4().hex}{ending if ending.isascii() else ''}"
    (folder / kept).write_bytes(content)
    return kept


def forget_upload(*, upload: str) -> None:
    """Remove an upload that is not needed any more."""
    _path(upload).unlink(missing_ok=True)


def table_of(*, upload: str, encoding: str) -> OutsideTable:
    """The table in an upload.

    Raises:
        UploadGone: it has been removed.
        TableUnreadable: it is no table, or not in this encoding.
    """
    path = _path(upload)
    if not path.is_file():
        raise UploadGone("The uploaded file is not here any more. Please upload it again.")
    return read_table(path.read_bytes(), name=path.name, encoding=encoding)


def _path(upload: str) -> Path:
    name = Path(upload).name
    if not name.startswith(_PREFIX):
        raise UploadGone("There is no such upload. Please upload the file again.")
    return Path(settings.UPLOADS_DIR) / name


def try_queries(
    *, study: Study, table: OutsideTable, mapping: Mapping[str, str]
) -> QueryImportReport:
    """What an import would do, without doing it.

    A table of more than DIRECT_ROWS is checked in itself; what contradicts the study is found by
    the Run that brings it in, which then brings in nothing.

    Raises:
        MappingRefused: a needed field has no column, or a column is not there.
    """
    if len(table.rows) > DIRECT_ROWS:
        return _checked_in_itself(table, mapping)
    with transaction.atomic():
        report = import_queries(study=study, table=table, mapping=mapping, actor=None)
        transaction.set_rollback(True)
    return report


def _checked_in_itself(table: OutsideTable, mapping: Mapping[str, str]) -> QueryImportReport:
    try:
        material = read_queries(table, mapping=mapping)
    except ValueError as problem:
        raise MappingRefused(str(problem)) from problem
    return QueryImportReport(
        rows=len(table.rows),
        queries=len(material.queries),
        responses=len(material.responses),
        sources=len({(one.source, one.revision) for one in material.responses}),
        problems=tuple(material.problems.found),
        problems_total=material.problems.total,
    )


@transaction.atomic
def request_query_import(
    *,
    study: Study,
    upload: str,
    encoding: str,
    mapping: Mapping[str, str],
    actor: User | None,
) -> Run:
    """Write down that an upload is to be brought in. The caller then enqueues the Run."""
    return request_run(
        kind=QUERY_IMPORT_KIND,
        title=f"Queries into {study.title}",
        parameters={
            "study": study.pk,
            "upload": upload,
            "encoding": encoding,
            "mapping": dict(mapping),
        },
        requested_by=actor,
        page_path=reverse("study", args=[study.public_id]),
    )


def perform_query_import(context: RunContext) -> Mapping[str, Any]:
    """Bring in the upload of a Run: all of it, or nothing."""
    asked = context.run.parameters
    try:
        context.progress(0, 2, "reading the table")
        table = table_of(upload=asked["upload"], encoding=asked["encoding"])
        context.progress(1, 2, f"bringing in {len(table.rows)} rows")
        report = import_queries(
            study=Study.objects.get(pk=asked["study"]),
            table=table,
            mapping=asked["mapping"],
            actor=context.run.requested_by,
        )
    except (UploadGone, TableUnreadable, MappingRefused) as problem:
        raise RunRefused(str(problem)) from problem
    if not report.is_done:
        for line in problem_lines(report.problems, report.problems_total):
            context.log(line)
        raise RunRefused(
            f"{report.problems_total} problems in {report.rows} rows; nothing was brought in. "
            f"The first: {report.problems[0]}. The others stand in the log."
        )
    forget_upload(upload=asked["upload"])
    context.progress(2, 2, "done")
    return {"rows": report.rows, "queries": report.queries, "responses": report.responses}
