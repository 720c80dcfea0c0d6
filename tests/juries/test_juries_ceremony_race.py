"""Two researchers enter a value at once: one wins, and the other is told."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
POSTGRES = "postgres://postgres@127.0.0.1:5432/venire"
pytestmark = pytest.mark.processes


@pytest.fixture
def postgres_database() -> Iterator[str]:
    """An empty database of this test's own."""
    parts = urlsplit(os.environ.get("VENIRE_TEST_POSTGRES", POSTGRES))
    server = parts._replace(path="/postgres").geturl()
    try:
        connection = psycopg.connect(server, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as problem:
        if os.environ.get("VENIRE_REQUIRE_SERVICES") == "1":
            pytest.fail(f"PostgreSQL does not answer: {problem}")
        pytest.skip(f"PostgreSQL does not answer: {problem}")
    name = f"venire_value_{uuid.uuid4().hex[:8]}"
    with connection:
        connection.execute(f"create database {name}")
        yield parts._replace(path=f"/{name}").geturl()
        connection.execute(f"drop database {name} with (force)")
    connection.close()


def race(tmp_path: Path, database: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("race_for_value.py"))],
        env={
            **os.environ,
            "DATABASE_URL": database,
            "VENIRE_VAR_DIR": str(tmp_path),
            "VENIRE_DATABASE_POOL": "10",
            "VENIRE_DEBUG": "true",
            "VENIRE_LOG_LEVEL": "ERROR",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def check(result: dict[str, Any]) -> None:
    assert (result["drawn"], result["refused"]) == (1, 7)
    assert result["seated"] == result["members"]
    assert len(result["seated"]) == 4


def test_one_wins_on_sqlite(tmp_path: Path, put_migrated: Callable[[Path], None]) -> None:
    database = tmp_path / "race.sqlite3"
    put_migrated(database)
    result = race(tmp_path, f"sqlite:///{database}")
    assert result["vendor"] == "sqlite"
    check(result)


@pytest.mark.postgres
def test_one_wins_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    result = race(tmp_path, postgres_database)
    assert result["vendor"] == "postgresql"
    check(result)
