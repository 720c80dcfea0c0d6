"""Juries with their quotas and seats; asking for draws and replacements."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from juries.api.bodies import Body, Number, OneOf, Row, checked
from juries.api.filters import choice_filter, id_filter
from juries.api.problems import REFUSED, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import ManagesJuries, signed_in
from juries.api.runs import RunDetail, run_requested
from juries.domain.lottery import DEFAULT_METHOD
from juries.models import Draw, Jury, Pool, Quota, Seat, SeatingRule
from juries.permissions import can_begin_jury
from juries.services.draws import DRAWABLE_METHODS, DrawRefused
from juries.services.juries import JuryRefused, change_jury, create_jury
from juries.services.replacements import ReplacementRefused, request_replacement
from juries.tasks import enqueue_run

refuse_as(REFUSED, DrawRefused, JuryRefused, ReplacementRefused)

LONGEST_SEARCH = 86_400.0


class QuotaTraitRow(Row):
    """A value that a quota counts."""

    feature = serializers.CharField(source="feature.name", help_text="The trait.")
    value = serializers.CharField(help_text="Its value.")


class QuotaRow(Row):
    """Bounds on the members who have all of the values."""

    traits = serializers.SerializerMethodField(help_text="Values that a member has all of.")
    minimum = serializers.IntegerField(help_text="At least so many members.")
    maximum = serializers.IntegerField(help_text="At most so many members.")
    min_flex = serializers.IntegerField(
        source="flexible_minimum",
        allow_null=True,
        help_text="How far the minimum may give way if no jury meets all quotas; null: not said.",
    )
    max_flex = serializers.IntegerField(
        source="flexible_maximum",
        allow_null=True,
        help_text="How far the maximum may give way if no jury meets all quotas; null: not said.",
    )

    def get_traits(self, quota: Quota) -> list[dict[str, str]]:
        """Values in the order of the features."""
        values = sorted(
            quota.feature_values.all(),
            key=lambda value: (value.feature.position, value.feature_id, value.position),
        )
        return [{"feature": value.feature.name, "value": value.value} for value in values]


class SeatingRuleRow(Row):
    """A candidate whose part is settled before the draw."""

    candidate_id = serializers.UUIDField(
        source="candidate.public_id", help_text="Random id of the candidate."
    )
    rule = OneOf(SeatingRule.Rule.choices, help_text="On every panel, or on none.")
    reason = serializers.CharField(help_text="Why; never published. Empty where none was given.")


class JuryRow(Row):
    """A jury."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the jury.")
    name = serializers.CharField(help_text="Its name.")
    purpose = serializers.CharField(help_text="What it is convened for.")
    kind = OneOf(Jury.Kind.choices, help_text="What it is meant to be.")
    pool = serializers.UUIDField(source="pool.public_id", help_text="Id of its pool.")
    is_simulated = serializers.BooleanField(
        source="pool.is_simulated", help_text="Its people are made up."
    )
    size = serializers.IntegerField(help_text="How many seats it is to have.")
    household_limit = serializers.IntegerField(
        allow_null=True, help_text="At most so many from one household; null: no limit."
    )
    rest_months = serializers.IntegerField(
        allow_null=True,
        help_text="Who accepted a seat on another jury in the last so many months sits out; null:"
        " nobody does.",
    )
    seats = serializers.IntegerField(
        source="seats_total", help_text="Seats so far, with those that were given up."
    )
    seats_accepted = serializers.IntegerField(help_text="Seats whose juror has accepted.")
    quotas = QuotaRow(many=True, help_text="Bounds on who may sit.")
    seating_rules = SeatingRuleRow(many=True, help_text="Who must sit, and who must not.")
    created_at = serializers.DateTimeField(help_text="When it was made.")


class JuryChangeBody(Body):
    """A jury as it is to be; its pool stays."""

    name = serializers.CharField(max_length=200, help_text="Its name.")
    purpose = serializers.CharField(
        required=False, allow_blank=True, help_text="What it is convened for."
    )
    kind = OneOf(Jury.Kind.choices, required=False, help_text="What it is meant to be.")
    size = serializers.IntegerField(
        min_value=1, max_value=1_000_000, help_text="How many seats. Fixed once somebody sits."
    )
    household_limit = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=1_000_000,
        help_text="At most so many from one household; null: no limit. Fixed once somebody sits.",
    )
    rest_months = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=1200,
        help_text="Who accepted a seat on another jury in the last so many months sits out; null:"
        " nobody does. Fixed once somebody sits.",
    )


class JuryBody(JuryChangeBody):
    """A jury that is wanted."""

    pool = serializers.UUIDField(help_text="Id of its pool.")


class SeatRow(Row):
    """A place on a jury, held by a juror under her random id."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the seat.")
    number = serializers.IntegerField(help_text="Number of the place.")
    state = OneOf(Seat.State.choices, help_text="What became of it.")
    juror = serializers.UUIDField(source="juror.public_id", help_text="Random id of the juror.")
    is_simulated = serializers.BooleanField(
        source="juror.is_simulated", help_text="The juror is made up."
    )
    draw = serializers.UUIDField(
        source="draw.public_id", default=None, allow_null=True, help_text="Which draw gave it."
    )
    replaces = serializers.UUIDField(
        source="replaces.public_id",
        default=None,
        allow_null=True,
        help_text="The seat whose place this one took.",
    )
    changed_at = serializers.DateTimeField(help_text="When its state last changed.")


class SearchBody(Body):
    """How long to look, and with which seed."""

    seed = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=100,
        default="",
        help_text="The same inputs and seed give the same people; empty: one is made at random.",
    )
    time_limit = Number(
        required=False,
        min_value=1,
        max_value=LONGEST_SEARCH,
        default=600.0,
        help_text="Seconds for the search.",
    )


class DrawBody(SearchBody):
    """A draw that is wanted."""

    method = OneOf(
        [(name, method.label) for name, method in DRAWABLE_METHODS.items()],
        required=False,
        default=DEFAULT_METHOD,
        help_text="The objective: how chances are shared out.",
    )
    mode = OneOf(
        Draw.Mode.choices,
        required=False,
        default=Draw.Mode.SEED,
        help_text="What picks the panel: a seed, at once; or a public value, once a record of the "
        "lottery has been published.",
    )


class JuryFilters(django_filters.FilterSet):
    """Which juries."""

    pool = id_filter("pool_id", lambda _: Pool.objects.all(), "pool", "Juries of this pool.")
    kind = choice_filter("kind", Jury.Kind.choices, "Juries of this kind.")


class SeatFilters(django_filters.FilterSet):
    """Which seats."""

    state = choice_filter("state", Seat.State.choices, "Seats in this state.")


def _juries() -> QuerySet[Jury]:
    return (
        Jury.objects.with_seat_counts()
        .select_related("pool")
        .prefetch_related("quotas__feature_values__feature", "seating_rules__candidate")
    )


class ForManagers(APIView):
    """Views for staff who manage juries."""

    permission_classes = (IsAuthenticated, ManagesJuries)

    def jury(self) -> Jury:
        """The jury in the address."""
        return get_object_or_404(Jury, public_id=self.kwargs["jury_id"])


class JuryList(ForManagers, ListAPIView[Jury]):
    """Juries."""

    serializer_class = JuryRow
    filterset_class = JuryFilters
    queryset = Jury.objects.all()

    def get_queryset(self) -> QuerySet[Jury]:
        """All juries, with their quotas and seating rules."""
        return _juries()

    @extend_schema(summary="List juries")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All juries with their quotas, seating rules and how many seats are taken. For staff."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Begin a jury", request=JuryBody, responses={201: JuryRow})
    def post(self, request: Request) -> Response:
        """Make a jury from a pool. Nobody sits on it yet. For staff who may add juries."""
        user = signed_in(request)
        if not can_begin_jury(user):
            raise PermissionDenied("Your account may not add juries. Ask an administrator.")
        given = checked(JuryBody, request)
        pool = Pool.objects.filter(public_id=given["pool"]).first()
        if pool is None:
            raise InvalidInput(InputError("There is no such pool.", pointer=pointer("pool")))
        jury = create_jury(jury=Jury(**{**given, "pool": pool}), actor=user)
        return Response(
            JuryRow(_juries().get(pk=jury.pk)).data,
            status=201,
            headers={"Location": reverse("api-jury", args=[jury.public_id])},
        )


class JuryView(ForManagers, GenericAPIView[Jury]):
    """One jury."""

    serializer_class = JuryRow
    queryset = Jury.objects.all()

    @extend_schema(summary="Read a jury")
    def get(self, request: Request, jury_id: UUID) -> Response:
        """One jury with its quotas, seating rules and how many seats are taken. For staff."""
        return Response(JuryRow(get_object_or_404(_juries(), public_id=jury_id)).data)

    @extend_schema(summary="Change a jury", request=JuryChangeBody(partial=True), responses=JuryRow)
    def patch(self, request: Request, jury_id: UUID) -> Response:
        """Change the fields that are sent. What a draw goes by is fixed once somebody sits."""
        jury = self.jury()
        for name, value in checked(JuryChangeBody, request, partial=True).items():
            setattr(jury, name, value)
        change_jury(jury=jury, actor=signed_in(request))
        return Response(JuryRow(_juries().get(pk=jury.pk)).data)


class SeatList(ForManagers, ListAPIView[Seat]):
    """Seats of a jury."""

    serializer_class = SeatRow
    filterset_class = SeatFilters
    queryset = Seat.objects.all()

    def get_queryset(self) -> QuerySet[Seat]:
        """Those of the jury in the address."""
        return self.jury().seats.select_related("juror", "draw", "replaces").defer("draw__record")

    @extend_schema(summary="List seats")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who was drawn, by the juror's random id, and what became of each place. For staff."""
        return self.list(request, *args, **kwargs)


class ReplacementRequest(ForManagers, GenericAPIView[Jury]):
    """Replacements for vacant seats."""

    serializer_class = RunDetail
    queryset = Jury.objects.all()

    @extend_schema(summary="Ask for replacements", request=SearchBody, responses={202: RunDetail})
    def post(self, request: Request, jury_id: UUID) -> Response:
        """Draw people for the seats that fell vacant, given who stays. Answers with the Run."""
        wanted = checked(SearchBody, request)
        run = request_replacement(jury=self.jury(), actor=signed_in(request), **wanted)
        enqueue_run(run=run)
        return run_requested(run)
