"""The registry of language models, and what was asked of them."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models


class LanguageModel(models.Model):
    """A language model at a revision, and how it is reached. Keys are never stored.

    Once something has been asked of it, what decides its answers stays as it is
    (`models_runner.services.language_models`): another revision is another row.
    """

    class Kind(models.TextChoices):
        """Which backend: the keys of settings.LANGUAGE_MODEL_BACKENDS."""

        TRANSFORMERS = "transformers", "hub id or folder (transformers)"
        OPENAI = "openai", "OpenAI-compatible endpoint"
        EMBEDDED = "embedded", "packaged with Python (embedded)"
        FILE = "file", "responses from a file"

    class Template(models.TextChoices):
        """How a prompt becomes the text that the model reads."""

        CHAT = "chat", "the model's chat template"
        PLAIN = "plain", "plain text"

    class Dtype(models.TextChoices):
        """Number type of the computation."""

        AUTO = "auto", "auto (16 bits where the hardware has them)"
        FLOAT32 = "float32", "float32"
        BFLOAT16 = "bfloat16", "bfloat16"
        FLOAT16 = "float16", "float16"

    # What decides the answers: fixed once something has been asked.
    FIXED_FIELDS = (
        "name", "kind", "location", "model_id", "revision", "dtype", "template", "parameters",
    )  # fmt: skip

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(
        max_length=120, unique=True, help_text="As people shall read it on pages and in exports."
    )
    kind = models.CharField("backend", max_length=16, choices=Kind.choices)
    location = models.CharField(
        max_length=500,
        help_text=(
            "Hub id or folder; base address of an endpoint, such as https://host/v1; package;"
            " file on the worker's machine."
        ),
    )
    model_id = models.CharField(
        "name at the endpoint", max_length=200, blank=True, help_text="Endpoints only."
    )
    revision = models.CharField(
        max_length=120,
        blank=True,
        help_text="Commit of a hub id, so that it stays the same model; dated name elsewhere.",
    )
    dtype = models.CharField(
        "number type", max_length=12, choices=Dtype.choices, default=Dtype.AUTO
    )
    device = models.CharField(
        max_length=20,
        default="auto",
        validators=[
            RegexValidator(r"^(auto|cpu|mps|cuda(:\d+)?)$", "Use auto, cpu, mps, cuda or cuda:0.")
        ],
    )
    template = models.CharField(max_length=8, choices=Template.choices, default=Template.CHAT)
    parameters = models.JSONField(
        default=dict, blank=True, help_text="More that the backend takes, as a JSON object."
    )
    key_variable = models.CharField(
        "variable with the key",
        max_length=80,
        blank=True,
        validators=[
            RegexValidator(
                r"^[A-Z][A-Z0-9_]*$", "Capital letters, digits and _: a variable's name, not a key."
            )
        ],
        help_text="Name of the worker's environment variable that holds the key; never the key.",
    )
    input_price = models.DecimalField(
        "price of a million tokens read",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    output_price = models.DecimalField(
        "price of a million tokens written",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    currency = models.CharField(
        max_length=3,
        default="USD",
        validators=[RegexValidator(r"^[A-Z]{3}$", "Three capital letters, such as USD.")],
    )
    requests_per_minute = models.PositiveIntegerField(default=0, help_text="0: no limit.")
    tokens_per_minute = models.PositiveIntegerField(default=0, help_text="0: no limit.")
    parallel_requests = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(64)]
    )
    timeout_seconds = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(1), MaxValueValidator(3600)]
    )
    base_model = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="aligned_models",
        help_text="Of an aligned model: the one before alignment, for comparisons of such pairs.",
    )
    description = models.TextField(blank=True)
    is_offered = models.BooleanField(
        "offered", default=True, help_text="Researchers can choose it for new work."
    )
    # What the last check found; a model that was never checked has neither.
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    check_run = models.ForeignKey(
        "juries.Run",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="checked_language_models",
    )
    check_error = models.TextField(blank=True, editable=False)
    abilities = models.JSONField(default=list, blank=True, editable=False)
    weights_digest = models.CharField(max_length=64, blank=True, editable=False)
    identity = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind__in=("transformers", "openai", "embedded", "file")),
                name="models_runner_languagemodel_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(parallel_requests__gte=1, timeout_seconds__gte=1),
                name="models_runner_languagemodel_limits",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}" if self.revision else self.name

    @property
    def abilities_in_words(self) -> str:
        """What the last check found that it can give."""
        words = {
            "generate": "completions",
            "next_letters": "probabilities of letters",
            "option_likelihoods": "likelihoods of options",
        }
        return ", ".join(words.get(own, own) for own in self.abilities) or "nothing"


class ModelSource(models.Model):
    """The source, among those of a study, whose responses a model of the registry wrote."""

    model = models.ForeignKey(LanguageModel, on_delete=models.PROTECT, related_name="sources")
    source = models.OneToOneField(
        "annotations.Source", on_delete=models.CASCADE, related_name="language_model"
    )
    settings = models.JSONField(
        default=dict, blank=True, help_text="What the model is asked with; the same for all."
    )

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.source} by {self.model}"


class Generation(models.Model):
    """One completion that was wanted, and what came of it.

    A row is written before the model is asked. `prompt_digest` is a SHA-256 over the prompt and
    all parameters, the seed included, so that the same is never asked twice of a model, whichever
    Run wants it.
    """

    class State(models.TextChoices):
        """Where it stands."""

        WANTED = "wanted"
        DONE = "done"
        FAILED = "failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    model = models.ForeignKey(LanguageModel, on_delete=models.PROTECT, related_name="generations")
    run = models.ForeignKey(
        "juries.Run",
        on_delete=models.PROTECT,
        related_name="generations",
        help_text="The Run that asked first.",
    )
    query = models.ForeignKey(
        "annotations.Query",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="generations",
        help_text="Empty for a prompt that belongs to no study.",
    )
    prompt = models.JSONField(help_text="A text, or a list of messages with role and content.")
    prompt_digest = models.CharField(max_length=64)
    parameters = models.JSONField(default=dict)
    sample = models.PositiveIntegerField(default=0, help_text="Which of several, from 0.")
    seed = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WANTED)
    text = models.TextField(blank=True)
    finish_reason = models.CharField(max_length=12, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    completion_tokens = models.PositiveIntegerField(null=True, blank=True)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    model_identity = models.CharField(
        max_length=64, blank=True, help_text="Of the model as loaded, weights included."
    )
    response = models.OneToOneField(
        "annotations.Response",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="generation",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("run", "state"), name="models_runner_gen_run_state"),)
        constraints = (
            models.UniqueConstraint(
                fields=("model", "query", "prompt_digest", "sample"),
                name="models_runner_generation_once",
            ),
            models.UniqueConstraint(
                fields=("model", "prompt_digest", "sample"),
                condition=models.Q(query__isnull=True),
                name="models_runner_generation_alone_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=("wanted", "done", "failed")),
                name="models_runner_generation_state",
            ),
        )

    def __str__(self) -> str:
        return f"{self.model_id} on {self.query_id} ({self.get_state_display()})"
