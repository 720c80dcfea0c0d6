"""What one juror's leaving does to the welfare of whole sources."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from juries.domain.failure_modes import Tipping, influence
from juries.domain.resampling import by_source, membership
from juries.domain.voting.outcomes import highest
from juries.domain.welfare import FloatArray, power_welfare


@dataclass(frozen=True, slots=True, eq=False)
class SourceInfluence:
    """The largest change that one juror's leaving makes, source by source.

    `largest` (sources,) is welfare without her less welfare with her, NaN where nobody judged;
    `jurors` (sources,) are the rows of those whose leaving makes it, -1 where there is none.
    `tipping` lists the jurors without whom others than `winners` would lead.
    """

    winners: tuple[str, ...]
    largest: FloatArray
    jurors: tuple[int, ...]
    tipping: tuple[Tipping, ...]


def source_influence(
    utilities: ArrayLike, *, item_sources: Sequence[str], alpha: float
) -> SourceInfluence:
    """Leave each juror out in turn; a source's welfare is the mean over its items.

    `utilities` (jurors, items), NaN where not said; sources are in alphabetical order. An item
    that only she judged is left out of the mean without her. Raises InvalidUtilities.
    """
    values = np.asarray(utilities, dtype=float)
    sources, belongs = membership(item_sources)
    names = tuple(str(item) for item in range(values.shape[1]))
    found = influence(values, responses=names, alpha=alpha, skip_missing=True)
    items = power_welfare(values, alpha=alpha, skip_missing=True)
    said = ~np.isnan(values)
    without = by_source(items + np.where(said, found.changes, 0.0), belongs)
    whole = by_source(items[None, :], belongs)[0]
    changes = np.where(said.any(axis=1)[:, None], without - whole, np.nan)
    sizes = np.where(np.isnan(changes), -1.0, np.abs(changes))
    most = sizes.argmax(axis=0)
    some = sizes.max(axis=0) >= 0
    winners = highest(whole, responses=sources)
    tipping = []
    for juror in np.flatnonzero(said.any(axis=1)):
        then = highest(without[juror], responses=sources)
        if then and then != winners:
            tipping.append(Tipping(int(juror), then))
    return SourceInfluence(
        winners=winners,
        largest=np.where(some, changes[most, np.arange(len(sources))], np.nan),
        jurors=tuple(int(juror) if known else -1 for juror, known in zip(most, some, strict=True)),
        tipping=tuple(tipping),
    )
