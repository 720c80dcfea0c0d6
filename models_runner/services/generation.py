"""Responses of a language model to a study's queries, generated in a Run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.urls import reverse

from annotations.models import Query, Response, Source, Study
from annotations.services.study_content import save_part
from juries.models import Run, User
from juries.services.audit import record_act
from juries.services.runs import RunContext, RunRefused, request_run
from models_runner.models import Generation, LanguageModel, ModelSource
from models_runner.ports import FinishReason, Message, Prompt
from models_runner.selectors.generation import GENERATE_KIND, askable_queries, pending_run
from models_runner.selectors.language_models import published_location
from models_runner.services.completions import Asked, Wanted, ask_once, load_for_run

MOST_SAMPLES = 20
MOST_TOKENS = 8192
_SHOWN_ERRORS = 3


class GenerationRefused(ValueError):
    """Responses can't be generated as asked; the message says why and what to do.

    Attributes:
        field: the field of the request that is wrong; empty if none is.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """What a model is asked, and how; the same for all queries.

    Attributes:
        system_prompt: stands before each query; empty: none.
        samples: responses to each query.
        max_tokens: the most tokens of a response.
        temperature: 0 for the likeliest token each time; at most 2.
        top_p: share of probability that is drawn from.
        seed: of the draws.
    """

    system_prompt: str = ""
    samples: int = 1
    max_tokens: int = 512
    temperature: float = 1.0
    top_p: float = 1.0
    seed: str = "0"

    def prompt(self, query: str) -> Prompt:
        """What the model is asked about one query."""
        system = (Message("system", self.system_prompt),) if self.system_prompt else ()
        return (*system, Message("user", query))

    def wanted(self, queries: Sequence[Query]) -> list[Wanted]:
        """Every sample to every query."""
        return [
            Wanted(
                prompt=self.prompt(query.text),
                max_tokens=self.max_tokens,
                temperature=self.temperature,
                top_p=self.top_p,
                seed=self.seed,
                sample=sample,
                query_id=query.pk,
            )
            for query in queries
            for sample in range(self.samples)
        ]

    @property
    def what_decides(self) -> dict[str, Any]:
        """All but the number of samples: more of the same are still the same source's."""
        return {name: value for name, value in asdict(self).items() if name != "samples"}


@transaction.atomic
def request_generation(
    *,
    study: Study,
    model: LanguageModel,
    settings: GenerationSettings,
    source_name: str = "",
    requested_by: User | None,
) -> Run:
    """Ask for a model's responses to all queries of a study that can take some.

    Args:
        study: whose queries.
        model: of the registry, and offered.
        settings: what it is asked, and how.
        source_name: how the source is called among the study's; empty: as the model is.
        requested_by: who asks.

    Raises:
        GenerationRefused: nothing can be asked, it is being asked now, or the source's name stands
            for something else.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    _refuse_bad_settings(settings)
    if not model.is_offered:
        raise GenerationRefused(f"{model} is not offered for new work.", field="model")
    if pending_run(study=locked, model=model) is not None:
        raise GenerationRefused(
            f"{model} is answering this study's queries now. Wait for that run, or cancel it."
        )
    queries, left_out = askable_queries(study=locked)
    if not queries:
        raise GenerationRefused(
            "The study has no query to answer. Add queries first."
            if not left_out
            else f"No query can take a response: {next(iter(left_out.values()))}"
        )
    source = _source(locked, model, settings, source_name.strip() or model.name)
    run = request_run(
        kind=GENERATE_KIND,
        title=f"Responses of {source} to {locked.title}",
        parameters={
            "study": locked.pk,
            "model": model.pk,
            "source": source.pk,
            "settings": asdict(settings),
        },
        seed=settings.seed,
        requested_by=requested_by,
        page_path=reverse("study-generation", args=[locked.public_id]),
    )
    record_act(
        actor=requested_by,
        verb="asked a language model for responses",
        subject=locked,
        details={"model": str(model), "source": str(source), "run": str(run.public_id)},
    )
    return run


def _refuse_bad_settings(settings: GenerationSettings) -> None:
    for name, value, low, high in (
        ("samples", settings.samples, 1, MOST_SAMPLES),
        ("max_tokens", settings.max_tokens, 1, MOST_TOKENS),
        ("temperature", settings.temperature, 0, 2),
    ):
        if not low <= value <= high:
            raise GenerationRefused(f"{name} is {value:g}; it must be {low} to {high}.", field=name)
    if not 0 < settings.top_p <= 1:
        raise GenerationRefused(
            f"top_p is {settings.top_p:g}; it must be above 0 and at most 1.", field="top_p"
        )


def _source(study: Study, model: LanguageModel, settings: GenerationSettings, name: str) -> Source:
    """The study's source for a model asked in one way; made if there is none."""
    revision = model.revision
    links = ModelSource.objects.filter(source__study=study, model=model).select_related("source")
    decides = settings.what_decides
    twin = next((own for own in links if own.settings == decides and own.source.name != name), None)
    if twin is not None:
        raise GenerationRefused(
            f"{model} is asked just the same under the name {twin.source.name!r}; its responses are"
            " those. Take that name, or change what is asked.",
            field="source_name",
        )
    source, made = Source.objects.get_or_create(
        study=study,
        name=name,
        revision=revision,
        defaults={"kind": Source.Kind.MODEL, "description": _described(model, settings)},
    )
    if made:
        ModelSource.objects.create(model=model, source=source, settings=decides)
        return source
    link = ModelSource.objects.filter(source=source).first()
    if link is None or link.model_id != model.pk:
        raise GenerationRefused(
            f"The study has a source {str(source)!r} already, which is not this model. Give the"
            " responses another source name.",
            field="source_name",
        )
    if link.settings != decides:
        changed = sorted(key for key, value in decides.items() if link.settings.get(key) != value)
        raise GenerationRefused(
            f"The source {str(source)!r} was asked with another"
            f" {', '.join(key.replace('_', ' ') for key in changed)}. Give these responses a source"
            " name of their own, so that they are not taken for the same.",
            field="source_name",
        )
    return source


def _described(model: LanguageModel, settings: GenerationSettings) -> str:
    told = f"{model.get_kind_display()}, {published_location(model.location)}"
    if model.model_id:
        told += f", {model.model_id}"
    if settings.system_prompt:
        told += f"\n\nSystem prompt: {settings.system_prompt}"
    return (
        f"{told}\n\nTemperature {settings.temperature:g}, top_p {settings.top_p:g}, at most"
        f" {settings.max_tokens} tokens, seed {settings.seed}."
    )


def perform_generation(context: RunContext) -> Mapping[str, Any]:
    """Ask the model about each query that it has not answered; each answer becomes a response."""
    given = context.run.parameters
    study = Study.objects.filter(pk=given["study"]).first()
    source = Source.objects.filter(pk=given["source"]).first()
    if study is None or source is None:
        raise RunRefused("The study, or the source of these responses, has been removed.")
    model = LanguageModel.objects.get(pk=given["model"])
    settings = GenerationSettings(**given["settings"])
    queries, left_out = askable_queries(study=study)
    for name, reason in left_out.items():
        context.log(f"query {name} is left out: {reason}")
    loaded = load_for_run(model=model)
    context.log(f"{model} is loaded, identity {loaded.identity[:12]}")
    by_id = {query.pk: query for query in queries}

    def keep(row: Generation) -> None:
        assert row.query_id is not None
        _keep_response(
            row=row, query=by_id[row.query_id], source=source, actor=context.run.requested_by
        )

    asked = ask_once(
        context=context,
        model=model,
        loaded=loaded,
        wanted=settings.wanted(queries),
        on_stored=keep,
    )
    for row in asked.rows:
        # Answered before, in a Run that ended in between, and whose response was removed since.
        if row.state == Generation.State.DONE and row.response_id is None:
            keep(row)
    return _summary(asked, model)


@transaction.atomic
def _keep_response(*, row: Generation, query: Query, source: Source, actor: User | None) -> None:
    """Turn an answer into a response; one that was withheld, or is blank, becomes none."""
    if row.response_id is not None or not row.text.strip():
        return
    if row.finish_reason == FinishReason.FILTERED:
        return
    response = save_part(
        study=source.study,
        part=Response(query=query, source=source, text=row.text),
        actor=actor,
    )
    assert isinstance(response, Response)
    row.response = response
    row.save(update_fields=("response",))


def _summary(asked: Asked, model: LanguageModel) -> Mapping[str, Any]:
    """The Run's result.

    Raises:
        RunRefused: some completions failed; what was answered is kept.
    """
    if asked.failed:
        errors = list(dict.fromkeys(row.error for row in asked.failed))
        more = f" (and {len(errors) - _SHOWN_ERRORS} other errors)" if len(errors) > 3 else ""
        raise RunRefused(
            f"{len(asked.failed)} of {len(asked.rows)} responses failed; the others are kept. "
            f"{' '.join(errors[:_SHOWN_ERRORS])}{more} Start this again to ask for"
            " the missing ones."
        )
    empty = [row for row in asked.rows if row.response_id is None]
    return {
        "responses": len(asked.rows) - len(empty),
        "asked": asked.asked,
        "withheld_or_blank": len(empty),
        "cut_at_max_tokens": sum(row.finish_reason == FinishReason.LENGTH for row in asked.rows),
        "cost": None if asked.cost is None else str(asked.cost),
        "currency": model.currency,
        "model_identity": model.identity,
    }
