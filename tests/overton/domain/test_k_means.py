"""k-means over shared places: by hand, against scikit-learn, and what it must not hang on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from overton.domain.k_means import k_means, places_of, silhouette


def spread(points: np.ndarray, labels: np.ndarray) -> float:
    return sum(
        float(((points[labels == own] - points[labels == own].mean(axis=0)) ** 2).sum())
        for own in np.unique(labels)
    )


def blobs(seed: int = 4) -> np.ndarray:
    """Three camps, each of thirty, on a coarse grid so that many share a place."""
    rng = np.random.default_rng(seed)
    centres = np.repeat([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]], 30, axis=0)
    return (centres + rng.normal(size=(90, 2))).round(0)


def test_places_are_kept_once_in_order_of_appearance() -> None:
    found = places_of(np.array([[1.0, 2.0], [0.0, -0.0], [1.0, 2.0 + 1e-12], [0.0, 0.0]]))
    np.testing.assert_array_equal(found.points, [[1, 2], [0, 0]])
    assert found.weights.tolist() == [2, 2]
    assert found.place_of.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(found.distances(), [[0, 5**0.5], [5**0.5, 0]])


def test_two_pairs_by_hand() -> None:
    places = places_of(np.array([[0.0, 0.0], [0.0, 1.0], [5.0, 0.0], [5.0, 1.0]]))
    found = k_means(places=places, most=3, seed=0)
    assert sorted(found) == [2, 3]
    first = found[2]
    assert first[0] == first[1] != first[2] == first[3]
    # Inside 1 for all; outside (5 + sqrt(26)) / 2.
    outside = (5 + 26**0.5) / 2
    told = silhouette(places=places, distances=places.distances(), labels=first)
    assert told == pytest.approx(1 - 1 / outside)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_as_good_as_scikit_learn(seed: int) -> None:
    points = blobs(seed)
    places = places_of(points)
    assert len(places.points) < len(points), "some share a place"
    for k, labels in k_means(places=places, most=5, seed=seed).items():
        own = labels[places.place_of]
        other = KMeans(n_clusters=k, n_init=50, random_state=seed).fit(points)
        assert spread(points, own) <= other.inertia_ * (1.0001 if k == 3 else 1.005)
        assert silhouette(
            places=places, distances=places.distances(), labels=labels
        ) == pytest.approx(silhouette_score(points, own), abs=1e-7)


def test_a_place_counts_as_often_as_people_stand_on_it() -> None:
    """One far away and alone is a cluster; where nobody else stands there, it pulls little."""
    points = np.array([[0.0, 0.0]] * 50 + [[1.0, 0.0]] + [[3.0, 0.0]] * 50)
    labels = k_means(places=places_of(points), most=2, seed=0)[2]
    assert labels[0] == labels[1] != labels[2]
    alone = places_of(np.array([[0.0, 0.0], [0.0, 0.0], [4.0, 0.0]]))
    told = silhouette(places=alone, distances=alone.distances(), labels=np.array([0, 1]))
    assert told == pytest.approx(2 / 3), "who is alone counts 0"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 40))
def test_the_same_seed_gives_the_same_and_every_place_is_nearest_to_its_own(
    seed: int, people: int
) -> None:
    rng = np.random.default_rng(seed)
    places = places_of(rng.integers(-3, 4, size=(people, 2)).astype(float))
    if len(places.points) < 3:
        return
    most = min(5, len(places.points))
    found = k_means(places=places, most=most, seed=seed)
    again = k_means(places=places, most=most, seed=seed)
    for k, labels in found.items():
        np.testing.assert_array_equal(labels, again[k])
        assert 0 <= labels.min() <= labels.max() < k
        filled = np.unique(labels)
        centres = np.array(
            [
                np.average(
                    places.points[labels == own], axis=0, weights=places.weights[labels == own]
                )
                for own in filled
            ]
        )
        apart = ((places.points[:, None] - centres) ** 2).sum(axis=2)
        own = apart[np.arange(len(labels)), np.searchsorted(filled, labels)]
        assert (own <= apart.min(axis=1) + 1e-9).all()
