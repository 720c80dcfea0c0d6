"""What people say of an answer, and of whether a response expresses it."""

from django.conf import settings
from django.db import models

from overton.models.answer import Answer


class Judgement(models.Model):
    """A juror's verdict on an answer, and whether she holds it herself."""

    class Verdict(models.TextChoices):
        """Her verdict."""

        CORRECT = "correct", "correct"
        REASONABLE = "reasonable", "reasonable"
        UNREASONABLE = "unreasonable", "unreasonable"
        CANT_SAY = "cant_say", "can't say"

    juror = models.ForeignKey("juries.Juror", on_delete=models.CASCADE, related_name="judgements")
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="judgements")
    submission = models.ForeignKey(
        "annotations.Submission",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="judgements",
    )
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    holds = models.BooleanField(null=True, blank=True, help_text="She holds this view herself.")
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("juror", "answer"),
                condition=models.Q(is_current=True),
                name="overton_judgement_current_once",
            ),
        )

    def __str__(self) -> str:
        return self.verdict


class ExpressionLabel(models.Model):
    """A person's reading: does this response express this answer?

    `knew_reading` marks what a researcher said after a model's reading of the pair was shown to
    her. It counts as her word like any other, but says nothing of how well the model reads.
    """

    class Label(models.TextChoices):
        """The reading."""

        EXPRESSES = "expresses", "expresses it"
        DOES_NOT = "does_not", "doesn't"
        CONTRADICTS = "contradicts", "contradicts it"

    response = models.ForeignKey(
        "annotations.Response", on_delete=models.CASCADE, related_name="expression_labels"
    )
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="expression_labels")
    juror = models.ForeignKey(
        "juries.Juror",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="expression_labels",
    )
    researcher = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="expression_labels",
    )
    submission = models.ForeignKey(
        "annotations.Submission",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="expression_labels",
    )
    label = models.CharField(max_length=12, choices=Label.choices)
    knew_reading = models.BooleanField(
        default=False, help_text="Said after a model's reading of the pair was shown."
    )
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(juror__isnull=True) ^ models.Q(researcher__isnull=True),
                name="overton_expressionlabel_one_person",
            ),
            models.UniqueConstraint(
                fields=("response", "answer", "juror"),
                condition=models.Q(is_current=True, juror__isnull=False),
                name="overton_expressionlabel_juror_once",
            ),
            models.UniqueConstraint(
                fields=("response", "answer", "researcher"),
                condition=models.Q(is_current=True, researcher__isnull=False),
                name="overton_expressionlabel_researcher_once",
            ),
        )

    def __str__(self) -> str:
        return self.label


class LabelResolution(models.Model):
    """A researcher's decision on a pair that people read differently. Their readings stay.

    Rows are appended; a later decision supersedes, and `is_current` says which one stands.
    """

    response = models.ForeignKey(
        "annotations.Response", on_delete=models.CASCADE, related_name="label_resolutions"
    )
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="label_resolutions")
    label = models.CharField(max_length=12, choices=ExpressionLabel.Label.choices)
    reason = models.CharField(max_length=300)
    knew_reading = models.BooleanField(
        default=False, help_text="Decided after a model's reading of the pair was shown."
    )
    researcher = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="label_resolutions",
    )
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("response", "answer"),
                condition=models.Q(is_current=True),
                name="overton_labelresolution_current_once",
            ),
        )

    def __str__(self) -> str:
        return self.label
