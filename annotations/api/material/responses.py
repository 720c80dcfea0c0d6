"""Responses to queries."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.material.shared import ROWS_AT_ONCE, at, refuse_twice
from annotations.api.scope import StudyList, StudyView, queries_of, sources_of
from annotations.forms.study_parts import (
    ResponseForm,
)
from annotations.models import Query, Source
from annotations.models import Response as StudyResponse
from annotations.services.study_content import (
    remove_part,
    save_part,
)
from juries.api.bodies import Body, Row, checked, require_valid
from juries.api.filters import id_filter, name_filter
from juries.api.problems import InputError, InvalidInput, pointer
from juries.api.rights import signed_in


class ResponseRow(Row):
    """What a source answered to a query."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the response.")
    query = serializers.UUIDField(source="query.public_id", help_text="Id of the query.")
    source = serializers.CharField(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        source="source.name", help_text="Who or what answered."
    )
    source_revision = serializers.CharField(source="source.revision", help_text="Its revision.")
    external_id = serializers.CharField(help_text="The researchers' own id, once in the query.")
    text = serializers.CharField(help_text="The response (Markdown).")


class ResponseBody(Body):
    """A response that is wanted."""

    query = serializers.UUIDField(help_text="Id of the query.")
    source = serializers.CharField(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        max_length=120, help_text="Name of one of the study's sources."
    )
    source_revision = serializers.CharField(
        max_length=120,
        required=False,
        allow_blank=True,
        default="",
        help_text="Its revision; empty where the source has none.",
    )
    external_id = serializers.CharField(
        max_length=120,
        required=False,
        allow_blank=True,
        default="",
        help_text="Your own id, once in the query; empty: made from query and source.",
    )
    text = serializers.CharField(help_text="The response (Markdown).")


class ResponseChangeBody(Body):
    """A response as it is to be."""

    source = serializers.CharField(  # type: ignore[assignment] # a field of this name, not the attribute of DRF
        max_length=120, help_text="Name of one of the study's sources."
    )
    source_revision = serializers.CharField(
        max_length=120,
        allow_blank=True,
        help_text="Its revision; with `source` alone, the one without a revision.",
    )
    external_id = serializers.CharField(max_length=120, help_text="Your own id, once in the query.")
    text = serializers.CharField(help_text="The response (Markdown).")


class ResponsesBody(Body):
    """Responses that are wanted: all of them or none."""

    responses = serializers.ListField(
        child=ResponseBody(), min_length=1, max_length=ROWS_AT_ONCE, help_text="Any order."
    )


class ResponseFilters(django_filters.FilterSet):
    """Which responses."""

    query = id_filter("query_id", queries_of, "query", "Responses to this query.")
    source = name_filter(
        "source_id", sources_of, "name", "source", "Responses by the source of this name."
    )
    external_id = django_filters.CharFilter(help_text="Responses with this id of your own.")


class ResponseList(StudyList[StudyResponse]):
    """Responses."""

    serializer_class = ResponseRow
    filterset_class = ResponseFilters
    queryset = StudyResponse.objects.all()

    def rows(self) -> QuerySet[StudyResponse]:
        """Responses to the study's queries."""
        return StudyResponse.objects.filter(query__study=self.study).select_related(
            "query", "source"
        )

    @extend_schema(summary="List responses")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What the sources answered."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Add responses", request=ResponsesBody, responses={201: ResponseRow(many=True)}
    )
    def post(self, request: Request, study_id: UUID) -> Response:
        """Add up to 500 responses: all of them or, if one can't be taken, none."""
        given = checked(ResponsesBody, request)["responses"]
        queries = {
            query.public_id: query
            for query in self.study.queries.filter(public_id__in=[row["query"] for row in given])
        }
        sources = {(source.name, source.revision): source for source in self.study.sources.all()}
        with transaction.atomic():
            made = [self._add(row, place, queries, sources) for place, row in enumerate(given)]
        return Response(ResponseRow(made, many=True).data, status=201)

    def _add(
        self,
        given: dict[str, Any],
        place: int,
        queries: dict[UUID, Query],
        sources: dict[tuple[str, str], Source],
    ) -> StudyResponse:
        path = ("responses", place)
        query = queries.get(given["query"])
        source = sources.get((given["source"], given["source_revision"]))
        if query is None:
            raise InvalidInput(
                InputError("The study has no such query.", pointer=pointer(*path, "query"))
            )
        if source is None:
            raise InvalidInput(
                InputError(
                    "The study has no source of this name and revision.",
                    pointer=pointer(*path, "source"),
                    legal=[str(known) for known in sources.values()][:50],
                )
            )
        query.study = self.study  # one object for all rows, without a query for each
        if given["external_id"]:
            refuse_twice(
                query.responses.all(),
                noun="response",
                path=(*path, "external_id"),
                external_id=given["external_id"],
            )
        form = ResponseForm(
            {**given, "source": source.pk}, instance=StudyResponse(query=query, source=source)
        )
        require_valid(form, *path)
        with at(*path):
            save_part(study=self.study, part=form.instance, actor=signed_in(self.request))
        return form.instance


class OneResponse(StudyView[StudyResponse]):
    """One response."""

    serializer_class = ResponseRow
    queryset = StudyResponse.objects.all()

    def load(self) -> StudyResponse:
        """The response in the address.

        Raises:
            Http404: the study has no such response.
        """
        found = (
            StudyResponse.objects.filter(
                query__study=self.study, public_id=self.kwargs["response_id"]
            )
            .select_related("query__study", "source")
            .first()
        )
        if found is None:
            raise Http404("The study has no such response.")
        return found

    @extend_schema(summary="Read a response")
    def get(self, request: Request, study_id: UUID, response_id: UUID) -> Response:
        """What a source answered to a query."""
        return Response(ResponseRow(self.load()).data)

    @extend_schema(
        summary="Change a response",
        request=ResponseChangeBody(partial=True),
        responses=ResponseRow,
    )
    def patch(self, request: Request, study_id: UUID, response_id: UUID) -> Response:
        """Change the fields that are sent, while no juror has seen the response."""
        found = self.load()
        given = checked(ResponseChangeBody, request, partial=True)
        source = self._source(found, given)
        name = given.get("external_id", found.external_id)
        refuse_twice(
            found.query.responses.exclude(pk=found.pk),
            noun="response",
            path=("external_id",),
            external_id=name,
        )
        data = {"external_id": name, "source": source.pk, "text": given.get("text", found.text)}
        form = ResponseForm(data, instance=found)
        require_valid(form)
        with at():
            save_part(study=self.study, part=form.instance, actor=signed_in(request))
        return Response(ResponseRow(form.instance).data)

    def _source(self, found: StudyResponse, given: dict[str, Any]) -> Source:
        """The source that is meant, or the one that stands where none is named."""
        if "source" not in given and "source_revision" not in given:
            return found.source
        name = given.get("source", found.source.name)
        revision = given.get("source_revision", "")
        sources = {(one.name, one.revision): one for one in self.study.sources.all()}
        if (name, revision) not in sources:
            raise InvalidInput(
                InputError(
                    "The study has no source of this name and revision.",
                    pointer=pointer("source" if "source" in given else "source_revision"),
                    legal=[str(known) for known in sources.values()][:50],
                )
            )
        return sources[name, revision]

    @extend_schema(summary="Remove a response", responses={204: None})
    def delete(self, request: Request, study_id: UUID, response_id: UUID) -> Response:
        """Remove a response that no juror has seen."""
        remove_part(study=self.study, part=self.load(), actor=signed_in(request))
        return Response(status=204)
