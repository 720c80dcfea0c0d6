"""From kinds to people: exact fairness inside a kind, in whole tickets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.expansion import TICKETS, chances_of, seat_people, ticket_counts


@st.composite
def kind_panels(draw: st.DrawFn) -> tuple[np.ndarray, list[int], list[list[int]]]:
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    panels = draw(st.integers(1, 6))
    counts = np.array(
        [[draw(st.integers(0, size)) for size in sizes] for _ in range(panels)], dtype=np.int64
    )
    weights = np.array([draw(st.floats(0.001, 1)) for _ in range(panels)])
    kinds, start = [], 0
    for size in sizes:
        kinds.append(list(range(start, start + size)))
        start += size
    return counts, list(ticket_counts(weights)), kinds


@settings(max_examples=150, deadline=None)
@given(case=kind_panels())
def test_members_of_a_kind_get_the_same(
    case: tuple[np.ndarray, list[int], list[list[int]]],
) -> None:
    counts, tickets, kinds = case
    panels, shares = seat_people(counts=counts, tickets=tickets, kinds=kinds)
    assert sum(shares) == TICKETS
    assert len(set(panels)) == len(panels)
    assert len(panels) <= len(tickets) + sum(len(kind) - 1 for kind in kinds)
    allowed = {tuple(row) for row in counts.tolist()}
    for panel in panels:
        assert tuple(len(set(panel) & set(kind)) for kind in kinds) in allowed
        assert len(set(panel)) == len(panel)
    held = [
        sum(share for panel, share in zip(panels, shares, strict=True) if person in panel)
        for kind in kinds
        for person in kind
    ]
    for place, kind in enumerate(kinds):
        mine = [held[person] for person in kind]
        assert max(mine) - min(mine) <= 1
        owed = sum(
            int(seats) * share for seats, share in zip(counts[:, place], tickets, strict=True)
        )
        assert sum(mine) == owed
    chances = chances_of(panels=panels, tickets=shares, candidates=len(held))
    assert chances == pytest.approx([share / TICKETS for share in held], abs=0)


@pytest.mark.parametrize("weights", [[], [0.0], [-0.1, 1.1]])
def test_weights_that_make_no_lottery(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="negative"):
        ticket_counts(np.array(weights))


def test_tickets_add_up_and_keep_order() -> None:
    tickets = ticket_counts(np.array([1 / 3, 1 / 3, 1 / 3]))
    assert sum(tickets) == TICKETS
    assert max(tickets) - min(tickets) <= 1
    assert ticket_counts(np.array([0.0, 2.0])) == (0, TICKETS)
