"""How much of the windows the responses express, by what people and judges read in them."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from annotations.domain.measured import Measured
from annotations.models import Study
from annotations.ports import Figure, SectionContent, Table
from overton.domain.coverage import MEASURES
from overton.domain.report_card import FEWEST_FOR_VALIDATION
from overton.domain.windows import Verdict
from overton.figures.coverage import coverage_svg, groups_svg
from overton.models import EntailmentReading
from overton.selectors.coverage import StudyCoverage, coverage_fingerprint, study_coverage
from overton.selectors.readings import card_of, current_reading

Cell = str | int | float | None
HEADINGS = {
    "coverage": "coverage",
    "precision": "precision",
    "accuracy": "accuracy",
    "f1": "F1",
    "weighted_coverage": "coverage by support",
    "unreasonable_rate": "unreasonable rate",
    "coverage_per_100_words": "coverage per 100 words",
    "overton_pluralistic": "Overton-pluralistic",
}
COVERAGE_TITLE = "How much of what the jury finds reasonable does each source say?"
GROUPS_TITLE = "Whose views do the sources leave out?"
FEWEST_READERS = 2
_DECIDED = (Verdict.CORRECT, Verdict.REASONABLE, Verdict.UNREASONABLE)


class CoverageSection:
    """Coverage, precision and accuracy per source and response.

    From people's labels; where the study has a reading by a judge, pairs that nobody labelled are
    filled in from it and marked.
    """

    key: ClassVar[str] = "coverage"
    title: ClassVar[str] = "What the responses cover"

    def fingerprint(self, *, study: Study) -> str:
        """Changes with every label, with every window and with every reading."""
        return coverage_fingerprint(study=study)

    def build(self, *, study: Study) -> SectionContent:
        """Compute the section from what stands in the database now."""
        found = study_coverage(study=study, reading=current_reading(study=study))
        reason = _why_empty(found)
        if reason:
            return SectionContent(empty_reason=reason)
        figures = [_sources_figure(found)]
        if any(source.by_group for source in found.sources):
            figures.append(_groups_figure(found))
        return SectionContent(
            summary=_summary(study, found),
            notices=_notices(found),
            figures=tuple(figures),
            tables=(
                ("Each response against its query’s window", _response_table(found)),
                ("Labels", _label_table(found)),
            ),
        )


def _why_empty(found: StudyCoverage) -> str:
    if not found.windows.windows:
        return "There are no answers yet whose expression could be looked for. Write them first."
    if not found.labels.responses:
        return "The study has no responses. Import them, then label which answers they express."
    if not found.labels.pooled and not found.by_judge:
        return (
            f"{len(found.labels.pairs)} pairs of a response and an answer wait for a label. Add "
            "the labelling step to the study, or label them on the study's labelling page."
        )
    if not any(item.window.mask(*_DECIDED).any() for item in found.windows.windows):
        return (
            "No answer is in a window yet: the jury's verdicts leave all of them undecided. More "
            "verdicts are needed."
        )
    return ""


def _summary(study: Study, found: StudyCoverage) -> tuple[str, ...]:
    labels = found.labels
    settled = sum(pooled.label is not None for pooled in labels.pooled.values())
    open_pairs = len(labels.pooled) - settled
    jurors = (
        f"{labels.jurors} {'simulated ' if study.is_simulated else ''}"
        f"juror{'s' if labels.jurors != 1 else ''}"
    )
    who = " and ".join(
        part
        for part, count in (
            (jurors, labels.jurors),
            (
                f"{labels.researchers} researcher{'s' if labels.researchers != 1 else ''}",
                labels.researchers,
            ),
        )
        if count
    )
    guesses = (
        "No label is a model's guess."
        if found.read is None
        else f"Another {found.by_judge:,} pairs are read by a model, {found.read.reading.backend}."
    )
    by = f", by {who}" if who else ""
    counted = (
        f"{len(labels.pooled):,} of {len(labels.pairs):,} pairs of a response and an answer are "
        f"labelled{by}; {open_pairs} of them are undecided. {guesses}"
    )
    sentences = [counted]
    alpha = None if found.agreement is None else found.agreement.alpha
    if alpha is not None and alpha.value is not None:
        between = (
            "" if alpha.low is None else f" ({alpha.low:.2f} to {alpha.high:.2f}, 95 % bootstrap)"
        )
        sentences.append(
            f"Readers agree with Krippendorff's α = {alpha.value:.2f}{between} on the "
            f"{found.agreement.units if found.agreement else 0:,} pairs that at least two read."
        )
    elif alpha is not None:
        sentences.append(f"How far readers agree can't be said: {alpha.reason}")
    elif labels.pooled:
        sentences.append("Only one person has labelled, so agreement can't be said.")
    sentences.append(
        "Coverage is the share of a query's reasonable answers that are expressed; coverage by "
        "support weighs each by how many hold it. A longer answer covers more, so length stands "
        "beside it."
    )
    return tuple(sentences)


def _notices(found: StudyCoverage) -> tuple[str, ...]:
    notices = list(_judge_notices(found))
    missing = len(found.labels.pairs) - len(found.labels.pooled) - found.by_judge
    if missing:
        notices.append(
            f"{missing:,} pairs have no label and stand in no measure; what is shown may change."
        )
    empty = [item for item in found.windows.windows if not item.window.reasonable.any()]
    if empty:
        notices.append(
            f"{len(empty)} of {len(found.windows.windows)} queries have no reasonable answer by "
            "the rule, so coverage has no value there."
        )
    return tuple(notices)


def _judge_notices(found: StudyCoverage) -> Iterator[str]:
    """Who read what people did not, and how far that can be trusted."""
    if found.read is None:
        return
    reading = found.read.reading
    card = card_of(reading=reading)
    name = f"{reading.backend}@{reading.revision}" if reading.revision else reading.backend
    f1, kappa = card.metrics["f1"], card.metrics["kappa"]
    agreement = (
        f"On the {card.pairs:,} pairs that people labelled, held out, it has F1 {_decimal(f1)} and "
        f"Cohen's κ {_decimal(kappa)}."
        if f1.value is not None or kappa.value is not None
        else "How well it agrees with people can't be said."
    )
    doubt = (
        ""
        if card.validated
        else f" Not validated: {FEWEST_FOR_VALIDATION} labelled pairs are needed, {card.pairs} "
        "are there."
    )
    yield (
        f"Read by a model: {found.by_judge:,} of {found.by_judge + found.by_people:,} pairs, by "
        f"{name}. {agreement}{doubt}"
    )
    if reading.threshold_origin == EntailmentReading.ThresholdOrigin.DECLARED:
        yield reading.calibration_note
    if reading.stale_since is not None:
        yield (
            "Labels that the reading learned from have been withdrawn since. Have the responses "
            "read again."
        )


def _decimal(measured: Measured) -> str:
    if measured.value is None:
        return "unknown"
    if measured.low is None or measured.high is None:
        return f"{measured.value:.2f}"
    return f"{measured.value:.2f} ({measured.low:.2f} to {measured.high:.2f})"


def _cells(measured: Measured) -> tuple[Cell, Cell, Cell]:
    return measured.value, measured.low, measured.high


def _sources_figure(found: StudyCoverage) -> Figure:
    values = {
        source.source: [
            np.nan if one.coverage.value is None else one.coverage.value for one in source.per_query
        ]
        for source in found.sources
    }
    means = {source.source: source.measures["coverage"] for source in found.sources}
    rows: list[tuple[Cell, ...]] = []
    for source in found.sources:
        reasons = dict.fromkeys(
            f"{HEADINGS[name]}: {source.measures[name].reason}"
            for name in MEASURES
            if source.measures[name].reason
        )
        rows.append(
            (
                source.source,
                source.measures["coverage"].count,
                source.words,
                *(cell for name in MEASURES for cell in _cells(source.measures[name])),
                *(() if found.read is None else (source.by_judge,)),
                " ".join(reasons),
            )
        )
    columns = (
        *("source", "queries", "words a query"),
        *(heading for name in MEASURES for heading in (HEADINGS[name], "from", "to")),
        *(() if found.read is None else ("pairs read by a model",)),
        "not computed",
    )
    return Figure(
        key="sources",
        title=COVERAGE_TITLE,
        svg=coverage_svg(title=COVERAGE_TITLE, values=values, means=means),
        caption="One dot per query: the share of its reasonable answers that the source expresses. "
        "The upright line is the mean over queries, the band its interval.",
        table=Table(
            columns=columns,
            rows=tuple(rows),
            numeric=frozenset(range(1, len(columns) - 1)),
            caption="Each source over all queries; shares between 0 and 1",
        ),
        finding=_finding(found),
        n=f"{max(len(source.per_query) for source in found.sources)} queries, "
        f"{len(found.responses)} responses",
        interval="95 % bootstrap over queries, 2,000 resamples",
        is_predicted=found.by_judge > 0,
    )


def _finding(found: StudyCoverage) -> str:
    known = [source for source in found.sources if source.measures["coverage"].value is not None]
    if not known:
        return ""
    most = max(known, key=lambda source: source.measures["coverage"].value or 0.0)
    least = min(known, key=lambda source: source.measures["coverage"].value or 0.0)
    parts = [f"{most.source} expresses most, {_interval(most.measures['coverage'])}"]
    if least is not most:
        parts.append(f"{least.source} least, {_interval(least.measures['coverage'])}")
    return "; ".join(parts) + "."


def _interval(measured: Measured) -> str:
    if measured.value is None:
        return "unknown"
    if measured.low is None or measured.high is None:
        return f"{measured.value:.0%}"
    return f"{measured.value:.0%} ({measured.low:.0%} to {measured.high:.0%})"


def _groups_figure(found: StudyCoverage) -> Figure:
    names = list(found.sources[0].by_group)
    groups = {
        name: {source.source: source.by_group[name] for source in found.sources} for name in names
    }
    rows: list[tuple[Cell, ...]] = [
        (name, source, *_cells(measured), measured.count, measured.reason)
        for name, by_source in groups.items()
        for source, measured in by_source.items()
    ]
    return Figure(
        key="groups",
        title=GROUPS_TITLE,
        svg=groups_svg(title=GROUPS_TITLE, groups=groups),
        caption="The reasonable answers weighted by how many of the group hold them; 100 % means "
        "that everything the group holds is expressed.",
        table=Table(
            columns=("group", "source", "coverage", "from", "to", "queries", "not computed"),
            rows=tuple(rows),
            numeric=frozenset({2, 3, 4, 5}),
            caption="Coverage of what each group holds, by source; shares between 0 and 1",
        ),
        finding=_left_out(groups),
        n=f"{len(names)} groups, {len(found.sources)} sources",
        interval="95 % bootstrap over queries, 2,000 resamples",
        is_predicted=found.by_judge > 0,
    )


def _left_out(groups: dict[str, dict[str, Measured]]) -> str:
    known = [
        (measured.value, name, source, measured)
        for name, by_source in groups.items()
        for source, measured in by_source.items()
        if measured.value is not None
    ]
    if not known:
        return ""
    _, name, source, measured = min(known, key=lambda row: row[:3])
    return f"Least of all, {source} says what {name} holds: {_interval(measured)}."


def _response_table(found: StudyCoverage) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for item in found.responses:
        coverage = item.coverage
        pluralistic = coverage.overton_pluralistic
        rows.append(
            (
                item.window.query.external_id,
                item.response.source,
                item.response.words,
                len(coverage.expressed),
                coverage.coverage.value,
                coverage.precision.value,
                coverage.accuracy.value,
                coverage.f1.value,
                coverage.weighted_coverage.value,
                coverage.unreasonable_rate.value,
                coverage.coverage_per_100_words.value,
                None if pluralistic.value is None else "yes" if pluralistic.value else "no",
                coverage.unlabelled,
                *(() if found.read is None else (item.by_judge,)),
                *(
                    ()
                    if item.strict_precision is None
                    else (item.unmatched, item.strict_precision.value)
                ),
            )
        )
    judged = () if found.read is None else ("answers read by a model",)
    views = (
        ("views that match no answer", "precision with those counted")
        if found.read is not None and found.read.unmatched is not None
        else ()
    )
    return Table(
        columns=(
            *("query", "source", "words", "answers expressed", "coverage", "precision"),
            *("accuracy", "F1", "coverage by support", "unreasonable rate"),
            *("coverage per 100 words", "Overton-pluralistic", "unlabelled answers"),
            *judged,
            *views,
        ),
        rows=tuple(rows),
        numeric=frozenset({2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15})
        & frozenset(range(13 + len(judged) + len(views))),
        caption="Each response; shares between 0 and 1, empty where there is nothing to divide by",
    )


def _label_table(found: StudyCoverage) -> Table:
    labels = found.labels
    settled = [pooled for pooled in labels.pooled.values() if pooled.label is not None]
    by_researcher = sum(pooled.settled_by_researcher for pooled in settled)
    readers = (~np.isnan(labels.readings)).sum(axis=0)
    split = sum(len(set(column[~np.isnan(column)])) > 1 for column in labels.readings.T)
    rows: tuple[tuple[Cell, ...], ...] = (
        ("pairs there are", len(labels.pairs)),
        ("labelled", len(labels.pooled)),
        ("undecided", len(labels.pooled) - len(settled)),
        ("settled by a researcher", by_researcher),
        ("read by two people or more", int((readers >= FEWEST_READERS).sum())),
        ("on which readers differ", split),
        ("jurors who labelled", labels.jurors),
        ("researchers who labelled", labels.researchers),
        *(() if found.read is None else (("read by a model alone", found.by_judge),)),
    )
    return Table(
        columns=("what", "number"),
        rows=rows,
        numeric=frozenset({1}),
        caption="How many pairs of a response and an answer people have labelled",
    )
