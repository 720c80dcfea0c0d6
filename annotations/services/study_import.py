"""A study from outside: a bundle of this software's own, or a table of queries and responses."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from annotations.models import Study, StudyRole
from annotations.ports import ExportPart, ImportedIds, export_parts
from annotations.services.bundles import Bundle, BundleRefused, open_bundle
from annotations.services.exports import Progress
from annotations.services.query_import import QueryImportReport, import_queries
from annotations.services.table_files import TableFileUnreadable
from juries.models import Jury, Run, User
from juries.services.audit import record_act
from juries.services.runs import RunContext, RunRefused, request_run

__all__ = [
    "IMPORT_KIND",
    "ImportedStudy",
    "QueryImportReport",
    "import_bundle",
    "import_queries",
    "perform_import",
    "request_import",
]

IMPORT_KIND = "annotations.import"
MAX_SLUG = 80


@dataclass(frozen=True)
class ImportedStudy:
    """What an import made.

    Attributes:
        rows: how many rows came of each table.
        content_sha256: of the bundle; an export of the study has the same.
    """

    study: Study
    rows: Mapping[str, int]
    content_sha256: str


@transaction.atomic
def request_import(*, path: Path, slug: str, actor: User | None) -> Run:
    """Write down that an uploaded bundle is to be read. The caller then enqueues the Run.

    Args:
        path: the zip, under settings.UPLOADS_DIR; removed once it has been read.
        slug: the study's slug; empty: that of the bundle.
        actor: who uploaded it, and will own the study.
    """
    return request_run(
        kind=IMPORT_KIND,
        title="Import of a study",
        parameters={"upload": path.name, "slug": slug},
        requested_by=actor,
        page_path=reverse("study-import"),
    )


def perform_import(context: RunContext) -> Mapping[str, Any]:
    """Read the bundle of a Run."""
    parameters = context.run.parameters
    path = Path(settings.UPLOADS_DIR) / Path(parameters["upload"]).name
    if not path.exists():
        raise RunRefused("The uploaded file is not here any more; upload it again.")
    try:
        imported = import_bundle(
            path=path,
            slug=parameters["slug"],
            actor=context.run.requested_by,
            progress=context.progress,
        )
    except BundleRefused as refusal:
        raise RunRefused(str(refusal)) from refusal
    path.unlink(missing_ok=True)
    study = imported.study
    Run.objects.filter(pk=context.run.pk).update(
        input_digest=imported.content_sha256,
        page_path=reverse("study-exports", args=[study.public_id]),
    )
    return {"study": str(study.public_id), "slug": study.slug, "rows": dict(imported.rows)}


def import_bundle(
    *,
    path: Path,
    slug: str = "",
    actor: User | None = None,
    progress: Progress | None = None,
) -> ImportedStudy:
    """Make the study that a bundle holds, with its jury and pool: all of it or nothing.

    Rows keep their random public ids, so that an export of the new study has the same bytes. Where
    a `slug` is given and the study is already here, a copy under new ids is made.

    Args:
        path: a folder or a zip.
        slug: the study's slug; empty: that of the bundle.
        actor: becomes the study's owner.
        progress: told how many of the tables are done.

    Raises:
        BundleRefused: a file differs from the manifest, a row can't be taken, or the study is
            already here; the message names the file, the row or the way out.
    """
    with tempfile.TemporaryDirectory(prefix="venire-import-") as scratch:
        bundle = open_bundle(path=path, scratch=Path(scratch))
        try:
            return _import(bundle=bundle, slug=slug, actor=actor, progress=progress)
        except TableFileUnreadable as problem:
            raise BundleRefused(str(problem)) from problem
        except IntegrityError as problem:
            raise BundleRefused(
                f"The database refuses a row of the bundle: {problem}. Where some of its ids are "
                "already here (a study by the same jury, say), give a slug to make a copy under "
                "new ids."
            ) from problem
        except (DatabaseError, ValidationError, OverflowError) as problem:
            raise BundleRefused(f"The database can't take the bundle: {problem}") from problem


@transaction.atomic
def _import(
    *, bundle: Bundle, slug: str, actor: User | None, progress: Progress | None
) -> ImportedStudy:
    parts = {part.name: part for part in export_parts()}
    unknown = sorted(set(bundle.tables) - set(parts))
    if unknown:
        raise BundleRefused(
            f"The bundle has a table {unknown[0]!r} that this installation does not know."
        )
    head = next(iter(_rows(bundle, parts["study"], Study())), None)
    if head is None:
        raise BundleRefused("The table study is empty: there is nothing to import.")
    ids = ImportedIds(keep_public_ids=not _is_here(head) or not slug, now=timezone.now())
    study = _shell(head, slug, actor, ids)
    counts: dict[str, int] = {}
    for done, (name, part) in enumerate(parts.items()):
        if progress is not None:
            progress(done, len(parts), name)
        if name in bundle.tables:
            counts[name] = part.load(study=study, rows=_rows(bundle, part, study), ids=ids)
    if progress is not None:
        progress(len(parts), len(parts), "done")
    study.query_count = study.queries.count()
    study.save(update_fields=("query_count",))
    if actor is not None:
        StudyRole.objects.create(study=study, user=actor, role=StudyRole.Role.OWNER)
    digest = str(bundle.manifest.get("content_sha256", ""))
    record_act(
        actor=actor,
        verb="imported",
        subject=study,
        details={"content_sha256": digest, "kept_ids": ids.keep_public_ids},
    )
    return ImportedStudy(study=study, rows=counts, content_sha256=digest)


def _rows(bundle: Bundle, part: ExportPart, study: Study) -> Iterator[dict[str, Any]]:
    return bundle.rows(name=part.name, columns=part.columns(study=study))


def _is_here(head: Mapping[str, Any]) -> bool:
    ids = [value for value in (head.get("study"), head.get("jury")) if value]
    try:
        return (
            Study.objects.filter(public_id__in=ids).exists()
            or Jury.objects.filter(public_id__in=ids).exists()
        )
    except ValidationError as problem:
        raise BundleRefused(f"study, row 1: {problem.messages[0]}") from problem


def _shell(head: Mapping[str, Any], slug: str, actor: User | None, ids: ImportedIds) -> Study:
    """The bare study; its own part fills it in."""
    wanted = slug or str(head.get("slug") or "")
    try:
        validate_slug(wanted)
    except ValidationError as problem:
        raise BundleRefused(f"The slug {wanted!r} is none: {problem.messages[0]}") from problem
    if len(wanted) > MAX_SLUG:
        raise BundleRefused(f"The slug {wanted!r} is longer than {MAX_SLUG} characters.")
    if Study.objects.filter(slug=wanted).exists():
        raise BundleRefused(
            f"A study with the slug {wanted!r} is already here. Give another slug to make a copy."
        )
    try:
        public_id = ids.public_id(str(head.get("study")))
    except ValueError:
        raise BundleRefused(f"study, row 1: {head.get('study')!r} is no UUID.") from None
    if Study.objects.filter(public_id=public_id).exists():
        raise BundleRefused(
            "This study is already here under another slug. Give a slug to make a copy."
        )
    return Study.objects.create(public_id=public_id, slug=wanted, title="Import", created_by=actor)
