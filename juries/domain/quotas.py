"""Quotas: bounds on how many members of a panel have a trait or a combination of traits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

from juries.domain.candidates import CandidateProfile


class InvalidQuota(ValueError):
    """A quota that no panel could be checked against."""


@dataclass(frozen=True, slots=True)
class Quota:
    """At least `minimum` and at most `maximum` members have all of `traits`.

    `traits` is a tuple of (feature, value) pairs: one pair for a plain quota, more for a
    combination such as "women under 30". The flexible bounds say how far the minimum may be lowered
    and the maximum raised where no panel exists, None where nothing is said; they change nothing
    about who may sit. Raises InvalidQuota when empty, when a feature stands twice, when a bound is
    negative or when a flexible bound is tighter than its bound. `minimum > maximum` is
    representable, so that it can be explained.
    """

    traits: tuple[tuple[str, str], ...]
    minimum: int
    maximum: int
    flexible_minimum: int | None = None
    flexible_maximum: int | None = None

    def __post_init__(self) -> None:
        if not self.traits:
            raise InvalidQuota("A quota needs at least one feature value.")
        features = [feature for feature, _ in self.traits]
        if len(set(features)) != len(features):
            raise InvalidQuota(
                f"The quota {self.label} names a feature twice; nobody has two values of one."
            )
        if self.minimum < 0 or self.maximum < 0:
            raise InvalidQuota(
                f"The quota {self.label} has a negative bound"
                f" ({self.minimum} to {self.maximum}); bounds start at 0."
            )
        crossed = flex_problems(
            bounds=(self.minimum, self.maximum),
            flexible=(self.flexible_minimum, self.flexible_maximum),
        )
        if crossed:
            raise InvalidQuota(f"In the quota {self.label} {crossed[0]}")

    @property
    def states_flex(self) -> bool:
        """Whether it is said of either bound how far it may give."""
        return self.flexible_minimum is not None or self.flexible_maximum is not None

    @property
    def label(self) -> str:
        """Words for messages: `gender: female` or `gender: female and age: 18-29`."""
        return " and ".join(f"{feature}: {value}" for feature, value in self.traits)

    def admits(self, candidate: CandidateProfile) -> bool:
        """Whether `candidate` counts towards this quota."""
        traits = candidate.by_feature
        return all(traits.get(feature) == value for feature, value in self.traits)


def flex_problems(
    *, bounds: tuple[int, int], flexible: tuple[int | None, int | None]
) -> tuple[str, ...]:
    """What is wrong with flexible bounds beside (minimum, maximum), a sentence each."""
    (minimum, maximum), (low, high) = bounds, flexible
    problems: list[str] = []
    if low is not None and not 0 <= low <= minimum:
        problems.append(
            f"the minimum of {minimum} can't give way to {low}; name a number from 0 to {minimum}."
        )
    if high is not None and high < maximum:
        problems.append(
            f"the maximum of {maximum} can't give way to {high}; name {maximum} or more."
        )
    return tuple(problems)


class QuotaProblemCode(StrEnum):
    """What is wrong, for programs; the message says it to people."""

    SIZE_TOO_SMALL = "size_too_small"
    POOL_TOO_SMALL = "pool_too_small"
    CROSSED_BOUNDS = "crossed_bounds"
    REPEATED_QUOTA = "repeated_quota"
    UNKNOWN_FEATURE = "unknown_feature"
    UNKNOWN_VALUE = "unknown_value"
    MINIMUM_ABOVE_SIZE = "minimum_above_size"
    TOO_FEW_CANDIDATES = "too_few_candidates"
    MINIMA_ABOVE_SIZE = "minima_above_size"
    MAXIMA_BELOW_SIZE = "maxima_below_size"
    MUST_SIT_ABOVE_SIZE = "must_sit_above_size"
    MUST_SIT_ABOVE_MAXIMUM = "must_sit_above_maximum"
    MUST_SIT_ABOVE_HOUSEHOLD_LIMIT = "must_sit_above_household_limit"


@dataclass(frozen=True, slots=True)
class QuotaProblem:
    """One reason why no panel can meet the quotas.

    `feature` is empty where the whole pool is meant. `needed` and `available` are the two numbers
    that contradict each other, in persons.
    """

    code: QuotaProblemCode
    feature: str
    values: tuple[str, ...]
    needed: int
    available: int
    message: str


def count_candidates(
    *, candidates: Sequence[CandidateProfile], quotas: Sequence[Quota]
) -> tuple[int, ...]:
    """How many candidates count towards each quota, in the order of `quotas`."""
    holders: dict[tuple[str, str], set[int]] = {}
    for index, candidate in enumerate(candidates):
        for trait in candidate.traits:
            holders.setdefault(trait, set()).add(index)
    nobody: set[int] = set()
    return tuple(
        len(set.intersection(*(holders.get(trait, nobody) for trait in quota.traits)))
        for quota in quotas
    )


def check_quotas(
    *, candidates: Sequence[CandidateProfile], quotas: Sequence[Quota], size: int
) -> tuple[QuotaProblem, ...]:
    """Contradictions that sums alone can show; cheap enough to run while quotas are edited.

    Checks the size against the pool, crossed and repeated bounds, unknown features and values,
    minima above the size or above the number of candidates, and, for every feature, the sum of its
    minima and (where all of its values in the pool are bounded) of its maxima. An empty result
    doesn't prove that a panel exists: only the search in `lottery` can.
    """
    problems = list(_size_problems(pool=len(candidates), size=size))
    counts = count_candidates(candidates=candidates, quotas=quotas)
    known: dict[str, set[str]] = {}
    without = dict.fromkeys((feature for quota in quotas for feature, _ in quota.traits), 0)
    for candidate in candidates:
        for feature, value in candidate.traits:
            known.setdefault(feature, set()).add(value)
        for feature in without.keys() - candidate.by_feature.keys():
            without[feature] += 1
    seen: set[tuple[tuple[str, str], ...]] = set()
    for quota, count in zip(quotas, counts, strict=True):
        key = tuple(sorted(quota.traits))
        if key in seen:
            problems.append(
                QuotaProblem(
                    QuotaProblemCode.REPEATED_QUOTA,
                    quota.traits[0][0],
                    tuple(value for _, value in quota.traits),
                    1,
                    2,
                    f"{quota.label} has two quotas; keep one of them.",
                )
            )
        seen.add(key)
        problems.extend(_quota_problems(quota=quota, count=count, size=size, known=known))
    problems.extend(
        _sum_problems(quotas=quotas, counts=counts, size=size, known=known, without=without)
    )
    return tuple(problems)


def _size_problems(*, pool: int, size: int) -> tuple[QuotaProblem, ...]:
    if size < 1:
        return (
            QuotaProblem(
                QuotaProblemCode.SIZE_TOO_SMALL,
                "",
                (),
                1,
                size,
                f"The panel's size is {size}; it must be at least 1.",
            ),
        )
    if size > pool:
        return (
            QuotaProblem(
                QuotaProblemCode.POOL_TOO_SMALL,
                "",
                (),
                size,
                pool,
                f"The panel needs {size} people and the pool has {pool}:"
                f" recruit {size - pool} more or lower the size.",
            ),
        )
    return ()


def _quota_problems(
    *, quota: Quota, count: int, size: int, known: Mapping[str, Collection[str]]
) -> list[QuotaProblem]:
    feature = quota.traits[0][0]
    values = tuple(value for _, value in quota.traits)
    problems: list[QuotaProblem] = []

    def add(code: QuotaProblemCode, needed: int, available: int, message: str) -> None:
        problems.append(QuotaProblem(code, feature, values, needed, available, message))

    for name, value in quota.traits:
        if name not in known and known:
            add(
                QuotaProblemCode.UNKNOWN_FEATURE,
                quota.minimum,
                0,
                f"No candidate has the feature {name!r}; the pool knows"
                f" {', '.join(sorted(known))}.",
            )
        elif known and value not in known[name] and quota.minimum > 0:
            add(
                QuotaProblemCode.UNKNOWN_VALUE,
                quota.minimum,
                0,
                f"No candidate has {name}: {value}; the pool knows"
                f" {', '.join(sorted(known[name]))}.",
            )
    if quota.minimum > quota.maximum:
        add(
            QuotaProblemCode.CROSSED_BOUNDS,
            quota.minimum,
            quota.maximum,
            f"{quota.label} has a minimum of {quota.minimum} above its maximum of"
            f" {quota.maximum}; raise the maximum or lower the minimum.",
        )
    if quota.minimum > size:
        add(
            QuotaProblemCode.MINIMUM_ABOVE_SIZE,
            quota.minimum,
            size,
            f"{quota.label} needs at least {quota.minimum} of a panel of {size}.",
        )
    if not problems and quota.minimum > count:
        add(
            QuotaProblemCode.TOO_FEW_CANDIDATES,
            quota.minimum,
            count,
            f"{quota.label} needs at least {quota.minimum} and the pool has {count}:"
            f" recruit {quota.minimum - count} more or lower the minimum to {count}.",
        )
    return problems


def _sum_problems(
    *,
    quotas: Sequence[Quota],
    counts: Sequence[int],
    size: int,
    known: Mapping[str, Collection[str]],
    without: Mapping[str, int],
) -> list[QuotaProblem]:
    by_feature: dict[str, dict[str, tuple[Quota, int]]] = {}
    for quota, count in zip(quotas, counts, strict=True):
        if len(quota.traits) == 1:
            feature, value = quota.traits[0]
            by_feature.setdefault(feature, {})[value] = (quota, count)
    problems: list[QuotaProblem] = []
    for feature, bounded in by_feature.items():
        values = tuple(bounded)
        minima = sum(quota.minimum for quota, _ in bounded.values())
        if minima > size:
            terms = " + ".join(f"{quota.minimum}" for quota, _ in bounded.values())
            problems.append(
                QuotaProblem(
                    QuotaProblemCode.MINIMA_ABOVE_SIZE,
                    feature,
                    values,
                    minima,
                    size,
                    f"The minima of {feature} add up to {terms} = {minima}, more than the"
                    f" panel of {size}: lower them by {minima - size} together.",
                )
            )
        if feature in known and set(known[feature]) <= set(bounded):
            reach = [min(quota.maximum, count) for quota, count in bounded.values()]
            if without[feature]:  # people whose value isn't known count towards no maximum
                reach.append(without[feature])
            if sum(reach) < size:
                terms = " + ".join(f"{number}" for number in reach)
                problems.append(
                    QuotaProblem(
                        QuotaProblemCode.MAXIMA_BELOW_SIZE,
                        feature,
                        values,
                        size,
                        sum(reach),
                        f"The maxima of {feature} (and the candidates there are) admit only"
                        f" {terms} = {sum(reach)} of the panel of {size}:"
                        f" raise them by {size - sum(reach)} together, or recruit.",
                    )
                )
    return problems


def propose_quotas(
    *, shares: Mapping[str, Mapping[str, float]], size: int, tolerance: int = 0
) -> tuple[Quota, ...]:
    """Quotas from population shares: floor and ceiling of share x size, widened by `tolerance`.

    `shares` maps feature to value to a share in [0, 1]; each feature's shares must add up to 1
    within 0.005 (a census table's rounding) and are normalised exactly. Where share x size is a
    whole number, minimum and maximum are equal unless widened. Raises InvalidQuota naming the
    feature and its sum.
    """
    if size < 1 or tolerance < 0:
        raise InvalidQuota(f"Size {size} must be at least 1 and tolerance {tolerance} at least 0.")
    proposed: list[Quota] = []
    for feature, by_value in shares.items():
        for value, share in by_value.items():
            if not 0 <= share <= 1:
                raise InvalidQuota(f"The share of {feature}: {value} is {share}, not in 0 to 1.")
        exact = {value: Fraction(repr(float(share))) for value, share in by_value.items()}
        total = sum(exact.values(), Fraction(0))
        if abs(total - 1) > Fraction(5, 1000):
            raise InvalidQuota(
                f"The shares of {feature} add up to {float(total):.4f} instead of 1;"
                " add what is missing before quotas are proposed."
            )
        for value, share_ in exact.items():
            expected = share_ / total * size
            proposed.append(
                Quota(
                    ((feature, value),),
                    max(0, floor(expected) - tolerance),
                    min(size, ceil(expected) + tolerance),
                )
            )
    return tuple(proposed)


@dataclass(frozen=True, slots=True)
class QuotaComparison:
    """One feature value: its part of the pool, of the population, and of the panel.

    Shares lie in [0, 1]; None where the population share or the quota is not known.
    """

    feature: str
    value: str
    candidates: int
    pool_share: float
    population_share: float | None
    minimum: int | None
    maximum: int | None
    expected: float | None


def compare_with_population(
    *,
    candidates: Sequence[CandidateProfile],
    quotas: Sequence[Quota],
    shares: Mapping[str, Mapping[str, float]],
    size: int,
) -> tuple[QuotaComparison, ...]:
    """Pool against population against quota, one row for each feature value known to any of them.

    `expected` is population share x size, in persons. Rows stand in the order of `shares`, then of
    the quotas, then alphabetically.
    """
    bounds = {quota.traits[0]: quota for quota in quotas if len(quota.traits) == 1}
    counts: dict[tuple[str, str], int] = {}
    for candidate in candidates:
        for trait in candidate.traits:
            counts[trait] = counts.get(trait, 0) + 1
    keys = dict.fromkeys(
        [(feature, value) for feature, by_value in shares.items() for value in by_value]
        + list(bounds)
        + sorted(counts)
    )
    order = {feature: place for place, feature in enumerate(dict.fromkeys(f for f, _ in keys))}
    rows: list[QuotaComparison] = []
    for feature, value in sorted(keys, key=lambda key: order[key[0]]):
        share = shares.get(feature, {}).get(value)
        quota = bounds.get((feature, value))
        count = counts.get((feature, value), 0)
        rows.append(
            QuotaComparison(
                feature=feature,
                value=value,
                candidates=count,
                pool_share=count / len(candidates) if candidates else 0.0,
                population_share=share,
                minimum=quota.minimum if quota else None,
                maximum=quota.maximum if quota else None,
                expected=share * size if share is not None else None,
            )
        )
    return tuple(rows)
