"""The sheet of one juror, under her random id; and the queries that she got, with her words."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.reports import JurorReportRow, report_as_json
from annotations.api.scope import StudyList, StudyView
from annotations.models import Assignment, Query
from annotations.permissions import can_see_quiz_answers
from annotations.selectors.juror_sheets import (
    JurorSheet,
    OwnWords,
    assignments_of,
    own_words,
    sheet_of,
)
from juries.api.bodies import OneOf, Row
from juries.api.rights import signed_in
from juries.models import Juror, Seat


class SelfReplyRow(Row):
    """What a juror said about herself."""

    question = serializers.CharField(help_text="As asked.")
    value = serializers.CharField(help_text="Her reply; empty: she left it out.")


class QuizItemRow(Row):
    """A question on the instructions, and how she got on."""

    question = serializers.CharField(source="question.text", help_text="As asked.")
    tries = serializers.IntegerField(help_text="How often she has answered it.")
    last = serializers.CharField(
        allow_null=True,
        help_text="What she answered last; empty: nothing yet; null: shown to owners and editors "
        "alone, since it tells which answer is right.",
    )
    is_right = serializers.BooleanField(help_text="That was right.")


class JurorSheetRow(JurorReportRow):
    """All that may be known of a juror: her way, her traits, her work; not who she is."""

    is_simulated = serializers.BooleanField(help_text="She is made up.")
    opened_at = serializers.DateTimeField(
        allow_null=True, help_text="When she opened the study; null: not yet."
    )
    consented_at = serializers.DateTimeField(
        allow_null=True, help_text="When she agreed; null: not yet."
    )
    consent_version = serializers.CharField(
        help_text="Version of the text that she agreed to; empty: none yet."
    )
    finished_at = serializers.DateTimeField(
        allow_null=True, help_text="When she had finished; null: not yet."
    )
    last_seen_at = serializers.DateTimeField(
        allow_null=True, help_text="When she was last at work; null: never."
    )
    replies = SelfReplyRow(many=True, help_text="What she said about herself.")
    quiz = QuizItemRow(
        many=True, help_text="The quiz as it stands for her. Nobody is excluded by it."
    )


class MarkRow(Row):
    """Words of a response that mattered to her."""

    source = serializers.CharField(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        help_text="Who or what gave the response."
    )
    kind = serializers.CharField(help_text="How the words counted, in words.")
    words = serializers.CharField(help_text="The words; empty: nothing stood out.")


class JurorQueryRow(Row):
    """A query that a juror got: how long it took her, and what she said on it in words."""

    query = serializers.UUIDField(source="query.public_id", help_text="Id of the query.")
    external_id = serializers.CharField(
        source="query.external_id", help_text="The researchers' own id of the query."
    )
    check = OneOf(
        Query.Check.choices,
        source="query.check_kind",
        help_text="Kind of check that the query is; empty: none.",
    )
    place = serializers.IntegerField(help_text="Its place in her own order, from 1.")
    state = OneOf(Assignment.State.choices, help_text="What became of it.")
    is_out_of_time = serializers.BooleanField(
        help_text="It waits for her, and the time for which it was kept has run out."
    )
    active_seconds = serializers.FloatField(
        allow_null=True, help_text="Time at work with the page in view; null: none was measured."
    )
    idle_seconds = serializers.FloatField(
        help_text="Time with the page in view and no sign of her."
    )
    completed_at = serializers.DateTimeField(
        allow_null=True, help_text="When she had finished it; null: not yet."
    )
    opinion = serializers.CharField(help_text="Her view of it; empty: none written.")
    reason = serializers.CharField(help_text="Why she answered so; empty: none written.")
    marks = MarkRow(many=True, help_text="What she marked in the responses.")


def _nobody() -> Http404:
    return Http404("Nobody of this id sits on the study's jury.")


class OneJuror(StudyView[Juror]):
    """One juror."""

    serializer_class = JurorSheetRow
    queryset = Juror.objects.all()

    @extend_schema(summary="Read a juror's sheet")
    def get(self, request: Request, study_id: UUID, juror_id: UUID) -> Response:
        """How far a juror is, what she said about herself, and signs for a person to weigh.

        Nobody is named, whoever asks.
        """
        sheet = sheet_of(study=self.study, juror_public_id=str(juror_id))
        if sheet is None:
            raise _nobody()
        juror = Juror.objects.get(pk=sheet.row.seat.juror_id)
        told = {
            **_told(sheet),
            "is_simulated": juror.is_simulated,
            "quiz": _quiz(sheet, shows_last=can_see_quiz_answers(signed_in(request), self.study)),
        }
        return Response(JurorSheetRow(told).data)


def _told(sheet: JurorSheet) -> dict[str, Any]:
    way = sheet.participation
    return {
        **report_as_json(sheet.row),
        "opened_at": way and way.created_at,
        "consented_at": way and way.consented_at,
        "consent_version": way.consent_version if way else "",
        "finished_at": way and way.finished_at,
        "last_seen_at": way and way.last_seen_at,
        "replies": [{"question": text, "value": value} for text, value in sheet.replies],
    }


def _quiz(sheet: JurorSheet, *, shows_last: bool) -> list[dict[str, Any]]:
    """How she got on in the quiz. Who knew the right answers could tell other jurors."""
    return [
        {
            "question": item.question,
            "tries": item.tries,
            "last": item.last if shows_last else None,
            "is_right": item.is_right,
        }
        for item in sheet.quiz
    ]


class JurorQueryList(StudyList[Assignment]):
    """Queries of a juror."""

    serializer_class = JurorQueryRow
    queryset = Assignment.objects.all()

    @cached_property
    def juror(self) -> Juror:
        """The juror in the address.

        Raises:
            Http404: she does not sit on the study's jury.
        """
        found = (
            Seat.objects.filter(jury=self.study.jury_id, juror__public_id=self.kwargs["juror_id"])
            .select_related("juror")
            .first()
        )
        if found is None:
            raise _nobody()
        return found.juror

    def rows(self) -> QuerySet[Assignment]:
        """What she got, in the order in which she got it."""
        return assignments_of(study=self.study, juror_public_id=str(self.juror.public_id))

    def paginate_queryset(self, queryset: Any) -> list[dict[str, Any]]:  # type: ignore[override] # a row shows more than an assignment
        """The queries of the page, with what she wrote and marked on them."""
        page: Sequence[Assignment] = super().paginate_queryset(queryset) or []
        queries = [assignment.query for assignment in page]
        said = {
            words.query.pk: words for words in own_words(juror_id=self.juror.pk, queries=queries)
        }
        now = timezone.now()
        return [_as_row(one, said.get(one.query_id), now) for one in page]

    @extend_schema(summary="List a juror's queries")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What a juror got, how long each took her, and what she said in words.

        Her ratings, choices and rankings stand in their own lists, under the filter `juror`.
        """
        return self.list(request, *args, **kwargs)


def _as_row(assignment: Assignment, words: OwnWords | None, now: datetime) -> dict[str, Any]:
    waits = assignment.state == Assignment.State.CLAIMED
    return {
        "query": assignment.query,
        "place": assignment.position + 1,
        "state": assignment.state,
        "is_out_of_time": waits and assignment.lease_expires_at < now,
        "active_seconds": assignment.active_ms / 1000 if assignment.active_ms else None,
        "idle_seconds": assignment.idle_ms / 1000,
        "completed_at": assignment.completed_at,
        "opinion": words.opinion if words else "",
        "reason": words.reason if words else "",
        "marks": words.marks if words else (),
    }
