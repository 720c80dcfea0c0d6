"""A benchmark of steering to attributes."""

import csv
import io
from typing import Any

from django import forms

from annotations.models import Study
from annotations.selectors.sources import source_labels
from models_runner.domain.benchmark_definition import (
    DeclaredAttribute,
    Definition,
    InvalidDefinition,
    SteerableDefinition,
)
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.benchmark_files.stances import parse_stances
from models_runner.domain.steering.attributes import (
    Attribute,
    DeniedAttribute,
    InvalidAttribute,
    refuse_denied,
)
from models_runner.forms.benchmarks.asking import AskingForm
from models_runner.forms.benchmarks.fields import LinesField, OfferedModelsField

ATTRIBUTE_COLUMNS = (
    "names", "description", "statement", "group", "criterion", "source", "examples",
)  # fmt: skip


class SteerableForm(AskingForm):
    """Steering to attributes."""

    models = OfferedModelsField(
        required=False,
        help_text="None where the study's sources are judged.",
    )
    attributes = forms.CharField(
        label="Attributes",
        widget=forms.Textarea(attrs={"rows": 6}),
        initial=",".join(ATTRIBUTE_COLUMNS),
        help_text="A table with commas, its first line as it stands here. names: one, or several "
        "joined by & for all of them at once. description: as in 'a person who values rest'. "
        "statement: what a response of it would say. group: of the people, or of jurors as "
        "FEATURE: VALUE. criterion: its key. source: whose responses are steered to it. "
        "examples: QUESTION => ANSWER, "
        "with | between them.",
    )
    denied = LinesField(
        label="Never steer to",
        rows=3,
        help_text="One a line, NAMES: REASON. A benchmark with one of them is refused.",
    )
    judged_by = forms.ChoiceField(
        label="Who judges",
        widget=forms.RadioSelect,
        initial="group",
        choices=(
            ("group", "the group's distribution over the options of questions"),
            ("entailment", "whether responses express the attribute's statement"),
            ("reward", "what the jurors of the group would say, by the reward model"),
            ("stances", "a file of the stances that attributes take"),
            ("jurors", "jurors' ratings on the attribute's criterion"),
        ),
    )
    conditioning = forms.ChoiceField(
        label="How models are steered",
        choices=(
            ("system", "system message"),
            ("persona", "persona before the prompt"),
            ("few_shot", "the attribute's examples before the prompt"),
            ("prefix", "the answer's beginning is given"),
        ),
    )
    criterion = forms.ChoiceField(
        label="Criterion", required=False, help_text="For what jurors of a group would say."
    )
    unsteered_source = forms.ChoiceField(
        label="Source that was not steered",
        required=False,
        help_text="Where the study's responses are judged.",
    )
    stances_file = forms.FileField(
        label="File of stances",
        required=False,
        help_text="CSV or JSON with situation, attribute and stance: support, oppose or either.",
    )
    groups = (
        ("What", ("name", "attributes", "denied", "judged_by", "models", "conditioning")),
        ("Where the study's responses are judged", ("criterion", "unsteered_source")),
        ("A file of stances", ("stances_file",)),
        ("People", AskingForm.PEOPLE),
        ("How models are asked", AskingForm.ASKED),
        ("How distances are counted", AskingForm.COUNTED),
    )

    def __init__(self, *args: object, study: Study, **kwargs: object) -> None:
        super().__init__(*args, study=study, **kwargs)
        criteria = [(own.key, own.name) for own in study.criteria.all()]
        labels = sorted(source_labels(study_id=study.pk).values())
        self._offer("criterion", [("", "none"), *criteria])
        self._offer("unsteered_source", [("", "none"), *((own, own) for own in labels)])

    def clean(self) -> dict[str, Any]:
        """The file of stances, then everything together."""
        if self.cleaned_data.get("judged_by") == "stances" and not self.errors:
            content = self._content("stances_file")
            if content is None:
                self.add_error("stances_file", "Choose the file.")
            else:
                try:
                    parse_stances(content[1], file=content[0])
                except InvalidBenchmarkFile as problem:
                    self._tell("stances_file", problem)
                else:
                    self.read_files["stances"] = content
        return super().clean()

    def clean_attributes(self) -> tuple[DeclaredAttribute, ...]:
        """A row for each."""
        rows = csv.DictReader(io.StringIO(self.cleaned_data["attributes"]), skipinitialspace=True)
        columns = [column.strip() for column in rows.fieldnames or ()]
        strangers = [column for column in columns if column not in ATTRIBUTE_COLUMNS]
        if "names" not in columns or strangers:
            raise forms.ValidationError(
                f"The first line is {','.join(columns)!r}; write {','.join(ATTRIBUTE_COLUMNS)}, or"
                " some of them, names among them."
            )
        found = []
        for number, row in enumerate(rows, 2):
            if None in row:
                raise forms.ValidationError(
                    f"Line {number} has more cells than the first line. Put a text with commas in"
                    ' "quotes".'
                )
            cells = {name.strip(): (cell or "").strip() for name, cell in row.items() if name}
            names = tuple(part.strip() for part in cells.pop("names").split("&"))
            found.append(
                DeclaredAttribute(
                    names=names,
                    description=cells.get("description", ""),
                    statement=cells.get("statement", ""),
                    group=cells.get("group", ""),
                    criterion=cells.get("criterion", ""),
                    source=cells.get("source", ""),
                    examples=_examples(cells.get("examples", ""), number),
                )
            )
        if not found:
            raise forms.ValidationError("Name at least one attribute below the first line.")
        return tuple(found)

    def clean_denied(self) -> dict[str, str]:
        """Names to reason."""
        found = {}
        for line in self.cleaned_data["denied"]:
            names, colon, reason = line.partition(":")
            if not colon or not names.strip():
                raise forms.ValidationError(f"{line!r} must be written NAMES: REASON.")
            found[names.strip()] = reason.strip()
        return found

    def define(self) -> Definition:
        """As declared; an attribute that is denied is refused here already."""
        cleaned = self.cleaned_data
        try:
            refuse_denied(
                [Attribute.of(*one.names) for one in cleaned["attributes"]],
                denied={
                    Attribute.of(*names.split("&")): reason
                    for names, reason in cleaned["denied"].items()
                },
            )
        except (InvalidAttribute, DeniedAttribute) as problem:
            raise InvalidDefinition(str(problem)) from problem
        return SteerableDefinition(
            attributes=cleaned["attributes"],
            judged_by=cleaned["judged_by"],
            models=self.chosen(),
            conditioning=cleaned["conditioning"],
            denied=cleaned["denied"],
            criterion=cleaned["criterion"],
            unsteered_source=cleaned["unsteered_source"],
            people=self.people_of(),
            asking=self.asking_of(),
            measuring=self.measuring_of(),
            most=cleaned["most"],
        )


def _examples(text: str, line: int) -> tuple[tuple[str, str], ...]:
    """Questions and answers written as QUESTION => ANSWER | QUESTION => ANSWER."""
    found = []
    for part in text.split("|") if text else ():
        question, arrow, answer = (piece.strip() for piece in part.partition("=>"))
        if not arrow or not question or not answer:
            raise forms.ValidationError(
                f"Line {line}: the example {part.strip()!r} must be written QUESTION => ANSWER."
            )
        found.append((question, answer))
    return tuple(found)
