"""A model behind an endpoint: what it can be asked for, and how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx2
import numpy as np

from models_runner.backends.language.openai_compatible.calls import bound
from models_runner.backends.language.openai_compatible.endpoint import Endpoint
from models_runner.backends.language.openai_compatible.failures import GaveUp, Withheld
from models_runner.backends.language.openai_compatible.replies import (
    first_choice,
    first_top_tokens,
    text_and_ending,
    token_counts,
)
from models_runner.backends.language.prompting import (
    as_messages,
    as_text,
    identity_of,
    refuse_unknown_parameters,
    ways_to_write,
)
from models_runner.ports import (
    Ability,
    AbilityMissing,
    Completion,
    FinishReason,
    GenerationRequest,
    LanguageModel,
    LetterScores,
    ModelSpecification,
    ModelUnavailable,
    OptionScores,
    Progress,
    Prompt,
    RequestFailed,
    TemplateKind,
)

FAILURES_IN_A_ROW = 5
"""Requests that all failed, each after all its attempts: the endpoint is down."""

TOP_LOGPROBS = 20
PARAMETERS: Mapping[str, type | tuple[type, ...]] = {
    "attempts": int,
    "extra_body": dict,
    "first_wait": (int, float),
    "max_tokens_field": str,
    "send_seed": bool,
    "send_temperature": bool,
    "top_logprobs": int,
}


def load(specification: ModelSpecification) -> LanguageModel:
    """The model behind an endpoint; nothing is asked of it yet.

    Raises:
        ModelUnavailable: the address is none, the model has no name there, or the variable with
            the key is not set.
    """
    return OpenAICompatibleModel(specification)


class OpenAICompatibleModel:
    """A model behind an endpoint.

    The template decides how it is asked: "chat" by `/chat/completions`; "plain" by `/completions`,
    which also shows the log-probabilities of given text where the endpoint has `echo`.

    Among `parameters` there may be: "attempts" (6) and "first_wait" (1 s; it doubles);
    "extra_body", what else to send; "max_tokens_field" ("max_tokens"); "send_seed" and
    "send_temperature" (true), for endpoints that refuse them; "top_logprobs" (20; 0 where the
    endpoint offers none).
    """

    def __init__(self, specification: ModelSpecification) -> None:
        refuse_unknown_parameters(specification, PARAMETERS)
        self.name = f"{specification.location}#{specification.model_id}"
        self.revision = specification.revision
        self.weights_digest = ""
        self.identity = identity_of(specification, location=specification.location)
        self._specification = specification
        self._called = specification.name
        self._plain = specification.template is TemplateKind.PLAIN
        self._endpoint = Endpoint(
            specification, path="completions" if self._plain else "chat/completions"
        )
        own = specification.parameters
        self._top = int(own.get("top_logprobs", TOP_LOGPROBS))
        abilities = {Ability.GENERATE}
        if self._top > 0:
            abilities.add(Ability.NEXT_LETTERS)
            if self._plain:
                abilities.add(Ability.OPTION_LIKELIHOODS)
        self.abilities = frozenset(abilities)

    # --- abilities --------------------------------------------------------------------------------

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        *,
        on_done: Callable[[Completion], None] | None = None,
        progress: Progress | None = None,
    ) -> list[Completion]:
        """See `LanguageModel`."""
        found: dict[int, Completion] = {}
        in_a_row = 0

        def keep(place: int, completion: Completion) -> None:
            found[place] = completion
            if on_done is not None:
                on_done(completion)

        with (
            self._endpoint.connected() as client,
            self._endpoint.calls([bound(self._complete, client, one) for one in requests]) as calls,
        ):
            try:
                for place, (completion, gave_up) in calls.each(
                    alive=lambda: progress(len(found), len(requests)) if progress else None
                ):
                    keep(place, completion)
                    if progress is not None:
                        progress(len(found), len(requests))
                    in_a_row = in_a_row + 1 if gave_up else 0
                    if in_a_row >= FAILURES_IN_A_ROW:
                        raise ModelUnavailable(
                            f"{self._called}: {in_a_row} requests in a row have failed, so no more"
                            f" are sent. The last: {completion.error}"
                        )
            except BaseException:
                # Whatever ends the work: requests under way are paid for, so their answers count.
                for place, (completion, _) in calls.rest():
                    keep(place, completion)
                raise
        return [found[place] for place in range(len(requests))]

    def next_letters(
        self,
        prompts: Sequence[Prompt],
        letters: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> LetterScores:
        """See `LanguageModel`. Letters that are not among the endpoint's likeliest tokens: -inf."""
        self._need(Ability.NEXT_LETTERS, "It was registered as one without log-probabilities.")
        ways = ways_to_write(letters)
        scores = np.full((len(prompts), len(ways), 2), -np.inf)
        answered: set[int] = set()
        with (
            self._endpoint.connected() as client,
            self._endpoint.calls(
                [bound(self._top_tokens, client, own, place) for place, own in enumerate(prompts)]
            ) as calls,
        ):
            for place, top in calls.each(
                alive=lambda: progress(len(answered), len(prompts)) if progress else None
            ):
                for letter, own in enumerate(ways):
                    for way, token in enumerate(own):
                        scores[place, letter, way] = top.get(token, -np.inf)
                answered.add(place)
                if progress is not None:
                    progress(len(answered), len(prompts))
        return LetterScores(scores=scores, ways=ways)

    def option_likelihoods(
        self,
        prompts: Sequence[Prompt],
        options: Sequence[Sequence[str]],
        *,
        progress: Progress | None = None,
    ) -> list[OptionScores]:
        """See `LanguageModel`. By `/completions` with `echo`, as vLLM and llama.cpp offer it."""
        self._need(
            Ability.OPTION_LIKELIHOODS,
            "Chat endpoints show no log-probabilities of given text. Register it with the plain"
            " template if it has /completions with echo.",
        )
        owners = [(place, rank) for place, own in enumerate(options) for rank in range(len(own))]
        totals = [np.full(len(own), np.nan) for own in options]
        counts = [np.zeros(len(own), dtype=np.int64) for own in options]
        with (
            self._endpoint.connected() as client,
            self._endpoint.calls(
                [
                    bound(self._echoed, client, as_text(prompts[place]), options[place][rank])
                    for place, rank in owners
                ]
            ) as calls,
        ):
            for index, (total, count) in calls.each():
                place, rank = owners[index]
                totals[place][rank], counts[place][rank] = total, count
                if progress is not None:
                    progress(sum(bool((own > 0).all()) for own in counts), len(prompts))
        return [
            OptionScores(total=total, mean=total / np.maximum(count, 1), tokens=count)
            for total, count in zip(totals, counts, strict=True)
        ]

    def _need(self, ability: Ability, why: str) -> None:
        if ability not in self.abilities:
            raise AbilityMissing(f"{self._called} can't give this. {why}")

    # --- single requests --------------------------------------------------------------------------

    def _complete(
        self, client: httpx2.Client, request: GenerationRequest
    ) -> tuple[Completion, bool]:
        """The completion, and whether all attempts at it were in vain."""
        empty = Completion(key=request.key, text="", finish_reason=FinishReason.FAILED)
        body = self._body(request.prompt, max_tokens=request.max_tokens)
        own = self._specification.parameters
        if own.get("send_temperature", True):
            body |= {"temperature": request.temperature, "top_p": request.top_p}
        if request.seed is not None and own.get("send_seed", True):
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = list(request.stop)
        try:
            answer = self._endpoint.ask(client, body, check=first_choice)
        except Withheld as withheld:
            filtered = FinishReason.FILTERED
            return replace(empty, finish_reason=filtered, error=str(withheld)), False
        except GaveUp as failure:
            return replace(empty, error=str(failure), attempts=self._endpoint.attempts), True
        except RequestFailed as failure:
            return replace(empty, error=str(failure)), False
        choice = first_choice(answer.body)
        read, written = token_counts(answer.body)
        text, reason = text_and_ending(choice)
        completion = Completion(
            key=request.key,
            text=text.strip(),
            finish_reason=reason,
            prompt_tokens=read,
            completion_tokens=written,
            cost=self._cost(read, written),
            attempts=answer.attempts,
        )
        return completion, False

    def _top_tokens(self, client: httpx2.Client, prompt: Prompt, place: int) -> Mapping[str, float]:
        """Log-probabilities of the likeliest next tokens, by token."""
        body = self._body(prompt, max_tokens=1) | {"temperature": 1}
        body |= (
            {"logprobs": self._top}
            if self._plain
            else {"logprobs": True, "top_logprobs": self._top}
        )
        try:
            answer = self._endpoint.ask(client, body, check=first_choice)
        except Withheld as withheld:
            raise RequestFailed(f"{self._called}: prompt {place + 1}: {withheld}") from withheld
        except RequestFailed as failure:
            raise RequestFailed(f"Prompt {place + 1}: {failure}") from failure
        top = first_top_tokens(first_choice(answer.body))
        if top is None:
            raise AbilityMissing(
                f"{self._called}: the endpoint answered without log-probabilities. Register it with"
                ' "top_logprobs": 0, and count sampled answers instead.'
            )
        return top

    def _echoed(self, client: httpx2.Client, prompt: str, option: str) -> tuple[float, int]:
        """Sum of the option's log-probabilities, and how many tokens it has."""
        body = self._body(prompt + option, max_tokens=1) | {"logprobs": 1, "echo": True}
        answer = self._endpoint.ask(client, body, check=first_choice)
        logprobs = first_choice(answer.body).get("logprobs") or {}
        offsets, values = logprobs.get("text_offset"), logprobs.get("token_logprobs")
        if not isinstance(offsets, list) or not isinstance(values, list):
            raise AbilityMissing(
                f"{self._called}: the endpoint does not give back the log-probabilities of the"
                " prompt (echo). Read letters, or count sampled answers instead."
            )
        end = len(prompt) + len(option)
        own = [
            float(value)
            for offset, value in zip(offsets, values, strict=False)
            if value is not None and len(prompt) <= offset < end
        ]
        if not own:
            raise RequestFailed(f"{self._called}: {option!r} has no token after its prompt.")
        return sum(own), len(own)

    def _body(self, prompt: Prompt, *, max_tokens: int) -> dict[str, Any]:
        own = self._specification.parameters
        body: dict[str, Any] = {
            "model": self._specification.model_id,
            str(own.get("max_tokens_field", "max_tokens")): max_tokens,
            **own.get("extra_body", {}),
        }
        if self._plain:
            body["prompt"] = as_text(prompt)
        else:
            body["messages"] = [
                {"role": message.role, "content": message.content}
                for message in as_messages(prompt)
            ]
        return body

    def _cost(self, read: int | None, written: int | None) -> Decimal | None:
        own = self._specification
        if None in (read, written, own.input_price, own.output_price):
            return None
        assert read is not None and written is not None  # noqa: PT018 - narrows four at once
        assert own.input_price is not None and own.output_price is not None  # noqa: PT018
        return (read * own.input_price + written * own.output_price) / Decimal(1_000_000)
