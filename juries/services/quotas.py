"""Writing the quotas of a jury."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from django.db import transaction

from juries.domain.quotas import InvalidQuota, flex_problems, propose_quotas
from juries.models import FeatureValue, Jury, Quota, User
from juries.selectors.pools import population_shares
from juries.selectors.quotas import quota_key
from juries.services.audit import record_act


class QuotasRefused(Exception):
    """The quotas can't be stored.

    Attributes:
        problems: one sentence each, naming the feature and the numbers.
        places: for each problem, the place of the quota among those wanted, from 0; None where it
            is about none of them.
    """

    def __init__(self, problems: Sequence[str], *, places: Sequence[int | None] = ()) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)
        self.places = tuple(places) or (None,) * len(self.problems)


@dataclass(frozen=True)
class WantedQuota:
    """Bounds wanted for people who have all of the values (ids of FeatureValue).

    The flexible ones say how far a bound may give way; None: nothing is said.
    """

    value_ids: tuple[int, ...]
    minimum: int
    maximum: int
    flexible_minimum: int | None = None
    flexible_maximum: int | None = None

    @classmethod
    def of(cls, stored: Quota, *, value_ids: Iterable[int]) -> Self:
        """A quota that is there already."""
        return cls(
            tuple(value_ids),
            stored.minimum,
            stored.maximum,
            stored.flexible_minimum,
            stored.flexible_maximum,
        )


@transaction.atomic
def set_quotas(*, jury: Jury, quotas: Sequence[WantedQuota], actor: User | None = None) -> None:
    """Replace all quotas of a jury.

    Sums are not checked: quotas may be saved while they are still being worked on. A draw is
    refused until they can be met.

    Raises:
        QuotasRefused: bounds are crossed, a flexible bound is tighter than its bound, a value is
            of another pool, or a quota stands twice.
    """
    known = {
        value.pk: value
        for value in FeatureValue.objects.filter(feature__pool=jury.pool).select_related("feature")
    }
    problems: list[tuple[int, str]] = []
    keys: set[str] = set()
    for place, wanted in enumerate(quotas):
        problems.extend((place, problem) for problem in _problems_of(wanted, known))
        key = quota_key(wanted.value_ids)
        if key in keys:
            problems.append((place, f"{_label(wanted, known)} has two quotas; keep one of them."))
        keys.add(key)
    if problems:
        raise QuotasRefused(
            [problem for _, problem in problems], places=[place for place, _ in problems]
        )
    jury.quotas.all().delete()
    for wanted in quotas:
        row = Quota.objects.create(
            jury=jury,
            key=quota_key(wanted.value_ids),
            minimum=wanted.minimum,
            maximum=wanted.maximum,
            flexible_minimum=wanted.flexible_minimum,
            flexible_maximum=wanted.flexible_maximum,
        )
        row.feature_values.set(wanted.value_ids)
    record_act(
        actor=actor,
        verb="set quotas",
        subject=jury,
        details={"quotas": [_told(wanted, known) for wanted in quotas]},
    )


def _told(wanted: WantedQuota, known: dict[int, FeatureValue]) -> dict[str, str | int]:
    """A quota for the audit log; how far it may give only where that is said."""
    told: dict[str, str | int] = {
        "of": _label(wanted, known),
        "minimum": wanted.minimum,
        "maximum": wanted.maximum,
    }
    if wanted.flexible_minimum is not None:
        told["min_flex"] = wanted.flexible_minimum
    if wanted.flexible_maximum is not None:
        told["max_flex"] = wanted.flexible_maximum
    return told


def _label(wanted: WantedQuota, known: dict[int, FeatureValue]) -> str:
    return " and ".join(str(known[pk]) for pk in wanted.value_ids if pk in known) or "A quota"


def _problems_of(wanted: WantedQuota, known: dict[int, FeatureValue]) -> list[str]:
    if not wanted.value_ids:
        return ["A quota names no feature value; choose at least one."]
    if any(pk not in known for pk in wanted.value_ids):
        return ["A quota names a value that this pool doesn't have; reload the page."]
    label = _label(wanted, known)
    problems: list[str] = []
    features = [known[pk].feature_id for pk in wanted.value_ids]
    if len(set(features)) != len(features):
        problems.append(f"{label}: nobody has two values of one feature.")
    if wanted.minimum < 0:
        problems.append(f"{label}: the minimum is {wanted.minimum}; bounds start at 0.")
    if wanted.minimum > wanted.maximum:
        problems.append(
            f"{label}: the minimum of {wanted.minimum} is above the maximum of {wanted.maximum}."
        )
    crossed = flex_problems(
        bounds=(wanted.minimum, wanted.maximum),
        flexible=(wanted.flexible_minimum, wanted.flexible_maximum),
    )
    problems.extend(f"{label}: {problem}" for problem in crossed)
    return problems


def quotas_from_population(*, jury: Jury, tolerance: int = 0) -> list[WantedQuota]:
    """Floor and ceiling of population share x size, widened by `tolerance`; nothing is written.

    Raises:
        QuotasRefused: no feature has the shares of all its values, or a feature's shares don't
            add up to 1.
    """
    shares = population_shares(pool=jury.pool)
    if not shares:
        message = (
            "No feature of this pool has population shares for all its values. Enter them in the "
            "pool, or import population.csv."
        )
        raise QuotasRefused([message])
    ids = {
        (value.feature.name, value.value): value.pk
        for value in FeatureValue.objects.filter(feature__pool=jury.pool).select_related("feature")
    }
    try:
        proposed = propose_quotas(shares=shares, size=jury.size, tolerance=tolerance)
    except InvalidQuota as problem:
        raise QuotasRefused([str(problem)]) from problem
    return [
        WantedQuota(
            value_ids=tuple(ids[trait] for trait in quota.traits),
            minimum=quota.minimum,
            maximum=quota.maximum,
        )
        for quota in proposed
    ]
