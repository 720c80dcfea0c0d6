"""What a model may be steered to: attributes, and sets of them taken together."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


class InvalidAttribute(ValueError):
    """An attribute without a name, or with a blank one."""


class DeniedAttribute(ValueError):
    """Attributes that may not be steered to; ``denied`` has each with the declared reason."""

    def __init__(self, denied: Iterable[tuple[Attribute, str]]) -> None:
        self.denied = tuple(denied)
        told = "; ".join(f"{attribute.label}: {reason}" for attribute, reason in self.denied)
        super().__init__(f"These may not be steered to: {told}. Take them out of the benchmark.")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value, a group, a framework, or several at once: ``names`` are a set, an intersection.

    Names are compared without regard to case, width and spaces at the ends or doubled. A name with
    an & in it is the set of what stands around it, however it was handed in.
    """

    names: frozenset[str]

    @classmethod
    def of(cls, *names: str) -> Attribute:
        """An attribute of these names. Raises InvalidAttribute for none or a blank one."""
        plain = frozenset(_plain(part) for name in names for part in _plain(name).split("&"))
        if not plain or "" in plain:
            raise InvalidAttribute(f"An attribute needs a name; it has {list(names)}.")
        return cls(plain)

    @property
    def label(self) -> str:
        """The names in order, joined."""
        return " & ".join(sorted(self.names))


def refuse_denied(attributes: Iterable[Attribute], *, denied: Mapping[Attribute, str]) -> None:
    """Raise DeniedAttribute if any attribute is, or contains, one of those that were declared.

    A denied set is met by every set that has all of its names: denying "a" denies "a & b" too;
    denying "a & b" leaves "a" and "b" alone.
    """
    found = [
        (attribute, reason)
        for attribute in attributes
        for forbidden, reason in sorted(denied.items(), key=lambda item: item[0].label)
        if forbidden.names <= attribute.names
    ]
    if found:
        raise DeniedAttribute(found)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
