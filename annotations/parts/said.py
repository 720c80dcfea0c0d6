"""What jurors said: ratings, preferences, rankings, highlights, choices, words; a row each."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Length

from annotations.domain.highlights import KINDS
from annotations.domain.scales import OutsideScale, Scale
from annotations.models import (
    Choice,
    Criterion,
    Highlight,
    Opinion,
    Preference,
    Ranking,
    Rating,
    Reason,
    Response,
    Study,
)
from annotations.parts.base import BundleRow, Cell, TablePart, cell
from annotations.parts.material import scale_of
from annotations.ports import ExportOptions
from annotations.selectors.exports import (
    criterion_names,
    juror_names,
    juror_simulated,
    query_checks,
    query_names,
    response_checks,
    response_names,
)

JUROR: Cell = cell("juror", "string", "id of the juror", path="juror_id", lookup=juror_names)
QUERY: Cell = cell("query", "string", "id of the query", path="query_id", lookup=query_names)
RESPONSE: Cell = cell(
    "response", "string", "id of the response", path="response_id", lookup=response_names
)
CHECK_MEANING = "instructed or repeated: said on a check, and enters no result"
CHECK: Cell = cell(
    "check", "string", CHECK_MEANING, path="query_id", lookup=query_checks, may_lack=True
)
CHECK_OF_RESPONSE: Cell = cell(
    "check", "string", CHECK_MEANING, path="response_id", lookup=response_checks, may_lack=True
)
HISTORY: tuple[Cell, ...] = (
    cell("is_current", "boolean", "false: she has since changed it"),
    cell("created_at", "timestamp", "when she said it"),
)
FROM_BROWSER: tuple[Cell, ...] = (
    cell(
        "submission",
        "string",
        "id of the submission; empty: imported",
        path="submission__client_id",
        is_uuid=True,
    ),
)
SUBMISSION = ("juror", "submission")


class RatingsPart(TablePart[Rating]):
    """One row for each juror, response and criterion."""

    name = "ratings"
    meaning = "What jurors said on scales: one row for each juror, response and criterion."
    model = Rating
    cells = (
        JUROR,
        RESPONSE,
        cell(
            "criterion",
            "string",
            "key of the criterion",
            path="criterion_id",
            lookup=criterion_names,
        ),
        cell("value", "float", "raw number on the criterion's scale; empty: can't say"),
        # The same field once more: an empty number is a statement, not a gap.
        cell(
            "cant_say",
            "boolean",
            "she said that she can't say",
            path="value",
            convert_empty=lambda value: value is None,
        ),
        *HISTORY,
        cell(
            "is_late",
            "boolean",
            "came after the lease had run out",
            path="submission__is_late",
            convert_empty=bool,
        ),
        cell(
            "is_simulated",
            "boolean",
            "an invented juror",
            path="juror_id",
            lookup=juror_simulated,
        ),
        cell(
            "active_ms",
            "integer",
            "milliseconds at work on the page; empty: imported",
            path="submission__active_ms",
        ),
        *FROM_BROWSER,
        CHECK_OF_RESPONSE,
    )

    def sources(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> Iterator[QuerySet[Rating]]:
        """Ratings criterion by criterion: their index hands them out in order, without a sort."""
        criteria = Criterion.objects.using(using).filter(study=study).order_by("position", "pk")
        for criterion in criteria:
            yield _told(
                Rating.objects.using(using).filter(criterion=criterion).order_by("pk"), options
            )

    def builder(self, *, study: Study) -> Callable[[BundleRow], Rating]:
        """Makes ratings, each checked against its scale."""
        criteria = Criterion.objects.filter(study=study)
        return partial(_rating, scales={one.pk: scale_of(one) for one in criteria})


def _rating(row: BundleRow, *, scales: Mapping[int, Scale]) -> Rating:
    criterion = row.ref("criterion", "criteria")
    if row.given("cant_say") != (row["value"] is None):
        raise row.problem("cant_say and value contradict each other.")
    try:
        value = scales[criterion].check_value(value=row["value"])
    except OutsideScale as problem:
        raise row.problem(str(problem)) from problem
    return Rating(
        juror_id=row.ref("juror", "jurors"),
        response_id=row.ref("response", "responses"),
        criterion_id=criterion,
        submission_id=row.maybe_ref_pair(SUBMISSION, "submissions"),
        value=value,
        is_current=row.given("is_current"),
        created_at=row.given("created_at"),
    )


def _told(query: QuerySet[Any], options: ExportOptions) -> QuerySet[Any]:
    """All that was said, or what stands now."""
    return query if options.include_history else query.filter(is_current=True)


class PreferencesPart(TablePart[Preference]):
    """Which of two responses."""

    name = "preferences"
    meaning = "Which of two responses is better, with the sides on which they were shown."
    model = Preference
    cells = (
        JUROR,
        QUERY,
        cell("left", "string", "response shown first", path="left_id", lookup=response_names),
        cell("right", "string", "response shown second", path="right_id", lookup=response_names),
        cell("verdict", "string", "left, right, tie or both_bad"),
        *HISTORY,
        *FROM_BROWSER,
        CHECK,
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Preference]:
        """Preferences on the study's queries."""
        said = Preference.objects.using(using).filter(query__study=study)
        return _told(said.order_by("pk"), options)

    def build(self, *, row: BundleRow, study: Study) -> Preference:
        """One preference."""
        left, right = row.ref("left", "responses"), row.ref("right", "responses")
        if left == right:
            raise row.problem("left and right are the same response.")
        return Preference(
            juror_id=row.ref("juror", "jurors"),
            query_id=row.ref("query", "queries"),
            left_id=left,
            right_id=right,
            verdict=row.one_of("verdict", Preference.Verdict),
            submission_id=row.maybe_ref_pair(SUBMISSION, "submissions"),
            is_current=row.given("is_current"),
            created_at=row.given("created_at"),
        )


class ChoicesPart(TablePart[Choice]):
    """Options picked."""

    name = "choices"
    meaning = "The option that a juror picked on a query."
    model = Choice
    cells = (
        JUROR,
        QUERY,
        cell("option", "string", "key of the option", path="option__key"),
        *HISTORY,
        *FROM_BROWSER,
        CHECK,
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Choice]:
        """Choices on the study's queries."""
        said = Choice.objects.using(using).filter(query__study=study)
        return _told(said.order_by("pk"), options)

    def build(self, *, row: BundleRow, study: Study) -> Choice:
        """One choice."""
        return Choice(
            juror_id=row.ref("juror", "jurors"),
            query_id=row.ref("query", "queries"),
            option_id=row.ref_pair(("query", "option"), "options"),
            submission_id=row.maybe_ref_pair(SUBMISSION, "submissions"),
            is_current=row.given("is_current"),
            created_at=row.given("created_at"),
        )


class OpinionsPart(TablePart[Opinion]):
    """Jurors' own answers in words."""

    name = "opinions"
    meaning = "Jurors' own answers to the queries, in their words."
    model = Opinion
    cells = (
        JUROR,
        QUERY,
        cell("text", "string", "what she wrote"),
        *HISTORY,
        *FROM_BROWSER,
        CHECK,
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Opinion]:
        """Opinions on the study's queries."""
        said = Opinion.objects.using(using).filter(query__study=study)
        return _told(said.order_by("pk"), options)

    def build(self, *, row: BundleRow, study: Study) -> Opinion:
        """One opinion."""
        return Opinion(
            juror_id=row.ref("juror", "jurors"),
            query_id=row.ref("query", "queries"),
            text=row.given("text"),
            submission_id=row.maybe_ref_pair(SUBMISSION, "submissions"),
            is_current=row.given("is_current"),
            created_at=row.given("created_at"),
        )


class ReasonsPart(TablePart[Reason]):
    """Why jurors answered as they did."""

    name = "reasons"
    meaning = "Why jurors answered the queries as they did, in their words."
    model = Reason
    cells = (
        JUROR,
        QUERY,
        cell("text", "string", "what she wrote"),
        *HISTORY,
        *FROM_BROWSER,
        CHECK,
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Reason]:
        """Reasons on the study's queries."""
        said = Reason.objects.using(using).filter(query__study=study)
        return _told(said.order_by("pk"), options)

    def build(self, *, row: BundleRow, study: Study) -> Reason:
        """One reason."""
        return Reason(
            juror_id=row.ref("juror", "jurors"),
            query_id=row.ref("query", "queries"),
            text=row.given("text"),
            submission_id=row.maybe_ref_pair(SUBMISSION, "submissions"),
            is_current=row.given("is_current"),
            created_at=row.given("created_at"),
        )


class RankingsPart(TablePart[Ranking]):
    """Responses in order, a row for each place given."""

    name = "rankings"
    meaning = "The place of a response in a juror's order of a query's responses, 1 the best."
    model = Ranking
    cells = (
        JUROR,
        RESPONSE,
        cell("place", "integer", "from 1, the best; shared places leave out the next (1, 1, 3)"),
        cell("shown", "integer", "where it stood before she ordered them, from 1"),
        *HISTORY,
        *FROM_BROWSER,
        CHECK_OF_RESPONSE,
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Ranking]:
        """Places of responses to the study's queries."""
        said = Ranking.objects.using(using).filter(response__query__study=study)
        return _told(said.order_by("pk"), options)

    def build(self, *, row: BundleRow, study: Study) -> Ranking:
        """One place."""
        places = {name: row.count(name) for name in ("place", "shown")}
        if 0 in places.values():
            raise row.problem("place and shown are counted from 1.")
        return Ranking(
            juror_id=row.ref("juror", "jurors"),
            response_id=row.ref("response", "responses"),
            submission_id=row.maybe_ref_pair(SUBMISSION, "submissions"),
            is_current=row.given("is_current"),
            created_at=row.given("created_at"),
            **places,
        )


class HighlightsPart(TablePart[Highlight]):
    """Words that mattered, a row for each passage marked."""

    name = "highlights"
    meaning = (
        "The words of a response that mattered to a juror: text[start:end] of the response, "
        "counted in characters (Unicode code points) from 0."
    )
    model = Highlight
    cells = (
        JUROR,
        RESPONSE,
        cell("kind", "string", "for, against (how the words spoke), or nothing (stood out)"),
        cell("start", "integer", "first character, from 0; empty: nothing stood out"),
        cell("end", "integer", "the character after the last; empty: nothing stood out"),
        *HISTORY,
        *FROM_BROWSER,
        CHECK_OF_RESPONSE,
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Highlight]:
        """Marks in responses to the study's queries."""
        said = Highlight.objects.using(using).filter(response__query__study=study)
        return _told(said.order_by("pk"), options)

    def builder(self, *, study: Study) -> Callable[[BundleRow], Highlight]:
        """Makes marks, each checked against the length of its response's text."""
        lengths = Response.objects.filter(query__study=study).annotate(size=Length("text"))
        return partial(_highlight, lengths=dict(lengths.values_list("pk", "size")))


def _highlight(row: BundleRow, *, lengths: Mapping[int, int]) -> Highlight:
    kind = row.one_of("kind", Highlight.Kind)
    response = row.ref("response", "responses")
    start = end = None
    if kind in KINDS:
        start, end = row.count("start"), row.count("end")
        if not start < end <= lengths[response]:
            raise row.problem(
                f"it goes from character {start} to {end} of a text of {lengths[response]}."
            )
    elif row["start"] is not None or row["end"] is not None:
        raise row.problem("nothing stood out, yet start or end is filled in.")
    return Highlight(
        juror_id=row.ref("juror", "jurors"),
        response_id=response,
        submission_id=row.maybe_ref_pair(SUBMISSION, "submissions"),
        kind=kind,
        start=start,
        end=end,
        is_current=row.given("is_current"),
        created_at=row.given("created_at"),
    )
