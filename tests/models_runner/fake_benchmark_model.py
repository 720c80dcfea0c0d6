"""A language model that answers by a script, for the tests of benchmarks.

What it does stands in the parameters of its row in the registry:

lean: probability of the first letter of each prompt, the others share the rest.
by_option: words -> weight; letters are then weighed by the option that they stand for.
mass: of all letters together, 0.9 unless given.
silent: no letter has any probability.
junk: log-probabilities that add up to more than 1.
fails_on: a text; prompts with it fail for good.
stops_after: requests, after which the model can't be reached (once in a process for each `name`).
says: what completions are, one after the other by seed; "{letter}" where nothing is given.
cannot: abilities that are missing.
missing: it can't be loaded at all; the message.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import numpy as np

from models_runner.ports import (
    Ability,
    AbilityMissing,
    Completion,
    FinishReason,
    GenerationRequest,
    LetterScores,
    ModelSpecification,
    ModelUnavailable,
    OptionScores,
    Progress,
    Prompt,
    RequestFailed,
)

ASKED: dict[str, int] = {}
"""Requests that reached each model, by its name in the registry."""


class ScriptedModel:
    """See above."""

    def __init__(self, specification: ModelSpecification) -> None:
        self.script: dict[str, Any] = dict(specification.parameters)
        if "missing" in self.script:
            raise ModelUnavailable(str(self.script["missing"]))
        self.name = specification.name
        self.revision = specification.revision
        self.weights_digest = ""
        self.identity = hashlib.sha256(
            f"{specification.location}{specification.revision}".encode()
        ).hexdigest()
        self.abilities = frozenset(Ability) - set(self.script.get("cannot", ()))

    def _count(self, prompt: Prompt) -> str:
        text = prompt if isinstance(prompt, str) else "\n".join(m.content for m in prompt)
        ASKED[self.name] = ASKED.get(self.name, 0) + 1
        if ASKED[self.name] > self.script.get("stops_after", inf):
            raise ModelUnavailable("the endpoint timed out 5 times in a row (HTTP 429).")
        if self.script.get("fails_on") and self.script["fails_on"] in text:
            raise RequestFailed("the endpoint answered with HTTP 400.")
        return text

    def next_letters(
        self,
        prompts: Sequence[Prompt],
        letters: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> LetterScores:
        """Scripted."""
        if Ability.NEXT_LETTERS in self.script.get("cannot", ()):
            raise AbilityMissing("it shows no log-probabilities.")
        scores = np.full((len(prompts), len(letters), 2), -inf)
        for place, prompt in enumerate(prompts):
            text = self._count(prompt)
            if self.script.get("silent"):
                continue
            shares = self._shares(text, len(letters)) * self.script.get("mass", 0.9)
            if self.script.get("junk"):
                shares = shares * 5
            with np.errstate(divide="ignore"):
                scores[place] = np.log(shares[:, None] * np.array([0.25, 0.75]))
        return LetterScores(scores, tuple((letter, f" {letter}") for letter in letters))

    def _shares(self, text: str, count: int) -> Any:
        shown = re.findall(r"^([A-Z])\. (.+)$", text.rsplit("\n\n", 1)[-1], re.MULTILINE)
        shares = np.full(count, 0.0)
        if "by_option" in self.script:
            weights = [float(self.script["by_option"].get(words, 0.0)) for _, words in shown]
        else:
            lean = float(self.script.get("lean", 0.6))
            weights = [lean, *[(1 - lean) / (len(shown) - 1)] * (len(shown) - 1)]
        shares[: len(weights)] = np.array(weights) / sum(weights)
        return shares

    def option_likelihoods(
        self,
        prompts: Sequence[Prompt],
        options: Sequence[Sequence[str]],
        *,
        progress: Progress | None = None,
    ) -> list[OptionScores]:
        """The longer an option, the less likely."""
        found = []
        for prompt, own in zip(prompts, options, strict=True):
            self._count(prompt)
            tokens = np.array([len(option.split()) for option in own])
            total = -np.arange(1, len(own) + 1, dtype=np.float64)
            found.append(OptionScores(total, total / tokens, tokens))
        return found

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        *,
        on_done: Callable[[Completion], None] | None = None,
        progress: Progress | None = None,
    ) -> list[Completion]:
        """What the script says, by the request's seed."""
        said = self.script.get("says", ["A", "B", "I would rather not say."])
        found = []
        for request in requests:
            try:
                text = self._count(request.prompt)
            except RequestFailed as problem:
                one = Completion(request.key, "", FinishReason.FAILED, error=str(problem))
            else:
                words = next(
                    (
                        said
                        for word, said in self.script.get("if_asked", {}).items()
                        if word in text
                    ),
                    said[(request.seed or 0) % len(said)],
                )
                one = Completion(request.key, words, FinishReason.STOP)
            found.append(one)
            if on_done is not None:
                on_done(one)
        return found


def load(specification: ModelSpecification) -> ScriptedModel:
    """For settings.LANGUAGE_MODEL_BACKENDS."""
    return ScriptedModel(specification)
