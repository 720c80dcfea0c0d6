"""The parts of a study: questions about the juror, criteria, steps, queries, responses."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django import forms
from django.db import models

from annotations.domain.checks import parse_expected
from annotations.domain.scales import InvalidScale, Scale, ScaleKind
from annotations.models import (
    Criterion,
    ProfileQuestion,
    ProtocolStep,
    Query,
    QueryOption,
    QuizQuestion,
    Response,
    Source,
)
from annotations.models.study import LONGEST_ANSWER
from annotations.ports import juror_steps
from annotations.selectors.checks import problem_of_expected
from annotations.services.study_content import problems_of_part

Row = TypeVar("Row", bound=models.Model)


class LinesField(forms.Field):
    """A list of texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 30})

    def prepare_value(self, value: Any) -> Any:
        """A stored list as lines; what was typed stays as it is."""
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """Lines without blanks around them; empty ones are left out."""
        if isinstance(value, list):
            return [str(item) for item in value]
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def validate(self, value: Sequence[str]) -> None:
        """The same line twice would be two options that nobody can tell apart."""
        super().validate(value)
        twice = sorted({line for line in value if list(value).count(line) > 1})
        if twice:
            raise forms.ValidationError(f"These stand twice: {', '.join(twice)}.")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare what the lines say."""
        return self.to_python(initial) != self.to_python(data)


class PointLabelsField(forms.Field):
    """Words for points of a scale, one a line: `1 = not at all`."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 30})

    def prepare_value(self, value: Any) -> Any:
        """Stored labels as lines, from low to high; what was typed stays as it is."""
        if isinstance(value, dict):
            return "\n".join(f"{point} = {text}" for point, text in _by_number(value))
        return value

    def to_python(self, value: Any) -> dict[str, str]:
        """Labels by point.

        Raises:
            ValidationError: a line has no "=", its point is no number or stands twice.
        """
        if isinstance(value, dict):
            return {str(point): str(text) for point, text in value.items()}
        labels: dict[str, str] = {}
        for number, line in enumerate(str(value or "").splitlines(), start=1):
            if not line.strip():
                continue
            point, sign, text = line.partition("=")
            try:
                key = format(float(point.strip()), ".12g")
            except ValueError:
                sign = ""
                key = ""
            if not sign or not text.strip():
                raise forms.ValidationError(
                    f"Line {number} reads {line.strip()!r}; write a point, “=” and its words, "
                    "such as “1 = not at all”."
                )
            if key in labels:
                raise forms.ValidationError(f"Line {number}: the point {key} stands twice.")
            labels[key] = text.strip()
        return labels

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare what the lines say; lines that can't be read are a change."""
        try:
            return self.to_python(initial) != self.to_python(data)
        except forms.ValidationError:
            return True


def _by_number(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    try:
        return sorted(labels.items(), key=lambda pair: float(pair[0]))
    except ValueError:
        return sorted(labels.items())


class PartForm(forms.ModelForm[Row]):
    """Refuses to change what jurors have seen, with the reason and the way out."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # Django's, but not in the stubs
        if self.errors or not self.instance.pk or not self.has_changed():
            return
        for field, reason in problems_of_part(row=self.instance).items():
            self.add_error(field if field in self.fields else None, reason)


class ProfileQuestionForm(PartForm[ProfileQuestion]):
    """A question about the juror herself."""

    options = LinesField(required=False, help_text="One a line, in the order shown.")

    class Meta:
        model = ProfileQuestion
        fields = ("position", "key", "text", "kind", "options", "is_required")

    def clean(self) -> dict[str, Any]:
        """A choice needs options; the other kinds have none."""
        cleaned = super().clean() or {}
        options = cleaned.get("options", [])
        if cleaned.get("kind") == ProfileQuestion.Kind.CHOICE and len(options) < 2:
            if "options" not in self.errors:
                self.add_error(
                    "options",
                    f"A choice needs at least two options; there {_are(len(options))}. "
                    "Write one a line, or let jurors answer in words.",
                )
        elif cleaned.get("kind") in ("text", "number") and options:
            self.add_error("options", "Only a choice has options; remove them or choose that kind.")
        return cleaned


class QuizQuestionForm(PartForm[QuizQuestion]):
    """A question about the instructions, with its right answer."""

    options = LinesField(help_text="One a line, in the order shown.")

    class Meta:
        model = QuizQuestion
        fields = ("position", "key", "text", "options", "right", "explanation")

    def clean_options(self) -> list[str]:
        """Each as long as an answer may be."""
        options: list[str] = self.cleaned_data["options"]
        for number, option in enumerate(options, start=1):
            if len(option) > LONGEST_ANSWER:
                raise forms.ValidationError(
                    f"Line {number} has {len(option)} characters; {LONGEST_ANSWER} are allowed."
                )
        return options

    def clean_right(self) -> str:
        """Without the blanks around it, as the options are."""
        return str(self.cleaned_data["right"]).strip()

    def clean(self) -> dict[str, Any]:
        """Two options at least, and the right answer is one of them."""
        cleaned = super().clean() or {}
        options = cleaned.get("options", [])
        if "options" not in self.errors and len(options) < 2:
            self.add_error(
                "options",
                f"A question of the quiz needs at least two options; there {_are(len(options))}. "
                "Write one a line.",
            )
        elif "right" in cleaned and options and cleaned["right"] not in options:
            self.add_error(
                "right",
                f"{cleaned['right']!r} is not among the options: {', '.join(options)}. "
                "Write one of them, word for word.",
            )
        return cleaned


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count or 'none'}"


class CriterionForm(PartForm[Criterion]):
    """What is rated, and on which scale."""

    labels = PointLabelsField(
        required=False, help_text="Words for points, one a line: 1 = not at all"
    )

    class Meta:
        model = Criterion
        fields = (
            "position", "key", "name", "question", "scale_kind", "low", "high", "step",
            "low_label", "high_label", "labels", "allows_cant_say",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """The scale must make sense as a whole."""
        cleaned = super().clean() or {}
        if any(name in self.errors for name in ("scale_kind", "low", "high", "step", "labels")):
            return cleaned
        try:
            Scale(
                kind=ScaleKind(cleaned["scale_kind"]),
                low=cleaned["low"],
                high=cleaned["high"],
                step=cleaned["step"],
                labels=tuple(
                    (float(point), text) for point, text in cleaned.get("labels", {}).items()
                ),
                allows_cant_say=cleaned["allows_cant_say"],
            )
        except InvalidScale as problem:
            self.add_error(self._field_of(str(problem)), str(problem))
        return cleaned

    def _field_of(self, message: str) -> str:
        if message.startswith("The label"):
            return "labels"
        return "step" if message.startswith(("The step", "Steps")) else "high"


class ProtocolStepForm(PartForm[ProtocolStep]):
    """A step of the work: its kind from those that are plugged in."""

    kind = forms.ChoiceField(label="step")

    class Meta:
        model = ProtocolStep
        fields = ("position", "kind", "prompt", "is_required", "allows_ties")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        known = [(step.kind, f"{step.label[:1].upper()}{step.label[1:]}")
                 for step in juror_steps().values()]  # fmt: skip
        stored = self.instance.kind if self.instance.pk else ""
        if stored and stored not in juror_steps():
            known.append((stored, f"{stored} (not known here)"))
        kind.choices = [("", "---------"), *known]

    def clean(self) -> dict[str, Any]:
        """Only places in an order can be shared."""
        cleaned = super().clean() or {}
        if cleaned.get("allows_ties") and cleaned.get("kind") not in (None, "ranking"):
            self.add_error("allows_ties", "Only a ranking has places to share; untick it here.")
        return cleaned

    def clean_kind(self) -> str:
        """Only steps that this installation has."""
        kind: str = self.cleaned_data["kind"]
        if kind not in juror_steps():
            raise forms.ValidationError(
                f"The step {kind!r} is not known here; choose another or remove it."
            )
        return kind


class ExpectedField(PointLabelsField):
    """Values that a query asks for, one a line: `helpful = 2`."""

    def prepare_value(self, value: Any) -> Any:
        """Stored values as lines; what was typed stays as it is."""
        if isinstance(value, dict):
            return "\n".join(f"{key} = {number:g}" for key, number in sorted(value.items()))
        return value

    def to_python(self, value: Any) -> dict[str, Any]:
        """Numbers by the criterion's key.

        Raises:
            ValidationError: a line has no "=", its value is no number, or a key stands twice.
        """
        if isinstance(value, dict):
            return value
        try:
            return parse_expected(str(value or ""))
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from problem


class QueryForm(PartForm[Query]):
    """What is asked."""

    expected = ExpectedField(
        required=False,
        label="asks for",
        help_text="Only for a query that tells jurors what to answer, to see whether they read: "
        "criterion and value, one a line, such as “helpful = 2”. What they say on it enters no "
        "result; whether they did as asked is reported for you to weigh.",
    )

    external_id = forms.CharField(
        max_length=120,
        required=False,
        label="id",
        help_text="Your own name for it, once in the study; made from its place if empty.",
    )

    class Meta:
        model = Query
        fields = ("external_id", "text", "expected")

    def clean_expected(self) -> dict[str, float]:
        """Values on the study's own criteria, on their scales."""
        expected: dict[str, float] = self.cleaned_data["expected"]
        study = self.instance.study if self.instance.study_id else None
        if expected and study is not None:
            if self.instance.repeats_id is not None:
                raise forms.ValidationError("A query that is put again can't ask for a value.")
            if problem := problem_of_expected(study=study, expected=expected):
                raise forms.ValidationError(problem)
        return expected

    def clean_external_id(self) -> str:
        """Once in the study; a query that stands keeps its id."""
        name: str = self.cleaned_data["external_id"].strip()
        if not name and self.instance.pk:
            return self.instance.external_id
        rivals = Query.objects.filter(study_id=self.instance.study_id, external_id=name)
        if name and rivals.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(f"The study has a query {name!r} already.")
        return name


class QueryOptionForm(PartForm[QueryOption]):
    """An option to choose."""

    class Meta:
        model = QueryOption
        fields = ("position", "key", "text", "code")


class ResponseForm(PartForm[Response]):
    """What a source answered."""

    external_id = forms.CharField(
        max_length=120,
        required=False,
        label="id",
        help_text="Made from the query and the source if empty.",
    )

    class Meta:
        model = Response
        fields = ("external_id", "source", "text")

    def clean_external_id(self) -> str | None:
        """A response that stands keeps its id; None lets the service make one."""
        name: str = self.cleaned_data["external_id"].strip()
        return name or (self.instance.external_id if self.instance.pk else None)


class SourceForm(PartForm[Source]):
    """Who or what answered."""

    class Meta:
        model = Source
        fields = ("name", "revision", "kind", "description")
