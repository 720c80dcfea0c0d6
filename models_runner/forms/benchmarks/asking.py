"""Whose answers models' are set beside, and how models are asked."""

from typing import Any

from django import forms

from annotations.models import Study
from juries.models import Feature
from models_runner.domain.benchmark_definition import Asking, Measuring, People
from models_runner.domain.benchmark_files.people import parse_people
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.distributional.modes import TieRule
from models_runner.forms.benchmarks.base import BenchmarkForm
from models_runner.forms.benchmarks.fields import LinesField, OfferedModelsField


class AskingForm(BenchmarkForm):
    """Whose answers models' are set beside, and how models are asked."""

    models = OfferedModelsField(
        help_text="A model whose base is chosen too is also compared with it, before and after.",
    )
    people = forms.ChoiceField(
        label="People",
        choices=(("jurors", "what jurors chose in this study"), ("file", "a file of answers")),
        widget=forms.RadioSelect,
        initial="jurors",
    )
    people_file = forms.FileField(
        label="File of people's answers",
        required=False,
        help_text="CSV or JSON: options and probabilities (or counts), GlobalOpinionQA, or the "
        "distributional alignment benchmark's files.",
    )
    counts = forms.BooleanField(
        label="Its numbers are counts", required=False, help_text="Of a file with plain columns."
    )
    leave_out = forms.BooleanField(
        label="Leave out questions that can't be used",
        required=False,
        help_text="The report names them.",
    )
    groups_wanted = LinesField(
        label="Groups of the file",
        rows=3,
        help_text="One a line, such as Japan. Nothing: all groups.",
    )
    respondents = forms.FloatField(
        label="People behind each question of the file",
        required=False,
        min_value=1,
        help_text="Where its probabilities come without numbers of people.",
    )
    by = forms.MultipleChoiceField(
        label="Groups of jurors by", required=False, widget=forms.CheckboxSelectMultiple
    )
    weighted_by = forms.MultipleChoiceField(
        label="Weight jurors to the population's shares of",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    least = forms.IntegerField(
        label="Fewest people of a group",
        initial=5,
        min_value=1,
        help_text="A group with fewer answers to a question is left out of it.",
    )
    prompts = forms.IntegerField(
        label="Prompts a question", initial=5, min_value=1, max_value=60,
        help_text="Each with other answers to the worked questions, drawn at random.",
    )  # fmt: skip
    orders = forms.IntegerField(
        label="Orders of the options", initial=1, min_value=1, max_value=120,
        help_text="1: as given. More: averaged, with how much the order matters.",
    )  # fmt: skip
    samples = forms.IntegerField(
        label="Sampled answers a question", initial=20, min_value=1, max_value=1000
    )
    temperature = forms.FloatField(
        label="Temperature", initial=1.0, min_value=0, max_value=2, help_text="Of sampled answers."
    )
    most = forms.IntegerField(
        label="At most so many questions", initial=0, min_value=0, help_text="0: all of them."
    )
    seed = forms.IntegerField(label="Seed", initial=0, min_value=0, max_value=2**31 - 1)
    bootstraps = forms.IntegerField(
        label="Resamples for intervals", initial=1000, min_value=0, max_value=20000
    )
    smoothing = forms.FloatField(
        label="Smoothing of KL", initial=0.0, min_value=0, max_value=1,
        help_text="Added to every probability. 0: KL is ∞ where the model gives an option nothing.",
    )  # fmt: skip
    ties = forms.ChoiceField(
        label="Ties of the most frequent answer", choices=[(rule, rule) for rule in TieRule]
    )
    ordinal = forms.BooleanField(
        label="The options stand in an order",
        required=False,
        help_text="Adds Wasserstein-1, by the options' codes or else 1, 2, 3.",
    )
    refusals = LinesField(
        label="Options outside the order",
        rows=2,
        help_text="One a line, such as Don't know.",
    )
    PEOPLE = (
        "people", "people_file", "counts", "leave_out", "groups_wanted", "respondents", "by",
        "weighted_by", "least",
    )  # fmt: skip
    ASKED = ("prompts", "orders", "samples", "temperature", "most", "seed")
    COUNTED = ("bootstraps", "smoothing", "ties", "ordinal", "refusals")

    def __init__(self, *args: object, study: Study, **kwargs: object) -> None:
        super().__init__(*args, study=study, **kwargs)
        features = (
            Feature.objects.filter(pool=study.jury.pool_id)
            if study.jury
            else Feature.objects.none()
        )
        for name in ("by", "weighted_by"):
            self._offer(name, [(feature.name, feature.name) for feature in features])

    def clean(self) -> dict[str, Any]:
        """Read the file, so that what is wrong with it is told here."""
        cleaned = self.cleaned_data
        if cleaned.get("people") == "file" and not self.errors:
            content = self._content("people_file")
            if content is None and "people_file" not in self.errors:
                self.add_error("people_file", "Choose the file.")
            elif content is not None:
                self._check_people(content)
        return super().clean()

    def _check_people(self, content: tuple[str, bytes]) -> None:
        try:
            read = parse_people(
                content[1],
                file=content[0],
                counts=self.cleaned_data["counts"],
                leave_out=self.cleaned_data["leave_out"],
            )
        except InvalidBenchmarkFile as problem:
            self._tell("people_file", problem)
            return
        unknown = [g for g in self.cleaned_data["groups_wanted"] if g not in read.groups]
        if unknown:
            there = ", ".join(read.groups[:12]) + (" ..." if len(read.groups) > 12 else "")
            self.add_error(
                "groups_wanted", f"The file has no group {unknown[0]!r}. It has: {there}."
            )
        self.read_files["people"] = content

    def people_of(self) -> People:
        """Whose answers."""
        cleaned = self.cleaned_data
        from_file = cleaned["people"] == "file"
        return People(
            source=cleaned["people"],
            groups=cleaned["groups_wanted"] if from_file else (),
            by=() if from_file else tuple(cleaned["by"]),
            weighted_by=() if from_file else tuple(cleaned["weighted_by"]),
            counts=from_file and cleaned["counts"],
            respondents=cleaned["respondents"] if from_file else None,
            least=cleaned["least"],
            leave_out=from_file and cleaned["leave_out"],
        )

    def asking_of(self) -> Asking:
        """How models are asked."""
        cleaned = self.cleaned_data
        return Asking(
            **{
                name: cleaned[name]
                for name in ("prompts", "orders", "samples", "temperature", "seed")
            }
        )

    def measuring_of(self) -> Measuring:
        """How distances are counted."""
        cleaned = self.cleaned_data
        return Measuring(
            smoothing=cleaned["smoothing"],
            ties=cleaned["ties"],
            bootstraps=cleaned["bootstraps"],
            ordinal=cleaned["ordinal"],
            refusals=cleaned["refusals"],
        )

    def chosen(self) -> tuple[str, ...]:
        """Public ids of the models."""
        return tuple(str(model.public_id) for model in self.cleaned_data["models"])
