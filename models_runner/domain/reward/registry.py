"""All methods by name."""

from __future__ import annotations

from models_runner.domain.reward.hierarchical import Hierarchical
from models_runner.domain.reward.methods import CLASSIC, Method, UnknownMethod
from models_runner.domain.reward.statement import Statement

DEFAULT_METHOD = "hierarchical"

METHODS: dict[str, Method] = {method.name: method for method in (*CLASSIC, Hierarchical())}

# Its network is no method of this package: it reads texts, and needs torch.
JURY_LEARNING = "jury_learning"

# What learns from one number for each juror and item, not from an item's features.
STATEMENT = Statement().name
_SCORED: dict[str, Method] = {STATEMENT: Statement()}

# One number or one function for all, or one number for each juror: nothing to offer as a choice.
PLAIN = ("global_mean", "global_median", "juror_mean", "juror_median", "population_ridge")
BASELINES = (*PLAIN, "independent")


def method_names() -> tuple[str, ...]:
    """The names of all methods that learn from ratings and items' features."""
    return tuple(METHODS)


def method_named(name: str) -> Method:
    """The method of that name, `statement` among them. Raises ``UnknownMethod``."""
    found = METHODS.get(name) or _SCORED.get(name)
    if found is None:
        raise UnknownMethod(name=name, known=method_names())
    return found
