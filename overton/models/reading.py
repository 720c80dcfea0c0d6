"""What a model reads in responses: which answers they express."""

import uuid

from django.db import models

from overton.models.answer import Answer


class EntailmentScore(models.Model):
    """What one judge makes of one pair of texts; the key is a digest of judge and texts.

    The texts themselves are not kept, so nothing of what was said outlives its row elsewhere.
    """

    key = models.CharField(max_length=64, unique=True)
    judge = models.CharField(max_length=300, help_text="Name and revision of the judge.")
    weights_digest = models.CharField(max_length=64)
    entailment = models.FloatField()
    neutral = models.FloatField()
    contradiction = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.key[:12]


class EntailmentReading(models.Model):
    """All pairs of a study's responses and answers as one judge reads them at one moment."""

    class Mode(models.TextChoices):
        """How a response is read."""

        ENTAILMENT = "entailment", "each answer looked for in the response"
        EXTRACTION = "extraction", "the response's views matched to the answers"

    class ThresholdOrigin(models.TextChoices):
        """Where the threshold comes from."""

        LABELS = "labels", "learned from people's labels"
        DECLARED = "declared", "declared beforehand"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(
        "annotations.Study", on_delete=models.CASCADE, related_name="entailment_readings"
    )
    run = models.ForeignKey(
        "juries.Run",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="entailment_readings",
    )
    backend = models.CharField(max_length=300)
    revision = models.CharField(max_length=120, blank=True)
    weights_digest = models.CharField(max_length=64)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.ENTAILMENT)
    window_sizes = models.JSONField(default=list, help_text="Sentences in a window, [1, 2, 3].")
    whole_response = models.BooleanField(
        default=True, help_text="The whole response is a window too."
    )
    calibration = models.JSONField(
        default=dict, help_text="How scores become probabilities: method and numbers."
    )
    threshold = models.FloatField(help_text="Score from which an answer counts as expressed.")
    threshold_origin = models.CharField(max_length=8, choices=ThresholdOrigin.choices)
    calibration_note = models.TextField(blank=True, help_text="Why so; a sentence for people.")
    report_card = models.JSONField(default=dict, help_text="How well it agrees with people.")
    input_digest = models.CharField(max_length=64)
    software_version = models.CharField(max_length=40, blank=True)
    is_current = models.BooleanField(default=True)
    stale_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("study", "mode"),
                condition=models.Q(is_current=True),
                name="overton_reading_current_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.backend} on {self.study}, {self.mode}"

    @property
    def is_validated(self) -> bool:
        """Enough pairs were labelled by people to say how well the judge reads."""
        return bool(self.report_card.get("validated", False))


class PairReading(models.Model):
    """Does this response express this answer, as the judge reads it?

    `score` is what the judge makes of the passage from `start` to `end` of the response's text
    (the window that entails the answer most), `probability` the calibrated score. `refuted` is set
    where the passage mentions the answer and its neighbourhood refutes it; it then does not count
    as expressed. `reverse` is how far the answer entails the passage (extraction only).
    """

    reading = models.ForeignKey(EntailmentReading, on_delete=models.CASCADE, related_name="pairs")
    response = models.ForeignKey(
        "annotations.Response", on_delete=models.CASCADE, related_name="pair_readings"
    )
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="pair_readings")
    score = models.FloatField(null=True, blank=True, help_text="Largest entailment, 0 to 1.")
    probability = models.FloatField(
        null=True, blank=True, help_text="Calibrated on people's labels; empty without enough."
    )
    entailment = models.FloatField(null=True, blank=True)
    neutral = models.FloatField(null=True, blank=True)
    contradiction = models.FloatField(null=True, blank=True)
    reverse = models.FloatField(null=True, blank=True)
    expressed = models.BooleanField(null=True, blank=True)
    refuted = models.BooleanField(default=False)
    start = models.PositiveIntegerField(null=True, blank=True)
    end = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("reading", "response", "answer"), name="overton_pairreading_once"
            ),
        )

    def __str__(self) -> str:
        return {True: "expressed", False: "not expressed", None: "not read"}[self.expressed]

    @property
    def passage(self) -> str:
        """The words of the response that the verdict rests on."""
        if self.start is None or self.end is None:
            return ""
        return self.response.text[self.start : self.end]


class ExtractedView(models.Model):
    """A view that a response presents, and the answer that it matches, if any (extraction)."""

    reading = models.ForeignKey(EntailmentReading, on_delete=models.CASCADE, related_name="views")
    response = models.ForeignKey(
        "annotations.Response", on_delete=models.CASCADE, related_name="extracted_views"
    )
    ordinal = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    answer = models.ForeignKey(
        Answer, on_delete=models.SET_NULL, null=True, blank=True, related_name="extracted_views"
    )
    score = models.FloatField(
        null=True, blank=True, help_text="How far the view entails its nearest answer."
    )
    reverse = models.FloatField(
        null=True, blank=True, help_text="How far that answer entails the view."
    )

    class Meta:
        ordering = ("reading_id", "response_id", "ordinal")
        constraints = (
            models.UniqueConstraint(
                fields=("reading", "response", "ordinal"), name="overton_extractedview_once"
            ),
        )

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def text(self) -> str:
        """The words that present the view."""
        return self.response.text[self.start : self.end]
