"""Refusals: one form for all of them, with what to do."""

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as ModelInvalid
from django.db import IntegrityError
from django.urls import reverse
from rest_framework import exceptions
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from juries.api import problems
from juries.api.problems import pointer, problem_response

if TYPE_CHECKING:
    from rest_framework.response import _MonkeyPatchedResponse as TestResponse

    from tests.api.conftest import World


def is_problem(response: "TestResponse", status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["type"].endswith(f"/api/docs/#problem-{slug}")
    assert body["title"]
    assert body["detail"]
    return body


def test_unknown_addresses_and_methods(world: "World") -> None:
    is_problem(APIClient().get("/api/v1/nothing/"), 404, "not-found")
    is_problem(world.by_owner.post("/api/v2/", {}), 404, "not-found")
    refused = world.by_owner.put(reverse("api-studies"), {})
    is_problem(refused, 405, "method-not-allowed")
    assert set(refused["Allow"].split(", ")) >= {"GET", "POST"}


def test_bodies_that_cannot_be_read(world: "World") -> None:
    client, url = world.by_owner, world.url("api-steps")
    for body in (b"{", b"\xff\xfe{}", b'{"kind": NaN}'):
        refused = client.post(url, body, content_type="application/json")
        is_problem(refused, 400, "malformed-body")
    refused = client.post(url, b"kind=rating", content_type="text/plain")
    is_problem(refused, 415, "unsupported-media-type")
    for body in (b"[]", b'"text"', b"3", b"null"):
        refused = client.post(url, body, content_type="application/json")
        is_problem(refused, 400, "invalid-input")
    refused = client.get(url, HTTP_ACCEPT="text/html")
    is_problem(refused, 406, "not-acceptable")


def test_unknown_fields_are_refused_by_name(world: "World") -> None:
    refused = world.by_owner.post(world.url("api-steps"), {"kind": "choice", "posision": 1})
    body = is_problem(refused, 400, "invalid-input")
    [error] = body["errors"]
    assert error["pointer"] == "#/posision"
    assert "kind, position, is_required, prompt" in error["detail"]
    refused = world.by_owner.post(world.url("api-windows"), {"now": True})
    assert is_problem(refused, 400, "invalid-input")["errors"][0]["pointer"] == "#/now"


def test_a_name_that_has_no_bytes_is_refused_in_writable_letters(world: "World") -> None:
    refused = world.by_owner.post(
        world.url("api-steps"), b'{"kind": "choice", "\\ud800": 1}', content_type="application/json"
    )
    [error] = is_problem(refused, 400, "invalid-input")["errors"]
    assert error["pointer"] == "#/\\ud800"


def test_errors_point_into_nested_rows(world: "World") -> None:
    refused = world.by_owner.post(
        world.url("api-queries"),
        {
            "queries": [
                {"text": "Fine?"},
                {"text": "", "options": [{"option": "a", "text": "A", "colour": "red"}]},
            ]
        },
    )
    errors = is_problem(refused, 400, "invalid-input")["errors"]
    assert {error["pointer"] for error in errors} == {
        "#/queries/1/text",
        "#/queries/1/options/0/colour",
    }
    assert world.study.queries.count() == 3


def test_pointers_follow_the_rfc() -> None:
    assert pointer("a/b", 0, "c~d") == "#/a~1b/0/c~0d"
    assert pointer() == "#"


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        SimpleRateThrottle, "THROTTLE_RATES", {"anon": "2/min", "user": "5/min", "write": "1/min"}
    )


def test_too_many_requests_say_when_to_come_back(world: "World", rates: None) -> None:
    client = world.by_owner
    for _ in range(5):
        assert client.get(reverse("api-runs")).status_code == 200
    refused = client.get(reverse("api-runs"))
    is_problem(refused, 429, "too-many-requests")
    assert 0 < int(refused["Retry-After"]) <= 60
    assert world.by_viewer.get(reverse("api-runs")).status_code == 200


def test_writes_have_a_tighter_rate(world: "World", rates: None) -> None:
    client, url = world.by_owner, world.url("api-steps")
    assert client.post(url, {"kind": "choice"}).status_code == 201
    is_problem(client.post(url, {"kind": "opinion"}), 429, "too-many-requests")
    assert client.get(url).status_code == 200


def test_anonymous_readers_have_a_rate(world: "World", rates: None) -> None:
    draw = world.jury.draws.get()
    url = reverse("api-draw", args=[draw.public_id])
    assert [APIClient().get(url).status_code for _ in range(3)] == [404, 404, 429]


class _Refused(Exception):
    def __init__(self) -> None:
        super().__init__("No: 3 of 4 are missing.")
        self.field = "size"


class _Unready(Exception):
    problems = ("one thing", "another")


@pytest.mark.parametrize(
    ("raised", "status", "slug"),
    [
        (exceptions.NotFound(), 404, "not-found"),
        (exceptions.APIException(), 500, "server-error"),
        (RequestDataTooBig("Too much."), 413, "too-large"),
        (ModelInvalid({"title": ["Too long."]}), 400, "invalid-input"),
        (ModelInvalid("All wrong."), 400, "invalid-input"),
        (IntegrityError("UNIQUE constraint failed: secret_table"), 409, "refused"),
        (RuntimeError("secret"), 500, "server-error"),
    ],
)
def test_whatever_is_raised_becomes_a_problem(raised: Exception, status: int, slug: str) -> None:
    answer = problem_response(raised, {})
    assert answer.status_code == status
    assert answer.data["type"].endswith(f"#problem-{slug}")
    assert "secret" not in str(answer.data)


def test_a_service_that_refuses_is_answered_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "_refusals", {_Refused: problems.REFUSED})
    answer = problem_response(_Refused(), {})
    assert answer.status_code == 409
    assert answer.data["errors"] == [{"detail": "No: 3 of 4 are missing.", "pointer": "#/size"}]
    assert problem_response(_Unready("Not yet."), {}).status_code == 500
    problems.refuse_as(problems.INVALID, _Unready)
    answer = problem_response(_Unready("Not yet."), {})
    assert (answer.status_code, len(answer.data["errors"])) == (400, 2)
