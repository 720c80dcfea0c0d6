"""Spans of a text that may overlap, as pieces in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


class InvalidSpan(ValueError):
    """A span that does not lie in its text; the message names it and the text's length."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` (from 0) up to but not including ``end``, marked for ``key``."""

    key: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters that the same spans cover.

    keys : of the spans that cover it, ascending; empty outside all spans
    ending : those of the keys whose last span ends with this piece, ascending
    """

    start: int
    end: int
    keys: tuple[int, ...]
    ending: tuple[int, ...]


def cut_at_spans(*, length: int, spans: Sequence[Span]) -> tuple[Piece, ...]:
    """The text of ``length`` characters as pieces that join up to the whole, in order.

    Spans may overlap, contain each other and be the same; a key may have several. No piece is
    empty, and two neighbours differ in their keys or are parted by the end of a key. Raises
    ``InvalidSpan`` for a span that is empty or reaches outside the text.
    """
    if length < 0:
        raise InvalidSpan(f"A text can't be {length} characters long.")
    for span in spans:
        if not 0 <= span.start < span.end <= length:
            raise InvalidSpan(
                f"The span of {span.key}, {span.start} to {span.end}, does not lie in a text of "
                f"{length} characters."
            )
    last = {span.key: max(s.end for s in spans if s.key == span.key) for span in spans}
    edges = sorted({0, length, *(s.start for s in spans), *(s.end for s in spans)})
    pieces: list[Piece] = []
    for start, end in pairwise(edges):
        keys = tuple(sorted({s.key for s in spans if s.start <= start and end <= s.end}))
        ending = tuple(key for key in keys if last[key] == end)
        before = pieces[-1] if pieces else None
        if before is not None and before.keys == keys and not before.ending:
            pieces[-1] = Piece(start=before.start, end=end, keys=keys, ending=ending)
        else:
            pieces.append(Piece(start=start, end=end, keys=keys, ending=ending))
    return tuple(pieces)
