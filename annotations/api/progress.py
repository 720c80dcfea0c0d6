"""How far a study is, what is wrong with it, and who did what to it."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import StudyList, StudyView
from annotations.models import Study
from annotations.selectors.studies import acts_of, front_page
from annotations.selectors.troubles import troubles
from juries.api.bodies import Row
from juries.api.filters import since_filter
from juries.models import AuditEntry, Jury


class StratumRow(Row):
    """Those of the jury who share a value of a feature."""

    feature = serializers.CharField(source="stratum.feature", help_text="The trait.")
    value = serializers.CharField(source="stratum.value", help_text="Its value.")
    minimum = serializers.IntegerField(
        source="stratum.minimum", allow_null=True, help_text="Of its quota; null: there is none."
    )
    maximum = serializers.IntegerField(
        source="stratum.maximum", allow_null=True, help_text="Of its quota; null: there is none."
    )
    sitting = serializers.IntegerField(source="stratum.sitting", help_text="Jurors who sit.")
    finished = serializers.IntegerField(help_text="Jurors who have finished.")
    working = serializers.IntegerField(help_text="Jurors at work.")
    waiting = serializers.IntegerField(help_text="Jurors who have not begun.")


class FindingRow(Row):
    """Something that is missing or wrong."""

    key = serializers.CharField(help_text="Which check found it.")
    text = serializers.CharField(help_text="What it is, and what follows from it.")
    is_blocking = serializers.BooleanField(help_text="Jurors can't work like that.")


class StudyProgressRow(Row):
    """How far a study is at this moment."""

    sitting = serializers.IntegerField(source="front.sitting", help_text="Seats that are held.")
    finished = serializers.IntegerField(
        source="front.finished", help_text="Jurors who have finished."
    )
    working = serializers.IntegerField(source="front.working", help_text="Jurors at work.")
    waiting = serializers.IntegerField(
        source="front.waiting", help_text="Jurors who have not begun."
    )
    answered = serializers.IntegerField(
        source="front.answered", help_text="Queries that were finished, over all jurors."
    )
    expected = serializers.IntegerField(
        source="front.expected",
        allow_null=True,
        help_text="Queries that those who sit are to finish; null: it depends on the others.",
    )
    is_open_jury = serializers.BooleanField(
        source="front.is_open", help_text="People come by themselves; nobody was drawn by lot."
    )
    strata = StratumRow(many=True, help_text="The same by the values of each feature.")
    findings = FindingRow(many=True, help_text="What is missing or wrong, what blocks first.")


class ActRow(Row):
    """What somebody did to the study or to its jury."""

    username = serializers.CharField(
        source="actor.username",
        default=None,
        allow_null=True,
        help_text="Account of who did it; null: a juror, or the system.",
    )
    verb = serializers.CharField(help_text="What was done.")
    about = serializers.SerializerMethodField(
        help_text="study or jury: what it was done to; study, too, where it is a Run of it."
    )
    details = serializers.DictField(help_text="What exactly, such as the values before.")
    created_at = serializers.DateTimeField(help_text="When it was done.")

    def get_about(self, act: AuditEntry) -> str:
        """What it was done to."""
        return "jury" if act.subject_type == Jury._meta.label else "study"


class ActFilters(django_filters.FilterSet):
    """Which acts."""

    since = since_filter("created_at", "What was done at this moment or later.")


class Progress(StudyView[Study]):
    """How far a study is."""

    serializer_class = StudyProgressRow
    queryset = Study.objects.all()

    @extend_schema(summary="Read the progress")
    def get(self, request: Request, study_id: UUID) -> Response:
        """Who sits and how far they are, by group against its quota; and what is wrong."""
        front = front_page(study=self.study)
        told = {
            "front": front,
            "strata": [group for _, groups in front.groups for group in groups],
            "findings": troubles(study=self.study, front=front, now=timezone.now()),
        }
        return Response(StudyProgressRow(told).data)


class ActList(StudyList[AuditEntry]):
    """Acts."""

    serializer_class = ActRow
    filterset_class = ActFilters
    queryset = AuditEntry.objects.all()
    newest_first = True

    def rows(self) -> QuerySet[AuditEntry]:
        """Acts on the study and its jury."""
        return acts_of(study=self.study)

    @extend_schema(summary="List who did what")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Acts on the study, its jury and the Runs that were asked for, newest first; none is ever
        changed or removed.
        """
        return self.list(request, *args, **kwargs)
