"""Answers: the distinct positions on a query, and what researchers decide about them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.said import SaidList
from annotations.api.scope import InStudy, StudyList, StudyView, queries_of
from annotations.domain.tables import OutsideTable
from annotations.models import Query
from juries.api.bodies import Body, NoBody, OneOf, Row, checked
from juries.api.filters import choice_filter, id_filter
from juries.api.problems import REFUSED, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import signed_in
from overton.domain.answer_tables import ANSWER_FIELDS
from overton.models import Answer
from overton.models import AnswerMerge as MergeAct
from overton.services.answer_import import ImportRefused, OutsideReport, import_answers
from overton.services.answers import (
    AnswerRefused,
    accept_answer,
    add_answer,
    exclude_answer,
    keep_apart,
    merge_answer,
    readmit_answer,
    reject_answer,
    split_answer,
)

refuse_as(REFUSED, AnswerRefused, ImportRefused)

ANSWERS_AT_ONCE = 500


class AnswerRow(Row):
    """An answer. Who proposed it is not told."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the answer.")
    query = serializers.UUIDField(source="query.public_id", help_text="Id of the query.")
    external_id = serializers.CharField(help_text="The researchers' own id, once in the query.")
    text = serializers.CharField(help_text="The position in a sentence or two.")
    origin = OneOf(Answer.Origin.choices, help_text="Where it came from.")
    state = OneOf(Answer.State.choices, help_text="Whether jurors judge it.")
    merged_into = serializers.UUIDField(
        source="merged_into.public_id",
        default=None,
        allow_null=True,
        help_text="The answer that says the same; null: not merged.",
    )
    excluded_for = serializers.CharField(
        source="exclusion.reason",
        default=None,
        allow_null=True,
        help_text="Why it is kept out of the reasonable ones from above; null: it is not.",
    )
    decision_reason = serializers.CharField(help_text="Why it was accepted, merged or rejected.")
    created_at = serializers.DateTimeField(help_text="When it was written.")


class AnswerBody(Body):
    """An answer that is wanted."""

    query = serializers.UUIDField(help_text="Id of the query.")
    text = serializers.CharField(max_length=4000, help_text="The position in a sentence or two.")
    external_id = serializers.CharField(
        max_length=120,
        required=False,
        allow_blank=True,
        default="",
        help_text="Your own id, once in the query; empty: made at random.",
    )


class ReasonBody(Body):
    """A decision with its reason, which stands beside the answer."""

    reason = serializers.CharField(max_length=300, help_text="Why.")


class ApartBody(ReasonBody):
    """Which answer differs."""

    other = serializers.UUIDField(help_text="Id of another answer to the same query.")


class MergeBody(ReasonBody):
    """Which answer says the same."""

    into = serializers.UUIDField(help_text="Id of an accepted answer to the same query.")


class OutsideAnswerBody(Body):
    """An answer from elsewhere."""

    query = serializers.CharField(
        max_length=120, help_text="The researchers' own id of the query (`external_id`)."
    )
    external_id = serializers.CharField(
        max_length=120, help_text="The answer's own id, once in the query."
    )
    text = serializers.CharField(max_length=4000, help_text="The position in a sentence or two.")
    origin = OneOf(
        Answer.Origin.choices, required=False, default="", help_text="Import, if left out."
    )


class AnswersBody(Body):
    """Answers from elsewhere: all come in, or none."""

    answers = serializers.ListField(
        child=OutsideAnswerBody(),
        min_length=1,
        max_length=ANSWERS_AT_ONCE,
        help_text="In the order in which they shall stand.",
    )


class OutsideRow(Row):
    """What came of rows from elsewhere."""

    added = serializers.IntegerField(help_text="Rows that were added.")
    changed = serializers.IntegerField(help_text="Of these, rows that supersede imported ones.")
    known = serializers.IntegerField(help_text="Rows that said what the study has already.")


class MergeRow(Row):
    """An act in the history of merges."""

    answer = serializers.UUIDField(source="answer__public_id", help_text="Id of the answer.")
    into = serializers.UUIDField(source="into__public_id", help_text="Id of the other answer.")
    act = OneOf(MergeAct.Act.choices, help_text="What was done.")
    reason = serializers.CharField(help_text="Why.")
    state_before = OneOf(
        [("", "not known"), *Answer.State.choices], help_text="What the answer was before."
    )
    forward = serializers.FloatField(
        allow_null=True, help_text="How far a model reads the answer to entail the other."
    )
    backward = serializers.FloatField(
        allow_null=True, help_text="How far a model reads the other to entail the answer."
    )
    judge = serializers.CharField(help_text="The model; empty: none was asked.")
    by = serializers.CharField(
        source="actor__username",
        allow_null=True,
        help_text="The researcher's name; null: the juror herself, or not known.",
    )
    created_at = serializers.DateTimeField(
        allow_null=True, help_text="When; null: before there was a history."
    )


class MergeFilters(django_filters.FilterSet):
    """Which acts."""

    query = id_filter("answer__query_id", queries_of, "query", "Acts on answers to this query.")
    act = choice_filter("act", MergeAct.Act.choices, "Acts of this kind.")


class AnswerFilters(django_filters.FilterSet):
    """Which answers."""

    query = id_filter("query_id", queries_of, "query", "Answers to this query.")
    state = choice_filter("state", Answer.State.choices, "Answers in this state.")
    origin = choice_filter("origin", Answer.Origin.choices, "Answers that came from there.")


def as_table(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], fields: Sequence[str]
) -> OutsideTable:
    """The rows of a body as a table from outside; they are numbered from 0, as pointers are."""
    return OutsideTable(
        columns=tuple(fields),
        rows=tuple(
            (number, tuple(str(row.get(name) or "") for name in names))
            for number, row in enumerate(rows)
        ),
    )


def refuse_rows(report: OutsideReport, *, path: str, names: Mapping[str, str]) -> None:
    """Refuse a body whose rows can't be taken, each problem at its place.

    Raises:
        InvalidInput: the report has problems.
    """
    if not report.is_done:
        raise InvalidInput(
            *(
                InputError(
                    problem.message,
                    pointer=pointer(path, problem.row, names.get(problem.column, problem.column)),
                )
                for problem in report.problems
            )
        )


def answers_of(view: InStudy) -> QuerySet[Answer]:
    """Answers to the study's queries."""
    return Answer.objects.filter(query__study=view.study)


def load_answer(view: InStudy, answer_id: UUID) -> Answer:
    """An answer of the study.

    Raises:
        Http404: the study has no such answer.
    """
    found = (
        answers_of(view)
        .select_related("query", "merged_into", "exclusion")
        .filter(public_id=answer_id)
        .first()
    )
    if found is None:
        raise Http404("The study has no such answer.")
    return found


class AnswerList(StudyList[Answer]):
    """Answers."""

    serializer_class = AnswerRow
    filterset_class = AnswerFilters
    queryset = Answer.objects.all()

    def rows(self) -> QuerySet[Answer]:
        """Answers to the study's queries."""
        return answers_of(self).select_related("query", "merged_into", "exclusion")

    @extend_schema(summary="List answers")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The distinct positions on each query, and what became of each."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Add an answer", request=AnswerBody, responses={201: AnswerRow})
    def post(self, request: Request, study_id: UUID) -> Response:
        """Put a new answer before the jury."""
        given = checked(AnswerBody, request)
        query = Query.objects.filter(study=self.study, public_id=given.pop("query")).first()
        if query is None:
            raise InvalidInput(InputError("The study has no such query.", pointer=pointer("query")))
        answer = add_answer(query=query, actor=signed_in(request), **given)
        return Response(AnswerRow(answer).data, status=201)


class OneAnswer(StudyView[Answer]):
    """One answer."""

    serializer_class = AnswerRow
    queryset = Answer.objects.all()

    @extend_schema(summary="Read an answer")
    def get(self, request: Request, study_id: UUID, answer_id: UUID) -> Response:
        """A position on a query, and what became of it."""
        return Response(AnswerRow(load_answer(self, answer_id)).data)


class AnswerAcceptance(StudyView[Answer]):
    """Putting an answer before the jury."""

    serializer_class = AnswerRow
    queryset = Answer.objects.all()

    @extend_schema(summary="Accept an answer", request=NoBody, responses=AnswerRow)
    def post(self, request: Request, study_id: UUID, answer_id: UUID) -> Response:
        """Put it before the jury as a position of its own; one that was merged is split off."""
        checked(NoBody, request)
        accept_answer(answer=load_answer(self, answer_id), actor=signed_in(request))
        return Response(AnswerRow(load_answer(self, answer_id)).data)


class AnswerRejection(StudyView[Answer]):
    """Taking an answer from the jury."""

    serializer_class = AnswerRow
    queryset = Answer.objects.all()

    @extend_schema(summary="Reject an answer", request=ReasonBody, responses=AnswerRow)
    def post(self, request: Request, study_id: UUID, answer_id: UUID) -> Response:
        """Take it from the jury, since it is no distinct position. What was said of it is kept."""
        given = checked(ReasonBody, request)
        answer = load_answer(self, answer_id)
        reject_answer(answer=answer, reason=given["reason"], actor=signed_in(request))
        return Response(AnswerRow(load_answer(self, answer_id)).data)


class AnswerMerge(StudyView[Answer]):
    """Merging an answer into another."""

    serializer_class = AnswerRow
    queryset = Answer.objects.all()

    @extend_schema(summary="Merge an answer", request=MergeBody, responses=AnswerRow)
    def post(self, request: Request, study_id: UUID, answer_id: UUID) -> Response:
        """Merge it into one that says the same; what was said of it counts for the other."""
        given = checked(MergeBody, request)
        target = answers_of(self).filter(public_id=given["into"]).first()
        if target is None:
            raise InvalidInput(InputError("The study has no such answer.", pointer=pointer("into")))
        merge_answer(
            answer=load_answer(self, answer_id),
            into=target,
            reason=given["reason"],
            actor=signed_in(request),
        )
        return Response(AnswerRow(load_answer(self, answer_id)).data)


class AnswerSplit(StudyView[Answer]):
    """Undoing a merge."""

    serializer_class = AnswerRow
    queryset = Answer.objects.all()

    @extend_schema(summary="Undo the merge of an answer", request=ReasonBody, responses=AnswerRow)
    def post(self, request: Request, study_id: UUID, answer_id: UUID) -> Response:
        """Split it off again: it is what it was before, with all that was said of it."""
        given = checked(ReasonBody, request)
        answer = load_answer(self, answer_id)
        split_answer(answer=answer, reason=given["reason"], actor=signed_in(request))
        return Response(AnswerRow(load_answer(self, answer_id)).data)


class AnswerApart(StudyView[Answer]):
    """Keeping two answers apart."""

    serializer_class = AnswerRow
    queryset = Answer.objects.all()

    @extend_schema(summary="Keep two answers apart", request=ApartBody, responses={201: AnswerRow})
    def post(self, request: Request, study_id: UUID, answer_id: UUID) -> Response:
        """Write down that two answers differ, so that they are not suggested as duplicates."""
        given = checked(ApartBody, request)
        other = answers_of(self).filter(public_id=given["other"]).first()
        if other is None:
            raise InvalidInput(
                InputError("The study has no such answer.", pointer=pointer("other"))
            )
        keep_apart(
            answer=load_answer(self, answer_id),
            other=other,
            reason=given["reason"],
            actor=signed_in(request),
        )
        return Response(AnswerRow(load_answer(self, answer_id)).data, status=201)


class MergeHistory(SaidList[MergeAct]):
    """The history of merges."""

    serializer_class = MergeRow
    filterset_class = MergeFilters
    queryset = MergeAct.objects.all()

    def rows(self) -> QuerySet[MergeAct, Any]:
        """Acts on the study's answers, in their order."""
        return self.as_rows(MergeAct.objects.filter(answer__query__study=self.study))

    @extend_schema(summary="List merges of answers")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What was merged into what, split off again or found to differ; why, and by whom."""
        return self.list(request, *args, **kwargs)


class AnswerImport(StudyView[Answer]):
    """Answers from elsewhere."""

    serializer_class = OutsideRow
    queryset = Answer.objects.all()

    @extend_schema(summary="Import answers", request=AnswersBody, responses=OutsideRow)
    def post(self, request: Request, study_id: UUID) -> Response:
        """Add answers by the ids that they have elsewhere; the same again changes nothing."""
        given = checked(AnswersBody, request)
        report = import_answers(
            study=self.study,
            table=as_table(
                given["answers"], ("query", "external_id", "text", "origin"), ANSWER_FIELDS
            ),
            actor=signed_in(request),
        )
        refuse_rows(
            report,
            path="answers",
            names={"query_id": "query", "answer_id": "external_id"},
        )
        return Response(OutsideRow(report).data)


class AnswerExclusion(StudyView[Answer]):
    """Keeping an answer out of the reasonable ones."""

    serializer_class = AnswerRow
    queryset = Answer.objects.all()

    @extend_schema(summary="Exclude an answer", request=ReasonBody, responses=AnswerRow)
    def post(self, request: Request, study_id: UUID, answer_id: UUID) -> Response:
        """Keep it out of the reasonable ones whatever the jury says, with the reason."""
        given = checked(ReasonBody, request)
        answer = load_answer(self, answer_id)
        exclude_answer(answer=answer, reason=given["reason"], actor=signed_in(request))
        return Response(AnswerRow(load_answer(self, answer_id)).data)

    @extend_schema(summary="Readmit an answer", responses={204: None})
    def delete(self, request: Request, study_id: UUID, answer_id: UUID) -> Response:
        """Lift the exclusion."""
        readmit_answer(answer=load_answer(self, answer_id), actor=signed_in(request))
        return Response(status=204)
