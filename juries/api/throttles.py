"""How often one account may ask; rates come from settings."""

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

if TYPE_CHECKING:
    # The framework's views load this module while they are being loaded themselves.
    from rest_framework.views import APIView


class WriteThrottle(UserRateThrottle):
    """A tighter rate for what changes something or starts a Run."""

    scope = "write"

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Reads pass."""
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return True
        return bool(super().allow_request(request, view))
