"""Sources beside each other: a measure, how far they differ, and who says what a group holds."""

from math import isclose

import numpy as np

from annotations.domain.measured import Measured
from annotations.ports import Table
from overton.domain.comparison import PairedDifference
from overton.domain.coverage import MEASURES
from overton.figures.coverage import differences_chart, groups_chart, strips_chart
from overton.figures.drawn import Drawn
from overton.selectors.comparison import Comparison, GroupLead
from overton.selectors.coverage import SourceCoverage, StudyCoverage
from overton.selectors.pairs import counted_pairs
from overton.selectors.represented import StudyRepresentation

Cell = str | int | float | None
# What each measure is called, and what it says of a source.
MEASURE_NAMES = {
    "coverage": "coverage",
    "weighted_coverage": "coverage by support",
    "precision": "precision",
    "accuracy": "accuracy",
    "f1": "F1",
    "unreasonable_rate": "unreasonable rate",
    "coverage_per_100_words": "coverage per 100 words",
    "overton_pluralistic": "Overton-pluralistic",
}
MEASURE_MEANS = {
    "coverage": "share of a query’s reasonable answers that are expressed",
    "weighted_coverage": "the same, each answer weighted by how many hold it",
    "precision": "of the judged answers that are expressed, the share that is reasonable",
    "accuracy": "reasonable answers expressed and unreasonable ones left out, of both",
    "f1": "harmonic mean of precision and coverage",
    "unreasonable_rate": "share of a query’s unreasonable answers that are expressed; less is "
    "better",
    "coverage_per_100_words": "coverage divided by the length, in hundreds of words",
    "overton_pluralistic": "share of queries covered whole, without an unreasonable answer",
}
LESS_IS_BETTER = frozenset({"unreasonable_rate"})
INTERVAL = "95 % bootstrap over queries, 2,000 resamples"


def in_order(found: StudyCoverage, measure: str) -> list[SourceCoverage]:
    """The sources, the best by a measure first; those without a value come last."""
    sign = 1 if measure in LESS_IS_BETTER else -1
    return sorted(
        found.sources,
        key=lambda own: (
            own.measures[measure].value is None,
            sign * (own.measures[measure].value or 0.0),
            own.source,
        ),
    )


def sources_table(found: StudyCoverage, measure: str) -> Table:
    """Every measure of every source, in the order of one measure."""
    columns = (
        *("source", "queries", "words a query"),
        *(text for name in MEASURES for text in (MEASURE_NAMES[name], "from", "to")),
        "not computed",
    )
    rows: list[tuple[Cell, ...]] = [
        (
            own.source,
            len(own.per_query),
            own.words,
            *(
                number
                for name in MEASURES
                for number in (
                    own.measures[name].value,
                    own.measures[name].low,
                    own.measures[name].high,
                )
            ),
            " ".join(
                f"{MEASURE_NAMES[name]}: {own.measures[name].reason}"
                for name in MEASURES
                if own.measures[name].reason
            ),
        )
        for own in in_order(found, measure)
    ]
    return Table(
        columns=columns,
        rows=tuple(rows),
        numeric=frozenset(range(1, len(columns) - 1)),
        caption="Each source over its queries; shares between 0 and 1",
    )


def pairs_table(found: StudyCoverage) -> Table:
    """Every pair of a response and an answer: what counts, and whose word that is."""
    rows: list[tuple[Cell, ...]] = [
        (
            pair.query,
            pair.response.source,
            str(pair.response.public_id),
            str(pair.answer.public_id),
            pair.answer.text,
            None if pair.label is None else pair.label.value,
            pair.decider.value,
            None if pair.read is None else pair.read.score,
            None if pair.read is None else pair.read.probability,
            None if pair.read is None else pair.read.start,
            None if pair.read is None else pair.read.end,
        )
        for pair in counted_pairs(found=found)
    ]
    return Table(
        columns=(
            *("query", "source", "response", "answer", "text", "label", "decided by"),
            *("model’s score", "model’s probability", "passage from", "passage to"),
        ),
        rows=tuple(rows),
        numeric=frozenset({7, 8, 9, 10}),
        caption="Every response with every answer to its query",
    )


def strips_figure(found: StudyCoverage, measure: str) -> Drawn:
    """One dot per query and source."""
    sources = in_order(found, measure)
    title = f"How do the sources compare in {MEASURE_NAMES[measure]}?"
    values = {
        own.source: [
            np.nan if (value := getattr(one, measure).value) is None else float(value)
            for one in own.per_query
        ]
        for own in sources
    }
    rows: list[tuple[Cell, ...]] = [
        (own.source, item.query.external_id, item.query.text, getattr(one, measure).value,
         getattr(one, measure).reason)
        for own in sources
        for item, one in zip(own.windows, own.per_query, strict=True)
    ]  # fmt: skip
    return Drawn.of(
        key="sources",
        chart=strips_chart(
            title=title,
            axis=f"{MEASURE_NAMES[measure]}: {MEASURE_MEANS[measure]}",
            values=values,
            means={own.source: own.measures[measure] for own in sources},
            predicted={own.source: _predicted(found, own) for own in sources},
        ),
        caption="One dot per query; the upright line is the mean over queries, the band its "
        "interval."
        + (" A hollow dot rests on a model’s reading in part." if found.by_judge else ""),
        table=Table(
            columns=("source", "query", "text", MEASURE_NAMES[measure], "not computed"),
            rows=tuple(rows),
            numeric=frozenset({3}),
            caption="Each source’s value on each query, between 0 and 1",
        ),
        finding=_finding(sources, measure),
        n=f"{max(len(own.per_query) for own in sources)} queries, {len(found.responses)} responses",
        interval=INTERVAL,
        is_predicted=found.by_judge > 0,
    )


def _predicted(found: StudyCoverage, source: SourceCoverage) -> list[bool]:
    """On which of a source's queries a model's reading counts for some answer."""
    by_query = {
        one.window.query.pk
        for one in found.responses
        if one.response.source == source.source and one.by_judge
    }
    return [item.query.pk in by_query for item in source.windows]


def _finding(sources: list[SourceCoverage], measure: str) -> str:
    known = [own for own in sources if own.measures[measure].value is not None]
    if not known:
        return "No source has a value."
    best = f"{known[0].source} stands first, {interval_words(known[0].measures[measure])}"
    if len(known) == 1:
        return f"{best}; nothing is compared."
    return f"{best}; {known[-1].source} last, {interval_words(known[-1].measures[measure])}."


def interval_words(measured: Measured) -> str:
    """A share with its interval, in words."""
    if measured.value is None:
        return "unknown"
    if measured.low is None or measured.high is None:
        return f"{measured.value:.0%}"
    return f"{measured.value:.0%} ({measured.low:.0%} to {measured.high:.0%})"


def differences_figure(compared: Comparison, *, is_predicted: bool) -> Drawn:
    """How far every two sources differ on the queries that both answered."""
    name = MEASURE_NAMES[compared.measure]
    title = f"How far do the sources differ in {name}?"
    rows: list[tuple[Cell, ...]] = [
        (
            pair.first,
            pair.second,
            pair.difference.value,
            pair.difference.low,
            pair.difference.high,
            pair.difference.count,
            pair.only_first,
            pair.only_second,
            "yes" if pair.is_settled else "no",
            pair.difference.reason,
        )
        for pair in compared.pairs
    ]
    return Drawn.of(
        key="differences",
        chart=differences_chart(
            title=title,
            axis=f"difference in {name}, on the queries that both answered",
            rows=[(f"{pair.first} less {pair.second}", pair.difference) for pair in compared.pairs],
        ),
        caption="Each query counts with both sources’ values, so what makes a query hard for both "
        "cancels out. A filled dot’s interval leaves zero out; a hollow diamond’s does not. "
        "Intervals are for one comparison each; among many, some leave zero out by chance.",
        table=Table(
            columns=("source", "compared with", "difference", "from", "to", "common queries",
                     "only the first", "only the second", "zero left out", "not computed"),
            rows=tuple(rows),
            numeric=frozenset({2, 3, 4, 5, 6, 7}),
            caption="Paired differences, between -1 and 1",
        ),
        finding=_settled(compared.pairs),
        n="1 comparison" if len(compared.pairs) == 1 else f"{len(compared.pairs)} comparisons",
        interval="95 % paired bootstrap over queries, 2,000 resamples",
        is_predicted=is_predicted,
    )  # fmt: skip


def represented_figure(found: StudyRepresentation) -> Drawn:
    """The share of opinion groups that find themselves in what a source says."""
    title = "How many groups of like-minded jurors does each source represent?"
    rows: list[tuple[Cell, ...]] = [
        (
            own.source,
            item.query.external_id,
            group.name,
            group.size,
            group.mean.value,
            group.mean.low,
            group.mean.high,
            "nobody rated" if group.represented is None else "yes" if group.represented else "no",
        )
        for own in found.sources
        for item, representation in own.per_query
        for group in representation.groups
    ]
    known = [own for own in found.sources if own.share.value is not None]
    scale = f"{found.criterion.low:g} to {found.criterion.high:g}"
    return Drawn.of(
        key="represented",
        chart=strips_chart(
            title=title,
            axis="share of a query’s groups that are represented",
            values={
                own.source: [
                    np.nan if one.share.value is None else one.share.value
                    for _, one in own.per_query
                ]
                for own in found.sources
            },
            means={own.source: own.share for own in found.sources},
        ),
        caption=f"A group is represented where its members’ mean rating by "
        f"“{found.criterion.name}” is at least {found.at_least:g} on the scale from {scale}. "
        "Groups are jurors who vote alike on the query’s answers, found anew for each query.",
        table=Table(
            columns=("source", "query", "group", "jurors in it", "mean rating", "from", "to",
                     "represented"),
            rows=tuple(rows),
            numeric=frozenset({3, 4, 5, 6}),
            caption="Mean ratings of groups of jurors who vote alike",
        ),
        finding=f"{known[0].source} represents most: {interval_words(known[0].share)}."
        if known
        else "Nobody who judged the answers has rated the responses by this criterion.",
        n=f"{len(found.groups)} queries, {sum(own.count for _, own in found.groups)} groups",
        interval=INTERVAL,
    )  # fmt: skip


def _settled(pairs: tuple[PairedDifference, ...]) -> str:
    settled = [pair for pair in pairs if pair.is_settled]
    if not settled:
        return "No difference is larger than chance alone would often give."
    widest = max(settled, key=lambda pair: abs(pair.difference.value or 0.0))
    return (
        f"{len(settled)} of {len(pairs)} differences leave zero out; the widest: {widest.first} "
        f"less {widest.second}, {interval_words(widest.difference)}."
    )


def _worst_served(leads: tuple[GroupLead, ...]) -> str:
    """Of which group even the source that says most of what it holds says least."""
    known = [lead for lead in leads if lead.value.value is not None]
    weakest = min(known, key=lambda lead: lead.value.value or 0.0, default=None)
    if weakest is None:
        return ""
    if isclose(weakest.value.value or 0.0, 1.0):
        return "For every group there is a source that says all that it holds."
    return (
        f"Worst served is {weakest.group}: even {weakest.source} says only "
        f"{interval_words(weakest.value)} of what it holds."
    )


def groups_figure(found: StudyCoverage, leads: tuple[GroupLead, ...]) -> Drawn:
    """Who says what each group holds."""
    title = "Which source says what each group holds?"
    lead_of = {lead.group: lead for lead in leads}
    names = list(found.sources[0].by_group)
    groups = {name: {own.source: own.by_group[name] for own in found.sources} for name in names}
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            source,
            own.value,
            own.low,
            own.high,
            own.count,
            "yes" if lead_of[name].source == source else "",
            own.reason,
        )
        for name, by_source in groups.items()
        for source, own in by_source.items()
    ]
    return Drawn.of(
        key="groups",
        chart=groups_chart(title=title, groups=groups),
        caption="The reasonable answers weighted by how many of the group hold them; 100 % means "
        "that everything the group holds is expressed.",
        table=Table(
            columns=("group", "source", "coverage", "from", "to", "queries", "says most",
                     "not computed"),
            rows=tuple(rows),
            numeric=frozenset({2, 3, 4, 5}),
            caption="Coverage of what each group holds, by source; shares between 0 and 1",
        ),
        finding=_worst_served(leads),
        n=f"{len(names)} groups, {len(found.sources)} sources",
        interval=INTERVAL,
        is_predicted=found.by_judge > 0,
    )  # fmt: skip
