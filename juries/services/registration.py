"""Volunteering for a pool on its open page: joining, confirming the address, leaving again."""

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.urls import reverse

from juries.models import Candidate, CandidateContact, CandidateTrait, FeatureValue, Pool
from juries.services.audit import record_act
from juries.services.contacts import email_key
from juries.services.invitations import withdraw_candidate

CONFIRM_WITHIN = timedelta(days=3)
LEAVE_SALT = "juries.registration.leave"


class RegistrationRefused(Exception):
    """Nobody can be added; the message says why."""


class ConfirmationRefused(Exception):
    """The link in the mail can't be used; the message says why and what to do."""


@dataclass(frozen=True)
class Registration:
    """What became of a registration.

    Attributes:
        candidate: the new candidate; None where the address already stood in the pool, which is
            told to nobody but the owner of the address.
        code: her public id; where the address was known an id of nobody, so that the answer looks
            the same.
        waits_for_mail: a link in a mail must be opened first.
    """

    candidate: Candidate | None
    code: str
    waits_for_mail: bool


@transaction.atomic
def register_candidate(
    *, pool: Pool, email: str, values: Mapping[int, int], now: datetime
) -> Registration:
    """Add a volunteer who has consented, or quietly do nothing if her address is known.

    Args:
        pool: an open pool.
        email: her address.
        values: the FeatureValue's id for each Feature's id of the pool.
        now: the time that counts.

    Raises:
        RegistrationRefused: the pool is closed, or a feature has no answer of this pool's.
    """
    if not Pool.objects.open_for_registration().filter(pk=pool.pk).exists():
        raise RegistrationRefused("Registration for this pool is closed.")
    chosen = _chosen_values(pool, values)
    key = email_key(email)
    if CandidateContact.objects.filter(pool=pool, email_key=key).exists():
        return _known_address(pool=pool, key=key, now=now)
    try:
        with transaction.atomic():
            candidate = _write(pool=pool, email=email, key=key, chosen=chosen, now=now)
    except IntegrityError:
        # The same address was sent twice at once; the other one has been written.
        return _nobody_new()
    if settings.MAIL_CONFIGURED:
        send_confirmation(contact=candidate.contact)
    record_act(actor=None, verb="gained a volunteer", subject=pool)
    return Registration(
        candidate=candidate,
        code=str(candidate.public_id),
        waits_for_mail=settings.MAIL_CONFIGURED,
    )


def _nobody_new() -> Registration:
    return Registration(
        candidate=None, code=str(uuid.uuid4()), waits_for_mail=settings.MAIL_CONFIGURED
    )


def _chosen_values(pool: Pool, values: Mapping[int, int]) -> list[FeatureValue]:
    found = {
        value.feature_id: value
        for value in FeatureValue.objects.filter(feature__pool=pool, pk__in=values.values())
        if values.get(value.feature_id) == value.pk
    }
    missing = [feature.name for feature in pool.features.all() if feature.pk not in found]
    if missing:
        raise RegistrationRefused(f"There is no answer to: {', '.join(missing)}.")
    return list(found.values())


def _write(
    *, pool: Pool, email: str, key: str, chosen: list[FeatureValue], now: datetime
) -> Candidate:
    candidate = Candidate.objects.create(
        pool=pool,
        external_id=f"r-{secrets.token_hex(6)}",
        origin=Candidate.Origin.REGISTRATION,
        state=(Candidate.State.UNCONFIRMED if settings.MAIL_CONFIGURED else Candidate.State.ACTIVE),
        consented_at=now,
        consent_version=pool.consent_version,
    )
    CandidateTrait.objects.bulk_create(
        [
            CandidateTrait(candidate=candidate, feature_id=value.feature_id, feature_value=value)
            for value in chosen
        ]
    )
    CandidateContact.objects.create(
        candidate=candidate, pool=pool, email=email.strip(), email_key=key
    )
    return candidate


def _known_address(*, pool: Pool, key: str, now: datetime) -> Registration:
    """Send the link again to whoever has not confirmed; to others, a note that they are in."""
    contact = CandidateContact.objects.select_related("candidate", "pool").get(
        pool=pool, email_key=key
    )
    if settings.MAIL_CONFIGURED:
        if contact.candidate.state == Candidate.State.UNCONFIRMED:
            contact.candidate.consented_at = now
            contact.candidate.save(update_fields=["consented_at"])
            send_confirmation(contact=contact)
        else:
            leave = settings.SITE_URL + leave_path(public_id=str(contact.candidate.public_id))
            _mail(
                contact.email,
                f"You are already in “{pool.name}”",
                f"Somebody, perhaps you, registered this address for “{pool.name}” again. You are "
                f"in the pool already, so nothing has changed.\n\nTo leave it:\n\n{leave}\n",
            )
    return _nobody_new()


@transaction.atomic
def send_confirmation(*, contact: CandidateContact) -> None:
    """Mail a link that proves the address; a new one replaces the one before it."""
    token = secrets.token_urlsafe(32)
    contact.confirmation_hash = hashlib.sha256(token.encode()).hexdigest()
    contact.save(update_fields=["confirmation_hash"])
    confirm = settings.SITE_URL + reverse("pool-confirm", args=[token])
    leave = settings.SITE_URL + leave_path(public_id=str(contact.candidate.public_id))
    _mail(
        contact.email,
        f"Confirm your place in “{contact.pool.name}”",
        f"Please open this link within {CONFIRM_WITHIN.days} days to confirm that you want to be "
        f"in the pool “{contact.pool.name}”:\n\n{confirm}\n\nIf it wasn't you, do nothing: nobody "
        f"can be drawn with this address before it is confirmed.\n\nTo leave at any time:\n\n"
        f"{leave}\n",
    )


def _mail(to: str, subject: str, body: str) -> None:
    message = EmailMessage(subject=subject, body=body, to=[to])
    transaction.on_commit(partial(message.send, fail_silently=True))


@transaction.atomic
def confirm_address(*, token: str, now: datetime) -> Candidate:
    """Make a volunteer drawable who opened the link in her mail.

    Raises:
        ConfirmationRefused: the link is unknown, was replaced, or is too old.
    """
    digest = hashlib.sha256(token.encode()).hexdigest()
    contact = (
        CandidateContact.objects.select_related("candidate", "pool")
        .filter(confirmation_hash=digest)
        .first()
    )
    if contact is None:
        raise ConfirmationRefused(
            "This link is not known. Open the last one that you were sent, or register again."
        )
    candidate = contact.candidate
    if contact.confirmed_at is None:
        if (candidate.consented_at or candidate.created_at) + CONFIRM_WITHIN < now:
            raise ConfirmationRefused(
                f"This link worked for {CONFIRM_WITHIN.days} days. Register again to get a new one."
            )
        contact.confirmed_at = now
        contact.save(update_fields=["confirmed_at"])
        Candidate.objects.filter(pk=candidate.pk, state=Candidate.State.UNCONFIRMED).update(
            state=Candidate.State.ACTIVE
        )
        candidate.refresh_from_db()
    return candidate


def leave_path(*, public_id: str) -> str:
    """Path of the page on which a volunteer leaves her pool."""
    return reverse("pool-leave", args=[signing.dumps(public_id, salt=LEAVE_SALT)])


def candidate_of_leave_link(*, signature: str) -> Candidate | None:
    """The volunteer whose link this is, if she is still there."""
    try:
        public_id = signing.loads(signature, salt=LEAVE_SALT)
    except signing.BadSignature:
        return None
    return (
        Candidate.objects.select_related("pool")
        .filter(public_id=public_id)
        .exclude(state=Candidate.State.WITHDRAWN)
        .first()
    )


@transaction.atomic
def leave_pool(*, candidate: Candidate) -> None:
    """Erase a volunteer who leaves: her address, her answers, her places."""
    withdraw_candidate(candidate=candidate, erase_said=True)
