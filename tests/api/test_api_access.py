"""Who reaches what: no token, a bad one, an inactive user; owner, other researcher, nobody."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from annotations.models import StudyRole
from juries.models import AuditEntry, CandidateContact, User

if TYPE_CHECKING:
    from tests.api.conftest import World

PROBLEM = "application/problem+json"

STUDY_READS = (
    "api-study",
    "api-steps",
    "api-criteria",
    "api-sources",
    "api-queries",
    "api-responses",
    "api-jurors",
    "api-ratings",
    "api-preferences",
    "api-rankings",
    "api-highlights",
    "api-choices",
    "api-opinions",
    "api-reasons",
    "api-quiz-replies",
    "api-answers",
    "api-answer-merges",
    "api-judgements",
    "api-expression-labels",
    "api-label-resolutions",
    "api-window-rule",
    "api-windows",
    "api-readings",
    "api-pair-readings",
    "api-coverage",
    "api-reward-trainings",
    "api-generations",
    "api-exports",
    "api-results",
)
STUDY_WRITES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("api-study", "patch", {"title": "Mine now"}),
    ("api-study-open", "post", {}),
    ("api-study-close", "post", {}),
    ("api-steps", "post", {"kind": "opinion"}),
    ("api-criteria", "post", {"key": "k", "name": "K", "question": "?"}),
    ("api-sources", "post", {"source": "gamma"}),
    ("api-queries", "post", {"queries": [{"text": "What?"}]}),
    ("api-responses", "post", {"responses": []}),
    ("api-answers", "post", {"query": str(uuid4()), "text": "No."}),
    ("api-answers-import", "post", {"answers": []}),
    ("api-judgements-import", "post", {"judgements": []}),
    ("api-expression-labels", "post", {"response": str(uuid4()), "labels": []}),
    ("api-label-resolutions", "post", {}),
    ("api-window-rule", "put", {}),
    ("api-windows", "post", {}),
    ("api-reward-trainings", "post", {"criterion": "helpful"}),
    ("api-generations", "post", {"model": str(uuid4())}),
    ("api-results", "post", {}),
)
MANAGED = ("api-pools", "api-juries")


@pytest.mark.parametrize("name", STUDY_READS)
def test_a_study_is_open_to_its_people_and_to_nobody_else(world: "World", name: str) -> None:
    url = world.url(name)
    assert world.by_owner.get(url).status_code == 200
    assert world.by_viewer.get(url).status_code == 200
    assert world.by_manager.get(url).status_code == 200
    for client, status in ((world.by_other, 404), (APIClient(), 401)):
        refused = client.get(url)
        assert refused.status_code == status
        assert refused["Content-Type"] == PROBLEM
        assert refused.json()["status"] == status
        assert str(world.study) not in refused.content.decode()


@pytest.mark.parametrize(("name", "method", "body"), STUDY_WRITES)
def test_only_owners_and_editors_write(
    world: "World", name: str, method: str, body: dict[str, Any]
) -> None:
    url = world.url(name)
    before = world.study.title
    for client, status in (
        (world.by_viewer, 403),
        (world.by_other, 404),
        (APIClient(), 401),
    ):
        refused = getattr(client, method)(url, body)
        assert (refused.status_code, refused["Content-Type"]) == (status, PROBLEM)
    world.study.refresh_from_db()
    assert world.study.title == before


def test_rows_of_another_study_are_not_found_below_ones_own(world: "World") -> None:
    elsewhere = StudyRole.objects.get(user=world.other).study
    answer = world.study.queries.get(ordinal=0).responses.all()[0]
    mine = reverse("api-response", args=[elsewhere.public_id, answer.public_id])
    assert world.by_other.get(mine).status_code == 404
    assert world.by_owner.get(world.url("api-response", answer.public_id)).status_code == 200
    for name, row in (
        ("api-answer", world.study.queries.all()[0]),
        ("api-query", elsewhere.queries.all()[0]),
        ("api-export", elsewhere),
        ("api-window", elsewhere),
        ("api-reward-training", elsewhere),
    ):
        assert world.by_owner.get(world.url(name, row.public_id)).status_code == 404


def test_filters_do_not_reach_into_another_study(world: "World") -> None:
    elsewhere = StudyRole.objects.get(user=world.other).study
    foreign = str(elsewhere.queries.all()[0].public_id)
    refused = world.by_owner.get(world.url("api-ratings"), {"query": foreign})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["parameter"] == "query"


@pytest.mark.parametrize("name", MANAGED)
def test_pools_and_juries_are_for_those_who_manage_them(world: "World", name: str) -> None:
    assert world.by_manager.get(reverse(name)).status_code == 200
    assert world.by_owner.get(reverse(name)).status_code == 403
    assert APIClient().get(reverse(name)).status_code == 401


def test_candidates_have_no_identity_and_no_keys(world: "World") -> None:
    person = world.jury.pool.candidates.all()[0]
    CandidateContact.objects.create(
        candidate=person, pool=world.jury.pool, name="Ada Byron", email="ada@example.org"
    )
    url = reverse("api-candidates", args=[world.jury.pool.public_id])
    text = world.by_manager.get(url).content.decode()
    rows = json.loads(text)["results"]
    assert len(rows) == 8
    assert set(rows[0]) == {"id", "state", "origin", "consented_at", "traits"}
    assert "Ada" not in text
    assert "example.org" not in text
    assert f'"{person.external_id}"' not in text
    assert world.by_owner.get(url).status_code == 403


def test_no_answer_holds_a_primary_key(
    world: "World", as_user: Callable[[User], APIClient]
) -> None:
    """Ids are random; a whole number called id would be a primary key."""

    def walk(value: object, path: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                if name == "id" or name.endswith("_id"):
                    assert not isinstance(inner, int), (path, name)
                walk(inner, (*path, name))
        elif isinstance(value, list):
            for inner in value:
                walk(inner, path)

    for name in STUDY_READS:
        walk(world.by_owner.get(world.url(name)).json(), (name,))
    for name in ("api-pools", "api-juries", "api-runs", "api-studies"):
        walk(world.by_manager.get(reverse(name)).json(), (name,))


def test_a_bad_token_and_an_inactive_user_are_refused(world: "World") -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Token 0123456789abcdef")
    refused = client.get(reverse("api-studies"))
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Token")
    assert refused.json()["type"].endswith("#problem-not-authenticated")
    by_owner = world.by_owner
    world.owner.is_active = False
    world.owner.save()
    assert by_owner.get(reverse("api-studies")).status_code == 401
    world.owner.is_active = True
    world.owner.save()
    Token.objects.filter(user=world.owner).delete()
    assert by_owner.get(reverse("api-studies")).status_code == 401


def test_a_token_needs_no_csrf_and_a_session_does(world: "World") -> None:
    body = {"kind": "opinion"}
    assert world.by_owner.post(world.url("api-steps"), body).status_code == 201
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(world.owner)
    assert client.get(world.url("api-steps")).status_code == 200
    refused = client.post(world.url("api-steps"), {"kind": "choice"})
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]


def test_somebody_without_a_role_sees_no_studies(
    world: "World", stranger: User, as_user: Callable[[User], APIClient]
) -> None:
    assert as_user(stranger).get(reverse("api-studies")).json()["results"] == []
    refused = as_user(stranger).post(reverse("api-studies"), {"title": "New"})
    assert refused.status_code == 403


def test_runs_are_seen_by_staff_and_by_who_asked(
    world: "World", stranger: User, as_user: Callable[[User], APIClient]
) -> None:
    run = world.run()
    assert world.by_other.get(reverse("api-run", args=[run.public_id])).status_code == 200
    theirs = as_user(stranger)
    assert theirs.get(reverse("api-run", args=[run.public_id])).status_code == 404
    run.requested_by = stranger
    run.save()
    assert theirs.get(reverse("api-run", args=[run.public_id])).json()["state"] == "queued"
    assert len(theirs.get(reverse("api-runs")).json()["results"]) == 1


def test_only_who_asked_or_manages_steers_a_run(world: "World") -> None:
    run = world.run()
    cancel = reverse("api-run-cancel", args=[run.public_id])
    assert world.by_other.post(cancel).status_code == 403
    done = world.by_owner.post(cancel)
    assert (done.status_code, done.json()["state"]) == (202, "cancelled")
    restart = reverse("api-run-restart", args=[run.public_id])
    again = world.by_owner.post(restart)
    assert (again.status_code, again.json()["attempt"]) == (202, 2)
    refused = world.by_manager.post(restart)
    assert refused.status_code == 409
    assert "only one that failed" in refused.json()["detail"]
    acts = AuditEntry.objects.filter(subject_id=str(run.public_id)).order_by("id")
    assert [(act.actor, act.verb) for act in acts] == [
        (world.owner, "asked to cancel the run"),
        (world.owner, "started the run again"),
    ]


def test_a_published_draw_needs_no_token(world: "World") -> None:
    draw = world.jury.draws.get()
    for name in ("api-draw", "api-draw-record"):
        url = reverse(name, args=[draw.public_id])
        assert APIClient().get(url).status_code == 404
        assert world.by_owner.get(url).status_code == 404
        assert world.by_manager.get(url).status_code == 200
    published = world.by_manager.post(reverse("api-draw-publish", args=[draw.public_id]))
    assert published.json()["published_at"]
    record = APIClient().get(reverse("api-draw-record", args=[draw.public_id]))
    assert record.content.startswith(b'{"candidates":["a","b","c"],"engine":"venire 0",')


def test_tokens_are_in_the_admin(world: "World", client: Client) -> None:
    client.force_login(world.manager)
    page = client.get(reverse("admin:authtoken_tokenproxy_changelist"))
    assert page.status_code == 200
