"""The distinct positions on a query."""

import uuid

from django.conf import settings
from django.db import models

from annotations.models import Study


class Answer(models.Model):
    """One distinct position on a query, in a sentence or two (paper, section 3.1)."""

    class Origin(models.TextChoices):
        """Where it came from."""

        EXPERT = "expert", "written by the researchers"
        JUROR = "juror", "proposed by a juror"
        OPINION = "opinion", "a juror's own view, put forward by the researchers"
        IMPORT = "import", "imported"

    class State(models.TextChoices):
        """Whether jurors judge it."""

        PROPOSED = "proposed", "waiting for a researcher"
        ACCEPTED = "accepted", "put to the jury"
        MERGED = "merged", "merged into another"
        REJECTED = "rejected", "not a distinct position"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    query = models.ForeignKey("annotations.Query", on_delete=models.CASCADE, related_name="answers")
    external_id = models.CharField(max_length=120)
    text = models.TextField()
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.EXPERT)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACCEPTED)
    proposed_by = models.ForeignKey(
        "juries.Juror",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="proposed_answers",
    )
    submission = models.ForeignKey(
        "annotations.Submission",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="proposed_answers",
    )
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged_answers"
    )
    decision_reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("query_id", "id")
        indexes = (models.Index(fields=("query", "state"), name="overton_answer_query_state"),)
        constraints = (
            models.UniqueConstraint(
                fields=("query", "external_id"), name="overton_answer_external_id_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state="merged", merged_into__isnull=False)
                | (~models.Q(state="merged") & models.Q(merged_into__isnull=True)),
                name="overton_answer_merged_into_another",
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True)
                | ~models.Q(merged_into=models.F("pk")),
                name="overton_answer_not_into_itself",
            ),
        )

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def study(self) -> Study:
        """The study that it belongs to."""
        return self.query.study


class AnswerMerge(models.Model):
    """One act in the history of what is the same as what. Rows are appended, never changed.

    `Answer.merged_into` says how things stand; these rows say how they came to stand so.
    """

    class Act(models.TextChoices):
        """What was done with `answer`, with regard to `into`."""

        MERGED = "merged", "merged into it"
        SPLIT = "split", "split off from it again"
        APART = "apart", "found to differ from it"

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="merges")
    into = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="merges_into_it")
    act = models.CharField(max_length=8, choices=Act.choices)
    reason = models.CharField(max_length=300, blank=True)
    state_before = models.CharField(
        max_length=8,
        choices=Answer.State.choices,
        blank=True,
        help_text="What `answer` was before; splitting it off gives this back.",
    )
    forward = models.FloatField(
        null=True, blank=True, help_text="How far it entailed the other when this was decided."
    )
    backward = models.FloatField(
        null=True, blank=True, help_text="How far the other entailed it when this was decided."
    )
    judge = models.CharField(
        max_length=300, blank=True, help_text="The model that said how far, with its revision."
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="answer_merges",
        help_text="Empty: the juror who worded her proposal anew.",
    )
    created_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: before there was a history."
    )

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("answer", "act"), name="overton_answermerge_act"),)
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(answer=models.F("into")),
                name="overton_answermerge_two_answers",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_act_display()}: {self.reason}"


class DuplicateScore(models.Model):
    """How far two answers to one query entail each other, as a model reads them.

    A guess that helps to find duplicates; it enters no result. A later run replaces it.
    """

    first = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="scored_as_first")
    second = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="scored_as_second")
    forward = models.FloatField(help_text="How far the first entails the second, 0 to 1.")
    backward = models.FloatField(help_text="How far the second entails the first, 0 to 1.")
    judge = models.CharField(max_length=300, help_text="The model, with its revision.")
    weights_digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("first", "second"), name="overton_duplicatescore_once"),
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")),
                name="overton_duplicatescore_in_order",
            ),
        )

    def __str__(self) -> str:
        return f"{self.forward:.2f} and {self.backward:.2f}"

    @property
    def mutual(self) -> float:
        """The weaker of the two directions: both must hold for two answers to be the same."""
        return min(self.forward, self.backward)


class Exclusion(models.Model):
    """An answer kept out of the reasonable ones from above, with the reason."""

    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, related_name="exclusion")
    reason = models.CharField(max_length=300)
    excluded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="exclusions",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("answer_id",)

    def __str__(self) -> str:
        return self.reason

    @property
    def study(self) -> Study:
        """The study that the answer belongs to."""
        return self.answer.query.study
