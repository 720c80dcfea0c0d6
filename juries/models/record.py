"""What is published of a draw before it is drawn, and what came of it."""

from django.conf import settings
from django.db import models

from juries.models.draw import Draw
from juries.models.jury import Jury


class PublishedRecord(models.Model):
    """One record that the public was shown before the draw. It stays, whatever becomes of it.

    `content` is the canonical JSON in the very characters that `digest` was taken of. A record
    waits until its public value is entered, which draws the panel; or it is declared void, with a
    reason. At most one record of a jury is not void.
    """

    class State(models.TextChoices):
        """Where a record stands; computed from the columns."""

        WAITING = "waiting", "published, waiting for its public value"
        DRAWN = "drawn", "drawn"
        VOID = "void", "void"

    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="published_records")
    jury = models.ForeignKey(Jury, on_delete=models.PROTECT, related_name="published_records")
    number = models.PositiveIntegerField()
    content = models.TextField()
    digest = models.CharField(max_length=64)
    source = models.CharField(max_length=300)
    source_date = models.DateField()
    spelling = models.CharField(max_length=300, blank=True)
    shows_membership = models.BooleanField(
        default=False, help_text="It says which quotas each public id counts towards."
    )
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    public_value = models.CharField(max_length=400, blank=True)
    panel_number = models.PositiveIntegerField(null=True, blank=True)
    result = models.TextField(blank=True)
    result_digest = models.CharField(max_length=64, blank=True)
    drawn_at = models.DateTimeField(null=True, blank=True)
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    voided_at = models.DateTimeField(null=True, blank=True)
    void_reason = models.TextField(blank=True)

    class Meta:
        ordering = ("jury_id", "number")
        constraints = (
            models.UniqueConstraint(
                fields=("jury", "number"), name="juries_publishedrecord_number_once"
            ),
            models.UniqueConstraint(
                fields=("jury",),
                condition=models.Q(voided_at__isnull=True),
                name="juries_publishedrecord_one_in_force",
            ),
            models.CheckConstraint(
                condition=models.Q(drawn_at__isnull=True, panel_number__isnull=True, result="")
                | models.Q(
                    drawn_at__isnull=False, panel_number__isnull=False, voided_at__isnull=True
                ),
                name="juries_publishedrecord_drawn_whole",
            ),
        )

    def __str__(self) -> str:
        return f"record {self.number} of {self.jury}"

    @property
    def state(self) -> State:
        """Waiting, drawn or void."""
        if self.voided_at is not None:
            return self.State.VOID
        return self.State.DRAWN if self.drawn_at is not None else self.State.WAITING
