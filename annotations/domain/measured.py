"""A number that was computed, or the reason why it could not be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """A value with its interval, or none and the reason.

    ``value``, ``low`` and ``high`` are finite floats or None; ``reason`` says why something is None
    (empty where all is there); ``count`` is how many observations it rests on.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    count: int = 0

    @classmethod
    def missing(cls, reason: str, *, count: int = 0) -> Measured:
        """No value, for this reason."""
        return cls(value=None, reason=reason, count=count)

    @property
    def is_defined(self) -> bool:
        """Whether there is a value."""
        return self.value is not None
