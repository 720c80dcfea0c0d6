"""Benchmarks of pluralism: what was declared, what was asked of models, what came out."""

import uuid

from django.conf import settings
from django.db import models


class Benchmark(models.Model):
    """A declared benchmark of a study. Once made it stays as it is; another is another row."""

    class Kind(models.TextChoices):
        """What is measured; docs/benchmarks.md has each."""

        DISTRIBUTIONAL = "distributional", "distributions of answers"
        STEERABLE = "steerable", "steering to attributes"
        OBJECTIVES = "objectives", "several objectives"
        TRADEOFF = "tradeoff", "steering to trade-offs"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    study = models.ForeignKey(
        "annotations.Study", on_delete=models.CASCADE, related_name="benchmarks"
    )
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    definition = models.JSONField(default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="benchmarks",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(
                    kind__in=("distributional", "steerable", "objectives", "tradeoff")
                ),
                name="models_runner_benchmark_kind",
            ),
        )

    def __str__(self) -> str:
        return self.name


class BenchmarkFile(models.Model):
    """A file that a benchmark reads, as it was handed in."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="files")
    slot = models.CharField(max_length=40, help_text="What it is for, such as people.")
    name = models.CharField(max_length=200)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ("benchmark_id", "slot")
        constraints = (
            models.UniqueConstraint(
                fields=("benchmark", "slot"), name="models_runner_benchmarkfile_slot_once"
            ),
        )

    def __str__(self) -> str:
        return self.name


class BenchmarkRun(models.Model):
    """One run of a benchmark: the digests of what it reads, and its report once it has one."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="runs")
    run = models.OneToOneField("juries.Run", on_delete=models.PROTECT, related_name="benchmark_run")
    inputs = models.JSONField(default=dict, help_text="Name of each input -> its digest.")
    input_digest = models.CharField(max_length=64)
    report = models.JSONField(default=dict, blank=True)
    stale_since = models.DateTimeField(
        null=True, blank=True, help_text="A juror whose answers are in it has since withdrawn them."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.benchmark} at {self.created_at:%Y-%m-%d %H:%M}"


class Elicitation(models.Model):
    """What a model answered to one request of a benchmark, so that the same is not asked twice.

    `identity` is that of the model as loaded, weights included; `digest` a SHA-256 over the request
    with all its parameters.
    """

    class Kind(models.TextChoices):
        """What was asked; a method of `models_runner.ports.LanguageModel` each."""

        LETTERS = "letters", "next letters"
        LIKELIHOODS = "likelihoods", "likelihoods of options"
        COMPLETION = "completion", "a completion"

    identity = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    digest = models.CharField(max_length=64)
    answer = models.JSONField()
    run = models.ForeignKey(
        "juries.Run",
        on_delete=models.SET_NULL,
        null=True,
        related_name="elicitations",
        help_text="The Run that asked.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("identity", "kind", "digest"), name="models_runner_elicitation_once"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=("letters", "likelihoods", "completion")),
                name="models_runner_elicitation_kind",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.digest[:12]}"
