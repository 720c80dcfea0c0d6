"""How well a slate of statements stands for a jury, as a whole and in equal shares.

In the balanced reading each statement speaks for the same number of jurors (B. L. Monroe, "Fully
proportional representation", American Political Science Review 89, 1995), which is how S. Fish and
others judge a slate in "Generative social choice" (EC 2024).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from juries.domain.welfare import FloatArray, InvalidUtilities


@dataclass(frozen=True, slots=True, eq=False)
class Slate:
    """`assigned` (jurors,) is the place of each juror's statement, `ratings` what she gave it."""

    statements: tuple[str, ...]
    assigned: NDArray[np.int64]
    ratings: FloatArray

    def captured(self, *, at_least: float) -> int:
        """Jurors whose statement has this rating or more."""
        return int((self.ratings >= at_least).sum())


def favourites(ratings: ArrayLike, *, statements: Sequence[str]) -> Slate:
    """Each juror with the statement that she rates best, the first of equals."""
    values = _checked(ratings, statements)
    return _slate(values, values.argmax(axis=1), statements)


def balanced(ratings: ArrayLike, *, statements: Sequence[str]) -> Slate:
    """Jurors shared out equally, up to one, so that the sum of ratings is the largest.

    `ratings` (jurors, statements), complete. The sum is exact; where several ways reach it, which
    one is taken depends on the order of jurors. Raises InvalidUtilities.
    """
    values = _checked(ratings, statements)
    jurors, number = values.shape
    each, extra = divmod(jurors, number)
    # A place for each juror, and one more a statement; stand-ins keep those free that are too many.
    places = np.hstack([np.repeat(values, each, axis=1), values])
    best = np.abs(values).max() + 1
    stand_ins = np.full((number - extra, places.shape[1]), -best * (jurors + number))
    stand_ins[:, number * each :] = 0.0
    _, taken = linear_sum_assignment(np.vstack([places, stand_ins]), maximize=True)
    owners = np.concatenate([np.repeat(np.arange(number), each), np.arange(number)])
    return _slate(values, owners[taken[:jurors]], statements)


def _checked(ratings: ArrayLike, statements: Sequence[str]) -> FloatArray:
    values = np.asarray(ratings, dtype=float)
    if values.ndim != 2 or 0 in values.shape or values.shape[1] != len(statements):
        raise InvalidUtilities(
            f"{len(statements)} statements were given for ratings of the shape {values.shape}."
        )
    if not np.isfinite(values).all():
        juror, statement = np.argwhere(~np.isfinite(values))[0]
        raise InvalidUtilities(
            f"Juror {juror + 1} has no rating of {statements[statement]!r}; a slate needs every"
            " juror's rating of each statement."
        )
    return values


def _slate(values: FloatArray, assigned: NDArray[np.int64], statements: Sequence[str]) -> Slate:
    return Slate(tuple(statements), assigned, values[np.arange(len(values)), assigned])
