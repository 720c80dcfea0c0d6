"""Those who agreed to be drawn: identity, traits and the pool are kept in separate tables."""

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from juries.querysets import CandidateQuerySet, PoolQuerySet


class Pool(models.Model):
    """Volunteers from whom juries are drawn."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    description = models.TextField(blank=True, help_text="Shown on the registration page.")
    consent_text = models.TextField(
        blank=True, help_text="What a volunteer agrees to when she registers."
    )
    consent_version = models.CharField(max_length=40, default="1")
    registration_open = models.BooleanField(
        default=False, help_text="Anyone with the address may volunteer."
    )
    registration_closes_at = models.DateTimeField(null=True, blank=True)
    is_simulated = models.BooleanField(
        default=False, help_text="Invented people; marked as simulated on every page and export."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="pools",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PoolQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The page on which people volunteer."""
        return reverse("pool-register", args=[self.slug])


class Feature(models.Model):
    """A trait that is known of every candidate, such as an age band."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="features")
    name = models.CharField(max_length=80)
    question = models.CharField(
        max_length=300, blank=True, help_text="As asked at registration; the name if empty."
    )
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("pool_id", "position", "id")
        constraints = (
            models.UniqueConstraint(fields=("pool", "name"), name="juries_feature_name_once"),
        )

    def __str__(self) -> str:
        return self.name


class FeatureValue(models.Model):
    """One value of a feature, with its share of the population where that is known."""

    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="values")
    value = models.CharField(max_length=120)
    position = models.PositiveIntegerField(default=0)
    population_share = models.FloatField(
        null=True, blank=True, help_text="Share of the population, between 0 and 1."
    )

    class Meta:
        ordering = ("feature_id", "position", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("feature", "value"), name="juries_featurevalue_value_once"
            ),
            models.CheckConstraint(
                condition=models.Q(population_share__isnull=True)
                | models.Q(population_share__gte=0, population_share__lte=1),
                name="juries_featurevalue_share_in_unit",
            ),
        )

    def __str__(self) -> str:
        return f"{self.feature.name}: {self.value}"


class Candidate(models.Model):
    """One volunteer. Who she is stands in CandidateContact, what she is in CandidateTrait."""

    class State(models.TextChoices):
        """Whether she can be drawn."""

        UNCONFIRMED = "unconfirmed", "waiting for e-mail confirmation"
        ACTIVE = "active", "can be drawn"
        UNDRAWN = "undrawn", "takes part by herself, in no draw"
        WITHDRAWN = "withdrawn", "withdrawn"

    class Origin(models.TextChoices):
        """How she came into the pool."""

        IMPORT = "import", "import"
        REGISTRATION = "registration", "registration page"
        WAY_IN = "way_in", "a study's way in"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="candidates")
    external_id = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    origin = models.CharField(max_length=12, choices=Origin.choices, default=Origin.IMPORT)
    household = models.CharField(max_length=200, blank=True, help_text="Blank: nobody's household.")
    consented_at = models.DateTimeField(null=True, blank=True)
    consent_version = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CandidateQuerySet.as_manager()

    class Meta:
        ordering = ("pool_id", "id")
        indexes = (models.Index(fields=("pool", "state"), name="juries_candidate_pool_state"),)
        constraints = (
            models.UniqueConstraint(
                fields=("pool", "external_id"), name="juries_candidate_external_id_once"
            ),
        )

    def __str__(self) -> str:
        return self.external_id


class CandidateContact(models.Model):
    """Identity, apart from everything else; deleted when she withdraws."""

    candidate = models.OneToOneField(Candidate, on_delete=models.CASCADE, related_name="contact")
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="contacts")
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    email_key = models.CharField(
        max_length=64, blank=True, help_text="Digest of the normalised address; finds duplicates."
    )
    confirmation_hash = models.CharField(max_length=64, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("candidate_id",)
        constraints = (
            models.UniqueConstraint(
                fields=("pool", "email_key"),
                condition=~models.Q(email_key=""),
                name="juries_candidatecontact_email_once",
            ),
        )

    def __str__(self) -> str:
        return self.name or self.email or str(self.candidate_id)


class CandidateTrait(models.Model):
    """A candidate's value of one feature."""

    candidate = models.ForeignKey(Candidate, on_delete=models.CASCADE, related_name="traits")
    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="traits")
    feature_value = models.ForeignKey(FeatureValue, on_delete=models.PROTECT, related_name="traits")

    class Meta:
        ordering = ("candidate_id", "feature_id")
        constraints = (
            models.UniqueConstraint(
                fields=("candidate", "feature"), name="juries_candidatetrait_feature_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.candidate_id}: {self.feature_value_id}"
