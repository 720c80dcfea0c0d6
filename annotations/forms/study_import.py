"""Bringing queries and responses in: the file, then which column holds what."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from annotations.domain.tables import ENCODINGS, QUERY_FIELDS
from annotations.services.query_import import guessed_mapping

MOST_BYTES = 200 * 1024 * 1024

FIELD_WORDS: Mapping[str, tuple[str, str]] = {
    "query_id": ("Id of the query", "The same in each row of the same query."),
    "query": ("Text of the query", ""),
    "source": ("Source of the response", "Who or what answered, such as a model's name."),
    "revision": ("Revision of the source", ""),
    "response_id": ("Id of the response", "Made from the row if no column holds it."),
    "response": ("Text of the response", "Leave it out where the table has queries alone."),
    "options": ("Options to choose from", "“yes|no|perhaps”, or a JSON list."),
    "expected": (
        "What a check asks for",
        "“helpful = 2; fair = 1”, in rows of queries that tell jurors what to answer.",
    ),
    "repeats": (
        "Query that a check puts again",
        "The id of the other query; its options and responses are copied.",
    ),
}
NEEDED = ("query_id", "query")

# Headings that other tools give to the same things.
_ALIKE: Mapping[str, Sequence[str]] = {
    "query_id": ("id", "qid", "question_id", "prompt_id", "item_id", "instance_id"),
    "query": ("question", "prompt", "query_text", "text", "instruction"),
    "source": ("model", "system", "source_name", "author", "model_name"),
    "revision": ("version", "model_revision", "source_revision"),
    "response_id": ("answer_id", "completion_id", "output_id"),
    "response": ("answer", "completion", "output", "response_text", "reply"),
    "options": ("choices", "answers"),
}


def guess(columns: Sequence[str]) -> dict[str, str]:
    """The likely column of each field: of the same name, or else of a kindred one."""
    found = dict(guessed_mapping(columns))
    by_name = {column.strip().lower().replace(" ", "_").replace("-", "_"): column
               for column in reversed(columns)}  # fmt: skip
    for field in QUERY_FIELDS:
        for name in _ALIKE.get(field, ()):
            if field not in found and name in by_name and by_name[name] not in found.values():
                found[field] = by_name[name]
    return found


class UploadForm(forms.Form):
    """The file and, where it is not UTF-8, its encoding."""

    table = forms.FileField(
        label="CSV or JSON Lines",
        help_text="One row a response, or one row a query. The first row of a CSV names columns.",
    )
    encoding = forms.ChoiceField(
        choices=[("", "UTF-8, or as its first bytes say"), *((name, name) for name in ENCODINGS)],
        required=False,
    )

    def clean_table(self) -> Any:
        """Not larger than one page can read."""
        upload = self.cleaned_data["table"]
        if upload.size > MOST_BYTES:
            raise forms.ValidationError(
                f"The file has {upload.size / 1e6:.0f} MB; at most {MOST_BYTES / 1e6:.0f} can be "
                "uploaded. Use the command import_queries for more."
            )
        return upload


class MappingForm(forms.Form):
    """Which column holds which field."""

    def __init__(self, columns: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in QUERY_FIELDS:
            label, words = FIELD_WORDS.get(name, (name, ""))
            self.fields[name] = forms.ChoiceField(
                label=label,
                help_text=words,
                required=name in NEEDED,
                choices=[("", "no column"), *((column, column) for column in columns)],
                error_messages={"required": "Say which column holds it."},
            )

    def clean(self) -> dict[str, Any]:
        """Responses come from a source; no column holds two things."""
        cleaned = super().clean() or {}
        if cleaned.get("response") and not cleaned.get("source"):
            self.add_error("source", "A response comes from a source; say which column names it.")
        chosen = [column for column in cleaned.values() if column]
        twice = sorted({column for column in chosen if chosen.count(column) > 1})
        if twice:
            raise forms.ValidationError(f"The column {twice[0]!r} is chosen for two things.")
        return cleaned

    def mapping(self) -> dict[str, str]:
        """Field to column, for those that have one."""
        return {name: column for name, column in self.cleaned_data.items() if column}
