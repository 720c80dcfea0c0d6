"""How far responses entail what jurors have written themselves."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models_runner.selectors.training import TrainingData
from overton.ports import ENTAILMENT, EntailmentBackend

PAIRS_AT_ONCE = 256


def entailment_scores(
    *,
    pairs: Sequence[tuple[str, str]],
    backend: EntailmentBackend,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float64]:
    """The probability that each response entails the opinion beside it, (pairs,); each judged once.

    Args:
        pairs: responses and opinions, repeats allowed.
        backend: the judge.
        progress: called with pairs done and all pairs, between portions.

    Raises:
        EntailmentUnavailable: the judge does not answer.
    """
    distinct = list(dict.fromkeys(pairs))
    found: dict[tuple[str, str], float] = {}
    for start in range(0, len(distinct), PAIRS_AT_ONCE):
        part = distinct[start : start + PAIRS_AT_ONCE]
        rows = backend.entails([response for response, _ in part], [said for _, said in part])
        found.update(zip(part, (float(row[ENTAILMENT]) for row in rows), strict=True))
        if progress is not None:
            progress(min(start + PAIRS_AT_ONCE, len(distinct)), len(distinct))
    return np.array([found[pair] for pair in pairs], dtype=np.float64)


def statement_scores(
    *,
    data: TrainingData,
    opinions: Mapping[tuple[int, int], str],
    backend: EntailmentBackend,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float64]:
    """Scores in [0, 1], shape (jurors, items) of `data`; NaN where a juror wrote no opinion.

    Args:
        data: jurors and responses.
        opinions: what was written, by juror and query.
        backend: the judge.
        progress: called with pairs done and all pairs, between portions.
    """
    scores = np.full((len(data.juror_ids), len(data.responses)), np.nan)
    cells = [
        (row, column, (response.text, opinions[juror, response.query_id]))
        for row, juror in enumerate(data.juror_ids)
        for column, response in enumerate(data.matrix.responses)
        if (juror, response.query_id) in opinions
    ]
    told = entailment_scores(
        pairs=[pair for _, _, pair in cells], backend=backend, progress=progress
    )
    for (row, column, _), score in zip(cells, told, strict=True):
        scores[row, column] = score
    return scores
