"""The words of a text that mattered: spans of characters, joined, refused, counted over jurors.

A span is half open, [start, end), and counts characters (Unicode code points) from 0 in the text as
it is stored, so that `text[start:end]` are the words. Python, pandas and PostgreSQL count so; a
browser's own strings count otherwise and are never asked for offsets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

FOR = "for"
AGAINST = "against"
KINDS = (FOR, AGAINST)

# More than anybody marks by hand in one text.
MAX_MARKS = 1_000
# A message quotes so many characters of what it is about.
_QUOTED = 40

# --- Marks ----------------------------------------------------------------------------------------


class InvalidMarks(ValueError):
    """Marks that can't stand in a text; the message says which, and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters [start, end) of a text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Characters [start, end) of a text, and whether they spoke for it or against it."""

    start: int
    end: int
    kind: str


def checked_marks(*, text: str, marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """The marks as they are kept: in order, without white space at their ends, joined.

    Marks of one kind that overlap, touch, or have only white space between them become one. The
    result is the same for any order of `marks`, and its own result.

    text : the text as it is stored.
    marks : at most ``MAX_MARKS``.
    Raises ``InvalidMarks`` for a span outside the text, an empty or blank one, an unknown kind,
    marks of different kinds that share a character, and too many.
    """
    given = list(marks)
    if len(given) > MAX_MARKS:
        raise InvalidMarks(
            f"There are {len(given):,} marks; at most {MAX_MARKS:,} can be kept. "
            "Please mark longer passages."
        )
    joined: list[Mark] = []
    for mark in sorted(_trimmed(text, mark) for mark in given):
        last = joined[-1] if joined else None
        if last is None or mark.start >= last.end:
            is_near = last is not None and not text[last.end : mark.start].strip()
            if last is not None and is_near and last.kind == mark.kind:
                joined[-1] = Mark(last.start, mark.end, last.kind)
            else:
                joined.append(mark)
        elif last.kind != mark.kind:
            shared = text[mark.start : min(mark.end, last.end)]
            raise InvalidMarks(
                f"“{_short(shared)}” is marked as speaking for it and against it. "
                "Please keep one of the two."
            )
        else:
            joined[-1] = Mark(last.start, max(last.end, mark.end), last.kind)
    return tuple(joined)


def _trimmed(text: str, mark: Mark) -> Mark:
    if mark.kind not in KINDS:
        raise InvalidMarks(f"A mark is of the kind {mark.kind!r}; known are {', '.join(KINDS)}.")
    if not 0 <= mark.start < mark.end <= len(text):
        raise InvalidMarks(
            f"A mark goes from character {mark.start} to {mark.end}, but the text has "
            f"{len(text)} characters. Please mark the words again."
        )
    words = text[mark.start : mark.end]
    if not words.strip():
        raise InvalidMarks(
            f"The mark from character {mark.start} to {mark.end} has no words in it. "
            "Please mark at least one word."
        )
    start = mark.start + len(words) - len(words.lstrip())
    return Mark(start, start + len(words.strip()), mark.kind)


def _short(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= _QUOTED else f"{words[: _QUOTED - 1].rstrip()}…"


# --- Sentences ------------------------------------------------------------------------------------

# What begins a piece of its own in Markdown: headings, list items, quotes, rows of a table.
_OPENING = re.compile(
    r"[ \t]*(?:(?:>|#{1,6}(?=\s)|[-*+](?=\s)|\d{1,9}[.)](?=\s)|\[[ xX]\](?=\s)|\|)[ \t]*)+"
)
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
# A line that says where a label leads; it is not shown.
_DEFINITION = re.compile(r" {0,3}\[[^\]]+\]:[ \t]*\S+")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
# A full stop with the quotes, brackets and emphasis that close with it, before white space; or the
# marks of scripts that put no space after a sentence.
_END = re.compile(r"[.!?…]+[\"'”’»)\]*_~`]*(?=\s)|[。！？]+[”’」』）]*")
_NO_END = re.compile(
    r"(?:\b[^\W\d_]|\b(?:Dr|Mr|Mrs|Ms|Prof|St|Nr|No|vs|cf|ca|e\.g|i\.e|etc|z\.B|d\.h))\.$",
    re.IGNORECASE,
)


def sentences(*, text: str) -> tuple[Span, ...]:
    """The sentences of a text that may hold Markdown, in order; none overlap, none is blank.

    A heading, a list item, a row of a table and a line of code end where they end; a paragraph is
    cut after its sentences. What only lays out the text (the dash of a list, a fence, a rule)
    belongs to none, nor does a line that says where a label leads. A rough cut will do: it says
    what can be ticked as a whole.
    """
    return tuple(
        span
        for block in _blocks(text)
        for span in _cut(text, block)
        if any(character.isalnum() or ord(character) > 0x2FFF for character in _of(text, span))
    )


def _of(text: str, span: Span) -> str:
    return text[span.start : span.end]


def _blocks(text: str) -> Iterator[Span]:
    """Paragraphs, and lines that stand alone."""
    open_block: Span | None = None
    in_fence = False
    for line in _LINE.finditer(text):
        if line.start() == line.end():
            continue
        is_fence = _FENCE.match(line[0]) is not None
        opening = _OPENING.match(line[0])
        is_blank = not line[0].strip() or (not in_fence and _DEFINITION.match(line[0]) is not None)
        goes_on = not (in_fence or is_fence or opening or is_blank)
        if open_block is not None and goes_on:
            open_block = Span(open_block.start, line.end())
            continue
        if open_block is not None:
            yield open_block
        open_block = None
        if in_fence and not is_fence:
            yield Span(line.start(), line.end())
        elif opening and "|" in opening[0]:
            yield Span(line.start() + opening.end(), line.start() + len(line[0].rstrip("| \t\r\n")))
        elif not is_fence and not is_blank:
            open_block = Span(line.start() + (opening.end() if opening else 0), line.end())
        in_fence ^= is_fence
    if open_block is not None:
        yield open_block


def _cut(text: str, block: Span) -> Iterator[Span]:
    start = block.start
    for end in _END.finditer(text, block.start, block.end):
        if _ends(text, start, end, block):
            yield from _stripped(text, Span(start, end.end()))
            start = end.end()
    yield from _stripped(text, Span(start, block.end))


def _ends(text: str, start: int, end: re.Match[str], block: Span) -> bool:
    following = text[end.end() : block.end].lstrip()[:1]
    return not following.islower() and not _NO_END.search(text, start, end.end())


def _stripped(text: str, span: Span) -> Iterator[Span]:
    words = _of(text, span)
    if words.strip():
        start = span.start + len(words) - len(words.lstrip())
        yield Span(start, start + len(words.strip()))


# --- Over jurors ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passage:
    """Characters [start, end) of a text that the same number of jurors marked throughout.

    Attributes:
        spoke_for, spoke_against: how many jurors marked all of it so.
    """

    start: int
    end: int
    spoke_for: int
    spoke_against: int

    @property
    def is_marked(self) -> bool:
        """Somebody marked it."""
        return self.spoke_for + self.spoke_against > 0


def passages(*, length: int, marks: Iterable[Sequence[Mark]]) -> tuple[Passage, ...]:
    """A text cut where the number of jurors who marked it changes; the passages are the whole text.

    length : of the text in characters, >= 0.
    marks : each juror's own, as `checked_marks` gives them: none of hers overlap.
    Raises ``InvalidMarks`` for a mark outside the text.
    """
    steps: dict[int, list[int]] = {0: [0, 0], length: [0, 0]}
    for own in marks:
        for mark in own:
            if not 0 <= mark.start < mark.end <= length or mark.kind not in KINDS:
                raise InvalidMarks(f"{mark} does not lie in a text of {length} characters.")
            for place, change in ((mark.start, 1), (mark.end, -1)):
                steps.setdefault(place, [0, 0])[KINDS.index(mark.kind)] += change
    found: list[Passage] = []
    counts = [0, 0]
    places = sorted(steps)
    for start, end in pairwise(places):
        counts = [count + change for count, change in zip(counts, steps[start], strict=True)]
        last = found[-1] if found else None
        if last is not None and [last.spoke_for, last.spoke_against] == counts:
            found[-1] = Passage(last.start, end, *counts)
        else:
            found.append(Passage(start, end, *counts))
    return tuple(found)
