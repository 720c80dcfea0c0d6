"""What jurors said: ratings, preferences, rankings, marks, choices, words, under random ids."""

from typing import Any, TypeVar

from django.db import models
from django.db.models import QuerySet
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import (
    SEES_ANSWERS,
    StudyList,
    criteria_of,
    jurors_of,
    queries_of,
    quiz_context,
    responses_of,
    sources_of,
)
from annotations.models import (
    Choice,
    Highlight,
    Opinion,
    Participation,
    Preference,
    Query,
    QuizReply,
    Ranking,
    Rating,
    Reason,
)
from juries.api.bodies import OneOf, Row
from juries.api.filters import (
    FlagFilter,
    choice_filter,
    described,
    flag_filter,
    id_filter,
    name_filter,
    since_filter,
)

R = TypeVar("R", bound=models.Model)

JUROR = "The juror of this random id."


class SaidRow(Row):
    """Who said it, and when. Rows are plain mappings, so that long lists stay quick."""

    juror = serializers.UUIDField(source="juror__public_id", help_text="Random id of the juror.")
    is_current = serializers.BooleanField(help_text="False: she has since changed it.")
    is_simulated = serializers.BooleanField(
        source="juror__is_simulated", help_text="The juror is made up."
    )
    created_at = serializers.DateTimeField(help_text="When she said it.")


class OnQueryRow(SaidRow):
    """Said on a query as a whole."""

    query = serializers.UUIDField(source="query__public_id", help_text="Id of the query.")
    check = OneOf(
        Query.Check.choices,
        source="query__check_kind",
        help_text="Kind of check that the query is; empty: none. Checks enter no result.",
    )


class OnResponseRow(SaidRow):
    """Said of a response."""

    query = serializers.UUIDField(source="response__query__public_id", help_text="Id of the query.")
    response = serializers.UUIDField(source="response__public_id", help_text="Id of the response.")
    source = serializers.CharField(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        source="response__source__name", help_text="Who or what answered."
    )
    source_revision = serializers.CharField(
        source="response__source__revision", help_text="Its revision."
    )
    check = OneOf(
        Query.Check.choices,
        source="response__query__check_kind",
        help_text="Kind of check that the query is; empty: none. Checks enter no result.",
    )


class RatingRow(OnResponseRow):
    """A juror's number for a response on a criterion."""

    criterion = serializers.CharField(source="criterion__key", help_text="Key of the criterion.")
    value = serializers.FloatField(
        allow_null=True, help_text="Raw number on the criterion's scale; null: she can't say."
    )


class RankingRow(OnResponseRow):
    """The place of a response in a juror's order of a query's responses."""

    place = serializers.IntegerField(
        help_text="From 1, the best; shared places leave out the next ones (1, 1, 3)."
    )
    shown = serializers.IntegerField(help_text="Where it stood before she ordered them, from 1.")


class HighlightRow(OnResponseRow):
    """Words of a response that mattered to a juror, or that nothing stood out to her."""

    kind = OneOf(Highlight.Kind.choices, help_text="How the words counted.")
    start = serializers.IntegerField(
        allow_null=True,
        help_text="First character in the response's text, from 0, in Unicode code points; "
        "null: nothing stood out.",
    )
    end = serializers.IntegerField(
        allow_null=True, help_text="The character after the last; null: nothing stood out."
    )


class PreferenceRow(OnQueryRow):
    """Which of two responses a juror finds better."""

    left = serializers.UUIDField(
        source="left__public_id", help_text="The response shown on the left, or first."
    )
    right = serializers.UUIDField(source="right__public_id", help_text="The other response.")
    verdict = OneOf(Preference.Verdict.choices, help_text="Which is better.")


class ChoiceRow(OnQueryRow):
    """The option that a juror picked."""

    option = serializers.CharField(source="option__key", help_text="Key of the option.")


class OpinionRow(OnQueryRow):
    """A juror's own answer to a query."""

    text = serializers.CharField(help_text="What she wrote.")


class ReasonRow(OnQueryRow):
    """Why a juror answered a query as she did."""

    text = serializers.CharField(help_text="What she wrote.")


class QuizReplyRow(Row):
    """A juror's try at a question of the quiz."""

    juror = serializers.UUIDField(
        source="participation__juror__public_id", help_text="Random id of the juror."
    )
    question = serializers.CharField(source="question__key", help_text="Key of the question.")
    attempt = serializers.IntegerField(help_text="Which try it was, from 1.")
    value = serializers.CharField(
        allow_null=True,
        help_text="The option that she chose; null: shown to owners and editors alone, since it "
        "tells which answer is right.",
    )
    is_right = serializers.BooleanField(help_text="It is the right one.")
    created_at = serializers.DateTimeField(help_text="When she chose it.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The try; what she chose only for who may see which answer is right."""
        row = super().to_representation(instance)
        return row if self.context.get(SEES_ANSWERS) else {**row, "value": None}


class JurorRow(Row):
    """A juror's way through the study, under her random id."""

    juror = serializers.UUIDField(source="juror__public_id", help_text="Random id of the juror.")
    is_simulated = serializers.BooleanField(
        source="juror__is_simulated", help_text="The juror is made up."
    )
    state = OneOf(Participation.State.choices, help_text="Where she is on the way.")
    came_by = serializers.CharField(
        help_text="open, prolific or panel: she came by herself; empty: by the link to her seat."
    )
    completed_count = serializers.IntegerField(help_text="Queries that she has completed.")
    consent_version = serializers.CharField(help_text="Version of the text that she agreed to.")
    finished_at = serializers.DateTimeField(allow_null=True, help_text="When she had finished.")


class HistoryFilter(FlagFilter):
    """Also rows that the juror has since changed."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Current rows alone, unless history is asked for."""
        return qs if value == "true" else qs.filter(is_current=True)


def history_filter() -> HistoryFilter:
    """What is current only, or also what was changed."""
    meaning = "true: also what jurors have since changed; false if left out."
    return described(
        HistoryFilter(field_name="is_current"), {"type": "boolean", "description": meaning}
    )


class SaidFilters(django_filters.FilterSet):
    """Who said it, and when."""

    juror = id_filter("juror_id", jurors_of, "juror", JUROR)
    history = history_filter()
    since = since_filter("created_at", "What was said at this moment or later.")
    is_simulated = flag_filter("juror__is_simulated", "Made-up jurors alone, or the others.")


class RatingFilters(SaidFilters):
    """Which ratings."""

    query = id_filter("response__query_id", queries_of, "query", "Ratings on this query.")
    response = id_filter("response_id", responses_of, "response", "Ratings of this response.")
    source = name_filter(
        "response__source_id", sources_of, "name", "source", "Ratings of the source of this name."
    )
    criterion = name_filter(
        "criterion_id", criteria_of, "key", "criterion", "Ratings on the criterion of this key."
    )


class PreferenceFilters(SaidFilters):
    """Which preferences."""

    query = id_filter("query_id", queries_of, "query", "Preferences on this query.")
    verdict = choice_filter("verdict", Preference.Verdict.choices, "Preferences of this verdict.")


class RankingFilters(SaidFilters):
    """Which places in orders."""

    query = id_filter("response__query_id", queries_of, "query", "Places of this query.")
    response = id_filter("response_id", responses_of, "response", "Places of this response.")
    source = name_filter(
        "response__source_id", sources_of, "name", "source", "Places of the source of this name."
    )


class HighlightFilters(SaidFilters):
    """Which marks."""

    query = id_filter("response__query_id", queries_of, "query", "Marks on this query.")
    response = id_filter("response_id", responses_of, "response", "Marks in this response.")
    source = name_filter(
        "response__source_id", sources_of, "name", "source", "Marks in the source of this name."
    )
    kind = choice_filter("kind", Highlight.Kind.choices, "Marks of this kind.")


class QuizReplyFilters(django_filters.FilterSet):
    """Which tries at the quiz."""

    juror = id_filter("participation__juror_id", jurors_of, "juror", JUROR)


class OnQueryFilters(SaidFilters):
    """Which choices, opinions or reasons."""

    query = id_filter("query_id", queries_of, "query", "What was said on this query.")


class JurorFilters(django_filters.FilterSet):
    """Which jurors."""

    state = choice_filter("state", Participation.State.choices, "Jurors at this point of the way.")


class SaidList(StudyList[R]):
    """Lists read as plain mappings of the columns that a row shows."""

    def as_rows(self, rows: QuerySet[R]) -> QuerySet[R, Any]:
        """Only the columns that the serializer reads, joined in one query."""
        row = self.get_serializer_class()()
        assert isinstance(row, Row)
        return rows.values("pk", *(str(field.source) for field in row.fields.values()))


class RatingList(SaidList[Rating]):
    """Ratings."""

    serializer_class = RatingRow
    filterset_class = RatingFilters
    queryset = Rating.objects.all()

    def rows(self) -> QuerySet[Rating, Any]:
        """Ratings on the study's criteria."""
        criteria = list(self.study.criteria.values_list("pk", flat=True))
        return self.as_rows(Rating.objects.filter(criterion_id__in=criteria))

    def strands(self, rows: QuerySet[Rating, Any]) -> list[QuerySet[Rating, Any]]:
        """Ratings by criterion, unless one criterion was asked for."""
        if self.request.query_params.get("criterion"):
            return [rows]
        keys = self.study.criteria.order_by("pk").values_list("pk", flat=True)
        return [rows.filter(criterion_id=key) for key in keys]

    @extend_schema(summary="List ratings")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What jurors said on scales, in the order in which it came; raw numbers, as said."""
        return self.list(request, *args, **kwargs)


class PreferenceList(SaidList[Preference]):
    """Preferences."""

    serializer_class = PreferenceRow
    filterset_class = PreferenceFilters
    queryset = Preference.objects.all()

    def rows(self) -> QuerySet[Preference, Any]:
        """Preferences on the study's queries."""
        return self.as_rows(Preference.objects.filter(query__study=self.study))

    @extend_schema(summary="List preferences")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Which of two responses jurors find better, with the sides on which they stood."""
        return self.list(request, *args, **kwargs)


class RankingList(SaidList[Ranking]):
    """Rankings."""

    serializer_class = RankingRow
    filterset_class = RankingFilters
    queryset = Ranking.objects.all()

    def rows(self) -> QuerySet[Ranking, Any]:
        """Places of responses to the study's queries."""
        return self.as_rows(Ranking.objects.filter(response__query__study=self.study))

    @extend_schema(summary="List rankings")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The places that jurors gave to responses, with where each stood before."""
        return self.list(request, *args, **kwargs)


class HighlightList(SaidList[Highlight]):
    """Highlights."""

    serializer_class = HighlightRow
    filterset_class = HighlightFilters
    queryset = Highlight.objects.all()

    def rows(self) -> QuerySet[Highlight, Any]:
        """Marks in responses to the study's queries."""
        return self.as_rows(Highlight.objects.filter(response__query__study=self.study))

    @extend_schema(summary="List highlights")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The words of responses that mattered to jurors, by their place in the text."""
        return self.list(request, *args, **kwargs)


class ChoiceList(SaidList[Choice]):
    """Choices."""

    serializer_class = ChoiceRow
    filterset_class = OnQueryFilters
    queryset = Choice.objects.all()

    def rows(self) -> QuerySet[Choice, Any]:
        """Choices on the study's queries."""
        return self.as_rows(Choice.objects.filter(query__study=self.study))

    @extend_schema(summary="List choices")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The options that jurors picked."""
        return self.list(request, *args, **kwargs)


class OpinionList(SaidList[Opinion]):
    """Opinions."""

    serializer_class = OpinionRow
    filterset_class = OnQueryFilters
    queryset = Opinion.objects.all()

    def rows(self) -> QuerySet[Opinion, Any]:
        """Opinions on the study's queries."""
        return self.as_rows(Opinion.objects.filter(query__study=self.study))

    @extend_schema(summary="List opinions")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Jurors' own answers to the queries, in their words."""
        return self.list(request, *args, **kwargs)


class ReasonList(SaidList[Reason]):
    """Reasons."""

    serializer_class = ReasonRow
    filterset_class = OnQueryFilters
    queryset = Reason.objects.all()

    def rows(self) -> QuerySet[Reason, Any]:
        """Reasons on the study's queries."""
        return self.as_rows(Reason.objects.filter(query__study=self.study))

    @extend_schema(summary="List reasons")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Why jurors answered the queries as they did, in their words."""
        return self.list(request, *args, **kwargs)


class QuizReplyList(SaidList[QuizReply]):
    """Tries at the comprehension quiz."""

    serializer_class = QuizReplyRow
    filterset_class = QuizReplyFilters
    queryset = QuizReply.objects.all()

    def get_serializer_context(self) -> dict[str, Any]:
        """Whether the user may see which answers are right."""
        return {**super().get_serializer_context(), **quiz_context(self)}

    def rows(self) -> QuerySet[QuizReply, Any]:
        """Tries of the study's jurors."""
        return self.as_rows(QuizReply.objects.filter(participation__study=self.study))

    @extend_schema(summary="List tries at the quiz")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every try of a juror at a question of the comprehension quiz."""
        return self.list(request, *args, **kwargs)


class JurorList(SaidList[Participation]):
    """Jurors."""

    serializer_class = JurorRow
    filterset_class = JurorFilters
    queryset = Participation.objects.all()

    def rows(self) -> QuerySet[Participation, Any]:
        """Everybody who has opened her link."""
        return self.as_rows(Participation.objects.filter(study=self.study))

    @extend_schema(summary="List jurors")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who has opened her link, and how far each is; nobody is named."""
        return self.list(request, *args, **kwargs)
