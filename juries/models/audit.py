"""Who did what: an append-only record."""

from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    """One act of a researcher, of a juror or of the system itself."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="audit_entries",
    )
    verb = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=80)
    subject_id = models.CharField(max_length=64)
    subject_label = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name_plural = "audit entries"
        indexes = (
            models.Index(fields=("subject_type", "subject_id"), name="juries_auditentry_subject"),
        )

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_type} {self.subject_label or self.subject_id}"
