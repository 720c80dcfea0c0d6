"""A draw in public in real Chromium: from quotas in conflict to a check of the record.

The steps stand as functions in the order of the journey, so that others can be put in front. With
VENIRE_SCREENSHOTS set, pictures of the pages are written to docs/screenshots.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from juries.models import Draw, FeatureValue, Jury, Pool, PublishedRecord, User
from juries.services.pool_imports import PoolFiles, create_pool, import_pool
from juries.services.quotas import quotas_from_population, set_quotas

if TYPE_CHECKING:
    from tests.journeys.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parent.parent.parent
POOL = ROOT / "fixtures" / "demo" / "pool"
PASSWORD = "a-long-password"
SEATS = 12
SOURCE = "Ten dice rolled in the town hall"
SPELLING = "the dice in the order in which they were rolled"
VALUE = "6 2 1 5 5 3 4 1 6 2"
PHONE, SCREEN = {"width": 320, "height": 720}, {"width": 1280, "height": 900}


def test_a_draw_that_anybody_can_check(desk: "Desk", tmp_path: Path) -> None:
    desk.pictures = "lottery"
    researcher = User.objects.create_superuser("ada", "ada@example.org", PASSWORD)
    jury = pool_and_quotas(researcher)
    sign_in(desk)
    break_and_mend_the_quotas(desk, jury)
    compare_objectives(desk, jury)
    choose_one(desk)
    draw = find_the_lottery(desk, jury)
    record = publish_the_record(desk, draw)
    read_it_before_the_draw(desk, draw, record)
    enter_the_value(desk, draw)
    read_what_was_drawn(desk, draw)
    find_a_chance(desk, draw)
    check_it(desk, draw, tmp_path)


def pool_and_quotas(researcher: User) -> Jury:
    pool: Pool = create_pool(name="A country in small", slug="small", simulated=True)
    files = {
        name: (POOL / f"{name}.csv").read_bytes()
        for name in ("categories", "respondents", "population")
    }
    import_pool(pool=pool, files=PoolFiles(**files), actor=researcher)
    jury = Jury.objects.create(pool=pool, name="The twelve", size=SEATS, household_limit=1)
    set_quotas(jury=jury, quotas=quotas_from_population(jury=jury, tolerance=1), actor=researcher)
    return jury


def sign_in(desk: "Desk") -> None:
    desk.go("/admin/login/")
    desk.page.get_by_label("Username").fill("ada")
    desk.page.get_by_label("Password").fill(PASSWORD)
    desk.page.locator("[type=submit]").click()
    expect(desk.page.get_by_role("heading", level=1).first).to_be_visible()


def look(desk: "Desk", name: str, *also: str) -> None:
    """The page as it is, in the dark, and on a small phone; pictures of the first and of `also`."""
    desk.look(name)
    desk.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    desk.page.reload()
    desk.look(f"{name}-dark", picture="dark" in also)
    desk.page.set_viewport_size(PHONE)  # type: ignore[arg-type] # a TypedDict of Playwright's
    desk.look(f"{name}-phone", picture="phone" in also)
    desk.page.emulate_media(color_scheme="light")
    desk.page.set_viewport_size(SCREEN)  # type: ignore[arg-type] # as above


def break_and_mend_the_quotas(desk: "Desk", jury: Jury) -> None:
    """Ask for more women over 65 than there may be people over 65; read why not; take a way out."""
    page = desk.page
    old = FeatureValue.objects.get(feature__pool=jury.pool, value="65 or over")
    most = jury.quotas.get(key=str(old.pk)).maximum
    desk.go(f"/admin/juries/jury/{jury.pk}/quotas/")
    expect(page.get_by_text(f"Proven: a jury of {SEATS}")).to_be_visible()
    page.get_by_text("Combinations of traits").click()
    first, second = page.locator("[name=new-value]").all()
    first.select_option("woman")
    second.select_option("65 or over")
    page.locator("[name=min-new]").fill(str(most + 1))
    page.locator("[name=max-new]").fill(str(SEATS))
    heading = page.get_by_role("heading", name=f"No jury of {SEATS} meets these quotas")
    expect(heading).to_be_visible()
    expect(page.get_by_text("These can't both hold")).to_be_visible()
    look_at_once(desk, "0-conflict")
    page.get_by_role("button", name=f"age: 65 or over maximum {most} -> {most + 1}").click()
    expect(page.get_by_text(f"Proven: a jury of {SEATS}")).to_be_visible()
    page.get_by_role("button", name="Save quotas").click()
    expect(page.get_by_text("The quotas are saved")).to_be_visible()
    assert jury.quotas.get(key=str(old.pk)).maximum == most + 1


def look_at_once(desk: "Desk", name: str) -> None:
    """A page that a reload would change: as it is, and on a small phone."""
    desk.look(name)
    desk.page.set_viewport_size(PHONE)  # type: ignore[arg-type] # a TypedDict of Playwright's
    desk.look(f"{name}-phone", picture=False)
    desk.page.set_viewport_size(SCREEN)  # type: ignore[arg-type] # as above


def compare_objectives(desk: "Desk", jury: Jury) -> None:
    desk.go(f"/admin/juries/jury/{jury.pk}/draw/")
    desk.page.get_by_label("Time limit in seconds, for each").fill("10")
    desk.page.get_by_role("button", name="Compare objectives").click()
    desk.page.wait_for_url(re.compile("/runs/"))
    run = desk.work()
    desk.go(run.page_path)
    expect(desk.page.get_by_role("heading", name="The twelve: which objective?")).to_be_visible()
    expect(desk.page.get_by_role("row", name=re.compile("^Maximin"))).to_be_visible()
    greedy = desk.page.get_by_role("row", name=re.compile("^Greedy"))
    expect(greedy.get_by_text("for comparison only", exact=True)).to_be_visible()
    look(desk, "1-objectives", "dark")


def choose_one(desk: "Desk") -> None:
    desk.page.get_by_role("link", name="choose Leximin").click()
    expect(desk.page.locator("[name=method][value=leximin]")).to_be_checked()
    expect(desk.page.locator("[name=mode][value=record]")).to_be_checked()
    desk.look("2-choice", axe=False)


def find_the_lottery(desk: "Desk", jury: Jury) -> Draw:
    desk.page.get_by_role("button", name="Begin the draw").click()
    desk.page.wait_for_url(re.compile("/runs/"))
    run = desk.work()
    desk.go(run.page_path)
    expect(desk.page.get_by_text("The lottery is found; nothing is published")).to_be_visible()
    look(desk, "3-lottery")
    assert not jury.seats.exists()
    return Draw.objects.get(run=run)


def publish_the_record(desk: "Desk", draw: Draw) -> PublishedRecord:
    page = desk.page
    page.locator("[name=source]").fill(SOURCE)
    page.locator("[name=source_date]").fill(timezone.localdate().isoformat())
    page.locator("[name=spelling]").fill(SPELLING)
    page.get_by_role("button", name="Publish the record").click()
    expect(page.get_by_text("The record is public; the panel is not drawn")).to_be_visible()
    record = PublishedRecord.objects.get(draw=draw)
    assert (record.source, record.spelling) == (SOURCE, SPELLING)
    return record


def read_it_before_the_draw(desk: "Desk", draw: Draw, record: PublishedRecord) -> None:
    """As somebody who isn't signed in."""
    desk.page.context.clear_cookies()
    desk.go(f"/draws/{draw.public_id}/")
    expect(desk.page.get_by_text(record.digest, exact=True).first).to_be_visible()
    expect(desk.page.get_by_text(SOURCE).first).to_be_visible()
    expect(desk.page.get_by_role("button", name="Draw the panel")).to_have_count(0)
    look(desk, "4-published", "phone")


def enter_the_value(desk: "Desk", draw: Draw) -> None:
    sign_in(desk)
    desk.go(f"/draws/{draw.public_id}/")
    desk.look("5-value")
    desk.page.get_by_label("The public value").fill(VALUE)
    desk.page.get_by_role("button", name="Draw the panel").click()
    expect(desk.page.get_by_text("The panel is drawn, and public.")).to_be_visible()
    assert draw.jury.seats.count() == SEATS


def read_what_was_drawn(desk: "Desk", draw: Draw) -> None:
    desk.page.context.clear_cookies()
    desk.go(f"/draws/{draw.public_id}/")
    number = PublishedRecord.objects.get(draw=draw).panel_number
    expect(desk.page.get_by_text(f"Panel {number} was drawn")).to_be_visible()
    expect(desk.page.get_by_role("heading", name="Is every quota met?")).to_be_visible()
    look(desk, "6-drawn")


def find_a_chance(desk: "Desk", draw: Draw) -> None:
    chance = draw.chances.filter(is_drawn=True).order_by("probability")[0]
    desk.page.get_by_label("Your own chance").fill(str(chance.candidate.public_id))
    desk.page.get_by_role("button", name="Look it up").click()
    expect(desk.page.get_by_text(chance.in_words)).to_be_visible()
    expect(desk.page.get_by_text("What limits it")).to_be_visible()
    expect(desk.page.get_by_text("You were drawn.")).to_be_visible()
    desk.page.get_by_text("Their numbers").click()
    look(desk, "7-own-chance", "phone")
    desk.page.get_by_role("link", name="The draw of The twelve").click()


def check_it(desk: "Desk", draw: Draw, tmp_path: Path) -> None:
    """The three steps of the page: the record, the value, the script."""
    files = {}
    for name in ("the record", "the script", "the result"):
        with desk.page.expect_download() as waiting:
            desk.page.get_by_role("link", name=name, exact=True).click()
        files[name] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[name])
    record = PublishedRecord.objects.get(draw=draw)
    assert hashlib.sha256(files["the record"].read_bytes()).hexdigest() == record.digest
    for value in (VALUE, "6-2-1-5-5-3-4-1-6-2", str(files["the result"])):
        answer = subprocess.run(
            [sys.executable, "-I", str(files["the script"]), str(files["the record"]),
             record.digest, value],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert "The record is sound." in answer.stdout
        assert f"draws panel {record.panel_number}:" in answer.stdout
    seated = {str(seat.juror.candidate.public_id) for seat in draw.jury.seats.all()}
    assert seated <= set(answer.stdout.splitlines())
