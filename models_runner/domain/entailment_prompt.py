"""A language model as a judge of entailment: what it is asked, and how its reply is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, softmax

FloatArray = npt.NDArray[np.float64]

VERSION = "2"
"""Changes with every word below, so that scores of other words are not taken for these."""
LETTERS = ("A", "B", "C")
_MEANING = (
    "the statement follows: the text says it, or presents it as a view that people hold",
    "the text leaves the statement open, or speaks of something else",
    "the text says that the statement is wrong, also where it mentions it first",
)
_TASK = (
    "Read a text and a statement. Decide how the text stands to the statement, and reply with one "
    "letter."
)
_EXAMPLES = (
    (
        "Shops near the square say that evening opening brought them customers.",
        "Evening opening was good for shops.",
        0,
    ),
    (
        "Some say that evening opening harms shops, but the figures show the opposite.",
        "Evening opening harms shops.",
        2,
    ),
    ("The square was paved again in spring.", "Evening opening harms shops.", 1),
    (
        "There are two camps: some want the tram line extended, others find it too dear.",
        "The tram line should be extended.",
        0,
    ),
    ("The tram line should not be extended.", "The tram line should be extended.", 2),
    ("Many people take the tram on weekdays.", "The tram line should be extended.", 1),
)
ORDERS = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
"""Meanings behind A, B and C; in all of them together each letter has each meaning once."""
PARSED = 0.9
"""Probability that a reply in words gets; the rest is shared, since it might have been another."""


class NoReply(ValueError):
    """A reply from which no letter can be read; the message has its beginning."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One prompt, and the meaning (0 entailment, 1 neutral, 2 contradiction) of each letter."""

    text: str
    meanings: tuple[int, int, int]


def prompts(premise: str, hypothesis: str) -> tuple[Asked, ...]:
    """The prompts for one pair: the same question with its options in three orders.

    Models favour letters whatever stands behind them, so each meaning has each letter once.
    """
    return tuple(Asked(_prompt(premise, hypothesis, order), order) for order in ORDERS)


def _prompt(premise: str, hypothesis: str, order: tuple[int, int, int]) -> str:
    options = "\n".join(
        f"{letter}. {_MEANING[meaning]}" for letter, meaning in zip(LETTERS, order, strict=True)
    )
    shown = "\n\n".join(
        f"Text: {text}\nStatement: {statement}\nAnswer: {LETTERS[order.index(meaning)]}"
        for text, statement, meaning in _EXAMPLES
    )
    return (
        f"{_TASK}\n\n{options}\n\n{shown}\n\n"
        f"Text: {_one_line(premise)}\nStatement: {_one_line(hypothesis)}\nAnswer:"
    )


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def from_letters(scores: npt.ArrayLike, meanings: tuple[tuple[int, int, int], ...]) -> FloatArray:
    """(3,) probabilities of one pair from log-probabilities of letters.

    Args:
        scores: (orders, 3 letters, ways to write each); -inf where a way was not returned.
        meanings: of the letters, in each order.

    The ways of a letter are added up, letters normalised in each order, meanings averaged over the
    orders. An order in which no letter has any probability is left out.

    Raises:
        NoReply: none has.
    """
    values = logsumexp(np.asarray(scores, dtype=np.float64), axis=2)
    found = []
    for row, meaning in zip(values, meanings, strict=True):
        if np.isneginf(row).all():
            continue
        shares = softmax(row)
        ordered = np.empty(3)
        ordered[list(meaning)] = shares
        found.append(ordered)
    if not found:
        raise NoReply("The model gives none of the letters A, B and C any probability.")
    mean: FloatArray = np.mean(found, axis=0)
    return mean


def from_text(reply: str, meanings: tuple[int, int, int]) -> FloatArray:
    """(3,) probabilities from a reply in words: the letter that it begins with, or names last.

    Raises:
        NoReply: there is none.
    """
    first = re.match(r"\W*([ABC])(?![\w'])", reply)
    named = re.findall(r"(?:answer|option|letter)\W+(?:is\W+)?([ABC])\b", reply, re.IGNORECASE)
    letter = first.group(1) if first else named[-1].upper() if named else ""
    if not letter:
        raise NoReply(f"The reply “{reply.strip()[:60]}” names none of the letters A, B and C.")
    found = np.full(3, (1 - PARSED) / 2)
    found[meanings[LETTERS.index(letter)]] = PARSED
    return found


def from_texts(replies: Sequence[tuple[str, tuple[int, int, int]]]) -> FloatArray:
    """(3,) mean over one pair's replies, each with the meanings of its letters.

    A reply that names no letter is left out. Raises ``NoReply`` where none does.
    """
    found = []
    problem: NoReply | None = None
    for reply, meanings in replies:
        try:
            found.append(from_text(reply, meanings))
        except NoReply as refusal:
            problem = refusal
    if not found:
        raise problem or NoReply("There is no reply.")
    mean: FloatArray = np.mean(found, axis=0)
    return mean
