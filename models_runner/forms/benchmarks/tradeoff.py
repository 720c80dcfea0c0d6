"""A benchmark of steering to trade-offs."""

from collections.abc import Sequence
from math import isfinite

from django import forms

from models_runner.domain.benchmark_definition import (
    Definition,
    InvalidDefinition,
    TradeoffDefinition,
)
from models_runner.forms.benchmarks.fields import OFFERED_MODELS, LinesField
from models_runner.forms.benchmarks.objectives import ObjectivesForm


class TradeoffForm(ObjectivesForm):
    """Steering to trade-offs."""

    model = forms.ModelChoiceField(
        queryset=OFFERED_MODELS,
        label="Steer this model by prompts",
        required=False,
        to_field_name="public_id",
        empty_label="none: the steered models are named below",
        help_text="It answers the study's queries under each function's weights; only objectives "
        "that are predicted can be told of what it writes.",
    )
    steered = LinesField(
        label="Steered models",
        rows=4,
        help_text="A line for each function, in the same order: the source, or row of the file, "
        "that is the model steered to it.",
    )
    static = LinesField(
        label="Models that are not steered",
        rows=2,
        help_text="One a line: sources or rows of the file.",
    )
    reference = forms.CharField(
        label="Reference of the hypervolume",
        required=False,
        help_text="A number for each objective, in their order, with spaces. None: it is left out.",
    )
    most = forms.IntegerField(
        label="At most so many queries", initial=0, min_value=0, help_text="0: all of them."
    )
    groups: Sequence[tuple[str, Sequence[str]]] = (
        ("What", ("name", "objectives", "alpha", "functions", "steered", "static", "reference")),
        ("A model that is steered here", ("model", "most")),
        ("Objectives from a file", ObjectivesForm.FILES),
        ("How intervals are found", ("bootstraps", "seed")),
    )

    def clean_reference(self) -> tuple[float, ...]:
        """Numbers."""
        text = self.cleaned_data["reference"].split()
        try:
            numbers = tuple(float(part) for part in text)
            if not all(isfinite(number) for number in numbers):
                raise ValueError
            return numbers
        except ValueError:
            raise forms.ValidationError(
                f"{' '.join(text)!r} are not all numbers; write such as: 0 0"
            ) from None

    def define(self) -> Definition:
        """As declared."""
        cleaned = self.cleaned_data
        objectives = self.declared_objectives()
        functions = self.functions_of(objectives)
        steered = cleaned["steered"]
        model = cleaned["model"]
        if model is None and len(steered) != len(functions):
            raise InvalidDefinition(
                f"There are {len(functions)} functions and {len(steered)} steered models; name one"
                " for each function, or choose a model to steer."
            )
        return TradeoffDefinition(
            objectives=objectives,
            functions=functions,
            steered={} if model else dict(zip(functions, steered, strict=True)),
            static=() if model else cleaned["static"],
            model=str(model.public_id) if model else "",
            most=cleaned["most"],
            reference=cleaned["reference"],
            bootstraps=cleaned["bootstraps"],
            seed=cleaned["seed"],
        )
