"""The API's own description: the OpenAPI document, the page, the example of the manual."""

import csv
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from drf_spectacular.generators import SchemaGenerator
from pytest_django.live_server_helper import LiveServer
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from annotations.models import Rating
from juries.api.problems import KINDS
from juries.templatetags.code_spans import code_spans

if TYPE_CHECKING:
    from tests.api.conftest import World

ROOT = Path(__file__).resolve().parent.parent.parent
MANUAL = ROOT / "docs" / "api.md"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call] # drf-spectacular has no types
    made: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call] # as above
    return made


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for address, item in schema["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {address}", operation


def test_the_document_is_valid_and_without_warnings(tmp_path: Path) -> None:
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml")
    )


def test_every_address_is_described(schema: dict[str, Any]) -> None:
    def addresses(patterns: Sequence[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
        for pattern in patterns:
            here = before + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield here
            else:
                yield from addresses(pattern.url_patterns, here)

    known = {re.sub(r"\{(\w+)\}", r"\1", path) for path in schema["paths"]}
    below = [one for one in addresses(get_resolver().url_patterns) if one.startswith("api/v1/")]
    assert len(below) > 40
    for address in below:
        assert "/" + re.sub(r"<\w+:(\w+)>", r"\1", address) in known


def test_every_operation_parameter_and_field_has_a_meaning(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema):
        assert operation["summary"], name
        assert len(operation["description"]) > 15, name
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (name, parameter["name"])
        assert "401" in operation["responses"], name
    for name, shape in schema["components"]["schemas"].items():
        if name.startswith("Paginated"):
            continue
        for field, inner in shape.get("properties", {}).items():
            assert inner.get("description"), (name, field)


def test_no_field_of_the_document_is_a_key_or_an_identity(schema: dict[str, Any]) -> None:
    forbidden = {"pk", "email", "name_of_candidate", "candidate", "parameters", "household", "user"}
    for name, shape in schema["components"]["schemas"].items():
        fields = set(shape.get("properties", {}))
        assert not fields & forbidden, name
        if "id" in fields:
            assert shape["properties"]["id"]["format"] == "uuid", name
    for name in ("CandidateRow", "SeatRow", "JurorRow"):
        assert "external_id" not in schema["components"]["schemas"][name]["properties"]


@pytest.mark.django_db
def test_the_document_and_the_page_are_public() -> None:
    document = APIClient().get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi")
    assert document.status_code == 200
    assert b"openapi: 3.0.3" in document.content
    page = APIClient().get("/api/docs/").content.decode()
    for kind in KINDS:
        assert f'id="problem-{kind.slug}"' in page
    assert "/api/v1/studies/{study_id}/ratings/" in page
    assert "style=" not in page
    assert "<script>" not in page
    assert "one of queued, running, succeeded, failed, cancelled" in page


@pytest.mark.django_db(transaction=True)
def test_the_example_of_the_manual_works(
    world: "World", live_server: LiveServer, tmp_path: Path
) -> None:
    world.say(3)
    Rating.objects.update(is_current=True)
    [code] = re.findall(r"```python\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    script = tmp_path / "ratings.py"
    script.write_text(code.replace("page_size=1000", "page_size=3"), encoding="utf-8")
    token = Token.objects.create(user=world.owner)
    target = tmp_path / "ratings.csv"
    done = subprocess.run(
        [
            sys.executable,
            str(script),
            live_server.url,
            token.key,
            str(world.study.public_id),
            str(target),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "4 ratings" in done.stdout
    with target.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert {row["value"] for row in rows} == {"4.0"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain & <b>", "plain &amp; &lt;b&gt;"),
        ("take `next` as it is", "take <code>next</code> as it is"),
        ("`<i>`", "<code>&lt;i&gt;</code>"),
        ("a ` alone", "a ` alone"),
    ],
)
def test_backticks_become_code_and_nothing_else_becomes_markup(text: str, html: str) -> None:
    assert code_spans(text) == html


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_page_holds_the_content_policy_and_fits_a_phone(
    live_server: LiveServer, chromium_path: str
) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 320, "height": 700})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda problem: said.append(str(problem)))
        page.goto(f"{live_server.url}/api/docs/")
        page.locator("#studies_ratings_list > summary").click()
        assert page.locator("#studies_ratings_list").get_by_text("history", exact=True).is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert said == []
        found = axe.Axe().run(page).response["violations"]
        assert [violation["id"] for violation in found] == []
        browser.close()
