"""The declared rule of a study's windows, and snapshots of what it gives."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import StudyList, StudyView
from juries.api.bodies import Body, NoBody, Row, checked
from juries.api.problems import INVALID, refuse_as
from juries.api.rights import signed_in
from overton.models import WindowRule, WindowSnapshot
from overton.services.windows import RuleRefused, set_window_rule, take_snapshot

refuse_as(INVALID, RuleRefused)


class RuleRow(Row):
    """When an answer counts as correct, reasonable or unreasonable."""

    correct_share = serializers.FloatField(
        help_text="Share, in every group, from which an answer is correct."
    )
    reasonable_share = serializers.FloatField(
        help_text="Share of some group from which an answer is reasonable."
    )
    confidence = serializers.FloatField(help_text="Level of the Wilson interval.")
    group_minimum = serializers.IntegerField(
        help_text="Groups with fewer judgements of an answer have no say on it."
    )
    group_features = serializers.ListField(
        child=serializers.CharField(), help_text="Features of the pool whose values are groups."
    )


class RuleBody(Body):
    """A rule that is to be declared."""

    correct_share = serializers.FloatField(
        required=False, default=0.9, help_text="In (0, 1]: share in every group for correct."
    )
    reasonable_share = serializers.FloatField(
        required=False, default=0.25, help_text="In (0, 1): share of some group for reasonable."
    )
    confidence = serializers.FloatField(
        required=False, default=0.95, help_text="In (0.5, 1): level of the Wilson interval."
    )
    group_minimum = serializers.IntegerField(
        required=False,
        default=8,
        min_value=1,
        max_value=1_000_000,
        help_text="Groups with fewer judgements of an answer have no say on it.",
    )
    group_features = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        default=list,
        help_text="Features of the pool whose values are groups; none: the whole jury.",
    )


class SnapshotRow(Row):
    """The windows of a study at one moment, without their content."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the snapshot.")
    rule = serializers.DictField(help_text="The rule that was applied.")
    input_digest = serializers.CharField(help_text="SHA-256 of rule and judgements.")
    software_version = serializers.CharField(help_text="What computed it.")
    stale_since = serializers.DateTimeField(
        allow_null=True, help_text="When a juror withdrew what is in it; null: nobody did."
    )
    is_simulated = serializers.BooleanField(
        source="study.is_simulated", help_text="The study's jurors are made up."
    )
    created_at = serializers.DateTimeField(help_text="When it was taken.")


class SnapshotDetail(SnapshotRow):
    """The windows of a study at one moment."""

    result = serializers.DictField(
        help_text=(
            "For each query its answers, each with `verdict`, the reason, and for everyone and "
            "each group `acceptability`, `correctness` and `support` with interval and n."
        )
    )


class RuleView(StudyView[WindowRule]):
    """The rule of a study's windows."""

    serializer_class = RuleRow
    queryset = WindowRule.objects.all()

    @extend_schema(summary="Read the window rule")
    def get(self, request: Request, study_id: UUID) -> Response:
        """When an answer counts as correct, reasonable or unreasonable."""
        rule = WindowRule.objects.filter(study=self.study).first()
        if rule is None:
            raise Http404("No rule has been declared for this study; declare one with PUT.")
        return Response(RuleRow(rule).data)

    @extend_schema(summary="Declare the window rule", request=RuleBody, responses=RuleRow)
    def put(self, request: Request, study_id: UUID) -> Response:
        """Declare the rule. Snapshots keep the one under which they were taken."""
        given = checked(RuleBody, request)
        rule = set_window_rule(study=self.study, actor=signed_in(request), **given)
        return Response(RuleRow(rule).data)


class SnapshotList(StudyList[WindowSnapshot]):
    """Snapshots."""

    serializer_class = SnapshotRow
    queryset = WindowSnapshot.objects.all()
    newest_first = True

    def rows(self) -> QuerySet[WindowSnapshot]:
        """The study's snapshots without their content."""
        return (
            WindowSnapshot.objects.filter(study=self.study).select_related("study").defer("result")
        )

    @extend_schema(summary="List snapshots of windows")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Snapshots, newest first, without their content."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Take a snapshot", request=NoBody, responses={201: SnapshotDetail})
    def post(self, request: Request, study_id: UUID) -> Response:
        """Keep the windows as they are now. Where nothing has changed, the newest is given back."""
        checked(NoBody, request)
        snapshot = take_snapshot(study=self.study, actor=signed_in(request))
        return Response(SnapshotDetail(snapshot).data, status=201)


class OneSnapshot(StudyView[WindowSnapshot]):
    """One snapshot."""

    serializer_class = SnapshotDetail
    queryset = WindowSnapshot.objects.all()

    @extend_schema(summary="Read a snapshot")
    def get(self, request: Request, study_id: UUID, window_id: UUID) -> Response:
        """The windows at one moment, with support and intervals."""
        found = (
            WindowSnapshot.objects.filter(study=self.study, public_id=window_id)
            .select_related("study")
            .first()
        )
        if found is None:
            raise Http404("The study has no such snapshot.")
        return Response(SnapshotDetail(found).data)
