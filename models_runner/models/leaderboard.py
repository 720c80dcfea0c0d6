"""A study's leaderboard as one Run computed it."""

import uuid

from django.db import models


class LeaderboardSnapshot(models.Model):
    """The boards of all criteria, computed together from the data as they then stood.

    `content` maps a criterion's key to its boards (`models_runner.services.leaderboard`).
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(
        "annotations.Study", on_delete=models.CASCADE, related_name="leaderboards"
    )
    run = models.OneToOneField("juries.Run", on_delete=models.PROTECT, related_name="leaderboard")
    content = models.JSONField(default=dict)
    input_digest = models.CharField(max_length=64)
    stale_since = models.DateTimeField(
        null=True, blank=True, help_text="A juror whose answers are in it has since withdrawn them."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"leaderboard of {self.study_id} at {self.created_at:%Y-%m-%d %H:%M}"
