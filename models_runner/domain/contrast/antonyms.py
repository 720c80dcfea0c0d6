"""Words and their opposites: swapped, a sentence says the contrary."""

import random
import re

OPPOSITES = (
    ("ban", "allow"), ("banned", "allowed"), ("banning", "allowing"), ("prohibit", "permit"),
    ("prohibited", "permitted"), ("forbidden", "allowed"), ("support", "oppose"),
    ("supports", "opposes"), ("supported", "opposed"), ("increase", "decrease"),
    ("increases", "decreases"), ("increased", "reduced"), ("increase", "reduce"),
    ("increases", "reduces"), ("raise", "lower"), ("raises", "lowers"), ("legal", "illegal"),
    ("harmful", "beneficial"), ("harmful", "harmless"), ("abolish", "keep"),
    ("abolished", "kept"), ("abandon", "keep"), ("abandoned", "kept"), ("encourage", "discourage"),
    ("encourages", "discourages"), ("encouraged", "discouraged"), ("improve", "worsen"),
    ("improves", "worsens"), ("improve", "harm"), ("improves", "harms"), ("good", "bad"),
    ("better", "worse"), ("best", "worst"), ("effective", "ineffective"), ("fair", "unfair"),
    ("ethical", "unethical"), ("moral", "immoral"), ("necessary", "unnecessary"),
    ("safe", "dangerous"), ("safe", "unsafe"), ("right", "wrong"), ("strengthen", "weaken"),
    ("strengthens", "weakens"), ("helps", "hurts"), ("help", "hurt"), ("more", "less"),
    ("higher", "lower"), ("easy", "hard"), ("easier", "harder"), ("cheap", "expensive"),
    ("accept", "reject"), ("accepted", "rejected"), ("protects", "endangers"),
    ("protect", "endanger"), ("protected", "endangered"), ("strong", "weak"), ("true", "false"),
    ("mandatory", "voluntary"), ("compulsory", "optional"), ("important", "unimportant"),
    ("acceptable", "unacceptable"), ("constitutional", "unconstitutional"),
    ("justified", "unjustified"), ("healthy", "unhealthy"), ("useful", "useless"),
    ("positive", "negative"), ("responsible", "irresponsible"), ("likely", "unlikely"),
    ("possible", "impossible"), ("natural", "unnatural"), ("success", "failure"),
    ("succeed", "fail"), ("succeeds", "fails"), ("advantage", "disadvantage"),
    ("advantages", "disadvantages"), ("always", "never"), ("everyone", "nobody"),
    ("inside", "outside"), ("indoors", "outdoors"), ("old", "young"), ("happy", "sad"),
    ("awake", "asleep"), ("standing", "sitting"), ("empty", "full"), ("open", "closed"),
    ("winning", "losing"), ("wins", "loses"), ("large", "small"), ("tall", "short"),
    ("day", "night"), ("create", "destroy"), ("creates", "destroys"), ("gain", "lose"),
    ("before", "after"), ("early", "late"), ("rich", "poor"), ("rural", "urban"),
    ("include", "exclude"), ("freedom", "oppression"), ("benefits", "harms"),
    ("promotes", "hinders"), ("promote", "hinder"), ("expand", "shrink"), ("start", "end"),
    ("trust", "distrust"), ("deserve", "do not deserve"), ("funded", "defunded"),
)  # fmt: skip

EXCLUSIVE = frozenset(
    [
        "ban", "allow", "banned", "allowed", "prohibit", "permit", "prohibited", "permitted",
        "forbidden", "legal", "illegal", "abolish", "abolished", "keep", "kept", "abandon",
        "abandoned", "true", "false", "acceptable", "unacceptable", "constitutional",
        "unconstitutional", "mandatory", "voluntary", "compulsory", "optional", "necessary",
        "unnecessary", "ethical", "unethical", "fair", "unfair", "effective", "ineffective",
        "possible", "impossible", "justified", "unjustified", "safe", "unsafe", "moral", "immoral",
        "important", "unimportant", "harmful", "harmless", "responsible", "irresponsible",
    ]
)  # fmt: skip
"""Of these one or the other holds, so that denying the opposite says the same."""

_SWAPS: dict[str, tuple[str, ...]] = {}
for _one, _other in OPPOSITES:
    _SWAPS[_one] = (*_SWAPS.get(_one, ()), _other)
    _SWAPS[_other] = (*_SWAPS.get(_other, ()), _one)
_FINDS = re.compile(r"\b(" + "|".join(sorted(_SWAPS, key=len, reverse=True)) + r")\b", re.I)


def opposite(sentence: str, rng: random.Random) -> tuple[str, bool] | None:
    """The sentence with one word swapped for its opposite, and whether one of the two must hold.

    None where no known word stands in it.
    """
    found = list(_FINDS.finditer(sentence))
    if not found:
        return None
    match = rng.choice(found)
    word = match.group().lower()
    other = rng.choice(_SWAPS[word])
    exclusive = word in EXCLUSIVE and other in EXCLUSIVE
    if match.group()[0].isupper():
        other = other.capitalize()
    return sentence[: match.start()] + other + sentence[match.end() :], exclusive
