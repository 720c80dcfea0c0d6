"""The researchers' pages of answers: written, imported, decided on, merged and split off again."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotations.domain.tables import TableUnreadable, read_table
from annotations.models import Opinion, Query, Study
from annotations.permissions import can_edit_study
from annotations.views.guards import editable_study, signed_in, viewable_study
from juries.models import User
from juries.tasks import enqueue_run
from overton.domain.answer_tables import ANSWER_FIELDS, JUDGEMENT_FIELDS
from overton.forms import (
    ConfirmForm,
    DecisionForm,
    NewAnswerForm,
    OpinionForm,
    OtherAnswerForm,
    OutsideFileForm,
)
from overton.models import Answer
from overton.selectors.merging import PairScores, answers_list, query_answers, scores_of
from overton.services import answers as services
from overton.services.answer_import import (
    ImportRefused,
    OutsideReport,
    import_answers,
    import_judgements,
)
from overton.services.answers import AnswerRefused
from overton.services.merging import request_duplicates

MOST_ROWS = 20_000
OPEN = (Answer.State.ACCEPTED, Answer.State.PROPOSED)
Decision = Callable[[Answer, Mapping[str, Any], User], object]


@dataclass(frozen=True)
class Act:
    """Something that is decided about an answer.

    Attributes:
        verb: what the button says.
        title: the page's heading.
        words: what will come of it.
        done: what is said afterwards.
        decision: the service.
        form: what is asked.
        needs_reason: nothing is decided without one.
        options: what else the form is made with.
    """

    verb: str
    title: str
    words: str
    done: str
    decision: Decision
    form: type[DecisionForm] = DecisionForm
    needs_reason: bool = True
    options: Mapping[str, Any] | None = None


ACTS: Mapping[str, Act] = {
    "accept": Act(
        verb="Accept",
        title="Put this answer to the jury",
        words="The jury judges it as a position of its own.",
        done="The answer is put to the jury.",
        decision=lambda answer, data, actor: services.accept_answer(
            answer=answer, reason=data["reason"], actor=actor
        ),
        needs_reason=False,
    ),
    "reject": Act(
        verb="Reject",
        title="Take this answer from the jury",
        words="It is no distinct position on the query. What was said of it is kept, and counts "
        "for nothing while it is rejected.",
        done="The answer was rejected.",
        decision=lambda answer, data, actor: services.reject_answer(
            answer=answer, reason=data["reason"], actor=actor
        ),
    ),
    "merge": Act(
        verb="Merge",
        title="Merge this answer into another",
        words="What was said of it then counts for the other: for each person what she said of the "
        "other herself, or else the newest that she said of those merged into it. Nothing is "
        "deleted, and the merge can be undone.",
        done="The answers were merged.",
        decision=lambda answer, data, actor: services.merge_answer(
            answer=answer, into=data["into"], reason=data["reason"], actor=actor
        ),
        form=OtherAnswerForm,
    ),
    "undo": Act(
        verb="Undo the merge",
        title="Split this answer off again",
        words="It becomes what it was before the merge, with all that was said of it.",
        done="The merge was undone.",
        decision=lambda answer, data, actor: services.split_answer(
            answer=answer, reason=data["reason"], actor=actor
        ),
    ),
    "apart": Act(
        verb="They differ",
        title="Keep this answer apart from another",
        words="They are not suggested as duplicates again. You can still merge them.",
        done="It was written down that they differ.",
        decision=lambda answer, data, actor: services.keep_apart(
            answer=answer, other=data["into"], reason=data["reason"], actor=actor
        ),
        form=OtherAnswerForm,
        options={"label": "It differs from", "states": OPEN},
    ),
    "exclude": Act(
        verb="Exclude",
        title="Keep this answer out of the reasonable ones",
        words="Whatever the jury says, it counts neither as reasonable nor as unreasonable. It is "
        "shown as excluded, with your reason.",
        done="The answer is excluded.",
        decision=lambda answer, data, actor: services.exclude_answer(
            answer=answer, reason=data["reason"], actor=actor
        ),
    ),
    "readmit": Act(
        verb="Lift the exclusion",
        title="Leave the verdict to the jury again",
        words="The exclusion and its reason stay in the study’s log.",
        done="The answer is no longer excluded.",
        decision=lambda answer, _, actor: services.readmit_answer(answer=answer, actor=actor),
        form=ConfirmForm,
    ),
}


@login_required
@require_safe
def answers(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Every query with its answers counted, and what waits for a decision."""
    study = viewable_study(request, public_id)
    return render(
        request,
        "overton/answers.html",
        {
            "study": study,
            "tab": "study-answers",
            "rows": answers_list(study=study),
            "can_edit": can_edit_study(request.user, study),
        },
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def query(request: HttpRequest, public_id: uuid.UUID, query_id: uuid.UUID) -> HttpResponse:
    """One query's answers: add one, see what waits, what may be the same, and what was decided."""
    study = viewable_study(request, public_id)
    asked = _query(study, query_id)
    form = NewAnswerForm()
    if request.method == "POST":
        study = editable_study(request, public_id)
        form = NewAnswerForm(request.POST)
        if form.is_valid():
            try:
                services.add_answer(query=asked, actor=signed_in(request), **form.cleaned_data)
            except AnswerRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, "The answer is put to the jury.")
                return redirect(_address(study, asked))
    return render(
        request,
        "overton/query_answers.html",
        {
            "study": study,
            "tab": "study-answers",
            "page": query_answers(query=asked),
            "form": form,
            "can_edit": can_edit_study(request.user, study),
        },
        status=400 if form.errors else 200,
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def decide(
    request: HttpRequest,
    public_id: uuid.UUID,
    query_id: uuid.UUID,
    act: str,
    answer_id: uuid.UUID,
) -> HttpResponse:
    """Decide on one answer; what will come of it stands above the button."""
    study = editable_study(request, public_id)
    asked = _query(study, query_id)
    if act not in ACTS:
        raise Http404("There is no such decision.")
    wanted = ACTS[act]
    answer = get_object_or_404(
        Answer.objects.select_related("query", "merged_into", "exclusion"),
        query=asked,
        public_id=answer_id,
    )
    other = _named(asked, request.GET.get("other", ""))
    form = wanted.form(
        request.POST if request.method == "POST" else None,
        answers=[answer],
        needs_reason=wanted.needs_reason,
        initial={"into": other.public_id} if other is not None else {},
        **dict(wanted.options or {}),
    )
    if request.method == "POST" and form.is_valid():
        try:
            wanted.decision(answer, form.cleaned_data, signed_in(request))
        except AnswerRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, wanted.done)
            return redirect(_address(study, asked))
    return _ask(
        request,
        study=study,
        asked=asked,
        form=form,
        act=wanted,
        answer=answer,
        other=other,
        scores=None if other is None else scores_of(answer=answer, other=other),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def put_forward(
    request: HttpRequest, public_id: uuid.UUID, query_id: uuid.UUID, juror_id: uuid.UUID
) -> HttpResponse:
    """Make a juror's own answer to the query a proposal."""
    study = editable_study(request, public_id)
    asked = _query(study, query_id)
    opinion = get_object_or_404(Opinion, query=asked, juror__public_id=juror_id, is_current=True)
    form = OpinionForm(
        request.POST if request.method == "POST" else None, initial={"text": opinion.text}
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.put_forward_opinion(
                opinion=opinion, text=form.cleaned_data["text"], actor=signed_in(request)
            )
        except AnswerRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, "Her view waits for a decision, like those that are proposed."
            )
            return redirect(_address(study, asked))
    act = Act(
        verb="Put forward",
        title="Put a juror’s own view forward",
        words="It becomes a proposal: accept it, merge it into an answer that says the same, or "
        "reject it.",
        done="",
        decision=lambda *_: None,
    )
    return _ask(request, study=study, asked=asked, form=form, act=act, opinion=opinion)


def _ask(
    request: HttpRequest,
    *,
    study: Study,
    asked: Query,
    form: DecisionForm | OpinionForm,
    act: Act,
    answer: Answer | None = None,
    other: Answer | None = None,
    opinion: Opinion | None = None,
    scores: PairScores | None = None,
) -> HttpResponse:
    return render(
        request,
        "overton/answer_decision.html",
        {
            "study": study,
            "tab": "study-answers",
            "query": asked,
            "form": form,
            "act": act,
            "answer": answer,
            "other": other,
            "opinion": opinion,
            "scores": scores,
        },
        status=400 if form.errors else 200,
    )


@login_required
@require_POST
def duplicates(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Have a model read which answers may be the same."""
    study = editable_study(request, public_id)
    page = reverse("study-answers", args=[study.public_id])
    query_id = _uuid(request.POST.get("query", ""))
    if query_id is not None:
        page = _address(study, _query(study, query_id))
    run = request_duplicates(study=study, requested_by=signed_in(request), page_path=page)
    enqueue_run(run=run)
    return redirect("run", public_id=run.public_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def bring_in(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Bring in a file of answers or of judgements: all of it, or nothing and what is wrong."""
    study = editable_study(request, public_id)
    form = OutsideFileForm(request.POST or None, request.FILES or None)
    report: OutsideReport | None = None
    if request.method == "POST" and form.is_valid():
        try:
            report = _take(study, form.cleaned_data, signed_in(request))
        except (TableUnreadable, ImportRefused) as problem:
            form.add_error("table", str(problem))
        if report is not None and report.is_done:
            what = form.cleaned_data["kind"]
            messages.success(
                request,
                f"{report.rows} rows: {report.added} {what} added, {report.known} were here "
                "already.",
            )
            return redirect("study-answers", public_id=study.public_id)
    return render(
        request,
        "overton/answer_import.html",
        {
            "study": study,
            "tab": "study-answers",
            "form": form,
            "report": report,
            "answer_fields": ANSWER_FIELDS,
            "judgement_fields": JUDGEMENT_FIELDS,
        },
        status=400 if request.method == "POST" else 200,
    )


def _take(study: Study, sent: Mapping[str, Any], actor: User) -> OutsideReport:
    upload = sent["table"]
    table = read_table(upload.read(), name=upload.name, encoding=sent["encoding"])
    if len(table.rows) > MOST_ROWS:
        raise ImportRefused(
            f"The file has {len(table.rows):,} rows; up to {MOST_ROWS:,} can be uploaded. Use the "
            "command import_answers for more."
        )
    if sent["kind"] == "judgements":
        return import_judgements(study=study, table=table, actor=actor, now=timezone.now())
    return import_answers(study=study, table=table, actor=actor)


def _query(study: Study, query_id: uuid.UUID) -> Query:
    return get_object_or_404(Query.objects.asked(), study=study, public_id=query_id)


def _address(study: Study, asked: Query) -> str:
    return reverse("study-query-answers", args=[study.public_id, asked.public_id])


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _named(asked: Query, text: str) -> Answer | None:
    """Another answer to the query, by the public id in the address."""
    public_id = _uuid(text)
    if public_id is None:
        return None
    return Answer.objects.filter(query=asked, public_id=public_id).first()
