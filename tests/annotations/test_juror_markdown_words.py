"""Words of rendered Markdown know where they stand in the text; none is placed wrongly."""

import html
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.templatetags.markdown import render_markdown
from annotations.templatetags.markdown_words import LONGEST, render_words

WORD = re.compile(r'<span data-s="(\d+)" data-e="(\d+)">(.*?)</span>', re.DOTALL)
ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")
ODD = st.lists(
    st.sampled_from(
        [
            "word", "Two words", "a", "1", "2. ", "- ", "> ", "# ", "**", "*", "_", "`", "~~", "[",
            "](http://a.b/word)", "]", "[a]: http://c.d\n", "&amp;", "&#65;", "<b>", "<http://e.f>",
            "\\", "\n", "\r\n", "\n\n", " ", "```\n", "|", "\n|-|-|\n", "👍🏽", "👩‍👩‍👧", "é",
            "漢字", "!", "(", ").", "javascript:", "    ", "\t", "word word",
        ]
    ),
    max_size=25,
).map("".join)  # fmt: skip


def placed(text: str) -> list[tuple[str, str]]:
    """Each word as it is shown, and the characters that it says it has."""
    return [
        (html.unescape(shown), text[int(start) : int(end)])
        for start, end, shown in WORD.findall(render_words(text))
    ]


def bare(page: str) -> str:
    return re.sub(r"</?span[^>]*>", "", page)


@pytest.mark.parametrize(
    "text",
    [
        "Plain words, (some) in brackets.",
        "A **bold** word and *two more* in `some code` here.",
        "# A heading\r\n\r\n- one\r\n- two\r\n\r\n12. three\r\n",
        "| a | b |\n|---|---|\n| c d | 4 |\n",
        "```python\nx = 1\nword word\n```\n",
        "one 😀 two 👩‍👩‍👧, three",
        "[a link](http://word.example/word) word <http://word.example>",
        "> quoted _once_\n> and again\n",
    ],
)
def test_words_are_the_characters_that_they_name(text: str) -> None:
    found = placed(text)
    assert found
    assert all(shown == words for shown, words in found)
    letters = sorted(
        filter(str.isalnum, html.unescape(re.sub(r"<[^>]*>", "", bare(render_words(text)))))
    )
    assert sorted(filter(str.isalnum, "".join(shown for shown, _ in found))) == letters


def test_an_entity_is_placed_as_it_is_written() -> None:
    assert placed("AT&amp;T pays \\*now\\*") == [
        ("AT&T", "AT&amp;T"), ("pays", "pays"), ("*now*", "\\*now\\*"),
    ]  # fmt: skip


def test_a_word_is_not_looked_for_where_letters_are_hidden() -> None:
    assert placed("&#65; [](http://A.b)") == []
    assert placed("See [the study] now.\n\n[the study]: http://b.c") == [
        ("See", "See"), ("the", "the"), ("study", "study"), ("now.", "now."),
    ]  # fmt: skip


def test_a_script_without_spaces_is_placed_character_by_character() -> None:
    assert placed("今日は。明日") == [(one, one) for one in "今日は明日"]


def test_what_can_not_be_placed_is_shown_all_the_same() -> None:
    for text in ("x" * (LONGEST + 1), "a private \U000f0000 character", "[a]\n\n[a]: http://b.c"):
        assert placed(text) == []
        assert bare(render_words(text)) == bare(render_markdown(text))


def test_what_is_shown_can_not_do_harm() -> None:
    page = render_words('<span data-s="0" data-e="3">x</span> <script>alert(1)</script>')
    assert "<script" not in page
    assert '<span data-s="0" data-e="3">x' not in page


@given(ODD)
def test_nothing_but_the_places_is_added_and_no_place_is_wrong(text: str) -> None:
    page = render_words(text)
    assert bare(page) == bare(render_markdown(text))
    spans = [(int(start), int(end)) for start, end, _ in WORD.findall(page)]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    for shown, words in placed(text):
        # Every letter that is shown stands in the characters that the word names, in that order;
        # entities count as what they mean, but not escaped, and not in code.
        letters = [letter for letter in shown if letter.isalnum()]
        spelt = (iter(html.unescape(ESCAPED.sub(" ", words))), iter(words))
        assert any(all(letter in source for letter in letters) for source in spelt)
