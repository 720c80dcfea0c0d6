"""How well probabilities of entailment fit labels, by source of the pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models_runner.domain.contrast.pairs import LabelledPair, Relation

CLASSES = (Relation.ENTAILMENT, Relation.NEUTRAL, Relation.CONTRADICTION)


@dataclass(frozen=True)
class SourceScore:
    """One source's pairs: how many, the area under the ROC curve, three-way accuracy.

    Attributes:
        source: where the pairs are from.
        pairs: how many.
        auc: chance that an entailed pair gets a higher probability of entailment than another;
            None where only one kind is there.
        accuracy: share of right classes; None where a pair's class is not one of the three, or no
            probabilities by class are given.
    """

    source: str
    pairs: int
    auc: float | None
    accuracy: float | None


def area_under_curve(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """Area under the ROC curve; None where all are positive, or none."""
    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, scores))


def scores_by_source(
    pairs: Sequence[LabelledPair],
    probabilities: NDArray[np.float64],
    *,
    groups: Sequence[tuple[str, Sequence[str]]] = (),
) -> list[SourceScore]:
    """Scores of each source, of each named group of sources, and of all pairs.

    Args:
        pairs: what was asked.
        probabilities: shape (pairs, 3) for entailment, neutral, contradiction; or shape (pairs,)
            for a score of entailment alone.
        groups: names, each with the sources it joins.

    Raises:
        ValueError: as many rows as pairs are needed.
    """
    if len(pairs) != len(probabilities):
        raise ValueError(f"{len(pairs)} pairs, but {len(probabilities)} rows of probabilities.")
    sources = np.asarray([pair.source for pair in pairs])
    labels = np.asarray([str(pair.label) for pair in pairs])
    named = [(str(name), [str(name)]) for name in sorted(set(sources))]
    wanted = [*named, *groups, ("all", sorted(set(sources)))]
    found = []
    for name, members in wanted:
        rows = np.flatnonzero(np.isin(sources, list(members)))
        if rows.size:
            found.append(_score(name, labels[rows], probabilities[rows]))
    return found


def _score(name: str, labels: NDArray[np.str_], probabilities: NDArray[np.float64]) -> SourceScore:
    entailment = probabilities if probabilities.ndim == 1 else probabilities[:, 0]
    accuracy = None
    if probabilities.ndim == 2 and np.isin(labels, CLASSES).all():
        accuracy = float(np.mean(np.asarray(CLASSES)[probabilities.argmax(axis=1)] == labels))
    return SourceScore(
        name, len(labels), area_under_curve(labels == Relation.ENTAILMENT, entailment), accuracy
    )
