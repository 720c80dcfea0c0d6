"""Reads of pools, and the border where candidates become profiles without identity."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q

from juries.domain.candidates import CandidateProfile
from juries.models import Candidate, CandidateTrait, Feature, FeatureValue, Pool


def candidate_profiles(*, pool: Pool) -> list[CandidateProfile]:
    """Everybody who can be drawn, by public id, with her traits in the order of the features.

    One query for each feature value and one for the people.
    """
    names = [
        (value.pk, (value.feature.name, value.value))
        for value in FeatureValue.objects.filter(feature__pool=pool)
        .select_related("feature")
        .order_by("feature__position", "feature_id", "position", "id")
    ]
    traits: dict[int, list[tuple[str, str]]] = {}
    # A query for each value: the order of the traits comes for free, and nothing is sorted.
    for value_id, name in names:
        holders = CandidateTrait.objects.filter(feature_value_id=value_id).order_by()
        for candidate_id in holders.values_list("candidate_id", flat=True):
            traits.setdefault(candidate_id, []).append(name)
    people = pool.candidates.drawable().order_by("id").values_list("id", "public_id", "household")
    return [
        CandidateProfile(
            id=str(public_id), traits=tuple(traits.get(pk, ())), household=household.strip()
        )
        for pk, public_id, household in people.iterator(chunk_size=10_000)
    ]


def population_shares(*, pool: Pool) -> dict[str, dict[str, float]]:
    """Feature to value to share of the population, for features whose every value has a share."""
    shares: dict[str, dict[str, float]] = {}
    incomplete: set[str] = set()
    for value in FeatureValue.objects.filter(feature__pool=pool).select_related("feature"):
        if value.population_share is None:
            incomplete.add(value.feature.name)
        else:
            shares.setdefault(value.feature.name, {})[value.value] = value.population_share
    return {feature: known for feature, known in shares.items() if feature not in incomplete}


@dataclass(frozen=True)
class ValueCount:
    """One feature value: how many candidates have it, against the population.

    Shares lie in [0, 1]; `population_share` is None where it is not known.
    """

    value: FeatureValue
    candidates: int
    pool_share: float
    population_share: float | None

    @property
    def pool_percent(self) -> float:
        """Percent of the pool."""
        return self.pool_share * 100

    @property
    def population_percent(self) -> float | None:
        """Percent of the population, where known."""
        return None if self.population_share is None else self.population_share * 100


def pool_against_population(*, pool: Pool) -> Mapping[Feature, list[ValueCount]]:
    """Each feature with its values, counted over those who can be drawn. Two queries."""
    total = pool.candidates.drawable().count()
    values = (
        FeatureValue.objects.filter(feature__pool=pool)
        .select_related("feature")
        .annotate(people=Count("traits", filter=Q(traits__candidate__state=Candidate.State.ACTIVE)))
        .order_by("feature__position", "feature_id", "position", "id")
    )
    table: dict[Feature, list[ValueCount]] = {}
    for value in values:
        table.setdefault(value.feature, []).append(
            ValueCount(
                value=value,
                candidates=value.people,
                pool_share=value.people / total if total else 0.0,
                population_share=value.population_share,
            )
        )
    return table
