"""Sampled completions, read as options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured
from models_runner.domain.elicitation import ElicitationMode
from overton.domain.windows import wilson_interval

FloatArray = npt.NDArray[np.float64]

_LEAD = re.compile(
    r"^(?:(?:(?:my|the)\s+)?(?:final\s+)?(?:answer|choice|option)(?:\s+choice)?"
    r"(?:\s+(?:is|would\s+be))?\s*[:=\-]?"
    r"|i(?:'d|'ll|\s+would|\s+will)?\s+(?:choose|pick|select|answer|say|go\s+with)\b\s*:?)"
    r"\s*(?:(?:option|choice|letter)\s+)?",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"^[\[(]?(?P<letter>[A-Za-z])(?P<close>[\])]?[.:;)\]]*)(?P<rest>.*)$", re.DOTALL
)
_MARKS = re.compile(r"[*_`\"“”]+")


@dataclass(frozen=True, slots=True, eq=False)
class SampledAnswers:
    """Completions of one question as counts.

    ``counts`` (options,); ``unparsed`` completions that name no option, or several;
    ``unparsed_share`` of all, with its interval. ``probabilities`` (options,) among those that were
    parsed, None with a ``reason`` where none was.
    """

    counts: npt.NDArray[np.int64]
    unparsed: int
    unparsed_share: Measured
    probabilities: FloatArray | None
    reason: str
    mode: ElicitationMode = ElicitationMode.SAMPLED


def parse_completion(text: str, *, options: Sequence[str]) -> int | None:
    """The place of the option that a completion names, or None where that is not plain.

    Read is the first line with anything on it: a letter (`B`, `(b)`, `B.`, `**B**`, `Answer: B`),
    alone or before that option's words or an explanation; or an option's words, alone or before a
    comma or stop. A letter that starts a sentence ("A good idea", "I, for one") names nothing, nor
    do two letters ("A or B"), nor a letter before another option's words.
    """
    line = next((line for line in text.splitlines() if line.strip()), "")
    said = " ".join(_MARKS.sub("", line.replace("’", "'")).split())
    bare = _LEAD.sub("", said, count=1) if _LEAD.match(said) else said
    words = [_plain(option) for option in options]
    for candidate in (said, bare):
        if _plain(candidate) in words and words.count(_plain(candidate)) == 1:
            return words.index(_plain(candidate))
    found = _LETTER.match(bare)
    if found is None or (not found["close"] and found["rest"][:1].isalnum()):
        return _leading_words(bare, words)
    letter, rest = found["letter"], found["rest"]
    place = ascii_uppercase.find(letter.upper())
    if place >= len(options):
        return None
    following = _plain(rest)
    if not following:
        return place
    if rest[0].isalnum() or (not found["close"] and not rest[0].isspace()):
        return None
    if not found["close"]:
        # "B Somewhat satisfied" names B; "A good idea" does not.
        return place if following == words[place] and letter.isupper() else None
    others = [word for other, word in enumerate(words) if other != place]
    if following in others or _names_another_letter(rest, place, len(options)):
        return None
    return place


def read_completions(
    texts: Sequence[str], *, options: Sequence[str], confidence: float = 0.95
) -> SampledAnswers:
    """Counts of the options that sampled completions name."""
    counts = np.zeros(len(options), dtype=np.int64)
    unparsed = 0
    for text in texts:
        place = parse_completion(text, options=options)
        if place is None:
            unparsed += 1
        else:
            counts[place] += 1
    parsed = int(counts.sum())
    share = Measured.missing("There are no completions.")
    if texts:
        low, high = wilson_interval(successes=unparsed, trials=len(texts), confidence=confidence)
        share = Measured(value=unparsed / len(texts), low=low, high=high, count=len(texts))
    return SampledAnswers(
        counts=counts,
        unparsed=unparsed,
        unparsed_share=share,
        probabilities=counts / parsed if parsed else None,
        reason="" if parsed else f"None of {len(texts)} completions names an option.",
    )


def _leading_words(said: str, words: Sequence[str]) -> int | None:
    """The option whose words stand before the first comma or stop."""
    head = _plain(re.split(r"[.,;:!?](?:\s|$)| [–—-] ", said, maxsplit=1)[0])
    return words.index(head) if words.count(head) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split()).strip(" .:,;!?-()[]*\"'")


def _names_another_letter(rest: str, place: int, options: int) -> bool:
    """Whether a choice between letters goes on, as in `A) or B)` or `A, B`."""
    known = ascii_uppercase[:options].replace(ascii_uppercase[place], "")
    return bool(
        known and re.match(rf"^\s*(?:or|and|/|,)?\s*[\[(]?[{known}](?:[\]).:,;]|\s*$)", rest)
    )
