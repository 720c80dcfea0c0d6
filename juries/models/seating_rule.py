"""Who must, or must not, sit on a jury, whatever the lottery says."""

from django.conf import settings
from django.db import models

from juries.models.jury import Jury
from juries.models.pool import Candidate


class SeatingRule(models.Model):
    """One candidate who is on every panel of a jury, or on none.

    The candidate is of the jury's pool; `juries.services.seating_rules` sees to it. The reason is
    for those who manage juries: it is never published, and erased when the candidate withdraws.
    """

    class Rule(models.TextChoices):
        """What holds for her."""

        MUST_SIT = "must_sit", "must sit"
        MUST_NOT_SIT = "must_not_sit", "must not sit"

    jury = models.ForeignKey(Jury, on_delete=models.CASCADE, related_name="seating_rules")
    candidate = models.ForeignKey(Candidate, on_delete=models.CASCADE, related_name="seating_rules")
    rule = models.CharField(max_length=12, choices=Rule.choices)
    reason = models.CharField(
        max_length=500, blank=True, help_text="For those who manage juries; never published."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="seating_rules",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("jury_id", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("jury", "candidate"), name="juries_seatingrule_candidate_once"
            ),
            models.CheckConstraint(
                condition=models.Q(rule__in=("must_sit", "must_not_sit")),
                name="juries_seatingrule_rule_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.candidate_id}: {self.get_rule_display()}"
