"""Ways into a study besides a personal link, their groups, and those who came by them."""

import secrets
import uuid

from django.db import models

from annotations.models.assignment import Participation
from annotations.models.study import Study


def new_token() -> str:
    """A random part of an address. It opens no seat; it only can't be guessed."""
    return secrets.token_urlsafe(12)


class WayIn(models.Model):
    """An address by which people come into a study who were not drawn for its jury.

    The endings (`complete` ... `no_consent`) hold a completion code, or an address to go to.
    """

    class Kind(models.TextChoices):
        """Where people come from."""

        OPEN = "open", "open link"
        PROLIFIC = "prolific", "Prolific"
        PANEL = "panel", "another panel"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="ways_in")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.OPEN)
    name = models.CharField(
        max_length=80, help_text="For yourself, such as “mailing list” or “Prolific, first wave”."
    )
    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    is_open = models.BooleanField(default=False, editable=False)
    places = models.PositiveIntegerField(help_text="At most so many people by this way.")
    id_parameter = models.CharField(max_length=40, blank=True)
    completion_url = models.CharField(max_length=500, blank=True)
    complete = models.CharField(max_length=500, blank=True)
    screened_out = models.CharField(max_length=500, blank=True)
    quota_full = models.CharField(max_length=500, blank=True)
    no_consent = models.CharField(max_length=500, blank=True)
    declined_count = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("study_id", "id")
        verbose_name = "way in"
        verbose_name_plural = "ways in"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(places__gte=1), name="annotations_wayin_places_positive"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.get_kind_display()})"

    @property
    def has_ids(self) -> bool:
        """Who comes brings an id of hers."""
        return self.kind != self.Kind.OPEN


class PlaceGroup(models.Model):
    """So many places for those who answered so; see `annotations.domain.places`."""

    way_in = models.ForeignKey(WayIn, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=80)
    answers = models.JSONField(
        default=dict, help_text='Options by question, {"gender": ["woman"], "age": ["18-34"]}.'
    )
    places = models.PositiveIntegerField()

    class Meta:
        ordering = ("way_in_id", "id")
        verbose_name = "group"
        constraints = (
            models.UniqueConstraint(
                fields=("way_in", "name"), name="annotations_placegroup_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Arrival(models.Model):
    """Somebody who agreed to take part by a way in, and what became of it.

    Who she is stands with the candidate; what she says of herself is kept once she has a place. A
    place is held while the lease runs (as long as the study's leases of queries), and for good once
    she has finished.
    """

    class State(models.TextChoices):
        """What became of it."""

        ASKED = "asked", "at the questions about herself"
        SEATED = "seated", "got a place"
        SCREENED_OUT = "screened_out", "belongs to no group that is looked for"
        FULL = "full", "came when her group was full"

    way_in = models.ForeignKey(WayIn, on_delete=models.CASCADE, related_name="arrivals")
    candidate = models.ForeignKey(
        "juries.Candidate", on_delete=models.CASCADE, related_name="arrivals"
    )
    participation = models.OneToOneField(
        Participation, on_delete=models.CASCADE, related_name="arrival", null=True, blank=True
    )
    groups = models.ManyToManyField(PlaceGroup, related_name="arrivals", blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ASKED)
    consented_at = models.DateTimeField()
    consent_version = models.CharField(max_length=40, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("way_in_id", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("way_in", "candidate"), name="annotations_arrival_candidate_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="seated")
                | models.Q(participation__isnull=False, lease_expires_at__isnull=False),
                name="annotations_arrival_seated_with_lease",
            ),
        )

    def __str__(self) -> str:
        return f"arrival {self.pk}"
