"""A judge that needs no library: it counts the words that two texts share."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from overton.ports import EntailmentUnavailable, Progress

NEGATIONS = {"not", "false"}


def _words(text: str) -> list[str]:
    return [word.strip(".,;:!?").lower() for word in text.split()]


class WordJudge:
    """As settings.ENTAILMENT_BACKEND; a model called "missing" can't be loaded.

    Entailment is the share of the hypothesis' words that stand in the premise; most of it moves to
    contradiction where the premise says "false" or "not" behind the first of them and the
    hypothesis doesn't.

    Attributes:
        calls: every pair that any of them was asked for, in order.
    """

    calls: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, *, model: str = "", revision: str = "", dtype: str = "float32") -> None:
        if model == "missing":
            raise EntailmentUnavailable("There is no judge called missing. Name another.")
        self.name = f"words:{model}" if model else "words"
        self.revision = revision
        self.weights_digest = "f" * 64

    def entails(
        self,
        premises: Sequence[str],
        hypotheses: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        rows = np.zeros((len(premises), 3))
        for place, (premise, hypothesis) in enumerate(zip(premises, hypotheses, strict=True)):
            self.calls.append((premise, hypothesis))
            words = _words(premise)
            wanted = set(_words(hypothesis))
            shared = [word for word in words if word in wanted]
            share = len(set(shared)) / max(len(wanted), 1)
            after = words[words.index(shared[0]) :] if shared else []
            negated = bool(NEGATIONS.intersection(after)) and not NEGATIONS & wanted
            entailment = 0.02 + 0.96 * share
            contradiction = 0.01
            if negated:
                entailment, contradiction = 0.1 * entailment, 0.9 * entailment
            rows[place] = entailment, 1 - entailment - contradiction, contradiction
        if progress is not None:
            progress(len(premises), len(premises))
        return rows
