"""Personal links to seats: made, mailed, revoked; and which of them were opened."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from juries.api.bodies import Body, NoBody, Row, checked
from juries.api.filters import id_filter
from juries.api.juries import ForManagers, SeatRow
from juries.api.problems import REFUSED, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import signed_in
from juries.api.runs import RunDetail, run_requested
from juries.models import Invitation, Jury, Seat
from juries.services.invitations import (
    SeatNotOpen,
    decline_seat,
    invite,
    revoke_all_invitations,
)
from juries.services.mailing import MailingRefused, request_mailing
from juries.tasks import enqueue_run

refuse_as(REFUSED, MailingRefused, SeatNotOpen)

SEATS_AT_ONCE = 5000
LONGEST_DAYS = 366


class InvitationRow(Row):
    """A personal link to a seat, without its secret, which is stored nowhere."""

    seat = serializers.UUIDField(source="seat.public_id", help_text="Id of the seat.")
    number = serializers.IntegerField(source="seat.number", help_text="Number of the place.")
    created_at = serializers.DateTimeField(help_text="When the link was made.")
    expires_at = serializers.DateTimeField(help_text="Until when it works.")
    sent_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was mailed from here; null: it was not."
    )
    first_opened_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was first opened; null: never."
    )
    last_opened_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was last opened; null: never."
    )
    revoked_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when it does not work, such as for a newer one; null: it"
        " does until it expires.",
    )  # fmt: skip


class IssuedRow(Row):
    """A personal link just made. It is told this once."""

    seat = serializers.UUIDField(source="seat.public_id", help_text="Id of the seat.")
    number = serializers.IntegerField(source="seat.number", help_text="Number of the place.")
    link = serializers.CharField(
        help_text="Opens the seat to whoever has it. Send it to the juror and keep it nowhere."
    )
    expires_at = serializers.DateTimeField(
        source="invitation.expires_at", help_text="Until when it works."
    )


class RevokedRow(Row):
    """How many links work no more."""

    revoked = serializers.IntegerField(help_text="Links that worked until now.")


class SeatsBody(Body):
    """Which seats."""

    seats = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=SEATS_AT_ONCE,
        help_text="Ids of seats of the jury.",
    )


class InvitationsBody(SeatsBody):
    """Which seats, and for how long their links work."""

    days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LONGEST_DAYS,
        default=30,
        help_text="The links work so many days; 30 if left out.",
    )


def _seats_of(view: "InvitationList") -> QuerySet[Seat]:
    return view.jury().seats.all()


class InvitationFilters(django_filters.FilterSet):
    """Which links."""

    seat = id_filter("seat_id", _seats_of, "seat", "Links to this seat.")


def _named(jury: Jury, codes: Sequence[UUID]) -> list[Seat]:
    """The seats of these ids, each once.

    Raises:
        InvalidInput: the jury has no such seat.
    """
    seats = jury.seats.select_related("juror__candidate__contact", "jury")
    known = {seat.public_id: seat for seat in seats.filter(public_id__in=codes)}
    errors = [
        InputError(
            f"The jury has no seat {str(code)!r}; `juries/ID/seats/` lists those that it has.",
            pointer=pointer("seats", place),
        )
        for place, code in enumerate(codes)
        if code not in known
    ]
    if errors:
        raise InvalidInput(*errors)
    return list(known.values())


class InvitationList(ForManagers, ListAPIView[Invitation]):
    """Personal links of a jury."""

    serializer_class = InvitationRow
    filterset_class = InvitationFilters
    queryset = Invitation.objects.all()

    def get_queryset(self) -> QuerySet[Invitation]:
        """Links to seats of the jury in the address."""
        return Invitation.objects.filter(seat__jury=self.jury()).select_related("seat")

    @extend_schema(summary="List personal links")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """When each link was made, mailed and opened, without its secret. For staff."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Make personal links",
        request=InvitationsBody,
        responses={201: IssuedRow(many=True)},
    )
    def post(self, request: Request, jury_id: UUID) -> Response:
        """Make a link for each of the seats, or for none; those made before stop working.

        A link is told in this answer alone.
        """
        given = checked(InvitationsBody, request)
        issued = invite(
            seats=_named(self.jury(), given["seats"]),
            expires_in=timedelta(days=given["days"]),
            now=timezone.now(),
            actor=signed_in(request),
        )
        return Response(
            IssuedRow(issued, many=True).data, status=201, headers={"Cache-Control": "no-store"}
        )


class InvitationMailing(ForManagers, GenericAPIView[Invitation]):
    """Mailing personal links."""

    serializer_class = RunDetail
    queryset = Invitation.objects.all()

    @extend_schema(
        summary="Mail personal links", request=InvitationsBody, responses={202: RunDetail}
    )
    def post(self, request: Request, jury_id: UUID) -> Response:
        """Make a link for each of the seats and mail it. Answers with the Run."""
        given = checked(InvitationsBody, request)
        jury = self.jury()
        run = request_mailing(
            jury=jury,
            seats=_named(jury, given["seats"]),
            expires_in=timedelta(days=given["days"]),
            actor=signed_in(request),
        )
        enqueue_run(run=run)
        return run_requested(run)


class InvitationRevocation(ForManagers, GenericAPIView[Invitation]):
    """Stopping personal links from working."""

    serializer_class = RevokedRow
    queryset = Invitation.objects.all()

    @extend_schema(summary="Revoke personal links", request=SeatsBody)
    def post(self, request: Request, jury_id: UUID) -> Response:
        """Stop every link to these seats from working. What jurors said is kept."""
        given = checked(SeatsBody, request)
        revoked = revoke_all_invitations(
            seats=_named(self.jury(), given["seats"]),
            now=timezone.now(),
            actor=signed_in(request),
        )
        return Response(RevokedRow({"revoked": revoked}).data)


class SeatDecline(ForManagers, GenericAPIView[Seat]):
    """Giving up a seat for a juror."""

    serializer_class = SeatRow
    queryset = Seat.objects.all()

    @extend_schema(summary="Mark a seat as declined", request=NoBody)
    def post(self, request: Request, jury_id: UUID, seat_id: UUID) -> Response:
        """The juror has told you that she does not sit. What she said is kept."""
        checked(NoBody, request)
        seats = self.jury().seats.select_related("juror", "draw", "replaces")
        seat = seats.defer("draw__record").filter(public_id=seat_id).first()
        if seat is None:
            raise Http404("The jury has no such seat.")
        decline_seat(seat=seat, actor=signed_in(request))
        seat.refresh_from_db(fields=["state", "changed_at"])
        return Response(SeatRow(seat).data)
