"""Answers in real Chromium: a juror proposes, a researcher merges, undoes, imports and labels.

With VENIRE_SCREENSHOTS set, pictures of the pages are written to docs/screenshots.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import LazySettings
from django.utils import timezone
from playwright.sync_api import expect

from annotations.models import Opinion, Study
from juries.models import Candidate, Juror, Jury, Pool, Seat, User
from juries.services.invitations import invite
from overton.models import Answer, AnswerMerge, LabelResolution
from overton.services.answers import add_answer
from overton.services.labels import label_expression

if TYPE_CHECKING:
    from tests.journeys.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a-long-password"
QUESTION = "Should the market street be closed to cars?"
VIEWS = (
    "Yes: those who live there would breathe better air.",
    "Yes, better air would be good for those who live there.",
    "No: the shops there live on people who come by car.",
)
PROPOSED = "Try it for a summer, and decide by what was counted."


@pytest.fixture
def study(settings: LazySettings) -> Study:
    """One query with three answers, two of them the same; two responses; a jury of three."""
    settings.ENTAILMENT_BACKENDS = {"words": "tests.overton.fake_entailment.WordJudge"}
    settings.ENTAILMENT_BACKEND = "words"
    settings.ENTAILMENT_MODEL = settings.ENTAILMENT_REVISION = ""
    pool = Pool.objects.create(name="Riverside", slug="riverside", is_simulated=True)
    jury = Jury.objects.create(pool=pool, name="The Riverside jury", size=3)
    for number in range(1, 4):
        candidate = Candidate.objects.create(pool=pool, external_id=f"p{number}")
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number)
    study = Study.objects.create(
        jury=jury,
        title="A street for a town",
        slug="a-street",
        state=Study.State.OPEN,
        consent_text="We ask you what people think of a street.",
        query_count=1,
        is_simulated=True,
    )
    study.steps.create(kind="proposing", position=0)
    query = study.queries.create(external_id="street", ordinal=0, text=QUESTION)
    source = study.sources.create(name="careful")
    for number, text in enumerate(
        (
            "Residents gain quiet and air; shops may lose customers. Both are fair concerns.",
            "Some say that the air would be better. It would not: cars take the next street.",
        )
    ):
        query.responses.create(source=source, external_id=f"r{number}", text=text)
    for number, text in enumerate(VIEWS):
        add_answer(query=query, text=text, external_id=f"a{number}")
    Opinion.objects.create(
        juror=jury.jurors.order_by("pk")[1],
        query=query,
        text="Honestly I would close it on market days and leave it open otherwise.",
        created_at=timezone.now(),
    )
    User.objects.create_superuser("ada", "ada@example.org", PASSWORD)
    return study


def test_from_a_proposed_view_to_a_settled_label(
    desk: "Desk", study: Study, tmp_path: Path
) -> None:
    desk.pictures = "answers"
    a_juror_proposes(desk, study)
    sign_in(desk)
    find_duplicates_and_merge(desk, study)
    undo_the_merge(desk, study)
    decide_on_what_jurors_said(desk, study)
    bring_in_a_file(desk, study, tmp_path)
    label_what_readers_differ_about(desk, study)


def address(study: Study) -> str:
    return f"/studies/{study.public_id}/answers/"


def a_juror_proposes(desk: "Desk", study: Study) -> None:
    assert study.jury is not None
    seat = study.jury.seats.get(number=1)
    (issued,) = invite(seats=[seat], expires_in=timedelta(days=7), now=timezone.now())
    page = desk.page
    page.goto(f"{desk.url}/j/{issued.token}/")
    page.get_by_role("button", name="I agree and take part").click()
    page.locator("#field-missing_view").fill(PROPOSED)
    page.get_by_role("button", name=re.compile("Save")).click()
    page.wait_for_url(re.compile("thanks"))
    assert Answer.objects.get(text=PROPOSED).state == Answer.State.PROPOSED


def sign_in(desk: "Desk") -> None:
    desk.go("/studies/")
    desk.page.get_by_label("Username").fill("ada")
    desk.page.get_by_label("Password").fill(PASSWORD)
    desk.page.get_by_role("button", name="Sign in").click()


def find_duplicates_and_merge(desk: "Desk", study: Study) -> None:
    page = desk.page
    desk.go(address(study))
    desk.look("1-queries")
    page.get_by_role("button", name="Look for duplicates").click()
    page.wait_for_url(re.compile("/runs/"))
    assert desk.work().result["likely_duplicates"] == 1
    desk.go(address(study))
    page.get_by_role("link", name=QUESTION).click()
    expect(page.get_by_role("heading", name="Do these say the same?")).to_be_visible()
    desk.look("2-query")
    page.set_viewport_size({"width": 320, "height": 640})
    desk.look("2-query-phone")
    page.set_viewport_size({"width": 1280, "height": 900})
    # With the keyboard alone.
    page.get_by_role("link", name="Keep the first").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Merge this answer into another")).to_be_visible()
    page.get_by_role("button", name="Merge").click()
    expect(page.locator(".errors")).to_contain_text("Reason")
    desk.look("3-merge-error")
    page.get_by_label("Reason").fill("Whoever holds the one holds the other.")
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text("The answers were merged.")).to_be_visible()
    assert Answer.objects.get(external_id="a1").merged_into == Answer.objects.get(external_id="a0")
    desk.look("4-merged")


def undo_the_merge(desk: "Desk", study: Study) -> None:
    page = desk.page
    page.get_by_text("1 merged into it").click()
    page.get_by_role("link", name="Undo the merge of").click()
    page.get_by_label("Reason").fill("The one is of health, the other of comfort.")
    page.get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_text("The merge was undone.")).to_be_visible()
    history = page.get_by_role("group", name="history of merges")
    expect(history).to_contain_text("The one is of health")
    expect(history).to_contain_text("Whoever holds the one")
    expect(page.get_by_role("heading", name="Do these say the same?")).to_have_count(0)
    assert list(AnswerMerge.objects.values_list("act", "actor__username")) == [
        ("merged", "ada"),
        ("split", "ada"),
    ]


def decide_on_what_jurors_said(desk: "Desk", study: Study) -> None:
    page = desk.page
    page.get_by_role("link", name="Put forward as an answer").click()
    page.get_by_label("As an answer").fill("Close it on market days alone.")
    desk.look("5-own-view")
    page.get_by_role("button", name="Put forward").click()
    for text in (PROPOSED, "Close it on market days alone."):
        page.get_by_role("link", name=re.compile(f"Accept.*{text[:20]}")).click()
        page.get_by_role("button", name="Accept").click()
        expect(page.get_by_text("The answer is put to the jury.")).to_be_visible()
    states = Answer.objects.order_by("pk").values_list("origin", "state")
    assert list(states)[3:] == [("juror", "accepted"), ("opinion", "accepted")]
    assert study.queries.get().answers.count() == 5


def bring_in_a_file(desk: "Desk", study: Study, tmp_path: Path) -> None:
    page = desk.page
    desk.go(address(study))
    page.get_by_role("link", name="Import a file").click()
    table = tmp_path / "answers.csv"
    broken = "query_id,answer_id,text\nstreet,b0,Ask again in a year.\nroad,b1,Widen it.\n"
    table.write_text(broken, encoding="utf-8")
    page.locator("[name=table]").set_input_files(table)
    page.get_by_role("button", name="Bring it in").click()
    problems = page.get_by_role("group", name="problems by row")
    expect(problems).to_contain_text("'road'")
    expect(problems.get_by_role("row").nth(1)).to_contain_text("3")
    desk.look("6-import-error")
    assert not Answer.objects.filter(origin="import").exists()
    table.write_text(broken.replace("road,", "street,"), encoding="utf-8")
    page.locator("[name=table]").set_input_files(table)
    page.get_by_role("button", name="Bring it in").click()
    expect(page.get_by_text("2 rows: 2 answers added")).to_be_visible()


def label_what_readers_differ_about(desk: "Desk", study: Study) -> None:
    assert study.jury is not None
    page = desk.page
    answer = Answer.objects.get(external_id="a0")
    response = answer.query.responses.get(external_id="r1")
    for juror, reading in zip(
        study.jury.jurors.order_by("pk"), ("contradicts", "contradicts", "expresses"), strict=True
    ):
        label_expression(
            response=response, answer=answer, label=reading, now=timezone.now(), juror=juror
        )
    desk.go(f"/studies/{study.public_id}/labels/")
    page.get_by_role("link", name="Readers differ").click()
    expect(page.locator("#view-text")).to_have_text(answer.text)
    # Nobody's reading is told before one's own.
    expect(page.get_by_text("2 jurors")).to_have_count(0)
    desk.look("7-label")
    page.keyboard.press("x")
    expect(page.get_by_text("2 jurors: contradicts it")).to_be_visible()
    expect(page.get_by_text("1 juror: expresses it")).to_be_visible()
    page.get_by_label("contradicts it").check()
    page.get_by_label("Reason").fill("It names the view to refute it.")
    desk.look("8-differ")
    page.get_by_role("button", name="Let it stand so").click()
    expect(page.get_by_text("It stands as you decided")).to_be_visible()
    expect(page.get_by_text("There are no such pairs")).to_be_visible()
    assert LabelResolution.objects.get().label == "contradicts"
