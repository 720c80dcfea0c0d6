"""Which responses nobody could do better by without someone doing worse.

Each juror, or each group's mean (`group_means`), is an objective of its own, so nothing is compared
between people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from juries.domain.welfare import InvalidUtilities


@dataclass(frozen=True, slots=True)
class ParetoView:
    """`front` are the responses that none dominates; `dominated_by` (responses,) who dominates
    each.
    """

    responses: tuple[str, ...]
    front: tuple[str, ...]
    dominated_by: tuple[tuple[str, ...], ...]


def pareto_view(objectives: ArrayLike, *, responses: Sequence[str]) -> ParetoView:
    """Compare responses by all `objectives` (objectives, responses), higher is better.

    One dominates another if it is nowhere lower and somewhere higher, by the objectives that have
    a value (not NaN) for both; with gaps, domination need not be a chain. Raises InvalidUtilities
    for names that don't fit.
    """
    values = np.asarray(objectives, dtype=float)
    if values.ndim != 2 or values.shape[1] != len(responses):
        raise InvalidUtilities(
            f"{len(responses)} names were given for objectives of the shape {values.shape}."
        )
    names = tuple(responses)
    dominated_by = []
    for column in values.T:
        # NaN compares as neither higher nor lower.
        lower = (values < column[:, None]).any(axis=0)
        higher = (values > column[:, None]).any(axis=0)
        dominated_by.append(
            tuple(name for name, wins in zip(names, higher & ~lower, strict=True) if wins)
        )
    front = tuple(name for name, others in zip(names, dominated_by, strict=True) if not others)
    return ParetoView(responses=names, front=front, dominated_by=tuple(dominated_by))
