"""A juror's way in real Chromium: by keyboard, by thumb, without a network, without JavaScript.

With VENIRE_SCREENSHOTS set, pictures of the pages are written to docs/screenshots.
"""

import json
import os
import re
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
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.processes]

ROOT = Path(__file__).resolve().parent.parent.parent
SCREENSHOTS = ROOT / "docs" / "screenshots"
WAITING = re.compile("kept in this browser")


@dataclass(frozen=True)
class Server:
    """A server of this test's own, with the links to its seats and its database."""

    url: str
    links: list[str]
    database: Path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What stands in the database."""
        with sqlite3.connect(self.database) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def server(tmp_path: Path, put_migrated: Callable[[Path], None]) -> Iterator[Server]:
    database = tmp_path / "journey.sqlite3"
    put_migrated(database)
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{database}",
        "VENIRE_VAR_DIR": str(tmp_path),
        "VENIRE_DEBUG": "true",
        "VENIRE_LOG_LEVEL": "WARNING",
    }
    seed = [sys.executable, str(Path(__file__).with_name("seed_juror_study.py"))]
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
    for _ in range(150):
        if process.poll() is not None:
            pytest.fail(f"the server ended with status {process.returncode}")
        try:
            urllib.request.urlopen(f"{url}/work/", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the server did not answer within 30 s")


@contextmanager
def browsing(chromium: str, **options: Any) -> Iterator[tuple[BrowserContext, Page, list[str]]]:
    """A browser, a page, and what it complained of (violations of the CSP among it)."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        context = browser.new_context(**options)
        context.set_default_timeout(15_000)
        page = context.new_page()

        def hear(message: ConsoleMessage) -> None:
            # A refused form is status 422, which Chromium writes down as an error.
            if message.type in ("error", "warning") and "status of 422" not in message.text:
                complaints.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield context, page, complaints
        browser.close()


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


def picture(page: Page, name: str) -> None:
    if os.environ.get("VENIRE_SCREENSHOTS"):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"juror-{name}.png", full_page=True)


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def kind_of(page: Page) -> str:
    url = page.locator("[data-work]").get_attribute("data-url")
    assert url is not None
    return url.split("/")[4]


def place_of(page: Page) -> str:
    """Where she is: "1 of 3, rating, part 3 of 5"."""
    steps = page.locator(".steps").inner_text().replace("\n", ", ")
    return f"{steps} {kind_of(page)}"


def saved_line(page: Page) -> Any:
    return page.locator("[data-saved-line]")


def moved_on(page: Page, before: str) -> None:
    page.wait_for_function(
        "before => { const w = document.querySelector('[data-work]');"
        " return !w || w.dataset.url !== before; }",
        arg=before,
    )


def current_url(page: Page) -> str:
    return page.locator("[data-work]").get_attribute("data-url") or ""


def to_the_work(page: Page, server: Server, link: int = 0) -> None:
    page.goto(server.url + server.links[link])
    page.get_by_role("button", name="I agree and take part").click()
    page.get_by_label("Both", exact=True).check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("[data-work]")).to_be_visible()
    page.wait_for_load_state("load")


def answer_with_keys(page: Page) -> None:
    """Answer the page before her with the keyboard alone, up to the Enter that saves."""
    page.wait_for_load_state("load")
    kind = kind_of(page)
    if kind == "opinion":
        page.locator("textarea").focus()
        page.keyboard.type("A summer first, then a vote.")
    elif kind == "choice":
        page.keyboard.press("2")
    elif kind == "rating":
        page.keyboard.press("4")
        page.keyboard.press("5")
        # The slider's group is now the current one: its number can be typed.
        page.locator("input[type=number]").focus()
        page.keyboard.type("62")
        page.locator("[data-save]").focus()
        page.keyboard.press("y")
    else:
        page.keyboard.press("t")


def all_sent(page: Page) -> None:
    """Wait until the server has answered for all that she gave."""
    page.wait_for_function(
        "() => JSON.parse(localStorage.getItem('venire:outbox') ?? '[]').length === 0",
        timeout=30_000,
    )


def save_with_keys(page: Page) -> None:
    before = current_url(page)
    page.keyboard.press("Control+Enter" if kind_of(page) == "opinion" else "Enter")
    moved_on(page, before)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_whole_way_by_keyboard(server: Server, chromium_path: str, scheme: Any) -> None:
    options = {"color_scheme": scheme, "viewport": {"width": 1100, "height": 900}}
    with browsing(chromium_path, **options) as (_, page, complaints):

        def look(name: str) -> None:
            assert violations(page) == [], name
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            if scheme == "light" or name[0] in "689":
                picture(page, f"{name}-{scheme}")

        page.goto(server.url + server.links[0])
        assert "/j/" not in page.url
        look("1-consent")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("A few questions about you")
        look("2-questions")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("[role=alert]")).to_contain_text("Please answer this question.")
        look("2-questions-error")
        page.get_by_label("Both", exact=True).check()
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("h1")).to_have_text("How it works")
        look("3-instructions")
        page.keyboard.press("Enter")

        seen = []
        for number in range(15):
            expect(page.locator("[data-work]")).to_be_visible()
            seen.append(kind_of(page))
            if number == 2:
                page.locator("[data-save]").focus()
                page.keyboard.press("Enter")
                expect(page.locator("[data-error-summary]")).to_be_focused()
                look("6-rating-error")
            answer_with_keys(page)
            if number < 5:
                look(f"{number + 4}-{kind_of(page)}")
            save_with_keys(page)
        expect(page.locator("h1")).to_have_text("Thank you")
        expect(page.locator("body")).to_contain_text("RIVER-2719")
        look("9-thanks")
        assert seen == ["opinion", "choice", "rating", "rating", "preference"] * 3
        assert server.rows("select count(*) from annotations_rating where is_current") == [(24,)]
        assert server.rows("select count(*) from annotations_submission") == [(15,)]
        values = server.rows(
            "select key, value, count(*) from annotations_rating join annotations_criterion c"
            " on c.id = criterion_id group by key, value order by key"
        )
        assert values == [
            ("helpful", 4.0, 6),
            ("live_with", 5.0, 6),
            ("polite", 1.0, 6),
            ("represented", 62.0, 6),
        ]
        times = server.rows("select sum(active_ms), sum(idle_ms) from annotations_submission")
        assert times[0][0] > 0
        assert complaints == []


def test_the_network_is_cut_in_the_middle(server: Server, chromium_path: str) -> None:
    with browsing(chromium_path) as (context, page, _):
        to_the_work(page, server)
        answer_with_keys(page)
        save_with_keys(page)
        expect(saved_line(page)).to_have_text(re.compile("^Saved at"))
        # The four pages after the second one are at hand, and the first answer is on record.
        expect(page.locator("[data-work]")).to_have_attribute(
            "data-loaded-ahead", "4", timeout=30_000
        )
        page.wait_for_load_state("networkidle")
        before = server.rows("select count(*) from annotations_submission")

        context.set_offline(True)
        gone_on = 0
        for _ in range(20):
            answer_with_keys(page)
            here = current_url(page)
            page.keyboard.press("Control+Enter" if kind_of(page) == "opinion" else "Enter")
            expect(saved_line(page)).to_have_text(WAITING)
            if current_url(page) == here:
                break
            gone_on += 1
        assert gone_on >= 4
        picture(page, "offline")
        assert server.rows("select count(*) from annotations_submission") == before
        # Back works too, with what she said.
        page.locator("[data-back]").click()
        expect(page.locator("[data-work]")).to_be_visible()

        context.set_offline(False)
        all_sent(page)
        expect(saved_line(page)).to_have_text(re.compile("^Saved"))
        sent = server.rows("select count(*) from annotations_submission")
        assert sent[0][0] == before[0][0] + gone_on + 1


def test_what_waits_survives_a_reload(server: Server, chromium_path: str) -> None:
    with browsing(chromium_path) as (_context, page, _):
        to_the_work(page, server)
        page.route(
            "**/work/**",
            lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
        )
        page.locator("textarea").fill("This must not be lost.")
        page.keyboard.press("Control+Enter")
        expect(saved_line(page)).to_have_text(WAITING)
        assert server.rows("select count(*) from annotations_opinion") == [(0,)]
        page.unroute("**/work/**")
        page.reload()
        expect(saved_line(page)).to_have_text(re.compile("^Saved"))
        assert server.rows("select text from annotations_opinion") == [("This must not be lost.",)]


def test_a_draft_survives_a_reload(server: Server, chromium_path: str) -> None:
    with browsing(chromium_path) as (_, page, _complaints):
        to_the_work(page, server)
        page.locator("textarea").fill("Half a thou")
        page.reload()
        expect(page.locator("textarea")).to_have_value("Half a thou")
        expect(saved_line(page)).to_have_text(WAITING)
        page.locator("textarea").fill("A whole thought.")
        page.keyboard.press("Control+Enter")
        expect(page.locator("textarea")).to_have_count(0)
        page.locator("[data-back]").click()
        expect(page.locator("textarea")).to_have_value("A whole thought.")


def test_a_change_of_mind_supersedes(server: Server, chromium_path: str) -> None:
    with browsing(chromium_path) as (_, page, _complaints):
        to_the_work(page, server)
        for _ in range(3):
            answer_with_keys(page)
            save_with_keys(page)
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(
            "document.querySelector('[data-work]').dataset.url.includes('rating')"
        )
        expect(page.locator("[name=rating_helpful][value='4']")).to_be_checked()
        page.locator("[name=rating_helpful][value='1']").check()
        save_with_keys(page)
        expect(saved_line(page)).to_have_text(re.compile("^Saved"))
        all_sent(page)
        assert server.rows(
            "select value, is_current from annotations_rating join annotations_criterion c"
            " on c.id = criterion_id where key = 'helpful' order by annotations_rating.id"
        ) == [(4.0, 0), (1.0, 1)]


PHONE = {
    "viewport": {"width": 320, "height": 640},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_small_phone_by_thumb(server: Server, chromium_path: str, scripts: bool) -> None:
    with browsing(chromium_path, **PHONE, java_script_enabled=scripts) as (_, page, complaints):

        def fits(name: str) -> None:
            # Widths are asked for from outside the page, which may run no scripts.
            width = page.locator("html").bounding_box()
            assert width is not None
            assert width["width"] <= 320
            for target in page.locator(".button, .choice, .likert__point, .check").all():
                box = target.bounding_box()
                if box:
                    assert box["height"] >= 44, (name, target.inner_text())
                    assert box["x"] >= 0, name
                    assert box["x"] + box["width"] <= 320, (name, target.inner_text())
            if scripts:
                assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
                assert violations(page) == [], name
                if name[0] in "1269":
                    picture(page, f"phone-{name}")

        page.goto(server.url + server.links[1])
        fits("1-consent")
        page.get_by_role("button", name="I agree and take part").tap()
        page.get_by_text("Both", exact=True).tap()
        fits("2-questions")
        page.get_by_role("button", name="Go on").tap()
        fits("3-instructions")
        page.get_by_role("button", name="Begin").tap()
        for number in range(15):
            expect(page.locator("[data-work]")).to_be_visible()
            kind, here = kind_of(page), current_url(page)
            if kind == "opinion":
                page.locator("textarea").fill("As a thumb would write it.")
            elif kind == "choice":
                page.locator(".choice").nth(1).tap()
            elif kind == "rating":
                page.locator(".likert__point").nth(3).tap()
                page.locator("[name=rating_live_with][value='2']").tap()
                page.locator("input[type=number]").fill("40")
                page.locator("[name=rating_polite][value='1']").tap()
            else:
                page.locator(".choice").nth(3).tap()
            if number < 5:
                fits(f"{number + 4}-{kind}")
            page.locator("[data-save]").tap()
            if scripts:
                moved_on(page, here)
            else:
                page.wait_for_url(re.compile(f"^(?!.*{re.escape(here)}$)"))
        expect(page.locator("h1")).to_have_text("Thank you")
        fits("9-thanks")
        assert server.rows("select count(*) from annotations_submission") == [(15,)]
        assert complaints == []


def test_every_other_page_is_accessible(server: Server, chromium_path: str) -> None:
    for link, scheme in ((2, "light"), (4, "dark")):
        with browsing(chromium_path, color_scheme=scheme) as (_, page, _complaints):
            for address in ("/j/unknown/", server.links[link], "/work/leave/"):
                page.goto(server.url + address)
                assert violations(page) == [], page.url
            picture(page, f"leave-{scheme}")
            page.get_by_role("button", name="Leave").click()
            expect(page.get_by_role("alert")).to_be_visible()
            assert violations(page) == []
            page.goto(f"{server.url}/work/")
            page.get_by_role("button", name="No, thank you").click()
            page.wait_for_url("**/refused/")
            assert violations(page) == []
    with browsing(chromium_path) as (_, page, _complaints):
        page.goto(server.url + server.links[3])
        page.goto(f"{server.url}/work/leave/")
        page.get_by_text("Erase who I am and everything I said").click()
        page.get_by_role("button", name="Leave").click()
        expect(page.locator("h1")).to_have_text("You have left")
        assert violations(page) == []
        page.goto(server.url + server.links[3])
        expect(page.locator("h1")).to_have_text("You have left this jury")
        assert violations(page) == []
