"""Sources: whose responses they are."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.material.shared import refuse_twice
from annotations.api.scope import StudyList
from annotations.forms.study_parts import (
    SourceForm,
)
from annotations.models import Source
from annotations.services.study_content import (
    save_part,
)
from juries.api.bodies import Body, OneOf, Row, checked, require_valid
from juries.api.filters import choice_filter
from juries.api.rights import signed_in


class SourceRow(Row):
    """Who or what answered."""

    source = serializers.CharField(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        source="name", help_text="Its name."
    )
    revision = serializers.CharField(help_text="Revision of a model; empty: none.")
    kind = OneOf(Source.Kind.choices, help_text="What it is.")
    description = serializers.CharField(help_text="What else is known of it.")


class SourceBody(Body):
    """A source that is wanted."""

    source = serializers.CharField(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        max_length=120, help_text="Its name."
    )
    revision = serializers.CharField(
        max_length=120, required=False, allow_blank=True, default="", help_text="Its revision."
    )
    kind = OneOf(Source.Kind.choices, required=False, default="model", help_text="What it is.")
    description = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="What else is known of it."
    )


class SourceFilters(django_filters.FilterSet):
    """Which sources."""

    kind = choice_filter("kind", Source.Kind.choices, "Sources of this kind.")


class SourceList(StudyList[Source]):
    """Sources."""

    serializer_class = SourceRow
    filterset_class = SourceFilters
    queryset = Source.objects.all()

    def rows(self) -> QuerySet[Source]:
        """The study's sources."""
        return self.study.sources.all()

    @extend_schema(summary="List sources")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who or what answered: models at a revision, or people."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Add a source", request=SourceBody, responses={201: SourceRow})
    def post(self, request: Request, study_id: UUID) -> Response:
        """Add a model at a revision, or a person."""
        given = checked(SourceBody, request)
        given["name"] = given.pop("source")
        refuse_twice(
            self.study.sources.all(),
            noun="source",
            path=("source",),
            name=given["name"],
            revision=given["revision"],
        )
        form = SourceForm(given, instance=Source(study=self.study))
        require_valid(form)
        save_part(study=self.study, part=form.instance, actor=signed_in(request))
        return Response(SourceRow(form.instance).data, status=201)
