"""Sentences and passages: what must always hold, and the hard cases by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overton.domain.sentences import (
    LONGEST,
    InvalidPassages,
    passages,
    plain_words,
    split_sentences,
)

PIECES = st.lists(
    st.sampled_from(
        (
            *("Dr. ", "e.g. ", "One two. ", "Why? ", "U.S. ", "Ünal ", "the ", "3.5 ", "..."),
            *("\n", "\n\n", "\r\n", "\t", "- ", "* ", "1. ", "# ", "| ", "She said: ", '"No." '),
            *("。", "「", "」"),
        )
    ),
    max_size=30,
).map("".join)


def split(text: str) -> list[str]:
    return [span.of(text) for span in split_sentences(text)]


@given(text=st.one_of(st.text(max_size=200), PIECES))
def test_every_character_that_is_no_blank_lies_in_exactly_one_sentence(text: str) -> None:
    spans = split_sentences(text)
    assert list(spans) == sorted(spans)
    at = 0
    for span in spans:
        assert text[at : span.start].strip() == ""
        assert span.of(text) == span.of(text).strip() != ""
        at = span.end
    assert text[at:].strip() == ""


@given(text=PIECES)
def test_a_passage_is_the_text_from_its_first_to_its_last_sentence(text: str) -> None:
    sentences = split_sentences(text)
    found = passages(sentences)
    assert len({(passage.first, passage.last) for passage in found}) == len(found)
    for passage in found:
        assert passage.span.start == sentences[passage.first].start
        assert passage.span.end == sentences[passage.last].end
        assert plain_words(passage.span.of(text))
    assert {p.first for p in found if p.size == 1} == set(range(len(sentences)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One thing. Another thing! A third?", ["One thing.", "Another thing!", "A third?"]),
        (
            "Dr. Ünal met Mrs. Li, e.g. at 3.5 km. Then she left.",
            ["Dr. Ünal met Mrs. Li, e.g. at 3.5 km.", "Then she left."],
        ),
        ("J. R. Miller wrote it. It sold.", ["J. R. Miller wrote it.", "It sold."]),
        (
            "Apples, pears, etc. are fruit. Eat them.",
            ["Apples, pears, etc. are fruit.", "Eat them."],
        ),
        ("They eat apples etc. The end.", ["They eat apples etc.", "The end."]),
        (
            "The U.S. Senate met. It left the U.S. The vote was held.",
            ["The U.S. Senate met.", "It left the U.S.", "The vote was held."],
        ),
        ("See No. 7 there. He said no. We left.", ["See No. 7 there.", "He said no.", "We left."]),
        ('"Why?" he asked. "No." She left.', ['"Why?" he asked.', '"No."', "She left."]),
        ("“It is late.” “Go home.”", ["“It is late.”", "“Go home.”"]),
        ("Wait... what? Yes.", ["Wait... what?", "Yes."]),
        ("(This is so.) That is not.", ["(This is so.)", "That is not."]),
        (
            "Some points:\n1. Trees are good. They cool.\n2. Cars are loud\n- Also buses",
            [
                "Some points:",
                "1. Trees are good.",
                "They cool.",
                "2. Cars are loud",
                "- Also buses",
            ],
        ),
        ("## For the plan\nIt helps.\n\n## Against\nIt costs.", None),
        (
            "A line that was wrapped because it is too long for the window\nGoes on here. End.",
            [
                "A line that was wrapped because it is too long for the window\nGoes on here.",
                "End.",
            ],
        ),
        ("one line\nanother line", ["one line\nanother line"]),
        ("One paragraph\n\nanother paragraph", ["One paragraph", "another paragraph"]),
        ("我同意。但是太贵了！真的吗？是。", ["我同意。", "但是太贵了！", "真的吗？", "是。"]),
        ("彼は「はい。そうです。」と言った。次。", ["彼は「はい。そうです。」と言った。", "次。"]),
        ("**Yes.** It works.", ["**Yes.**", "It works."]),
        ("Prices rose 3.5 %. So what?", ["Prices rose 3.5 %.", "So what?"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_hard_cases(text: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = ["## For the plan", "It helps.", "## Against", "It costs."]
    assert split(text) == expected


def test_a_run_without_an_end_is_cut_at_a_comma() -> None:
    text = " ".join(f"word{n}," if n == 100 else f"word{n}" for n in range(LONGEST + 50))
    assert [len(part.split()) for part in split(text)] == [101, LONGEST + 50 - 101]
    assert split(text)[0].endswith("word100,")
    plain = " ".join(["word"] * (2 * LONGEST + 1))
    assert [len(part.split()) for part in split(plain)] == [LONGEST, LONGEST, 1]


def test_passages_of_four_sentences_by_hand() -> None:
    found = passages(split_sentences("A is. B is. C is. D is."), sizes=(1, 2))
    assert [(p.first, p.last) for p in found] == [
        *((0, 0), (1, 1), (2, 2), (3, 3)),
        *((0, 1), (1, 2), (2, 3)),
        (0, 3),
    ]
    assert [p.size for p in passages(split_sentences("A is. B is."), sizes=(1, 2, 3))] == [1, 1, 2]
    assert passages(()) == ()


@pytest.mark.parametrize("sizes", [(0,), (1, 1), (2, -1)])
def test_sizes_that_cannot_be_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(InvalidPassages, match="different numbers"):
        passages((), sizes=sizes)
    with pytest.raises(InvalidPassages, match="whole response"):
        passages((), sizes=(), whole=False)


def test_a_judge_reads_words_without_marks_of_lists_and_emphasis() -> None:
    assert plain_words("- **Taxes**  should\nrise `now`") == "Taxes should rise now"
    assert plain_words("3) It *is* 2*3 and snake_case") == "It is 2*3 and snake_case"
    assert plain_words("#") == "#"
