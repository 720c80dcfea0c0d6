"""A labelled data set, written to a folder of its own."""

import uuid

from django.db import models

from annotations.models.study import Study


class Export(models.Model):
    """One bundle: its options, its files and whether it still tells the truth."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="exports")
    run = models.OneToOneField("juries.Run", on_delete=models.PROTECT, related_name="export")
    options = models.JSONField(default=dict, blank=True)
    manifest = models.JSONField(default=dict, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    stale_since = models.DateTimeField(
        null=True, blank=True, help_text="A juror whose answers are in it has since withdrawn them."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")

    @property
    def holds_quiz(self) -> bool:
        """Questions of the quiz are in it, and so which answers are right."""
        return any(
            table["name"] == "quiz_questions" and table["rows"]
            for table in self.manifest.get("tables", ())
        )

    def __str__(self) -> str:
        return f"{self.study} {self.created_at:%Y-%m-%d %H:%M}"
