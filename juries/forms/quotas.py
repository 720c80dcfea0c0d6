"""The quotas page's inputs: two bounds for each feature value, and combinations of values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import QueryDict

from juries.domain.quotas import Quota as QuotaBounds
from juries.selectors.quotas import QuotaTable
from juries.services.quotas import WantedQuota


@dataclass
class QuotaInput:
    """What was typed: bounds to keep, what to show again, what is wrong.

    `typed` maps the key of a row to its two texts. Keys are a feature value's id, `c0`, `c1` ...
    for the saved combinations, and `new`. `keys` finds a row's key by the ids of its values.
    """

    wanted: list[WantedQuota] = field(default_factory=list)
    typed: dict[str, tuple[str, str]] = field(default_factory=dict)
    keys: dict[tuple[int, ...], str] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    new_values: tuple[int, ...] = ()
    errors: list[str] = field(default_factory=list)

    def as_bounds(self, traits: Mapping[int, tuple[str, str]]) -> list[QuotaBounds]:
        """The same quotas for the domain; `traits` are (feature, value) by id."""
        return [
            QuotaBounds(
                traits=tuple(traits[pk] for pk in wanted.value_ids),
                minimum=wanted.minimum,
                maximum=wanted.maximum,
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
                low_bound, high_bound = moved[key]
                self.wanted[place] = WantedQuota(wanted.value_ids, low_bound, high_bound)
                self.typed[key] = (str(low_bound), str(high_bound))
        return bool(moved)


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


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7


def _read_row(
    read: QuotaInput, data: QueryDict, ids: tuple[int, ...], label: str, key: str, size: int
) -> None:
    low, high = data.get(f"min-{key}", "").strip(), data.get(f"max-{key}", "").strip()
    read.typed[key] = (low, high)
    if not low and not high:
        return
    for text in (low, high):
        if text and not _is_number(text):
            read.errors.append(f"{label}: {text!r} is not a whole number of people.")
            return
    minimum, maximum = int(low or 0), int(high or max(size, int(low or 0)))
    if minimum > maximum:
        read.errors.append(f"{label}: the minimum of {minimum} is above the maximum of {maximum}.")
        return
    read.keys[ids] = key
    read.wanted.append(WantedQuota(value_ids=ids, minimum=minimum, maximum=maximum))
