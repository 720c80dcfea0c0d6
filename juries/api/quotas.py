"""Quotas of a jury: listed, and replaced as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from juries.api.bodies import Body, checked
from juries.api.juries import ForManagers, QuotaRow
from juries.api.problems import InputError, InvalidInput, pointer
from juries.api.rights import signed_in
from juries.api.traits import QuotaTraitBody, id_of_value, values_by_feature
from juries.models import Jury, Quota
from juries.services.quotas import QuotasRefused, WantedQuota, set_quotas

QUOTAS_AT_ONCE = 1000
TRAITS_AT_ONCE = 20
MOST_PEOPLE = 999_999


class QuotaBody(Body):
    """Bounds that are wanted."""

    traits = serializers.ListField(
        child=QuotaTraitBody(),
        min_length=1,
        max_length=TRAITS_AT_ONCE,
        help_text="Values that a member has all of; one of them, or a combination.",
    )
    minimum = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_PEOPLE,
        default=0,
        help_text="At least so many members; 0 if left out.",
    )
    maximum = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_PEOPLE,
        help_text="At most so many members; the size of the jury if left out.",
    )
    min_flex = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_PEOPLE,
        default=None,
        help_text="How far the minimum may give way if no jury meets all quotas: at most the "
        "minimum. Left out: nothing is said of it.",
    )
    max_flex = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_PEOPLE,
        default=None,
        help_text="How far the maximum may give way if no jury meets all quotas: at least the "
        "maximum. Left out: nothing is said of it.",
    )


class QuotasBody(Body):
    """All quotas that the jury is to have."""

    quotas = serializers.ListField(
        child=QuotaBody(), max_length=QUOTAS_AT_ONCE, help_text="In any order; none: no bounds."
    )


def _wanted(jury: Jury, given: Sequence[Mapping[str, Any]]) -> list[WantedQuota]:
    """The quotas with the pool's own values; what the pool does not know is refused."""
    known = values_by_feature(jury)
    wanted = []
    for place, row in enumerate(given):
        ids = [
            id_of_value(known, trait, ("quotas", place, "traits", number))
            for number, trait in enumerate(row["traits"])
        ]
        low = row["minimum"]
        high = row.get("maximum", max(jury.size, low))
        wanted.append(WantedQuota(tuple(ids), low, high, row["min_flex"], row["max_flex"]))
    return wanted


class QuotaList(ForManagers, ListAPIView[Quota]):
    """Quotas of a jury."""

    serializer_class = QuotaRow
    queryset = Quota.objects.all()

    def get_queryset(self) -> QuerySet[Quota]:
        """Those of the jury in the address."""
        return self.jury().quotas.prefetch_related("feature_values__feature")

    @extend_schema(summary="List quotas")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Bounds on who may sit. For staff."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Replace the quotas", request=QuotasBody, responses={200: QuotaRow(many=True)}
    )
    def put(self, request: Request, jury_id: UUID) -> Response:
        """Make these all the quotas of the jury; all of them or, if one can't be taken, none.

        Whether a panel exists under them is not checked here: a draw is refused while none does,
        and says what could give way, within `min_flex` and `max_flex` if that is enough.
        """
        given = checked(QuotasBody, request)["quotas"]
        jury = self.jury()
        try:
            set_quotas(jury=jury, quotas=_wanted(jury, given), actor=signed_in(request))
        except QuotasRefused as refusal:
            raise InvalidInput(
                *(
                    InputError(
                        problem,
                        pointer=pointer("quotas", *(() if place is None else (place,))),
                    )
                    for problem, place in zip(refusal.problems, refusal.places, strict=True)
                )
            ) from refusal
        return Response(QuotaRow(self.get_queryset(), many=True).data)
