"""Quotas that can't be met, mended in real Chromium: typed, explained, relaxed; and seating rules.

With and without JavaScript, on a phone and in the dark.
"""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

from juries.models import FeatureValue, Jury, Pool, User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a-long-password"


def in_chromium(chromium_path: str, walk: Callable[[Page], None], **options: Any) -> None:
    """Open a page, walk, and fail if the browser complained."""
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(30_000)
        page.on("console", hear)
        walk(page)
        browser.close()
    assert complaints == []


def check_the_look(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(v["id"], n["html"][:200]) for v in found for n in v["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_relaxation_is_found_and_taken(
    live_server: Any,
    chromium_path: str,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
    scripts: bool,
) -> None:
    # Playwright's loop runs in this thread; the tests' own queries are not asynchronous.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    User.objects.create_superuser("ada", "ada@example.org", PASSWORD)
    jury = Jury.objects.create(pool=pool, name="Panel", size=4)
    woman = FeatureValue.objects.get(feature__pool=pool, value="woman").pk
    young = FeatureValue.objects.get(feature__pool=pool, value="under 40").pk
    path = f"{live_server.url}/admin/juries/jury/{jury.pk}/quotas/"

    def walk(page: Page) -> None:
        page.goto(path)
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.locator(f"[name=min-{woman}]").fill("3")
        page.locator(f"[name=max-{young}]").fill("0")
        if not scripts:
            page.get_by_role("button", name="Check", exact=True).click()
        expect(page.get_by_role("heading", name="No jury of 4 meets these quotas")).to_be_visible()
        expect(page.get_by_text("These can't both hold")).to_be_visible()
        if scripts:
            check_the_look(page)
        page.get_by_role("button", name="gender: woman minimum 3 -> 2").click()
        expect(page.locator(f"[name=min-{woman}]")).to_have_value("2")
        expect(page.get_by_text("Proven: a jury of 4")).to_be_visible()
        assert not jury.quotas.exists()
        page.get_by_role("button", name="Save quotas").click()
        expect(page.get_by_text("The quotas are saved")).to_be_visible()

    in_chromium(
        chromium_path,
        walk,
        java_script_enabled=scripts,
        viewport={"width": 320, "height": 800},
        color_scheme="dark",
    )
    assert dict(jury.quotas.values_list("key", "minimum")) == {str(woman): 2, str(young): 0}


@pytest.mark.parametrize(
    ("scripts", "width", "scheme"),
    [(True, 320, "dark"), (True, 768, "light"), (False, 320, "light"), (True, 1280, "light")],
)
def test_bounds_give_way_as_far_as_is_allowed(
    live_server: Any,
    chromium_path: str,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
    scripts: bool,
    width: int,
    scheme: str,
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    User.objects.create_superuser("ada", "ada@example.org", PASSWORD)
    jury = Jury.objects.create(pool=pool, name="Panel", size=4)
    woman = FeatureValue.objects.get(feature__pool=pool, value="woman").pk
    young = FeatureValue.objects.get(feature__pool=pool, value="under 40").pk
    path = f"{live_server.url}/admin/juries/jury/{jury.pk}/quotas/"

    def walk(page: Page) -> None:
        page.goto(path)
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(f"[name=max-flex-{young}]")).to_be_hidden()
        page.get_by_text("How far bounds may give way").click()
        page.locator(f"[name=min-{woman}]").fill("3")
        page.locator(f"[name=max-{young}]").fill("0")
        page.get_by_label("Maximum may give way to, age: under 40").fill("2")
        if not scripts:
            page.get_by_role("button", name="Check", exact=True).click()
        first = page.locator(".ways li").first
        expect(first).to_contain_text("age: under 40 maximum 0 -> 1")
        expect(first).to_contain_text("within the bounds you allowed")
        if scripts:
            check_the_look(page)
        first.get_by_role("button").click()
        expect(page.locator(f"[name=max-{young}]")).to_have_value("1")
        expect(page.locator(f"[name=max-flex-{young}]")).to_have_value("2")
        expect(page.locator(f"[name=max-flex-{young}]")).to_be_visible()
        page.get_by_role("button", name="Save quotas").click()
        expect(page.get_by_text("The quotas are saved")).to_be_visible()

    in_chromium(
        chromium_path,
        walk,
        java_script_enabled=scripts,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
    )
    assert jury.quotas.get(key=str(young)).flexible_maximum == 2


@pytest.mark.parametrize(
    ("scripts", "width", "scheme"),
    [(True, 320, "dark"), (False, 320, "light"), (True, 1280, "light")],
)
def test_seating_rules_are_pasted_looked_up_and_taken_off(
    live_server: Any,
    chromium_path: str,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
    scripts: bool,
    width: int,
    scheme: str,
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    User.objects.create_superuser("ada", "ada@example.org", PASSWORD)
    jury = Jury.objects.create(pool=pool, name="Panel", size=4)
    path = f"{live_server.url}/admin/juries/jury/{jury.pk}/rules/"

    def walk(page: Page) -> None:
        page.goto(path)
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("People").fill("p1\np2")
        page.get_by_label("Or look somebody up").fill("p3")
        page.get_by_role("button", name="Look up").click()
        expect(page.get_by_label("p3")).to_be_checked()
        expect(page.get_by_label("People")).to_have_value("p1\np2")
        page.get_by_label("must not sit").check()
        page.get_by_label("Reason").fill("On the staff")
        if scripts:
            check_the_look(page)
        page.get_by_role("button", name="Add rules").click()
        expect(page.get_by_text("3 rules are added.")).to_be_visible()
        page.get_by_label("People").fill("p0")
        page.get_by_label("must sit", exact=True).check()
        page.get_by_role("button", name="Add rules").click()
        page.get_by_label("p2 must not sit").check()
        page.get_by_role("button", name="Take the ticked ones off").click()
        expect(page.get_by_text("1 rule is taken off.")).to_be_visible()
        if scripts:
            check_the_look(page)

    in_chromium(
        chromium_path,
        walk,
        java_script_enabled=scripts,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
    )
    assert dict(jury.seating_rules.values_list("candidate__external_id", "rule")) == {
        "p0": "must_sit", "p1": "must_not_sit", "p3": "must_not_sit",
    }  # fmt: skip
