"""What requests about a study's material have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet

from annotations.services.studies import StudyRefused
from juries.api.problems import InputError, InvalidInput, pointer

ROWS_AT_ONCE = 500


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
