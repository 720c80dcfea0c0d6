"""Objectives side by side, before one is chosen."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from juries.api.bodies import Body, Row, checked
from juries.api.juries import LONGEST_SEARCH, ForManagers
from juries.api.problems import REFUSED, refuse_as
from juries.api.rights import signed_in
from juries.api.runs import RunDetail, run_requested
from juries.models import ObjectiveComparison
from juries.services.comparisons import ComparisonRefused, request_comparison
from juries.tasks import enqueue_run

refuse_as(REFUSED, ComparisonRefused)


class ComparisonRow(Row):
    """A comparison of objectives."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the comparison.")
    run = serializers.UUIDField(source="run.public_id", help_text="The Run that made it.")
    input_digest = serializers.CharField(help_text="SHA-256 of the pool and quotas that it read.")
    created_at = serializers.DateTimeField(help_text="When it was done.")


class ComparisonDetail(ComparisonRow):
    """A comparison with its numbers."""

    content = serializers.JSONField(
        help_text="Seats, candidates, and for each method its statistics, gap, seconds and "
        "everybody's chances in order, without ids; or the reason why there is no lottery."
    )


class ComparisonBody(Body):
    """How long each method may look."""

    time_limit = serializers.FloatField(
        required=False,
        min_value=1,
        max_value=LONGEST_SEARCH,
        default=120.0,
        help_text="Seconds for each method.",
    )


class ComparisonList(ForManagers, ListAPIView[ObjectiveComparison]):
    """Comparisons for a jury."""

    serializer_class = ComparisonRow
    queryset = ObjectiveComparison.objects.all()
    newest_first = True

    def get_queryset(self) -> QuerySet[ObjectiveComparison]:
        """Those of the jury in the address."""
        return self.jury().comparisons.select_related("run").defer("content", "run__log")

    @extend_schema(summary="List comparisons of objectives")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What was compared for this jury, newest first. For staff."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Compare objectives", request=ComparisonBody, responses={202: RunDetail})
    def post(self, request: Request, jury_id: UUID) -> Response:
        """Find a lottery by each method and describe it. Answers with the Run; nobody is drawn."""
        wanted = checked(ComparisonBody, request)
        run = request_comparison(jury=self.jury(), actor=signed_in(request), **wanted)
        enqueue_run(run=run)
        return run_requested(run)


class ComparisonView(ForManagers, GenericAPIView[ObjectiveComparison]):
    """One comparison."""

    serializer_class = ComparisonDetail
    queryset = ObjectiveComparison.objects.all()

    @extend_schema(summary="Read a comparison of objectives")
    def get(self, request: Request, jury_id: UUID, comparison_id: UUID) -> Response:
        """Statistics and chances by method. For staff."""
        found = self.jury().comparisons.select_related("run")
        return Response(ComparisonDetail(get_object_or_404(found, public_id=comparison_id)).data)
