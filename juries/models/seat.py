"""A candidate who was drawn, and the place held."""

import uuid

from django.db import models

from juries.models.draw import Draw
from juries.models.jury import Jury
from juries.models.pool import Candidate


class Juror(models.Model):
    """A candidate who was drawn for a jury. What she says hangs on this row, not on the person."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    jury = models.ForeignKey(Jury, on_delete=models.PROTECT, related_name="jurors")
    candidate = models.ForeignKey(Candidate, on_delete=models.PROTECT, related_name="jurors")
    is_simulated = models.BooleanField(default=False)
    erased_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("jury_id", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("jury", "candidate"), name="juries_juror_candidate_once"
            ),
        )

    def __str__(self) -> str:
        return f"juror {str(self.public_id)[:8]}"


class Seat(models.Model):
    """A place on a jury, and what became of it."""

    class State(models.TextChoices):
        """The state of the place."""

        DRAWN = "drawn", "drawn, not yet invited"
        INVITED = "invited", "invited"
        ACCEPTED = "accepted", "accepted"
        DECLINED = "declined", "declined"
        WITHDRAWN = "withdrawn", "withdrawn"
        REPLACED = "replaced", "replaced"

    SITTING = (State.DRAWN, State.INVITED, State.ACCEPTED)
    VACANT = (State.DECLINED, State.WITHDRAWN)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    jury = models.ForeignKey(Jury, on_delete=models.PROTECT, related_name="seats")
    juror = models.OneToOneField(Juror, on_delete=models.PROTECT, related_name="seat")
    draw = models.ForeignKey(
        Draw, on_delete=models.PROTECT, related_name="seats", null=True, blank=True
    )
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAWN)
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="replaced_by", null=True, blank=True
    )
    changed_at = models.DateTimeField(auto_now=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("jury_id", "number", "id")
        constraints = (
            # One sitting holder of each place; those who left keep their row and number.
            models.UniqueConstraint(
                fields=("jury", "number"),
                condition=models.Q(state__in=("drawn", "invited", "accepted")),
                name="juries_seat_number_once",
            ),
        )

    def __str__(self) -> str:
        return f"seat {self.number}"

    @property
    def is_sitting(self) -> bool:
        """The place is held."""
        return self.state in self.SITTING
