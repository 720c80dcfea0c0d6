"""A draw in public: records published, values entered; and the documents that anybody can check."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from juries.api.bodies import Body, OneOf, Row, checked
from juries.api.problems import REFUSED, refuse_as
from juries.api.rights import ManagesJuries, signed_in
from juries.domain.beacon import LONGEST_VALUE
from juries.models import Draw, PublishedRecord
from juries.permissions import can_manage_juries
from juries.selectors.records import Randomness, records_of
from juries.services import ceremony

refuse_as(REFUSED, ceremony.CeremonyRefused)

CANONICAL = OpenApiResponse(OpenApiTypes.OBJECT, "The document, in canonical JSON.")


class RecordRow(Row):
    """A record that was published before its draw. The document has an address of its own."""

    number = serializers.IntegerField(help_text="Number among the records of the jury, from 1.")
    draw = serializers.UUIDField(source="draw.public_id", help_text="Id of the draw.")
    state = OneOf(PublishedRecord.State.choices, help_text="Where it stands.")
    digest = serializers.CharField(help_text="SHA-256 of the document's bytes.")
    source = serializers.CharField(  # type: ignore[assignment] # the name is the model's own
        help_text="Who or what makes the public value."
    )
    source_date = serializers.DateField(help_text="On which day.")
    spelling = serializers.CharField(help_text="How the value is written; empty: nothing said.")
    shows_membership = serializers.BooleanField(
        help_text="The document says which quotas each public id counts towards."
    )
    published_at = serializers.DateTimeField(help_text="Since when everybody can read it.")
    public_value = serializers.CharField(help_text="What the source gave; empty: not yet entered.")
    panel_number = serializers.IntegerField(
        allow_null=True, help_text="The panel that the value picked, from 0; null: none."
    )
    result_digest = serializers.CharField(help_text="SHA-256 of the result's bytes; empty: none.")
    drawn_at = serializers.DateTimeField(allow_null=True, help_text="When the value was entered.")
    voided_at = serializers.DateTimeField(allow_null=True, help_text="Since when it is void.")
    void_reason = serializers.CharField(help_text="Why it is void; empty: it isn't.")


class RecordBody(Body):
    """A record that is to be published."""

    source = serializers.CharField(  # type: ignore[assignment] # the name is the model's own
        max_length=300, help_text="Who or what makes the public value, such as a public lottery."
    )
    source_date = serializers.DateField(help_text="On which day: today or later.")
    spelling = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=300,
        help_text="How the value will be written, so that nobody can choose later.",
    )
    with_quota_membership = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Publish which quotas each public id counts towards. It shows the traits of a "
        "code to whoever knows whose code it is.",
    )


class ValueBody(Body):
    """A public value."""

    value = serializers.CharField(
        max_length=2 * LONGEST_VALUE,
        help_text="What the source gave. It draws the panel, for good.",
    )


class VoidBody(Body):
    """Why a record is void."""

    reason = serializers.CharField(max_length=2000, help_text="Why; the public reads it.")


class OpenToRead(GenericAPIView[PublishedRecord]):
    """Everybody reads what belongs to a published draw; staff who manage juries write."""

    serializer_class = RecordRow
    queryset = PublishedRecord.objects.all()

    def get_permissions(self) -> list[BasePermission]:
        """By method."""
        if self.request.method in ("GET", "HEAD", "OPTIONS"):
            return [AllowAny()]
        return [IsAuthenticated(), ManagesJuries()]

    def draw(self) -> Draw:
        """The draw in the address, if she who asks may see it."""
        seen = Q() if can_manage_juries(self.request.user) else Q(published_at__isnull=False)
        found = Draw.objects.select_related("jury").defer("record", "numbered")
        return get_object_or_404(found.filter(seen), public_id=self.kwargs["draw_id"])

    def record(self) -> PublishedRecord:
        """The record in the address."""
        found = PublishedRecord.objects.select_related("draw", "jury")
        return get_object_or_404(found, draw=self.draw(), number=self.kwargs["number"])


class RecordList(OpenToRead, ListAPIView[PublishedRecord]):
    """Every record that was ever published for the jury of a draw."""

    def get_queryset(self) -> QuerySet[PublishedRecord]:
        """Of the jury, not of the draw alone: nothing is drawn again quietly."""
        return records_of(jury=self.draw().jury)

    @extend_schema(summary="List published records")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every record of the draw's jury, void ones too, in order. Open once one is published."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Publish a record", request=RecordBody, responses={201: RecordRow})
    def post(self, request: Request, draw_id: UUID) -> Response:
        """Show everybody a lottery and the source of the value that will pick its panel."""
        told = checked(RecordBody, request)
        record = ceremony.publish_record(
            draw=self.draw(),
            randomness=Randomness(told["source"], told["source_date"], told["spelling"]),
            with_quota_membership=told["with_quota_membership"],
            today=timezone.localdate(),
            actor=signed_in(request),
        )
        where = reverse("api-published-record", args=[draw_id, record.number])
        return Response(RecordRow(record).data, status=201, headers={"Location": where})


class RecordView(OpenToRead):
    """One published record."""

    @extend_schema(summary="Read a published record")
    def get(self, request: Request, draw_id: UUID, number: int) -> Response:
        """Where it stands, its digest, the source of its value, what came of it."""
        return Response(RecordRow(self.record()).data)


class RecordDocument(OpenToRead):
    """The document of a record."""

    @extend_schema(summary="Read a record's document", responses={200: CANONICAL})
    def get(self, request: Request, draw_id: UUID, number: int) -> HttpResponse:
        """All numbered panels, in the very bytes that `digest` was taken of."""
        return HttpResponse(self.record().content.encode(), content_type="application/json")


class RecordResult(OpenToRead):
    """The result of a record."""

    @extend_schema(summary="Read a record's result", responses={200: CANONICAL})
    def get(self, request: Request, draw_id: UUID, number: int) -> HttpResponse:
        """The value, the panel and its members, in the bytes that `result_digest` was taken of."""
        record = self.record()
        if not record.result:
            raise Http404("No public value has drawn from this record.")
        return HttpResponse(record.result.encode(), content_type="application/json")


class RecordValue(OpenToRead):
    """Entering the public value."""

    @extend_schema(summary="Enter the public value", request=ValueBody, responses=RecordRow)
    def post(self, request: Request, draw_id: UUID, number: int) -> Response:
        """Draw the panel that the value picks, and seat it, for good.

        Where the pool or the quotas have changed since the record was published, nobody is drawn:
        the record becomes void, and the answer says what has changed.
        """
        told = checked(ValueBody, request)
        record = ceremony.enter_value(
            record=self.record(),
            value=told["value"],
            today=timezone.localdate(),
            actor=signed_in(request),
        )
        return Response(RecordRow(record).data)


class RecordVoid(OpenToRead):
    """Taking a record out of force."""

    @extend_schema(summary="Declare a record void", request=VoidBody, responses=RecordRow)
    def post(self, request: Request, draw_id: UUID, number: int) -> Response:
        """Before its value is entered. It stays on the list, with the reason."""
        told = checked(VoidBody, request)
        record = ceremony.void_record(
            record=self.record(), reason=told["reason"], actor=signed_in(request)
        )
        return Response(RecordRow(record).data)
