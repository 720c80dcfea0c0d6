"""Sources: whose responses they are."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.forms import model_to_dict
from django.http import Http404
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.material.shared import refuse_twice
from annotations.api.scope import StudyList, StudyView
from annotations.forms.study_parts import SourceForm
from annotations.models import Source
from annotations.services.study_content import remove_part, save_part
from juries.api.bodies import Body, OneOf, Row, checked, require_valid
from juries.api.filters import choice_filter
from juries.api.rights import signed_in


class SourceRow(Row):
    """Who or what answered."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the source.")
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
        _refuse_taken(self.study.sources.all(), given, at="source")
        form = SourceForm(given, instance=Source(study=self.study))
        require_valid(form)
        save_part(study=self.study, part=form.instance, actor=signed_in(request))
        return Response(SourceRow(form.instance).data, status=201)


class OneSource(StudyView[Source]):
    """One source."""

    serializer_class = SourceRow
    queryset = Source.objects.all()

    def _load(self, source_id: UUID) -> Source:
        found = self.study.sources.filter(public_id=source_id).first()
        if found is None:
            raise Http404("The study has no such source.")
        return found

    @extend_schema(summary="Read a source")
    def get(self, request: Request, study_id: UUID, source_id: UUID) -> Response:
        """Who or what answered: a model at a revision, or a person."""
        return Response(SourceRow(self._load(source_id)).data)

    @extend_schema(summary="Change a source", request=SourceBody(partial=True), responses=SourceRow)
    def patch(self, request: Request, study_id: UUID, source_id: UUID) -> Response:
        """Change the fields that are sent, also once it gave responses: they go with it.

        Results and exports that were made before keep the name that it had.
        """
        found = self._load(source_id)
        given = checked(SourceBody, request, partial=True)
        at = "revision" if "source" not in given else "source"
        if "source" in given:
            given["name"] = given.pop("source")
        data = {**model_to_dict(found, fields=SourceForm.Meta.fields), **given}
        _refuse_taken(self.study.sources.exclude(pk=found.pk), data, at=at)
        form = SourceForm(data, instance=found)
        require_valid(form)
        if form.has_changed():
            save_part(study=self.study, part=form.instance, actor=signed_in(request))
        return Response(SourceRow(form.instance).data)

    @extend_schema(summary="Remove a source", responses={204: None})
    def delete(self, request: Request, study_id: UUID, source_id: UUID) -> Response:
        """Remove a source that gave no response."""
        remove_part(study=self.study, part=self._load(source_id), actor=signed_in(request))
        return Response(status=204)


def _refuse_taken(others: QuerySet[Source], wanted: Mapping[str, Any], *, at: str) -> None:
    """Name the field of the body, where the service would name that of the table."""
    refuse_twice(
        others,
        noun="source",
        path=(at,),
        name=wanted["name"],
        revision=wanted["revision"],
    )
