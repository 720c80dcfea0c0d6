"""The registry of language models: who is offered, and a row as what a backend needs."""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from models_runner.models import Benchmark, LanguageModel
from models_runner.ports import ModelSpecification, TemplateKind
from venire import environment

LEFT_OUT = "(left out)"
# Names of what backends' parameters may hold of credentials, such as a header in `extra_body`.
_CREDENTIAL = re.compile(
    r"(key|secret|password|passwd|passphrase|authorization|credentials?|cookie|(^|[_-])auth"
    r"|(^|[_-]|access|auth|api|bearer)token)$",
    re.IGNORECASE,
)


def model_specification(*, model: LanguageModel) -> ModelSpecification:
    """A row of the registry for `models_runner.ports.load_language_model`."""
    return ModelSpecification(
        name=model.name,
        kind=model.kind,
        location=model.location,
        model_id=model.model_id,
        revision=model.revision,
        dtype=model.dtype,
        device=model.device,
        template=TemplateKind(model.template),
        parameters=dict(model.parameters),
        key_variable=model.key_variable,
        input_price=model.input_price,
        output_price=model.output_price,
        requests_per_minute=model.requests_per_minute,
        tokens_per_minute=model.tokens_per_minute,
        parallel_requests=model.parallel_requests,
        timeout_seconds=float(model.timeout_seconds),
    )


def offered_models() -> QuerySet[LanguageModel]:
    """Models that researchers can choose for new work."""
    return LanguageModel.objects.filter(is_offered=True)


def why_fixed(*, model: LanguageModel) -> str:
    """What rests on a model, so that what decides its answers can't change; empty: nothing.

    A run of a benchmark counts from the moment that it is asked for, as a completion does.
    """
    if not model.pk:
        return ""
    if model.generations.exists():
        return "Responses of this model rest on it"
    # Definitions name models by their random ids, which stand nowhere else in them.
    named = Benchmark.objects.alias(written=Cast("definition", TextField())).filter(
        written__contains=str(model.public_id), runs__isnull=False
    )
    return "Runs of benchmarks rest on it" if named.exists() else ""


def warnings_of(*, model: LanguageModel) -> list[str]:
    """What may go wrong with a row that is legal as it stands; sentences."""
    found = []
    kinds = LanguageModel.Kind
    is_folder = _is_path(model.location)
    if model.kind == kinds.TRANSFORMERS and not model.revision and not is_folder:
        found.append(
            "No revision is pinned: the hub may serve other weights tomorrow. Put the commit's hash"
            " into the revision."
        )
    if model.kind == kinds.OPENAI and not model.revision:
        found.append(
            "No revision is written down: whoever runs the endpoint may change the model under this"
            " name. Where they offer a dated name, use that, and put the date into the revision."
        )
    if model.key_variable and not environment.variable(model.key_variable):
        found.append(
            f"The environment variable {model.key_variable} is not set in this process. It must be"
            " set where the worker runs; the check below says whether it is."
        )
    if model.kind == kinds.OPENAI and not model.key_variable:
        found.append("No variable with a key is named: requests are sent without one.")
    if model.kind == kinds.OPENAI and model.location.startswith("http://"):
        host = urlsplit(model.location).hostname or ""
        if host not in ("localhost", "127.0.0.1", "::1"):
            found.append(
                "The address begins with http://, so that key and prompts travel unencrypted."
            )
    return found


def _is_path(location: str) -> bool:
    return location.startswith((".", "/", "~"))


def published_location(location: str) -> str:
    """Where a model comes from, for readers elsewhere: of a path on the worker's machine the last
    part alone.
    """
    return PurePath(location).name if _is_path(location) else location


def published_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What the backend takes beside; a value under a name such as `api_key` is :data:`LEFT_OUT`."""
    shown: dict[str, Any] = _without_credentials(parameters)
    return shown


def _without_credentials(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: LEFT_OUT if _CREDENTIAL.search(name) else _without_credentials(own)
            for name, own in value.items()
        }
    if isinstance(value, list):
        return [_without_credentials(own) for own in value]
    return value
