"""Which of two sources covers more, on the queries that both answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from annotations.domain.measured import Measured
from overton.domain.coverage import InvalidCoverageInput

FEWEST_QUERIES = 2


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A measure of ``first`` less that of ``second``, mean over the queries that both have.

    difference : in the measure's own units, with a percentile bootstrap interval over queries
    only_first, only_second : queries on which one of them alone has a value; they count for nothing
    """

    first: str
    second: str
    difference: Measured
    only_first: int
    only_second: int

    @property
    def is_settled(self) -> bool:
        """The interval leaves zero out."""
        low, high = self.difference.low, self.difference.high
        return low is not None and high is not None and (low > 0 or high < 0)


def paired_difference(
    *,
    first: Mapping[str, Measured],
    second: Mapping[str, Measured],
    rng: np.random.Generator,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> tuple[Measured, int, int]:
    """Mean difference over common queries, and how many queries only the first or second has.

    first, second : query -> value of one measure; queries without a value are left out
    Queries are resampled, each with both of its values, so that what makes a query hard for both
    cancels out (B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 8).
    The result does not depend on the order of the mappings. Raises ``InvalidCoverageInput``.
    """
    if not 0 < confidence < 1 or resamples < 1:
        raise InvalidCoverageInput(
            f"confidence is {confidence:g} and resamples {resamples}; "
            "they must be in (0, 1) and at least 1."
        )
    known_first = {key: own.value for key, own in first.items() if own.value is not None}
    known_second = {key: own.value for key, own in second.items() if own.value is not None}
    common = sorted(known_first.keys() & known_second.keys())
    only_first = len(known_first.keys() - known_second.keys())
    only_second = len(known_second.keys() - known_first.keys())
    if not common:
        return (
            Measured.missing("There is no query on which both have a value."),
            only_first,
            only_second,
        )
    gaps = np.array([known_first[key] - known_second[key] for key in common])
    if len(gaps) < FEWEST_QUERIES:
        found = Measured(value=float(gaps[0]), reason="One query gives no interval.", count=1)
        return found, only_first, only_second
    draws = rng.integers(len(gaps), size=(resamples, len(gaps)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(gaps[draws].mean(axis=1), [tail, 1 - tail])
    found = Measured(value=float(gaps.mean()), low=float(low), high=float(high), count=len(gaps))
    return found, only_first, only_second


def compare_pairs(
    *,
    values: Mapping[str, Mapping[str, Measured]],
    seed: int,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> tuple[PairedDifference, ...]:
    """Every two sources, the one with the larger mean difference first; each pair from ``seed``.

    values : source -> query -> one measure
    Pairs come in the order of the sources; within a pair the difference is never negative.
    """
    pairs = []
    for one, other in combinations(values, 2):
        difference, only_one, only_other = paired_difference(
            first=values[one],
            second=values[other],
            rng=np.random.default_rng(seed),
            resamples=resamples,
            confidence=confidence,
        )
        if difference.value is not None and difference.value < 0:
            difference = Measured(
                value=-difference.value,
                low=None if difference.high is None else -difference.high,
                high=None if difference.low is None else -difference.low,
                reason=difference.reason,
                count=difference.count,
            )
            one, other, only_one, only_other = other, one, only_other, only_one
        pairs.append(
            PairedDifference(
                first=one,
                second=other,
                difference=difference,
                only_first=only_one,
                only_second=only_other,
            )
        )
    return tuple(pairs)
