"""From panels of kinds to panels of people, exactly fair inside each kind.

Time is laid out in tickets: panel p holds w_p of TICKETS consecutive tickets. Inside a kind,
members are served one after the other: each takes every ticket at which as many seats remain as
members do, then the tickets with the most seats left, until she has her equal share; at most one
panel is cut in two for each member. The rest is again a problem of the same form with one member
fewer, so nobody is left short (a constructive form of the Gale-Ryser theorem). All of it is integer
arithmetic.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from juries.domain.panel_space import FloatArray, IntArray

TICKETS = 2**50
"""Weights are whole numbers of tickets, so that floats hold them exactly and they add up to 1
exactly.
"""


def ticket_counts(weights: FloatArray) -> tuple[int, ...]:
    """Round weights (P,) that add up to 1 to whole tickets that add up to TICKETS exactly.

    Largest remainders first, then the first index. Raises ValueError for negative weights or none.
    """
    if len(weights) == 0 or float(weights.min()) < 0 or float(weights.sum()) <= 0:
        raise ValueError("Weights must not be negative and one must be above 0.")
    scaled = weights / weights.sum() * TICKETS
    floors = [int(value) for value in np.floor(scaled)]
    missing = TICKETS - sum(floors)
    order = np.argsort(-(scaled - np.floor(scaled)), kind="stable")
    step = 1 if missing >= 0 else -1
    while missing != 0:
        for place in order:
            if missing == 0:
                break
            if floors[place] + step >= 0:
                floors[place] += step
                missing -= step
    return tuple(floors)


def seat_people(
    *, counts: IntArray, tickets: Sequence[int], kinds: Sequence[Sequence[int]]
) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Panels of people for panels of kinds.

    `counts` (P, T) seats by kind, `tickets` P whole numbers, `kinds` T lists of candidates. Returns
    panels (sorted tuples of candidates, each once, in lexicographic order) with their tickets.
    Members of a kind end with the same number of tickets, give or take one.
    """
    spans = [(panel, share) for panel, share in enumerate(tickets) if share > 0]
    members: list[list[int]] = [[] for _ in spans]
    for kind, people in enumerate(kinds):
        seats = [int(counts[panel, kind]) for panel, _ in spans]
        if len(people) == 1:
            for place, number in enumerate(seats):
                if number:
                    members[place].append(people[0])
            continue
        _serve(people=people, seats=seats, spans=spans, members=members)
    merged: dict[tuple[int, ...], int] = {}
    for people_there, (_, share) in zip(members, spans, strict=True):
        panel = tuple(sorted(people_there))
        merged[panel] = merged.get(panel, 0) + share
    ordered = tuple(sorted(merged))
    return ordered, tuple(merged[panel] for panel in ordered)


def _serve(
    *,
    people: Sequence[int],
    seats: list[int],
    spans: list[tuple[int, int]],
    members: list[list[int]],
) -> None:
    total = sum(number * share for number, (_, share) in zip(seats, spans, strict=True))
    if total == 0:
        return
    base, extra = divmod(total, len(people))
    left_seats = np.zeros(len(spans) + len(people), dtype=np.int64)
    left_seats[: len(spans)] = seats
    shares = np.zeros(len(spans) + len(people), dtype=np.int64)
    shares[: len(spans)] = [share for _, share in spans]
    for place, person in enumerate(people):
        due = base + (1 if place < extra else 0)
        for span in _order_of_service(left_seats, shares, len(people) - place):
            if due == 0:
                break
            panel, share = spans[span]
            if share > due:
                shares[span], shares[len(spans)] = due, share - due
                left_seats[len(spans)] = left_seats[span]
                spans[span] = (panel, due)
                spans.append((panel, share - due))
                members.append(list(members[span]))
                share = due
            members[span].append(person)
            left_seats[span] -= 1
            due -= share


def _order_of_service(seats: IntArray, shares: IntArray, left: int) -> list[int]:
    """Spans with a free seat: those that need everyone left, then most seats, longest, first."""
    open_spans = np.flatnonzero(seats > 0)
    free, long = seats[open_spans], shares[open_spans]
    order = np.lexsort((open_spans, -long, -free, free < left))
    return [int(span) for span in open_spans[order]]


def chances_of(
    *, panels: Sequence[Sequence[int]], tickets: Sequence[int], candidates: int
) -> NDArray[np.float64]:
    """Each candidate's chance (candidates,): the tickets of her panels over TICKETS."""
    held = np.zeros(candidates, dtype=np.int64)
    for panel, share in zip(panels, tickets, strict=True):
        held[list(panel)] += share
    return held / float(TICKETS)
