"""The methods of selection by name: what each does, in words, and how a lottery is measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, fsum, inf, log
from types import MappingProxyType
from typing import Protocol

from juries.domain.generation import (
    find_goldilocks,
    find_leximin,
    find_maximin,
    find_minimax,
    find_nash,
)
from juries.domain.greedy import simulate_greedy
from juries.domain.panel_space import FloatArray, PanelSpace
from juries.domain.search import KindLottery, SearchControl


class LotterySearch(Protocol):
    """Finds a lottery over panels of kinds for one objective.

    Must raise NoPanel where the space is empty, and never fall back on another objective.
    """

    def __call__(self, *, space: PanelSpace, control: SearchControl) -> KindLottery:
        """Search `space` under `control`."""
        ...


@dataclass(frozen=True, slots=True)
class SelectionMethod:
    """One way to choose among lotteries.

    `label` names it on a page, `sentence` says in one sentence what it does, `bounds` what
    `lower_bound`, `upper_bound` and `gap` of its lotteries are. `measure` takes the chances of
    those who count (m,), m at least 1, to the objective's value, of which `more_is_better` or less.
    """

    name: str
    label: str
    sentence: str
    bounds: str
    search: LotterySearch
    measure: Callable[[FloatArray], float]
    more_is_better: bool


def _smallest(chances: FloatArray) -> float:
    return float(chances.min())


def _largest(chances: FloatArray) -> float:
    return float(chances.max())


def _geometric_mean(chances: FloatArray) -> float:
    if float(chances.min()) <= 0:
        return 0.0
    return exp(fsum(map(log, chances.tolist())) / len(chances))


def _goldilocks(chances: FloatArray) -> float:
    average, smallest = float(chances.mean()), float(chances.min())
    return inf if smallest <= 0 else float(chances.max()) / average + average / smallest


SELECTION_METHODS: Mapping[str, SelectionMethod] = MappingProxyType(
    {
        method.name: method
        for method in (
            SelectionMethod(
                name="leximin",
                label="Leximin",
                sentence="Raises the lowest chance as far as the quotas allow, then the next"
                " lowest, and so on.",
                bounds="The smallest chance, and what no lottery can exceed; the gap is the largest"
                " distance of anybody's chance from the certified one.",
                search=find_leximin,
                measure=_smallest,
                more_is_better=True,
            ),
            SelectionMethod(
                name="maximin",
                label="Maximin",
                sentence="Gives the least favoured the best chance that the quotas allow; nothing"
                " is promised about the others.",
                bounds="The smallest chance, and what no lottery can exceed.",
                search=find_maximin,
                measure=_smallest,
                more_is_better=True,
            ),
            SelectionMethod(
                name="nash",
                label="Nash",
                sentence="Makes the geometric mean of the chances as large as possible, so that a"
                " low chance weighs more than a high one.",
                bounds="The geometric mean of the chances, and what no lottery can exceed.",
                search=find_nash,
                measure=_geometric_mean,
                more_is_better=True,
            ),
            SelectionMethod(
                name="goldilocks",
                label="Goldilocks",
                sentence="Keeps both ends in check: adds the largest chance over the average to the"
                " average over the smallest, and makes that sum as small as possible.",
                bounds="What no lottery can undercut, and the sum as reached; 2 where all chances"
                " are equal.",
                search=find_goldilocks,
                measure=_goldilocks,
                more_is_better=False,
            ),
            SelectionMethod(
                name="minimax",
                label="Minimax",
                sentence="Makes the largest chance as small as possible, so that nobody can be"
                " nearly sure of a seat; some may be left with none.",
                bounds="What no lottery's largest chance can undercut, and the largest chance.",
                search=find_minimax,
                measure=_largest,
                more_is_better=False,
            ),
            SelectionMethod(
                name="greedy",
                label="Greedy (the old practice, for comparison only)",
                sentence="Fills the scarcest quota first, person by person, and begins anew at a"
                " dead end; its chances are estimates from simulated panels.",
                bounds="The smallest estimated chance, and what a maximin lottery could at most"
                " give.",
                search=simulate_greedy,
                measure=_smallest,
                more_is_better=True,
            ),
        )
    }
)
"""What there is; pages and commands list the methods from here, in this order."""

DEFAULT_METHOD = "leximin"
