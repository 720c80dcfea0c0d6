"""Questions about the juror and the quiz through the API: replaced whole, fixed once answered."""

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from annotations.models import Export, Participation, StudyRole
from annotations.services.exports import perform_export
from annotations.services.study_import import import_bundle
from juries.models import AuditEntry
from juries.services.runs import perform_run

if TYPE_CHECKING:
    from tests.api.conftest import World

PROFILE, QUIZ = "api-profile-questions", "api-quiz-questions"
PROBLEM = "application/problem+json"
GENDER = {"key": "gender", "text": "Your gender?", "options": ["woman", "man"]}
TOWN = {"key": "town", "text": "Your town?", "kind": "text", "is_required": False}
TRIES = {"key": "tries", "text": "How often?", "options": ["once", "twice"], "right": "twice"}
LONG = {"key": "long", "text": "How long?", "options": ["an hour", "a day"], "right": "a day"}


@pytest.fixture(autouse=True)
def _no_quiz_yet(world: "World") -> None:
    world.study.quiz_questions.all().delete()


def rows(client: APIClient, url: str) -> list[dict[str, Any]]:
    answer = client.get(url)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def verbs() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))


def test_questions_about_the_juror_are_replaced(world: "World") -> None:
    client, url = world.by_owner, world.url(PROFILE)
    made = client.put(url, {"questions": [GENDER, TOWN]})
    assert made.status_code == 200, made.content
    expected = [
        {**GENDER, "kind": "choice", "is_required": True, "position": 0},
        {**TOWN, "options": [], "position": 1},
    ]
    assert made.json() == expected
    assert rows(client, url) == expected
    first = world.study.profile_questions.get(key="town").pk
    changed = client.put(url, {"questions": [{**TOWN, "text": "Where do you live?"}]})
    assert [row["text"] for row in changed.json()] == ["Where do you live?"]
    kept = world.study.profile_questions.get()
    assert (kept.pk, kept.position) == (first, 0)
    assert verbs() == [
        "added a profile question",
        "added a profile question",
        "removed a profile question",
        "changed a profile question",
    ]
    client.put(url, {"questions": [{**TOWN, "text": "Where do you live?"}]})
    assert len(verbs()) == 4
    assert client.put(url, {"questions": []}).json() == []
    assert not world.study.profile_questions.exists()


def test_the_quiz_is_replaced_with_its_tries(world: "World") -> None:
    client, url = world.by_owner, world.url(QUIZ)
    made = client.put(url, {"questions": [{**TRIES, "explanation": "See above."}, LONG]})
    assert made.status_code == 200, made.content
    assert made.json() == rows(client, url)
    assert [row["position"] for row in made.json()] == [0, 1]
    assert made.json()[0] == {**TRIES, "explanation": "See above.", "position": 0}
    study = client.patch(world.url("api-study"), {"quiz_tries": 3, "quiz_must_be_right": True})
    assert (study.json()["quiz_tries"], study.json()["quiz_must_be_right"]) == (3, True)
    refused = client.patch(world.url("api-study"), {"quiz_tries": 0})
    assert refused.json()["errors"][0]["pointer"] == "#/quiz_tries"
    client.put(url, {"questions": [LONG, {**TRIES, "explanation": "See above."}]})
    assert list(world.study.quiz_questions.values_list("key", flat=True)) == ["long", "tries"]


def test_viewers_do_not_learn_which_answers_are_right(world: "World") -> None:
    """Not from the questions, the tries at them, what the log says was right, nor an export."""
    url = world.url(QUIZ)
    asked = {**TRIES, "explanation": "Twice, says the text."}
    world.by_owner.put(url, {"questions": [asked]})
    world.by_owner.put(url, {"questions": [{**asked, "right": "once", "explanation": ""}]})
    world.by_owner.put(url, {"questions": [asked]})
    way = Participation.objects.get(study=world.study)
    for attempt, value in enumerate(("once", "twice"), start=1):
        way.quiz_replies.create(
            question=world.study.quiz_questions.get(), attempt=attempt, value=value,
            is_right=value == "twice", created_at=way.created_at,
        )  # fmt: skip
    [seen] = rows(world.by_viewer, url)
    assert seen == {**TRIES, "right": None, "explanation": None, "position": 0}
    assert rows(world.by_owner, url) == [{**asked, "position": 0}]
    tries = world.url("api-quiz-replies")
    told = [(row["attempt"], row["value"], row["is_right"]) for row in rows(world.by_viewer, tries)]
    assert told == [(1, None, False), (2, None, True)]
    assert [row["value"] for row in rows(world.by_owner, tries)] == ["once", "twice"]
    changes = [
        row["details"]["before"]
        for row in rows(world.by_viewer, world.url("api-log"))
        if row["verb"] == "changed a quiz question"
    ]
    assert changes == [{"right": "not shown", "explanation": "not shown"}] * 2


def test_an_export_for_a_viewer_is_written_without_the_quiz(
    world: "World", settings: Any, tmp_path: Path
) -> None:
    settings.EXPORTS_DIR = tmp_path
    world.by_owner.put(world.url(QUIZ), {"questions": [TRIES]})
    found = {}
    for name, client in (("owner", world.by_owner), ("viewer", world.by_viewer)):
        asked = client.post(world.url("api-exports"), {"formats": ["csv"]})
        assert asked.status_code == 202, asked.content
        found[name] = Export.objects.get(public_id=asked.json()["id"])
        perform_run(run_id=found[name].run_id, work=perform_export)
        found[name].refresh_from_db()
    links = {
        name: world.url("api-export-download", export.public_id) for name, export in found.items()
    }
    page = {
        name: reverse("study-export-download", args=[world.study.public_id, export.public_id])
        for name, export in found.items()
    }
    refused = world.by_viewer.get(links["owner"])
    assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
    assert "Ask for one of your own" in refused.json()["detail"]
    browser = Client()
    browser.force_login(world.viewer)
    assert browser.get(page["owner"]).status_code == 403
    assert browser.get(page["viewer"]).status_code == 200
    listed = browser.get(reverse("study-exports", args=[world.study.public_id])).content.decode()
    assert page["viewer"] in listed
    assert page["owner"] not in listed
    assert world.by_owner.get(links["owner"]).status_code == 200
    body = b"".join(world.by_viewer.get(links["viewer"]).streaming_content)  # type: ignore[attr-defined] # a file's
    with zipfile.ZipFile(io.BytesIO(body)) as bundle:
        tables = {name: bundle.read(name).decode() for name in bundle.namelist()}
    quiz = next(text for name, text in tables.items() if name.endswith("quiz_questions.csv"))
    assert len(quiz.splitlines()) == 1, "the head alone"
    assert "How often?" not in "".join(tables.values())
    assert found["viewer"].options["include_quiz"] is False
    copy = import_bundle(path=tmp_path / str(found["viewer"].public_id) / "bundle", slug="copy")
    assert not copy.study.quiz_questions.exists()


@pytest.mark.parametrize(
    ("name", "wrong", "where"),
    [
        (PROFILE, {"key": "gender"}, "key"),
        (PROFILE, {"key": "a b"}, "key"),
        (PROFILE, {"text": ""}, "text"),
        (PROFILE, {"kind": "guess"}, "kind"),
        (PROFILE, {"kind": "number"}, "options"),
        (PROFILE, {"options": ["one"]}, "options"),
        (PROFILE, {"options": ["one", "one"]}, "options"),
        (PROFILE, {"options": ["one", "two\nthree"]}, "options/1"),
        (PROFILE, {"position": 3}, "position"),
        (QUIZ, {"key": "tries"}, "key"),
        (QUIZ, {"right": "thrice"}, "right"),
        (QUIZ, {"options": ["twice"]}, "options"),
        (QUIZ, {"options": []}, "options"),
        (QUIZ, {"options": ["x" * 301, "twice"]}, "options/0"),
    ],
)
def test_a_wrong_question_is_named_by_its_place_and_nothing_changes(
    world: "World", name: str, wrong: dict[str, Any], where: str
) -> None:
    client, url = world.by_owner, world.url(name)
    first = GENDER if name == PROFILE else TRIES
    assert client.put(url, {"questions": [first]}).status_code == 200
    before = rows(client, url)
    other: dict[str, Any] = {**first, "key": "other", **wrong}
    refused = client.put(url, {"questions": [{**first, "text": "Anew?"}, other]})
    assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
    assert refused.json()["errors"][0]["pointer"] == f"#/questions/1/{where}"
    assert rows(client, url) == before


def test_what_jurors_have_answered_stays(world: "World") -> None:
    client = world.by_owner
    client.put(world.url(PROFILE), {"questions": [GENDER, TOWN]})
    client.put(world.url(QUIZ), {"questions": [TRIES]})
    way = Participation.objects.get(study=world.study)
    way.profile_replies.create(
        question=world.study.profile_questions.get(key="gender"), value="woman"
    )
    way.quiz_replies.create(
        question=world.study.quiz_questions.get(), attempt=1, value="once", is_right=False,
        created_at=way.created_at,
    )  # fmt: skip
    for name, questions, field in (
        (PROFILE, [{**GENDER, "text": "Sex?"}, TOWN], "text"),
        (PROFILE, [{**GENDER, "options": ["woman", "other"]}, TOWN], "options"),
        (QUIZ, [{**TRIES, "right": "once"}], "right"),
    ):
        refused = client.put(world.url(name), {"questions": questions})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == f"#/questions/0/{field}"
        assert "under a new key" in refused.json()["detail"]
    for name in (PROFILE, QUIZ):
        refused = client.put(world.url(name), {"questions": []})
        assert refused.status_code == 409
        assert "stays" in refused.json()["detail"]
    assert world.study.profile_questions.count() == 2
    more = {**GENDER, "options": ["woman", "man", "other"]}
    assert client.put(world.url(PROFILE), {"questions": [TOWN, more]}).status_code == 200
    told = {**TRIES, "explanation": "Twice, says the text."}
    assert client.put(world.url(QUIZ), {"questions": [told]}).status_code == 200


@pytest.mark.parametrize("name", [PROFILE, QUIZ])
def test_roles_decide(world: "World", name: str) -> None:
    url = world.url(name)
    body = {"questions": [GENDER if name == PROFILE else TRIES]}
    for client, reads, writes in (
        (world.by_viewer, 200, 403),
        (world.by_other, 404, 404),
        (APIClient(), 401, 401),
    ):
        assert client.get(url).status_code == reads
        refused = client.put(url, body)
        assert (refused.status_code, refused["Content-Type"]) == (writes, PROBLEM)
    assert not world.study.profile_questions.exists()
    StudyRole.objects.filter(user=world.viewer).update(role="editor")
    assert world.by_viewer.put(url, body).status_code == 200
    nowhere = url.replace(str(world.study.public_id), str(UUID(int=0)))
    assert world.by_owner.put(nowhere, body).status_code == 404


@pytest.mark.parametrize("name", [PROFILE, QUIZ])
def test_the_list_asks_as_often_for_three_questions_as_for_one(world: "World", name: str) -> None:
    client, url = world.by_owner, world.url(name)
    one = GENDER if name == PROFILE else TRIES
    counts = []
    for number in (1, 3):
        body = {"questions": [{**one, "key": f"k{place}"} for place in range(number)]}
        assert client.put(url, body).status_code == 200
        with CaptureQueriesContext(connection) as captured:
            assert len(rows(client, url)) == number
        counts.append(len(captured))
    assert counts[0] == counts[1]
