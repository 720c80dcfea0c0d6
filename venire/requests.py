"""Typed requests: what a view may rely on once the middleware has run."""

from typing import Protocol

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """A request that says whether htmx made it."""

    htmx: HtmxDetails


class HasUser(Protocol):
    """Anything that carries a signed-in user."""

    user: AbstractUser
