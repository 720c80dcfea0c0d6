"""What models read in the responses, pair by pair; and coverage as it stands."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.said import SaidList
from annotations.api.scope import InStudy, StudyList, StudyView, queries_of, responses_of
from annotations.domain.measured import Measured
from juries.api.bodies import OneOf, Row
from juries.api.filters import choice_filter, flag_filter, id_filter
from juries.api.problems import REFUSED, refuse_as
from overton.api.answers import answers_of
from overton.domain.coverage import MEASURES
from overton.models import EntailmentReading, PairReading
from overton.selectors.coverage import study_coverage
from overton.selectors.readings import current_reading
from overton.selectors.windows import is_quick


class CoverageRefused(ValueError):
    """Coverage that can't be computed while somebody waits."""


refuse_as(REFUSED, CoverageRefused)


def readings_of(view: InStudy) -> QuerySet[EntailmentReading]:
    """Readings of the study."""
    return EntailmentReading.objects.filter(study=view.study)


class ReadingRow(Row):
    """A reading of the study's responses by a model."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the reading.")
    mode = OneOf(EntailmentReading.Mode.choices, help_text="How it reads.")
    backend = serializers.CharField(help_text="The judge.")
    revision = serializers.CharField(help_text="Its revision, where it has one.")
    weights_digest = serializers.CharField(help_text="SHA-256 of all that decides its numbers.")
    threshold = serializers.FloatField(help_text="Score from which an answer is expressed.")
    threshold_origin = OneOf(
        EntailmentReading.ThresholdOrigin.choices, help_text="Where the threshold comes from."
    )
    is_validated = serializers.BooleanField(help_text="People labelled enough of its pairs.")
    report_card = serializers.DictField(
        help_text="Agreement with people, held out: F1, Cohen's kappa, AUC ..., each with its "
        "interval; reliability; by length and by kind of trap."
    )
    is_current = serializers.BooleanField(help_text="It counts where people are silent.")
    stale_since = serializers.DateTimeField(
        allow_null=True, help_text="When labels it learned from were withdrawn; null: none were."
    )
    input_digest = serializers.CharField(help_text="SHA-256 of texts, labels and passages.")
    software_version = serializers.CharField(help_text="What computed it.")
    run = serializers.UUIDField(
        source="run.public_id", default=None, allow_null=True, help_text="The Run that read."
    )
    created_at = serializers.DateTimeField(help_text="When it was computed.")


class PairReadingRow(Row):
    """What a model made of a response and an answer; people's labels prevail over it."""

    reading = serializers.UUIDField(source="reading__public_id", help_text="Id of the reading.")
    response = serializers.UUIDField(source="response__public_id", help_text="Id of the response.")
    answer = serializers.UUIDField(source="answer__public_id", help_text="Id of the answer.")
    score = serializers.FloatField(allow_null=True, help_text="Largest entailment, 0 to 1.")
    probability = serializers.FloatField(
        allow_null=True, help_text="Calibrated on people's labels; null: too few."
    )
    expressed = serializers.BooleanField(allow_null=True, help_text="The verdict; null: not read.")
    refuted = serializers.BooleanField(help_text="The passage names the answer to refute it.")
    start = serializers.IntegerField(
        allow_null=True, help_text="First character of the passage, from 0."
    )
    end = serializers.IntegerField(allow_null=True, help_text="Character after its last.")


class PairFilters(django_filters.FilterSet):
    """Which pairs."""

    reading = id_filter("reading_id", readings_of, "reading", "Pairs of this reading.")
    query = id_filter("response__query_id", queries_of, "query", "Pairs of this query.")
    response = id_filter("response_id", responses_of, "response", "Pairs of this response.")
    answer = id_filter("answer_id", answers_of, "answer", "Pairs of this answer.")
    expressed = flag_filter("expressed", "Pairs of this verdict.")


class ReadingFilters(django_filters.FilterSet):
    """Which readings."""

    mode = choice_filter("mode", EntailmentReading.Mode.choices, "Readings of this kind.")
    is_current = flag_filter("is_current", "Readings that count, or that are superseded.")


class ReadingList(StudyList[EntailmentReading]):
    """Readings."""

    serializer_class = ReadingRow
    filterset_class = ReadingFilters
    queryset = EntailmentReading.objects.all()
    newest_first = True

    def rows(self) -> QuerySet[EntailmentReading]:
        """The study's readings."""
        return readings_of(self).select_related("run")

    @extend_schema(summary="List readings")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Readings by models, newest first, each with its agreement with people."""
        return self.list(request, *args, **kwargs)


class PairReadingList(SaidList[PairReading]):
    """Pairs of readings."""

    serializer_class = PairReadingRow
    filterset_class = PairFilters
    queryset = PairReading.objects.all()

    def rows(self) -> QuerySet[PairReading, Any]:
        """Pairs of the study's readings."""
        return self.as_rows(PairReading.objects.filter(reading__study=self.study))

    @extend_schema(summary="List pairs that a model read")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Does this response express this answer, as a model reads it?"""
        return self.list(request, *args, **kwargs)


class CoverageRow(Row):
    """How much of the windows each source expresses."""

    reading = serializers.UUIDField(
        allow_null=True, help_text="The reading that counts where people are silent; null: none."
    )
    by_people = serializers.IntegerField(help_text="Pairs that people settled.")
    by_judge = serializers.IntegerField(help_text="Pairs that the reading settled.")
    sources = serializers.ListField(
        child=serializers.DictField(),
        help_text="For each source its name, queries, words, `measures` and `by_group`; numbers "
        "as value, low, high, n and reason.",
    )


class CoverageView(StudyView[EntailmentReading]):
    """Coverage."""

    serializer_class = CoverageRow
    queryset = EntailmentReading.objects.all()

    @extend_schema(summary="Read coverage", responses=CoverageRow)
    def get(self, request: Request, study_id: UUID) -> Response:
        """Coverage, precision and accuracy of each source as things stand, with intervals."""
        if not is_quick(study=self.study):
            raise CoverageRefused(
                "This study is too large to be counted while you wait. Compute its results, and "
                "read the section `coverage`."
            )
        found = study_coverage(study=self.study, reading=current_reading(study=self.study))
        body = {
            "reading": None if found.read is None else found.read.reading.public_id,
            "by_people": found.by_people,
            "by_judge": found.by_judge,
            "sources": [
                {
                    "source": own.source,
                    "queries": len(own.per_query),
                    "words": own.words,
                    "measures": {name: _number(own.measures[name]) for name in MEASURES},
                    "by_group": {name: _number(one) for name, one in own.by_group.items()},
                }
                for own in found.sources
            ],
        }
        return Response(CoverageRow(body).data)


def _number(measured: Measured) -> dict[str, Any]:
    return {
        "value": measured.value,
        "low": measured.low,
        "high": measured.high,
        "n": measured.count,
        "reason": measured.reason,
    }
