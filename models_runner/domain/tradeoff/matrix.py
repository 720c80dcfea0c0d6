"""Whether a model steered to a function is the best by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models_runner.domain.objectives.commensuration import CommensuratingFunction

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

EQUAL_WITHIN = 1e-12


class InvalidTradeoff(ValueError):
    """A matrix that no steering can be read from; the message has the numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Tradeoff:
    """How well one model follows the functions it is steered to.

    Let T[f, f'] = f(M_f'), higher better. ``satisfied`` (functions,): T[f, f] >= T[f, f'] for all
    f'; ``steerable`` if all are. ``regrets`` (functions,): max over f' of T[f, f'], less T[f, f],
    at least 0; ``regret`` their sum. ``score``: sum of f(M_f). ``satisfied_share``: of the rows.

    ``best_fixed`` is the steered model that would score most if it were used for every function,
    with ``fixed_score``; ``gain_over_fixed`` = score - fixed_score, below 0 where steering does
    harm. The same against separate static models in ``best_static``, ``static_score`` and
    ``gain_over_static``, None without any. Regret alone would reward a model that can't be steered:
    all its columns are equal and its regret is 0.
    """

    functions: tuple[str, ...]
    matrix: FloatArray
    satisfied: BoolArray
    steerable: bool
    satisfied_share: float
    score: float
    regrets: FloatArray
    regret: float
    best_fixed: str
    fixed_score: float
    gain_over_fixed: float
    best_static: str | None
    static_score: float | None
    gain_over_static: float | None


def tradeoff(
    *,
    functions: Sequence[str],
    matrix: npt.ArrayLike,
    static_models: Sequence[str] = (),
    static: npt.ArrayLike | None = None,
    equal_within: float = EQUAL_WITHIN,
) -> Tradeoff:
    """Read a matrix of values.

    Args:
        functions: names, at least one, each once.
        matrix: (functions, functions), row f, column f': f(M_f'), finite, higher better.
        static_models: names of models that are not steered.
        static: (functions, static models), their values.
        equal_within: how much less than the best still counts as the best.

    Raises:
        InvalidTradeoff: other shapes, values that are not finite, repeated names.
    """
    values = _finite(matrix, (len(functions), len(functions)), "matrix", functions)
    if not functions or len(set(functions)) < len(functions):
        raise InvalidTradeoff(
            f"The functions are {', '.join(functions) or 'none'}; name at least one, each once."
        )
    if len(set(static_models)) < len(static_models):
        raise InvalidTradeoff(f"The static models are {', '.join(static_models)}; name each once.")
    own = np.diag(values)
    regrets = values.max(axis=1) - own
    satisfied = regrets <= equal_within
    score = float(own.sum())
    fixed = values.sum(axis=0)
    best_fixed = int(fixed.argmax())
    best_static = static_score = None
    if static_models or static is not None:
        others = _finite(
            np.zeros((len(functions), 0)) if static is None else static,
            (len(functions), len(static_models)),
            "static values",
            functions,
        ).sum(axis=0)
        best_static = static_models[int(others.argmax())]
        static_score = float(others.max())
    return Tradeoff(
        functions=tuple(functions),
        matrix=values,
        satisfied=satisfied,
        steerable=bool(satisfied.all()),
        satisfied_share=float(satisfied.mean()),
        score=score,
        regrets=regrets,
        regret=float(regrets.sum()),
        best_fixed=functions[best_fixed],
        fixed_score=float(fixed[best_fixed]),
        gain_over_fixed=score - float(fixed[best_fixed]),
        best_static=best_static,
        static_score=static_score,
        gain_over_static=None if static_score is None else score - static_score,
    )


def tradeoff_matrix(
    *, normalised: npt.ArrayLike, functions: Sequence[CommensuratingFunction]
) -> FloatArray:
    """T[f, f'] = f(o(M_f')) from the normalised objectives of each steered model.

    `normalised` (functions, objectives) in [0, 1], row f' the objectives of M_f'; or any other
    models' rows, for static ones. Returns (functions, models).
    """
    values = np.asarray(normalised, dtype=np.float64)
    return np.stack([function(values) for function in functions])


def _finite(
    values: npt.ArrayLike, shape: tuple[int, int], name: str, functions: Sequence[str]
) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape or 0 in shape:
        raise InvalidTradeoff(
            f"The {name} must be {shape[0]} functions x {shape[1]} models; the shape is"
            f" {array.shape}."
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        row, column = bad[0]
        raise InvalidTradeoff(
            f"The {name}, row {functions[row]!r}, column {column + 1}, is {array[row, column]};"
            " each value must be a finite number."
        )
    return array
