"""Items known again by their features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models_runner.domain.reward.table import FloatArray, IntArray

Keys = npt.NDArray[np.uint64]
_CHUNK = 4096


def item_keys(features: FloatArray) -> Keys:
    """A 64-bit key for each row of (n, p): the same numbers give the same key, on any machine."""
    width = features.shape[1]
    steps = np.arange(1, width + 1, dtype=np.uint64)
    factors = (steps * np.uint64(0x9E3779B97F4A7C15)) ^ (steps << np.uint64(17)) | np.uint64(1)
    keys = np.empty(len(features), dtype=np.uint64)
    for first in range(0, len(features), _CHUNK):
        part = np.ascontiguousarray(features[first : first + _CHUNK] + 0.0, dtype=np.float64)
        bits = part.view(np.uint64)
        mixed = (bits ^ (bits >> np.uint64(29))) * factors
        keys[first : first + _CHUNK] = (mixed ^ (mixed >> np.uint64(32))).sum(
            axis=1, dtype=np.uint64
        )
    return keys


def known_items(*, features: FloatArray, keys: Keys, numbers: IntArray) -> IntArray:
    """For each row of (n, p) the number that goes with its key, -1 where there is none.

    keys : ascending, without repeats, as ``distinct_items`` gives them
    """
    if not len(keys):
        return np.full(len(features), -1, dtype=np.int64)
    wanted = item_keys(features)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, numbers[places], -1)


def distinct_items(*, features: FloatArray, rated: IntArray) -> tuple[Keys, IntArray]:
    """Keys and numbers of rated items; those that share their features are left out."""
    keys = item_keys(features[rated])
    found, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return found[counts == 1], rated[first[counts == 1]]
