"""Personal links to seats: given, opened, revoked; and what a juror does with her seat.

The secret of a link leaves this module once, in the return value of :func:`invite`. The database
keeps its SHA-256, so that nobody who reads the database can sit in a juror's place.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from juries.models import Candidate, CandidateContact, Invitation, Juror, Seat, User
from juries.services.audit import record_act

TOKEN_BYTES = 32
INVITABLE = (Seat.State.DRAWN, Seat.State.INVITED, Seat.State.ACCEPTED)


class InvitationRefused(Exception):
    """A personal link that can't be used.

    Attributes:
        reason_code: "unknown", "expired", "revoked", "given_up", "withdrawn" or "replaced".
        message: what happened and what to do, for the person who opened the link.
        seat: the seat that the link belongs to; None where the link is unknown.
    """

    def __init__(self, reason_code: str, message: str, seat: Seat | None = None) -> None:
        super().__init__(message)
        self.reason_code = reason_code
        self.message = message
        self.seat = seat


class SeatNotOpen(Exception):
    """The seat is in a state in which this can't be done; the message says which."""


@dataclass(frozen=True)
class IssuedInvitation:
    """A link just made. `token` is the secret: show or send it now, it is stored nowhere."""

    seat: Seat
    invitation: Invitation
    token: str
    link: str


def token_digest(token: str) -> str:
    """SHA-256 of a link's secret, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def personal_link(token: str) -> str:
    """The whole address of a juror's personal link."""
    return settings.SITE_URL + settings.JUROR_LINK_PATH.format(token=token)


@transaction.atomic
def invite(
    *,
    seats: Sequence[Seat],
    expires_in: timedelta,
    now: datetime,
    actor: User | None = None,
) -> list[IssuedInvitation]:
    """Make a personal link for each seat; links made before for these seats stop working.

    Args:
        seats: places that are held; a juror who accepted gets a new link to the same seat.
        expires_in: how long the links work, above zero.
        now: the time that counts.
        actor: who invites.

    Raises:
        SeatNotOpen: a seat was declined, withdrawn or replaced. No link is made then.
    """
    if expires_in <= timedelta(0):
        raise SeatNotOpen(
            f"The links would expire at once ({expires_in}); give them at least a day."
        )
    issued: list[IssuedInvitation] = []
    locked = Seat.objects.select_for_update().filter(pk__in=[seat.pk for seat in seats])
    for seat in locked.order_by("jury_id", "number", "id"):
        if seat.state not in INVITABLE:
            raise SeatNotOpen(
                f"Seat {seat.number} is {seat.get_state_display()}; only seats that are held can "
                "be invited. Draw a replacement for it instead."
            )
        seat.invitations.filter(revoked_at__isnull=True).update(revoked_at=now)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        invitation = Invitation.objects.create(
            seat=seat, token_hash=token_digest(token), expires_at=now + expires_in
        )
        if seat.state == Seat.State.DRAWN:
            seat.state = Seat.State.INVITED
            seat.save(update_fields=["state", "changed_at"])
        issued.append(
            IssuedInvitation(
                seat=seat, invitation=invitation, token=token, link=personal_link(token)
            )
        )
    if issued:
        record_act(
            actor=actor,
            verb="made personal links",
            subject=issued[0].seat.jury,
            details={
                "seats": [item.seat.number for item in issued],
                "expire_at": (now + expires_in).isoformat(),
            },
        )
    return issued


@transaction.atomic
def mark_sent(*, invitation: Invitation, now: datetime) -> None:
    """Write down that a link has been mailed."""
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=now)


@transaction.atomic
def revoke_invitations(*, seat: Seat, now: datetime, actor: User | None = None) -> int:
    """Stop every link to a seat from working; returns how many worked until now."""
    revoked = Invitation.objects.filter(seat=seat, revoked_at__isnull=True).update(revoked_at=now)
    if revoked:
        record_act(actor=actor, verb="revoked personal links", subject=seat)
    return revoked


@transaction.atomic
def revoke_all_invitations(
    *, seats: Sequence[Seat], now: datetime, actor: User | None = None
) -> int:
    """Stop every link to some seats from working; returns how many worked until now."""
    return sum(revoke_invitations(seat=seat, now=now, actor=actor) for seat in seats)


@transaction.atomic
def open_invitation(*, token: str, now: datetime) -> Seat:
    """Find the seat that a personal link belongs to, and note that it was opened.

    Raises:
        InvitationRefused: with the reason, and the seat where there is one.
    """
    invitation = (
        Invitation.objects.select_related("seat__jury", "seat__juror")
        .filter(token_hash=token_digest(token))
        .first()
    )
    if invitation is None:
        raise InvitationRefused(
            "unknown",
            "This link is not known. Check that the whole address was copied; if it was, ask "
            "whoever sent it for a new one.",
        )
    seat = invitation.seat
    _refuse_seat_not_held(seat)
    if invitation.revoked_at is not None:
        raise InvitationRefused(
            "revoked",
            "This link has been replaced by a newer one. Use the last link that you were sent, "
            "or ask for a new one.",
            seat,
        )
    if invitation.expires_at <= now:
        raise InvitationRefused(
            "expired",
            f"This link worked until {invitation.expires_at:%d %B %Y}. Ask for a new one; what "
            "you have answered so far is kept.",
            seat,
        )
    invitation.last_opened_at = now
    invitation.first_opened_at = invitation.first_opened_at or now
    invitation.save(update_fields=["first_opened_at", "last_opened_at"])
    return seat


def _refuse_seat_not_held(seat: Seat) -> None:
    if seat.state == Seat.State.WITHDRAWN:
        raise InvitationRefused(
            "withdrawn",
            "You have withdrawn from this jury. Your name and address are erased here, so we "
            "can't write to you any more.",
            seat,
        )
    if seat.state == Seat.State.DECLINED:
        raise InvitationRefused(
            "given_up",
            "You gave up this seat, so the link no longer opens the work. If that was a mistake, "
            "write to whoever invited you.",
            seat,
        )
    if seat.state == Seat.State.REPLACED and seat.draw_id is None and not _was_filled(seat):
        raise InvitationRefused(
            "replaced",
            "You were away for a while, and your place has been given to somebody else. What you "
            "have answered until then is kept. Open the address by which you first came to see "
            "whether a place is free again.",
            seat,
        )
    if seat.state == Seat.State.REPLACED:
        raise InvitationRefused(
            "replaced",
            "Somebody else has this seat since you gave it up. Thank you for having considered it.",
            seat,
        )


def _was_filled(seat: Seat) -> bool:
    """Somebody was named to follow, as for every seat that was given up; not after a silence."""
    return hasattr(seat, "replaced_by")


@transaction.atomic
def accept_seat(*, seat: Seat) -> Seat:
    """The juror takes her seat. Accepting twice is the same as once.

    Raises:
        SeatNotOpen: the seat was given up or replaced before.
    """
    locked = Seat.objects.select_for_update().get(pk=seat.pk)
    if locked.state == Seat.State.ACCEPTED:
        return locked
    if locked.state not in (Seat.State.DRAWN, Seat.State.INVITED):
        raise SeatNotOpen(
            f"Seat {locked.number} is {locked.get_state_display()}; it can't be taken."
        )
    locked.state = Seat.State.ACCEPTED
    locked.save(update_fields=["state", "changed_at"])
    record_act(actor=None, verb="accepted", subject=locked)
    return locked


@transaction.atomic
def decline_seat(*, seat: Seat, actor: User | None = None) -> Seat:
    """The juror gives up her seat, before or after she accepted it. What she said is kept.

    Raises:
        SeatNotOpen: she withdrew, or the seat was replaced.
    """
    locked = Seat.objects.select_for_update().get(pk=seat.pk)
    if locked.state == Seat.State.DECLINED:
        return locked
    if not locked.is_sitting:
        raise SeatNotOpen(
            f"Seat {locked.number} is {locked.get_state_display()}; it can't be declined."
        )
    locked.state = Seat.State.DECLINED
    locked.save(update_fields=["state", "changed_at"])
    record_act(actor=actor, verb="declined", subject=locked)
    return locked


@transaction.atomic
def withdraw_juror(*, juror: Juror, erase_said: bool, actor: User | None = None) -> None:
    """Erase the person behind a juror and, if she asks, her traits and what she said.

    She leaves the pool, and with it every jury that was drawn from it. Upper floors erase what was
    said on them, and mark exports and models that used it as stale, through
    `settings.WITHDRAWAL_HOOKS`: functions called with `juror` and `erase_said` inside this
    transaction, once for each of her places. It may be called again to erase what was kept.
    """
    withdraw_candidate(candidate=juror.candidate, erase_said=erase_said, actor=actor)


@transaction.atomic
def withdraw_candidate(
    *, candidate: Candidate, erase_said: bool, actor: User | None = None
) -> None:
    """Erase a person from her pool and give up her seats; see :func:`withdraw_juror`."""
    now = timezone.now()
    person = Candidate.objects.select_for_update().get(pk=candidate.pk)
    CandidateContact.objects.filter(candidate=person).delete()
    if not person.external_id.startswith("withdrawn-"):
        person.external_id = f"withdrawn-{secrets.token_hex(8)}"
    person.household = ""
    person.state = Candidate.State.WITHDRAWN
    person.save(update_fields=["external_id", "household", "state"])
    person.seating_rules.update(reason="")  # free text about her; the rule itself names nobody
    if erase_said:
        person.traits.all().delete()
    jurors = list(person.jurors.select_related("jury", "seat").order_by("id"))
    for juror in jurors:
        seat: Seat | None = getattr(juror, "seat", None)
        if seat is not None and (seat.is_sitting or seat.state == Seat.State.DECLINED):
            seat.state = Seat.State.WITHDRAWN
            seat.save(update_fields=["state", "changed_at"])
        if erase_said and juror.erased_at is None:
            juror.erased_at = now
            juror.save(update_fields=["erased_at"])
        for path in settings.WITHDRAWAL_HOOKS:
            hook = cast("Callable[..., object]", import_string(path))
            hook(juror=juror, erase_said=erase_said)
        record_act(actor=actor, verb="withdrew", subject=juror, details={"erased_said": erase_said})
    if not jurors:
        record_act(actor=actor, verb="lost a volunteer who withdrew", subject=person.pool)
