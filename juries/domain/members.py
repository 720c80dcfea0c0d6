"""What a panel has to meet, one demand at a time.

A *member* is one side of a quota, the panel's size, the household rule or the list of those who
must sit: what can be a member of a conflict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from juries.domain.panel_space import PanelSpace
from juries.domain.quotas import Quota


class Side(StrEnum):
    """What a member of a conflict demands."""

    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    SIZE = "size"
    HOUSEHOLD = "household"
    MUST_SIT = "must_sit"


@dataclass(frozen=True, slots=True)
class Member:
    """One demand. `bound` is in persons; `quota` is None unless the side is one of a quota, and
    then `row` is its row in the space.
    """

    side: Side
    bound: int
    quota: Quota | None = None
    row: int = 0

    @property
    def in_words(self) -> str:
        """`gender: female at least 11`."""
        if self.quota is not None:
            way = "least" if self.side is Side.MINIMUM else "most"
            return f"{self.quota.label} at {way} {self.bound}"
        if self.side is Side.SIZE:
            return f"a panel of {self.bound}"
        if self.side is Side.HOUSEHOLD:
            return f"at most {self.bound} from one household"
        return f"{self.bound} who must sit"


def members_of(space: PanelSpace) -> tuple[Member, ...]:
    """Everything that a panel of `space` has to meet and could be asked to give up.

    Combinations stand before plain quotas and the size last, since the filter drops early members
    first and plain ones are easier to read. Bounds that exclude nothing are left out.
    """
    found: list[Member] = []
    homes = space.row_upper[1 + len(space.quotas) :]
    if len(homes):
        found.append(Member(Side.HOUSEHOLD, int(homes[0])))
    if space.certain.any():
        found.append(Member(Side.MUST_SIT, int(space.sizes[space.certain].sum())))
    rows = zip(space.quota_rows, space.quotas, strict=True)
    for row, quota in sorted(rows, key=lambda pair: -len(pair[1].traits)):
        if quota.maximum < max(space.size, quota.minimum):
            found.append(Member(Side.MAXIMUM, quota.maximum, quota, row))
        if quota.minimum > 0:
            found.append(Member(Side.MINIMUM, quota.minimum, quota, row))
    found.append(Member(Side.SIZE, space.size))
    return tuple(found)


def in_reading_order(members: Sequence[Member]) -> list[Member]:
    """Minima, maxima, who must sit, households, size."""
    ranks = {
        Side.MINIMUM: 0,
        Side.MAXIMUM: 1,
        Side.MUST_SIT: 2,
        Side.HOUSEHOLD: 3,
        Side.SIZE: 4,
    }
    return sorted(members, key=lambda member: ranks[member.side])


def listed(texts: Sequence[str], *, last: str = "and") -> str:
    """`a, b and c`; with semicolons where commas would confuse."""
    if len(texts) < 2:
        return "".join(texts)
    joint = "; " if len(texts) > 2 or any(" and " in text for text in texts) else ", "
    return f"{joint.join(texts[:-1])}{';' if joint == '; ' else ''} {last} {texts[-1]}"
