"""The API's own description: the OpenAPI document, the page made of it, unknown addresses."""

from typing import Any, NoReturn

from django.http import Http404
from django.urls import URLPattern, URLResolver, path, re_path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from juries.api.problems import (
    CONTENT_TYPE,
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    REFUSED,
    THROTTLED,
    UNAUTHENTICATED,
)
from juries.api.reference import OnceWritten, reference

PATH_PARAMETERS = {
    "pool_id": "Id of the pool.",
    "jury_id": "Id of the jury.",
    "draw_id": "Id of the draw.",
    "number": "Number of the record among those of the jury, from 1.",
    "comparison_id": "Id of the comparison.",
    "run_id": "Id of the Run.",
    "study_id": "Id of the study.",
    "kind": "Kind of the step.",
    "username": "Name of the account.",
    "seat_id": "Id of the seat.",
    "way_id": "Id of the way in.",
    "juror_id": "Id of the juror.",
    "query_id": "Id of the query.",
    "response_id": "Id of the response.",
    "source_id": "Id of the source.",
    "criterion": "Key of the criterion.",
    "export_id": "Id of the export.",
    "answer_id": "Id of the answer.",
    "window_id": "Id of the snapshot.",
    "training_id": "Id of the training.",
    "model_id": "Id of the language model.",
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Address of the kind."},
        "title": {"type": "string", "description": "The kind in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What happened and what to do."},
        "instance": {"type": "string", "description": "Path of the request."},
        "errors": {
            "type": "array",
            "description": "What is wrong with single fields or parameters.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"type": "string", "description": "What is wrong."},
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer to the field, such as #/queries/3/text.",
                    },
                    "parameter": {"type": "string", "description": "Name of the parameter."},
                    "legal": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "What is legal there.",
                    },
                },
            },
        },
    },
}
_METHODS = ("get", "post", "put", "patch", "delete")


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Finish the OpenAPI document: a tag for each noun, meanings of ids, problems as answers."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    for address, item in result["paths"].items():
        for method in _METHODS:
            if operation := item.get(method):
                _complete_operation(address, method, operation)
    return result


def tag_of(address: str) -> str:
    """The noun that an address is about: the last of its words that names a list."""
    words = [word for word in address.removeprefix("/api/v1/").split("/") if word]
    if words[0] == "studies" and len(words) > 2:
        if words[2] == "reward-trainings" and words[-1] == "predicted-ratings":
            return "predicted-ratings"
        return "studies" if words[2] in ("open", "close") else words[2]
    if words[0] == "juries" and words[-1] == "draws":
        return "draws"
    if words[0] == "juries":
        nouns = ("quotas", "seating-rules", "invitations", "alternates")
        return next((noun for noun in nouns if noun in words), "juries")
    return words[0]


def _complete_operation(address: str, method: str, operation: dict[str, Any]) -> None:
    operation["tags"] = [tag_of(address)]
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["description"] = PATH_PARAMETERS[parameter["name"]]
    kinds = [UNAUTHENTICATED, NOT_FOUND, THROTTLED]
    if method != "get" or any(one["in"] == "query" for one in operation.get("parameters", ())):
        kinds.append(INVALID)
    if method != "get":
        kinds += [FORBIDDEN, REFUSED]
    for kind in sorted(kinds, key=lambda one: one.status):
        operation["responses"].setdefault(
            str(kind.status),
            {
                "description": kind.title,
                "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )


class NoSuchAddress(APIView):
    """Whatever else lies below `/api/`."""

    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def initial(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:
        """Nothing is here, whatever the method."""
        raise Http404("There is nothing at this address; /api/docs/ lists what there is.")


urlpatterns: list[URLPattern | URLResolver] = [
    path(
        "schema/",
        SpectacularAPIView.as_view(permission_classes=(AllowAny,), generator_class=OnceWritten),
        name="api-schema",
    ),
    path("docs/", reference, name="api-docs"),
    re_path(r"^.*$", NoSuchAddress.as_view(schema=None), name="api-nowhere"),
]
