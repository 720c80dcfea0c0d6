"""A study as a data set: asked for, written table by table, zipped."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from django.conf import settings
from django.db import transaction
from django.urls import reverse

import venire
from annotations.domain.agreement import InvalidAgreementInput, Level, krippendorff_alpha
from annotations.domain.measured import Measured
from annotations.domain.suppression import RULE
from annotations.models import Criterion, Export, Rating, Study
from annotations.permissions import can_see_quiz_answers
from annotations.ports import Column, ExportOptions, ExportPart, export_parts
from annotations.selectors.exports import exported_jurors, exported_traits
from annotations.selectors.ways_in import came_by
from annotations.services.bundles import CARD, write_manifest, write_zip
from annotations.services.cards import AgreementLine, CardFacts, is_simulated, write_card
from annotations.services.snapshots import one_moment
from annotations.services.table_files import FORMATS, TableWriter, WrittenTable
from juries.models import Quota, Run, User
from juries.services.audit import record_act
from juries.services.runs import RunContext, RunRefused, request_run

EXPORT_KIND = "annotations.export"
# Above so many current ratings the card leaves agreement to the results page.
MOST_RATINGS_FOR_AGREEMENT = 200_000
MOST_CELLS_FOR_AGREEMENT = 1_000_000
TOO_MANY = "so many ratings are left to the results page"
MOST_RATINGS_FOR_INTERVALS = 5_000
RESAMPLES = 200

Progress = Callable[[int, int, str], None]


class ExportRefused(Exception):
    """The data set can't be written as asked; the message says why and what to do."""


@dataclass
class _Dates:
    """The first and the last moment at which anything was said."""

    first: datetime | None = None
    last: datetime | None = None

    def see(self, moments: Sequence[datetime]) -> None:
        low, high = min(moments), max(moments)
        self.first = low if self.first is None else min(self.first, low)
        self.last = high if self.last is None else max(self.last, high)


@transaction.atomic
def request_export(
    *,
    study: Study,
    actor: User | None,
    options: ExportOptions | None = None,
    formats: Sequence[str] = FORMATS,
) -> Export:
    """Write down that an export is wanted. The caller then enqueues `export.run`.

    Args:
        study: what is exported.
        actor: who asked.
        options: what goes into it; everything by default. The quiz is left out where the actor
            may not see which answers are right.
        formats: some of "parquet", "jsonl", "csv".

    Raises:
        ExportRefused: no known format, or a negative threshold.
    """
    options = options or ExportOptions()
    if actor is not None and not can_see_quiz_answers(actor, study):
        options = replace(options, include_quiz=False)
    _check(options, formats)
    run = request_run(
        kind=EXPORT_KIND,
        title=f"Export of {study.title}",
        parameters={"study": study.pk, "options": asdict(options), "formats": list(formats)},
        requested_by=actor,
        page_path=reverse("study-exports", args=[study.public_id]),
    )
    export = Export.objects.create(
        study=study, run=run, options={**asdict(options), "formats": list(formats)}
    )
    record_act(actor=actor, verb="asked for an export of", subject=study, details=export.options)
    return export


def perform_export(context: RunContext) -> Mapping[str, Any]:
    """Write the bundle of a Run and its zip under settings.EXPORTS_DIR."""
    export = Export.objects.select_related("study__jury__pool").get(run=context.run)
    parameters = context.run.parameters
    home = settings.EXPORTS_DIR / str(export.public_id)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    # From here on, a juror who withdraws makes this export stale again.
    Export.objects.filter(pk=export.pk).update(stale_since=None)
    try:
        manifest = write_bundle(
            study=export.study,
            folder=home / "bundle",
            options=ExportOptions(**parameters["options"]),
            formats=parameters["formats"],
            progress=context.progress,
        )
    except ExportRefused as refusal:
        raise RunRefused(str(refusal)) from refusal
    file_name = f"{export.study.slug}.zip"
    write_zip(folder=home / "bundle", path=home / file_name)
    keep_export(export=export, manifest=manifest, file_name=file_name, run=context.run)
    rows = {table["name"]: table["rows"] for table in manifest["tables"]}
    context.log(f"wrote {sum(rows.values())} rows in {len(rows)} tables")
    return {
        "export": str(export.public_id),
        "content_sha256": manifest["content_sha256"],
        "rows": rows,
    }


@transaction.atomic
def keep_export(*, export: Export, manifest: Mapping[str, Any], file_name: str, run: Run) -> Export:
    """Write on an export what became of it."""
    export.manifest = dict(manifest)
    export.digest = manifest["content_sha256"]
    export.file_name = file_name
    export.save(update_fields=("manifest", "digest", "file_name"))
    Run.objects.filter(pk=run.pk).update(input_digest=export.digest)
    return export


def export_path(*, export: Export) -> Path:
    """Where the zip of an export lies."""
    return Path(settings.EXPORTS_DIR) / str(export.public_id) / export.file_name


@transaction.atomic
def delete_export(*, export: Export, actor: User | None) -> None:
    """Remove an export's files and its row; its Run stays as the record."""
    record_act(actor=actor, verb="deleted an export of", subject=export.study)
    home = Path(settings.EXPORTS_DIR) / str(export.public_id)
    export.delete()
    transaction.on_commit(lambda: shutil.rmtree(home, ignore_errors=True))


def write_bundle(
    *,
    study: Study,
    folder: Path,
    options: ExportOptions | None = None,
    formats: Sequence[str] = FORMATS,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a study's data set into a folder that is new or empty; returns the manifest.

    Rows are read over one moment of the database and streamed in batches, so that memory stays
    bounded. The same data and options give the same bytes.

    Raises:
        ExportRefused: the folder holds files, no known format, a negative threshold.
    """
    options = options or ExportOptions()
    _check(options, formats)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportRefused(f"{folder} is not empty; name a new folder.")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "data").mkdir(parents=True)
    try:
        with one_moment() as using:
            seen = Study.objects.using(using).select_related("jury__pool").get(pk=study.pk)
            manifest = _write(seen, partial, options, formats, progress, using)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return manifest


def _check(options: ExportOptions, formats: Sequence[str]) -> None:
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise ExportRefused(f"Formats are some of {', '.join(FORMATS)}; not {list(formats)}.")
    if options.suppress_below < 0:
        raise ExportRefused("Small cells can't be suppressed below a negative number; give 0.")


def _write(
    study: Study,
    folder: Path,
    options: ExportOptions,
    formats: Sequence[str],
    progress: Progress | None,
    using: str,
) -> dict[str, Any]:
    parts = export_parts()
    if not options.include_predicted:
        parts = tuple(part for part in parts if not part.predicted)
    dates = _Dates()
    tables: list[tuple[WrittenTable, str, Sequence[Column]]] = []
    for done, part in enumerate(parts):
        columns = part.columns(study=study)
        written = _write_table(
            part,
            study,
            columns,
            folder / "data",
            options,
            formats,
            using,
            dates,
            lambda rows, done=done, part=part: (  # type: ignore[misc] # bound now, not when called
                progress(done, len(parts), f"{part.name}: {rows:,} rows") if progress else None
            ),
        )
        tables.append((written, part.meaning, columns))
    if progress:
        progress(len(parts), len(parts), "done")
    traits = exported_traits(study=study, below=options.suppress_below, using=using)
    facts = CardFacts(
        tables=tables,
        traits=traits,
        quotas=list(
            Quota.objects.using(using)
            .filter(jury__studies=study)
            .prefetch_related("feature_values__feature")
            .order_by("id")
        ),
        agreement=_agreement(study, using),
        first_said=dates.first,
        last_said=dates.last,
        simulated_jurors=exported_jurors(study=study, using=using)
        .filter(is_simulated=True)
        .count(),
        predicted_tables=[part.name for part in parts if part.predicted],
        came_by=came_by(study=study, using=using),
    )
    (folder / CARD).write_text(
        write_card(study=study, options=options, facts=facts), encoding="utf-8"
    )
    suppression = traits.suppression
    return write_manifest(
        folder=folder,
        head={
            "software": f"venire {venire.__version__}",
            "written_with": f"pyarrow {pyarrow.__version__}",
            "study": str(study.public_id),
            "title": study.title,
            "slug": study.slug,
            "is_simulated": is_simulated(study, facts),
            "options": {**asdict(options), "formats": [f for f in FORMATS if f in formats]},
            "suppression": None
            if options.suppress_below <= 1
            else {
                "below": options.suppress_below,
                "rule": RULE.format(below=options.suppress_below)
                + " Replies about the juror that fewer gave are left out, and so are windows and "
                "reports of benchmarks, which count groups.",
                "jurors_changed": suppression.people_changed,
                "cells_blanked": suppression.cells_blanked,
                "jurors_without_traits": suppression.people_blank,
            },
        },
        tables=tables,
    )


def _write_table(
    part: ExportPart,
    study: Study,
    columns: Sequence[Column],
    folder: Path,
    options: ExportOptions,
    formats: Sequence[str],
    using: str,
    dates: _Dates,
    report: Callable[[int], None],
) -> WrittenTable:
    said = any(column.name == "created_at" for column in columns) and any(
        column.name == "juror" for column in columns
    )
    writer = TableWriter(folder=folder, name=part.name, columns=columns, formats=formats)
    report(0)
    with writer:
        for batch in part.batches(study=study, options=options, using=using):
            writer.write(batch)
            if said and batch["created_at"]:
                dates.see(batch["created_at"])
            report(writer.rows)
    return writer.written()


def _agreement(study: Study, using: str) -> list[AgreementLine]:
    lines = []
    for criterion in Criterion.objects.using(using).filter(study=study).order_by("position", "id"):
        current = Rating.objects.using(using).filter(
            criterion=criterion,
            is_current=True,
            value__isnull=False,
            response__query__check_kind="",
        )
        count = current.count()
        if count > MOST_RATINGS_FOR_AGREEMENT:
            lines.append(AgreementLine(criterion.key, {}, TOO_MANY))
            continue
        rows = list(current.values_list("juror_id", "response_id", "value"))
        lines.append(_agreement_line(criterion.key, rows))
    return lines


def _agreement_line(key: str, rows: Sequence[tuple[int, int, float | None]]) -> AgreementLine:
    if not rows:
        return AgreementLine(key, {}, "nothing was rated")
    table = np.array(rows, dtype=np.float64)
    jurors, row = np.unique(table[:, 0], return_inverse=True)
    items, column = np.unique(table[:, 1], return_inverse=True)
    if len(jurors) * len(items) > MOST_CELLS_FOR_AGREEMENT:
        return AgreementLine(key, {}, TOO_MANY)
    ratings = np.full((len(jurors), len(items)), np.nan)
    ratings[row, column] = table[:, 2]
    figures: dict[str, Measured] = {}
    resampled = len(rows) <= MOST_RATINGS_FOR_INTERVALS
    for level in Level:
        try:
            found = krippendorff_alpha(
                ratings=ratings,
                level=level,
                rng=np.random.default_rng(0) if resampled else None,
                resamples=RESAMPLES,
            )
        except InvalidAgreementInput as problem:
            return AgreementLine(key, {}, str(problem))
        if not found.alpha.is_defined:
            return AgreementLine(key, {}, found.alpha.reason)
        figures[str(level)] = found.alpha
    return AgreementLine(key, figures)
