"""How a prompt is turned so that a model answers by an attribute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Conditioning(StrEnum):
    """SYSTEM: a system message says by what to answer. PERSONA: the same before the prompt, as
    somebody to be. FEW_SHOT: the attribute's own examples of questions and answers come first.
    PREFIX: the answer's beginning is given.
    """

    SYSTEM = "system"
    PERSONA = "persona"
    FEW_SHOT = "few_shot"
    PREFIX = "prefix"


class InvalidConditioning(ValueError):
    """An attribute that can't be conditioned on in this way; the message says what it lacks."""


@dataclass(frozen=True, slots=True)
class ConditionedPrompt:
    """``turns``: (role, text) of system and user; a single user turn is a plain text."""

    turns: tuple[tuple[str, str], ...]


def conditioned_prompt(
    text: str,
    *,
    how: Conditioning,
    description: str,
    examples: Sequence[tuple[str, str]] = (),
    before: bool = False,
) -> ConditionedPrompt:
    """`text` turned to the attribute that `description` words, such as "a person who values rest".

    `before`: the text ends where the model goes on (before a letter, say), so that a prefix must
    stand before it. Raises InvalidConditioning: FEW_SHOT without examples, no description.
    """
    if how is Conditioning.FEW_SHOT:
        if not examples:
            raise InvalidConditioning(
                f"{description!r} has no examples; give some, or condition in another way."
            )
        shown = "".join(f"{question}\n{answer}\n\n" for question, answer in examples)
        return ConditionedPrompt((("user", shown + text),))
    if not description.strip():
        raise InvalidConditioning("An attribute needs a description to condition on.")
    if how is Conditioning.SYSTEM:
        return ConditionedPrompt(
            (("system", f"Answer every question as {description} would."), ("user", text))
        )
    if how is Conditioning.PERSONA:
        return ConditionedPrompt((("user", f"Imagine that you are {description}.\n\n{text}"),))
    lead = f"Speaking as {description}:"
    return ConditionedPrompt((("user", f"{lead}\n{text}" if before else f"{text}\n\n{lead}"),))


def described(names: Sequence[str], description: str) -> str:
    """The declared description, or words made of the names."""
    if description.strip():
        return description.strip()
    return f"someone for whom this matters most: {' and '.join(names)}"
