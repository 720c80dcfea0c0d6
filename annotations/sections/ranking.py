"""How the jurors rank the sources against each other."""

import warnings
from math import isclose

import numpy as np
from numpy.typing import NDArray

from annotations.domain.bootstrap import mean_interval
from annotations.domain.measured import Measured
from annotations.figures.ranking import ranking_svg
from annotations.models import Study
from annotations.ports import Figure, SectionContent, Table
from annotations.selectors.rankings import (
    RankingMatrix,
    asks_for_ranking,
    ranking_matrix,
    rankings_fingerprint,
)
from annotations.selectors.ratings import results_rng

BOOTSTRAPS = 2000
TITLE = "How high does each juror put each source?"


class RankingSection:
    """Borda shares of the sources, juror by juror; left out where nobody is asked to rank."""

    key = "ranking"
    title = "How they rank the sources"

    def fingerprint(self, *, study: Study) -> str:
        """Changes with every order."""
        return rankings_fingerprint(study=study)

    def build(self, *, study: Study) -> SectionContent:
        """Compute the section from what stands in the database now."""
        matrix = ranking_matrix(study=study)
        if not matrix.orders:
            if not asks_for_ranking(study=study):
                return SectionContent()
            return SectionContent(
                empty_reason="Nobody has put responses in order yet. "
                "Open the study and invite the jury."
            )
        figure, sentence = _figure(study, matrix)
        return SectionContent(
            summary=(sentence,),
            figures=(figure,),
            tables=(("Response by response", _by_response(matrix)),),
        )


def _figure(study: Study, matrix: RankingMatrix) -> tuple[Figure, str]:
    own = {
        source: _means(matrix.shares[:, matrix.columns_of(source)], axis=1)
        for source in matrix.sources
    }
    rng = results_rng(study=study, purpose="ranking")
    means = {
        source: mean_interval(values=values, rng=rng, bootstraps=BOOTSTRAPS)
        for source, values in own.items()
    }
    order = sorted(own, key=lambda source: (-(means[source].value or 0.0), source))
    figure = Figure(
        key="sources",
        title=TITLE,
        svg=ranking_svg(
            title=TITLE,
            by_source={source: own[source].tolist() for source in order},
            means={source: means[source] for source in order},
        ),
        caption="A dot is one juror: the mean, over the queries that she ranked, of the share of "
        "the other responses that she put below the source's; level ones count half.",
        interval=f"95 % bootstrap over jurors, {BOOTSTRAPS:,} resamples",
        n=f"{len(matrix.juror_ids)} jurors, {matrix.orders} orders",
        table=Table(
            columns=("source", "mean Borda share", "low", "high", "mean place", "jurors", "why"),
            rows=tuple(
                (
                    source,
                    means[source].value,
                    means[source].low,
                    means[source].high,
                    _mean_place(matrix, source),
                    means[source].count,
                    means[source].reason,
                )
                for source in order
            ),
            numeric=frozenset(range(1, 6)),
            caption="How high each source was put",
        ),
    )
    return figure, _sentence([(source, means[source]) for source in order])


def _mean_place(matrix: RankingMatrix, source: str) -> float | None:
    """Over jurors alike: the mean of each juror's mean place."""
    own = _means(matrix.places[:, matrix.columns_of(source)], axis=1)
    said = own[~np.isnan(own)]
    return float(said.mean()) if len(said) else None


def _sentence(ordered: list[tuple[str, Measured]]) -> str:
    """Which source is put highest; sources that share it are all named."""
    top = ordered[0][1].value or 0.0
    best = [one for one in ordered if isclose(one[1].value or 0.0, top, abs_tol=1e-9)]
    words = " and ".join(_words(*one) for one in best)
    return f"{words} {'share the highest mean' if len(best) > 1 else 'is put highest'}."


def _words(source: str, mean: Measured) -> str:
    if mean.value is None or mean.low is None or mean.high is None:
        return source
    return (
        f"{source} (above {mean.value:.0%} of the others on average, 95 % interval "
        f"{mean.low:.0%} to {mean.high:.0%})"
    )


def _by_response(matrix: RankingMatrix) -> Table:
    shares, places = _means(matrix.shares, axis=0), _means(matrix.places, axis=0)
    counts = (~np.isnan(matrix.places)).sum(axis=0)
    firsts = (matrix.places == 1).sum(axis=0)
    return Table(
        columns=("query", "source", "orders", "first or level first", "mean place", "Borda share"),
        rows=tuple(
            (
                response.query_text,
                response.source,
                int(counts[column]),
                int(firsts[column]),
                float(places[column]) if counts[column] else None,
                float(shares[column]) if counts[column] else None,
            )
            for column, response in enumerate(matrix.responses)
        ),
        numeric=frozenset(range(2, 6)),
        caption="Places of each response",
    )


def _means(values: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """Means over what was ranked; NaN where nothing was."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Mean of empty slice", category=RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=axis), dtype=np.float64)
