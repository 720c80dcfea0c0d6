"""Passages marked in a response: pieces that overlap, and Markdown that must survive."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.templatetags.markdown import render_markdown
from overton.domain.marks import InvalidSpan, Piece, Span, cut_at_spans
from overton.templatetags.marked import marked

TEXT = "Fees are fair. They pay for **roads** and parks. Some say they hurt the poor."


@st.composite
def lengths_and_spans(draw: st.DrawFn) -> tuple[int, list[Span]]:
    length = draw(st.integers(1, 30))
    spans = []
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, length - 1))
        end = draw(st.integers(start + 1, length))
        spans.append(Span(key=draw(st.integers(1, 4)), start=start, end=end))
    return length, spans


@given(lengths_and_spans())
def test_pieces_join_to_the_whole_and_know_what_covers_them(case: tuple[int, list[Span]]) -> None:
    length, spans = case
    pieces = cut_at_spans(length=length, spans=spans)
    assert [piece.start for piece in pieces] == [0, *(piece.end for piece in pieces[:-1])]
    assert pieces[-1].end == length
    for piece in pieces:
        assert piece.start < piece.end
        for place in range(piece.start, piece.end):
            assert piece.keys == tuple(
                sorted({span.key for span in spans if span.start <= place < span.end})
            )
    ends = [(key, piece.end) for piece in pieces for key in piece.ending]
    assert dict(ends) == {s.key: max(o.end for o in spans if o.key == s.key) for s in spans}
    assert len(ends) == len({span.key for span in spans})


def test_pieces_by_hand() -> None:
    assert cut_at_spans(length=0, spans=[]) == ()
    assert cut_at_spans(
        length=10, spans=[Span(key=2, start=2, end=6), Span(key=1, start=4, end=9)]
    ) == (
        Piece(start=0, end=2, keys=(), ending=()),
        Piece(start=2, end=4, keys=(2,), ending=()),
        Piece(start=4, end=6, keys=(1, 2), ending=(2,)),
        Piece(start=6, end=9, keys=(1,), ending=(1,)),
        Piece(start=9, end=10, keys=(), ending=()),
    )


@pytest.mark.parametrize(("start", "end"), [(3, 3), (-1, 2), (2, 11), (5, 4)])
def test_a_span_outside_its_text_is_refused(start: int, end: int) -> None:
    with pytest.raises(InvalidSpan, match="10 characters"):
        cut_at_spans(length=10, spans=[Span(key=1, start=start, end=end)])


def span(key: int, words: str, text: str = TEXT) -> Span:
    start = text.index(words)
    return Span(key=key, start=start, end=start + len(words))


def without_marks(html: str) -> str:
    html = re.sub(r'<sup class="said-number">.*?</sup>', "", html)
    return re.sub(r"</?mark[^>]*>", "", html)


def test_a_passage_with_emphasis_is_marked_and_numbered() -> None:
    html = marked(TEXT, [span(3, "They pay for **roads** and parks.")])
    assert (
        '<mark class="said" data-said="3">They pay for </mark><strong><mark class="said" '
        'data-said="3">roads</mark></strong><mark class="said" data-said="3"> and parks.</mark>'
        '<sup class="said-number"><a id="said-3" href="#answer-3">' in html
    )
    assert without_marks(html) == render_markdown(TEXT)


def test_overlapping_passages_carry_both_numbers() -> None:
    html = marked(TEXT, [span(1, "Fees are fair. They pay"), span(2, "They pay for **roads**")])
    assert '<mark class="said" data-said="1 2">They pay</mark>' in html
    assert html.index('id="said-1"') < html.index('id="said-2"')
    assert without_marks(html) == render_markdown(TEXT)


def test_the_same_passage_for_two_answers_has_two_numbers() -> None:
    html = marked(TEXT, [span(2, "Fees are fair."), span(1, "Fees are fair.")])
    assert html.index('id="said-1"') < html.index('id="said-2"')
    assert html.count("<mark") == 1


MARKDOWN = """# Fees

1. Fees are *fair*.
2. They pay for roads, see [the budget](https://example.org/a_b?c=1&d=2).

- They hurt the poor.
- **Nobody** likes them & `x < y`.

> A quotation
> goes on.

| a | b |
|---|---|
| c | d |
"""


@given(st.lists(st.tuples(st.integers(0, len(MARKDOWN) - 1), st.integers(1, 80)), max_size=4))
def test_marks_never_change_what_is_read(places: list[tuple[int, int]]) -> None:
    spans = [
        Span(key=key, start=start, end=min(len(MARKDOWN), start + width))
        for key, (start, width) in enumerate(places, start=1)
    ]
    html = marked(MARKDOWN, spans)
    for key in range(1, len(spans) + 1):
        assert html.count(f'id="said-{key}"') == 1
    if "said-as-written" in html:
        words = re.sub(r"<[^>]+>", "", without_marks(html))
        assert unescape(words) == MARKDOWN
    else:
        assert without_marks(html) == render_markdown(MARKDOWN)


@pytest.mark.parametrize("words", ["Fees are *fair*.", "They hurt the poor.", "- They hurt"])
def test_lists_stay_lists(words: str) -> None:
    html = marked(MARKDOWN, [span(1, words, MARKDOWN)])
    assert "said-as-written" not in html
    assert "<li>" in html


def test_numbers_stand_behind_a_link_and_not_in_it() -> None:
    html = marked(MARKDOWN, [span(1, "the bud", MARKDOWN)])
    assert 'data-said="1">the bud</mark>get</a><sup' in html


def test_script_in_a_response_stays_harmless() -> None:
    text = "<script>alert(1)</script> is what\ue000 they say. <b onclick=x>Really</b>."
    for html in (
        marked(text, [Span(key=1, start=0, end=30)]),
        marked(text.replace("\ue000", ""), [Span(key=1, start=0, end=30)]),
    ):
        assert "<script" not in html
        assert "<b " not in html
        assert "&lt;script&gt;" in html
