"""Load a study or refuse: one place that decides who sees which study."""

import uuid
from typing import cast

from django.http import Http404, HttpRequest

from annotations.models import Study
from annotations.permissions import can_edit_study, can_own_study
from juries.models import User


def signed_in(request: HttpRequest) -> User:
    """The signed-in user of a view that requires one (behind `login_required`)."""
    return cast("User", request.user)


def viewable_study(request: HttpRequest, public_id: uuid.UUID) -> Study:
    """A study on which the user has some role; to anyone else it does not exist.

    Raises:
        Http404: there is no such study, or it is none of the user's.
    """
    study = Study.objects.visible_to(request.user).filter(public_id=public_id).first()
    if study is None:
        raise Http404("There is no study at this address, or you have no role in it.")
    return study


def editable_study(request: HttpRequest, public_id: uuid.UUID) -> Study:
    """A study that the user owns or edits; a viewer is refused as if it did not exist.

    Raises:
        Http404: there is no such study, or the user may not change it.
    """
    study = viewable_study(request, public_id)
    if not can_edit_study(signed_in(request), study):
        raise Http404("Only the study's owner and editors may do this.")
    return study


def owned_study(request: HttpRequest, public_id: uuid.UUID) -> Study:
    """A study that the user owns.

    Raises:
        Http404: there is no such study, or the user doesn't own it.
    """
    study = viewable_study(request, public_id)
    if not can_own_study(signed_in(request), study):
        raise Http404("Only the study's owner may do this.")
    return study
