"""Pages of the admin that say in a service's words why something can't be done."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

Row = TypeVar("Row", bound=models.Model)


class RefusingAdmin(admin.ModelAdmin[Row]):
    """Pages on which what a service refuses comes back in its words, and nothing is changed."""

    refusals: ClassVar[tuple[type[Exception], ...]] = ()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one row."""
        return self._or_refuse(
            request, lambda: super(RefusingAdmin, self).changeform_view(
                request, object_id, form_url, extra_context
            )
        )  # fmt: skip

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Asking whether to delete, and deleting."""
        return self._or_refuse(
            request,
            lambda: super(RefusingAdmin, self).delete_view(request, object_id, extra_context),
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, and the actions on what is ticked."""
        return self._or_refuse(
            request, lambda: super(RefusingAdmin, self).changelist_view(request, extra_context)
        )

    def _or_refuse(self, request: HttpRequest, answer: Callable[[], HttpResponse]) -> HttpResponse:
        try:
            return answer()
        except self.refusals as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
