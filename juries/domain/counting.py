"""A count of people that proves a conflict, in a sentence."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from juries.domain.members import Member, Side, listed
from juries.domain.panel_space import FloatArray, PanelSpace


def counting_argument(*, space: PanelSpace, members: Sequence[Member]) -> str:
    """A sentence that proves the conflict by counting people; empty where no simple count does.

    Each person counts +1 for every minimum and -1 for every maximum that she touches (and +1 or -1
    for the seat). Minima less maxima is what the bounds need; the best that the people can reach is
    a sum over the pool. If need exceeds reach, that is a proof.
    """
    minima = [m for m in members if m.side is Side.MINIMUM]
    maxima = [m for m in members if m.side is Side.MAXIMUM]
    has_size = any(m.side is Side.SIZE for m in members)
    weights = np.zeros(len(space.kinds))
    need = 0
    for sign, side in ((1, minima), (-1, maxima)):
        for member in side:
            weights = weights + sign * space.rows[member.row].toarray()[0]
            need += sign * member.bound
    for seat in (1, -1) if has_size else (0,):
        reach = _reach(space=space, members=members, weights=weights + seat)
        wanted = need + seat * space.size
        if reach < wanted:
            return _tell(
                minima=minima,
                maxima=maxima,
                seat=seat,
                size=space.size,
                need=wanted,
                reach=reach,
                heaviest=int((weights + seat).max(initial=0)),
                rules=[m for m in members if m.side in (Side.HOUSEHOLD, Side.MUST_SIT)],
            )
    if {member.side for member in members} == {Side.HOUSEHOLD, Side.MUST_SIT}:
        return "Too many of those who must sit share a household."
    return ""


def _reach(*, space: PanelSpace, members: Sequence[Member], weights: FloatArray) -> int:
    """The largest weights @ x over the people, under the household and must-sit rules in force."""
    sides = {member.side for member in members}
    lower = np.where(space.certain, space.sizes, 0) if Side.MUST_SIT in sides else 0 * space.sizes
    total = round(float(np.minimum(weights, 0) @ lower))
    homes = space.rows[1 + len(space.quotas) :]
    at_home: NDArray[np.bool_] = np.zeros(len(space.kinds), dtype=np.bool_)
    if Side.HOUSEHOLD in sides:
        limits = space.row_upper[1 + len(space.quotas) :]
        for place in range(homes.shape[0]):
            kinds = homes[place].indices
            at_home[kinds] = True
            left = int(limits[place])
            for kind in sorted(kinds, key=lambda kind: -weights[kind]):
                taken = min(left, int(space.sizes[kind]))
                if weights[kind] <= 0 or not taken:
                    break
                total += round(float(weights[kind])) * taken
                left -= taken
    free = np.where(at_home, 0.0, np.maximum(weights, 0))
    return total + round(float(free @ space.sizes))


def _tell(
    *,
    minima: Sequence[Member],
    maxima: Sequence[Member],
    seat: int,
    size: int,
    need: int,
    reach: int,
    heaviest: int,
    rules: Sequence[Member],
) -> str:
    given = f" (given {listed([rule.in_words for rule in rules])})" if rules else ""
    asked, room = sum(m.bound for m in minima), sum(m.bound for m in maxima)
    has = [m.quota.label for m in minima if m.quota]
    capped = [m.quota.label for m in maxima if m.quota]
    plain = not any(rule.side is Side.MUST_SIT for rule in rules)
    only = f"only {reach}" if reach > 0 else "nobody"
    if plain and seat == 0 and len(minima) == 1 and not maxima:
        return f"The pool can seat {only} with {has[0]}{given}."
    if seat == 0 and len(minima) == len(maxima) == 1 and has == capped:
        return "The minimum is above the maximum."
    if not plain and seat == 0 and not minima and len(maxima) == 1:
        return f"{-reach} of those who must sit have “{capped[0]}”."
    if not plain and seat == -1 and not minima and not maxima:
        return "There is 1 seat." if size == 1 else f"There are {size} seats."
    if plain and seat == 0 and len(minima) == 1 and heaviest <= 1:
        others = listed([f"“{label}”" for label in capped], last="or")
        people = f"{need} {'person' if need == 1 else 'people'}"
        return (
            f"At least {people} would have to have “{has[0]}” without {others}, and the pool can"
            f" seat {only} of that kind{given}."
        )
    if plain and seat == -1 and not maxima and heaviest <= 0:
        return f"The minima ask for {_sum(minima)} seats of {size}, and nobody counts for two."
    if plain and seat == -1 and not maxima and heaviest <= 1:
        return (
            f"The minima ask for {_sum(minima)} seats of {size}, so {asked - size} would have to go"
            f" to people who count twice, and the pool can seat {only} of those{given}."
        )
    if plain and seat == 1 and not minima:
        lead = f"The maxima leave room for {_sum(maxima)} of {size} seats" if maxima else ""
        rest = (
            f"so {size - room} would have to go to people under none of them, and the pool can"
            f" seat {only} of those{given}."
        )
        return f"{lead}, {rest}" if lead else f"The pool can seat {only} for {size} seats{given}."
    return (
        "Count each person once for every minimum that she helps to meet and take away one for"
        f" every maximum that she uses up{_seat_words(seat)}: the bounds ask for {need} or more"
        f" in all, and the pool can reach {reach} at the most{given}."
    )


def _seat_words(seat: int) -> str:
    return {1: " (and once for her seat)", -1: " (and one for her seat)"}.get(seat, "")


def _sum(members: Sequence[Member]) -> str:
    terms = [str(member.bound) for member in members]
    total = sum(member.bound for member in members)
    return f"{' + '.join(terms)} = {total}" if len(terms) > 1 else f"{total}"
