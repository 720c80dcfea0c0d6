"""The bundle: a folder of data files with a card and a manifest, and the same as one zip.

A bundle that comes from outside is not trusted: only files that its manifest names are taken out
of a zip, never more bytes than the manifest says, under names of one known shape.
"""

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from annotations.ports import Column, ColumnType
from annotations.services.table_files import FORMATS, WrittenTable, read_rows

MANIFEST = "manifest.json"
CARD = "README.md"
BUNDLE_VERSION = 1
MAX_MANIFEST_BYTES = 4 << 20
MAX_BUNDLE_BYTES = 8 << 30
MAX_FILES = 400
# What is packed tighter than real data sets are is meant to fill a disk.
MAX_RATIO = 200
FREE_BYTES = 16 << 20
_CHUNK = 1 << 20
_TABLE_FILE = re.compile(r"data/([a-z][a-z0-9_]{0,40})\.(parquet|jsonl|csv)")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_TYPES = ("string", "float", "integer", "boolean", "timestamp", "json")


class BundleRefused(Exception):
    """A bundle is damaged, forged or not one of ours; the message names the file and the reason."""


@dataclass(frozen=True)
class BundleTable:
    """A table as the manifest describes it."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Bundle:
    """A folder whose files agree with its manifest."""

    folder: Path
    manifest: Mapping[str, Any]
    tables: Mapping[str, BundleTable]

    def rows(self, *, name: str, columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
        """Rows of a table, from the most exact format that is there.

        Raises:
            BundleRefused: the table is not in the bundle.
            TableFileUnreadable: a file is damaged or lacks a column.
        """
        table = self.tables.get(name)
        if table is None:
            raise BundleRefused(f"The bundle has no table {name!r}.")
        by_kind = {Path(file).suffix.removeprefix("."): file for file in table.files}
        written = {column.name for column in table.columns}
        absent = [one.name for one in columns if one.may_lack and one.name not in written]
        for kind in FORMATS:
            if kind in by_kind:
                rows = read_rows(
                    path=self.folder / by_kind[kind],
                    columns=[column for column in columns if column.name not in absent],
                    expected_rows=table.rows,
                )
                return ({**row, **dict.fromkeys(absent)} for row in rows) if absent else rows
        raise BundleRefused(f"The table {name!r} has no data file.")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_digest(tables: Sequence[WrittenTable]) -> str:
    """One digest for the content of all tables, whichever formats were written."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(f"{table.name} {table.rows} {table.content_sha256}\n".encode())
    return digest.hexdigest()


def write_manifest(
    *,
    folder: Path,
    head: Mapping[str, Any],
    tables: Sequence[tuple[WrittenTable, str, Sequence[Column]]],
) -> dict[str, Any]:
    """Write manifest.json over the files in `folder`; returns what it says.

    Args:
        folder: has README.md and the data files.
        head: software, options and other facts; must not hold the time of the export.
        tables: what was written, what the table is, its columns.
    """
    manifest: dict[str, Any] = {
        "bundle_version": BUNDLE_VERSION,
        **head,
        "content_sha256": content_digest([written for written, _, _ in tables]),
        "tables": [
            {
                "name": written.name,
                "meaning": meaning,
                "rows": written.rows,
                "content_sha256": written.content_sha256,
                "columns": [
                    {"name": column.name, "type": column.type, "meaning": column.meaning}
                    for column in columns
                ],
                "files": list(written.files),
            }
            for written, meaning, columns in tables
        ],
        "files": [
            _file_entry(folder, name)
            for name in [CARD, *(file for written, _, _ in tables for file in written.files)]
        ],
    }
    (folder / MANIFEST).write_text(
        json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return manifest


def _file_entry(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    return {"path": name, "bytes": path.stat().st_size, "sha256": file_digest(path)}


def write_zip(*, folder: Path, path: Path) -> None:
    """The bundle as one zip with the same bytes for the same files: order and dates are fixed."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    names = [MANIFEST, *(entry["path"] for entry in manifest["files"])]
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        for name in names:
            info = zipfile.ZipInfo(name, date_time=_ZIP_DATE)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            packed = name.endswith(".parquet")
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            # The level is private in Python 3.11 and 3.12; writing by ZipFile.open needs it here.
            info._compresslevel = 1  # type: ignore[attr-defined] # no public name before 3.13
            info.file_size = (folder / name).stat().st_size
            with (folder / name).open("rb") as source, archive.open(info, "w") as target:
                shutil.copyfileobj(source, target, _CHUNK)


def open_bundle(*, path: Path, scratch: Path) -> Bundle:
    """Check a bundle, a folder or a zip, file by file against its manifest.

    Args:
        path: the folder or the zip.
        scratch: an empty folder for the files of a zip.

    Raises:
        BundleRefused: it is no bundle, or a file is missing, differs or doesn't belong.
    """
    if path.is_dir():
        folder = path
        manifest = _read_manifest(_small_file(folder / MANIFEST))
    elif zipfile.is_zipfile(path):
        folder = scratch
        manifest = _unpack(path, scratch)
    else:
        raise BundleRefused(f"{path.name} is neither a folder nor a zip file.")
    for entry in manifest["files"]:
        _check_file(folder, entry)
    return Bundle(folder=folder, manifest=manifest, tables=_tables(manifest))


def _small_file(path: Path) -> bytes:
    if not path.is_file():
        raise BundleRefused(f"There is no {MANIFEST} in {path.parent.name}: this is no bundle.")
    with path.open("rb") as file:
        return file.read(MAX_MANIFEST_BYTES + 1)


def _check_file(folder: Path, entry: Mapping[str, Any]) -> None:
    path = folder / entry["path"]
    if not path.is_file():
        raise BundleRefused(f"{entry['path']} is missing.")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleRefused(f"{entry['path']} leads out of the bundle.")
    size = path.stat().st_size
    if size != entry["bytes"]:
        raise BundleRefused(
            f"{entry['path']} differs from the manifest: {size} bytes in place of {entry['bytes']}."
        )
    if file_digest(path) != entry["sha256"]:
        raise BundleRefused(f"{entry['path']} differs from the manifest: its SHA-256 is another.")


def _read_manifest(data: bytes) -> dict[str, Any]:
    """Parse a manifest and check its shape, so that the rest may rely on it."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise BundleRefused(f"{MANIFEST} is larger than {MAX_MANIFEST_BYTES} bytes.")
    try:
        manifest = json.loads(data)
    except ValueError as problem:
        raise BundleRefused(f"{MANIFEST} is no JSON: {problem}") from problem
    if not isinstance(manifest, dict) or manifest.get("bundle_version") != BUNDLE_VERSION:
        found = manifest.get("bundle_version") if isinstance(manifest, dict) else None
        raise BundleRefused(
            f"{MANIFEST} is of version {found!r}; this software reads version {BUNDLE_VERSION}."
        )
    try:
        files = manifest["files"]
        total = sum(_checked_entry(entry) for entry in files)
        paths = [entry["path"] for entry in files]
        _tables(manifest)
    except (KeyError, TypeError, AttributeError) as problem:
        raise BundleRefused(f"{MANIFEST} lacks or misshapes {problem}.") from problem
    if len(files) > MAX_FILES or len(set(paths)) != len(paths):
        raise BundleRefused(f"{MANIFEST} names more than {MAX_FILES} files, or one of them twice.")
    if total > MAX_BUNDLE_BYTES:
        raise BundleRefused(f"The bundle would take {total} bytes; {MAX_BUNDLE_BYTES} are allowed.")
    return cast("dict[str, Any]", manifest)


def _checked_entry(entry: Mapping[str, Any]) -> int:
    path, size, digest = entry["path"], entry["bytes"], entry["sha256"]
    if path != CARD and not _TABLE_FILE.fullmatch(path):
        raise BundleRefused(f"{MANIFEST} names {path!r}, which is no file of a bundle.")
    if not isinstance(size, int) or size < 0 or not re.fullmatch("[0-9a-f]{64}", digest):
        raise BundleRefused(f"{MANIFEST} gives {path} no proper size or digest.")
    return size


def _tables(manifest: Mapping[str, Any]) -> dict[str, BundleTable]:
    known = {entry["path"] for entry in manifest["files"]}
    tables: dict[str, BundleTable] = {}
    for table in manifest["tables"]:
        if not set(table["files"]) <= known:
            raise BundleRefused(f"{MANIFEST} gives {table['name']!r} files without a digest.")
        if not isinstance(table["rows"], int):
            raise BundleRefused(f"{MANIFEST} gives {table['name']!r} no number of rows.")
        columns = []
        for column in table["columns"]:
            if column["type"] not in _TYPES:
                raise BundleRefused(f"{MANIFEST}: {column['name']!r} has no known type.")
            columns.append(
                Column(
                    str(column["name"]),
                    cast("ColumnType", column["type"]),
                    str(column.get("meaning", "")),
                )
            )
        tables[str(table["name"])] = BundleTable(
            name=str(table["name"]),
            rows=table["rows"],
            columns=tuple(columns),
            files=tuple(table["files"]),
        )
    return tables


def _unpack(path: Path, scratch: Path) -> dict[str, Any]:
    """Take out of a zip what its manifest names, byte for byte as many as it says."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > MAX_FILES + 1 or len(set(names)) != len(names):
                raise BundleRefused(f"The zip has more than {MAX_FILES} files, or one twice.")
            if MANIFEST not in names:
                raise BundleRefused(f"There is no {MANIFEST} in {path.name}: this is no bundle.")
            with archive.open(MANIFEST) as file:
                manifest = _read_manifest(file.read(MAX_MANIFEST_BYTES + 1))
            listed = {entry["path"]: entry["bytes"] for entry in manifest["files"]}
            _check_ratio(unpacked=sum(listed.values()), packed=path.stat().st_size)
            strange = sorted(set(names) - set(listed) - {MANIFEST})
            if strange:
                raise BundleRefused(f"The zip holds {strange[0]!r}, which the manifest does not.")
            for name, size in listed.items():
                if name not in names:
                    raise BundleRefused(f"{name} is missing.")
                _take_out(archive, name, size, scratch)
            return manifest
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as problem:
        raise BundleRefused(f"{path.name} can't be unpacked: {problem}") from problem


def _check_ratio(*, unpacked: int, packed: int) -> None:
    if unpacked > MAX_RATIO * packed + FREE_BYTES:
        raise BundleRefused(
            f"The zip has {packed} bytes and would unpack to {unpacked}: "
            f"more than {MAX_RATIO} times as many."
        )


def _take_out(archive: zipfile.ZipFile, name: str, size: int, scratch: Path) -> None:
    target = scratch / PurePosixPath(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    left = size
    with archive.open(name) as source, target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise BundleRefused(f"{name} is larger than the {size} bytes of the manifest.")
            file.write(chunk)
