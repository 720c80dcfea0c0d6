"""Alternates of a jury: who stands ready, how many it takes, and their draw."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from juries.api.bodies import Body, Number, OneOf, Row, checked
from juries.api.juries import ForManagers, SearchBody
from juries.api.problems import REFUSED, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import signed_in
from juries.api.runs import RunDetail, run_requested
from juries.api.traits import QuotaTraitBody, id_of_value, values_by_feature
from juries.domain.alternates import AlternatePlan
from juries.domain.dropout import DropoutRates, EstimatedRates
from juries.forms.alternates import DEFAULT_LEVEL, LEVELS
from juries.models import Jury
from juries.selectors.alternates import Alternates, alternates_of, estimated_rates
from juries.services.alternates import AlternatesRefused, Wanted, plan_for, request_alternates
from juries.tasks import enqueue_run

refuse_as(REFUSED, AlternatesRefused)

HIGHEST_RATE = 0.99
MOST_RATES = 1000
MOST_ALTERNATES = 1_000_000
STATES = (
    ("ready", "can still be asked"),
    ("seated", "has been given a seat"),
    ("barred", "must not sit, by a seating rule"),
    ("gone", "left the pool"),
)


class AlternateRow(Row):
    """Somebody who was drawn in advance, by her random id."""

    candidate_id = serializers.UUIDField(
        source="candidate.public_id", help_text="Random id of the candidate."
    )
    state = OneOf(STATES, help_text="What became of her.")


class TrialsRow(Row):
    """How often the alternates were enough when people dropped out in a simulation."""

    level = serializers.FloatField(help_text="The probability that was aimed at.")
    met = serializers.IntegerField(help_text="Cases in which the quotas could be met.")
    trials = serializers.IntegerField(help_text="Cases that were simulated.")
    low = serializers.FloatField(help_text="Lower end of the 95 % interval of the share.")
    high = serializers.FloatField(help_text="Its upper end.")


class RateRow(Row):
    """How many of those with a trait gave up their seats."""

    feature = serializers.CharField(help_text="The trait.")
    value = serializers.CharField(help_text="Its value.")
    rate = serializers.FloatField(
        help_text="Share of 0 to 0.99, drawn towards the overall one where seats are few."
    )


class SeenRatesRow(Row):
    """How past seats of the pool's juries ended."""

    seats = serializers.IntegerField(help_text="Seats that were accepted or given up.")
    given_up = serializers.IntegerField(help_text="Those that were given up.")
    overall = serializers.FloatField(help_text="The rate that follows for everybody, up to 0.99.")
    low = serializers.FloatField(help_text="Lower end of the 95 % interval of the share given up.")
    high = serializers.FloatField(help_text="Its upper end.")
    by_value = RateRow(many=True, help_text="The same by trait.")


class AlternatesRow(Row):
    """The alternates that count: those of their newest draw since the jury was drawn."""

    draw = serializers.UUIDField(
        allow_null=True, help_text="Which draw gave them; null: none have been drawn."
    )
    drawn_at = serializers.DateTimeField(allow_null=True, help_text="When they were drawn.")
    ready = serializers.IntegerField(help_text="How many can still be asked.")
    people = AlternateRow(many=True, help_text="All of them, and what became of each.")
    coverage = TrialsRow(allow_null=True, help_text="How far they reach; null: none drawn.")
    seen = SeenRatesRow(
        allow_null=True,
        help_text="Rates on which to base what you expect; null: no seat of the pool's juries has "
        "been accepted or given up.",
    )


class DemandTraitRow(Row):
    """A value that the members counted have."""

    feature = serializers.CharField(help_text="The trait.")
    value = serializers.CharField(help_text="Its value.")


class DemandRow(Row):
    """What one quota with a minimum, or the size of the jury, asks of the alternates."""

    traits = DemandTraitRow(many=True, help_text="Values of the quota; none: all seats.")
    seated = serializers.IntegerField(help_text="Members who sit and count.")
    minimum = serializers.IntegerField(help_text="So many must count.")
    expected = serializers.FloatField(help_text="So many of those who sit are expected to go.")
    wanted = serializers.IntegerField(help_text="Alternates to have.")
    available = serializers.IntegerField(help_text="Candidates who could be one.")
    is_short = serializers.BooleanField(help_text="There are fewer than are wanted.")


class AlternatesPlanRow(Row):
    """How many alternates it takes at the least, counted trait by trait."""

    number = serializers.IntegerField(
        help_text="At the least. One person has to fit several quotas, so that it may take more."
    )
    level = serializers.FloatField(help_text="The probability aimed at for all demands together.")
    level_each = serializers.FloatField(help_text="That for each of them.")
    demands = DemandRow(many=True, help_text="All seats first, then the quotas with a minimum.")


class RateBody(QuotaTraitBody):
    """How many of those with a trait are expected to drop out."""

    rate = Number(min_value=0, max_value=HIGHEST_RATE, help_text="Share of 0 to 0.99.")


class DropoutBody(Body):
    """What is expected of jurors, and how sure one wants to be."""

    overall = Number(
        min_value=0,
        max_value=HIGHEST_RATE,
        help_text="Share of the jurors who are expected to drop out, 0 to 0.99. `seen` of "
        "the jury's alternates has what past seats tell.",
    )
    by_value = serializers.ListField(
        child=RateBody(),
        required=False,
        default=list,
        max_length=MOST_RATES,
        help_text="Traits with a rate of their own. Who has several has the highest of them.",
    )
    level = OneOf(
        [(float(level), label) for level, label in LEVELS],
        required=False,
        help_text=f"Quotas can be met with this probability; {DEFAULT_LEVEL} if left out.",
    )


class AlternatesBody(DropoutBody, SearchBody):
    """Alternates that are wanted."""

    number = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=MOST_ALTERNATES,
        help_text="How many; null: as many as turn out to be enough when sets are tried out.",
    )


class JuryAlternates(ForManagers, GenericAPIView[Jury]):
    """Alternates of a jury."""

    serializer_class = AlternatesRow
    queryset = Jury.objects.all()

    @extend_schema(summary="Read the alternates")
    def get(self, request: Request, jury_id: UUID) -> Response:
        """Who was drawn in advance and can be asked, and how past seats ended. For staff."""
        jury = self.jury()
        found = alternates_of(jury=jury)
        told = {**_told(found), "seen": _seen(estimated_rates(pool=jury.pool))}
        return Response(AlternatesRow(told).data)

    @extend_schema(summary="Ask for alternates", request=AlternatesBody, responses={202: RunDetail})
    def post(self, request: Request, jury_id: UUID) -> Response:
        """Draw alternates by lot, in place of those drawn before. Answers with the Run.

        Its result names the draw and says in how many of the simulated cases they were enough.
        """
        given = checked(AlternatesBody, request)
        jury = self.jury()
        run = request_alternates(
            jury=jury,
            wanted=_wanted(jury, given),
            number=given["number"],
            seed=given["seed"],
            time_limit=given["time_limit"],
            actor=signed_in(request),
        )
        enqueue_run(run=run)
        return run_requested(run)


class AlternatesPlan(ForManagers, GenericAPIView[Jury]):
    """How many alternates it takes."""

    serializer_class = AlternatesPlanRow
    queryset = Jury.objects.all()

    @extend_schema(
        summary="Work out how many alternates it takes",
        request=DropoutBody,
        responses=AlternatesPlanRow,
    )
    def post(self, request: Request, jury_id: UUID) -> Response:
        """How many each quota asks for, and whether the pool has them; nothing is written."""
        given = checked(DropoutBody, request)
        jury = self.jury()
        plan = plan_for(jury=jury, wanted=_wanted(jury, given))
        return Response(AlternatesPlanRow(_planned(plan)).data)


def _wanted(jury: Jury, given: Mapping[str, Any]) -> Wanted:
    """What the body expects, with traits that the pool has; each of them once."""
    known = values_by_feature(jury)
    rates: dict[tuple[str, str], float] = {}
    for place, row in enumerate(given["by_value"]):
        id_of_value(known, row, ("by_value", place))
        trait = (row["feature"], row["value"])
        if trait in rates:
            raise InvalidInput(
                InputError(
                    f"{trait[0]}: {trait[1]} has two rates; keep one of them.",
                    pointer=pointer("by_value", place),
                )
            )
        rates[trait] = row["rate"]
    return Wanted(
        rates=DropoutRates(given["overall"], rates), level=given.get("level", float(DEFAULT_LEVEL))
    )


def _told(found: Alternates | None) -> dict[str, Any]:
    if found is None:
        return {"draw": None, "drawn_at": None, "ready": 0, "people": (), "coverage": None}
    return {
        "draw": found.draw.public_id,
        "drawn_at": found.draw.finished_at,
        "ready": found.ready,
        "people": found.people,
        "coverage": found.coverage or None,
    }


def _seen(seen: EstimatedRates | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {
        "seats": seen.seats,
        "given_up": seen.given_up,
        "overall": seen.rates.overall,
        "low": seen.low,
        "high": seen.high,
        "by_value": [
            {"feature": feature, "value": value, "rate": rate}
            for (feature, value), rate in seen.rates.by_value.items()
        ],
    }


def _planned(plan: AlternatePlan) -> dict[str, Any]:
    return {
        "number": plan.number,
        "level": plan.level,
        "level_each": plan.level_each,
        "demands": [
            {
                "traits": [
                    {"feature": feature, "value": value}
                    for feature, value in (demand.quota.traits if demand.quota else ())
                ],
                "seated": demand.seated,
                "minimum": demand.minimum,
                "expected": demand.expected,
                "wanted": demand.wanted,
                "available": demand.available,
                "is_short": demand in plan.short,
            }
            for demand in plan.demands
        ],
    }
