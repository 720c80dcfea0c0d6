"""Ranking in real Chromium: by keyboard, by thumb, by pointer, without JavaScript; and the quiz."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.processes]

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Server:
    """A server of these tests' own, with the links to its seats and its database."""

    url: str
    links: list[str]
    database: Path

    def orders(self) -> list[tuple[Any, ...]]:
        """Source, place, place shown and whether current, of every row of a ranking."""
        with sqlite3.connect(self.database) as connection:
            return connection.execute(
                "select s.name, place, shown, is_current from annotations_ranking r"
                " join annotations_response p on p.id = response_id"
                " join annotations_source s on s.id = source_id order by r.id"
            ).fetchall()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, put_migrated: Callable[[Path], None]
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("steps")
    database = folder / "steps.sqlite3"
    put_migrated(database)
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{database}",
        "VENIRE_VAR_DIR": str(folder),
        "VENIRE_DEBUG": "true",
        "VENIRE_LOG_LEVEL": "WARNING",
    }
    seed = [sys.executable, str(Path(__file__).with_name("seed_steps_study.py"))]
    made = json.loads(subprocess.check_output(seed, env=environment, cwd=ROOT))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "venire.wsgi", "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen([*command, "--threads", "4"], env=environment, cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield Server(url=url, links=made["links"], database=database)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        if process.poll() is not None:
            pytest.fail(f"the server ended with status {process.returncode}")
        try:
            urllib.request.urlopen(f"{url}/work/", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the server did not answer within 60 s")


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield launched
        launched.close()


@contextmanager
def browsing(browser: Browser, **options: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page, and what it complained of (violations of the CSP among it)."""
    complaints: list[str] = []
    context = browser.new_context(**options)
    context.set_default_timeout(15_000)
    page = context.new_page()

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "status of 422" not in message.text:
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page, complaints
    context.close()


def is_fine(page: Page) -> None:
    """No violation of axe's rules, no sideways scrolling."""
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], node["html"][:200]) for rule in found for node in rule["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def to_the_ranking(page: Page, server: Server, link: int) -> None:
    page.goto(server.url + server.links[link])
    page.get_by_role("button", name="I agree and take part").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("h1")).to_have_text("A short check")
    page.get_by_label("Yes, I can go back").check()
    page.get_by_role("button", name="Go on").click()
    ranking_is_shown(page)


def ranking_is_shown(page: Page) -> None:
    """The page stands, and the script that makes the list movable has run."""
    expect(page.locator("venire-ranking")).to_be_visible()
    page.wait_for_load_state("load")


def all_sent(page: Page) -> None:
    """Wait until the server has answered for all that she gave; pages go on before it does."""
    page.wait_for_function(
        "() => JSON.parse(localStorage.getItem('venire:outbox') ?? '[]').length === 0"
    )


def letters(page: Page) -> str:
    """The responses' letters from the best down."""
    found = page.locator(".ranking__row").evaluate_all("rows => rows.map(r => r.dataset.letter)")
    return "".join(found)


def names_in_order(page: Page) -> list[str]:
    """Letters of the rows, and their fields' values."""
    values: list[str] = page.locator(".ranking__row").evaluate_all(
        "rows => rows.map(r => r.dataset.letter + r.querySelector('select').value)"
    )
    return values


def test_by_keyboard_after_a_wrong_answer_in_the_quiz(server: Server, browser: Browser) -> None:
    with browsing(browser, viewport={"width": 1100, "height": 900}) as (page, complaints):
        page.goto(server.url + server.links[0])
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Begin").click()
        is_fine(page)
        page.get_by_label("No, an answer stands").check()
        page.get_by_role("button", name="Go on").click()
        expect(page.locator(".notice--warning")).to_contain_text("you may go back and change it")
        is_fine(page)
        page.get_by_label("Yes, I can go back").check()
        page.get_by_role("button", name="Go on").click()
        ranking_is_shown(page)
        assert letters(page) == "ABC"
        is_fine(page)
        # Nothing was said yet: the order in which they are shown is no answer.
        page.keyboard.press("Enter")
        expect(page.locator("[data-error-summary]")).to_contain_text("put the responses in order")
        page.keyboard.press("c")
        page.keyboard.press("1")
        expect(page.get_by_role("status").last).to_have_text("Response C: place 1 of 3.")
        assert names_in_order(page) == ["C1", "A2", "B3"]
        page.keyboard.press("a")
        page.keyboard.press("ArrowDown")
        assert names_in_order(page) == ["C1", "B2", "A3"]
        expect(page.get_by_role("button", name="Response A: place 3 of 3.")).to_be_focused()
        is_fine(page)
        page.keyboard.press("Enter")
        expect(page.locator("#field-text")).to_be_visible()
        page.locator("[data-back]").click()
        expect(page.locator("venire-ranking[data-ordered]")).to_be_visible()
        assert names_in_order(page) == ["C1", "B2", "A3"]
        all_sent(page)
        assert complaints == []
    placed = {shown: place for _, place, shown, current in server.orders() if current}
    assert placed == {1: 3, 2: 2, 3: 1}


def test_by_thumb_on_the_smallest_phone(server: Server, browser: Browser) -> None:
    options = {
        "viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True,
        "color_scheme": "dark",
    }  # fmt: skip
    with browsing(browser, **options) as (page, complaints):
        to_the_ranking(page, server, 1)
        is_fine(page)
        for target in page.locator(".ranking__row button").all():
            box = target.bounding_box()
            assert box is not None
            assert box["width"] >= 44
            assert box["height"] >= 44
        page.get_by_role("button", name="Response B up").tap()
        assert names_in_order(page) == ["B1", "A2", "C3"]
        before = len(server.orders())
        page.get_by_role("button", name="Save and go on").tap()
        expect(page.locator("#field-text")).to_be_visible()
        page.get_by_role("button", name="Save and go on").tap()
        ranking_is_shown(page)
        page.get_by_role("button", name="The order is right as it stands").tap()
        assert names_in_order(page) == ["A1", "B2", "C3"]
        all_sent(page)
        assert len(server.orders()) == before + 3
        assert complaints == []


def test_by_pointer(server: Server, browser: Browser) -> None:
    with browsing(browser, viewport={"width": 900, "height": 1200}) as (page, complaints):
        to_the_ranking(page, server, 2)
        grip = page.locator(".ranking__row").nth(2).locator(".ranking__grip")
        grip.scroll_into_view_if_needed()
        start, goal = grip.bounding_box(), page.locator(".ranking__row").first.bounding_box()
        assert start is not None
        assert goal is not None
        page.mouse.move(start["x"] + 20, start["y"] + 20)
        page.mouse.down()
        page.mouse.move(start["x"] + 20, goal["y"] + 30, steps=8)
        page.mouse.move(start["x"] + 20, goal["y"] + 2, steps=4)
        page.mouse.up()
        assert names_in_order(page) == ["C1", "A2", "B3"]
        # What is ordered but not sent survives a reload.
        page.wait_for_timeout(400)
        page.reload()
        expect(page.locator("venire-ranking[data-ordered]")).to_be_visible()
        assert names_in_order(page) == ["C1", "A2", "B3"]
        assert complaints == []


def test_without_javascript(server: Server, browser: Browser) -> None:
    with browsing(browser, java_script_enabled=False) as (page, _):
        to_the_ranking(page, server, 3)
        fields = page.locator("venire-ranking select")
        assert fields.count() == 3
        for number, place in enumerate(("1", "1", "2")):
            fields.nth(number).select_option(place)
        page.get_by_role("button", name="Save and go on").click()
        expect(page.locator("[data-error-summary]")).to_contain_text("A and B share place 1")
        expect(fields.nth(2)).to_have_value("2")
        before = len(server.orders())
        fields.nth(1).select_option("3")
        page.get_by_role("button", name="Save and go on").click()
        expect(page.locator("#field-text")).to_be_visible()
        rows = server.orders()[before:]
        assert {shown: place for _, place, shown, _ in rows} == {1: 1, 2: 3, 3: 2}


def test_places_can_be_shared_where_the_study_allows_it(server: Server, browser: Browser) -> None:
    with sqlite3.connect(server.database) as connection:
        connection.execute("update annotations_protocolstep set allows_ties = true")
    with browsing(browser, viewport={"width": 320, "height": 640}) as (page, complaints):
        to_the_ranking(page, server, 4)
        page.keyboard.press("c")
        page.keyboard.press("ArrowUp")
        assert names_in_order(page) == ["A1", "C2", "B3"]
        rows_shown = page.locator(".ranking__row")
        rows_shown.nth(1).get_by_label("As good as the one above").check()
        assert names_in_order(page) == ["A1", "C1", "B3"]
        expect(page.get_by_role("status").last).to_have_text("Response C: place 1 of 3, shared.")
        is_fine(page)
        # Who is moved away shares no more.
        page.keyboard.press("c")
        page.keyboard.press("3")
        assert names_in_order(page) == ["A1", "B2", "C3"]
        rows_shown.nth(2).get_by_label("As good as the one above").check()
        before = len(server.orders())
        page.get_by_role("button", name="Save and go on").click()
        expect(page.locator("#field-text")).to_be_visible()
        all_sent(page)
        rows = server.orders()[before:]
        assert {shown: place for _, place, shown, _ in rows} == {1: 1, 2: 2, 3: 2}
        page.locator("[data-back]").click()
        expect(page.locator("venire-ranking[data-ordered]")).to_be_visible()
        assert names_in_order(page) == ["A1", "B2", "C2"]
        assert complaints == []
