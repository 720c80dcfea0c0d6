"""Draws: asked for, read, published; and the record that anybody can check."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from juries.api.bodies import NoBody, OneOf, Row, checked
from juries.api.juries import DrawBody, ForManagers
from juries.api.rights import ManagesJuries, signed_in
from juries.api.runs import RunDetail, run_requested
from juries.models import Draw
from juries.permissions import can_manage_juries
from juries.selectors.draws import canonical_json
from juries.selectors.records import lottery_as_json
from juries.services.draws import publish_draw, request_draw
from juries.tasks import enqueue_run


class DrawRow(Row):
    """A draw. Its record, with everybody's chance, has an address of its own."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the draw.")
    jury = serializers.UUIDField(source="jury.public_id", help_text="Id of the jury.")
    run = serializers.UUIDField(source="run.public_id", help_text="The Run that made it.")
    is_simulated = serializers.BooleanField(
        source="jury.pool.is_simulated", help_text="The people are made up."
    )
    purpose = OneOf(Draw.Purpose.choices, help_text="What was drawn.")
    mode = OneOf(Draw.Mode.choices, help_text="What picks the panel.")
    method = serializers.CharField(help_text="The objective: how chances were shared out.")
    seed = serializers.CharField(help_text="Seed of the one random step; empty: a public value.")
    size = serializers.IntegerField(help_text="How many were drawn.")
    smallest_chance = serializers.FloatField(
        allow_null=True, help_text="The smallest chance of those who can sit and need not."
    )
    lower_bound = serializers.FloatField(
        allow_null=True, help_text="With `upper_bound`, encloses the best value of the objective."
    )
    upper_bound = serializers.FloatField(
        allow_null=True, help_text="The smallest chance, the geometric mean ...: by the objective."
    )
    gap = serializers.FloatField(
        allow_null=True, help_text="How far it may be from the best; 0: proven best."
    )
    seconds = serializers.FloatField(allow_null=True, help_text="How long the search took.")
    record_digest = serializers.CharField(help_text="SHA-256 of the record's bytes.")
    published_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when everybody can read it; null: not published."
    )
    finished_at = serializers.DateTimeField(allow_null=True, help_text="When it was done.")


class DrawDetail(DrawRow):
    """A draw with its lottery, under the names that `manage.py draw` writes."""

    objective = serializers.CharField(help_text="The same as `method`.")
    probabilities = serializers.DictField(
        child=serializers.FloatField(), help_text="Chance of each candidate, by public id."
    )
    panels = serializers.ListField(
        child=serializers.ListField(child=serializers.UUIDField()),
        help_text="Panels that can be drawn, by public id.",
    )
    weights = serializers.ListField(
        child=serializers.FloatField(),
        help_text="Probability of each panel, in the order of `panels`; they add up to 1.",
    )
    is_proven = serializers.BooleanField(allow_null=True, help_text="It is proven best.")
    seed = serializers.CharField(allow_null=True, help_text="As above; null: a public value.")
    engine = serializers.CharField(help_text="What computed it.")


def _draws() -> QuerySet[Draw]:
    return Draw.objects.select_related("jury__pool", "run").defer(
        "record", "numbered", "run__log", "run__parameters", "run__result"
    )


class DrawList(ForManagers, ListAPIView[Draw]):
    """Draws of a jury."""

    serializer_class = DrawRow
    queryset = Draw.objects.all()
    newest_first = True

    def get_queryset(self) -> QuerySet[Draw]:
        """Those of the jury in the address."""
        return _draws().filter(jury=self.jury())

    @extend_schema(summary="List draws")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The jury's draws, newest first. For staff."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Ask for a draw", request=DrawBody, responses={202: RunDetail})
    def post(self, request: Request, jury_id: UUID) -> Response:
        """Draw the jury under its quotas. Answers with the Run; its result names the draw.

        With `mode` "record" nobody is seated yet: publish a record of the draw, then enter its
        public value.
        """
        wanted = checked(DrawBody, request)
        run = request_draw(jury=self.jury(), actor=signed_in(request), **wanted)
        enqueue_run(run=run)
        return run_requested(run)


class DrawView(GenericAPIView[Draw]):
    """One draw: open to everybody once it is published."""

    permission_classes = (AllowAny,)
    serializer_class = DrawDetail
    queryset = Draw.objects.all()

    @extend_schema(summary="Read a draw")
    def get(self, request: Request, draw_id: UUID) -> Response:
        """A published draw needs no token; others are for staff who manage juries."""
        draw = _load(request, draw_id)
        return Response({**DrawRow(draw).data, **lottery_as_json(draw=draw)})


class DrawRecord(GenericAPIView[Draw]):
    """The record of a draw: open to everybody once it is published."""

    permission_classes = (AllowAny,)
    serializer_class = DrawRow
    queryset = Draw.objects.all()

    @extend_schema(
        summary="Read a draw's record",
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, "The record, in canonical JSON.")},
    )
    def get(self, request: Request, draw_id: UUID) -> HttpResponse:
        """The whole lottery, in the very bytes that `record_digest` was taken of."""
        return HttpResponse(
            canonical_json(_load(request, draw_id).record), content_type="application/json"
        )


class DrawPublication(GenericAPIView[Draw]):
    """Publishing a draw."""

    permission_classes = (IsAuthenticated, ManagesJuries)
    serializer_class = DrawRow
    queryset = Draw.objects.all()

    @extend_schema(summary="Publish a draw with a seed", request=NoBody, responses=DrawRow)
    def post(self, request: Request, draw_id: UUID) -> Response:
        """Show it to everybody, for good. Twice is the same as once. One in public has records."""
        checked(NoBody, request)
        publish_draw(draw=_load(request, draw_id), actor=signed_in(request))
        return Response(DrawRow(_load(request, draw_id)).data)


def _load(request: Request, draw_id: UUID) -> Draw:
    seen = Q() if can_manage_juries(request.user) else Q(published_at__isnull=False)
    draw = get_object_or_404(_draws().filter(seen), public_id=draw_id)
    if not draw.record_digest:
        raise Http404("The draw has not been finished.")
    return draw
