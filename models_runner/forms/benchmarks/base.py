"""What every form of a benchmark shares."""

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.forms.forms import DeclarativeFieldsMetaclass

from annotations.models import Study
from models_runner.domain.benchmark_definition import Definition, InvalidDefinition
from models_runner.domain.benchmark_files.declared import InvalidDeclaration
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.objectives.table import InvalidObjectives

MOST_BYTES = 20 * 2**20
MOST_TOLD = 5


@dataclass(frozen=True)
class Declared:
    """What a valid form asks for."""

    name: str
    definition: Definition
    files: Mapping[str, tuple[str, bytes]]


class _AbstractForms(DeclarativeFieldsMetaclass, ABCMeta):
    """Forms whose abstract methods must be there before one can be made."""


class BenchmarkForm(forms.Form, metaclass=_AbstractForms):
    """A name; what every kind of benchmark shares."""

    groups: Sequence[tuple[str, Sequence[str]]] = ()
    name = forms.CharField(label="Name", max_length=120)

    def __init__(self, *args: object, study: Study, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through untouched
        self.study = study
        self.read_files: dict[str, tuple[str, bytes]] = {}

    def field_groups(self) -> list[tuple[str, list[forms.BoundField], bool]]:
        """Titles, their fields, and whether they stand open: where something is wrong or first."""
        return [
            (
                title,
                [self[name] for name in names],
                not place or any(n in self.errors for n in names),
            )
            for place, (title, names) in enumerate(self.groups)
        ]

    @abstractmethod
    def define(self) -> Definition:
        """The definition that the cleaned fields make. Raises InvalidDefinition."""

    def declared(self) -> Declared:
        """After validation."""
        return Declared(self.cleaned_data["name"], self.define(), self.read_files)

    def clean(self) -> dict[str, Any]:
        """Every field is fine; now they must fit together."""
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.define()
            except (InvalidDefinition, InvalidDeclaration, InvalidObjectives) as problem:
                raise forms.ValidationError(str(problem)) from problem
        return cleaned

    def _offer(self, field: str, choices: Sequence[tuple[str, str]]) -> None:
        """Choices that depend on the study."""
        choice = self.fields[field]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = choices

    def _content(self, field: str) -> tuple[str, bytes] | None:
        file = self.cleaned_data.get(field)
        if not isinstance(file, UploadedFile):
            return None
        if (file.size or 0) > MOST_BYTES:
            self.add_error(field, f"The file has {file.size} bytes; at most {MOST_BYTES} are read.")
            return None
        return file.name or field, file.read()

    def _tell(self, field: str, problem: InvalidBenchmarkFile) -> None:
        for one in problem.problems[:MOST_TOLD]:
            self.add_error(field, str(one))
        more = len(problem.problems) - MOST_TOLD + problem.omitted
        if more > 0:
            self.add_error(field, f"And {more} more.")
