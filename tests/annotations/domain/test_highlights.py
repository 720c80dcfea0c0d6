"""Marks in texts: joined and refused, sentences of Markdown, counts over jurors."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.domain.highlights import (
    AGAINST,
    FOR,
    KINDS,
    MAX_MARKS,
    InvalidMarks,
    Mark,
    Passage,
    checked_marks,
    passages,
    sentences,
)

TEXT = "Close it. But **try** it\r\nfirst 👩‍👩‍👧, says Ann."
# Letters, signs of Markdown, white space and line ends of every kind, emoji of several characters.
ODD = st.text(alphabet="abcÄß .!?*_`#>-|1)[]&;\r\n\t👍🏽é\u0301漢。", max_size=120)


def words_of(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text=text)]


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, list[Mark]]:
    """A text, and marks of one kind somewhere in it that hold a word each."""
    text = draw(ODD.filter(lambda text: bool(text.strip())))
    kind = draw(st.sampled_from(KINDS))
    marks = []
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        if text[start:end].strip():
            marks.append(Mark(start, end, kind))
    return text, marks


# --- Marks ----------------------------------------------------------------------------------------


def test_marks_of_one_kind_that_overlap_touch_or_lie_side_by_side_become_one() -> None:
    text = "one two three four"
    for given_marks in (
        [Mark(0, 5, FOR), Mark(4, 7, FOR)],
        [Mark(0, 4, FOR), Mark(4, 7, FOR)],
        [Mark(4, 7, FOR), Mark(0, 3, FOR)],
        [Mark(0, 7, FOR), Mark(0, 3, FOR), Mark(1, 2, FOR)],
    ):
        assert checked_marks(text=text, marks=given_marks) == (Mark(0, 7, FOR),)
    apart = [Mark(0, 3, FOR), Mark(8, 13, FOR)]
    assert checked_marks(text=text, marks=apart) == tuple(apart)
    beside = [Mark(0, 3, FOR), Mark(3, 7, AGAINST)]
    assert checked_marks(text=text, marks=beside) == (Mark(0, 3, FOR), Mark(4, 7, AGAINST))


def test_white_space_at_the_ends_is_left_out() -> None:
    assert checked_marks(text="a  b \r\n c", marks=[Mark(1, 7, FOR)]) == (Mark(3, 4, FOR),)


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        ([Mark(-1, 3, FOR)], "from character -1 to 3, but the text has 9"),
        ([Mark(0, 10, FOR)], "but the text has 9 characters"),
        ([Mark(3, 3, FOR)], "from character 3 to 3"),
        ([Mark(5, 3, FOR)], "from character 5 to 3"),
        ([Mark(3, 4, FOR)], "no words in it"),
        ([Mark(0, 3, "maybe")], "of the kind 'maybe'"),
        ([Mark(0, 5, FOR), Mark(4, 7, AGAINST)], "“t” is marked as speaking for it and against"),
        ([Mark(0, 9, FOR), Mark(4, 7, AGAINST)], "“two” is marked"),
        ([Mark(0, 3, FOR)] * (MAX_MARKS + 1), "at most 1,000"),
    ],
)
def test_marks_that_can_not_stand_are_refused_with_what_to_do(
    marks: list[Mark], words: str
) -> None:
    with pytest.raises(InvalidMarks, match=words.replace("(", r"\(")):
        checked_marks(text="one two x", marks=marks)


@given(marked())
def test_joined_marks_hold_what_was_marked_and_nothing_else(
    case: tuple[str, list[Mark]],
) -> None:
    text, marks = case
    kept = checked_marks(text=text, marks=marks)
    assert kept == checked_marks(text=text, marks=reversed(marks))
    assert kept == checked_marks(text=text, marks=kept)
    inside = {place for mark in kept for place in range(mark.start, mark.end)}
    wanted = {place for mark in marks for place in range(mark.start, mark.end)}
    assert {place for place in wanted if not text[place].isspace()} <= inside
    assert all(text[place].isspace() for place in inside - wanted)
    for mark in kept:
        words = text[mark.start : mark.end]
        assert words
        assert words == words.strip()
    assert all(text[one.end : other.start].strip() for one, other in pairwise(kept))


# --- Sentences ------------------------------------------------------------------------------------


def test_sentences_by_hand() -> None:
    assert words_of(TEXT) == ["Close it.", "But **try** it\r\nfirst 👩‍👩‍👧, says Ann."]
    assert words_of("Ask Dr. Ann B. Smith, e.g. today. “Yes!” she said. *No?* 3.5 km.") == [
        "Ask Dr. Ann B. Smith, e.g. today.",
        "“Yes!” she said.",
        "*No?*",
        "3.5 km.",
    ]
    assert words_of("今日は。明日も！") == ["今日は。", "明日も！"]
    assert words_of("No stop at the end") == ["No stop at the end"]
    assert words_of(" \r\n\t ") == words_of("") == words_of("---\n\n***\n") == []


def test_what_lays_out_the_text_belongs_to_no_sentence() -> None:
    text = (
        "# A heading\nA line\nthat goes on. And on.\n\n- first\n- second,\n  and more\n"
        "1. One. Two.\n> quoted\n\n| a | b |\n|---|---|\n|\n\n[a]: http://b.c\n\n"
        "```python\nx = 1. \n\ny = 2\n```\nEnd\n"
    )
    assert words_of(text) == [
        "A heading\nA line\nthat goes on.",
        "And on.",
        "first",
        "second,\n  and more",
        "One.",
        "Two.",
        "quoted",
        "a | b",
        "x = 1.",
        "y = 2",
        "End",
    ]


@given(ODD)
def test_sentences_are_in_order_apart_and_not_blank(text: str) -> None:
    spans = sentences(text=text)
    assert all(0 <= one.start < one.end <= len(text) for one in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    for span in spans:
        words = text[span.start : span.end]
        assert words == words.strip()


@given(st.text(alphabet="ab .!?\n", max_size=80))
def test_every_letter_of_plain_text_is_in_a_sentence(text: str) -> None:
    inside = "".join(words_of(text))
    assert sorted(filter(str.isalpha, inside)) == sorted(filter(str.isalpha, text))


@given(ODD)
def test_all_sentences_can_be_marked(text: str) -> None:
    marks = [Mark(one.start, one.end, FOR) for one in sentences(text=text)]
    assert len(checked_marks(text=text, marks=marks)) <= len(marks)


# --- Over jurors ----------------------------------------------------------------------------------


def test_passages_by_hand() -> None:
    jurors = [
        [Mark(0, 5, FOR)],
        [Mark(3, 8, FOR), Mark(8, 9, AGAINST)],
        [Mark(8, 10, AGAINST)],
        [],
    ]
    assert passages(length=12, marks=jurors) == (
        Passage(0, 3, 1, 0),
        Passage(3, 5, 2, 0),
        Passage(5, 8, 1, 0),
        Passage(8, 9, 0, 2),
        Passage(9, 10, 0, 1),
        Passage(10, 12, 0, 0),
    )
    assert passages(length=3, marks=[]) == (Passage(0, 3, 0, 0),)
    assert passages(length=0, marks=[]) == ()
    # Two jurors whose marks meet: the count does not change there.
    assert passages(length=4, marks=[[Mark(0, 2, FOR)], [Mark(2, 4, FOR)]]) == (
        Passage(0, 4, 1, 0),
    )
    with pytest.raises(InvalidMarks, match="does not lie in a text of 3"):
        passages(length=3, marks=[[Mark(0, 4, FOR)]])


@given(st.lists(marked(), max_size=4))
def test_passages_are_the_whole_text_and_count_everybody(
    cases: list[tuple[str, list[Mark]]],
) -> None:
    own = [checked_marks(text=text, marks=marks) for text, marks in cases]
    length = max((len(text) for text, _ in cases), default=0)
    found = passages(length=length, marks=own)
    assert "".join("x" * (one.end - one.start) for one in found) == "x" * length
    assert all(one.end == other.start for one, other in pairwise(found))
    for one in found:
        for place in range(one.start, one.end):
            marks = [mark for kept in own for mark in kept if mark.start <= place < mark.end]
            assert one.spoke_for == sum(mark.kind == FOR for mark in marks)
            assert one.spoke_against == sum(mark.kind == AGAINST for mark in marks)
