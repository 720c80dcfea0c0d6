"""A researcher's way in real Chromium: from a pool's files to a data set that others can load.

Background work is done in this process, by the task that a worker would be sent. With
VENIRE_SCREENSHOTS set, pictures of the pages are written to docs/screenshots.
"""

import csv
import json
import re
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.http import QueryDict
from django.utils import timezone
from playwright.sync_api import expect

from annotations.models import Rating, Study
from annotations.selectors import work
from annotations.services import claims, participation, submissions
from juries.models import Draw, Jury, Pool, Seat, User
from juries.services.invitations import accept_seat

if TYPE_CHECKING:
    from tests.journeys.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parent.parent.parent
POOL = ROOT / "fixtures" / "demo" / "pool"
STUDY = ROOT / "fixtures" / "demo" / "study.json"
PASSWORD = "a-long-password"
SEATS = 12
QUERIES = 4
ANSWERING = 10


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Queries and responses of the demonstration as another tool would have written them."""
    told = json.loads(STUDY.read_text(encoding="utf-8"))
    revisions = {source["key"]: source["revision"] for source in told["sources"]}
    path = tmp_path / "queries.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "question", "model", "version", "answer", "choices"))
        for query in told["queries"][:QUERIES]:
            options = "|".join(option["text"] for option in query["options"])
            for response in query["responses"]:
                source = response["source"]
                writer.writerow(
                    (query["key"], query["text"], source, revisions[source], response["text"],
                     options)
                )  # fmt: skip
    return path


def test_from_a_pool_to_a_data_set(desk: "Desk", table: Path, tmp_path: Path) -> None:
    User.objects.create_superuser("ada", "ada@example.org", PASSWORD)
    sign_in(desk)
    import_a_pool(desk)
    draw_a_jury(desk)
    study = write_a_study(desk)
    import_queries(desk, study, table)
    look_at_the_preview(desk, study)
    open_the_study(desk, study)
    invite_the_jurors(desk)
    let_jurors_answer(desk, study)
    watch_them(desk, study)
    read_the_results(desk, study)
    export_the_data(desk, study, tmp_path)
    read_the_log(desk, study)


def sign_in(desk: "Desk") -> None:
    desk.go("/studies/")
    desk.page.get_by_label("Username").fill("ada")
    desk.page.get_by_label("Password").fill(PASSWORD)
    desk.page.get_by_role("button", name="Sign in").click()
    expect(desk.page.get_by_role("heading", name="Studies", exact=True)).to_be_visible()
    expect(desk.page.get_by_text("Your studies will stand here")).to_be_visible()


def import_a_pool(desk: "Desk") -> None:
    page = desk.page
    desk.go("/admin/juries/pool/add/")
    page.locator("#id_name").fill("A country in small")
    page.locator("#id_slug").fill("small-country")
    page.locator("#id_is_simulated").check()
    page.locator("[name=_save]").click()
    pool = Pool.objects.get()
    desk.go(f"/admin/juries/pool/{pool.pk}/import/")
    for name in ("categories", "respondents", "population"):
        page.locator(f"[name={name}]").set_input_files(POOL / f"{name}.csv")
    page.get_by_role("button", name="Check the files").click()
    expect(page.get_by_text("400 people would be added")).to_be_visible()
    desk.look("1-pool-import", axe=False)
    page.get_by_role("button", name="Import 400 rows").click()
    expect(page.get_by_role("button", name="Import 400 rows")).to_have_count(0)
    assert pool.candidates.count() == 400
    desk.go(f"/admin/juries/pool/{pool.pk}/population/")
    desk.look("2-population", axe=False)


def draw_a_jury(desk: "Desk") -> None:
    page = desk.page
    desk.go("/admin/juries/jury/add/")
    page.locator("#id_pool").select_option(label="A country in small")
    page.locator("#id_name").fill("The twelve")
    page.locator("#id_size").fill(str(SEATS))
    page.locator("[name=_save]").click()
    jury = Jury.objects.get()
    desk.go(f"/admin/juries/jury/{jury.pk}/quotas/")
    page.locator("[name=tolerance]").fill("1")
    page.get_by_role("button", name="Propose from population").click()
    page.get_by_role("button", name="Save quotas").click()
    expect(page.get_by_text("The quotas are saved.")).to_be_visible()
    desk.look("3-quotas", axe=False)
    desk.go(f"/admin/juries/jury/{jury.pk}/draw/")
    page.locator("[name=mode][value=seed]").check()
    page.locator("[name=seed]").fill("dice: 4 2 6 1")
    page.get_by_role("button", name="Begin the draw").click()
    page.wait_for_url(re.compile("/runs/"))
    desk.work()
    draw = Draw.objects.get()
    desk.go(f"/draws/{draw.public_id}/")
    page.get_by_role("button", name="Publish this draw").click()
    expect(page.get_by_role("button", name="Publish this draw")).to_have_count(0)
    desk.look("4-draw", axe=False)
    draw.refresh_from_db()
    assert draw.published_at is not None
    assert jury.seats.count() == SEATS


def write_a_study(desk: "Desk") -> Study:
    page = desk.page
    desk.go("/studies/")
    page.get_by_role("link", name="Make a study").click()
    page.locator("#id_title").fill("Everyday questions")
    page.locator("#id_jury").select_option(label="The twelve")
    page.locator("#id_consent_text").fill("We ask what you think. **You may stop at any time.**")
    page.locator("#id_contact").fill("ada@example.org")
    page.locator("#id_instructions").fill("Judge *as yourself*.")
    page.locator("#id_debrief").fill("What you say is compared with what others say.")
    for number, kind in enumerate(("opinion", "rating")):
        page.get_by_text("Add another Protocol step").click()
        page.locator(f"#id_steps-{number}-position").fill(str(number))
        page.locator(f"#id_steps-{number}-kind").select_option(kind)
    page.get_by_text("Add another Criterion").click()
    page.locator("#id_criteria-0-key").fill("helpful")
    page.locator("#id_criteria-0-name").fill("Helpfulness")
    page.locator("#id_criteria-0-question").fill("How helpful is it?")
    page.locator("#id_criteria-0-labels").fill("1 = not at all\n5 = very")
    page.locator("[name=_continue]").click()
    expect(page.get_by_text("There is no query, so there is nothing to ask.")).to_be_visible()
    desk.look("5-study", axe=False)
    study = Study.objects.get()
    assert study.slug == "everyday-questions"
    assert study.is_simulated
    return study


def import_queries(desk: "Desk", study: Study, table: Path) -> None:
    page = desk.page
    page.get_by_role("link", name="Import queries", exact=True).click()
    expect(page.locator("[name=table]")).to_be_visible()
    desk.look("6-import-file")
    page.locator("[name=table]").set_input_files(table)
    page.get_by_role("button", name="Read the file").click()
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_text("The table is in order")).to_be_visible()
    desk.look("6-import-checked")
    page.get_by_role("button", name=f"Bring in {QUERIES} queries and {4 * QUERIES}").click()
    expect(
        page.get_by_text(f"{QUERIES} queries and {4 * QUERIES} responses are in")
    ).to_be_visible()
    study.refresh_from_db()
    assert study.query_count == QUERIES
    desk.look("7-draft")


def look_at_the_preview(desk: "Desk", study: Study) -> None:
    page = desk.page
    page.get_by_role("link", name="Preview", exact=True).click()
    expect(page.get_by_text("Preview: nothing is kept")).to_be_visible()
    page.get_by_role("button", name="I agree and take part").click()
    page.get_by_role("button", name="Begin").click()
    page.locator("textarea[name=text]").fill("It depends.")
    page.get_by_role("button", name="Save and go on").click()
    page.locator("[name=rating_helpful][value='4']").check(force=True)
    desk.look("8-preview")
    page.get_by_role("navigation", name="The juror’s way").get_by_role(
        "link", name="Thanks"
    ).click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert not study.participations.exists()


def open_the_study(desk: "Desk", study: Study) -> None:
    desk.go(f"/studies/{study.public_id}/")
    desk.page.get_by_role("button", name="Open the study").click()
    expect(desk.page.get_by_text("The study is open.")).to_be_visible()
    expect(desk.page.get_by_text(f"{SEATS} jurors have not been invited.")).to_be_visible()


def invite_the_jurors(desk: "Desk") -> None:
    jury = Jury.objects.get()
    desk.page.get_by_role("link", name="Invite them").click()
    desk.page.get_by_role("button", name="Show new links").click()
    expect(desk.page.get_by_text("copy them now")).to_be_visible()
    desk.look("9-invitations", axe=False)
    assert jury.seats.filter(state=Seat.State.INVITED).count() == SEATS


def let_jurors_answer(desk: "Desk", study: Study) -> None:
    """Ten of the twelve take their seats and answer everything, each in a way of her own."""
    desk.page.goto("about:blank")
    study.refresh_from_db()
    assert study.jury is not None
    now = timezone.now()
    for number, seat in enumerate(study.jury.seats.order_by("number")[:ANSWERING]):
        accept_seat(seat=seat)
        way = participation.join_study(seat=seat, study=study)
        participation.record_consent(participation=way, version="1", now=now)
        way = participation.begin_work(participation=way, now=now)
        while (assignment := claims.current_assignment(participation=way, now=now)) is not None:
            answer(assignment, number)
    assert Rating.objects.count() == ANSWERING * QUERIES * 4


def answer(assignment: Any, number: int) -> None:
    for place, page in enumerate(work.pages_of(assignment=assignment)):
        data = QueryDict(mutable=True)
        if page.kind == "opinion":
            data["text"] = "As it comes."
        else:
            data["rating_helpful"] = str(1 + (number * 7 + place * 3 + assignment.position) % 5)
        submissions.submit(
            assignment=assignment, page=page, data=data, client_id=uuid.uuid4(),
            active_ms=30_000, now=timezone.now(),
        )  # fmt: skip


def watch_them(desk: "Desk", study: Study) -> None:
    page = desk.page
    desk.go(f"/studies/{study.public_id}/")
    expect(page.get_by_text(f"{ANSWERING} finished, 0 at work, 2 not begun")).to_be_visible()
    expect(page.get_by_text("2 jurors have not opened the link yet.")).to_be_visible()
    desk.look("10-front-page")
    page.get_by_role("link", name="Jurors", exact=True).click()
    page.wait_for_url("**/jurors/")
    desk.look("11-jurors")
    page.locator("tbody th a").first.click()
    expect(page.get_by_role("heading", name="Seat 1")).to_be_visible()
    desk.look("12-juror")


def read_the_results(desk: "Desk", study: Study) -> None:
    page = desk.page
    page.get_by_role("link", name="Results", exact=True).click()
    page.get_by_role("button", name="Compute the results").click()
    expect(page.get_by_text("The results are being computed", exact=False).first).to_be_visible()
    desk.work()
    desk.go(f"/studies/{study.public_id}/results/")
    expect(page.get_by_text(f"{ANSWERING} of {SEATS} seated simulated jurors")).to_be_visible()
    desk.look("13-results", axe=False)
    desk.go(f"/studies/{study.public_id}/")
    expect(page.get_by_text(f"{ANSWERING} of {SEATS} seated simulated jurors")).to_be_visible()


def export_the_data(desk: "Desk", study: Study, tmp_path: Path) -> None:
    page = desk.page
    page.get_by_role("link", name="Exports", exact=True).click()
    page.get_by_role("button", name="Write the export").click()
    expect(page.get_by_text("The export is being written")).to_be_visible()
    desk.work()
    desk.go(f"/studies/{study.public_id}/exports/")
    desk.look("14-exports", axe=False)
    with page.expect_download() as waiting:
        page.get_by_role("link", name=re.compile("download", re.I)).first.click()
    path = tmp_path / "bundle.zip"
    waiting.value.save_as(path)
    with zipfile.ZipFile(path) as bundle:
        (name,) = [name for name in bundle.namelist() if name.endswith("data/ratings.csv")]
        rows = list(csv.DictReader(bundle.read(name).decode().splitlines()))
    assert len(rows) == ANSWERING * QUERIES * 4


def read_the_log(desk: "Desk", study: Study) -> None:
    desk.go(f"/studies/{study.public_id}/log/")
    for said in ("created the study", "imported queries into this study", "opened the study"):
        expect(desk.page.get_by_role("cell", name=said)).to_be_visible()
    desk.look("15-log")
