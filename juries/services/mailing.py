"""Mailing personal links, as a Run: each link is made when its mail is sent."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from juries.models import Jury, Run, Seat, User
from juries.services.invitations import INVITABLE, invite, mark_sent
from juries.services.runs import RunContext, RunRefused, request_run

KIND = "juries.mail_invitations"


class MailingRefused(Exception):
    """Mails can't be sent; the message says why and what to do."""


@transaction.atomic
def request_mailing(
    *, jury: Jury, seats: Sequence[Seat], expires_in: timedelta, actor: User | None = None
) -> Run:
    """Ask for a personal link to be made and mailed to each of the seats.

    Raises:
        MailingRefused: no mail server is configured, a seat is not held, or nobody has an address.
    """
    if not settings.MAIL_CONFIGURED:
        raise MailingRefused(
            "No mail server is set up (VENIRE_EMAIL_HOST). Download the links and send them in "
            "your own way."
        )
    held = [seat for seat in seats if seat.state in INVITABLE]
    if len(held) < len(seats):
        raise MailingRefused("Some of these seats are not held any more; tick only those that are.")
    if not any(_address(seat) for seat in held):
        raise MailingRefused("Nobody on these seats has an e-mail address. Download the links.")
    return request_run(
        kind=KIND,
        title=f"Mail invitations of {jury.name}",
        parameters={
            "jury": jury.pk,
            "seats": [seat.pk for seat in held],
            "hours": expires_in.total_seconds() / 3600,
        },
        requested_by=actor,
        page_path=reverse("admin:juries_jury_seats", args=[jury.pk]),
    )


def _address(seat: Seat) -> str:
    contact: Any = getattr(seat.juror.candidate, "contact", None)
    return contact.email if contact else ""


def perform_mailing(context: RunContext) -> Mapping[str, Any]:
    """Make and mail the links, one by one; started again, it leaves out those already sent.

    Raises:
        RunRefused: some mails could not be sent; the log says for which seats.
    """
    run = context.run
    seats = (
        Seat.objects.filter(pk__in=run.parameters["seats"], state__in=INVITABLE)
        .exclude(invitations__created_at__gte=run.created_at, invitations__sent_at__isnull=False)
        .select_related("jury", "juror__candidate__contact")
        .order_by("number")
    )
    total = len(seats)
    sent = without_address = failed = 0
    for number, seat in enumerate(seats):
        context.progress(number, total, f"{sent} sent")
        address = _address(seat)
        if not address:
            without_address += 1
            continue
        try:
            _send_link(seat=seat, address=address, hours=float(run.parameters["hours"]), run=run)
            sent += 1
        except (SMTPException, OSError) as problem:
            failed += 1
            context.log(f"seat {seat.number}: {type(problem).__name__}")
    context.progress(total, total, f"{sent} sent")
    if failed:
        raise RunRefused(
            f"{failed} of {total} mails could not be sent ({sent} were); the log says for which "
            "seats. Check the mail server and start this again: it sends only what is missing."
        )
    return {"sent": sent, "without_address": without_address}


def _send_link(*, seat: Seat, address: str, hours: float, run: Run) -> None:
    [issued] = invite(
        seats=[seat],
        expires_in=timedelta(hours=hours),
        now=timezone.now(),
        actor=run.requested_by,
    )
    EmailMessage(
        subject=f"Your seat on the jury “{seat.jury.name}”",
        body=(
            f"You have been drawn by lot for the jury “{seat.jury.name}”.\n\n"
            f"Your personal link:\n\n{issued.link}\n\n"
            "It opens your seat without a password, so please keep it to yourself. "
            f"It works until {issued.invitation.expires_at:%d %B %Y}. On the page you can accept "
            "or decline, and withdraw at any time.\n"
        ),
        to=[address],
    ).send()
    mark_sent(invitation=issued.invitation, now=timezone.now())
