"""Exports read one moment while others write."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import DEFAULT_DB_ALIAS, connection

from annotations.models import Study
from annotations.services.exports import write_bundle
from annotations.services.snapshots import one_moment

WATCHED = """
import django
django.setup()
from annotations.models import Study
from annotations.services.snapshots import one_moment
Study.objects.create(title="Before", slug="before")
with one_moment() as using:
    assert using != "default"
    assert Study.objects.using(using).count() == 1
    # The reader holds no lock: this would wait for 30 s and fail.
    Study.objects.create(title="Meanwhile", slug="meanwhile")
    assert Study.objects.using(using).count() == 1
    assert Study.objects.count() == 2
    try:
        Study.objects.using(using).update(title="Changed")
    except Exception as refused:
        assert "readonly" in str(refused), refused
    else:
        raise AssertionError("the reader could write")
print("one moment")
"""


@pytest.mark.processes
def test_sqlite_in_a_file(tmp_path: Path, put_migrated: Callable[[Path], None]) -> None:
    database = tmp_path / "moment.sqlite3"
    put_migrated(database)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "venire.settings",
            "DATABASE_URL": f"sqlite:///{database}",
        },
    )
    assert done.stdout.endswith("one moment\n"), done.stderr


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_postgresql(tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("this run is on another database")
    study = Study.objects.create(title="Before", slug="before")
    with one_moment() as using:
        assert using != DEFAULT_DB_ALIAS
        assert Study.objects.using(using).count() == 1
        Study.objects.create(title="Meanwhile", slug="meanwhile")
        assert Study.objects.using(using).count() == 1
        assert Study.objects.count() == 2
    manifest = write_bundle(study=study, folder=tmp_path / "out", formats=("jsonl",))
    assert manifest["slug"] == "before"


def test_inside_a_transaction(db: None) -> None:
    with one_moment() as using:
        assert using == DEFAULT_DB_ALIAS
