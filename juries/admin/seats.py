"""Who sits: invited, opened, accepted, gave up; links, revoking, replacements."""

import csv
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from juries.admin.rooms import RoomAdmin, acting_user
from juries.forms.seats import SeatsForm
from juries.models import Jury, Seat, User
from juries.permissions import can_see_identity
from juries.selectors.pool_files import as_cell
from juries.selectors.seats import bench_of_jury, seats_with_invitations
from juries.services import invitations, mailing, replacements
from juries.tasks import enqueue_run


class SeatPages(RoomAdmin[Jury]):
    """The seats page of a jury. Links are shown or downloaded once, in answer to the post."""

    def seats_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """All seats; does one thing with those that were ticked."""
        jury = self.load(request, pk, related=("pool",))
        actor = acting_user(request)
        form = SeatsForm(request.POST or None, jury=jury)
        if request.method == "POST":
            if form.is_valid():
                return self._act(request, jury, actor, form)
            for problems in form.errors.values():
                for problem in problems:
                    messages.error(request, str(problem))
        return self._show_seats(request, jury, form)

    def _act(self, request: HttpRequest, jury: Jury, actor: User, form: SeatsForm) -> HttpResponse:
        action = form.cleaned_data["action"]
        seats: list[Seat] = list(form.cleaned_data["seats"])
        expires_in = timedelta(days=form.cleaned_data["days"])
        now = timezone.now()
        try:
            if action in ("show", "download"):
                issued = invitations.invite(
                    seats=seats, expires_in=expires_in, now=now, actor=actor
                )
                if action == "download":
                    return links_as_csv(issued, with_identity=can_see_identity(actor))
                return self._show_seats(request, jury, SeatsForm(None, jury=jury), issued=issued)
            if action == "mail":
                run = mailing.request_mailing(
                    jury=jury, seats=seats, expires_in=expires_in, actor=actor
                )
                enqueue_run(run=run)
                return redirect("run", run.public_id)
            if action == "replace":
                run = replacements.request_replacement(
                    jury=jury, seed=form.cleaned_data["seed"], actor=actor
                )
                enqueue_run(run=run)
                return redirect("run", run.public_id)
            done = self._change(action, seats, actor)
            messages.success(request, f"{done} for {len(seats)} seat{'s' * (len(seats) != 1)}.")
        except (
            invitations.SeatNotOpen, mailing.MailingRefused, replacements.ReplacementRefused
        ) as refusal:  # fmt: skip
            messages.error(request, str(refusal))
        return redirect("admin:juries_jury_seats", jury.pk)

    def _change(self, action: str, seats: list[Seat], actor: User) -> str:
        for seat in seats:
            if action == "revoke":
                invitations.revoke_invitations(seat=seat, now=timezone.now(), actor=actor)
            elif action == "decline":
                invitations.decline_seat(seat=seat, actor=actor)
            else:
                invitations.withdraw_juror(juror=seat.juror, erase_said=False, actor=actor)
        return {
            "revoke": "Links revoked",
            "decline": "Marked as declined",
            "withdraw": "Name and address erased",
        }[action]

    def seats_context(self, jury: Jury, vacant: int, context: dict[str, Any]) -> dict[str, Any]:
        """What a desk with more rooms shows beside the seats."""
        return context

    def _show_seats(
        self,
        request: HttpRequest,
        jury: Jury,
        form: SeatsForm,
        issued: list[invitations.IssuedInvitation] | None = None,
        status: int = 200,
        **context: Any,
    ) -> HttpResponse:
        seats = seats_with_invitations(jury=jury)
        vacant = sum(1 for seat in seats if seat.state in Seat.VACANT)
        response = self.page(
            request,
            "admin/juries/seats.html",
            jury,
            f"Seats of {jury.name}",
            status,
            **self.seats_context(jury, vacant, context),
            jury=jury,
            seats=seats,
            vacant=vacant,
            bench=bench_of_jury(jury=jury),
            issued=issued or [],
            form=form,
            shows_identity=can_see_identity(acting_user(request)),
            mail_configured=settings.MAIL_CONFIGURED,
        )
        if issued:
            response["Cache-Control"] = "no-store"
        return response


def links_as_csv(
    issued: list[invitations.IssuedInvitation], *, with_identity: bool
) -> HttpResponse:
    """The links for a mailing of one's own; formulas in names can't run in a spreadsheet."""
    response = HttpResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="invitations.csv"',
            "Cache-Control": "no-store",
        }
    )
    writer = csv.writer(response)
    writer.writerow(("seat", "id", "name", "email", "link", "works_until"))
    for item in issued:
        candidate = item.seat.juror.candidate
        contact: Any = getattr(candidate, "contact", None) if with_identity else None
        writer.writerow(
            (
                item.seat.number,
                as_cell(candidate.external_id) if with_identity else "",
                as_cell(contact.name if contact else ""),
                as_cell(contact.email if contact else ""),
                item.link,
                item.invitation.expires_at.isoformat(),
            )
        )
    return response
