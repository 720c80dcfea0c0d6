"""Windows and coverage from files; no database is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from overton.domain.calibration import DECLARED_THRESHOLD, Decision, calibrate, declared
from overton.domain.coverage import MEASURES, Coverage
from overton.domain.coverage_files import FileAnswer, FileJudgements, FileResponse, Pair
from overton.domain.covered import against_window, source_measures
from overton.domain.labels import ExpressionLabel, PooledLabel
from overton.domain.opinion_groups import (
    GroupRating,
    OpinionGroups,
    Representation,
    opinion_groups,
    represented_groups,
)
from overton.domain.pairs import InvalidPairs, checked_probabilities, distinct_pairs
from overton.domain.reading import Expression, read_expressions
from overton.domain.report_card import card_to_json, measured_to_json, report_card
from overton.domain.representation import (
    FEWEST_VOTES,
    best_of,
    groups_of_queries,
    source_share,
    votes_of,
)
from overton.domain.sentences import Span, passages, plain_words, split_sentences
from overton.domain.windows import (
    AnswerVerdict,
    Group,
    GroupVerdict,
    Window,
    WindowRule,
    compute_window,
)
from overton.ports import EntailmentBackend, EntailmentUnavailable

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CoverageOptions:
    """How the files are read.

    Attributes:
        rule: of the windows.
        cluster: by-group numbers are of jurors who vote alike over all queries; else of the
            judgements' group columns. Who is represented never hangs on it.
        sizes: sentences in a passage.
        whole: the whole response is a passage too.
        threshold: what a score must reach; None: learned from labels, or the declared 0.5.
        seed: of bootstraps and clusters.
        resamples: of the bootstrap over queries.
    """

    rule: WindowRule = field(default_factory=WindowRule)
    cluster: bool = False
    sizes: tuple[int, ...] = (1, 2, 3)
    whole: bool = True
    threshold: float | None = None
    seed: int = 0
    resamples: int = 2000


@dataclass(frozen=True)
class _Judged:
    """What a judge makes of each pair, and how that becomes a verdict."""

    expressions: Mapping[Pair, Expression]
    spans: Mapping[int, tuple[Span, ...]]
    decision: Decision
    card: dict[str, Any]


def coverage_of_files(
    *,
    responses: Sequence[FileResponse],
    answers: Sequence[FileAnswer],
    judgements: FileJudgements,
    labels: Mapping[Pair, PooledLabel],
    backend: EntailmentBackend | None,
    represented: FloatArray | None = None,
    options: CoverageOptions,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Windows by the rule, what each response expresses, and every measure of coverage.

    Args:
        responses: what is read.
        answers: what is looked for.
        judgements: what the window is made of.
        labels: people's readings, which win over the judge's.
        backend: who reads what people did not; None: nobody.
        represented: (responses, jurors) ratings of "is my view represented?", NaN where not given.
        options: see :class:`CoverageOptions`.
        progress: called with pairs judged and all.

    Returns:
        JSON-ready; the same input gives the same.

    Raises:
        EntailmentUnavailable: the judge fails.
    """
    columns: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        columns.setdefault(answer.query, []).append(place)
    votes = votes_of(verdicts=judgements.verdicts, holds=judgements.holds)
    # A group of by-group coverage must be the same people for every query, so that a mean over
    # queries is of somebody. Who is represented is asked of each query's own groups.
    clusters = (
        opinion_groups(votes=votes, seed=options.seed, fewest_votes=FEWEST_VOTES)
        if options.cluster
        else None
    )
    groups = _groups(judgements, clusters)
    parted: dict[str, OpinionGroups] = {}
    if represented is not None:
        found = groups_of_queries(votes=votes, columns=columns.values(), seed=options.seed)
        parted = dict(zip(columns, found, strict=True))
    windows = {
        query: _window(places, answers, judgements, groups, options.rule)
        for query, places in columns.items()
    }
    judged = None
    if backend is not None:
        judged = _judge(responses, answers, columns, labels, backend, options, progress)
    rows = []
    finding: dict[str, dict[str, list[Representation]]] = {}
    marks: dict[str, dict[str, list[tuple[FloatArray, int]]]] = {}
    for place, response in enumerate(responses):
        if response.query not in columns:
            continue
        read = [
            _pair((place, column), answers[column], labels, judged)
            for column in columns[response.query]
        ]
        expressed = np.array(
            [np.nan if one["expressed"] is None else float(one["expressed"]) for one in read]
        )
        words = len(response.text.split())
        coverage = against_window(expressed=expressed, words=words, window=windows[response.query])
        marks.setdefault(response.source, {}).setdefault(response.query, []).append(
            (expressed, words)
        )
        own = None
        if represented is not None:
            own = represented_groups(
                ratings=represented[place], members=parted[response.query].members
            )
            finding.setdefault(response.source, {}).setdefault(response.query, []).append(own)
        rows.append(
            {
                "query": response.query,
                "response": response.id,
                "source": response.source,
                "words": words,
                **_coverage(coverage),
                "answers": read,
                **(
                    {}
                    if represented is None or own is None
                    else {"represented": _represented(own, represented[place], groups)}
                ),
            }
        )
    return {
        "reading": _reading(judged, backend, labels, rows),
        "clusters": None if clusters is None else _parted(clusters, judgements),
        "opinion_groups": None
        if represented is None
        else [{"query": query, **_parted(own, judgements)} for query, own in parted.items()],
        "jurors": len(judgements.jurors),
        "windows": [
            {
                "query": query,
                "answers": [
                    _verdict(answers[place], verdict)
                    for place, verdict in zip(places, windows[query].answers, strict=True)
                ],
            }
            for query, places in columns.items()
        ],
        "without_answers": sorted({one.query for one in responses if one.query not in columns}),
        "responses": rows,
        "sources": [
            _source(source, by_query, windows, rows, finding.get(source), options)
            for source, by_query in sorted(marks.items())
        ],
    }


# --- Windows --------------------------------------------------------------------------------------


def _parted(groups: OpinionGroups, judgements: FileJudgements) -> dict[str, Any]:
    """How many groups, why no more, and who is in which; -1 for a juror who is in none."""
    return {
        "groups": groups.count,
        "silhouettes": {str(k): value for k, value in groups.silhouettes.items()},
        "reason": groups.reason,
        "members": dict(zip(judgements.jurors, groups.members.tolist(), strict=True)),
    }


def _groups(judgements: FileJudgements, clusters: OpinionGroups | None) -> tuple[Group, ...]:
    if clusters is not None:
        return tuple(
            Group(f"cluster {place + 1}", clusters.members == place)
            for place in range(clusters.count)
        )
    return tuple(
        Group(f"{name}: {value}", np.array([one == value for one in values], dtype=np.bool_))
        for name, values in judgements.groups.items()
        for value in sorted({one for one in values if one})
    )


def _window(
    places: Sequence[int],
    answers: Sequence[FileAnswer],
    judgements: FileJudgements,
    groups: Sequence[Group],
    rule: WindowRule,
) -> Window:
    return compute_window(
        judgements=judgements.verdicts[:, places],
        holds=judgements.holds[:, places],
        groups=groups,
        rule=rule,
        exclusions={
            number: answers[place].exclusion
            for number, place in enumerate(places)
            if answers[place].exclusion
        },
    )


def _verdict(answer: FileAnswer, verdict: AnswerVerdict) -> dict[str, Any]:
    return {
        "answer": answer.id,
        "text": answer.text,
        "verdict": verdict.verdict.value,
        "reason": verdict.reason,
        "everyone": _group(verdict.everyone),
        "groups": [_group(group) for group in verdict.groups],
    }


def _group(group: GroupVerdict) -> dict[str, Any]:
    return {
        "name": group.name,
        "judged": group.judged,
        "cant_say": group.cant_say,
        "has_say": group.has_say,
        "acceptability": measured_to_json(group.acceptability),
        "correctness": measured_to_json(group.correctness),
        "support": measured_to_json(group.support),
    }


# --- What responses express -----------------------------------------------------------------------


def _judge(
    responses: Sequence[FileResponse],
    answers: Sequence[FileAnswer],
    columns: Mapping[str, Sequence[int]],
    labels: Mapping[Pair, PooledLabel],
    backend: EntailmentBackend,
    options: CoverageOptions,
    progress: Callable[[int, int], None] | None,
) -> _Judged:
    cut = {
        place: passages(split_sentences(response.text), sizes=options.sizes, whole=options.whole)
        for place, response in enumerate(responses)
        if response.query in columns
    }
    pairs = [
        (plain_words(passage.span.of(responses[place].text)), answers[column].text)
        for place, found in cut.items()
        for passage in found
        for column in columns[responses[place].query]
    ]
    once = distinct_pairs([one for one, _ in pairs], [two for _, two in pairs])
    try:
        rows = checked_probabilities(
            backend.entails(once.premises, once.hypotheses, progress=progress),
            pairs=len(once.premises),
            judge=f"The judge {backend.name}",
        )[once.places]
    except InvalidPairs as problem:
        raise EntailmentUnavailable(str(problem)) from problem
    expressions: dict[Pair, Expression] = {}
    start = 0
    for place, found in cut.items():
        own = columns[responses[place].query]
        count = len(found) * len(own)
        block = rows[start : start + count].reshape(len(found), len(own), 3)
        start += count
        for column, expression in zip(own, read_expressions(found, block), strict=True):
            expressions[place, column] = expression
    known = [
        (pair, pooled.label is ExpressionLabel.EXPRESSES)
        for pair, pooled in labels.items()
        if pooled.label is not None and pair in expressions
    ]
    scores = np.array([expressions[pair].score for pair, _ in known], dtype=np.float64)
    said = np.array([expressed for _, expressed in known], dtype=np.bool_)
    queries = [responses[place].query for (place, _), _ in known]
    calibrated = calibrate(
        scores=scores,
        expressed=said,
        queries=queries,
        default_threshold=options.threshold or DECLARED_THRESHOLD,
    )
    decision, held_out = calibrated.decision, calibrated.held_out
    if options.threshold is not None:
        decision = declared(
            threshold=options.threshold,
            note=f"The threshold of {options.threshold:g} was declared with the command.",
        )
        held_out = type(held_out)(
            probabilities=scores.copy(),
            verdicts=scores >= options.threshold,
            folds=np.full(len(scores), -1, dtype=np.int64),
        )
    card = report_card(
        scores=scores,
        expressed=said,
        queries=queries,
        held_out=held_out,
        words=[len(responses[place].text.split()) for (place, _), _ in known],
        seed=options.seed,
    )
    return _Judged(
        expressions=expressions,
        spans={place: tuple(one.span for one in found) for place, found in cut.items()},
        decision=decision,
        card=card_to_json(card),
    )


def _pair(
    pair: Pair, answer: FileAnswer, labels: Mapping[Pair, PooledLabel], judged: _Judged | None
) -> dict[str, Any]:
    """What is known of one pair, and who says so."""
    pooled = labels.get(pair)
    row: dict[str, Any] = {"answer": answer.id, "by": None, "expressed": None, "reason": ""}
    if pooled is not None:
        row |= {
            "by": "people",
            "expressed": None
            if pooled.label is None
            else pooled.label is ExpressionLabel.EXPRESSES,
            "reason": pooled.reason,
        }
    elif judged is None:
        row["reason"] = "Nobody has labelled it."
    if judged is None:
        return row
    expression = judged.expressions[pair]
    threshold = judged.decision.threshold
    shown = expression.shown(threshold=threshold)
    span = None if shown is None else judged.spans[pair[0]][shown]
    if pooled is None:
        row |= {"by": "judge", "expressed": expression.expressed(threshold=threshold)}
    probability = (
        float(judged.decision.calibration.probabilities([expression.score])[0])
        if judged.decision.learned
        else None
    )
    return row | {
        "score": expression.score,
        "probability": probability,
        "refuted": expression.refuted(threshold=threshold),
        "start": None if span is None else span.start,
        "end": None if span is None else span.end,
    }


def _reading(
    judged: _Judged | None,
    backend: EntailmentBackend | None,
    labels: Mapping[Pair, PooledLabel],
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    by = [one["by"] for row in rows for one in row["answers"] if one["expressed"] is not None]
    found: dict[str, Any] = {
        "pairs": sum(len(row["answers"]) for row in rows),
        "labelled": len(labels),
        "settled_by_people": by.count("people"),
        "settled_by_judge": by.count("judge"),
        "judge": None,
    }
    if judged is None or backend is None:
        return found
    return found | {
        "judge": {
            "name": backend.name,
            "revision": backend.revision,
            "weights_digest": backend.weights_digest,
        },
        "threshold": judged.decision.threshold,
        "threshold_learned": judged.decision.learned,
        "calibration": judged.decision.calibration.as_json(),
        "note": judged.decision.note,
        "report_card": judged.card,
    }


# --- Measures -------------------------------------------------------------------------------------


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "unlabelled": coverage.unlabelled,
        "measures": {name: measured_to_json(getattr(coverage, name)) for name in MEASURES},
        "by_group": {name: measured_to_json(value) for name, value in coverage.by_group},
    }


def _represented(
    found: Representation, ratings: FloatArray, groups: Sequence[Group]
) -> dict[str, Any]:
    """The query's opinion groups; beside them the groups that by-group coverage is of.

    Those may overlap, a juror being old and from the north, so that no share is made of them.
    """
    return {
        "share": measured_to_json(found.share),
        "groups": [_rating(one) for one in found.groups],
        "by_group": [
            _rating(
                represented_groups(
                    ratings=ratings, members=np.where(group.members, 0, -1), names=(group.name,)
                ).groups[0]
            )
            for group in groups
        ],
    }


def _rating(group: GroupRating) -> dict[str, Any]:
    return {
        "name": group.name,
        "size": group.size,
        "mean": measured_to_json(group.mean),
        "represented": group.represented,
    }


def _source(
    source: str,
    by_query: Mapping[str, list[tuple[FloatArray, int]]],
    windows: Mapping[str, Window],
    rows: Sequence[Mapping[str, Any]],
    finding: Mapping[str, Sequence[Representation]] | None,
    options: CoverageOptions,
) -> dict[str, Any]:
    found = source_measures(
        marks=list(by_query.values()),
        windows=[windows[query] for query in by_query],
        seed=options.seed,
        resamples=options.resamples,
    )
    said = [row for row in rows if row["source"] == source]
    result = {
        "source": source,
        "queries": len(by_query),
        "responses": len(said),
        "words": found.words,
        "measures": {name: measured_to_json(value) for name, value in found.measures.items()},
        "by_group": {name: measured_to_json(value) for name, value in found.by_group.items()},
    }
    if finding is not None:
        result["represented"] = measured_to_json(
            source_share(
                per_query=[best_of(own) for own in finding.values()],
                seed=options.seed,
                resamples=options.resamples,
            )
        )
    return result


def options_json(options: CoverageOptions) -> dict[str, Any]:
    """The options as they stand in the result."""
    return asdict(options) | {"sizes": list(options.sizes)}
