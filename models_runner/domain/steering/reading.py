"""What a steered model wrote: a refusal, a stance."""

from __future__ import annotations

import re

from models_runner.domain.steering.stances import Stance

_REFUSALS = re.compile(
    r"^\W*(?:(?:i'?m|i am)\s+(?:very\s+|so\s+)?(?:sorry|afraid|unable|not able)"
    r"|(?:sorry|apologies)\b"
    r"|i\s+apologi[sz]e"
    r"|(?:as|being)\s+an?\s+(?:ai|artificial|language\s+model|assistant)\b"
    r"|i\s+(?:can(?:no|')?t|could\s*n[o']?t|must\s+decline|decline|won'?t|will\s+not|would\s+rather"
    r"\s+not|prefer\s+not|do\s*n[o']?t\s+(?:have|hold)\s+(?:any\s+)?(?:personal\s+)?(?:opinion|view|"
    r"belief|feeling|preference)))",
    re.IGNORECASE,
)
_STANCES = (
    (Stance.EITHER, re.compile(r"\b(?:either|depends|both|neither|neutral)\b", re.IGNORECASE)),
    (
        Stance.OPPOSE,
        re.compile(r"\b(?:oppos(?:e|es|ed|ing)|against|disapproves?|not\s+support)\b", re.I),
    ),
    (Stance.SUPPORT, re.compile(r"\b(?:supports?|supported|supporting|approves?)\b", re.I)),
)


def refuses(text: str) -> bool:
    """Whether a response begins by declining. Read are English openings of the usual kind; a text
    without any words declines too.
    """
    plain = text.replace("’", "'").strip()
    return not plain or bool(_REFUSALS.match(plain))


def read_stance(text: str) -> Stance | None:
    """The stance that the first line with words names; None for none, or for two at odds.

    "Not support" and "against" oppose; a line that names support and opposition both is read as
    EITHER only if it says so ("either", "depends").
    """
    line = next((line for line in text.splitlines() if line.strip()), "").replace("’", "'")
    found = [stance for stance, pattern in _STANCES if pattern.search(line)]
    if Stance.EITHER in found:
        return Stance.EITHER
    if Stance.OPPOSE in found and re.search(r"\bnot\s+support\b", line, re.IGNORECASE):
        return Stance.OPPOSE
    return found[0] if len(found) == 1 else None
