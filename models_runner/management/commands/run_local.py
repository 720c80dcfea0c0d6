"""`manage.py run_local`: the whole product on this machine, until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotations.services.results import request_results
from juries.tasks import enqueue_run
from models_runner.selectors.demo import demo_addresses
from models_runner.services.demo import (
    demo_owner,
    demo_study,
    request_first_benchmark,
    visitor_link,
)
from models_runner.services.leaderboard import request_first_leaderboard
from overton.services.entailment import request_first_reading


class Command(BaseCommand):
    """Migrates, loads the demo, starts the web server and one worker, prints the addresses."""

    help = "Run Venire on this machine: web server, one worker, demo study. Ctrl-C ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port of the web server")
        parser.add_argument("--no-demo", action="store_true", help="leave the demo study out")

    def handle(self, *args: Any, **options: Any) -> None:
        port: int = options["port"]
        _refuse_taken_port(port)
        call_command("migrate", verbosity=0, interactive=False)
        if not options["no_demo"]:
            # In a process of its own: what training needs of memory goes back when it ends.
            self.stdout.flush()
            loading = subprocess.run(
                [sys.executable, "manage.py", "load_demo"],
                cwd=settings.BASE_DIR,
                env=_child_environment(port),
                check=False,
            )
            if loading.returncode:
                raise CommandError("The demonstration could not be loaded; the reason is above.")
            _ask_for_first_work()
        address = f"http://127.0.0.1:{port}"
        processes = [self._start_web(port), self._start_worker(port)]
        try:
            _wait_until_answering(port, processes[0])
            self._print_addresses(address)
            self._watch(processes)
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                try:
                    process.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    process.kill()

    def _start_web(self, port: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - the arguments are our own
            [
                *(sys.executable, "-m", "gunicorn", "venire.wsgi:application"),
                *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "8"),
                *("--log-level", "warning"),
            ],
            cwd=settings.BASE_DIR,
            env=_child_environment(port),
        )

    def _start_worker(self, port: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - the arguments are our own
            [
                *(sys.executable, "-m", "celery", "--app", "venire", "--quiet", "worker"),
                *("--concurrency", "1", "--loglevel", "WARNING"),
                *("--hostname", f"local-{port}@%h"),
            ],
            cwd=settings.BASE_DIR,
            env=_child_environment(port),
        )

    def _print_addresses(self, address: str) -> None:
        study = demo_study()
        self.stdout.write("\nVenire is running. Open\n")
        for label, path in demo_addresses(study=study):
            self.stdout.write(f"  {label:<24} {address}{path}\n")
        if study is not None:
            link = visitor_link(study=study, now=timezone.now())
            self.stdout.write(f"  {'a juror’s own link':<24} {address}{urlsplit(link).path}\n")
            user, password = demo_owner()
            self.stdout.write(f"Sign in as {user.username} with the password {password}\n")
        else:
            self.stdout.write("Make a first user with: manage.py createsuperuser\n")
        self.stdout.write(f"Ctrl-C ends it. What you did is kept in the folder {_kept_in()}.\n")
        self.stdout.flush()

    def _watch(self, processes: "list[subprocess.Popen[bytes]]") -> None:
        def stop(_signum: int, _frame: FrameType | None) -> None:
            raise KeyboardInterrupt

        # SIGINT too: a shell that starts this in the background has told it to ignore that.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        try:
            while True:
                for process in processes:
                    if process.poll() is not None:
                        raise CommandError(
                            f"A process ended by itself (exit status {process.returncode}); "
                            "its last lines are above."
                        )
                time.sleep(0.5)
        except KeyboardInterrupt:
            self.stdout.write("\nEnding.\n")


def _ask_for_first_work() -> None:
    """The worker's first work: it takes longer than anybody should wait for the addresses."""
    study = demo_study()
    if study is None:
        return
    reading = request_first_reading(study=study)
    for run in (
        request_first_leaderboard(study=study),
        reading,
        # Again, with the reading: the page would say that there is more to count.
        reading and request_results(study=study, requested_by=None),
        request_first_benchmark(study=study),
    ):
        if run is not None:
            enqueue_run(run=run)


def _kept_in() -> str:
    """The folder of all that is kept, seen from the project's where it lies inside it."""
    folder = settings.VAR_DIR
    inside = folder.is_relative_to(settings.BASE_DIR)
    return f"{folder.relative_to(settings.BASE_DIR)}/" if inside else str(folder)


def _child_environment(port: int) -> dict[str, str]:
    return {
        "VENIRE_SITE_URL": f"http://127.0.0.1:{port}",
        **os.environ,
        "VENIRE_LOG_LEVEL": "WARNING",
    }


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise CommandError(
                f"Port {port} is taken by another program. Choose one with --port, "
                "or `make run PORT=8001`."
            )


def _wait_until_answering(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise CommandError("The web server did not start; its last lines are above.")
