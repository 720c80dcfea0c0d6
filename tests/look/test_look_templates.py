"""The shared templates: what the includes write, and that nothing inline slips in."""

import re
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django import forms
from django.contrib.messages import constants
from django.core.paginator import Paginator
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils.safestring import mark_safe

from juries.models import Run

VENIRE = Path(__file__).resolve().parents[2] / "venire"
TEMPLATES = sorted((VENIRE / "templates").rglob("*.html"))
TROUBLES = ("400", "403", "403_csrf", "404", "410", "429", "500")


@dataclass(frozen=True)
class Mark:
    """A seat, as the bench wants it."""

    state: str
    label: str = ""
    count: int | None = None


@dataclass(frozen=True)
class Numbers:
    """A table, as a figure wants it."""

    columns: tuple[str, ...] = ("Source", "Revision", "Mean")
    rows: tuple[tuple[object, ...], ...] = (("careful", "a91f", 0.71), ("blunt", "03bd", None))
    text_columns: tuple[int, ...] = (1,)


@dataclass(frozen=True)
class Plot:
    """A figure."""

    id: str = "f"
    title: str = "How acceptable is each <source>?"
    svg: str = field(default_factory=lambda: mark_safe("<svg></svg>"))
    n: str = "40 jurors"
    interval: str = "95 % bootstrap"
    predicted: bool = True
    run_url: str = "/runs/1/"
    table: Numbers = Numbers()
    downloads: tuple[dict[str, str], ...] = ({"url": "/d.csv", "label": "CSV"},)


class Registration(forms.Form):
    """One field of each kind."""

    email = forms.EmailField(label="Your e-mail", help_text="Only to send you the link.")
    note = forms.CharField(label="Anything else", widget=forms.Textarea, required=False)
    home = forms.ChoiceField(choices=(("r", "Rented"), ("o", "Owned")), widget=forms.RadioSelect)
    consent = forms.BooleanField(label="I agree")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_inline(path: Path) -> None:
    text = re.sub(r"{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"\sstyle\s*=|\son[a-z]+\s*=|javascript:|<style", text)
    for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.DOTALL):
        assert "src=" in attributes
        assert not body.strip()
    assert "http://" not in text.replace("http://www.w3.org/", "")
    assert "https://" not in text


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_pages_need_no_context(name: str) -> None:
    html = render_to_string(f"{name}.html")
    heading = re.search(r"<h1>(.+?)</h1>", html)
    assert heading
    assert f"<title>{heading[1]} · Venire</title>" in html
    assert html.count("<p>") >= 2, "says what happened and what to do"


def test_refusal_says_its_reason_escaped() -> None:
    html = render_to_string("403.html", {"exception": "You are a <viewer> here."})
    assert "You are a &lt;viewer&gt; here." in html
    assert "90 seconds" in render_to_string("429.html", {"retry_after": 90})


def test_bench_shows_one_mark_a_seat() -> None:
    seats = [Mark("accepted", "seat 1"), Mark("predicted"), Mark("declined")]
    html = render_to_string(
        "components/bench.html",
        {"seats": seats, "summary": "3 seats: 1 accepted", "key": [Mark("accepted", "said", 0)]},
    )
    assert html.count('class="seat seat--') == 3
    assert 'role="img" aria-label="3 seats: 1 accepted"' in html
    assert "<title>seat 1</title>" in html
    assert re.search(r"</svg>0 said\s*</li>", html), "a count of zero is shown"


def test_every_seat_state_has_a_shape() -> None:
    from juries.models import Seat

    sprite = (VENIRE / "static" / "venire" / "img" / "seats.svg").read_text()
    shapes = dict(re.findall(r'<symbol id="([a-z-]+)"[^>]*>(.*?)</symbol>', sprite))
    assert {*Seat.State.values, "predicted", "empty"} <= shapes.keys()
    assert len(set(shapes.values())) == len(shapes), "distinguishable without colour"


@pytest.mark.parametrize(("count", "scale"), [(0, 10), (7, 10), (55, 60)])
def test_quota_draws_each_person_or_a_bar(count: int, scale: int) -> None:
    html = render_to_string(
        "components/quota.html",
        {"label": "Women", "count": count, "minimum": 4, "maximum": 6, "scale": scale},
    )
    people = len(re.findall(r"\.5h\.001", html))
    assert people == (count if scale <= 40 else 0)
    assert ("quota__bar" in html) == (scale > 40)
    assert re.sub(r"<[^>]+>", "", html).split() == ["Women", str(count), "of", "4–6"]


def test_figure_carries_all_that_belongs_to_it() -> None:
    html = render_to_string("components/figure.html", {"figure": Plot()})
    assert "How acceptable is each &lt;source&gt;?" in html
    assert "<svg></svg>" in html
    assert "predicted</span>" in html
    assert "simulated</span>" not in html
    assert 'href="/runs/1/"' in html
    assert 'href="/d.csv" download' in html
    assert html.count('<td class="number">') == 2
    assert '<span class="table__missing">none</span>' in html
    assert '<th scope="row">careful</th>' in html


@pytest.mark.parametrize("state", Run.State.values)
def test_run_progress_offers_what_its_state_allows(state: str) -> None:
    run = Run(
        public_id=uuid.uuid4(),
        title="Train",
        state=state,
        progress_done=3,
        progress_total=10,
        page_path="/results/",
        error="Disk full." if state == "failed" else "",
    )
    html = render_to_string(
        "components/run_progress.html",
        {"run": run, "poll_url": "/p/", "cancel_url": "/c/", "restart_url": "/r/"},
    )
    going = state in ("queued", "running")
    assert f'id="run-{run.public_id}"' in html
    assert ('hx-get="/p/"' in html) == going
    assert ("<progress" in html) == going
    assert ('action="/c/"' in html) == going
    assert ('action="/r/"' in html) == (state in ("failed", "cancelled"))
    assert ('href="/results/"' in html) == (state == "succeeded")
    assert ('max="10" value="3"' in html) == (state == "running")
    assert ('role="alert">Disk full.' in html) == (state == "failed")


def test_fields_tie_label_help_and_error_together() -> None:
    form = Registration({"email": "x"})
    html = render_to_string("components/field.html", {"field": form["email"]})
    assert '<label class="field__label" for="id_email">' in html
    described = re.search(r'aria-describedby="([^"]+)"', html)
    assert described
    for name in described[1].split():
        assert f'id="{name}"' in html
    assert 'aria-invalid="true"' in html
    optional = render_to_string("components/field.html", {"field": form["note"], "words": True})
    assert "(optional)" in optional
    assert "field--words" in optional
    group = render_to_string("components/field.html", {"field": form["home"]})
    assert "<legend>" in group
    assert 'id="id_home_error"' in group
    box = render_to_string("components/field.html", {"field": form["consent"]})
    assert '<label class="check" for="id_consent">' in box


def test_error_summary_links_to_the_fields() -> None:
    form = Registration({"email": "x"})
    html = render_to_string("components/form_errors.html", {"form": form})
    assert "3 things need another look" in html
    page = str(form)
    for target in re.findall(r'href="#([^"]+)"', html):
        assert f'id="{target}"' in page
    assert render_to_string("components/form_errors.html", {"form": Registration()}).strip() == ""


def test_choices_are_cards_with_keys() -> None:
    html = render_to_string("components/choices.html", {"field": Registration()["home"]})
    assert html.count('<label class="choice"') == 2
    assert '<kbd aria-hidden="true">2</kbd>' in html
    bare = render_to_string(
        "components/choices.html", {"field": Registration()["home"], "no_keys": True}
    )
    assert "<kbd" not in bare


def test_pagination_keeps_the_other_parameters() -> None:
    page = Paginator(range(30), 10).page(2)
    request = RequestFactory().get("/", {"state": "open", "page": "2"})
    html = render_to_string("components/pagination.html", {"page": page}, request)
    assert 'href="?state=open&amp;page=1"' in html
    assert 'href="?state=open&amp;page=3"' in html
    assert "Page 2 of 3" in html
    single = Paginator(range(3), 10).page(1)
    assert render_to_string("components/pagination.html", {"page": single}, request).strip() == ""


def test_messages_wear_the_colour_of_their_level() -> None:
    class Message:
        def __init__(self, level_tag: str) -> None:
            self.level_tag = level_tag

        def __str__(self) -> str:
            return f"it was {self.level_tag}"

    messages = [Message(tag) for tag in constants.DEFAULT_TAGS.values()]
    html = render_to_string("components/messages.html", {"messages": messages})
    assert "notice--danger" in html
    assert "notice--error" not in html
    assert "notice--success" in html


def test_crumbs_and_tabs_mark_where_one_is() -> None:
    html = render_to_string(
        "components/breadcrumbs.html", {"crumbs": [("Studies", "/s/")], "here": "Spring"}
    )
    assert '<a href="/s/">Studies</a>' in html
    assert '<li aria-current="page">Spring</li>' in html
    tabs = [{"url": "/a/", "label": "A", "current": True}, {"url": "/b/", "label": "B"}]
    html = render_to_string("components/tabs.html", {"name": "The study", "tabs": tabs})
    assert html.count('aria-current="page"') == 1


def test_docs_name_every_include_and_base() -> None:
    docs = (VENIRE.parent / "docs" / "look.md").read_text()
    names = {path.name for path in (VENIRE / "templates" / "components").glob("*.html")}
    parts = {"field_notes.html"}  # written by field.html and its kin, of no use alone
    missing = {name for name in names - parts if f"`{name}`" not in docs}
    assert missing == set()
    bases = {path.name for path in (VENIRE / "templates").glob("base*.html")}
    assert {name for name in bases if f"`{name}`" not in docs} == set()
