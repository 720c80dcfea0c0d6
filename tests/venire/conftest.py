"""A whole installation of its own in a folder: settings, database, broker, processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("VENIRE_", "DATABASE_URL", "DJANGO_", "CELERY_", "PYTEST_")
PRODUCTION = {
    "VENIRE_DEBUG": "false",
    "VENIRE_SECRET_KEY": "kept-long-and-random-only-in-this-test-0123456789-abcdefghijkl",
    "VENIRE_ALLOWED_HOSTS": "venire.example.org",
}


@dataclass
class House:
    """Runs the code with exactly these variables, and none of those of the test run."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    _processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    _logs: list[IO[bytes]] = field(default_factory=list)

    def environment(self, **extra: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "VENIRE_VAR_DIR": str(self.folder / "var"),
            **self.variables,
            **extra,
        }

    def python(
        self, code: str, *arguments: str, variables: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            env=self.environment(**(variables or {})),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def manage(
        self, *arguments: str, variables: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(**(variables or {})),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def ask(self, code: str, *arguments: str) -> str:
        """What code prints that runs with Django set up."""
        done = self.python(f"import django\ndjango.setup()\n{code}", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """A Celery worker, with its own process group."""
        log = (self.folder / f"worker-{len(self._logs)}.log").open("wb")
        self._logs.append(log)
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "--app", "venire", "worker"),
                *("--concurrency", "1", "--loglevel", "INFO"),
                *("--hostname", f"test-{len(self._logs)}@%h"),
            ],
            cwd=ROOT,
            env=self.environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def logs(self) -> str:
        return "\n".join(
            path.read_text(errors="replace")[-3000:] for path in self.folder.glob("worker-*.log")
        )

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=20)
        for log in self._logs:
            log.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty installation; its processes end with the test."""
    made = House(folder=tmp_path, variables={"DJANGO_SETTINGS_MODULE": "venire.settings"})
    yield made
    made.close()


@pytest.fixture
def until() -> Callable[..., str]:
    """Asks again until the answer is as wanted."""

    def wait(ask: Callable[[], str], wanted: Callable[[str], bool], seconds: float) -> str:
        deadline = time.monotonic() + seconds
        while True:
            answer = ask()
            if wanted(answer) or time.monotonic() > deadline:
                return answer
            time.sleep(0.5)

    return wait
