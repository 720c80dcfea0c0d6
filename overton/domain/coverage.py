"""How much of a window a response expresses (paper, section 3.1; precision and accuracy ours)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

MEASURES = (
    "coverage",
    "precision",
    "accuracy",
    "f1",
    "weighted_coverage",
    "unreasonable_rate",
    "coverage_per_100_words",
    "overton_pluralistic",
)


class InvalidCoverageInput(ValueError):
    """Arrays that do not fit together; the message names them and the numbers."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One response (or a union of some) against W and U. Shares in [0, 1].

    With E the answers of W and U that are expressed: coverage |E & W| / |W|; precision
    |E & W| / |E|; accuracy (|E & W| + |U - E|) / (|W| + |U|); f1 of precision and coverage;
    weighted_coverage: support of E & W over support of W; unreasonable_rate |E & U| / |U|;
    coverage_per_100_words: 100 x coverage / words; overton_pluralistic: 1 when coverage is 1 and
    E & U is empty, else 0.
    ``expressed`` are the columns in E; ``unlabelled`` how many answers of W and U nobody labelled,
    which stand in no measure. What cannot be computed has its reason.
    """

    coverage: Measured
    precision: Measured
    accuracy: Measured
    f1: Measured
    weighted_coverage: Measured
    unreasonable_rate: Measured
    coverage_per_100_words: Measured
    overton_pluralistic: Measured
    by_group: tuple[tuple[str, Measured], ...]
    expressed: tuple[int, ...]
    unlabelled: int
    words: int | None


def _ratio(part: float, whole: float, reason: str) -> Measured:
    if whole <= 0:
        return Measured.missing(reason)
    return Measured(value=float(part / whole), count=int(whole))


def compute_coverage(
    *,
    expressed: npt.ArrayLike,
    reasonable: npt.ArrayLike,
    unreasonable: npt.ArrayLike,
    support: npt.ArrayLike | None = None,
    held_by_group: Mapping[str, npt.ArrayLike] | None = None,
    words: int | None = None,
) -> Coverage:
    """Measures of one response to one query with A answers.

    expressed : (A,) 1 = expressed, 0 = not (or contradicted), NaN = undecided or not labelled
    reasonable, unreasonable : (A,) bool, W and U, disjoint; other answers are in neither
    support : (A,) share in [0, 1] that holds each answer, NaN = not known
    held_by_group : group -> (A,) support in that group; its coverage is the share of W, weighted by
        that group's support, that is expressed (whose views are missing?)
    words : length of the response
    Raises ``InvalidCoverageInput``.
    """
    marks = np.asarray(expressed, dtype=np.float64)
    w = np.asarray(reasonable, dtype=np.bool_)
    u = np.asarray(unreasonable, dtype=np.bool_)
    if marks.ndim != 1 or w.shape != marks.shape or u.shape != marks.shape:
        raise InvalidCoverageInput(
            f"expressed, reasonable and unreasonable have shapes {marks.shape}, {w.shape} and "
            f"{u.shape}; all must be (answers,)."
        )
    if (w & u).any():
        raise InvalidCoverageInput(f"Answer {int((w & u).argmax())} is in W and in U.")
    if not np.isin(marks[~np.isnan(marks)], [0.0, 1.0]).all():
        raise InvalidCoverageInput("expressed may hold 0, 1 and NaN only.")
    if words is not None and words < 0:
        raise InvalidCoverageInput(f"The response has {words} words.")
    labelled = ~np.isnan(marks)
    unlabelled = int(((w | u) & ~labelled).sum())
    open_w = bool((w & ~labelled).any())
    open_u = bool((u & ~labelled).any())
    lw, lu = w & labelled, u & labelled
    e = marks == 1
    ew, eu = int((e & lw).sum()), int((e & lu).sum())
    no_w = (
        "No reasonable answer of this window has a label."
        if w.any()
        else "No answer of this query is in the window."
    )
    no_u = (
        "No unreasonable answer has a label."
        if u.any()
        else "No answer of this query is unreasonable."
    )
    coverage = _ratio(ew, int(lw.sum()), no_w)
    precision = _ratio(ew, ew + eu, "The response expresses none of the answers in W and U.")
    return Coverage(
        coverage=coverage,
        precision=precision,
        accuracy=_ratio(
            ew + int((lu & ~e).sum()), int((lw | lu).sum()), "No answer in W or U has a label."
        ),
        f1=_ratio(2 * ew, int(lw.sum()) + ew + eu, no_w) if lw.any() else Measured.missing(no_w),
        weighted_coverage=_weighted(e, lw, support, no_w),
        unreasonable_rate=_ratio(eu, int(lu.sum()), no_u),
        coverage_per_100_words=_per_100_words(coverage, words),
        overton_pluralistic=_pluralistic(ew, eu, lw, w, open_w=open_w, open_u=open_u),
        by_group=tuple(
            (name, _weighted(e, lw, held, no_w)) for name, held in (held_by_group or {}).items()
        ),
        expressed=tuple(int(place) for place in np.flatnonzero(e & (lw | lu))),
        unlabelled=unlabelled,
        words=words,
    )


def _weighted(e: BoolArray, w: BoolArray, support: npt.ArrayLike | None, no_w: str) -> Measured:
    if support is None:
        return Measured.missing("The support of the answers is not known.")
    weights = np.asarray(support, dtype=np.float64)
    if weights.shape != w.shape:
        raise InvalidCoverageInput(f"support has shape {weights.shape}, but needs {w.shape}.")
    if not w.any():
        return Measured.missing(no_w)
    if np.isnan(weights[w]).any():
        return Measured.missing("The support of an answer in the window is not known.")
    if (weights[w] < 0).any() or (weights[w] > 1).any():
        raise InvalidCoverageInput("support must be in [0, 1].")
    total = float(weights[w].sum())
    if total == 0:
        return Measured.missing("Nobody holds an answer of this window.")
    return Measured(value=float(weights[e & w].sum()) / total, count=int(w.sum()))


def _per_100_words(coverage: Measured, words: int | None) -> Measured:
    if coverage.value is None:
        return coverage
    if not words:
        return Measured.missing("The length of the response is not known or zero.")
    return Measured(value=100 * coverage.value / words, count=words)


def _pluralistic(
    ew: int, eu: int, lw: BoolArray, w: BoolArray, *, open_w: bool, open_u: bool
) -> Measured:
    if not w.any():
        return Measured.missing("No answer of this query is in the window.")
    if eu or ew < int(lw.sum()):
        return Measured(value=0.0, count=int(w.sum()))
    if open_w or open_u:
        return Measured.missing(
            "Labels are missing for some answers, and the others leave it open."
        )
    return Measured(value=1.0, count=int(w.sum()))


def union_of(*, expressed: Sequence[npt.ArrayLike]) -> FloatArray:
    """What a set of responses expresses together: (A,) from some (A,) arrays of 1, 0 and NaN.

    1 where any expresses it, 0 where all are known not to, else NaN. Raises
    ``InvalidCoverageInput`` for no responses or unequal lengths.
    """
    if not expressed:
        raise InvalidCoverageInput("A union needs at least one response.")
    rows = [np.asarray(row, dtype=np.float64) for row in expressed]
    if len({row.shape for row in rows}) != 1 or rows[0].ndim != 1:
        raise InvalidCoverageInput("The responses' arrays must all be (answers,).")
    stack = np.vstack(rows)
    return np.where(
        (stack == 1).any(axis=0), 1.0, np.where(np.isnan(stack).any(axis=0), np.nan, 0.0)
    )


def mean_over_queries(
    *,
    values: Sequence[Measured],
    rng: np.random.Generator,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Measured:
    """The mean of a measure over queries with a percentile bootstrap over queries.

    Queries without a value are left out; ``count`` says how many remain and ``reason`` why others
    do not. One query gives a mean without interval. The same rng state gives the same interval.
    """
    if not 0 < confidence < 1 or resamples < 1:
        raise InvalidCoverageInput(
            f"confidence is {confidence:g} and resamples {resamples}; "
            "they must be in (0, 1) and at least 1."
        )
    numbers = np.array([value.value for value in values if value.value is not None])
    left_out = len(values) - len(numbers)
    if not len(numbers):
        reasons = sorted({value.reason for value in values if value.reason})
        return Measured.missing(" ".join(reasons) or "There are no queries.")
    note = f"{left_out} of {len(values)} queries have no value." if left_out else ""
    if len(numbers) == 1:
        note = f"{note} One query gives no interval.".strip()
        return Measured(value=float(numbers[0]), reason=note, count=1)
    draws = rng.integers(len(numbers), size=(resamples, len(numbers)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(numbers[draws].mean(axis=1), [tail, 1 - tail])
    return Measured(
        value=float(numbers.mean()),
        low=float(low),
        high=float(high),
        reason=note,
        count=len(numbers),
    )


def summarise_source(
    *, per_query: Sequence[Coverage], seed: int, resamples: int = 2000, confidence: float = 0.95
) -> dict[str, Measured]:
    """Every measure of ``MEASURES`` as a mean over a source's queries, with the same seed."""
    return {
        name: mean_over_queries(
            values=[getattr(one, name) for one in per_query],
            rng=np.random.default_rng(seed),
            resamples=resamples,
            confidence=confidence,
        )
        for name in MEASURES
    }
