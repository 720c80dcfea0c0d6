"""What has been done, by whom and by which worker: to be read, never changed."""

from typing import Any, TypeVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from juries.models import AuditEntry, Run, WorkerHeartbeat

Row = TypeVar("Row", bound=models.Model)


class ReadOnlyAdmin(admin.ModelAdmin[Row]):
    """Rows that only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds such rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody removes them."""
        return False


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin[Run]):
    """Background work; its own page has the progress and the buttons."""

    list_display = ("title", "kind", "state", "requested_by", "created_at", "own_page")
    list_filter = ("state", "kind")
    search_fields = ("title", "seed", "input_digest")
    list_select_related = ("requested_by",)
    date_hierarchy = "created_at"
    fields = (
        "own_page", "title", "kind", "state", "attempt", "requested_by", "parameters", "seed",
        "input_digest", "software_version", "progress_done", "progress_total", "progress_note",
        "created_at", "started_at", "heartbeat_at", "finished_at", "result", "error", "log",
    )  # fmt: skip

    @admin.display(description="its page")
    def own_page(self, run: Run) -> str:
        """Link to the page with progress, cancel and start again."""
        return format_html('<a href="{}">open</a>', reverse("run", args=[run.public_id]))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """Who did what."""

    list_display = ("created_at", "actor", "verb", "subject_type", "subject_label")
    list_filter = ("verb", "subject_type")
    search_fields = ("subject_label", "subject_id")
    list_select_related = ("actor",)
    date_hierarchy = "created_at"


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(ReadOnlyAdmin[WorkerHeartbeat]):
    """Workers and when they last gave a sign of life."""

    list_display = ("hostname", "pid", "software_version", "seen_at")
