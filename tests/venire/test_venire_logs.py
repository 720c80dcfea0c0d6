"""Logs: one JSON object a line, and never a personal link."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path
from django.utils import timezone

from juries.models import Jury
from juries.services import invitations
from venire.logs import SECRET_PATHS, JsonFormatter
from venire.urls import urlpatterns as site

SECRET = "s3cret-of-a-link-that-nobody-may-read"


def broken(request: HttpRequest, token: str) -> HttpResponse:
    raise RuntimeError("broken")


urlpatterns: list[URLPattern | URLResolver] = [path("j/<str:token>/broken/", broken), *site]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a handler with the site's formatter writes."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(), *map(logging.getLogger, ("django", "django.request"))]
    levels = [logger.level for logger in loggers]
    logging.getLogger().addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.INFO)
    yield written
    logging.getLogger().removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def test_a_record_is_one_line_of_json() -> None:
    record = logging.makeLogRecord(
        {"name": "venire.x", "levelname": "INFO", "msg": "two\nlines of %s", "args": ("é",)}
    )
    record.run = 7
    record.odd = object
    line = JsonFormatter().format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["message"] == "two\nlines of é"
    assert (entry["run"], entry["logger"], entry["level"]) == (7, "venire.x", "INFO")
    assert entry["at"].endswith("+00:00")


def test_an_exception_stays_on_the_line() -> None:
    try:
        raise ValueError("bad")
    except ValueError as problem:
        record = logging.makeLogRecord(
            {"msg": "failed", "exc_info": (type(problem), problem, problem.__traceback__)}
        )
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "ValueError: bad" in json.loads(line)["exception"]


@pytest.mark.urls(__name__)
def test_no_answer_to_a_personal_link_writes_its_secret(jury: Jury, lines: io.StringIO) -> None:
    client = Client(raise_request_exception=False)
    now = timezone.now()
    issued = invitations.invite(seats=[*jury.seats.all()], expires_in=timedelta(days=1), now=now)
    good, expired, revoked = issued[0], issued[1], issued[2]
    type(expired.invitation).objects.filter(pk=expired.invitation.pk).update(
        expires_at=now - timedelta(hours=1)
    )
    invitations.invite(seats=[revoked.seat], expires_in=timedelta(days=1), now=now)
    tokens = [good.token, expired.token, revoked.token, SECRET]
    statuses = [client.get(f"/j/{token}/").status_code for token in tokens]
    statuses += [client.get(f"/j/{SECRET}/there/is/nothing/").status_code]
    statuses += [client.get(f"/j/{SECRET}/broken/").status_code]
    statuses += [client.delete(f"/j/{SECRET}/").status_code]
    statuses += [client.get(f"/j/{SECRET}").status_code]
    assert statuses[0] == 302
    assert all(status >= 301 for status in statuses), statuses
    assert 500 in statuses
    text = lines.getvalue()
    entries = [json.loads(line) for line in text.splitlines()]
    requests = [entry for entry in entries if entry["logger"] == "venire.request"]
    assert len(requests) == len(statuses)
    assert {"request_id", "method", "route", "status", "milliseconds"} <= requests[0].keys()
    assert requests[0]["route"] == "j/<str:token>/"
    for token in tokens:
        assert token not in text
    assert "/j/***/" in text


@pytest.mark.parametrize(
    "text",
    [
        f"Not Found: /j/{SECRET}/",
        f"Not Found: /j/{SECRET}",
        f"<WSGIRequest: GET '/pools/confirm/{SECRET}/?a=b'>",
        f'"POST /pools/leave/{SECRET} HTTP/1.1" 200',
        f"see https://venire.example.org/j/{SECRET}.",
    ],
)
def test_the_secret_is_blotted_out_wherever_it_stands(text: str) -> None:
    record = logging.makeLogRecord({"msg": text, "note": [text]})
    line = JsonFormatter().format(record)
    assert SECRET not in line
    assert json.loads(line)["message"].count("***") == 1


def test_ids_that_a_panel_sends_are_left_out() -> None:
    request = f"<WSGIRequest: GET '/in/{SECRET}/?PROLIFIC_PID=5f0c&SESSION_ID=77'>"
    line = JsonFormatter().format(logging.makeLogRecord({"msg": "Not Found", "request": request}))
    assert json.loads(line)["request"] == "<WSGIRequest: GET '/in/***/'>"


def test_every_address_with_a_secret_is_known_to_the_logs() -> None:
    def walk(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
        for pattern in patterns:
            here = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, here)
            elif {"token", "signature"} & set(pattern.pattern.converters):
                yield here

    secret = list(walk(get_resolver("venire.urls").url_patterns))
    assert len(secret) >= 3
    for address in secret:
        assert address.startswith(SECRET_PATHS), address
