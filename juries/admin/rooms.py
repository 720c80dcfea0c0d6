"""What the pages of pools and juries share: one guard, and the frame of the admin around them."""

from typing import Any, TypeVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from juries.models import User
from juries.permissions import can_manage_juries

Row = TypeVar("Row", bound=models.Model)


def acting_user(request: HttpRequest) -> User:
    """Who is signed in and may manage juries.

    Raises:
        PermissionDenied: she may not.
    """
    if not can_manage_juries(request.user) or not isinstance(request.user, User):
        raise PermissionDenied("Your account may not change juries. Ask an administrator.")
    return request.user


class RoomAdmin(admin.ModelAdmin[Row]):
    """A model with pages of its own beside the usual ones."""

    def load(self, request: HttpRequest, pk: int, *, related: tuple[str, ...] = ()) -> Row:
        """The row, for someone who may manage juries; or refuse."""
        acting_user(request)
        queryset = self.model._default_manager.all()
        return get_object_or_404(queryset.select_related(*related) if related else queryset, pk=pk)

    def page(
        self, request: HttpRequest, template: str, row: models.Model | None, title: str,
        status: int = 200, **context: Any,
    ) -> HttpResponse:  # fmt: skip
        """Render a page inside the admin's frame."""
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                "opts": self.model._meta,
                "row": row,
                "title": title,
                **context,
            },
            status=status,
        )
