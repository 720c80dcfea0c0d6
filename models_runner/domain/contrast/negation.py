"""Negating an English sentence by rule, and taking a negation away."""

import random
import re

NEGATABLE = frozenset(
    [
        "is", "are", "was", "were", "am", "can", "could", "will", "would", "should", "must",
        "shall", "may", "might", "does", "do", "did", "has", "have", "had",
    ]
)  # fmt: skip
ONLY_AUXILIARY = frozenset(["has", "have", "had", "do", "does", "did"])
"""These are full verbs as well: they take "not" only before a participle or an infinitive."""

CONTRACTED = {
    "is": "isn't", "are": "aren't", "was": "wasn't", "were": "weren't", "can": "can't",
    "could": "couldn't", "will": "won't", "would": "wouldn't", "should": "shouldn't",
    "must": "mustn't", "does": "doesn't", "do": "don't", "did": "didn't", "has": "hasn't",
    "have": "haven't", "had": "hadn't",
}  # fmt: skip
EXPANDED = {short: long for long, short in CONTRACTED.items()} | {"cannot": "can"}

DENIALS = (
    "it is not true that {}",
    "it is false that {}",
    "it is not the case that {}",
    "it's not true that {}",
    "it is wrong to say that {}",
)

PLAIN_VERBS = frozenset(
    [
        "affect", "aid", "allow", "attract", "avoid", "benefit", "bring", "build", "cause",
        "change", "contain", "cost", "create", "curb", "damage", "decrease", "deserve",
        "destroy", "deter", "discourage", "distract", "drain", "encourage", "endanger",
        "enhance", "enjoy", "ensure", "erode", "exist", "expand", "exploit", "feed",
        "follow", "force", "foster", "generate", "get", "give", "guarantee", "hamper",
        "harm", "hate", "help", "hinder", "hold", "hurt", "improve", "incentivise",
        "incentivize", "increase", "infringe", "inspire", "invade", "keep", "lead", "limit",
        "live", "look", "love", "lower", "make", "mean", "motivate", "need", "offer", "pay",
        "play", "pose", "prepare", "preserve", "prevent", "produce", "promote", "protect",
        "prove", "provide", "raise", "reduce", "reinforce", "remove", "require", "respect",
        "restrict", "result", "run", "save", "seem", "send", "serve", "set", "show",
        "solve", "spend", "spread", "stifle", "stop", "strengthen", "suffer", "suit",
        "support", "take", "teach", "tell", "threaten", "treat", "undermine", "unite",
        "use", "violate", "waste", "weaken", "wear", "work", "worsen",
    ]
)  # fmt: skip
"""Verbs that make a sentence without an auxiliary negatable by "do not"."""

_NOT_AFTER_CONTRACTION = re.compile(r"\b(" + "|".join(EXPANDED) + r")\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z']+|[^A-Za-z']+")


def bare(sentence: str) -> str:
    """The sentence without its last full stop, and with a small first letter where that may be.

    "I", acronyms and words with inner capitals keep theirs.
    """
    text = " ".join(sentence.split()).rstrip(" .!;,")
    first = re.match(r"[A-Za-z']+", text)
    if first is None:
        return text
    word = first.group()
    if word in {"I", "I'm", "I'd", "I've", "I'll"} or (len(word) > 1 and not word[1:].islower()):
        return text
    return text[0].lower() + text[1:]


def as_sentence(text: str) -> str:
    """The text with a capital first letter and a mark at its end."""
    text = text.strip()
    if not text:
        return text
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?\"'" else f"{text}."


def is_negated(sentence: str) -> bool:
    """Whether a word of negation stands anywhere in it."""
    return bool(
        re.search(
            r"\b(not|never|no|none|nobody|nothing|neither|nor|cannot)\b|n't\b",
            sentence,
            re.IGNORECASE,
        )
    )


def plainly_negated(sentence: str) -> str | None:
    """The sentence with a "not" more or less, where the rule finds a place for it; else nothing.

    "Not" goes after the first auxiliary; if one is there already, it is taken away; a sentence
    without an auxiliary gets "do not" before its first verb that the rule knows.
    """
    contraction = _NOT_AFTER_CONTRACTION.search(sentence)
    if contraction:
        word = EXPANDED[contraction.group().lower()]
        if contraction.start() == 0:
            word = word.capitalize()
        return sentence[: contraction.start()] + word + sentence[contraction.end() :]
    parts = _WORD.findall(sentence)
    for place, part in enumerate(parts):
        word = part.lower()
        if word not in NEGATABLE:
            continue
        following = [other.lower() for other in parts[place + 1 :] if other[0].isalpha()]
        after = following[0] if following else ""
        if word in ONLY_AUXILIARY and not _takes_not(word, after):
            continue
        if after == "not":
            rest = "".join(parts[place + 1 :])
            return "".join(parts[: place + 1]) + re.sub(r"^\s+not\b", "", rest, count=1, flags=re.I)
        return "".join(parts[: place + 1]) + " not" + "".join(parts[place + 1 :])
    return _negated_by_do(parts)


def _takes_not(word: str, after: str) -> bool:
    if after in {"not", "been"}:
        return True
    if word in {"do", "does", "did"}:
        return after in PLAIN_VERBS
    return after.endswith(("ed", "en")) and after not in {"children", "women", "men", "need"}


def _negated_by_do(parts: list[str]) -> str | None:
    """Negated by "do not" or "does not" before the first known verb after the first word."""
    for place, part in enumerate(parts):
        word = part.lower()
        if place == 0 or not part[0].isalpha():
            continue
        if any(before in {"to", "that", "which", "who"} for before in _words_before(parts, place)):
            continue
        if word in PLAIN_VERBS and not _is_noun_here(parts, place):
            return "".join(parts[:place]) + "do not " + "".join(parts[place:])
        base = base_of(word)
        if base is not None and not _is_noun_here(parts, place):
            return "".join(parts[:place]) + f"does not {base}" + "".join(parts[place + 1 :])
    return None


def _words_before(parts: list[str], place: int) -> list[str]:
    return [part.lower() for part in parts[max(0, place - 2) : place] if part[0].isalpha()]


def _is_noun_here(parts: list[str], place: int) -> bool:
    """Whether the word stands where a noun does: after an article or adjective-like word."""
    before = _words_before(parts, place)
    after = [part.lower() for part in parts[place + 1 : place + 3] if part[0].isalpha()]
    return bool(
        (
            before
            and before[-1] in {"the", "a", "an", "of", "in", "for", "and", "or", "their", "its"}
        )
        or (after and after[0] in {"is", "are", "should", "can", "will", "of", "must", "would"})
        or not after
    )


def base_of(verb: str) -> str | None:
    """The plain form of a known verb in the third person; else nothing."""
    for ending, plain in (("ies", "y"), ("es", ""), ("s", "")):
        if verb.endswith(ending) and verb[: -len(ending)] + plain in PLAIN_VERBS:
            return verb[: -len(ending)] + plain
    return None


def contracted(sentence: str) -> str:
    """The sentence with its first "is not", "do not" and so on drawn together."""
    for long, short in CONTRACTED.items():
        changed = re.sub(rf"\b{long} not\b", short, sentence, count=1)
        if changed != sentence:
            return changed
    return sentence


def negated(sentence: str, rng: random.Random) -> str:
    """The sentence denied: by "not" where the rule finds its place, else as a whole.

    One in six is denied as a whole anyway, and half of the others are contracted.
    """
    plain = plainly_negated(sentence)
    if plain is None or rng.random() < 1 / 6:
        return as_sentence(rng.choice(DENIALS).format(bare(sentence)))
    return contracted(plain) if rng.random() < 0.5 else plain


def denied(sentence: str, rng: random.Random) -> str:
    """The sentence denied as a whole: "It is not true that ..."."""
    return as_sentence(rng.choice(DENIALS).format(bare(sentence)))
