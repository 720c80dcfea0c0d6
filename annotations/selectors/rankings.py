"""Rankings as arrays: what each juror's orders are worth to each response."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Max
from numpy.typing import NDArray

from annotations.domain.rankings import borda_shares
from annotations.models import Ranking, Study
from annotations.selectors.ratings import RatedResponse, rated_responses


@dataclass(frozen=True, eq=False)
class RankingMatrix:
    """The current orders of a study's jurors; checks left out.

    Attributes:
        juror_ids: primary keys, one a row, ascending; jurors who put a query's responses in order.
        responses: one a column, by query and source; every response of the study.
        places: shape (jurors, responses), from 1, the best; NaN where she did not rank it.
        shares: shape (jurors, responses), Borda shares in [0, 1] within the juror's own order of
            the query; NaN likewise.
        orders: how many orders there are, a juror and query each.
    """

    juror_ids: tuple[int, ...]
    responses: tuple[RatedResponse, ...]
    places: NDArray[np.float64]
    shares: NDArray[np.float64]
    orders: int

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, in alphabetical order."""
        return tuple(sorted({response.source for response in self.responses}))

    def columns_of(self, source: str) -> NDArray[np.int64]:
        """Places of one source's responses among the columns."""
        return np.flatnonzero([response.source == source for response in self.responses])


def ranking_matrix(*, study: Study) -> RankingMatrix:
    """The current orders of a study's jurors. An order of a single response says nothing."""
    responses = rated_responses(study_id=study.pk)
    column = {response.id: place for place, response in enumerate(responses)}
    query_of = {response.id: response.query_id for response in responses}
    orders: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    rows = Ranking.objects.filter(
        response__query__study=study, response__query__check_kind="", is_current=True
    ).order_by("juror_id", "response_id")
    for juror_id, response_id, place in rows.values_list("juror_id", "response_id", "place"):
        orders[juror_id, query_of[response_id]].append((response_id, place))
    whole = {key: given for key, given in orders.items() if len(given) > 1}
    juror_ids = tuple(sorted({juror_id for juror_id, _ in whole}))
    row = {juror_id: place for place, juror_id in enumerate(juror_ids)}
    places = np.full((len(juror_ids), len(responses)), np.nan)
    shares = np.full(places.shape, np.nan)
    for (juror_id, _), given in whole.items():
        columns = [column[response_id] for response_id, _ in given]
        own = [place for _, place in given]
        places[row[juror_id], columns] = own
        shares[row[juror_id], columns] = borda_shares(places=own)
    return RankingMatrix(
        juror_ids=juror_ids, responses=responses, places=places, shares=shares, orders=len(whole)
    )


def rankings_fingerprint(*, study: Study) -> str:
    """Changes with every order, and with whether the study asks for one."""
    said = Ranking.objects.filter(
        response__query__study=study, response__query__check_kind="", is_current=True
    ).aggregate(number=Count("id"), newest=Max("id"))
    sources = study.sources.order_by("id").values_list("id", "name", "revision")
    return f"{said}{asks_for_ranking(study=study)}{list(sources)}"


def asks_for_ranking(*, study: Study) -> bool:
    """Whether ranking is among the study's steps."""
    return study.steps.filter(kind="ranking").exists()
