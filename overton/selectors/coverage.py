"""How much of its window each response and each source expresses.

People's labels come first; where nobody has labelled a pair, a judge's reading counts if one is
given, and is marked as such. Without a reading everything is from people.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.domain.agreement import Agreement, Level, krippendorff_alpha
from annotations.domain.measured import Measured
from annotations.domain.ordering import derived_seed
from annotations.models import Study
from overton.domain.coverage import Coverage
from overton.domain.covered import against_window, source_measures
from overton.domain.extraction import strict_precision
from overton.models import EntailmentReading
from overton.selectors.labels import (
    LabelledResponse,
    LabelTable,
    label_table,
    labels_fingerprint,
)
from overton.selectors.readings import (
    ReadTable,
    marks_of,
    read_table,
    readings_fingerprint,
)
from overton.selectors.windows import (
    QueryWindow,
    StudyWindows,
    study_windows,
    windows_fingerprint,
)

RESAMPLES = 2000
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ResponseCoverage:
    """One response against its query's window.

    Attributes:
        response: the response.
        window: its query's window.
        coverage: the measures.
        by_people, by_judge: how many of the query's answers are settled by either.
        unmatched: views of it that match no answer; None where views were not taken out.
        strict_precision: precision with those counted against it; None likewise.
    """

    response: LabelledResponse
    window: QueryWindow
    coverage: Coverage
    by_people: int = 0
    by_judge: int = 0
    unmatched: int | None = None
    strict_precision: Measured | None = None


@dataclass(frozen=True)
class SourceCoverage:
    """One source over all queries that it answered.

    Attributes:
        source: its name.
        per_query: its responses to each query taken together, in the order of `windows`.
        windows: the queries' windows.
        measures: mean of each of `overton.domain.coverage.MEASURES` with its interval.
        by_group: each group's coverage, weighted by what its members hold.
        words: mean length of what it says to a query.
        by_judge: how many of its responses' answers are settled by a judge alone.
    """

    source: str
    per_query: tuple[Coverage, ...]
    windows: tuple[QueryWindow, ...]
    measures: dict[str, Measured]
    by_group: dict[str, Measured]
    words: float
    by_judge: int = 0


@dataclass(frozen=True)
class StudyCoverage:
    """Coverage of a study as things stand.

    Attributes:
        windows: of its queries.
        labels: what people said of which response expresses which answer.
        responses, sources: their measures.
        agreement: of the people who labelled; None with fewer than two.
        read: what a judge read; None where only people are asked.
        by_people, by_judge: how many pairs of a response and an answer are settled by either.
    """

    windows: StudyWindows
    labels: LabelTable
    responses: tuple[ResponseCoverage, ...]
    sources: tuple[SourceCoverage, ...]
    agreement: Agreement | None
    read: ReadTable | None = None
    by_people: int = 0
    by_judge: int = 0


def coverage_fingerprint(*, study: Study) -> str:
    """Changes with every label, with every window and with every reading."""
    return (
        f"{windows_fingerprint(study=study)}{labels_fingerprint(study=study)}"
        f"{readings_fingerprint(study=study)}"
    )


def study_coverage(*, study: Study, reading: EntailmentReading | None = None) -> StudyCoverage:
    """Coverage of every response and source; randomness from the study's own seed.

    Args:
        study: the study.
        reading: what counts where people have not labelled a pair; None: nothing does.
    """
    found = study_windows(study=study)
    labels = label_table(study=study, queries=found.table.queries)
    read = None if reading is None else read_table(reading=reading, table=labels)
    window_of = {found.table.queries.index(item.query): item for item in found.windows}
    responses = []
    marks: dict[tuple[str, int], list[tuple[FloatArray, int]]] = {}
    for number, response in enumerate(labels.responses):
        item = window_of.get(response.query)
        if item is None:
            continue
        found_marks = marks_of(table=labels, read=read, response=number, answers=item.columns)
        expressed = found_marks.expressed
        marks.setdefault((response.source, response.query), []).append((expressed, response.words))
        unmatched = None
        if read is not None and read.unmatched is not None:
            unmatched = read.unmatched.get(number, 0)
        responses.append(
            ResponseCoverage(
                response=response,
                window=item,
                coverage=against_window(
                    expressed=expressed, words=response.words, window=item.window
                ),
                by_people=found_marks.by_people,
                by_judge=found_marks.by_judge,
                unmatched=unmatched,
                strict_precision=None
                if unmatched is None
                else strict_precision(
                    expressed=expressed,
                    reasonable=item.window.reasonable,
                    unreasonable=item.window.unreasonable,
                    unmatched=unmatched,
                ),
            )
        )
    seed = int(derived_seed(seed=study.order_seed, purpose="coverage")[:12], 16)
    sources = []
    for source in sorted({source for source, _ in marks}):
        queries = sorted(query for name, query in marks if name == source)
        found_measures = source_measures(
            marks=[marks[source, query] for query in queries],
            windows=[window_of[query].window for query in queries],
            seed=seed,
            resamples=RESAMPLES,
        )
        sources.append(
            SourceCoverage(
                source=source,
                per_query=found_measures.per_query,
                windows=tuple(window_of[query] for query in queries),
                measures=found_measures.measures,
                by_group=found_measures.by_group,
                words=found_measures.words,
                by_judge=sum(one.by_judge for one in responses if one.response.source == source),
            )
        )
    agreement = None
    if len(labels.readings) > 1:
        agreement = krippendorff_alpha(
            ratings=labels.readings,
            level=Level.NOMINAL,
            rng=np.random.default_rng(seed),
            resamples=500,
        )
    return StudyCoverage(
        windows=found,
        labels=labels,
        responses=tuple(responses),
        sources=tuple(sources),
        agreement=agreement,
        read=read,
        by_people=sum(one.by_people for one in responses),
        by_judge=sum(one.by_judge for one in responses),
    )
