"""Pools: made and changed, with their features, values and the population's shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils.text import slugify

from juries.models import Candidate, Feature, FeatureValue, Pool, User
from juries.services.audit import record_act
from juries.services.population_file import sum_in_words, sums_that_are_off

EDITABLE = (
    "name", "slug", "description", "consent_text", "consent_version", "registration_open",
    "registration_closes_at", "is_simulated",
)  # fmt: skip
_FEATURE_FIELDS = ("name", "question", "position")
_VALUE_FIELDS = ("value", "position", "population_share")

Row = TypeVar("Row", Feature, FeatureValue)
Place = tuple[object, ...]


class PoolRefused(Exception):
    """The pool, a feature or a value can't be changed like that; the message says what to do.

    Attributes:
        field: the field that is wrong; empty where it is none.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class FeaturesRefused(Exception):
    """A list of features or of shares can't be taken.

    Attributes:
        problems: one sentence each.
        places: for each problem, where it stands in what was wanted, such as (0, "values", 2).
    """

    def __init__(self, problems: Sequence[tuple[Place, str]]) -> None:
        super().__init__(" ".join(problem for _, problem in problems))
        self.problems = tuple(problem for _, problem in problems)
        self.places = tuple(place for place, _ in problems)


@dataclass(frozen=True)
class WantedValue:
    """A value as it is to be; `was` is its name so far, where that changes."""

    name: str
    was: str = ""


@dataclass(frozen=True)
class WantedFeature:
    """A feature as it is to be; `question` None leaves the one that stands."""

    name: str
    values: Sequence[WantedValue]
    was: str = ""
    question: str | None = None


# --- The pool itself ------------------------------------------------------------------------------


def free_slug(*, wanted: str) -> str:
    """A name in addresses that no pool has yet."""
    stem = slugify(wanted)[:70] or "pool"
    free, number = stem, 1
    while Pool.objects.filter(slug=free).exists():
        number += 1
        free = f"{stem}-{number}"
    return free


@transaction.atomic
def create_pool(*, pool: Pool, actor: User | None) -> Pool:
    """Save a new pool, in which nobody is yet; without an address it gets a free one."""
    pool.slug = pool.slug or free_slug(wanted=pool.name)
    pool.created_by = actor
    pool.save()
    record_act(actor=actor, verb="made a pool", subject=pool)
    return pool


def problems_of_change(*, before: Pool, after: Pool) -> dict[str, str]:
    """Why a change of a pool can't be taken, by field; empty where it can."""
    problems: dict[str, str] = {}
    if after.consent_text != before.consent_text:
        agreed = before.candidates.filter(
            origin=Candidate.Origin.REGISTRATION, consent_version=after.consent_version
        ).count()
        if agreed:
            people = "1 volunteer has" if agreed == 1 else f"{agreed} volunteers have"
            problems["consent_version"] = (
                f"{people} agreed to version {after.consent_version} as it stood. Give the "
                "changed text a version that nobody has agreed to yet."
            )
    if after.is_simulated != before.is_simulated and (count := before.candidates.count()):
        problems["is_simulated"] = (
            f"The pool has {count} {'person' if count == 1 else 'people'}, who stay made up or "
            "real as they are. Make another pool for the others."
        )
    return problems


@transaction.atomic
def change_pool(*, pool: Pool, actor: User | None) -> Pool:
    """Save a pool's changed settings.

    Raises:
        PoolRefused: volunteers have agreed to the consent text under this version, or people who
            are made up would be told to be real, or the other way round.
    """
    before = Pool.objects.select_for_update().get(pk=pool.pk)
    changed = _changed(before, pool, EDITABLE)
    if not changed:
        return pool
    for field, message in problems_of_change(before=before, after=pool).items():
        raise PoolRefused(message, field=field)
    pool.save(update_fields=list(changed))
    record_act(actor=actor, verb="changed the pool", subject=pool, details={"before": changed})
    return pool


# --- Features and values --------------------------------------------------------------------------


@transaction.atomic
def save_feature(*, feature: Feature, actor: User | None) -> Feature:
    """Save a new or changed feature. Whoever has one of its values keeps it under the new name.

    Raises:
        PoolRefused: the pool has another feature of this name.
    """
    rivals = Feature.objects.filter(pool_id=feature.pool_id, name=feature.name)
    return _save(feature, _FEATURE_FIELDS, feature.pool, rivals, actor)


@transaction.atomic
def save_value(*, value: FeatureValue, actor: User | None) -> FeatureValue:
    """Save a new or changed value of a feature. Whoever has it keeps it under the new name.

    Raises:
        PoolRefused: the feature has another value of this name.
    """
    rivals = FeatureValue.objects.filter(feature_id=value.feature_id, value=value.value)
    return _save(value, _VALUE_FIELDS, value.feature.pool, rivals, actor)


def _save(
    row: Row,
    fields: Sequence[str],
    pool: Pool,
    rivals: models.QuerySet[Any],
    actor: User | None,
) -> Row:
    noun = str(row._meta.verbose_name)
    if rivals.exclude(pk=row.pk).exists():
        raise PoolRefused(
            f"There is a {noun} {str(row)!r} already; give this one another name.",
            field=fields[0],
        )
    is_new = row.pk is None
    changed: dict[str, Any] = {}
    if not is_new:
        changed = _changed(type(row)._default_manager.get(pk=row.pk), row, fields)
        if not changed:
            return row
    row.save()
    record_act(
        actor=actor,
        verb=f"{'added' if is_new else 'changed'} a {noun}",
        subject=pool,
        details={noun: str(row), **({"before": changed} if changed else {})},
    )
    return row


@transaction.atomic
def remove_feature(*, feature: Feature, actor: User | None) -> None:
    """Remove a feature, with its values, that nobody has and no quota counts.

    Raises:
        PoolRefused: somebody has it, or a jury's quotas count one of its values.
    """
    _remove(feature, feature.pool, list(feature.values.all()), actor)


@transaction.atomic
def remove_value(*, value: FeatureValue, actor: User | None) -> None:
    """Remove a value that nobody has and no quota counts.

    Raises:
        PoolRefused: somebody has it, or a jury's quotas count it.
    """
    _remove(value, value.feature.pool, [value], actor)


def _remove(
    row: Feature | FeatureValue, pool: Pool, values: Sequence[FeatureValue], actor: User | None
) -> None:
    noun, name = str(row._meta.verbose_name), str(row)
    if people := row.traits.count():
        have = "person has" if people == 1 else "people have"
        raise PoolRefused(
            f"The {noun} {name!r} stays: {people} {have} it. "
            + (
                "Import them with another value first."
                if isinstance(row, FeatureValue)
                else "A pool without it is another pool."
            )
        )
    # A quota that lost its value would count everybody.
    counted = FeatureValue.quotas.through.objects.filter(featurevalue__in=values)
    juries = sorted(set(counted.values_list("quota__jury__name", flat=True)))
    if juries:
        raise PoolRefused(
            f"The {noun} {name!r} stays: quotas of {', '.join(map(repr, juries[:5]))} count it. "
            "Take it out of those quotas first."
        )
    row.delete()
    record_act(actor=actor, verb=f"removed a {noun}", subject=pool, details={noun: name})


@transaction.atomic
def set_features(*, pool: Pool, wanted: Sequence[WantedFeature], actor: User | None) -> None:
    """Make some features, with their values, all those of a pool, in this order; or none of it.

    Those that stand are known by their name, or by the name that they had (`was`), so that what
    has been renamed once is not renamed again. What is left out is removed. Shares of the
    population stay with their values.

    Raises:
        FeaturesRefused: a name stands twice, or `was` names nothing that can be renamed.
        PoolRefused: somebody has what would be removed, or a quota counts it.
    """
    Pool.objects.select_for_update().get(pk=pool.pk)
    standing = {row.name: row for row in pool.features.prefetch_related("values")}
    problems: list[tuple[Place, str]] = []
    features = _matched("feature", [(one.name, one.was) for one in wanted], standing, (), problems)
    values = [
        _matched(
            "value",
            [(value.name, value.was) for value in one.values],
            {row.value: row for row in feature.values.all()} if feature is not None else {},
            (place, "values"),
            problems,
        )
        for place, (one, feature) in enumerate(zip(wanted, features, strict=True))
    ]
    if problems:
        raise FeaturesRefused(problems)
    for row in standing.values():
        if row not in features:
            remove_feature(feature=row, actor=actor)
    for place, one in enumerate(wanted):
        feature = features[place] or Feature(pool=pool)
        feature.name, feature.position = one.name, place
        feature.question = feature.question if one.question is None else one.question
        save_feature(feature=feature, actor=actor)
        _set_values(feature, one.values, values[place], actor)


def _set_values(
    feature: Feature,
    wanted: Sequence[WantedValue],
    matched: Sequence[FeatureValue | None],
    actor: User | None,
) -> None:
    for row in feature.values.all():
        if row not in matched:
            remove_value(value=row, actor=actor)
    for place, (one, found) in enumerate(zip(wanted, matched, strict=True)):
        value = found or FeatureValue(feature=feature)
        value.feature, value.value, value.position = feature, one.name, place
        save_value(value=value, actor=actor)


def _matched(
    noun: str,
    wanted: Sequence[tuple[str, str]],
    standing: Mapping[str, Row],
    path: Place,
    problems: list[tuple[Place, str]],
) -> list[Row | None]:
    """The row that each name means, None where it is new; what can't be is added to `problems`."""
    found: list[Row | None] = []
    seen: set[str] = set()
    for place, (name, was) in enumerate(wanted):
        here: Place = (*path, place)
        renames = was != name and was in standing
        if name in seen:
            problems.append((here, f"The {noun} {name!r} stands twice; keep one of them."))
        elif renames and name in standing:
            message = f"There are {was!r} and {name!r}; rename the {noun} to a name that is free."
            problems.append(((*here, "was"), message))
        elif was and not renames and name not in standing:
            message = f"There is no {noun} {was!r} to rename. Leave this out to add {name!r}."
            problems.append(((*here, "was"), message))
        seen.add(name)
        known = was if renames else name
        row = standing.get(known)
        if row is not None and row in found and not problems:
            problems.append((here, f"The {noun} {known!r} is named twice; keep one of them."))
        found.append(row)
    return found


# --- The population -------------------------------------------------------------------------------


@transaction.atomic
def set_shares(*, pool: Pool, shares: Mapping[tuple[str, str], float], actor: User | None) -> None:
    """Make these, by feature and value, all the population's shares that are known of a pool.

    Raises:
        FeaturesRefused: the pool has no such value (the place is its number), or the shares of a
            feature don't add up to 1, or one is not in 0 to 1.
    """
    Pool.objects.select_for_update().get(pk=pool.pk)
    values = {
        (value.feature.name, value.value): value
        for value in FeatureValue.objects.filter(feature__pool=pool).select_related("feature")
    }
    problems: list[tuple[Place, str]] = [
        ((place,), f"The pool has no {feature}: {value}.")
        for place, (feature, value) in enumerate(shares)
        if (feature, value) not in values
    ]
    problems += [
        ((place,), f"The share of {feature}: {value} is {share}; shares go from 0 to 1.")
        for place, ((feature, value), share) in enumerate(shares.items())
        if not 0 <= share <= 1
    ]
    problems += [
        ((), sum_in_words(feature, total)) for feature, total in sums_that_are_off(shares).items()
    ]
    if problems:
        raise FeaturesRefused(problems)
    before: dict[str, float | None] = {}
    for trait, value in values.items():
        share = shares.get(trait)
        if value.population_share != share:
            before[str(value)] = value.population_share
            value.population_share = share
            value.save(update_fields=["population_share"])
    if before:
        record_act(
            actor=actor,
            verb="set the population's shares",
            subject=pool,
            details={"before": before},
        )


def _changed(before: models.Model, after: models.Model, fields: Sequence[str]) -> dict[str, Any]:
    """The values before of the fields that differ, ready for JSON."""
    return {
        name: _plain(getattr(before, name))
        for name in fields
        if getattr(before, name) != getattr(after, name)
    }


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
