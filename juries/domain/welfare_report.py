"""All that is said of one table of utilities: welfare along alpha, rules, and how they can fail."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from juries.domain.alpha_sweep import AlphaSweep, alpha_sweep
from juries.domain.crossings import ALPHAS
from juries.domain.failure_modes import FailureModes, failure_modes
from juries.domain.resampling import resample_counts
from juries.domain.voting.ballots import FloatArray, from_utilities
from juries.domain.voting.cardinal import MaxSat, PowerRule
from juries.domain.voting.chances import chances_to_win
from juries.domain.voting.outcomes import Outcome, VotingRule
from juries.domain.voting.registry import VOTING_RULES
from juries.domain.welfare import atkinson, gini, share_below

LEVEL = 0.95

RULE_RESAMPLES = 200
"""Resampled juries that voting rules are put to, which take longer than sums do."""


@dataclass(frozen=True, slots=True, eq=False)
class Inequality:
    """How unevenly each response serves the jury; all (responses,)."""

    atkinson: FloatArray
    gini: FloatArray
    below: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RuleResult:
    """What a rule says, and in what part of `resamples` juries each response wins (responses,)."""

    label: str
    outcome: Outcome
    chances: FloatArray
    resamples: int


@dataclass(frozen=True, slots=True, eq=False)
class WelfareReport:
    """`verdicts` and `failures` have one entry for each of `sweep.alphas`; `said` (responses,)
    counts the jurors who judged. The sweep has its sources in alphabetical order.
    """

    responses: tuple[str, ...]
    jurors: tuple[str, ...]
    said: tuple[int, ...]
    threshold: float
    sweep: AlphaSweep
    verdicts: tuple[Outcome, ...]
    rules: tuple[RuleResult, ...]
    inequality: Inequality
    failures: tuple[FailureModes, ...]


def welfare_report(
    utilities: FloatArray,
    *,
    responses: Sequence[str],
    jurors: Sequence[str],
    seed: int,
    alphas: Sequence[float] = ALPHAS,
    rules: Sequence[VotingRule] = tuple(VOTING_RULES.values()),
    weights: FloatArray | None = None,
    groups: Sequence[str] | None = None,
    strata: Sequence[str] | None = None,
    threshold: float = 0.5,
    epsilon: float = 0.01,
    bootstraps: int = 2000,
) -> WelfareReport:
    """Everything about `utilities` (jurors, responses), NaN where not said.

    `threshold` is that of MAX-SAT, of the share below and of groups left below; `epsilon` the
    lowest utility when each juror's are stretched to her own range. Raises InvalidUtilities
    and InvalidBallots.
    """
    names = tuple(responses)
    ballots = from_utilities(utilities, responses=names, weights=weights, skip_missing=True)
    chosen = [MaxSat(threshold) if rule.name == "max_sat" else rule for rule in rules]
    sweep = alpha_sweep(
        utilities,
        item_sources=names,
        rng=np.random.default_rng(seed),
        alphas=alphas,
        strata=strata,
        weights=weights,
        bootstraps=bootstraps,
        level=LEVEL,
        skip_missing=True,
    )
    labels = list(strata) if strata is not None else [""] * len(utilities)
    rng = np.random.default_rng(seed)
    # The first rows of what the sweep draws from the same seed.
    counts = resample_counts(strata=labels, bootstraps=bootstraps, rng=rng)[:RULE_RESAMPLES]
    return WelfareReport(
        responses=names,
        jurors=tuple(jurors),
        said=tuple(int(number) for number in (~np.isnan(utilities)).sum(axis=0)),
        threshold=threshold,
        sweep=sweep,
        verdicts=tuple(PowerRule(alpha, "power", "")(ballots) for alpha in alphas),
        rules=tuple(
            RuleResult(
                label=rule.label,
                outcome=rule(ballots),
                chances=chances_to_win(rule, ballots, counts=counts),
                resamples=len(counts),
            )
            for rule in chosen
        ),
        inequality=Inequality(
            atkinson=atkinson(utilities, alpha=1, weights=weights, skip_missing=True),
            gini=gini(utilities, weights=weights, skip_missing=True),
            below=share_below(utilities, floor=threshold, weights=weights, skip_missing=True),
        ),
        failures=tuple(
            failure_modes(
                utilities,
                responses=names,
                alpha=alpha,
                threshold=threshold,
                groups=groups,
                weights=weights,
                skip_missing=True,
                epsilon=epsilon,
            )
            for alpha in alphas
        ),
    )
