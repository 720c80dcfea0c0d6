"""The steps of a draw in public, for researchers; its documents, for everybody."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from juries.forms.ceremony import RecordForm, ValueForm, VoidForm
from juries.models import Draw, PublishedRecord, User
from juries.permissions import can_manage_juries
from juries.selectors.records import own_chance
from juries.services import ceremony
from juries.views.access import open_to


@open_to(can_manage_juries)
@require_POST
def record_publish(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Publish the record of a lottery."""
    draw = get_object_or_404(Draw, public_id=public_id)
    form = RecordForm(request.POST)
    if _is_valid(request, form):
        try:
            ceremony.publish_record(
                draw=draw,
                randomness=form.randomness,
                with_quota_membership=form.cleaned_data["with_quota_membership"],
                today=timezone.localdate(),
                actor=_user(request),
            )
        except ceremony.CeremonyRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "The record is public now, at the address of this page.")
    return redirect("draw", public_id=public_id)


@open_to(can_manage_juries)
@require_POST
def record_draw(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """Enter the public value, which draws the panel."""
    record = _record(public_id, number)
    form = ValueForm(request.POST)
    if _is_valid(request, form):
        try:
            ceremony.enter_value(
                record=record,
                value=form.cleaned_data["value"],
                today=timezone.localdate(),
                actor=_user(request),
            )
        except ceremony.CeremonyRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "The panel is drawn, and public.")
    return redirect("draw", public_id=public_id)


@open_to(can_manage_juries)
@require_POST
def record_void(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """Take a record out of force."""
    record = _record(public_id, number)
    form = VoidForm(request.POST)
    if _is_valid(request, form):
        try:
            ceremony.void_record(
                record=record, reason=form.cleaned_data["reason"], actor=_user(request)
            )
        except ceremony.CeremonyRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "The record is void. It stays on the list, with the reason.")
    return redirect("draw", public_id=public_id)


@require_safe
def record_document(_: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """A published record, in the bytes that its digest was taken of. Open to everybody."""
    record = _record(public_id, number)
    return _json(f"record-{number}-{public_id}.json", record.content)


@require_safe
def result_document(_: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """What a record's public value drew. Open to everybody."""
    record = _record(public_id, number)
    if not record.result:
        raise Http404
    return _json(f"result-{number}-{public_id}.json", record.result)


@require_safe
def chance(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One candidate's part in a draw, found by her code."""
    draw = get_object_or_404(Draw.objects.select_related("jury__pool"), public_id=public_id)
    if draw.published_at is None and not can_manage_juries(request.user):
        raise Http404
    typed = request.GET.get("code", "").strip()
    try:
        own = own_chance(draw=draw, code=str(UUID(typed)))
    except ValueError:
        own = None
    record = draw.published_records.defer("content").order_by("-number").first()
    return render(
        request,
        "juries/chance.html",
        {"draw": draw, "pool": draw.jury.pool, "code": typed, "own": own, "record": record},
    )


def _record(public_id: UUID, number: int) -> PublishedRecord:
    return get_object_or_404(
        PublishedRecord.objects.select_related("draw", "jury"),
        draw__public_id=public_id,
        number=number,
    )


def _json(name: str, content: str) -> HttpResponse:
    return HttpResponse(
        content.encode(),
        headers={
            "Content-Type": "application/json",
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


def _is_valid(request: HttpRequest, form: forms.Form) -> bool:
    """Whether a form is; if not, each error is said on the page that is shown next."""
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        for error in errors:
            messages.error(request, f"{label}: {error}" if label else str(error))
    return form.is_valid()


def _user(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def ceremony_context(*, draw: Draw, records: Sequence[PublishedRecord]) -> dict[str, Any]:
    """What the draw's page shows of the ceremony: the newest record of this draw, and the forms."""
    record = next((one for one in reversed(records) if one.draw_id == draw.pk), None)
    return {
        "record": record,
        "today": timezone.localdate(),
        "record_form": RecordForm(initial={"source_date": timezone.localdate()}),
        "value_form": ValueForm(),
        "void_form": VoidForm(),
    }
