"""What a study asks: criteria, sources, queries with their options, responses."""

from collections.abc import Iterator
from contextlib import contextmanager
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

from annotations.api.scope import StudyList, StudyView, queries_of, sources_of
from annotations.forms.study_parts import (
    CriterionForm,
    QueryForm,
    QueryOptionForm,
    ResponseForm,
    SourceForm,
)
from annotations.models import Criterion, Query, QueryOption, Source
from annotations.models import Response as StudyResponse
from annotations.services.studies import StudyRefused
from annotations.services.study_content import (
    add_query,
    change_query,
    remove_part,
    remove_queries,
    repeat_query,
    replace_parts,
    save_part,
)
from juries.api.bodies import Body, NoBody, OneOf, Row, checked, require_valid
from juries.api.filters import choice_filter, id_filter, name_filter
from juries.api.problems import InputError, InvalidInput, pointer
from juries.api.rights import signed_in

ROWS_AT_ONCE = 500


class CriterionRow(Row):
    """What is rated, and on which scale. Its bounds are declared, never observed."""

    key = serializers.CharField(help_text="Its name in data and filters, once in the study.")
    name = serializers.CharField(help_text="Its name for people.")
    question = serializers.CharField(help_text="As asked.")
    scale_kind = OneOf(Criterion.ScaleKind.choices, help_text="How the scale is shown.")
    low = serializers.FloatField(help_text="Lowest value of the scale.")
    high = serializers.FloatField(help_text="Highest value of the scale.")
    step = serializers.FloatField(help_text="Distance of two values.")
    low_label = serializers.CharField(help_text="Words at the low end.")
    high_label = serializers.CharField(help_text="Words at the high end.")
    labels = serializers.DictField(
        child=serializers.CharField(), help_text="Words at points of the scale, by point."
    )
    allows_cant_say = serializers.BooleanField(help_text="A juror may say that she can't say.")
    position = serializers.IntegerField(help_text="Its place in the order.")


class CriterionBody(Body):
    """A criterion that is wanted."""

    key = serializers.SlugField(max_length=60, help_text="Its name in data, once in the study.")
    name = serializers.CharField(max_length=120, help_text="Its name for people.")
    question = serializers.CharField(max_length=300, help_text="As asked.")
    scale_kind = OneOf(
        Criterion.ScaleKind.choices, required=False, help_text="How the scale is shown."
    )
    low = serializers.FloatField(required=False, help_text="Lowest value; 1 if left out.")
    high = serializers.FloatField(required=False, help_text="Highest value; 5 if left out.")
    step = serializers.FloatField(required=False, help_text="Distance of values; 1 if left out.")
    low_label = serializers.CharField(
        max_length=80, required=False, allow_blank=True, help_text="Words at the low end."
    )
    high_label = serializers.CharField(
        max_length=80, required=False, allow_blank=True, help_text="Words at the high end."
    )
    labels = serializers.DictField(
        child=serializers.CharField(max_length=80),
        required=False,
        help_text="Words at points of the scale, by point.",
    )
    allows_cant_say = serializers.BooleanField(
        required=False, help_text="A juror may say that she can't say; true if left out."
    )
    position = serializers.IntegerField(
        required=False, min_value=0, max_value=10_000, help_text="Its place in the order."
    )

    def validate_labels(self, labels: dict[str, str]) -> dict[str, str]:
        """Points are numbers, written as text."""
        for point in labels:
            try:
                float(point)
            except ValueError:
                raise serializers.ValidationError(
                    f"{point!r} is no number; labels stand at points of the scale."
                ) from None
        return labels


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


class SourceFilters(django_filters.FilterSet):
    """Which sources."""

    kind = choice_filter("kind", Source.Kind.choices, "Sources of this kind.")


class QueryFilters(django_filters.FilterSet):
    """Which queries."""

    external_id = django_filters.CharFilter(help_text="The query with this id of your own.")


class ResponseFilters(django_filters.FilterSet):
    """Which responses."""

    query = id_filter("query_id", queries_of, "query", "Responses to this query.")
    source = name_filter(
        "source_id", sources_of, "name", "source", "Responses by the source of this name."
    )
    external_id = django_filters.CharFilter(help_text="Responses with this id of your own.")


def refuse_twice(rows: QuerySet[Any], *, noun: str, path: tuple[object, ...], **named: str) -> None:
    """Refuse a name that stands already.

    Raises:
        InvalidInput: a row of this name is there.
    """
    if rows.filter(**named).exists():
        name = "@".join(value for value in named.values() if value)
        raise InvalidInput(
            InputError(f"There is a {noun} {name!r} already.", pointer=pointer(*path))
        )


@contextmanager
def at(*path: object) -> Iterator[None]:
    """Say at which place of the body a service refused a row.

    Raises:
        InvalidInput: the service refused; the error points to the row, or to its field.
    """
    try:
        yield
    except StudyRefused as refusal:
        where = (*path, refusal.field) if refusal.field else path
        raise InvalidInput(InputError(str(refusal), pointer=pointer(*where))) from refusal


class CriterionList(StudyList[Criterion]):
    """Criteria."""

    serializer_class = CriterionRow
    queryset = Criterion.objects.all()

    def rows(self) -> QuerySet[Criterion]:
        """The study's criteria."""
        return self.study.criteria.all()

    @extend_schema(summary="List criteria")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What is rated, on which declared scales."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Add a criterion", request=CriterionBody, responses={201: CriterionRow})
    def post(self, request: Request, study_id: UUID) -> Response:
        """Add what is to be rated, with the bounds of its scale."""
        given = checked(CriterionBody, request)
        refuse_twice(self.study.criteria.all(), noun="criterion", path=("key",), key=given["key"])
        criterion = Criterion(study=self.study)
        data = {**model_to_dict(criterion, fields=CriterionForm.Meta.fields), **given}
        form = CriterionForm(data, instance=criterion)
        require_valid(form)
        with at():
            save_part(study=self.study, part=form.instance, actor=signed_in(request))
        return Response(CriterionRow(form.instance).data, status=201)


class OneCriterion(StudyView[Criterion]):
    """One criterion."""

    serializer_class = CriterionRow
    queryset = Criterion.objects.all()

    def _load(self, key: str) -> Criterion:
        found = self.study.criteria.filter(key=key).first()
        if found is None:
            raise Http404(f"The study has no criterion {key!r}.")
        return found

    @extend_schema(summary="Read a criterion")
    def get(self, request: Request, study_id: UUID, criterion: str) -> Response:
        """What is rated, and on which scale."""
        return Response(CriterionRow(self._load(criterion)).data)

    @extend_schema(
        summary="Change a criterion",
        request=CriterionBody(partial=True),
        responses=CriterionRow,
    )
    def patch(self, request: Request, study_id: UUID, criterion: str) -> Response:
        """Change the fields that are sent. A scale on which jurors have rated stays as it is."""
        found = self._load(criterion)
        given = checked(CriterionBody, request, partial=True)
        if given.get("key", found.key) != found.key:
            refuse_twice(
                self.study.criteria.all(), noun="criterion", path=("key",), key=given["key"]
            )
        data = {**model_to_dict(found, fields=CriterionForm.Meta.fields), **given}
        form = CriterionForm(data, instance=found)
        require_valid(form)
        save_part(study=self.study, part=form.instance, actor=signed_in(request))
        return Response(CriterionRow(form.instance).data)

    @extend_schema(summary="Remove a criterion", responses={204: None})
    def delete(self, request: Request, study_id: UUID, criterion: str) -> Response:
        """Remove a criterion on which nobody has rated."""
        remove_part(study=self.study, part=self._load(criterion), actor=signed_in(request))
        return Response(status=204)


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
