"""k-means in the plane for several k at once, over points that many people share.

Lloyd's algorithm from greedy k-means++ starts (Arthur and Vassilvitskii, "k-means++: the advantages
of careful seeding", 2007). Jurors vote on few answers, so that many stand on the same point: each
place is kept once, with its weight, and all starts of all k walk side by side in arrays. The
groups of a query's jurors take a few milliseconds that way, where `sklearn.cluster.KMeans`, called
for each k, takes tens: it is made for many points in many dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

STARTS = 40
# Of so many places drawn for the next centre the one that lowers the spread most is taken.
CANDIDATES = 2
MOST_STEPS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Different points and who stands on them.

    Attributes:
        points: (P, 2), in the order in which they first appear.
        weights: (P,) how many stand on each.
        place_of: (N,) int, each row's place among `points`.
    """

    points: FloatArray
    weights: FloatArray
    place_of: IntArray

    def distances(self) -> FloatArray:
        """(P, P) between the points."""
        found: FloatArray = np.sqrt(_squares(self.points[:, None], self.points))
        return found


def places_of(points: FloatArray, *, decimals: int = 9) -> Places:
    """Points (N, 2), those that agree to so many decimals taken as one."""
    _, first, inverse, counts = np.unique(
        points.round(decimals) + 0.0,
        axis=0,
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    # By first appearance: which way round the axes point must not change what is drawn.
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return Places(
        points=points[first[order]],
        weights=counts[order].astype(np.float64),
        place_of=rank[inverse.reshape(-1)],
    )


def k_means(*, places: Places, most: int, seed: int) -> dict[int, IntArray]:
    """The best of ``STARTS`` clusterings for each k from 2 to `most`.

    Args:
        places: at least `most` different points.
        most: the largest k.
        seed: of the starts; the same gives the same.

    Returns:
        k -> (P,) int, the cluster of each place, from 0 to k - 1; a cluster may be empty.
    """
    points, weights = places.points, places.weights
    wanted = np.repeat(np.arange(2, most + 1), STARTS)
    centres = np.tile(_starts(points, weights, most, np.random.default_rng(seed)), (most - 1, 1, 1))
    # The first k of a start's centres are a start for k; the others are out of reach.
    centres[np.arange(most) >= wanted[:, None]] = np.inf
    labels = _walk(points, weights, centres)
    apart = _squares(points, np.take_along_axis(centres, labels[:, :, None], axis=1))
    spread = (apart * weights).sum(axis=1)
    return {
        k: labels[start + int(np.argmin(spread[start : start + STARTS]))]
        for k, start in zip(range(2, most + 1), range(0, len(wanted), STARTS), strict=True)
    }


def silhouette(*, places: Places, distances: FloatArray, labels: IntArray) -> float:
    """The mean silhouette over all who stand on the places (Rousseeuw, 1987), in [-1, 1].

    Args:
        places: points with their weights.
        distances: (P, P) between the points.
        labels: (P,) int from 0 without a gap, two clusters or more.
    """
    count = int(labels.max()) + 1
    is_in = labels[:, None] == np.arange(count)
    sizes = is_in.T @ places.weights
    sums = distances @ (is_in * places.weights[:, None])
    own = sums[is_in]
    others = np.where(is_in, np.inf, sums / sizes)
    outside = others.min(axis=1)
    size = sizes[labels]
    inside = own / np.maximum(size - 1, 1)
    wider = np.maximum(inside, outside)
    # Alone in a cluster, or all of two clusters on one point: neither near nor far.
    is_told = (size > 1) & (wider > 0)
    values = np.where(is_told, (outside - inside) / np.where(is_told, wider, 1), 0)
    return float((values * places.weights).sum() / places.weights.sum())


def _starts(
    points: FloatArray, weights: FloatArray, most: int, rng: np.random.Generator
) -> FloatArray:
    """(STARTS, most, 2) centres: each next one far from those before, by greedy k-means++."""
    chosen = _drawn(np.tile(weights, (STARTS, 1)), rng.random((STARTS, 1)))[:, 0]
    centres = np.empty((STARTS, most, 2))
    centres[:, 0] = points[chosen]
    nearest = _squares(points, centres[:, :1])
    for number in range(1, most):
        tried = _drawn(nearest * weights, rng.random((STARTS, CANDIDATES)))
        apart = _squares(points, points[tried][:, :, None])
        lower = np.minimum(apart, nearest[:, None])
        taken = np.argmin((lower * weights).sum(axis=2), axis=1)
        rows = np.arange(STARTS)
        centres[:, number] = points[tried[rows, taken]]
        nearest = lower[rows, taken]
    return centres


def _drawn(masses: FloatArray, uniform: FloatArray) -> IntArray:
    """Places drawn in proportion to masses (S, P) by numbers (S, T) in [0, 1); (S, T) int."""
    sums = masses.cumsum(axis=1)
    below = sums[:, None, :] <= (uniform * sums[:, -1:])[:, :, None]
    drawn: IntArray = np.minimum(below.sum(axis=2), masses.shape[1] - 1)
    return drawn


def _walk(points: FloatArray, weights: FloatArray, centres: FloatArray) -> IntArray:
    """(S, P) the clusters in which Lloyd's steps end; `centres` (S, K, 2) is moved there.

    A centre that nobody is nearest to stays where it is.
    """
    starts, most, _ = centres.shape
    labels = np.full((starts, len(points)), -1, dtype=np.int64)
    moving = np.arange(starts)
    for _ in range(MOST_STEPS):
        nearest = _nearest(points, centres[moving])
        changed = (nearest != labels[moving]).any(axis=1)
        labels[moving] = nearest
        moving, nearest = moving[changed], nearest[changed]
        if not len(moving):
            break
        cells = (nearest + most * np.arange(len(moving))[:, None]).ravel()
        shape = (len(moving), most)
        mass = np.bincount(cells, np.tile(weights, len(moving)), shape[0] * most).reshape(shape)
        filled = mass > 0
        for axis in (0, 1):
            sums = np.bincount(
                cells, np.tile(weights * points[:, axis], len(moving)), shape[0] * most
            ).reshape(shape)
            centres[moving, :, axis] = np.where(
                filled, sums / np.where(filled, mass, 1), centres[moving, :, axis]
            )
    return labels


def _nearest(points: FloatArray, centres: FloatArray) -> IntArray:
    """(S, P) the nearest of the centres (S, K, 2), of equally near ones the first."""
    best = _squares(points, centres[:, 0, None])
    labels = np.zeros(best.shape, dtype=np.int64)
    for number in range(1, centres.shape[1]):
        apart = _squares(points, centres[:, number, None])
        np.copyto(labels, number, where=apart < best)
        np.minimum(apart, best, out=best)
    return labels


def _squares(one: FloatArray, other: FloatArray) -> FloatArray:
    """Squared distances (...,) between points (..., 2); over so short an axis a sum is slow."""
    across, up = one[..., 0] - other[..., 0], one[..., 1] - other[..., 1]
    found: FloatArray = across * across + up * up
    return found
