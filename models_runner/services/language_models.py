"""The registry of language models: rows written, and checked by asking something trivial."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from juries.models import Run, User
from juries.services.audit import record_act
from juries.services.runs import RunContext, RunRefused, request_run
from models_runner.models import LanguageModel
from models_runner.ports import (
    Ability,
    AbilityMissing,
    GenerationRequest,
    LanguageModelProblem,
    load_language_model,
)
from models_runner.ports import LanguageModel as LoadedModel
from models_runner.selectors.generation import CHECK_KIND
from models_runner.selectors.language_models import model_specification, why_fixed
from models_runner.services.completions import note_identity

TRIVIAL_PROMPT = "Answer with one word: what colour is a clear sky at noon?"
TRIVIAL_LETTERS = "Which comes first?\nA. one\nB. two\nAnswer Choice:"


class ModelRefused(ValueError):
    """A row of the registry can't be written so. `field` names what is wrong; empty: all of it."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def problems_of_model(*, model: LanguageModel) -> dict[str, str]:
    """Why a row can't be saved as it is, by field; empty where it can."""
    found: dict[str, str] = {}
    kinds = LanguageModel.Kind
    if model.kind == kinds.OPENAI:
        _look_at_endpoint(model, found)
    elif model.model_id:
        found["model_id"] = "Only an endpoint has this; leave it blank."
    if not isinstance(model.parameters, dict):
        found["parameters"] = "Write a JSON object, such as {}."
    if model.kind not in settings.LANGUAGE_MODEL_BACKENDS:
        found["kind"] = f"There is no backend {model.kind!r} in this installation."
    if (model.input_price is None) != (model.output_price is None):
        blank = "input_price" if model.input_price is None else "output_price"
        found[blank] = "Give both prices or neither; for a free model both are 0."
    if model.base_model is not None and model.base_model == model:
        found["base_model"] = "A model is not its own base."
    if reason := why_fixed(model=model):
        # Another identity would be asked everything anew, and mixed with what was answered.
        before = LanguageModel.objects.get(pk=model.pk)
        for name in LanguageModel.FIXED_FIELDS:
            if getattr(before, name) != getattr(model, name):
                found[name] = (
                    f"{reason}, so it stays. Register another revision as a model of its own"
                    " instead."
                )
    return found


def _look_at_endpoint(model: LanguageModel, found: dict[str, str]) -> None:
    try:
        parts = urlsplit(model.location)
        legal = parts.scheme in ("http", "https") and bool(parts.hostname)
        legal = legal and (parts.port is None or parts.port > 0)
    except ValueError:
        legal = False
    if not legal:
        found["location"] = f"{model.location!r} is no address; write it like https://host/v1."
    elif parts.username or parts.password or parts.query or parts.fragment:
        found["location"] = (
            "The address must hold no user, password or query. Put the key into an environment"
            " variable of the worker and name that."
        )
    if not model.model_id:
        found["model_id"] = "Write the model's name at the endpoint."


@transaction.atomic
def save_model(*, model: LanguageModel, actor: User | None) -> LanguageModel:
    """Write a new or changed row of the registry.

    Raises:
        ModelRefused: it can't be written so; names the field.
    """
    for field, message in problems_of_model(model=model).items():
        raise ModelRefused(message, field=field)
    is_new = model.pk is None
    before = None if is_new else LanguageModel.objects.select_for_update().get(pk=model.pk)
    model.save()
    changed = (
        []
        if before is None
        else [
            field.attname
            for field in LanguageModel._meta.concrete_fields
            if getattr(before, field.attname) != getattr(model, field.attname)
        ]
    )
    record_act(
        actor=actor,
        verb="registered a language model" if is_new else "changed a language model",
        subject=model,
        details={} if is_new else {"changed": changed},
    )
    return model


@transaction.atomic
def request_check(*, model: LanguageModel, requested_by: User | None) -> Run:
    """Ask for a trivial prompt to be put to a model."""
    run = request_run(
        kind=CHECK_KIND,
        title=f"Check of {model}",
        parameters={"model": model.pk},
        requested_by=requested_by,
        page_path=reverse("admin:models_runner_languagemodel_change", args=[model.pk]),
    )
    LanguageModel.objects.filter(pk=model.pk).update(check_run=run)
    return run


def perform_check(context: RunContext) -> Mapping[str, Any]:
    """Load a model, ask something trivial by each of its abilities, and write down what came."""
    model = LanguageModel.objects.get(pk=context.run.parameters["model"])
    context.progress(0, 4, "loading")
    try:
        loaded = load_language_model(model_specification(model=model))
        found = _try_abilities(context, model, loaded)
    except LanguageModelProblem as problem:
        note_check(model=model, run=context.run, error=str(problem))
        raise RunRefused(str(problem)) from problem
    note_identity(model=model, loaded=loaded)
    note_check(model=model, run=context.run, error="", abilities=found["abilities"])
    context.progress(4, 4, "done")
    return {
        **found,
        "identity": loaded.identity,
        "weights_digest": loaded.weights_digest,
        "revision": loaded.revision,
    }


def _try_abilities(
    context: RunContext, model: LanguageModel, loaded: LoadedModel
) -> dict[str, Any]:
    """What each ability answers; one that turns out to be missing is written down as such."""
    found: dict[str, Any] = {}
    able = []
    context.progress(1, 4, "asking for a completion")
    if Ability.GENERATE in loaded.abilities:
        # A file of responses has none to this prompt, which says nothing against it.
        found |= _completion(loaded, must=model.kind != LanguageModel.Kind.FILE)
        able.append(Ability.GENERATE)
    context.progress(2, 4, "asking for letters")
    try:
        if Ability.NEXT_LETTERS in loaded.abilities:
            scores = loaded.next_letters([TRIVIAL_LETTERS], ["A", "B"])
            found["letter_mass"] = float(scores.letter_mass[0])
            able.append(Ability.NEXT_LETTERS)
    except AbilityMissing as missing:
        context.log(str(missing))
    context.progress(3, 4, "asking for the likelihood of options")
    try:
        if Ability.OPTION_LIKELIHOODS in loaded.abilities:
            scored = loaded.option_likelihoods([TRIVIAL_PROMPT], [[" Blue", " Green"]])
            found["option_likelihoods"] = scored[0].total.tolist()
            able.append(Ability.OPTION_LIKELIHOODS)
    except AbilityMissing as missing:
        context.log(str(missing))
    return {**found, "abilities": [str(ability) for ability in able]}


def _completion(loaded: LoadedModel, *, must: bool) -> dict[str, Any]:
    request = GenerationRequest(
        key="check", prompt=TRIVIAL_PROMPT, max_tokens=16, temperature=0, seed=0
    )
    completion = loaded.generate([request])[0]
    if completion.failed and must:
        raise LanguageModelProblem(completion.error)
    return {
        "prompt": TRIVIAL_PROMPT,
        "answer": completion.text,
        "finish_reason": completion.finish_reason.value,
        "cost": None if completion.cost is None else str(completion.cost),
    }


@transaction.atomic
def note_check(
    *, model: LanguageModel, run: Run, error: str, abilities: list[str] | None = None
) -> None:
    """Write down what a check found."""
    model.checked_at = timezone.now()
    model.check_run = run
    model.check_error = error
    if abilities is not None:
        model.abilities = abilities
    model.save(update_fields=("checked_at", "check_run", "check_error", "abilities"))
