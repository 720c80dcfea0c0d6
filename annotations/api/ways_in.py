"""Ways into a study: open links, Prolific, other panels; with places, groups and endings."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.forms import model_to_dict
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import StudyList, StudyView
from annotations.forms.ways_in import AnswersField, PlaceGroupForm, WayInForm
from annotations.models import PlaceGroup, ProfileQuestion, Study, WayIn
from annotations.selectors.places import WayView, views_of
from annotations.selectors.ways_in import why_study_has_no_ways
from annotations.services import ways_in as services
from juries.api.bodies import Body, NoBody, OneOf, Row, checked, require_valid
from juries.api.filters import choice_filter, flag_filter
from juries.api.problems import Conflict, InputError, InvalidInput, pointer
from juries.api.rights import signed_in

GROUPS_AT_ONCE = 200
MOST_PLACES = 1_000_000


class PlacesRow(Row):
    """Places and who holds them. Counts are of this moment; they are held by leases."""

    places = serializers.IntegerField(help_text="How many places there are.")
    completed_count = serializers.IntegerField(source="complete", help_text="Held by who is done.")
    at_work_count = serializers.IntegerField(
        source="at_work", help_text="Held by who is at work and not silent for too long."
    )
    free_count = serializers.IntegerField(source="free", help_text="Held by nobody.")


class PlaceGroupRow(PlacesRow):
    """A group of a way in, with its places."""

    name = serializers.CharField(help_text="Its name, once in the way.")
    answers = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Who belongs to it: options that count, by the question's key.",
    )


class WayInRow(Row):
    """A way in, with its places as they fill."""

    id = serializers.UUIDField(source="way.public_id", help_text="Random id of the way in.")
    name = serializers.CharField(source="way.name", help_text="Its name, for researchers.")
    kind = OneOf(WayIn.Kind.choices, source="way.kind", help_text="Where people come from.")
    is_open = serializers.BooleanField(
        source="way.is_open", help_text="It lets newcomers in as long as the study is open too."
    )
    address = serializers.CharField(help_text="To be given out; the panel fills in its parameters.")
    id_parameter = serializers.CharField(
        source="way.id_parameter", help_text="Parameter in which another panel sends its ids."
    )
    completion_url = serializers.CharField(
        source="way.completion_url", help_text="Where everybody is sent at the end; empty: nowhere."
    )
    complete = serializers.CharField(
        source="way.complete", help_text="Code or address for who has finished."
    )
    screened_out = serializers.CharField(
        source="way.screened_out", help_text="Code or address for who is in no group looked for."
    )
    quota_full = serializers.CharField(
        source="way.quota_full", help_text="Code or address for who came when her group was full."
    )
    no_consent = serializers.CharField(
        source="way.no_consent", help_text="Code or address for who did not agree."
    )
    places = serializers.IntegerField(source="total.places", help_text="Places in all.")
    completed_count = serializers.IntegerField(
        source="total.complete", help_text="Places held by who is done."
    )
    at_work_count = serializers.IntegerField(
        source="total.at_work", help_text="Places held by who is at work, under a lease."
    )
    free_count = serializers.IntegerField(
        source="total.free", help_text="Places held by nobody; a group may be full all the same."
    )
    asked_count = serializers.IntegerField(
        source="besides.asked", help_text="People at the questions about themselves."
    )
    silent_count = serializers.IntegerField(
        source="besides.silent", help_text="People whose place is free again: silent or gone."
    )
    screened_out_count = serializers.IntegerField(
        source="besides.screened_out", help_text="People in no group that is looked for."
    )
    full_count = serializers.IntegerField(
        source="besides.full", help_text="People who came when their group was full."
    )
    declined_count = serializers.IntegerField(
        source="besides.declined", help_text="People who did not agree."
    )
    groups = PlaceGroupRow(many=True, help_text="Places by what people say; empty: whoever comes.")
    problems = serializers.ListField(
        child=serializers.CharField(), help_text="Why nobody can come in; empty: they can."
    )
    created_at = serializers.DateTimeField(source="way.created_at", help_text="When it was made.")


class PlaceGroupBody(Body):
    """A group that is wanted."""

    name = serializers.CharField(max_length=80, help_text="Its name, once in the way.")
    places = serializers.IntegerField(
        min_value=0, max_value=MOST_PLACES, help_text="How many places it has."
    )
    answers = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(), min_length=1),
        allow_empty=False,
        help_text="Who belongs to it: options that count, by the key of a choice question about "
        "the juror. She must have picked one of each question named.",
    )


def _ending(meaning: str) -> serializers.CharField:
    return serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text=f"{meaning}: a completion code or, except for Prolific, an address of its own.",
    )


class WayInBody(Body):
    """A way in as it is to be. What is left out stays as it is, or is empty."""

    name = serializers.CharField(max_length=80, help_text="Its name, for researchers.")
    kind = OneOf(
        WayIn.Kind.choices,
        required=False,
        help_text="Where people come from; open if left out. Fixed once somebody has come.",
    )
    places = serializers.IntegerField(
        min_value=1, max_value=MOST_PLACES, help_text="At most so many people by this way."
    )
    id_parameter = serializers.CharField(
        max_length=40,
        required=False,
        allow_blank=True,
        help_text="Another panel: the parameter that brings the id. Fixed once somebody has come.",
    )
    completion_url = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="Another panel or an open link: where everybody is sent at the end; {id}, "
        "{status} and {code} are filled in.",
    )
    complete = _ending("Who has finished")
    screened_out = _ending("Who is in no group that is looked for")
    quota_full = _ending("Who came when her group was full")
    no_consent = _ending("Who did not agree")
    groups = serializers.ListField(
        child=PlaceGroupBody(),
        required=False,
        max_length=GROUPS_AT_ONCE,
        help_text="All its groups, known by their names; those left out of the list are removed. "
        "An empty list: whoever comes. Fixed, but for names and places, once somebody has come.",
    )


class WayInFilters(django_filters.FilterSet):
    """Which ways in."""

    kind = choice_filter("kind", WayIn.Kind.choices, "Ways of this kind.")
    is_open = flag_filter("is_open", "Ways that are open, or closed.")


def _ways(study: Study) -> QuerySet[WayIn]:
    return study.ways_in.select_related("study__jury__pool").prefetch_related("groups")


def _shown(study: Study, way: WayIn) -> dict[str, Any]:
    """The way as it stands now, read anew."""
    ways = list(_ways(study).filter(pk=way.pk))
    [view] = views_of(study=study, ways=ways, now=timezone.now())
    return dict(WayInRow(view).data)


def _refuse_unknown(
    answers: Mapping[str, Sequence[str]], questions: Mapping[str, ProfileQuestion], *path: object
) -> None:
    """Refuse a question or an option that the study does not have, with those that it has."""
    for key, picked in answers.items():
        question = questions.get(key)
        if question is None:
            raise InvalidInput(
                InputError(
                    f"The study asks jurors no choice question {key!r}; ask it before you count "
                    "places by it.",
                    pointer=pointer(*path, key),
                    legal=sorted(questions),
                )
            )
        options = [str(option) for option in question.options]
        for place, option in enumerate(picked):
            if option not in options:
                raise InvalidInput(
                    InputError(
                        f"The question {key!r} offers no {option!r}; name one of its options.",
                        pointer=pointer(*path, key, place),
                        legal=options,
                    )
                )


def _groups(study: Study, way: WayIn, given: Sequence[Mapping[str, Any]]) -> list[PlaceGroup]:
    """The groups as they are to be: those that stand by their names, and new ones."""
    standing = {} if way._state.adding else {group.name: group for group in way.groups.all()}
    questions = {
        question.key: question
        for question in study.profile_questions.filter(kind=ProfileQuestion.Kind.CHOICE)
    }
    made: list[PlaceGroup] = []
    for place, row in enumerate(given):
        path = ("groups", place)
        name = str(row.get("name", ""))
        if any(name == before.name for before in made):
            raise InvalidInput(
                InputError(
                    f"The name {name!r} stands twice; give one of the groups another.",
                    pointer=pointer(*path, "name"),
                )
            )
        answers = row.get("answers", {})
        _refuse_unknown(answers, questions, *path, "answers")
        form = PlaceGroupForm(
            {**row, "answers": AnswersField().prepare_value(answers)},
            instance=standing.get(name) or PlaceGroup(way_in=way),
            study=study,
        )
        require_valid(form, *path)
        made.append(form.instance)
    return made


def _saved(request: Request, study: Study, way: WayIn, given: dict[str, Any]) -> WayIn:
    """Check a way with its groups by the researchers' own forms, and save both."""
    wanted = given.pop("groups", None)
    form = WayInForm({**model_to_dict(way, fields=WayInForm.Meta.fields), **given}, instance=way)
    require_valid(form)
    groups = None if wanted is None else _groups(study, form.instance, wanted)
    return services.save_way_with_groups(way=form.instance, groups=groups, actor=signed_in(request))


class WayInList(StudyList[WayIn]):
    """Ways in."""

    serializer_class = WayInRow
    filterset_class = WayInFilters
    queryset = WayIn.objects.all()

    def rows(self) -> QuerySet[WayIn]:
        """The study's ways in, with their groups."""
        return _ways(self.study)

    def paginate_queryset(self, queryset: Any) -> list[WayView]:  # type: ignore[override] # a row shows a way as it stands
        """The ways of the page as they stand."""
        ways = super().paginate_queryset(queryset) or []
        return views_of(study=self.study, ways=ways, now=timezone.now())

    @extend_schema(summary="List ways in")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Open links and panels, each with its address and with its places as they fill."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Add a way in", request=WayInBody, responses={201: WayInRow})
    def post(self, request: Request, study_id: UUID) -> Response:
        """Add an open link, Prolific or another panel, with its groups. A new way is closed.

        A study whose jury is drawn by lot, or that has no jury, is refused.
        """
        given = checked(WayInBody, request)
        if reason := why_study_has_no_ways(study=self.study):
            raise Conflict(reason)
        way = _saved(request, self.study, WayIn(study=self.study), given)
        return Response(
            _shown(self.study, way),
            status=201,
            headers={"Location": reverse("api-way-in", args=[self.study.public_id, way.public_id])},
        )


class InWay(StudyView[WayIn]):
    """A view of one way in."""

    serializer_class = WayInRow
    queryset = WayIn.objects.all()

    def way(self) -> WayIn:
        """The way in the address.

        Raises:
            Http404: the study has no such way.
        """
        found = _ways(self.study).filter(public_id=self.kwargs["way_id"]).first()
        if found is None:
            raise Http404("The study has no such way in.")
        return found


class OneWayIn(InWay):
    """One way in."""

    @extend_schema(summary="Read a way in")
    def get(self, request: Request, study_id: UUID, way_id: UUID) -> Response:
        """One way in with its address, and with its places as they fill."""
        return Response(_shown(self.study, self.way()))

    @extend_schema(summary="Change a way in", request=WayInBody(partial=True), responses=WayInRow)
    def patch(self, request: Request, study_id: UUID, way_id: UUID) -> Response:
        """Change the fields that are sent; `groups` is sent whole. An open way stays open."""
        given = checked(WayInBody, request, partial=True)
        way = _saved(request, self.study, self.way(), given)
        return Response(_shown(self.study, way))

    @extend_schema(summary="Remove a way in", responses={204: None})
    def delete(self, request: Request, study_id: UUID, way_id: UUID) -> Response:
        """Remove a way by which nobody has come; close one by which somebody has."""
        services.remove_way(way=self.way(), actor=signed_in(request))
        return Response(status=204)


class WayInOpening(InWay):
    """Letting newcomers in."""

    @extend_schema(summary="Open a way in", request=NoBody, responses=WayInRow)
    def post(self, request: Request, study_id: UUID, way_id: UUID) -> Response:
        """Let newcomers in as long as the study is open too. What stands against it is told."""
        checked(NoBody, request)
        way = services.open_way(way=self.way(), actor=signed_in(request))
        return Response(_shown(self.study, way))


class WayInClosing(InWay):
    """Letting nobody new in."""

    @extend_schema(summary="Close a way in", request=NoBody, responses=WayInRow)
    def post(self, request: Request, study_id: UUID, way_id: UUID) -> Response:
        """Let nobody new in. Whoever has a place can go on. A closed way opens again."""
        checked(NoBody, request)
        way = services.close_way(way=self.way(), actor=signed_in(request))
        return Response(_shown(self.study, way))
