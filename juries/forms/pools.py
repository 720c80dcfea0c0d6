"""A pool's settings, and uploads into a pool."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from juries.models import Pool
from juries.services.pools import EDITABLE, problems_of_change
from juries.services.uploads import PoolFiles

MOST_BYTES = 64 * 1024 * 1024


class PoolForm(forms.ModelForm[Pool]):
    """A pool's settings; refuses what would change what volunteers have agreed to."""

    class Meta:
        model = Pool
        fields = EDITABLE

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # Django's, but not in the stubs
        if self.errors or not self.instance.pk or not self.has_changed():
            return
        before = Pool.objects.get(pk=self.instance.pk)
        for field, reason in problems_of_change(before=before, after=self.instance).items():
            self.add_error(field, reason)


class PoolFilesForm(forms.Form):
    """The three CSV files."""

    categories = forms.FileField(
        label="categories.csv", help_text="category,name,min,max: features, values and bounds."
    )
    respondents = forms.FileField(
        label="respondents.csv",
        help_text="A row for each person: an id, a column for each feature, and if known email, "
        "name and household.",
    )
    population = forms.FileField(
        label="population.csv",
        required=False,
        help_text="feature,value,share: what the pool is compared with.",
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what no pool needs."""
        cleaned = super().clean() or {}
        for name, upload in cleaned.items():
            if isinstance(upload, UploadedFile) and (upload.size or 0) > MOST_BYTES:
                self.add_error(name, f"The file has {upload.size} bytes; at most {MOST_BYTES}.")
        return cleaned

    def files_read(self) -> PoolFiles:
        """The contents; after `is_valid`."""
        population = self.cleaned_data.get("population")
        return PoolFiles(
            categories=self.cleaned_data["categories"].read(),
            respondents=self.cleaned_data["respondents"].read(),
            population=population.read() if population else None,
        )


class CategoriesForm(forms.Form):
    """A categories.csv whose bounds become a jury's quotas."""

    categories = forms.FileField(label="categories.csv")
