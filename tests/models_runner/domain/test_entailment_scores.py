"""Scores by source, by hand."""

import numpy as np
import pytest

from models_runner.domain.contrast.pairs import LabelledPair, Relation
from models_runner.domain.entailment_scores import SourceScore, scores_by_source

E, N, C, NOT = Relation
PAIRS = [
    LabelledPair("p", "h", label, source)
    for label, source in ((E, "a"), (N, "a"), (C, "a"), (E, "b"), (NOT, "b"), (NOT, "c"))
]
PROBABILITIES = np.array(
    [
        [0.5, 0.3, 0.2],
        [0.6, 0.3, 0.1],
        [0.1, 0.2, 0.7],
        [0.9, 0.1, 0.0],
        [0.2, 0.4, 0.4],
        [0.3, 0.3, 0.4],
    ]
)


def test_by_source_by_group_and_in_all() -> None:
    found = scores_by_source(PAIRS, PROBABILITIES, groups=[("b and c", ("b", "c"))])
    assert [(row.source, row.pairs) for row in found] == [
        ("a", 3), ("b", 2), ("c", 1), ("b and c", 3), ("all", 6),
    ]  # fmt: skip
    assert [row.auc for row in found] == [0.5, 1.0, None, 1.0, pytest.approx(7 / 8)]
    assert [row.accuracy for row in found] == [pytest.approx(2 / 3), None, None, None, None]


def test_a_score_alone_has_no_accuracy() -> None:
    found = scores_by_source(PAIRS[:3], np.array([0.2, 0.1, 0.0]))
    assert found == [SourceScore("a", 3, 1.0, None), SourceScore("all", 3, 1.0, None)]


def test_rows_must_fit() -> None:
    with pytest.raises(ValueError, match="6 pairs, but 1 rows"):
        scores_by_source(PAIRS, PROBABILITIES[:1])
