"""Language models, which sources of the study they are, and every completion of theirs."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from annotations.models import Response, Study
from annotations.parts.base import BundleRow, Cell, TablePart, cell
from annotations.ports import ExportOptions, ImportedIds
from annotations.selectors.exports import public_ids, query_names, remembered, response_names
from models_runner.domain.benchmark_definition import named_models
from models_runner.models import Generation, LanguageModel, ModelSource
from models_runner.parts.imported import imported_run
from models_runner.ports import FinishReason
from models_runner.selectors.benchmarks.runs import published_runs
from models_runner.selectors.language_models import published_location, published_parameters

MODELS = "language_models"


@remembered
def model_names(study: Study, using: str) -> dict[int, str]:
    """Public ids of the registry's models by primary key, whichever study they belong to."""
    del study
    return public_ids(LanguageModel.objects.using(using))


MODEL: Cell = cell(
    "model", "string", "id of the language model", path="model_id", lookup=model_names
)


class LanguageModelsPart(TablePart[LanguageModel]):
    """The models that wrote responses of the study, or were measured in it.

    The registry is one for all studies, so that a model which is here already is not made again.
    One that comes with a data set is not on offer: whoever may manage the registry decides whether
    anything is asked at an address that a file names.
    """

    name = MODELS
    meaning = (
        "Language models that wrote responses or were benchmarked, with the models that they were"
        " aligned from. Keys are no part of it, nor how the software that ran them reached them."
    )
    model = LanguageModel
    id_columns = ("model",)
    cells = (
        cell("model", "string", "random id of the model", path="public_id", is_uuid=True),
        cell("name", "string", "as people read it"),
        cell("kind", "string", "how it was reached: transformers, openai, embedded or file"),
        cell(
            "location",
            "string",
            "hub id, address of an endpoint or package; of a folder or file its name alone",
            convert=published_location,
        ),
        cell("model_id", "string", "its name at an endpoint"),
        cell("revision", "string", "the pinned revision; empty: none"),
        cell("dtype", "string", "number type of the computation, or auto"),
        cell("template", "string", "how prompts become text: chat or plain"),
        cell(
            "parameters",
            "json",
            "what else the backend was given; what looks like a credential is left out",
            convert=published_parameters,
        ),
        cell("input_price", "float", "price of a million tokens read; empty: not known"),
        cell("output_price", "float", "price of a million tokens written; empty: not known"),
        cell("currency", "string", "of prices and costs"),
        cell(
            "base_model",
            "string",
            "of an aligned model: id of the one before alignment",
            path="base_model_id",
            lookup=model_names,
        ),
        cell("description", "string", "what else is known of it"),
        cell("weights_digest", "string", "SHA-256 of its weights; empty: never seen"),
        cell("identity", "string", "SHA-256 over what decides its answers, weights included"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[LanguageModel]:
        """Models of the study, in the order of their ids, which is the same everywhere."""
        registry = LanguageModel.objects.using(using)
        named = {
            name
            for definition in published_runs(study=study, options=options, using=using).values_list(
                "benchmark__definition", flat=True
            )
            for name in named_models(definition)
        }
        asked = Generation.objects.using(using).filter(query__study=study).order_by()
        signed = ModelSource.objects.using(using).filter(source__study=study).order_by()
        keys = {
            *asked.values_list("model_id", flat=True).distinct(),
            *signed.values_list("model_id", flat=True),
            *(key for key, name in model_names(study, using).items() if name in named),
        }
        bases: dict[int, int | None] = dict(registry.order_by().values_list("pk", "base_model_id"))
        wanted: set[int] = set()
        while keys:
            wanted |= keys
            keys = {base for key in keys if (base := bases[key]) is not None} - wanted
        return registry.filter(pk__in=wanted).order_by("public_id")

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Find each model here, or write it into the registry without offering it."""
        known = ids.rows.setdefault(self.name, {})
        made: dict[int, BundleRow] = {}
        total = 0
        for total, values in enumerate(rows, start=1):
            row = BundleRow(table=self.name, number=total, values=values, ids=ids)
            if row.given("model") in known:
                raise row.problem("model stands twice.")
            found = _same_model(row)
            if found is None:
                found = self.build(row=row, study=study)
                found.save()
                made[found.pk] = row
            known[row.given("model")] = found.pk
        for key, row in made.items():
            base = row.maybe_ref("base_model", self.name)
            if base == key:
                raise row.problem("base_model is the model itself.")
            LanguageModel.objects.filter(pk=key).update(base_model_id=base)
        return total

    def build(self, *, row: BundleRow, study: Study) -> LanguageModel:
        """A row for the registry; whatever is here under its id or its name stays as it is."""
        public_id = row.uuid("model")
        if LanguageModel.objects.filter(public_id=public_id).exists():
            public_id = uuid4()
        model = LanguageModel(
            public_id=public_id,
            name=_free_name(row.given("name")),
            is_offered=False,
            currency=row.given("currency"),
            input_price=_price(row["input_price"]),
            output_price=_price(row["output_price"]),
            weights_digest=row.given("weights_digest"),
            identity=row.given("identity"),
            description=row.given("description"),
            **_decides(row),
        )
        try:
            model.full_clean(validate_unique=False)
        except ValidationError as problem:
            field, messages = next(iter(problem.message_dict.items()))
            raise row.problem(f"{field}: {messages[0]}") from problem
        return model


def _decides(row: BundleRow) -> dict[str, Any]:
    """Fields that decide what the model answers, without the name, which people choose."""
    names = (name for name in LanguageModel.FIXED_FIELDS if name not in ("name", "parameters"))
    return {**{name: row.given(name) for name in names}, "parameters": _object(row, "parameters")}


def _same_model(row: BundleRow) -> LanguageModel | None:
    """The model of the registry that a row tells of: by its id, if what decides agrees."""
    found = LanguageModel.objects.filter(public_id=row.uuid("model")).first()
    if found is None:
        return None
    here = {name: getattr(found, name) for name in LanguageModel.FIXED_FIELDS if name != "name"}
    here["location"] = published_location(found.location)
    here["parameters"] = published_parameters(found.parameters)
    weights = {found.weights_digest, row["weights_digest"]} - {"", None}
    return found if here == _decides(row) and len(weights) < 2 else None


def _free_name(name: str) -> str:
    longest = LanguageModel._meta.get_field("name").max_length or 0
    free, number = name, 1
    while LanguageModel.objects.filter(name=free).exists():
        number += 1
        free = f"{name[: longest - 10]} ({number})"
    return free


def _price(written: float | None) -> Decimal | None:
    return None if written is None else Decimal(repr(written))


class ModelSourcesPart(TablePart[ModelSource]):
    """Which of the study's sources are language models, and how each is asked."""

    name = "model_sources"
    meaning = "Sources whose responses a language model wrote, and what each was asked with."
    model = ModelSource
    cells = (
        cell("source", "string", "name of the source", path="source__name"),
        cell("source_revision", "string", "its revision", path="source__revision"),
        MODEL,
        cell("settings", "json", "system prompt, temperature, seed ...: the same for all queries"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[ModelSource]:
        """Links of the study's sources."""
        found = ModelSource.objects.using(using).filter(source__study=study)
        return found.order_by("source_id")

    def build(self, *, row: BundleRow, study: Study) -> ModelSource:
        """One link."""
        return ModelSource(
            source_id=row.ref_pair(("source", "source_revision"), "sources"),
            model_id=row.ref("model", MODELS),
            settings=_object(row, "settings"),
        )


class GenerationsPart(TablePart[Generation]):
    """Every completion that was wanted for the study's queries."""

    name = "generations"
    meaning = (
        "Completions that language models were asked for: prompt, parameters, seed, what came, and"
        " the response that it became."
    )
    model = Generation
    batch_rows: ClassVar[int] = 500  # prompts and completions may be long
    dated: ClassVar[Mapping[str, str]] = {"created_at": "created_at"}
    cells = (
        cell("generation", "string", "random id of the completion", path="public_id", is_uuid=True),
        MODEL,
        cell("query", "string", "id of the query", path="query_id", lookup=query_names),
        cell(
            "response",
            "string",
            "id of the response that it became; empty: none",
            path="response_id",
            lookup=response_names,
        ),
        cell("sample", "integer", "which of several, from 0"),
        cell("state", "string", "wanted, done or failed"),
        cell("prompt", "json", "a text, or a list of messages with role and content"),
        cell("parameters", "json", "all that was sent beside the prompt, the seed included"),
        cell("seed", "integer", "of the draws"),
        cell("prompt_digest", "string", "SHA-256 over prompt and parameters"),
        cell("text", "string", "what the model answered, as it came"),
        cell(
            "finish_reason",
            "string",
            "stop, length, filtered, refused or failed; empty: not asked yet",
        ),
        cell("prompt_tokens", "integer", "tokens read; empty: not known"),
        cell("completion_tokens", "integer", "tokens written; empty: not known"),
        cell("cost", "float", "in the model's currency; empty: not known"),
        cell("attempts", "integer", "how often it was asked"),
        cell("error", "string", "why there is no answer; empty: there is one"),
        cell("model_identity", "string", "identity of the model as it was loaded"),
        cell("created_at", "timestamp", "when it was first wanted"),
        cell("done_at", "timestamp", "when the answer came"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Generation]:
        """Completions to the study's queries; other prompts belong to no study."""
        return Generation.objects.using(using).filter(query__study=study).order_by("pk")

    def builder(self, *, study: Study) -> Callable[[BundleRow], Generation]:
        """All rows of a bundle stand under one Run."""
        queries = dict(Response.objects.filter(query__study=study).values_list("pk", "query_id"))
        runs: list[int] = []

        def build(row: BundleRow) -> Generation:
            if not runs:
                runs.append(imported_run(study=study, what="Completions").pk)
            made = self.build(row=row, study=study)
            made.run_id = runs[0]
            if made.response_id is not None and queries[made.response_id] != made.query_id:
                raise row.problem("the response answers another query.")
            return made

        return build

    def build(self, *, row: BundleRow, study: Study) -> Generation:
        """One completion, as yet without a Run."""
        done = row.one_of("state", Generation.State)
        names = ("text", "error", "prompt_digest", "model_identity")
        if row["finish_reason"] not in ("", *FinishReason):
            raise row.problem(f"finish_reason is {row['finish_reason']!r}, which is no known one.")
        return Generation(
            public_id=row.public_id("generation"),
            model_id=row.ref("model", MODELS),
            query_id=row.ref("query", "queries"),
            response_id=row.maybe_ref("response", "responses"),
            sample=row.count("sample"),
            state=done,
            prompt=_prompt(row),
            parameters=_object(row, "parameters"),
            seed=row["seed"],
            finish_reason=row["finish_reason"],
            prompt_tokens=_count(row, "prompt_tokens"),
            completion_tokens=_count(row, "completion_tokens"),
            cost=_cost(row),
            attempts=row.count("attempts"),
            done_at=row["done_at"],
            **{name: row.given(name) for name in names},
        )


def _object(row: BundleRow, name: str) -> dict[str, Any]:
    value = row.given(name)
    if not isinstance(value, dict):
        raise row.problem(f"{name} is no JSON object.")
    return value


def _prompt(row: BundleRow) -> str | list[dict[str, str]]:
    """A text, or messages as they are stored."""
    prompt = row.given("prompt")
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and all(
        isinstance(one, dict)
        and one.keys() == {"role", "content"}
        and all(isinstance(text, str) for text in one.values())
        for one in prompt
    ):
        return prompt
    raise row.problem("prompt is neither a text nor a list of messages with role and content.")


def _count(row: BundleRow, name: str) -> int | None:
    return None if row[name] is None else row.count(name)


def _cost(row: BundleRow) -> Decimal | None:
    written = row["cost"]
    if written is None:
        return None
    if not 0 <= written < 1_000_000:
        raise row.problem(f"cost is {written}, but must be from 0 to below 1000000.")
    return Decimal(repr(written)).quantize(Decimal("1e-8"))
