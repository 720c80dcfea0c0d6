"""From questions to a model's distribution over the options of each."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import factorial
from string import ascii_uppercase

import numpy as np
from numpy.typing import NDArray

from models_runner.domain.benchmark_definition import Asking
from models_runner.domain.elicitation import ElicitationMode
from models_runner.domain.elicitation.completions import read_completions
from models_runner.domain.elicitation.letters import (
    InvalidLetters,
    LetterDistribution,
    distribution_from_letters,
)
from models_runner.domain.elicitation.likelihoods import (
    InvalidLikelihoods,
    distribution_from_likelihoods,
)
from models_runner.domain.elicitation.orders import average_over_orders, option_orders
from models_runner.domain.elicitation.prompts import ANSWER_MARK, LetterPrompt, letter_prompts
from models_runner.domain.elicitation.stated import read_stated_distribution
from models_runner.ports import Prompt
from models_runner.services.benchmarks.asking import (
    Asker,
    CompletionWanted,
    LettersWanted,
    LikelihoodsWanted,
)

SHORT_TOKENS = 24
STATED_TOKENS = 160
LETTERS = (ElicitationMode.LETTERS_TEXT, ElicitationMode.LETTERS_PAPER_CODE)
LIKELIHOODS = (ElicitationMode.LIKELIHOOD, ElicitationMode.LIKELIHOOD_MEAN)

FloatArray = NDArray[np.float64]
Conditioned = Callable[[str], Prompt]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question with its options, as it is put to a model."""

    key: str
    text: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Elicited:
    """A model's answer to one question in one mode.

    ``probabilities`` (options,), or None with a ``reason``. ``samples``: completions it rests on,
    None where it was not sampled. ``diagnostics``: letter_mass, spread, order_sensitivity, silent,
    unparsed, stated_sum, each in [0, 1] where there is one (stated_sum may pass 1).
    """

    question: str
    probabilities: FloatArray | None
    reason: str = ""
    samples: int | None = None
    diagnostics: Mapping[str, float] = field(default_factory=dict)


def as_it_is(text: str) -> Prompt:
    """A prompt without conditioning."""
    return text


def requests_of(mode: ElicitationMode, questions: Sequence[AskedQuestion], asking: Asking) -> int:
    """How many requests a mode makes."""
    if mode in LETTERS:
        return sum(asking.prompts * _orders(q, asking) for q in questions)
    return len(questions) * (asking.samples if mode is ElicitationMode.SAMPLED else 1)


def elicit(
    *,
    asker: Asker,
    questions: Sequence[AskedQuestion],
    mode: ElicitationMode,
    asking: Asking,
    conditioned: Conditioned = as_it_is,
    population: str = "people",
) -> list[Elicited]:
    """The model's distribution for each question; without one where a request failed.

    `conditioned` makes a prompt of a text; `population` is whose distribution a model is asked to
    state.

    Raises:
        AskingStopped: the model can't be asked.
        InvalidPrompt: a question that no prompt can be made of.
    """
    if mode in LETTERS:
        return _letters(asker, questions, mode, asking, conditioned)
    if mode in LIKELIHOODS:
        return _likelihoods(asker, questions, mode, conditioned)
    if mode is ElicitationMode.SAMPLED:
        return _sampled(asker, questions, asking, conditioned)
    return _stated(asker, questions, asking, conditioned, population)


def _orders(question: AskedQuestion, asking: Asking) -> int:
    return min(asking.orders, factorial(len(question.options)))


def _prompts(question: AskedQuestion, asking: Asking) -> list[tuple[LetterPrompt, ...]]:
    """The prompts of each order of the options; a single order is the given one."""
    count = len(question.options)
    orders = [list(range(count))]
    if asking.orders > 1:
        found = option_orders(options=count, count=_orders(question, asking), seed=asking.seed)
        orders = [[int(place) for place in row] for row in found]
    return [
        letter_prompts(
            question=question.text,
            options=question.options,
            seed=asking.seed,
            count=asking.prompts,
            order=order,
        )
        for order in orders
    ]


def _letters(
    asker: Asker,
    questions: Sequence[AskedQuestion],
    mode: ElicitationMode,
    asking: Asking,
    conditioned: Conditioned,
) -> list[Elicited]:
    prompts = [_prompts(question, asking) for question in questions]
    wanted = [
        LettersWanted(conditioned(one.text), one.letters, _short(question.text))
        for question, orders in zip(questions, prompts, strict=True)
        for order in orders
        for one in order
    ]
    answers = iter(asker.letters(wanted))
    found = []
    for question, orders in zip(questions, prompts, strict=True):
        scores = [[next(answers) for _ in order] for order in orders]
        found.append(_joined(question, orders, scores, mode))
    return found


def _joined(
    question: AskedQuestion,
    orders: Sequence[tuple[LetterPrompt, ...]],
    scores: Sequence[Sequence[FloatArray | None]],
    mode: ElicitationMode,
) -> Elicited:
    """One question's prompts and orders as one distribution."""
    parts: list[LetterDistribution] = []
    for own in scores:
        answered = [one for one in own if one is not None]
        if len(answered) < len(own):
            return Elicited(question.key, None, "A request about it failed.")
        try:
            parts.append(
                distribution_from_letters(
                    _known_ways(np.stack(answered)), mode=mode, are_log_probabilities=True
                )
            )
        except InvalidLetters as problem:
            return Elicited(question.key, None, str(problem))
    diagnostics = {
        "letter_mass": float(np.mean([part.letter_mass for part in parts])),
        "silent": sum(part.silent_prompts for part in parts) / sum(len(own) for own in scores),
    }
    spreads = [part.spread for part in parts if part.spread is not None]
    if spreads:
        diagnostics["spread"] = float(np.mean(spreads))
    by_place = [part.probabilities for part in parts]
    known = [place for place in by_place if place is not None]
    if len(known) < len(by_place):
        reason = next(part.reason for part in parts if part.probabilities is None)
        return Elicited(question.key, None, reason, diagnostics=diagnostics)
    average = average_over_orders(np.stack(known), orders=[own[0].order for own in orders])
    if average.sensitivity is not None:
        diagnostics["order_sensitivity"] = average.sensitivity
    return Elicited(question.key, average.probabilities, diagnostics=diagnostics)


def _known_ways(scores: FloatArray) -> FloatArray:
    """Without the ways to write a letter that are no tokens of this model at all."""
    known = ~np.isneginf(scores).all(axis=(0, 1))
    return scores[:, :, known] if known.any() else scores


def _likelihoods(
    asker: Asker,
    questions: Sequence[AskedQuestion],
    mode: ElicitationMode,
    conditioned: Conditioned,
) -> list[Elicited]:
    answers = asker.likelihoods(
        [
            LikelihoodsWanted(
                conditioned(f"{question.text.strip()}\nAnswer:"),
                tuple(f" {option}" for option in question.options),
                _short(question.text),
            )
            for question in questions
        ]
    )
    found = []
    for question, answer in zip(questions, answers, strict=True):
        if answer is None:
            found.append(Elicited(question.key, None, "The request about it failed."))
            continue
        try:
            read = distribution_from_likelihoods(totals=answer[0], tokens=answer[1], mode=mode)
        except InvalidLikelihoods as problem:
            found.append(Elicited(question.key, None, str(problem)))
            continue
        found.append(Elicited(question.key, read.probabilities, read.reason))
    return found


def _sampled(
    asker: Asker, questions: Sequence[AskedQuestion], asking: Asking, conditioned: Conditioned
) -> list[Elicited]:
    wanted = []
    for question in questions:
        prompts = [one for order in _prompts(question, asking) for one in order]
        wanted += [
            (
                prompts[sample % len(prompts)],
                CompletionWanted(
                    prompt=conditioned(prompts[sample % len(prompts)].text),
                    max_tokens=SHORT_TOKENS,
                    temperature=asking.temperature,
                    seed=_seed(asking.seed, question.key, sample),
                    what=_short(question.text),
                ),
            )
            for sample in range(asking.samples)
        ]
    said = iter(asker.completions([one for _, one in wanted]))
    prompts_of = iter(prompt for prompt, _ in wanted)
    found = []
    for question in questions:
        counts = np.zeros(len(question.options))
        unparsed = given = 0
        for _ in range(asking.samples):
            prompt, one = next(prompts_of), next(said)
            if one is None:
                continue
            given += 1
            shown = [question.options[place] for place in prompt.order]
            read = read_completions([one.text], options=shown)
            unparsed += read.unparsed
            counts[list(prompt.order)] += read.counts
        if given < asking.samples:
            found.append(Elicited(question.key, None, "A request about it failed."))
            continue
        parsed = int(counts.sum())
        found.append(
            Elicited(
                question.key,
                counts / parsed if parsed else None,
                "" if parsed else f"None of {given} completions names an option.",
                samples=parsed,
                diagnostics={"unparsed": unparsed / given},
            )
        )
    return found


def _stated(
    asker: Asker,
    questions: Sequence[AskedQuestion],
    asking: Asking,
    conditioned: Conditioned,
    population: str,
) -> list[Elicited]:
    answers = asker.completions(
        [
            CompletionWanted(
                prompt=conditioned(stated_prompt(question, population)),
                max_tokens=STATED_TOKENS,
                temperature=0.0,
                seed=asking.seed,
                what=_short(question.text),
            )
            for question in questions
        ]
    )
    found = []
    for question, answer in zip(questions, answers, strict=True):
        if answer is None:
            found.append(Elicited(question.key, None, "The request about it failed."))
            continue
        read = read_stated_distribution(answer.text, options=question.options)
        found.append(
            Elicited(
                question.key,
                read.probabilities,
                read.reason,
                diagnostics={} if read.stated_sum is None else {"stated_sum": read.stated_sum},
            )
        )
    return found


def stated_prompt(question: AskedQuestion, population: str) -> str:
    """What asks a model to state a distribution in numbers."""
    lettered = "\n".join(
        f"{letter}. {option}"
        for letter, option in zip(ascii_uppercase, question.options, strict=False)
    )
    last = ascii_uppercase[len(question.options) - 1]
    return (
        f"How would {population} answer this question? Give the percentage of them who would"
        f" choose each option, adding up to 100%. Write one line for each option from A to {last},"
        " in the form `A: 25%`, and nothing else.\n\n"
        f"{question.text.strip()}\n{lettered}\n\nPercentages:"
    )


def _seed(seed: int, key: str, sample: int) -> int:
    digest = hashlib.sha256(f"{seed}\x1f{key}\x1f{sample}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 70 else flat[:69] + "…")


__all__ = ["ANSWER_MARK", "AskedQuestion", "Elicited", "elicit", "requests_of"]
