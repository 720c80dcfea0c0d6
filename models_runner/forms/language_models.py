"""Requests about language models, checked: a row of the registry, and how one is to be asked."""

from typing import Any

from django import forms

from models_runner.models import LanguageModel
from models_runner.selectors.language_models import offered_models
from models_runner.services.generation import MOST_SAMPLES, MOST_TOKENS, GenerationSettings
from models_runner.services.language_models import problems_of_model


class LanguageModelForm(forms.ModelForm[LanguageModel]):
    """A row of the registry."""

    class Meta:
        model = LanguageModel
        fields = (
            "name", "kind", "location", "model_id", "revision", "dtype", "device", "template",
            "parameters", "key_variable", "input_price", "output_price", "currency",
            "requests_per_minute", "tokens_per_minute", "parallel_requests", "timeout_seconds",
            "base_model", "description", "is_offered",
        )  # fmt: skip

    def clean_parameters(self) -> object:
        """A blank field is an object without anything in it."""
        given = self.cleaned_data["parameters"]
        return {} if given is None else given

    def _post_clean(self) -> None:
        """After the model's own checks, those of its service, each at its field."""
        super()._post_clean()  # type: ignore[misc]  # the stubs leave this hook out
        if self.errors:
            return
        for field, message in problems_of_model(model=self.instance).items():
            self.add_error(field if field in self.fields else None, message)


class GenerationForm(forms.Form):
    """Which model answers a study's queries, and how it is asked."""

    model = forms.ModelChoiceField(
        queryset=LanguageModel.objects.none(), empty_label=None, label="Model"
    )
    source_name = forms.CharField(
        max_length=120,
        required=False,
        label="Name of the source",
        help_text="As the responses are signed. Blank: the model’s own name. Another way of asking"
        " needs another name.",
    )
    system_prompt = forms.CharField(
        required=False,
        label="Instruction before each query",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Sent as the system message. Blank: none.",
    )
    samples = forms.IntegerField(
        min_value=1, max_value=MOST_SAMPLES, initial=1, label="Responses to each query"
    )
    max_tokens = forms.IntegerField(
        min_value=1, max_value=MOST_TOKENS, initial=512, label="At most so many tokens each"
    )
    temperature = forms.FloatField(
        min_value=0,
        max_value=2,
        initial=1.0,
        help_text="0 takes the likeliest token each time; 1 draws as the model has learnt.",
    )
    top_p = forms.FloatField(
        min_value=0.01, max_value=1, initial=1.0, label="Share of probability drawn from (top p)"
    )
    seed = forms.CharField(
        max_length=100,
        initial="0",
        help_text="The same seed and settings are not asked again.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["model"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = offered_models()

    @property
    def settings(self) -> GenerationSettings:
        """What was asked for, once the form is valid."""
        given = self.cleaned_data
        return GenerationSettings(
            system_prompt=given["system_prompt"].strip(),
            samples=given["samples"],
            max_tokens=given["max_tokens"],
            temperature=given["temperature"],
            top_p=given["top_p"],
            seed=given["seed"],
        )
