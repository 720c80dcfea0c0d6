"""A juror at work on a study: how far she is, what waits for her, what she sent."""

import uuid

from django.db import models

from annotations.models.query import Query
from annotations.models.study import LONGEST_ANSWER, ProfileQuestion, QuizQuestion, Study


class Participation(models.Model):
    """A juror's way through one study."""

    class State(models.TextChoices):
        """Where she is on the way."""

        STARTED = "started", "has opened the link"
        CONSENTED = "consented", "has consented"
        WORKING = "working", "at work"
        FINISHED = "finished", "finished"
        REFUSED = "refused", "did not consent"
        WITHDRAWN = "withdrawn", "withdrew"

    class CameBy(models.TextChoices):
        """How she came. The values but the first are those of `WayIn.Kind`."""

        SEAT = "", "by the link to her seat"
        OPEN = "open", "by an open link"
        PROLIFIC = "prolific", "from Prolific"
        PANEL = "panel", "from another panel"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="participations")
    juror = models.ForeignKey(
        "juries.Juror", on_delete=models.PROTECT, related_name="participations"
    )
    ordinal = models.PositiveIntegerField(help_text="Her place in the balanced order of queries.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.STARTED)
    came_by = models.CharField(
        max_length=8, choices=CameBy.choices, blank=True, default=CameBy.SEAT
    )
    consented_at = models.DateTimeField(null=True, blank=True)
    consent_version = models.CharField(max_length=40, blank=True)
    instructions_read_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    next_position = models.PositiveIntegerField(default=0)
    completed_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("study_id", "ordinal")
        constraints = (
            models.UniqueConstraint(
                fields=("study", "juror"), name="annotations_participation_once"
            ),
            models.UniqueConstraint(
                fields=("study", "ordinal"), name="annotations_participation_ordinal_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.juror} in {self.study_id}"


class ProfileReply(models.Model):
    """What a juror said about herself."""

    participation = models.ForeignKey(
        Participation, on_delete=models.CASCADE, related_name="profile_replies"
    )
    question = models.ForeignKey(ProfileQuestion, on_delete=models.CASCADE, related_name="replies")
    value = models.TextField()
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("participation_id", "question_id", "-id")
        verbose_name_plural = "profile replies"
        constraints = (
            models.UniqueConstraint(
                fields=("participation", "question"),
                condition=models.Q(is_current=True),
                name="annotations_profilereply_current_once",
            ),
        )

    def __str__(self) -> str:
        return self.value[:60]


class QuizReply(models.Model):
    """One try of a juror at a question of the quiz. All tries are kept."""

    participation = models.ForeignKey(
        Participation, on_delete=models.CASCADE, related_name="quiz_replies"
    )
    question = models.ForeignKey(QuizQuestion, on_delete=models.CASCADE, related_name="replies")
    attempt = models.PositiveIntegerField(help_text="From 1.")
    value = models.CharField(max_length=LONGEST_ANSWER)
    is_right = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("participation_id", "question_id", "attempt")
        verbose_name_plural = "quiz replies"
        constraints = (
            models.UniqueConstraint(
                fields=("participation", "question", "attempt"),
                name="annotations_quizreply_attempt_once",
            ),
        )

    def __str__(self) -> str:
        return self.value[:60]


class Assignment(models.Model):
    """A query, with what hangs on it, waiting for a juror. One for each juror and query."""

    class State(models.TextChoices):
        """What became of it."""

        CLAIMED = "claimed", "claimed"
        COMPLETED = "completed", "completed"
        RELEASED = "released", "lease ran out"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    participation = models.ForeignKey(
        Participation, on_delete=models.CASCADE, related_name="assignments"
    )
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="assignments")
    position = models.PositiveIntegerField(help_text="Place in this juror's own order.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.CLAIMED)
    claimed_at = models.DateTimeField()
    lease_expires_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    active_ms = models.PositiveBigIntegerField(default=0)
    idle_ms = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ("participation_id", "position")
        indexes = (
            # Leases that have run out, and what a juror still has in hand: a few rows however much
            # has been done. Whole indexes, since SQLite can't use a partial one with a parameter.
            models.Index(fields=("state", "lease_expires_at"), name="annotations_assignment_lease"),
            models.Index(
                fields=("participation", "state", "position"), name="annotations_assignment_open"
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("participation", "query"), name="annotations_assignment_query_once"
            ),
            models.UniqueConstraint(
                fields=("participation", "position"), name="annotations_assignment_position_once"
            ),
        )

    def __str__(self) -> str:
        return f"assignment {self.position}"


class ItemPick(models.Model):
    """Why a juror got a query now, where that was not her random order.

    Its chance is what an estimate needs that is to be free of the selection.
    """

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="pick")
    model = models.UUIDField(help_text="The training that said what it is worth.")
    candidates = models.PositiveIntegerField(help_text="Queries that could have been picked.")
    rank = models.PositiveIntegerField(help_text="1: worth most.")
    propensity = models.FloatField(help_text="Chance that this one would be picked.")
    is_explored = models.BooleanField(help_text="Chance picked it.")
    gain_per_minute = models.FloatField(
        help_text="Expected fall of the variance of her predicted ratings, per minute."
    )

    class Meta:
        ordering = ("assignment_id",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(propensity__gt=0) & models.Q(propensity__lte=1),
                name="annotations_itempick_propensity",
            ),
        )

    def __str__(self) -> str:
        return f"rank {self.rank} of {self.candidates}"


class Submission(models.Model):
    """What the juror's browser sent for one step, under an id that the browser made.

    The same id again is the same submission (DESIGN law 1); the payload is kept as it came.
    """

    client_id = models.UUIDField()
    participation = models.ForeignKey(
        Participation, on_delete=models.CASCADE, related_name="submissions"
    )
    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="submissions")
    step = models.CharField(max_length=20)
    item = models.CharField(max_length=80, blank=True, help_text="Which of the step's items.")
    payload = models.JSONField(default=dict)
    is_late = models.BooleanField(default=False, help_text="Came after the lease had run out.")
    active_ms = models.PositiveBigIntegerField(default=0)
    idle_ms = models.PositiveBigIntegerField(default=0)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("participation_id", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("participation", "client_id"), name="annotations_submission_client_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.step} {self.client_id}"
