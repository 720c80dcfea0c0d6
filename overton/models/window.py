"""The declared rule of a study's windows, and what it gave at a moment."""

import uuid

from django.db import models


class WindowRule(models.Model):
    """When an answer counts as correct, reasonable or unreasonable, declared before the reading."""

    study = models.OneToOneField(
        "annotations.Study", on_delete=models.CASCADE, related_name="window_rule"
    )
    correct_share = models.FloatField(
        default=0.9, help_text="Share, in every group, from which an answer counts as correct."
    )
    reasonable_share = models.FloatField(
        default=0.25, help_text="Share of some group from which an answer counts as reasonable."
    )
    confidence = models.FloatField(default=0.95, help_text="Level of the Wilson interval.")
    group_minimum = models.PositiveIntegerField(
        default=8, help_text="Groups with fewer judgements are not looked at on their own."
    )
    group_features = models.JSONField(
        default=list, blank=True, help_text='Features whose values are groups, ["gender", "age"].'
    )

    class Meta:
        ordering = ("study_id",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(
                    correct_share__gt=0,
                    correct_share__lte=1,
                    reasonable_share__gt=0,
                    reasonable_share__lt=1,
                    confidence__gt=0.5,
                    confidence__lt=1,
                ),
                name="overton_windowrule_shares_in_unit",
            ),
        )

    def __str__(self) -> str:
        return f"rule of {self.study}"


class WindowSnapshot(models.Model):
    """The windows of a study at one moment: rule, thresholds, jury, digest of the judgements."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(
        "annotations.Study", on_delete=models.CASCADE, related_name="window_snapshots"
    )
    rule = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    input_digest = models.CharField(max_length=64)
    software_version = models.CharField(max_length=40, blank=True)
    stale_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"windows of {self.study} at {self.created_at:%Y-%m-%d %H:%M}"
