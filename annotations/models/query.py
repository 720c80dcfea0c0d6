"""What is asked, what was answered, and by whom."""

import uuid

from django.db import models

from annotations.models.study import Study
from annotations.querysets import QueryQuerySet


class Source(models.Model):
    """Who or what answered: a model at a revision, or a person."""

    class Kind(models.TextChoices):
        """What it is."""

        MODEL = "model", "language model"
        PERSON = "person", "person"
        OTHER = "other", "other"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=120)
    revision = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.MODEL)
    description = models.TextField(blank=True)

    class Meta:
        ordering = ("study_id", "name", "revision")
        constraints = (
            models.UniqueConstraint(
                fields=("study", "name", "revision"), name="annotations_source_name_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}" if self.revision else self.name


class Query(models.Model):
    """What is asked (x). `ordinal` runs from 0 without gaps, so that an order needs no list.

    A check is a query that watches how the work is done: one that says what to answer, or one that
    is put again. What jurors say on checks is kept and reported, and enters no result.
    """

    class Check(models.TextChoices):
        """What kind of check it is, if any."""

        NONE = "", "no check"
        INSTRUCTED = "instructed", "says what to answer"
        REPEATED = "repeated", "is put again"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="queries")
    external_id = models.CharField(max_length=120)
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    check_kind = models.CharField(
        max_length=10, choices=Check.choices, default=Check.NONE, blank=True, editable=False
    )
    expected = models.JSONField(
        default=dict,
        blank=True,
        help_text="Of an instructed one: the value that it asks for, by the criterion's key.",
    )
    repeats = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        related_name="repetitions",
        help_text="Of a repeated one: the query that it is.",
    )
    # Places taken: claims that are done or whose lease runs. Kept by the claim itself, under lock.
    claimed_count = models.PositiveIntegerField(default=0, editable=False)
    completed_count = models.PositiveIntegerField(default=0, editable=False)

    objects = QueryQuerySet.as_manager()

    class Meta:
        ordering = ("study_id", "ordinal")
        verbose_name_plural = "queries"
        indexes = (
            # The least claimed queries, from any place in the order: one seek per claim.
            models.Index(
                fields=("study", "claimed_count", "ordinal"), name="annotations_query_claimed"
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("study", "external_id"), name="annotations_query_external_id_once"
            ),
            models.UniqueConstraint(
                fields=("study", "ordinal"), name="annotations_query_ordinal_once"
            ),
            models.CheckConstraint(
                condition=models.Q(repeats__isnull=True) | models.Q(check_kind="repeated"),
                name="annotations_query_repeats_marked",
            ),
        )

    def __str__(self) -> str:
        return self.text[:80]


class QueryOption(models.Model):
    """An option that a juror may choose on a query."""

    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="options")
    key = models.CharField(max_length=60)
    text = models.CharField(max_length=400)
    position = models.PositiveIntegerField(default=0)
    code = models.FloatField(null=True, blank=True, help_text="Place on an ordinal scale, if any.")

    class Meta:
        ordering = ("query_id", "position", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("query", "key"), name="annotations_queryoption_key_once"
            ),
        )

    def __str__(self) -> str:
        return self.text


class Response(models.Model):
    """What a source answered to a query (y)."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="responses")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="responses")
    external_id = models.CharField(max_length=120)
    text = models.TextField(help_text="Markdown.")

    class Meta:
        ordering = ("query_id", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("query", "external_id"), name="annotations_response_external_id_once"
            ),
        )

    def __str__(self) -> str:
        return self.text[:80]
