"""Coming into a study by oneself in real Chromium: from Prolific and back, and by an open link."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import LazySettings
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from annotations.forms.ways_in import EntryForm
from annotations.models import Arrival, Study, StudyRole, WayIn
from juries.models import Jury, Pool, User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a-long-password"
PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1100, "height": 900}}
PIDS = [f"5f0c1ab2c3d4e5f60123456{n}" for n in range(4)]


class Visitors:
    """One browser, and a fresh profile in it for each visitor."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        self.complaints: list[str] = []

    @contextmanager
    def visit(self, **options: Any) -> Iterator[Page]:
        """A page of somebody's own. Prolific is answered by the test, and nothing else outside."""
        context = self.browser.new_context(**options)
        context.set_default_timeout(30_000)
        page = context.new_page()

        def hear(message: ConsoleMessage) -> None:
            # Refused visitors get status 400 or 410, which Chromium writes down as an error.
            expected = re.search(r"status of 4(00|10)", message.text)
            if message.type in ("error", "warning") and not expected:
                self.complaints.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.route(
            re.compile(r"https://app\.prolific\.com/.*"),
            lambda route: route.fulfill(
                status=200, content_type="text/html", body="<title>Prolific</title>Back again"
            ),
        )
        yield page
        page.goto("about:blank")
        context.close()


@pytest.fixture
def visitors(
    live_server: Any, chromium_path: str, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> Iterator[Visitors]:
    # Playwright's loop runs in this thread; the tests' own queries are not asynchronous.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    monkeypatch.setattr(EntryForm, "least_seconds", 0)
    settings.SITE_URL = live_server.url
    cache.clear()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        found = Visitors(browser, live_server.url)
        yield found
        browser.close()
    assert found.complaints == []


@pytest.fixture
def study(db: None, make_study: Callable[..., Study]) -> Study:
    """A study with one query before a jury of three that nobody was drawn for."""
    pool = Pool.objects.create(name="Whoever comes", slug="whoever-comes")
    jury = Jury.objects.create(pool=pool, name="Whoever comes", size=3)
    study = make_study(
        jury=jury,
        queries=1,
        sources=("alpha",),
        instructions="Judge as *yourself*.",
        debrief="We compare how people see the same answers.",
        contact="jury@riverside.example",
        description="How two writers answered a question that towns argue about.",
    )
    study.profile_questions.create(
        key="gender", text="What is your gender?", options=["woman", "man", "other"]
    )
    owner = User.objects.create_user("ada", "ada@example.org", PASSWORD, is_staff=True)
    study.roles.create(user=owner, role=StudyRole.Role.OWNER)
    return study


def look(page: Page, name: str, *, axe: bool = True) -> None:
    """Check a page for its reach and width."""
    if axe:
        found = Axe().run(page).response["violations"]
        assert [(v["id"], n["html"][:200]) for v in found for n in v["nodes"]] == [], name
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def make_a_way(page: Page, visitors: Visitors, study: Study) -> str:
    """In the admin: Prolific, one place for women; returns the address that Prolific is given."""
    page.goto(f"{visitors.url}/studies/{study.public_id}/ways-in/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Add a way in").click()
    page.get_by_label("Name:").first.fill("Prolific, first wave")
    page.get_by_label("Kind:").select_option("prolific")
    page.get_by_label("Places:").first.fill("3")
    for label, code in (
        ("Finished:", "DONE1"), ("Screened out:", "OUT1"), ("Group full:", "FULL1"),
        ("No consent:", "NO1"),
    ):  # fmt: skip
        page.get_by_label(label).fill(code)
    page.locator("#groups-group .add-row a").click()
    page.locator("#id_groups-0-name").fill("women")
    page.locator("#id_groups-0-places").fill("1")
    page.locator("#groups-0").get_by_label("woman", exact=True).check()
    look(page, "admin", axe=False)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Open Prolific, first wave").click()
    expect(page.get_by_text("“Prolific, first wave” is open.")).to_be_visible()
    look(page, "ways")
    return page.get_by_label("Study link for Prolific").input_value()


def come(page: Page, address: str, pid: str, gender: str) -> None:
    """From Prolific's own link to what the quota check says."""
    page.goto(address.replace("{{%PROLIFIC_PID%}}", pid))
    page.get_by_role("button", name="I agree and take part").click()
    page.get_by_label(gender, exact=True).check()
    page.get_by_role("button", name="Go on").click()


def answer(page: Page) -> None:
    page.get_by_role("button", name="Begin").click()
    for name in ("rating_helpful", "rating_fair"):
        page.locator(f"label:has([name={name}][value='4'])").click()
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def returned_with(page: Page, code: str) -> None:
    """Follow the way back: the policy of the page lets a link go there."""
    page.get_by_role("link", name="Return to Prolific").click()
    page.wait_for_url(f"https://app.prolific.com/submissions/complete?cc={code}")
    expect(page.get_by_text("Back again")).to_be_visible()


def test_from_prolific_and_back(visitors: Visitors, study: Study) -> None:
    with visitors.visit(**DESK) as desk:
        address = make_a_way(desk, visitors, study)
        with visitors.visit(**PHONE, color_scheme="dark") as page:
            page.goto(address)
            expect(page.get_by_role("heading", name="Your Prolific id is missing")).to_be_visible()
            look(page, "phone-id-missing")
            page.goto(address.replace("{{%PROLIFIC_PID%}}", PIDS[0]))
            look(page, "phone-consent")
            come(page, address, PIDS[0], "woman")
            answer(page)
            look(page, "phone-thanks")
            returned_with(page, "DONE1")
        with visitors.visit(**PHONE) as page:
            come(page, address, PIDS[1], "woman")
            expect(page.get_by_role("heading", name="This group is full")).to_be_visible()
            look(page, "phone-full")
            returned_with(page, "FULL1")
        with visitors.visit(**DESK, java_script_enabled=False) as page:
            come(page, address, PIDS[2], "man")
            heading = page.get_by_role("heading", name="Other people are looked for")
            expect(heading).to_be_visible()
            returned_with(page, "OUT1")
        with visitors.visit(**DESK) as page:
            page.goto(address.replace("{{%PROLIFIC_PID%}}", PIDS[3]))
            page.get_by_role("button", name="No, thank you").click()
            heading = page.get_by_role("heading", name="Thank you for thinking about it")
            expect(heading).to_be_visible()
            look(page, "no-consent")
            returned_with(page, "NO1")
        desk.reload()
        row = desk.get_by_role("row", name="women").get_by_role("cell").all_inner_texts()
        assert row == ["1", "0", "1", "full"]
        look(desk, "places")
        desk.set_viewport_size({"width": 320, "height": 640})
        look(desk, "places-phone", axe=False)
        desk.get_by_role("link", name="Front page").click()
        expect(desk.get_by_text("nobody was drawn by lot")).to_be_visible()
        look(desk, "front-phone", axe=False)


def test_an_open_link_and_her_own(visitors: Visitors, study: Study) -> None:
    way = WayIn.objects.create(study=study, name="List", places=1, is_open=True, complete="CLUB-7")
    address = f"{visitors.url}/in/{way.token}/"
    with visitors.visit(**DESK) as silent, visitors.visit(**PHONE, color_scheme="dark") as page:
        come(silent, address, "", "woman")
        silent.get_by_role("link", name="Go on").click()
        Arrival.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        come(page, address, "", "other")
        expect(page.get_by_role("heading", name="There is a place for you")).to_be_visible()
        look(page, "phone-place")
        link = page.get_by_label("Your own link").input_value()
        page.get_by_role("button", name="Copy the link").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        page.get_by_role("link", name="Go on").click()
        answer(page)
        expect(page.get_by_text("CLUB-7")).to_be_visible()
        silent.get_by_role("button", name="Begin").click()
        heading = silent.get_by_role("heading", name="Your place has been given away")
        expect(heading).to_be_visible()
        look(silent, "gone")
    with visitors.visit(**DESK) as page:
        page.goto(link)
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        page.goto(address)
        expect(page.get_by_role("heading", name="This group is full")).to_be_visible()
