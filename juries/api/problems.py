"""Refusals of the API as problem documents (RFC 9457), whatever raised them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as ModelInvalid
from django.db import IntegrityError
from django.http import Http404
from django.urls import reverse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemKind:
    """A kind of refusal: `slug` ends its `type` address, `meaning` says what to do."""

    slug: str
    title: str
    status: int
    meaning: str


INVALID = ProblemKind(
    "invalid-input",
    "Invalid input",
    400,
    "A field or a parameter can't be taken. Each entry of `errors` names it, by a JSON pointer "
    "into the body or by the parameter's name, says what is wrong, and lists what is legal.",
)
MALFORMED = ProblemKind(
    "malformed-body", "Malformed body", 400, "The body is no JSON, or not in UTF-8."
)
UNAUTHENTICATED = ProblemKind(
    "not-authenticated",
    "Not authenticated",
    401,
    "Send the header `Authorization: Token ...` with a token that is valid.",
)
FORBIDDEN = ProblemKind(
    "forbidden",
    "Forbidden",
    403,
    "Who you are is known, and your account or your role on the study has no right to do this.",
)
NOT_FOUND = ProblemKind(
    "not-found",
    "Not found",
    404,
    "There is nothing at this address, or it belongs to a study in which you have no role.",
)
METHOD = ProblemKind(
    "method-not-allowed", "Method not allowed", 405, "The header `Allow` lists the legal methods."
)
NOT_ACCEPTABLE = ProblemKind(
    "not-acceptable", "Not acceptable", 406, "Answers are JSON; accept `application/json`."
)
REFUSED = ProblemKind(
    "refused",
    "Refused as things stand",
    409,
    "The request is well formed, and the state of what it touches stands against it. The detail "
    "says why and what to do.",
)
TOO_LARGE = ProblemKind("too-large", "Body too large", 413, "Send the rows in several requests.")
MEDIA_TYPE = ProblemKind(
    "unsupported-media-type",
    "Unsupported media type",
    415,
    "Send JSON with `Content-Type: application/json`; a bundle as `multipart/form-data`.",
)
THROTTLED = ProblemKind(
    "too-many-requests",
    "Too many requests",
    429,
    "Wait as many seconds as the header `Retry-After` says.",
)
FAILURE = ProblemKind(
    "server-error",
    "Server error",
    500,
    "The fault is on this side; it has been logged under the id in the header `X-Request-Id`.",
)
KINDS = (
    INVALID, MALFORMED, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, METHOD, NOT_ACCEPTABLE, REFUSED,
    TOO_LARGE, MEDIA_TYPE, THROTTLED, FAILURE,
)  # fmt: skip

# Raised by services: what kind of problem each exception is. Upper floors add theirs.
_refusals: dict[type[Exception], ProblemKind] = {}


def refuse_as(kind: ProblemKind, *exceptions_: type[Exception]) -> None:
    """Say as which kind of problem the API answers some exceptions of the services."""
    for exception in exceptions_:
        _refusals[exception] = kind


@dataclass(frozen=True)
class InputError:
    """What is wrong with one field (`pointer`, RFC 6901) or one query parameter."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    legal: Sequence[str] = ()

    def as_json(self) -> dict[str, object]:
        """The entry in a problem's `errors`."""
        entry: dict[str, object] = {"detail": _written(self.detail)}
        if self.parameter is not None:
            entry["parameter"] = _written(self.parameter)
        else:
            entry["pointer"] = _written(self.pointer or "#")
        if self.legal:
            entry["legal"] = list(self.legal)
        return entry


class InvalidInput(exceptions.APIException):
    """Fields or parameters that can't be taken."""

    status_code = 400

    def __init__(self, *errors: InputError) -> None:
        super().__init__("; ".join(error.detail for error in errors))
        self.errors = errors


class Conflict(exceptions.APIException):
    """The state of things stands against the request; the detail says why and what to do."""

    status_code = 409


def pointer(*path: object) -> str:
    """A JSON pointer in its URI form, such as `#/queries/3/text`."""
    return "#" + "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def _written(text: str) -> str:
    """A text that may repeat what was sent, in characters that have bytes: no lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()


_BY_STATUS = {kind.status: kind for kind in KINDS if kind is not MALFORMED}


def problem_response(problem: Exception, context: Mapping[str, Any]) -> Response:
    """Answer an exception of an API view; REST_FRAMEWORK["EXCEPTION_HANDLER"] names this."""
    kind, detail, errors = _read(problem)
    set_rollback()
    request = context.get("request")
    if kind is FAILURE:
        logger.error("API request failed", exc_info=problem)
    body: dict[str, object] = {
        "type": f"{reverse('api-docs')}#problem-{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": _written(detail),
    }
    if request is not None:
        body["type"] = request.build_absolute_uri(body["type"])
        body["instance"] = request.path
    if errors:
        body["errors"] = [error.as_json() for error in errors]
    headers: dict[str, str] = {}
    if isinstance(problem, exceptions.APIException):
        if header := getattr(problem, "auth_header", None):
            headers["WWW-Authenticate"] = str(header)
        if isinstance(problem, exceptions.Throttled):
            headers["Retry-After"] = str(_seconds(problem))
    return Response(body, status=kind.status, headers=headers, content_type=CONTENT_TYPE)


def _read(problem: Exception) -> tuple[ProblemKind, str, Sequence[InputError]]:
    """The kind of a problem, its detail, and what is wrong with single fields."""
    if isinstance(problem, InvalidInput):
        return INVALID, _in_one(problem.errors), problem.errors
    if isinstance(problem, exceptions.ValidationError):
        errors = tuple(_flat(problem.detail, ()))
        return INVALID, _in_one(errors), errors
    if isinstance(problem, exceptions.ParseError):
        return MALFORMED, f"The body can't be read: {problem.detail}", ()
    if isinstance(problem, Http404):
        return NOT_FOUND, _said(problem) or NOT_FOUND.meaning, ()
    if isinstance(problem, PermissionDenied):
        return FORBIDDEN, _said(problem) or FORBIDDEN.meaning, ()
    if isinstance(problem, exceptions.Throttled):
        wait = _seconds(problem)
        return THROTTLED, f"Too many requests; the next is answered in {wait} s.", ()
    if isinstance(problem, exceptions.APIException):
        return _BY_STATUS.get(problem.status_code, FAILURE), str(problem.detail), ()
    if isinstance(problem, RequestDataTooBig):
        return TOO_LARGE, _said(problem), ()
    if isinstance(problem, ModelInvalid):
        errors = tuple(_of_model(problem))
        return INVALID, _in_one(errors), errors
    if isinstance(problem, IntegrityError):
        logger.warning("the database refused a request", exc_info=problem)
        return REFUSED, "Another request changed the same thing at this moment; try again.", ()
    return _of_service(problem)


def _seconds(problem: exceptions.Throttled) -> int:
    """Whole seconds until the next request is answered; a minute where that is not known."""
    wait = getattr(problem, "wait", None)
    return 60 if wait is None else max(1, int(wait + 0.999))


def _said(problem: Exception) -> str:
    return str(problem.args[0]) if problem.args and isinstance(problem.args[0], str) else ""


def _in_one(errors: Sequence[InputError]) -> str:
    if len(errors) == 1:
        return errors[0].detail
    return f"{len(errors)} fields or parameters can't be taken; `errors` names each."


def _flat(detail: Any, path: tuple[object, ...]) -> Iterator[InputError]:
    """Walk the nested errors of a serializer."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flat(inner, path if name == "non_field_errors" else (*path, name))
    elif isinstance(detail, (list, tuple)):
        for place, inner in enumerate(detail):
            nested = isinstance(inner, (Mapping, list, tuple))
            yield from _flat(inner, (*path, place) if nested else path)
    else:
        yield InputError(str(detail), pointer=pointer(*path))


def _of_model(problem: ModelInvalid) -> Iterator[InputError]:
    if hasattr(problem, "error_dict"):
        for name, messages in problem.message_dict.items():
            path = () if name == "__all__" else (name,)
            for message in messages:
                yield InputError(message, pointer=pointer(*path))
    else:
        for message in problem.messages:
            yield InputError(message, pointer="#")


def _of_service(problem: Exception) -> tuple[ProblemKind, str, Sequence[InputError]]:
    """What a service or the domain refused: by the registered kind, or else by its base class."""
    registered = next(
        (_refusals[base] for base in type(problem).__mro__ if base in _refusals), None
    )
    if registered is None:
        return FAILURE, "Something broke on this side. It has been logged.", ()
    field = str(getattr(problem, "field", "") or "")
    message = str(problem)
    errors = [InputError(message, pointer=pointer(field))] if field else []
    for attribute in ("problems", "findings"):
        errors.extend(
            InputError(str(getattr(found, "text", found)), pointer="#")
            for found in getattr(problem, attribute, ())
        )
    return registered, message, errors
