"""A welfare report as plain data for JSON: an alpha of infinity is "inf", a missing number null."""

from collections.abc import Iterable
from math import isinf, isnan

from juries.domain.failure_modes import FailureModes, Influence
from juries.domain.voting.minimax import MinimaxOutcome
from juries.domain.voting.outcomes import Outcome
from juries.domain.voting.schulze import SchulzeOutcome
from juries.domain.welfare_report import WelfareReport

FORMAT = "venire-welfare/1"

Plain = dict[str, object]


def welfare_document(report: WelfareReport) -> Plain:
    """What the report says; whoever writes it adds where the numbers came from."""
    return {
        "jurors": len(report.jurors),
        "responses": [
            {
                "name": name,
                "judged_by": said,
                "atkinson": number(report.inequality.atkinson[place]),
                "gini": number(report.inequality.gini[place]),
                "share_below": number(report.inequality.below[place]),
            }
            for place, (name, said) in enumerate(zip(report.responses, report.said, strict=True))
        ],
        "threshold": report.threshold,
        "bootstraps": report.sweep.bootstraps,
        "level": report.sweep.level,
        "single_juror_strata": report.sweep.single_juror_strata,
        "welfare": [_row(report, row) for row in range(len(report.sweep.alphas))],
        "worst_off": _tail(report),
        "crossings": [
            {"alpha": crossing.alpha, "before": crossing.before, "after": crossing.after}
            for crossing in report.sweep.crossings
        ],
        "rules": [
            {
                "label": rule.label,
                **_outcome(rule.outcome),
                "chance_to_win": _named(report.responses, rule.chances),
                "resamples": rule.resamples,
            }
            for rule in report.rules
        ],
        "failures": [_failures(found, report.jurors) for found in report.failures],
    }


def number(value: float) -> float | str | None:
    """A float as JSON can hold it."""
    if isnan(value):
        return None
    return "inf" if isinf(value) else float(value)


def _row(report: WelfareReport, row: int) -> Plain:
    sweep = report.sweep
    columns = [sweep.sources.index(name) for name in report.responses]
    named = {
        "welfare": sweep.welfare,
        "lower": sweep.lower,
        "upper": sweep.upper,
        "bias": sweep.bias,
        "chance_to_win": sweep.wins,
        "lead": sweep.lead,
        "lead_lower": sweep.lead_lower,
        "lead_upper": sweep.lead_upper,
    }
    return {
        "alpha": number(sweep.alphas[row]),
        "winners": list(report.verdicts[row].winners),
        "remark": report.verdicts[row].remark,
        "responses": {
            name: {key: number(figures[row, column]) for key, figures in named.items()}
            for name, column in zip(report.responses, columns, strict=True)
        },
    }


def _tail(report: WelfareReport) -> Plain:
    tail, sources = report.sweep.tail, report.sweep.sources
    named = {
        "percentile_5": tail.percentile,
        "percentile_5_lower": tail.percentile_lower,
        "percentile_5_upper": tail.percentile_upper,
        "mean_of_worst_5_percent": tail.worst_mean,
        "mean_of_worst_5_percent_lower": tail.worst_mean_lower,
        "mean_of_worst_5_percent_upper": tail.worst_mean_upper,
    }
    return {
        name: {key: number(figures[sources.index(name)]) for key, figures in named.items()}
        for name in report.responses
    }


def _named(names: Iterable[str], figures: Iterable[float]) -> Plain:
    return {name: number(figure) for name, figure in zip(names, figures, strict=True)}


def _outcome(outcome: Outcome) -> Plain:
    plain: Plain = {
        "rule": outcome.rule,
        "winners": list(outcome.winners),
        "score": outcome.score,
        "scores": _named(outcome.responses, outcome.scores),
        "remark": outcome.remark,
    }
    if isinstance(outcome, MinimaxOutcome):
        plain |= {
            "is_unique": outcome.is_unique,
            "lowest": _named(outcome.responses, outcome.lowest),
            "highest": _named(outcome.responses, outcome.highest),
            "margins": outcome.margins.tolist(),
        }
    if isinstance(outcome, SchulzeOutcome):
        plain["paths"] = [[float(strength) for strength in row] for row in outcome.paths]
    return plain


def _failures(found: FailureModes, jurors: tuple[str, ...]) -> Plain:
    plain: Plain = {
        "alpha": number(found.alpha),
        "winners": list(found.winners),
        "left_below": [
            {
                "group": left.group,
                "winner": left.winner,
                "mean": left.mean,
                "others": dict(left.others),
            }
            for left in found.left_below
        ],
        "influence": _influence(found.responses, found.influence, jurors),
        "influence_in_own_range": _influence(found.responses, found.in_own_range, jurors),
    }
    if found.groups is not None and found.worst is not None:
        plain["group_means"] = {
            group: _named(found.responses, row)
            for group, row in zip(found.groups.groups, found.groups.means, strict=True)
        }
        plain["worst_group"] = {
            name: {"group": group, "mean": number(mean)}
            for name, group, mean in zip(
                found.responses, found.worst.groups, found.worst.means, strict=True
            )
        }
    return plain


def _influence(responses: tuple[str, ...], found: Influence, jurors: tuple[str, ...]) -> Plain:
    return {
        "largest": {
            name: {"change": number(change), "juror": jurors[juror] if juror >= 0 else None}
            for name, change, juror in zip(responses, found.largest, found.jurors, strict=True)
        },
        "tipping": [
            {"juror": jurors[tip.juror], "winners": list(tip.winners)} for tip in found.tipping
        ],
    }
