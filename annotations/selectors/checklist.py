"""What a study lacks before jurors can work on it, each with the place where to mend it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.urls import reverse

from annotations.models import (
    Assignment,
    Criterion,
    Participation,
    ProtocolStep,
    Query,
    QueryOption,
    Response,
    Study,
)
from annotations.ports import JurorStep, juror_steps
from annotations.selectors.checks import problem_of_expected
from annotations.selectors.ways_in import is_open_jury
from annotations.selectors.work import INSTRUCTED_STEP
from juries.models import Juror, Seat

# So many queries are walked through as a juror would meet them.
WALKED = 50
_EXAMPLES = 3
# An id that no row has: whoever looks for what this juror said finds nothing.
_NOBODY = -1


@dataclass(frozen=True)
class Finding:
    """Something that is missing or wrong.

    Attributes:
        key: which check found it.
        text: what it is and what follows from it.
        is_blocking: jurors can't work like that.
        url: where to mend it; empty where there is no such page.
        action: what the link says.
    """

    key: str
    text: str
    is_blocking: bool
    url: str = ""
    action: str = ""


def shadow_assignment(*, study: Study, query: Query, position: int = 0) -> Assignment:
    """An assignment that is stored nowhere, of a juror who has said nothing yet.

    The steps' plug-ins read from it what a first juror of the study would be shown.
    """
    juror = Juror(pk=_NOBODY, jury=study.jury)
    participation = Participation(
        pk=_NOBODY, study=study, juror=juror, ordinal=0, state=Participation.State.WORKING
    )
    return Assignment(pk=_NOBODY, participation=participation, query=query, position=position)


def opening_checklist(*, study: Study) -> tuple[Finding, ...]:
    """What is missing, what blocks the opening first."""
    findings = [
        *_about_jury(study),
        *_about_texts(study),
        *_about_steps(study),
        *_about_queries(study),
    ]
    return tuple(sorted(findings, key=lambda finding: not finding.is_blocking))


def study_admin_url(study: Study, anchor: str = "") -> str:
    """The study's page in the admin, at one of its parts."""
    return reverse("admin:annotations_study_change", args=[study.pk]) + (anchor and f"#{anchor}")


def query_admin_url(study: Study, query_id: int | None = None) -> str:
    """A query's page in the admin, or the list of the study's."""
    if query_id is not None:
        return reverse("admin:annotations_query_change", args=[query_id])
    return f"{reverse('admin:annotations_query_changelist')}?study__id__exact={study.pk}"


def _about_jury(study: Study) -> Iterator[Finding]:
    if study.jury is None:
        yield Finding(
            "jury",
            "No jury is connected, so nobody can be asked.",
            is_blocking=True,
            url=study_admin_url(study, "id_jury"),
            action="Choose the jury",
        )
        return
    sitting = Seat.objects.filter(jury=study.jury, state__in=Seat.SITTING).count()
    if is_open_jury(study=study):
        # Seats fill while the study is open, up to the jury's size.
        sitting = study.jury.size
    if not sitting:
        yield Finding(
            "seats",
            f"Nobody sits on {study.jury}: it has not been drawn, or everybody has left. If "
            "people are to come by themselves, add a way in.",
            is_blocking=True,
            url=reverse("admin:juries_jury_change", args=[study.jury_id]),
            action="Draw the jury",
        )
    elif _wanted_jurors(study) > sitting:
        yield Finding(
            "overlap",
            f"Each query is to go to {study.overlap} jurors, but the jury has only {sitting}: "
            "no query will be complete.",
            is_blocking=False,
            url=study_admin_url(study, "id_overlap"),
            action="Change the overlap",
        )


def _wanted_jurors(study: Study) -> int:
    by_overlap = study.assignment_mode == Study.AssignmentMode.OVERLAP
    return (study.overlap or 0) if by_overlap else 0


def _about_texts(study: Study) -> Iterator[Finding]:
    if not study.consent_text.strip():
        yield Finding(
            "consent",
            "There is no consent text; jurors must know what they agree to.",
            is_blocking=True,
            url=study_admin_url(study, "id_consent_text"),
            action="Write the consent text",
        )
    if not study.contact.strip():
        yield Finding(
            "contact",
            "Jurors are not told whom they can write to or call.",
            is_blocking=False,
            url=study_admin_url(study, "id_contact"),
            action="Name a contact",
        )
    if not study.debrief.strip():
        yield Finding(
            "debrief",
            "The thanks page does not say what the answers will be used for.",
            is_blocking=False,
            url=study_admin_url(study, "id_debrief"),
            action="Write the debrief",
        )
    for question in study.profile_questions.filter(kind="choice"):
        if len(question.options) < 2:
            yield Finding(
                "profile",
                f"The question {question.key!r} about the juror offers fewer than two options.",
                is_blocking=True,
                url=study_admin_url(study, "profile_questions-group"),
                action="Give it options",
            )


def _about_steps(study: Study) -> Iterator[Finding]:
    steps = list(study.steps.all())
    at_steps = study_admin_url(study, "steps-group")
    if not steps:
        yield Finding(
            "steps",
            "The protocol has no step, so jurors would have nothing to do.",
            is_blocking=True,
            url=at_steps,
            action="Add a step",
        )
    for step in steps:
        if step.kind not in juror_steps():
            yield Finding(
                "steps",
                f"The step {step.kind!r} is not known here; there are {', '.join(juror_steps())}.",
                is_blocking=True,
                url=at_steps,
                action="Remove the step",
            )
    if any(step.kind == "rating" for step in steps) and not study.criteria.exists():
        yield Finding(
            "criteria",
            "Responses are to be rated, but there is no criterion to rate them on.",
            is_blocking=True,
            url=study_admin_url(study, "criteria-group"),
            action="Add a criterion",
        )
    elif unused := _unused_criteria(study, steps):
        yield Finding(
            "criteria",
            f"Nobody will be asked about {unused}: the protocol has no rating step.",
            is_blocking=False,
            url=at_steps,
            action="Add a rating step",
        )


def _unused_criteria(study: Study, steps: Sequence[ProtocolStep]) -> str:
    if any(step.kind == "rating" for step in steps):
        return ""
    names = Criterion.objects.filter(study=study).values_list("name", flat=True)
    return ", ".join(names)


def _about_queries(study: Study) -> Iterator[Finding]:
    if not study.query_count:
        yield Finding(
            "queries",
            "There is no query, so there is nothing to ask.",
            is_blocking=True,
            url=reverse("study-query-import", args=[study.public_id]),
            action="Import queries and responses",
        )
        return
    kinds = [kind for kind in study.steps.values_list("kind", flat=True) if kind in juror_steps()]
    yield from _whole_study_lacks(study, kinds)
    yield from _walk(study, kinds)
    yield from _about_checks(study)


def _about_checks(study: Study) -> Iterator[Finding]:
    """Criteria may have changed since a query was told to ask for a value on them."""
    for query in study.queries.filter(check_kind=Query.Check.INSTRUCTED).order_by("ordinal"):
        if problem := problem_of_expected(study=study, expected=query.expected):
            yield Finding(
                "expected",
                f"Query {query.external_id!r} asks for a value that can't be given. {problem}",
                is_blocking=True,
                url=query_admin_url(study, query.pk),
                action="See the query",
            )


def _whole_study_lacks(study: Study, kinds: Sequence[str]) -> Iterator[Finding]:
    """Counted in the database over all queries, however many there are."""
    checks: tuple[tuple[str, type[Response | QueryOption], str, str, str], ...] = (
        ("rating", Response, "responses", "no response to rate", "Add responses"),
        ("choice", QueryOption, "options", "no options to choose from", "Give them options"),
    )
    for kind, model, relation, what, action in checks:
        if kind not in kinds:
            continue
        there = model.objects.filter(query=OuterRef("pk"))
        lacking = study.queries.filter(~Exists(there)).order_by("ordinal")
        if kind != INSTRUCTED_STEP:
            lacking = lacking.exclude(check_kind=Query.Check.INSTRUCTED)
        names = list(lacking.values_list("external_id", "pk")[: _EXAMPLES + 1])
        if names:
            count = len(names) if len(names) <= _EXAMPLES else lacking.count()
            yield _lacking(
                study,
                key=relation,
                what=what,
                names=names,
                count=count,
                of=f"{study.query_count}",
                is_blocking=count == study.query_count or kinds == [kind],
                action=action,
            )


def _walk(study: Study, kinds: Sequence[str]) -> Iterator[Finding]:
    """Ask every step what it would show on the first queries, as a juror would meet them."""
    queries = list(study.queries.order_by("ordinal")[:WALKED])
    of = f"{len(queries)}" if study.query_count <= WALKED else f"the first {len(queries)}"
    pages: dict[int, int] = {query.pk: 0 for query in queries}
    for kind in kinds:
        step = juror_steps()[kind]
        bare = []
        for query in queries:
            if query.check_kind == Query.Check.INSTRUCTED and kind != INSTRUCTED_STEP:
                continue
            items = step.items(assignment=shadow_assignment(study=study, query=query))
            pages[query.pk] += len(items)
            if not items:
                bare.append((query.external_id, query.pk))
        if bare and kind not in ("rating", "choice"):
            yield _lacking(
                study,
                key=f"step-{kind}",
                what=f"nothing to show in the step {step.label!r}{_needs(step)}",
                names=bare,
                count=len(bare),
                of=of,
                is_blocking=len(bare) == len(queries),
                action="See the queries",
            )
    empty = [(query.external_id, query.pk) for query in queries if not pages[query.pk]]
    if empty and kinds:
        yield _lacking(
            study,
            key="empty",
            what="no page at all for a juror",
            names=empty,
            count=len(empty),
            of=of,
            is_blocking=True,
            action="See the queries",
        )


_NEEDS = {
    "highlight": " (it needs a response)",
    "ranking": " (it needs two responses)",
    "preference": " (it needs two responses)",
    "judging": " (it needs accepted answers)",
    "labelling": " (it needs responses and accepted answers)",
}


def _needs(step: JurorStep) -> str:
    return _NEEDS.get(step.kind, "")


def _lacking(
    study: Study,
    *,
    key: str,
    what: str,
    names: Sequence[tuple[str, int]],
    count: int,
    of: str,
    is_blocking: bool,
    action: str,
) -> Finding:
    listed = ", ".join(name for name, _ in names[:_EXAMPLES])
    more = f" and {count - _EXAMPLES} more" if count > _EXAMPLES else ""
    noun = "query has" if count == 1 else "queries have"
    return Finding(
        key,
        f"{count} of {of} {noun} {what}: {listed}{more}.",
        is_blocking=is_blocking,
        url=query_admin_url(study, names[0][1] if count == 1 else None),
        action=action,
    )
