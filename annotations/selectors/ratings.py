"""Ratings as arrays: axis 0 jurors, axis 1 responses, NaN where nothing was said."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from django.db.models import Count, Max
from numpy.typing import NDArray

from annotations.domain.scales import to_utility
from annotations.models import Criterion, Rating, Response, Study
from annotations.selectors.sources import source_labels
from juries.models import CandidateTrait, Feature, Juror

UNKNOWN = "not known"


@dataclass(frozen=True)
class RatedResponse:
    """What a column of a rating matrix stands for."""

    id: int
    public_id: str
    external_id: str
    query_id: int
    query_text: str
    source: str
    text: str


@dataclass(frozen=True, eq=False)
class RatingMatrix:
    """The current ratings on one criterion.

    Attributes:
        juror_ids: primary keys, one a row, ascending; jurors who rated at least one response.
        responses: one a column, by query and source; every response of the study.
        values: shape (jurors, responses), raw numbers on the criterion's scale; NaN where the
            juror said nothing or that she can't say.
        cant_say: shape (jurors, responses), true where she said that she can't say.
    """

    juror_ids: tuple[int, ...]
    responses: tuple[RatedResponse, ...]
    values: NDArray[np.float64]
    cant_say: NDArray[np.bool_]

    @cached_property
    def silence(self) -> str:
        """Why there is nothing to compute, in words; empty where somebody gave a number."""
        if not self.juror_ids:
            return "nobody has rated it yet."
        if np.isnan(self.values).all():
            return (
                f"there are no ratings: all {len(self.juror_ids)} who were asked said that "
                "they can't say."
            )
        return ""

    def spoken(self) -> "RatingMatrix":
        """The rows of those who gave at least one number."""
        rows = np.flatnonzero(~np.isnan(self.values).all(axis=1))
        return RatingMatrix(
            juror_ids=tuple(self.juror_ids[row] for row in rows),
            responses=self.responses,
            values=self.values[rows],
            cant_say=self.cant_say[rows],
        )

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, in alphabetical order."""
        return tuple(sorted({response.source for response in self.responses}))

    @cached_property
    def source_index(self) -> NDArray[np.int64]:
        """Shape (responses,): the place of each column's source in `sources`."""
        place = {name: index for index, name in enumerate(self.sources)}
        return np.asarray([place[response.source] for response in self.responses], dtype=np.int64)

    @cached_property
    def query_index(self) -> NDArray[np.int64]:
        """Shape (responses,): a number for each column's query, in order of first appearance."""
        place: dict[int, int] = {}
        for response in self.responses:
            place.setdefault(response.query_id, len(place))
        return np.asarray([place[response.query_id] for response in self.responses], dtype=np.int64)


def rating_matrix(*, criterion: Criterion) -> RatingMatrix:
    """The current ratings of a study's jurors on one of its criteria; those on checks left out."""
    responses = rated_responses(study_id=criterion.study_id)
    rows = np.array(
        list(
            Rating.objects.filter(
                criterion=criterion, is_current=True, response__query__check_kind=""
            )
            .order_by("juror_id", "response_id")
            .values_list("juror_id", "response_id", "value")
        ),
        dtype=np.float64,
    ).reshape(-1, 3)
    juror_ids, row_index = np.unique(rows[:, 0].astype(np.int64), return_inverse=True)
    place = {response.id: index for index, response in enumerate(responses)}
    columns = np.asarray([place[int(identifier)] for identifier in rows[:, 1]], dtype=np.int64)
    values = np.full((len(juror_ids), len(responses)), np.nan)
    values[row_index, columns] = rows[:, 2]
    cant_say = np.zeros(values.shape, dtype=np.bool_)
    cant_say[row_index, columns] = np.isnan(rows[:, 2])
    return RatingMatrix(
        juror_ids=tuple(int(identifier) for identifier in juror_ids),
        responses=responses,
        values=values,
        cant_say=cant_say,
    )


def rated_responses(*, study_id: int) -> tuple[RatedResponse, ...]:
    """Every response of a study to its queries, checks left out, by query and source."""
    label = source_labels(study_id=study_id)
    return tuple(
        RatedResponse(
            id=response.pk,
            public_id=str(response.public_id),
            external_id=response.external_id,
            query_id=response.query_id,
            query_text=response.query.text,
            source=label[response.source_id],
            text=response.text,
        )
        for response in Response.objects.filter(query__study_id=study_id, query__check_kind="")
        .select_related("query")
        .order_by("query__ordinal", "source__name", "source__revision", "id")
    )


def juror_traits(*, juror_ids: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """For each feature of the jurors' pool, the value of each juror, in the order given.

    A juror without a value has "not known". Features come in the order of the pool.
    """
    candidate_of = dict(Juror.objects.filter(pk__in=juror_ids).values_list("pk", "candidate_id"))
    values: dict[tuple[int, int], str] = {
        (candidate_id, feature_id): value
        for candidate_id, feature_id, value in CandidateTrait.objects.filter(
            candidate__jurors__in=juror_ids
        ).values_list("candidate_id", "feature_id", "feature_value__value")
    }
    features = (
        Feature.objects.filter(pool__juries__jurors__in=juror_ids)
        .distinct()
        .order_by("position", "id")
    )
    return {
        feature.name: tuple(
            values.get((candidate_of[juror_id], feature.pk), UNKNOWN) for juror_id in juror_ids
        )
        for feature in features
    }


def utilities(*, criterion: Criterion, matrix: RatingMatrix) -> NDArray[np.float64]:
    """A matrix's ratings as utilities in [ε, 1] by the criterion's declared bounds, ε = 0.01."""
    return to_utility(values=matrix.values, low=criterion.low, high=criterion.high)


def results_rng(*, study: Study, purpose: str) -> np.random.Generator:
    """The random stream of one figure: the same for the same study and purpose, anywhere."""
    digest = hashlib.sha256(f"{study.order_seed}\x1f{study.slug}\x1f{purpose}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16]))


def ratings_fingerprint(*, study: Study) -> str:
    """Changes with every rating and correction that counts, and with what they are ratings of."""
    said = Rating.objects.filter(
        response__query__study=study, response__query__check_kind="", is_current=True
    ).aggregate(number=Count("id"), newest=Max("id"))
    shown = Response.objects.filter(query__study=study, query__check_kind="").aggregate(
        number=Count("id"), newest=Max("id")
    )
    scales = study.criteria.order_by("id").values_list(
        "id", "key", "name", "scale_kind", "low", "high", "position"
    )
    sources = study.sources.order_by("id").values_list("id", "name", "revision")
    return f"{said}{shown}{list(scales)}{list(sources)}"
