"""Prompts as messages and as text, and what identifies a model; shared by the backends."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from models_runner.ports import Message, ModelSpecification, ModelUnavailable, Prompt


def as_messages(prompt: Prompt) -> tuple[Message, ...]:
    """A prompt as a conversation: a plain text is one message of the user."""
    return (Message("user", prompt),) if isinstance(prompt, str) else tuple(prompt)


def as_text(prompt: Prompt) -> str:
    """A prompt as plain text: messages with a blank line between them."""
    if isinstance(prompt, str):
        return prompt
    return "\n\n".join(message.content for message in prompt)


def asked(prompt: Prompt) -> str:
    """What a prompt asks last: its last message of the user, or the text itself."""
    if isinstance(prompt, str):
        return prompt
    return next((m.content for m in reversed(prompt) if m.role == "user"), "")


def ways_to_write(letters: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Each letter bare and after a space, as `models_runner.domain.elicitation` counts them."""
    return tuple((letter, f" {letter}") for letter in letters)


def identity_of(specification: ModelSpecification, **found: str) -> str:
    """SHA-256 over what decides a model's answers: its specification, and what loading found."""
    told: dict[str, Any] = {
        "kind": specification.kind,
        "model_id": specification.model_id,
        "revision": specification.revision,
        "template": specification.template.value,
        "parameters": dict(specification.parameters),
        **found,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def refuse_unknown_parameters(
    specification: ModelSpecification, known: Mapping[str, type | tuple[type, ...]]
) -> None:
    """Stop at a parameter that the backend does not have, or of another type.

    Raises:
        ModelUnavailable: names the parameter and those there are.
    """
    for name, value in specification.parameters.items():
        if name not in known:
            raise ModelUnavailable(
                f"{specification.name}: there is no parameter {name!r} for this kind of model."
                f" Known: {', '.join(sorted(known)) or 'none'}."
            )
        wrong_flag = isinstance(value, bool) and known[name] is not bool
        if wrong_flag or not isinstance(value, known[name]):
            raise ModelUnavailable(
                f"{specification.name}: the parameter {name!r} can't be {value!r}."
            )
