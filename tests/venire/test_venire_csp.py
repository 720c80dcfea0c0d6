"""A strict policy on every page: the site's, the admin's, the API's and those of errors."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, include, path

from juries.models import User

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "manifest-src 'self'",
}


def break_down(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken for the test")


def be_suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("odd")


urlpatterns: list[URLPattern | URLResolver] = [
    path("broken/", break_down),
    path("odd/", be_suspicious),
    path("", include("venire.urls")),
]


class InlineFinder(HTMLParser):
    """Collects what the policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        kind = given.get("type") or "text/javascript"
        if tag == "script" and "src" not in given and "json" not in kind:
            self.found.append(f"inline script at {self.getpos()}")
        if tag == "style":
            self.found.append(f"inline style at {self.getpos()}")
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.found.append(f"{tag} {name}= at {self.getpos()}")
            if name in ("href", "src", "action") and (value or "").startswith("javascript:"):
                self.found.append(f"{tag} {name}={value} at {self.getpos()}")
            if name in ("src",) and (value or "").startswith(("http:", "https:", "//")):
                self.found.append(f"{tag} loads {value}")
            if tag == "link" and name == "href" and (value or "").startswith(("http", "//")):
                self.found.append(f"{tag} loads {value}")


def check(response: Any, address: str) -> None:  # the test client adds to what it got
    header = response.headers.get("Content-Security-Policy", "")
    assert {part.strip() for part in header.split(";")} == POLICY, address
    assert response.headers.get("X-Content-Type-Options") == "nosniff", address
    assert response.headers.get("Referrer-Policy") == "same-origin", address
    assert response.headers.get("Cross-Origin-Opener-Policy") == "same-origin", address
    if response.headers.get("Content-Type", "").startswith("text/html"):
        body = b"".join(response) if response.streaming else response.content
        finder = InlineFinder()
        finder.feed(body.decode())
        assert finder.found == [], address


def addresses(
    patterns: list[URLPattern | URLResolver] | None = None, prefix: str = "/"
) -> Iterator[str]:
    """Every address of the site that takes no argument."""
    for pattern in get_resolver("venire.urls").url_patterns if patterns is None else patterns:
        if pattern.pattern.converters or "(?P" in str(pattern.pattern):
            continue
        here = prefix + str(pattern.pattern).lstrip("^").rstrip("$").replace("\\Z", "")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, here)
        elif "\\" not in here and "(" not in here:
            yield here


def test_the_walk_finds_the_pages() -> None:
    found = set(addresses())
    assert {"/", "/admin/", "/admin/login/", "/admin/juries/pool/add/", "/runs/"} <= found
    assert len(found) > 40


@pytest.mark.parametrize("visitor", ["anonymous", "superuser"])
def test_every_page_without_arguments(visitor: str, researcher: User) -> None:
    client = Client(raise_request_exception=False)
    seen = 0
    for address in sorted(set(addresses())):
        if visitor == "superuser":
            client.force_login(researcher)  # one of the pages signs out
        response = client.get(address)
        check(response, f"{address} for {visitor}")
        assert response.status_code < 500, address
        if response.status_code == 200:
            seen += 1
            # Pages that the API's documentation sends are in no frame by the policy above.
            assert response.headers["X-Frame-Options"] == "DENY", address
    assert seen > (30 if visitor == "superuser" else 2)


@pytest.mark.urls(__name__)
class TestErrors:
    def test_an_unknown_page(self, client: Client, db: None) -> None:
        response = client.get("/there/is/nothing/")
        assert response.status_code == 404
        check(response, "404")

    def test_a_page_for_others(self, client: Client, stranger: User) -> None:
        client.force_login(stranger)
        response = client.get("/runs/")
        assert response.status_code == 403
        check(response, "403")

    def test_a_broken_page(self, db: None) -> None:
        response = Client(raise_request_exception=False).get("/broken/")
        assert response.status_code == 500
        assert b"broken for the test" not in response.content
        check(response, "500")

    def test_an_odd_request(self, client: Client, db: None) -> None:
        response = client.get("/odd/")
        assert response.status_code == 400
        check(response, "400")

    def test_a_host_that_is_not_ours(self, client: Client, db: None) -> None:
        response = client.get("/", headers={"host": "evil.example.org"})
        assert response.status_code == 400
        check(response, "400")

    def test_a_forged_form(self, db: None) -> None:
        response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "x"})
        assert response.status_code == 403
        check(response, "403 csrf")

    def test_a_method_that_is_not_taken(self, client: Client, researcher: User) -> None:
        client.force_login(researcher)
        response = client.delete("/runs/")
        assert response.status_code == 405
        check(response, "405")


@pytest.mark.parametrize("name", [model._meta.label for model in admin.site._registry])
def test_the_form_of_each_table(name: str, researcher: User) -> None:
    """The admin's pages for one new row, or its refusal."""
    client = Client()
    client.force_login(researcher)
    app, model = name.lower().split(".")
    response = client.get(f"/admin/{app}/{model}/add/")
    assert response.status_code in (200, 403), name
    check(response, name)


def test_the_finder_finds() -> None:
    finder = InlineFinder()
    finder.feed(
        '<p style="x">a</p><style>b</style><script>c</script><a onclick="d" href="javascript:e">'
        '<script src="/ok.js"></script><script type="application/json">{}</script>'
        '<script src="https://cdn.example.org/x.js"></script>'
    )
    assert len(finder.found) == 6
