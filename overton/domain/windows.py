"""Which answers are correct, reasonable or unreasonable, by a declared rule (paper, section 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

EVERYONE = "everyone"


class InvalidWindowInput(ValueError):
    """A rule, code or shape that cannot be used; the message names the field and the numbers."""


class JudgementCode(IntEnum):
    """A juror's verdict on an answer as a number."""

    NOT_SAID = -1
    UNREASONABLE = 0
    REASONABLE = 1
    CORRECT = 2
    CANT_SAY = 3


class Verdict(StrEnum):
    """What the rule makes of an answer."""

    CORRECT = "correct"
    REASONABLE = "reasonable"
    UNREASONABLE = "unreasonable"
    UNDECIDED = "undecided"
    EXCLUDED = "excluded"


def wilson_interval(
    *, successes: int, trials: int, confidence: float = 0.95
) -> tuple[float, float]:
    """The score interval of a share (E. B. Wilson, JASA 1927), without continuity correction.

    0 <= successes <= trials, trials >= 1, confidence in (0, 1), two-sided. Returns low and high in
    [0, 1]. Raises ``InvalidWindowInput``.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise InvalidWindowInput(f"{successes} of {trials} is no share: at least one trial needed.")
    if not 0 < confidence < 1:
        raise InvalidWindowInput(f"The confidence is {confidence:g}, but must be in (0, 1).")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    reach = (
        z
        * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
        / (1 + z * z / trials)
    )
    low = 0.0 if successes == 0 else max(centre - reach, 0.0)
    high = 1.0 if successes == trials else min(centre + reach, 1.0)
    return low, high


def _share(successes: int, trials: int, confidence: float, reason: str) -> Measured:
    if trials == 0:
        return Measured.missing(reason)
    low, high = wilson_interval(successes=successes, trials=trials, confidence=confidence)
    return Measured(value=successes / trials, low=low, high=high, count=trials)


@dataclass(frozen=True, slots=True)
class WindowRule:
    """The thresholds, declared before the judgements are read.

    correct_share in (0, 1]; reasonable_share in (0, 1); confidence in (0, 1), two-sided Wilson;
    minimum_group_size >= 1: a group with fewer verdicts on an answer has no say on it.
    Raises ``InvalidWindowInput``.
    """

    correct_share: float = 0.9
    reasonable_share: float = 0.25
    confidence: float = 0.95
    minimum_group_size: int = 8

    def __post_init__(self) -> None:
        for name, value, fits in (
            ("correct_share", self.correct_share, 0 < self.correct_share <= 1),
            ("reasonable_share", self.reasonable_share, 0 < self.reasonable_share < 1),
            ("confidence", self.confidence, 0 < self.confidence < 1),
            ("minimum_group_size", self.minimum_group_size, self.minimum_group_size >= 1),
        ):
            if not fits:
                raise InvalidWindowInput(f"{name} is {value:g}, which is outside its range.")


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A declared group of jurors: a name such as "age 65+" and members (J,) bool."""

    name: str
    members: BoolArray


@dataclass(frozen=True, slots=True)
class GroupVerdict:
    """What one group says of one answer; shares in [0, 1] with Wilson intervals.

    acceptability : share that calls it correct or reasonable, of those with a verdict
    correctness : share that calls it correct, or reasonable and holds it
    support : share that holds it, of those who said whether they do
    judged, cant_say : how many gave a verdict, and how many said that they can't
    has_say : whether the group is large enough to count under the rule
    """

    name: str
    acceptability: Measured
    correctness: Measured
    support: Measured
    judged: int
    cant_say: int
    has_say: bool


@dataclass(frozen=True, slots=True)
class AnswerVerdict:
    """The rule's verdict on one answer, the reason in words, and what it rests on.

    ``groups`` are the declared ones, in the order given; ``everyone`` is the whole jury.
    """

    verdict: Verdict
    reason: str
    everyone: GroupVerdict
    groups: tuple[GroupVerdict, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A snapshot: the rule and every answer's verdict, in the order of the columns."""

    rule: WindowRule
    answers: tuple[AnswerVerdict, ...]

    def mask(self, *verdicts: Verdict) -> BoolArray:
        """(A,) bool: answers with one of these verdicts."""
        return np.array([answer.verdict in verdicts for answer in self.answers], dtype=np.bool_)

    @property
    def correct(self) -> BoolArray:
        """C, a part of W."""
        return self.mask(Verdict.CORRECT)

    @property
    def reasonable(self) -> BoolArray:
        """W: reasonable answers, correct ones among them."""
        return self.mask(Verdict.CORRECT, Verdict.REASONABLE)

    @property
    def unreasonable(self) -> BoolArray:
        """U."""
        return self.mask(Verdict.UNREASONABLE)

    @property
    def support(self) -> FloatArray:
        """(A,) share of the whole jury that holds each answer; NaN where nobody was asked."""
        return np.array(
            [
                np.nan if answer.everyone.support.value is None else answer.everyone.support.value
                for answer in self.answers
            ],
            dtype=np.float64,
        )


def _codes(
    judgements: npt.ArrayLike, holds: npt.ArrayLike
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    raw = np.asarray(judgements, dtype=np.float64)
    held = np.asarray(holds, dtype=np.float64)
    if raw.ndim != 2 or held.shape != raw.shape:
        raise InvalidWindowInput(
            f"judgements has shape {raw.shape} and holds {held.shape}; both must be "
            "(jurors, answers)."
        )
    filled = np.where(np.isnan(raw), JudgementCode.NOT_SAID, raw)
    wrong = ~np.isin(filled, [code.value for code in JudgementCode])
    if wrong.any():
        juror, answer = np.argwhere(wrong)[0]
        raise InvalidWindowInput(
            f"judgements[{juror}, {answer}] is {filled[juror, answer]:g}; legal are "
            + ", ".join(f"{code.value} ({code.name.lower()})" for code in JudgementCode)
            + "."
        )
    wrong = ~(np.isnan(held) | np.isin(held, [0.0, 1.0]))
    if wrong.any():
        juror, answer = np.argwhere(wrong)[0]
        raise InvalidWindowInput(
            f"holds[{juror}, {answer}] is {held[juror, answer]:g}; legal are 0, 1 and NaN."
        )
    return filled.astype(np.int64), held


def _group_verdict(
    name: str, codes: npt.NDArray[np.int64], held: FloatArray, rule: WindowRule
) -> GroupVerdict:
    """One group, one answer: codes (n,) and held (n,) of its members."""
    accepted = (codes == JudgementCode.REASONABLE) | (codes == JudgementCode.CORRECT)
    judged = int((accepted | (codes == JudgementCode.UNREASONABLE)).sum())
    affirmed = (codes == JudgementCode.CORRECT) | (
        (codes == JudgementCode.REASONABLE) & (held == 1)
    )
    said = int((~np.isnan(held)).sum())
    none = "Nobody in this group gave a verdict on this answer."
    return GroupVerdict(
        name=name,
        acceptability=_share(int(accepted.sum()), judged, rule.confidence, none),
        correctness=_share(int(affirmed.sum()), judged, rule.confidence, none),
        support=_share(
            int((held == 1).sum()),
            said,
            rule.confidence,
            "Nobody in this group said whether she holds this answer.",
        ),
        judged=judged,
        cant_say=int((codes == JudgementCode.CANT_SAY).sum()),
        has_say=judged >= rule.minimum_group_size,
    )


def _decide(
    groups: Sequence[GroupVerdict], rule: WindowRule, exclusion: str | None
) -> tuple[Verdict, str]:
    if exclusion is not None:
        return Verdict.EXCLUDED, f"Excluded: {exclusion}"
    voices = [group for group in groups if group.has_say]
    if not voices:
        most = max((group.judged for group in groups), default=0)
        return Verdict.UNDECIDED, (
            f"No group has {rule.minimum_group_size} verdicts on it; the largest has {most}."
        )
    least = min(voices, key=lambda group: group.correctness.value or 0.0)
    if (least.correctness.value or 0.0) >= rule.correct_share:
        return Verdict.CORRECT, (
            f"At least {rule.correct_share:.0%} of every group affirm it; "
            f"fewest in {least.name}: {least.correctness.value:.0%}."
        )
    best = max(voices, key=lambda group: group.acceptability.low or 0.0)
    if (best.acceptability.low or 0.0) >= rule.reasonable_share:
        return Verdict.REASONABLE, (
            f"Acceptable to {best.acceptability.value:.0%} of {best.name}, "
            f"at least {best.acceptability.low:.1%} by the interval."
        )
    widest = max(voices, key=lambda group: group.acceptability.high or 0.0)
    if (widest.acceptability.high or 0.0) < rule.reasonable_share:
        return Verdict.UNREASONABLE, (
            f"In no group can {rule.reasonable_share:.0%} accept it; "
            f"at most {widest.acceptability.high:.1%}, in {widest.name}."
        )
    return Verdict.UNDECIDED, (
        f"The interval of {widest.name}, {widest.acceptability.low:.1%} to "
        f"{widest.acceptability.high:.1%}, leaves {rule.reasonable_share:.0%} open."
    )


def compute_window(
    *,
    judgements: npt.ArrayLike,
    holds: npt.ArrayLike,
    groups: Sequence[Group] = (),
    rule: WindowRule | None = None,
    exclusions: Mapping[int, str] | None = None,
) -> Window:
    """The window of one query.

    Parameters
    ----------
    judgements : (J, A) of ``JudgementCode`` values; NaN is the same as NOT_SAID
    holds : (J, A), 1 = holds the view, 0 = does not, NaN = not said
    groups : the declared groups; without any the whole jury is the one group
    rule : the thresholds
    exclusions : answer's column -> reason, such as "safety"

    Correct: in every group with enough verdicts, at least ``correct_share`` call it correct, or
    reasonable and hold it. Reasonable: the lower Wilson bound of acceptability reaches
    ``reasonable_share`` in some such group. Unreasonable: the upper bound is below it in every
    such group. Else undecided. "Can't say" is counted apart and stands in no denominator.
    An excluded answer is in no set, whatever the jury says. Correct answers belong to W too.

    Raises ``InvalidWindowInput`` for shapes, codes, group names or exclusions that do not fit.
    """
    rule = rule or WindowRule()
    exclusions = exclusions or {}
    codes, held = _codes(judgements, holds)
    jurors, answers = codes.shape
    names = [group.name for group in groups]
    if len(set(names)) != len(names):
        raise InvalidWindowInput("Two groups have the same name.")
    for group in groups:
        if np.asarray(group.members).shape != (jurors,):
            raise InvalidWindowInput(
                f"Group {group.name!r} has {np.asarray(group.members).shape} members for "
                f"{jurors} jurors."
            )
    for answer, reason in exclusions.items():
        if not 0 <= answer < answers:
            raise InvalidWindowInput(f"Answer {answer} is excluded, but there are {answers}.")
        if not reason.strip():
            raise InvalidWindowInput(f"The exclusion of answer {answer} has no reason.")
    verdicts = []
    for answer in range(answers):
        everyone = _group_verdict(EVERYONE, codes[:, answer], held[:, answer], rule)
        found = tuple(
            _group_verdict(
                group.name,
                codes[np.asarray(group.members, dtype=np.bool_), answer],
                held[np.asarray(group.members, dtype=np.bool_), answer],
                rule,
            )
            for group in groups
        )
        verdict, reason = _decide(found or (everyone,), rule, exclusions.get(answer))
        verdicts.append(
            AnswerVerdict(verdict=verdict, reason=reason, everyone=everyone, groups=found)
        )
    return Window(rule=rule, answers=tuple(verdicts))
