"""A response with the passages marked that express answers.

The text is rendered as jurors saw it, with a private character put in wherever a passage begins or
ends; the characters become marks afterwards. Where they would change how the text is rendered, or
are lost (a passage that begins within a link's address, say), the text is shown as it was written
instead.
"""

import re
from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser

from django import template
from django.utils.safestring import SafeString, mark_safe

from annotations.templatetags.markdown import render_markdown
from overton.domain.marks import Piece, Span, cut_at_spans
from overton.domain.sentences import plain_words

register = template.Library()

# Characters of the Basic Multilingual Plane that no text uses (Unicode, private use area).
FIRST_PRIVATE, LAST_PRIVATE = 0xE000, 0xF8FF
PRIVATE = re.compile("[\ue000-\uf8ff]")
# What begins a block at the start of a line: a list's bullet or number, a heading, a quotation.
BLOCK_START = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|\#{1,6}|>)[ \t]+)*")


@register.filter
def plain(text: str) -> str:
    """A passage of Markdown in plain words, as a judge reads it."""
    return plain_words(text)


@register.filter
def marked(text: str, spans: Sequence[Span]) -> SafeString:
    """Markdown as safe HTML; each span a mark, with its key's number where its last one ends.

    A mark carries the keys that cover it in `data-said`, a number has the id `said-KEY` and leads
    to `#answer-KEY`. Works with no spans, and with spans that overlap.
    """
    if not spans:
        return render_markdown(text)
    pieces = cut_at_spans(length=len(text), spans=spans)
    if len(pieces) <= LAST_PRIVATE - FIRST_PRIVATE and not PRIVATE.search(text):
        rendered = render_markdown(_with_borders(text, pieces))
        kept = [ord(border) - FIRST_PRIVATE for border in PRIVATE.findall(rendered)]
        unchanged = PRIVATE.sub("", rendered) == render_markdown(text)
        if unchanged and kept == _borders(pieces):
            marker = _Marker(pieces)
            marker.feed(rendered)
            marker.close()
            return mark_safe("".join(marker.written))  # noqa: S308 - cleaned HTML and own marks
    return _as_written(text, pieces)


def _borders(pieces: Sequence[Piece]) -> list[int]:
    """Places between pieces, counted from 0, where a passage begins or ends."""
    ends = [*pieces, Piece(start=0, end=0, keys=(), ending=())]
    starts = [ends[-1], *pieces]
    return [
        number
        for number, (before, after) in enumerate(zip(starts, ends, strict=True))
        if before.keys or after.keys
    ]


def _with_borders(text: str, pieces: Sequence[Piece]) -> str:
    """The text with a private character at each border."""
    parts: list[str] = []
    done = 0
    for number in _borders(pieces):
        if number < len(pieces):
            place = max(done, _after_block_start(text, pieces[number].start))
        else:
            place = max(done, len(text.rstrip()))
        parts += [text[done:place], chr(FIRST_PRIVATE + number)]
        done = place
    return "".join((*parts, text[done:]))


def _after_block_start(text: str, place: int) -> int:
    line = text.rfind("\n", 0, place) + 1
    found = BLOCK_START.match(text, line)
    return max(place, found.end()) if found is not None else place


class _Marker(HTMLParser):
    """Writes HTML again, with marks for the private characters."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces = pieces
        self.place = 0
        self.links = 0
        self.waiting: list[str] = []
        self.written: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the base's
        self.links += tag == "a"
        self.written.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the base's
        self.written.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        self.written.append(f"</{tag}>")
        if tag == "a":
            self.links -= 1
            self.written += self.waiting
            self.waiting = []

    def handle_data(self, data: str) -> None:
        rest = 0
        for border in PRIVATE.finditer(data):
            self.written.append(self._text(data[rest : border.start()]))
            rest = border.end()
            place = ord(border.group()) - FIRST_PRIVATE
            if place:
                numbers = _numbers(self.pieces[place - 1])
                # A link can't stand in a link.
                (self.waiting if self.links else self.written).append(numbers)
            self.place = min(place, len(self.pieces) - 1)
        self.written.append(self._text(data[rest:]))

    def _text(self, text: str) -> str:
        return _mark(text, self.pieces[self.place])


def _mark(text: str, piece: Piece) -> str:
    words = escape(text, quote=False)
    if not piece.keys or not text.strip():
        return words
    keys = " ".join(str(key) for key in piece.keys)
    return f'<mark class="said" data-said="{keys}">{words}</mark>'


def _numbers(piece: Piece) -> str:
    return "".join(
        f'<sup class="said-number"><a id="said-{key}" href="#answer-{key}">'
        f'<span class="visually-hidden">answer </span>{key}</a></sup>'
        for key in piece.ending
    )


def _as_written(text: str, pieces: Sequence[Piece]) -> SafeString:
    body = "".join(
        _mark(text[piece.start : piece.end], piece) + _numbers(piece) for piece in pieces
    )
    return mark_safe(  # noqa: S308 - every text is escaped by _mark
        f'<p class="said-as-written">{body}</p>'
    )
