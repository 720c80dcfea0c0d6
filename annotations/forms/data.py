"""Forms for data out and in."""

from typing import Any

from django import forms

from annotations.models import Study
from annotations.ports import ExportOptions
from annotations.services.table_files import FORMATS


class ExportForm(forms.Form):
    """What goes into an export."""

    formats = forms.MultipleChoiceField(
        label="Formats",
        choices=(("parquet", "Parquet"), ("jsonl", "JSON Lines"), ("csv", "CSV")),
        initial=list(FORMATS),
        widget=forms.CheckboxSelectMultiple,
        help_text="Each table is written once in each format.",
    )
    suppress_below = forms.IntegerField(
        label="Smallest group shown",
        min_value=0,
        max_value=1000,
        initial=0,
        required=False,
        help_text=(
            "Traits are blanked until every combination is shared by so many jurors. "
            "0 shows all traits."
        ),
    )
    include_history = forms.BooleanField(
        label="What jurors have since changed",
        initial=True,
        required=False,
        help_text="Keeps earlier ratings; the column is_current tells them apart.",
    )
    include_predicted = forms.BooleanField(
        label="What models predict",
        initial=True,
        required=False,
        help_text="In tables of their own, marked as predicted.",
    )
    language = forms.RegexField(
        r"^[a-z]{2,3}$",
        label="Language of the texts",
        required=False,
        max_length=3,
        help_text="ISO 639 code for the dataset card, such as en. Empty: not declared.",
        error_messages={"invalid": "Give a code of two or three small letters, such as en."},
    )

    def clean_suppress_below(self) -> int:
        """An empty field shows all traits."""
        return int(self.cleaned_data["suppress_below"] or 0)

    def options(self) -> ExportOptions:
        """The options of a valid form."""
        return ExportOptions(
            suppress_below=self.cleaned_data["suppress_below"],
            include_predicted=self.cleaned_data["include_predicted"],
            include_history=self.cleaned_data["include_history"],
            language=self.cleaned_data["language"],
        )


class BundleForm(forms.Form):
    """A bundle to bring in."""

    bundle = forms.FileField(
        label="Bundle",
        help_text="The zip of an export.",
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,application/zip"}),
    )
    slug = forms.SlugField(
        label="Short name",
        required=False,
        max_length=80,
        help_text=(
            "For the study's address. Empty: the one in the bundle. Give a new one to make a "
            "copy of a study that is already here."
        ),
    )

    def clean_slug(self) -> str:
        """One that no study has."""
        slug = str(self.cleaned_data["slug"])
        if slug and Study.objects.filter(slug=slug).exists():
            raise forms.ValidationError(
                "A study has the short name %(slug)s already.", params={"slug": slug}
            )
        return slug

    def clean_bundle(self) -> Any:
        """A zip by its first bytes."""
        upload = self.cleaned_data["bundle"]
        head = upload.read(4)
        upload.seek(0)
        if head != b"PK\x03\x04":
            raise forms.ValidationError("This is no zip file. Upload the zip of an export.")
        return upload
