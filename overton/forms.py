"""What researchers send on this floor's pages; nothing is saved here."""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.utils.text import Truncator

from annotations.domain.tables import ENCODINGS
from annotations.models import Criterion, Response, Study
from juries.models import Feature
from overton.domain.coverage import MEASURES
from overton.models import Answer, EntailmentReading, ExpressionLabel, WindowRule

PEOPLE_ALONE = "people"

LONGEST_ANSWER = 4000


class LabelForm(forms.Form):
    """One label of a (response, answer) pair of the given study.

    After validation `cleaned_data` holds the rows themselves, under `response` and `answer`.
    """

    response = forms.UUIDField(widget=forms.HiddenInput)
    answer = forms.UUIDField(widget=forms.HiddenInput)
    label = forms.ChoiceField(
        choices=ExpressionLabel.Label.choices,
        error_messages={"required": "Choose one of the three labels."},
    )

    def __init__(self, *args: Any, study: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.study = study

    def clean_response(self) -> Response:
        """The response, of this study alone."""
        public_id: UUID = self.cleaned_data["response"]
        response = Response.objects.filter(query__study=self.study, public_id=public_id).first()
        if response is None:
            raise forms.ValidationError("This study has no such response.")
        return response

    def clean_answer(self) -> Answer:
        """The answer, put to the jury on the response's own query."""
        public_id: UUID = self.cleaned_data["answer"]
        response: Response | None = self.cleaned_data.get("response")
        answer = Answer.objects.filter(
            query__study=self.study,
            query_id=response.query_id if response is not None else 0,
            public_id=public_id,
            state=Answer.State.ACCEPTED,
        ).first()
        if answer is None:
            raise forms.ValidationError(
                "This answer is no longer put to the jury, or belongs to another query."
            )
        return answer


class ResolutionForm(LabelForm):
    """What stands for a pair that people read differently."""

    reason = forms.CharField(
        max_length=300,
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="It stands beside the pair for good. Everybody's readings stay too.",
        error_messages={"required": "Say why, in a sentence."},
    )


class NewAnswerForm(forms.Form):
    """An answer to the query whose page this is."""

    text = forms.CharField(
        max_length=LONGEST_ANSWER,
        label="The answer",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One distinct position, in a sentence or two.",
    )
    external_id = forms.CharField(
        max_length=120,
        required=False,
        label="Id",
        help_text="Your own name for it within the query; one is made up if you leave it empty.",
    )


class OpinionForm(forms.Form):
    """The position in a juror's own words."""

    text = forms.CharField(
        max_length=LONGEST_ANSWER,
        label="As an answer",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Keep her words, or shorten them to the position that they take. What she wrote "
        "stays as it is.",
    )


class OutsideFileForm(forms.Form):
    """A table of answers, or of judgements, made elsewhere."""

    MOST_BYTES: ClassVar[int] = 20 * 1024 * 1024

    kind = forms.ChoiceField(
        label="What it holds",
        choices=[("answers", "Answers"), ("judgements", "Judgements")],
        widget=forms.RadioSelect,
        initial="answers",
    )
    table = forms.FileField(
        label="CSV or JSON Lines",
        help_text="The first row of a CSV names the columns.",
    )
    encoding = forms.ChoiceField(
        choices=[("", "UTF-8, or as its first bytes say"), *((name, name) for name in ENCODINGS)],
        required=False,
    )

    def clean_table(self) -> Any:
        """Not larger than one page can read."""
        upload = self.cleaned_data["table"]
        if upload.size > self.MOST_BYTES:
            raise forms.ValidationError(
                f"The file has {upload.size / 1e6:.0f} MB; at most {self.MOST_BYTES / 1e6:.0f} can "
                "be uploaded. Use the command import_answers or import_judgements for more."
            )
        return upload


class AnswerForm(forms.ModelForm[Answer]):
    """An answer as it is written in the admin."""

    external_id = forms.CharField(
        max_length=120,
        required=False,
        label="Id",
        help_text="Your own name for it within the query; one is made up if you leave it empty.",
    )
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3, "cols": 80}),
        help_text="One distinct position, in a sentence or two. Once people have judged it, its "
        "words stay as they are.",
    )

    class Meta:
        model = Answer
        fields = ("query", "external_id", "text")


class DecisionForm(forms.Form):
    """A decision on some answers, with its reason."""

    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 80}),
        help_text="It stands beside the answer for good.",
        error_messages={"required": "Say why, in a sentence."},
    )

    def __init__(
        self, *args: Any, answers: Sequence[Answer], needs_reason: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.answers = answers
        self.fields["reason"].required = needs_reason


class ConfirmForm(DecisionForm):
    """A decision that needs no words."""

    reason = None  # type: ignore[assignment] # how Django takes a field from a subclass

    def __init__(
        self,
        *args: Any,
        answers: Sequence[Answer],
        needs_reason: bool = False,  # noqa: ARG002 - as all decisions are made
        **kwargs: Any,
    ) -> None:
        forms.Form.__init__(self, *args, **kwargs)
        self.answers = answers


class MergeForm(DecisionForm):
    """What the chosen answers are merged into: an accepted answer to the same query."""

    into = forms.ModelChoiceField(queryset=Answer.objects.none(), label="Merge into")
    field_order = ("into", "reason")

    def __init__(self, *args: Any, answers: Sequence[Answer], **kwargs: Any) -> None:
        super().__init__(*args, answers=answers, **kwargs)
        targets = Answer.objects.filter(
            query_id=answers[0].query_id, state=Answer.State.ACCEPTED
        ).exclude(pk__in=[answer.pk for answer in answers])
        field = self.fields["into"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = targets


class AnswerChoice(forms.ModelChoiceField[Answer]):
    """One of several answers, by its words."""

    def label_from_instance(self, obj: Answer) -> str:
        """Its words, cut short, and that it waits where it does."""
        waits = " (waits for a decision)" if obj.state == Answer.State.PROPOSED else ""
        return f"{Truncator(obj.text).chars(120)}{waits}"


class OtherAnswerForm(DecisionForm):
    """A decision on one answer with regard to another of the same query."""

    into = AnswerChoice(
        queryset=Answer.objects.none(),
        to_field_name="public_id",
        error_messages={"required": "Choose the other answer."},
    )
    field_order = ("into", "reason")

    def __init__(
        self,
        *args: Any,
        answers: Sequence[Answer],
        label: str = "Merge into",
        states: Sequence[str] = (Answer.State.ACCEPTED,),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, answers=answers, **kwargs)
        field = self.fields["into"]
        assert isinstance(field, forms.ModelChoiceField)
        field.label = label
        field.queryset = Answer.objects.filter(
            query_id=answers[0].query_id, state__in=states
        ).exclude(pk=answers[0].pk)


class WindowRuleForm(forms.ModelForm[WindowRule]):
    """A study's rule; `studies` limits which features are offered as groups."""

    studies: ClassVar[QuerySet[Study]] = Study.objects.none()
    group_features = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Groups by",
        help_text="Each value of these traits is a group with a say of its own; none: the whole "
        "jury is the one group.",
    )

    class Meta:
        model = WindowRule
        fields = (
            *("study", "correct_share", "reasonable_share", "confidence"),
            *("group_minimum", "group_features"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = (
            Feature.objects.filter(pool__juries__studies__in=self.studies)
            .order_by("name")
            .values_list("name", flat=True)
            .distinct()
        )
        kept = self.instance.group_features or []
        field = self.fields["group_features"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(name, name) for name in dict.fromkeys((*names, *kept))]

    def clean_group_minimum(self) -> int:
        """At least one."""
        number: int = self.cleaned_data["group_minimum"]
        if number < 1:
            raise forms.ValidationError("A group needs at least one verdict to have a say.")
        return number

    def clean(self) -> dict[str, Any] | None:
        """The features must be those of the study's own pool."""
        cleaned = super().clean()
        study = self.cleaned_data.get("study") or getattr(self.instance, "study", None)
        if study is not None and study.jury is not None:
            known = set(study.jury.pool.features.values_list("name", flat=True))
            unknown = sorted(set(self.cleaned_data.get("group_features", ())) - known)
            if unknown:
                self.add_error(
                    "group_features",
                    f"The pool of this study's jury has no {', '.join(unknown)}; "
                    f"it has {', '.join(sorted(known)) or 'no features'}.",
                )
        return cleaned


class GroupsForm(forms.Form):
    """Whose shares a window's plane shows: the whole jury's, or those of a feature's groups."""

    by = forms.ChoiceField(required=False, label="Show")

    def __init__(self, *args: Any, features: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["by"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", "the whole jury"),
            *((name, f"groups by {name}") for name in features),
        ]


class ComparisonForm(forms.Form):
    """Which measure the sources are compared by, and which ratings say who is represented."""

    measure = forms.ChoiceField(required=False, choices=[(name, name) for name in MEASURES])
    readers = forms.ChoiceField(
        required=False,
        label="Whose readings count",
        choices=[
            ("", "people’s, and a model’s where they are silent"),
            (PEOPLE_ALONE, "people’s alone"),
        ],
    )
    criterion = forms.ChoiceField(
        required=False,
        label="Ratings that say whether a juror finds her view in a response",
    )

    def __init__(self, *args: Any, criteria: Sequence[Criterion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["criterion"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", "none"),
            *((own.key, f"{own.name}: {own.question}") for own in criteria),
        ]


class ReadingForm(forms.Form):
    """How the responses are to be read, and by which judge.

    `usual` names the judge of the settings, `backends` the others that they know.
    """

    mode = forms.ChoiceField(
        label="How to read",
        choices=EntailmentReading.Mode.choices,
        widget=forms.RadioSelect,
    )
    judge = forms.ChoiceField(required=False, label="Which judge")
    model = forms.CharField(
        required=False,
        max_length=200,
        label="Its model",
        help_text="A folder on the worker's machine, a hub id, or the name of a language model. "
        "Leave it empty for the judge's own.",
    )

    def __init__(self, *args: Any, usual: str, backends: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["judge"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", f"that of the settings: {usual}"), *((own, own) for own in backends)]

    def clean(self) -> dict[str, Any] | None:
        """A model is named for a judge that is named."""
        cleaned = super().clean()
        if self.cleaned_data.get("model") and not self.cleaned_data.get("judge"):
            self.add_error(
                "model", "Choose the judge that this model is for, or leave the model empty."
            )
        return cleaned

    def backend(self) -> str:
        """As `overton.ports.chosen` takes it; empty for the judge of the settings."""
        judge: str = self.cleaned_data["judge"]
        model: str = self.cleaned_data["model"]
        return f"{judge}:{model}" if model else judge
