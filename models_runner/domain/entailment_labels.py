"""Which output of a classifier means entailment, by the names in its configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_MEANS = {
    "entailment": ("entailment", "entail", "entails", "entailed"),
    "neutral": ("neutral",),
    "contradiction": ("contradiction", "contradict", "contradicts", "contradictory"),
    "not_entailment": (
        *("not entailment", "non entailment", "no entailment", "not entailed", "nonentailment"),
        *("notentailment", "not entail"),
    ),
}
MEANING = {name: meaning for meaning, names in _MEANS.items() for name in names}
THREE = frozenset({"entailment", "neutral", "contradiction"})
TWO = frozenset({"entailment", "not_entailment"})


class UnknownLabels(ValueError):
    """Labels that can't be read; the message has them and says what to set."""


@dataclass(frozen=True, slots=True)
class LabelOrder:
    """What each output of a classifier means, in the order of its outputs."""

    meanings: tuple[str, ...]

    def probabilities(self, outputs: npt.ArrayLike) -> FloatArray:
        """(N, 3) entailment, neutral, contradiction from (N, labels) probabilities.

        With two labels, what is not entailment is halved between neutral and contradiction, since
        such a model does not tell them apart. Neither half can then be the larger, so no passage
        counts as contradicting an answer by it.
        """
        values = np.asarray(outputs, dtype=np.float64)
        entailment = values[:, self.meanings.index("entailment")]
        if "not_entailment" in self.meanings:
            half = values[:, self.meanings.index("not_entailment")] / 2
            return np.column_stack([entailment, half, half])
        return np.column_stack(
            [
                entailment,
                values[:, self.meanings.index("neutral")],
                values[:, self.meanings.index("contradiction")],
            ]
        )


def label_order(id2label: Mapping[int, str], *, model: str) -> LabelOrder:
    """What a model's outputs mean.

    Args:
        id2label: number of an output -> its name, as in the model's configuration. Case, blanks,
            dashes and underscores don't matter.
        model: its name, for the message.

    Raises:
        UnknownLabels: names such as LABEL_0, which say nothing; other tasks' names; one twice.
    """
    names = [id2label[place] for place in sorted(id2label)]
    meanings = tuple(
        MEANING.get(re.sub(r"[\s_-]+", " ", str(name)).strip().lower(), "") for name in names
    )
    if len(meanings) == len(set(meanings)) and frozenset(meanings) in (THREE, TWO):
        return LabelOrder(meanings)
    raise UnknownLabels(
        f"The labels of {model} are {', '.join(map(str, names)) or 'missing'}; which of them means "
        "entailment can't be told. Needed are entailment, neutral and contradiction, or entailment "
        'and not_entailment. Set id2label in the model\'s config.json, such as {"0": "entailment", '
        '"1": "neutral", "2": "contradiction"}, or write the order behind the model\'s name: '
        f"{model.split('#')[0]}#labels=entailment,neutral,contradiction."
    )
