"""The results page of a study as one Run computed it."""

import uuid

from django.db import models

from annotations.models.study import Study


class ResultsSnapshot(models.Model):
    """All sections of a results page, computed together from the data as they then stood.

    `content` maps a section's key to its figures, tables and sentences, as JSON.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="results_snapshots")
    run = models.OneToOneField(
        "juries.Run", on_delete=models.PROTECT, related_name="results_snapshot"
    )
    content = models.JSONField(default=dict)
    input_digest = models.CharField(max_length=64)
    stale_since = models.DateTimeField(
        null=True, blank=True, help_text="A juror whose answers are in it has since withdrawn them."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"results of {self.study_id} at {self.created_at:%Y-%m-%d %H:%M}"
