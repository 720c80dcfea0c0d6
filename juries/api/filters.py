"""Filters of lists: an unknown parameter or value is refused, with what is legal."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django_filters import rest_framework as django_filters
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import extend_schema_field
from rest_framework.request import Request
from rest_framework.views import APIView

from juries.api.pagination import PARAMETERS
from juries.api.problems import InputError, InvalidInput

F = TypeVar("F")


class StrictFilterBackend(django_filters.DjangoFilterBackend):
    """Filters by the view's filter set and refuses parameters that it does not know.

    A misspelt filter that is passed over would give everything for an answer.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> Any:
        """The rows that pass.

        Raises:
            InvalidInput: an unknown parameter, or a value that is not legal.
        """
        filterset = self.get_filterset(request, queryset, view)
        legal = sorted(filterset.filters) if filterset is not None else []
        errors = [
            InputError(
                f"There is no parameter {name!r} here.",
                parameter=name,
                legal=[*legal, *PARAMETERS],
            )
            for name in request.query_params
            if name not in legal and name not in PARAMETERS
        ]
        if filterset is not None and not filterset.is_valid():
            for name, messages in filterset.errors.items():
                field = filterset.form.fields.get(name)
                choices = [str(value) for value, _ in getattr(field, "choices", ()) if value]
                errors += [
                    InputError(str(message), parameter=name, legal=choices) for message in messages
                ]
        if errors:
            raise InvalidInput(*errors)
        return queryset if filterset is None else filterset.qs


def choice_filter(
    field_name: str, choices: Sequence[tuple[str, Any]], meaning: str
) -> django_filters.ChoiceFilter:
    """A filter by one of the declared values of a field."""
    legal = [str(value) for value, _ in choices]
    made = django_filters.ChoiceFilter(
        field_name=field_name,
        choices=choices,
        error_messages={
            "invalid_choice": f"%(value)s is not legal; legal are: {', '.join(legal)}."
        },
    )
    return described(made, {"type": "string", "enum": legal, "description": meaning})


class FlagFilter(django_filters.ChoiceFilter):
    """A filter by yes or no, written `true` or `false`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            choices=(("true", "true"), ("false", "false")),
            error_messages={"invalid_choice": "Write true or false, not %(value)s."},
            **kwargs,
        )

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Rows whose flag is as asked for."""
        if value in ("", None):
            return qs
        return qs.filter(**{self.field_name: value == "true"})


def flag_filter(field_name: str, meaning: str) -> FlagFilter:
    """A filter by yes or no."""
    return described(FlagFilter(field_name=field_name), {"type": "boolean", "description": meaning})


class _MomentField(IsoDateTimeField):
    """A moment that has a place in the years 1 to 9999 of UTC, in which databases reckon."""

    def to_python(self, value: Any) -> datetime | None:
        """The moment; one beyond these years can't be read.

        Raises:
            ValidationError: the text says no such moment.
        """
        moment: datetime | None = super().to_python(value)
        if moment is None:
            return None
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class _MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = _MomentField


def since_filter(field_name: str, meaning: str) -> django_filters.IsoDateTimeFilter:
    """A filter by a moment from which on rows count."""
    made = _MomentFilter(
        field_name=field_name,
        lookup_expr="gte",
        error_messages={"invalid": "Write a moment as 2026-01-31T12:00:00Z."},
    )
    return described(made, {"type": "string", "format": "date-time", "description": meaning})


class RelatedFilter(django_filters.CharFilter):
    """A filter by a related row, named as the API names it; unknown names are refused.

    `find` maps the view to the legal rows; `column` is what they are called by. Rows are filtered
    by primary key, so that no join is needed.
    """

    def __init__(
        self,
        *,
        find: Callable[[Any], QuerySet[Any]],
        column: str,
        noun: str,
        lists_legal: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._find = find
        self._column = column
        self._noun = noun
        self._lists_legal = lists_legal

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Rows of the related row.

        Raises:
            InvalidInput: there is no such row here.
        """
        if value in ("", None):
            return qs
        view = self.parent.request.parser_context["view"]
        rows = self._find(view)
        keys = list(rows.filter(**{self._column: value}).values_list("pk", flat=True))
        if not keys:
            legal = (
                [
                    str(name)
                    for name in rows.order_by("pk").values_list(self._column, flat=True)[:50]
                ]
                if self._lists_legal
                else []
            )
            raise InvalidInput(
                InputError(
                    f"There is no {self._noun} {str(value)!r} here.",
                    parameter=next(n for n, f in self.parent.filters.items() if f is self),
                    legal=list(dict.fromkeys(legal)),
                )
            )
        if len(keys) == 1:
            return qs.filter(**{self.field_name: keys[0]})
        return qs.filter(**{f"{self.field_name}__in": keys})


class IdFilter(RelatedFilter):
    """A related row by its public id."""

    field_class = forms.UUIDField


def id_filter(
    field_name: str, find: Callable[[Any], QuerySet[Any]], noun: str, meaning: str
) -> IdFilter:
    """A filter by the public id of a related row."""
    made = IdFilter(
        field_name=field_name,
        find=find,
        column="public_id",
        noun=noun,
        lists_legal=False,
        error_messages={"invalid": f"The id of a {noun} is a UUID."},
    )
    return described(made, {"type": "string", "format": "uuid", "description": meaning})


def name_filter(
    field_name: str, find: Callable[[Any], QuerySet[Any]], column: str, noun: str, meaning: str
) -> RelatedFilter:
    """A filter by the name or key of a related row."""
    made = RelatedFilter(
        field_name=field_name, find=find, column=column, noun=noun, lists_legal=True
    )
    return described(made, {"type": "string", "description": meaning})


def described(made: F, schema: dict[str, Any]) -> F:
    """Say how a filter stands in the OpenAPI document."""
    decorate: Any = extend_schema_field(schema)
    done: F = decorate(made)
    return done
