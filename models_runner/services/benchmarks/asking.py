"""Questions to a model: in batches, kept as they are answered, and not asked twice.

A request that fails for good is noted and the others go on; a model that can't be reached ends the
work. Either way what was answered is kept, and the next attempt asks only the rest.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_runner.domain.elicitation.letters import MASS_WITHIN
from models_runner.models import Elicitation
from models_runner.ports import (
    AbilityMissing,
    Completion,
    FinishReason,
    GenerationRequest,
    LanguageModel,
    LanguageModelProblem,
    ModelUnavailable,
    Prompt,
    RequestFailed,
)
from models_runner.services.benchmarks.stores import Store

PROMPTS_AT_ONCE = 40
COMPLETIONS_AT_ONCE = 64
FAILURES_TOLD = 3

FloatArray = NDArray[np.float64]
Advance = Callable[[int, str], None]


class AskingStopped(Exception):
    """The model can't be asked any further; the message says why, and what was kept."""


class AnswersMissing(Exception):
    """Some requests failed for good; the message says how many and the first of them."""


@dataclass(frozen=True, slots=True)
class LettersWanted:
    """The next token after `prompt`, among `letters`; `what` names it in errors."""

    prompt: Prompt
    letters: tuple[str, ...]
    what: str


@dataclass(frozen=True, slots=True)
class LikelihoodsWanted:
    """How likely each of `options` is after `prompt`."""

    prompt: Prompt
    options: tuple[str, ...]
    what: str


@dataclass(frozen=True, slots=True)
class CompletionWanted:
    """One completion."""

    prompt: Prompt
    max_tokens: int
    temperature: float
    seed: int
    what: str


@dataclass(frozen=True, slots=True)
class Said:
    """A completion that was given. `finish_reason` as `models_runner.ports.FinishReason` has it."""

    text: str
    finish_reason: str


@dataclass
class Asker:
    """Asks one model.

    Attributes:
        model: as loaded.
        store: where answers are kept.
        advance: called with how many requests were settled, and a note. What it raises ends the
            work.
        failures: what failed for good, as "question: why".
        asked: how many requests went to the model, rather than being kept already.
    """

    model: LanguageModel
    store: Store
    advance: Advance
    failures: list[str] = field(default_factory=list)
    asked: int = 0

    def letters(self, wanted: Sequence[LettersWanted]) -> list[FloatArray | None]:
        """(letters, ways) log-probabilities for each; None where it failed.

        Raises:
            AskingStopped: the model can't be asked.
        """
        digests = [_digest({"prompt": _plain(w.prompt), "letters": w.letters}) for w in wanted]
        kept = self._kept(Elicitation.Kind.LETTERS, digests)
        missing = [place for place, digest in enumerate(digests) if digest not in kept]
        for places in _chunks(missing, PROMPTS_AT_ONCE):
            answers = self._ask_letters([wanted[place] for place in places])
            fresh = {
                digests[place]: _letters_to_plain(scores)
                for place, scores in zip(places, answers, strict=True)
                if scores is not None
            }
            self._keep(Elicitation.Kind.LETTERS, kept, fresh, len(places))
        return [_letters_from_plain(kept[digest]) if digest in kept else None for digest in digests]

    def likelihoods(
        self, wanted: Sequence[LikelihoodsWanted]
    ) -> list[tuple[FloatArray, FloatArray] | None]:
        """(options,) totals in nats and tokens for each; None where it failed.

        Raises:
            AskingStopped: the model can't be asked.
        """
        digests = [_digest({"prompt": _plain(w.prompt), "options": w.options}) for w in wanted]
        kept = self._kept(Elicitation.Kind.LIKELIHOODS, digests)
        missing = [place for place, digest in enumerate(digests) if digest not in kept]
        for places in _chunks(missing, PROMPTS_AT_ONCE):
            answers = self._ask_likelihoods([wanted[place] for place in places])
            fresh = {
                digests[place]: answer
                for place, answer in zip(places, answers, strict=True)
                if answer is not None
            }
            self._keep(Elicitation.Kind.LIKELIHOODS, kept, fresh, len(places))
        return [
            (_numbers(kept[digest]["total"]), _numbers(kept[digest]["tokens"]))
            if digest in kept
            else None
            for digest in digests
        ]

    def completions(self, wanted: Sequence[CompletionWanted]) -> list[Said | None]:
        """A completion for each; None where it failed.

        Raises:
            AskingStopped: the model can't be asked.
        """
        digests = [
            _digest(
                {
                    "prompt": _plain(w.prompt),
                    "max_tokens": w.max_tokens,
                    "temperature": w.temperature,
                    "seed": w.seed,
                }
            )
            for w in wanted
        ]
        kept = self._kept(Elicitation.Kind.COMPLETION, digests)
        # Two requests may be one: the same prompt at temperature 0.
        missing = list(dict.fromkeys(digest for digest in digests if digest not in kept))
        place_of = {digest: place for place, digest in enumerate(digests)}
        for some in _chunks(missing, COMPLETIONS_AT_ONCE):
            self._ask_completions({digest: wanted[place_of[digest]] for digest in some}, kept)
        return [
            Said(kept[digest]["text"], kept[digest]["finish_reason"]) if digest in kept else None
            for digest in digests
        ]

    def raise_if_missing(self, *, of: str) -> None:
        """Raise AnswersMissing if anything failed for good."""
        if not self.failures:
            return
        more = len(self.failures) - FAILURES_TOLD
        told = " ".join(self.failures[:FAILURES_TOLD]) + (f" And {more} more." if more > 0 else "")
        raise AnswersMissing(
            f"{of} did not answer {len(self.failures)} request(s). {told} What it answered is kept:"
            " start this run again, and only the rest is asked."
        )

    def _kept(self, kind: str, digests: Sequence[str]) -> dict[str, Any]:
        distinct = list(dict.fromkeys(digests))
        found = self.store.get(identity=self.model.identity, kind=kind, digests=distinct)
        if found:
            self.advance(sum(digest in found for digest in digests), "kept from before")
        return found

    def _keep(
        self, kind: str, kept: dict[str, Any], fresh: Mapping[str, Any], settled: int
    ) -> None:
        self.store.put(identity=self.model.identity, kind=kind, answers=fresh)
        kept.update(fresh)
        self.asked += settled
        self.advance(settled, "asked")

    def _ask_letters(self, wanted: Sequence[LettersWanted]) -> list[FloatArray | None]:
        """One call for all; where that fails, one for each, so that only the bad one is lost."""
        letters = max((w.letters for w in wanted), key=len)
        try:
            found = self._call(
                lambda: self.model.next_letters([w.prompt for w in wanted], letters)
            ).scores
        except RequestFailed as problem:
            if len(wanted) == 1:
                self.failures.append(f"{wanted[0].what}: {problem}")
                return [None]
            return [answer for one in wanted for answer in self._ask_letters([one])]
        return [
            self._sound(np.asarray(scores[: len(w.letters)], dtype=np.float64), w.what)
            for w, scores in zip(wanted, found, strict=True)
        ]

    def _sound(self, scores: FloatArray, what: str) -> FloatArray | None:
        """The scores, unless they are no log-probabilities; such are not kept."""
        with np.errstate(over="ignore"):
            mass = float(np.exp(scores).sum())
        if np.isnan(scores).any() or np.isposinf(scores).any() or mass > 1 + MASS_WITHIN:
            self.failures.append(
                f"{what}: the answer is no log-probabilities (the letters add up to {mass:.3g})."
            )
            return None
        return scores

    def _ask_likelihoods(self, wanted: Sequence[LikelihoodsWanted]) -> list[Any]:
        try:
            found = self._call(
                lambda: self.model.option_likelihoods(
                    [w.prompt for w in wanted], [w.options for w in wanted]
                )
            )
        except RequestFailed as problem:
            if len(wanted) == 1:
                self.failures.append(f"{wanted[0].what}: {problem}")
                return [None]
            return [answer for one in wanted for answer in self._ask_likelihoods([one])]
        answers: list[Any] = []
        for one, scores in zip(wanted, found, strict=True):
            total = np.asarray(scores.total, dtype=np.float64)
            if len(total) != len(one.options) or np.isnan(total).any() or (total > 1e-6).any():
                self.failures.append(f"{one.what}: the answer is no log-likelihoods.")
                answers.append(None)
            else:
                answers.append(
                    {
                        "total": [None if x == -inf else float(x) for x in total],
                        "tokens": [int(x) for x in scores.tokens],
                    }
                )
        return answers

    def _ask_completions(
        self, wanted: Mapping[str, CompletionWanted], kept: dict[str, Any]
    ) -> None:
        """Each completion is kept as it arrives."""

        def on_done(completion: Completion) -> None:
            if completion.finish_reason is FinishReason.FAILED:
                self.failures.append(f"{wanted[completion.key].what}: {completion.error}")
                self.asked += 1
                self.advance(1, "failed")
                return
            answer = {
                "text": completion.text,
                "finish_reason": str(completion.finish_reason),
            }
            self._keep(Elicitation.Kind.COMPLETION, kept, {completion.key: answer}, 1)

        self._call(
            lambda: self.model.generate(
                [
                    GenerationRequest(
                        key=digest,
                        prompt=one.prompt,
                        max_tokens=one.max_tokens,
                        temperature=one.temperature,
                        seed=one.seed,
                    )
                    for digest, one in wanted.items()
                ],
                on_done=on_done,
            )
        )

    def _call(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except AbilityMissing as problem:
            raise AskingStopped(
                f"{self.model.name} can't be asked in this way: {problem} Choose another way to"
                " ask, or another model."
            ) from problem
        except RequestFailed:
            raise
        except (ModelUnavailable, LanguageModelProblem) as problem:
            raise AskingStopped(
                f"{self.model.name} stopped answering: {problem} What it answered is kept: start"
                " this run again, and only the rest is asked."
            ) from problem


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _digest(request: Mapping[str, Any]) -> str:
    text = json.dumps(request, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(prompt: Prompt) -> Any:
    if isinstance(prompt, str):
        return prompt
    return [[message.role, message.content] for message in prompt]


def _letters_to_plain(scores: FloatArray) -> list[list[float | None]]:
    return [[None if x == -inf else float(x) for x in row] for row in scores]


def _letters_from_plain(plain: Sequence[Sequence[float | None]]) -> FloatArray:
    return np.array([[-inf if x is None else x for x in row] for row in plain], dtype=np.float64)


def _numbers(plain: Sequence[float | None]) -> FloatArray:
    return np.array([-inf if x is None else x for x in plain], dtype=np.float64)
