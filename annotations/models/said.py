"""What jurors said. Rows are appended; a change supersedes the row before it (DESIGN law 1).

`submission` is empty for what was imported.
"""

from django.db import models

from annotations.models.assignment import Submission
from annotations.models.query import Query, QueryOption, Response
from annotations.models.study import Criterion


class Rating(models.Model):
    """A number on a criterion's scale for a response, or "can't say"."""

    juror = models.ForeignKey("juries.Juror", on_delete=models.CASCADE, related_name="ratings")
    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="ratings")
    criterion = models.ForeignKey(Criterion, on_delete=models.CASCADE, related_name="ratings")
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="ratings", null=True, blank=True
    )
    value = models.FloatField(null=True, blank=True, help_text="Empty: can't say.")
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("juror", "response", "criterion"),
                condition=models.Q(is_current=True),
                name="annotations_rating_current_once",
            ),
        )

    def __str__(self) -> str:
        return "can't say" if self.value is None else f"{self.value:g}"


class Preference(models.Model):
    """Which of two responses. `left` was shown on the left (or first)."""

    class Verdict(models.TextChoices):
        """Which is better."""

        LEFT = "left", "the left one"
        RIGHT = "right", "the right one"
        TIE = "tie", "both equally good"
        BOTH_BAD = "both_bad", "both bad"

    juror = models.ForeignKey("juries.Juror", on_delete=models.CASCADE, related_name="preferences")
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="preferences")
    left = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="preferences_left")
    right = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="preferences_right")
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="preferences", null=True, blank=True
    )
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("juror", "left", "right"),
                condition=models.Q(is_current=True),
                name="annotations_preference_current_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(left=models.F("right")),
                name="annotations_preference_two_responses",
            ),
        )

    def __str__(self) -> str:
        return self.verdict


class Choice(models.Model):
    """The option that a juror picked on a query."""

    juror = models.ForeignKey("juries.Juror", on_delete=models.CASCADE, related_name="choices")
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="choices")
    option = models.ForeignKey(QueryOption, on_delete=models.CASCADE, related_name="choices")
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="choices", null=True, blank=True
    )
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("juror", "query"),
                condition=models.Q(is_current=True),
                name="annotations_choice_current_once",
            ),
        )

    def __str__(self) -> str:
        return str(self.option)


class Opinion(models.Model):
    """A juror's own answer to a query, in her words."""

    juror = models.ForeignKey("juries.Juror", on_delete=models.CASCADE, related_name="opinions")
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="opinions")
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="opinions", null=True, blank=True
    )
    text = models.TextField()
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("juror", "query"),
                condition=models.Q(is_current=True),
                name="annotations_opinion_current_once",
            ),
        )

    def __str__(self) -> str:
        return self.text[:80]


class Reason(models.Model):
    """Why a juror answered a query as she did, in her words."""

    juror = models.ForeignKey("juries.Juror", on_delete=models.CASCADE, related_name="reasons")
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="reasons")
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="reasons", null=True, blank=True
    )
    text = models.TextField()
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("juror", "query"),
                condition=models.Q(is_current=True),
                name="annotations_reason_current_once",
            ),
        )

    def __str__(self) -> str:
        return self.text[:80]


class Ranking(models.Model):
    """The place of one response in a juror's order of a query's responses, from best to worst.

    The rows of one order share their submission and moment; a changed order supersedes all of
    them. `place` is 1 for the best; those that share a place leave out the next ones (1, 1, 3).
    `shown` is where the response stood, from 1, before she ordered them.
    """

    juror = models.ForeignKey("juries.Juror", on_delete=models.CASCADE, related_name="rankings")
    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="rankings")
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="rankings", null=True, blank=True
    )
    place = models.PositiveIntegerField()
    shown = models.PositiveIntegerField()
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("juror", "response"),
                condition=models.Q(is_current=True),
                name="annotations_ranking_current_once",
            ),
            models.CheckConstraint(
                condition=models.Q(place__gte=1, shown__gte=1),
                name="annotations_ranking_places_from_one",
            ),
        )

    def __str__(self) -> str:
        return f"place {self.place}"


class Highlight(models.Model):
    """Words of a response that mattered to a juror, or that nothing stood out to her in it.

    `start` and `end` count characters of the response's text from 0: the words are
    `text[start:end]`. The rows on one response share their submission and moment; a change
    supersedes all of them. Her current marks on a response don't overlap.
    """

    class Kind(models.TextChoices):
        """How the words counted."""

        FOR = "for", "spoke for it"
        AGAINST = "against", "spoke against it"
        NOTHING = "nothing", "nothing stood out"

    juror = models.ForeignKey("juries.Juror", on_delete=models.CASCADE, related_name="highlights")
    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="highlights")
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="highlights", null=True, blank=True
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    start = models.PositiveIntegerField(
        null=True, blank=True, help_text="First character, from 0; empty: nothing stood out."
    )
    end = models.PositiveIntegerField(
        null=True, blank=True, help_text="The character after the last; empty: nothing stood out."
    )
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("juror", "response", "start"),
                condition=models.Q(is_current=True),
                name="annotations_highlight_current_once",
            ),
            models.UniqueConstraint(
                fields=("juror", "response"),
                condition=models.Q(is_current=True, kind="nothing"),
                name="annotations_highlight_nothing_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="nothing", start=None, end=None)
                | models.Q(
                    kind__in=("for", "against"),
                    start__isnull=False,
                    end__isnull=False,
                    start__lt=models.F("end"),
                ),
                name="annotations_highlight_has_words",
            ),
        )

    def __str__(self) -> str:
        where = "" if self.start is None else f" ({self.start} to {self.end})"
        return f"{self.get_kind_display()}{where}"
