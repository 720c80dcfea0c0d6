"""One juror of a study: public id, traits, progress, time, signs of inattention. Never identity."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Avg, Count, QuerySet, Sum
from django.db.models.functions import Length

from annotations.domain.quality import (
    InstructedItems,
    SelfAgreement,
    Speed,
    StraightLining,
    speed,
    straight_lining,
)
from annotations.models import (
    Assignment,
    Highlight,
    Opinion,
    Participation,
    ProfileReply,
    Query,
    Rating,
    Reason,
    Response,
    Study,
    Submission,
)
from annotations.selectors.checks import CheckReport, check_reports
from annotations.selectors.progress import SeatProgress, seats_with_progress
from annotations.selectors.quiz import QuizItem, quiz_of
from annotations.selectors.sources import source_labels

# With more finished queries than that, the front page leaves the reports to the jurors' pages.
QUALITY_UP_TO = 5_000
# Nobody reads faster than this; a query answered in less time than it takes was not read.
CHARACTERS_PER_SECOND = 60.0
SHORTEST_SECONDS = 1.0


@dataclass(frozen=True)
class Signs:
    """Signs that a juror may not have been with it: reports for a person to weigh.

    Attributes:
        same_answers: by criterion, how far she gave the same value on and on.
        speed: of her finished queries, by active time.
        fast_seconds: what counts as too fast to have read a query of this study.
        instructed: items that say what to answer; None where she has met none.
        repeated: by criterion, how she answered what was put to her twice. A number alone: one may
            think again.
    """

    same_answers: tuple[tuple[str, StraightLining], ...]
    speed: Speed
    fast_seconds: float
    instructed: InstructedItems | None = None
    repeated: tuple[tuple[str, SelfAgreement], ...] = ()

    @property
    def is_flagged(self) -> bool:
        """Any of the signs reaches its declared bound; of instructed items, any that was missed."""
        return self.is_flagged_by_pace or bool(self.instructed and self.instructed.missed)

    @property
    def is_flagged_by_pace(self) -> bool:
        """She was very fast, or gave the same value on and on."""
        return self.speed.flagged or any(report.flagged for _, report in self.same_answers)


@dataclass(frozen=True)
class JurorRow:
    """A juror in the list.

    Attributes:
        seat: her place, stage and traits.
        active_minutes: time at work with the page in view; None where nothing was measured.
        late: answers that came late.
        signs: reports; None before she has finished a query.
    """

    seat: SeatProgress
    active_minutes: float | None
    late: int
    signs: Signs | None


@dataclass(frozen=True)
class JurorSheet:
    """Everything that a researcher may know of one juror.

    Attributes:
        row: as in the list.
        participation: her way through the study, if she has opened it.
        replies: what she said about herself: question and reply.
        quiz: the questions of the comprehension quiz, as they stand for her.
        assignments: her queries in her own order, to be shown page by page.
    """

    row: JurorRow
    participation: Participation | None
    replies: tuple[tuple[str, str], ...]
    quiz: tuple[QuizItem, ...]
    assignments: QuerySet[Assignment]


@dataclass(frozen=True)
class MarkedWords:
    """Words of a response that a juror marked; "" where she said that nothing stood out."""

    source: str
    kind: str
    words: str


@dataclass(frozen=True)
class OwnWords:
    """What a juror said in words on a query.

    Attributes:
        opinion: her view of it, or "".
        reason: why she answered as she did, or "".
        marks: words of its responses that mattered to her.
    """

    query: Query
    opinion: str
    reason: str
    marks: tuple[MarkedWords, ...] = ()


def own_words(*, juror_id: int, queries: Sequence[Query]) -> tuple[OwnWords, ...]:
    """What she wrote and marked on these queries, in their order; without those she left bare."""
    hers = {"juror_id": juror_id, "query__in": queries, "is_current": True}
    opinions = dict(Opinion.objects.filter(**hers).values_list("query_id", "text"))
    reasons = dict(Reason.objects.filter(**hers).values_list("query_id", "text"))
    marks = _marks(juror_id=juror_id, queries=queries)
    found = (
        OwnWords(
            query,
            opinions.get(query.pk, ""),
            reasons.get(query.pk, ""),
            tuple(marks.get(query.pk, ())),
        )
        for query in queries
    )
    return tuple(words for words in found if words.opinion or words.reason or words.marks)


def _marks(*, juror_id: int, queries: Sequence[Query]) -> dict[int, list[MarkedWords]]:
    """What she marked in the responses, by the query's id; in the order of the texts."""
    found: dict[int, list[MarkedWords]] = defaultdict(list)
    rows = Highlight.objects.filter(
        juror_id=juror_id, response__query__in=queries, is_current=True
    ).order_by("response_id", "start")
    studies = {query.study_id for query in queries}
    labels = {pk: label for one in studies for pk, label in source_labels(study_id=one).items()}
    for row in rows.select_related("response"):
        words = row.response.text[row.start : row.end] if row.start is not None else ""
        found[row.response.query_id].append(
            MarkedWords(labels[row.response.source_id], row.get_kind_display(), words)
        )
    return found


def jurors_of(*, study: Study, juror_ids: Collection[int] | None = None) -> list[JurorRow]:
    """The study's jurors by seat; some of them where their ids (primary keys) are given."""
    seats = seats_with_progress(study=study)
    if juror_ids is not None:
        seats = tuple(seat for seat in seats if seat.juror_id in juror_ids)
    return _rows(study, seats)


def sheet_of(*, study: Study, juror_public_id: str) -> JurorSheet | None:
    """One juror's sheet, or None where she does not sit on the study's jury."""
    seats = [
        seat for seat in seats_with_progress(study=study) if seat.juror_public_id == juror_public_id
    ]
    if not seats:
        return None
    juror_id = seats[0].juror_id
    participation = Participation.objects.filter(study=study, juror_id=juror_id).first()
    replies = ProfileReply.objects.filter(
        participation__study=study, participation__juror_id=juror_id, is_current=True
    ).values_list("question__text", "value")
    return JurorSheet(
        row=_rows(study, seats)[0],
        participation=participation,
        replies=tuple(replies.order_by("question__position", "question_id")),
        quiz=() if participation is None else quiz_of(participation=participation),
        assignments=assignments_of(study=study, juror_public_id=juror_public_id).order_by(
            "position"
        ),
    )


def assignments_of(*, study: Study, juror_public_id: str) -> QuerySet[Assignment]:
    """What a juror got on a study, with the queries; none where she has not opened it."""
    return Assignment.objects.filter(
        participation__study=study, participation__juror__public_id=juror_public_id
    ).select_related("query")


def _rows(study: Study, seats: Collection[SeatProgress]) -> list[JurorRow]:
    ids = [seat.juror_id for seat in seats]
    active = dict(
        Assignment.objects.filter(participation__study=study, participation__juror_id__in=ids)
        .values_list("participation__juror_id")
        .annotate(Sum("active_ms"))
        .order_by()
    )
    late = dict(
        Submission.objects.filter(
            participation__study=study, participation__juror_id__in=ids, is_late=True
        )
        .values_list("participation__juror_id")
        .annotate(Count("id"))
        .order_by()
    )
    signs = signs_of(study=study, juror_ids=ids)
    return [
        JurorRow(
            seat=seat,
            active_minutes=active[seat.juror_id] / 60_000 if active.get(seat.juror_id) else None,
            late=late.get(seat.juror_id, 0),
            signs=signs.get(seat.juror_id),
        )
        for seat in seats
    ]


def signs_of(*, study: Study, juror_ids: Collection[int]) -> dict[int, Signs]:
    """Reports for jurors who have finished a query, by their ids."""
    seconds: dict[int, list[float]] = defaultdict(list)
    for juror_id, active_ms in Assignment.objects.filter(
        participation__study=study,
        participation__juror_id__in=juror_ids,
        state=Assignment.State.COMPLETED,
    ).values_list("participation__juror_id", "active_ms"):
        seconds[juror_id].append(active_ms / 1000 if active_ms else np.nan)
    if not seconds:
        return {}
    values: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    ratings = Rating.objects.filter(
        criterion__study=study, juror_id__in=list(seconds), is_current=True
    ).order_by("id")
    for juror_id, name, value in ratings.values_list("juror_id", "criterion__name", "value"):
        values[juror_id][name].append(np.nan if value is None else value)
    bound = fast_seconds(study=study)
    checks = check_reports(study=study, juror_ids=list(seconds))
    no_checks = CheckReport(instructed=None, repeated=())
    return {
        juror_id: Signs(
            same_answers=tuple(
                (name, straight_lining(values=given))
                for name, given in sorted(values[juror_id].items())
            ),
            speed=speed(seconds=times, fast_seconds=bound),
            fast_seconds=bound,
            instructed=checks.get(juror_id, no_checks).instructed,
            repeated=checks.get(juror_id, no_checks).repeated,
        )
        for juror_id, times in seconds.items()
    }


def fast_seconds(*, study: Study) -> float:
    """Seconds in which nobody could have read the average query with its responses."""
    query = Query.objects.filter(study=study).aggregate(mean=Avg(Length("text")))["mean"] or 0.0
    responses = Response.objects.filter(query__study=study).aggregate(
        mean=Avg(Length("text")), count=Count("id")
    )
    per_query = (responses["count"] or 0) / max(study.query_count, 1)
    characters = query + (responses["mean"] or 0.0) * per_query
    return max(SHORTEST_SECONDS, float(characters) / CHARACTERS_PER_SECOND)
