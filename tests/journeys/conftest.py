"""A researcher's browser in front of the site, for the journeys.

Background work is done in the test's process, by the task that a worker would be sent.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import LazySettings
from playwright.sync_api import ConsoleMessage, Page, sync_playwright

import annotations.tasks
import juries.tasks
import models_runner.tasks
import overton.tasks
from juries.models import Run

SCREENSHOTS = Path(__file__).resolve().parent.parent.parent / "docs" / "screenshots"
TASKS = {
    task.name: task
    for task in (
        juries.tasks.compare,
        juries.tasks.draw,
        annotations.tasks.compute_results,
        annotations.tasks.write_export,
        models_runner.tasks.compute_leaderboard,
        models_runner.tasks.run_benchmark,
        overton.tasks.find_duplicates,
        overton.tasks.read_responses,
    )
}


class Desk:
    """A researcher's browser, and the work that waits for a worker.

    `pictures` is how the names of a journey's pictures begin.
    """

    pictures = "researcher"

    def __init__(self, page: Page, url: str, sent: list[tuple[int, str]]) -> None:
        self.page = page
        self.url = url
        self.sent = sent

    def go(self, path: str) -> None:
        """Open a page of the site."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == 200, (path, answer.status)

    def work(self) -> Run:
        """Do what the workers were last asked for, while no page asks how far it is."""
        self.page.goto("about:blank")
        run_id, kind = self.sent.pop()
        TASKS[kind](run_id)
        run = Run.objects.get(pk=run_id)
        assert run.state == Run.State.SUCCEEDED, run.error
        return run

    def look(self, name: str, *, axe: bool = True, picture: bool = True) -> None:
        """Check a page for its reach and width; take its picture if pictures are wanted."""
        if axe:
            found = Axe().run(self.page).response["violations"]
            assert [(v["id"], n["html"][:200]) for v in found for n in v["nodes"]] == [], name
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        if picture and os.environ.get("VENIRE_SCREENSHOTS"):
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=SCREENSHOTS / f"{self.pictures}-{name}.png", full_page=True)


@pytest.fixture
def desk(
    live_server: Any,
    chromium_path: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
    tmp_path: Path,
) -> Iterator[Desk]:
    """A browser in front of the site; whatever it complains of fails the test."""
    # Playwright's loop runs in this thread; the tests' own queries are not asynchronous.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.UPLOADS_DIR = tmp_path / "uploads"
    settings.EXPORTS_DIR = tmp_path / "exports"
    settings.RUN_HEARTBEAT_SECONDS = 3600
    sent: list[tuple[int, str]] = []
    monkeypatch.setattr("juries.tasks._send", lambda *, run_id, kind: sent.append((run_id, kind)))
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(60_000)
        page = context.new_page()

        def hear(message: ConsoleMessage) -> None:
            # A form that comes back with its errors is answered with status 400.
            if message.type in ("error", "warning") and "status of 400" not in message.text:
                complaints.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Desk(page, live_server.url, sent)
        page.goto("about:blank")
        browser.close()
    assert complaints == []
