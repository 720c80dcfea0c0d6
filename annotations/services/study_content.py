"""What a study consists of: its queries with their ordinals, and the parts that hang on them.

`Query.ordinal` runs from 0 without gaps and `Study.query_count` counts them; both are kept here.
What has been shown to jurors does not change (`annotations.selectors.shown` says why).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import models, transaction
from django.db.models import F, QuerySet

from annotations.models import (
    Criterion,
    ProfileQuestion,
    ProtocolStep,
    Query,
    QueryOption,
    QuizQuestion,
    Response,
    Source,
    Study,
)
from annotations.ports import juror_steps
from annotations.selectors import shown
from annotations.selectors.checks import problem_of_expected
from annotations.services.studies import StudyRefused
from juries.models import User
from juries.services.audit import record_act

Part = ProfileQuestion | QuizQuestion | ProtocolStep | Criterion | Source | QueryOption | Response
# Ordinals are moved up by this and back, so that no two rows share one on the way.
_ASIDE = 1_000_000_000

# The fields of a row that jurors have seen, and why they can't change now.
_FIXED: Mapping[type[models.Model], tuple[tuple[str, ...], Callable[[Any], str]]] = {
    Query: (("text", "external_id", "expected"), shown.why_query_text_is_fixed),
    QueryOption: (("key", "text", "code"), shown.why_option_is_fixed),
    Response: (("text", "source", "external_id"), shown.why_response_is_fixed),
    Criterion: (
        ("key", "question", "scale_kind", "low", "high", "step", "low_label", "high_label",
         "labels"),
        shown.why_criterion_is_fixed,
    ),
    ProfileQuestion: (("key", "text", "kind"), shown.why_question_is_fixed),
    QuizQuestion: (("key", "text", "options", "right"), shown.why_quiz_question_is_fixed),
    ProtocolStep: (("kind", "prompt", "allows_ties"), shown.why_step_is_fixed),
}  # fmt: skip


def problems_of_part(*, row: models.Model) -> dict[str, str]:
    """Why a changed row can't be saved, by field; empty where it can."""
    if row.pk is None:
        return {}
    before = type(row)._default_manager.get(pk=row.pk)
    fields, why = _FIXED.get(type(row), ((), lambda _: ""))
    changed = [name for name in fields if getattr(before, name) != getattr(row, name)]
    if changed and (reason := why(before)):
        return dict.fromkeys(changed, reason)
    if isinstance(row, ProfileQuestion) and isinstance(before, ProfileQuestion):
        gone = [option for option in before.options if option not in row.options]
        if gone and (reason := why(before)):
            return {"options": f"{reason} Missing now: {', '.join(map(str, gone))}."}
    return {}


@transaction.atomic
def add_query(*, study: Study, query: Query, actor: User | None) -> Query:
    """Append an unsaved query to a study; a blank id is made from its place.

    Queries that are added while jurors work come after those that each has had.

    Raises:
        StudyRefused: the study has a query of this id, or what it asks for is on no scale.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    query.study = locked
    query.ordinal = locked.query_count
    query.external_id = query.external_id or _free_query_id(locked)
    mark_check(query=query)
    if locked.queries.filter(external_id=query.external_id).exists():
        raise StudyRefused(
            f"The study has a query {query.external_id!r} already; give this one another id.",
            field="external_id",
        )
    query.save()
    Study.objects.filter(pk=locked.pk).update(query_count=F("query_count") + 1)
    record_act(
        actor=actor, verb="added a query", subject=locked, details={"query": query.external_id}
    )
    return query


def _free_query_id(study: Study) -> str:
    number = study.query_count + 1
    while study.queries.filter(external_id=f"q{number}").exists():
        number += 1
    return f"q{number}"


def mark_check(*, query: Query) -> None:
    """Write down on an unsaved query whether it is a check: one that expects something, or a copy.

    Raises:
        StudyRefused: it expects a value on no criterion of the study, or off that scale.
    """
    kinds = Query.Check
    if query.repeats_id is not None:
        query.check_kind = kinds.REPEATED
        return
    if problem := problem_of_expected(study=query.study, expected=query.expected):
        raise StudyRefused(problem, field="expected")
    query.check_kind = kinds.INSTRUCTED if query.expected else kinds.NONE


@transaction.atomic
def repeat_query(*, query: Query, actor: User | None) -> Query:
    """Append a copy of a query, its options and responses, as a check: the same, put again.

    Jurors who have had the query get the copy later; what they say on it is compared with what
    they said before, and enters no result.

    Raises:
        StudyRefused: the query is a check itself, or it is put again already.
    """
    if query.check_kind:
        raise StudyRefused(f"Query {query.external_id!r} is a check; a check is not put again.")
    if query.repetitions.exists():
        raise StudyRefused(f"Query {query.external_id!r} is put again already.")
    study = query.study
    copy = Query(study=study, text=query.text, repeats=query)
    copy.external_id = _free_copy_id(query)
    add_query(study=study, query=copy, actor=actor)
    copy_material(query=copy)
    return copy


def copy_material(*, query: Query) -> None:
    """Give a saved copy, which has none yet, the options and responses of its original."""
    original = query.repeats
    if original is None:
        raise ValueError(f"Query {query.external_id!r} is no copy of another.")
    QueryOption.objects.bulk_create(
        QueryOption(query=query, key=one.key, text=one.text, position=one.position, code=one.code)
        for one in original.options.all()
    )
    Response.objects.bulk_create(
        Response(query=query, source_id=one.source_id, external_id=one.external_id, text=one.text)
        for one in original.responses.order_by("id")
    )


def _free_copy_id(query: Query) -> str:
    stem = f"{query.external_id[:100]}-again"
    name, number = stem, 2
    while query.study.queries.filter(external_id=name).exists():
        name, number = f"{stem}-{number}", number + 1
    return name


@transaction.atomic
def change_query(*, query: Query, actor: User | None) -> Query:
    """Save a query's text and id, and what it asks for if it is an instructed one.

    Raises:
        StudyRefused: it has been shown to jurors, it is put again, another query has this id, or
            what it asks for is on no scale of the study.
    """
    before = Query.objects.select_for_update().get(pk=query.pk)
    names = ("external_id", "text", "expected")
    changed = [name for name in names if getattr(before, name) != getattr(query, name)]
    if not changed:
        return query
    _refuse_fixed(query)
    rivals = Query.objects.filter(study_id=query.study_id, external_id=query.external_id)
    if rivals.exclude(pk=query.pk).exists():
        raise StudyRefused(
            f"The study has a query {query.external_id!r} already; give this one another id.",
            field="external_id",
        )
    mark_check(query=query)
    query.save(update_fields=[*changed, "check_kind"])
    record_act(
        actor=actor,
        verb="changed a query",
        subject=query.study,
        details={
            "query": query.external_id,
            "before": {name: getattr(before, name) for name in changed},
        },
    )
    return query


@transaction.atomic
def remove_queries(*, queries: Sequence[Query], actor: User | None) -> int:
    """Remove queries that no juror has seen, and close the gaps; returns how many.

    Raises:
        StudyRefused: one of them has been shown or answered. None is removed then.
    """
    ids = [query.pk for query in queries]
    # By a subquery: PostgreSQL locks no rows of a query that must drop duplicates.
    owners = Query.objects.filter(pk__in=ids).values("study")
    for study in list(Study.objects.select_for_update().filter(pk__in=owners).order_by("id")):
        rows = list(
            Query.objects.select_for_update().filter(pk__in=ids, study=study).order_by("-ordinal")
        )
        for query in rows:
            if reason := shown.why_query_is_fixed(query):
                raise StudyRefused(f"Query {query.external_id!r} stays. {reason}")
        for query in rows:
            query.delete()
        _close_gaps(study=study)
        record_act(
            actor=actor,
            verb="removed queries",
            subject=study,
            details={"queries": sorted(query.external_id for query in rows)[:100]},
        )
    return len(ids)


def _close_gaps(*, study: Study) -> None:
    """Number the study's queries from 0 again, in the order that they have."""
    ordered = study.queries.order_by("ordinal").values_list("pk", "ordinal")
    moved = [(pk, place) for place, (pk, ordinal) in enumerate(ordered) if ordinal != place]
    if moved:
        first = moved[0][1]
        study.queries.filter(ordinal__gte=first).update(ordinal=F("ordinal") + _ASIDE)
        rows = [Query(pk=pk, ordinal=place) for pk, place in moved]
        Query.objects.bulk_update(rows, ["ordinal"], batch_size=500)
    Study.objects.filter(pk=study.pk).update(query_count=study.queries.count())


@transaction.atomic
def save_part(*, study: Study, part: Part, actor: User | None) -> Part:
    """Save a new or changed part of a study: a criterion, a step, an option, a response ...

    Raises:
        StudyRefused: it has been shown to jurors as it stands, it belongs to another study, a
            step's kind is unknown, or there is another source of this name and revision.
    """
    Study.objects.select_for_update().get(pk=study.pk)
    _refuse_foreign(study, part)
    if isinstance(part, Source):
        _refuse_rival(part)
    if isinstance(part, ProtocolStep) and part.kind not in juror_steps():
        raise StudyRefused(
            f"There is no step {part.kind!r}; there are {', '.join(juror_steps())}.", field="kind"
        )
    if part.pk is None and isinstance(part, (QueryOption, Response)):
        _refuse_paired(part)
    if isinstance(part, Response) and not part.external_id:
        part.external_id = _free_response_id(part)
    _refuse_fixed(part)
    is_new = part.pk is None
    before = None if is_new else type(part)._default_manager.get(pk=part.pk)
    part.save()
    record_act(
        actor=actor,
        verb=f"{'added' if is_new else 'changed'} a {part._meta.verbose_name}",
        subject=study,
        details=_details(part, before),
    )
    return part


def _free_response_id(response: Response) -> str:
    stem = f"{response.query.external_id}-{response.source.name}"[:110]
    taken = set(response.query.responses.values_list("external_id", flat=True))
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    return name


@transaction.atomic
def remove_part(*, study: Study, part: Part, actor: User | None) -> None:
    """Remove a part of a study on which nobody has said anything.

    Raises:
        StudyRefused: somebody has, or responses come from this source.
    """
    Study.objects.select_for_update().get(pk=study.pk)
    _refuse_foreign(study, part)
    if isinstance(part, Source) and part.responses.exists():
        raise StudyRefused(
            f"{part} gave {part.responses.count()} responses; remove or move those first."
        )
    reason = _FIXED[type(part)][1](part) if type(part) in _FIXED else ""
    if reason or (said := shown.said_on(part)):
        raise StudyRefused(
            f"The {part._meta.verbose_name} {str(part)!r} stays. "
            + (reason or f"It has {shown.in_words(said)}.")
        )
    details = _details(part, None)
    verb = f"removed a {part._meta.verbose_name}"
    part.delete()
    record_act(actor=actor, verb=verb, subject=study, details=details)


@transaction.atomic
def remove_parts(*, parts: Sequence[Part], actor: User | None) -> int:
    """Remove several parts, all or none; returns how many.

    Raises:
        StudyRefused: somebody has said something on one of them.
    """
    for part in parts:
        remove_part(study=study_of(part), part=part, actor=actor)
    return len(parts)


@transaction.atomic
def replace_parts(
    *, study: Study, standing: QuerySet[Any], wanted: Sequence[Part], actor: User | None
) -> None:
    """Make some parts all those of their kind that stand somewhere; all of it or nothing.

    Parts that are not among them are removed; those that stand unchanged are left alone.

    Args:
        study: whose parts.
        standing: the parts of that kind as they are: the study's questions, a query's options.
        wanted: new ones, and standing ones as they are to be.
        actor: who says so.

    Raises:
        StudyRefused: jurors have seen or answered one that would be removed or worded anew.
    """
    Study.objects.select_for_update().get(pk=study.pk)
    before = {row.pk: row for row in standing.all()}
    kept = {row.pk for row in wanted}
    for pk, row in before.items():
        if pk not in kept:
            remove_part(study=study, part=row, actor=actor)
    for row in wanted:
        if row._state.adding or _differs(before.get(row.pk), row):
            save_part(study=study, part=row, actor=actor)


def _differs(before: models.Model | None, row: models.Model) -> bool:
    return before is None or any(
        field.value_from_object(before) != field.value_from_object(row)
        for field in row._meta.concrete_fields
    )


def study_of(part: Part) -> Study:
    """The study that a part belongs to."""
    if isinstance(part, (QueryOption, Response)):
        return part.query.study
    return part.study


def _refuse_foreign(study: Study, part: Part) -> None:
    if study_of(part).pk != study.pk:
        raise StudyRefused(f"The {part._meta.verbose_name} belongs to another study.")
    if isinstance(part, Response) and part.source.study_id != study.pk:
        raise StudyRefused(
            f"The source {str(part.source)!r} belongs to another study; "
            "choose one of this study's sources.",
            field="source",
        )


def _refuse_rival(source: Source) -> None:
    """Forms leave this to the service: they don't know the study of what they hold."""
    rivals = Source.objects.filter(
        study_id=source.study_id, name=source.name, revision=source.revision
    )
    if rivals.exclude(pk=source.pk).exists():
        raise StudyRefused(
            f"There is a source {str(source)!r} already; give this one another name or revision.",
            field="name",
        )


def _refuse_paired(part: QueryOption | Response) -> None:
    if reason := shown.why_query_is_paired(part.query):
        raise StudyRefused(reason)


def _refuse_fixed(row: models.Model) -> None:
    for field, reason in problems_of_part(row=row).items():
        raise StudyRefused(reason, field=field)


def _details(part: Part, before: models.Model | None) -> dict[str, Any]:
    """What was touched, and the fields' values before."""
    name = getattr(part, "external_id", "") or getattr(part, "key", "") or str(part)
    details: dict[str, Any] = {str(part._meta.verbose_name): name}
    if isinstance(part, (QueryOption, Response)):
        details["query"] = part.query.external_id
    if before is not None:
        details["before"] = {
            field.name: _plain(field.value_from_object(before))
            for field in part._meta.concrete_fields
            if field.value_from_object(before) != field.value_from_object(part)
        }
        if isinstance(part, QuizQuestion):
            # Viewers read the log, and what was right before tells what is right now.
            secret = sorted(details["before"].keys() & {"right", "explanation"})
            details["before"] |= dict.fromkeys(secret, "not shown")
    return details


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, list, dict)) else str(value)
