"""A candidate as the selection sees her: an id, traits, and perhaps a household."""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import MappingProxyType


class InvalidCandidates(ValueError):
    """The list of candidates can't be used; the message names the ids and the way out."""


@dataclass(frozen=True, slots=True)
class CandidateProfile:
    """One candidate without identity.

    `traits` are (feature, value) pairs, one per feature. A blank `household` is nobody's household:
    two candidates with a blank one don't live together.
    """

    id: str
    traits: tuple[tuple[str, str], ...]
    household: str = ""

    @property
    def by_feature(self) -> MappingProxyType[str, str]:
        """Read-only view of the traits, feature to value."""
        return MappingProxyType(dict(self.traits))


def in_order_of_id(
    candidates: Sequence[CandidateProfile],
) -> tuple[CandidateProfile, ...]:
    """Sort by id, so that no result depends on the order in which rows came.

    Raises InvalidCandidates for blank or repeated ids and for two values of one feature.
    """
    ordered = tuple(sorted(candidates, key=lambda candidate: candidate.id))
    if ordered and not ordered[0].id.strip():
        raise InvalidCandidates("A candidate has a blank id; give every candidate an id.")
    repeated = sorted({a.id for a, b in itertools.pairwise(ordered) if a.id == b.id})
    if repeated:
        raise InvalidCandidates(
            f"{len(repeated)} id(s) stand more than once, first {repeated[0]!r};"
            " every candidate needs an id of her own."
        )
    for candidate in ordered:
        if len({feature for feature, _ in candidate.traits}) != len(candidate.traits):
            raise InvalidCandidates(
                f"Candidate {candidate.id!r} has two values of one feature: {candidate.traits}."
            )
    return ordered


def known_ids(ids: Collection[str], *, among: Collection[str], label: str) -> frozenset[str]:
    """Return `ids` as a set; raises InvalidCandidates naming those that are not `among`."""
    unknown = sorted(set(ids) - set(among))
    if unknown:
        raise InvalidCandidates(
            f"{len(unknown)} id(s) that {label} are not in the pool, first {unknown[0]!r}."
        )
    return frozenset(ids)
