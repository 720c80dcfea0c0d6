"""Labelled pairs of premise and hypothesis, and the file they come in."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Relation(StrEnum):
    """What a premise says about a hypothesis."""

    ENTAILMENT = "entailment"
    NEUTRAL = "neutral"
    CONTRADICTION = "contradiction"
    NOT_ENTAILMENT = "not_entailment"
    """Neutral or contradiction: the source does not say which."""


class InvalidPairs(ValueError):
    """A file of pairs can't be read; the message names the line."""


@dataclass(frozen=True)
class LabelledPair:
    """A premise, a hypothesis, how they relate, and where the pair is from."""

    premise: str
    hypothesis: str
    label: Relation
    source: str = ""


def parse_pairs(lines: Iterable[str], *, file: str) -> list[LabelledPair]:
    """Pairs of a JSON Lines file with the keys premise, hypothesis, label and source.

    Args:
        lines: the file's lines; empty ones are passed over.
        file: its name, for messages.

    Raises:
        InvalidPairs: a line is no JSON object, lacks a text, or has an unknown label; or there is
            no pair at all.
    """
    pairs = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as problem:
            raise InvalidPairs(f"{file}, line {number}: not JSON ({problem}).") from problem
        if not isinstance(row, dict):
            raise InvalidPairs(f"{file}, line {number}: a JSON object is needed.")
        for key in ("premise", "hypothesis"):
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise InvalidPairs(f"{file}, line {number}: {key!r} must be a text.")
        try:
            label = Relation(str(row.get("label")))
        except ValueError as problem:
            raise InvalidPairs(
                f"{file}, line {number}: the label {row.get('label')!r} is not known; use one of "
                f"{', '.join(Relation)}."
            ) from problem
        pairs.append(
            LabelledPair(row["premise"], row["hypothesis"], label, str(row.get("source", "")))
        )
    if not pairs:
        raise InvalidPairs(f"{file}: there is no pair in it.")
    return pairs


def folded(text: str) -> str:
    """The text in small letters with single spaces, by which two texts are compared."""
    return " ".join(text.lower().split())


def without_texts(pairs: Sequence[LabelledPair], texts: Iterable[str]) -> list[LabelledPair]:
    """The pairs neither of whose texts is among those kept for measuring."""
    kept_apart = {folded(text) for text in texts}
    return [
        pair
        for pair in pairs
        if folded(pair.premise) not in kept_apart and folded(pair.hypothesis) not in kept_apart
    ]
