"""A definition as JSON, checked place by place before a benchmark is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from itertools import islice
from math import isfinite
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from models_runner.domain.benchmark_definition import (
    INFINITE,
    MAY_BE_INFINITE,
    Definition,
    DistributionalDefinition,
    InvalidDefinition,
    ObjectivesDefinition,
    SteerableDefinition,
    TradeoffDefinition,
    definition_from_plain,
)

SHAPES: Mapping[str, type[Any]] = {
    "distributional": DistributionalDefinition,
    "steerable": SteerableDefinition,
    "objectives": ObjectivesDefinition,
    "tradeoff": TradeoffDefinition,
}
LARGEST = 1e300
MOST_TOLD = 100

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong at one place of a definition: names and positions from its top, a sentence,
    and what may stand there where that can be listed.
    """

    place: Place
    text: str
    legal: tuple[str, ...] = ()


class UnfitDefinition(InvalidDefinition):
    """A definition with something wrong at one place or several; ``misfits`` has each."""

    def __init__(self, misfits: Sequence[Misfit]) -> None:
        self.misfits = tuple(misfits)
        super().__init__(" ".join(one.text for one in self.misfits))


def read_definition(kind: str, plain: Any) -> Definition:
    """What `definition_from_plain` makes of JSON that a person wrote.

    Raises:
        UnfitDefinition: a field is unknown, missing, of another type or out of its range; the
            first hundred are told.
    """
    shape = SHAPES.get(kind)
    if shape is None:
        raise UnfitDefinition(
            [Misfit((), f"There is no kind of benchmark {kind!r}.", tuple(SHAPES))]
        )
    misfits = list(islice(_misfits(plain, shape, ()), MOST_TOLD))
    if misfits:
        raise UnfitDefinition(misfits)
    try:
        return definition_from_plain(kind, plain)
    except InvalidDefinition as problem:
        raise UnfitDefinition([Misfit((), str(problem))]) from problem


def _misfits(value: Any, wanted: Any, place: Place) -> Iterator[Misfit]:
    """Walk a value beside the type that it should have."""
    origin = get_origin(wanted)
    if is_dataclass(wanted):
        yield from _in_object(value, wanted, place)
    elif origin is tuple:
        yield from _in_list(value, get_args(wanted), place)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            yield _other(value, "an object", place)
            return
        for name, inner in value.items():
            yield from _misfits(name, str, place)
            yield from _misfits(inner, get_args(wanted)[1], (*place, _shown(name)))
    elif isinstance(wanted, UnionType):
        if value is not None:
            [inner] = [one for one in get_args(wanted) if one is not NoneType]
            yield from _misfits(value, inner, place)
    else:
        yield from _in_single(value, wanted, place)


def _in_object(value: Any, wanted: Any, place: Place) -> Iterator[Misfit]:
    if not isinstance(value, Mapping):
        yield _other(value, "an object", place)
        return
    known = {field.name: field for field in fields(wanted)}
    found: list[Misfit] = [
        Misfit((*place, _shown(name)), f"There is no field {name!r} here.", tuple(known))
        for name in value
        if name not in known
    ]
    hints = get_type_hints(wanted)
    for name, field in known.items():
        if name in value and field.metadata.get(MAY_BE_INFINITE):
            if value[name] != INFINITE and any(_misfits(value[name], hints[name], place)):
                found.append(_other(value[name], f'a number or "{INFINITE}"', (*place, name)))
        elif name in value:
            found += _misfits(value[name], hints[name], (*place, name))
        elif field.default is MISSING and field.default_factory is MISSING:
            found.append(Misfit((*place, name), f"{name!r} is missing."))
    yield from found
    if place and not found:
        # The parts' own ranges are told at the part; those of the whole where the whole is made.
        try:
            wanted(**{n: tuple(v) if isinstance(v, list) else v for n, v in value.items()})
        except InvalidDefinition as problem:
            yield Misfit(place, str(problem))


def _in_list(value: Any, inner: tuple[Any, ...], place: Place) -> Iterator[Misfit]:
    if not isinstance(value, list | tuple):
        yield _other(value, "a list", place)
        return
    repeated = inner[-1] is Ellipsis
    if not repeated and len(value) != len(inner):
        yield Misfit(place, f"{len(value)} things stand here; there must be {len(inner)}.")
        return
    for position, one in enumerate(value):
        yield from _misfits(one, inner[0 if repeated else position], (*place, position))


def _in_single(value: Any, wanted: Any, place: Place) -> Iterator[Misfit]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is str:
        if not isinstance(value, str):
            yield _other(value, "a text", place)
        elif not _is_storable(value):
            yield Misfit(place, "The text has a character that can't be stored; take it out.")
    elif wanted is bool:
        if not isinstance(value, bool):
            yield _other(value, "true or false", place)
    elif wanted is int:
        if not is_number or not isinstance(value, int):
            yield _other(value, "a whole number", place)
    elif not is_number or abs(value) > LARGEST or not isfinite(value):
        yield _other(value, "a finite number", place)


def _other(value: Any, what: str, place: Place) -> Misfit:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return Misfit(place, f"{shown} stands where {what} must stand.")


def _shown(name: Any) -> str:
    """A name that may have been made up, in characters that an answer can hold."""
    return str(name).encode("utf-8", "backslashreplace").decode()


def _is_storable(text: str) -> bool:
    """No database takes NUL in JSON, and lone surrogates have no bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
