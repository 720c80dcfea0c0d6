"""What a judge has read in a study's responses, and what there is to read."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Max
from numpy.typing import NDArray

from annotations.models import Study
from overton.domain.labels import PooledLabel
from overton.domain.report_card import ReportCard, card_from_json
from overton.domain.sentences import Passage, passages, plain_words, split_sentences
from overton.models import EntailmentReading, ExtractedView, PairReading
from overton.selectors.labels import LabelTable, Pair, label_table
from overton.selectors.said import asked_queries

Mode = EntailmentReading.Mode
FloatArray = NDArray[np.float64]


# --- What there is to read ------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadableResponse:
    """A response cut into passages.

    Attributes:
        place: its place in the table's responses.
        answers: places of its query's answers in the table's.
        passages: runs of its sentences.
        words: each passage as a judge reads it, in the same order.
    """

    place: int
    answers: tuple[int, ...]
    passages: tuple[Passage, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class ReadingPlan:
    """All that a judge is to read in a study.

    Attributes:
        table: responses, answers, and what people said of their pairs without knowing what a
            model read in them.
        responses: those to whose query there are answers.
        digest: SHA-256 over texts, people's labels and how responses are cut.
    """

    table: LabelTable
    responses: tuple[ReadableResponse, ...]
    digest: str

    @property
    def pairs(self) -> int:
        """How many pairs of a passage and an answer there are."""
        return sum(len(one.passages) * len(one.answers) for one in self.responses)


def reading_plan(*, study: Study, sizes: tuple[int, ...], whole: bool) -> ReadingPlan:
    """Every response with answers to its query, cut into passages."""
    table = label_table(study=study, queries=asked_queries(study=study), unknowing=True)
    answers_of: dict[int, list[int]] = {}
    for number, answer in enumerate(table.answers):
        answers_of.setdefault(answer.query, []).append(number)
    responses = []
    for place, response in enumerate(table.responses):
        if response.query in answers_of:
            found = passages(split_sentences(response.text), sizes=sizes, whole=whole)
            responses.append(
                ReadableResponse(
                    place=place,
                    answers=tuple(answers_of[response.query]),
                    passages=found,
                    words=tuple(plain_words(one.span.of(response.text)) for one in found),
                )
            )
    return ReadingPlan(
        table=table,
        responses=tuple(responses),
        digest=_digest(table=table, sizes=sizes, whole=whole),
    )


def _digest(*, table: LabelTable, sizes: tuple[int, ...], whole: bool) -> str:
    content = [
        [[str(one.public_id), one.query, one.text] for one in table.responses],
        [[str(one.public_id), one.query, one.text] for one in table.answers],
        [[*pair, pooled.label or ""] for pair, pooled in sorted(table.pooled.items())],
        list(sizes),
        whole,
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


# --- What was read --------------------------------------------------------------------------------


def current_reading(*, study: Study, mode: str = "") -> EntailmentReading | None:
    """The study's current reading of that mode; without one, by entailment before extraction."""
    rows = EntailmentReading.objects.filter(study=study, is_current=True)
    if mode:
        return rows.filter(mode=mode).first()
    by_mode = {row.mode: row for row in rows}
    return by_mode.get(Mode.ENTAILMENT) or by_mode.get(Mode.EXTRACTION)


def card_of(*, reading: EntailmentReading) -> ReportCard:
    """How well the reading agrees with people."""
    return card_from_json(reading.report_card)


@dataclass(frozen=True)
class ReadPair:
    """What the judge made of one pair; see `overton.models.PairReading`."""

    expressed: bool | None
    score: float | None
    probability: float | None
    refuted: bool
    start: int | None
    end: int | None


@dataclass(frozen=True)
class ReadTable:
    """A reading by places in a :class:`LabelTable`.

    Attributes:
        reading: the row.
        pairs: (place of the response, place of the answer) -> what the judge made of it.
        unmatched: place of a response -> how many of its views match no answer; None where views
            were not taken out.
    """

    reading: EntailmentReading
    pairs: Mapping[Pair, ReadPair]
    unmatched: Mapping[int, int] | None


def read_table(*, reading: EntailmentReading, table: LabelTable) -> ReadTable:
    """The pairs of a reading whose response and answer still stand."""
    row_of = {response.pk: place for place, response in enumerate(table.responses)}
    column_of = {answer.pk: place for place, answer in enumerate(table.answers)}
    pairs = {}
    for row in PairReading.objects.filter(reading=reading):
        if row.response_id in row_of and row.answer_id in column_of:
            pairs[row_of[row.response_id], column_of[row.answer_id]] = ReadPair(
                expressed=row.expressed,
                score=row.score,
                probability=row.probability,
                refuted=row.refuted,
                start=row.start,
                end=row.end,
            )
    unmatched = None
    if reading.mode == Mode.EXTRACTION:
        unmatched = dict.fromkeys(range(len(table.responses)), 0)
        for response, number in (
            ExtractedView.objects.filter(reading=reading, answer__isnull=True)
            .order_by()
            .values_list("response_id")
            .annotate(number=Count("id"))
        ):
            if response in row_of:
                unmatched[row_of[response]] = number
    return ReadTable(reading=reading, pairs=pairs, unmatched=unmatched)


@dataclass(frozen=True)
class Marks:
    """What is known of one response's answers, by people first and by a judge where they are mute.

    Attributes:
        expressed: (answers,) 1 expressed, 0 not, NaN open.
        by_people, by_judge: how many of them are settled by either.
    """

    expressed: FloatArray
    by_people: int
    by_judge: int


def marks_of(
    *, table: LabelTable, read: ReadTable | None, response: int, answers: tuple[int, ...]
) -> Marks:
    """A response's marks. A pair on which people are split stays open: no judge overrules them."""
    expressed = table.expressed(response=response, answers=answers)
    by_people = int((~np.isnan(expressed)).sum())
    by_judge = 0
    for place, answer in enumerate(answers):
        found = None if read is None else read.pairs.get((response, answer))
        if found is None or found.expressed is None or (response, answer) in table.pooled:
            continue
        expressed[place] = float(found.expressed)
        by_judge += 1
    return Marks(expressed=expressed, by_people=by_people, by_judge=by_judge)


def labelled_pairs(*, table: LabelTable) -> list[tuple[Pair, PooledLabel]]:
    """The pairs on which people have a reading, in their order."""
    return [(pair, pooled) for pair, pooled in table.pooled.items() if pooled.label is not None]


def readings_fingerprint(*, study: Study) -> str:
    """Changes with every reading and with every mark that one is out of date."""
    found = EntailmentReading.objects.filter(study=study).aggregate(
        number=Count("id"), newest=Max("id"), stale=Max("stale_since")
    )
    return f"{found}"
