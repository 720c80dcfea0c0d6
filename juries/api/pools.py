"""Pools and their candidates, without identities."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Prefetch, Q, QuerySet
from django.forms import model_to_dict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from juries.api.bodies import Body, OneOf, Row, checked, require_valid
from juries.api.filters import choice_filter, flag_filter
from juries.api.problems import REFUSED, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import ManagesJuries, signed_in
from juries.api.runs import RunDetail, run_requested
from juries.forms.pools import PoolFilesForm, PoolForm
from juries.models import Candidate, CandidateTrait, Pool
from juries.permissions import can_begin_pool, can_change_pool
from juries.services.pool_imports import (
    PoolImportRefused,
    import_pool,
    needs_worker,
    plan_import,
    request_import,
)
from juries.services.pools import PoolRefused, change_pool, create_pool, free_slug
from juries.services.uploads import keep_upload
from juries.tasks import enqueue_run

refuse_as(REFUSED, PoolRefused)


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
    consent_text = serializers.CharField(help_text="What volunteers agree to.")
    consent_version = serializers.CharField(help_text="Its version.")
    registration_open = serializers.BooleanField(help_text="Anyone may volunteer, until it closes.")
    registration_closes_at = serializers.DateTimeField(
        allow_null=True, help_text="From when on nobody may; null: no such moment."
    )
    registration_address = serializers.SerializerMethodField(
        help_text="Page on which people volunteer while registration is open."
    )
    is_simulated = serializers.BooleanField(help_text="Its people are made up.")
    candidates = serializers.IntegerField(
        source="active_candidates", help_text="How many can be drawn."
    )
    features = FeatureRow(many=True, help_text="Traits and their values.")
    created_at = serializers.DateTimeField(help_text="When it was made.")

    def get_registration_address(self, pool: Pool) -> str:
        """The address to give out."""
        return f"{settings.SITE_URL}{pool.get_absolute_url()}"


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


class PoolBody(Body):
    """A pool as it is to be."""

    name = serializers.CharField(max_length=200, help_text="Its name.")
    slug = serializers.SlugField(
        max_length=80,
        required=False,
        help_text="Its name in addresses, once on the site; of a new one made from the name if "
        "left out. Addresses that were given out end with a change.",
    )
    description = serializers.CharField(
        required=False, allow_blank=True, help_text="As shown to volunteers."
    )
    consent_text = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="What volunteers agree to. Once some have, a changed text has a new version.",
    )
    consent_version = serializers.CharField(
        max_length=40, required=False, help_text="Its version; 1 if left out."
    )
    registration_open = serializers.BooleanField(
        required=False, help_text="Anyone may volunteer; false if left out."
    )
    registration_closes_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="From when on nobody may; null: no such moment."
    )
    is_simulated = serializers.BooleanField(
        required=False,
        help_text="Its people are made up; false if left out. Fixed once there are any.",
    )


class PoolFilesBody(Body):
    """The files of a pool."""

    categories = serializers.FileField(help_text="categories.csv: category,name,min,max.")
    respondents = serializers.FileField(
        help_text="respondents.csv: a row for each person, with an id and her values."
    )
    population = serializers.FileField(
        required=False, help_text="population.csv: feature,value,share."
    )
    check = serializers.BooleanField(
        required=False, default=False, help_text="true: only say what importing would do."
    )


class ImportRow(Row):
    """What an import does, or did."""

    is_check = serializers.BooleanField(help_text="Nothing was written.")
    rows = serializers.IntegerField(source="report.rows", help_text="People in the file.")
    added = serializers.IntegerField(source="report.added", help_text="Those who are new.")
    updated = serializers.IntegerField(
        source="report.updated", help_text="Those who were in the pool, by their id."
    )
    kept = serializers.IntegerField(
        source="report.kept", help_text="Candidates who are not in the file; they stay."
    )
    features = serializers.ListField(
        source="report.features", child=serializers.CharField(), help_text="Traits in the file."
    )
    new_values = serializers.ListField(
        source="report.new_values",
        child=serializers.CharField(),
        help_text="Values that the pool did not have.",
    )
    id_column = serializers.CharField(
        source="report.id_column", help_text="The column that was taken for the id."
    )
    ignored_columns = serializers.ListField(
        source="report.ignored_columns",
        child=serializers.CharField(),
        help_text="Columns that were not read.",
    )
    with_email = serializers.IntegerField(
        source="report.with_email", help_text="People with an address."
    )
    with_household = serializers.IntegerField(
        source="report.with_household", help_text="People with a household."
    )
    shares = serializers.IntegerField(
        source="report.shares", help_text="Shares of the population that were read."
    )


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

    @extend_schema(summary="Begin a pool", request=PoolBody, responses={201: PoolRow})
    def post(self, request: Request) -> Response:
        """Make an empty pool; give it features, or files. For staff who may add pools."""
        user = signed_in(request)
        if not can_begin_pool(user):
            raise PermissionDenied("Your account may not add pools. Ask an administrator.")
        given = checked(PoolBody, request)
        given.setdefault("slug", free_slug(wanted=given["name"]))
        pool = create_pool(pool=_as_wanted(Pool(), given), actor=user)
        return Response(
            PoolRow(_pools().get(pk=pool.pk)).data,
            status=201,
            headers={"Location": reverse("api-pool", args=[pool.public_id])},
        )


class PoolView(GenericAPIView[Pool]):
    """One pool."""

    permission_classes = (IsAuthenticated, ManagesJuries)
    serializer_class = PoolRow
    queryset = Pool.objects.all()

    @extend_schema(summary="Read a pool")
    def get(self, request: Request, pool_id: UUID) -> Response:
        """One pool with its features, values and population shares. For staff."""
        return Response(PoolRow(get_object_or_404(_pools(), public_id=pool_id)).data)

    @extend_schema(summary="Change a pool", request=PoolBody(partial=True), responses=PoolRow)
    def patch(self, request: Request, pool_id: UUID) -> Response:
        """Change the settings that are sent. For staff who may change pools."""
        user = signed_in(request)
        if not can_change_pool(user):
            raise PermissionDenied("Your account may not change pools. Ask an administrator.")
        found = get_object_or_404(Pool, public_id=pool_id)
        pool = _as_wanted(found, checked(PoolBody, request, partial=True))
        change_pool(pool=pool, actor=user)
        return Response(PoolRow(_pools().get(pk=pool.pk)).data)


def _as_wanted(pool: Pool, given: Mapping[str, Any]) -> Pool:
    """The pool with the settings that were sent, as the page's form takes them.

    Raises:
        InvalidInput: the form refuses one; each at its place.
    """
    form = PoolForm({**model_to_dict(pool, fields=PoolForm.Meta.fields), **given}, instance=pool)
    require_valid(form)
    return form.instance


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


class PoolImport(GenericAPIView[Pool]):
    """Bringing people in."""

    permission_classes = (IsAuthenticated, ManagesJuries)
    serializer_class = ImportRow
    queryset = Pool.objects.all()
    parser_classes = (MultiPartParser,)

    @extend_schema(
        summary="Import candidates",
        request={"multipart/form-data": PoolFilesBody},
        responses={200: ImportRow, 202: RunDetail},
    )
    def post(self, request: Request, pool_id: UUID) -> Response:
        """Add the people of the files and update those who are there; all of them or none.

        More than 5,000 people are brought in by a worker: the answer is 202 with the Run.
        """
        pool = get_object_or_404(Pool, public_id=pool_id)
        given = checked(PoolFilesBody, request)
        is_check, user = given.pop("check"), signed_in(request)
        form = PoolFilesForm({}, MultiValueDict({name: [file] for name, file in given.items()}))
        require_valid(form)
        files = form.files_read()
        if needs_worker(files=files) and not is_check:
            run = request_import(pool=pool, upload=keep_upload(files=files), actor=user)
            enqueue_run(run=run)
            return run_requested(run)
        try:
            report = (
                plan_import(pool=pool, files=files)
                if is_check
                else import_pool(pool=pool, files=files, actor=user)
            )
        except PoolImportRefused as refusal:
            raise _by_file(refusal) from refusal
        return Response(ImportRow({"is_check": is_check, "report": report}).data)


def _by_file(refusal: PoolImportRefused) -> InvalidInput:
    """What is wrong with the rows, each at its file."""
    errors = [
        InputError(
            f"{error.file}, row {error.row}: {error.message}",
            pointer=pointer(error.file.removesuffix(".csv")),
        )
        for error in refusal.errors
    ]
    if refusal.omitted:
        errors.append(InputError(f"And {refusal.omitted} more errors.", pointer=pointer()))
    return InvalidInput(*errors)
