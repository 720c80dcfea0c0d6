"""One run of the selection, with everyone's chance."""

import uuid

from django.db import models

from juries.models.jury import Jury
from juries.models.pool import Candidate
from juries.models.run import Run


class Draw(models.Model):
    """A lottery over panels, and the panel that was picked from it.

    `record` holds the whole lottery: candidates by public id, panels, weights, quotas, bounds. A
    draw with a seed picks its panel at once, and the record says which. A draw by a public record
    waits: `numbered` holds the equally likely panels that the lottery was rounded to, and
    `PublishedRecord` rows tell what was published of it and what came of that.
    """

    class Mode(models.TextChoices):
        """What picks the panel."""

        SEED = "seed", "at once, with a seed"
        RECORD = "record", "in public, by a published record"

    class Purpose(models.TextChoices):
        """What was drawn."""

        JURY = "jury", "the whole jury"
        REPLACEMENT = "replacement", "replacements for seats that fell vacant"
        ALTERNATES = "alternates", "alternates for seats that may fall vacant"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    jury = models.ForeignKey(Jury, on_delete=models.PROTECT, related_name="draws")
    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="draw")
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.JURY)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.SEED)
    method = models.CharField(max_length=40)
    seed = models.CharField(max_length=100, blank=True)
    size = models.PositiveIntegerField()
    smallest_chance = models.FloatField(null=True, blank=True)
    lower_bound = models.FloatField(null=True, blank=True)
    upper_bound = models.FloatField(null=True, blank=True)
    gap = models.FloatField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    record = models.JSONField(default=dict, blank=True)
    record_digest = models.CharField(max_length=64, blank=True)
    numbered = models.JSONField(default=dict, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.jury} ({self.method}, {self.get_mode_display()})"


class DrawChance(models.Model):
    """The chance that a draw gave to a candidate, and what limits it, in words."""

    draw = models.ForeignKey(Draw, on_delete=models.CASCADE, related_name="chances")
    candidate = models.ForeignKey(Candidate, on_delete=models.CASCADE, related_name="chances")
    probability = models.FloatField()
    is_drawn = models.BooleanField(default=False)
    limit = models.TextField(blank=True)

    class Meta:
        ordering = ("draw_id", "candidate_id")
        constraints = (
            models.UniqueConstraint(
                fields=("draw", "candidate"), name="juries_drawchance_candidate_once"
            ),
            models.CheckConstraint(
                condition=models.Q(probability__gte=0, probability__lte=1),
                name="juries_drawchance_probability_in_unit",
            ),
        )

    def __str__(self) -> str:
        return f"{self.probability:.4f}"

    @property
    def in_words(self) -> str:
        """Percent, and one in how many."""
        if self.probability == 0:
            return "0 %: no panel under these quotas has room for you"
        return f"{self.probability:.1%} (1 in {1 / self.probability:.0f})"
