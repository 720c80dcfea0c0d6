"""The specimen page, the front page and the admin in real Chromium, under the site's CSP."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import path
from django.views.generic import TemplateView
from playwright.sync_api import Page, sync_playwright

from juries.models import User
from venire import urls

TROUBLES = ("400", "403", "403_csrf", "404", "410", "429", "500")

# The site's own addresses, and pages that it shows only in debug or in trouble.
urlpatterns = [
    *urls.urlpatterns,
    path("look/", TemplateView.as_view(template_name="look.html"), name="look"),
    *[path(f"{name}/", TemplateView.as_view(template_name=f"{name}.html")) for name in TROUBLES],
]

pytestmark = [pytest.mark.browser, pytest.mark.urls(__name__)]

SCHEMES = ("light", "dark")
Complaints = list[str]


@contextmanager
def browsing(chromium: str, **options: Any) -> Iterator[tuple[Page, Complaints]]:
    """A page, and what the browser complained of (CSP violations among it)."""
    complaints: Complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_context(**options).new_page()
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page, complaints
        browser.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds, in a line each."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_specimen_is_accessible_and_fits(
    live_server: Any, chromium_path: str, scheme: str, width: int
) -> None:
    viewport = {"width": width, "height": 900}
    with browsing(chromium_path, viewport=viewport, color_scheme=scheme) as (page, complaints):
        page.goto(f"{live_server.url}/look/")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        small = page.evaluate(
            """() => [...document.querySelectorAll(
                 ".button:not(.button--small), .choice, .likert__point, .check, summary, .nav a")]
               .filter(e => { const r = e.getBoundingClientRect();
                              return r.width && (r.height < 44 || r.width < 44); })
               .map(e => e.outerHTML.slice(0, 80))"""
        )
        assert small == [], "targets under 44 px"
        assert complaints == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_public_and_trouble_pages_are_accessible(
    live_server: Any, chromium_path: str, scheme: str
) -> None:
    viewport = {"width": 320, "height": 700}
    with browsing(chromium_path, viewport=viewport, color_scheme=scheme) as (page, complaints):
        for address in ("/", *(f"/{name}/" for name in TROUBLES)):
            page.goto(f"{live_server.url}{address}")
            assert violations(page) == [], address
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, address
        assert complaints == []


def test_fonts_arrive(live_server: Any, chromium_path: str) -> None:
    with browsing(chromium_path) as (page, _):
        page.goto(f"{live_server.url}/look/")
        page.evaluate("document.fonts.ready.then(() => true)")
        loaded = page.evaluate(
            "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family + f.style)"
        )
        assert {"Source Serif 4normal", "Source Serif 4italic", "Public Sansnormal"} <= set(loaded)


def test_colours_can_be_chosen_and_are_remembered(live_server: Any, chromium_path: str) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    with browsing(chromium_path, color_scheme="light") as (page, complaints):
        page.goto(f"{live_server.url}/look/")
        light = page.evaluate(ground)
        switch = page.locator("[data-theme-switch]")
        assert switch.inner_text() == "Colours: automatic"
        switch.click()
        assert switch.inner_text() == "Colours: dark"
        dark = page.evaluate(ground)
        assert dark != light
        page.goto(f"{live_server.url}/")
        assert page.evaluate(ground) == dark
        page.locator("[data-theme-switch]").click()
        assert page.evaluate(ground) == light
        page.locator("[data-theme-switch]").click()
        assert page.locator("[data-theme-switch]").inner_text() == "Colours: automatic"
        assert complaints == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_without_javascript_the_system_decides(
    live_server: Any, chromium_path: str, scheme: str
) -> None:
    options = {"java_script_enabled": False, "color_scheme": scheme}
    with browsing(chromium_path, **options) as (page, _):
        page.goto(f"{live_server.url}/look/")
        assert page.locator("[data-theme-switch]").is_hidden()
        colour = page.locator("html").evaluate("e => getComputedStyle(e).backgroundColor")
        assert colour == {"light": "rgb(250, 246, 238)", "dark": "rgb(25, 22, 19)"}[scheme]


def test_keyboard_reaches_the_content_and_rates(live_server: Any, chromium_path: str) -> None:
    with browsing(chromium_path) as (page, _):
        page.goto(f"{live_server.url}/look/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.locator('input[name="helpful"][value="5"]').focus()
        page.keyboard.press("ArrowRight")
        assert page.locator('input[name="helpful"][value="6"]').is_checked()
        outline = page.locator(".likert__point:has(input:focus-visible)").evaluate(
            "e => getComputedStyle(e).outlineStyle"
        )
        assert outline == "solid"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_admin_keeps_to_the_csp(
    live_server: Any, researcher: User, chromium_path: str, scheme: str
) -> None:
    viewport = {"width": 1280, "height": 900}
    with browsing(chromium_path, viewport=viewport, color_scheme=scheme) as (page, complaints):
        page.goto(f"{live_server.url}/admin/")
        assert violations(page) == []
        page.fill("#id_username", researcher.username)
        page.fill("#id_password", "a-long-password")
        page.click("[type=submit]")
        assert page.locator("h1").inner_text() == "Your work"
        assert violations(page) == []
        face = page.evaluate("getComputedStyle(document.body).fontFamily")
        assert face.startswith('"Public Sans"')
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == {"light": "rgb(250, 246, 238)", "dark": "rgb(25, 22, 19)"}[scheme]
        assert complaints == []


def test_every_admin_list_and_form_keeps_to_the_csp(
    live_server: Any, researcher: User, chromium_path: str
) -> None:
    with browsing(chromium_path, viewport={"width": 1280, "height": 900}) as (page, complaints):
        page.goto(f"{live_server.url}/admin/")
        page.fill("#id_username", researcher.username)
        page.fill("#id_password", "a-long-password")
        page.click("[type=submit]")
        addresses = page.locator(".work__list a").evaluate_all("all => all.map(a => a.href)")
        assert addresses
        for address in addresses:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == 200, address
            assert "'none'" in answer.headers["content-security-policy"]
            assert complaints == [], address


def test_paper_is_white_when_printed_from_the_dark(live_server: Any, chromium_path: str) -> None:
    grounds = """() => [...document.querySelectorAll("html, .notice, .tag, .response, .choice")]
        .map(e => getComputedStyle(e).backgroundColor)"""
    light = {"rgb(255, 255, 255)", "rgb(238, 238, 238)", "rgba(0, 0, 0, 0)"}
    with browsing(chromium_path, color_scheme="dark") as (page, _):
        page.goto(f"{live_server.url}/look/")
        assert set(page.evaluate(grounds)) - light
        page.emulate_media(media="print", reduced_motion="reduce")
        page.wait_for_timeout(300)
        assert set(page.evaluate(grounds)) <= light
        assert page.locator(".button").first.is_hidden()
