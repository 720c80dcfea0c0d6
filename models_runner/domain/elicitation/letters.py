"""Log-probabilities of the letters that stand for options, to a distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, softmax

from models_runner.domain.elicitation import ElicitationMode

FloatArray = npt.NDArray[np.float64]

MASS_WITHIN = 1e-4


class InvalidLetters(ValueError):
    """Numbers that give no distribution over letters; the message has the place and the number."""


@dataclass(frozen=True, slots=True, eq=False)
class LetterDistribution:
    """What the letters' probabilities say.

    ``probabilities`` (options,) add up to 1, or None with a ``reason``. ``by_prompt`` (prompts,
    options): each prompt's own distribution, NaN for a prompt in which no letter had any mass;
    ``silent_prompts`` counts those, which stand in no mean. ``letter_mass`` (prompts,): what went
    to letters at all, in [0, 1]; None where the numbers were logits, which don't tell. ``spread``:
    mean total variation between prompts' distributions and their mean, in [0, 1], None where
    silent.
    """

    mode: ElicitationMode
    probabilities: FloatArray | None
    reason: str
    by_prompt: FloatArray
    silent_prompts: int
    letter_mass: FloatArray | None
    spread: float | None


def distribution_from_letters(
    scores: npt.ArrayLike, *, mode: ElicitationMode, are_log_probabilities: bool
) -> LetterDistribution:
    """Join prompts and ways to write each letter into one distribution over options.

    Args:
        scores: (prompts, options, ways), such as 5 prompts and the tokens "A" and " A": next-token
            log-probabilities or logits. -inf where a token was not among those returned.
        mode: LETTERS_TEXT adds up the probabilities of a letter's ways, normalises over letters in
            each prompt and takes the mean over prompts. LETTERS_PAPER_CODE takes the mean of the
            numbers over prompts, adds up over ways and applies softmax.
        are_log_probabilities: whether the numbers are normalised over the whole vocabulary, so that
            the mass of the letters is known.

    Raises:
        InvalidLetters: another shape or mode, NaN or +inf, log-probabilities whose letters add
            up to more than 1, or -inf under LETTERS_PAPER_CODE, whose mean of logits it would ruin.
    """
    values = _checked(scores)
    mass = None
    if are_log_probabilities:
        mass = np.exp(logsumexp(values, axis=(1, 2)))
        if (mass > 1 + MASS_WITHIN).any():
            raise InvalidLetters(
                f"The letters of prompt {int(mass.argmax()) + 1} add up to a probability of"
                f" {mass.max():.4g}; log-probabilities can't exceed 1. Are they logits?"
            )
        mass = np.minimum(mass, 1.0)
    if mode is ElicitationMode.LETTERS_PAPER_CODE:
        return _paper_code(values, mass)
    if mode is not ElicitationMode.LETTERS_TEXT:
        raise InvalidLetters(f"{mode} does not read letters; use letters_text or _paper_code.")
    return _text(values, mass)


def _text(values: FloatArray, mass: FloatArray | None) -> LetterDistribution:
    by_prompt, silent = _prompts_alone(values)
    if silent.all():
        return LetterDistribution(
            mode=ElicitationMode.LETTERS_TEXT,
            probabilities=None,
            reason="No letter had any probability in any prompt.",
            by_prompt=by_prompt,
            silent_prompts=int(silent.sum()),
            letter_mass=mass,
            spread=None,
        )
    joined = by_prompt[~silent].mean(axis=0)
    return LetterDistribution(
        mode=ElicitationMode.LETTERS_TEXT,
        probabilities=joined,
        reason="",
        by_prompt=by_prompt,
        silent_prompts=int(silent.sum()),
        letter_mass=mass,
        spread=_spread(by_prompt[~silent], joined),
    )


def _paper_code(values: FloatArray, mass: FloatArray | None) -> LetterDistribution:
    missing = np.argwhere(np.isneginf(values))
    if len(missing):
        prompt, option, _ = missing[0] + 1
        raise InvalidLetters(
            f"Prompt {prompt}, option {option} has no finite number for some way to write its"
            " letter; the mean of logits needs all. Use letters_text, or ask for more tokens."
        )
    joined = softmax(values.mean(axis=0).sum(axis=-1))
    by_prompt, _ = _prompts_alone(values)
    return LetterDistribution(
        mode=ElicitationMode.LETTERS_PAPER_CODE,
        probabilities=joined,
        reason="",
        by_prompt=by_prompt,
        silent_prompts=0,
        letter_mass=mass,
        spread=_spread(by_prompt, by_prompt.mean(axis=0)),
    )


def _prompts_alone(values: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """(prompts, options) normalised over letters, and which prompts have none."""
    silent = np.asarray(np.isneginf(values).all(axis=(1, 2)))
    by_prompt = np.full(values.shape[:2], np.nan)
    if not silent.all():
        by_prompt[~silent] = softmax(logsumexp(values[~silent], axis=2), axis=1)
    return by_prompt, silent


def _spread(by_prompt: FloatArray, joined: FloatArray) -> float:
    return float(np.abs(by_prompt - joined).sum(axis=1).mean() / 2)


def _checked(scores: npt.ArrayLike) -> FloatArray:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 3 or 0 in values.shape or values.shape[1] < 2:
        raise InvalidLetters(
            "Scores must be (prompts, options, ways to write a letter), with at least two options;"
            f" their shape is {values.shape}."
        )
    bad = np.argwhere(np.isnan(values) | np.isposinf(values))
    if len(bad):
        prompt, option, way = bad[0]
        raise InvalidLetters(
            f"Prompt {prompt + 1}, option {option + 1} has {values[prompt, option, way]}; scores"
            " must be numbers, or -inf for a token that was not returned."
        )
    return values
