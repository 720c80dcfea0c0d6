"""What models of preferences learn from: verdicts on two responses, and ratings as verdicts."""

import hashlib
from dataclasses import dataclass

import numpy as np
from django.db.models import F
from numpy.typing import NDArray

from annotations.models import Criterion, Preference
from annotations.selectors.ratings import rating_matrix
from models_runner.domain.reward.pairs import LEFT, RIGHT, TIE, PairTable, pairs_of_ratings
from models_runner.selectors.said import preferences_said
from models_runner.selectors.training import training_jurors

# "Both bad" compares the two with nothing else; between them it is a tie.
_WINS = {
    Preference.Verdict.LEFT.value: LEFT,
    Preference.Verdict.RIGHT.value: RIGHT,
    Preference.Verdict.TIE.value: TIE,
    Preference.Verdict.BOTH_BAD.value: TIE,
}


@dataclass(frozen=True, eq=False)
class ComparisonData:
    """Comparisons of a study's responses, and the responses' texts.

    Attributes:
        juror_ids: primary keys, ascending; jurors who compared or rated at least two responses.
        queries, responses: texts of each item.
        query_codes: which query each item answers.
        left, right, jurors, wins: as in `PairTable`.
        said: how many were said as preferences; the others are ratings.
    """

    juror_ids: tuple[int, ...]
    queries: tuple[str, ...]
    responses: tuple[str, ...]
    query_codes: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    jurors: NDArray[np.int64]
    wins: NDArray[np.float64]
    said: int

    @property
    def digest(self) -> str:
        """SHA-256 over comparisons, texts and jurors."""
        digest = hashlib.sha256()
        for array in (self.left, self.right, self.jurors, self.wins):
            digest.update(array.tobytes() + b"\x1f")
        for text in (*self.queries, *self.responses, *map(str, self.juror_ids)):
            digest.update(text.encode() + b"\x1f")
        return digest.hexdigest()

    def table(self, *, features: NDArray[np.float64], blocks: tuple[int, ...] = ()) -> PairTable:
        """The comparisons with the items' features, shape (items, dimensions)."""
        return PairTable(
            features=features,
            left=self.left,
            right=self.right,
            jurors=self.jurors,
            wins=self.wins,
            juror_count=len(self.juror_ids),
            lengths=np.array([len(text.split()) for text in self.responses], dtype=np.float64),
            queries=self.query_codes,
            blocks=blocks,
        )


def comparing_jurors(*, criterion: Criterion) -> tuple[int, ...]:
    """Whose preferences can be foreseen, without reading what they said.

    Those who rated on the criterion or sit on the jury, as `training_jurors` has them; then those
    who compared and did neither.
    """
    known = training_jurors(criterion=criterion)
    compared = (
        Preference.objects.filter(
            query__study=criterion.study,
            is_current=True,
            query__check_kind="",
            left__query=F("query"),
        )
        .exclude(juror_id__in=known)
        .order_by("juror_id")
        .values_list("juror_id", flat=True)
        .distinct()
    )
    return (*known, *compared)


def comparison_data(*, criterion: Criterion) -> ComparisonData:
    """All preferences of the criterion's study, and its ratings on the criterion as comparisons.

    Two responses to one query that a juror has rated are a comparison too, equal ratings a tie,
    unless she compared the two herself.
    """
    matrix = rating_matrix(criterion=criterion)
    place = {response.id: index for index, response in enumerate(matrix.responses)}
    said = [
        (juror, place[left], place[right], _WINS[verdict])
        for juror, left, right, verdict in preferences_said(study=criterion.study)
    ]
    compared = {(juror, frozenset((left, right))) for juror, left, right, _ in said}
    rows, items = np.nonzero(~np.isnan(matrix.values))
    left, right, owners, wins = pairs_of_ratings(
        items=items.astype(np.int64),
        jurors=rows.astype(np.int64),
        ratings=matrix.values[rows, items],
        queries=matrix.query_index,
    )
    rated = [
        (matrix.juror_ids[owner], int(first), int(second), float(win))
        for first, second, owner, win in zip(left, right, owners, wins, strict=True)
        if (matrix.juror_ids[owner], frozenset((int(first), int(second)))) not in compared
    ]
    everything = said + rated
    juror_ids = tuple(sorted({juror for juror, *_ in everything}))
    code = {juror: index for index, juror in enumerate(juror_ids)}
    return ComparisonData(
        juror_ids=juror_ids,
        queries=tuple(response.query_text for response in matrix.responses),
        responses=tuple(response.text for response in matrix.responses),
        query_codes=matrix.query_index,
        left=np.array([row[1] for row in everything], dtype=np.int64),
        right=np.array([row[2] for row in everything], dtype=np.int64),
        jurors=np.array([code[row[0]] for row in everything], dtype=np.int64),
        wins=np.array([row[3] for row in everything], dtype=np.float64),
        said=len(said),
    )
