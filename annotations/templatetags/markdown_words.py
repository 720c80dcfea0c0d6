"""Markdown as safe HTML in which every word says where it stands in the text.

A word becomes `<span data-s="12" data-e="18">`: the characters [12, 18) of the text as it is
stored. The parser says nothing of places inside a line, so it is asked twice: once with the text,
once with the text whose letters are each replaced by a character that stands for its place (from
the planes that Unicode leaves to private use). Where both readings have the same structure, and
every place holds the letter that is shown, the places are taken; where not, words stay without.
Nothing is guessed: a word that can't be placed can still be read, and its sentence be ticked.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from string import punctuation
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from annotations.templatetags.markdown import (
    ATTRIBUTES,
    CACHED_TEXTS,
    new_parser,
    safe_html,
)

register = template.Library()

# Planes 15 and 16; the last two characters of a plane are none.
_FIRST = 0xF0000
_PLANE = 0x10000
_IN_PLANE = 0xFFFE
LONGEST = 2 * _IN_PLANE

# Letters and digits that mean something to Markdown: entities, addresses, numbers of a list, what
# stands behind a fence.
_MEANT = re.compile(
    r"&\#?\w+;|<[^>\s]*>|\]\([^)\s]*|^[ \t>*+-]*\d+[.)]|^[ \t>*+-]*(?:```|~~~)[^\r\n]*",
    re.MULTILINE,
)
_ENTITY = re.compile(r"&\#?\w+;")
_ENTITY_AT_END = re.compile(r"&\#?\w+;\Z")
_LONGEST_ENTITY = 40
# What may hold letters that are not shown.
_HIDDEN = re.compile(r"&|\]\(|\]:")
# With labels that are defined elsewhere, what stands in brackets may be a label.
_LABELS = re.compile(r"^[ \t>*+-]*\[[^\]]+\]:", re.MULTILINE)
_IN_BRACKETS = re.compile(r"\[[^\]]*\]")
# Words are set apart by white space; where a script has none, each of its characters stands alone.
_PIECES = re.compile(
    r"\s+|[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_TEXTS = ("text", "code_inline")
_BLOCKS = ("fence", "code_block")


@dataclass(slots=True)
class Piece:
    """A run of characters of a token's content: a word, or what stands between two words.

    Attributes:
        text: what is shown.
        span: the word's characters in the text; None where it has no place.
    """

    text: str
    span: tuple[int, int] | None = None

    @property
    def is_word(self) -> bool:
        """It has a letter, a digit or a picture (an emoji) in it."""
        return any(one.isalnum() or unicodedata.category(one) == "So" for one in self.text)


def _pieces_as_html(token: Token) -> str:
    pieces: list[Piece] | None = token.meta.get("pieces")
    if pieces is None:
        return escape(token.content)
    return "".join(map(_piece_as_html, pieces))


def _piece_as_html(piece: Piece) -> str:
    shown = escape(piece.text)
    if piece.span is not None:
        return f'<span data-s="{piece.span[0]}" data-e="{piece.span[1]}">{shown}</span>'
    return shown if piece.is_word else f'<span data-gap="">{shown}</span>'


def _text(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return _pieces_as_html(tokens[index])


def _code(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return f"<code>{_pieces_as_html(tokens[index])}</code>"


def _block(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return f"<pre><code>{_pieces_as_html(tokens[index])}</code></pre>\n"


_PARSER = new_parser()
for _name, _rule in (
    ("text", _text),
    ("code_inline", _code),
    ("fence", _block),
    ("code_block", _block),
):
    _PARSER.add_render_rule(_name, _rule)


@register.filter
def safe_words(text: str | None) -> SafeString:
    """Markdown as safe HTML, its words with their places in the text."""
    return render_words(text or "")


@lru_cache(maxsize=CACHED_TEXTS)
def render_words(text: str) -> SafeString:
    """The text as HTML of the allow-list, with places on its words. Kept by content."""
    tokens = _PARSER.parse(text)
    _give_places(text, tokens)
    return safe_html(
        tokens=tokens,
        parser=_PARSER,
        attributes={**ATTRIBUTES, "span": {"data-s", "data-e", "data-gap"}},
    )


def _give_places(text: str, tokens: Sequence[Token]) -> None:
    """Put the pieces of each token of text into its `meta`, as far as they can be placed."""
    if len(text) > LONGEST or any(ord(one) >= _FIRST for one in text):
        return
    twins = _PARSER.parse(_coded(text))
    if [token.type for token in tokens] != [twin.type for twin in twins]:
        return
    words: list[Piece] = []
    for token, twin in zip(tokens, twins, strict=True):
        for one, other in _texts(token, twin):
            places = _places(text, one.content, other.content)
            if places is not None:
                one.meta["pieces"] = _cut(text, one.content, places, is_code=one.type != "text")
                words += [piece for piece in one.meta["pieces"] if piece.is_word]
    _place_the_rest(text, words)


def _texts(token: Token, twin: Token) -> Iterator[tuple[Token, Token]]:
    """The tokens that hold what is shown, each with its twin; none where they differ."""
    if token.type in _BLOCKS:
        yield token, twin
    children, others = token.children or [], twin.children or []
    if [child.type for child in children] == [other.type for other in others]:
        for child, other in zip(children, others, strict=True):
            if child.type in _TEXTS:
                yield child, other


def _coded(text: str) -> str:
    """The text with a character for its place instead of every letter and digit."""
    kept = bytearray(len(text))
    patterns = [_MEANT, _IN_BRACKETS] if _LABELS.search(text) else [_MEANT]
    for pattern in patterns:
        for found in pattern.finditer(text):
            kept[found.start() : found.end()] = b"\x01" * (found.end() - found.start())
    return "".join(
        _character(place) if one.isalnum() and not kept[place] else one
        for place, one in enumerate(text)
    )


def _character(place: int) -> str:
    plane, rest = divmod(place, _IN_PLANE)
    return chr(_FIRST + plane * _PLANE + rest)


def _places(text: str, shown: str, coded: str) -> list[int | None] | None:
    """The place in the text of each character that is shown; None where the readings differ."""
    if len(shown) != len(coded):
        return None
    places: list[int | None] = []
    last = -1
    for one, code in zip(shown, coded, strict=True):
        if ord(code) < _FIRST:
            if one != code:
                return None
            places.append(None)
            continue
        plane, rest = divmod(ord(code) - _FIRST, _PLANE)
        place = plane * _IN_PLANE + rest
        if place <= last or text[place] != one:
            return None
        places.append(place)
        last = place
    return places


def _cut(text: str, shown: str, places: Sequence[int | None], *, is_code: bool) -> list[Piece]:
    """Words and what stands between them; a word with a letter in it knows its place."""
    pieces = []
    for found in _PIECES.finditer(shown):
        piece = Piece(found[0])
        inside = places[found.start() : found.end()]
        known = [number for number, place in enumerate(inside) if place is not None]
        if known:
            start, end = inside[known[0]], inside[known[-1]]
            assert start is not None
            assert end is not None
            before, after = piece.text[: known[0]], piece.text[known[-1] + 1 :]
            piece.span = (
                _back_over(text, start, before, is_code=is_code),
                _on_over(text, end + 1, after, is_code=is_code),
            )
        pieces.append(piece)
    return pieces


def _on_over(text: str, place: int, shown: str, *, is_code: bool) -> int:
    """Where these characters end that begin at a place, as far as they stand there.

    Entities and escaped signs stand for what they mean, but not in code.
    """
    for one in shown:
        entity = _ENTITY.match(text, place)
        if entity and unescape(entity[0]) == one and not is_code:
            place = entity.end()
        elif text[place : place + 2] == f"\\{one}" and not is_code:
            place += 2
        elif text[place : place + 1] == one:
            place += 1
        else:
            break
    return place


def _back_over(text: str, place: int, shown: str, *, is_code: bool) -> int:
    """Where these characters begin that end at a place; likewise."""
    for one in reversed(shown):
        entity = _ENTITY_AT_END.search(text, max(0, place - _LONGEST_ENTITY), place)
        if entity and unescape(entity[0]) == one and not is_code:
            place = entity.start()
        elif place and text[place - 1] == one:
            is_escaped = text[max(0, place - 2) : place] == f"\\{one}" and one in punctuation
            place -= 2 if is_escaped and not is_code else 1
        else:
            break
    return place


def _stands_once(between: str, word: str) -> bool:
    """It is there once; one with letters not where there is an address or an entity, too."""
    has_letters = any(one.isalnum() for one in word)
    return between.count(word) == 1 and not (has_letters and _HIDDEN.search(between))


def _place_the_rest(text: str, words: Sequence[Piece]) -> None:
    """Words without a place (an emoji) are looked for between their neighbours; once, or not."""
    following = len(text)
    bounds = []
    for word in reversed(words):
        bounds.append(following)
        if word.span is not None:
            following = word.span[0]
    before = 0
    for word, end in zip(words, reversed(bounds), strict=True):
        if word.span is None and _stands_once(text[before:end], word.text):
            start = text.index(word.text, before, end)
            word.span = (start, start + len(word.text))
        if word.span is not None:
            if word.span[0] < before:
                word.span = None
                continue
            before = word.span[1]
