"""Reading a study's responses by a judge of entailment, in a Run, and keeping what it read."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from numpy.typing import NDArray

import venire
from annotations.domain.ordering import derived_seed
from annotations.models import Response, Study
from juries.models import Run, User
from juries.services.runs import RunContext, RunRefused, request_run
from overton.domain.calibration import (
    DECLARED_THRESHOLD,
    Calibrated,
    HeldOut,
    InvalidCalibrationInput,
    Objective,
    calibrate,
    declared,
)
from overton.domain.extraction import candidate_views, match_views, merge_views
from overton.domain.labels import ExpressionLabel
from overton.domain.pairs import InvalidPairs, checked_probabilities, distinct_pairs
from overton.domain.reading import Expression, counting_passages, read_expressions
from overton.domain.report_card import card_to_json, report_card
from overton.domain.sentences import InvalidPassages, Span, passages, plain_words
from overton.models import Answer, EntailmentReading, EntailmentScore, ExtractedView, PairReading
from overton.ports import (
    ENTAILMENT,
    EntailmentBackend,
    EntailmentUnavailable,
    Progress,
    load_entailment_backend,
)
from overton.selectors.labels import LabelTable
from overton.selectors.readings import ReadableResponse, ReadingPlan, labelled_pairs, reading_plan
from overton.selectors.traps import written_traps

READING_KIND = "overton.reading"
SIZES = (1, 2, 3)
CHUNK = 512
PAIRS_AT_ONCE = 4096
FloatArray = NDArray[np.float64]
Mode = EntailmentReading.Mode


class ReadingRefused(ValueError):
    """The reading asked for can't be made; the message names what is wrong."""


# --- Scores, kept by content ----------------------------------------------------------------------


def score_key(*, backend: EntailmentBackend, premise: str, hypothesis: str) -> str:
    """The cache key of a pair: SHA-256 over the judge's identity and both texts."""
    content = json.dumps(
        [backend.name, backend.revision, backend.weights_digest, premise, hypothesis],
        ensure_ascii=False,
    )
    return hashlib.sha256(content.encode()).hexdigest()


def score_pairs(
    *,
    premises: Sequence[str],
    hypotheses: Sequence[str],
    backend: EntailmentBackend,
    progress: Progress | None = None,
) -> FloatArray:
    """What the judge makes of some pairs: each once, from the cache where it is known.

    What was computed is kept in chunks as the work goes on, so that a reading that is cancelled
    or breaks off goes on where it stopped.

    Args:
        premises: any number of texts, repeats allowed.
        hypotheses: as many.
        backend: what judges the missing ones.
        progress: called with pairs done and all distinct pairs.

    Returns:
        (pairs, 3) entailment, neutral, contradiction, in the given order; rows sum to 1.

    Raises:
        EntailmentUnavailable: the judge fails, or gives what are no probabilities.
    """
    once = distinct_pairs(premises, hypotheses)
    total = len(once.premises)
    keys = [
        score_key(backend=backend, premise=premise, hypothesis=hypothesis)
        for premise, hypothesis in zip(once.premises, once.hypotheses, strict=True)
    ]
    rows = np.full((total, 3), np.nan)
    known = _load(keys)
    for place, key in enumerate(keys):
        if key in known:
            rows[place] = known[key]
    missing = np.flatnonzero(np.isnan(rows[:, 0]))
    done = total - len(missing)
    if progress is not None:
        progress(done, total)
    # Alike lengths together, so that a judge's batches hold little padding.
    lengths = np.array([len(once.premises[place]) for place in missing], dtype=np.int64)
    missing = missing[np.argsort(lengths, kind="stable")]
    for start in range(0, len(missing), CHUNK):
        part = missing[start : start + CHUNK]
        try:
            found = checked_probabilities(
                backend.entails(
                    [once.premises[place] for place in part],
                    [once.hypotheses[place] for place in part],
                ),
                pairs=len(part),
                judge=f"The judge {backend.name}",
            )
        except InvalidPairs as problem:
            raise EntailmentUnavailable(str(problem)) from problem
        rows[part] = found
        _store(keys=[keys[place] for place in part], rows=found, backend=backend)
        done += len(part)
        if progress is not None:
            progress(done, total)
    return rows[once.places] if total else rows


def _load(keys: Sequence[str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for start in range(0, len(keys), CHUNK):
        rows = EntailmentScore.objects.filter(key__in=keys[start : start + CHUNK])
        for key, *probabilities in rows.values_list(
            "key", "entailment", "neutral", "contradiction"
        ):
            found[key] = probabilities
    return found


@transaction.atomic
def _store(*, keys: Sequence[str], rows: FloatArray, backend: EntailmentBackend) -> None:
    judge = f"{backend.name}@{backend.revision}" if backend.revision else backend.name
    EntailmentScore.objects.bulk_create(
        [
            EntailmentScore(
                key=key,
                judge=judge[:300],
                weights_digest=backend.weights_digest,
                entailment=row[0],
                neutral=row[1],
                contradiction=row[2],
            )
            for key, row in zip(keys, rows.tolist(), strict=True)
        ],
        # Another worker may have judged the same pair meanwhile.
        ignore_conflicts=True,
    )


# --- Asking for a reading -------------------------------------------------------------------------


@transaction.atomic
def request_reading(
    *,
    study: Study,
    requested_by: User | None,
    mode: str = Mode.ENTAILMENT,
    backend: str = "",
    sizes: Sequence[int] = SIZES,
    whole: bool = True,
    objective: str = Objective.F1,
    threshold: float = DECLARED_THRESHOLD,
) -> Run:
    """Ask for a study's responses to be read. The caller then enqueues the Run.

    Args:
        study: whose responses.
        requested_by: who asks.
        mode: a value of `EntailmentReading.Mode`.
        backend: as `overton.ports.chosen` takes it; empty: the one of the settings.
        sizes: numbers of sentences in a passage, such as 1, 2, 3.
        whole: whether the whole response is a passage too.
        objective: what a learned threshold maximises, "f1" or "accuracy".
        threshold: what stands, declared, where there are too few labels to learn one.

    Raises:
        ReadingRefused: an unknown mode or objective, or sizes or a threshold that can't be.
    """
    if mode not in Mode.values:
        raise ReadingRefused(f"“{mode}” is no way to read; use {' or '.join(Mode.values)}.")
    if objective not in list(Objective):
        raise ReadingRefused(f"“{objective}” can't be maximised; use {' or '.join(Objective)}.")
    try:
        passages((), sizes=tuple(sizes), whole=whole)
        declared(threshold=threshold, note="")
    except (InvalidPassages, InvalidCalibrationInput) as problem:
        raise ReadingRefused(str(problem)) from problem
    if mode == Mode.EXTRACTION and 1 not in sizes:
        raise ReadingRefused(
            "Views are taken out of a response sentence by sentence; let the sizes of passages "
            "hold 1."
        )
    return request_run(
        kind=READING_KIND,
        title=f"What the responses of {study.title} express",
        parameters={
            "study": study.pk,
            "mode": str(mode),
            "backend": backend,
            "sizes": list(sizes),
            "whole": whole,
            "objective": str(objective),
            "threshold": threshold,
        },
        seed=study.order_seed,
        requested_by=requested_by,
        page_path=reverse("study-readings", args=[study.public_id]),
    )


def request_first_reading(*, study: Study) -> Run | None:
    """Ask for the study's responses to be read unless that was ever asked for; the Run if so."""
    if Run.objects.filter(kind=READING_KIND, parameters__study=study.pk).exists():
        return None
    return request_reading(study=study, requested_by=None)


# --- Reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pair:
    """One pair as it was read, before there is a threshold."""

    response: int
    answer: int
    expression: Expression
    spans: tuple[Span, ...]  # of the passages or views that `expression` counts by place
    rows: FloatArray  # (spans, 3)
    reverse: FloatArray | None = None  # (spans,)


@dataclass(frozen=True)
class _Views:
    """The views of one response and how far they match each answer, before a threshold."""

    response: int
    spans: tuple[Span, ...]
    forward: FloatArray  # (views, answers)
    reverse: FloatArray  # (views, answers)
    answers: tuple[int, ...]


def perform_reading(context: RunContext) -> Mapping[str, Any]:
    """Read all pairs of a study's responses and answers, calibrate, and keep the reading."""
    parameters = context.run.parameters
    study = Study.objects.filter(pk=parameters["study"]).first()
    if study is None:
        raise RunRefused("The study has been deleted since; there is nothing to read.")
    plan = reading_plan(study=study, sizes=tuple(parameters["sizes"]), whole=parameters["whole"])
    if not plan.responses:
        raise RunRefused(
            "No response belongs to a query that has answers. Write or import answers, and "
            "responses, first."
        )
    context.progress(0, max(plan.pairs, 1), "loading the judge")
    try:
        backend = load_entailment_backend(parameters["backend"] or None)
        context.log(f"{backend.name} reads {plan.pairs:,} pairs of a passage and an answer")
        pairs, views = _read(plan, backend, mode=parameters["mode"], context=context)
    except EntailmentUnavailable as problem:
        raise RunRefused(str(problem)) from problem
    scores = {(pair.response, pair.answer): pair.expression.score for pair in pairs}
    calibrated, card = _judged_by_people(
        study=study,
        table=plan.table,
        scores=scores,
        objective=Objective(parameters["objective"]),
        threshold=parameters["threshold"],
    )
    context.log(calibrated.decision.note)
    context.stop_if_cancelled()
    if parameters["mode"] == Mode.ENTAILMENT:
        try:
            card["by_trap"] = _on_traps(backend=backend, threshold=calibrated.decision.threshold)
        except EntailmentUnavailable as problem:
            raise RunRefused(str(problem)) from problem
    reading = keep_reading(
        study=study,
        run=context.run,
        backend=backend,
        plan=plan,
        pairs=pairs,
        views=views,
        calibrated=calibrated,
        card=card,
    )
    context.progress(max(plan.pairs, 1), max(plan.pairs, 1), "done")
    return {
        "reading": str(reading.public_id),
        "pairs": len(pairs),
        "labelled": card["pairs"],
        "threshold": reading.threshold,
    }


def _read(
    plan: ReadingPlan, backend: EntailmentBackend, *, mode: str, context: RunContext
) -> tuple[list[_Pair], list[_Views]]:
    """Every pair, response by response; scores of several responses are asked for together."""
    pairs: list[_Pair] = []
    views: list[_Views] = []
    total = plan.pairs
    done = 0
    for part in _portions(plan.responses):
        size = sum(len(one.passages) * len(one.answers) for one in part)

        def report(within: int, all_within: int, *, before: int = done, width: int = size) -> None:
            share = within / all_within if all_within else 1.0
            context.progress(
                min(before + round(share * width), total - 1), total, f"{before:,} pairs read"
            )

        premises, hypotheses = _texts(part, plan.table)
        rows = score_pairs(
            premises=premises, hypotheses=hypotheses, backend=backend, progress=report
        )
        own = _split_rows(part, rows)
        if mode == Mode.EXTRACTION:
            for found in _extracted(part, own, plan.table, backend, report):
                views.append(found)
                pairs.extend(_pairs_of_views(found))
        else:
            for one, block in zip(part, own, strict=True):
                pairs.extend(_pairs_of_passages(one, block))
        done += size
    return pairs, views


def _portions(responses: Sequence[ReadableResponse]) -> Iterator[list[ReadableResponse]]:
    """Responses in their order, some thousand pairs at a time."""
    part: list[ReadableResponse] = []
    size = 0
    for one in responses:
        part.append(one)
        size += len(one.passages) * len(one.answers)
        if size >= PAIRS_AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part


def _texts(part: Sequence[ReadableResponse], table: LabelTable) -> tuple[list[str], list[str]]:
    premises, hypotheses = [], []
    for one in part:
        for words in one.words:
            for answer in one.answers:
                premises.append(words)
                hypotheses.append(table.answers[answer].text)
    return premises, hypotheses


def _split_rows(part: Sequence[ReadableResponse], rows: FloatArray) -> list[FloatArray]:
    """(passages, answers, 3) of each response, from all rows one after the other."""
    blocks = []
    start = 0
    for one in part:
        count = len(one.passages) * len(one.answers)
        blocks.append(rows[start : start + count].reshape(len(one.passages), len(one.answers), 3))
        start += count
    return blocks


def _pairs_of_passages(one: ReadableResponse, rows: FloatArray) -> Iterator[_Pair]:
    expressions = read_expressions(one.passages, rows)
    for column, (answer, expression) in enumerate(zip(one.answers, expressions, strict=True)):
        yield _Pair(
            response=one.place,
            answer=answer,
            expression=expression,
            spans=tuple(passage.span for passage in one.passages),
            rows=rows[:, column],
        )


def _extracted(
    part: Sequence[ReadableResponse],
    rows: Sequence[FloatArray],
    table: LabelTable,
    backend: EntailmentBackend,
    report: Progress,
) -> list[_Views]:
    """Some responses' views and how far they match their queries' answers, both ways.

    A sentence that only mentions an answer to refute it, by the rule of `read_expressions`,
    presents no view that matches that answer.
    """
    texts = [table.responses[one.place].text for one in part]
    candidates = [
        candidate_views(text, [passage.span for passage in one.passages if passage.size == 1])
        for one, text in zip(part, texts, strict=True)
    ]
    words = [
        [plain_words(span.of(text)) for span in spans]
        for text, spans in zip(texts, candidates, strict=True)
    ]
    mutual = _entailment(
        [(one, other) for row in words for one in row for other in row], backend, report
    )
    merged = []
    start = 0
    for spans in candidates:
        block = mutual[start : start + len(spans) ** 2].reshape(len(spans), len(spans))
        merged.append(merge_views(spans, block))
        start += len(spans) ** 2
    answers = [[table.answers[place].text for place in one.answers] for one in part]
    back = _entailment(
        [
            (answer, plain_words(view.span.of(text)))
            for text, views, row in zip(texts, merged, answers, strict=True)
            for view in views
            for answer in row
        ],
        backend,
        report,
    )
    found = []
    start = 0
    for one, block, views in zip(part, rows, merged, strict=True):
        place_of = {passage.span: place for place, passage in enumerate(one.passages)}
        places = [place_of[view.span] for view in views]
        counting = counting_passages(one.passages, block)[places]
        count = len(views) * len(one.answers)
        found.append(
            _Views(
                response=one.place,
                spans=tuple(view.span for view in views),
                forward=np.where(counting, block[places][:, :, ENTAILMENT], 0.0),
                reverse=back[start : start + count].reshape(len(views), len(one.answers)),
                answers=one.answers,
            )
        )
        start += count
    return found


def _entailment(
    pairs: Sequence[tuple[str, str]], backend: EntailmentBackend, report: Progress
) -> FloatArray:
    """(pairs,) how far each first text entails the second; a text entails itself."""
    others = [pair for pair in pairs if pair[0] != pair[1]]
    rows = score_pairs(
        premises=[premise for premise, _ in others],
        hypotheses=[hypothesis for _, hypothesis in others],
        backend=backend,
        # The bar of the first pass stands still meanwhile, but a cancel is heeded.
        progress=lambda _done, _total: report(1, 1),
    )
    found = np.ones(len(pairs))
    found[[place for place, pair in enumerate(pairs) if pair[0] != pair[1]]] = rows[:, ENTAILMENT]
    return found


def _pairs_of_views(found: _Views) -> Iterator[_Pair]:
    """A response expresses an answer as far as its nearest view matches it both ways."""
    scores = np.sqrt(found.forward * found.reverse)
    for column, answer in enumerate(found.answers):
        best = int(scores[:, column].argmax()) if len(found.spans) else None
        yield _Pair(
            response=found.response,
            answer=answer,
            expression=Expression(
                score=0.0 if best is None else float(scores[best, column]), passage=best
            ),
            spans=found.spans,
            rows=np.column_stack(
                [found.forward[:, column], np.full((len(found.spans), 2), np.nan)]
            ),
            reverse=found.reverse[:, column],
        )


def _judged_by_people(
    *,
    study: Study,
    table: LabelTable,
    scores: Mapping[tuple[int, int], float],
    objective: Objective,
    threshold: float,
) -> tuple[Calibrated, dict[str, Any]]:
    """The threshold that people's labels teach, and how well the reading agrees with them."""
    known = [
        (pair, pooled.label is ExpressionLabel.EXPRESSES)
        for pair, pooled in labelled_pairs(table=table)
        if pair in scores
    ]
    values = np.array([scores[pair] for pair, _ in known], dtype=np.float64)
    said = np.array([expressed for _, expressed in known], dtype=np.bool_)
    queries = [table.responses[response].query for (response, _), _ in known]
    calibrated = calibrate(
        scores=values,
        expressed=said,
        queries=queries,
        objective=objective,
        default_threshold=threshold,
    )
    card = report_card(
        scores=values,
        expressed=said,
        queries=queries,
        held_out=calibrated.held_out,
        words=[table.responses[response].words for (response, _), _ in known],
        seed=int(derived_seed(seed=study.order_seed, purpose="report card")[:12], 16),
    )
    return calibrated, card_to_json(card)


def _on_traps(*, backend: EntailmentBackend, threshold: float) -> dict[str, Any]:
    """How often the judge is right on hand-written traps, kind by kind, at a reading's threshold.

    It needs nobody's labels, so a card has it from the first reading on. In a study's own words the
    judge may be better or worse.
    """
    traps = written_traps()
    scores = score_pairs(premises=traps.premises, hypotheses=traps.hypotheses, backend=backend)[
        :, ENTAILMENT
    ]
    card = report_card(
        scores=scores,
        expressed=traps.expressed,
        queries=range(len(scores)),
        held_out=HeldOut(
            probabilities=scores,
            verdicts=scores >= threshold,
            folds=np.full(len(scores), -1),
        ),
        traps=traps.kinds,
    )
    found: dict[str, Any] = card_to_json(card)["by_trap"]
    return found


@transaction.atomic
def keep_reading(
    *,
    study: Study,
    run: Run | None,
    backend: EntailmentBackend,
    plan: ReadingPlan,
    pairs: Sequence[_Pair],
    views: Sequence[_Views],
    calibrated: Calibrated,
    card: Mapping[str, Any],
) -> EntailmentReading:
    """Store a reading as the current one of its mode; earlier ones stay."""
    parameters = {} if run is None else run.parameters
    mode = parameters.get("mode", Mode.ENTAILMENT)
    decision = calibrated.decision
    # One at a time: two readings of a study can't both be current.
    Study.objects.select_for_update().get(pk=study.pk)
    EntailmentReading.objects.filter(study=study, mode=mode, is_current=True).update(
        is_current=False
    )
    reading = EntailmentReading.objects.create(
        study=study,
        run=run,
        backend=backend.name[:300],
        revision=backend.revision[:120],
        weights_digest=backend.weights_digest,
        mode=mode,
        window_sizes=list(parameters.get("sizes", SIZES)),
        whole_response=parameters.get("whole", True),
        calibration=decision.calibration.as_json(),
        threshold=decision.threshold,
        threshold_origin=(
            EntailmentReading.ThresholdOrigin.LABELS
            if decision.learned
            else EntailmentReading.ThresholdOrigin.DECLARED
        ),
        calibration_note=decision.note,
        report_card=dict(card),
        input_digest=plan.digest,
        software_version=venire.__version__,
    )
    scores = np.array([pair.expression.score for pair in pairs], dtype=np.float64)
    probabilities = decision.calibration.probabilities(scores)
    # Meanwhile answers may have been erased, and responses deleted.
    answers = set(Answer.objects.filter(query__study=study).values_list("pk", flat=True))
    responses = set(Response.objects.filter(query__study=study).values_list("pk", flat=True))
    rows = (
        _row(reading, plan.table, pair, probability if decision.learned else None)
        for pair, probability in zip(pairs, probabilities.tolist(), strict=True)
    )
    PairReading.objects.bulk_create(
        [row for row in rows if row.answer_id in answers and row.response_id in responses],
        batch_size=CHUNK,
    )
    shown = [row for found in views for row in _view_rows(reading, plan.table, found)]
    for row in shown:
        if row.answer_id not in answers:
            row.answer_id = None
    ExtractedView.objects.bulk_create(
        [row for row in shown if row.response_id in responses], batch_size=CHUNK
    )
    return reading


def _row(
    reading: EntailmentReading, table: LabelTable, pair: _Pair, probability: float | None
) -> PairReading:
    threshold = reading.threshold
    shown = pair.expression.shown(threshold=threshold)
    span = None if shown is None else pair.spans[shown]
    row: list[float | None] = [None] * 3
    if shown is not None:
        row = [None if np.isnan(value) else float(value) for value in pair.rows[shown]]
    return PairReading(
        reading=reading,
        response_id=table.responses[pair.response].pk,
        answer_id=table.answers[pair.answer].pk,
        score=pair.expression.score,
        probability=probability,
        entailment=row[0],
        neutral=row[1],
        contradiction=row[2],
        reverse=None if pair.reverse is None or shown is None else float(pair.reverse[shown]),
        expressed=pair.expression.expressed(threshold=threshold),
        refuted=pair.expression.refuted(threshold=threshold),
        start=None if span is None else span.start,
        end=None if span is None else span.end,
    )


def _view_rows(
    reading: EntailmentReading, table: LabelTable, found: _Views
) -> Iterator[ExtractedView]:
    matches = match_views(found.forward, found.reverse, threshold=reading.threshold)
    for ordinal, (span, match) in enumerate(zip(found.spans, matches, strict=True)):
        answer = (
            table.answers[found.answers[match.answer]].pk
            if match.matched and match.answer is not None
            else None
        )
        yield ExtractedView(
            reading=reading,
            response_id=table.responses[found.response].pk,
            ordinal=ordinal,
            start=span.start,
            end=span.end,
            answer_id=answer,
            score=match.forward,
            reverse=match.reverse,
        )


@transaction.atomic
def mark_readings_stale(*, studies: Sequence[int]) -> None:
    """Say of these studies' readings that what they learned from has changed since."""
    EntailmentReading.objects.filter(study__in=studies, stale_since__isnull=True).update(
        stale_since=timezone.now()
    )
