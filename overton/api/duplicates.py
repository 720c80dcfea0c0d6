"""Which answers may be the same, as a model reads them; and jurors' own views as answers."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.said import SaidList
from annotations.api.scope import StudyView, queries_of
from annotations.models import Opinion
from juries.api.bodies import Body, NoBody, Row, checked
from juries.api.filters import id_filter
from juries.api.problems import InputError, InvalidInput, pointer
from juries.api.rights import signed_in
from juries.api.runs import RunDetail, run_requested
from juries.tasks import enqueue_run
from overton.api.answers import AnswerRow, load_answer
from overton.models import Answer, DuplicateScore
from overton.services.answers import put_forward_opinion
from overton.services.merging import request_duplicates


class DuplicateRow(Row):
    """How far two answers to a query entail each other: a model's guess, which enters no result."""

    first = serializers.UUIDField(source="first__public_id", help_text="Id of the older answer.")
    second = serializers.UUIDField(source="second__public_id", help_text="Id of the other.")
    forward = serializers.FloatField(help_text="How far the first entails the second, 0 to 1.")
    backward = serializers.FloatField(help_text="How far the second entails the first, 0 to 1.")
    judge = serializers.CharField(help_text="The model, with its revision.")
    weights_digest = serializers.CharField(help_text="SHA-256 of all that decides its numbers.")
    created_at = serializers.DateTimeField(help_text="When they were read.")


class DuplicateFilters(django_filters.FilterSet):
    """Which pairs."""

    query = id_filter("first__query_id", queries_of, "query", "Pairs of answers to this query.")


class PutForwardBody(Body):
    """A juror's own view that shall be judged."""

    query = serializers.UUIDField(help_text="Id of the query.")
    juror = serializers.UUIDField(help_text="Random id of the juror.")
    text = serializers.CharField(
        required=False,
        max_length=4000,
        help_text="The position that her words take; her own words if left out.",
    )


class DuplicateList(SaidList[DuplicateScore]):
    """Pairs of answers that a model has read."""

    serializer_class = DuplicateRow
    filterset_class = DuplicateFilters
    queryset = DuplicateScore.objects.all()

    def rows(self) -> QuerySet[DuplicateScore, Any]:
        """Pairs of the study's answers."""
        return self.as_rows(DuplicateScore.objects.filter(first__query__study=self.study))

    @extend_schema(summary="List pairs of answers")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """How far a model reads answers to entail each other; merge those that say the same."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Read pairs of answers", request=NoBody, responses={202: RunDetail})
    def post(self, request: Request, study_id: UUID) -> Response:
        """Have a model read the pairs that it has not read. Answers with the Run."""
        checked(NoBody, request)
        run = request_duplicates(study=self.study, requested_by=signed_in(request))
        enqueue_run(run=run)
        return run_requested(run)


class AnswerPutForward(StudyView[Answer]):
    """Putting a juror's own view forward."""

    serializer_class = AnswerRow
    queryset = Answer.objects.all()

    @extend_schema(
        summary="Put a juror's view forward", request=PutForwardBody, responses={201: AnswerRow}
    )
    def post(self, request: Request, study_id: UUID) -> Response:
        """Make a juror's own answer a proposal; then accept it, merge it or reject it."""
        given = checked(PutForwardBody, request)
        opinions = Opinion.objects.filter(query__study=self.study, is_current=True)
        if not self.study.queries.filter(public_id=given["query"]).exists():
            raise InvalidInput(InputError("The study has no such query.", pointer=pointer("query")))
        opinion = opinions.filter(
            query__public_id=given["query"], juror__public_id=given["juror"]
        ).first()
        if opinion is None:
            raise InvalidInput(
                InputError(
                    "That juror has written no view on this query; `opinions/` lists who has.",
                    pointer=pointer("juror"),
                )
            )
        answer = put_forward_opinion(
            opinion=opinion, text=given.get("text", opinion.text), actor=signed_in(request)
        )
        return Response(AnswerRow(load_answer(self, answer.public_id)).data, status=201)
