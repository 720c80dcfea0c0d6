"""People as a judge of entailment: what those who labelled a study's pairs said of them."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotations.models import Study
from overton.domain.labels import ExpressionLabel, PooledLabel
from overton.ports import EntailmentUnavailable, Progress
from overton.selectors.labels import label_table, labels_fingerprint
from overton.selectors.said import asked_queries

PEOPLE = "people"
_COLUMNS = (ExpressionLabel.EXPRESSES, ExpressionLabel.DOES_NOT, ExpressionLabel.CONTRADICTS)


class PeopleJudge:
    """The shares of the labels that people gave to pairs of a whole response and an answer.

    A model's scores can so be laid beside people's on the same pairs. Where researchers settled a
    pair, their label has all of it. People judge nothing that they have not read: passages of a
    response, or a pair without a label, are refused and never guessed.

    Args:
        model: slug of the study.
        revision, dtype: mean nothing here.

    Raises:
        EntailmentUnavailable: no study is named, or there is none of that name.
    """

    def __init__(self, *, model: str = "", revision: str = "", dtype: str = "") -> None:  # noqa: ARG002 - every judge is made so
        study = Study.objects.filter(slug=model).first()
        if study is None:
            raise EntailmentUnavailable(
                f"There is no study {model!r} whose labels could be read. Write people:SLUG with "
                "the slug of a study."
                if model
                else "Name the study whose labels are read: people:SLUG."
            )
        table = label_table(study=study, queries=asked_queries(study=study))
        self._rows = {
            (table.responses[response].text, table.answers[answer].text): row
            for (response, answer), pooled in table.pooled.items()
            if (row := _shares(pooled)) is not None
        }
        self.name = f"{PEOPLE}:{model}"
        self.revision = ""
        said = f"{study.public_id}{labels_fingerprint(study=study)}"
        self.weights_digest = hashlib.sha256(said.encode()).hexdigest()

    def entails(
        self,
        premises: Sequence[str],
        hypotheses: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """Shares of the labels, shape (pairs, 3): expresses, doesn't, contradicts.

        Raises:
            EntailmentUnavailable: nobody has labelled a pair; names the first.
        """
        pairs = list(zip(premises, hypotheses, strict=True))
        unread = [pair for pair in pairs if pair not in self._rows]
        if unread:
            premise, hypothesis = unread[0]
            raise EntailmentUnavailable(
                f"People have not labelled {len(unread)} of {len(pairs)} pairs, the first of them "
                f"“{premise[:80]}” with “{hypothesis[:80]}”. Label them on the study's labelling "
                "page, or ask a model."
            )
        if progress is not None:
            progress(len(pairs), len(pairs))
        return np.array([self._rows[pair] for pair in pairs], dtype=np.float64).reshape(-1, 3)


def _shares(pooled: PooledLabel) -> tuple[float, ...] | None:
    """One pair's row; None where researchers disagree and no juror has read it."""
    if pooled.settled_by_researcher and pooled.label is not None:
        return tuple(float(label is pooled.label) for label in _COLUMNS)
    counts = dict(pooled.counts)
    total = sum(counts.values())
    return tuple(counts[label] / total for label in _COLUMNS) if total else None
