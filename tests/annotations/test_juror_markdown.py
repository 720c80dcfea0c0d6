"""What strangers write as Markdown, and what a browser sends with it, can do no harm."""

import re
from uuid import UUID

import pytest
from django.http import QueryDict

from annotations.forms.juror import MAX_MILLISECONDS, Envelope
from annotations.templatetags.markdown import render_markdown

ATTACKS = (
    "<script>alert(1)</script>",
    "<style>body{display:none}</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example>",
    "<img src=x onerror=alert(1)>",
    "![see](https://evil.example/pixel.png)",
    "[run](javascript:alert(1))",
    "[run](data:text/html;base64,PHNjcmlwdD4=)",
    "[run](vbscript:alert(1))",
    "<a href='javascript:alert(1)' onclick=alert(1)>x</a>",
    "<form action=//evil.example><input name=q></form>",
    "<iframe src=//evil.example></iframe>",
    "```\n</code></pre><script>alert(1)</script>\n```",
    '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
)


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_runs_and_nothing_is_fetched(text: str) -> None:
    tags = re.findall(r"<(/?[a-z0-9]+)([^>]*)>", render_markdown(text))
    assert {name.lstrip("/") for name, _ in tags} <= {"p", "a", "pre", "code", "span"}
    for _, attributes in tags:
        assert not re.search(
            r"\bon\w+=(?![^\"]*\"[^\"]*$)|style=|src=|javascript:|data:",
            (re.sub(r'title="[^"]*"', "", attributes)),
        )


def test_what_writers_mean_is_kept() -> None:
    html = render_markdown(
        "# Title\n\nA **strong** *word*.\n\n1. one\n2. two\n\n| a | b |\n|--|--:|\n| 1 | 2 |"
    )
    for part in ("<h3>Title</h3>", "<strong>strong</strong>", "<em>word</em>", "<li>one</li>"):
        assert part in html
    assert '<table tabindex="0">' in html
    assert "style=" not in html


def test_links_open_elsewhere_and_tell_nothing() -> None:
    html = render_markdown("[there](https://a.example/?q=1&r=2)")
    assert 'href="https://a.example/?q=1&amp;r=2"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert 'target="_blank"' in html


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1500", 1500),
        ("", 0),
        ("-3", 0),
        ("1.5", 0),
        ("٣", 0),
        ("9" * 40, 0),
        (str(MAX_MILLISECONDS + 1), MAX_MILLISECONDS),
    ],
)
def test_times_that_make_no_sense_count_as_unknown(sent: str, kept: int) -> None:
    assert Envelope.of(QueryDict(f"active_ms={sent}")).active_ms == kept


def test_an_id_that_is_none_is_made_here() -> None:
    known = UUID("7f8c4f4e-6a52-4bb3-9a4e-0d3c1c1e5a11")
    assert Envelope.of(QueryDict(f"client_id={known}")).client_id == known
    first, second = (Envelope.of(QueryDict("client_id=x")).client_id for _ in range(2))
    assert first != second
