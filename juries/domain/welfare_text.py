"""A welfare report as text for a terminal."""

from collections.abc import Iterator
from math import isnan

import numpy as np

from juries.domain.failure_modes import Influence
from juries.domain.welfare_report import WelfareReport


def text_of(report: WelfareReport) -> Iterator[str]:
    """The report for a terminal."""
    sweep = report.sweep
    yield (
        f"{len(report.jurors)} jurors, {len(report.responses)} responses;"
        f" {sweep.level:.0%} intervals from {sweep.bootstraps:,} resampled juries."
    )
    if sweep.single_juror_strata:
        yield f"{sweep.single_juror_strata} strata have one juror: intervals are too narrow."
    yield from _welfare_lines(report)
    yield from _worst_off_lines(report)
    yield from _rule_lines(report)
    yield from _failure_lines(report)


def _welfare_lines(report: WelfareReport) -> Iterator[str]:
    sweep = report.sweep
    yield "\nWelfare [interval], and the chance that the response is best"
    rows = [["alpha", *report.responses, "best"]]
    for row, alpha in enumerate(sweep.alphas):
        cells = []
        for name in report.responses:
            column = sweep.sources.index(name)
            at = row, column
            cell = _banded(sweep.welfare[at], sweep.lower[at], sweep.upper[at])
            cells.append(cell if isnan(sweep.wins[at]) else f"{cell} {sweep.wins[at]:.0%}")
        rows.append([f"{alpha:g}", *cells, ", ".join(report.verdicts[row].winners)])
    yield from aligned(rows)
    for crossing in sweep.crossings:
        yield f"At alpha {crossing.alpha:.3f} {crossing.after} overtakes {crossing.before}."
    for outcome in report.verdicts:
        if outcome.remark:
            yield f"{outcome.score}: {outcome.remark}"


def _worst_off_lines(report: WelfareReport) -> Iterator[str]:
    sweep = report.sweep
    tail = sweep.tail
    yield "\nThe worst-off, and inequality"
    below = f"below {report.threshold:g}"
    heads = ["response", "judged by", "5th percentile", "mean of worst 5 %", "Atkinson", "Gini"]
    rows = [[*heads, below]]
    for place, name in enumerate(report.responses):
        at = sweep.sources.index(name)
        rows.append(
            [
                name,
                str(report.said[place]),
                _banded(tail.percentile[at], tail.percentile_lower[at], tail.percentile_upper[at]),
                _banded(tail.worst_mean[at], tail.worst_mean_lower[at], tail.worst_mean_upper[at]),
                f"{report.inequality.atkinson[place]:.3f}",
                f"{report.inequality.gini[place]:.3f}",
                f"{report.inequality.below[place]:.0%}",
            ]
        )
    yield from aligned(rows)


def _rule_lines(report: WelfareReport) -> Iterator[str]:
    if not report.rules:
        return
    resamples = report.rules[0].resamples
    yield f"\nVoting rules: score, and chance to win in {resamples} resampled juries"
    rows = [["rule", *report.responses, "winner"]]
    rows += [
        [
            result.outcome.rule,
            *(
                _scored(score, chance)
                for score, chance in zip(result.outcome.scores, result.chances, strict=True)
            ),
            ", ".join(result.outcome.winners) or "nobody",
        ]
        for result in report.rules
    ]
    yield from aligned(rows)
    for result in report.rules:
        if result.outcome.remark:
            yield f"{result.outcome.rule}: {result.outcome.remark}"


def _scored(score: float, chance: float) -> str:
    """A rule's score of a response and the chance that it wins; no score where nobody counts."""
    if isnan(score):
        return "none"
    return f"{score:.3f}" if isnan(chance) else f"{score:.3f} {chance:.0%}"


def _failure_lines(report: WelfareReport) -> Iterator[str]:
    yield "\nHow the verdicts can fail"
    first = report.failures[0]
    if first.groups is not None and first.worst is not None:
        rows = [["mean of the group", *report.responses]]
        rows += [
            [group, *("" if isnan(mean) else f"{mean:.3f}" for mean in means)]
            for group, means in zip(first.groups.groups, first.groups.means, strict=True)
        ]
        rows.append(["worst", *first.worst.groups])
        yield from aligned(rows)
    for found in report.failures:
        for left in found.left_below:
            others = ", ".join(f"{name} {mean:.3f}" for name, mean in left.others)
            yield (
                f"alpha {found.alpha:g}: {left.winner} leaves {left.group} at {left.mean:.3f},"
                f" below {report.threshold:g}; not so {others}."
            )
    yield "\nOne juror left out: the largest change, and how many jurors tip the verdict"
    rows = [["alpha", "change", "of", "without", "tip it", "own range:", "of", "without", "tip it"]]
    for found in report.failures:
        cells = [f"{found.alpha:g}"]
        for influence in (found.influence, found.in_own_range):
            cells += _largest(influence, report)
        rows.append(cells)
    yield from aligned(rows)


def _largest(influence: Influence, report: WelfareReport) -> list[str]:
    if np.isnan(influence.largest).all():
        return ["none", "", "", ""]
    place = int(np.nanargmax(np.abs(influence.largest)))
    juror = report.jurors[influence.jurors[place]]
    change = f"{influence.largest[place]:+.3f}"
    return [change, report.responses[place], juror, str(len(influence.tipping))]


def _banded(value: float, lower: float, upper: float) -> str:
    return f"{value:.3f}" if isnan(lower) else f"{value:.3f} [{lower:.3f}, {upper:.3f}]"


def aligned(rows: list[list[str]]) -> Iterator[str]:
    """Lines of a table with columns as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
