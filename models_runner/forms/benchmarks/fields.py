"""Fields that several forms of benchmarks have."""

from typing import Any

from django import forms

from juries.domain.welfare import alpha_of
from models_runner.models import LanguageModel

OFFERED_MODELS = LanguageModel.objects.filter(is_offered=True).order_by("name")


class LinesField(forms.CharField):
    """Texts, one a line, without blanks around them; empty lines are left out, and none is fine."""

    def __init__(self, *, rows: int, label: str, help_text: str, initial: str = "") -> None:
        super().__init__(
            required=False,
            widget=forms.Textarea(attrs={"rows": rows}),
            label=label,
            help_text=help_text,
            initial=initial or None,
        )

    def clean(self, value: Any) -> tuple[str, ...]:
        """The lines of a text that is fine as a whole."""
        text: str = super().clean(value)
        return tuple(line.strip() for line in text.splitlines() if line.strip())


class AlphaField(forms.CharField):
    """An alpha of the welfare: a number of 0 or more, or "inf" for the worst-off juror."""

    def clean(self, value: Any) -> float:
        """The alpha as a number, infinite or not."""
        text = str(super().clean(value))
        try:
            return alpha_of(text)
        except ValueError:
            raise forms.ValidationError(
                f"α = {text} can't be taken. Write a number of 0 or more, or inf."
            ) from None


class OfferedModelsField(forms.ModelMultipleChoiceField[LanguageModel]):
    """Some of the language models that are offered."""

    def __init__(self, *, help_text: str, required: bool = True) -> None:
        super().__init__(
            queryset=OFFERED_MODELS,
            label="Models",
            required=required,
            widget=forms.CheckboxSelectMultiple,
            to_field_name="public_id",
            help_text=help_text,
        )
