"""Simulated jurors: what invented people with given traits would say.

A juror has a place on the study's latent axes, shifted by her traits. What stands near her she
finds better, more reasonable, and more often her own; how good and how even-handed a text is
counts too.
Nothing here is a model of real people: it gives the demonstration something to show.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from models_runner.domain.simulation.plan import (
    PAIR_LABELS,
    PairLabel,
    PlanError,
    PlannedAnswer,
    PlannedCriterion,
    PlannedQuery,
    PlannedResponse,
    StudyPlan,
    Vector,
)
from models_runner.domain.simulation.streams import normal, pick, stream

Verdict: TypeAlias = Literal["correct", "reasonable", "unreasonable", "cant_say"]
PreferenceVerdict: TypeAlias = Literal["left", "right", "tie", "both_bad"]

REACH = 0.62  # distance at which closeness has fallen to 0.6, in units of the axes
JUDGEMENT_SPREAD = 2.2
JUDGEMENT_NOISE = 0.55
REASONABLE_FROM = -0.45
CORRECT_FROM = 2.6
HELD_FROM = 0.72
TIE_WITHIN = 0.05
BAD_BELOW = -0.75
SHARED_NOISE = 0.55  # part of the rating noise that a juror's criteria share on one response
WORDS_PER_SECOND = 4.2


@dataclass(frozen=True, slots=True)
class SimulatedRating:
    """A rating of a source's response on a criterion; None: she can't say."""

    source: str
    criterion: str
    value: float | None


@dataclass(frozen=True, slots=True)
class SimulatedJudgement:
    """A verdict on an answer, and whether she holds it."""

    answer: str
    verdict: Verdict
    holds: bool


@dataclass(frozen=True, slots=True)
class SimulatedPreference:
    """Which of two responses, by source, with the side on which each stood."""

    left: str
    right: str
    verdict: PreferenceVerdict


@dataclass(frozen=True, slots=True)
class SimulatedLabel:
    """Her reading of whether a response expresses an answer."""

    source: str
    answer: str
    label: PairLabel


@dataclass(frozen=True, slots=True)
class SimulatedReply:
    """All that one juror says to one query. `active_ms`: time that she looked at it."""

    query: str
    option: str | None
    opinion: str
    ratings: tuple[SimulatedRating, ...]
    preferences: tuple[SimulatedPreference, ...]
    judgements: tuple[SimulatedJudgement, ...]
    labels: tuple[SimulatedLabel, ...]
    active_ms: int


@dataclass(frozen=True, slots=True)
class SimulatedJuror:
    """One juror's profile replies by question and her replies by query."""

    key: str
    profile: Mapping[str, str]
    replies: tuple[SimulatedReply, ...]


def simulate_jurors(
    *,
    plan: StudyPlan,
    traits: Mapping[str, Mapping[str, str]],
    seed: int,
    missing_rate: float = 0.0,
) -> tuple[SimulatedJuror, ...]:
    """What each juror says to each query of a study.

    Each juror and query has a random stream of its own, so that adding one changes no other.

    Args:
        plan: from `read_plan`.
        traits: for each juror's key, her value of each feature; features without declared
            shifts don't matter.
        seed: of all randomness.
        missing_rate: chance, in [0, 1], that a juror leaves a query out.

    Raises:
        PlanError: `missing_rate` is outside [0, 1], or a juror has a trait value without a shift.
    """
    if not 0 <= missing_rate <= 1:
        raise PlanError(f"missing_rate is {missing_rate:g}; a number from 0 to 1 is needed.")
    return tuple(
        _juror(plan=plan, key=key, traits=own, seed=seed, missing_rate=missing_rate)
        for key, own in traits.items()
    )


def _juror(
    *, plan: StudyPlan, key: str, traits: Mapping[str, str], seed: int, missing_rate: float
) -> SimulatedJuror:
    person = stream(seed, key)
    place = _place(plan=plan, key=key, traits=traits, rng=person)
    leniency = plan.leniency_noise * normal(person)
    profile = {
        question.key: (
            question.options[pick(person, [1.0] * len(question.options))]
            if question.options
            else str(person.randint(1, 5))
        )
        for question in plan.questions
    }
    replies = []
    for query in plan.queries:
        rng = stream(seed, key, query.key)
        if rng.random() < missing_rate:
            continue
        replies.append(_reply(plan=plan, query=query, place=place, leniency=leniency, rng=rng))
    return SimulatedJuror(key=key, profile=profile, replies=tuple(replies))


def _place(
    *, plan: StudyPlan, key: str, traits: Mapping[str, str], rng: random.Random
) -> list[float]:
    """Her position on the axes: the sum of her traits' shifts, and noise."""
    place = [plan.position_noise * normal(rng) for _ in plan.axes]
    for feature, shifts in plan.trait_shifts.items():
        if feature not in traits:
            continue
        if traits[feature] not in shifts:
            raise PlanError(
                f"juror {key}: {feature} is {traits[feature]!r}, for which trait_shifts has "
                f"nothing; it knows {', '.join(shifts)}."
            )
        for axis, shift in enumerate(shifts[traits[feature]]):
            place[axis] += shift
    return place


def closeness(
    *, place: Sequence[float], position: Vector, weights: Vector, reach: float = REACH
) -> float:
    """How near a position is to a juror's, in (0, 1]; 1 where they are the same.

    A Gaussian of the weighted distance: exp(-d² / 2 reach²) with
    d² = sum of weight x difference² over the sum of weights.
    """
    squared = sum(
        weight * (own - there) ** 2
        for weight, own, there in zip(weights, place, position, strict=True)
    ) / sum(weights)
    return math.exp(-squared / (2 * reach**2))


def _reply(
    *, plan: StudyPlan, query: PlannedQuery, place: list[float], leniency: float, rng: random.Random
) -> SimulatedReply:
    appeal: dict[str, float] = {}
    ratings: list[SimulatedRating] = []
    for response in query.responses:
        near = closeness(
            place=place,
            position=response.position,
            weights=query.weights,
            reach=REACH * response.breadth,
        )
        shared = SHARED_NOISE * normal(rng)
        scores = []
        for criterion in plan.criteria:
            own = math.sqrt(1 - SHARED_NOISE**2) * normal(rng)
            score = _score(criterion, response, near) + leniency
            score += plan.rating_noise * (shared + own)
            scores.append(score)
            said = rng.random() >= plan.cant_say_rate
            ratings.append(
                SimulatedRating(
                    response.source, criterion.key, _on_scale(criterion, score) if said else None
                )
            )
        appeal[response.source] = sum(scores) / len(scores)
    judgements = tuple(
        _judgement(answer, query, place, plan.cant_say_rate, rng) for answer in query.answers
    )
    held = [answer for answer, own in zip(query.answers, judgements, strict=True) if own.holds]
    words = sum(response.words for response in query.responses)
    return SimulatedReply(
        query=query.key,
        option=_choose(query, place, rng),
        opinion=_opinion(held, query, rng),
        ratings=tuple(ratings),
        preferences=_preferences(query, appeal, rng),
        judgements=judgements,
        labels=_labels(query, plan.label_error_rate, rng),
        active_ms=round(1000 * (25 + words / WORDS_PER_SECOND) * math.exp(0.35 * normal(rng))),
    )


def _score(criterion: PlannedCriterion, response: PlannedResponse, near: float) -> float:
    """How good she finds it, 0 in the middle of the scale, about ±2 at its ends."""
    return (
        criterion.base
        + criterion.closeness * (2 * near - 1)
        + criterion.quality * response.quality
        + criterion.even_handedness * response.even_handedness
    )


def _on_scale(criterion: PlannedCriterion, score: float) -> float:
    """A score as a legal value of the scale: the nearest step within the bounds."""
    wanted = (0.5 + score / 4) * (criterion.high - criterion.low)
    last = math.floor((criterion.high - criterion.low) / criterion.step + 1e-9)
    steps = min(max(round(wanted / criterion.step), 0), last)
    return criterion.low + steps * criterion.step


def _judgement(
    answer: PlannedAnswer,
    query: PlannedQuery,
    place: list[float],
    cant_say_rate: float,
    rng: random.Random,
) -> SimulatedJudgement:
    near = closeness(place=place, position=answer.position, weights=query.weights)
    value = answer.plausibility + JUDGEMENT_SPREAD * (2 * near - 1) + JUDGEMENT_NOISE * normal(rng)
    verdict: Verdict = (
        "cant_say"
        if rng.random() < cant_say_rate
        else "correct"
        if value >= CORRECT_FROM
        else "reasonable"
        if value >= REASONABLE_FROM
        else "unreasonable"
    )
    accepts = verdict in ("correct", "reasonable")
    return SimulatedJudgement(
        answer.key, verdict, accepts and near + 0.12 * normal(rng) > HELD_FROM
    )


def _choose(query: PlannedQuery, place: list[float], rng: random.Random) -> str | None:
    if not query.options:
        return None
    weights = [
        math.exp(4 * closeness(place=place, position=option.position, weights=query.weights))
        for option in query.options
    ]
    return query.options[pick(rng, weights)].key


def _preferences(
    query: PlannedQuery, appeal: Mapping[str, float], rng: random.Random
) -> tuple[SimulatedPreference, ...]:
    """One verdict for each pair of responses, sides by chance."""
    found = []
    names = [response.source for response in query.responses]
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            left, right = (first, second) if rng.random() < 0.5 else (second, first)
            gap = appeal[left] - appeal[right]
            verdict: PreferenceVerdict = (
                "both_bad"
                if max(appeal[left], appeal[right]) < BAD_BELOW
                else "tie"
                if abs(gap) < TIE_WITHIN
                else "left"
                if gap > 0
                else "right"
            )
            found.append(SimulatedPreference(left, right, verdict))
    return tuple(found)


def _labels(
    query: PlannedQuery, error_rate: float, rng: random.Random
) -> tuple[SimulatedLabel, ...]:
    """The author's labels, misread at the given rate."""
    found = []
    for response in query.responses:
        for answer, label in response.labels.items():
            read: PairLabel = label
            if rng.random() < error_rate:
                others = [other for other in PAIR_LABELS if other != label]
                read = others[pick(rng, [1.0] * len(others))]
            found.append(SimulatedLabel(response.source, answer, read))
    return tuple(found)


_OPENINGS = (
    "As I see it: {}",
    "{} That is where I stand.",
    "I keep coming back to this. {}",
    "From what I have seen, {}",
    "{} I would not go further than that.",
    "My first thought, and my last: {}",
)
_UNDECIDED = (
    "I can see more than one side here and would want to hear the people it touches.",
    "It depends on the case, and I would rather not have one rule for everybody.",
    "I have no firm view on this.",
)


def _opinion(held: Sequence[PlannedAnswer], query: PlannedQuery, rng: random.Random) -> str:
    """Her own answer in words: a view that she holds in one of several frames."""
    if not held or not query.answers:
        return _UNDECIDED[pick(rng, [1.0] * len(_UNDECIDED))]
    text = held[pick(rng, [1.0] * len(held))].text
    frame = _OPENINGS[pick(rng, [1.0] * len(_OPENINGS))]
    if not frame.startswith("{}") and frame.endswith(", {}"):
        text = text[0].lower() + text[1:]
    return frame.format(text)
