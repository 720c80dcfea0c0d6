"""Who may do what in the admin: a user's role on the study decides, not Django's model rights.

Any member of staff may begin a study and sees those in which she has a role; what belongs to
another study does not exist for her.
"""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from annotations.models import PlaceGroup, QueryOption, Response, Study
from annotations.permissions import can_edit_study, can_own_study, can_view_study
from annotations.services.studies import StudyRefused
from juries.admin.refusing import RefusingAdmin
from juries.models import User

Row = TypeVar("Row", bound=models.Model)
Predicate = Callable[[Any, Study], bool]


def acting_user(request: HttpRequest) -> User:
    """The signed-in user; the admin lets nobody else in."""
    assert isinstance(request.user, User)
    return request.user


def is_staff(request: HttpRequest) -> bool:
    """A member of staff."""
    return request.user.is_active and getattr(request.user, "is_staff", False)


def may(request: HttpRequest, predicate: Predicate, study: Study) -> bool:
    """Ask a predicate once for a request and a study; a page of the admin asks many times."""
    known: dict[tuple[str, int], bool] = request.__dict__.setdefault("_study_rights", {})
    key = (predicate.__name__, study.pk)
    if key not in known:
        known[key] = predicate(request.user, study)
    return known[key]


def study_of_row(row: models.Model) -> Study:
    """The study that a row belongs to."""
    if isinstance(row, Study):
        return row
    if isinstance(row, (QueryOption, Response)):
        return row.query.study
    if isinstance(row, PlaceGroup):
        return row.way_in.study
    study: Study = row.study  # type: ignore[attr-defined] # every other row shown here has one
    return study


class StudyRights:
    """Permissions of an admin page or inline, by the user's role on the study behind a row."""

    editing: Predicate = staticmethod(can_edit_study)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The app is listed for every member of staff."""
        return is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whoever has a role on the study."""
        if obj is None or obj.pk is None:
            return is_staff(request)
        return is_staff(request) and may(request, can_view_study, study_of_row(obj))

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Owners and editors of the study."""
        if obj is None or obj.pk is None:
            return is_staff(request)
        return is_staff(request) and may(request, self.editing, study_of_row(obj))

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Owners and editors of the study that it is added to."""
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Owners and editors of the study; services refuse what people have answered."""
        return self.has_change_permission(request, obj)


class OwnersRights(StudyRights):
    """What only owners may change."""

    editing: Predicate = staticmethod(can_own_study)


class StudyScopedAdmin(StudyRights, RefusingAdmin[Row]):
    """Pages over rows that belong to studies; what a service refuses comes back in its words."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (StudyRefused,)


class VisibleStudiesFilter(admin.RelatedFieldListFilter):
    """A filter by study that names only studies in which the user has a role."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[Any]:
        """The studies to choose from."""
        studies = Study.objects.visible_to(acting_user(request))
        return [(study.pk, study.title) for study in studies.order_by("title", "id")]
