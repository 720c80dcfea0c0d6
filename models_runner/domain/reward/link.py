"""From what a linear model says of a chance to a chance: a logistic or probit link.

A Gaussian model of "at least this point?" gives numbers near a probability, too sure or not sure
enough. The link p' = F(a + b F^-1(p)), F the logistic function (or the normal one: the ordered
probit), is fitted on predictions for jurors and items that the model had not seen; it is one for
all points, so that chances keep their order. J. Platt, "Probabilistic outputs for support vector
machines", 1999.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, log_ndtr, logit, ndtr, ndtri

from models_runner.domain.reward.table import FloatArray

LINKS = ("logit", "probit")
_EDGE = 0.01
_LEAST, _MOST = 50, 40_000


@dataclass(frozen=True, slots=True)
class Link:
    """p' = F(shift + slope F^-1(p)); the identity unless fitted."""

    kind: str = "logit"
    shift: float = 0.0
    slope: float = 1.0

    def __call__(self, chances: FloatArray) -> FloatArray:
        """Chances of any shape, in [0, 1], in the same order."""
        inverse = logit if self.kind == "logit" else ndtri
        forward = expit if self.kind == "logit" else ndtr
        scores = inverse(np.clip(chances, _EDGE, 1 - _EDGE))
        return np.asarray(forward(self.shift + self.slope * scores), dtype=np.float64)

    @classmethod
    def fit(cls, *, chances: FloatArray, truth: FloatArray, kind: str = "logit") -> Link:
        """The likeliest link for predicted chances (N,) of what was true (1) or not (0).

        The identity for fewer than 50 predictions, or where all truths are alike; of more than
        40,000 evenly spaced ones are taken.
        """
        if len(truth) < _LEAST or truth.min() == truth.max():
            return cls(kind=kind)
        inverse = logit if kind == "logit" else ndtri
        log_of = log_expit if kind == "logit" else log_ndtr
        step = -(-len(truth) // _MOST)
        chances, truth = chances[::step], truth[::step]
        scores = inverse(np.clip(chances, _EDGE, 1 - _EDGE))
        signs = np.where(truth > 0.5, 1.0, -1.0)

        def loss(values: FloatArray) -> float:
            line = values[0] + np.exp(values[1]) * scores
            return float(-log_of(signs * line).mean() + 1e-4 * (values**2).sum())

        found = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"maxiter": 200})
        return cls(kind=kind, shift=float(found.x[0]), slope=float(np.exp(found.x[1])))
