"""Ranking and marking words in real Chromium: by keyboard, thumb, pointer, without JavaScript.

And the quiz. With VENIRE_SCREENSHOTS set, a picture is written to docs/screenshots.
"""

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
SCREENSHOTS = ROOT / "docs" / "screenshots"


@dataclass(frozen=True)
class Server:
    """A server of these tests' own, with the links to its seats and its database."""

    url: str
    links: list[str]
    marking: list[str]
    database: Path

    def orders(self) -> list[tuple[Any, ...]]:
        """Source, place, place shown and whether current, of every row of a ranking."""
        with sqlite3.connect(self.database) as connection:
            return connection.execute(
                "select s.name, place, shown, is_current from annotations_ranking r"
                " join annotations_response p on p.id = response_id"
                " join annotations_source s on s.id = source_id order by r.id"
            ).fetchall()

    def marks(self) -> list[tuple[str, str]]:
        """Kind and words of what is marked now, in the order of the rows."""
        with sqlite3.connect(self.database) as connection:
            rows = connection.execute(
                "select kind, text, start, end from annotations_highlight h"
                " join annotations_response p on p.id = response_id"
                " where is_current order by h.id"
            ).fetchall()
        return [(kind, "" if start is None else text[start:end]) for kind, text, start, end in rows]


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
        yield Server(url=url, database=database, **made)
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


# --- The words that mattered ----------------------------------------------------------------------


def to_the_marking(page: Page, server: Server, link: int) -> None:
    page.goto(server.url + server.marking[link])
    page.get_by_role("button", name="I agree and take part").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("venire-highlight")).to_be_visible()
    page.wait_for_load_state("load")


def marked(page: Page) -> list[str]:
    """What the page lists as marked."""
    return page.locator(".highlight__mark > span").all_inner_texts()


def word(page: Page, text: str) -> Any:
    return page.locator("[data-words] [data-s]").get_by_text(text, exact=True)


def test_words_by_keyboard(server: Server, browser: Browser) -> None:
    with browsing(browser, viewport={"width": 1100, "height": 900}) as (page, complaints):
        to_the_marking(page, server, 0)
        is_fine(page)
        status = page.get_by_role("status").last
        page.keyboard.press("Enter")
        expect(page.locator("[data-error-summary]")).to_contain_text("or say that nothing stood")
        page.keyboard.press("f")
        expect(status).to_contain_text("Pick words first")
        page.keyboard.press("w")
        expect(page.locator("[data-words]")).to_be_focused()
        page.keyboard.press("ArrowRight")
        expect(status).to_have_text("Close")
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        expect(status).to_have_text("try")
        for _ in range(4):
            page.keyboard.press("Shift+ArrowRight")
        expect(status).to_have_text("Picked: “try it for a summer”")
        is_fine(page)
        page.keyboard.press("f")
        expect(status).to_have_text("“try it for a summer” spoke for it.")
        page.keyboard.press("ArrowDown")
        expect(status).to_have_text("Nobody")
        page.keyboard.press("Shift+End")
        page.keyboard.press("Escape")
        page.keyboard.press("Home")
        page.keyboard.press("ArrowDown")
        for _ in range(3):
            page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("a")
        assert marked(page) == [
            "+ Spoke for it: “try it for a summer”",
            "− Spoke against it: “Nobody asked the traders.”",
        ]
        is_fine(page)
        # The whole sentence is ticked in the folded list, too.
        page.get_by_text("Sentence by sentence").click()
        boxes = page.get_by_role("checkbox", name="spoke against it")
        expect(boxes.nth(1)).to_be_checked()
        is_fine(page)
        boxes.nth(2).check()
        assert (
            marked(page)[-1]
            == "− Spoke against it: “Nobody asked the traders. It is their air, too.”"
        )
        boxes.nth(2).uncheck()
        page.keyboard.press("Enter")
        expect(page.locator("#field-text")).to_be_visible()
        all_sent(page)
        assert server.marks() == [
            ("for", "try it for a summer"),
            ("against", "*Nobody* asked the traders."),
        ]
        page.locator("[data-back]").click()
        expect(page.locator("venire-highlight [data-mark]").first).to_be_visible()
        assert len(marked(page)) == 2
        # To say that nothing stood out takes the marks away, and marking takes that back.
        page.keyboard.press("n")
        assert marked(page) == []
        word(page, "air,").click()
        page.keyboard.press("f")
        expect(page.get_by_role("checkbox", name="Nothing stood out")).not_to_be_checked()
        page.keyboard.press("Enter")
        expect(page.locator("#field-text")).to_be_visible()
        all_sent(page)
        assert server.marks() == [("for", "air,")]
        assert complaints == []


def test_words_by_thumb_on_the_smallest_phone(server: Server, browser: Browser) -> None:
    options = {
        "viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True,
        "color_scheme": "dark",
    }  # fmt: skip
    with browsing(browser, **options) as (page, complaints):
        to_the_marking(page, server, 1)
        before = len(server.marks())
        is_fine(page)
        word(page, "Close").tap()
        word(page, "first").tap()
        expect(page.locator(".highlight__picked")).to_have_text(
            "Picked: “Close it, but try it for a summer first”"
        )
        is_fine(page)
        for target in page.locator(".highlight__tools button:visible").all():
            box = target.bounding_box()
            assert box is not None
            assert box["height"] >= 44
        page.get_by_role("button", name="Spoke against it").tap()
        word(page, "👩‍👩‍👧,").tap()
        page.get_by_role("button", name="Spoke for it").tap()
        is_fine(page)
        assert len(marked(page)) == 2
        # What is marked but not sent survives a reload.
        page.wait_for_timeout(400)
        page.reload()
        expect(page.locator("venire-highlight [data-mark]").first).to_be_visible()
        assert len(marked(page)) == 2
        page.get_by_role("button", name="Save and go on").tap()
        expect(page.locator("#field-text")).to_be_visible()
        all_sent(page)
        assert server.marks()[before:] == [
            ("against", "Close it, but **try it for a summer** first"),
            ("for", "👩‍👩‍👧,"),
        ]
        assert complaints == []


def test_words_by_pointer_without_a_network(server: Server, browser: Browser) -> None:
    with browsing(browser, viewport={"width": 900, "height": 1200}) as (page, complaints):
        to_the_marking(page, server, 2)
        before = len(server.marks())
        expect(page.locator("[data-loaded-ahead]")).to_be_attached()
        start, goal = word(page, "Nobody").bounding_box(), word(page, "traders.").bounding_box()
        page.mouse.move(start["x"] + 2, start["y"] + 8)
        page.mouse.down()
        page.mouse.move(goal["x"] + goal["width"] - 2, goal["y"] + 8, steps=8)
        page.mouse.up()
        expect(page.locator(".highlight__picked")).to_have_text(
            "Picked: “Nobody asked the traders.”"
        )
        page.get_by_role("button", name="Spoke against it").click()
        word(page, "it").nth(0).click()
        page.keyboard.press("f")
        page.keyboard.press("Escape")
        # A tap on a mark picks the whole of it; unmarked, it is gone.
        word(page, "asked").click()
        page.get_by_role("button", name="Unmark", exact=True).first.click()
        if os.environ.get("VENIRE_SCREENSHOTS"):
            word(page, "try").click()
            word(page, "summer").click()
            page.get_by_role("button", name="Spoke for it").click()
            page.get_by_text("Sentence by sentence").scroll_into_view_if_needed()
            page.screenshot(path=SCREENSHOTS / "juror-highlight-light.png", full_page=True)
        page.context.set_offline(True)
        word(page, "Nobody").click()
        word(page, "traders.").click()
        page.keyboard.press("a")
        page.keyboard.press("Enter")
        expect(page.locator("#field-text")).to_be_visible()
        assert len(server.marks()) == before
        page.context.set_offline(False)
        all_sent(page)
        assert ("against", "*Nobody* asked the traders.") in server.marks()[before:]
        assert [text for text in complaints if "ERR_INTERNET_DISCONNECTED" not in text] == []


def test_words_without_javascript(server: Server, browser: Browser) -> None:
    with browsing(browser, java_script_enabled=False) as (page, _):
        to_the_marking(page, server, 3)
        before = len(server.marks())
        page.get_by_role("button", name="Save and go on").click()
        expect(page.locator("[data-error-summary]")).to_contain_text("or say that nothing stood")
        rows = page.locator(".passages__row")
        assert rows.count() == 3
        rows.nth(0).get_by_label("spoke for it").check()
        rows.nth(1).get_by_label("spoke for it").check()
        rows.nth(1).get_by_label("spoke against it").check()
        page.get_by_role("button", name="Save and go on").click()
        expect(page.locator("[data-error-summary]")).to_contain_text("keep one of the two")
        rows.nth(1).get_by_label("spoke for it").uncheck()
        page.get_by_role("button", name="Save and go on").click()
        expect(page.locator("#field-text")).to_be_visible()
        kinds = [kind for kind, _ in server.marks()[before:]]
        assert kinds == ["for", "against"]
        assert server.marks()[-1] == ("against", "*Nobody* asked the traders.")
        page.locator("[data-back]").click()
        expect(rows.nth(0).get_by_label("spoke for it")).to_be_checked()
