"""Picking one of several queries by how much it is worth, with a share left to chance.

The chance with which each could have been picked is known (epsilon-greedy), so that whoever uses
the answers can weigh them by its inverse (D. G. Horvitz and D. J. Thompson, "A generalization of
sampling without replacement from a finite universe", JASA 47, 1952).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

EXPLORED = 0.2
"""The part of all picks that is left to chance."""


@dataclass(frozen=True, slots=True)
class Pick:
    """Which of the candidates was picked, and how.

    Attributes:
        place: in the candidates.
        rank: 1 is the one that is worth most; equals keep the candidates' order.
        propensity: the chance, in (0, 1], that this one would be picked.
        is_explored: chance picked it.
    """

    place: int
    rank: int
    propensity: float
    is_explored: bool


def pick(worth: Sequence[float], *, seed: str, explored: float = EXPLORED) -> Pick:
    """Pick one: the most worth, or with the chance `explored` any of them alike.

    The same worths and seed give the same pick.

    Raises:
        ValueError: there is no candidate, or `explored` is not within 0 to 1.
    """
    if not worth or not 0 <= explored <= 1:
        raise ValueError(
            f"{len(worth)} candidates and a share of {explored} left to chance: there must be a "
            "candidate, and the share must lie in 0 to 1."
        )
    order = sorted(range(len(worth)), key=lambda place: (-worth[place], place))
    digest = hashlib.sha256(f"pick\x1f{seed}".encode()).digest()
    is_explored = int.from_bytes(digest[:8]) < explored * 2**64
    place = int.from_bytes(digest[8:24]) % len(worth) if is_explored else order[0]
    return Pick(
        place=place,
        rank=order.index(place) + 1,
        propensity=explored / len(worth) + (1 - explored) * (place == order[0]),
        is_explored=is_explored,
    )
