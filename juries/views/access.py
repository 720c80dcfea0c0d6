"""Doors: of the researchers' pages, for who has signed in; of open pages, for so many at a time."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from juries.models import User

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponseBase]


def open_to(
    may: Callable[[User | AnonymousUser], bool],
) -> Callable[[View[Rest]], View[Rest]]:
    """Let in who satisfies the predicate; send strangers to sign in, refuse everybody else."""

    def decorate(view: View[Rest]) -> View[Rest]:
        @wraps(view)
        def guarded(
            request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs
        ) -> HttpResponseBase:
            if request.user.is_anonymous:
                return redirect_to_login(request.get_full_path())
            if not may(request.user):
                raise PermissionDenied("Your account has no right to this page.")
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def too_many_tries(request: HttpRequest, *, purpose: str, tries: int, seconds: int) -> bool:
    """Whether more than so many requests have come from one address within so many seconds.

    Args:
        request: counted by this call.
        purpose: what is counted.
        tries: how many are let through.
        seconds: from the first of them.
    """
    origin = hashlib.sha256(visitor_address(request).encode()).hexdigest()
    key = f"{purpose}-{origin}"
    if cache.add(key, 1, seconds):
        return False
    try:
        return cache.incr(key) > tries
    except ValueError:  # it expired between the two calls
        return False


def visitor_address(request: HttpRequest) -> str:
    """The network address that a request comes from.

    Behind a proxy all connections are the proxy's; the last entry of `X-Forwarded-For` is the one
    that this proxy has written.
    """
    if settings.BEHIND_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return str(request.META.get("REMOTE_ADDR", ""))
