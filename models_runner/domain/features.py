"""Features of items, reduced to a few directions before jurors' functions are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

FloatArray = npt.NDArray[np.float64]


def _largest(gram: FloatArray, maximum: int) -> tuple[FloatArray, FloatArray]:
    """The largest eigenvalues of a Gram matrix and their vectors as columns."""
    size = len(gram)
    values, vectors = eigh(gram, subset_by_index=(max(size - maximum, 0), size - 1))
    return np.asarray(values, dtype=np.float64), np.asarray(vectors, dtype=np.float64)


def _scales(centred: FloatArray, blocks: Sequence[int]) -> FloatArray:
    """(p,) factors that bring each block to the same total variance; 1 for a single block."""
    scale = np.ones(centred.shape[1])
    if len(blocks) < 2:
        return scale
    start = 0
    for width in blocks:
        part = slice(start, start + width)
        variance = float((centred[:, part] ** 2).sum()) / max(len(centred), 1)
        scale[part] = 1 / np.sqrt(variance) if variance > 1e-12 else 0.0
        start += width
    return scale


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalAxes:
    """The directions along which the items' features vary most.

    ``centre`` (p,), ``axes`` (p, k): features minus centre, times axes, give coordinates (n, k)
    whose mean squared length over the fitted items is 1. k may be 0 (items all alike).
    """

    centre: FloatArray
    axes: FloatArray

    @classmethod
    def fit(
        cls, *, features: FloatArray, maximum: int, blocks: Sequence[int] = ()
    ) -> PrincipalAxes:
        """Principal components of (n, p) features, at most ``maximum`` and fewer than n.

        ``blocks``: widths of blocks of columns that count the same, whatever their variance; none:
        one block.
        The Gram matrix of the smaller side is decomposed; the sign of each axis is fixed by its
        largest loading, so the same features give the same axes.
        """
        centre = features.mean(axis=0)
        scale = _scales(features - centre, blocks)
        centred = (features - centre) * scale
        n, p = centred.shape
        if p <= n:
            values, axes = _largest(centred.T @ centred, maximum)
        else:
            values, left = _largest(centred @ centred.T, maximum)
            axes = centred.T @ (left / np.sqrt(np.maximum(values, 1e-300)))
        keep = [
            place
            for place in np.argsort(-values, kind="stable")[:maximum]
            if values[place] > 1e-10 * max(float(values.max()), 1e-300) and values[place] > 1e-12
        ]
        axes = axes[:, keep]
        total = float(values[keep].sum()) / n
        if keep:
            largest = np.abs(axes).argmax(axis=0)
            axes = axes * np.sign(axes[largest, np.arange(len(keep))]) / np.sqrt(total)
        return cls(centre=centre, axes=np.ascontiguousarray(axes * scale[:, None]))

    def coordinates(self, *, features: FloatArray) -> FloatArray:
        """(n, p) features as (n, k) coordinates."""
        return np.asarray((features - self.centre) @ self.axes, dtype=np.float64)
