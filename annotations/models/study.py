"""The work put before a jury, and how it is put."""

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

from annotations.querysets import StudyQuerySet

# Characters of an option of the quiz.
LONGEST_ANSWER = 300


class Study(models.Model):
    """Queries, responses, criteria, protocol and consent, put before one jury."""

    class State(models.TextChoices):
        """Whether jurors can work."""

        DRAFT = "draft", "draft"
        OPEN = "open", "open"
        CLOSED = "closed", "closed"

    class AssignmentMode(models.TextChoices):
        """Who gets which queries."""

        ALL = "all", "every juror gets every query"
        OVERLAP = "overlap", "each query goes to a given number of jurors"

    class NextItem(models.TextChoices):
        """In which order a juror gets them."""

        RANDOM = "random", "in a random order of her own"
        GAIN = "gain", "what teaches most about her per minute first, a fifth at random"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    jury = models.ForeignKey(
        "juries.Jury", on_delete=models.PROTECT, related_name="studies", null=True, blank=True
    )
    title = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    description = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    consent_text = models.TextField(blank=True, help_text="Markdown. What a juror agrees to.")
    consent_version = models.CharField(max_length=40, default="1")
    instructions = models.TextField(blank=True, help_text="Markdown. Shown before the work.")
    debrief = models.TextField(
        blank=True, help_text="Markdown. Shown with the thanks: what the answers are used for."
    )
    quiz_tries = models.PositiveSmallIntegerField(
        default=2,
        validators=[MinValueValidator(1)],
        help_text="Tries at each question of the quiz; after the last she goes on all the same.",
    )
    quiz_must_be_right = models.BooleanField(
        default=False,
        help_text="Ask again until each answer is right. Nobody is excluded, but nobody goes on.",
    )
    completion_code = models.CharField(max_length=60, blank=True)
    contact = models.CharField(
        max_length=200, blank=True, help_text="Whom a juror can write to or call."
    )
    licence = models.CharField(
        max_length=60, blank=True, help_text="Licence of the exported data set, such as cc-by-4.0."
    )
    assignment_mode = models.CharField(
        max_length=8, choices=AssignmentMode.choices, default=AssignmentMode.ALL
    )
    overlap = models.PositiveIntegerField(
        null=True, blank=True, help_text="Jurors per query, where each query goes to some."
    )
    queries_per_juror = models.PositiveIntegerField(
        null=True, blank=True, help_text="At most so many queries for one juror; empty: no limit."
    )
    lease_minutes = models.PositiveIntegerField(default=30)
    next_item = models.CharField(
        max_length=8,
        choices=NextItem.choices,
        default=NextItem.RANDOM,
        help_text="The second needs a usable reward model; until there is one, the order is "
        "random. Each pick is stored with its chance.",
    )
    order_seed = models.CharField(max_length=64, default="1")
    query_count = models.PositiveIntegerField(default=0, editable=False)
    is_simulated = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="studies",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name_plural = "studies"
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(assignment_mode="overlap") | models.Q(overlap__gte=1),
                name="annotations_study_overlap_given",
            ),
            models.CheckConstraint(
                condition=models.Q(quiz_tries__gte=1), name="annotations_study_quiz_tries"
            ),
        )

    def __str__(self) -> str:
        return self.title


class StudyRole(models.Model):
    """What a researcher may do with a study."""

    class Role(models.TextChoices):
        """Each role may do what those below it may."""

        OWNER = "owner", "owner"
        EDITOR = "editor", "editor"
        VIEWER = "viewer", "viewer"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="roles")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="study_roles"
    )
    role = models.CharField(max_length=8, choices=Role.choices)

    class Meta:
        ordering = ("study_id", "id")
        constraints = (
            models.UniqueConstraint(fields=("study", "user"), name="annotations_studyrole_once"),
        )

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class ProfileQuestion(models.Model):
    """A question about the juror herself, asked once, before the work."""

    class Kind(models.TextChoices):
        """How it is answered."""

        CHOICE = "choice", "one of the options"
        TEXT = "text", "in words"
        NUMBER = "number", "a number"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="profile_questions")
    key = models.SlugField(max_length=60)
    text = models.CharField(max_length=300)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.CHOICE)
    options = models.JSONField(default=list, blank=True, help_text='A list, ["yes", "no"].')
    is_required = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("study_id", "position", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("study", "key"), name="annotations_profilequestion_key_once"
            ),
        )

    def __str__(self) -> str:
        return self.text


class QuizQuestion(models.Model):
    """A question about the instructions, put before the work; it has one right answer."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="quiz_questions")
    key = models.SlugField(max_length=60)
    text = models.CharField(max_length=300)
    options = models.JSONField(default=list, help_text='A list, ["yes", "no"].')
    right = models.CharField(
        max_length=LONGEST_ANSWER,
        verbose_name="right answer",
        help_text="One of the options, word for word.",
    )
    explanation = models.TextField(
        blank=True, help_text="Shown after a wrong answer: what the instructions say, and where."
    )
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("study_id", "position", "id")
        verbose_name = "quiz question"
        constraints = (
            models.UniqueConstraint(
                fields=("study", "key"), name="annotations_quizquestion_key_once"
            ),
        )

    def __str__(self) -> str:
        return self.text


class ProtocolStep(models.Model):
    """One step of the work on a query; the steps follow each other by position.

    `kind` names a JurorStep plugged in by settings.JUROR_STEPS.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=20)
    position = models.PositiveIntegerField(default=0)
    is_required = models.BooleanField(default=True)
    prompt = models.CharField(
        max_length=300, blank=True, help_text="The question above the step; its usual one if empty."
    )
    allows_ties = models.BooleanField(
        default=False, help_text="Ranking alone: several responses may share a place."
    )

    class Meta:
        ordering = ("study_id", "position", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("study", "kind"), name="annotations_protocolstep_kind_once"
            ),
        )

    def __str__(self) -> str:
        return self.kind


class Criterion(models.Model):
    """What is rated, and on which scale. The bounds are declared, never observed."""

    class ScaleKind(models.TextChoices):
        """How the scale is shown."""

        LIKERT = "likert", "numbered points"
        SLIDER = "slider", "slider with labelled ends"
        YES_NO = "yes_no", "yes or no"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="criteria")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    question = models.CharField(max_length=300)
    scale_kind = models.CharField(max_length=8, choices=ScaleKind.choices, default=ScaleKind.LIKERT)
    low = models.FloatField(default=1)
    high = models.FloatField(default=5)
    step = models.FloatField(default=1)
    low_label = models.CharField(max_length=80, blank=True)
    high_label = models.CharField(max_length=80, blank=True)
    labels = models.JSONField(
        default=dict, blank=True, help_text='Labels of points, {"1": "not at all"}.'
    )
    allows_cant_say = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("study_id", "position", "id")
        verbose_name_plural = "criteria"
        constraints = (
            models.UniqueConstraint(fields=("study", "key"), name="annotations_criterion_key_once"),
            models.CheckConstraint(
                condition=models.Q(low__lt=models.F("high")), name="annotations_criterion_bounds"
            ),
            models.CheckConstraint(
                condition=models.Q(step__gt=0), name="annotations_criterion_step_positive"
            ),
        )

    def __str__(self) -> str:
        return self.name
