"""Asking a language model for completions, each once, and keeping every one as it arrives.

The engine below generated responses, and below whatever else asks in a Run: give it what is wanted;
it writes the rows, asks for those that have no answer yet, and stores each in a transaction of its
own. A Run that was killed and starts again asks only for the rest.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from juries.models import Run
from juries.services.runs import RunContext, RunRefused
from models_runner.models import Generation, LanguageModel
from models_runner.ports import (
    Completion,
    FinishReason,
    GenerationRequest,
    Message,
    ModelUnavailable,
    Prompt,
    load_language_model,
)
from models_runner.ports import LanguageModel as LoadedModel
from models_runner.selectors.language_models import model_specification

ROWS_AT_ONCE = 500
LARGEST_SEED = 2**31


@dataclass(frozen=True, slots=True)
class Wanted:
    """A completion that is wanted.

    Attributes:
        prompt: what the model goes on with.
        max_tokens: the most tokens of the completion.
        temperature: 0 for the likeliest token each time.
        top_p: share of probability that is drawn from.
        stop: texts before which it ends.
        seed: of the work as a whole; each sample gets one of its own from it.
        sample: which of several, from 0.
        query_id: the query that it answers; None: a prompt that belongs to no study.
    """

    prompt: Prompt
    max_tokens: int = 512
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: str = ""
    sample: int = 0
    query_id: int | None = None

    @property
    def stored_prompt(self) -> str | list[dict[str, str]]:
        """The prompt as JSON."""
        if isinstance(self.prompt, str):
            return self.prompt
        return [{"role": own.role, "content": own.content} for own in self.prompt]

    @property
    def parameters(self) -> dict[str, Any]:
        """All that is sent beside the prompt."""
        return {
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "stop": list(self.stop),
            "seed": self.own_seed,
        }

    @property
    def own_seed(self) -> int:
        """The sample's seed, from the work's, the prompt and the number."""
        told = json.dumps([self.seed, self.stored_prompt, self.sample], sort_keys=True)
        return int(hashlib.sha256(told.encode()).hexdigest(), 16) % LARGEST_SEED

    @property
    def digest(self) -> str:
        """SHA-256 over the prompt and all parameters."""
        told = json.dumps([self.stored_prompt, self.parameters], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of it: rows in the order wanted, and what this Run spent on them.

    Attributes:
        rows: each done or failed.
        asked: how many were asked for now; the others had been answered before.
        cost: of those asked now; None where prices or counts are not known.
    """

    rows: tuple[Generation, ...]
    asked: int
    cost: Decimal | None

    @property
    def failed(self) -> tuple[Generation, ...]:
        """Those without an answer."""
        return tuple(row for row in self.rows if row.state == Generation.State.FAILED)


def load_for_run(*, model: LanguageModel) -> LoadedModel:
    """Load a model of the registry inside a Run, and hold it to what it was before.

    Raises:
        RunRefused: it can't be loaded or reached, or it is not what was asked before.
    """
    try:
        loaded = load_language_model(model_specification(model=model))
    except ModelUnavailable as problem:
        raise RunRefused(str(problem)) from problem
    if model.weights_digest and loaded.weights_digest != model.weights_digest:
        raise RunRefused(
            f"{model} is not the model that it was: its weights were"
            f" {model.weights_digest[:12]} when it was first loaded and are"
            f" {loaded.weights_digest[:12]} now. Either other weights lie there, or this machine"
            " computes in another number type: set the number type instead of auto, or register"
            " what is there now under another name, with its revision."
        )
    if loaded.identity != model.identity:
        note_identity(model=model, loaded=loaded)
    return loaded


@transaction.atomic
def note_identity(*, model: LanguageModel, loaded: LoadedModel) -> None:
    """Write down which weights stand behind a row of the registry, and what they can do."""
    model.weights_digest = loaded.weights_digest
    model.identity = loaded.identity
    model.abilities = sorted(loaded.abilities)
    model.save(update_fields=("weights_digest", "identity", "abilities"))


def ask_once(
    *,
    context: RunContext,
    model: LanguageModel,
    loaded: LoadedModel,
    wanted: Sequence[Wanted],
    on_stored: Callable[[Generation], None] | None = None,
) -> Asked:
    """Get a completion for each, asking only for those that were never answered.

    Args:
        context: of the Run; its progress counts completions.
        model: the row of the registry.
        loaded: the same, loaded (`load_for_run`).
        wanted: in the order of the rows that come back.
        on_stored: called inside the transaction that stores a completion.

    Raises:
        RunRefused: the model can't be asked (any more); what was answered is kept.
        RunCancelled: somebody asked to stop; likewise.
    """
    rows = write_wanted(run=context.run, model=model, wanted=wanted)
    pending = [row for row in rows if row.state != Generation.State.DONE]
    before = len(rows) - len(pending)
    spent = _Spent(currency=model.currency)
    by_key = {str(row.pk): row for row in pending}

    def on_done(completion: Completion) -> None:
        row = by_key[completion.key]
        completion = priced(model=model, completion=completion)
        keep_completion(
            row=row,
            completion=completion,
            identity=loaded.identity,
            on_stored=on_stored,
        )
        spent.add(completion)

    if before:
        context.log(f"{before} of {len(rows)} were answered before and are not asked again")
    context.progress(before, len(rows), spent.note)
    requests = [_request(row) for row in pending]
    try:
        loaded.generate(
            requests,
            on_done=on_done,
            progress=lambda done, _: context.progress(before + done, len(rows), spent.note),
        )
    except ModelUnavailable as problem:
        left = sum(row.state != Generation.State.DONE for row in rows)
        raise RunRefused(
            f"{problem} {len(rows) - left} of {len(rows)} completions are kept; start this again to"
            f" ask for the other {left}."
        ) from problem
    context.log(f"asked for {len(pending)}: {spent.note}")
    return Asked(rows=tuple(rows), asked=len(pending), cost=spent.cost)


def priced(*, model: LanguageModel, completion: Completion) -> Completion:
    """A completion with its cost, where the backend does not say and the registry has prices."""
    counts = (completion.prompt_tokens, completion.completion_tokens)
    prices = (model.input_price, model.output_price)
    if completion.cost is not None or None in counts or None in prices:
        return completion
    pairs = zip(counts, prices, strict=True)
    cost = sum((Decimal(count or 0) * (price or 0) for count, price in pairs), Decimal(0))
    return replace(completion, cost=cost / 1_000_000)


def _request(row: Generation) -> GenerationRequest:
    own = row.parameters
    prompt: Prompt = (
        row.prompt
        if isinstance(row.prompt, str)
        else tuple(Message(turn["role"], turn["content"]) for turn in row.prompt)
    )
    return GenerationRequest(
        key=str(row.pk),
        prompt=prompt,
        max_tokens=own["max_tokens"],
        temperature=own["temperature"],
        top_p=own["top_p"],
        stop=tuple(own["stop"]),
        seed=row.seed,
        sample=row.sample,
    )


class _Spent:
    """What a Run has spent so far."""

    def __init__(self, *, currency: str) -> None:
        self.cost: Decimal | None = Decimal(0)
        self.tokens = 0
        self._currency = currency

    def add(self, completion: Completion) -> None:
        """Count one more."""
        self.tokens += (completion.prompt_tokens or 0) + (completion.completion_tokens or 0)
        if completion.finish_reason is FinishReason.FAILED:
            return
        if completion.cost is None or self.cost is None:
            self.cost = None
        else:
            self.cost += completion.cost

    @property
    def note(self) -> str:
        """For the progress bar."""
        money = "cost not known" if self.cost is None else f"{self.cost:.4f} {self._currency}"
        return f"{self.tokens:,} tokens, {money} so far"


@transaction.atomic
def write_wanted(*, run: Run, model: LanguageModel, wanted: Sequence[Wanted]) -> list[Generation]:
    """The rows of what is wanted, in order; those that were never wanted before are made."""
    keys = [(own.query_id, own.digest, own.sample) for own in wanted]
    if len(set(keys)) < len(keys):
        raise ValueError("The same completion is wanted twice; give each a sample of its own.")
    found = _known(model, keys)
    Generation.objects.bulk_create(
        (
            Generation(
                model=model,
                run=run,
                query_id=own.query_id,
                prompt=own.stored_prompt,
                prompt_digest=own.digest,
                parameters=own.parameters,
                sample=own.sample,
                seed=own.own_seed,
            )
            for own, key in zip(wanted, keys, strict=True)
            if key not in found
        ),
        batch_size=ROWS_AT_ONCE,
        # Another Run may have written the same row at this moment; it is read below.
        ignore_conflicts=True,
    )
    if len(found) < len(keys):
        found = _known(model, keys)
    return [found[key] for key in keys]


_Key = tuple[int | None, str, int]


def _known(model: LanguageModel, keys: Sequence[_Key]) -> dict[_Key, Generation]:
    digests = list({digest for _, digest, _ in keys})
    found: dict[_Key, Generation] = {}
    for start in range(0, len(digests), ROWS_AT_ONCE):
        rows = Generation.objects.filter(
            model=model, prompt_digest__in=digests[start : start + ROWS_AT_ONCE]
        )
        found |= {(row.query_id, row.prompt_digest, row.sample): row for row in rows}
    return {key: found[key] for key in keys if key in found}


@transaction.atomic
def keep_completion(
    *,
    row: Generation,
    completion: Completion,
    identity: str,
    on_stored: Callable[[Generation], None] | None = None,
) -> None:
    """Store what came of one request. A failed one can be asked again; an answer stays."""
    row.state = Generation.State.FAILED if completion.failed else Generation.State.DONE
    row.text = completion.text
    row.finish_reason = completion.finish_reason.value
    row.prompt_tokens = completion.prompt_tokens
    row.completion_tokens = completion.completion_tokens
    row.cost = completion.cost
    row.attempts += completion.attempts
    row.error = completion.error
    row.model_identity = identity
    row.done_at = timezone.now()
    row.save()
    if on_stored is not None and row.state == Generation.State.DONE:
        on_stored(row)
