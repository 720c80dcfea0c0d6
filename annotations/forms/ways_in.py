"""Coming into a study, and how researchers set the ways in."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from django import forms

from annotations.domain.completion import (
    InvalidCompletion,
    Outcome,
    check_code,
    check_parameter,
    check_template,
    is_address,
)
from annotations.models import PlaceGroup, ProfileQuestion, Study, WayIn
from annotations.services.ways_in import problems_of_group, problems_of_way
from juries.forms.traps import TrappedForm


class EntryForm(TrappedForm):
    """Yes or no to a study's consent text, and to which version of it.

    `ticket` is made with the page: sent twice, it is one person all the same.
    """

    salt = "annotations.ways_in.entry"

    decision = forms.ChoiceField(
        choices=[("agree", "agree"), ("decline", "decline")],
        error_messages={"required": "Please say whether you agree."},
    )
    version = forms.CharField(max_length=40, required=False)
    ticket = forms.UUIDField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ticket"].initial = uuid4


class AnswersField(forms.MultipleChoiceField):
    """Options of a study's questions about the juror, ticked; as {question: [options]}."""

    widget = forms.CheckboxSelectMultiple

    def offer(self, questions: Sequence[ProfileQuestion]) -> None:
        """Show the options of these questions."""
        self.choices = [
            (
                f"{question.key}: {question.text}",
                [(_pair(question.key, str(option)), str(option)) for option in question.options],
            )
            for question in questions
            if question.kind == ProfileQuestion.Kind.CHOICE
        ]

    def prepare_value(self, value: Any) -> Any:
        """Stored answers as ticks; what was sent stays as it is."""
        if isinstance(value, Mapping):
            return [_pair(key, option) for key, picked in value.items() for option in picked]
        return value

    def clean(self, value: Any) -> dict[str, list[str]]:
        """The ticks as answers by question."""
        answers: dict[str, list[str]] = {}
        for tick in super().clean(value):
            key, option = json.loads(tick)
            answers.setdefault(key, []).append(option)
        return answers

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the ticks, in whatever order."""
        return set(self.prepare_value(initial or {})) != set(data or ())


def _pair(key: str, option: str) -> str:
    return json.dumps([key, option], ensure_ascii=False)


class PlaceGroupForm(forms.ModelForm[PlaceGroup]):
    """A group and its places."""

    answers = AnswersField(
        label="Who belongs to it",
        help_text="Of each question that has a tick, one of the ticked answers must be hers. "
        "Groups that tick the same questions stand beside each other; who fits none of them is "
        "turned away.",
        error_messages={"required": "Tick the answers of those who belong to this group."},
    )

    class Meta:
        model = PlaceGroup
        fields = ("name", "places", "answers")

    def __init__(self, *args: Any, study: Study | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["answers"]
        assert isinstance(field, AnswersField)
        field.offer([] if study is None else list(study.profile_questions.all()))

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # Django's, but not in the stubs
        if not self.errors and self.has_changed():
            for field, reason in problems_of_group(group=self.instance).items():
                self.add_error(field if field in self.fields else None, reason)


class WayInForm(forms.ModelForm[WayIn]):
    """An open link, Prolific, or another panel; and what people take with them at the end."""

    class Meta:
        model = WayIn
        fields = (
            "name", "kind", "places", "id_parameter", "completion_url", "complete",
            "screened_out", "quota_full", "no_consent",
        )  # fmt: skip
        labels = {
            "id_parameter": "Parameter with the participant’s id",
            "completion_url": "Address at the end",
            "complete": "Finished",
            "screened_out": "Screened out",
            "quota_full": "Group full",
            "no_consent": "No consent",
        }
        help_texts = {
            "kind": "Fixed once somebody has come.",
            "id_parameter": "Another panel: the name in its address, such as “participant_id”.",
            "completion_url": "Another panel or an open link: where everybody is sent at the end, "
            "such as https://panel.example.org/end?id={id}&status={status}. {id}, {status} "
            "(complete, screened_out, quota_full, no_consent) and {code} are filled in.",
            "complete": "A completion code; or, except for Prolific, an address of its own for "
            "this ending. Likewise below.",
        }

    def clean(self) -> dict[str, Any]:
        """What no field can say alone."""
        cleaned = super().clean() or {}
        kind = cleaned.get("kind")
        if cleaned.get("places") == 0:
            self.add_error("places", "There must be at least 1 place.")
        for name in Outcome:
            self._check(name.value, lambda text: self._check_ending(text, kind))
        if kind == WayIn.Kind.PANEL:
            self._check("id_parameter", check_parameter)
            if not cleaned.get("id_parameter"):
                self.add_error("id_parameter", "Say in which parameter the panel sends its ids.")
        elif cleaned.get("id_parameter"):
            self.add_error("id_parameter", "Only another panel sends a parameter; leave it empty.")
        if kind == WayIn.Kind.PROLIFIC and cleaned.get("completion_url"):
            self.add_error(
                "completion_url", "Prolific's address is known here; give its codes below."
            )
        self._check(
            "completion_url", lambda text: check_template(text, has_id=kind == WayIn.Kind.PANEL)
        )
        return cleaned

    @staticmethod
    def _check_ending(text: str, kind: str | None) -> None:
        if kind != WayIn.Kind.PROLIFIC and is_address(text):
            check_template(text, has_id=kind == WayIn.Kind.PANEL)
        else:
            check_code(text)

    def _check(self, name: str, check: Any) -> None:
        text = self.cleaned_data.get(name, "")
        if text and name not in self.errors:
            try:
                check(text)
            except InvalidCompletion as problem:
                self.add_error(name, str(problem))

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # Django's, but not in the stubs
        if not self.errors and self.instance.study_id:
            for field, reason in problems_of_way(way=self.instance).items():
                self.add_error(field if field in self.fields else None, reason)
