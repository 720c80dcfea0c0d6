"""What a jury says of a handful of responses, as voting rules read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


class InvalidBallots(ValueError):
    """Ballots that no rule can count; the message has the numbers and a way out."""


class NeedsUtilities(InvalidBallots):
    """The rule compares sizes, and these ballots only hold an order."""


@dataclass(frozen=True, slots=True, eq=False)
class Ballots:
    """Jurors' values of the responses to one query; make them by `from_utilities` or
    `from_ranks`.

    `values` (jurors, responses): higher is better, equal is a tie, NaN is "not said". `weights`
    (jurors,) are 0 or more. Where `are_utilities` is false only the order within a row means
    anything.
    """

    responses: tuple[str, ...]
    values: FloatArray
    weights: FloatArray
    are_utilities: bool

    @property
    def said(self) -> NDArray[np.bool_]:
        """Which cells count, (jurors, responses): said, and by a juror of weight above 0."""
        return np.asarray(~np.isnan(self.values) & (self.weights > 0)[:, None])

    def utilities(self, *, rule: str) -> FloatArray:
        """`values` for a rule that needs their sizes; raises NeedsUtilities otherwise."""
        if not self.are_utilities:
            raise NeedsUtilities(
                f"The rule {rule!r} needs utilities, and these ballots are rankings; give utilities"
                " or take a rule that reads orders."
            )
        return self.values


def from_utilities(
    utilities: ArrayLike,
    *,
    responses: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> Ballots:
    """Ballots of utilities (jurors, responses) in [0, inf).

    NaN is refused unless `skip_missing`. Each rule says what it does with a juror who left some
    responses out. Raises InvalidBallots, also for a response that nobody judged.
    """
    values = _matrix(utilities, skip_missing=skip_missing)
    bad = (values < 0) | np.isinf(values)
    if bad.any():
        juror, response = np.argwhere(bad)[0]
        raise InvalidBallots(
            f"Juror {juror + 1} has the utility {values[juror, response]} for response"
            f" {response + 1}; utilities are finite and not negative. Map ratings by the declared"
            " bounds of their scale."
        )
    return _ballots(values, responses, weights, are_utilities=True)


def from_ranks(
    ranks: ArrayLike,
    *,
    responses: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    skip_missing: bool = False,
) -> Ballots:
    """Ballots of ranks (jurors, responses): 1 is best, equal ranks are ties, NaN is not ranked.

    A response that is not ranked counts as unknown, not as last. Raises InvalidBallots.
    """
    values = _matrix(ranks, skip_missing=skip_missing)
    if np.isinf(values).any():
        raise InvalidBallots("Ranks must be finite; leave out (NaN) what a juror did not rank.")
    return _ballots(-values, responses, weights, are_utilities=False)


def _matrix(values: ArrayLike, *, skip_missing: bool) -> FloatArray:
    matrix = np.array(values, dtype=float)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InvalidBallots(
            f"Ballots must be jurors x responses with at least one of each; their shape is"
            f" {matrix.shape}."
        )
    missing = int(np.isnan(matrix).sum())
    if missing and not skip_missing:
        raise InvalidBallots(
            f"{missing} of {matrix.size} cells are missing; pass skip_missing=True to count what"
            " was said, by the rule's own convention."
        )
    return matrix


def _ballots(
    values: FloatArray,
    responses: Sequence[str] | None,
    weights: ArrayLike | None,
    *,
    are_utilities: bool,
) -> Ballots:
    jurors, number = values.shape
    names = tuple(responses) if responses is not None else tuple(str(i + 1) for i in range(number))
    if len(names) != number or len(set(names)) != number:
        raise InvalidBallots(
            f"{len(set(names))} different name(s) were given for {number} response(s)."
        )
    mass = np.ones(jurors) if weights is None else np.array(weights, dtype=float)
    if mass.shape != (jurors,):
        raise InvalidBallots(f"The weights have the shape {mass.shape}; there are {jurors} jurors.")
    if not np.isfinite(mass).all() or (mass < 0).any() or not mass.sum() > 0:
        raise InvalidBallots(
            f"Weights must be finite, not negative and not all 0; they run from {mass.min()} to"
            f" {mass.max()}."
        )
    unheard = np.flatnonzero(np.isnan(values[mass > 0]).all(axis=0))
    if len(unheard):
        raise InvalidBallots(
            f"Nobody judged {len(unheard)} response(s), first {names[unheard[0]]!r}; leave them"
            " out, since no rule can place them."
        )
    return Ballots(responses=names, values=values, weights=mass, are_utilities=are_utilities)


Matrix = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Duels:
    """How each two responses fare against each other, exactly.

    `wins[a][b]` is the weight of the jurors who put a above b; `judged[a][b]` of those who said
    something of both. Weights count as the decimals that they print as, so equal sums are equal.
    """

    responses: tuple[str, ...]
    wins: Matrix
    judged: Matrix

    def margin(self, one: int, other: int) -> Fraction:
        """2 P(one beats other) - 1 in [-1, 1], ties counting ½; 0 where nobody judged both."""
        total = self.judged[one][other]
        if not total:
            return Fraction(0)
        return (self.wins[one][other] - self.wins[other][one]) / total

    def margins(self) -> FloatArray:
        """All margins, (responses, responses), skew-symmetric."""
        span = range(len(self.responses))
        return np.array([[float(self.margin(a, b)) for b in span] for a in span])

    def never_compared(self) -> tuple[tuple[str, str], ...]:
        """Pairs of responses that no juror judged both of."""
        return tuple(
            (one, other)
            for a, one in enumerate(self.responses)
            for b, other in enumerate(self.responses)
            if a < b and not self.judged[a][b]
        )

    def remark(self) -> str:
        """What a reader must know of pairs that were never compared; else empty."""
        pairs = self.never_compared()
        if not pairs:
            return ""
        one, other = pairs[0]
        return f"No juror judged both responses of {len(pairs)} pair(s), first {one} and {other}."


def duels(ballots: Ballots) -> Duels:
    """Compare each two responses over the jurors who said something of both."""
    number = len(ballots.responses)
    different = np.unique(ballots.weights[ballots.weights > 0])
    exact = [Fraction(repr(float(weight))) for weight in different]
    # Whole numbers of the smallest part that all weights share are much quicker than fractions.
    parts = lcm(*(weight.denominator for weight in exact))
    wins = [[0] * number for _ in range(number)]
    judged = [[0] * number for _ in range(number)]
    for weight, share in zip(different, exact, strict=True):
        whole = int(share * parts)
        rows = ballots.values[ballots.weights == weight]
        known = (~np.isnan(rows)).astype(np.int64)
        both = (known.T @ known).tolist()
        for a in range(number):
            above = (rows[:, a, None] > rows).sum(axis=0).tolist()
            for b in range(number):
                wins[a][b] += whole * above[b]
                judged[a][b] += whole * both[a][b]
    return Duels(
        responses=ballots.responses,
        wins=tuple(tuple(Fraction(value, parts) for value in row) for row in wins),
        judged=tuple(tuple(Fraction(value, parts) for value in row) for row in judged),
    )
