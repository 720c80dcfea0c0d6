"""Chainable queries, named by purpose."""

from typing import TYPE_CHECKING, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

if TYPE_CHECKING:
    from juries.models import User

Row = TypeVar("Row", bound=models.Model, covariant=True)


class StudyQuerySet(models.QuerySet[Row]):
    """Queries over studies."""

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Studies on which the user has a role; all of them for a superuser."""
        if user.is_anonymous or not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        return self.filter(roles__user=user)


class QueryQuerySet(models.QuerySet[Row]):
    """Queries over queries (x)."""

    def asked(self) -> Self:
        """Those that are put for the sake of their answers: all but the checks."""
        return self.filter(check_kind="")
