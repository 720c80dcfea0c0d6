import json
import re
import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations.models import Response, Study, StudyRole
from juries.models import Juror, Jury, Run, User
from juries.services.runs import perform_run
from overton.models import Answer, ExpressionLabel, Judgement, WindowSnapshot
from overton.services.labels import label_expression
from overton.services.windows import perform_snapshot
from overton.tasks import take_snapshot


@pytest.fixture
def answers(study: Study, make_answers: Callable[..., list[Answer]]) -> list[Answer]:
    return make_answers(study.queries.get(ordinal=0))


@pytest.fixture
def editor(study: Study) -> User:
    user = User.objects.create_user("editor", password="a-long-password")
    study.roles.create(user=user, role=StudyRole.Role.EDITOR)
    return user


@pytest.fixture
def viewer(study: Study) -> User:
    user = User.objects.create_user("viewer", password="a-long-password")
    study.roles.create(user=user, role=StudyRole.Role.VIEWER)
    return user


def judge_all(study: Study, jurors: list[Juror]) -> None:
    for number, juror in enumerate(jurors):
        for answer in Answer.objects.filter(query__study=study):
            Judgement.objects.create(
                juror=juror,
                answer=answer,
                verdict=Judgement.Verdict.values[number % 4],
                holds=number == 0,
                created_at=timezone.now(),
            )


def pages(study: Study) -> dict[str, str]:
    base = f"/studies/{study.public_id}"
    query = study.queries.get(ordinal=0)
    return {
        "labels": f"{base}/labels/",
        "windows": f"{base}/windows/",
        "window": f"{base}/windows/{query.public_id}/",
    }


# --- Who sees what --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["labels", "windows", "window"])
def test_three_people(
    client: Client, study: Study, answers: list[Answer], editor: User, stranger: User, name: str
) -> None:
    address = pages(study)[name]
    anonymous = client.get(address)
    assert anonymous.status_code == 302
    assert anonymous["Location"].startswith("/admin/login/?next=")
    client.force_login(stranger)
    assert client.get(address).status_code == 404
    client.force_login(editor)
    assert client.get(address).status_code == 200


def test_a_viewer_reads_but_neither_labels_nor_takes_snapshots(
    client: Client, study: Study, answers: list[Answer], viewer: User
) -> None:
    client.force_login(viewer)
    urls = pages(study)
    assert client.get(urls["windows"]).status_code == 200
    assert "Take a snapshot" not in client.get(urls["window"]).content.decode()
    labels = client.get(urls["labels"])
    assert "You may read this study, not label in it" in labels.content.decode()
    assert "data-label-form" not in labels.content.decode()
    pair = labels.context["page"].pair
    sent = {"response": pair.response.public_id, "answer": pair.answer.public_id}
    assert client.post(urls["labels"], {**sent, "label": "expresses"}).status_code == 404
    assert not ExpressionLabel.objects.exists()
    assert client.post(f"{urls['windows']}snapshot/").status_code == 404
    assert not WindowSnapshot.objects.exists()


def test_another_studys_query_and_snapshot_are_not_found(
    client: Client,
    study: Study,
    answers: list[Answer],
    editor: User,
    make_study: Callable[..., Study],
) -> None:
    other = make_study(queries=1)
    foreign = WindowSnapshot.objects.create(study=other, input_digest="0" * 64)
    client.force_login(editor)
    base = f"/studies/{study.public_id}/windows"
    assert client.get(f"{base}/{other.queries.get().public_id}/").status_code == 404
    assert client.get(f"{base}/snapshots/{foreign.public_id}.json").status_code == 404


# --- Labels ---------------------------------------------------------------------------------------


def test_every_pair_is_put_once_and_then_the_page_says_so(
    client: Client, study: Study, answers: list[Answer], editor: User
) -> None:
    client.force_login(editor)
    address = pages(study)["labels"]
    seen = set()
    for number in range(6):  # two responses, three answers
        page = client.get(address).context["page"]
        assert (page.mine, page.total, page.place) == (number, 6, number + 1)
        pair = page.pair
        seen.add((pair.response.pk, pair.answer.pk))
        answer = client.post(
            address,
            {
                "response": pair.response.public_id,
                "answer": pair.answer.public_id,
                "label": "does_not",
            },
        )
        assert answer.status_code == 302
    assert len(seen) == 6
    assert ExpressionLabel.objects.filter(researcher=editor).count() == 6
    assert "You have labelled every pair" in client.get(address).content.decode()


def test_others_labels_show_only_after_ones_own(
    client: Client, study: Study, answers: list[Answer], editor: User, jurors: list[Juror]
) -> None:
    response = answers[0].query.responses.all()[0]
    for juror in jurors[:2]:
        label_expression(
            response=response, answer=answers[0], label="contradicts", now=timezone.now(),
            juror=juror,
        )  # fmt: skip
    client.force_login(editor)
    address = pages(study)["labels"]
    ids = f"{response.public_id}.{answers[0].public_id}"
    before = client.get(f"{address}?pair={ids}").content.decode()
    assert "2 jurors" not in before
    sent = client.post(
        address,
        {
            "response": response.public_id,
            "answer": answers[0].public_id,
            "label": "expresses",
        },
        follow=True,
    )
    after = sent.content.decode()
    assert "Others read the last pair differently" in after
    assert "2 jurors: contradicts it" in after
    assert "readers differ on 1" in after
    assert client.get(f"{address}?after={ids}").context["page"].previous.differs


def test_the_labelling_page_is_blind_and_carries_its_keys(
    client: Client, study: Study, answers: list[Answer], editor: User
) -> None:
    client.force_login(editor)
    html = client.get(pages(study)["labels"]).content.decode()
    assert [html.count(f'data-key="{key}"') for key in "edx"] == [1, 1, 1]
    for response in Response.objects.filter(query__study=study):
        html = html.replace(response.text, "")
    assert not re.search(r"\b(alpha|beta)\b", html), (
        "no source is named, whatever its responses say"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"label": "perhaps"},
        {"label": ""},
        {"answer": uuid.uuid4()},
        {"response": "nonsense"},
        {"answer": "foreign"},
        {"response": "foreign"},
    ],
)
def test_forged_labels_are_refused_with_a_sentence(
    client: Client,
    study: Study,
    answers: list[Answer],
    editor: User,
    make_study: Callable[..., Study],
    make_answers: Callable[..., list[Answer]],
    change: dict[str, object],
) -> None:
    other = make_study(queries=1).queries.get()
    foreign = {
        "answer": make_answers(other, 1)[0].public_id,
        "response": other.responses.all()[0].public_id,
    }
    form = {
        "response": answers[0].query.responses.all()[0].public_id,
        "answer": answers[0].public_id,
        "label": "expresses",
    }
    for name, value in change.items():
        form[name] = foreign[name] if value == "foreign" else value
    client.force_login(editor)
    answer = client.post(pages(study)["labels"], form)
    assert answer.status_code == 400
    assert 'class="messages' in answer.content.decode()
    assert not ExpressionLabel.objects.exists()


@pytest.mark.parametrize("query", ["pair=x", "pair=1.2", "after=nothing", "pair=" + "0" * 32 + "."])
def test_nonsense_in_the_address_shows_the_next_pair(
    client: Client, study: Study, answers: list[Answer], editor: User, query: str
) -> None:
    client.force_login(editor)
    page = client.get(f"{pages(study)['labels']}?{query}")
    assert page.status_code == 200
    assert page.context["page"].pair is not None


def test_nothing_to_label_says_what_to_do(client: Client, study: Study, editor: User) -> None:
    client.force_login(editor)
    assert "There is nothing to label yet" in client.get(pages(study)["labels"]).content.decode()


# --- Windows --------------------------------------------------------------------------------------


def test_the_window_page_shows_verdicts_groups_and_no_inline_style(
    client: Client, study: Study, answers: list[Answer], jurors: list[Juror], editor: User
) -> None:
    judge_all(study, jurors)
    client.force_login(editor)
    page = client.get(pages(study)["window"])
    html = page.content.decode()
    assert [figure["id"] for figure in page.context["figures"]] == ["places", "answers", "bench"]
    assert " style=" not in html
    assert "<style" not in html
    assert html.count("By group</summary>") == 3
    counts = page.context["figures"][2]["table"]["rows"][0]
    assert counts[1:] == ["1", "1", "1", "1", "1"]
    ids = [part.split('"')[0] for part in html.split(' id="')[1:]]
    assert len(ids) == len(set(ids))


def test_empty_windows_say_why(
    client: Client, study: Study, editor: User, make_answers: Callable[..., list[Answer]]
) -> None:
    client.force_login(editor)
    address = pages(study)["window"]
    assert "There are no answers to this query yet" in client.get(address).content.decode()
    make_answers(study.queries.get(ordinal=0))
    assert "Nobody has judged these answers yet" in client.get(address).content.decode()


def test_a_snapshot_is_taken_shown_and_downloaded(
    client: Client, study: Study, answers: list[Answer], jurors: list[Juror], editor: User
) -> None:
    judge_all(study, jurors)
    client.force_login(editor)
    urls = pages(study)
    taken = client.post(f"{urls['windows']}snapshot/", {"next": urls["window"]}, follow=True)
    assert taken.redirect_chain == [(urls["window"], 302)]
    assert "The windows were kept" in taken.content.decode()
    again = client.post(f"{urls['windows']}snapshot/", {"next": "//evil.example/"}, follow=True)
    assert again.redirect_chain == [(urls["windows"], 302)]
    assert "Nothing has changed" in again.content.decode()
    snapshot = WindowSnapshot.objects.get()
    file = client.get(f"{urls['windows']}snapshots/{snapshot.public_id}.json")
    assert file["Content-Type"] == "application/json"
    body = json.loads(file.content)
    assert body["input_digest"] == snapshot.input_digest
    assert len(body["result"]["queries"][0]["answers"]) == 3


@pytest.mark.parametrize(("name", "most"), [("windows", 18), ("window", 16), ("labels", 11)])
def test_lists_take_the_same_number_of_queries_for_one_row_and_three(
    client: Client,
    make_study: Callable[..., Study],
    jury: Jury,
    jurors: list[Juror],
    make_answers: Callable[..., list[Answer]],
    researcher: User,
    name: str,
    most: int,
) -> None:
    client.force_login(researcher)
    counts = []
    for rows in (1, 3):
        study = make_study(jury=jury, queries=rows)
        for query in study.queries.all():
            make_answers(query, rows)
        judge_all(study, jurors[:rows])
        for _ in range(rows):
            WindowSnapshot.objects.create(study=study, input_digest="0" * 64)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(pages(study)[name]).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= most


def test_a_large_study_takes_its_snapshot_in_a_run(
    client: Client,
    study: Study,
    answers: list[Answer],
    jurors: list[Juror],
    editor: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge_all(study, jurors)
    monkeypatch.setattr("overton.selectors.windows.QUICK", 3)
    sent = []
    monkeypatch.setattr("overton.views.windows.enqueue_run", lambda *, run: sent.append(run))
    client.force_login(editor)
    urls = pages(study)
    assert "on its page" in client.get(urls["windows"]).content.decode()
    answer = client.post(f"{urls['windows']}snapshot/")
    assert answer["Location"].endswith(f"/runs/{sent[0].public_id}/")
    assert not WindowSnapshot.objects.exists()
    perform_run(run_id=sent[0].pk, work=perform_snapshot)
    run = Run.objects.get(pk=sent[0].pk)
    assert run.state == Run.State.SUCCEEDED, run.error
    assert run.result["snapshot"] == str(WindowSnapshot.objects.get().public_id)
    assert take_snapshot.name == run.kind
