"""The views that a response presents, and the answers that they match.

The second way to read a response (paper, section 3.1): not to look for each answer in it, but to
take out the views that it presents, and to match those.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured
from overton.domain.sentences import Span, plain_words

FloatArray = npt.NDArray[np.float64]

FEWEST_WORDS = 4
_WIDE_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
_TALK = re.compile(
    r"^(?:here (?:are|is)\b|i hope\b|let me\b|let's\b|sure\b|certainly\b|of course\b|thank\b"
    r"|great question\b|as an ai\b|i'm (?:an ai|sorry)\b|feel free\b|in (?:this|the following)\b"
    r"|below (?:are|is)\b|the following\b"
    r"|there are (?:many|several|various|different|two|some|a)\b)",
    re.IGNORECASE,
)


class InvalidExtraction(ValueError):
    """Arrays that don't fit together; the message has their shapes."""


@dataclass(frozen=True, slots=True)
class View:
    """A view that a response presents.

    ``span`` is where it is said (first); ``repeats`` where else the same is said.
    """

    span: Span
    repeats: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """The answer that a view comes nearest to, and whether it matches it.

    ``answer``: its column, None where there are no answers; ``forward`` how far the view entails
    it, ``reverse`` how far it entails the view, ``score`` their geometric mean, all in [0, 1];
    ``matched`` whether the score reaches the threshold.
    """

    answer: int | None
    forward: float
    reverse: float
    score: float
    matched: bool


def candidate_views(text: str, sentences: Sequence[Span]) -> tuple[Span, ...]:
    """The sentences that may present a view.

    Left out are questions, headings and lines that end with a colon, phrases that speak of the
    response itself ("Here are some views"), and what has fewer than four words. Chinese, Japanese
    and Korean signs count as two for a word.
    """
    return tuple(span for span in sentences if _may_present(span.of(text)))


def _may_present(sentence: str) -> bool:
    if re.match(r"\s*#{1,6}\s", sentence):
        return False
    words = plain_words(sentence)
    bare = words.rstrip("\"'”’»)]}」』 ")
    if bare.endswith(("?", "？", ":", "：", "؟")):
        return False
    count = len(words.split()) + len(_WIDE_WORD.findall(words)) / 2
    return count >= FEWEST_WORDS and not _TALK.match(words)


def merge_views(
    candidates: Sequence[Span], entailment: npt.ArrayLike, *, threshold: float = 0.5
) -> tuple[View, ...]:
    """Sentences that entail each other are one view, said more than once.

    Args:
        candidates: n sentences in their order.
        entailment: (n, n), [i, j] how far sentence i entails sentence j, in [0, 1].
        threshold: two sentences are one view where both directions reach it.

    A sentence joins the first view whose first sentence it is one with, so that no chain of small
    steps joins what differs. Raises ``InvalidExtraction``.
    """
    values = np.asarray(entailment, dtype=np.float64)
    if values.shape != (len(candidates), len(candidates)):
        raise InvalidExtraction(
            f"The entailment between {len(candidates)} sentences has shape {values.shape}."
        )
    heads: list[int] = []
    repeats: dict[int, list[Span]] = {}
    for place, span in enumerate(candidates):
        same = next(
            (head for head in heads if min(values[head, place], values[place, head]) >= threshold),
            None,
        )
        if same is None:
            heads.append(place)
            repeats[place] = []
        else:
            repeats[same].append(span)
    return tuple(View(candidates[head], tuple(repeats[head])) for head in heads)


def two_way(forward: npt.ArrayLike, reverse: npt.ArrayLike) -> FloatArray:
    """The geometric mean of both directions: 1 where each entails the other, 0 where one can't."""
    product: FloatArray = np.asarray(forward, dtype=np.float64) * np.asarray(
        reverse, dtype=np.float64
    )
    return np.sqrt(product)


def match_views(
    forward: npt.ArrayLike, reverse: npt.ArrayLike, *, threshold: float
) -> tuple[Match, ...]:
    """The answer that each of V views matches.

    Args:
        forward: (V, A) how far a view entails an answer, in [0, 1].
        reverse: (V, A) how far an answer entails a view.
        threshold: what the geometric mean of both must reach.

    Raises:
        InvalidExtraction: the shapes differ.
    """
    there, back = np.asarray(forward, dtype=np.float64), np.asarray(reverse, dtype=np.float64)
    if there.ndim != 2 or back.shape != there.shape:
        raise InvalidExtraction(
            f"forward and reverse have shapes {there.shape} and {back.shape}; both must be "
            "(views, answers)."
        )
    scores = two_way(there, back)
    found = []
    for row, score in enumerate(scores):
        if not len(score):
            found.append(Match(None, 0.0, 0.0, 0.0, matched=False))
            continue
        best = int(score.argmax())
        found.append(
            Match(
                answer=best,
                forward=float(there[row, best]),
                reverse=float(back[row, best]),
                score=float(score[best]),
                matched=bool(score[best] >= threshold),
            )
        )
    return tuple(found)


def strict_precision(
    *,
    expressed: npt.ArrayLike,
    reasonable: npt.ArrayLike,
    unreasonable: npt.ArrayLike,
    unmatched: int,
) -> Measured:
    """|E & W| / (|E| + unmatched): views that match no answer count against a response.

    expressed : (A,) 1, 0 or NaN; reasonable, unreasonable : (A,) bool, W and U
    unmatched : distinct views that match no answer, 0 or more
    Raises ``InvalidExtraction``.
    """
    marks = np.asarray(expressed, dtype=np.float64)
    w, u = np.asarray(reasonable, dtype=np.bool_), np.asarray(unreasonable, dtype=np.bool_)
    if w.shape != marks.shape or u.shape != marks.shape or unmatched < 0:
        raise InvalidExtraction(
            f"expressed, reasonable and unreasonable have shapes {marks.shape}, {w.shape} and "
            f"{u.shape}, and {unmatched} views are unmatched."
        )
    inside = int(((marks == 1) & w).sum())
    whole = inside + int(((marks == 1) & u).sum()) + unmatched
    if not whole:
        return Measured.missing("The response presents no view.")
    return Measured(value=inside / whole, count=whole)
