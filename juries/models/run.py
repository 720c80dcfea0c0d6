"""Background work: what was asked, how far it is, what came of it."""

import uuid

from django.conf import settings
from django.db import models


class Run(models.Model):
    """One piece of background work (DESIGN law 2 and 7).

    `kind` is the name of the Celery task that performs it, so that any Run can be sent again.
    Everything that the task needs stands in `parameters`.
    """

    class State(models.TextChoices):
        """Where a Run stands."""

        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    FINAL_STATES = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    parameters = models.JSONField(default=dict, blank=True)
    input_digest = models.CharField(max_length=64, blank=True)
    software_version = models.CharField(max_length=40, blank=True)
    seed = models.CharField(max_length=100, blank=True)
    attempt = models.PositiveIntegerField(default=1)
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(default=0)
    progress_note = models.CharField(max_length=300, blank=True)
    log = models.TextField(blank=True)
    result = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    cancel_requested = models.BooleanField(default=False)
    page_path = models.CharField(
        max_length=300, blank=True, help_text="Page that shows the result, as a path on this site"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="runs",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("state", "heartbeat_at"), name="juries_run_state_beat"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(
                    state__in=("queued", "running", "succeeded", "failed", "cancelled")
                ),
                name="juries_run_state_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.title} ({self.get_state_display()})"

    @property
    def is_final(self) -> bool:
        """Nothing more will happen to this attempt."""
        return self.state in self.FINAL_STATES

    @property
    def share_done(self) -> float | None:
        """Progress in [0, 1]; None while the total is unknown."""
        if not self.progress_total:
            return None
        return min(1.0, self.progress_done / self.progress_total)


class WorkerHeartbeat(models.Model):
    """A worker's sign of life, so that a page can say when no worker answers."""

    hostname = models.CharField(max_length=200, unique=True)
    pid = models.PositiveIntegerField()
    software_version = models.CharField(max_length=40, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ("hostname",)

    def __str__(self) -> str:
        return self.hostname
