"""What can be asked of language models for a study, what it may cost, what was asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Length

from annotations.models import Query, Study
from annotations.selectors.shown import why_query_is_paired
from juries.models import Run
from models_runner.models import Generation, LanguageModel

GENERATE_KIND = "models_runner.generate_responses"
CHECK_KIND = "models_runner.check_language_model"
LETTERS_PER_TOKEN = 4
"""Of English text, about; for estimates only."""


def askable_queries(*, study: Study) -> tuple[list[Query], Mapping[str, str]]:
    """Queries that can take responses, in order; and those that can't, by id, with the reason."""
    queries = []
    left_out = {}
    for query in study.queries.asked().order_by("ordinal").prefetch_related("repetitions"):
        if reason := why_query_is_paired(query):
            left_out[query.external_id] = reason
        else:
            queries.append(query)
    return queries, left_out


def pending_run(*, study: Study, model: LanguageModel) -> Run | None:
    """The Run in which a model answers a study's queries, unless it is over."""
    return (
        Run.objects.filter(
            kind=GENERATE_KIND, parameters__study=study.pk, parameters__model=model.pk
        )
        .exclude(state__in=Run.FINAL_STATES)
        .first()
    )


@dataclass(frozen=True)
class Estimate:
    """What generating may take, before anything is asked.

    Attributes:
        requests: how many completions.
        input_tokens: about, at four letters a token.
        output_tokens: at most.
        cost: at most, in the model's currency; None without prices.
        why_no_cost: the reason.
    """

    requests: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    why_no_cost: str


def estimate(
    *, study: Study, model: LanguageModel, system_prompt: str, samples: int, max_tokens: int
) -> Estimate:
    """What it may cost to have a model answer a study's queries."""
    rows = study.queries.asked().aggregate(letters=Sum(Length("text")), queries=Count("id"))
    requests = rows["queries"] * samples
    letters = (rows["letters"] or 0) * samples + len(system_prompt) * requests
    read = -(-letters // LETTERS_PER_TOKEN)
    written = max_tokens * requests
    if model.input_price is None or model.output_price is None:
        cost, why = None, "The registry has no prices for this model."
    else:
        cost = (read * model.input_price + written * model.output_price) / Decimal(1_000_000)
        why = ""
    return Estimate(requests, read, written, cost, why)


@dataclass(frozen=True)
class GenerationRow:
    """A Run that asked a model for responses, for a table.

    Attributes:
        run: the Run.
        model: which was asked; None if it has been removed from the registry.
        source: how its responses are signed.
        done: completions there are.
        failed: that failed last time.
        wanted: all of them.
        cost: of those there are; None where it is not known of each.
    """

    run: Run
    model: LanguageModel | None
    source: str
    done: int
    failed: int
    wanted: int
    cost: Decimal | None


def generation_runs(*, study: Study) -> list[GenerationRow]:
    """The Runs that asked for responses to a study's queries, newest first, at most 50."""
    runs = list(
        Run.objects.filter(kind=GENERATE_KIND, parameters__study=study.pk)
        .select_related("requested_by")
        .order_by("-created_at", "-id")[:50]
    )
    counted = {
        row["run"]: row
        for row in Generation.objects.filter(run__in=runs)
        .values("run")
        .annotate(
            wanted=Count("id"),
            done=Count("id", filter=Q(state=Generation.State.DONE)),
            failed=Count("id", filter=Q(state=Generation.State.FAILED)),
            priced=Count("cost"),
            cost=Sum("cost"),
        )
    }
    models = {own.pk: own for own in LanguageModel.objects.all()}
    sources = dict(study.sources.values_list("pk", "name"))
    found = []
    for run in runs:
        own: dict[str, Any] = dict(counted.get(run.pk, {}))
        done = own.get("done", 0)
        found.append(
            GenerationRow(
                run=run,
                model=models.get(run.parameters["model"]),
                source=sources.get(run.parameters["source"], "removed"),
                done=done,
                failed=own.get("failed", 0),
                wanted=own.get("wanted", 0),
                cost=own.get("cost") if done and own.get("priced", 0) >= done else None,
            )
        )
    return found


def generations_of(*, study: Study) -> QuerySet[Generation]:
    """Every completion that was wanted for a study's queries."""
    return Generation.objects.filter(query__study=study).select_related(
        "model", "run", "query", "response"
    )
