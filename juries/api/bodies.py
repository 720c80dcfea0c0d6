"""What requests may hold: fields by name, and nothing else."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from django import forms
from rest_framework import serializers
from rest_framework.request import Request

from juries.api.problems import InputError, InvalidInput, pointer


class Body(serializers.Serializer[Any]):
    """The body of a write; a field that does not exist is refused by name."""

    def to_internal_value(self, data: Any) -> Any:
        """Check the names, then the values."""
        if isinstance(data, Mapping):
            legal = [name for name, field in self.fields.items() if not field.read_only]
            unknown = [str(name) for name in data if name not in legal]
            if unknown:
                there_are = f"there are: {', '.join(legal)}" if legal else "there are none"
                raise serializers.ValidationError(
                    {name: [f"There is no field {name!r}; {there_are}."] for name in unknown}
                )
        return super().to_internal_value(data)


class Row(serializers.Serializer[Any]):
    """A row of an answer; never read from a request."""


class NoBody(Body):
    """A request that needs no body."""


class OneOf(serializers.ChoiceField):
    """A choice whose refusal lists the legal values."""

    def fail(self, key: str, **kwargs: Any) -> Any:
        """Name the legal values."""
        if key == "invalid_choice":
            legal = ", ".join(str(choice) for choice in self.choices)
            raise serializers.ValidationError(
                f"{kwargs.get('input')!r} is not legal; legal are: {legal}.", code=key
            )
        return super().fail(key, **kwargs)


class Number(serializers.FloatField):
    """A number with a place on the line: the words nan and inf, which Python reads, are none."""

    def to_internal_value(self, data: Any) -> float:
        """Refuse what no bound would catch."""
        value = super().to_internal_value(data)
        if not isfinite(value):
            self.fail("invalid")
        return value


def checked(body: type[Body], request: Request, **kwargs: Any) -> dict[str, Any]:
    """The validated body of a request.

    Raises:
        ValidationError: a field is missing, unknown or can't be taken.
    """
    serializer = body(data=request.data, **kwargs)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def require_valid(form: forms.BaseForm, *path: object) -> None:
    """Refuse what a form refuses, each error at its place in the body.

    Raises:
        InvalidInput: the form has errors.
    """
    if form.is_valid():
        return
    errors = []
    for name, messages in form.errors.items():
        where = pointer(*path) if name == "__all__" else pointer(*path, name)
        errors += [InputError(str(message), pointer=where) for message in messages]
    raise InvalidInput(*errors)
