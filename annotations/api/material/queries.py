"""Queries with their options."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.forms import model_to_dict
from django.http import Http404
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.material.shared import ROWS_AT_ONCE, at, refuse_twice
from annotations.api.scope import StudyList, StudyView
from annotations.forms.study_parts import (
    QueryForm,
    QueryOptionForm,
)
from annotations.models import Query, QueryOption
from annotations.services.study_content import (
    add_query,
    change_query,
    remove_queries,
    repeat_query,
    replace_parts,
    save_part,
)
from juries.api.bodies import Body, NoBody, OneOf, Row, checked, require_valid
from juries.api.problems import InputError, InvalidInput, pointer
from juries.api.rights import signed_in


class OptionRow(Row):
    """An option that a juror may choose on a query."""

    option = serializers.CharField(source="key", help_text="Its key, once in the query.")
    text = serializers.CharField(help_text="As shown.")
    code = serializers.FloatField(
        allow_null=True, help_text="Place on an ordinal scale; null: none."
    )


class QueryRow(Row):
    """What is asked."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the query.")
    external_id = serializers.CharField(help_text="The researchers' own id, once in the study.")
    ordinal = serializers.IntegerField(help_text="Its number in the study, from 0.")
    text = serializers.CharField(help_text="As asked.")
    check = OneOf(
        Query.Check.choices,
        source="check_kind",
        help_text="Kind of check, empty: none. What is said on checks enters no result.",
    )
    expected = serializers.DictField(
        child=serializers.FloatField(),
        help_text="What an instructed query asks for, by the criterion's key.",
    )
    repeats = serializers.UUIDField(
        source="repeats.public_id",
        default=None,
        allow_null=True,
        help_text="Id of the query that a repeated one puts again; null: none.",
    )
    options = OptionRow(many=True, help_text="What a juror may choose; empty: nothing.")
    claimed_count = serializers.IntegerField(help_text="Jurors who have it or had it.")
    completed_count = serializers.IntegerField(help_text="Jurors who have completed it.")


class OptionBody(Body):
    """An option that is wanted."""

    option = serializers.CharField(max_length=60, help_text="Its key, once in the query.")
    text = serializers.CharField(max_length=400, help_text="As shown.")
    code = serializers.FloatField(
        required=False, allow_null=True, default=None, help_text="Place on an ordinal scale."
    )


class QueryBody(Body):
    """A query that is wanted."""

    external_id = serializers.CharField(
        max_length=120,
        required=False,
        allow_blank=True,
        default="",
        help_text="Your own id, once in the study; empty: made from its place.",
    )
    text = serializers.CharField(help_text="As asked.")
    options = OptionBody(many=True, required=False, help_text="What a juror may choose.")
    expected = serializers.DictField(
        child=serializers.FloatField(),
        required=False,
        help_text="What a query asks for that tells jurors what to answer, by the criterion's key.",
    )


class QueryChangeBody(Body):
    """A query as it is to be."""

    external_id = serializers.CharField(max_length=120, help_text="Your own id, once in the study.")
    text = serializers.CharField(help_text="As asked.")
    expected = serializers.DictField(
        child=serializers.FloatField(),
        help_text="What it tells jurors to answer, by the criterion's key; empty: nothing.",
    )


class OptionsBody(Body):
    """All options that a query is to have."""

    options = serializers.ListField(
        child=OptionBody(), max_length=ROWS_AT_ONCE, help_text="In order; none: nothing to choose."
    )


class QueriesBody(Body):
    """Queries that are wanted: all of them or none."""

    queries = serializers.ListField(
        child=QueryBody(), min_length=1, max_length=ROWS_AT_ONCE, help_text="In order."
    )


class QueryFilters(django_filters.FilterSet):
    """Which queries."""

    external_id = django_filters.CharFilter(help_text="The query with this id of your own.")


class QueryList(StudyList[Query]):
    """Queries."""

    serializer_class = QueryRow
    filterset_class = QueryFilters
    queryset = Query.objects.all()

    def rows(self) -> QuerySet[Query]:
        """The study's queries with their options."""
        return self.study.queries.select_related("repeats").prefetch_related("options")

    @extend_schema(summary="List queries")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What is asked, with options where there are some."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Add queries", request=QueriesBody, responses={201: QueryRow(many=True)})
    def post(self, request: Request, study_id: UUID) -> Response:
        """Append up to 500 queries: all of them or, if one can't be taken, none."""
        given = checked(QueriesBody, request)["queries"]
        with transaction.atomic():
            made = [self._add(row, place) for place, row in enumerate(given)]
        rows = {row.pk: row for row in self.rows().filter(pk__in=made)}
        return Response(QueryRow([rows[pk] for pk in made], many=True).data, status=201)

    def _add(self, given: dict[str, Any], place: int) -> int:
        path = ("queries", place)
        form = QueryForm(given, instance=Query(study=self.study))
        require_valid(form, *path)
        actor = signed_in(self.request)
        with at(*path):
            query = add_query(study=self.study, query=form.instance, actor=actor)
        for number, option in enumerate(given.get("options", ())):
            here = (*path, "options", number)
            refuse_twice(
                query.options.all(), noun="option", path=(*here, "option"), key=option["option"]
            )
            filled = QueryOptionForm(
                {
                    "key": option["option"],
                    "text": option["text"],
                    "code": option["code"],
                    "position": number,
                },
                instance=QueryOption(query=query),
            )
            require_valid(filled, *here)
            with at(*here):
                save_part(study=self.study, part=filled.instance, actor=actor)
        return query.pk


class InQuery(StudyView[Query]):
    """A view of one query."""

    serializer_class = QueryRow
    queryset = Query.objects.all()

    def load(self) -> Query:
        """The query in the address.

        Raises:
            Http404: the study has no such query.
        """
        found = self.study.queries.filter(public_id=self.kwargs["query_id"]).first()
        if found is None:
            raise Http404("The study has no such query.")
        return found


class OneQuery(InQuery):
    """One query."""

    @extend_schema(summary="Read a query")
    def get(self, request: Request, study_id: UUID, query_id: UUID) -> Response:
        """What is asked, with options where there are some."""
        return Response(QueryRow(self.load()).data)

    @extend_schema(
        summary="Change a query", request=QueryChangeBody(partial=True), responses=QueryRow
    )
    def patch(self, request: Request, study_id: UUID, query_id: UUID) -> Response:
        """Change the fields that are sent, while no juror has seen the query."""
        found = self.load()
        given = checked(QueryChangeBody, request, partial=True)
        data = {**model_to_dict(found, fields=QueryForm.Meta.fields), **given}
        form = QueryForm(data, instance=found)
        require_valid(form)
        with at():
            query = change_query(query=form.instance, actor=signed_in(request))
        return Response(QueryRow(query).data)

    @extend_schema(summary="Remove a query", responses={204: None})
    def delete(self, request: Request, study_id: UUID, query_id: UUID) -> Response:
        """Remove a query that no juror has seen, with its options and responses."""
        remove_queries(queries=[self.load()], actor=signed_in(request))
        return Response(status=204)


class QueryRepetition(InQuery):
    """Putting a query again."""

    @extend_schema(summary="Put a query again", request=NoBody, responses={201: QueryRow})
    def post(self, request: Request, study_id: UUID, query_id: UUID) -> Response:
        """Append a copy as a check. What jurors say on it is compared, and enters no result."""
        checked(NoBody, request)
        copy = repeat_query(query=self.load(), actor=signed_in(request))
        return Response(QueryRow(copy).data, status=201)


class QueryOptions(InQuery):
    """Options of a query."""

    @extend_schema(summary="Replace the options", request=OptionsBody, responses=QueryRow)
    def put(self, request: Request, study_id: UUID, query_id: UUID) -> Response:
        """Make these all that a juror may choose on the query, in this order; all of it or nothing.

        An option that stands is known by its key. What jurors have seen keeps its words and stays.
        """
        query = self.load()
        given = checked(OptionsBody, request)["options"]
        standing = {option.key: option for option in query.options.all()}
        wanted: list[QueryOption] = []
        for place, row in enumerate(given):
            path = ("options", place)
            if any(row["option"] == before.key for before in wanted):
                raise InvalidInput(
                    InputError(
                        f"The key {row['option']!r} stands twice; give one of the options another.",
                        pointer=pointer(*path, "option"),
                    )
                )
            form = QueryOptionForm(
                {
                    "key": row["option"],
                    "text": row["text"],
                    "code": row["code"],
                    "position": place,
                },
                instance=standing.get(row["option"]) or QueryOption(query=query),
            )
            require_valid(form, *path)
            wanted.append(form.instance)
        replace_parts(
            study=self.study,
            standing=query.options.all(),
            wanted=wanted,
            actor=signed_in(request),
        )
        return Response(QueryRow(self.load()).data)
