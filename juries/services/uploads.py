"""Uploaded pool files between the check and the import: kept for a day, then forgotten."""

import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

KEEP_SECONDS = 24 * 3600
PREFIX = "pool-"


class UploadGone(Exception):
    """The files were forgotten; choose them again."""


@dataclass(frozen=True)
class PoolFiles:
    """The contents of a pool's files."""

    categories: bytes
    respondents: bytes
    population: bytes | None = None


def keep_upload(*, files: PoolFiles) -> str:
    """Write the files into a folder of their own, readable by this user alone; returns its name."""
    _forget_old()
    name = f"{PREFIX}{uuid.uuid4().hex}"
    folder = Path(settings.UPLOADS_DIR) / name
    folder.mkdir(mode=0o700, parents=True)
    for part in ("categories", "respondents", "population"):
        content = getattr(files, part)
        if content is not None:
            (folder / f"{part}.csv").write_bytes(content)
    return name


def kept_upload(*, name: str) -> PoolFiles:
    """Read the files again.

    Raises:
        UploadGone: they were imported or forgotten, or the name is none of ours.
    """
    folder = _folder(name)
    if folder is None or not (folder / "respondents.csv").exists():
        raise UploadGone("The uploaded files are no longer here; choose them again.")
    population = folder / "population.csv"
    return PoolFiles(
        categories=(folder / "categories.csv").read_bytes(),
        respondents=(folder / "respondents.csv").read_bytes(),
        population=population.read_bytes() if population.exists() else None,
    )


def forget_upload(*, name: str) -> None:
    """Remove the files."""
    folder = _folder(name)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _folder(name: str) -> Path | None:
    if not name.startswith(PREFIX) or not name.removeprefix(PREFIX).isalnum():
        return None
    return Path(settings.UPLOADS_DIR) / name


def _forget_old() -> None:
    folder = Path(settings.UPLOADS_DIR)
    for old in folder.glob(f"{PREFIX}*") if folder.is_dir() else ():
        if time.time() - old.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
