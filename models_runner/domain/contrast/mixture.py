"""Contrast pairs made from given pairs: each of a kind drawn by weight, the same for a seed."""

import random
import re
from collections.abc import Callable, Sequence

from models_runner.domain.contrast.antonyms import opposite
from models_runner.domain.contrast.frames import (
    HEDGED,
    HOLDERS,
    HOLDING,
    OPPOSED,
    PRESENTED,
    REFUTED,
    STRESSED,
)
from models_runner.domain.contrast.grammar import number_pair, quantifier_pair, role_pair
from models_runner.domain.contrast.negation import (
    as_sentence,
    bare,
    denied,
    negated,
    plainly_negated,
)
from models_runner.domain.contrast.pairs import LabelledPair, Relation

E, N, C = Relation.ENTAILMENT, Relation.NEUTRAL, Relation.CONTRADICTION
NOT_E = Relation.NOT_ENTAILMENT

NEGATED_LABEL = {E: C, C: E, N: N}
LONG_WORD = re.compile(r"[a-z]{5,}")

Maker = Callable[["_Material", random.Random], LabelledPair | None]


class _Material:
    """The pairs that contrast pairs are made of, and the views among their sentences."""

    def __init__(self, pairs: Sequence[LabelledPair]) -> None:
        self.pairs = pairs
        self.entailed = [pair for pair in pairs if pair.label is E]
        self.contradicted = [pair for pair in pairs if pair.label is C]
        if not self.entailed:
            raise ValueError("Contrast pairs are made from pairs with the label entailment; none.")

    def view(self, rng: random.Random) -> str:
        """A sentence that something can be said about."""
        pair = rng.choice(self.pairs)
        return pair.hypothesis

    def unrelated(self, rng: random.Random, *to: str) -> str | None:
        """A sentence that shares no long word with the given ones; nothing after ten tries."""
        words = set().union(*(LONG_WORD.findall(text.lower()) for text in to))
        for _ in range(10):
            pair = rng.choice(self.pairs)
            text = pair.hypothesis if rng.random() < 0.5 else pair.premise
            if len(text) < 160 and words.isdisjoint(LONG_WORD.findall(text.lower())):
                return text
        return None


def _framed(frame: str, rng: random.Random, *, x: str, y: str = "", z: str = "") -> str:
    """A frame with its views filled in."""
    who, hold = rng.choice(HOLDERS), rng.choice(HOLDING)
    if rng.random() < 0.3:
        hold = (
            hold.removesuffix(" that") if hold.split()[0] in {"believe", "think", "say"} else hold
        )
    return as_sentence(
        frame.format(
            who=who,
            Who=who[0].upper() + who[1:],
            hold=hold,
            x=bare(x),
            y=bare(y),
            z=bare(z),
            X=as_sentence(bare(x)),
            Y=as_sentence(bare(y)),
            Z=as_sentence(bare(z)),
        )
    )


def _premise_or_view(material: _Material, rng: random.Random) -> tuple[str, str, bool]:
    """What stands in the premise, the hypothesis that it entails, and whether they are the same."""
    pair = rng.choice(material.entailed)
    if rng.random() < 0.5 or len(pair.premise) > 200:
        return pair.hypothesis, pair.hypothesis, True
    return pair.premise, pair.hypothesis, False


def negation_of_hypothesis(material: _Material, rng: random.Random) -> LabelledPair | None:
    """The hypothesis denied: entailed becomes contradicted, and the other way round."""
    pair = rng.choice(material.pairs)
    if pair.label not in NEGATED_LABEL:
        return None
    return LabelledPair(
        pair.premise, negated(pair.hypothesis, rng), NEGATED_LABEL[pair.label], "negation"
    )


def negation_of_itself(material: _Material, rng: random.Random) -> LabelledPair | None:
    """A sentence and its denial, in either order; denied twice; and itself."""
    view = material.view(rng)
    plain = plainly_negated(view)
    kind = rng.randrange(6)
    if kind == 0:
        return LabelledPair(view, view, E, "negation")
    if kind == 1:
        return LabelledPair(view, negated(view, rng), C, "negation")
    if kind == 2:
        return LabelledPair(negated(view, rng), view, C, "negation")
    if plain is None:
        return None
    if kind == 3:
        one, other = negated(view, rng), negated(view, rng)
        return LabelledPair(one, other, E, "negation") if one != other else None
    if kind == 4:
        return LabelledPair(view, denied(plain, rng), E, "negation")
    return LabelledPair(denied(plain, rng), view, E, "negation")


def antonym(material: _Material, rng: random.Random) -> LabelledPair | None:
    """A sentence and the one with the opposite word; denied, where one of both must hold."""
    if rng.random() < 0.5:
        pair = rng.choice(material.entailed)
        first, second = pair.premise, pair.hypothesis
    else:
        first = second = material.view(rng)
    changed = opposite(second, rng)
    if changed is None:
        return None
    contrary, exclusive = changed
    if not exclusive:
        return LabelledPair(first, contrary, C, "antonym")
    kind = rng.randrange(4)
    if kind == 0:
        return LabelledPair(first, contrary, C, "antonym")
    if kind == 1:
        return LabelledPair(first, negated(contrary, rng), E, "antonym")
    if first == second and kind == 2:
        return LabelledPair(negated(contrary, rng), second, E, "antonym")
    if first == second:
        return LabelledPair(contrary, negated(second, rng), E, "antonym")
    return None


def refuted(material: _Material, rng: random.Random) -> LabelledPair | None:
    """A view mentioned to be denied: it is not expressed, and its denial is."""
    said, view, same = _premise_or_view(material, rng)
    aside = material.unrelated(rng, said, view)
    if aside is None:
        return None
    premise = _framed(rng.choice(REFUTED), rng, x=said, z=aside)
    if same and rng.random() < 0.25:
        return LabelledPair(premise, negated(view, rng), E, "refuted")
    return LabelledPair(premise, view, C if same else NOT_E, "refuted")


def opposed(material: _Material, rng: random.Random) -> LabelledPair | None:
    """One view denied and another said in one sentence."""
    if rng.random() < 0.5 and material.contradicted:
        pair = rng.choice(material.contradicted)
        if len(pair.premise) > 200:
            return None
        premise = _framed(rng.choice(OPPOSED), rng, x=pair.hypothesis, y=pair.premise)
        return LabelledPair(premise, pair.hypothesis, C, "opposed")
    said, view, same = _premise_or_view(material, rng)
    contrary = negated(view, rng)
    if rng.random() < 0.5:
        premise = _framed(rng.choice(OPPOSED), rng, x=contrary, y=said)
        return LabelledPair(premise, view, E, "opposed")
    premise = _framed(rng.choice(OPPOSED), rng, x=said, y=contrary)
    if same or rng.random() < 0.5:
        return LabelledPair(premise, contrary, E, "opposed")
    return LabelledPair(premise, view, C, "opposed")


def presented(material: _Material, rng: random.Random) -> LabelledPair | None:
    """A view presented as one that people hold, alone or beside others: it is expressed."""
    said, view, _ = _premise_or_view(material, rng)
    aside = material.unrelated(rng, said, view)
    if aside is None:
        return None
    frame = rng.choice(PRESENTED)
    second = negated(view, rng) if rng.random() < 0.5 else material.view(rng)
    premise = _framed(frame, rng, x=said, y=second, z=aside)
    kind = rng.random()
    if kind < 0.2 and "{y}" in frame.lower():
        return LabelledPair(premise, second, E, "presented")
    if kind < 0.4 and "{y}" not in frame.lower():
        return LabelledPair(premise, negated(view, rng), C, "presented")
    return LabelledPair(premise, view, E, "presented")


def stressed(material: _Material, rng: random.Random) -> LabelledPair | None:
    """A view said with stress, or beside another sentence: it is expressed; its denial is not."""
    said, view, _ = _premise_or_view(material, rng)
    aside = material.unrelated(rng, said, view)
    if aside is None:
        return None
    premise = _framed(rng.choice(STRESSED), rng, x=said, z=aside)
    if rng.random() < 0.3:
        return LabelledPair(premise, negated(view, rng), C, "stressed")
    return LabelledPair(premise, view, E, "stressed")


def hedged(material: _Material, rng: random.Random) -> LabelledPair | None:
    """A view left open: neither it nor its denial is expressed."""
    said, view, _ = _premise_or_view(material, rng)
    premise = _framed(rng.choice(HEDGED), rng, x=said)
    hypothesis = view if rng.random() < 0.8 else negated(view, rng)
    return LabelledPair(premise, hypothesis, N, "hedged")


def other_topic(material: _Material, rng: random.Random) -> LabelledPair | None:
    """A hypothesis that belongs to another premise."""
    pair = rng.choice(material.pairs)
    view = material.unrelated(rng, pair.premise, pair.hypothesis)
    return None if view is None else LabelledPair(pair.premise, view, N, "other topic")


def padded(material: _Material, rng: random.Random) -> LabelledPair | None:
    """A premise among one to three sentences on other things: the label stays."""
    pair = rng.choice(material.pairs)
    sentences = [as_sentence(pair.premise)]
    for _ in range(rng.randint(1, 3)):
        aside = material.unrelated(rng, pair.premise, pair.hypothesis)
        if aside is None:
            return None
        sentences.insert(rng.randint(0, len(sentences)), as_sentence(aside))
    return LabelledPair(" ".join(sentences), pair.hypothesis, pair.label, "padded")


def changed_number(material: _Material, rng: random.Random) -> LabelledPair | None:
    """An entailed hypothesis whose number also stands in the premise, with another number."""
    for _ in range(20):
        pair = rng.choice(material.entailed)
        found = re.search(r"\b\d+\b", pair.hypothesis)
        if found and re.search(rf"\b{found.group()}\b", pair.premise):
            other = str(int(found.group()) + rng.choice((1, 2, 3, 5, 10, 20)))
            changed = pair.hypothesis[: found.start()] + other + pair.hypothesis[found.end() :]
            return LabelledPair(pair.premise, changed, C, "number")
    return None


MAKERS: tuple[tuple[Maker, float], ...] = (
    (negation_of_hypothesis, 0.20),
    (negation_of_itself, 0.10),
    (antonym, 0.12),
    (refuted, 0.11),
    (opposed, 0.10),
    (presented, 0.12),
    (stressed, 0.04),
    (hedged, 0.06),
    (other_topic, 0.02),
    (padded, 0.06),
    (changed_number, 0.01),
    (lambda _, rng: quantifier_pair(rng), 0.03),
    (lambda _, rng: number_pair(rng), 0.02),
    (lambda _, rng: role_pair(rng), 0.03),
)
"""What contrast pairs are made by, and their shares."""


def contrast_pairs(pairs: Sequence[LabelledPair], *, count: int, seed: int) -> list[LabelledPair]:
    """As many contrast pairs, made from the given pairs; the same for the same seed.

    The source of each is the kind of contrast. Long premises (over 400 characters) are not used.

    Args:
        pairs: labelled pairs, some of them with the label entailment.
        count: how many to make.
        seed: of the drawing.

    Raises:
        ValueError: no pair has the label entailment.
    """
    # Not for secrets: the same seed must give the same pairs.
    rng = random.Random(seed)  # noqa: S311
    material = _Material([pair for pair in pairs if len(pair.premise) <= 400])
    makers, weights = zip(*MAKERS, strict=True)
    made: list[LabelledPair] = []
    while len(made) < count:
        maker: Maker = rng.choices(makers, weights=weights)[0]
        pair = maker(material, rng)
        if pair is not None:
            made.append(pair)
    return made
