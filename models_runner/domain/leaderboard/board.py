"""Everything about one criterion on a leaderboard, computed at once for a slider to pick from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from juries.domain.alpha_sweep import AlphaSweep, alpha_sweep
from juries.domain.resampling import PredictedCells, by_source, membership, resample_counts
from juries.domain.welfare import FloatArray, group_means, own_range
from models_runner.domain.leaderboard.influence import SourceInfluence, source_influence
from models_runner.domain.leaderboard.rules import RuleTally, rule_tallies

GRID = (*(step / 4 for step in range(65)), inf)
"""The alphas that are stored: 0 to 16 in quarters, and infinity."""

BOOTSTRAPS = 2000
RULE_RESAMPLES = 50
"""Resampled juries that voting rules are put to, query by query, which takes longer."""

LEVEL = 0.95
SATISFIED = 0.5
"""The utility above which a juror counts as satisfied by MAX-SAT."""

Progress = Callable[[float, str], None]


def _unheard(share: float, note: str) -> None:
    """Progress that nobody asked for."""
    del share, note


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Mean utilities of each value of a feature, averaged over a source's items.

    `jurors` (groups,) counts who is in it; `means`, `lower` and `upper` are (groups, sources), NaN
    where nobody of the group judged; the band is NaN for a group of one, which can't vary.
    """

    feature: str
    groups: tuple[str, ...]
    jurors: tuple[int, ...]
    means: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """A leaderboard: `influence` and `in_own_range` have an entry for each of `sweep.alphas`.

    `in_own_range` has each juror's utilities stretched to her own range. `cells` counts utilities,
    `guessed` those of them that a model predicted. `queries` (sources,) counts the queries on which
    a source was judged, `shared_queries` those on which all were.
    """

    sweep: AlphaSweep
    influence: tuple[SourceInfluence, ...]
    in_own_range: tuple[SourceInfluence, ...]
    groups: tuple[Groups, ...]
    rules: tuple[RuleTally, ...]
    cells: int
    guessed: int
    queries: tuple[int, ...]
    shared_queries: int


def compute_board(
    utilities: FloatArray,
    *,
    item_sources: Sequence[str],
    item_queries: Sequence[int],
    traits: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
    predicted: PredictedCells | None = None,
    progress: Progress = _unheard,
) -> Board:
    """All of it. Strata of the bootstrap are the values of the first trait.

    `utilities` (jurors, items) in [0, inf), NaN where not known, no item without a value;
    `item_queries` numbers each item's query; `traits` maps a feature to each juror's value. Raises
    InvalidUtilities.
    """
    labels = list(next(iter(traits.values()))) if traits else [""] * len(utilities)
    progress(0.0, "welfare along α")
    sweep = alpha_sweep(
        utilities,
        item_sources=item_sources,
        rng=rng,
        alphas=GRID,
        strata=labels,
        predicted=predicted,
        bootstraps=BOOTSTRAPS,
        level=LEVEL,
        skip_missing=True,
    )
    stretched = own_range(utilities, epsilon=0.01)
    answered = _answered(sweep.sources, item_sources, item_queries)
    own, in_own_range = [], []
    for place, alpha in enumerate(GRID):
        progress(0.3 + 0.1 * place / len(GRID), "each juror left out in turn")
        own.append(source_influence(utilities, item_sources=item_sources, alpha=alpha))
        in_own_range.append(source_influence(stretched, item_sources=item_sources, alpha=alpha))
    progress(0.4, "groups")
    groups = tuple(
        _groups(feature, utilities, item_sources, values, rng, predicted)
        for feature, values in traits.items()
    )
    return Board(
        sweep=sweep,
        influence=tuple(own),
        in_own_range=tuple(in_own_range),
        groups=groups,
        rules=rule_tallies(
            utilities,
            item_sources=item_sources,
            item_queries=item_queries,
            counts=resample_counts(strata=labels, bootstraps=RULE_RESAMPLES, rng=rng),
            threshold=SATISFIED,
            level=LEVEL,
            progress=lambda done, total: progress(0.5 + 0.5 * done / total, "voting rules"),
        ),
        cells=int((~np.isnan(utilities)).sum()),
        guessed=0 if predicted is None else int((~np.isnan(predicted.deviations)).sum()),
        queries=tuple(len(queries) for queries in answered),
        shared_queries=len(frozenset.intersection(*answered)),
    )


def _answered(
    sources: Sequence[str], item_sources: Sequence[str], item_queries: Sequence[int]
) -> list[frozenset[int]]:
    pairs = list(zip(item_sources, item_queries, strict=True))
    return [frozenset(query for owner, query in pairs if owner == source) for source in sources]


def _groups(
    feature: str,
    utilities: FloatArray,
    item_sources: Sequence[str],
    labels: Sequence[str],
    rng: np.random.Generator,
    predicted: PredictedCells | None,
) -> Groups:
    sources, belongs = membership(item_sources)
    found = group_means(utilities, groups=labels, skip_missing=True)
    own = np.asarray(labels, dtype=object)
    bands = np.full((2, len(found.groups), len(sources)), np.nan)
    sizes = []
    for place, group in enumerate(found.groups):
        members = own == group
        sizes.append(int(members.sum()))
        if sizes[-1] < 2:
            continue
        cells = None
        if predicted is not None:
            cells = PredictedCells(
                predicted.deviations[members], predicted.lowest, predicted.highest
            )
        sweep = alpha_sweep(
            utilities[members],
            item_sources=item_sources,
            rng=rng,
            alphas=(0.0,),
            predicted=cells,
            bootstraps=BOOTSTRAPS,
            level=LEVEL,
            skip_missing=True,
        )
        bands[:, place] = sweep.lower[0], sweep.upper[0]
    return Groups(
        feature=feature,
        groups=found.groups,
        jurors=tuple(sizes),
        means=by_source(found.means, belongs),
        lower=bands[0],
        upper=bands[1],
    )
