"""The study as a researcher writes it: its texts, its jury, how queries are given out."""

from typing import Any

from django import forms

from annotations.models import Study, StudyRole
from annotations.services.studies import problems_of_change


class StudyForm(forms.ModelForm[Study]):
    """All of a study but its state, which has buttons of its own."""

    slug = forms.SlugField(
        max_length=80,
        required=False,
        help_text="Part of file names and exports; made from the title if empty.",
    )

    class Meta:
        model = Study
        fields = (
            "title", "slug", "description", "jury", "consent_text", "consent_version",
            "instructions", "quiz_tries", "quiz_must_be_right", "debrief", "completion_code",
            "contact", "licence",
            "assignment_mode", "overlap", "queries_per_juror", "lease_minutes", "order_seed",
            "next_item",
            "is_simulated",
        )  # fmt: skip
        help_texts = {
            "consent_version": "Jurors are asked again when it changes. Changed text needs a "
            "version that nobody has agreed to yet.",
            "lease_minutes": "How long a query is held for a juror whose page stays silent; "
            "afterwards another may get it.",
            "order_seed": "The order of queries and the sides of pairs follow from it. "
            "Fixed once a juror has joined.",
            "jury": "Those who are asked. Fixed once a juror has joined.",
            "quiz_tries": "How often a juror may answer each question of the quiz; after the last "
            "try the right answer is shown and she goes on. The result is reported to you.",
            "completion_code": "Shown with the thanks, for panels that pay by code.",
            "is_simulated": "The jurors are made up; every page and export says so.",
        }

    def clean(self) -> dict[str, Any]:
        """What no field can say alone."""
        cleaned = super().clean() or {}
        by_overlap = cleaned.get("assignment_mode") == Study.AssignmentMode.OVERLAP
        if by_overlap and not cleaned.get("overlap"):
            self.add_error("overlap", "Say to how many jurors each query goes, at least 1.")
        for name in ("queries_per_juror", "lease_minutes"):
            if name in cleaned and cleaned[name] == 0:
                self.add_error(name, "This must be at least 1.")
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # Django's, but not in the stubs
        if self.instance.pk and not self.errors:
            before = Study.objects.get(pk=self.instance.pk)
            for field, message in problems_of_change(before=before, after=self.instance).items():
                self.add_error(field, message)


class StudyRoleForm(forms.ModelForm[StudyRole]):
    """A researcher and what she may do."""

    class Meta:
        model = StudyRole
        fields = ("user", "role")

    def clean(self) -> dict[str, Any]:
        """A row keeps its person, so that the log says who came and who went."""
        cleaned = super().clean() or {}
        if self.instance.pk and cleaned.get("user") and "user" in self.changed_data:
            self.add_error("user", "Remove this role and add another one for the other person.")
        return cleaned


class StudyRoleFormSet(forms.BaseInlineFormSet[StudyRole, Study, StudyRoleForm]):
    """The roles of a study; one owner at least."""

    def clean(self) -> None:
        """Refuse to leave the study without an owner."""
        super().clean()
        if any(self.errors):
            return
        kept = [
            form.cleaned_data.get("role")
            for form in self.forms
            if form.cleaned_data and not form.cleaned_data.get("DELETE")
        ]
        if StudyRole.Role.OWNER not in kept:
            raise forms.ValidationError(
                "A study needs an owner. Make somebody an owner before you take this role away."
            )
