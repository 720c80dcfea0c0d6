"""Ratings from elsewhere: what was rated becomes a study, who rated its jury."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from annotations.domain.scales import InvalidScale, Scale, ScaleKind
from annotations.domain.tables import DeclaredScale, OutsideItem, OutsideRatings, RowProblem
from annotations.models import (
    Criterion,
    Participation,
    Query,
    Rating,
    Response,
    Source,
    Study,
    StudyRole,
)
from annotations.services.studies import free_slug
from juries.models import Jury, User
from juries.services.audit import record_act

ROWS_AT_A_TIME = 2_000
DEFAULT_SOURCE = "imported texts"

Row = TypeVar("Row")


class RatingsRefused(ValueError):
    """Ratings can't be imported; nothing was.

    Attributes:
        problems: what is wrong, by row.
        total: how many problems there are, also those not listed.
    """

    def __init__(
        self, message: str, *, problems: Sequence[RowProblem] = (), total: int = 0
    ) -> None:
        super().__init__(message)
        self.problems = tuple(problems)
        self.total = total


@dataclass(frozen=True)
class RatedCriterion:
    """What was asked elsewhere, and on which scale.

    Attributes:
        name: of the criterion.
        scale: its bounds.
        question: as it was asked; made of the name if empty.
        low_label: words at the low end.
        high_label: words at the high end.
    """

    name: str
    scale: DeclaredScale
    question: str = ""
    low_label: str = ""
    high_label: str = ""

    @property
    def is_yes_no(self) -> bool:
        """The scale is 0 = no, 1 = yes."""
        return (self.scale.low, self.scale.high, self.scale.step) == (0, 1, 1)


@dataclass(frozen=True)
class RatingsImported:
    """What an import made.

    Attributes:
        study: the study, closed: nobody works on it here.
        criterion: what was rated.
        items: responses, each to a query of its own or beside those of other sources.
        queries: what they respond to.
        jurors: jurors of the jury who rated something.
        ratings: rows.
        left_out: ratings of people who are not on the jury.
    """

    study: Study
    criterion: Criterion
    items: int
    queries: int
    jurors: int
    ratings: int
    left_out: int


def refuse_problems(found: OutsideRatings) -> None:
    """Stop where anything is wrong with the ratings that were read.

    Raises:
        RatingsRefused: with the problems.
    """
    if found.problems.total:
        raise RatingsRefused(
            f"{found.problems.total} problems; nothing was imported. "
            f"The first: {found.problems.found[0]}",
            problems=found.problems.found,
            total=found.problems.total,
        )
    if not found.ratings:
        raise RatingsRefused("There are no ratings in the file.")


@transaction.atomic
def ratings_to_study(
    *,
    jury: Jury,
    ratings: OutsideRatings,
    criterion: RatedCriterion,
    title: str,
    slug: str = "",
    licence: str = "",
    description: str = "",
    query_text: str = "",
    actor: User | None = None,
    now: datetime | None = None,
) -> RatingsImported:
    """A closed study of what was rated elsewhere, with the ratings of a jury's members.

    Every item becomes a response. Items that answer the same text, each of another source, are
    responses to one query; the others have a query each. Ratings of people who are not on the jury
    are left out. Jurors are found by the id that they have in the pool.

    Args:
        jury: drawn or seated from the pool that the raters became.
        ratings: as `annotations.domain.tables` reads them.
        criterion: what was asked.
        title: the study's title.
        slug: of its address; made of the title if empty.
        licence: of the data.
        description: where it comes from.
        query_text: what stands above items that have no query of their own; the criterion's
            question if empty.
        actor: who imports, and owns the study.
        now: the moment to write on ratings, which have none; the present if None.

    Raises:
        RatingsRefused: problems by row, a scale that contradicts itself, a jury without raters.
    """
    refuse_problems(ratings)
    if slug and (slug != slugify(slug) or Study.objects.filter(slug=slug).exists()):
        raise RatingsRefused(
            f"The slug {slug!r} is taken, or is not of small letters, digits and hyphens."
        )
    now = now or timezone.now()
    jurors = dict(jury.jurors.values_list("candidate__external_id", "pk"))
    own = [one for one in ratings.ratings if one.rater in jurors]
    if not own:
        raise RatingsRefused(
            f"Nobody on {jury.name} ({len(jurors)} jurors) is among the {len(ratings.raters)} "
            "raters; the jury must come from the pool that they became."
        )
    study = Study.objects.create(
        jury=jury,
        title=title[:200],
        slug=slug or free_slug(title=title),
        state=Study.State.CLOSED,
        licence=licence,
        description=description,
        is_simulated=jury.pool.is_simulated,
        created_by=actor,
        closed_at=now,
    )
    study.steps.create(kind="rating", position=0)
    asked = _make_criterion(study, criterion)
    responses = _make_items(study, ratings.items, query_text or asked.question)
    for part in _portions(own):
        Rating.objects.bulk_create(
            Rating(
                juror_id=jurors[one.rater],
                response_id=responses[one.item],
                criterion=asked,
                value=one.value,
                created_at=now,
            )
            for one in part
        )
    active = list(dict.fromkeys(one.rater for one in own))
    Participation.objects.bulk_create(
        [
            Participation(
                study=study,
                juror_id=jurors[rater],
                ordinal=ordinal,
                state=Participation.State.FINISHED,
                finished_at=now,
            )
            for ordinal, rater in enumerate(active)
        ],
        batch_size=ROWS_AT_A_TIME,
    )
    if actor is not None:
        StudyRole.objects.create(study=study, user=actor, role=StudyRole.Role.OWNER)
    made = RatingsImported(
        study=study,
        criterion=asked,
        items=len(responses),
        queries=study.query_count,
        jurors=len(active),
        ratings=len(own),
        left_out=len(ratings.ratings) - len(own),
    )
    record_act(
        actor=actor,
        verb="imported ratings into",
        subject=study,
        details={
            "items": made.items,
            "queries": made.queries,
            "ratings": made.ratings,
            "left_out": made.left_out,
        },
    )
    return made


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield rows[start : start + ROWS_AT_A_TIME]


def _make_criterion(study: Study, criterion: RatedCriterion) -> Criterion:
    scale = criterion.scale
    kinds = Criterion.ScaleKind
    if criterion.is_yes_no:
        kind = kinds.YES_NO
    elif scale.step is None or (scale.high - scale.low) / scale.step > 20:
        kind = kinds.SLIDER
    else:
        kind = kinds.LIKERT
    # The table wants a step; a hundredth of a thousandth of the range stands for "any number".
    step = scale.step or (scale.high - scale.low) / 100_000
    try:
        Scale(kind=ScaleKind(kind), low=scale.low, high=scale.high, step=step)
    except InvalidScale as problem:
        raise RatingsRefused(str(problem)) from problem
    return study.criteria.create(
        key=slugify(criterion.name)[:60] or "rating",
        name=criterion.name[:120],
        question=(criterion.question or f"How do you rate this text: {criterion.name}?")[:300],
        scale_kind=kind,
        low=scale.low,
        high=scale.high,
        step=step,
        low_label=criterion.low_label,
        high_label=criterion.high_label,
    )


def _make_items(study: Study, items: Mapping[str, OutsideItem], query_text: str) -> dict[str, int]:
    """Queries and responses of the items; primary keys of the responses by the items' ids."""
    sources: dict[str, Source] = {}
    for item in items.values():
        name = item.source or DEFAULT_SOURCE
        if name not in sources:
            sources[name] = study.sources.create(name=name[:120], kind=Source.Kind.OTHER)
    responses: dict[str, int] = {}
    groups = list(enumerate(_by_query(items)))
    for part in _portions(groups):
        queries = Query.objects.bulk_create(
            Query(
                study=study,
                external_id=group[0].id,
                ordinal=ordinal,
                text=group[0].query or query_text,
            )
            for ordinal, group in part
        )
        listed = [
            (query, item) for (_, group), query in zip(part, queries, strict=True) for item in group
        ]
        made = Response.objects.bulk_create(
            Response(
                query=query,
                source=sources[item.source or DEFAULT_SOURCE],
                external_id=item.id,
                text=item.text,
            )
            for query, item in listed
        )
        responses.update(
            {item.id: response.pk for (_, item), response in zip(listed, made, strict=True)}
        )
    Study.objects.filter(pk=study.pk).update(query_count=len(groups))
    study.query_count = len(groups)
    return responses


def _by_query(items: Mapping[str, OutsideItem]) -> list[list[OutsideItem]]:
    """The items, those together that answer one query; in the order of their first.

    A text under which some source stands twice is a task that stood above everything, say. Its
    items are not answers to one question: each is a query of its own.
    """
    by_text: dict[str, list[OutsideItem]] = {}
    for item in items.values():
        by_text.setdefault(item.query, []).append(item)
    groups: list[list[OutsideItem]] = []
    for text, together in by_text.items():
        if text and len({item.source for item in together}) == len(together):
            groups.append(together)
        else:
            groups += [[item] for item in together]
    return sorted(groups, key=lambda group: group[0].row)
