"""Questions before the work: about the juror herself, and the quiz on the instructions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.said import JUROR, SaidList, history_filter
from annotations.api.scope import SEES_ANSWERS, StudyList, jurors_of, quiz_context
from annotations.forms.study_parts import PartForm, ProfileQuestionForm, QuizQuestionForm
from annotations.models import ProfileQuestion, ProfileReply, QuizQuestion, Study
from annotations.models.study import LONGEST_ANSWER
from annotations.services.study_content import replace_parts
from juries.api.bodies import Body, OneOf, Row, checked, require_valid
from juries.api.filters import flag_filter, id_filter, name_filter, since_filter
from juries.api.problems import InputError, InvalidInput, pointer
from juries.api.rights import signed_in

QUESTIONS_AT_ONCE = 100
OPTIONS_AT_MOST = 200


class OptionText(serializers.CharField):
    """An option as shown: on one line, since the pages edit options a line each."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_ANSWER, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Refuse what would fall into several lines."""
        text = str(super().to_internal_value(data))
        if len(text.splitlines()) > 1:
            raise serializers.ValidationError("An option stands on one line; take the break out.")
        return text


class ProfileQuestionRow(Row):
    """A question about the juror herself."""

    key = serializers.CharField(help_text="Its name in data and groups, once in the study.")
    text = serializers.CharField(help_text="As asked.")
    kind = OneOf(ProfileQuestion.Kind.choices, help_text="How it is answered.")
    options = serializers.ListField(
        child=serializers.CharField(), help_text="What can be chosen, in the order shown."
    )
    is_required = serializers.BooleanField(help_text="It can't be skipped.")
    position = serializers.IntegerField(help_text="Its place in the order.")


class QuizQuestionRow(Row):
    """A question about the instructions."""

    key = serializers.CharField(help_text="Its name in data, once in the study.")
    text = serializers.CharField(help_text="As asked.")
    options = serializers.ListField(
        child=serializers.CharField(), help_text="What can be chosen, in the order shown."
    )
    right = serializers.CharField(
        allow_null=True,
        help_text="The right one of the options; null: shown to owners and editors alone.",
    )
    explanation = serializers.CharField(
        allow_null=True,
        help_text="Shown after a wrong answer; empty: nothing; null: shown to owners and editors "
        "alone.",
    )
    position = serializers.IntegerField(help_text="Its place in the order.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The question; what tells the right answer only to who may see it."""
        row = super().to_representation(instance)
        if not self.context.get(SEES_ANSWERS):
            row |= {"right": None, "explanation": None}
        return row


class ProfileReplyRow(Row):
    """What a juror said about herself."""

    juror = serializers.UUIDField(
        source="participation__juror__public_id", help_text="Random id of the juror."
    )
    question = serializers.CharField(source="question__key", help_text="Key of the question.")
    value = serializers.CharField(help_text="What she said, or the option that she chose.")
    is_current = serializers.BooleanField(help_text="False: she has since changed it.")
    is_simulated = serializers.BooleanField(
        source="participation__juror__is_simulated", help_text="The juror is made up."
    )
    created_at = serializers.DateTimeField(help_text="When she said it.")


class ProfileQuestionBody(Body):
    """A question about the juror that is wanted."""

    key = serializers.SlugField(max_length=60, help_text="Its name in data, once in the study.")
    text = serializers.CharField(max_length=300, help_text="As asked.")
    kind = OneOf(
        ProfileQuestion.Kind.choices,
        required=False,
        default=ProfileQuestion.Kind.CHOICE,
        help_text="How it is answered.",
    )
    options = serializers.ListField(
        child=OptionText(),
        required=False,
        default=list,
        max_length=OPTIONS_AT_MOST,
        help_text="Of a choice: two or more, in the order shown.",
    )
    is_required = serializers.BooleanField(
        required=False, default=True, help_text="It can't be skipped."
    )


class QuizQuestionBody(Body):
    """A question of the quiz that is wanted."""

    key = serializers.SlugField(max_length=60, help_text="Its name in data, once in the study.")
    text = serializers.CharField(max_length=300, help_text="As asked.")
    options = serializers.ListField(
        child=OptionText(), max_length=OPTIONS_AT_MOST, help_text="Two or more, as shown."
    )
    right = serializers.CharField(
        max_length=LONGEST_ANSWER, help_text="One of the options, word for word."
    )
    explanation = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text="Shown after a wrong answer: what the instructions say, and where.",
    )


class ProfileQuestionsBody(Body):
    """All questions about the juror that the study is to have."""

    questions = serializers.ListField(
        child=ProfileQuestionBody(), max_length=QUESTIONS_AT_ONCE, help_text="In order."
    )


class QuizQuestionsBody(Body):
    """All questions of the quiz that the study is to have."""

    questions = serializers.ListField(
        child=QuizQuestionBody(), max_length=QUESTIONS_AT_ONCE, help_text="In order."
    )


def _questions_of(view: Any) -> QuerySet[ProfileQuestion]:
    questions: QuerySet[ProfileQuestion] = view.study.profile_questions.all()
    return questions


class ProfileReplyFilters(django_filters.FilterSet):
    """Which replies."""

    juror = id_filter("participation__juror_id", jurors_of, "juror", JUROR)
    question = name_filter(
        "question_id", _questions_of, "key", "question", "Replies to the question of this key."
    )
    history = history_filter()
    since = since_filter("created_at", "What was said at this moment or later.")
    is_simulated = flag_filter(
        "participation__juror__is_simulated", "Made-up jurors alone, or the others."
    )


def _filled(
    form: type[PartForm[Any]],
    kind: type[ProfileQuestion] | type[QuizQuestion],
    study: Study,
    given: Sequence[dict[str, Any]],
) -> list[Any]:
    """The questions as they are to be: those that stand by their keys, and new ones."""
    standing = {row.key: row for row in kind._default_manager.filter(study=study)}
    made: list[Any] = []
    for place, row in enumerate(given):
        path = ("questions", place)
        if any(row["key"] == before.key for before in made):
            raise InvalidInput(
                InputError(
                    f"The key {row['key']!r} stands twice; give one of the questions another.",
                    pointer=pointer(*path, "key"),
                )
            )
        instance = standing.get(row["key"]) or kind(study=study)
        filled = form({**row, "position": place}, instance=instance)
        require_valid(filled, *path)
        made.append(filled.instance)
    return made


class ProfileQuestionList(StudyList[ProfileQuestion]):
    """Questions about the juror."""

    serializer_class = ProfileQuestionRow
    queryset = ProfileQuestion.objects.all()

    def rows(self) -> QuerySet[ProfileQuestion]:
        """The study's questions about the juror."""
        return self.study.profile_questions.all()

    @extend_schema(summary="List questions about the juror")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What each juror is asked about herself, once, before the work."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Replace the questions about the juror",
        request=ProfileQuestionsBody,
        responses={200: ProfileQuestionRow(many=True)},
    )
    def put(self, request: Request, study_id: UUID) -> Response:
        """Make these all the questions about the juror, in this order; all of it or nothing.

        A question that stands is known by its key. One that jurors have answered keeps its words
        and the options it has, and can't be left out.
        """
        given = checked(ProfileQuestionsBody, request)["questions"]
        wanted = _filled(ProfileQuestionForm, ProfileQuestion, self.study, given)
        replace_parts(
            study=self.study, standing=self.rows(), wanted=wanted, actor=signed_in(request)
        )
        return Response(ProfileQuestionRow(wanted, many=True).data)


class QuizQuestionList(StudyList[QuizQuestion]):
    """Questions of the quiz."""

    serializer_class = QuizQuestionRow
    queryset = QuizQuestion.objects.all()

    def get_serializer_context(self) -> dict[str, Any]:
        """Whether the user may see which answers are right."""
        return {**super().get_serializer_context(), **quiz_context(self)}

    def rows(self) -> QuerySet[QuizQuestion]:
        """The study's quiz."""
        return self.study.quiz_questions.all()

    @extend_schema(summary="List questions of the quiz")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Questions on the instructions; for owners and editors with their right answers."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Replace the quiz",
        request=QuizQuestionsBody,
        responses={200: QuizQuestionRow(many=True)},
    )
    def put(self, request: Request, study_id: UUID) -> Response:
        """Make these all the questions of the quiz, in this order; all of it or nothing.

        A question that stands is known by its key. One that jurors have answered keeps its words,
        options and right answer, and can't be left out. No questions: there is no quiz.
        """
        given = checked(QuizQuestionsBody, request)["questions"]
        wanted = _filled(QuizQuestionForm, QuizQuestion, self.study, given)
        replace_parts(
            study=self.study, standing=self.rows(), wanted=wanted, actor=signed_in(request)
        )
        return Response(self.get_serializer(wanted, many=True).data)


class ProfileReplyList(SaidList[ProfileReply]):
    """Replies of jurors about themselves."""

    serializer_class = ProfileReplyRow
    filterset_class = ProfileReplyFilters
    queryset = ProfileReply.objects.all()

    def rows(self) -> QuerySet[ProfileReply, Any]:
        """Replies of the study's jurors."""
        return self.as_rows(ProfileReply.objects.filter(participation__study=self.study))

    @extend_schema(summary="List what jurors said about themselves")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What each juror answered to the questions about herself, under her random id."""
        return self.list(request, *args, **kwargs)
