"""Sentences of a text, and the passages of some sentences in which a view is looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST = 120
"""Words after which a sentence without an end is cut at a comma or a space."""
LONG_LINE = 60
"""Characters from which a line without an end goes on in the next."""

_END = ".!?…。！？｡؟।"
_WIDE = "。！？｡"
_CLOSING = "\"'”’»)]}」』）】〉》*_"
_ENDING = re.compile(
    rf"(?P<stop>[{re.escape(_END)}]+)(?P<closing>[{re.escape(_CLOSING)}]*)(?P<space>\s*)"
)
_OPENING = re.compile(r"[\s\"'“‘«(\[{*_–—-]*")
_WIDE_QUOTES = re.compile(r"「[^「」]*」|『[^『』]*』")
_MARKER = re.compile(
    r"""\s*(?:
        [-*•‣◦▪–—·+]\s+            # bullets
        | \#{1,6}\s+               # headings of Markdown
        | >\s*                     # quotations
        | \(?\d{1,3}[.)]\s+        # 1.  1)  (1)
        | \(?[A-Za-z][.)]\s+       # a.  a)  (a)
        | \(?[ivxIVX]{1,4}[.)]\s+  # roman numbers
        | \|                       # rows of tables
    )""",
    re.VERBOSE,
)
_WORD_BEFORE = re.compile(r"[\w.’'-]*$")
_WORD = re.compile(r"[\w’']+")
_LETTERS_WITH_STOPS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]?")
_EMPHASIS = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=[\w.,;:!?])[*_](?!\w)")

# A stop after one of these ends no sentence, whatever follows.
_TITLES = frozenset(
    """
    mr mrs ms mx dr prof rev hon gen capt lt sgt maj gov sen fr messrs vs v cf viz e.g i.e eg ie ca
    approx fig figs eq vol ed eds pp al mt ft nr z.b d.h bzw ggf u.a s.o vgl
    """.split()  # noqa: SIM905 # a list of a hundred strings reads worse
)
# ... and after one of these it ends one only where a usual beginning follows.
_SHORTENED = frozenset(
    """
    etc inc ltd co corp no nos jan feb apr aug sept oct nov dec a.m p.m rep pres sec st jr sr dept
    univ assn bros usw
    """.split()  # noqa: SIM905 # a list of a hundred strings reads worse
)
_BEGINNINGS = frozenset(
    """
    the this that these those it its he she they we you i there here in on at as if when while
    but and or so yet for however still then thus also another others some many most all both
    each every one such what why how who where a an my our their his her to from by with after
    before because since although though despite critics supporters opponents proponents
    furthermore moreover finally first second third overall meanwhile instead nevertheless
    """.split()  # noqa: SIM905 # a list of a hundred strings reads worse
)


class InvalidPassages(ValueError):
    """Sizes of passages that can't be; the message has them."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters `start` to `end` (exclusive) of a text; 0 <= start < end."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The characters."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of sentences: their places `first` to `last` (inclusive), and its characters."""

    span: Span
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many sentences."""
        return self.last - self.first + 1


def split_sentences(text: str) -> tuple[Span, ...]:
    """The sentences of a text in their order, without the blanks around them.

    Every character that is no white space lies in exactly one sentence. A blank line, an item of a
    list, a heading and a row of a table each begin a new one, and so does what follows a line that
    ends with a colon; so does any new line, unless it goes on with a small letter or the line
    before is long and unfinished, as where lines were wrapped.
    Abbreviations, initials, numbers and what is said within quotation marks do not end a sentence;
    the wide marks of Chinese and Japanese do, also without a blank behind them. A run of more than
    120 words without an end is cut at a comma or a blank.
    """
    spans: list[Span] = []
    for start, end in _blocks(text):
        for sentence in _sentences_of(text, start, end):
            spans.extend(_cut_long(text, sentence))
    return tuple(spans)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs, items, headings: what no sentence reaches across."""
    start = end = at = 0
    before = ""
    for line in text.splitlines(keepends=True):
        if line.strip():
            if not (before and _goes_on(before, line)):
                if end > start:
                    yield start, end
                start = at
            end = at + len(line)
        at += len(line)
        before = line.strip()
    if end > start:
        yield start, end


def _goes_on(before: str, line: str) -> bool:
    """Whether a line goes on with the sentence of the line before."""
    if _MARKER.match(line) or re.match(r"\s*#{1,6}\s", before):
        return False
    ended = before.rstrip(_CLOSING)
    if ended.endswith((":", "：")):
        return False
    if ended.endswith(tuple(_END)):
        return True  # where in the block sentences end is found below
    first = line.lstrip().lstrip("\"'“‘«([{*_")[:1]
    return first.islower() or len(before) >= LONG_LINE


def _sentences_of(text: str, start: int, end: int) -> Iterator[Span]:
    block = text[start:end]
    marker = _MARKER.match(block)
    begin = 0
    earliest = marker.end() if marker else 0
    quoted = [match.span() for match in _WIDE_QUOTES.finditer(block)]
    for match in _ENDING.finditer(block):
        if match.start() < earliest or match.end() >= len(block):
            continue
        if any(low < match.start() < high for low, high in quoted):
            continue
        if _ends(block, begin, match):
            yield from _trimmed(text, start + begin, start + match.end())
            begin = match.end()
    yield from _trimmed(text, start + begin, end)


def _ends(block: str, begin: int, match: re.Match[str]) -> bool:
    """Whether a sentence ends at these stops; something follows them."""
    stop, space = match["stop"], match["space"]
    if stop[-1] in _WIDE:
        return True
    if not space:
        return False
    opening = _OPENING.match(block, match.end())
    at = opening.end() if opening else match.end()
    after = block[at : at + 1]
    if not after:
        return False
    if after.islower():
        return "\n" in space and stop[-1] in "!?"
    if stop != ".":
        return True
    found = _WORD_BEFORE.search(block[max(begin, match.start() - 40) : match.start()])
    word = (found.group() if found else "").strip("'’-").lower()
    if not word:
        return True
    bare = word.lstrip(".")
    if bare in _TITLES:
        return False
    initial = len(bare) == 1 and bare.isalpha() and bare != "i"
    if initial or bare in _SHORTENED or _LETTERS_WITH_STOPS.fullmatch(bare):
        if bare in ("no", "nos"):  # "No. 7", but "He said no. Then"
            return not after.isdigit()
        following = _WORD.match(block, at)
        return following is not None and following.group().lower() in _BEGINNINGS
    return True


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield Span(start, end)


def _cut_long(text: str, span: Span) -> Iterator[Span]:
    words = list(re.finditer(r"\S+", span.of(text)))
    start = span.start
    first = 0
    while len(words) - first > LONGEST:
        # The last comma or semicolon in the second half of what fits, else the last blank.
        fits = words[first : first + LONGEST]
        pauses = [
            place
            for place in range(LONGEST // 2, LONGEST)
            if fits[place].group().endswith((",", ";", ":", "，", "；", "、"))
        ]
        last = pauses[-1] if pauses else LONGEST - 1
        yield Span(start, span.start + fits[last].end())
        first += last + 1
        start = span.start + words[first].start()
    yield Span(start, span.end)


def passages(
    sentences: Sequence[Span], *, sizes: Sequence[int] = (1, 2, 3), whole: bool = True
) -> tuple[Passage, ...]:
    """Every run of `sizes` neighbouring sentences, and with `whole` all of them together.

    In order of their sizes and places; a run that has two reasons to be there is there once.
    Without sentences there are none.

    Raises:
        InvalidPassages: a size below 1, none at all, or the same twice.
    """
    wanted = list(sizes)
    if any(size < 1 for size in wanted) or len(set(wanted)) != len(wanted):
        raise InvalidPassages(
            f"The sizes of passages are {wanted}; they must be different numbers of 1 or more."
        )
    if not wanted and not whole:
        raise InvalidPassages("Name at least one size of passages, or take the whole response.")
    count = len(sentences)
    places = dict.fromkeys(
        (first, first + size - 1) for size in sorted(wanted) for first in range(count - size + 1)
    )
    if whole and count:
        places[0, count - 1] = None
    return tuple(
        Passage(Span(sentences[first].start, sentences[last].end), first, last)
        for first, last in places
    )


def plain_words(text: str) -> str:
    """A passage as it is put to a judge: markers of lists and emphasis away, blanks joined.

    Never empty where `text` has anything but blanks.
    """
    lines = [_MARKER.sub("", line, count=1) for line in re.split(r"[\r\n]+", text)]
    cleaned = re.sub(r"\s+", " ", _EMPHASIS.sub("", " ".join(lines))).strip()
    return cleaned or re.sub(r"\s+", " ", text).strip()
