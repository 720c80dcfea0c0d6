"""Pages of long lists by an opaque cursor: no row twice, none left out, at any depth."""

import base64
import binascii
import heapq
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from juries.api.problems import InputError, InvalidInput

DEFAULT_SIZE = 100
MAXIMUM_SIZE = 1000
PARAMETERS = ("cursor", "page_size")
_SALT = "venire.api.cursor"


@runtime_checkable
class InStrands(Protocol):
    """A list whose rows fall into a few strands, each with an index that gives it in order.

    A page is then merged from the heads of the strands, where the database would otherwise sort all
    rows of the list for every page.
    """

    def strands(self, rows: QuerySet[Any]) -> Sequence[QuerySet[Any]]:
        """The same rows, each in one strand; fewer than two: nothing to merge."""
        ...


class IdPagination(BasePagination):
    """Pages in the order in which rows were made; `newest_first` on a view turns it round.

    The cursor says after which row to go on. It is sealed: primary keys stay inside, and one made
    for another list or other filters is refused.
    """

    def paginate_queryset(  # type: ignore[override] # lists come from the database alone
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        """The rows of the page asked for.

        Raises:
            InvalidInput: the size is out of bounds, or the cursor is none of this list.
        """
        self._request = request
        self._scope = _scope_of(request)
        size = page_size_of(request.query_params)
        newest_first = bool(getattr(view, "newest_first", False))
        cursor = request.query_params.get("cursor", "")
        if cursor:
            after = open_cursor(cursor=cursor, scope=self._scope)
            queryset = queryset.filter(**{"pk__lt" if newest_first else "pk__gt": after})
        order = "-pk" if newest_first else "pk"
        listed: object = view
        strands = listed.strands(queryset) if isinstance(listed, InStrands) else ()
        if len(strands) > 1:
            keys = [strand.order_by(order).values_list("pk", flat=True) for strand in strands]
            merged = heapq.merge(*(key[: size + 1] for key in keys), reverse=newest_first)
            queryset = queryset.filter(pk__in=list(islice(merged, size + 1)))
        rows = list(queryset.order_by(order)[: size + 1])
        self._next = None
        if len(rows) > size:
            rows = rows[:size]
            last = rows[-1]
            self._next = last["pk"] if isinstance(last, Mapping) else last.pk
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """The page, and the address of the next one."""
        return Response({"next": self.next_url(), "results": data})

    def next_url(self) -> str | None:
        """Address of the next page; None on the last."""
        if self._next is None:
            return None
        kept = [
            (name, value)
            for name, values in sorted(self._request.query_params.lists())
            for value in values
            if name != "cursor"
        ]
        kept.append(("cursor", seal_cursor(position=self._next, scope=self._scope)))
        return self._request.build_absolute_uri(f"{self._request.path}?{urlencode(kept)}")

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """How a page looks, for the OpenAPI document."""
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {
                    "type": "string",
                    "format": "uri",
                    "nullable": True,
                    "description": "Address of the next page; null on the last.",
                },
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Both parameters, for the OpenAPI document."""
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Where to go on; taken from `next`, together with the filters.",
                "schema": {"type": "string"},
            },
            {
                "name": "page_size",
                "in": "query",
                "required": False,
                "description": f"Rows on a page, 1 to {MAXIMUM_SIZE}; {DEFAULT_SIZE} by default.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAXIMUM_SIZE,
                    "default": DEFAULT_SIZE,
                },
            },
        ]


def page_size_of(parameters: Mapping[str, str]) -> int:
    """The parameter `page_size`.

    Raises:
        InvalidInput: it is out of bounds.
    """
    written = parameters.get("page_size", str(DEFAULT_SIZE))
    is_number = written.isascii() and written.isdigit() and len(written) < 9
    size = int(written) if is_number else 0
    if not 1 <= size <= MAXIMUM_SIZE:
        raise InvalidInput(
            InputError(
                f"A page has 1 to {MAXIMUM_SIZE} rows; {written!r} is none of these.",
                parameter="page_size",
            )
        )
    return size


def _scope_of(request: Request) -> str:
    """What a cursor is good for: this address under these filters."""
    filters = sorted(
        (name, value)
        for name, values in request.query_params.lists()
        for value in values
        if name not in PARAMETERS
    )
    return f"{request.path}?{urlencode(filters)}"


def seal_cursor(*, position: int, scope: str) -> str:
    """A primary key as an opaque text that only `open_cursor` with the same scope can read."""
    body = position.to_bytes(8)
    tag = _tag(body, scope)
    return base64.urlsafe_b64encode(tag + _cover(body, tag)).decode().rstrip("=")


def open_cursor(*, cursor: str, scope: str) -> int:
    """The primary key in a cursor.

    Raises:
        InvalidInput: the cursor was not made here, or for another list or other filters.
    """
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        sealed = b""
    tag = sealed[:16]
    body = _cover(sealed[16:], tag)
    if len(sealed) != 24 or not constant_time_compare(tag, _tag(body, scope)):
        raise InvalidInput(
            InputError(
                "This cursor belongs to another list or to other filters. Follow `next` as it "
                "is, or leave the cursor out to start again.",
                parameter="cursor",
            )
        )
    return int.from_bytes(body)


def _tag(body: bytes, scope: str) -> bytes:
    value = scope.encode() + b"\0" + body
    return salted_hmac(f"{_SALT}.tag", value, algorithm="sha256").digest()[:16]


def _cover(body: bytes, tag: bytes) -> bytes:
    """XOR with a stream that follows from the tag; covers and uncovers."""
    stream = salted_hmac(f"{_SALT}.stream", tag, algorithm="sha256").digest()
    return bytes(byte ^ mask for byte, mask in zip(body, stream, strict=False))
