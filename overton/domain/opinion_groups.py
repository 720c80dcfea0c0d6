"""Groups of jurors who vote alike, and whether a response represents each of them.

The groups are found as Pol.is finds them (Small and others, "Polis: scaling deliberation by mapping
high dimensional opinion spaces", 2021): votes are projected onto two axes, and k-means is tried for
several k, of which the silhouette chooses. Representation is measured as in OvertonBench
(Poole-Dayan and others, "Benchmarking Overton pluralism in LLMs", 2025): a group is represented
where its members' mean rating of "is my view represented?" is at least 4 on a scale of 1 to 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured
from overton.domain.k_means import k_means, places_of, silhouette

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

REPRESENTED_FROM = 4.0
RATING_SCALE = (1.0, 5.0)
MOST_GROUPS = 5


class InvalidVotes(ValueError):
    """Votes or ratings that can't be used; the message names the place and the number."""


@dataclass(frozen=True, slots=True, eq=False)
class OpinionGroups:
    """Which group each juror is in.

    ``members`` (J,) int: 0 is the largest group; -1 where a juror voted too little. ``silhouettes``
    maps each k that was tried to its mean silhouette in [-1, 1]. Where votes don't part the jurors,
    all are in one group and ``reason`` says why.
    """

    members: IntArray
    count: int
    silhouettes: Mapping[int, float]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GroupRating:
    """One group's mean rating of one response.

    ``mean`` is on the scale's numbers, with a normal interval of 95 % where at least two members
    rated; ``represented`` is None where nobody did.
    """

    name: str
    size: int
    mean: Measured
    represented: bool | None


@dataclass(frozen=True, slots=True)
class Representation:
    """The share of groups that a response represents; ``groups`` in the order given."""

    share: Measured
    groups: tuple[GroupRating, ...]


def opinion_groups(
    *, votes: npt.ArrayLike, seed: int = 0, most_groups: int = MOST_GROUPS, fewest_votes: int = 1
) -> OpinionGroups:
    """Jurors who vote alike.

    Args:
        votes: (J, S) numbers such as 1 agree, 0 pass, -1 disagree; NaN not seen.
        seed: of k-means, which starts forty times for each k (`k_means.py`).
        most_groups: k runs from 2 to this.
        fewest_votes: jurors with fewer are in no group.

    A vote not given counts as the mean of those who gave it. Columns are centred; the first two
    principal axes are taken; and each juror is moved outwards by the square root of the share of
    statements that she saw, inverted, so that few votes don't pull her to the middle. A k leaves
    out solutions with a group of one. Of equal silhouettes the smaller k is taken.

    Raises:
        InvalidVotes: not two-dimensional, infinite numbers, most_groups below 2.
    """
    values = np.asarray(votes, dtype=np.float64)
    if values.ndim != 2 or np.isinf(values).any():
        raise InvalidVotes(
            f"The votes have shape {values.shape}; needed are finite numbers or NaN, "
            "(jurors, statements)."
        )
    if most_groups < 2:
        raise InvalidVotes(f"At most {most_groups} groups were asked for; ask for 2 or more.")
    members = np.full(len(values), -1, dtype=np.int64)
    given = (~np.isnan(values)).sum(axis=1)
    voters = np.flatnonzero(given >= max(fewest_votes, 1))
    if not len(voters):
        reason = "Nobody has voted."
        if given.any():
            reason = f"Nobody has given {fewest_votes} votes; one with fewer is in no group."
        return OpinionGroups(members, 0, {}, reason)
    members[voters] = 0
    places = places_of(_projected(values[voters]))
    different = len(places.points)
    if different < 2 or len(voters) < 4:
        reason = (
            "Everybody voted alike."
            if different < 2
            else f"{len(voters)} jurors are too few to part into groups."
        )
        return OpinionGroups(members, 1, {}, reason)
    silhouettes: dict[int, float] = {}
    best: IntArray | None = None
    most = min(most_groups, different, len(voters) - 1)
    distances = places.distances()
    for k, labels in k_means(places=places, most=most, seed=seed).items():
        if np.bincount(labels, places.weights, k).min() < 2:
            continue
        silhouettes[k] = silhouette(places=places, distances=distances, labels=labels)
        if silhouettes[k] > max((s for j, s in silhouettes.items() if j != k), default=-2) + 1e-12:
            best = labels[places.place_of]
    if best is None:
        return OpinionGroups(members, 1, {}, "No division leaves two jurors in every group.")
    # The largest first; of equal ones that of the earliest juror.
    sizes = np.bincount(best)
    firsts = [int(np.flatnonzero(best == label)[0]) for label in range(len(sizes))]
    order = sorted(range(len(sizes)), key=lambda label: (-sizes[label], firsts[label]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    members[voters] = rank[best]
    return OpinionGroups(members, len(order), silhouettes)


def _projected(votes: FloatArray) -> FloatArray:
    """(J, 2) places of jurors on the first two principal axes."""
    seen = ~np.isnan(votes)
    counts = seen.sum(axis=0)
    means = np.where(counts, np.nansum(votes, axis=0) / np.maximum(counts, 1), 0.0)
    centred = np.where(seen, votes - means, 0.0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(votes), 2))
    kept = min(2, len(sizes))
    places[:, :kept] = left[:, :kept] * sizes[:kept]
    share = seen.sum(axis=1) / max(int((counts > 0).sum()), 1)
    scaled: FloatArray = places / np.sqrt(share)[:, None]
    return scaled


def represented_groups(
    *,
    ratings: npt.ArrayLike,
    members: npt.ArrayLike,
    names: tuple[str, ...] = (),
    at_least: float = REPRESENTED_FROM,
    scale: tuple[float, float] = RATING_SCALE,
) -> Representation:
    """The share of groups whose mean rating of a response reaches `at_least`.

    Args:
        ratings: (J,) "is my view represented?" on `scale`; NaN where not rated.
        members: (J,) int, the group of each juror from 0 on; -1: in none.
        names: of the groups; without them "group 1", "group 2" ...
        at_least: mean from which a group is represented.
        scale: lowest and highest rating.

    Groups of which nobody rated are left out of the share; its ``count`` is the number of the
    others and ``reason`` says how many were left out.

    Raises:
        InvalidVotes: shapes that don't fit, a rating outside the scale, too few names.
    """
    values = np.asarray(ratings, dtype=np.float64)
    groups = np.asarray(members, dtype=np.int64)
    if values.ndim != 1 or groups.shape != values.shape:
        raise InvalidVotes(
            f"ratings and members have shapes {values.shape} and {groups.shape}; both must be "
            "(jurors,)."
        )
    given = ~np.isnan(values)
    wrong = given & ~((values >= scale[0]) & (values <= scale[1]))
    if wrong.any():
        raise InvalidVotes(
            f"Juror {int(wrong.argmax()) + 1} gave {values[wrong.argmax()]:g}; ratings lie between "
            f"{scale[0]:g} and {scale[1]:g}."
        )
    number = int(groups.max(initial=-1)) + 1
    labels = names or tuple(f"group {place + 1}" for place in range(number))
    if len(labels) < number:
        raise InvalidVotes(f"There are {number} groups, but {len(labels)} names.")
    found = tuple(
        _group_rating(name, values[groups == place], at_least) for place, name in enumerate(labels)
    )
    heard = [group for group in found if group.represented is not None]
    if not heard:
        return Representation(
            share=Measured.missing("No member of any group has rated it."), groups=found
        )
    left_out = len(found) - len(heard)
    return Representation(
        share=Measured(
            value=sum(bool(group.represented) for group in heard) / len(heard),
            reason=f"Of {left_out} of {len(found)} groups nobody rated." if left_out else "",
            count=len(heard),
        ),
        groups=found,
    )


def _group_rating(name: str, ratings: FloatArray, at_least: float) -> GroupRating:
    said = ratings[~np.isnan(ratings)]
    if not len(said):
        return GroupRating(name, len(ratings), Measured.missing("Nobody in it rated."), None)
    mean = float(said.mean())
    if len(said) == 1:
        measured = Measured(value=mean, reason="One rating gives no interval.", count=1)
    else:
        reach = 1.959964 * float(said.std(ddof=1)) / len(said) ** 0.5
        measured = Measured(value=mean, low=mean - reach, high=mean + reach, count=len(said))
    return GroupRating(name, len(ratings), measured, mean >= at_least - 1e-12)
