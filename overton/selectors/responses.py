"""One response before its query's answers: which it expresses, where, and who says so."""

from dataclasses import dataclass
from enum import StrEnum

from annotations.models import Response, Study
from juries.models import User
from overton.domain.coverage import Coverage, compute_coverage
from overton.domain.labels import ExpressionLabel as Label
from overton.domain.labels import PooledLabel
from overton.domain.marks import Span
from overton.domain.windows import AnswerVerdict
from overton.models import EntailmentReading, ExpressionLabel, ExtractedView, PairReading
from overton.selectors.labels import label_table
from overton.selectors.readings import current_reading
from overton.selectors.said import StandingAnswer, asked_queries
from overton.selectors.windows import QueryWindow, study_windows


class Decider(StrEnum):
    """Whose word counts for a pair."""

    RESEARCHERS = "researchers"
    JURORS = "jurors"
    JUDGE = "judge"
    NOBODY = "nobody"


@dataclass(frozen=True)
class ReadAnswer:
    """An answer before the response.

    Attributes:
        number: 1-based, as on the page of the query's window.
        answer: the answer.
        verdict: the rule's verdict on it, with its support.
        label: what counts; None where nobody has read the pair, or the readers tie.
        decider: whose word that is.
        reason: why nothing counts; "" otherwise.
        jurors: how many jurors gave which label, only those that occur.
        mine: the label of the researcher who looks at the page, or "".
        read: what the current reading says, also where people overrule it.
        span: the passage of the text that the reading rests on; None for none, or all of it.
        is_whole: the reading rests on the response as a whole.
    """

    number: int
    answer: StandingAnswer
    verdict: AnswerVerdict
    label: Label | None
    decider: Decider
    reason: str
    jurors: tuple[tuple[str, int], ...]
    mine: str
    read: PairReading | None
    span: Span | None
    is_whole: bool

    @property
    def expressed(self) -> float:
        """1 expressed, 0 not, NaN open: as coverage takes it."""
        return float("nan") if self.label is None else float(self.label is Label.EXPRESSES)

    @property
    def is_overruled(self) -> bool:
        """People say otherwise than the reading."""
        return (
            self.read is not None
            and self.read.expressed is not None
            and self.label is not None
            and self.decider is not Decider.JUDGE
            and self.read.expressed != (self.label is Label.EXPRESSES)
        )


@dataclass(frozen=True)
class ResponsePage:
    """What the page of a response shows.

    Attributes:
        response: with its query and source.
        words: its length.
        answers: all that are put to the jury on the query, numbered.
        coverage: of the response; None without answers.
        reading: the judge's reading that counts where people are silent; None without one.
        extraction: the current reading that took the response apart into views; None without one.
        unmatched: views of it that match no answer.
        before, after: neighbours in the study's order, for turning the pages.
    """

    response: Response
    words: int
    answers: tuple[ReadAnswer, ...]
    coverage: Coverage | None
    reading: EntailmentReading | None
    extraction: EntailmentReading | None
    unmatched: tuple[ExtractedView, ...]
    before: Response | None
    after: Response | None

    def having(self, label: Label | None) -> list[ReadAnswer]:
        """Answers about which this counts."""
        return [answer for answer in self.answers if answer.label is label]

    @property
    def spans(self) -> tuple[Span, ...]:
        """Passages of the answers that count as expressed."""
        return tuple(
            answer.span
            for answer in self.answers
            if answer.label is Label.EXPRESSES and answer.span is not None
        )


def response_page(*, study: Study, response: Response, researcher: User) -> ResponsePage:
    """A response to an asked query of the study, read against the answers of that query."""
    query = response.query
    found = study_windows(study=study, query=query)
    item = found.windows[0] if found.windows else None
    reading = current_reading(study=study)
    extraction = current_reading(study=study, mode=EntailmentReading.Mode.EXTRACTION)
    words = len(response.text.split())
    answers = (
        ()
        if item is None
        else _read_answers(
            study=study, response=response, item=item, reading=reading, researcher=researcher
        )
    )
    unmatched = (
        ()
        if extraction is None
        else tuple(
            ExtractedView.objects.filter(
                reading=extraction, response=response, answer__isnull=True
            ).select_related("response")
        )
    )
    before, after = _neighbours(study=study, response=response)
    return ResponsePage(
        response=response,
        words=words,
        answers=answers,
        coverage=None if item is None else _coverage(item=item, answers=answers, words=words),
        reading=reading,
        extraction=extraction,
        unmatched=unmatched,
        before=before,
        after=after,
    )


def _read_answers(
    *,
    study: Study,
    response: Response,
    item: QueryWindow,
    reading: EntailmentReading | None,
    researcher: User,
) -> tuple[ReadAnswer, ...]:
    said = _pooled(study=study, response=response)
    mine = dict(
        ExpressionLabel.objects.filter(
            response=response, researcher=researcher, is_current=True
        ).values_list("answer_id", "label")
    )
    pairs = (
        {}
        if reading is None
        else {
            pair.answer_id: pair
            for pair in PairReading.objects.filter(reading=reading, response=response)
        }
    )
    answers = []
    for number, (answer, verdict) in enumerate(item.ranked(), start=1):
        pooled = said.get(answer.pk)
        read = pairs.get(answer.pk)
        label, decider, reason = _decided(pooled, read)
        span, is_whole = _span(number=number, read=read, text=response.text)
        answers.append(
            ReadAnswer(
                number=number,
                answer=answer,
                verdict=verdict,
                label=label,
                decider=decider,
                reason=reason,
                jurors=()
                if pooled is None
                else tuple(
                    (str(ExpressionLabel.Label(label.value).label), count)
                    for label, count in pooled.counts
                    if count
                ),
                mine=mine.get(answer.pk, ""),
                read=read,
                span=span,
                is_whole=is_whole,
            )
        )
    return tuple(answers)


def _pooled(*, study: Study, response: Response) -> dict[int, PooledLabel]:
    """What people make of the response, by the key of the standing answer."""
    table = label_table(study=study, queries=asked_queries(study=study))
    place = next(n for n, own in enumerate(table.responses) if own.pk == response.pk)
    return {
        table.answers[column].pk: pooled
        for (row, column), pooled in table.pooled.items()
        if row == place
    }


def _decided(
    pooled: PooledLabel | None, read: PairReading | None
) -> tuple[Label | None, Decider, str]:
    """People's word; the reading's where they said nothing. No judge settles what splits people."""
    if pooled is not None:
        if pooled.label is None:
            return None, Decider.NOBODY, pooled.reason
        decider = Decider.RESEARCHERS if pooled.settled_by_researcher else Decider.JURORS
        return pooled.label, decider, ""
    if read is not None and read.expressed is not None:
        return label_of(expressed=read.expressed, refuted=read.refuted), Decider.JUDGE, ""
    return None, Decider.NOBODY, "Nobody has read this pair."


def label_of(*, expressed: bool, refuted: bool) -> Label:
    """A model's verdict as a label: what is named only to be refuted is contradicted."""
    if expressed:
        return Label.EXPRESSES
    return Label.CONTRADICTS if refuted else Label.DOES_NOT


def _span(*, number: int, read: PairReading | None, text: str) -> tuple[Span | None, bool]:
    """The passage of a reading within its words; a response as a whole has none to mark."""
    if read is None or read.start is None or read.end is None:
        return None, False
    end = min(read.end, len(text))
    passage = text[read.start : end]
    if not passage.strip():
        return None, False
    if passage.strip() == text.strip():
        return None, True
    start = read.start + len(passage) - len(passage.lstrip())
    return Span(key=number, start=start, end=read.start + len(passage.rstrip())), False


def _coverage(*, item: QueryWindow, answers: tuple[ReadAnswer, ...], words: int) -> Coverage:
    by_answer = {read.answer.pk: read.expressed for read in answers}
    return compute_coverage(
        expressed=[by_answer[answer.pk] for answer in item.answers],
        reasonable=item.window.reasonable,
        unreasonable=item.window.unreasonable,
        support=item.window.support,
        words=words,
    )


def _neighbours(*, study: Study, response: Response) -> tuple[Response | None, Response | None]:
    keys = list(
        Response.objects.filter(query__study=study, query__check_kind="")
        .order_by("query__ordinal", "source__name", "source__revision", "pk")
        .values_list("pk", flat=True)
    )
    place = keys.index(response.pk)
    near = {
        row.pk: row
        for row in Response.objects.filter(
            pk__in=keys[max(0, place - 1) : place + 2]
        ).select_related("source", "query")
    }
    return (
        near[keys[place - 1]] if place else None,
        near[keys[place + 1]] if place + 1 < len(keys) else None,
    )
