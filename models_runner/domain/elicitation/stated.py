"""Distributions that a model states in words and numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
import numpy.typing as npt

from models_runner.domain.elicitation import ElicitationMode

FloatArray = npt.NDArray[np.float64]

STATED_SUM_WITHIN = 0.05

_NUMBER = re.compile(
    r"""[:=]\s*["']?\s*(?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+))\s*(?P<percent>%?)\s*["']?
    \s*(?=[,;})\]\n]|$)""",
    re.VERBOSE,
)
_AROUND = " \t\n,;*-•\"'{"
_LETTERED = re.compile(r"^\(?(?P<letter>[a-z])[.)]+\s*(?P<words>.+)$", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class StatedDistribution:
    """``probabilities`` (options,) add up to 1, or None with a ``reason``. ``stated_sum``: what the
    model's own numbers added up to, as a share of 1, before they were divided by it.
    """

    probabilities: FloatArray | None
    stated_sum: float | None
    reason: str
    mode: ElicitationMode = ElicitationMode.STATED


def read_stated_distribution(
    text: str, *, options: Sequence[str], sum_within: float = STATED_SUM_WITHIN
) -> StatedDistribution:
    """Numbers for options, as `{"A": "25%", "B": "75%"}` or line by line, `A: 0.25`.

    Options may be named by letter or by their words. Either all numbers carry a percent sign or
    none; without one, the numbers are shares if they add up to 1, and percent if to 100, within
    `sum_within` (as a share). They are then divided by their sum. Anything else has a reason: an
    option that is missing, unknown or named twice, a negative number, another sum.
    """
    pairs = _pairs(text.replace("’", "'"))
    if not pairs:
        return _refused("No option with a number was found.")
    if len({percent for _, _, percent in pairs}) > 1:
        return _refused("Some numbers are percentages and some are not.")
    numbers: dict[int, float] = {}
    for name, number, _ in pairs:
        place = _option(name, options)
        if place is None:
            return _refused(f"{name.strip(_AROUND)!r} is none of the options.")
        if place in numbers:
            return _refused(f"Option {options[place]!r} stands twice.")
        if number < 0:
            return _refused(f"Option {options[place]!r} has {number:g}, below 0.")
        numbers[place] = number
    missing = [option for place, option in enumerate(options) if place not in numbers]
    if missing:
        return _refused(f"Option {missing[0]!r} has no number.")
    values = np.array([numbers[place] for place in range(len(options))])
    total = float(values.sum())
    scales = (100.0,) if pairs[0][2] else (1.0, 100.0)
    fitting = [scale for scale in scales if abs(total / scale - 1) <= sum_within + 1e-9]
    if not fitting:
        return _refused(
            f"The numbers add up to {total:g}, not {' or '.join(f'{s:g}' for s in scales)}"
            f" (within {sum_within:.0%}).",
            stated_sum=total / scales[0] if len(scales) == 1 else None,
        )
    return StatedDistribution(
        probabilities=values / total, stated_sum=total / fitting[0], reason=""
    )


def _refused(reason: str, *, stated_sum: float | None = None) -> StatedDistribution:
    return StatedDistribution(probabilities=None, stated_sum=stated_sum, reason=reason)


def _pairs(text: str) -> list[tuple[str, float, bool]]:
    """What stands before each number, the number, and whether it has a percent sign."""
    found, start = [], 0
    for match in _NUMBER.finditer(text):
        found.append((text[start : match.start()], float(match["number"]), bool(match["percent"])))
        start = match.end()
    return found


def _option(name: str, options: Sequence[str]) -> int | None:
    words = [option.strip().casefold().replace("’", "'") for option in options]
    line = name.strip(" ,;\n").rpartition("\n")[2]
    for said in (line, line.rpartition(": ")[2], line.rpartition("{")[2]):
        plain = said.strip(_AROUND).casefold()
        if plain in words:
            return words.index(plain)
        letter = plain.removeprefix("option ").strip(" .)(").upper()
        if len(letter) == 1 and 0 <= ascii_uppercase.find(letter) < len(options):
            return ascii_uppercase.find(letter)
        both = _LETTERED.match(plain)
        if both and both["words"] in words:
            place = words.index(both["words"])
            return place if ascii_uppercase[place] == both["letter"].upper() else None
    return None
