"""A personal link to a seat. Only the hash of its secret is stored."""

from django.db import models
from django.utils import timezone

from juries.models.seat import Seat


class Invitation(models.Model):
    """One personal link. A new one revokes those before it."""

    seat = models.ForeignKey(Seat, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    first_opened_at = models.DateTimeField(null=True, blank=True)
    last_opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("seat_id", "-created_at", "-id")

    def __str__(self) -> str:
        return f"invitation to {self.seat}"

    @property
    def is_usable(self) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and self.expires_at > timezone.now()
