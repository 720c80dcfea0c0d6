"""Reads of draws: the inputs with their digest, the record, chances, and who was composed how."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from juries.domain.candidates import CandidateProfile
from juries.domain.panel_space import build_panel_space, problems_by_sums
from juries.domain.quotas import Quota as QuotaBounds
from juries.models import Candidate, Draw, Jury
from juries.selectors.pools import candidate_profiles
from juries.selectors.quotas import quotas_of
from juries.selectors.seating_rules import RuleProblem, seating_of


def canonical_json(value: Any) -> bytes:
    """The one way in which a record is written, so that its digest is the same everywhere."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


@dataclass(frozen=True)
class DrawInputs:
    """All that a draw depends on, apart from its method and its seed.

    People are public ids. `must_not_sit` holds those who rest and those `barred` by a rule;
    `problems` are rules that can't hold.
    """

    profiles: tuple[CandidateProfile, ...]
    quotas: tuple[QuotaBounds, ...]
    size: int
    household_limit: int | None
    must_not_sit: tuple[str, ...] = ()
    must_sit: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
    problems: tuple[RuleProblem, ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """All of it under the names that the domain's functions give it."""
        return {
            "candidates": self.profiles,
            "quotas": self.quotas,
            "size": self.size,
            "household_limit": self.household_limit,
            "must_sit": self.must_sit,
            "must_not_sit": self.must_not_sit,
        }

    @property
    def pool_digest(self) -> str:
        """Digest of the candidates by public id, with traits and numbered households."""
        ordered = sorted(self.profiles, key=lambda profile: profile.id)
        numbers: dict[str, int] = {}
        people = [
            [
                profile.id,
                [list(trait) for trait in profile.traits],
                numbers.setdefault(profile.household, len(numbers) + 1) if profile.household else 0,
            ]
            for profile in ordered
        ]
        return digest_of(people)

    @property
    def digest(self) -> str:
        """Digest of everything; seating rules are named only where there are any.

        So draws that were found before there were rules keep their digest.
        """
        everything: dict[str, Any] = {
            "pool": self.pool_digest,
            "quotas": quotas_as_json(self.quotas),
            "size": self.size,
            "household_limit": self.household_limit,
            "must_not_sit": list(self.must_not_sit),
        }
        if self.must_sit:
            everything["must_sit"] = list(self.must_sit)
        if self.barred:
            everything["barred"] = list(self.barred)
        return digest_of(everything)


def quotas_as_json(quotas: Sequence[QuotaBounds]) -> list[dict[str, Any]]:
    """Quotas as they stand in a record."""
    return [
        {
            "traits": [list(trait) for trait in quota.traits],
            "minimum": quota.minimum,
            "maximum": quota.maximum,
        }
        for quota in quotas
    ]


def draw_inputs(*, jury: Jury) -> DrawInputs:
    """What a draw of this jury would read now."""
    profiles = tuple(candidate_profiles(pool=jury.pool))
    seating = seating_of(jury=jury, known=[profile.id for profile in profiles])
    return DrawInputs(
        profiles=profiles,
        quotas=tuple(quotas_of(jury=jury)),
        size=jury.size,
        household_limit=jury.household_limit,
        must_not_sit=seating.must_not_sit,
        must_sit=seating.must_sit,
        barred=seating.barred,
        problems=seating.problems,
    )


def known_problems(*, inputs: DrawInputs) -> list[str]:
    """What stops a draw before any search, a sentence each: rules that can't hold, and sums."""
    if inputs.problems:
        return [problem.message for problem in inputs.problems]
    return [problem.message for problem in problems_by_sums(build_panel_space(**inputs.arguments))]


def seated_by(*, draw: Draw) -> list[int]:
    """Candidates (primary keys) who sit after a draw: those drawn, and those who stayed."""
    staying = Candidate.objects.filter(public_id__in=draw.record.get("staying", []))
    drawn = draw.chances.filter(is_drawn=True)
    return [
        *drawn.values_list("candidate_id", flat=True),
        *staying.values_list("pk", flat=True),
    ]


@dataclass(frozen=True)
class Settled:
    """How many of a draw's candidates were on every panel, or on none, by what was said before."""

    must_sit: int
    must_not_sit: int


def settled_by(*, draw: Draw) -> Settled:
    """Whose part was settled before a draw, as its record tells; those who sat already aside."""
    record = draw.record
    elsewhere = {*record.get("staying", ()), *record.get("gone", ())}
    return Settled(
        must_sit=len(record.get("must_sit", ())),
        must_not_sit=len(set(record.get("must_not_sit", ())) - elsewhere),
    )


@dataclass(frozen=True)
class CompositionRow:
    """One quota of a draw, and how many of those drawn count towards it."""

    feature: str
    label: str
    count: int
    minimum: int
    maximum: int
    target: float | None

    @property
    def is_out(self) -> bool:
        """The quota is not met."""
        return not self.minimum <= self.count <= self.maximum


def composition(
    *, jury: Jury, candidate_ids: Sequence[int], quotas: Sequence[Mapping[str, Any]]
) -> list[CompositionRow]:
    """How many of the given candidates count towards each quota (as it stands in a record).

    Those who erased their traits are not counted any more.
    """
    traits: dict[int, set[tuple[str, str]]] = {pk: set() for pk in candidate_ids}
    people = Candidate.objects.filter(pk__in=candidate_ids).prefetch_related(
        "traits__feature_value__feature"
    )
    for person in people:
        for trait in person.traits.all():
            value = trait.feature_value
            traits[person.pk].add((value.feature.name, value.value))
    shares = {
        (value.feature.name, value.value): value.population_share
        for feature in jury.pool.features.prefetch_related("values__feature")
        for value in feature.values.all()
    }
    rows: list[CompositionRow] = []
    for quota in quotas:
        wanted = [(str(feature), str(value)) for feature, value in quota["traits"]]
        share = shares.get(wanted[0]) if len(wanted) == 1 else None
        rows.append(
            CompositionRow(
                feature=wanted[0][0] if len(wanted) == 1 else "combinations",
                label=(
                    wanted[0][1]
                    if len(wanted) == 1
                    else " and ".join(f"{feature}: {value}" for feature, value in wanted)
                ),
                count=sum(1 for held in traits.values() if held.issuperset(wanted)),
                minimum=int(quota["minimum"]),
                maximum=int(quota["maximum"]),
                target=share * jury.size if share is not None else None,
            )
        )
    return rows


@dataclass(frozen=True)
class ChanceStep:
    """So many candidates share one chance (in [0, 1]); so many of them were drawn."""

    probability: float
    candidates: int
    drawn: int


@dataclass(frozen=True)
class Chances:
    """Everybody's chance in a draw.

    `steps` are distinct chances (to 1e-6), smallest first; `smallest_possible` is the smallest
    above zero; `average` is the size over the number of candidates.
    """

    steps: tuple[ChanceStep, ...]
    candidates: int
    smallest: float
    smallest_possible: float
    largest: float
    average: float
    without: int

    def possible_beside(self, certain: int) -> tuple[ChanceStep, ...]:
        """Steps above zero, without so many candidates who have the largest chance for certain."""
        steps = [step for step in self.steps if step.probability > 0]
        if certain and steps and steps[-1].candidates <= certain:
            steps.pop()
        return tuple(steps)


def chances_of(*, draw: Draw) -> Chances | None:
    """Chances of a draw by steps; None where the draw has none. One query."""
    steps: dict[float, list[int]] = {}
    rows = draw.chances.values_list("probability", "is_drawn")
    for probability, is_drawn in rows.iterator(chunk_size=10_000):
        step = steps.setdefault(round(probability, 6), [0, 0])
        step[0] += 1
        step[1] += int(is_drawn)
    if not steps:
        return None
    ordered = tuple(ChanceStep(chance, *counts) for chance, counts in sorted(steps.items()))
    total = sum(step.candidates for step in ordered)
    return Chances(
        steps=ordered,
        candidates=total,
        smallest=ordered[0].probability,
        smallest_possible=next((s.probability for s in ordered if s.probability > 0), 0.0),
        largest=ordered[-1].probability,
        average=draw.size / total,
        without=sum(step.candidates for step in ordered if step.probability == 0),
    )
