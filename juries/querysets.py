"""Chainable queries, named by purpose."""

from typing import Self, TypeVar

from django.db import models
from django.utils import timezone

Row = TypeVar("Row", bound=models.Model, covariant=True)


class PoolQuerySet(models.QuerySet[Row]):
    """Queries over pools."""

    def open_for_registration(self) -> Self:
        """Pools that take volunteers now."""
        return self.filter(registration_open=True).filter(
            models.Q(registration_closes_at__isnull=True)
            | models.Q(registration_closes_at__gt=timezone.now())
        )


class CandidateQuerySet(models.QuerySet[Row]):
    """Queries over candidates."""

    def drawable(self) -> Self:
        """Candidates who can be drawn."""
        return self.filter(state="active")


class JuryQuerySet(models.QuerySet[Row]):
    """Queries over juries."""

    def with_seat_counts(self) -> Self:
        """Juries annotated with `seats_total` and `seats_accepted`."""
        return self.annotate(
            seats_total=models.Count("seats"),
            seats_accepted=models.Count("seats", filter=models.Q(seats__state="accepted")),
        )
