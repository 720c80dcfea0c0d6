"""`manage.py run_local` as its user sees it: one command, the addresses, Ctrl-C."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("VENIRE_", "DATABASE_URL", "DJANGO_", "CELERY_", "PYTEST_")
READY_SECONDS = 180
ENDING_SECONDS = 20

ASK_FOR_A_RUN = """
import django
django.setup()
from annotations.models import Study
from annotations.services.results import request_results
from juries.tasks import enqueue_run
study = Study.objects.create(title="Empty", slug="empty")
run = request_results(study=study, requested_by=None)
enqueue_run(run=run)
print(run.pk)
"""
STATE_OF_THE_RUN = """
import sys
import django
django.setup()
from juries.models import Run
run = Run.objects.get(pk=sys.argv[1])
print(run.state, run.error)
"""


class House:
    """An installation in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "run_local.log"
        kept = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
        self.environment = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "venire.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "VENIRE_VAR_DIR": str(folder / "var"),
        }

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """`manage.py run_local`, with all that it starts in a process group of its own."""
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "run_local", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def told(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def ask(self, code: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def port() -> int:
    """A port that nobody holds at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def running(house: House, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The product without the demonstration, ready; whatever is left of it ends with the test."""
    process = house.start("--no-demo", "--port", str(port))
    try:
        deadline = time.monotonic() + READY_SECONDS
        while "Ctrl-C ends it" not in house.told():
            assert process.poll() is None, house.told()
            assert time.monotonic() < deadline, house.told()
            time.sleep(0.3)
        yield process
    finally:
        if members(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


def members(group: int) -> dict[int, str]:
    """Living processes of a group, with their command lines."""
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # After the name in brackets: state, parent, process group.
            state, _, own = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(own) == group and state != "Z":
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode(errors="replace")
        except OSError:
            continue
    return found


def wait_for(run: str, house: House, *, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while True:
        state = house.ask(STATE_OF_THE_RUN, run)
        if state.split()[0] in ("succeeded", "failed") or time.monotonic() > deadline:
            return state
        time.sleep(0.5)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read from /proc")
def test_one_command_serves_works_and_ends(
    house: House, port: int, running: "subprocess.Popen[bytes]"
) -> None:
    told = house.told()
    assert f"http://127.0.0.1:{port}/\n" in told
    assert f"http://127.0.0.1:{port}/admin/" in told
    assert "createsuperuser" in told, "without the demonstration there is no user yet"
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/no-such-page/", timeout=30)
    assert missing.value.code == 404

    run = house.ask(ASK_FOR_A_RUN).splitlines()[-1]
    assert wait_for(run, house, seconds=120).startswith("succeeded"), house.told()

    commands = members(running.pid).values()
    assert any("gunicorn" in command for command in commands)
    assert any("celery" in command for command in commands)
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=ENDING_SECONDS + 40) == 0, house.told()
    while members(running.pid) and time.monotonic() - began < ENDING_SECONDS:
        time.sleep(0.2)
    assert not members(running.pid), house.told()
    assert time.monotonic() - began < ENDING_SECONDS
    assert "Traceback" not in house.told()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_taken_port_is_refused_before_anything_is_made(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = house.start("--no-demo", "--port", str(port))
        assert process.wait(timeout=120) == 1
    told = house.told()
    assert re.search(rf"Port {port} is taken by another program", told)
    assert "--port" in told
    assert "Traceback" not in told
    assert not (house.folder / "var" / "venire.sqlite3").exists()
