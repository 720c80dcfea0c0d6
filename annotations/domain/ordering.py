"""In which order a juror meets her queries, and on which side things stand.

Orders are never stored: a position is computed from a stored seed in constant time and memory, for
any number of items, and comes out the same on every machine and under every ``PYTHONHASHSEED``.

The design
----------
With ``count`` = n items, jurors are taken in blocks of n by their ordinal (0, 1, 2, ...). Inside a
block the orders are the rows of a Williams design (E. J. Williams, "Experimental designs balanced
for the estimation of residual effects of treatments", Aust. J. Chem. 2, 1949): row r shows, at
position p, the label ``r + z(p) mod n`` with the zigzag z = 0, 1, n-1, 2, n-2, ...

* **Position.** In each complete block every item stands at each position exactly once.
* **Carry-over.** For even n, in each complete block every ordered pair of distinct items occurs as
  direct neighbours exactly once. For odd n no single square can do that; there every second block
  holds the mirror images of the block before it, and over the two every ordered pair occurs exactly
  twice.

Which item wears which label, and which juror of the block gets which row, are drawn by keyed
permutations, so neighbouring jurors do not share their first items, and an incomplete block is a
random part of a balanced one. A pair of blocks (odd n) shares its permutations; else each block has
its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TypeVar

Thing = TypeVar("Thing")

_ROUNDS = 8


class OrderingOutOfRange(ValueError):
    """A position, item, juror ordinal or count that the design does not have."""

    def __init__(self, *, name: str, value: int, low: int, high: int | None) -> None:
        self.name = name
        self.value = value
        self.low = low
        self.high = high
        bounds = f"at least {low}" if high is None else f"from {low} to {high}"
        super().__init__(f"{name} is {value}, but must be {bounds}.")


def _check(name: str, value: int, low: int, high: int | None) -> None:
    if value < low or (high is not None and value > high):
        raise OrderingOutOfRange(name=name, value=value, low=low, high=high)


def _digest(parts: Sequence[int | str]) -> bytes:
    """SHA-256 over parts with their lengths, so that no two lists of parts share an encoding."""
    digest = hashlib.sha256()
    for part in parts:
        text = str(part).encode()
        digest.update(len(text).to_bytes(8, "big"))
        digest.update(text)
    return digest.digest()


def derived_seed(*, seed: int | str, purpose: str, parts: Sequence[int | str] = ()) -> str:
    """A seed for one purpose, drawn from the study's stored seed.

    Parts are compared by their text, so 7 and "7" are the same seed. Returns 64 hexadecimal digits.
    """
    return _digest([seed, purpose, *parts]).hex()


@dataclass(frozen=True, slots=True)
class KeyedPermutation:
    """A permutation of 0..count-1 that is chosen by a key and never written down.

    An alternating Feistel network over the grid ``rows x columns``, the smallest near-square that
    holds ``count`` cells (J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA
    2002, the generalised Feistel construction), with cycle walking over the fewer than ``rows``
    cells outside the range. The round function is keyed BLAKE2b.

    ``apply`` and ``invert`` take and return an int in [0, count), else ``OrderingOutOfRange``; both
    cost a fixed number of hashes (rarely a few times that) whatever ``count`` is.
    """

    count: int
    key: bytes

    def __post_init__(self) -> None:
        _check("count", self.count, 1, None)

    @property
    def _rows(self) -> int:
        root = isqrt(self.count)
        return root if root * root == self.count else root + 1

    @property
    def _columns(self) -> int:
        return -(-self.count // self._rows)

    def _noise(self, round_number: int, half: int) -> int:
        message = round_number.to_bytes(1, "big") + half.to_bytes(16, "big")
        return int.from_bytes(
            hashlib.blake2b(message, key=self.key, digest_size=16).digest(), "big"
        )

    def _forward(self, cell: int) -> int:
        rows, columns = self._rows, self._columns
        left, right = divmod(cell, columns)
        for number in range(0, _ROUNDS, 2):
            left = (left + self._noise(number, right)) % rows
            right = (right + self._noise(number + 1, left)) % columns
        return left * columns + right

    def _backward(self, cell: int) -> int:
        rows, columns = self._rows, self._columns
        left, right = divmod(cell, columns)
        for number in range(_ROUNDS - 2, -1, -2):
            right = (right - self._noise(number + 1, left)) % columns
            left = (left - self._noise(number, right)) % rows
        return left * columns + right

    def apply(self, value: int) -> int:
        """The place that ``value`` is sent to."""
        _check("value", value, 0, self.count - 1)
        cell = self._forward(value)
        while cell >= self.count:
            cell = self._forward(cell)
        return cell

    def invert(self, value: int) -> int:
        """The place that is sent to ``value``."""
        _check("value", value, 0, self.count - 1)
        cell = self._backward(value)
        while cell >= self.count:
            cell = self._backward(cell)
        return cell


@dataclass(frozen=True, slots=True)
class _Row:
    """One juror's row of the design: label at position p = row + zigzag(p), maybe mirrored."""

    items: KeyedPermutation
    row: int
    mirrored: bool

    @classmethod
    def of(cls, *, seed: int | str, juror_ordinal: int, count: int) -> _Row:
        _check("count", count, 1, None)
        _check("juror_ordinal", juror_ordinal, 0, None)
        block, place = divmod(juror_ordinal, count)
        odd = count % 2 == 1
        shared = block // 2 if odd else block
        rows = KeyedPermutation(count=count, key=_digest([seed, "rows", count, shared]))
        items = KeyedPermutation(count=count, key=_digest([seed, "items", count, shared]))
        return cls(items=items, row=rows.apply(place), mirrored=odd and block % 2 == 1)

    def item_at(self, position: int) -> int:
        count = self.items.count
        place = count - 1 - position if self.mirrored else position
        step = (place + 1) // 2 if place % 2 else count - place // 2
        return self.items.apply((self.row + step) % count)

    def position_of(self, item: int) -> int:
        count = self.items.count
        step = (self.items.invert(item) - self.row) % count
        place = max(2 * step - 1, 0) if 2 * step <= count else 2 * (count - step)
        return count - 1 - place if self.mirrored else place


def item_at(*, seed: int | str, juror_ordinal: int, position: int, count: int) -> int:
    """The item that a juror meets at a position.

    Parameters
    ----------
    seed : the study's stored seed; compared by its text
    juror_ordinal : 0, 1, 2, ... in the order in which jurors joined the study; any size
    position : 0-based, in [0, count)
    count : number of items, at least 1

    Returns the 0-based item, in [0, count). Time and memory do not grow with ``count``.
    Raises ``OrderingOutOfRange``. The module's text tells the balance that this keeps.
    """
    row = _Row.of(seed=seed, juror_ordinal=juror_ordinal, count=count)
    _check("position", position, 0, count - 1)
    return row.item_at(position)


def position_of(*, seed: int | str, juror_ordinal: int, item: int, count: int) -> int:
    """Where a juror meets an item: the inverse of ``item_at`` with the same arguments."""
    row = _Row.of(seed=seed, juror_ordinal=juror_ordinal, count=count)
    _check("item", item, 0, count - 1)
    return row.position_of(item)


def items_from(*, seed: int | str, juror_ordinal: int, count: int, start: int = 0) -> Iterator[int]:
    """A juror's items from a position onwards, one at a time; same order as ``item_at``.

    ``start`` may be equal to ``count`` (nothing left). Raises ``OrderingOutOfRange``.
    """
    row = _Row.of(seed=seed, juror_ordinal=juror_ordinal, count=count)
    _check("start", start, 0, count)
    return (row.item_at(position) for position in range(start, count))


def shuffled(
    *, items: Sequence[Thing], seed: int | str, key: Callable[[Thing], str] | None = None
) -> tuple[Thing, ...]:
    """All items in an order drawn from the seed: sorted by SHA-256 of (seed, name of the item).

    The name is ``key(item)``, which should be unique (a public id): then the order depends on the
    set of items alone, and adding one moves no other pair. Without ``key`` it is the item's place
    in ``items``, so the caller must pass a stable order. Items are few (responses, answers): this
    takes all of them, unlike ``item_at``.
    """
    names = [str(place) if key is None else key(item) for place, item in enumerate(items)]
    order = sorted(
        range(len(items)), key=lambda place: (_digest([seed, "shuffle", names[place]]), place)
    )
    return tuple(items[place] for place in order)


def side_swap(*, seed: int | str, juror_ordinal: int, item: int | str) -> bool:
    """Whether the two sides of a comparison are exchanged for this juror.

    For every item exactly one of the jurors 2k and 2k + 1 sees the sides exchanged; which of the
    two is an independent draw for each item and pair of jurors. Raises ``OrderingOutOfRange`` for
    a negative ordinal.
    """
    _check("juror_ordinal", juror_ordinal, 0, None)
    pair, second = divmod(juror_ordinal, 2)
    coin = _digest([seed, "sides", item, pair])[0] & 1
    return bool(coin ^ second)
