"""Pairs from small grammars of our own: quantifiers, numbers, comparisons, who acts on whom."""

import random

from models_runner.domain.contrast.negation import as_sentence
from models_runner.domain.contrast.pairs import LabelledPair, Relation

E, N, C = Relation.ENTAILMENT, Relation.NEUTRAL, Relation.CONTRADICTION

GROUPS = (
    "teachers", "drivers", "voters", "nurses", "farmers", "tenants", "landlords", "pupils",
    "judges", "companies", "small firms", "cities", "villages", "hospitals", "museums",
    "newspapers", "unions",
    "parents", "pensioners", "students", "police officers", "economists", "scientists", "banks",
    "airlines", "shops", "libraries", "artists", "employers", "workers", "churches", "councils",
)  # fmt: skip
DEEDS = (
    "support the new law", "oppose the reform", "want lower taxes", "pay too much rent",
    "benefit from free trade", "should pay for parking", "need more money", "work at weekends",
    "trust the government", "have to close early", "would accept a ban", "use solar power",
    "ignore the rules", "are against the merger", "are satisfied with the plan", "can afford it",
    "prefer the old system", "were consulted", "will lose their licence", "deserve better pay",
    "should be allowed to strike", "reject the offer", "waste water", "keep animals",
    "fear competition", "complain about noise", "are open on Sundays", "voted for the treaty",
)  # fmt: skip
QUANTIFIED: dict[str, tuple[str, ...]] = {
    "all": ("all {g} {d}", "every one of the {g} does so: they {d}", "without exception, {g} {d}"),
    "most": ("most {g} {d}", "a majority of {g} {d}", "the greater part of the {g} {d}"),
    "some": ("some {g} {d}", "there are {g} who {d}", "at least a few {g} {d}"),
    "none": ("no {g} {d}", "none of the {g} {d}", "there are no {g} who {d}"),
    "not all": (
        "not all {g} {d}", "it is not true that all {g} {d}",
        "not every one of the {g} would say they {d}",
    ),
}  # fmt: skip
QUANTIFIER_RELATIONS = {
    ("all", "all"): E, ("all", "most"): E, ("all", "some"): E, ("all", "none"): C,
    ("all", "not all"): C, ("most", "some"): E, ("most", "all"): N, ("most", "none"): C,
    ("most", "most"): E, ("most", "not all"): N, ("some", "some"): E, ("some", "all"): N,
    ("some", "most"): N, ("some", "none"): C, ("some", "not all"): N, ("none", "none"): E,
    ("none", "some"): C, ("none", "all"): C, ("none", "most"): C, ("none", "not all"): E,
    ("not all", "all"): C, ("not all", "some"): N, ("not all", "none"): N, ("not all", "most"): N,
    ("not all", "not all"): E,
}  # fmt: skip

COUNTED = (
    "{q} people signed the petition", "the fee rose by {q} euros", "{q} percent of members agreed",
    "the fine is {q} dollars", "the school has {q} pupils", "{q} of the trees were felled",
    "the project took {q} days", "unemployment fell by {q} percent", "{q} countries joined",
    "it costs {q} pounds a month", "the trial lasted {q} weeks", "he was sentenced to {q} years",
    "the village has {q} inhabitants", "{q} studies found an effect", "the age limit is {q}",
)  # fmt: skip

ACTORS = (
    "the mayor", "the union", "the minister", "the company", "the court", "the council", "the bank",
    "the teacher", "the tenant", "the hospital", "the north", "the south", "the committee",
    "the farmer", "the journalist", "the police", "the older sister", "the coach", "the museum",
)  # fmt: skip
ACTS = (
    ("praised", "praised"), ("sued", "sued"), ("criticised", "criticised"), ("paid", "paid"),
    ("defeated", "defeated"), ("supports", "supported"), ("protects", "protected"),
    ("employs", "employed"), ("followed", "followed"), ("informed", "informed"),
    ("should compensate", "compensated"), ("influences", "influenced"), ("warned", "warned"),
)  # fmt: skip
THINGS = (
    "solar power", "coal", "private schools", "public schools", "buses", "trains", "prison",
    "community service", "rent control", "new housing", "printed books", "screens", "city life",
    "country life", "vaccination", "immunity from infection", "free trade", "protection", "cash",
    "cards", "economic growth", "environmental protection", "privacy", "security", "equality",
)  # fmt: skip
COMPARED = (
    ("cheaper", "more expensive"), ("better", "worse"), ("safer", "more dangerous"),
    ("more important", "less important"), ("more effective", "less effective"),
    ("healthier", "less healthy"), ("fairer", "less fair"), ("larger", "smaller"),
)  # fmt: skip
CAUSES = ("causes", "leads to", "reduces", "increases", "prevents", "harms", "promotes")
PASSIVE = {
    "causes": "is caused by", "reduces": "is reduced by", "increases": "is increased by",
    "prevents": "is prevented by", "harms": "is harmed by", "promotes": "is promoted by",
}  # fmt: skip
EVENTS = (
    "poverty", "crime", "unemployment", "inflation", "migration", "education", "noise", "traffic",
    "tourism", "obesity", "stress", "pollution", "corruption", "debt", "trust", "innovation",
    "homelessness", "drug use", "loneliness", "inequality", "television", "advertising",
)  # fmt: skip


def quantifier_pair(rng: random.Random) -> LabelledPair:
    """Two sentences on how many of a group do something."""
    (first, second), label = rng.choice(list(QUANTIFIER_RELATIONS.items()))
    words = {"g": rng.choice(GROUPS), "d": rng.choice(DEEDS)}
    return LabelledPair(
        as_sentence(rng.choice(QUANTIFIED[first]).format(**words)),
        as_sentence(rng.choice(QUANTIFIED[second]).format(**words)),
        label,
        "quantifier",
    )


def number_pair(rng: random.Random) -> LabelledPair:
    """Two sentences with numbers: the same, others, or bounds on them."""
    frame = rng.choice(COUNTED)
    number = rng.choice((2, 3, 5, 7, 8, 12, 15, 18, 20, 25, 30, 40, 60, 75, 90, 120, 250, 800))
    more = number + rng.choice((1, 2, 5, 10, 50))
    kinds: tuple[tuple[str, str, Relation], ...] = (
        (f"{number}", f"{more}", C),
        (f"{more}", f"{number}", C),
        (f"{number}", f"{number}", E),
        (f"more than {more}", f"more than {number}", E),
        (f"more than {number}", f"more than {more}", N),
        (f"at least {number}", f"{number} or more", E),
        (f"more than {more}", f"fewer than {number}", C),
        (f"{more}", f"more than {number}", E),
        (f"{number}", f"more than {more}", C),
        (f"{number}", f"fewer than {more}", E),
        (f"exactly {number}", f"{number}", E),
        (f"at most {number}", f"more than {more}", C),
        (f"at least {number}", f"{more}", N),
        (f"nearly {more}", f"more than {more}", C),
    )
    first, second, label = rng.choice(kinds)
    return LabelledPair(
        as_sentence(frame.format(q=first)), as_sentence(frame.format(q=second)), label, "number"
    )


def role_pair(rng: random.Random) -> LabelledPair:
    """Who does what to whom, which is more, and what causes what; also the other way round."""
    kind = rng.randrange(3)
    if kind == 0:
        one, other = rng.sample(ACTORS, 2)
        active, participle = rng.choice(ACTS)
        premise = f"{one} {active} {other}"
        if " " in active:
            passive = f"{other} should be {participle} by {one}"
            turned = f"{one} should be {participle} by {other}"
        else:
            be = "was" if active == participle else "is"
            passive = f"{other} {be} {participle} by {one}"
            turned = f"{one} {be} {participle} by {other}"
        hypothesis, label = rng.choice(
            ((f"{other} {active} {one}", N), (passive, E), (turned, N), (premise, E))
        )
    elif kind == 1:
        one, other = rng.sample(THINGS, 2)
        more, less = rng.choice(COMPARED)
        verb = rng.choice(("seems", "will be", "can be called", "has to be seen as"))
        premise = f"{one} {verb} {more} than {other}"
        hypothesis, label = rng.choice(
            (
                (f"{other} {verb} {more} than {one}", C),
                (f"{other} {verb} {less} than {one}", E),
                (f"{one} {verb} {less} than {other}", C),
                (f"compared with {other}, {one} {verb} {more}", E),
            )
        )
    else:
        one, other = rng.sample(EVENTS, 2)
        verb = rng.choice(CAUSES)
        premise = f"{one} {verb} {other}"
        options = [(f"{other} {verb} {one}", N), (premise, E)]
        if verb in PASSIVE:
            options += [
                (f"{other} {PASSIVE[verb]} {one}", E),
                (f"{one} {PASSIVE[verb]} {other}", N),
            ]
        if verb in {"reduces", "increases"}:
            contrary = "increases" if verb == "reduces" else "reduces"
            options += [(f"{one} {contrary} {other}", C)]
        hypothesis, label = rng.choice(options)
    return LabelledPair(as_sentence(premise), as_sentence(hypothesis), label, "roles")
