"""Which texts begin alike, so that a model reads what they share only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class InvalidSequences(ValueError):
    """Sequences of which no prefix can be shared; the message has the place."""


@dataclass(frozen=True, slots=True)
class SharedPrefix:
    """``members`` (places of the sequences) begin with the same ``length`` tokens; 0: nothing
    shared. The members of all groups together are all sequences, each once.
    """

    length: int
    members: tuple[int, ...]


def shared_prefixes(
    sequences: Sequence[Sequence[int]], *, own: Sequence[int], least: int = 8
) -> tuple[SharedPrefix, ...]:
    """Group sequences so that as few tokens as possible are read.

    A group reads its prefix once and the rest of each member alone. Sorted sequences make a tree.
    From its leaves up, at a branching point at depth d, each branch either joins a group there,
    which saves d tokens for each of its sequences, or keeps the groups that it has made below,
    whichever saves more; the group as a whole reads its d tokens once.

    Args:
        sequences: token ids, none empty.
        own: for each, how many of its last tokens must be read alone, at least 1.
        least: shorter prefixes are not shared; a group costs a call of its own.

    Raises:
        InvalidSequences: an empty sequence, or an `own` that is not in 1 to its length.
    """
    for place, (sequence, kept) in enumerate(zip(sequences, own, strict=True)):
        if not 1 <= kept <= len(sequence):
            raise InvalidSequences(
                f"Sequence {place + 1} has {len(sequence)} tokens, of which {kept} are to be read"
                " alone; it must be 1 to all of them."
            )
    if not sequences:
        return ()
    order = sorted(range(len(sequences)), key=lambda place: tuple(sequences[place]))
    limits = [len(sequences[place]) - own[place] for place in order]
    common = [
        _common(sequences[order[place]], sequences[order[place + 1]])
        for place in range(len(order) - 1)
    ]
    alone: list[int] = []
    groups = []
    for places, length in _best_groups(common, limits, least):
        members = tuple(order[place] for place in places)
        if length == 0:
            alone.extend(members)
        else:
            groups.append(SharedPrefix(length=length, members=members))
    if alone:
        groups.append(SharedPrefix(length=0, members=tuple(sorted(alone))))
    return tuple(groups)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    length = min(len(one), len(other))
    return next((i for i in range(length) if one[i] != other[i]), length)


def _best_groups(
    common: Sequence[int], limits: Sequence[int], least: int
) -> list[tuple[tuple[int, ...], int]]:
    """(places in sorted order, prefix length) of each group.

    The tree is walked with a stack of its own, since a chain of sequences that each extend the one
    before is as deep as it is long.
    """
    best: dict[tuple[int, int], tuple[int, list[tuple[tuple[int, ...], int]]]] = {}
    stack = [(0, len(limits) - 1, False)]
    while stack:
        first, last, opened = stack.pop()
        if first == last:
            best[first, last] = (0, [((first,), 0)])
            continue
        inside = common[first:last]
        depth = min(inside)
        cuts = [first + place for place, value in enumerate(inside) if value == depth]
        parts = list(zip([first, *(cut + 1 for cut in cuts)], [*cuts, last], strict=True))
        if not opened:
            stack.append((first, last, True))
            stack.extend((start, end, False) for start, end in parts)
            continue
        length = min(depth, min(limits[first : last + 1]))
        joined: list[int] = []
        saved, kept = 0, []
        for start, end in parts:
            own, groups = best.pop((start, end))
            size = end - start + 1
            if length >= least and length * size > own:
                joined.extend(range(start, end + 1))
            else:
                saved += own
                kept.extend(groups)
        if joined:
            saved += length * (len(joined) - 1)
            kept.append((tuple(joined), length if len(joined) > 1 else 0))
        best[first, last] = (saved, kept)
    return best[0, len(limits) - 1][1]
