"""People's readings of whether a response expresses an answer, joined into one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class ExpressionLabel(StrEnum):
    """One person's reading; the values are those that the database stores."""

    EXPRESSES = "expresses"
    DOES_NOT = "does_not"
    CONTRADICTS = "contradicts"


@dataclass(frozen=True, slots=True)
class PooledLabel:
    """What people make of one (response, answer) pair.

    label : the reading that stands, or None with ``reason``
    counts : how many jurors gave each reading
    agreement : share of jurors who gave ``label``; None without jurors or without a label
    settled_by_researcher : whether a researcher's decision or reading settled it
    """

    label: ExpressionLabel | None
    counts: tuple[tuple[ExpressionLabel, int], ...]
    agreement: float | None
    settled_by_researcher: bool
    reason: str = ""

    @property
    def expressed(self) -> float:
        """1 expressed, 0 not (a contradiction is not), NaN undecided: as coverage takes it."""
        if self.label is None:
            return float("nan")
        return 1.0 if self.label is ExpressionLabel.EXPRESSES else 0.0


def pool_labels(
    *,
    jurors: Iterable[ExpressionLabel],
    researchers: Iterable[ExpressionLabel] = (),
    decided: ExpressionLabel | None = None,
) -> PooledLabel:
    """Joins the current labels of one pair, one per person.

    What a researcher has ``decided`` where people differed stands before everything else. Else a
    reading that every researcher who labelled the pair shares settles it. Else the reading of
    more than half of the jurors stands. Else expressed-or-not is put to the vote: if more than half
    say that it is not expressed, in either way, the more frequent way stands ("does not" in a tie,
    the milder claim). What remains is undecided, with its reason; counts are kept in every case.
    """
    said = Counter(jurors)
    total = sum(said.values())
    counts = tuple((label, said[label]) for label in ExpressionLabel)
    settled = set(researchers)

    def pooled(label: ExpressionLabel | None, reason: str = "") -> PooledLabel:
        share = said[label] / total if label is not None and total else None
        return PooledLabel(
            label=label,
            counts=counts,
            agreement=share,
            settled_by_researcher=decided is not None or len(settled) == 1,
            reason=reason,
        )

    if decided is not None:
        return pooled(decided)
    if len(settled) == 1:
        return pooled(next(iter(settled)))
    if not total:
        return pooled(None, "Researchers disagree." if settled else "Nobody has labelled it.")
    for label, times in said.items():
        if 2 * times > total:
            return pooled(label)
    if 2 * said[ExpressionLabel.EXPRESSES] < total:
        contradicts = said[ExpressionLabel.CONTRADICTS] > said[ExpressionLabel.DOES_NOT]
        return pooled(ExpressionLabel.CONTRADICTS if contradicts else ExpressionLabel.DOES_NOT)
    return pooled(
        None,
        f"A tie: {said[ExpressionLabel.EXPRESSES]} of {total} jurors say that it is expressed.",
    )


def pool_all(
    *,
    jurors: Mapping[tuple[int, int], Iterable[ExpressionLabel]],
    researchers: Mapping[tuple[int, int], Iterable[ExpressionLabel]],
    decided: Mapping[tuple[int, int], ExpressionLabel] | None = None,
) -> dict[tuple[int, int], PooledLabel]:
    """Every (response, answer) pair that anybody labelled, in sorted order."""
    decisions = decided or {}
    return {
        pair: pool_labels(
            jurors=jurors.get(pair, ()),
            researchers=researchers.get(pair, ()),
            decided=decisions.get(pair),
        )
        for pair in sorted({*jurors, *researchers})
    }


def nearest_first(
    *, pairs: Sequence[tuple[int, int]], scores: Mapping[tuple[int, int], float], threshold: float
) -> list[tuple[int, int]]:
    """The pairs that a model has read, those nearest to its threshold first.

    Parameters
    ----------
    pairs : the pairs there are, in the order that ties keep
    scores : pair -> score in [0, 1], of some of them
    threshold : score from which the model takes an answer as expressed, in [0, 1]

    Uncertainty sampling (Lewis and Gale, SIGIR 1994): a person's reading tells most where the
    model is least sure. Pairs chosen so are harder than the rest, and so is what they measure.
    """
    read = [pair for pair in pairs if pair in scores]
    return sorted(read, key=lambda pair: abs(scores[pair] - threshold))
