"""A study's ways in, for its researchers: addresses, places as they fill, opening and closing."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotations.models import Study, WayIn
from annotations.permissions import can_edit_study
from annotations.selectors.places import ways_of
from annotations.selectors.ways_in import why_study_has_no_ways
from annotations.services import ways_in as services
from annotations.services.studies import StudyRefused
from annotations.views.guards import editable_study, signed_in, viewable_study


@login_required
@require_safe
def page(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Every way with its address, and its places by group."""
    found = viewable_study(request, public_id)
    context = _context(request, found)
    if not context["ways"]:
        context["why_none"] = why_study_has_no_ways(study=found)
    return render(request, "annotations/studies/ways_in.html", context)


@login_required
@require_safe
def live(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The part of the page that changes while people come."""
    found = viewable_study(request, public_id)
    return render(request, "annotations/studies/_ways_in.html", _context(request, found))


def _context(request: HttpRequest, found: Study) -> dict[str, object]:
    now = timezone.now()
    return {
        "study": found,
        "ways": ways_of(study=found, now=now),
        "add_here": f"{reverse('admin:annotations_wayin_add')}?study={found.pk}",
        "may_edit": can_edit_study(request.user, found),
        "now": now,
    }


@login_required
@require_POST
def open_way(request: HttpRequest, public_id: uuid.UUID, way_id: uuid.UUID) -> HttpResponse:
    """Let newcomers in."""
    found = editable_study(request, public_id)
    try:
        way = services.open_way(way=_own(found, way_id), actor=signed_in(request))
    except StudyRefused as refusal:
        messages.error(request, str(refusal))
    else:
        text = f"“{way.name}” is open."
        if found.state != Study.State.OPEN:
            text += " People can come in once the study is open too."
        messages.success(request, text)
    return redirect("study-ways-in", public_id=found.public_id)


@login_required
@require_POST
def close_way(request: HttpRequest, public_id: uuid.UUID, way_id: uuid.UUID) -> HttpResponse:
    """Let nobody new in."""
    found = editable_study(request, public_id)
    way = services.close_way(way=_own(found, way_id), actor=signed_in(request))
    messages.success(
        request, f"“{way.name}” is closed. Whoever has a place can go on; nobody new gets one."
    )
    return redirect("study-ways-in", public_id=found.public_id)


def _own(study: Study, way_id: uuid.UUID) -> WayIn:
    way = study.ways_in.select_related("study__jury__pool").filter(public_id=way_id).first()
    if way is None:
        raise Http404("This study has no such way in.")
    return way
