"""What a juror's browser sends with a page, besides the answer itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import QueryDict

from annotations.models import ProfileQuestion
from annotations.selectors.quiz import QuizItem

# A page open for longer than this says nothing about the work.
MAX_MILLISECONDS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Envelope:
    """The id of a submission and the time spent on its page, in milliseconds."""

    client_id: UUID
    active_ms: int
    idle_ms: int

    @classmethod
    def of(cls, data: QueryDict) -> "Envelope":
        """Read an envelope. A missing id is made here; senseless times count as unknown (0)."""
        try:
            client_id = UUID(data.get("client_id", ""))
        except ValueError:
            client_id = uuid4()
        return cls(client_id, _milliseconds(data, "active_ms"), _milliseconds(data, "idle_ms"))


def _milliseconds(data: QueryDict, name: str) -> int:
    text = data.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_MILLISECONDS))):
        return 0
    return min(int(text), MAX_MILLISECONDS)


class ConsentForm(forms.Form):
    """Yes or no, and to which version of the text."""

    decision = forms.ChoiceField(choices=[("agree", "agree"), ("decline", "decline")])
    version = forms.CharField(max_length=40, required=False)


class ProfileForm(forms.Form):
    """The study's questions about the juror, a field for each."""

    NOT_SAID = ("", "I’d rather not say")

    def __init__(self, questions: Sequence[ProfileQuestion], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in questions:
            self.fields[question.key] = self._field(question)

    def _field(self, question: ProfileQuestion) -> forms.Field:
        missing = {"required": "Please answer this question."}
        if question.kind == ProfileQuestion.Kind.CHOICE:
            choices = [(str(option), str(option)) for option in question.options]
            if not question.is_required:
                choices.append(self.NOT_SAID)
            return forms.ChoiceField(
                label=question.text,
                choices=choices,
                widget=forms.RadioSelect,
                required=question.is_required,
                error_messages={
                    **missing,
                    "invalid_choice": "Please choose one of the answers that are shown.",
                },
            )
        if question.kind == ProfileQuestion.Kind.NUMBER:
            return forms.DecimalField(
                label=question.text,
                required=question.is_required,
                max_digits=18,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
                error_messages={**missing, "invalid": "Please give a number."},
            )
        return forms.CharField(
            label=question.text,
            required=question.is_required,
            max_length=2000,
            widget=forms.Textarea(attrs={"rows": 3}),
            error_messages=missing,
        )

    def replies(self) -> dict[str, str]:
        """Cleaned replies by the question's key; "" for a skipped one."""
        return {
            key: "" if value is None else str(value) for key, value in self.cleaned_data.items()
        }


class QuizForm(forms.Form):
    """The questions of the quiz that are still open, a field for each.

    Beside each field stands which try the page was made for, so that a page that is sent twice
    counts once.
    """

    def __init__(self, items: Sequence[QuizItem], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._items = tuple(items)
        for item in self._items:
            if item.is_open:
                options = [(str(option), str(option)) for option in item.question.options]
                self.fields[item.question.key] = forms.ChoiceField(
                    label=item.question.text,
                    choices=options,
                    widget=forms.RadioSelect,
                    error_messages={
                        "required": "Please choose one of the answers.",
                        "invalid_choice": "Please choose one of the answers that are shown.",
                    },
                )

    def rows(self) -> list[tuple[QuizItem, forms.BoundField | None]]:
        """Every question, with its field while it is open."""
        return [(item, self[item.question.key] if item.is_open else None) for item in self._items]

    def answers(self) -> dict[str, str]:
        """The option picked, by the question's key."""
        return {key: str(value) for key, value in self.cleaned_data.items()}

    def attempts(self) -> dict[str, int]:
        """Which try the page was made for, by the question's key, where it says so."""
        written = {key: str(self.data.get(f"attempt_{key}", "")) for key in self.fields}
        return {
            key: int(text)
            for key, text in written.items()
            if text.isascii() and text.isdigit() and len(text) < 10
        }


class LeaveForm(forms.Form):
    """How a juror wants to leave."""

    SEAT = "seat"
    PERSON = "person"
    EVERYTHING = "everything"

    how = forms.ChoiceField(
        label="How would you like to leave?",
        choices=[
            (SEAT, "Give up my seat"),
            (PERSON, "Give up my seat and erase who I am"),
            (EVERYTHING, "Erase who I am and everything I said"),
        ],
        widget=forms.RadioSelect,
        error_messages={
            "required": "Please choose how you would like to leave.",
            "invalid_choice": "Please choose one of the three ways.",
        },
    )
