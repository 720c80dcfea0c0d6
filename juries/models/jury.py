"""A body convened for a purpose, and the bounds on who may sit."""

import uuid

from django.conf import settings
from django.db import models

from juries.models.pool import FeatureValue, Pool
from juries.querysets import JuryQuerySet


class Jury(models.Model):
    """So many people from one pool, under quotas."""

    class Kind(models.TextChoices):
        """What the jury is meant to be."""

        REPRESENTATIVE = "representative", "representative of a population"
        AMPLIFYING = "amplifying", "built to hear given voices"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="juries")
    name = models.CharField(max_length=200)
    purpose = models.TextField(blank=True)
    size = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.REPRESENTATIVE)
    household_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="At most so many from one household; empty: no limit."
    )
    rest_months = models.PositiveSmallIntegerField(
        "rest after another jury (months)",
        null=True,
        blank=True,
        help_text="Whoever accepted a seat on another jury in the last so many months sits out; "
        "empty: nobody does.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="juries",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = JuryQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name_plural = "juries"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(size__gte=1), name="juries_jury_size_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(household_limit__isnull=True) | models.Q(household_limit__gte=1),
                name="juries_jury_household_limit_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(rest_months__isnull=True) | models.Q(rest_months__gte=1),
                name="juries_jury_rest_months_positive",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Quota(models.Model):
    """Bounds on the members of a jury who have all of the given feature values.

    `key` is the sorted list of the values' ids, so that a combination stands once. The flexible
    bounds say how far a bound may give way where no jury meets all of them; empty: nothing is said.
    """

    jury = models.ForeignKey(Jury, on_delete=models.CASCADE, related_name="quotas")
    feature_values = models.ManyToManyField(FeatureValue, related_name="quotas")
    key = models.CharField(max_length=200)
    minimum = models.PositiveIntegerField()
    maximum = models.PositiveIntegerField()
    flexible_minimum = models.PositiveIntegerField(null=True, blank=True)
    flexible_maximum = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("jury_id", "id")
        constraints = (
            models.UniqueConstraint(fields=("jury", "key"), name="juries_quota_key_once"),
            models.CheckConstraint(
                condition=models.Q(minimum__lte=models.F("maximum")),
                name="juries_quota_minimum_below_maximum",
            ),
            models.CheckConstraint(
                condition=models.Q(flexible_minimum__isnull=True)
                | models.Q(flexible_minimum__lte=models.F("minimum")),
                name="juries_quota_flexible_minimum_below_minimum",
            ),
            models.CheckConstraint(
                condition=models.Q(flexible_maximum__isnull=True)
                | models.Q(flexible_maximum__gte=models.F("maximum")),
                name="juries_quota_flexible_maximum_above_maximum",
            ),
        )

    def __str__(self) -> str:
        return f"{self.minimum}-{self.maximum}"

    @property
    def states_flex(self) -> bool:
        """Whether it is said of either bound how far it may give way."""
        return self.flexible_minimum is not None or self.flexible_maximum is not None
