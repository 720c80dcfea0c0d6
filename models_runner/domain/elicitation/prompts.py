"""Texts after which a model's next token is the letter of an option.

Three worked questions stand before the one that is asked, so that a model that was never aligned
goes on with a letter too. Their answers mean nothing and are drawn anew for each of the prompts
(the paper's appendix A uses 5), so that none pulls the model to its letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_uppercase

import numpy as np

PROMPTS = 5
ANSWER_MARK = "Answer Choice:"

WORKED_QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "When you go to the shops, how do you usually get there?",
        ("On foot or by bicycle", "By bus or train", "By car"),
    ),
    (
        "How pleased are you with the opening hours of your library?",
        ("Very pleased", "Fairly pleased", "Not very pleased", "Not pleased at all"),
    ),
    (
        "About how many books did you read in the past year?",
        ("None", "One to three", "Four to ten", "More than ten", "Prefer not to say"),
    ),
)


class InvalidPrompt(ValueError):
    """A question that no prompt can be made of; the message says why."""


@dataclass(frozen=True, slots=True)
class LetterPrompt:
    """``text`` ends before the letter. ``letters[i]`` stands for option ``order[i]``;
    ``worked_answers`` are the letters drawn for the worked questions.
    """

    text: str
    letters: tuple[str, ...]
    order: tuple[int, ...]
    worked_answers: tuple[str, ...]

    def ways_to_write(self) -> tuple[tuple[str, str], ...]:
        """The tokens that count for each letter: bare, and after a space."""
        return tuple((letter, f" {letter}") for letter in self.letters)


def worked_answers(*, seed: int, count: int = PROMPTS) -> tuple[tuple[str, ...], ...]:
    """`count` different sets of letters for the worked questions, from the seed alone.

    Raises InvalidPrompt for more sets than there are.
    """
    sets = list(product(*(ascii_uppercase[: len(o)] for _, o in WORKED_QUESTIONS)))
    if not 1 <= count <= len(sets):
        raise InvalidPrompt(f"{count} prompts were asked for; there can be 1 to {len(sets)}.")
    chosen = np.random.default_rng(seed).choice(len(sets), size=count, replace=False)
    return tuple(sets[place] for place in chosen)


def letter_prompts(
    *,
    question: str,
    options: Sequence[str],
    seed: int,
    count: int = PROMPTS,
    order: Sequence[int] | None = None,
) -> tuple[LetterPrompt, ...]:
    """The prompts for one question.

    Args:
        question: as people were asked it.
        options: 2 to 26, all different, none blank.
        seed: of the worked answers; the same for all questions of a run.
        count: how many prompts.
        order: which option stands at which letter; as given unless said.

    Raises:
        InvalidPrompt: a blank question, options that are blank, repeated, too few or too many, or
            an order that is none.
    """
    if not question.strip():
        raise InvalidPrompt("The question is blank.")
    _check_options(options, question)
    places = tuple(range(len(options))) if order is None else tuple(order)
    if sorted(places) != list(range(len(options))):
        raise InvalidPrompt(f"{places} is no order of {len(options)} options.")
    letters = tuple(ascii_uppercase[: len(options)])
    shown = tuple(options[place] for place in places)
    return tuple(
        LetterPrompt(
            text=_prefix(answers) + _asked(question, shown),
            letters=letters,
            order=places,
            worked_answers=answers,
        )
        for answers in worked_answers(seed=seed, count=count)
    )


def _check_options(options: Sequence[str], question: str) -> None:
    if not 2 <= len(options) <= len(ascii_uppercase):
        raise InvalidPrompt(
            f"{question!r} has {len(options)} options; letters stand for 2 to"
            f" {len(ascii_uppercase)}."
        )
    if any(not option.strip() for option in options):
        raise InvalidPrompt(f"{question!r} has a blank option.")
    if len({option.strip().casefold() for option in options}) < len(options):
        raise InvalidPrompt(f"{question!r} has the same option twice: {list(options)}.")


def _prefix(answers: Sequence[str]) -> str:
    return "".join(
        f"{_asked(question, options)} {letter}.\n\n"
        for (question, options), letter in zip(WORKED_QUESTIONS, answers, strict=True)
    )


def _asked(question: str, options: Sequence[str]) -> str:
    lines = [
        f"{letter}. {option.strip()}"
        for letter, option in zip(ascii_uppercase, options, strict=False)
    ]
    return "\n".join([question.strip(), *lines, ANSWER_MARK])
