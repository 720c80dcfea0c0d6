"""Reports on jurors' work: time, pace, checks. A person weighs them; nobody is weighted by them."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import StudyList
from annotations.selectors import juror_sheets
from juries.api.bodies import OneOf, Row
from juries.models import Seat


class MeasuredRow(Row):
    """A number, or the reason why there is none."""

    value = serializers.FloatField(allow_null=True, help_text="The number; null: see `reason`.")
    reason = serializers.CharField(help_text="Why there is none; empty where there is one.")
    count = serializers.IntegerField(help_text="How many observations it rests on.")


class SameAnswersRow(Row):
    """How far a juror gave the same value on and on, on one criterion."""

    criterion = serializers.CharField(help_text="Name of the criterion.")
    ratings = serializers.IntegerField(source="report.ratings", help_text="Her ratings on it.")
    longest_run = serializers.IntegerField(
        source="report.longest_run", help_text="Equal values in a row."
    )
    modal_share = MeasuredRow(
        source="report.modal_share", help_text="Share of her most frequent value."
    )
    is_flagged = serializers.BooleanField(
        source="report.flagged", help_text="The run reaches its declared bound."
    )


class SaidTwiceRow(Row):
    """How a juror answered what was put to her twice, on one criterion. One may think again."""

    criterion = serializers.CharField(help_text="Name of the criterion.")
    pairs = serializers.IntegerField(
        source="report.pairs", help_text="Pairs with both values said."
    )
    exact = MeasuredRow(source="report.exact", help_text="Share of pairs with equal values.")
    mean_difference = MeasuredRow(
        source="report.mean_difference", help_text="Mean distance of the two, in scale units."
    )


class SignsRow(Row):
    """Signs that a juror may not have been with it."""

    is_flagged = serializers.BooleanField(help_text="One of them reaches its declared bound.")
    median_seconds = MeasuredRow(
        source="speed.median_seconds", help_text="Median of active seconds on a query."
    )
    fast_share = MeasuredRow(
        source="speed.fast_share", help_text="Share of queries done in less than `fast_seconds`."
    )
    fast_seconds = serializers.FloatField(
        help_text="Seconds in which nobody could have read a query of this study."
    )
    instructed_answered = serializers.IntegerField(
        source="instructed.answered",
        default=None,
        allow_null=True,
        help_text="Queries that say what to answer, and that she answered; null: she met none.",
    )
    instructed_missed = serializers.IntegerField(
        source="missed_count",
        allow_null=True,
        help_text="Those of them that she answered otherwise; null: she met none.",
    )
    same_answers = SameAnswersRow(many=True, help_text="The same value on and on, by criterion.")
    said_twice = SaidTwiceRow(many=True, help_text="Agreement with herself, by criterion.")


class JurorReportRow(Row):
    """A juror's work in numbers, under her random id."""

    juror = serializers.UUIDField(
        source="seat.juror_public_id", help_text="Random id of the juror."
    )
    number = serializers.IntegerField(source="seat.number", help_text="Number of her place.")
    seat_state = OneOf(
        Seat.State.choices, source="seat.seat_state", help_text="What became of her seat."
    )
    stage = serializers.CharField(source="seat.stage", help_text="How far she is, in words.")
    completed_count = serializers.IntegerField(
        source="seat.completed", help_text="Queries that she has finished."
    )
    traits = serializers.DictField(
        source="seat.traits", child=serializers.CharField(), help_text="Her values, by feature."
    )
    active_minutes = serializers.FloatField(
        allow_null=True, help_text="Time at work with the page in view; null: none was measured."
    )
    late_count = serializers.IntegerField(source="late", help_text="Answers that came late.")
    signs = SignsRow(
        allow_null=True, help_text="Reports for a person to weigh; null: no query finished yet."
    )


def report_as_json(row: juror_sheets.JurorRow) -> dict[str, Any]:
    """A juror's row with what stands in pairs taken apart."""
    signs = row.signs
    told = None
    if signs is not None:
        told = {
            "is_flagged": signs.is_flagged,
            "speed": signs.speed,
            "fast_seconds": signs.fast_seconds,
            "instructed": signs.instructed,
            "missed_count": len(signs.instructed.missed) if signs.instructed else None,
            "same_answers": [
                {"criterion": name, "report": report} for name, report in signs.same_answers
            ],
            "said_twice": [
                {"criterion": name, "report": report} for name, report in signs.repeated
            ],
        }
    return {
        "seat": row.seat,
        "active_minutes": row.active_minutes,
        "late": row.late,
        "signs": told,
    }


class JurorReportList(StudyList[Seat]):
    """Reports on jurors."""

    serializer_class = JurorReportRow
    queryset = Seat.objects.all()

    def rows(self) -> QuerySet[Seat]:
        """Seats of the study's jury, one for each juror."""
        return Seat.objects.filter(jury=self.study.jury_id).only("juror_id")

    def paginate_queryset(self, queryset: Any) -> list[dict[str, Any]]:  # type: ignore[override] # a row shows more than a seat
        """The jurors of the page with their reports, in the order of the seats."""
        seats = super().paginate_queryset(queryset) or []
        wanted = [seat.juror_id for seat in seats]
        found = juror_sheets.jurors_of(study=self.study, juror_ids=frozenset(wanted))
        by_juror = {row.seat.juror_id: report_as_json(row) for row in found}
        return [by_juror[juror_id] for juror_id in wanted]

    @extend_schema(summary="List reports on jurors")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Time, pace and checks of each juror: signs for a person to weigh, and no score."""
        return self.list(request, *args, **kwargs)
