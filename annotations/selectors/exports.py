"""Reads for exports: who is in a data set, under which ids, with which traits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import CharField, F, Q, QuerySet
from django.db.models.functions import Cast

from annotations.domain.suppression import Suppression, suppress_small_cells
from annotations.models import (
    Criterion,
    Export,
    Participation,
    Query,
    Rating,
    Response,
    Study,
)
from juries.models import CandidateTrait, Feature, Juror, Seat


@dataclass(frozen=True)
class ExportedTraits:
    """The traits of a data set's jurors, as far as they are shown.

    Attributes:
        features: names, in the order of the pool.
        juror_ids: primary keys, ascending.
        suppression: rows of traits in the order of `juror_ids`, after blanking small cells.
    """

    features: tuple[str, ...]
    juror_ids: tuple[int, ...]
    suppression: Suppression


def exported_jurors(*, study: Study, using: str) -> QuerySet[Juror]:
    """Jurors of a data set: those who sit, and those who left but let stand what they said."""
    taking_part = Participation.objects.using(using).filter(study=study).values("juror_id")
    who_rated = Rating.objects.using(using).filter(criterion__study=study).values("juror_id")
    return (
        Juror.objects.using(using)
        .filter(erased_at__isnull=True)
        .filter(
            Q(jury_id=study.jury_id, seat__state__in=Seat.SITTING)
            | Q(pk__in=taking_part)
            | Q(pk__in=who_rated)
        )
        .order_by("pk")
    )


Names = TypeVar("Names")


def remembered(find: Callable[[Study, str], Names]) -> Callable[[Study, str], Names]:
    """Look something up once for each object that stands for a study.

    An export reads its study anew, so that what is remembered is as old as the export.
    """

    @wraps(find)
    def found(study: Study, using: str) -> Names:
        kept: dict[tuple[str, str], Names] = study.__dict__.setdefault("_remembered", {})
        key = (f"{find.__module__}.{find.__qualname__}", using)
        if key not in kept:
            kept[key] = find(study, using)
        return kept[key]

    return found


def uuid_text(path: str) -> Cast:
    """A UUID as the database's own text, which spares an object a row; see :func:`dashed`."""
    return Cast(F(path), CharField(max_length=36))


def dashed(text: str) -> str:
    """A UUID's usual form; SQLite keeps it without dashes."""
    if len(text) != 32:
        return text
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def public_ids(rows: QuerySet[Any]) -> dict[int, str]:
    """Public ids of rows by primary key."""
    found = rows.order_by().values_list("pk", uuid_text("public_id")).iterator(chunk_size=10_000)
    return {key: dashed(text) for key, text in found}


@remembered
def juror_names(study: Study, using: str) -> dict[int, str]:
    """Public ids of a data set's jurors by primary key."""
    return public_ids(exported_jurors(study=study, using=using))


@remembered
def juror_simulated(study: Study, using: str) -> dict[int, bool]:
    """Whether each of a data set's jurors is invented, by primary key."""
    return dict(exported_jurors(study=study, using=using).values_list("pk", "is_simulated"))


@remembered
def query_names(study: Study, using: str) -> dict[int, str]:
    """Public ids of a study's queries by primary key."""
    return public_ids(Query.objects.using(using).filter(study=study))


@remembered
def response_names(study: Study, using: str) -> dict[int, str]:
    """Public ids of a study's responses by primary key."""
    return public_ids(Response.objects.using(using).filter(query__study=study))


@remembered
def query_checks(study: Study, using: str) -> dict[int, str]:
    """What kind of check each of a study's queries is, "" for most, by primary key."""
    queries = Query.objects.using(using).filter(study=study)
    return dict(queries.order_by().values_list("pk", "check_kind"))


@remembered
def response_checks(study: Study, using: str) -> dict[int, str]:
    """What kind of check the query of each response is, by the response's primary key."""
    responses = Response.objects.using(using).filter(query__study=study)
    return dict(responses.order_by().values_list("pk", "query__check_kind"))


@remembered
def criterion_names(study: Study, using: str) -> dict[int, str]:
    """Keys of a study's criteria by primary key."""
    return dict(Criterion.objects.using(using).filter(study=study).values_list("pk", "key"))


def exported_traits(*, study: Study, below: int, using: str) -> ExportedTraits:
    """The jurors' traits with combinations of fewer than `below` people blanked."""
    jurors = list(exported_jurors(study=study, using=using).values_list("pk", "candidate_id"))
    if study.jury is None:
        return ExportedTraits(
            (),
            tuple(pk for pk, _ in jurors),
            suppress_small_cells(rows=[()] * len(jurors), below=0),
        )
    features = list(
        Feature.objects.using(using)
        .filter(pool_id=study.jury.pool_id)
        .order_by("position", "id")
        .values_list("pk", "name")
    )
    values = {
        (candidate_id, feature_id): value
        for candidate_id, feature_id, value in CandidateTrait.objects.using(using)
        .filter(candidate__jurors__in=[pk for pk, _ in jurors])
        .values_list("candidate_id", "feature_id", "feature_value__value")
        .distinct()
    }
    rows = [
        tuple(values.get((candidate_id, feature_id)) for feature_id, _ in features)
        for _, candidate_id in jurors
    ]
    return ExportedTraits(
        features=tuple(name for _, name in features),
        juror_ids=tuple(pk for pk, _ in jurors),
        suppression=suppress_small_cells(rows=rows, below=below),
    )


def exports_of(*, study: Study) -> QuerySet[Export]:
    """A study's exports with their Runs, newest first."""
    return study.exports.select_related("run", "run__requested_by").order_by("-created_at", "-id")


def finished_export(*, study: Study, public_id: UUID) -> Export | None:
    """One of the study's exports, if it has been written."""
    return study.exports.filter(public_id=public_id).exclude(file_name="").first()
