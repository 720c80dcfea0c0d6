"""The predicates of `juries.permissions` as permission classes, and who is asking."""

from typing import cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from juries.models import User
from juries.permissions import can_manage_juries


class ManagesJuries(BasePermission):
    """Staff who may change juries."""

    message = "Only staff who manage juries see pools, juries and draws."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Ask the predicate."""
        return can_manage_juries(request.user)


def signed_in(request: Request) -> User:
    """The user of a view that lets in nobody else."""
    return cast("User", request.user)
