"""A researcher's studies: the list, the front page, jurors, the log; opening and closing."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotations.models import Study
from annotations.permissions import can_edit_study, can_see_quiz_answers
from annotations.selectors import juror_sheets
from annotations.selectors.progress import order_in_words
from annotations.selectors.studies import acts_of, front_page, roles_of, studies_for_list
from annotations.selectors.troubles import troubles
from annotations.services import studies as services
from annotations.views.guards import editable_study, signed_in, viewable_study

STUDIES_PER_PAGE = 50
ACTS_PER_PAGE = 100
QUERIES_PER_PAGE = 50


@login_required
@require_safe
def study_list(request: HttpRequest) -> HttpResponse:
    """The user's studies, newest first."""
    state = request.GET.get("state", "")
    found = studies_for_list(user=signed_in(request), state=state)
    page = Paginator(found, STUDIES_PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "annotations/studies/list.html",
        {"page": page, "state": state, "states": Study.State.choices},
    )


@login_required
@require_safe
def study(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Who sits, how far are they, what do they say, what is wrong."""
    found = viewable_study(request, public_id)
    return render(request, "annotations/studies/front.html", _front_context(request, found))


@login_required
@require_safe
def live(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The part of the front page that changes while jurors work."""
    found = viewable_study(request, public_id)
    return render(request, "annotations/studies/_live.html", _front_context(request, found))


def _front_context(request: HttpRequest, found: Study) -> dict[str, object]:
    now = timezone.now()
    front = front_page(study=found)
    findings = troubles(study=found, front=front, now=now)
    return {
        "study": found,
        "front": front,
        "findings": findings,
        "is_blocked": any(finding.is_blocking for finding in findings),
        "may_edit": can_edit_study(request.user, found),
        "roles": roles_of(study=found),
        "order": order_in_words(study=found),
        "now": now,
    }


@login_required
@require_POST
def open_study(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Let jurors in."""
    found = editable_study(request, public_id)
    try:
        services.open_study(study=found, actor=signed_in(request), now=timezone.now())
    except services.NotReady as refusal:
        for finding in refusal.findings:
            messages.error(request, finding.text)
    else:
        messages.success(request, "The study is open. Jurors who follow their links can work.")
    return redirect("study", public_id=found.public_id)


@login_required
@require_POST
def close_study(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Take no more work."""
    found = editable_study(request, public_id)
    try:
        services.close_study(study=found, actor=signed_in(request), now=timezone.now())
    except services.StudyRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request, "The study is closed. What jurors said is kept; it can be opened again."
        )
    return redirect("study", public_id=found.public_id)


@login_required
@require_safe
def jurors(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The jurors by seat, with progress, time and signs of inattention."""
    found = viewable_study(request, public_id)
    only_signs = request.GET.get("signs") == "1"
    rows = juror_sheets.jurors_of(study=found)
    shown = [row for row in rows if not only_signs or (row.signs and row.signs.is_flagged)]
    return render(
        request,
        "annotations/studies/jurors.html",
        {
            "study": found,
            "rows": shown,
            "total": len(rows),
            "only_signs": only_signs,
            "features": list(rows[0].seat.traits) if rows else [],
        },
    )


@login_required
@require_safe
def juror(request: HttpRequest, public_id: uuid.UUID, juror_id: uuid.UUID) -> HttpResponse:
    """One juror's sheet, without her identity."""
    found = viewable_study(request, public_id)
    sheet = juror_sheets.sheet_of(study=found, juror_public_id=str(juror_id))
    if sheet is None:
        raise Http404("Nobody of this id sits on the study's jury.")
    page = Paginator(sheet.assignments, QUERIES_PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "annotations/studies/juror.html",
        {
            "study": found,
            "sheet": sheet,
            "sees_quiz_answers": can_see_quiz_answers(signed_in(request), found),
            "page": page,
            "words": juror_sheets.own_words(
                juror_id=sheet.row.seat.juror_id,
                queries=[assignment.query for assignment in page],
            ),
            "now": timezone.now(),
        },
    )


@login_required
@require_safe
def log(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Who did what to the study and its jury."""
    found = viewable_study(request, public_id)
    page = Paginator(acts_of(study=found), ACTS_PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "annotations/studies/log.html",
        {"study": found, "page": page, "roles": roles_of(study=found)},
    )
