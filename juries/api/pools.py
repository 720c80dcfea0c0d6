"""Pools and their candidates, without identities."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet
from django.shortcuts import get_object_or_404
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from juries.api.bodies import OneOf, Row
from juries.api.filters import choice_filter, flag_filter
from juries.api.rights import ManagesJuries
from juries.models import Candidate, CandidateTrait, Pool


class ValueRow(Row):
    """A value of a feature."""

    value = serializers.CharField(help_text="The value, such as 65+.")
    population_share = serializers.FloatField(
        allow_null=True, help_text="Share of the population, 0 to 1; null: not known."
    )


class FeatureRow(Row):
    """A trait that is known of every candidate."""

    name = serializers.CharField(help_text="The trait, such as age.")
    question = serializers.CharField(help_text="As asked at registration; empty: the name.")
    values = ValueRow(many=True, help_text="Its values in their order.")


class PoolRow(Row):
    """A pool."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the pool.")
    name = serializers.CharField(help_text="Its name.")
    slug = serializers.CharField(help_text="Its name in addresses.")
    description = serializers.CharField(help_text="As shown to volunteers.")
    consent_version = serializers.CharField(help_text="Version of what volunteers agree to.")
    registration_open = serializers.BooleanField(help_text="Anyone may volunteer.")
    is_simulated = serializers.BooleanField(help_text="Its people are made up.")
    candidates = serializers.IntegerField(
        source="active_candidates", help_text="How many can be drawn."
    )
    features = FeatureRow(many=True, help_text="Traits and their values.")
    created_at = serializers.DateTimeField(help_text="When it was made.")


class TraitRow(Row):
    """A candidate's value of one feature."""

    feature = serializers.CharField(source="feature.name", help_text="The trait.")
    value = serializers.CharField(source="feature_value.value", help_text="Her value.")


class CandidateRow(Row):
    """A candidate: her random id and her traits, and nothing that says who she is."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the candidate.")
    state = OneOf(Candidate.State.choices, help_text="Whether she can be drawn.")
    origin = OneOf(Candidate.Origin.choices, help_text="How she came into the pool.")
    consented_at = serializers.DateTimeField(allow_null=True, help_text="When she agreed.")
    traits = TraitRow(many=True, help_text="Her traits.")


class PoolFilters(django_filters.FilterSet):
    """Which pools."""

    is_simulated = flag_filter("is_simulated", "Pools of made-up people, or of others.")


class CandidateFilters(django_filters.FilterSet):
    """Which candidates."""

    state = choice_filter("state", Candidate.State.choices, "Candidates in this state.")


def _pools() -> QuerySet[Pool]:
    return Pool.objects.annotate(
        active_candidates=Count("candidates", filter=Q(candidates__state=Candidate.State.ACTIVE))
    ).prefetch_related("features__values")


class PoolList(ListAPIView[Pool]):
    """Pools."""

    permission_classes = (IsAuthenticated, ManagesJuries)
    serializer_class = PoolRow
    filterset_class = PoolFilters
    queryset = Pool.objects.all()

    def get_queryset(self) -> QuerySet[Pool]:
        """All pools, with their features."""
        return _pools()

    @extend_schema(summary="List pools")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All pools with their features, values and population shares. For staff."""
        return self.list(request, *args, **kwargs)


class PoolView(GenericAPIView[Pool]):
    """One pool."""

    permission_classes = (IsAuthenticated, ManagesJuries)
    serializer_class = PoolRow
    queryset = Pool.objects.all()

    @extend_schema(summary="Read a pool")
    def get(self, request: Request, pool_id: UUID) -> Response:
        """One pool with its features, values and population shares. For staff."""
        return Response(PoolRow(get_object_or_404(_pools(), public_id=pool_id)).data)


class CandidateList(ListAPIView[Candidate]):
    """Candidates of a pool."""

    permission_classes = (IsAuthenticated, ManagesJuries)
    serializer_class = CandidateRow
    filterset_class = CandidateFilters
    queryset = Candidate.objects.all()

    def get_queryset(self) -> QuerySet[Candidate]:
        """Those of the pool in the address."""
        pool = get_object_or_404(Pool, public_id=self.kwargs["pool_id"])
        return (
            Candidate.objects.filter(pool=pool)
            .only("public_id", "state", "origin", "consented_at")
            .prefetch_related(
                Prefetch(
                    "traits",
                    queryset=CandidateTrait.objects.select_related(
                        "feature", "feature_value"
                    ).order_by("feature__position", "feature_id"),
                )
            )
        )

    @extend_schema(summary="List candidates")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Candidates by random id, with traits and without identity. For staff."""
        return self.list(request, *args, **kwargs)
