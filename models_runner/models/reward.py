"""Reward models, one function per juror, and what they guess."""

import uuid

from django.db import models


class RewardTraining(models.Model):
    """The jurors' functions for one criterion, learnt by one method in one Run."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(
        "annotations.Study", on_delete=models.CASCADE, related_name="reward_trainings"
    )
    criterion = models.ForeignKey(
        "annotations.Criterion", on_delete=models.CASCADE, related_name="reward_trainings"
    )
    run = models.OneToOneField(
        "juries.Run", on_delete=models.PROTECT, related_name="reward_training"
    )
    method = models.CharField(max_length=40)
    manifest = models.JSONField(default=dict, blank=True)
    evaluation = models.JSONField(default=dict, blank=True)
    artefact_name = models.CharField(max_length=200, blank=True)
    is_usable = models.BooleanField(null=True, blank=True)
    stale_since = models.DateTimeField(
        null=True, blank=True, help_text="A juror whose ratings it learnt has since withdrawn them."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.method} on {self.criterion}"


class PredictedRating(models.Model):
    """A guess of what a juror would say; never to be taken for what she said (DESIGN law 4)."""

    training = models.ForeignKey(
        RewardTraining, on_delete=models.CASCADE, related_name="predicted_ratings"
    )
    juror = models.ForeignKey(
        "juries.Juror", on_delete=models.CASCADE, related_name="predicted_ratings"
    )
    response = models.ForeignKey(
        "annotations.Response", on_delete=models.CASCADE, related_name="predicted_ratings"
    )
    mean = models.FloatField()
    standard_deviation = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()

    class Meta:
        ordering = ("training_id", "juror_id", "response_id")
        constraints = (
            models.UniqueConstraint(
                fields=("training", "juror", "response"), name="models_runner_predictedrating_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.mean:.2f} (predicted)"
