"""What the overton app's pages in the admin have in common."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from annotations.admin.access import StudyScopedAdmin
from overton.services.answers import AnswerRefused
from overton.services.windows import RuleRefused

Row = TypeVar("Row", bound=models.Model)


class DeskAdmin(StudyScopedAdmin[Row]):
    """Rows of studies in which the user has a role; refusals come back in the service's words."""

    def _or_refuse(self, request: HttpRequest, answer: Callable[[], HttpResponse]) -> HttpResponse:
        def mine() -> HttpResponse:
            try:
                return answer()
            except (AnswerRefused, RuleRefused) as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
                return HttpResponseRedirect(request.get_full_path())

        return super()._or_refuse(request, mine)


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
