"""A benchmark of several objectives."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from annotations.models import Criterion, Study
from models_runner.domain.benchmark_definition import (
    DeclaredObjective,
    Definition,
    ObjectivesDefinition,
)
from models_runner.domain.benchmark_files.declared import declared_objectives
from models_runner.domain.benchmark_files.matrices import parse_matrix, parse_replicates
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.objectives.commensuration import commensurating_function
from models_runner.domain.objectives.table import InvalidObjectives
from models_runner.forms.benchmarks.base import BenchmarkForm
from models_runner.forms.benchmarks.fields import AlphaField, LinesField

COVERAGE = ("coverage", "precision", "accuracy", "f1", "weighted_coverage")


class ObjectivesForm(BenchmarkForm):
    """Several objectives over the study's sources, or over the rows of a file."""

    objectives = forms.MultipleChoiceField(
        label="Objectives of the study",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Each with its declared worst and best: the scale's ends, or 0 and 1.",
    )
    alpha = AlphaField(
        label="α of the welfare",
        initial="1",
        help_text="0 the mean, 1 the geometric mean; the larger, the more the worst-off count; "
        "inf the worst-off juror alone.",
    )
    values_file = forms.FileField(
        label="File with more objectives",
        required=False,
        help_text="CSV or JSON: a column `model` and one for each objective.",
    )
    replicates_file = forms.FileField(
        label="Its resamples",
        required=False,
        help_text="The same with a column `replicate`, for chances and intervals.",
    )
    directions = LinesField(
        label="Directions of the file's objectives",
        rows=2,
        help_text="One a line, NAME=higher or NAME=lower. Higher is better unless said.",
    )
    ranges = LinesField(
        label="Ranges of the file's objectives",
        rows=2,
        help_text="One a line, NAME=WORST:BEST. Needed to join objectives.",
    )
    functions = LinesField(
        label="Ways to join the objectives",
        initial="linear\nminimum\ngeometric\nalpha:2",
        rows=5,
        help_text="One a line: linear, single:NAME, minimum, geometric, alpha:A; with weights as "
        "in linear:NAME=.8,OTHER=.2.",
    )
    bootstraps = forms.IntegerField(label="Resamples", initial=500, min_value=0, max_value=20000)
    seed = forms.IntegerField(label="Seed", initial=0, min_value=0, max_value=2**31 - 1)
    FILES = ("values_file", "replicates_file", "directions", "ranges")
    groups: Sequence[tuple[str, Sequence[str]]] = (
        ("What", ("name", "objectives", "alpha", "functions")),
        ("Objectives from a file", FILES),
        ("How intervals are found", ("bootstraps", "seed")),
    )

    def __init__(self, *args: object, study: Study, **kwargs: object) -> None:
        super().__init__(*args, study=study, **kwargs)
        self.columns: tuple[str, ...] = ()
        of_ratings = [
            (f"{source}:{own.key}", f"{label} {own.name.lower()}")
            for own in study.criteria.all()
            for source, label in (
                ("criterion", "mean rating,"),
                ("predicted", "mean rating, said and predicted,"),
                ("welfare", "jury welfare by"),
            )
        ]
        of_coverage = [
            (f"coverage:{name}", f"Overton {name.replace('_', ' ')}") for name in COVERAGE
        ]
        self._offer("objectives", [*of_ratings, *of_coverage])

    def clean(self) -> dict[str, Any]:
        """The files, then everything together."""
        content = self._content("values_file")
        if content is not None:
            try:
                matrix = parse_matrix(content[1], file=content[0], key="model")
                self.columns = matrix.columns
                self.read_files["values"] = content
                copies = self._content("replicates_file")
                if copies is not None:
                    parse_replicates(copies[1], file=copies[0], matrix=matrix, key="model")
                    self.read_files["replicates"] = copies
            except InvalidBenchmarkFile as problem:
                field = "replicates_file" if self.columns else "values_file"
                self._tell(field, problem)
        return super().clean()

    def declared_objectives(self) -> tuple[DeclaredObjective, ...]:
        """Those of the study that were ticked, then the file's columns."""
        criteria = {own.key: own for own in self.study.criteria.all()}
        found = [
            _offered(text, criteria, self.cleaned_data["alpha"])
            for text in self.cleaned_data["objectives"]
        ]
        if self.columns:
            found += [
                DeclaredObjective(
                    name=one.name,
                    source="file",
                    direction=str(one.direction),
                    worst=one.worst,
                    best=one.best,
                )
                for one in declared_objectives(
                    self.columns,
                    directions=self.cleaned_data["directions"],
                    ranges=self.cleaned_data["ranges"],
                    called=("Directions:", "Ranges:"),
                )
            ]
        return tuple(found)

    def functions_of(self, objectives: Sequence[DeclaredObjective]) -> tuple[str, ...]:
        """The functions, each of which must fit the objectives. Raises InvalidObjectives."""
        if not objectives:
            raise InvalidObjectives(
                "Nothing is to be measured: tick an objective, or give a file with a column each."
            )
        found: tuple[str, ...] = self.cleaned_data["functions"]
        for text in found:
            commensurating_function(text, names=[objective.name for objective in objectives])
        return found

    def define(self) -> Definition:
        """As declared."""
        objectives = self.declared_objectives()
        return ObjectivesDefinition(
            objectives=objectives,
            functions=self.functions_of(objectives),
            bootstraps=self.cleaned_data["bootstraps"],
            seed=self.cleaned_data["seed"],
        )


def _offered(text: str, criteria: Mapping[str, Criterion], alpha: float) -> DeclaredObjective:
    """An objective of the study, by what its box is called."""
    source, _, name = text.partition(":")
    if source == "coverage":
        return DeclaredObjective(name=name, source=source, measure=name, worst=0.0, best=1.0)
    criterion = criteria[name]
    on_scale = source != "welfare"
    return DeclaredObjective(
        name={"criterion": name, "predicted": f"predicted {name}", "welfare": f"welfare {name}"}[
            source
        ],
        source=source,
        criterion=name,
        alpha=alpha if source == "welfare" else 0.0,
        worst=criterion.low if on_scale else 0.0,
        best=criterion.high if on_scale else 1.0,
    )
