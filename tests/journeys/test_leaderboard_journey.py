"""A researcher's way in real Chromium: the leaderboard, its slider, a jury built by seats, and what
would turn its verdict.

Background work is done in this process. With VENIRE_SCREENSHOTS set, pictures of the pages are
written to docs/screenshots.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from annotations.models import Participation, Rating, Response, Study
from juries.models import Candidate, Juror, Jury, Pool, Seat, User
from models_runner.domain.leaderboard import board

if TYPE_CHECKING:
    from tests.journeys.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Women like alpha, men don't; beta is fair to everybody; gamma pleases nobody.
TASTES = {"alpha": (5, 2), "beta": (3, 3), "gamma": (2, 2)}


@pytest.fixture
def study(make_study: Callable[..., Study], pool: Pool) -> Study:
    """Twelve jurors, two queries, three sources; everybody has rated."""
    jury = Jury.objects.create(pool=pool, name="Twelve", size=12)
    for number in range(12):
        candidate = Candidate.objects.create(
            pool=pool, external_id=f"j{number}", consented_at=timezone.now()
        )
        for feature, value in (("gender", number % 2), ("age", number % 3 % 2)):
            chosen = pool.features.get(name=feature).values.get(position=value)
            candidate.traits.create(feature=chosen.feature, feature_value=chosen)
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number + 1, state=Seat.State.ACCEPTED)
    made = make_study(jury=jury, queries=2, sources=tuple(TASTES))
    responses = list(Response.objects.filter(query__study=made).select_related("source"))
    for place, juror in enumerate(jury.jurors.order_by("id")):
        Participation.objects.create(study=made, juror=juror, ordinal=place, state="finished")
        Rating.objects.bulk_create(
            Rating(
                juror=juror,
                response=response,
                criterion=made.criteria.get(key="helpful"),
                value=TASTES[response.source.name][place % 2] + (place // 2 == 2) * (place % 2),
                created_at=timezone.now(),
            )
            for response in responses
        )
    return made


def test_from_a_leaderboard_to_what_would_turn_a_verdict(
    desk: "Desk", study: Study, researcher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "RULE_RESAMPLES", 5)
    client = Client()
    client.force_login(researcher)
    desk.page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": desk.url}]
    )
    compute(desk, study)
    move_the_slider(desk)
    look_when_narrow(desk)
    build_a_jury(desk)
    turn_its_verdict(desk)


def compute(desk: "Desk", study: Study) -> None:
    page = desk.page
    desk.go(f"/studies/{study.public_id}/leaderboard/")
    page.get_by_role("button", name="Compute the leaderboard").click()
    expect(page.get_by_text("The leaderboard is being computed", exact=False).first).to_be_visible()
    desk.work()
    desk.go(f"/studies/{study.public_id}/leaderboard/")
    expect(page.locator("#ranking")).to_contain_text("alpha leads with 0.6")
    desk.look("16-leaderboard")


def move_the_slider(desk: "Desk") -> None:
    page = desk.page
    slider = page.get_by_label("α, how much the worst-off count")
    slider.focus()
    page.keyboard.press("End")
    expect(page.locator("#ranking-title", has_text="at α = ∞?")).to_be_visible()
    expect(page.locator(".slider__value")).to_have_text("∞")
    assert slider.get_attribute("aria-valuetext") == "∞"
    expect(page.locator("#ranking")).to_contain_text("beta leads with 0.5")
    expect(page).to_have_url(re.compile("alpha=inf"))
    expect(page.locator("#spoken")).to_contain_text("beta leads")
    page.get_by_role("link", name="2", exact=True).click()
    expect(page.locator("#ranking-title", has_text="at α = 2?")).to_be_visible()
    page.get_by_label("Groups by").select_option("gender")
    page.get_by_label("τ, the utility").fill("0.4")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Which group gets least? By gender")).to_be_visible()
    expect(page.locator("#ranking-title", has_text="at α = 2?")).to_be_visible()


def look_when_narrow(desk: "Desk") -> None:
    desk.page.set_viewport_size({"width": 320, "height": 640})
    assert desk.page.evaluate("document.documentElement.scrollWidth") == 320
    desk.page.set_viewport_size({"width": 1280, "height": 900})


def seats(page: Page, name: str) -> int:
    return int(page.get_by_role("spinbutton", name=name).input_value())


def build_a_jury(desk: "Desk") -> None:
    page = desk.page
    page.get_by_role("link", name="Verdicts", exact=True).click()
    expect(page.get_by_text("100 juries of 12 seats from 12 jurors")).to_be_visible()
    page.get_by_role("button", name="One seat fewer for gender: man").focus()
    for left in (5, 4, 3):
        page.keyboard.press("Enter")
        assert seats(page, "gender: man") == left
    expect(page.get_by_text("100 juries of 9 seats from 12 jurors")).to_be_visible()
    expect(page).to_have_url(re.compile("gender%3Dman=3"))
    rows = page.locator("[data-row]")
    rows.nth(1).locator(".seat").first.drag_to(rows.nth(0))
    expect(rows.nth(0).locator(".seat")).to_have_count(4)
    assert (seats(page, "gender: man"), seats(page, "gender: woman")) == (4, 5)
    expect(page.locator("#spoken")).to_contain_text("9 seats")
    page.get_by_role("spinbutton", name="gender: woman").fill("7")
    expect(page.get_by_text("first 'gender: woman'", exact=False).first).to_be_visible()
    page.get_by_role("spinbutton", name="gender: woman").fill("5")
    expect(page.get_by_text("100 juries of 9 seats")).to_be_visible()
    desk.look("17-verdicts")


def turn_its_verdict(desk: "Desk") -> None:
    page = desk.page
    page.get_by_label("Threshold").fill("3.5")
    page.get_by_role("button", name="Ask juries of these seats").click()
    page.get_by_role("link", name="What would turn it?").first.click()
    expect(
        page.get_by_role("heading", name="What would turn the verdict on alpha?")
    ).to_be_visible()
    expect(
        page.get_by_text("It turns by one changed seat: one jury at that distance.")
    ).to_be_visible()
    desk.look("18-counterfactual")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
