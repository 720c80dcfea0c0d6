"""Studies: listed, begun, changed, opened, closed; and the steps of the work."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.forms import model_to_dict
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import StudyList, StudyView, require_owner
from annotations.forms.study import StudyForm
from annotations.forms.study_parts import ProtocolStepForm
from annotations.models import ProtocolStep, Study, StudyRole
from annotations.permissions import can_begin_study
from annotations.selectors.studies import juries_to_ask
from annotations.services.studies import (
    NotReady,
    StudyRefused,
    change_study,
    close_study,
    create_study,
    delete_study,
    open_study,
)
from annotations.services.study_content import remove_part, save_part
from juries.api.bodies import Body, NoBody, OneOf, Row, checked, require_valid
from juries.api.filters import choice_filter, flag_filter, id_filter
from juries.api.problems import REFUSED, InputError, InvalidInput, pointer, refuse_as
from juries.api.rights import signed_in
from juries.models import Jury, User

refuse_as(REFUSED, StudyRefused, NotReady)


class StepRow(Row):
    """A step of the work on a query."""

    kind = serializers.CharField(help_text="Kind of step, such as rating.")
    position = serializers.IntegerField(help_text="Its place in the order.")
    is_required = serializers.BooleanField(help_text="A juror can't go on without it.")
    prompt = serializers.CharField(help_text="The question above it; empty: the usual one.")
    allows_ties = serializers.BooleanField(
        help_text="A ranking: several responses may share a place."
    )


class StudyRow(Row):
    """A study."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the study.")
    title = serializers.CharField(help_text="Its title.")
    slug = serializers.CharField(help_text="Its name in file names and exports.")
    description = serializers.CharField(help_text="What it is about.")
    state = OneOf(Study.State.choices, help_text="Whether jurors can work.")
    role = serializers.SerializerMethodField(
        help_text="What you may do: owner, editor or viewer; null for an administrator without one."
    )
    jury = serializers.UUIDField(
        source="jury.public_id", default=None, allow_null=True, help_text="Id of the jury asked."
    )
    is_simulated = serializers.BooleanField(help_text="Its jurors are made up.")
    query_count = serializers.IntegerField(help_text="How many queries it has.")
    consent_text = serializers.CharField(help_text="What a juror agrees to (Markdown).")
    consent_version = serializers.CharField(help_text="Version of that text.")
    instructions = serializers.CharField(help_text="Shown before the work (Markdown).")
    quiz_tries = serializers.IntegerField(help_text="Tries at each question of the quiz.")
    quiz_must_be_right = serializers.BooleanField(
        help_text="A juror goes on only once each answer of the quiz is right."
    )
    debrief = serializers.CharField(help_text="Shown with the thanks (Markdown).")
    completion_code = serializers.CharField(help_text="Shown with the thanks.")
    contact = serializers.CharField(help_text="Whom a juror can write to or call.")
    licence = serializers.CharField(help_text="Licence of the exported data set.")
    assignment_mode = OneOf(Study.AssignmentMode.choices, help_text="Who gets which queries.")
    overlap = serializers.IntegerField(
        allow_null=True, help_text="Jurors for each query; null: all of them."
    )
    queries_per_juror = serializers.IntegerField(
        allow_null=True, help_text="At most so many queries for one juror; null: no limit."
    )
    lease_minutes = serializers.IntegerField(
        help_text="How long a query is held for a juror whose page stays silent."
    )
    order_seed = serializers.CharField(help_text="Orders and sides follow from it.")
    next_item = OneOf(Study.NextItem.choices, help_text="What a juror gets next.")
    steps = StepRow(many=True, help_text="What jurors are asked on each query, in order.")
    created_at = serializers.DateTimeField(help_text="When it was begun.")
    opened_at = serializers.DateTimeField(allow_null=True, help_text="When jurors were let in.")
    closed_at = serializers.DateTimeField(allow_null=True, help_text="When it was closed.")

    def get_role(self, study: Study) -> str | None:
        """The role of the user who asks."""
        roles: list[StudyRole] = getattr(study, "own_roles", [])
        return roles[0].role if roles else None


def _text(limit: int | None = None, *, meaning: str) -> serializers.CharField:
    return serializers.CharField(
        max_length=limit, required=False, allow_blank=True, help_text=meaning
    )


class StudyBody(Body):
    """A study as it is to be. What is left out stays as it is, or gets its usual value."""

    title = serializers.CharField(max_length=200, help_text="Its title.")
    slug = _text(80, meaning="Its name in file names and exports; empty: made from the title.")
    description = _text(meaning="What it is about.")
    jury = serializers.UUIDField(
        required=False, allow_null=True, help_text="Id of the jury asked. Fixed once one joined."
    )
    consent_text = _text(meaning="What a juror agrees to (Markdown).")
    consent_version = serializers.CharField(
        max_length=40, required=False, help_text="A changed text needs a new version."
    )
    instructions = _text(meaning="Shown before the work (Markdown).")
    quiz_tries = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=1000,
        help_text="Tries at each question of the quiz; 2 if left out.",
    )
    quiz_must_be_right = serializers.BooleanField(
        required=False, help_text="A juror goes on only once each answer of the quiz is right."
    )
    debrief = _text(meaning="Shown with the thanks (Markdown).")
    completion_code = _text(60, meaning="Shown with the thanks.")
    contact = _text(200, meaning="Whom a juror can write to or call.")
    licence = _text(60, meaning="Licence of the exported data set, such as cc-by-4.0.")
    assignment_mode = OneOf(
        Study.AssignmentMode.choices, required=False, help_text="Who gets which queries."
    )
    overlap = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text="Jurors for each query."
    )
    queries_per_juror = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        help_text="At most so many queries for one juror.",
    )
    lease_minutes = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=100_000,
        help_text="How long a query is held for a juror whose page stays silent.",
    )
    order_seed = serializers.CharField(
        max_length=64, required=False, help_text="Fixed once a juror has joined."
    )
    next_item = OneOf(Study.NextItem.choices, required=False, help_text="What a juror gets next.")
    is_simulated = serializers.BooleanField(required=False, help_text="The jurors are made up.")


class StepBody(Body):
    """A step of the work that is wanted."""

    kind = serializers.CharField(max_length=20, help_text="Kind of step, such as rating.")
    position = serializers.IntegerField(
        required=False, min_value=0, max_value=10_000, default=0, help_text="Its place."
    )
    is_required = serializers.BooleanField(
        required=False, default=True, help_text="A juror can't go on without it."
    )
    prompt = _text(300, meaning="The question above it; empty: the usual one.")
    allows_ties = serializers.BooleanField(
        required=False, default=False, help_text="A ranking: several responses may share a place."
    )


class StepChangeBody(StepBody):
    """A step as it is to be; its kind stays."""

    kind = None  # type: ignore[assignment] # takes the field away, as the framework has it


class StudyFilters(django_filters.FilterSet):
    """Which studies."""

    state = choice_filter("state", Study.State.choices, "Studies in this state.")
    jury = id_filter("jury_id", lambda _: Jury.objects.all(), "jury", "Studies of this jury.")
    is_simulated = flag_filter("is_simulated", "Studies of made-up jurors, or of others.")


def studies_of(user: User) -> QuerySet[Study]:
    """Studies in which the user has a role, with what a row shows."""
    return (
        Study.objects.visible_to(user)
        .select_related("jury")
        .prefetch_related(
            "steps",
            Prefetch("roles", queryset=StudyRole.objects.filter(user=user), to_attr="own_roles"),
        )
    )


def _shown(study: Study, user: User) -> dict[str, Any]:
    return dict(StudyRow(studies_of(user).get(pk=study.pk)).data)


def _form(study: Study, given: dict[str, Any], user: User) -> StudyForm:
    """The researchers' own form, filled from what stands and what was sent."""
    if "jury" in given and given["jury"] is not None:
        jury = juries_to_ask(user=user).filter(public_id=given["jury"]).first()
        if jury is None:
            raise InvalidInput(
                InputError(
                    "There is no such jury among those that you made, manage or ask already.",
                    pointer=pointer("jury"),
                )
            )
        given = {**given, "jury": jury.pk}
    data = {**model_to_dict(study, fields=StudyForm.Meta.fields), **given}
    form = StudyForm(data, instance=study)
    require_valid(form)
    return form


class Studies(ListAPIView[Study]):
    """Studies."""

    serializer_class = StudyRow
    filterset_class = StudyFilters
    queryset = Study.objects.all()

    def get_queryset(self) -> QuerySet[Study]:
        """Those in which the user has a role."""
        return studies_of(signed_in(self.request))

    @extend_schema(summary="List studies")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Studies in which you have a role, oldest first."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Begin a study", request=StudyBody, responses={201: StudyRow})
    def post(self, request: Request) -> Response:
        """Make a draft; you own it. For staff."""
        user = signed_in(request)
        if not can_begin_study(user):
            raise PermissionDenied("Only staff may begin a study.")
        form = _form(Study(), checked(StudyBody, request), user)
        study = create_study(study=form.instance, owner=user)
        return Response(
            _shown(study, user),
            status=201,
            headers={"Location": reverse("api-study", args=[study.public_id])},
        )


class OneStudy(StudyView[Study]):
    """One study."""

    serializer_class = StudyRow
    queryset = Study.objects.all()

    @extend_schema(summary="Read a study")
    def get(self, request: Request, study_id: UUID) -> Response:
        """One study with its texts and steps."""
        return Response(_shown(self.study, signed_in(request)))

    @extend_schema(summary="Change a study", request=StudyBody(partial=True), responses=StudyRow)
    def patch(self, request: Request, study_id: UUID) -> Response:
        """Change the fields that are sent. What jurors have agreed to or joined stays fixed."""
        given = checked(StudyBody, request, partial=True)
        form = _form(self.study, given, signed_in(request))
        study = change_study(study=form.instance, actor=signed_in(request))
        return Response(_shown(study, signed_in(request)))

    @extend_schema(summary="Remove a study", responses={204: None})
    def delete(self, request: Request, study_id: UUID) -> Response:
        """Remove a study that nobody has joined and of which nothing was made. For owners."""
        require_owner(request, self.study)
        delete_study(study=self.study, actor=signed_in(request))
        return Response(status=204)


class StudyOpening(StudyView[Study]):
    """Letting jurors in."""

    serializer_class = StudyRow
    queryset = Study.objects.all()

    @extend_schema(summary="Open a study", request=NoBody, responses=StudyRow)
    def post(self, request: Request, study_id: UUID) -> Response:
        """Let jurors in. What is missing is listed in `errors`. A closed study opens again."""
        checked(NoBody, request)
        user = signed_in(request)
        study = open_study(study=self.study, actor=user, now=timezone.now())
        return Response(_shown(study, user))


class StudyClosing(StudyView[Study]):
    """Taking no more work."""

    serializer_class = StudyRow
    queryset = Study.objects.all()

    @extend_schema(summary="Close a study", request=NoBody, responses=StudyRow)
    def post(self, request: Request, study_id: UUID) -> Response:
        """Take no more work. What a juror still sends is kept and marked as late."""
        checked(NoBody, request)
        user = signed_in(request)
        study = close_study(study=self.study, actor=user, now=timezone.now())
        return Response(_shown(study, user))


class StepList(StudyList[ProtocolStep]):
    """Steps of the work."""

    serializer_class = StepRow
    queryset = ProtocolStep.objects.all()

    def rows(self) -> QuerySet[ProtocolStep]:
        """The study's steps."""
        return self.study.steps.all()

    @extend_schema(summary="List steps")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What jurors are asked on each query."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Add a step", request=StepBody, responses={201: StepRow})
    def post(self, request: Request, study_id: UUID) -> Response:
        """Add a step of a kind that this installation has; each kind stands once."""
        given = checked(StepBody, request)
        if self.study.steps.filter(kind=given["kind"]).exists():
            raise InvalidInput(
                InputError(
                    f"The study has a step {given['kind']!r} already.", pointer=pointer("kind")
                )
            )
        form = ProtocolStepForm(given, instance=ProtocolStep(study=self.study))
        require_valid(form)
        step = save_part(study=self.study, part=form.instance, actor=signed_in(request))
        return Response(StepRow(step).data, status=201)


class OneStep(StudyView[ProtocolStep]):
    """One step of the work."""

    serializer_class = StepRow
    queryset = ProtocolStep.objects.all()

    def _load(self, kind: str) -> ProtocolStep:
        found = self.study.steps.filter(kind=kind).first()
        if found is None:
            raise Http404(f"The study has no step {kind!r}.")
        return found

    @extend_schema(summary="Read a step")
    def get(self, request: Request, study_id: UUID, kind: str) -> Response:
        """What jurors are asked on each query in this step."""
        return Response(StepRow(self._load(kind)).data)

    @extend_schema(summary="Change a step", request=StepChangeBody(partial=True), responses=StepRow)
    def patch(self, request: Request, study_id: UUID, kind: str) -> Response:
        """Change the fields that are sent. The words of a step that jurors have done stay."""
        found = self._load(kind)
        given = checked(StepChangeBody, request, partial=True)
        data = {**model_to_dict(found, fields=ProtocolStepForm.Meta.fields), **given}
        form = ProtocolStepForm(data, instance=found)
        require_valid(form)
        step = save_part(study=self.study, part=form.instance, actor=signed_in(request))
        return Response(StepRow(step).data)

    @extend_schema(summary="Remove a step", responses={204: None})
    def delete(self, request: Request, study_id: UUID, kind: str) -> Response:
        """Remove a step that no juror has done."""
        remove_part(study=self.study, part=self._load(kind), actor=signed_in(request))
        return Response(status=204)
