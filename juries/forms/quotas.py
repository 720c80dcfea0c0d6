"""The quotas page's inputs: two bounds for each feature value, how far each may give way, and
combinations of values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from django.http import QueryDict

from juries.domain.quotas import Quota as QuotaBounds
from juries.domain.quotas import flex_problems
from juries.selectors.quotas import QuotaTable
from juries.services.quotas import WantedQuota


@dataclass(frozen=True)
class TypedRow:
    """The texts of a row: its bounds, and how far each may give way."""

    minimum: str = ""
    maximum: str = ""
    min_flex: str = ""
    max_flex: str = ""

    @classmethod
    def of(cls, wanted: WantedQuota) -> Self:
        """The texts of a quota that is known."""
        bounds = (
            wanted.minimum,
            wanted.maximum,
            wanted.flexible_minimum,
            wanted.flexible_maximum,
        )
        return cls(*("" if bound is None else str(bound) for bound in bounds))

    @property
    def states_flex(self) -> bool:
        """Whether anything is said of giving way."""
        return bool(self.min_flex or self.max_flex)


@dataclass
class QuotaInput:
    """What was typed: bounds to keep, what to show again, what is wrong.

    `typed` maps the key of a row to its texts. Keys are a feature value's id, `c0`, `c1` ... for
    the saved combinations, and `new`. `keys` finds a row's key by the ids of its values.
    """

    wanted: list[WantedQuota] = field(default_factory=list)
    typed: dict[str, TypedRow] = field(default_factory=dict)
    keys: dict[tuple[int, ...], str] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    new_values: tuple[int, ...] = ()
    errors: list[str] = field(default_factory=list)

    @property
    def states_flex(self) -> bool:
        """Whether anything is said of giving way in any row."""
        return any(row.states_flex for row in self.typed.values())

    def as_bounds(self, traits: Mapping[int, tuple[str, str]]) -> list[QuotaBounds]:
        """The same quotas for the domain; `traits` are (feature, value) by id."""
        return [
            QuotaBounds(
                traits=tuple(traits[pk] for pk in wanted.value_ids),
                minimum=wanted.minimum,
                maximum=wanted.maximum,
                flexible_minimum=wanted.flexible_minimum,
                flexible_maximum=wanted.flexible_maximum,
            )
            for wanted in self.wanted
        ]

    def take(self, bounds: str) -> bool:
        """Move bounds as a relaxation asks, written as `KEY:MINIMUM:MAXIMUM` with blanks between.

        False, and nothing moved, where a row isn't among those that were typed.
        """
        moved: dict[str, tuple[int, int]] = {}
        for part in bounds.split():
            key, _, numbers = part.partition(":")
            low, _, high = numbers.partition(":")
            if not (_is_number(low) and _is_number(high)) or key not in self.keys.values():
                return False
            moved[key] = (int(low), int(high))
        for place, wanted in enumerate(self.wanted):
            key = self.keys[wanted.value_ids]
            if key in moved:
                self.wanted[place] = _moved(wanted, *moved[key])
                self.typed[key] = TypedRow.of(self.wanted[place])
        return bool(moved)


def with_proposed(data: QueryDict, proposed: Sequence[WantedQuota]) -> QueryDict:
    """What was typed, with the bounds of quotas on single values as proposed."""
    changed = data.copy()
    for quota in proposed:
        (value,) = quota.value_ids
        changed[f"min-{value}"], changed[f"max-{value}"] = str(quota.minimum), str(quota.maximum)
        for name, bound, widest in (
            ("min-flex", quota.minimum, min),
            ("max-flex", quota.maximum, max),
        ):
            text = data.get(f"{name}-{value}", "").strip()
            if _is_number(text):
                changed[f"{name}-{value}"] = str(widest(int(text), bound))
    return changed


def read_quotas(*, data: QueryDict, table: QuotaTable, size: int) -> QuotaInput:
    """Read the bounds of all rows. Two empty inputs: no quota; one: 0, or the jury's size."""
    read = QuotaInput()
    names: dict[int, str] = {}
    features: dict[int, int] = {}
    for rows in table.features.values():
        for row in rows:
            value = row.count.value
            names[value.pk] = str(value)
            features[value.pk] = value.feature_id
            _read_row(read, data, (value.pk,), str(value), f"{value.pk}", size)
    _read_combinations(read, data=data, table=table, size=size)
    ids = tuple(int(pk) for pk in data.getlist("new-value") if pk.isdigit() and int(pk) in names)
    read.new_values = ids
    if len({features[pk] for pk in ids}) < len(ids) or len(ids) == 1:
        read.errors.append("A combination needs two values, of different features.")
    elif ids:
        label = " and ".join(names[pk] for pk in ids)
        before = len(read.wanted)
        _read_row(read, data, ids, label, "new", size)
        if len(read.wanted) == before and not read.errors:
            read.errors.append(f"{label}: give the new combination a minimum or a maximum.")
    return read


def _read_combinations(read: QuotaInput, *, data: QueryDict, table: QuotaTable, size: int) -> None:
    for number, combination in enumerate(table.combinations):
        if f"drop-{number}" in data:
            read.dropped.add(number)
        ids = tuple(value.pk for value in combination.values)
        if number not in read.dropped:
            _read_row(read, data, ids, combination.label, f"c{number}", size)


def _moved(wanted: WantedQuota, minimum: int, maximum: int) -> WantedQuota:
    """The quota with other bounds; a flexible bound that a bound has passed goes along."""
    low, high = wanted.flexible_minimum, wanted.flexible_maximum
    return WantedQuota(
        wanted.value_ids,
        minimum,
        maximum,
        None if low is None else min(low, minimum),
        None if high is None else max(high, maximum),
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7


def _read_row(
    read: QuotaInput, data: QueryDict, ids: tuple[int, ...], label: str, key: str, size: int
) -> None:
    names = ("min", "max", "min-flex", "max-flex")
    row = TypedRow(*(data.get(f"{name}-{key}", "").strip() for name in names))
    read.typed[key] = row
    low, high = row.minimum, row.maximum
    for text in (low, high, row.min_flex, row.max_flex):
        if text and not _is_number(text):
            read.errors.append(f"{label}: {text!r} is not a whole number of people.")
            return
    if not low and not high:
        if row.states_flex:
            read.errors.append(f"{label}: give a minimum or a maximum that could give way.")
        return
    minimum, maximum = int(low or 0), int(high or max(size, int(low or 0)))
    if minimum > maximum:
        read.errors.append(f"{label}: the minimum of {minimum} is above the maximum of {maximum}.")
        return
    min_flex = int(row.min_flex) if row.min_flex else None
    max_flex = int(row.max_flex) if row.max_flex else None
    crossed = flex_problems(bounds=(minimum, maximum), flexible=(min_flex, max_flex))
    if crossed:
        read.errors.extend(f"{label}: {problem}" for problem in crossed)
        return
    read.keys[ids] = key
    read.wanted.append(WantedQuota(ids, minimum, maximum, min_flex, max_flex))
