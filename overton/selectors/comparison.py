"""Sources compared on the queries that both answered, and who says what each group holds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from annotations.domain.measured import Measured
from annotations.domain.ordering import derived_seed
from annotations.models import Study
from overton.domain.comparison import PairedDifference, compare_pairs, paired_difference
from overton.domain.coverage import Coverage
from overton.selectors.coverage import RESAMPLES, SourceCoverage, StudyCoverage

FEWEST_SOURCES = 2


@dataclass(frozen=True)
class Comparison:
    """Every two sources by one measure."""

    measure: str
    pairs: tuple[PairedDifference, ...]


@dataclass(frozen=True)
class GroupLead:
    """Who says most of what a group holds.

    Attributes:
        group: its name.
        source: who says most; "" where no source has a value.
        value: its coverage of what the group holds.
        second: the next source; "" for none.
        lead: paired difference between the two over their common queries.
        worst: who says least; "" for none.
        worst_value: how much of it that one says.
    """

    group: str
    source: str
    value: Measured
    second: str
    lead: Measured
    worst: str
    worst_value: Measured


def compare_sources(*, study: Study, found: StudyCoverage, measure: str) -> Comparison:
    """Paired differences of a measure between every two sources; the seed is the study's own."""
    return Comparison(
        measure=measure,
        pairs=compare_pairs(
            values={
                own.source: {
                    str(item.query.public_id): getattr(one, measure)
                    for item, one in zip(own.windows, own.per_query, strict=True)
                }
                for own in found.sources
            },
            seed=_seed(study),
            resamples=RESAMPLES,
        ),
    )


def group_leads(*, study: Study, found: StudyCoverage) -> tuple[GroupLead, ...]:
    """For each group that the rule names: who says most of what it holds, and who least."""
    names = list(found.sources[0].by_group) if found.sources else []
    return tuple(_lead(name, found, _seed(study)) for name in names)


def _lead(group: str, found: StudyCoverage, seed: int) -> GroupLead:
    known = sorted(
        (own for own in found.sources if own.by_group[group].value is not None),
        key=lambda own: (-(own.by_group[group].value or 0.0), own.source),
    )
    nothing = Measured.missing("No source has a value for this group.")
    if not known:
        return GroupLead(group, "", nothing, "", nothing, "", nothing)
    best, worst = known[0], known[-1]
    lead = Measured.missing("There is no other source to compare with.")
    second = ""
    if len(known) >= FEWEST_SOURCES:
        second = known[1].source
        lead, _, _ = paired_difference(
            first=_by_query(best, group),
            second=_by_query(known[1], group),
            rng=np.random.default_rng(seed),
            resamples=RESAMPLES,
        )
    return GroupLead(
        group=group,
        source=best.source,
        value=best.by_group[group],
        second=second,
        lead=lead,
        worst=worst.source,
        worst_value=worst.by_group[group],
    )


def _by_query(source: SourceCoverage, group: str) -> Mapping[str, Measured]:
    return {
        str(item.query.public_id): _of_group(one, group)
        for item, one in zip(source.windows, source.per_query, strict=True)
    }


def _of_group(coverage: Coverage, group: str) -> Measured:
    return dict(coverage.by_group)[group]


def _seed(study: Study) -> int:
    return int(derived_seed(seed=study.order_seed, purpose="coverage")[:12], 16)
