"""Reads of quotas: as rows for a page, and as the domain's values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from juries.domain.conflicts import Answer
from juries.domain.explanation import Explanation, explain
from juries.domain.panel_space import build_panel_space, problems_by_sums
from juries.domain.quotas import Quota as QuotaBounds
from juries.domain.quotas import QuotaProblem
from juries.models import Feature, FeatureValue, Jury, Quota
from juries.selectors.pools import ValueCount, candidate_profiles, pool_against_population
from juries.selectors.seating_rules import Seating, seating_of

LIVE_SECONDS = 2.0
"""Time that a check of quotas takes at the most while they are edited."""


def quota_key(value_ids: tuple[int, ...]) -> str:
    """How a quota on these feature values is told from others of its jury."""
    return ",".join(str(value_id) for value_id in sorted(value_ids))


def quotas_of(*, jury: Jury) -> list[QuotaBounds]:
    """The jury's quotas in the order of features and values, combinations last."""
    quotas: list[tuple[list[tuple[int, int, int, int]], QuotaBounds]] = []
    for row in jury.quotas.prefetch_related("feature_values__feature"):
        values = sorted(row.feature_values.all(), key=_place)
        quotas.append(
            (
                [_place(value) for value in values],
                QuotaBounds(
                    traits=tuple((value.feature.name, value.value) for value in values),
                    minimum=row.minimum,
                    maximum=row.maximum,
                    flexible_minimum=row.flexible_minimum,
                    flexible_maximum=row.flexible_maximum,
                ),
            )
        )
    return [bounds for _, bounds in sorted(quotas, key=lambda item: (len(item[0]), item[0]))]


def _place(value: FeatureValue) -> tuple[int, int, int, int]:
    return (value.feature.position, value.feature_id, value.position, value.pk)


@dataclass(frozen=True)
class QuotaRow:
    """One feature value on the quotas page; `quota` is None where there is none.

    `expected` is population share x size, in persons.
    """

    count: ValueCount
    quota: Quota | None
    expected: float | None


@dataclass(frozen=True)
class Combination:
    """A quota on people who have several values at once."""

    values: tuple[FeatureValue, ...]
    quota: Quota

    @property
    def label(self) -> str:
        """Words, such as "gender: woman and age: under 30"."""
        return " and ".join(str(value) for value in self.values)


@dataclass(frozen=True)
class QuotaTable:
    """The quotas page: rows by feature, and the combinations."""

    features: Mapping[Feature, list[QuotaRow]]
    combinations: tuple[Combination, ...]


def quota_table(*, jury: Jury) -> QuotaTable:
    """All values of the pool's features with their counts, shares and bounds. Five queries."""
    single: dict[int, Quota] = {}
    combinations: list[Combination] = []
    for row in jury.quotas.prefetch_related("feature_values__feature"):
        values = tuple(sorted(row.feature_values.all(), key=_place))
        if len(values) == 1:
            single[values[0].pk] = row
        else:
            combinations.append(Combination(values, row))
    features: dict[Feature, list[QuotaRow]] = {}
    for feature, counts in pool_against_population(pool=jury.pool).items():
        rows = features.setdefault(feature, [])
        for count in counts:
            share = count.population_share
            rows.append(
                QuotaRow(
                    count=count,
                    quota=single.get(count.value.pk),
                    expected=share * jury.size if share is not None else None,
                )
            )
    return QuotaTable(features=features, combinations=tuple(combinations))


@dataclass(frozen=True)
class QuotaCheck:
    """Whether quotas can be met: by sums, and by a search for one panel.

    `candidates` can be drawn, unless `seating` settles it; `explanation` is None where there was
    nothing to search. Rules in `seating.problems` can't hold and were left out.
    """

    problems: tuple[QuotaProblem, ...]
    explanation: Explanation | None
    candidates: int
    seating: Seating

    @property
    def free(self) -> int:
        """How many may sit: all who don't rest and aren't barred."""
        return self.candidates - len(self.seating.must_not_sit)

    @property
    def is_impossible(self) -> bool:
        """A draw would be refused: by a rule, by sums, or because no panel exists."""
        if self.seating.problems or self.problems:
            return True
        return self.explanation is not None and self.explanation.answer is Answer.NO


def check_of_quotas(
    *, jury: Jury, quotas: Sequence[QuotaBounds], seconds: float = LIVE_SECONDS
) -> QuotaCheck:
    """Prove that a panel exists under quotas, saved or not yet, or say why none does.

    Takes about `seconds` at the most. Queries: those of `candidate_profiles` and `seating_of`.
    """
    profiles = candidate_profiles(pool=jury.pool)
    seating = seating_of(jury=jury, known=[profile.id for profile in profiles])
    space = build_panel_space(
        candidates=profiles,
        quotas=quotas,
        size=jury.size,
        household_limit=jury.household_limit,
        must_sit=seating.must_sit,
        must_not_sit=seating.must_not_sit,
    )
    return QuotaCheck(
        problems=problems_by_sums(space),
        explanation=explain(space=space, time_limit=seconds) if space.kinds else None,
        candidates=len(profiles),
        seating=seating,
    )
