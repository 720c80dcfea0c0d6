"""A board and what a reader chose to see of it; the words that its figures share."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from models_runner.domain.leaderboard import Board, Groups
from models_runner.figures.marks import leaders

Cell = str | int | float | None
TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Choice:
    """A board and what a reader chose to see of it.

    Attributes:
        board: the stored numbers.
        name: of the criterion, in small letters.
        alpha: one of `board.sweep.alphas`.
        threshold: below which a group counts as left behind, in utilities.
        groups: of the feature that she looks at; None: the pool has no features.
        jurors: public ids of the board's rows.
        strata: the feature inside which jurors are resampled, or empty.
    """

    board: Board
    name: str
    alpha: float
    threshold: float
    groups: Groups | None
    jurors: tuple[str, ...]
    strata: str

    @property
    def row(self) -> int:
        """The place of alpha."""
        return self.board.sweep.alphas.index(self.alpha)

    @property
    def sources(self) -> tuple[str, ...]:
        """In alphabetical order, as the board has them."""
        return self.board.sweep.sources

    @property
    def winners(self) -> tuple[str, ...]:
        """Who leads at alpha, ties kept."""
        return tuple(leaders(self.board.sweep, self.row))

    @property
    def n(self) -> str:
        """How many of what."""
        board = self.board
        text = f"{board.sweep.jurors} jurors, {board.cells:,} ratings of "
        text += f"{sum(board.sweep.items)} responses"
        return f"{text}, {board.guessed:,} of them predicted" if board.guessed else text

    @property
    def interval(self) -> str:
        """What the bands are."""
        sweep = self.board.sweep
        strata = f" within {self.strata}" if self.strata else ""
        drawn = ", predicted ratings drawn anew" if self.board.guessed else ""
        return f"95 % bootstrap over jurors{strata}, {sweep.bootstraps:,} paired resamples{drawn}"


def known(value: float) -> float | None:
    """A number, or None where there is none."""
    return None if isnan(value) else float(value)


def names(own: Sequence[str]) -> str:
    """Names in a sentence."""
    return " and ".join(own) if own else "nobody"


def leads(own: Sequence[str]) -> str:
    """The verb that follows them."""
    return "share the lead" if len(own) > 1 else "leads"
