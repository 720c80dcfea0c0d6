"""The jury's joint verdict: welfare of each source along alpha (paper, section 4.3)."""

from math import isnan

import numpy as np
from numpy.typing import NDArray

from annotations.figures.welfare import alpha_label, welfare_svg
from annotations.models import Criterion, Study
from annotations.ports import Figure, SectionContent, Table
from annotations.sections.empty import nothing_rated
from annotations.selectors.ratings import (
    RatingMatrix,
    juror_traits,
    rating_matrix,
    ratings_fingerprint,
    results_rng,
    utilities,
)
from juries.domain.alpha_sweep import AlphaSweep, alpha_sweep

BOOTSTRAPS = 2000
TIE = 1e-9
LEAD = ("leads", "chance that it leads")
EXPLANATION = (
    "Utilities are ratings mapped to 0.01 (lowest) to 1 (highest) by the scale's declared bounds. "
    "α says how much the worse-off count. Only what jurors said is counted here, nothing predicted."
)


class WelfareSection:
    """w_α of each source, from the average (α = 0) to the worst-off juror (α = ∞)."""

    key = "welfare"
    title = "What the jury as a whole gets"

    def fingerprint(self, *, study: Study) -> str:
        """Changes with every rating."""
        return ratings_fingerprint(study=study)

    def build(self, *, study: Study) -> SectionContent:
        """Compute the section from what stands in the database now."""
        figures: list[Figure] = []
        tables: list[tuple[str, Table]] = []
        summary: list[str] = []
        notices: list[str] = []
        silences: list[str] = []
        for criterion in study.criteria.all():
            matrix = rating_matrix(criterion=criterion)
            if matrix.silence:
                silences.append(f"{criterion.name}: {matrix.silence}")
                continue
            matrix = matrix.spoken()
            values = utilities(criterion=criterion, matrix=matrix)
            rated: NDArray[np.bool_] = np.asarray(~np.isnan(values).all(axis=0))
            notices += _unfair(criterion, matrix, rated)
            sweep, feature = _sweep(study, criterion, matrix, values, rated)
            notices += _below_band(criterion, sweep)
            figures.append(_figure(criterion, sweep, feature))
            summary.append(_sentence(criterion, sweep))
            tables.append((f"{criterion.name}: the worst-off", _tail_table(sweep)))
            tables += _group_tables(criterion, matrix, values, rated)
        if not figures:
            return SectionContent(empty_reason=nothing_rated(silences=silences))
        return SectionContent(
            summary=(EXPLANATION, *summary),
            notices=(*silences, *notices),
            figures=tuple(figures),
            tables=tuple(tables),
        )


def _sweep(
    study: Study,
    criterion: Criterion,
    matrix: RatingMatrix,
    values: NDArray[np.float64],
    rated: NDArray[np.bool_],
) -> tuple[AlphaSweep, str]:
    """The sweep, and the feature whose values were the strata."""
    traits = juror_traits(juror_ids=matrix.juror_ids)
    feature = next(iter(traits), "")
    sweep = alpha_sweep(
        values[:, rated],
        item_sources=[
            response.source for response, kept in zip(matrix.responses, rated, strict=True) if kept
        ],
        rng=results_rng(study=study, purpose=f"welfare {criterion.key}"),
        strata=traits[feature] if feature else None,
        bootstraps=BOOTSTRAPS,
        skip_missing=True,
    )
    return sweep, feature


def _unfair(criterion: Criterion, matrix: RatingMatrix, rated: NDArray[np.bool_]) -> list[str]:
    """Sources are compared fairly only on the same queries."""
    answered = {
        source: {
            int(query)
            for query, own, kept in zip(matrix.query_index, matrix.source_index, rated, strict=True)
            if own == index and kept
        }
        for index, source in enumerate(matrix.sources)
    }
    sizes = {source: len(queries) for source, queries in answered.items()}
    if len({frozenset(queries) for queries in answered.values()}) < 2:
        return []
    counts = ", ".join(f"{source} {size}" for source, size in sizes.items())
    differ = f"the sources did not all answer the same rated queries ({counts})"
    return [f"{criterion.name}: {differ}; their means differ in what was asked, too."]


def _below_band(criterion: Criterion, sweep: AlphaSweep) -> list[str]:
    """Where the welfare lies below its own band (see `AlphaSweep`): the jury is too small."""
    places: dict[str, list[str]] = {}
    for row, column in zip(*np.nonzero(sweep.welfare < sweep.lower - TIE), strict=True):
        label = alpha_label(sweep.alphas[row])
        by = f"{sweep.bias[row, column]:+.3f}"
        places.setdefault(sweep.sources[column], []).append(f"{label} (by {by})")
    if not places:
        return []
    where = "; ".join(f"{source} at α = {', '.join(rows)}" for source, rows in places.items())
    problem = (
        f"{sweep.jurors} jurors are too small a jury for an interval at these places. A resample "
        "that misses the worst-off is better than the jury, so that the mean of the resamples lies "
        "above what was observed"
    )
    return [f"{criterion.name}: {problem}: {where}. Read the table of the worst-off."]


def _figure(criterion: Criterion, sweep: AlphaSweep, feature: str) -> Figure:
    strata = f"within {feature}" if feature else "without strata"
    is_compared = len(sweep.sources) > 1
    columns = [f"{source}{part}" for source in sweep.sources for part in ("", " low", " high")]
    return Figure(
        key=f"alpha-{criterion.key}",
        title=f"Which source serves the jury best by {criterion.name.lower()}?",
        svg=welfare_svg(name=criterion.name, sweep=sweep),
        caption="Mean over queries. At ∞ stands the worst-off juror; a minimum has no honest "
        "bootstrap interval, so the table of the worst-off stands beside it. A dashed line marks "
        "where the leader changes.",
        interval=f"95 % bootstrap over jurors {strata}, {sweep.bootstraps:,} paired resamples",
        n=f"{sweep.jurors} jurors, {sum(sweep.items)} responses",
        table=Table(
            columns=("α", *columns, *LEAD[: 2 * is_compared]),
            rows=tuple(_sweep_row(sweep, row) for row in range(len(sweep.alphas))),
            numeric=frozenset((*range(1, len(columns) + 1), *[len(columns) + 2][:is_compared])),
            caption=f"Welfare by {criterion.name.lower()} along α",
        ),
    )


def _sweep_row(sweep: AlphaSweep, row: int) -> tuple[str | float | None, ...]:
    best = _leaders(sweep, row)
    cells = [
        _known(array[row, column])
        for column in range(len(sweep.sources))
        for array in (sweep.welfare, sweep.lower, sweep.upper)
    ]
    if len(sweep.sources) == 1:
        return (alpha_label(sweep.alphas[row]), *cells)
    return (
        alpha_label(sweep.alphas[row]),
        *cells,
        ", ".join(sweep.sources[index] for index in best),
        _known(sweep.wins[row, best[0]]) if len(best) == 1 else None,
    )


def _leaders(sweep: AlphaSweep, row: int) -> list[int]:
    """The sources with the highest welfare at an alpha; more than one where they tie."""
    welfare = sweep.welfare[row]
    return [int(index) for index in np.flatnonzero(welfare >= np.nanmax(welfare) - TIE)]


def _sentence(criterion: Criterion, sweep: AlphaSweep) -> str:
    if len(sweep.sources) == 1:
        return f"{criterion.name}: {sweep.sources[0]} is the only source; nothing is compared."
    leaders = [_leaders(sweep, row) for row in range(len(sweep.alphas))]
    ahead = [" and ".join(sweep.sources[index] for index in indices) for indices in leaders]
    several = len(leaders[0]) > 1
    if all(indices == leaders[0] for indices in leaders):
        tied = " serve the jury equally" if several else " leads"
        return f"{criterion.name}: {ahead[0]}{tied} at every α."
    changes = "; ".join(
        f"at α ≈ {crossing.alpha:.2g} {crossing.after} overtakes {crossing.before}"
        for crossing in sweep.crossings
    )
    first = f"{ahead[0]} {'lead' if several else 'leads'} at α = 0"
    return (
        f"{criterion.name}: who leads depends on how much the worse-off count. "
        f"{first}, {ahead[-1]} at α = ∞" + (f"; {changes}." if changes else ".")
    )


def _tail_table(sweep: AlphaSweep) -> Table:
    tail = sweep.tail
    return Table(
        columns=(
            "source",
            "worst-off juror, as observed",
            "5th percentile",
            "low",
            "high",
            "mean of the worst 5 %",
            "low",
            "high",
        ),
        rows=tuple(
            (
                source,
                _known(sweep.welfare[-1, column]),
                _known(tail.percentile[column]),
                _known(tail.percentile_lower[column]),
                _known(tail.percentile_upper[column]),
                _known(tail.worst_mean[column]),
                _known(tail.worst_mean_lower[column]),
                _known(tail.worst_mean_upper[column]),
            )
            for column, source in enumerate(sweep.sources)
        ),
        numeric=frozenset(range(1, 8)),
        caption="What the worst-off jurors get, averaged over queries",
    )


def _group_tables(
    criterion: Criterion,
    matrix: RatingMatrix,
    values: NDArray[np.float64],
    rated: NDArray[np.bool_],
) -> list[tuple[str, Table]]:
    """Mean utility of each group for each source, so that a majority can't hide who lost."""
    traits = juror_traits(juror_ids=matrix.juror_ids)
    rows: list[tuple[str | float | int | None, ...]] = []
    for feature, labels in traits.items():
        for name in sorted(set(labels)):
            members = np.asarray([label == name for label in labels])
            cells = [
                _mean(values[np.ix_(members, rated & (matrix.source_index == index))])
                for index in range(len(matrix.sources))
            ]
            rows.append((f"{feature}: {name}", int(members.sum()), *cells))
    if not rows:
        return []
    table = Table(
        columns=("group", "jurors", *matrix.sources),
        rows=tuple(rows),
        numeric=frozenset(range(1, len(matrix.sources) + 2)),
        caption=f"Mean utility by {criterion.name.lower()}, group by group",
    )
    return [(f"{criterion.name}: who gets what", table)]


def _mean(values: NDArray[np.float64]) -> float | None:
    said = values[~np.isnan(values)]
    return float(said.mean()) if len(said) else None


def _known(value: float) -> float | None:
    return None if isnan(value) else float(value)
