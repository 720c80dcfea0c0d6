"""What jurors say of answers, and who reads which answer in a response."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.said import JUROR, SaidFilters, SaidList, SaidRow, history_filter
from annotations.api.scope import StudyView, jurors_of, queries_of, responses_of
from juries.api.bodies import Body, OneOf, Row, checked
from juries.api.filters import choice_filter, id_filter, since_filter
from juries.api.problems import INVALID, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import signed_in
from overton.api.answers import OutsideRow, answers_of, as_table, refuse_rows
from overton.domain.answer_tables import JUDGEMENT_FIELDS
from overton.models import ExpressionLabel, Judgement, LabelResolution
from overton.services.answer_import import import_judgements
from overton.services.labels import LabelRefused, label_expressions, resolve_labels

refuse_as(INVALID, LabelRefused)

ROWS_AT_ONCE = 200
JUDGEMENTS_AT_ONCE = 2_000


class JudgementRow(SaidRow):
    """A juror's verdict on an answer."""

    query = serializers.UUIDField(source="answer__query__public_id", help_text="Id of the query.")
    answer = serializers.UUIDField(source="answer__public_id", help_text="Id of the answer.")
    verdict = OneOf(Judgement.Verdict.choices, help_text="Her verdict.")
    holds = serializers.BooleanField(
        allow_null=True, help_text="She holds this view herself; null: not asked."
    )


class LabelRow(Row):
    """A person's reading of a response against an answer."""

    query = serializers.UUIDField(source="answer__query__public_id", help_text="Id of the query.")
    response = serializers.UUIDField(source="response__public_id", help_text="Id of the response.")
    answer = serializers.UUIDField(source="answer__public_id", help_text="Id of the answer.")
    juror = serializers.UUIDField(
        source="juror__public_id",
        allow_null=True,
        help_text="Random id of the juror who read it; null: a researcher did.",
    )
    is_simulated = serializers.BooleanField(
        source="juror__is_simulated",
        allow_null=True,
        help_text="The juror is made up; null: a researcher read it.",
    )
    label = OneOf(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        ExpressionLabel.Label.choices, help_text="The reading."
    )
    knew_reading = serializers.BooleanField(
        help_text="Said after a model's reading of the pair was shown; no check of models then."
    )
    is_current = serializers.BooleanField(help_text="False: she has since changed it.")
    created_at = serializers.DateTimeField(help_text="When she said it.")


class AnswerLabelBody(Body):
    """A reading of one answer."""

    answer = serializers.UUIDField(help_text="Id of an answer to the response's query.")
    label = OneOf(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        ExpressionLabel.Label.choices, help_text="Your reading."
    )


class LabelsBody(Body):
    """Your readings of one response."""

    response = serializers.UUIDField(help_text="Id of the response.")
    labels = serializers.ListField(
        child=AnswerLabelBody(),
        min_length=1,
        max_length=ROWS_AT_ONCE,
        help_text="One for each answer.",
    )


class OutsideJudgementBody(Body):
    """A judgement from elsewhere."""

    juror = serializers.CharField(
        max_length=120, help_text="The juror's random id, or the id that she has in the pool."
    )
    query = serializers.CharField(
        max_length=120, help_text="The researchers' own id of the query (`external_id`)."
    )
    answer = serializers.CharField(
        max_length=120, help_text="The researchers' own id of the answer (`external_id`)."
    )
    verdict = OneOf(Judgement.Verdict.choices, help_text="Her verdict.")
    holds = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="She holds this view herself; null: not asked.",
    )


class JudgementsBody(Body):
    """Judgements from elsewhere: all come in, or none."""

    judgements = serializers.ListField(
        child=OutsideJudgementBody(),
        min_length=1,
        max_length=JUDGEMENTS_AT_ONCE,
        help_text="One for each juror and answer.",
    )


class ResolutionRow(Row):
    """A researcher's decision on a pair that people read differently."""

    query = serializers.UUIDField(source="answer__query__public_id", help_text="Id of the query.")
    response = serializers.UUIDField(source="response__public_id", help_text="Id of the response.")
    answer = serializers.UUIDField(source="answer__public_id", help_text="Id of the answer.")
    label = OneOf(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        ExpressionLabel.Label.choices, help_text="What stands."
    )
    reason = serializers.CharField(help_text="Why.")
    knew_reading = serializers.BooleanField(
        help_text="Decided after a model's reading of the pair was shown."
    )
    is_current = serializers.BooleanField(help_text="False: it was decided otherwise since.")
    created_at = serializers.DateTimeField(help_text="When it was decided.")


class ResolutionBody(Body):
    """What is to stand for a pair."""

    response = serializers.UUIDField(help_text="Id of the response.")
    answer = serializers.UUIDField(help_text="Id of an answer to the response's query.")
    label = OneOf(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        ExpressionLabel.Label.choices, help_text="What stands."
    )
    reason = serializers.CharField(max_length=300, help_text="Why.")


class ResolutionFilters(django_filters.FilterSet):
    """Which decisions."""

    query = id_filter("answer__query_id", queries_of, "query", "Decisions on this query.")
    response = id_filter("response_id", responses_of, "response", "Decisions on this response.")
    answer = id_filter("answer_id", answers_of, "answer", "Decisions on this answer.")
    history = history_filter()


class JudgementFilters(SaidFilters):
    """Which judgements."""

    query = id_filter("answer__query_id", queries_of, "query", "Judgements on this query.")
    answer = id_filter("answer_id", answers_of, "answer", "Judgements of this answer.")
    verdict = choice_filter("verdict", Judgement.Verdict.choices, "Judgements of this verdict.")


class LabelFilters(django_filters.FilterSet):
    """Which labels."""

    query = id_filter("answer__query_id", queries_of, "query", "Labels on this query.")
    response = id_filter("response_id", responses_of, "response", "Labels of this response.")
    answer = id_filter("answer_id", answers_of, "answer", "Labels of this answer.")
    juror = id_filter("juror_id", jurors_of, "juror", JUROR)
    label = choice_filter("label", ExpressionLabel.Label.choices, "Labels that say this.")
    history = history_filter()
    since = since_filter("created_at", "What was said at this moment or later.")


class JudgementList(SaidList[Judgement]):
    """Judgements."""

    serializer_class = JudgementRow
    filterset_class = JudgementFilters
    queryset = Judgement.objects.all()

    def rows(self) -> QuerySet[Judgement, Any]:
        """Judgements of answers to the study's queries."""
        return self.as_rows(Judgement.objects.filter(answer__query__study=self.study))

    @extend_schema(summary="List judgements")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Jurors' verdicts on answers, and whether they hold them."""
        return self.list(request, *args, **kwargs)


class JudgementImport(StudyView[Judgement]):
    """Judgements from elsewhere."""

    serializer_class = OutsideRow
    queryset = Judgement.objects.all()

    @extend_schema(summary="Import judgements", request=JudgementsBody, responses=OutsideRow)
    def post(self, request: Request, study_id: UUID) -> Response:
        """Append what members of the jury said elsewhere; the same again changes nothing."""
        given = checked(JudgementsBody, request)
        words = {True: "yes", False: "no", None: ""}
        rows = [{**row, "holds": words[row["holds"]]} for row in given["judgements"]]
        report = import_judgements(
            study=self.study,
            table=as_table(
                rows, ("juror", "query", "answer", "verdict", "holds"), JUDGEMENT_FIELDS
            ),
            actor=signed_in(request),
            now=timezone.now(),
        )
        refuse_rows(
            report,
            path="judgements",
            names={"juror_id": "juror", "query_id": "query", "answer_id": "answer"},
        )
        return Response(OutsideRow(report).data)


class ResolutionList(SaidList[LabelResolution]):
    """Decisions on labels."""

    serializer_class = ResolutionRow
    filterset_class = ResolutionFilters
    queryset = LabelResolution.objects.all()

    def rows(self) -> QuerySet[LabelResolution, Any]:
        """Decisions on the study's queries."""
        return self.as_rows(LabelResolution.objects.filter(answer__query__study=self.study))

    @extend_schema(summary="List decisions on labels")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What researchers decided on pairs that people read differently; the readings stay."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Decide on labels", request=ResolutionBody, responses={201: ResolutionRow}
    )
    def post(self, request: Request, study_id: UUID) -> Response:
        """Say what stands for a pair that you have labelled and that people read differently."""
        given = checked(ResolutionBody, request)
        response = responses_of(self).filter(public_id=given["response"]).first()
        answer = answers_of(self).filter(public_id=given["answer"]).first()
        for name, found in (("response", response), ("answer", answer)):
            if found is None:
                raise InvalidInput(
                    InputError(f"The study has no such {name}.", pointer=pointer(name))
                )
        assert response is not None
        assert answer is not None
        made = resolve_labels(
            response=response,
            answer=answer,
            label=given["label"],
            reason=given["reason"],
            researcher=signed_in(request),
            now=timezone.now(),
        )
        row = self.rows().get(pk=made.pk)
        return Response(ResolutionRow(row).data, status=201)


class LabelList(SaidList[ExpressionLabel]):
    """Labels of expression."""

    serializer_class = LabelRow
    filterset_class = LabelFilters
    queryset = ExpressionLabel.objects.all()

    def rows(self) -> QuerySet[ExpressionLabel, Any]:
        """Labels on the study's queries."""
        return self.as_rows(ExpressionLabel.objects.filter(answer__query__study=self.study))

    @extend_schema(summary="List labels of expression")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """People's readings: does this response express this answer?"""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Label a response", request=LabelsBody, responses={201: LabelRow(many=True)}
    )
    def post(self, request: Request, study_id: UUID) -> Response:
        """Say, as a researcher, which answers a response expresses. A change supersedes."""
        given = checked(LabelsBody, request)
        response = responses_of(self).filter(public_id=given["response"]).first()
        if response is None:
            raise InvalidInput(
                InputError("The study has no such response.", pointer=pointer("response"))
            )
        wanted = [row["answer"] for row in given["labels"]]
        known = {
            answer.public_id: answer for answer in answers_of(self).filter(public_id__in=wanted)
        }
        for place, answer_id in enumerate(wanted):
            where = pointer("labels", place, "answer")
            if answer_id not in known:
                raise InvalidInput(InputError("The study has no such answer.", pointer=where))
            if answer_id in wanted[:place]:
                raise InvalidInput(InputError("This answer stands twice.", pointer=where))
        made = label_expressions(
            response=response,
            labels={known[row["answer"]]: row["label"] for row in given["labels"]},
            now=timezone.now(),
            researcher=signed_in(request),
        )
        rows = {row["pk"]: row for row in self.rows().filter(pk__in=[row.pk for row in made])}
        return Response(LabelRow([rows[row.pk] for row in made], many=True).data, status=201)
