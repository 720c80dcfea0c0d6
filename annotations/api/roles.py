"""Researchers of a study and what each may do."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import StudyList, StudyView, require_owner
from annotations.models import StudyRole
from annotations.services.studies import grant_role, revoke_role
from juries.api.bodies import Body, OneOf, Row, checked
from juries.api.rights import signed_in
from juries.models import User


class RoleRow(Row):
    """A researcher and what she may do."""

    username = serializers.CharField(source="user.username", help_text="Name of her account.")
    role = OneOf(StudyRole.Role.choices, help_text="Each may do what those after it may.")


class RoleBody(Body):
    """A role that is wanted."""

    role = OneOf(StudyRole.Role.choices, help_text="In place of the one that she had.")


class RoleList(StudyList[StudyRole]):
    """Roles."""

    serializer_class = RoleRow
    queryset = StudyRole.objects.all()

    def rows(self) -> QuerySet[StudyRole]:
        """The study's roles with their people."""
        return self.study.roles.select_related("user")

    @extend_schema(summary="List roles")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Which researchers own, edit or view the study."""
        return self.list(request, *args, **kwargs)


class OneRole(StudyView[StudyRole]):
    """One researcher's role."""

    serializer_class = RoleRow
    queryset = StudyRole.objects.all()

    @extend_schema(summary="Read a role")
    def get(self, request: Request, study_id: UUID, username: str) -> Response:
        """What a researcher may do with the study."""
        return Response(RoleRow(self._load(username)).data)

    @extend_schema(summary="Give a role", request=RoleBody, responses=RoleRow)
    def put(self, request: Request, study_id: UUID, username: str) -> Response:
        """Give a member of staff a role, in place of the one that she had. For owners.

        A study keeps one owner at least.
        """
        require_owner(request, self.study)
        given = checked(RoleBody, request)
        user = User.objects.filter(username=username, is_active=True, is_staff=True).first()
        if user is None:
            raise Http404(f"No active member of staff has the account {username!r}.")
        role = grant_role(study=self.study, user=user, role=given["role"], actor=signed_in(request))
        return Response(RoleRow(role).data)

    @extend_schema(summary="Take a role away", responses={204: None})
    def delete(self, request: Request, study_id: UUID, username: str) -> Response:
        """Take a researcher's role away. For owners; a study keeps one at least."""
        require_owner(request, self.study)
        role = self._load(username)
        revoke_role(study=self.study, user=role.user, actor=signed_in(request))
        return Response(status=204)

    def _load(self, username: str) -> StudyRole:
        found = self.study.roles.select_related("user").filter(user__username=username).first()
        if found is None:
            raise Http404(f"The account {username!r} has no role on this study.")
        return found
