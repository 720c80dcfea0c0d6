"""What Runs find and nobody needs for long: lines in a file, for a week or until a withdrawal."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from juries.models import Juror, Run
from models_runner.selectors.kept_files import FOLDER, KEPT_KINDS, kept_path

KEPT_FOR = timedelta(days=7)


def keep_lines(*, run: Run, lines: Iterable[Mapping[str, Any]], now: datetime) -> str:
    """Write what a Run found, whole or not at all, and drop what is older than a week.

    Returns:
        SHA-256 of the file.
    """
    path = kept_path(run=run)
    path.parent.mkdir(parents=True, exist_ok=True)
    drop_old_lines(now=now)
    digest = hashlib.sha256()
    half = path.with_suffix(".part")
    with half.open("wb") as file:
        for line in lines:
            written = json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n"
            digest.update(written)
            file.write(written)
    half.replace(path)
    return digest.hexdigest()


def drop_old_lines(*, now: datetime) -> None:
    """Remove files that are older than a week."""
    limit = (now - KEPT_FOR).timestamp()
    with os.scandir(Path(settings.ARTEFACTS_DIR) / FOLDER) as entries:
        for entry in entries:
            try:
                if entry.stat().st_mtime < limit:
                    Path(entry.path).unlink()
            except FileNotFoundError:
                # Another worker was quicker.
                continue


def forget_lines(*, run: Run) -> None:
    """Remove what a Run left."""
    kept_path(run=run).unlink(missing_ok=True)


def forget_lines_about(*, juror: Juror) -> None:
    """Remove what Runs left of the studies that a juror took part in, or whose jury she sits on."""
    studies = set(juror.participations.values_list("study_id", flat=True))
    studies |= set(juror.jury.studies.values_list("pk", flat=True))
    runs = Run.objects.filter(kind__in=KEPT_KINDS, parameters__study__in=sorted(studies))
    for run in runs.only("public_id"):
        forget_lines(run=run)
