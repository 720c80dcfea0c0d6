"""The one door to a study: load it for the user, or answer that there is none."""

from typing import Any, TypeVar

from django.db import models
from django.db.models import QuerySet
from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations.models import Criterion, Query, Source, Study
from annotations.models import Response as StudyResponse
from annotations.permissions import can_edit_study, can_own_study, can_see_quiz_answers
from juries.api.rights import signed_in
from juries.models import Juror

R = TypeVar("R", bound=models.Model)

# In a serializer's context: the user may see which answers to the quiz are right.
SEES_ANSWERS = "sees_quiz_answers"


class InStudy(APIView):
    """A view below a study. What changes something is for owners and editors.

    Attributes:
        study: the study in the address, once the request has been let in.
        viewers_may_write: any role will do for a write, too.
    """

    study: Study
    viewers_may_write = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let the request in, and load the study.

        Raises:
            Http404: there is no such study, or the user has no role in it.
            PermissionDenied: the user may read the study, not change it.
        """
        super().initial(request, *args, **kwargs)
        user = signed_in(request)
        study = (
            Study.objects.visible_to(user)
            .select_related("jury__pool")
            .filter(public_id=kwargs["study_id"])
            .first()
        )
        if study is None:
            raise Http404("There is no study at this address, or you have no role in it.")
        writes = request.method not in ("GET", "HEAD", "OPTIONS")
        if writes and not self.viewers_may_write and not can_edit_study(user, study):
            raise PermissionDenied("Owners and editors of the study may do this; you may read it.")
        self.study = study


def require_owner(request: Request, study: Study) -> None:
    """Refuse what only owners of a study may do.

    Raises:
        PermissionDenied: the user may edit the study, and does not own it.
    """
    if not can_own_study(signed_in(request), study):
        raise PermissionDenied("Only owners of the study may do this.")


def quiz_context(view: InStudy) -> dict[str, bool]:
    """For a serializer: whether the user may see which answers to the quiz are right.

    There is no study where only the API's description is written.
    """
    study = getattr(view, "study", None)
    return {
        SEES_ANSWERS: study is not None and can_see_quiz_answers(signed_in(view.request), study)
    }


class StudyView(InStudy, GenericAPIView[R]):
    """One thing of a study."""


class StudyList(InStudy, ListAPIView[R]):
    """Things of a study. `rows` gives them; `get_queryset` is what the framework calls."""

    def rows(self) -> QuerySet[R, Any]:
        """The study's rows, before filters."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[R]:
        """The study's rows; none of them where only the API's description is written."""
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return self.rows()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of the study's rows."""
        return self.list(request, *args, **kwargs)


# What filters may name, as functions of the view.


def queries_of(view: InStudy) -> QuerySet[Query]:
    """Queries of the study."""
    return view.study.queries.all()


def responses_of(view: InStudy) -> QuerySet[StudyResponse]:
    """Responses to the study's queries."""
    return StudyResponse.objects.filter(query__study=view.study)


def sources_of(view: InStudy) -> QuerySet[Source]:
    """Sources of the study."""
    return view.study.sources.all()


def criteria_of(view: InStudy) -> QuerySet[Criterion]:
    """Criteria of the study."""
    return view.study.criteria.all()


def jurors_of(view: InStudy) -> QuerySet[Juror]:
    """Jurors of the study's jury."""
    return Juror.objects.filter(jury=view.study.jury_id)
