"""Responses, sources, their comparison and readings, page by page."""

import csv
import io
import json
import re
import uuid
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from annotations.models import Rating, Response, Study, StudyRole
from juries.models import Juror, Jury, Run, User
from juries.services.runs import perform_run
from overton.domain.labels import ExpressionLabel as Label
from overton.models import (
    Answer,
    EntailmentReading,
    ExpressionLabel,
    ExtractedView,
    Judgement,
    PairReading,
)
from overton.selectors.coverage import study_coverage
from overton.selectors.readings import current_reading
from overton.selectors.responses import Decider, response_page
from overton.selectors.sources import source_page
from overton.services.answers import exclude_answer
from overton.services.entailment import perform_reading, request_reading
from overton.services.labels import label_expression
from overton.services.windows import set_window_rule

SAYS = {
    "alpha": "Trees cool the street. Cars need **parking** space. I like soup very much.",
    "beta": "Some claim that trees cool the street. That is false. Buses are loud here.",
}
VIEWS = ("Trees cool the street.", "Cars need parking space.", "Buses are loud here.")
# Verdict and whether she holds it, of four jurors: women first and third.
SAID = {
    "a0": ("reasonable", (True, True, True, False)),
    "a1": ("reasonable", (True, False, True, False)),
    "a2": ("unreasonable", (False, False, False, False)),
}


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are tested where they are computed; here they only have to be shown."""
    for module in ("coverage", "comparison", "represented"):
        monkeypatch.setattr(f"overton.selectors.{module}.RESAMPLES", 50)


@pytest.fixture(autouse=True)
def _judge(settings: LazySettings) -> None:
    settings.ENTAILMENT_BACKENDS = {"words": "fake_entailment.WordJudge"}
    settings.ENTAILMENT_BACKEND = "words"
    settings.ENTAILMENT_MODEL = ""


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury, jurors: list[Juror]) -> Study:
    """Two queries, each with three answers that the jury judged, and two responses."""
    study = make_study(jury=jury, queries=2, steps=("judging",))
    for query in study.queries.all():
        for response in query.responses.select_related("source"):
            response.text = SAYS[response.source.name]
            response.save()
        for number, text in enumerate(VIEWS):
            answer = Answer.objects.create(query=query, external_id=f"a{number}", text=text)
            verdict, holds = SAID[answer.external_id]
            for juror, held in zip(jurors, holds, strict=True):
                Judgement.objects.create(
                    juror=juror, answer=answer, verdict=verdict, holds=held,
                    created_at=timezone.now(),
                )  # fmt: skip
    # Wilson for 4 of 4 is .51 to 1, for 0 of 4 0 to .49; two of a group .34 to 1.
    set_window_rule(
        study=study, reasonable_share=0.5, correct_share=0.95, group_minimum=4, group_features=()
    )
    return study


@pytest.fixture
def editor(study: Study) -> User:
    user = User.objects.create_user("editor", password="a-long-password")
    study.roles.create(user=user, role=StudyRole.Role.EDITOR)
    return user


@pytest.fixture
def signed_in(client: Client, editor: User) -> Client:
    client.force_login(editor)
    return client


def read(study: Study, mode: str = "entailment") -> EntailmentReading:
    run = request_reading(study=study, requested_by=None, mode=mode)
    perform_run(run_id=run.pk, work=perform_reading)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    return EntailmentReading.objects.get(run=run)


def response_of(study: Study, source: str, ordinal: int = 0) -> Response:
    return Response.objects.get(query__study=study, query__ordinal=ordinal, source__name=source)


def say(study: Study, source: str, answer: str, word: str, who: User, ordinal: int = 0) -> None:
    response = response_of(study, source, ordinal)
    label_expression(
        response=response,
        answer=Answer.objects.get(query=response.query, external_id=answer),
        label=word,
        now=timezone.now(),
        researcher=who,
    )


def label_everything(study: Study, who: User) -> None:
    """Alpha expresses the first two answers, beta only the third."""
    for ordinal in (0, 1):
        for source, said in (("alpha", ("a0", "a1")), ("beta", ("a2",))):
            for answer in SAID:
                word = "expresses" if answer in said else "does_not"
                say(study, source, answer, word, who, ordinal)


def address(study: Study, name: str) -> str:
    base = f"/studies/{study.public_id}"
    return {
        "response": f"{base}/responses/{response_of(study, 'alpha').public_id}/",
        "coverage": f"{base}/coverage/",
        "source": f"{base}/coverage/{study.sources.get(name='beta').pk}/",
        "readings": f"{base}/readings/",
        "window": f"{base}/windows/{study.queries.get(ordinal=0).public_id}/",
    }[name]


@pytest.mark.parametrize("name", ["response", "coverage", "source", "readings"])
def test_three_people(
    client: Client, study: Study, editor: User, stranger: User, name: str
) -> None:
    url = address(study, name)
    assert client.get(url).status_code == 302
    client.force_login(stranger)
    assert client.get(url).status_code == 404
    client.force_login(editor)
    page = client.get(url)
    assert page.status_code == 200
    html = page.content.decode()
    assert " style=" not in html
    assert "<style" not in html
    ids = [part.split('"')[0] for part in html.split(' id="')[1:]]
    assert len(ids) == len(set(ids))


def test_a_viewer_reads_and_changes_nothing(client: Client, study: Study) -> None:
    viewer = User.objects.create_user("viewer", password="a-long-password")
    study.roles.create(user=viewer, role=StudyRole.Role.VIEWER)
    client.force_login(viewer)
    answer = Answer.objects.first()
    assert answer is not None
    page = client.get(address(study, "response"))
    assert "said-answer__say" not in page.content.decode()
    sent = {"answer": answer.public_id, "label": "expresses"}
    assert client.post(address(study, "response"), sent).status_code == 404
    assert client.post(address(study, "readings"), {"mode": "entailment"}).status_code == 404
    assert not ExpressionLabel.objects.exists()
    assert not Run.objects.filter(kind="overton.reading").exists()


# --- A response -----------------------------------------------------------------------------------


def test_the_judges_passages_are_marked_and_named_as_predicted(
    signed_in: Client, study: Study
) -> None:
    reading = read(study)
    html = signed_in.get(address(study, "response")).content.decode()
    for number, text in ((1, VIEWS[0]), (2, VIEWS[1])):
        stored = PairReading.objects.get(
            reading=reading, response=response_of(study, "alpha"), answer__text=text
        )
        marks = re.findall(r'<mark class="said" data-said="([\d ]+)">(.*?)</mark>', html)
        said = "".join(words for keys, words in marks if str(number) in keys.split())
        assert text in said
        assert said == stored.passage.replace("**", "")
        assert html.count(f'id="said-{number}"') == 1
    assert re.search(r'<strong><mark class="said" data-said="[\d ]+">parking</mark></strong>', html)
    assert "words reads it so; nobody has said otherwise" in html
    assert "not validated" in html


def test_peoples_word_wins_and_changes_coverage(
    signed_in: Client, study: Study, editor: User
) -> None:
    read(study)
    response = response_of(study, "alpha")
    before = response_page(study=study, response=response, researcher=editor)
    assert before.coverage is not None
    assert before.coverage.coverage.value == 1
    first = before.answers[0]
    assert (first.label, first.decider) == (Label.EXPRESSES, Decider.JUDGE)
    sent = signed_in.post(
        address(study, "response"),
        {"answer": first.answer.public_id, "label": "does_not"},
        follow=True,
    )
    assert "You say that the response doesn&#x27;t" in sent.content.decode()
    assert "The model is overruled" in sent.content.decode()
    after = response_page(study=study, response=response, researcher=editor)
    assert after.coverage is not None
    assert after.coverage.coverage.value == 0.5
    changed = next(own for own in after.answers if own.answer.pk == first.answer.pk)
    assert (changed.label, changed.decider, changed.mine) == (
        Label.DOES_NOT, Decider.RESEARCHERS, "does_not",
    )  # fmt: skip
    assert changed.is_overruled
    assert changed.span not in after.spans
    found = study_coverage(study=study, reading=current_reading(study=study))
    alpha = next(own for own in found.sources if own.source.startswith("alpha"))
    assert alpha.measures["coverage"].value == 0.75


def test_readers_who_tie_are_not_settled_by_the_judge(
    study: Study, editor: User, jurors: list[Juror]
) -> None:
    read(study)
    response = response_of(study, "alpha")
    answer = Answer.objects.get(query=response.query, external_id="a0")
    for juror, word in zip(jurors[:2], ("expresses", "does_not"), strict=True):
        label_expression(
            response=response, answer=answer, label=word, now=timezone.now(), juror=juror
        )
    page = response_page(study=study, response=response, researcher=editor)
    own = next(own for own in page.answers if own.answer.pk == answer.pk)
    assert (own.label, own.decider) == (None, Decider.NOBODY)
    assert own.reason.startswith("A tie")
    assert page.coverage is not None
    assert page.coverage.unlabelled == 1
    reading = current_reading(study=study)
    whole = study_coverage(study=study, reading=reading)
    same = next(own for own in whole.responses if own.response.pk == response.pk)
    assert same.coverage.coverage == page.coverage.coverage


def test_what_is_named_to_be_refuted_is_contradicted(study: Study, editor: User) -> None:
    reading = read(study)
    response = response_of(study, "beta")
    page = response_page(study=study, response=response, researcher=editor)
    trees = next(own for own in page.answers if own.answer.text == VIEWS[0])
    stored = PairReading.objects.get(reading=reading, response=response, answer_id=trees.answer.pk)
    assert stored.expressed is False
    assert trees.label is (Label.CONTRADICTS if stored.refuted else Label.DOES_NOT)


def test_views_that_match_nothing_stand_apart(signed_in: Client, study: Study) -> None:
    reading = read(study, "extraction")
    response = response_of(study, "alpha")
    unmatched = ExtractedView.objects.filter(
        reading=reading, response=response, answer__isnull=True
    )
    assert [view.text for view in unmatched] == ["I like soup very much."]
    html = signed_in.get(address(study, "response")).content.decode()
    assert "Views that match no answer" in html
    assert "<q>I like soup very much.</q>" in html


def test_a_response_as_a_whole_has_no_passage(study: Study, editor: User) -> None:
    reading = read(study)
    response = response_of(study, "alpha")
    PairReading.objects.filter(reading=reading, response=response).update(
        start=0, end=len(response.text)
    )
    page = response_page(study=study, response=response, researcher=editor)
    assert page.spans == ()
    assert page.answers[0].is_whole


@pytest.mark.parametrize(
    "sent",
    [{"label": "expresses"}, {"answer": "no-uuid", "label": "expresses"},
     {"answer": str(uuid.uuid4()), "label": "expresses"}],
)  # fmt: skip
def test_a_label_that_can_not_be_is_refused(
    signed_in: Client, study: Study, sent: dict[str, str]
) -> None:
    assert signed_in.post(address(study, "response"), sent).status_code == 400
    answer = Answer.objects.filter(query__ordinal=0).first()
    assert answer is not None
    bad = {"answer": str(answer.public_id), "label": "perhaps"}
    assert signed_in.post(address(study, "response"), bad).status_code == 400
    assert not ExpressionLabel.objects.exists()


# --- Sources --------------------------------------------------------------------------------------


def test_a_source_shows_what_it_leaves_out_by_support(
    signed_in: Client, study: Study, editor: User
) -> None:
    label_everything(study, editor)
    found = study_coverage(study=study)
    page = source_page(found=found, source="beta")
    assert page is not None
    assert [(own.answer.text, own.support.value) for own in page.left_out] == [
        (VIEWS[0], 0.75), (VIEWS[0], 0.75), (VIEWS[1], 0.5), (VIEWS[1], 0.5),
    ]  # fmt: skip
    assert [own.answer.text for own in page.unreasonable] == [VIEWS[2]] * 2
    assert page.pluralistic == []
    alpha = source_page(found=found, source="alpha")
    assert alpha is not None
    assert len(alpha.pluralistic) == 2
    assert alpha.left_out == ()
    html = signed_in.get(address(study, "source")).content.decode()
    assert "75 % (30 to 95 %)" in html
    assert f"/responses/{response_of(study, 'beta').public_id}/#answer-1" in html


def test_a_group_sees_what_of_its_own_is_left_out(study: Study, editor: User) -> None:
    set_window_rule(study=study, reasonable_share=0.3, group_minimum=2, group_features=("gender",))
    label_everything(study, editor)
    page = source_page(found=study_coverage(study=study), source="beta")
    assert page is not None
    women = [(own.answer.text, support.value) for own, support in page.left_out_of("gender: woman")]
    men = [(own.answer.text, support.value) for own, support in page.left_out_of("gender: man")]
    assert sorted(women) == sorted([(VIEWS[0], 1.0), (VIEWS[1], 1.0)] * 2)
    assert men == [(VIEWS[0], 0.5)] * 2


def test_unread_pairs_are_not_left_out_but_not_settled(study: Study, editor: User) -> None:
    say(study, "beta", "a0", "does_not", editor)
    page = source_page(found=study_coverage(study=study), source="beta")
    assert page is not None
    assert [own.answer.text for own in page.left_out] == [VIEWS[0]]
    assert len(page.unsettled) == 3


# --- Comparison -----------------------------------------------------------------------------------


def test_sources_stand_in_the_order_of_the_measure(
    signed_in: Client, study: Study, editor: User
) -> None:
    label_everything(study, editor)
    page = signed_in.get(address(study, "coverage"))
    assert [own.source for _, own, _ in page.context["rows"]] == ["alpha", "beta"]
    html = page.content.decode()
    assert 'aria-sort="descending"' in html
    worst = signed_in.get(f"{address(study, 'coverage')}?measure=unreasonable_rate")
    assert [own.source for _, own, _ in worst.context["rows"]] == ["alpha", "beta"]
    assert 'aria-sort="ascending"' in worst.content.decode()
    keys = [figure["id"] for figure in page.context["figures"]]
    assert keys == ["sources", "differences"]
    assert "The rule names no groups" in html


def test_unknown_measures_are_said_and_files_of_them_not_found(
    signed_in: Client, study: Study, editor: User
) -> None:
    label_everything(study, editor)
    base = address(study, "coverage")
    page = signed_in.get(f"{base}?measure=charm")
    assert "charm is not one of the available choices" in page.content.decode()
    for wrong in ("sources.svg?measure=charm", "nothing.csv", "sources.doc", "groups.svg"):
        assert signed_in.get(f"{base}{wrong}").status_code == 404


def test_every_figure_comes_in_four_forms(signed_in: Client, study: Study, editor: User) -> None:
    set_window_rule(study=study, reasonable_share=0.3, group_minimum=2, group_features=("gender",))
    label_everything(study, editor)
    read(study)
    pages = {
        address(study, "coverage"): ("differences", "groups"),
        address(study, "window"): ("places", "bench"),
        f"{address(study, 'readings')}entailment/": ("reliability",),
    }
    for base, keys in pages.items():
        for key in keys:
            svg = signed_in.get(f"{base}{key}.svg")
            assert ET.fromstring(svg.content).tag.endswith("svg")
            assert signed_in.get(f"{base}{key}.png").content.startswith(b"\x89PNG")
            rows = list(csv.reader(io.StringIO(signed_in.get(f"{base}{key}.csv").content.decode())))
            body = json.loads(signed_in.get(f"{base}{key}.json").content)
            assert body["columns"] == rows[0]
            assert len(body["rows"]) == len(rows) - 1 > 0
    for table in ("measures", "answers", "queries"):
        assert signed_in.get(f"{address(study, 'source')}{table}.csv").status_code == 200


def test_the_file_of_pairs_says_who_decided(signed_in: Client, study: Study, editor: User) -> None:
    read(study)
    say(study, "alpha", "a0", "contradicts", editor)
    url = f"{address(study, 'coverage')}pairs.json"
    body = json.loads(signed_in.get(url).content)
    rows = [dict(zip(body["columns"], row, strict=True)) for row in body["rows"]]
    assert len(rows) == 12
    first = next(
        row for row in rows
        if row["response"] == str(response_of(study, "alpha").public_id) and row["text"] == VIEWS[0]
    )  # fmt: skip
    assert (first["label"], first["decided by"]) == ("contradicts", "researchers")
    assert first["model’s score"] > 0.9
    assert {row["decided by"] for row in rows} == {"researchers", "judge"}
    alone = json.loads(signed_in.get(f"{url}?readers=people").content)
    assert [row[5] for row in alone["rows"] if row[5]] == ["contradicts"]


def test_nobody_is_worst_served_where_all_is_said(
    signed_in: Client, study: Study, editor: User
) -> None:
    set_window_rule(
        study=study, reasonable_share=0.3, correct_share=0.95, group_minimum=2,
        group_features=("gender",),
    )  # fmt: skip
    label_everything(study, editor)
    page = signed_in.get(address(study, "coverage")).content.decode()
    assert "Worst served is" not in page
    assert "For every group there is a source that says all that it holds." in page
    for ordinal in (0, 1):
        for answer in SAID:
            say(study, "alpha", answer, "does_not", editor, ordinal)
    page = signed_in.get(address(study, "coverage")).content.decode()
    assert "Worst served is" in page


def test_who_finds_herself_represented(
    signed_in: Client, study: Study, editor: User, jurors: list[Juror]
) -> None:
    label_everything(study, editor)
    criterion = study.criteria.get(key="fair")
    for juror in jurors:
        for source, value in (("alpha", 5), ("beta", 2)):
            for ordinal in (0, 1):
                Rating.objects.create(
                    juror=juror, response=response_of(study, source, ordinal),
                    criterion=criterion, value=value, created_at=timezone.now(),
                )  # fmt: skip
    page = signed_in.get(f"{address(study, 'coverage')}?criterion=fair")
    (figure,) = page.context["represented"]
    assert figure["finding"] == "alpha represents most: 100% (100% to 100%)."
    assert {(row[0], row[7]) for row in figure["table"]["rows"]} == {
        ("alpha", "yes"), ("beta", "no"),
    }  # fmt: skip


def test_empty_coverage_says_what_to_do_next(signed_in: Client, study: Study) -> None:
    html = signed_in.get(address(study, "coverage")).content.decode()
    assert "Nobody has read the responses against the answers" in html
    assert address(study, "readings") in html
    Answer.objects.all().delete()
    assert "No query has answers yet" in signed_in.get(address(study, "coverage")).content.decode()
    assert "nothing to show yet" in signed_in.get(address(study, "source")).content.decode()


def test_a_large_study_is_not_counted_while_one_waits(
    signed_in: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overton.selectors.windows.QUICK", 3)
    for name in ("coverage", "source"):
        html = signed_in.get(address(study, name)).content.decode()
        assert "too large to be counted while you wait" in html
    assert signed_in.get(f"{address(study, 'coverage')}sources.svg").status_code == 404


# --- Readings -------------------------------------------------------------------------------------


def test_a_reading_is_asked_for_shown_and_kept(
    signed_in: Client, study: Study, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Run] = []
    monkeypatch.setattr("overton.views.readings.enqueue_run", lambda *, run: sent.append(run))
    url = address(study, "readings")
    assert "No model has read the responses" in signed_in.get(url).content.decode()
    page = signed_in.post(url, {"mode": "entailment", "judge": "", "model": ""}, follow=True)
    assert "The responses are being read." in page.content.decode()
    again = signed_in.post(url, {"mode": "entailment"}, follow=True)
    assert "being read already" in again.content.decode()
    assert len(sent) == 1
    label_everything(study, editor)
    perform_run(run_id=sent[0].pk, work=perform_reading)
    html = signed_in.get(url).content.decode()
    assert "Not validated" in html
    assert "12 of the 200 pairs" in html
    assert "188 are missing" in html
    assert "declared beforehand" in html
    assert f"/runs/{sent[0].public_id}/" in html


def test_a_judge_that_can_not_be_loaded_is_said(
    signed_in: Client, study: Study, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENTAILMENT_BACKENDS["other"] = "fake_entailment.WordJudge"
    sent: list[Run] = []
    monkeypatch.setattr("overton.views.readings.enqueue_run", lambda *, run: sent.append(run))
    url = address(study, "readings")
    signed_in.post(url, {"mode": "extraction", "judge": "other", "model": "missing"})
    assert sent[0].parameters["backend"] == "other:missing"
    perform_run(run_id=sent[0].pk, work=perform_reading)
    assert "There is no judge called missing" in signed_in.get(url).content.decode()


@pytest.mark.parametrize(
    "sent",
    [{"mode": "guess"}, {}, {"mode": "entailment", "judge": "os.system"},
     {"mode": "entailment", "model": "mine"}],
)  # fmt: skip
def test_a_reading_that_can_not_be_is_refused(
    signed_in: Client, study: Study, sent: dict[str, str]
) -> None:
    assert signed_in.post(address(study, "readings"), sent).status_code == 400
    assert not Run.objects.filter(kind="overton.reading").exists()


def test_a_stale_reading_is_marked(signed_in: Client, study: Study) -> None:
    read(study)
    EntailmentReading.objects.update(stale_since=timezone.now())
    for name in ("readings", "coverage", "response"):
        assert "stale" in signed_in.get(address(study, name)).content.decode()


# --- The window -----------------------------------------------------------------------------------


def test_the_plane_by_group_and_the_exclusions(
    signed_in: Client, study: Study, researcher: User
) -> None:
    set_window_rule(study=study, reasonable_share=0.3, group_minimum=2, group_features=("gender",))
    answer = Answer.objects.get(query__ordinal=0, query__study=study, external_id="a2")
    exclude_answer(answer=answer, reason="Not for this study.", actor=researcher)
    page = signed_in.get(f"{address(study, 'window')}?by=gender")
    html = page.content.decode()
    assert "Where does each answer stand with each group, by gender?" in html
    assert "Kept out from above" in html
    assert "Not for this study." in html
    assert {row[3] for row in page.context["figures"][0]["table"]["rows"]} == {
        "woman (2 jurors)", "man (2 jurors)",
    }  # fmt: skip
    wrong = signed_in.get(f"{address(study, 'window')}?by=shoes")
    assert "shoes is not one of the available choices" in wrong.content.decode()
    assert signed_in.get(f"{address(study, 'window')}places.svg?by=shoes").status_code == 404


# --- The API --------------------------------------------------------------------------------------


def test_the_api_gives_coverage_readings_and_pairs(
    signed_in: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = read(study)
    base = f"/api/v1/studies/{study.public_id}"
    coverage = signed_in.get(f"{base}/coverage/").json()
    assert coverage["reading"] == str(reading.public_id)
    assert (coverage["by_people"], coverage["by_judge"]) == (0, 12)
    alpha = coverage["sources"][0]
    assert alpha["source"].startswith("alpha")
    assert alpha["measures"]["coverage"]["value"] == 1
    rows = signed_in.get(f"{base}/readings/?mode=entailment").json()["results"]
    assert [row["id"] for row in rows] == [str(reading.public_id)]
    assert rows[0]["is_validated"] is False
    response = response_of(study, "alpha")
    pairs = signed_in.get(f"{base}/pair-readings/?response={response.public_id}").json()["results"]
    assert len(pairs) == 3
    assert {row["response"] for row in pairs} == {str(response.public_id)}
    monkeypatch.setattr("overton.selectors.windows.QUICK", 3)
    refused = signed_in.get(f"{base}/coverage/")
    assert refused.status_code == 409
    assert "too large" in refused.content.decode()
