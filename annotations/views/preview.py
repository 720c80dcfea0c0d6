"""The study as a juror will see it: the juror's own templates and steps, and nothing is kept."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from annotations.forms.juror import ConsentForm, ProfileForm, QuizForm
from annotations.models import Assignment, QuizQuestion, QuizReply, Study
from annotations.permissions import can_see_quiz_answers
from annotations.ports import StepProblem, juror_steps
from annotations.selectors import work
from annotations.selectors.checklist import shadow_assignment
from annotations.selectors.quiz import QuizItem, item_of
from annotations.selectors.work import Page
from annotations.services.submissions import is_blank, payload_of
from annotations.views.guards import signed_in, viewable_study
from annotations.views.juror_work import page_context

# So many queries are walked through before the thanks; any other can be opened by its number.
WALKED = 3

P = ParamSpec("P")
StudyView = Callable[Concatenate[HttpRequest, Study, P], HttpResponse]


@dataclass(frozen=True)
class Stop:
    """A place on the juror's way, for the row of links above the page."""

    label: str
    url: str
    current: bool


def previewed(view: StudyView[P]) -> Callable[..., HttpResponse]:
    """Hand the view a study that the user may see and whose steps are all known."""

    @login_required
    @wraps(view)
    def guarded(
        request: HttpRequest, public_id: uuid.UUID, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        study = viewable_study(request, public_id)
        unknown = [row.kind for row in study.steps.all() if row.kind not in juror_steps()]
        if unknown:
            messages.error(request, f"The step {unknown[0]!r} is not known here; remove it first.")
            return redirect("study", public_id)
        return view(request, study, *args, **kwargs)

    return guarded


def stops(study: Study, current: str) -> list[Stop]:
    """The whole way, in order; `current` is the label's key."""
    way = [("consent", "Consent", reverse("study-preview-consent", args=[study.public_id]))]
    if study.profile_questions.exists():
        way.append(("questions", "Questions", _url("study-preview-questions", study)))
    if study.instructions.strip():
        way.append(("instructions", "Instructions", _url("study-preview-instructions", study)))
    if study.quiz_questions.exists():
        way.append(("quiz", "Quiz", _url("study-preview-quiz", study)))
    numbers = list(range(1, min(WALKED, study.query_count) + 1))
    if current.isdecimal() and int(current) not in numbers:
        numbers.append(int(current))
    way += [
        (str(number), f"Query {number}", _url("study-preview-query", study, number))
        for number in numbers
    ]
    way.append(("thanks", "Thanks", _url("study-preview-thanks", study)))
    return [Stop(label=label, url=url, current=key == current) for key, label, url in way]


def _url(name: str, study: Study, *rest: object) -> str:
    return reverse(name, args=[study.public_id, *rest])


def _after(study: Study, current: str) -> HttpResponse:
    """Go on to the place that follows."""
    return redirect(_next(study, current))


def _next(study: Study, current: str) -> str:
    way = stops(study, current)
    place = next(index for index, stop in enumerate(way) if stop.current)
    return way[min(place + 1, len(way) - 1)].url


def _show(
    request: HttpRequest,
    study: Study,
    current: str,
    template: str,
    context: dict[str, object],
    status: int = 200,
) -> HttpResponse:
    """Render a juror's template inside the frame that says that this is a preview."""
    participation = context.get("participation") or shadow_participation(study)
    return render(
        request,
        "annotations/studies/preview.html",
        {
            "participation": participation,
            **context,
            "study": study,
            "juror_template": template,
            "stops": stops(study, current),
        },
        status=status,
    )


def shadow_participation(study: Study) -> object:
    """The way of a juror who does not exist."""
    query = study.queries.model(study=study)
    return shadow_assignment(study=study, query=query).participation


@require_safe
@previewed
def start(request: HttpRequest, study: Study) -> HttpResponse:  # noqa: ARG001 - a view's
    """The beginning of the way."""
    return redirect("study-preview-consent", study.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@previewed
def consent(request: HttpRequest, study: Study) -> HttpResponse:
    """What a juror is asked to agree to."""
    form = ConsentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["decision"] == "decline":
            messages.info(request, "Who says no is thanked and asked nothing; she can think again.")
            return redirect("study-preview-consent", study.public_id)
        return _after(study, "consent")
    limit = work.query_limit(study=study)
    return _show(request, study, "consent", "annotations/juror/consent.html", {"limit": limit})


@require_http_methods(["GET", "HEAD", "POST"])
@previewed
def questions(request: HttpRequest, study: Study) -> HttpResponse:
    """The questions about herself, checked as hers would be."""
    asked = list(study.profile_questions.all())
    if not asked:
        raise Http404("This study asks nothing about the juror.")
    form = ProfileForm(asked, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _after(study, "questions")
    return _show(
        request, study, "questions", "annotations/juror/questions.html", {"form": form},
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@previewed
def instructions(request: HttpRequest, study: Study) -> HttpResponse:
    """What the work is and how it is done."""
    if request.method == "POST":
        return _after(study, "instructions")
    context: dict[str, object] = {"limit": work.query_limit(study=study), "has_begun": False}
    return _show(request, study, "instructions", "annotations/juror/instructions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@previewed
def quiz(request: HttpRequest, study: Study) -> HttpResponse:
    """The quiz, answered as a juror would; what was answered before stands in the page alone."""
    questions = list(study.quiz_questions.all())
    if not questions:
        raise Http404("This study has no quiz.")
    is_sent = request.method == "POST"
    if is_sent and not can_see_quiz_answers(signed_in(request), study):
        # Trying the options out would tell her.
        messages.info(
            request, "Which answers are right is shown to those who may edit the study alone."
        )
        return _after(study, "quiz")
    items = [item_of(question=question, study=study, replies=[]) for question in questions]
    form = QuizForm(items, None)
    if is_sent:
        items = [_tried(request.POST, study, question) for question in questions]
        form = QuizForm(items, None)
        if all(item.is_right for item in items):
            return _after(study, "quiz")
    context: dict[str, object] = {
        "form": form,
        "rows": form.rows(),
        "is_open": any(item.is_open for item in items),
        "onward": _next(study, "quiz"),
        "instructions_url": _url("study-preview-instructions", study),
    }
    return _show(request, study, "quiz", "annotations/juror/quiz.html", context)


def _tried(sent: QueryDict, study: Study, question: QuizQuestion) -> QuizItem:
    """A question after the tries that the page tells of. One that it does not ask was right."""
    name = f"attempt_{question.key}"
    if name not in sent:
        replies = [QuizReply(question=question, value=question.right, is_right=True)]
        return item_of(question=question, study=study, replies=replies)
    value = sent.get(question.key, "")
    written = sent.get(name, "")
    before = int(written) - 1 if written.isdecimal() and len(written) < 4 else 0
    tries = before + (value in question.options)
    reply = QuizReply(question=question, value=value, is_right=value == question.right)
    return item_of(question=question, study=study, replies=[reply] * tries)


@require_safe
@previewed
def thanks(request: HttpRequest, study: Study) -> HttpResponse:
    """The end of the way."""
    participation = shadow_participation(study)
    count = work.query_limit(study=study) or study.query_count
    setattr(participation, "completed_count", count)  # noqa: B010 - a row that is never saved
    context: dict[str, object] = {"participation": participation, "last": 0}
    return _show(request, study, "thanks", "annotations/juror/thanks.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@previewed
def query(
    request: HttpRequest, study: Study, number: int, kind: str = "", item: str = ""
) -> HttpResponse:
    """One page of the work on a query: shown, or checked as an answer would be and forgotten."""
    assignment = _assignment(study, number)
    pages = work.pages_of(assignment=assignment)
    if not pages:
        messages.warning(request, f"Query {number} has no page for a juror under this protocol.")
        return redirect("study", study.public_id)
    page = next((p for p in pages if (p.kind, p.item) == (kind, item)), None)
    if page is None:
        if kind:
            raise Http404("This query has no such page.")
        return redirect(_page_url(study, number, pages[0]))
    if request.method != "POST":
        return _show_page(request, assignment, pages, page, None)
    blank = is_blank(payload_of(request.POST))
    if not (blank and not page.is_required):
        try:
            juror_steps()[page.kind].clean(assignment=assignment, item=page.item, data=request.POST)
        except StepProblem as problem:
            return _show_page(request, assignment, pages, page, problem)
    index = pages.index(page)
    if index + 1 < len(pages):
        return redirect(_page_url(study, number, pages[index + 1]))
    return _after(study, str(number))


def _assignment(study: Study, number: int) -> Assignment:
    row = study.queries.filter(ordinal=number - 1).first()
    if row is None:
        raise Http404(f"The study has no query {number}.")
    return shadow_assignment(study=study, query=row, position=number - 1)


def _page_url(study: Study, number: int, page: Page) -> str:
    base = _url("study-preview-query", study, number)
    return f"{base}{page.kind}/{page.item}/" if page.item else f"{base}{page.kind}/"


def _show_page(
    request: HttpRequest,
    assignment: Assignment,
    pages: tuple[Page, ...],
    page: Page,
    problem: StepProblem | None,
) -> HttpResponse:
    study = assignment.participation.study
    number = assignment.position + 1
    index = pages.index(page)
    context = page_context(assignment=assignment, pages=pages, page=page)
    context |= {
        "url": _page_url(study, number, page),
        "back": _page_url(study, number, pages[index - 1]) if index else "",
        "following": "",
        "is_latest": True,
        "client_id": uuid.uuid4(),
    }
    if problem is not None:
        sent = {key: values[-1] for key, values in payload_of(request.POST).items()}
        context |= {"values": {**context["values"], **sent}, "errors": problem.errors}
    return _show(
        request, study, str(number), "annotations/juror/page.html", context,
        status=200 if problem is None else 422,
    )  # fmt: skip
