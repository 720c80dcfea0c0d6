"""Request middleware of the whole site."""

import logging
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("venire.request")


class RequestLogMiddleware:
    """Logs each request with its id, status and duration; the id goes back in a header.

    Paths of personal links carry a secret, so only the route's pattern is logged, never the path.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, then log it."""
        started = time.perf_counter()
        request_id = uuid.uuid4().hex
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        match = request.resolver_match
        logger.info(
            "request",
            extra={
                "request_id": request_id,
                "method": request.method,
                "route": match.route if match else None,
                "status": response.status_code,
                "milliseconds": round((time.perf_counter() - started) * 1000, 1),
            },
        )
        return response
