"""From what a judge makes of a response's passages to how far the response expresses an answer.

The paper's section 3.1 leaves open how a text is read. Here a response is the premise and an answer
the hypothesis, and it is read passage by passage, since a long premise drowns one sentence of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overton.domain.sentences import Passage

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)


class InvalidReading(ValueError):
    """Arrays that do not fit the passages; the message has the shapes."""


@dataclass(frozen=True, slots=True)
class Expression:
    """How far one response expresses one answer.

    Attributes:
        score: in [0, 1]: the largest entailment among the passages that count; 0 where none does.
        passage: place of that passage; None without passages.
        mentioned: place of a passage that entails the answer more than that, but is refuted by
            what stands beside it; None where there is none.
    """

    score: float
    passage: int | None
    mentioned: int | None = None

    def expressed(self, *, threshold: float) -> bool:
        """Whether the score reaches the threshold."""
        return self.passage is not None and self.score >= threshold

    def refuted(self, *, threshold: float) -> bool:
        """Whether it would be expressed if a mention that is refuted counted."""
        return self.mentioned is not None and not self.expressed(threshold=threshold)

    def shown(self, *, threshold: float) -> int | None:
        """Place of the passage to show beside the verdict."""
        return self.mentioned if self.refuted(threshold=threshold) else self.passage


def read_expressions(
    passages: Sequence[Passage], probabilities: npt.ArrayLike, *, reach: int = 3
) -> tuple[Expression, ...]:
    """How far a response with P passages expresses each of A answers.

    A view that is mentioned only to be refuted is not expressed. Where that happens within a
    sentence ("Some say X, but X is false") the judge sees it. Where the next sentence does it
    ("Some say X. That is false."), the mention alone looks like the view. So a passage that by the
    judge's most likely label entails the answer does not count if some larger passage around it is
    labelled as contradicting the answer, though nothing of what it adds contradicts the answer when
    it is read alone. Only then it is the connection that refutes. Where the added sentences
    contradict the answer on their own ("Others say that X is wrong"), the response lays out
    both sides, and the answer counts as presented. Nor does a passage count that holds one that
    was refuted, except for what its other sentences say, which count by themselves.
    A passage longer than `reach`, such as the whole response, refutes nothing.

    Args:
        passages: of one response, as `overton.domain.sentences.passages` gives them.
        probabilities: (P, A, 3) entailment, neutral, contradiction.
        reach: how many sentences a passage that refutes has at most.

    Returns:
        One for each answer. Of passages with the same entailment the first, that is the shortest,
        is taken.

    Raises:
        InvalidReading: the array has another shape, or numbers outside [0, 1].
    """
    values = _checked(passages, probabilities)
    answers = values.shape[1]
    if not len(passages):
        return tuple(Expression(score=0.0, passage=None) for _ in range(answers))
    entailment = values[:, :, ENTAILMENT]
    counting = counting_passages(passages, values, reach=reach)
    found = []
    for answer in range(answers):
        column = entailment[:, answer]
        able = np.flatnonzero(counting[:, answer])
        best = int(able[column[able].argmax()]) if len(able) else None
        score = 0.0 if best is None else float(column[best])
        top = int(column.argmax())
        mention = top if column[top] > score or best is None else None
        found.append(
            Expression(score=score, passage=top if best is None else best, mentioned=mention)
        )
    return tuple(found)


def counting_passages(
    passages: Sequence[Passage], probabilities: npt.ArrayLike, *, reach: int = 3
) -> BoolArray:
    """(P, A) whether a passage counts for an answer; see :func:`read_expressions`.

    Raises ``InvalidReading``.
    """
    values = _checked(passages, probabilities)
    first = np.array([passage.first for passage in passages])
    last = np.array([passage.last for passage in passages])
    inside = (first[None, :] >= first[:, None]) & (last[None, :] <= last[:, None])  # [outer, inner]
    labels = values.argmax(axis=2)
    entails = (labels == ENTAILMENT) & (
        values[:, :, ENTAILMENT] > values[:, :, [NEUTRAL, CONTRADICTION]].max(axis=2)
    )
    contradicts = values[:, :, CONTRADICTION] > values[:, :, [ENTAILMENT, NEUTRAL]].max(axis=2)
    refuted = np.zeros_like(entails)
    sizes = last - first + 1
    for outer in np.flatnonzero(contradicts.any(axis=1) & (sizes <= reach)):
        for inner in np.flatnonzero(inside[outer] & (sizes < sizes[outer])):
            # What `outer` adds: passages within it that share no sentence with `inner`.
            added = inside[outer] & ((last < first[inner]) | (first > last[inner]))
            alone = contradicts[added].any(axis=0)
            refuted[inner] |= entails[inner] & contradicts[outer] & ~alone
    holds_refuted: BoolArray = (inside.astype(np.int64) @ refuted.astype(np.int64)) > 0
    return ~holds_refuted


def _checked(passages: Sequence[Passage], probabilities: npt.ArrayLike) -> FloatArray:
    values = np.asarray(probabilities, dtype=np.float64)
    if values.ndim != 3 or values.shape[0] != len(passages) or values.shape[2] != 3:
        raise InvalidReading(
            f"The probabilities have shape {values.shape}; needed are "
            f"({len(passages)} passages, answers, 3)."
        )
    if values.size and not ((values >= 0) & (values <= 1)).all():
        raise InvalidReading("Probabilities of entailment must lie in [0, 1].")
    return values
