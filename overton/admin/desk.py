"""What the overton app's pages in the admin have in common."""

from typing import Any, TypeVar

from django.db import models
from django.http import HttpRequest

from annotations.admin.access import StudyScopedAdmin
from overton.services.answers import AnswerRefused
from overton.services.windows import RuleRefused

Row = TypeVar("Row", bound=models.Model)


class DeskAdmin(StudyScopedAdmin[Row]):
    """Rows of studies in which the user has a role; refusals come back in the service's words."""

    refusals = (*StudyScopedAdmin.refusals, AnswerRefused, RuleRefused)


class ReadOnlyDesk(DeskAdmin[Row]):
    """Rows that only services write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds such rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They go with their study alone."""
        return super().has_delete_permission(request, obj) and "study" in request.path
