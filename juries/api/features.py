"""Features of a pool with their values, and the population's shares: read, and replaced whole."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from juries.api.bodies import Body, Number, Row, checked
from juries.api.pools import FeatureRow
from juries.api.problems import InputError, InvalidInput, pointer
from juries.api.rights import ManagesJuries, signed_in
from juries.api.traits import LEGAL_SHOWN, QuotaTraitBody
from juries.models import Pool
from juries.permissions import can_change_features, can_change_shares
from juries.selectors.pools import pool_against_population
from juries.services.pools import (
    FeaturesRefused,
    WantedFeature,
    WantedValue,
    set_features,
    set_shares,
)

FEATURES_AT_ONCE = 100
VALUES_AT_ONCE = 1000
SHARES_AT_ONCE = 10_000


class FeatureValueBody(Body):
    """A value as it is to be."""

    value = serializers.CharField(max_length=120, help_text="The value, such as 65+.")
    was = serializers.CharField(
        max_length=120,
        required=False,
        default="",
        help_text="Its name so far, where that changes; who has it keeps it.",
    )


class FeatureBody(Body):
    """A feature as it is to be."""

    name = serializers.CharField(max_length=80, help_text="The trait, such as age.")
    was = serializers.CharField(
        max_length=80,
        required=False,
        default="",
        help_text="Its name so far, where that changes; who has it keeps it.",
    )
    question = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        help_text="As asked at registration; empty: the name. As it stands if left out.",
    )
    values = serializers.ListField(
        child=FeatureValueBody(), max_length=VALUES_AT_ONCE, help_text="All of them, in order."
    )


class FeaturesBody(Body):
    """All features that the pool is to have."""

    features = serializers.ListField(
        child=FeatureBody(), max_length=FEATURES_AT_ONCE, help_text="All of them, in order."
    )


class FeaturesRow(Row):
    """All features of a pool."""

    features = FeatureRow(many=True, help_text="Traits with their values, in order.")


class ValueCountRow(Row):
    """A value in the pool and in the population."""

    value = serializers.CharField(source="value.value", help_text="The value.")
    candidates = serializers.IntegerField(help_text="Those who can be drawn and have it.")
    pool_share = serializers.FloatField(help_text="Their share of all who can be drawn, 0 to 1.")
    population_share = serializers.FloatField(
        allow_null=True, help_text="Share of the population, 0 to 1; null: not known."
    )


class FeatureCountRow(Row):
    """A feature in the pool and in the population."""

    feature = serializers.CharField(help_text="The trait.")
    values = ValueCountRow(many=True, help_text="Its values in their order.")


class PopulationRow(Row):
    """A pool beside its population."""

    features = FeatureCountRow(many=True, help_text="Traits with their values, in order.")


class ShareBody(QuotaTraitBody):
    """A share of the population."""

    share = Number(min_value=0, max_value=1, help_text="Share of the population, 0 to 1.")


class PopulationBody(Body):
    """All shares of the population that are known."""

    shares = serializers.ListField(
        child=ShareBody(),
        max_length=SHARES_AT_ONCE,
        help_text="Those of a feature add up to 1, within 0.005. What is left out is not known.",
    )


class OfPool(APIView):
    """Views for staff who manage juries, on one pool."""

    permission_classes = (IsAuthenticated, ManagesJuries)

    def pool(self) -> Pool:
        """The pool in the address."""
        return get_object_or_404(Pool, public_id=self.kwargs["pool_id"])


class PoolFeatures(OfPool, GenericAPIView[Pool]):
    """Features of a pool."""

    serializer_class = FeaturesRow
    queryset = Pool.objects.all()

    @extend_schema(summary="Read the features")
    def get(self, request: Request, pool_id: UUID) -> Response:
        """All traits with their values and the population's shares, in order. For staff."""
        return Response(_told(self.pool()))

    @extend_schema(summary="Replace the features", request=FeaturesBody, responses=FeaturesRow)
    def put(self, request: Request, pool_id: UUID) -> Response:
        """Make these all the features and values of the pool; all of it or nothing.

        Those that stand are known by name. What is left out is removed, unless somebody has it or
        a quota counts it. For staff who may add, change and remove features.
        """
        user, pool = signed_in(request), self.pool()
        if not can_change_features(user):
            raise PermissionDenied(
                "Your account may not add, change and remove features. Ask an administrator."
            )
        wanted = [
            WantedFeature(
                name=one["name"],
                was=one["was"],
                question=one.get("question"),
                values=[WantedValue(name=row["value"], was=row["was"]) for row in one["values"]],
            )
            for one in checked(FeaturesBody, request)["features"]
        ]
        try:
            set_features(pool=pool, wanted=wanted, actor=user)
        except FeaturesRefused as refusal:
            raise _at_their_places("features", refusal) from refusal
        return Response(_told(pool))


class Population(OfPool, GenericAPIView[Pool]):
    """A pool beside its population."""

    serializer_class = PopulationRow
    queryset = Pool.objects.all()

    @extend_schema(summary="Read the pool against the population")
    def get(self, request: Request, pool_id: UUID) -> Response:
        """How many have each value, and its share of pool and population. For staff."""
        return Response(_counted(self.pool()))

    @extend_schema(
        summary="Replace the population's shares",
        request=PopulationBody,
        responses=PopulationRow,
    )
    def put(self, request: Request, pool_id: UUID) -> Response:
        """Make these all the shares that are known; all of them or, if one is wrong, none.

        For staff who may change the values of features.
        """
        user, pool = signed_in(request), self.pool()
        if not can_change_shares(user):
            raise PermissionDenied(
                "Your account may not change the values of features. Ask an administrator."
            )
        shares: dict[tuple[str, str], float] = {}
        for place, row in enumerate(checked(PopulationBody, request)["shares"]):
            trait = (row["feature"], row["value"])
            if trait in shares:
                raise InvalidInput(
                    InputError(
                        f"{trait[0]}: {trait[1]} stands more than once; keep one of them.",
                        pointer=pointer("shares", place),
                    )
                )
            shares[trait] = row["share"]
        try:
            set_shares(pool=pool, shares=shares, actor=user)
        except FeaturesRefused as refusal:
            raise _at_their_places("shares", refusal, legal=_names(pool)) from refusal
        return Response(_counted(pool))


def _told(pool: Pool) -> Any:
    return FeaturesRow({"features": pool.features.prefetch_related("values")}).data


def _counted(pool: Pool) -> Any:
    rows = [
        {"feature": feature.name, "values": counts}
        for feature, counts in pool_against_population(pool=pool).items()
    ]
    return PopulationRow({"features": rows}).data


def _names(pool: Pool) -> list[str]:
    features = pool.features.prefetch_related("values")
    return [f"{one.name}: {value.value}" for one in features for value in one.values.all()]


def _at_their_places(
    where: str, refusal: FeaturesRefused, *, legal: Sequence[str] = ()
) -> InvalidInput:
    """Each problem at its place in the body; at a single row also what is legal there."""
    return InvalidInput(
        *(
            InputError(
                problem,
                pointer=pointer(where, *place),
                legal=legal[:LEGAL_SHOWN] if place else (),
            )
            for problem, place in zip(refusal.problems, refusal.places, strict=True)
        )
    )
