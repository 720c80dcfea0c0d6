"""How well a judge's readings agree with people's, pair by pair and out of fold."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from annotations.domain.measured import Measured
from overton.domain.calibration import HeldOut
from overton.domain.windows import wilson_interval

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

FEWEST_FOR_VALIDATION = 200
"""Labelled pairs from which a judge counts as validated (declared with the product)."""
BINS = 10
RESAMPLES = 1000
METRICS = ("f1", "kappa", "accuracy", "precision", "recall", "auc", "brier", "ece")


class InvalidCardInput(ValueError):
    """Arrays that don't fit together; the message has their shapes."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pairs with a probability from `low` to `high` (the last bin includes its end).

    ``predicted`` is their mean probability; ``observed`` the share that people call expressed, with
    its Wilson interval.
    """

    low: float
    high: float
    count: int
    predicted: float
    observed: Measured


@dataclass(frozen=True, slots=True)
class ReportCard:
    """Agreement with people.

    Attributes:
        pairs, expressed, queries: how many labelled pairs, how many of them expressed, of how many
            queries.
        validated: at least ``FEWEST_FOR_VALIDATION`` labelled pairs.
        metrics: F1, Cohen's kappa, accuracy, precision and recall of the verdicts; AUC of the
            scores; Brier score and expected calibration error of the probabilities. Intervals:
            95 % bootstrap over queries.
        reliability: bins that hold pairs.
        by_length, by_trap: the metrics of the pairs whose response lies in a third of the lengths,
            or of one kind of trap, by name.
    """

    pairs: int
    expressed: int
    queries: int
    validated: bool
    metrics: dict[str, Measured]
    reliability: tuple[ReliabilityBin, ...]
    by_length: dict[str, dict[str, Measured]]
    by_trap: dict[str, dict[str, Measured]]


def report_card(
    *,
    scores: npt.ArrayLike,
    expressed: npt.ArrayLike,
    queries: Sequence[Hashable],
    held_out: HeldOut,
    words: npt.ArrayLike | None = None,
    traps: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> ReportCard:
    """Compare a judge's held-out readings with people's labels.

    Args:
        scores: (N,) of labelled pairs, in [0, 1].
        expressed: (N,) bool, what people say.
        queries: (N,) the query of each; what the bootstrap draws.
        held_out: probabilities and verdicts that were not learned from the pair's query.
        words: (N,) length of each pair's response.
        traps: (N,) kind of trap of each pair, "" for none.
        seed: of the bootstrap.
        resamples: of the bootstrap, at least 1.

    Raises:
        InvalidCardInput: shapes that don't fit.
    """
    values = np.asarray(scores, dtype=np.float64)
    labels = np.asarray(expressed, dtype=np.bool_)
    count = len(labels)
    lengths = None if words is None else np.asarray(words, dtype=np.float64)
    sizes = {
        "scores": values.shape,
        "expressed": labels.shape,
        "queries": (len(queries),),
        "probabilities": held_out.probabilities.shape,
        "verdicts": held_out.verdicts.shape,
        **({} if lengths is None else {"words": lengths.shape}),
        **({} if traps is None else {"traps": (len(traps),)}),
    }
    if any(shape != (count,) for shape in sizes.values()):
        raise InvalidCardInput(
            "All must be (pairs,), but "
            + ", ".join(f"{name} is {shape}" for name, shape in sizes.items())
            + "."
        )
    names = {query: place for place, query in enumerate(dict.fromkeys(queries))}
    codes = np.array([names[query] for query in queries], dtype=np.int64)
    data = _Data(values, labels, held_out.probabilities, held_out.verdicts, codes)
    return ReportCard(
        pairs=count,
        expressed=int(labels.sum()),
        queries=len(names),
        validated=count >= FEWEST_FOR_VALIDATION,
        metrics=_metrics(data, seed, resamples),
        reliability=_reliability(data),
        by_length={
            name: _metrics(data.only(chosen), seed, resamples) for name, chosen in _thirds(lengths)
        },
        by_trap={
            kind: _metrics(
                data.only(np.array([trap == kind for trap in traps or ()])), seed, resamples
            )
            for kind in sorted({trap for trap in traps or () if trap})
        },
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    scores: FloatArray
    labels: BoolArray
    probabilities: FloatArray
    verdicts: BoolArray
    codes: IntArray

    def only(self, chosen: npt.NDArray[Any]) -> _Data:
        return _Data(
            self.scores[chosen],
            self.labels[chosen],
            self.probabilities[chosen],
            self.verdicts[chosen],
            self.codes[chosen],
        )


def _thirds(lengths: FloatArray | None) -> list[tuple[str, BoolArray]]:
    """Names and members of the thirds of the lengths; fewer where lengths are alike."""
    if lengths is None or not len(lengths):
        return []
    edges = np.unique(np.quantile(lengths, [1 / 3, 2 / 3], method="lower"))
    code = np.searchsorted(edges, lengths, side="left")
    found = []
    for place in np.unique(code):
        members = code == place
        low, high = int(lengths[members].min()), int(lengths[members].max())
        found.append((f"{low} to {high} words" if low < high else f"{low} words", members))
    return found


def _f1(data: _Data) -> float | None:
    hits = (data.verdicts & data.labels).sum()
    both = data.verdicts.sum() + data.labels.sum()
    return None if not both else float(2 * hits / both)


def cohen_kappa(first: npt.ArrayLike, second: npt.ArrayLike) -> float | None:
    """Agreement of two readers beyond chance (Cohen 1960), at most 1; None where both are constant.

    first, second : (N,) bool
    """
    a, b = np.asarray(first, dtype=np.bool_), np.asarray(second, dtype=np.bool_)
    if not len(a):
        return None
    observed = float((a == b).mean())
    chance = float(a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean()))
    return None if chance >= 1 - 1e-12 else (observed - chance) / (1 - chance)


def area_under_curve(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float | None:
    """Chance that an expressed pair outscores one that is not, ties half; None without both kinds.

    scores : (N,); labels : (N,) bool
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.bool_)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return None
    ranks = rankdata(values)
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _ratio(part: float, whole: float) -> float | None:
    return None if not whole else float(part / whole)


def _ece(data: _Data) -> float | None:
    """Mean distance between bins' probability and share, weighted by their pairs."""
    if not len(data.labels):
        return None
    place = _bin_of(data.probabilities)
    weights = np.bincount(place, minlength=BINS)
    gap = np.abs(
        np.bincount(place, data.probabilities, BINS) - np.bincount(place, data.labels * 1.0, BINS)
    )
    return float(gap.sum() / weights.sum())


def _bin_of(probabilities: FloatArray) -> IntArray:
    return np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)


_FUNCTIONS: dict[str, tuple[Callable[[_Data], float | None], str]] = {
    "f1": (_f1, "Neither the judge nor people call a pair expressed."),
    "kappa": (
        lambda data: cohen_kappa(data.verdicts, data.labels),
        "Both say the same of every pair, so agreement beyond chance has no meaning.",
    ),
    "accuracy": (
        lambda data: _ratio((data.verdicts == data.labels).sum(), len(data.labels)),
        "No pair is labelled.",
    ),
    "precision": (
        lambda data: _ratio((data.verdicts & data.labels).sum(), data.verdicts.sum()),
        "The judge calls no pair expressed.",
    ),
    "recall": (
        lambda data: _ratio((data.verdicts & data.labels).sum(), data.labels.sum()),
        "People call no pair expressed.",
    ),
    "auc": (
        lambda data: area_under_curve(data.scores, data.labels),
        "People say the same of all pairs, so there is nothing to rank.",
    ),
    "brier": (
        lambda data: _ratio(((data.probabilities - data.labels) ** 2).sum(), len(data.labels)),
        "No pair is labelled.",
    ),
    "ece": (_ece, "No pair is labelled."),
}


def _metrics(data: _Data, seed: int, resamples: int) -> dict[str, Measured]:
    """Every metric with its bootstrap over queries; the same draws for all."""
    count = len(data.labels)
    if not count:
        return {name: Measured.missing("No pair is labelled.") for name in METRICS}
    queries = np.unique(data.codes)
    members = [np.flatnonzero(data.codes == query) for query in queries]
    drawn: dict[str, list[float]] = {name: [] for name in METRICS}
    if len(queries) > 1:
        rng = np.random.default_rng(seed)
        for _ in range(resamples):
            chosen = rng.integers(len(queries), size=len(queries))
            sample = data.only(np.concatenate([members[place] for place in chosen]))
            for name in METRICS:
                value = _FUNCTIONS[name][0](sample)
                if value is not None:
                    drawn[name].append(value)
    found = {}
    for name in METRICS:
        function, reason = _FUNCTIONS[name]
        value = function(data)
        if value is None:
            found[name] = Measured.missing(reason, count=count)
        elif not drawn[name]:
            found[name] = Measured(value=value, reason="One query gives no interval.", count=count)
        else:
            low, high = np.quantile(drawn[name], [0.025, 0.975])
            found[name] = Measured(value=value, low=float(low), high=float(high), count=count)
    return found


def _reliability(data: _Data) -> tuple[ReliabilityBin, ...]:
    place = _bin_of(data.probabilities)
    found = []
    for number in range(BINS):
        inside = place == number
        count, said = int(inside.sum()), int(data.labels[inside].sum())
        if not count:
            continue
        low, high = wilson_interval(successes=said, trials=count)
        found.append(
            ReliabilityBin(
                low=number / BINS,
                high=(number + 1) / BINS,
                count=count,
                predicted=float(data.probabilities[inside].mean()),
                observed=Measured(value=said / count, low=low, high=high, count=count),
            )
        )
    return tuple(found)


# --- As it is stored ------------------------------------------------------------------------------


def card_to_json(card: ReportCard) -> dict[str, Any]:
    """The card as plain values; `card_from_json` reads it back."""
    return {
        "pairs": card.pairs,
        "expressed": card.expressed,
        "queries": card.queries,
        "validated": card.validated,
        "needed": FEWEST_FOR_VALIDATION,
        "metrics": _plain(card.metrics),
        "reliability": [
            {
                "low": one.low,
                "high": one.high,
                "n": one.count,
                "predicted": one.predicted,
                "observed": measured_to_json(one.observed),
            }
            for one in card.reliability
        ],
        "by_length": {name: _plain(metrics) for name, metrics in card.by_length.items()},
        "by_trap": {name: _plain(metrics) for name, metrics in card.by_trap.items()},
    }


def card_from_json(stored: Mapping[str, Any]) -> ReportCard:
    """What `card_to_json` gave."""
    return ReportCard(
        pairs=stored["pairs"],
        expressed=stored["expressed"],
        queries=stored["queries"],
        validated=stored["validated"],
        metrics=_measured(stored["metrics"]),
        reliability=tuple(
            ReliabilityBin(
                low=one["low"],
                high=one["high"],
                count=one["n"],
                predicted=one["predicted"],
                observed=measured_from_json(one["observed"]),
            )
            for one in stored["reliability"]
        ),
        by_length={name: _measured(value) for name, value in stored["by_length"].items()},
        by_trap={name: _measured(value) for name, value in stored["by_trap"].items()},
    )


def measured_to_json(measured: Measured) -> dict[str, Any]:
    """A measured number as plain values."""
    return {
        "value": measured.value,
        "low": measured.low,
        "high": measured.high,
        "n": measured.count,
        "reason": measured.reason,
    }


def measured_from_json(stored: Mapping[str, Any]) -> Measured:
    """What `measured_to_json` gave."""
    return Measured(
        value=stored["value"],
        low=stored["low"],
        high=stored["high"],
        reason=stored["reason"],
        count=stored["n"],
    )


def _plain(metrics: Mapping[str, Measured]) -> dict[str, Any]:
    return {name: measured_to_json(value) for name, value in metrics.items()}


def _measured(stored: Mapping[str, Any]) -> dict[str, Measured]:
    return {name: measured_from_json(value) for name, value in stored.items()}
