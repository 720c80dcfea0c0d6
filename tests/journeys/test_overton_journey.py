"""What is reasonable, and who says it, in real Chromium: from proposed views to coverage.

Jurors propose and judge by the services of their steps. Background work is done in this process, by
a judge that counts shared words. With VENIRE_SCREENSHOTS set, pictures of the pages are written to
docs/screenshots.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from annotations.models import Response, Study
from juries.models import Candidate, Juror, Jury, Pool, Seat, User
from overton.models import Answer, WindowSnapshot
from overton.services.answers import accept_answer, propose_answer
from overton.services.judgements import record_judgement
from overton.services.labels import label_expression
from overton.services.windows import set_window_rule

if TYPE_CHECKING:
    from tests.journeys.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAYS = {
    "alpha": "Yes. **Trees cool the street** in summer, and people walk more.\n\n"
    "Others answer that cars need parking space near the shops. Both are fair points.",
    "beta": "Some claim that trees cool the street in summer. That is false.\n\n"
    "Nobody should walk at all.",
}
VIEWS = (
    "Trees cool the street in summer.",
    "Cars need parking space near the shops.",
    "Nobody should walk at all.",
)


@pytest.fixture
def study(
    make_study: Callable[..., Study],
    pool: Pool,
    settings: LazySettings,
    researcher: User,
    monkeypatch: pytest.MonkeyPatch,
) -> Study:
    """Two queries before sixteen jurors, who have proposed views and judged them."""
    # The judge lives beside the tests of its own floor.
    monkeypatch.syspath_prepend(Path(__file__).resolve().parent.parent / "overton")
    settings.ENTAILMENT_BACKENDS = {"words": "fake_entailment.WordJudge"}
    settings.ENTAILMENT_BACKEND = "words"
    settings.ENTAILMENT_MODEL = ""
    jury = Jury.objects.create(pool=pool, name="Sixteen", size=16)
    for number in range(16):
        candidate = Candidate.objects.create(
            pool=pool, external_id=f"j{number}", consented_at=timezone.now()
        )
        for feature, value in (("gender", number % 2), ("age", number // 8)):
            chosen = pool.features.get(name=feature).values.get(position=value)
            candidate.traits.create(feature=chosen.feature, feature_value=chosen)
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number + 1, state=Seat.State.ACCEPTED)
    made = make_study(jury=jury, queries=2, steps=("proposing", "judging"))
    for query in made.queries.all():
        query.text = f"Should our street number {query.ordinal + 1} have trees or parking?"
        query.save()
    for response in Response.objects.filter(query__study=made).select_related("source"):
        response.text = SAYS[response.source.name]
        response.save()
    set_window_rule(
        study=made, reasonable_share=0.4, group_minimum=4, group_features=("gender", "age")
    )
    propose_and_judge(made, researcher)
    return made


def propose_and_judge(study: Study, researcher: User) -> None:
    """A juror proposes each view, a researcher accepts it, and the jury judges it."""
    assert study.jury is not None
    jurors = list(study.jury.jurors.order_by("id"))
    for query in study.queries.all():
        for number, text in enumerate(VIEWS):
            answer = propose_answer(query=query, juror=jurors[number], text=text)
            assert answer is not None
            accept_answer(answer=answer, actor=researcher)
            for place, juror in enumerate(jurors):
                record_judgement(
                    juror=juror,
                    answer=answer,
                    verdict="unreasonable" if number == 2 else "reasonable",
                    holds=(place % 2 == number) if number < 2 else False,
                    now=timezone.now(),
                )


def test_from_a_window_to_whose_views_are_left_out(
    desk: "Desk", study: Study, researcher: User
) -> None:
    client = Client()
    client.force_login(researcher)
    desk.page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": desk.url}]
    )
    see_the_window(desk, study)
    have_it_read(desk, study)
    correct_the_model(desk, study)
    compare_the_sources(desk, study)
    see_the_report_card(desk, study, researcher)
    look_narrow_and_dark(desk, study)


def see_the_window(desk: "Desk", study: Study) -> None:
    page = desk.page
    desk.go(f"/studies/{study.public_id}/windows/")
    page.get_by_role("link", name="Should our street number 1").click()
    expect(
        page.get_by_role("heading", name="Where does each answer stand with the jury?")
    ).to_be_visible()
    page.get_by_label("Show").select_option("gender")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="with each group, by gender?")).to_be_visible()
    page.get_by_role("button", name="Take a snapshot").click()
    expect(page.get_by_text("The windows were kept as they are now")).to_be_visible()
    assert WindowSnapshot.objects.filter(study=study).count() == 1
    desk.look("19-window")


def have_it_read(desk: "Desk", study: Study) -> None:
    page = desk.page
    page.get_by_role("link", name="Coverage", exact=True).click()
    expect(page.get_by_text("Nothing to compare yet")).to_be_visible()
    page.get_by_role("link", name="Let a model read them").click()
    page.get_by_label("each answer looked for in the response").check()
    page.get_by_role("button", name="Read the responses").click()
    expect(page.get_by_text("The responses are being read.")).to_be_visible()
    run = desk.work()
    assert run.result["pairs"] == 12
    desk.go(f"/studies/{study.public_id}/readings/")
    expect(page.get_by_text("Not validated")).to_be_visible()


def correct_the_model(desk: "Desk", study: Study) -> None:
    page = desk.page
    response = Response.objects.get(query__study=study, query__ordinal=0, source__name="alpha")
    desk.go(f"/studies/{study.public_id}/responses/{response.public_id}/")
    trees = page.locator(".said-answer", has_text=VIEWS[0])
    number = trees.get_attribute("data-answer")
    expect(trees).to_contain_text("predicted")
    marks = page.locator(f'mark[data-said~="{number}"]')
    expect(marks.filter(has_text="Trees cool the street")).to_be_visible()
    assert marks.first.get_attribute("data-lit") is None
    trees.get_by_role("link", name="Where it says so").focus()
    expect(marks.first).to_have_attribute("data-lit", "")
    page.keyboard.press("Enter")
    expect(page.locator(f"#said-{number}")).to_be_in_viewport()
    desk.look("20-response")
    parking = page.locator(".said-answer", has_text=VIEWS[1])
    parking.get_by_role("button", name="Contradicts it").click()
    expect(page.get_by_text("That counts from now on, whatever a model reads.")).to_be_visible()
    expect(page.locator(".said-answer", has_text=VIEWS[1])).to_contain_text(
        "A researcher settled it"
    )
    expect(page.locator("dl.facts")).to_contain_text("50 %")


def compare_the_sources(desk: "Desk", study: Study) -> None:
    page = desk.page
    desk.go(f"/studies/{study.public_id}/coverage/")
    expect(page.get_by_text("1 are settled by people")).to_be_visible()
    expect(page.locator("#sources")).to_contain_text("alpha stands first, 75%")
    page.get_by_role("link", name="Coverage by support").click()
    expect(page.locator("th[aria-sort]")).to_have_text("Coverage by support")
    expect(page.get_by_role("heading", name="Who represents which group?")).to_be_visible()
    desk.look("21-coverage")
    page.get_by_role("link", name="beta", exact=True).first.click()
    expect(page.get_by_role("heading", name="Whose views does beta@1 leave out?")).to_be_visible()
    expect(page.locator("section", has_text="Reasonable answers that it never")).to_contain_text(
        VIEWS[1]
    )
    expect(page.locator('section[aria-labelledby="unreasonable"]')).to_contain_text(VIEWS[2])
    desk.look("22-source", picture=False)


def see_the_report_card(desk: "Desk", study: Study, researcher: User) -> None:
    for response in Response.objects.filter(query__study=study).select_related("source"):
        for answer in Answer.objects.filter(query=response.query):
            said = (
                answer.text == VIEWS[2]
                if response.source.name == "beta"
                else (answer.text != VIEWS[2])
            )
            label_expression(
                response=response,
                answer=answer,
                label="expresses" if said else "does_not",
                now=timezone.now(),
                researcher=researcher,
            )
    page = desk.page
    desk.go(f"/studies/{study.public_id}/readings/")
    page.get_by_role("button", name="Read the responses").click()
    expect(page.get_by_text("The responses are being read.")).to_be_visible()
    desk.work()
    desk.go(f"/studies/{study.public_id}/readings/")
    # Of twelve labelled pairs one was labelled beside the model's reading, and checks no model.
    expect(page.get_by_text("11 of the 200 pairs")).to_be_visible()
    expect(page.locator("#reliability-entailment")).to_contain_text("11 labelled pairs")
    expect(page.locator("section[aria-labelledby=history] tbody tr")).to_have_count(2)
    desk.look("22-readings", picture=False)


def look_narrow_and_dark(desk: "Desk", study: Study) -> None:
    page = desk.page
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 320, "height": 640})
    response = Response.objects.get(query__study=study, query__ordinal=0, source__name="alpha")
    source = study.sources.get(name="beta")
    query = study.queries.get(ordinal=0)
    for path in (
        f"windows/{query.public_id}/?by=age",
        f"responses/{response.public_id}/",
        "coverage/",
        f"coverage/{source.pk}/",
        "readings/",
    ):
        desk.go(f"/studies/{study.public_id}/{path}")
        desk.look(path, picture=False)
