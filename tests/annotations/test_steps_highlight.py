"""The words that mattered: what is kept and refused, the pages, the results, out and in."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotations.models import (
    Assignment,
    Export,
    Highlight,
    Participation,
    Response,
    Study,
    Submission,
)
from annotations.parts.said import HighlightsPart
from annotations.ports import ImportedIds, SectionContent, StepProblem, juror_steps
from annotations.sections import HighlightSection
from annotations.selectors import work
from annotations.selectors.checklist import opening_checklist
from annotations.selectors.highlights import marked_responses
from annotations.selectors.results import section_from_json
from annotations.selectors.work import Page
from annotations.services import claims, submissions
from annotations.services.bundles import BundleRefused
from annotations.services.results import perform_results, request_results
from annotations.services.withdrawal import erase_said
from juries.models import Jury, User
from juries.services.invitations import invite
from juries.services.runs import perform_run

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
MakeStudy = Callable[..., Study]
AtWork = Callable[..., Participation]

TEXT = "Close it **for a summer**, it is calmer 👩‍👩‍👧.\r\nNobody asked the traders. Ask them!"
SENTENCES = (
    "Close it **for a summer**, it is calmer 👩‍👩‍👧.",
    "Nobody asked the traders.",
    "Ask them!",
)


def place(words: str, text: str = TEXT) -> tuple[int, int]:
    """Where words stand in the text."""
    assert text.count(words) == 1
    return text.index(words), text.index(words) + len(words)


def ticked(kind: str, words: str) -> str:
    start, end = place(words)
    return f"{kind}_{start}_{end}"


def written(kind: str, words: str) -> str:
    start, end = place(words)
    return f"{kind}:{start}-{end}"


@pytest.fixture
def study(jury: Jury, make_study: MakeStudy) -> Study:
    study = make_study(jury=jury, queries=1, steps=("highlight",))
    Response.objects.update(text=TEXT)
    return study


def claimed(own: Participation) -> Assignment:
    assignment = claims.claim_next(participation=own, now=NOW)
    assert assignment is not None
    return fresh(assignment)


def fresh(assignment: Assignment) -> Assignment:
    return work.with_study(Assignment.objects.all()).get(pk=assignment.pk)


def send(
    assignment: Assignment,
    values: Mapping[str, str],
    *,
    item: int = 0,
    client_id: UUID | None = None,
) -> submissions.Receipt:
    assignment = fresh(assignment)
    data = QueryDict(mutable=True)
    for key, value in values.items():
        data[key] = value
    return submissions.submit(
        assignment=assignment,
        page=work.pages_of(assignment=assignment)[item],
        data=data,
        client_id=client_id or uuid4(),
        active_ms=20_000,
        now=NOW,
    )


def kept(**query: object) -> list[tuple[str, str]]:
    """Kind and words of the rows, as they came."""
    rows = Highlight.objects.filter(**query).order_by("id")
    return [
        (row.kind, "" if row.start is None else row.response.text[row.start : row.end])
        for row in rows.select_related("response")
    ]


def context_of(assignment: Assignment) -> Mapping[str, Any]:
    assignment = fresh(assignment)
    item = work.pages_of(assignment=assignment)[0].item
    return juror_steps()["highlight"].context(assignment=assignment, item=item)


# --- What is kept ---------------------------------------------------------------------------------


def test_a_page_for_each_response_with_its_sentences(study: Study, at_work: AtWork) -> None:
    assignment = claimed(at_work(study))
    pages = work.pages_of(assignment=assignment)
    assert [(page.kind, page.is_required) for page in pages] == [("highlight", True)] * 2
    shown = [str(row.public_id) for row in work.responses_in_order(assignment=assignment)]
    assert [page.item for page in pages] == shown
    rows = context_of(assignment)["rows"]
    assert tuple(row.text for row in rows) == SENTENCES
    assert all(TEXT[row.start : row.end] == row.text for row in rows)


def test_ticked_sentences_are_kept_by_their_place_in_the_text(
    study: Study, at_work: AtWork
) -> None:
    assignment = claimed(at_work(study))
    receipt = send(
        assignment,
        {"marks": "", ticked("for", SENTENCES[0]): "yes", ticked("against", SENTENCES[1]): "yes"},
    )
    assert not receipt.is_completed
    assert kept() == [("for", SENTENCES[0]), ("against", SENTENCES[1])]
    assert send(assignment, {"nothing": "yes"}, item=1).is_completed
    assert kept()[2:] == [("nothing", "")]
    rows = context_of(assignment)["rows"]
    assert [(row.is_for, row.is_against) for row in rows] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_words_may_be_finer_than_sentences_and_neighbours_are_joined(
    study: Study, at_work: AtWork
) -> None:
    assignment = claimed(at_work(study))
    marks = " ".join((written("for", "**for a"), written("for", "summer**,")))
    send(assignment, {"marks": f"{marks} {written('against', 'calmer 👩‍👩‍👧')}"})
    assert kept() == [("for", "**for a summer**,"), ("against", "calmer 👩‍👩‍👧")]
    context = context_of(assignment)
    assert context["marked"] == " ".join(
        (written("for", "**for a summer**,"), written("against", "calmer 👩‍👩‍👧"))
    )
    # Without the script they stand below their sentence and can be taken back one by one.
    rows = context["rows"]
    assert [(row.text, row.is_part) for row in rows] == [
        (SENTENCES[0], False),
        ("**for a summer**,", True),
        ("calmer 👩‍👩‍👧", True),
        (SENTENCES[1], False),
        (SENTENCES[2], False),
    ]
    assert [row.is_for or row.is_against for row in rows] == [False, True, True, False, False]
    send(assignment, {rows[1].for_name: "yes", rows[4].for_name: "yes"})
    assert kept(is_current=True) == [("for", "**for a summer**,"), ("for", SENTENCES[2])]


def test_a_run_of_sentences_is_one_passage_and_shows_as_its_boxes(
    study: Study, at_work: AtWork
) -> None:
    assignment = claimed(at_work(study))
    send(assignment, {ticked("for", SENTENCES[1]): "yes", ticked("for", SENTENCES[2]): "yes"})
    assert kept() == [("for", "Nobody asked the traders. Ask them!")]
    assert [row.is_for for row in context_of(assignment)["rows"]] == [False, True, True]


def test_a_change_supersedes_the_whole_and_a_repetition_nothing(
    study: Study, at_work: AtWork
) -> None:
    assignment = claimed(at_work(study))
    first = {"marks": written("for", "calmer")}
    once = uuid4()
    for _ in range(2):
        send(assignment, first, client_id=once)
    assert Submission.objects.count() == 1
    send(assignment, first)
    assert Highlight.objects.count() == 1
    send(assignment, {"marks": written("against", "calmer")})
    send(assignment, {"marks": "", "nothing": "yes"})
    assert [(row.kind, row.is_current) for row in Highlight.objects.all()] == [
        ("for", False),
        ("against", False),
        ("nothing", True),
    ]
    # Empty takes back what stood there; then something has to be said again.
    send(assignment, {"marks": ""})
    assert not Highlight.objects.filter(is_current=True).exists()
    with pytest.raises(StepProblem, match="or say that nothing stood out"):
        send(assignment, {"marks": ""})


def test_an_optional_page_may_be_passed_over(study: Study, at_work: AtWork) -> None:
    study.steps.update(is_required=False)
    assignment = claimed(at_work(study))
    first, last = work.pages_of(assignment=assignment)
    submissions.pass_over(assignment=assignment, page=first, now=NOW)
    submissions.pass_over(assignment=assignment, page=last, now=NOW)
    assignment.refresh_from_db()
    assert assignment.state == Assignment.State.COMPLETED
    assert not Highlight.objects.exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "mark the words that mattered, or say"),
        ({"marks": f"for:0-{len(TEXT) + 1}"}, f"but the text has {len(TEXT)} characters"),
        ({f"for_{len(TEXT)}_{len(TEXT) + 5}": "yes"}, "but the text has"),
        ({"marks": "for:5-5"}, "from character 5 to 5"),
        ({"marks": "for:5-6"}, "has no words in it"),
        ({"marks": "for:-1-6"}, "is no passage"),
        ({"marks": "maybe:1-6"}, "is no passage"),
        ({"marks": "for:1-" + "9" * 12}, "is no passage"),
        ({"for_5": "yes"}, "is no passage of this response"),
        ({"marks": "for:0-8 against:6-12"}, "“it” is marked as speaking for it and against it"),
        ({"for_0_5": "yes", "marks": "against:2-5"}, "Please keep one of the two"),
        ({"marks": "for:0-5", "nothing": "yes"}, "said that nothing stood out"),
        ({"marks": " ".join(f"for:{n % 4}-{n % 4 + 1}" for n in range(1001))}, "at most 1,000"),
    ],
)
def test_what_can_not_stand_is_refused_and_nothing_is_kept(
    study: Study, at_work: AtWork, values: Mapping[str, str], words: str
) -> None:
    assignment = claimed(at_work(study))
    with pytest.raises(StepProblem, match=words) as problem:
        send(assignment, values)
    assert set(problem.value.errors) == {"marks"}
    assert not Highlight.objects.exists()
    assert not Submission.objects.exists()


def test_a_response_of_another_query_has_no_page_here(study: Study, at_work: AtWork) -> None:
    assignment = claimed(at_work(study))
    other = study.queries.create(external_id="other", ordinal=1, text="Other?")
    foreign = other.responses.create(
        source=study.sources.earliest("id"), external_id="x", text="Words."
    )
    with pytest.raises(submissions.UnknownPage):
        submissions.submit(
            assignment=assignment,
            page=Page("highlight", str(foreign.public_id), is_required=True),
            data=QueryDict("nothing=yes"),
            client_id=uuid4(),
            now=NOW,
        )


def test_a_query_without_words_has_no_page_and_the_checklist_says_so(
    jury: Jury, make_study: MakeStudy
) -> None:
    study = make_study(jury=jury, queries=1, steps=("highlight",))
    Response.objects.update(text=" \n")
    found = {finding.key: finding for finding in opening_checklist(study=study)}
    assert found["step-highlight"].is_blocking
    assert "it needs a response" in found["step-highlight"].text


def test_the_database_takes_no_row_without_its_words(study: Study, jury: Jury) -> None:
    response = Response.objects.earliest("id")
    said = {"juror": jury.jurors.earliest("id"), "response": response, "created_at": NOW}
    for wrong in (
        {"kind": "for"},
        {"kind": "for", "start": 3},
        {"kind": "for", "start": 3, "end": 3},
        {"kind": "nothing", "start": 0, "end": 4},
        {"kind": "maybe", "start": 0, "end": 4},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Highlight.objects.create(**said, **wrong)
    Highlight.objects.create(**said, kind="nothing")
    Highlight.objects.create(**said, kind="for", start=0, end=4)
    for again in ({"kind": "nothing"}, {"kind": "against", "start": 0, "end": 5}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Highlight.objects.create(**said, **again)


def test_a_long_text_takes_as_many_queries_as_a_short_one(study: Study, at_work: AtWork) -> None:
    counts = []
    for number, text in enumerate(("One. Two.", "One more. " * 60)):
        Response.objects.update(text=text)
        assignment = claimed(at_work(study, number))
        rows = context_of(assignment)["rows"]
        with CaptureQueriesContext(connection) as captured:
            send(assignment, {row.for_name: "yes" for row in rows[::2]})
        counts.append(len(captured))
    assert counts[0] == counts[1]


# --- Leaving --------------------------------------------------------------------------------------


def test_a_withdrawal_erases_the_marks(study: Study, at_work: AtWork) -> None:
    stays, leaves = at_work(study, 0), at_work(study, 1)
    for own in (stays, leaves):
        send(claimed(own), {"marks": "for:0-5"})
    erase_said(juror=leaves.juror, erase_said=False)
    assert Highlight.objects.count() == 2
    erase_said(juror=leaves.juror, erase_said=True)
    assert list(Highlight.objects.values_list("juror_id", flat=True)) == [stays.juror_id]
    assert not Export.objects.exists()


# --- The juror's page -----------------------------------------------------------------------------


@pytest.fixture
def at_the_page(jury: Jury, study: Study) -> tuple[Client, str]:
    """A juror's browser, and the address of her first page."""
    seat = jury.seats.order_by("number")[0]
    (issued,) = invite(seats=[seat], expires_in=timedelta(days=7), now=timezone.now())
    client = Client()
    client.get(f"/j/{issued.token}/")
    way = client.get(reverse("juror-studies"))["Location"]
    client.post(f"{way}consent/", {"decision": "agree", "version": study.consent_version})
    return client, client.get(way)["Location"]


def checked_boxes(page: str) -> list[str]:
    boxes = re.findall(r'<input type="checkbox" name="(\w+)" value="yes" checked', page)
    return [str(name) for name in boxes]


def test_the_page_is_blind_and_safe(at_the_page: tuple[Client, str], study: Study) -> None:
    for source in study.sources.all():
        source.name = f"secret-{source.name}"
        source.save()
    Response.objects.update(text="A **bold** claim. <script>alert(1)</script> & more.")
    client, url = at_the_page
    page = client.get(url).content.decode()
    assert "Which words mattered for your judgement?" in page
    assert "secret" not in page
    assert re.search(r"<strong>.*bold.*</strong>", page)
    assert "<script>alert" not in page
    study.steps.update(prompt="What convinced you?")
    assert "What convinced you?" in client.get(url).content.decode()


def test_what_she_ticked_stands_again_after_a_refusal_and_after_saving(
    at_the_page: tuple[Client, str],
) -> None:
    client, url = at_the_page
    boxes = {ticked("for", SENTENCES[0]): "yes", ticked("against", SENTENCES[2]): "yes"}
    refused = client.post(url, {"marks": "", "nothing": "yes", **boxes})
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "Please keep one of the two" in page
    assert sorted(checked_boxes(page)) == sorted([*boxes, "nothing"])
    saved = client.post(url, {"marks": "", **boxes})
    assert saved.status_code == 303
    page = client.get(url).content.decode()
    assert sorted(checked_boxes(page)) == sorted(boxes)
    assert "Saved; you can change it" in page
    # What she has taken out does not come back with a refusal.
    refused = client.post(url, {"marks": "for:9-3", ticked("for", SENTENCES[0]): "yes"})
    assert checked_boxes(refused.content.decode()) == [ticked("for", SENTENCES[0])]
    taken = client.post(
        url, {"marks": written("for", "calmer")}, headers={"accept": "application/json"}
    )
    assert taken.json()["saved"] is True


# --- The results ----------------------------------------------------------------------------------


@pytest.fixture
def marked(study: Study, jury: Jury) -> Study:
    """Three jurors marked one response, one of them nothing; one marked the other."""
    one, other = Response.objects.order_by("id")
    jurors = list(jury.jurors.order_by("id"))
    said: Iterator[tuple[int, Response, str, str]] = iter(
        (
            (0, one, "for", "for a summer"),
            (1, one, "for", "Close it **for a"),
            (1, one, "against", "Ask them!"),
            (2, one, "nothing", ""),
            (3, other, "against", SENTENCES[1]),
        )
    )
    for juror, response, kind, words in said:
        start, end = place(words) if words else (None, None)
        Highlight.objects.create(
            juror=jurors[juror], response=response, kind=kind, start=start, end=end, created_at=NOW
        )
    Highlight.objects.create(
        juror=jurors[0], response=one, kind="against", start=0, end=9, is_current=False,
        created_at=NOW,
    )  # fmt: skip
    return study


def test_results_by_hand(marked: Study) -> None:
    one, other = marked_responses(study=marked)
    assert (one.jurors, one.spoke_for, one.spoke_against, one.nothing) == (3, 2, 1, 1)
    assert (other.jurors, other.nothing) == (1, 0)
    content = HighlightSection().build(study=marked)
    (sentence,) = content.summary
    assert "in 2 of the 2 responses" in sentence
    assert "1 of 4 times nothing stood out" in sentence
    first = next(text for text in content.texts if text.jurors == 3)
    assert first.title == "Question 0? (alpha)"
    assert "".join(passage.words for passage in first.passages) == TEXT
    found = [(p.words, p.spoke_for, p.spoke_against) for p in first.passages]
    assert [row for row in found if row[1] or row[2]] == [
        ("Close it **", 1, 0),
        ("for a", 2, 0),
        (" summer", 1, 0),
        ("Ask them!", 0, 1),
    ]
    tables = dict(content.tables)
    assert tables["Response by response"].rows[0][2:] == (3, 2, 1, 1)
    rows = tables["Passage by passage"].rows
    assert len(rows) == 5
    for words, _, _, _, start, end, *_ in rows:
        assert isinstance(start, int)
        assert isinstance(end, int)
        assert TEXT[start:end] == words
    assert content == HighlightSection().build(study=marked)


def test_the_section_is_left_out_where_nobody_is_asked(
    marked: Study, make_study: MakeStudy
) -> None:
    assert HighlightSection().build(study=make_study()) == SectionContent()
    asked = make_study(steps=("highlight",))
    assert "marked words yet" in HighlightSection().build(study=asked).empty_reason
    before = HighlightSection().fingerprint(study=marked)
    marked.queries.update(check_kind="repeated")
    assert HighlightSection().fingerprint(study=marked) != before
    assert marked_responses(study=marked) == ()
    marked.queries.update(check_kind="")
    Highlight.objects.filter(kind="nothing").update(is_current=False)
    assert HighlightSection().fingerprint(study=marked) != before


def test_the_results_page_shows_the_text_with_its_numbers(
    marked: Study, client: Client, researcher: User
) -> None:
    marked.roles.create(user=researcher, role="viewer")
    run = request_results(study=marked, requested_by=None)
    perform_run(run_id=run.pk, work=perform_results)
    client.force_login(researcher)
    url = reverse("study-results", args=[marked.public_id])
    page = client.get(url).content.decode()
    assert '<mark class="marked__passage marked__passage--for" data-level="3">for a<' in page
    assert '<mark class="marked__passage marked__passage--against" data-level="2">Ask' in page
    assert "(2 for, 0 against)" in page
    assert '<span aria-hidden="true">+2</span>' in page
    file = client.get(
        reverse("study-results-download", args=[marked.public_id, "highlight", "table-1", "csv"])
    )
    rows = list(csv.reader(io.StringIO(file.content.decode())))
    assert rows[0][:3] == ["words", "spoke for it", "spoke against it"]
    assert ["for a", "2", "0", "3"] in [row[:4] for row in rows]


def test_a_section_that_was_stored_before_there_were_such_texts_is_read() -> None:
    stored: dict[str, object] = {
        "summary": ["S"],
        "figures": [],
        "tables": [],
        "notices": [],
        "empty_reason": "",
    }
    assert section_from_json(stored) == SectionContent(summary=("S",))


# --- Out and in -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": 0, "end": len(TEXT) + 1}, "of a text of"),
        ({"start": 4, "end": 4}, "from character 4 to 4"),
        ({"start": None}, "start is empty"),
        ({"start": -1}, "start is -1"),
        ({"kind": "maybe"}, "must be one of"),
        ({"kind": "nothing"}, "start or end is filled in"),
        ({"response": "elsewhere"}, "is not in responses"),
    ],
)
def test_a_bundle_whose_marks_make_no_sense_is_refused(
    study: Study, jury: Jury, change: Mapping[str, object], words: str
) -> None:
    response = Response.objects.earliest("id")
    ids = ImportedIds(
        keep_public_ids=True,
        now=NOW,
        rows={"jurors": {"j": jury.jurors.earliest("id").pk}, "responses": {"r": response.pk}},
    )
    row: dict[str, object] = {
        "juror": "j", "response": "r", "kind": "for", "start": 0, "end": len(TEXT),
        "is_current": True, "created_at": NOW, "submission": None, "check": None,
    }  # fmt: skip
    assert HighlightsPart().load(study=study, rows=iter([row]), ids=ids) == 1
    assert kept() == [("for", TEXT)]
    with pytest.raises(BundleRefused, match=words):
        HighlightsPart().load(study=study, rows=iter([{**row, **change}]), ids=ids)
