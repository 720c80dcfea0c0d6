"""What has been shown to jurors or answered by them, and so can't change any more."""

from collections import Counter

from django.db import models
from django.db.models.deletion import Collector

from annotations.models import (
    Criterion,
    Participation,
    ProfileQuestion,
    ProtocolStep,
    Query,
    QueryOption,
    QuizQuestion,
    Response,
    Study,
    Submission,
)
from juries.models import Juror

Said = Counter[str]


def said_on(row: models.Model) -> Said:
    """How many rows of what people said would fall with a row, by their kind.

    Looks at every table that hangs on it, also those of the floors above, and counts the rows
    that belong to a juror or to her way through a study.
    """
    if row.pk is None:
        return Counter()
    collector = Collector(using=row._state.db or "default", origin=row)
    collector.collect([row])
    counts: Said = Counter()
    for model, instances in collector.data.items():
        if _is_said(model):
            counts[str(model._meta.verbose_name_plural)] += len(instances)
    for rows in collector.fast_deletes:
        if _is_said(rows.model) and (count := rows.count()):
            counts[str(rows.model._meta.verbose_name_plural)] += count
    return counts


def _is_said(model: type[models.Model]) -> bool:
    return any(
        field.is_relation and field.related_model in (Juror, Participation)
        for field in model._meta.concrete_fields
    )


def in_words(said: Said) -> str:
    """Counts as a list in words, such as "12 ratings and 3 choices"."""
    parts = [f"{count} {name if count != 1 else name.rstrip('s')}" for name, count in said.items()]
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def why_query_is_fixed(query: Query) -> str:
    """Why a query's text and options can't change; empty while they can."""
    if query.pk is None:
        return ""
    claims = query.assignments.count()
    if claims:
        jurors = "1 juror" if claims == 1 else f"{claims} jurors"
        return (
            f"It has been shown to {jurors}, whose answers are answers to this text. "
            "Add a new query with the new text instead; this one can stay beside it."
        )
    said = said_on(query)
    if said:
        return (
            f"It has {in_words(said)}, which belong to this text. "
            "Add a new query with the new text instead; this one can stay beside it."
        )
    return ""


def why_query_text_is_fixed(query: Query) -> str:
    """Why a query's words can't change: it has been shown, or it is put again."""
    return why_query_is_fixed(query) or why_query_is_paired(query)


def why_query_is_paired(query: Query) -> str:
    """Why what hangs on a query can't change because it is put again; empty where it is not."""
    if query.pk is None:
        return ""
    if query.repeats is not None:
        return (
            f"It puts {query.repeats.external_id!r} again, word for word. "
            "Remove it, change the other one, and have that put again."
        )
    again = query.repetitions.order_by("ordinal").values_list("external_id", flat=True).first()
    if again is None:
        return ""
    return (
        f"It is put again, word for word, as {again!r}. "
        "Remove that one first, and have this one put again after the change."
    )


def why_response_is_fixed(response: Response) -> str:
    """Why a response's text and source can't change; empty while they can."""
    if response.pk is None:
        return ""
    claims = response.query.assignments.count()
    if claims:
        jurors = "1 juror" if claims == 1 else f"{claims} jurors"
        what = f"It has been shown to {jurors}"
    elif said := said_on(response):
        what = f"It has {in_words(said)}"
    else:
        return why_query_is_paired(response.query)
    return (
        f"{what}, and what they said belongs to this text. "
        "Add another response (of a source with a new revision, if a model gave it) instead."
    )


def why_option_is_fixed(option: QueryOption) -> str:
    """Why an option's words can't change; empty while they can."""
    return why_query_text_is_fixed(option.query) if option.pk else ""


def why_criterion_is_fixed(criterion: Criterion) -> str:
    """Why a criterion's question and scale can't change; empty while they can."""
    said = said_on(criterion)
    if not said:
        return ""
    return (
        f"There are {in_words(said)} on this scale. Add another criterion under a new key instead; "
        "its name and place in the order can still be changed."
    )


def why_question_is_fixed(question: ProfileQuestion) -> str:
    """Why a question about the juror can't change; empty while it can."""
    if question.pk is None:
        return ""
    replies = question.replies.count()
    if not replies:
        return ""
    return (
        f"It has {replies} {'reply' if replies == 1 else 'replies'}. "
        "Add another question under a new key instead; options can be added to this one."
    )


def why_quiz_question_is_fixed(question: QuizQuestion) -> str:
    """Why a question of the quiz can't change; empty while it can."""
    if question.pk is None:
        return ""
    replies = question.replies.count()
    if not replies:
        return ""
    return (
        f"It has been answered {replies} {'time' if replies == 1 else 'times'} as it stands. "
        "Add another question under a new key instead; its explanation can still be changed."
    )


def why_step_is_fixed(step: ProtocolStep) -> str:
    """Why a step's kind and prompt can't change; empty while they can."""
    if step.pk is None:
        return ""
    sent = Submission.objects.filter(participation__study_id=step.study_id, step=step.kind).count()
    if not sent:
        return ""
    return (
        f"Jurors have answered it {sent} {'time' if sent == 1 else 'times'} as it stands. "
        "Its place in the order and whether it is required can still be changed."
    )


def consents_given(study: Study) -> Counter[str]:
    """How many jurors agreed to which version of the consent text."""
    versions = (
        Participation.objects.filter(study=study, consented_at__isnull=False)
        .values_list("consent_version")
        .annotate(models.Count("id"))
        .order_by("consent_version")
    )
    return Counter(dict(versions))
