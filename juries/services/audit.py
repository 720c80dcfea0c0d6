"""Writing down who did what."""

from typing import Any

from django.db import models

from juries.models import AuditEntry, User


def record_act(
    *, actor: User | None, verb: str, subject: models.Model, details: dict[str, Any] | None = None
) -> AuditEntry:
    """Append an entry to the audit log.

    Args:
        actor: the researcher; None for a juror or the system itself.
        verb: what was done, in the past tense, such as "invited".
        subject: the row that it was done to.
        details: JSON-ready facts; never identities, never secrets.
    """
    return AuditEntry.objects.create(
        actor=actor,
        verb=verb,
        subject_type=subject._meta.label,
        subject_id=str(getattr(subject, "public_id", subject.pk)),
        subject_label=str(subject)[:200],
        details=details or {},
    )
