"""Objectives side by side, before one is chosen."""

import uuid

from django.db import models

from juries.models.jury import Jury
from juries.models.run import Run


class ObjectiveComparison(models.Model):
    """What each objective would give the pool of a jury, as of `input_digest`.

    `content` holds a row for each method: statistics, seconds, gap and everybody's chances in
    order, without ids; or the reason why there is no lottery.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    jury = models.ForeignKey(Jury, on_delete=models.CASCADE, related_name="comparisons")
    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="comparison")
    input_digest = models.CharField(max_length=64)
    content = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"objectives for {self.jury}"
