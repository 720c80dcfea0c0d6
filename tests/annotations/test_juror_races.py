"""Many at once: places are given exactly once, and nothing that was acknowledged is lost."""

import contextlib
import http.client
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
POSTGRES = "postgres://postgres@127.0.0.1:5432/venire"
pytestmark = pytest.mark.processes


def environment(tmp_path: Path, database: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database,
        "VENIRE_VAR_DIR": str(tmp_path),
        "VENIRE_DATABASE_POOL": "10",
        "VENIRE_DEBUG": "true",
        "VENIRE_LOG_LEVEL": "ERROR",
    }


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
    name = f"venire_race_{uuid.uuid4().hex[:8]}"
    with connection:
        connection.execute(f"create database {name}")
        yield parts._replace(path=f"/{name}").geturl()
        connection.execute(f"drop database {name} with (force)")
    connection.close()


def race(tmp_path: Path, database: str, script: str, *arguments: int) -> dict[str, object]:
    program = str(Path(__file__).with_name(script))
    command = [sys.executable, program, *map(str, arguments)]
    done = subprocess.run(
        command,
        env={**environment(tmp_path, database), "VENIRE_DATABASE_POOL": "20"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    result: dict[str, object] = json.loads(done.stdout)
    return result


def check(result: dict[str, object]) -> None:
    # 50 jurors, 7 queries for 3 each: exactly 21 places.
    assert result["given"] == result["different"] == result["assignments"] == 21
    assert result["by_query"] == result["counted"] == [3] * 7


def test_fifty_claim_on_sqlite(tmp_path: Path, put_migrated: Callable[[Path], None]) -> None:
    database = tmp_path / "race.sqlite3"
    put_migrated(database)
    result = race(tmp_path, f"sqlite:///{database}", "race_for_places.py", 50, 7, 3)
    assert result["vendor"] == "sqlite"
    check(result)


@pytest.mark.postgres
def test_fifty_claim_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    result = race(tmp_path, postgres_database, "race_for_places.py", 50, 7, 3)
    assert result["vendor"] == "postgresql"
    check(result)


def check_seats(result: dict[str, object]) -> None:
    # 50 people, 10 of them with two tabs, 7 places for women and 7 for men, on a jury of 14. One
    # seat was held by somebody silent. Exactly 14 get a place, each of them once.
    assert result["answers"] == 60
    assert result["by_group"] == [7, 7]
    assert result["numbers"] == list(range(1, 15))
    assert result["seated"] == result["participations"] == 15
    assert result["ordinals"] == list(range(15))
    assert result["people"] == 51
    assert result["full"] == 36


def test_fifty_come_by_themselves_on_sqlite(
    tmp_path: Path, put_migrated: Callable[[Path], None]
) -> None:
    database = tmp_path / "race.sqlite3"
    put_migrated(database)
    result = race(tmp_path, f"sqlite:///{database}", "race_for_seats.py", 50, 7, 14)
    assert result["vendor"] == "sqlite"
    check_seats(result)


@pytest.mark.postgres
def test_fifty_come_by_themselves_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    result = race(tmp_path, postgres_database, "race_for_seats.py", 50, 7, 14)
    assert result["vendor"] == "postgresql"
    check_seats(result)


# --- kill -9 under load ---------------------------------------------------------------------------


class Stopped(Exception):
    """The test is over."""


class Juror(threading.Thread):
    """A client that works until told to stop, and notes what the server acknowledged."""

    def __init__(self, port: int, link: str) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.link = link
        self.cookies: dict[str, str] = {}
        self.acknowledged: list[str] = []
        self.stop = threading.Event()

    def request(
        self, method: str, path: str, data: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Send a request on a new connection; status, body, Location."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, urlencode(data) if data else None, headers)
        response = connection.getresponse()
        body = response.read().decode()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        connection.close()
        return response.status, body, response.getheader("Location") or ""

    def persist(
        self, method: str, path: str, data: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        """The same, again until the server answers: what a browser's outbox does."""
        while not self.stop.is_set():
            try:
                return self.request(method, path, data)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
        raise Stopped

    def run(self) -> None:
        """Work until told to stop."""
        with contextlib.suppress(Stopped):
            self.work()

    def work(self) -> None:
        """From the link through the work, as fast as it goes."""
        self.persist("GET", self.link)
        way = self.persist("GET", "/work/")[2]
        page = self.persist("GET", f"{way}consent/")[1]
        token = {"csrfmiddlewaretoken": self.hidden(page, "csrfmiddlewaretoken")}
        self.persist("POST", f"{way}consent/", {**token, "decision": "agree", "version": "1"})
        self.persist("POST", f"{way}questions/", {**token, "town": "Yes"})
        self.persist("POST", f"{way}instructions/", token)
        address = self.persist("GET", way)[2]
        while not self.stop.is_set():
            status, page, moved = self.persist("GET", address)
            if moved:
                address = moved
                continue
            found = re.search(r'data-url="([^"]+)"', page)
            if status != 200 or found is None:
                return
            client_id = str(uuid.uuid4())
            data = {
                **token,
                "client_id": client_id,
                "text": "As under load.",
                "option": "o1",
                "verdict": "tie",
                "rating_helpful": str(random.randint(1, 5)),
                "rating_live_with": "3",
                "rating_represented": "50",
                "rating_polite": "1",
            }
            status, _, address = self.persist("POST", found[1], data)
            assert status == 303, status
            self.acknowledged.append(client_id)

    @staticmethod
    def hidden(page: str, name: str) -> str:
        """The value of a hidden field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', page)
        assert found is not None
        return found[1]


def serve(port: int, variables: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "gunicorn", "venire.wsgi", "--workers", "2", "--threads", "2"]
    command += ["--no-control-socket", "--log-level", "critical", "-b", f"127.0.0.1:{port}"]
    return subprocess.Popen(command, env=variables, cwd=ROOT, start_new_session=True)


def test_kill_nine_loses_nothing_that_was_acknowledged(
    tmp_path: Path, put_migrated: Callable[[Path], None]
) -> None:
    database = tmp_path / "load.sqlite3"
    put_migrated(database)
    variables = environment(tmp_path, f"sqlite:///{database}")
    script = ROOT / "tests" / "journeys" / "seed_juror_study.py"
    seeded = subprocess.check_output(
        [sys.executable, str(script), "200"], env=variables, cwd=ROOT, text=True
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    jurors = [Juror(port, link) for link in json.loads(seeded)["links"][:6]]
    server = serve(port, variables)
    try:
        for juror in jurors:
            juror.start()
        for _ in range(3):
            before = sum(len(juror.acknowledged) for juror in jurors)
            deadline = time.monotonic() + 180
            while sum(len(juror.acknowledged) for juror in jurors) < before + 25:
                assert time.monotonic() < deadline, "no progress"
                assert all(juror.is_alive() for juror in jurors)
                time.sleep(0.05)
            # Master and workers at once, in the middle of whatever they are doing.
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(timeout=30)
            server = serve(port, variables)
        after = sum(len(juror.acknowledged) for juror in jurors)
        deadline = time.monotonic() + 180
        while sum(len(juror.acknowledged) for juror in jurors) < after + 10:
            assert time.monotonic() < deadline, "no progress after the restart"
            time.sleep(0.05)
    finally:
        for juror in jurors:
            juror.stop.set()
        for juror in jurors:
            juror.join(timeout=30)
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(timeout=30)
    acknowledged = {uuid.UUID(known).hex for juror in jurors for known in juror.acknowledged}
    assert len(acknowledged) > 85
    with sqlite3.connect(database) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        rows = connection.execute("select client_id from annotations_submission").fetchall()
        assert acknowledged <= {row[0] for row in rows}
        assert len(rows) == len(set(rows))
        orphans = connection.execute(
            "select count(*) from annotations_submission s where step = 'rating' and 4 != "
            "(select count(*) from annotations_rating r where r.submission_id = s.id)"
        ).fetchone()
        assert orphans == (0,)
        wrong = connection.execute(
            "select count(*) from annotations_query q where completed_count != (select count(*)"
            " from annotations_assignment a where a.query_id = q.id and state = 'completed')"
        ).fetchone()
        assert wrong == (0,)
