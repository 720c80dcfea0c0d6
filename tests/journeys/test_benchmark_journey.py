"""A researcher's way in real Chromium: a benchmark of answers, its report, two runs side by side.

Background work is done in this process, and the models answer by a script. With VENIRE_SCREENSHOTS
set, pictures of the pages are written to docs/screenshots.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from annotations.models import Choice, Participation, Study
from juries.models import Candidate, Juror, Jury, Pool, Seat, User
from models_runner.models import LanguageModel
from models_runner.ports import LetterScores, ModelSpecification

if TYPE_CHECKING:
    from tests.journeys.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class LeaningModel:
    """Gives the first option as much as its `lean` says, more or less by the question's number."""

    revision = weights_digest = ""

    def __init__(self, specification: ModelSpecification) -> None:
        self.name = self.identity = specification.name
        self.lean = float(specification.parameters["lean"])

    def next_letters(self, prompts: list[str], letters: list[str], **_: Any) -> LetterScores:
        scores = np.full((len(prompts), len(letters), 2), -np.inf)
        for place, prompt in enumerate(prompts):
            asked = re.search(r"^Question (\d)", prompt, re.MULTILINE)
            first = min(0.98, self.lean + 0.06 * (int(asked[1]) - 3 if asked else 0))
            scores[place, :2] = np.log(np.array([[first], [1 - first]]) * 0.45)
        return LetterScores(scores, tuple((letter, f" {letter}") for letter in letters))


def load(specification: ModelSpecification) -> LeaningModel:
    return LeaningModel(specification)


@pytest.fixture
def study(make_study: Callable[..., Study], pool: Pool) -> Study:
    """Twelve jurors, six queries with options; women and men choose otherwise."""
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
    made = make_study(jury=jury, queries=6)
    for place, juror in enumerate(jury.jurors.order_by("id")):
        Participation.objects.create(study=made, juror=juror, ordinal=place, state="finished")
        Choice.objects.bulk_create(
            Choice(
                juror=juror,
                query=query,
                option=query.options.get(
                    key="yes" if (place * (query.ordinal + 2)) % 7 < 2 + query.ordinal % 4 else "no"
                ),
                created_at=timezone.now(),
            )
            for query in made.queries.all()
        )
    return made


def test_from_two_models_to_two_reports_side_by_side(
    desk: "Desk", study: Study, researcher: User, settings: Any, tmp_path: Path
) -> None:
    settings.LANGUAGE_MODEL_BACKENDS = {"file": f"{__name__}.load"}
    client = Client()
    client.force_login(researcher)
    desk.page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": desk.url}]
    )
    base = register(desk)
    LanguageModel.objects.create(
        name="aligned", kind="file", location="aligned", parameters={"lean": 0.9}, base_model=base
    )
    first = start(desk, study)
    read_the_report(desk, first)
    start_from_a_file(desk, study, tmp_path)
    compare(desk, study, first)


def register(desk: "Desk") -> LanguageModel:
    """A model is written into the registry; what can't be is said at its field."""
    page = desk.page
    desk.go("/admin/models_runner/languagemodel/add/")
    page.locator("#id_name").fill("base")
    page.locator("#id_kind").select_option("openai")
    page.locator("#id_location").fill("base")
    save = page.get_by_role("button", name="Save", exact=True)
    save.click()
    expect(page.get_by_text("'base' is no address; write it like https://host/v1.")).to_be_visible()
    page.locator("#id_kind").select_option("file")
    page.locator("#id_parameters").fill('{"lean": 0.55}')
    save.click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    return LanguageModel.objects.get(name="base")


def start(desk: "Desk", study: Study) -> str:
    page = desk.page
    desk.go(f"/studies/{study.public_id}/benchmarks/")
    expect(page.get_by_text("No benchmark has been run")).to_be_visible()
    page.get_by_role("link", name="Distributions of answers").click()
    page.get_by_label("Name").fill("Whose answers?")
    page.get_by_label("base", exact=True).check()
    page.get_by_label("aligned", exact=True).check()
    page.locator("summary", has_text="People").click()
    page.get_by_role("group", name="Groups of jurors by").get_by_label("gender").check()
    page.get_by_label("Fewest people of a group").fill("3")
    page.locator("summary", has_text="How distances are counted").click()
    page.get_by_label("Resamples for intervals").fill("200")
    desk.look("19-benchmark-form", picture=False)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("The benchmark is running.")).to_be_visible()
    address = page.url.removeprefix(desk.url)
    desk.work()
    return address


def read_the_report(desk: "Desk", address: str) -> None:
    page = desk.page
    desk.go(address)
    expect(
        page.get_by_role("heading", name="How far are the models from the people?")
    ).to_be_visible()
    expect(page.locator("#distance")).to_contain_text("Nearest: base")
    table = page.get_by_role("group", name="Table: What did aligning change?")
    expect(table).to_contain_text("entropy of the model (nats)")
    desk.look("20-benchmark-report")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    page.set_viewport_size({"width": 1280, "height": 900})
    with page.expect_download() as found:
        page.get_by_role("link", name="All of it as JSON").click()
    report = json.loads(Path(found.value.path()).read_text())
    assert report["kind"] == "distributional"


def start_from_a_file(desk: "Desk", study: Study, folder: Path) -> None:
    """A file with a bad row is told in the form; the good one runs."""
    page = desk.page
    bad = folder / "people.csv"
    bad.write_text("question,option,probability\nIs it?,Yes,0.4\nIs it?,No,0.4\n")
    desk.go(f"/studies/{study.public_id}/benchmarks/new/distributional/")
    page.get_by_label("Name").fill("Whose answers, from a file?")
    page.get_by_label("base", exact=True).check()
    page.locator("summary", has_text="People").click()
    page.get_by_label("a file of answers").check()
    page.get_by_label("File of people's answers").set_input_files(bad)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("add up to 0.8, not 1").first).to_be_visible()
    desk.look("21-benchmark-refused", picture=False)
    bad.write_text("question,option,probability\nIs it?,Yes,0.6\nIs it?,No,0.4\n")
    page.get_by_label("File of people's answers").set_input_files(bad)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("The benchmark is running.")).to_be_visible()
    desk.work()


def compare(desk: "Desk", study: Study, first: str) -> None:
    """The first benchmark once more, after a juror changed her mind; then both runs."""
    page = desk.page
    query = study.queries.get(ordinal=0)
    said = query.choices.order_by("id").first()
    assert said is not None
    other = query.options.exclude(pk=said.option_id).get()
    Choice.objects.filter(pk=said.pk).update(option=other)
    desk.go(first)
    expect(page.get_by_text("Something has changed since")).to_be_visible()
    page.get_by_role("button", name="Run again").click()
    desk.work()
    desk.go(f"/studies/{study.public_id}/benchmarks/")
    page.get_by_label("First run").select_option(index=2)
    page.get_by_label("Second run").select_option(index=0)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Two runs side by side")).to_be_visible()
    differs = page.get_by_role("group", name="Table: what differs")
    expect(differs).to_contain_text("digest of jurors' choices")
    expect(differs).not_to_contain_text("seed")
    desk.look("22-benchmark-comparison")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
