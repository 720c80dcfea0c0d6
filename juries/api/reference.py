"""The page that explains the API, made from its OpenAPI document."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from juries.api.pagination import DEFAULT_SIZE, MAXIMUM_SIZE, PARAMETERS
from juries.api.problems import KINDS

# The order of the page: as a study goes.
ORDER = (
    "pools", "juries", "quotas", "seating-rules", "draws", "invitations", "runs", "studies",
    "progress", "log", "roles", "profile-questions", "quiz-questions", "ways-in", "steps",
    "criteria", "sources", "queries", "responses", "jurors", "juror-reports", "profile-replies",
    "ratings", "preferences", "choices", "opinions", "answers", "answer-duplicates", "judgements",
    "expression-labels", "window-rule", "windows", "generations", "reward-trainings",
    "predicted-ratings", "predictions", "verdicts", "leaderboard", "results", "exports",
)  # fmt: skip


@dataclass(frozen=True)
class Named:
    """A parameter or a field: its name (with dots where nested), type and meaning."""

    name: str
    type: str
    meaning: str
    is_required: bool


@dataclass(frozen=True)
class Operation:
    """One method at one address."""

    id: str
    method: str
    address: str
    summary: str
    meaning: str
    needs_token: bool
    parameters: tuple[Named, ...]
    body: tuple[Named, ...]
    status: str
    answer: tuple[Named, ...]
    is_page: bool

    @property
    def has_filters(self) -> bool:
        """Some parameters may be left out."""
        return any(not one.is_required for one in self.parameters)


@dataclass(frozen=True)
class Noun:
    """All that can be done with one noun."""

    key: str
    title: str
    operations: tuple[Operation, ...]


@cache
def api_schema() -> dict[str, Any]:
    """The OpenAPI document. It follows from the code alone, so it is written once a process."""
    generator: Any = SchemaGenerator
    schema: dict[str, Any] = generator().get_schema(request=None, public=True)
    return schema


class OnceWritten(SchemaGenerator):
    """Hands out the document that was written once; writing it takes a second."""

    def get_schema(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The same for everybody."""
        return api_schema()


@cache
def nouns() -> tuple[Noun, ...]:
    """The API by noun."""
    schema = api_schema()
    found: dict[str, list[Operation]] = {}
    for address, item in schema["paths"].items():
        for method, operation in item.items():
            found.setdefault(operation["tags"][0], []).append(
                _operation(schema, address, method, operation)
            )
    return tuple(
        Noun(
            key=key,
            title=key.replace("-", " ").capitalize(),
            operations=tuple(found[key]),
        )
        for key in sorted(found, key=lambda key: (ORDER.index(key) if key in ORDER else 99, key))
    )


def _operation(
    schema: Mapping[str, Any], address: str, method: str, operation: Mapping[str, Any]
) -> Operation:
    status = next(code for code in operation["responses"] if code.startswith("2"))
    content = _content(operation["responses"][status])
    shape = _resolved(schema, content)
    is_page = "results" in shape.get("properties", {}) and "next" in shape.get("properties", {})
    if is_page:
        content = shape["properties"]["results"]
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        address=address,
        summary=operation.get("summary", ""),
        meaning=operation.get("description", ""),
        needs_token={} not in operation.get("security", []),
        parameters=tuple(
            Named(
                name=one["name"],
                type=_type(schema, one["schema"]),
                meaning=one.get("description", ""),
                is_required=bool(one.get("required")),
            )
            for one in sorted(operation.get("parameters", ()), key=_place)
        ),
        body=tuple(_fields(schema, _content(operation.get("requestBody", {})))),
        status=status,
        answer=tuple(_fields(schema, content)),
        is_page=is_page,
    )


def _place(parameter: Mapping[str, Any]) -> int:
    """Parameters of the address first, those of pages last."""
    if parameter["in"] == "path":
        return 0
    return 2 if parameter["name"] in PARAMETERS else 1


def _content(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    shapes = list(holder.get("content", {}).values())
    found: Mapping[str, Any] = shapes[0].get("schema", {}) if shapes else {}
    return found


def _resolved(schema: Mapping[str, Any], shape: Mapping[str, Any]) -> Mapping[str, Any]:
    """A shape behind its reference."""
    while "$ref" in shape or len(shape.get("allOf", ())) == 1:
        if "$ref" in shape:
            shape = schema["components"]["schemas"][shape["$ref"].rsplit("/", 1)[1]]
        else:
            kept = {name: value for name, value in shape.items() if name != "allOf"}
            shape = {**_resolved(schema, shape["allOf"][0]), **kept}
    return shape


def _type(schema: Mapping[str, Any], shape: Mapping[str, Any]) -> str:
    """A type in a few words, such as "list of text" or "one of draft, open, closed"."""
    nullable = " or null" if _may_be_null(shape) else ""
    choices = [one for one in _alternatives(schema, shape) if one is not None and one != ""]
    if choices:
        return f"one of {', '.join(map(str, choices))}{nullable}"
    shape = _resolved(schema, shape)
    if shape.get("type") == "array":
        return f"list of {_type(schema, shape.get('items', {}))}{nullable}"
    words = {
        ("string", "uuid"): "UUID",
        ("string", "date-time"): "moment (ISO 8601)",
        ("string", "binary"): "file",
        ("string", "uri"): "address",
        ("integer", ""): "whole number",
        ("number", ""): "number",
        ("number", "double"): "number",
        ("boolean", ""): "true or false",
        ("string", ""): "text",
    }
    key = (str(shape.get("type", "object")), str(shape.get("format", "")))
    return words.get(key, words.get((key[0], ""), "object")) + nullable


def _may_be_null(shape: Mapping[str, Any]) -> bool:
    return bool(shape.get("nullable"))


def _alternatives(schema: Mapping[str, Any], shape: Mapping[str, Any]) -> Sequence[Any]:
    if "oneOf" in shape:
        return [one for part in shape["oneOf"] for one in _alternatives(schema, part)]
    found: Sequence[Any] = _resolved(schema, shape).get("enum", ())
    return found


def _fields(
    schema: Mapping[str, Any], shape: Mapping[str, Any], before: str = ""
) -> Iterator[Named]:
    """Fields of a shape, those inside another after it."""
    shape = _resolved(schema, shape)
    if shape.get("type") == "array":
        shape = _resolved(schema, shape.get("items", {}))
    required = shape.get("required", ())
    for name, inner in shape.get("properties", {}).items():
        resolved = _resolved(schema, inner)
        yield Named(
            name=before + name,
            type=_type(schema, inner),
            meaning=inner.get("description", "") or resolved.get("description", ""),
            is_required=name in required,
        )
        is_list = resolved.get("type") == "array"
        yield from _fields(schema, inner, f"{before}{name}{'[]' if is_list else ''}.")


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """What the API offers, noun by noun."""
    return render(
        request,
        "juries/api_reference.html",
        {
            "nouns": nouns(),
            "kinds": KINDS,
            "rates": settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"],
            "site": request.build_absolute_uri("/").rstrip("/"),
            "page_size": DEFAULT_SIZE,
            "page_size_most": MAXIMUM_SIZE,
        },
    )
