"""Where models that judge entailment plug in: a Protocol, and loading by dotted path.

Web processes import this module but never a backend (DESIGN, law 7):
:func:`load_entailment_backend` is called inside Runs and commands only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string
from numpy.typing import NDArray

Progress = Callable[[int, int], None]
FloatArray = NDArray[np.float64]

ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)
"""Columns of what a backend gives."""


class EntailmentUnavailable(Exception):
    """The backend asked for can't be loaded or used; the message says why, and what to do."""


class EntailmentBackend(Protocol):
    """How likely a premise entails a hypothesis, is neutral to it, or contradicts it.

    Attributes:
        name: what was asked for, such as "embedded" or a hub id.
        revision: revision of a hub id; empty otherwise.
        weights_digest: SHA-256 over all that decides the numbers: weights, configuration, number
            type and, for a language model, the prompt.
    """

    name: str
    revision: str
    weights_digest: str

    def entails(
        self,
        premises: Sequence[str],
        hypotheses: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> FloatArray:
        """Probabilities, shape (pairs, 3), in the given order.

        The columns are entailment, neutral, contradiction; values lie in [0, 1] and each row sums
        to 1. A pair too long for the model loses words of its premise, never of its hypothesis.

        Args:
            premises: texts, repeats allowed.
            hypotheses: as many.
            progress: called with pairs done and all pairs.

        Raises:
            EntailmentUnavailable: the model does not answer, or not in a usable way.
        """
        ...


@dataclass(frozen=True)
class EntailmentChoice:
    """Which backend, and with what.

    Attributes:
        backend: a key of settings.ENTAILMENT_BACKENDS, or a dotted path.
        model: hub id, folder or name of a model; empty for the backend's own.
        revision: revision of a hub id; empty for its default.
        dtype: number type, such as "float32"; "auto" is the quickest that the hardware has.
    """

    backend: str
    model: str = ""
    revision: str = ""
    dtype: str = "auto"


def declared_choice() -> EntailmentChoice:
    """What the settings name."""
    return EntailmentChoice(
        backend=settings.ENTAILMENT_BACKEND,
        model=settings.ENTAILMENT_MODEL,
        revision=settings.ENTAILMENT_REVISION,
        dtype=settings.ENTAILMENT_DTYPE,
    )


def chosen(name: str | None = None) -> EntailmentChoice:
    """The choice that a short name stands for; without a name the one of the settings.

    Args:
        name: BACKEND or BACKEND:MODEL, such as "embedded" or "transformers:./my-model". A backend
            other than that of the settings does not get the settings' model.
    """
    declared = declared_choice()
    if not name:
        return declared
    backend, _, model = name.partition(":")
    if backend == declared.backend:
        return EntailmentChoice(
            backend=backend,
            model=model or declared.model,
            revision="" if model else declared.revision,
            dtype=declared.dtype,
        )
    return EntailmentChoice(backend=backend, model=model, dtype=declared.dtype)


def load_entailment_backend(name: str | None = None) -> EntailmentBackend:
    """The backend of that name, or the one that the settings name, loaded.

    Args:
        name: as :func:`chosen` takes it.

    Raises:
        EntailmentUnavailable: no such backend, or its package, folder or model can't be loaded.
    """
    choice = chosen(name)
    path = settings.ENTAILMENT_BACKENDS.get(choice.backend, choice.backend)
    if "." not in path:
        raise EntailmentUnavailable(
            f"There is no entailment backend called {choice.backend!r}. Known are "
            f"{', '.join(settings.ENTAILMENT_BACKENDS)}, or give the dotted path of a class."
        )
    try:
        factory = import_string(path)
    except ImportError as problem:
        raise EntailmentUnavailable(
            f"The entailment backend {choice.backend!r} can't be imported: {problem}. Install what "
            "it needs, or set VENIRE_ENTAILMENT_BACKEND to another one."
        ) from problem
    return cast(
        "EntailmentBackend",
        factory(model=choice.model, revision=choice.revision, dtype=choice.dtype),
    )
