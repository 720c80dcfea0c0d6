"""Seating rules of a jury: who must sit and who must not; added, listed, taken off."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from juries.api.bodies import Body, OneOf, Row, checked
from juries.api.filters import choice_filter
from juries.api.juries import ForManagers, SeatingRuleRow
from juries.api.problems import InputError, InvalidInput, pointer
from juries.api.rights import signed_in
from juries.models import Jury, SeatingRule
from juries.permissions import can_see_identity
from juries.selectors.seating_rules import in_force
from juries.services.seating_rules import (
    MOST_ENTRIES,
    SeatingRulesRefused,
    add_seating_rules,
    take_rules_off,
)

LONGEST_NAME = 254


class SeatingRulesBody(Body):
    """A rule that is wanted for some people: for all of them or, if one can't be taken, none."""

    people = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_NAME),
        min_length=1,
        max_length=MOST_ENTRIES,
        help_text="Random ids of candidates. An account that may see who the candidates are can "
        "also name ids of the pool and e-mail addresses.",
    )
    rule = OneOf(SeatingRule.Rule.choices, help_text="On every panel, or on none.")
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        default="",
        help_text="Why; never published. A rule that stands gets the new one where one is given.",
    )


class TakeOffBody(Body):
    """People whose rules are taken off: all of them or, if one has none, nobody's."""

    people = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=MOST_ENTRIES,
        help_text="Random ids of the candidates.",
    )


class _BearingRow(Row):
    """What a change of rules bears on."""

    is_seated = serializers.BooleanField(
        help_text="People sit already. The rules hold for draws to come, not for who sits."
    )
    waiting_record = serializers.IntegerField(
        allow_null=True,
        help_text="Number of a published record that waits for its value and was made under the "
        "rules before; null: none waits.",
    )


class KeptRulesRow(_BearingRow):
    """What became of those named."""

    added = serializers.IntegerField(help_text="Rules that are new.")
    standing = serializers.IntegerField(help_text="Rules that stood already.")


class RulesTakenOffRow(_BearingRow):
    """How many rules are gone."""

    taken_off = serializers.IntegerField(help_text="Rules that were taken off.")


class SeatingRuleFilters(django_filters.FilterSet):
    """Which rules."""

    rule = choice_filter("rule", SeatingRule.Rule.choices, "Rules of this kind.")


def _at_its_place(refusal: SeatingRulesRefused) -> InvalidInput:
    """What the service refused, each sentence at the person whom it is about."""
    return InvalidInput(
        *(
            InputError(
                problem, pointer=pointer("people") if place is None else pointer("people", place)
            )
            for problem, place in zip(refusal.problems, refusal.places, strict=True)
        )
    )


class SeatingRuleList(ForManagers, ListAPIView[SeatingRule]):
    """Rules of a jury."""

    serializer_class = SeatingRuleRow
    filterset_class = SeatingRuleFilters
    queryset = SeatingRule.objects.all()

    def get_queryset(self) -> QuerySet[SeatingRule]:
        """Those of the jury in the address."""
        return self.jury().seating_rules.select_related("candidate")

    @extend_schema(summary="List seating rules")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who must sit and who must not, by the candidates' random ids, and why. For staff."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Add seating rules", request=SeatingRulesBody, responses={201: KeptRulesRow}
    )
    def post(self, request: Request, jury_id: UUID) -> Response:
        """Say of up to 5,000 people that they must, or must not, sit; of all of them or of none.

        Whoever has the opposite rule keeps it and is refused: take it off first.
        """
        given = checked(SeatingRulesBody, request)
        user, jury = signed_in(request), self.jury()
        try:
            kept = add_seating_rules(
                jury=jury, by_identity=can_see_identity(user), actor=user, **given
            )
        except SeatingRulesRefused as refusal:
            raise _at_its_place(refusal) from refusal
        told = {"added": kept.added, "standing": kept.standing, **in_force(jury=jury)}
        return Response(KeptRulesRow(told).data, status=201)


class SeatingRulesTakeOff(ForManagers, GenericAPIView[Jury]):
    """Taking rules off."""

    serializer_class = RulesTakenOffRow
    queryset = Jury.objects.all()

    @extend_schema(summary="Take seating rules off", request=TakeOffBody)
    def post(self, request: Request, jury_id: UUID) -> Response:
        """Take the rules about some people off, all of them or none."""
        given = checked(TakeOffBody, request)
        jury = self.jury()
        try:
            gone = take_rules_off(jury=jury, codes=given["people"], actor=signed_in(request))
        except SeatingRulesRefused as refusal:
            raise _at_its_place(refusal) from refusal
        return Response(RulesTakenOffRow({"taken_off": gone, **in_force(jury=jury)}).data)
