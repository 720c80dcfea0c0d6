"""A benchmark of distributions of answers."""

from django import forms

from models_runner.domain.benchmark_definition import Definition, DistributionalDefinition
from models_runner.domain.elicitation import ElicitationMode
from models_runner.forms.benchmarks.asking import AskingForm

MODES = (
    (ElicitationMode.LETTERS_TEXT, "letters, mean of probabilities"),
    (ElicitationMode.LETTERS_PAPER_CODE, "letters, mean of logits (sharper)"),
    (ElicitationMode.SAMPLED, "sampled answers"),
    (ElicitationMode.STATED, "percentages that the model states"),
    (ElicitationMode.LIKELIHOOD, "likelihood of the options' words"),
    (ElicitationMode.LIKELIHOOD_MEAN, "the same per token"),
)


class DistributionalForm(AskingForm):
    """Distributions of answers."""

    modes = forms.MultipleChoiceField(
        label="How answers are drawn out",
        choices=MODES,
        initial=[ElicitationMode.LETTERS_TEXT],
        widget=forms.CheckboxSelectMultiple,
    )
    groups = (
        ("What", ("name", "models", "modes")),
        ("People", AskingForm.PEOPLE),
        ("How models are asked", AskingForm.ASKED),
        ("How distances are counted", AskingForm.COUNTED),
    )

    def define(self) -> Definition:
        """As declared."""
        return DistributionalDefinition(
            models=self.chosen(),
            modes=tuple(self.cleaned_data["modes"]),
            people=self.people_of(),
            asking=self.asking_of(),
            measuring=self.measuring_of(),
            most=self.cleaned_data["most"],
        )
