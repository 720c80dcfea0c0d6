"""The pages on which a juror works: one step, one item at a time.

A page is an address of its own. A form is sent to the address of its page and answered by a
redirect to the next; a script that asks for JSON gets the same in words that it understands.
"""

from typing import Any
from uuid import UUID, uuid4

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from annotations.forms.juror import Envelope
from annotations.models import Assignment, Participation, Study
from annotations.ports import StepProblem, juror_steps
from annotations.selectors import work
from annotations.selectors.work import Page
from annotations.services import places, submissions
from annotations.services.claims import assignment_after, claim_ahead, renew_lease
from annotations.views.juror import private, seat_id_of


class SeeOther(HttpResponseRedirect):
    """Go on by GET, whatever came before."""

    status_code = 303


def own_assignment(request: HttpRequest, public_id: UUID, number: int) -> Assignment:
    """The assignment at a number (from 1) of this seat's own participation.

    Raises:
        Http404: there is none, or it is another's.
        PlaceGone: she came by a way in, and her place has been given to somebody else.
    """
    assignment = work.own_assignment(
        seat_id=seat_id_of(request), public_id=public_id, position=number - 1
    )
    if assignment is None:
        places.refuse_if_given_away(seat_id=seat_id_of(request))
        raise Http404("There is nothing of this seat at the address.")
    places.keep_place(participation=assignment.participation, now=timezone.now())
    return assignment


@require_http_methods(["GET", "HEAD"])
@private
def query(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """The first page of a query, or its last with `?at=end`."""
    assignment = own_assignment(request, public_id, number)
    pages = work.pages_of(assignment=assignment)
    if not pages:
        submissions.complete_if_done(assignment=assignment, left=None, now=timezone.now())
        return redirect("juror-way", public_id)
    page = pages[-1 if request.GET.get("at") == "end" else 0]
    return _show(request, assignment, pages, page)


@require_http_methods(["GET", "HEAD", "POST"])
@private
def page(
    request: HttpRequest, public_id: UUID, number: int, kind: str, item: str = ""
) -> HttpResponse:
    """One page: shown, or sent."""
    assignment = own_assignment(request, public_id, number)
    pages = work.pages_of(assignment=assignment)
    wanted = next((p for p in pages if (p.kind, p.item) == (kind, item)), None)
    if wanted is None:
        raise Http404("This query has no such page.")
    if request.method == "POST":
        return _take(request, assignment, pages, wanted)
    return _show(request, assignment, pages, wanted)


@require_POST
@private
def lease(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """The page is still open: let the lease run on."""
    assignment = own_assignment(request, public_id, number)
    held = renew_lease(assignment=assignment, now=timezone.now())
    return JsonResponse({"held": held})


@require_POST
@private
def ahead(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """The address of the query after this one, claimed ahead so that a lost network is no loss."""
    following = claim_ahead(
        assignment=own_assignment(request, public_id, number), now=timezone.now()
    )
    url = "" if following is None else _query_url(public_id, following.position)
    return JsonResponse({"url": url})


# --- Showing --------------------------------------------------------------------------------------


def _show(
    request: HttpRequest,
    assignment: Assignment,
    pages: tuple[Page, ...],
    page: Page,
    *,
    problem: StepProblem | None = None,
) -> HttpResponse:
    participation = assignment.participation
    if participation.state not in (
        Participation.State.WORKING,
        Participation.State.FINISHED,
    ) or (participation.study.state != Study.State.OPEN and problem is None):
        return redirect("juror-way", participation.public_id)
    now = timezone.now()
    if assignment.state != Assignment.State.COMPLETED and assignment.lease_expires_at < now:
        renew_lease(assignment=assignment, now=now)
    context = page_context(assignment=assignment, pages=pages, page=page)
    if problem is not None:
        context["values"] = {**context["values"], **_as_sent(request)}
        context["errors"] = problem.errors
        context["is_answered"] = False
    context["client_id"] = uuid4()
    return render(
        request, "annotations/juror/page.html", context, status=422 if problem is not None else 200
    )


def _as_sent(request: HttpRequest) -> dict[str, str]:
    return {key: values[-1] for key, values in submissions.payload_of(request.POST).items()}


def page_context(*, assignment: Assignment, pages: tuple[Page, ...], page: Page) -> dict[str, Any]:
    """All that a page's template shows."""
    participation = assignment.participation
    study = participation.study
    step = juror_steps()[page.kind]
    row = next(row for row, _ in work.protocol(study=study) if row.kind == page.kind)
    index = pages.index(page)
    content = dict(step.context(assignment=assignment, item=page.item))
    values = content.pop("values", {})
    limit = work.query_limit(study=study)
    public_id = participation.public_id
    if index:
        back = _page_url(assignment, pages[index - 1])
    elif assignment.position:
        back = f"{_query_url(public_id, assignment.position - 1)}?at=end"
    else:
        back = reverse("juror-instructions", args=[public_id]) if study.instructions else ""
    is_latest = assignment.position + 1 >= participation.next_position
    return {
        **content,
        "values": values,
        "errors": {},
        "is_answered": any(values.values()),
        "prompt": row.prompt or step.default_prompt,
        "step_template": step.template_name,
        "is_required": page.is_required,
        "assignment": assignment,
        "participation": participation,
        "study": study,
        "query": assignment.query,
        "position": assignment.position + 1,
        "total": None if limit is None else max(limit, participation.next_position),
        "part": index + 1,
        "parts": len(pages),
        "url": _page_url(assignment, page),
        "back": back,
        "following": _page_url(assignment, pages[index + 1]) if index + 1 < len(pages) else "",
        "is_latest": is_latest,
        "lease_seconds": study.lease_minutes * 60,
    }


def _query_url(public_id: UUID, position: int) -> str:
    return reverse("juror-query", args=[public_id, position + 1])


def _page_url(assignment: Assignment, page: Page) -> str:
    return _query_url(assignment.participation.public_id, assignment.position) + (
        f"{page.kind}/{page.item}/" if page.item else f"{page.kind}/"
    )


# --- Taking ---------------------------------------------------------------------------------------


def _take(
    request: HttpRequest, assignment: Assignment, pages: tuple[Page, ...], page: Page
) -> HttpResponse:
    now = timezone.now()
    wants_json = request.headers.get("Accept", "").startswith("application/json")
    try:
        with submissions.one_commit():
            saved, next_url = _store(request, assignment, pages, page)
            if not next_url:
                following = assignment_after(assignment=assignment, now=now)
                next_url = _place_url(assignment.participation, following)
    except StepProblem as problem:
        if wants_json:
            return JsonResponse({"saved": False, "errors": problem.errors}, status=422)
        return _show(request, assignment, pages, page, problem=problem)
    except submissions.WorkClosed as closed:
        if wants_json:
            return JsonResponse({"saved": False, "message": str(closed)}, status=410)
        return redirect("juror-way", assignment.participation.public_id)
    if wants_json:
        return JsonResponse({"saved": saved, "next": next_url})
    return SeeOther(next_url)


def _place_url(participation: Participation, assignment: Assignment | None) -> str:
    if assignment is None:
        return reverse("juror-way", args=[participation.public_id])
    return _query_url(participation.public_id, assignment.position)


def _store(
    request: HttpRequest, assignment: Assignment, pages: tuple[Page, ...], page: Page
) -> tuple[bool, str]:
    """Keep what was sent; where to go on inside this query, "" if it is done."""
    now = timezone.now()
    blank = submissions.is_blank(submissions.payload_of(request.POST))
    if blank and not page.is_required and not _is_answered(assignment, page):
        left = submissions.pass_over(assignment=assignment, page=page, now=now)
        saved = False
    else:
        envelope = Envelope.of(request.POST)
        receipt = submissions.submit(
            assignment=assignment,
            page=page,
            data=request.POST,
            client_id=envelope.client_id,
            active_ms=envelope.active_ms,
            idle_ms=envelope.idle_ms,
            now=now,
        )
        left = receipt.next_required
        saved = True
    index = pages.index(page)
    if index + 1 < len(pages):
        return saved, _page_url(assignment, pages[index + 1])
    return saved, _page_url(assignment, left) if left is not None else ""


def _is_answered(assignment: Assignment, page: Page) -> bool:
    return page.item in juror_steps()[page.kind].done_items(assignment=assignment)
