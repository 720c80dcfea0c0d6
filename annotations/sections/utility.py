"""Utilities by source and by response."""

import warnings
from collections.abc import Sequence
from math import isclose

import numpy as np
from numpy.typing import NDArray

from annotations.domain.bootstrap import mean_interval
from annotations.domain.measured import Measured
from annotations.figures.utility import utility_svg
from annotations.models import Criterion, Study
from annotations.ports import Figure, SectionContent, Table
from annotations.sections.empty import nothing_rated
from annotations.selectors.ratings import (
    RatingMatrix,
    rating_matrix,
    ratings_fingerprint,
    results_rng,
    utilities,
)

BOOTSTRAPS = 2000


class UtilitySection:
    """What the ratings are worth on the scale's declared bounds, juror by juror."""

    key = "utility"
    title = "What they think of each source"

    def fingerprint(self, *, study: Study) -> str:
        """Changes with every rating."""
        return ratings_fingerprint(study=study)

    def build(self, *, study: Study) -> SectionContent:
        """Compute the section from what stands in the database now."""
        figures: list[Figure] = []
        tables: list[tuple[str, Table]] = []
        summary: list[str] = []
        silences: list[str] = []
        for criterion in study.criteria.all():
            matrix = rating_matrix(criterion=criterion)
            if matrix.silence:
                silences.append(f"{criterion.name}: {matrix.silence}")
                continue
            values = utilities(criterion=criterion, matrix=matrix)
            figure, best = _figure(study, criterion, matrix, values)
            figures.append(figure)
            summary.append(best)
            tables.append((f"{criterion.name}, response by response", _by_response(matrix, values)))
        if not figures:
            return SectionContent(empty_reason=nothing_rated(silences=silences))
        return SectionContent(
            summary=tuple(summary),
            notices=tuple(silences),
            figures=tuple(figures),
            tables=tuple(tables),
        )


def _figure(
    study: Study, criterion: Criterion, matrix: RatingMatrix, values: NDArray[np.float64]
) -> tuple[Figure, str]:
    rng = results_rng(study=study, purpose=f"utility {criterion.key}")
    own = {
        source: _means(values[:, matrix.source_index == index], axis=1)
        for index, source in enumerate(matrix.sources)
    }
    means = {
        source: mean_interval(values=column, rng=rng, bootstraps=BOOTSTRAPS)
        for source, column in own.items()
    }
    raters = int((~np.isnan(matrix.values)).any(axis=1).sum())
    order = sorted(own, key=lambda source: (-(means[source].value or 0.0), source))
    figure = Figure(
        key=f"source-{criterion.key}",
        title=f"How does each juror rate each source's {criterion.name.lower()}?",
        svg=utility_svg(
            name=criterion.name,
            by_source={source: own[source].tolist() for source in order},
            means={source: means[source] for source in order},
        ),
        caption="A dot is one juror's mean over the responses of a source that she rated.",
        interval=f"95 % bootstrap over jurors, {BOOTSTRAPS:,} resamples",
        n=f"{raters} jurors, {int((~np.isnan(matrix.values)).sum())} ratings",
        table=Table(
            columns=("source", "mean utility", "low", "high", "jurors", "why"),
            rows=tuple(
                (
                    source,
                    means[source].value,
                    means[source].low,
                    means[source].high,
                    means[source].count,
                    means[source].reason,
                )
                for source in order
            ),
            numeric=frozenset(range(1, 5)),
            caption=f"Mean utility of each source by {criterion.name.lower()}",
        ),
    )
    return figure, _sentence(criterion, [(source, means[source]) for source in order])


def _sentence(criterion: Criterion, ordered: Sequence[tuple[str, Measured]]) -> str:
    """Which source has the highest mean; sources that share it are all named."""
    known = [(source, mean) for source, mean in ordered if mean.value is not None]
    top = known[0][1].value or 0.0
    best = [own for own in known if isclose(own[1].value or 0.0, top, abs_tol=1e-9)]
    words = " and ".join(_words(*own) for own in best)
    if len(known) == 1:
        return f"{criterion.name}: only {words} was rated."
    if len(best) > 1:
        return f"{criterion.name}: {words} share the highest mean."
    return f"{criterion.name}: {words} has the highest mean."


def _words(source: str, mean: Measured) -> str:
    if mean.value is None or mean.low is None or mean.high is None:
        return source
    return f"{source} ({mean.value:.2f}, 95 % interval {mean.low:.2f} to {mean.high:.2f})"


def _by_response(matrix: RatingMatrix, values: NDArray[np.float64]) -> Table:
    means = _means(values, axis=0)
    rows = []
    for column, response in enumerate(matrix.responses):
        said = values[:, column][~np.isnan(values[:, column])]
        rows.append(
            (
                response.query_text,
                response.source,
                len(said),
                int(matrix.cant_say[:, column].sum()),
                None if not len(said) else float(means[column]),
                None if len(said) < 2 else float(said.std(ddof=1)),
                None if not len(said) else float(said.min()),
            )
        )
    return Table(
        columns=(
            "query",
            "source",
            "ratings",
            "can't say",
            "mean utility",
            "standard deviation",
            "lowest",
        ),
        rows=tuple(rows),
        numeric=frozenset(range(2, 7)),
        caption="Utilities of each response",
    )


def _means(values: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """Means over what was said; NaN where nothing was."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Mean of empty slice", category=RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=axis), dtype=np.float64)
