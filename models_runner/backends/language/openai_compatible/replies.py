"""What stands in an endpoint's answer, in whichever of the known shapes."""

import json
from collections.abc import Mapping
from typing import Any

from models_runner.backends.language.openai_compatible.failures import Passing
from models_runner.ports import FinishReason


def error_message(told: Any) -> str:
    """The error message of an answer, wherever it stands."""
    if not isinstance(told, dict):
        return ""
    error = told.get("error", told.get("detail", told.get("message", "")))
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or json.dumps(error))
    return error if isinstance(error, str) else json.dumps(error)


def first_choice(body: Mapping[str, Any]) -> dict[str, Any]:
    """The first choice.

    Raises:
        Passing: there is none, or it has no shape that is known.
    """
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Passing("The endpoint answered without any choice.")
    choice = choices[0]
    if not isinstance(choice.get("message"), dict) and not isinstance(choice.get("text"), str):
        raise Passing("The endpoint's choice has neither a message nor a text.")
    return dict(choice)


def text_and_ending(choice: Mapping[str, Any]) -> tuple[str, FinishReason]:
    """The text of a choice, and why it ends."""
    message = choice.get("message") or {}
    ending = choice.get("finish_reason")
    content = message.get("content") if message else choice.get("text")
    if isinstance(content, list):
        # Some endpoints answer in parts.
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    text = content if isinstance(content, str) else ""
    if message.get("refusal") and not text:
        return str(message["refusal"]), FinishReason.REFUSED
    if ending == "content_filter":
        return text, FinishReason.FILTERED
    return text, FinishReason.LENGTH if ending == "length" else FinishReason.STOP


def token_counts(body: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Tokens read and written; None where the endpoint does not say."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None, None
    read, written = (usage.get(f"{name}_tokens") for name in ("prompt", "completion"))
    return (
        read if isinstance(read, int) and read >= 0 else None,
        written if isinstance(written, int) and written >= 0 else None,
    )


def first_top_tokens(choice: Mapping[str, Any]) -> dict[str, float] | None:
    """The likeliest first tokens of a choice; None where it has no log-probabilities."""
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, dict):
        return None
    content = logprobs.get("content")
    if isinstance(content, list) and content and isinstance(content[0], dict):
        rows = content[0].get("top_logprobs")
        if isinstance(rows, list):
            return {
                str(row["token"]): float(row["logprob"])
                for row in rows
                if isinstance(row, dict) and "token" in row and "logprob" in row
            } or None
    top = logprobs.get("top_logprobs")
    if isinstance(top, list) and top and isinstance(top[0], dict):
        return {str(token): float(value) for token, value in top[0].items()}
    return None
