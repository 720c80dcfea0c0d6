"""Questions about the juror and the quiz through the API: replaced whole, fixed once answered."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from annotations.models import Participation, StudyRole
from juries.models import AuditEntry

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
