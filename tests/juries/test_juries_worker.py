"""A real worker on the embedded broker: it draws, is killed half-way, and draws again."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FEATURES = {f"trait {letter}": 4 for letter in "abcdef"}
PEOPLE, SIZE, SEARCH_SECONDS = 1200, 60, 10

pytestmark = pytest.mark.processes

SET_UP = f"""
from juries.models import FeatureValue, Jury, Pool
from juries.services.quotas import quotas_from_population, set_quotas
jury = Jury.objects.create(pool=Pool.objects.get(slug="crowd"), name="Crowd", size={SIZE})
set_quotas(jury=jury, quotas=quotas_from_population(jury=jury, tolerance=1))
"""
ASK = f"""
from juries.models import Jury
from juries.services.draws import request_draw
from juries.tasks import enqueue_run
enqueue_run(run=request_draw(jury=Jury.objects.get(), seed="s", time_limit={SEARCH_SECONDS}))
"""
AGAIN = """
from juries.models import Run
from juries.services.runs import restart_run
from juries.tasks import enqueue_run
enqueue_run(run=restart_run(run=Run.objects.get()))
"""


class Installation:
    """Venire in a folder of its own, with its own database, broker and workers."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "venire.sqlite3"
        self.environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "VENIRE_VAR_DIR": str(folder / "var"),
            "VENIRE_BROKER_URL": "filesystem://",
            "VENIRE_RUN_STALE_AFTER": "15",
        }
        self.workers: list[subprocess.Popen[bytes]] = []

    def manage(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, check=True, capture_output=True, timeout=240,
        )  # fmt: skip

    def start_worker(self) -> subprocess.Popen[bytes]:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "venire", "worker", "--concurrency", "1",
             "--loglevel", "WARNING"],
            cwd=ROOT, env=self.environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def end_worker(self, worker: subprocess.Popen[bytes], how: signal.Signals) -> None:
        if worker.poll() is None:
            os.killpg(worker.pid, how)
            worker.wait(timeout=60)

    def run(self) -> dict[str, str]:
        with sqlite3.connect(self.database, timeout=30) as connection:
            connection.row_factory = sqlite3.Row
            return dict(connection.execute("SELECT * FROM juries_run").fetchone())

    def wait_for(self, what: Callable[[dict[str, str]], bool], seconds: float) -> dict[str, str]:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            run = self.run()
            if what(run):
                return run
            time.sleep(0.3)
        pytest.fail(f"after {seconds} s the run is {self.run()}")


@pytest.fixture
def installation(tmp_path: Path, put_migrated: Callable[[Path], None]) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    put_migrated(installation.database)
    write_crowd(tmp_path)
    installation.manage(
        "import_pool", "--name", "Crowd", "--simulated",
        "--categories", str(tmp_path / "categories.csv"),
        "--respondents", str(tmp_path / "respondents.csv"),
        "--population", str(tmp_path / "population.csv"),
    )  # fmt: skip
    installation.manage("shell", "-c", SET_UP)
    yield installation
    for worker in installation.workers:
        installation.end_worker(worker, signal.SIGKILL)


def write_crowd(folder: Path) -> None:
    """So many kinds of people that the search for a lottery takes a while."""
    rng = random.Random(7)
    values = {feature: [f"v{n}" for n in range(count)] for feature, count in FEATURES.items()}
    bounds = [f"{f},{v},0,{SIZE}" for f, names in values.items() for v in names]
    shares = [f"{f},{v},{1 / len(names)}" for f, names in values.items() for v in names]
    people = [
        ",".join([f"p{number}", *(rng.choices(names, weights=(8, 4, 2, 1))[0]
                                  for names in values.values())])
        for number in range(PEOPLE)
    ]  # fmt: skip
    (folder / "categories.csv").write_text("\n".join(["category,name,min,max", *bounds]))
    (folder / "population.csv").write_text("\n".join(["feature,value,share", *shares]))
    (folder / "respondents.csv").write_text("\n".join([",".join(["id", *values]), *people]))


def test_killed_half_way_it_says_so_and_starts_again(installation: Installation) -> None:
    first = installation.start_worker()
    installation.manage("shell", "-c", ASK)
    run = installation.wait_for(
        lambda run: run["state"] == "running" and bool(run["progress_note"]), 90
    )
    installation.end_worker(first, signal.SIGKILL)
    assert installation.run()["state"] == "running"

    installation.start_worker()
    run = installation.wait_for(lambda run: run["state"] == "failed", 90)
    assert "The worker stopped answering" in run["error"]

    installation.manage("shell", "-c", AGAIN)
    run = installation.wait_for(lambda run: run["state"] in ("succeeded", "failed"), 180)
    assert run["state"] == "succeeded", run["error"]
    assert int(run["attempt"]) == 2
    assert "attempt 1 ended: The worker stopped answering" in run["log"]
    with sqlite3.connect(installation.database) as connection:
        seats = connection.execute("SELECT count(*) FROM juries_seat").fetchone()[0]
    assert seats == SIZE
